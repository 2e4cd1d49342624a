/*
 * stream_read.c - reading from descriptors, without a buffer.
 */
#include <errno.h>

#include "base/misuse.h"
#include "io/engine.h"
#include "io/stream.h"
#include "io/stream_user.h"
#include "source/source.h"

/* A call moves no more than this, on any kernel. It takes no more parts. */
enum { CALL_BYTES_MAX = 1 << 30, CALL_PARTS_MAX = 1024 };

static int attempt_read(bide_io *io)
{
	size_t room = io->arguments.read.size_bytes;
	ssize_t done;

	if (room > CALL_BYTES_MAX)
		room = CALL_BYTES_MAX;
	done = bide_stream_receive_part_(io->handle, io->arguments.read.to, room);
	if (done < 0)
		return (int)-done;
	io->is_short = (size_t)done < room;
	io->operation.source.payload.i = done;
	return 0;
}

static void request_read(const bide_io *io, bide_io_request *to)
{
	size_t room = io->arguments.read.size_bytes;

	to->opcode = BIDE_IO_RECEIVE_;
	to->data = io->arguments.read.to;
	to->size_bytes = room > CALL_BYTES_MAX ? CALL_BYTES_MAX : room;
}

static int done_read(bide_io *io, int32_t result)
{
	result = (int32_t)bide_stream_received_(io->handle, result);
	if (result < 0)
		return -result;
	io->is_short = (size_t)result < io->arguments.read.size_bytes;
	io->operation.source.payload.i = result;
	return 0;
}

static int attempt_read_vector(bide_io *io)
{
	const struct iovec *parts = io->arguments.vector.parts;
	size_t count = io->arguments.vector.count, room = 0, done;
	int error;

	if (count > CALL_PARTS_MAX)
		count = CALL_PARTS_MAX;
	for (size_t i = 0; i < count; i++)
		room += parts[i].iov_len;
	error = bide_stream_receive_(io->handle, parts, count, &done);
	if (error)
		return error;
	io->is_short = done < room;
	io->operation.source.payload.i = (int64_t)done;
	return 0;
}

static const bide_io_kind read_kind = {
	.type = BIDE_IO_TYPE_("bide_stream_read"),
	.side = BIDE_IO_IN_,
	.attempt = attempt_read,
	.request = request_read,
	.done = done_read,
};

static const bide_io_kind read_vector_kind = {
	.type = BIDE_IO_TYPE_("bide_stream_read_vector"),
	.side = BIDE_IO_IN_,
	.attempt = attempt_read_vector,
};

/* An operation of a descriptor. If it waits, what was put is sent first. */
static bide_value_task start(bide_stream *stream, const bide_io_kind *kind,
                             bide_io_arguments arguments)
{
	bide_value_task v;

	bide_buffer_progress_(stream, &stream->buffer, BIDE_IO_IN_);
	v = bide_io_start_(&stream->handle, kind, arguments);
	if (bide_is_pending_(v))
		bide_buffer_waits_(stream);
	return v;
}

bide_value_task bide_stream_read_unchecked_(bide_stream *stream, void *to, size_t size_bytes)
{
	if (stream->head.at_ != stream->head.end_)
		return bide_value_task_from_int((int64_t)bide_buffer_take_(stream, to, size_bytes));
	if (stream->type)
		return bide_stream_user_read_(stream, to, size_bytes);
	return start(stream, &read_kind, (bide_io_arguments){ .read = { to, size_bytes } });
}

bide_value_task bide_stream_read(bide_stream *stream, void *to, size_t size_bytes)
{
	int error = bide_stream_begin_(stream, BIDE_IO_IN_, "bide_stream_read");

	if (error)
		return bide_value_task_from_error(error);
	if (!to && size_bytes > 0) {
		bide_misuse_("bide_stream_read: to is NULL");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	return size_bytes ? bide_stream_read_unchecked_(stream, to, size_bytes)
	                  : bide_value_task_from_int(0);
}

bide_value_task bide_stream_read_vector(bide_stream *stream, const struct iovec *parts,
                                        size_t count)
{
	int error = bide_stream_begin_(stream, BIDE_IO_IN_, "bide_stream_read_vector");

	if (error)
		return bide_value_task_from_error(error);
	error = bide_stream_parts_skip_(&parts, &count, "bide_stream_read_vector");
	if (error)
		return bide_value_task_from_error(error);
	if (count == 0)
		return bide_value_task_from_int(0);
	if (stream->head.at_ != stream->head.end_)
		return bide_value_task_from_int(
			(int64_t)bide_buffer_take_(stream, parts->iov_base, parts->iov_len));
	if (stream->type)
		return bide_stream_user_read_(stream, parts->iov_base, parts->iov_len);
	return start(stream, &read_vector_kind, (bide_io_arguments){ .vector = { parts, count, 0 } });
}
