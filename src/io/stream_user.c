/*
 * stream_user.c - see stream_user.h.
 *
 * Each operation is an async function that has the side busy while it runs, so that a close waits
 * for it.
 */
#define BIDE_OWN_(name) &name##_own_
#include "io/stream_user.h"

#include <errno.h>

#include "base/misuse.h"
#include "base/own.h"
#include "io/side.h"

enum { PARTS_MAX = 16 };

bide_value_task bide_stream_user_read_raw_(const bide_stream *stream, void *to, size_t size_bytes)
{
	if (!stream->type->read)
		return bide_value_task_from_error(EBADF);
	return stream->type->read(stream->object, to, size_bytes);
}

bool bide_stream_user_counted_(int64_t count, size_t size_bytes)
{
	if (count >= 0 && (uint64_t)count <= size_bytes)
		return true;
	bide_misuse_("bide_stream_read: the read of a stream of your own says that it read %lld of "
	             "%zu bytes",
	             (long long)count, size_bytes);
	return false;
}

/* `done` of all parts together went already. The parts are copied for the call. */
static bide_value_task call_write(const bide_stream *stream, struct iovec *room,
                                  const struct iovec *parts, size_t count, size_t done)
{
	if (!stream->type->write)
		return bide_value_task_from_error(EBADF);
	count = bide_stream_parts_rest_(parts, count, done, room, PARTS_MAX);
	return stream->type->write(stream->object, room, count);
}

/* A write or a finish has failed: what is put later fails at once, if it can never go. */
static void note_failed_write(bide_stream *stream, int error)
{
	int lasting = 0;

	bide_stream_fail_writes_(stream, BIDE_IO_OUT_, error);
	if (error && !stream->is_finished && stream->type->write_error)
		lasting = stream->type->write_error(stream->object);
	if (lasting)
		(void)bide_stream_fail_(stream, BIDE_IO_OUT_, lasting);
}

struct bide_user_read {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
		void *to;
		size_t size_bytes;
	} in;
	int64_t count;
	int error;
	bool has_side;
};

static const bide_own_ bide_user_read_own_ = { .name = "bide_stream_read" };

bide_async(bide_user_read)
{
	bide_async_begin;
	my->error = bide_side_begin_(&my->in.stream->handle, BIDE_IO_IN_, "bide_stream_read");
	if (my->error)
		bide_async_fail(my->error);
	my->has_side = true;
	bide_buffer_progress_(my->in.stream, &my->in.stream->buffer, BIDE_IO_IN_);
	bide_await(my->count, bide_stream_user_read_raw_(my->in.stream, my->in.to, my->in.size_bytes));
	if (!bide_stream_user_counted_(my->count, my->in.size_bytes))
		bide_async_fail(BIDE_EINVAL_);
	bide_async_return(my->count);
bide_async_finally:
	if (my->has_side) {
		bide_stream_fail_writes_(my->in.stream, BIDE_IO_IN_, bide_async_error);
		bide_buffer_rests_(&my->in.stream->buffer, BIDE_IO_IN_);
		bide_side_end_(&my->in.stream->handle, BIDE_IO_IN_);
	}
	bide_async_end;
}

struct bide_user_write {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
		const struct iovec *parts; /* NULL if `only` is the one part */
		size_t count, size_bytes;
		struct iovec only;
	} in;
	struct iovec room[PARTS_MAX];
	size_t done_bytes;
	int64_t count;
	int error;
	bool has_side;
};

static const bide_own_ bide_user_write_own_ = { .name = "bide_stream_write" };

bide_async(bide_user_write)
{
	bide_async_begin;
	my->error = bide_side_begin_(&my->in.stream->handle, BIDE_IO_OUT_, "bide_stream_write");
	if (my->error)
		bide_async_fail(my->error);
	my->has_side = true;
	while (my->done_bytes < my->in.size_bytes) {
		my->error = bide_side_error_(&my->in.stream->handle);
		if (my->error)
			bide_async_fail(my->error);
		bide_buffer_progress_(my->in.stream, &my->in.stream->buffer, BIDE_IO_OUT_);
		bide_await(my->count,
		           call_write(my->in.stream, my->room, my->in.parts ? my->in.parts : &my->in.only,
		                      my->in.count, my->done_bytes));
		if (my->count <= 0 || (uint64_t)my->count > my->in.size_bytes - my->done_bytes) {
			bide_misuse_("bide_stream_write: the write of a stream of your own says that it wrote "
			             "%lld of %zu bytes",
			             (long long)my->count, my->in.size_bytes - my->done_bytes);
			bide_async_fail(BIDE_EINVAL_);
		}
		my->done_bytes += (size_t)my->count;
	}
	bide_async_return((int64_t)my->done_bytes);
bide_async_finally:
	if (my->has_side) {
		my->in.stream->written_bytes = my->done_bytes;
		if (my->done_bytes > 0 && my->done_bytes < my->in.size_bytes)
			(void)bide_stream_fail_(my->in.stream, BIDE_IO_OUT_, EPIPE);
		note_failed_write(my->in.stream, bide_async_error);
		bide_buffer_rests_(&my->in.stream->buffer, BIDE_IO_OUT_);
		bide_side_end_(&my->in.stream->handle, BIDE_IO_OUT_);
	}
	bide_async_end;
}

struct bide_user_finish {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
	} in;
	int error;
	bool has_side;
};

static const bide_own_ bide_user_finish_own_ = { .name = "bide_stream_finish" };

bide_async(bide_user_finish)
{
	bide_async_begin;
	my->error = bide_side_begin_(&my->in.stream->handle, BIDE_IO_OUT_, "bide_stream_finish");
	if (my->error)
		bide_async_fail(my->error);
	my->has_side = true;
	bide_buffer_progress_(my->in.stream, &my->in.stream->buffer, BIDE_IO_OUT_);
	bide_await(my->in.stream->type->finish(my->in.stream->object));
	my->in.stream->is_finished = true;
bide_async_finally:
	if (my->has_side) {
		note_failed_write(my->in.stream, bide_async_error);
		bide_buffer_rests_(&my->in.stream->buffer, BIDE_IO_OUT_);
		bide_side_end_(&my->in.stream->handle, BIDE_IO_OUT_);
	}
	bide_async_end;
}

/* BIDE_ENOFRAME is an error of functions of the user's. */
static bide_value_task started(bide_value_task value)
{
	if (BIDE_UNLIKELY(value.state == BIDE_ENOFRAME))
		value.state = BIDE_ENOMEM_;
	return value;
}

bide_value_task bide_stream_user_read_(bide_stream *stream, void *to, size_t size_bytes)
{
	return started(
		bide_async_start(bide_user_read, .stream = stream, .to = to, .size_bytes = size_bytes));
}

bide_value_task bide_stream_user_write_(bide_stream *stream, const void *from, size_t size_bytes)
{
	return started(bide_async_start(bide_user_write, .stream = stream, .count = 1,
	                                .size_bytes = size_bytes,
	                                .only = { (void *)(uintptr_t)from, size_bytes }));
}

bide_value_task bide_stream_user_write_vector_(bide_stream *stream, const struct iovec *parts,
                                               size_t count)
{
	size_t size_bytes = 0;

	for (size_t i = 0; i < count; i++)
		size_bytes += parts[i].iov_len;
	return started(bide_async_start(bide_user_write, .stream = stream, .parts = parts,
	                                .count = count, .size_bytes = size_bytes));
}

bide_value_task bide_stream_user_finish_(bide_stream *stream)
{
	return started(bide_async_start(bide_user_finish, .stream = stream));
}

bide_stream *bide_stream_create(const bide_stream_type *type, void *object)
{
	bide_stream *stream;

	if (!type || (!type->read && !type->write)) {
		bide_misuse_("bide_stream_create: %s",
		             type ? "the type has neither read nor write" : "type is NULL");
		return NULL;
	}
	stream = bide_stream_new_(-1, BIDE_HANDLE_KEEPS_FD_);
	if (!stream)
		return NULL;
	stream->type = type;
	stream->object = object;
	return stream;
}
