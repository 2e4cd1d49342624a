/*
 * buffer_write.c - the writing calls: put, print, flush, finish.
 *
 * A put copies into one chunk. If it does not fit into the open one, that is sealed, and a new one
 * opened. It waits for a send if too much would be unsent, and also if the budget is used up while
 * something is unsent. A stream with nothing unsent may always have a chunk for one put. So nothing
 * waits for the budget, and what a stream holds beyond it is one put of the program's own.
 */
#define BIDE_OWN_(name) &name##_own_
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/misuse.h"
#include "base/own.h"
#include "context/context.h"
#include "io/buffer_queue.h"
#include "io/buffer_wait.h"
#include "io/stream.h"
#include "io/stream_user.h"
#include "simulated_net/net.h"
#include "source/source.h"

/* Behind the room of a chunk there is one byte for the zero that printf writes. */
enum { SPARE_BYTES = 1 };

/* Opens a chunk. Returns 0; EAGAIN: there is none while something is unsent; ENOMEM. */
static int open_chunk(bide_stream *stream, size_t size_bytes, size_t unsent_bytes)
{
	bide_stream_buffer *b = &stream->buffer;
	size_t usual = BIDE_CHUNK_USUAL_ - BIDE_CHUNK_HEAD_, room = size_bytes + SPARE_BYTES;
	size_t unsent_max = bide_buffer_put_max_(b);
	unsigned home = stream->handle.home;
	bide_io_chunk *chunk = NULL;
	int error =
		bide_io_chunk_take_(home, room > usual ? room : usual, BIDE_CHUNK_IF_FREE_, NULL, &chunk);

	if (error == EAGAIN && unsent_bytes > 0)
		return EAGAIN;
	if (error)
		error = bide_io_chunk_take_(home, room, BIDE_CHUNK_ALWAYS_, NULL, &chunk);
	if (error)
		return error;
	b->open = chunk;
	room = bide_io_chunk_room_(chunk) - SPARE_BYTES;
	if (room > unsent_max - unsent_bytes)
		room = unsent_max - unsent_bytes;
	stream->head.put_ = chunk->data;
	stream->head.room_ = chunk->data + room;
	return 0;
}

/* Returns 0 if there is room for size_bytes now; EAGAIN: not while so much is unsent; an error. */
static int make_room(bide_stream *stream, size_t size_bytes)
{
	bide_stream_buffer *b = &stream->buffer;
	size_t unsent_bytes;
	int error = bide_stream_failed_(stream, BIDE_IO_OUT_);

	if (error)
		return error;
	if (b->open && (size_t)(stream->head.room_ - stream->head.put_) >= size_bytes)
		return 0;
	unsent_bytes = bide_buffer_unsent_(stream);
	if (unsent_bytes + size_bytes > bide_buffer_put_max_(b))
		return EAGAIN;
	bide_buffer_seal_(stream);
	return open_chunk(stream, size_bytes, unsent_bytes);
}

/* Does the same, and sends to make room. */
static int make_room_by_sending(bide_stream *stream, size_t size_bytes)
{
	int error = make_room(stream, size_bytes);

	if (error != EAGAIN)
		return error;
	error = bide_buffer_send_(stream);
	return error && error != EAGAIN ? error : make_room(stream, size_bytes);
}

static void copy_in(bide_stream *stream, const void *from, size_t size_bytes)
{
	memcpy(stream->head.put_, from, size_bytes);
	stream->head.put_ += size_bytes;
}

/* --- a put that waits --- */

struct bide_waiting_put {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
		const char *from;
		size_t size_bytes;
		bide_io_chunk *owned; /* the text of a print; else NULL */
	} in;
	int error;
};

static const bide_own_ bide_waiting_put_own_ = { .name = "bide_stream_put" };

/* Returns how much may be unsent for a put to have room. */
static size_t unsent_max_for(bide_stream *stream, size_t size_bytes)
{
	size_t most = bide_buffer_put_max_(&stream->buffer) - size_bytes;

	/* It has room by that measure, but none by the budget. */
	return bide_buffer_unsent_(stream) <= most ? 0 : most;
}

bide_async(bide_waiting_put)
{
	bide_async_begin;
	while ((my->error = make_room_by_sending(my->in.stream, my->in.size_bytes)) == EAGAIN)
		bide_await(
			bide_buffer_wait_(my->in.stream, unsent_max_for(my->in.stream, my->in.size_bytes)));
	if (my->error)
		bide_async_fail(my->error);
	copy_in(my->in.stream, my->in.from, my->in.size_bytes);
	bide_async_return((int64_t)my->in.size_bytes);
bide_async_finally:
	bide_io_chunk_give_(my->in.owned);
	bide_buffer_unpin_(my->in.stream, BIDE_BUFFER_WRITING_);
	bide_async_end;
}

/* Takes `owned`, also if it fails. */
static bide_value_task wait_and_put(bide_stream *stream, const void *from, size_t size_bytes,
                                    bide_io_chunk *owned)
{
	bide_value_task v;

	(void)bide_buffer_claim_(stream, BIDE_BUFFER_WRITING_);
	v = bide_async_start(bide_waiting_put, .stream = stream, .from = from, .size_bytes = size_bytes,
	                     .owned = owned);
	if (v.state != BIDE_ENOFRAME)
		return v;
	bide_io_chunk_give_(owned);
	bide_buffer_unpin_(stream, BIDE_BUFFER_WRITING_);
	return bide_value_task_from_error(ENOMEM);
}

/* Returns 0 if a writing call of that size may begin; or its error. */
static int begin(bide_stream *stream, size_t size_bytes, const char *what)
{
	int error = bide_buffer_free_to_write_(stream, what);

	if (!error && size_bytes > bide_buffer_put_max_(&stream->buffer))
		error = EMSGSIZE;
	return error ? error : bide_context_current_error();
}

bide_value_task bide_stream_put_slow_(bide_stream *stream, const void *from, size_t size_bytes)
{
	int error = bide_stream_begin_(stream, BIDE_IO_OUT_, "bide_stream_put");

	if (!error && !from && size_bytes > 0) {
		bide_misuse_("bide_stream_put: from is NULL");
		error = EINVAL;
	}
	if (!error && size_bytes == 0)
		return bide_value_task_from_int(0);
	if (!error)
		error = begin(stream, size_bytes, "bide_stream_put");
	if (!error)
		error = make_room_by_sending(stream, size_bytes);
	if (error == EAGAIN)
		return wait_and_put(stream, from, size_bytes, NULL);
	if (error)
		return bide_value_task_from_error(error);
	copy_in(stream, from, size_bytes);
	return bide_value_task_from_int((int64_t)size_bytes);
}

/* --- print --- */

/* The text is longer than the room. Its length is known. */
static bide_value_task print_slow(bide_stream *stream, size_t size_bytes, const char *format,
                                  va_list arguments)
{
	int error = begin(stream, size_bytes, "bide_stream_print");
	bide_io_chunk *text = NULL;

	if (!error)
		error = make_room_by_sending(stream, size_bytes);
	if (!error) {
		(void)vsnprintf(stream->head.put_, size_bytes + 1, format, arguments);
		stream->head.put_ += size_bytes;
		return bide_value_task_from_int((int64_t)size_bytes);
	}
	if (error == EAGAIN)
		error = bide_io_chunk_take_(stream->handle.home, size_bytes + 1, BIDE_CHUNK_ALWAYS_, NULL,
		                            &text);
	if (error)
		return bide_value_task_from_error(error);
	(void)vsnprintf(text->data, size_bytes + 1, format, arguments);
	return wait_and_put(stream, text->data, size_bytes, text);
}

bide_value_task bide_stream_print(bide_stream *stream, const char *format, ...)
{
	int error = bide_stream_begin_(stream, BIDE_IO_OUT_, "bide_stream_print"), length;
	bide_stream_head_ *head;
	va_list arguments, again;
	bide_value_task v;
	size_t room;

	if (!error && !format) {
		bide_misuse_("bide_stream_print: format is NULL");
		error = EINVAL;
	}
	if (error)
		return bide_value_task_from_error(error);
	head = &stream->head;
	room = (size_t)(head->room_ - head->put_);
	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(head->put_, head->put_ ? room + 1 : 0, format, arguments);
	va_end(arguments);
	if (length < 0) {
		v = bide_value_task_from_error(errno == EOVERFLOW ? EMSGSIZE : EINVAL);
	} else if ((size_t)length <= room) {
		if (length > 0)
			head->put_ += length;
		v = bide_value_task_from_int(length);
	} else {
		v = print_slow(stream, (size_t)length, format, again);
	}
	va_end(again);
	return v;
}

/* --- flush and finish --- */

bide_value_task bide_stream_flush(bide_stream *stream)
{
	int error = bide_stream_check_(stream, "bide_stream_flush"), sent;

	if (!error)
		error = bide_buffer_free_to_write_(stream, "bide_stream_flush");
	if (error)
		return bide_value_task_from_error(error);
	sent = bide_buffer_send_(stream);
	error = bide_context_current_error();
	if (error)
		return bide_value_task_from_error(error);
	if (sent == EAGAIN)
		return bide_buffer_wait_(stream, 0);
	return sent ? bide_value_task_from_error(sent) : bide_value_task_completed();
}

/* All is sent. */
static bide_value_task shut_down(bide_stream *stream)
{
	/* When the peer has ended its side, too, the system knows no connection any more. */
	if (stream->is_finished)
		return bide_value_task_completed();
	if (stream->type)
		return stream->type->finish ? bide_stream_user_finish_(stream)
		                            : bide_value_task_completed();
	if (!(stream->handle.flags & BIDE_HANDLE_IS_SOCKET_)) {
		bool fails = stream->handle.flags & BIDE_HANDLE_SIMULATED_ &&
		             bide_net_shutdown_(stream->handle.fd) != 0;

		stream->is_finished = !fails && stream->handle.flags & BIDE_HANDLE_SIMULATED_;
		return fails ? bide_value_task_from_error(EPIPE) : bide_value_task_completed();
	}
	/* After a reset the socket is not connected: to the caller, a peer that reads no more. */
	if (shutdown(stream->handle.fd, SHUT_WR))
		return bide_value_task_from_error(errno == ENOTCONN ? EPIPE : errno);
	stream->is_finished = true;
	return bide_value_task_completed();
}

struct bide_finish {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
	} in;
};

static const bide_own_ bide_finish_own_ = { .name = "bide_stream_finish" };

bide_async(bide_finish)
{
	bide_async_begin;
	bide_await(bide_buffer_wait_(my->in.stream, 0));
	bide_await(shut_down(my->in.stream));
bide_async_finally:
	bide_buffer_unpin_(my->in.stream, BIDE_BUFFER_WRITING_);
	bide_async_end;
}

bide_value_task bide_stream_finish(bide_stream *stream)
{
	int error = bide_stream_check_(stream, "bide_stream_finish");
	bide_value_task v;

	if (!error)
		error = bide_buffer_free_to_write_(stream, "bide_stream_finish");
	if (error)
		return bide_value_task_from_error(error);
	error = bide_buffer_send_(stream);
	if (!error)
		error = bide_context_current_error();
	if (!error)
		return shut_down(stream);
	if (error != EAGAIN)
		return bide_value_task_from_error(error);
	(void)bide_buffer_claim_(stream, BIDE_BUFFER_WRITING_);
	v = bide_async_start(bide_finish, .stream = stream);
	if (v.state != BIDE_ENOFRAME)
		return v;
	bide_buffer_unpin_(stream, BIDE_BUFFER_WRITING_);
	return bide_value_task_from_error(ENOMEM);
}
