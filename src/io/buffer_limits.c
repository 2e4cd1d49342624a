/*
 * buffer_limits.c - the limits of a stream.
 */
#include <errno.h>

#include "base/misuse.h"
#include "io/buffer.h"
#include "io/stream.h"

enum { LIMIT_MAX = 1 << 30 };

int bide_stream_set_limits(bide_stream *stream, size_t line_max_bytes, size_t put_max_bytes)
{
	int error = bide_stream_check_(stream, "bide_stream_set_limits");

	if (error)
		return error;
	if (line_max_bytes > LIMIT_MAX || put_max_bytes > LIMIT_MAX) {
		bide_misuse_("bide_stream_set_limits: a limit is above 1 GiB");
		return EINVAL;
	}
	stream->buffer.line_max_bytes = (uint32_t)line_max_bytes;
	stream->buffer.put_max_bytes = (uint32_t)put_max_bytes;
	return 0;
}

int bide_stream_set_idle(bide_stream *stream, int64_t timeout_ns)
{
	int error = bide_stream_check_(stream, "bide_stream_set_idle");

	if (error)
		return error;
	if (timeout_ns <= 0) {
		bide_misuse_("bide_stream_set_idle: timeout_ns is %lld; 1 or more and BIDE_FOREVER are "
		             "allowed",
		             (long long)timeout_ns);
		return EINVAL;
	}
	bide_buffer_idle_set_(stream, timeout_ns == BIDE_FOREVER ? 0 : timeout_ns);
	return 0;
}

void bide_stream_split(bide_stream *stream)
{
	if (!bide_stream_check_(stream, "bide_stream_split"))
		stream->buffer.split = true;
}
