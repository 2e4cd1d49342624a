/*
 * buffer_read.c - the reading calls that the buffer does not serve.
 *
 * On a descriptor, the attempt of the operation receives into a chunk, and looks for what is
 * wanted. So one record does both, and a stream that waits holds no more than what it has received.
 * A stream of the user's own is read by an async function.
 */
#define BIDE_OWN_(name) &name##_own_
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "base/misuse.h"
#include "base/own.h"
#include "context/context.h"
#include "io/buffer.h"
#include "io/side.h"
#include "io/stream.h"
#include "io/stream_user.h"
#include "source/source.h"

/* --- descriptors --- */

static int receive(bide_stream *stream, bide_io *io)
{
	struct iovec room;
	char *at;
	size_t size_bytes = 0;
	int error = bide_buffer_room_(stream, &at, &room.iov_len);

	if (error) {
		io->is_starved = error == EAGAIN;
		bide_buffer_settle_(stream, error == EAGAIN);
		return error;
	}
	room.iov_base = at;
	error = bide_stream_receive_(io->handle, &room, 1, &size_bytes);
	if (error) {
		bide_buffer_settle_(stream, false);
		return error;
	}
	io->is_short = size_bytes < room.iov_len;
	bide_buffer_received_(stream, size_bytes);
	return 0;
}

static int attempt(bide_io *io)
{
	bide_stream *stream = bide_stream_of_(io->handle);
	int error;

	for (;;) {
		error = bide_buffer_look_(stream, &io->arguments, &io->operation.source.payload);
		if (error != EAGAIN)
			break;
		error = receive(stream, io);
		if (error)
			return error;
	}
	if (!error)
		bide_buffer_show_(stream);
	return error;
}

static void failed(bide_io *io, int error)
{
	(void)error;
	bide_buffer_show_(bide_stream_of_(io->handle));
}

#define KIND(name_)                                                                               \
	{                                                                                             \
		.type = BIDE_IO_TYPE_(name_), .side = BIDE_IO_IN_, .attempt = attempt, .is_pinned = true, \
		.failed = failed                                                                          \
	}

static const bide_io_kind kinds[] = {
	[BIDE_WANTED_LINE_] = KIND("bide_stream_read_line"),
	[BIDE_WANTED_MARK_] = KIND("bide_stream_read_until"),
	[BIDE_WANTED_PEEK_] = KIND("bide_stream_peek"),
	[BIDE_WANTED_EXACTLY_] = KIND("bide_stream_read_exactly"),
};

/* --- streams of the user's own --- */

struct bide_user_gather {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
		bide_io_arguments wanted;
	} in;
	char *at;
	size_t room_bytes;
	int64_t count;
	bide_payload result;
	int error;
	bool has_side;
};

static const bide_own_ bide_user_gather_own_ = { .name = "a reading call of a stream" };

/* The buffer waits empty where it can. */
static bide_value_task until_readable(bide_stream *stream)
{
	if (!stream->type->wait)
		return bide_value_task_completed();
	bide_buffer_settle_(stream, false);
	return stream->type->wait(stream->object);
}

bide_async(bide_user_gather)
{
	bide_async_begin;
	my->error = bide_side_begin_(&my->in.stream->handle, BIDE_IO_IN_, "a reading call of a stream");
	if (my->error)
		bide_async_fail(my->error);
	my->has_side = true;
	while ((my->error = bide_buffer_look_(my->in.stream, &my->in.wanted, &my->result)) == EAGAIN) {
		bide_await(until_readable(my->in.stream));
		my->error = bide_buffer_room_(my->in.stream, &my->at, &my->room_bytes);
		if (my->error) {
			bide_buffer_settle_(my->in.stream, false);
			if (my->error != EAGAIN)
				break;
			/* Nothing tells it when there is memory again. */
			bide_await(bide_delay(BIDE_MS(10)));
			continue;
		}
		bide_await(my->count, bide_stream_user_read_raw_(my->in.stream, my->at, my->room_bytes));
		if (!bide_stream_user_counted_(my->count, my->room_bytes))
			bide_async_fail(BIDE_EINVAL_);
		bide_buffer_received_(my->in.stream, (size_t)my->count);
	}
	if (my->error)
		bide_async_fail(my->error);
	bide_async_return(my->result.p);
bide_async_finally:
	if (bide_async_error)
		bide_buffer_settle_(my->in.stream, false);
	bide_buffer_show_(my->in.stream);
	bide_stream_fail_writes_(my->in.stream, BIDE_IO_IN_, bide_async_error);
	if (my->has_side)
		bide_side_end_(&my->in.stream->handle, BIDE_IO_IN_);
	bide_async_end;
}

/* --- the calls --- */

static bide_value_task start(bide_stream *stream, const bide_io_kind *kind,
                             bide_io_arguments wanted)
{
	bide_value_task v;

	if (!stream->type)
		return bide_io_start_(&stream->handle, kind, wanted);
	v = bide_async_start(bide_user_gather, .stream = stream, .wanted = wanted);
	if (v.state == BIDE_ENOFRAME)
		v.state = ENOMEM;
	return v;
}

/* The stream is checked. */
static bide_value_task gather(bide_stream *stream, bide_wanted what, bide_io_arguments wanted)
{
	const bide_io_kind *kind = &kinds[what];
	bide_stream_buffer *b = &stream->buffer;
	int error = bide_context_current_error();
	bide_payload result;
	bide_value_task v;

	if (error)
		return bide_value_task_from_error(error);
	if (!bide_buffer_hide_(stream, kind->type.name))
		return bide_value_task_from_error(EBUSY);
	error = bide_buffer_look_(stream, &wanted, &result);
	if (error != EAGAIN) {
		bide_buffer_show_(stream);
		return error ? bide_value_task_from_error(error) : (bide_value_task){ .payload = result };
	}
	bide_buffer_progress_(stream, b, BIDE_IO_IN_);
	bide_buffer_pin_(stream);
	v = start(stream, kind, wanted);
	if (bide_is_pending_(v))
		bide_buffer_waits_(stream);
	else if (v.state && BIDE_LOAD(&b->pins, RELAXED) & BIDE_BUFFER_READING_)
		bide_buffer_show_(stream); /* It failed before it began. */
	bide_buffer_unpin_(stream, BIDE_BUFFER_PIN_);
	return v;
}

static bide_text_task failed_text(int error)
{
	return BIDE_TYPED(bide_text_task, bide_value_task_from_error(error));
}

bide_text_task bide_stream_line_slow_(bide_stream *stream)
{
	int error = bide_stream_begin_(stream, BIDE_IO_IN_, "bide_stream_read_line");
	bide_io_arguments wanted = { .any = { NULL, 0, 0 } };

	if (error)
		return failed_text(error);
	wanted.any.number = bide_wanted_number_(BIDE_WANTED_LINE_, "\n", 1);
	return BIDE_TYPED(bide_text_task, gather(stream, BIDE_WANTED_LINE_, wanted));
}

bide_text_task bide_stream_read_until(bide_stream *stream, const void *mark, size_t mark_bytes)
{
	int error = bide_stream_begin_(stream, BIDE_IO_IN_, "bide_stream_read_until");
	bide_io_arguments wanted = { .any = { NULL, 0, 0 } };

	if (!error && (!mark || mark_bytes < 1 || mark_bytes > 2)) {
		bide_misuse_("bide_stream_read_until: %s",
		             mark ? "a mark has 1 or 2 bytes" : "mark is NULL");
		error = EINVAL;
	}
	if (error)
		return failed_text(error);
	wanted.any.number = bide_wanted_number_(BIDE_WANTED_MARK_, mark, mark_bytes);
	return BIDE_TYPED(bide_text_task, gather(stream, BIDE_WANTED_MARK_, wanted));
}

bide_text_task bide_stream_peek_slow_(bide_stream *stream, size_t size_bytes)
{
	int error = bide_stream_begin_(stream, BIDE_IO_IN_, "bide_stream_peek");
	bide_io_arguments wanted = { .any = { NULL, size_bytes, BIDE_WANTED_PEEK_ } };

	if (!error && size_bytes > bide_buffer_line_max_(&stream->buffer))
		error = EMSGSIZE;
	if (error)
		return failed_text(error);
	if (size_bytes == 0)
		return bide_text_ready_(stream->head.at_);
	return BIDE_TYPED(bide_text_task, gather(stream, BIDE_WANTED_PEEK_, wanted));
}

/* --- bytes for the caller's memory --- */

struct bide_read_all {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
		char *to;
		size_t size_bytes;
	} in;
	size_t done_bytes;
	int64_t count;
};

static const bide_own_ bide_read_all_own_ = { .name = "bide_stream_read_exactly" };

/* More than a buffer has. */
bide_async(bide_read_all)
{
	bide_async_begin;
	while (my->done_bytes < my->in.size_bytes) {
		bide_await(my->count, bide_stream_read_unchecked_(my->in.stream, my->in.to + my->done_bytes,
		                                                  my->in.size_bytes - my->done_bytes));
		if (my->count == 0)
			bide_async_fail(BIDE_EEND);
		my->done_bytes += (size_t)my->count;
		my->in.stream->head.taken_ = my->done_bytes;
	}
	bide_async_return((int64_t)my->done_bytes);
bide_async_finally:
	bide_buffer_unpin_(my->in.stream, BIDE_BUFFER_PIN_);
	bide_async_end;
}

static bide_value_task read_all(bide_stream *stream, char *to, size_t size_bytes)
{
	bide_value_task v;

	stream->head.taken_ = 0;
	bide_buffer_pin_(stream);
	v = bide_async_start(bide_read_all, .stream = stream, .to = to, .size_bytes = size_bytes);
	if (v.state != BIDE_ENOFRAME)
		return v;
	bide_buffer_unpin_(stream, BIDE_BUFFER_PIN_);
	return bide_value_task_from_error(ENOMEM);
}

bide_value_task bide_stream_read_exactly(bide_stream *stream, void *to, size_t size_bytes)
{
	int error = bide_stream_begin_(stream, BIDE_IO_IN_, "bide_stream_read_exactly");
	bide_io_arguments wanted = { .any = { to, size_bytes, BIDE_WANTED_EXACTLY_ } };

	if (!error && ((!to && size_bytes > 0) || size_bytes > INT64_MAX)) {
		bide_misuse_("bide_stream_read_exactly: %s", to ? "size_bytes is too large" : "to is NULL");
		error = EINVAL;
	}
	if (error)
		return bide_value_task_from_error(error);
	if (size_bytes == 0)
		return bide_value_task_from_int(0);
	if (size_bytes > bide_buffer_line_max_(&stream->buffer))
		return read_all(stream, to, size_bytes);
	return gather(stream, BIDE_WANTED_EXACTLY_, wanted);
}
