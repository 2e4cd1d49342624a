/*
 * stream_write.c - writing to descriptors, without a buffer: all of it.
 */
#include <errno.h>

#include "base/misuse.h"
#include "io/stream.h"
#include "io/stream_user.h"

/* One attempt makes calls until the kernel takes no more. A call has at most CALL_PARTS_MAX parts. */
enum { CALL_BYTES_MAX = 1 << 30, CALL_PARTS_MAX = 64 };

static int attempt_write(bide_io *io)
{
	while (io->arguments.write.left_bytes > 0) {
		struct iovec part = { (void *)(uintptr_t)io->arguments.write.from,
			                  io->arguments.write.left_bytes };
		size_t done;
		int error;

		if (part.iov_len > CALL_BYTES_MAX)
			part.iov_len = CALL_BYTES_MAX;
		error = bide_stream_send_(io->handle, &part, 1, &done);
		if (error)
			return error;
		io->arguments.write.from += done;
		io->arguments.write.left_bytes -= done;
	}
	bide_stream_of_(io->handle)->written_bytes = io->arguments.write.size_bytes;
	io->operation.source.payload.i = (int64_t)io->arguments.write.size_bytes;
	return 0;
}

static int attempt_write_vector(bide_io *io)
{
	for (;;) {
		struct iovec parts[CALL_PARTS_MAX];
		size_t count =
			bide_stream_parts_rest_(io->arguments.vector.parts, io->arguments.vector.count,
		                            io->arguments.vector.done_bytes, parts, CALL_PARTS_MAX);
		size_t done;
		int error;

		if (count == 0)
			break;
		error = bide_stream_send_(io->handle, parts, count, &done);
		if (error)
			return error;
		io->arguments.vector.done_bytes += done;
	}
	bide_stream_of_(io->handle)->written_bytes = io->arguments.vector.done_bytes;
	io->operation.source.payload.i = (int64_t)io->arguments.vector.done_bytes;
	return 0;
}

static void failed_after(bide_stream *stream, size_t done_bytes)
{
	stream->written_bytes = done_bytes;
	if (done_bytes > 0)
		stream->write_broken = true;
}

static void write_failed(bide_io *io, int error)
{
	(void)error;
	failed_after(bide_stream_of_(io->handle),
	             io->arguments.write.size_bytes - io->arguments.write.left_bytes);
}

static void write_vector_failed(bide_io *io, int error)
{
	(void)error;
	failed_after(bide_stream_of_(io->handle), io->arguments.vector.done_bytes);
}

static const bide_io_kind write_kind = {
	.type = BIDE_IO_TYPE_("bide_stream_write"),
	.side = BIDE_IO_OUT_,
	.attempt = attempt_write,
	.failed = write_failed,
};

static const bide_io_kind write_vector_kind = {
	.type = BIDE_IO_TYPE_("bide_stream_write_vector"),
	.side = BIDE_IO_OUT_,
	.attempt = attempt_write_vector,
	.failed = write_vector_failed,
};

/* Returns 0, or the error of a write that begins now. */
static int begin(bide_stream *stream, const char *what)
{
	int error = bide_stream_check_(stream, what);

	if (!error && stream->write_broken)
		error = EPIPE;
	return error;
}

bide_value_task bide_stream_write(bide_stream *stream, const void *from, size_t size_bytes)
{
	int error = begin(stream, "bide_stream_write");

	if (error)
		return bide_value_task_from_error(error);
	if ((!from && size_bytes > 0) || size_bytes > INT64_MAX) {
		bide_misuse_("bide_stream_write: %s", from ? "size_bytes is too large" : "from is NULL");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	stream->written_bytes = 0;
	if (size_bytes == 0)
		return bide_value_task_from_int(0);
	if (stream->type)
		return bide_stream_user_write_(stream, from, size_bytes);
	return bide_io_start_(&stream->handle, &write_kind,
	                      (bide_io_arguments){ .write = { from, size_bytes, size_bytes } });
}

bide_value_task bide_stream_write_vector(bide_stream *stream, const struct iovec *parts,
                                         size_t count)
{
	int error = begin(stream, "bide_stream_write_vector");

	if (error)
		return bide_value_task_from_error(error);
	error = bide_stream_parts_skip_(&parts, &count, "bide_stream_write_vector");
	if (error)
		return bide_value_task_from_error(error);
	stream->written_bytes = 0;
	if (count == 0)
		return bide_value_task_from_int(0);
	if (stream->type)
		return bide_stream_user_write_vector_(stream, parts, count);
	return bide_io_start_(&stream->handle, &write_vector_kind,
	                      (bide_io_arguments){ .vector = { parts, count, 0 } });
}
