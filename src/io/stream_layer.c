/*
 * stream_layer.c - a layer on a stream, in place.
 *
 * A second stream, `below`, takes what the first one was: its descriptor or its type, and what was
 * received and not taken. Then the first one gets the type of the layer. The pointer stays valid,
 * the limits stay, and the program uses the stream as before.
 *
 *     flush --> below is made, with the same descriptor --> under the lock of the handle: no
 *     operation is pending and none has aborted it; both sides are busy, the type is set -->
 *     the reactor forgets the handle --> start(object) --> both sides are free
 *
 * An event that was fetched before finds another generation. The descriptor is registered anew when
 * an operation of `below` waits.
 */
#define BIDE_OWN_(name) &name##_own_
#include <errno.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/misuse.h"
#include "base/own.h"
#include "base/port.h"
#include "io/handle_parts.h"
#include "io/reactor.h"
#include "io/request.h"
#include "io/side.h"
#include "io/stream.h"

enum { BUSY = BIDE_HANDLE_BUSY_IN_ | BIDE_HANDLE_BUSY_OUT_ };

/* Returns true if a request that was forgotten may still have a side: look again. */
static bool was_forgotten(bide_handle *handle, unsigned *tries)
{
	return bide_io_requests_on_() && (bide_io_reap_(handle, BIDE_IO_IN_, tries) ||
	                                  bide_io_reap_(handle, BIDE_IO_OUT_, tries));
}

/* Locks the handle. Returns 0; or, unlocked, EBUSY or the error of an abort. */
static int lock_quiet(bide_handle *handle)
{
	unsigned reap_tries = 0;
	int error;

	for (unsigned tries = 0;; tries++) {
		bide_handle_lock_(handle);
		error = handle->abort_error;
		if (!error && (handle->state & BUSY || handle->io[0] || handle->io[1]))
			error = EBUSY;
		if (!error && !(handle->state & BIDE_HANDLE_REGISTERING_))
			return 0;
		bide_handle_unlock_(handle);
		if (error == EBUSY && was_forgotten(handle, &reap_tries))
			continue;
		if (error)
			return error;
		/* The operation is over, but the thread that started it still tells the reactor. */
		bide_port_wait_a_moment_(tries);
	}
}

/* What the reactor knew of the first handle. */
typedef struct moved {
	uint32_t bits; /* of its readiness */
	int fd, watched_fd;
	bool is_registered;
} moved;

/* Under the lock. */
static moved take_descriptor(bide_handle *handle)
{
	moved was = { handle->state & (BIDE_HANDLE_READY_IN_ | BIDE_HANDLE_READY_OUT_ |
		                           (uint32_t)BIDE_HANDLE_STICKY_),
		          handle->fd, handle->watched_fd, handle->state & BIDE_HANDLE_REGISTERED_ };

	handle->generation++;
	handle->fd = handle->watched_fd = -1;
	handle->flags = BIDE_HANDLE_KEEPS_FD_;
	handle->state = BIDE_HANDLE_OPEN_ | (uint32_t)BUSY;
	return was;
}

static void move_received(bide_stream *from, bide_stream *to)
{
	bide_stream_buffer *b = &from->buffer;

	if (!bide_chunk_claim_is_idle_(&b->claim))
		bide_chunk_claim_end_(&b->claim);
	to->buffer.in = b->in;
	to->buffer.ended = b->ended;
	to->head.at_ = from->head.at_;
	to->head.end_ = from->head.end_;
	b->in = NULL;
	b->ended = false;
	from->head.at_ = from->head.end_ = NULL;
}

/* Nothing was exchanged: the descriptor stays with the first stream. */
static void discard(bide_stream *below)
{
	below->type = NULL;
	below->handle.flags = BIDE_HANDLE_KEEPS_FD_; /* and no socket of the simulated network */
	bide_stream_close(below);
}

/* On a thread that may touch operations. Afterwards both sides are busy. */
static int exchange(bide_stream *stream, const bide_stream_type *type, void *object,
                    bide_stream **to)
{
	bide_handle *handle = &stream->handle;
	bide_stream *below = bide_stream_new_(handle->fd, handle->flags);
	moved was;
	int error;

	if (!below)
		return ENOMEM;
	below->type = stream->type;
	below->object = stream->object;
	below->below = stream->below;
	below->is_standard = stream->is_standard;
	*to = below; /* An abort may come as soon as the type is there. */
	error = lock_quiet(handle);
	if (error) {
		*to = NULL;
		discard(below);
		return error;
	}
	bide_buffer_rests_(&stream->buffer, BIDE_IO_IN_);
	bide_buffer_rests_(&stream->buffer, BIDE_IO_OUT_);
	was = take_descriptor(handle);
	stream->object = object;
	stream->below = below;
	/* Pairs with bide_stream_abort_ and the timer of the idle limit. */
	BIDE_STORE(&stream->type, type, SEQ_CST);
	bide_handle_unlock_(handle);
	if (was.is_registered)
		bide_reactor_remove_(handle->home, was.watched_fd);
	if (was.watched_fd != was.fd)
		close(was.watched_fd);
	bide_handle_lock_(&below->handle);
	below->handle.state |= was.bits;
	bide_handle_unlock_(&below->handle);
	move_received(stream, below);
	error = BIDE_LOAD(&handle->asked_error, SEQ_CST);
	if (error) /* With one worker: the other thread has seen no type. */
		bide_stream_abort_(stream, error);
	return 0;
}

struct bide_layer {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
		const bide_stream_type *type;
		void *object;
		bide_stream **below;
		const char *what; /* the function of the caller */
	} in;
	int error;
	bool is_there;
};

static const bide_own_ bide_layer_own_ = { .name = "bide_stream_layer" };

/* If a reading call waits, it has hidden the buffer. */
static int exchange_if_free(struct bide_layer *my)
{
	bide_stream *stream = my->in.stream;
	int error = EBUSY;

	if (!(BIDE_LOAD(&stream->buffer.pins, RELAXED) & BIDE_BUFFER_READING_))
		error = exchange(stream, my->in.type, my->in.object, my->in.below);
	if (error == EBUSY)
		bide_misuse_("%s: an operation of the stream is pending; wait until it is over",
		             my->in.what);
	return error;
}

/* What was meant for the layer must not go without it. The stream is pinned. */
static void without_layer(bide_stream *stream, const bide_stream_type *type, void *object,
                          int error)
{
	if (error && error != EBUSY) /* That is misuse. */
		bide_stream_abort_(stream, error);
	if (type->close)
		type->close(object);
}

/* The layer has not begun, and never will. */
static void fail_both_sides(bide_stream *stream, int error)
{
	error = bide_stream_fail_(stream, BIDE_IO_IN_, error);
	(void)bide_stream_fail_(stream, BIDE_IO_OUT_, error);
}

bide_async(bide_layer)
{
	bide_async_begin;
	bide_await(bide_stream_flush(my->in.stream));
	my->error = exchange_if_free(my);
	if (my->error)
		bide_async_fail(my->error);
	my->is_there = true;
	if (my->in.type->start)
		bide_await(my->in.type->start(my->in.object));
bide_async_finally:
	if (my->is_there) {
		if (bide_async_error)
			fail_both_sides(my->in.stream, bide_async_error);
		bide_side_end_(&my->in.stream->handle, BIDE_IO_IN_);
		bide_side_end_(&my->in.stream->handle, BIDE_IO_OUT_);
	} else {
		without_layer(my->in.stream, my->in.type, my->in.object, bide_async_error);
	}
	bide_buffer_unpin_(my->in.stream, BIDE_BUFFER_PIN_);
	bide_async_end;
}

/* Nothing was begun. */
static bide_value_task misused(const bide_stream_type *type, void *object, int error)
{
	if (type && type->close)
		type->close(object);
	return bide_value_task_from_error(error);
}

bide_value_task bide_stream_layer_for_(bide_stream *stream, const bide_stream_type *type,
                                       void *object, bide_stream **below, const char *what)
{
	int error = bide_stream_check_(stream, what);
	bide_value_task v;

	if (below)
		*below = NULL;
	if (!error && (!type || !below || (!type->read && !type->write))) {
		bide_misuse_("%s: %s", what,
		             !type    ? "type is NULL"
		             : !below ? "below is NULL"
		                      : "the type has neither read nor write");
		error = BIDE_EINVAL_;
	}
	if (error)
		return misused(type, object, error);
	error = bide_stream_failed_(stream, BIDE_IO_IN_);
	if (!error)
		error = bide_stream_failed_(stream, BIDE_IO_OUT_);
	if (error) {
		without_layer(stream, type, object, error);
		return bide_value_task_from_error(error);
	}
	bide_buffer_pin_(stream);
	v = bide_async_start(bide_layer, .stream = stream, .type = type, .object = object,
	                     .below = below, .what = what);
	if (v.state != BIDE_ENOFRAME)
		return v;
	without_layer(stream, type, object, BIDE_ENOMEM_);
	bide_buffer_unpin_(stream, BIDE_BUFFER_PIN_);
	return bide_value_task_from_error(BIDE_ENOMEM_);
}

bide_value_task bide_stream_layer(bide_stream *stream, const bide_stream_type *type, void *object,
                                  bide_stream **below)
{
	return bide_stream_layer_for_(stream, type, object, below, "bide_stream_layer");
}

void *bide_stream_object_for_(const bide_stream *stream, const bide_stream_type *type,
                              const char *what)
{
	if (bide_stream_check_(stream, what))
		return NULL;
	return type && stream->type == type ? stream->object : NULL;
}

void *bide_stream_object(const bide_stream *stream, const bide_stream_type *type)
{
	return bide_stream_object_for_(stream, type, "bide_stream_object");
}
