/*
 * buffer_end.c - the end of a conversation.
 */
#define BIDE_OWN_(name) &name##_own_
#include <errno.h>

#include "base/own.h"
#include "context/context.h"
#include "io/buffer.h"
#include "io/stream.h"
#include "source/source.h"

enum { DROPPED_BYTES_MAX = 65536, DROPPING_MS_MAX = 1000 };

static bide_value_task started(bide_stream *stream, bide_value_task v)
{
	if (v.state != BIDE_ENOFRAME)
		return v;
	bide_buffer_unpin_(stream, BIDE_BUFFER_PIN_);
	return bide_value_task_from_error(ENOMEM);
}

/* Reads and drops. */
struct bide_stream_drop {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
	} in;
	char *data;
	size_t dropped_bytes, size_bytes;
};

static const bide_own_ bide_stream_drop_own_ = { .name = "bide_stream_end" };

bide_async(bide_stream_drop)
{
	bide_async_begin;
	while (my->dropped_bytes < DROPPED_BYTES_MAX) {
		bide_await(my->data, bide_stream_peek(my->in.stream, 1));
		if (!my->data)
			break;
		my->size_bytes = bide_stream_available(my->in.stream);
		bide_stream_consume(my->in.stream, my->size_bytes);
		my->dropped_bytes += my->size_bytes;
	}
bide_async_finally:
	bide_buffer_unpin_(my->in.stream, BIDE_BUFFER_PIN_);
	bide_async_end;
}

static bide_value_task drop(bide_stream *stream)
{
	bide_buffer_pin_(stream);
	return started(stream, bide_async_start(bide_stream_drop, .stream = stream));
}

struct bide_stream_end {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
	} in;
};

static const bide_own_ bide_stream_end_own_ = { .name = "bide_stream_end" };

bide_async(bide_stream_end)
{
	bide_async_begin;
	bide_await(bide_stream_finish(my->in.stream));
	/* What the peer still sends is of no interest, nor is how it ends. */
	bide_await_or(bide_with_timeout_ms(DROPPING_MS_MAX, drop(my->in.stream)), (void)0);
bide_async_finally:
	bide_buffer_unpin_(my->in.stream, BIDE_BUFFER_PIN_);
	bide_async_end;
}

bide_value_task bide_stream_end(bide_stream *stream)
{
	int error = bide_stream_check_(stream, "bide_stream_end");

	if (error)
		return bide_value_task_from_error(error);
	bide_buffer_pin_(stream);
	return started(stream, bide_async_start(bide_stream_end, .stream = stream));
}
