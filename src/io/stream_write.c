/*
 * stream_write.c - writing to descriptors, without a buffer: all of it.
 */
#define BIDE_OWN_(name) &name##_own_
#include <errno.h>

#include "base/misuse.h"
#include "base/own.h"
#include "context/context.h"
#include "io/buffer_wait.h"
#include "io/engine.h"
#include "io/stream.h"
#include "io/stream_user.h"

/*
 * One attempt makes calls until the kernel takes no more. A reader that is as fast as the writer,
 * or a file, could take all of it. So after ATTEMPT_BYTES_MAX other functions run first.
 */
enum { CALL_BYTES_MAX = 1 << 20, CALL_PARTS_MAX = 64, ATTEMPT_BYTES_MAX = 4 << 20 };

static int later(bide_io *io)
{
	io->is_later = true;
	return EAGAIN;
}

/* All of it has gone. */
static int written(bide_io *io)
{
	bide_stream_of_(io->handle)->written_bytes = io->arguments.write.size_bytes;
	io->operation.source.payload.i = (int64_t)io->arguments.write.size_bytes;
	return 0;
}

static int attempt_write(bide_io *io)
{
	for (size_t sent = 0; io->arguments.write.left_bytes > 0;) {
		size_t part = io->arguments.write.left_bytes;
		ssize_t done;

		if (part > CALL_BYTES_MAX)
			part = CALL_BYTES_MAX;
		done = bide_stream_send_part_(io->handle, io->arguments.write.from, part);
		if (done < 0)
			return (int)-done;
		io->arguments.write.from += done;
		io->arguments.write.left_bytes -= (size_t)done;
		sent += (size_t)done;
		if (sent >= ATTEMPT_BYTES_MAX && io->arguments.write.left_bytes > 0)
			return later(io);
	}
	return written(io);
}

static void request_write(const bide_io *io, bide_io_request *to)
{
	size_t part = io->arguments.write.left_bytes;

	to->opcode = BIDE_IO_SEND_;
	to->data = (void *)(uintptr_t)io->arguments.write.from;
	to->size_bytes = part > CALL_BYTES_MAX ? CALL_BYTES_MAX : part;
}

static int done_write(bide_io *io, int32_t result)
{
	if (result < 0)
		return (int)-bide_stream_sent_(io->handle, result);
	io->arguments.write.from += result;
	io->arguments.write.left_bytes -= (size_t)result;
	return io->arguments.write.left_bytes > 0 ? EAGAIN : written(io);
}

/* Returns how many of the parts one call sends; the last one of them is cut. */
static size_t cut(struct iovec *parts, size_t count)
{
	size_t room = CALL_BYTES_MAX, i;

	for (i = 0; i < count && room > 0; i++) {
		if (parts[i].iov_len > room)
			parts[i].iov_len = room;
		room -= parts[i].iov_len;
	}
	return i;
}

static int attempt_write_vector(bide_io *io)
{
	for (size_t sent = 0;;) {
		struct iovec parts[CALL_PARTS_MAX];
		size_t count =
			bide_stream_parts_rest_(io->arguments.vector.parts, io->arguments.vector.count,
		                            io->arguments.vector.done_bytes, parts, CALL_PARTS_MAX);
		size_t done;
		int error;

		if (count == 0)
			break;
		if (sent >= ATTEMPT_BYTES_MAX)
			return later(io);
		error = bide_stream_send_(io->handle, parts, cut(parts, count), &done);
		if (error)
			return error;
		io->arguments.vector.done_bytes += done;
		sent += done;
	}
	bide_stream_of_(io->handle)->written_bytes = io->arguments.vector.done_bytes;
	io->operation.source.payload.i = (int64_t)io->arguments.vector.done_bytes;
	return 0;
}

static void failed_after(bide_stream *stream, size_t done_bytes)
{
	stream->written_bytes = done_bytes;
	if (done_bytes > 0)
		(void)bide_stream_fail_(stream, BIDE_IO_OUT_, EPIPE);
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
	.request = request_write,
	.done = done_write,
	.failed = write_failed,
};

static const bide_io_kind write_vector_kind = {
	.type = BIDE_IO_TYPE_("bide_stream_write_vector"),
	.side = BIDE_IO_OUT_,
	.attempt = attempt_write_vector,
	.failed = write_vector_failed,
};

/* --- behind what was put --- */

static inline bide_value_task write_now(bide_stream *stream, const void *from, size_t size_bytes)
{
	if (stream->type)
		return bide_stream_user_write_(stream, from, size_bytes);
	bide_buffer_progress_(stream, &stream->buffer, BIDE_IO_OUT_);
	return bide_io_start_(&stream->handle, &write_kind,
	                      (bide_io_arguments){ .write = { from, size_bytes, size_bytes } });
}

static bide_value_task write_vector_now(bide_stream *stream, const struct iovec *parts,
                                        size_t count)
{
	if (stream->type)
		return bide_stream_user_write_vector_(stream, parts, count);
	bide_buffer_progress_(stream, &stream->buffer, BIDE_IO_OUT_);
	return bide_io_start_(&stream->handle, &write_vector_kind,
	                      (bide_io_arguments){ .vector = { parts, count, 0 } });
}

struct bide_write_behind {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
		const struct iovec *parts; /* if it is NULL, `only` is written */
		size_t count;
		struct iovec only;
	} in;
};

static const bide_own_ bide_write_behind_own_ = { .name = "bide_stream_write" };

bide_async(bide_write_behind)
{
	bide_async_begin;
	bide_await(bide_buffer_wait_(my->in.stream, 0));
	bide_async_return(my->in.parts
	                      ? write_vector_now(my->in.stream, my->in.parts, my->in.count)
	                      : write_now(my->in.stream, my->in.only.iov_base, my->in.only.iov_len));
bide_async_finally:
	bide_buffer_unpin_(my->in.stream, BIDE_BUFFER_WRITING_);
	bide_async_end;
}

static bide_value_task write_behind(bide_stream *stream, const struct iovec *parts, size_t count,
                                    struct iovec only)
{
	bide_value_task v;

	(void)bide_buffer_claim_(stream, BIDE_BUFFER_WRITING_);
	v = bide_async_start(bide_write_behind, .stream = stream, .parts = parts, .count = count,
	                     .only = only);
	if (v.state != BIDE_ENOFRAME)
		return v;
	bide_buffer_unpin_(stream, BIDE_BUFFER_WRITING_);
	return bide_value_task_from_error(BIDE_ENOMEM_);
}

static inline bool nothing_is_unsent(const bide_stream *stream)
{
	bool waits = BIDE_LOAD(&stream->buffer.pins, RELAXED) & BIDE_BUFFER_WRITING_;

	/* The error after the end of the send, which may have stored it. */
	return !waits && bide_buffer_is_clear_(&stream->buffer) &&
	       !bide_stream_failed_(stream, BIDE_IO_OUT_);
}

/*
 * Sends what was put. Returns 0 if nothing is unsent; EAGAIN if a send is under way; or the error
 * of a writing call.
 */
static int send_first(bide_stream *stream, const char *what)
{
	int error;

	if (BIDE_LIKELY(nothing_is_unsent(stream)))
		return 0;
	error = bide_buffer_free_to_write_(stream, what);
	if (!error)
		error = bide_context_current_error();
	return error ? error : bide_buffer_send_(stream);
}

static BIDE_COLD bide_value_task write_after(bide_stream *stream, const void *from,
                                             size_t size_bytes)
{
	int error = send_first(stream, "bide_stream_write");

	if (error == EAGAIN)
		return write_behind(stream, NULL, 0, (struct iovec){ (void *)(uintptr_t)from, size_bytes });
	return error ? bide_value_task_from_error(error) : write_now(stream, from, size_bytes);
}

/* Of a write that is refused, too, nothing has gone. */
static int begin(bide_stream *stream, const char *what)
{
	int error = bide_stream_check_(stream, what);

	if (error)
		return error;
	stream->written_bytes = 0;
	return bide_stream_failed_(stream, BIDE_IO_OUT_);
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
	if (size_bytes == 0)
		return bide_value_task_from_int(0);
	if (BIDE_LIKELY(nothing_is_unsent(stream)))
		return write_now(stream, from, size_bytes);
	return write_after(stream, from, size_bytes);
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
	if (count == 0)
		return bide_value_task_from_int(0);
	error = send_first(stream, "bide_stream_write_vector");
	if (error == EAGAIN)
		return write_behind(stream, parts, count, (struct iovec){ NULL, 0 });
	return error ? bide_value_task_from_error(error) : write_vector_now(stream, parts, count);
}
