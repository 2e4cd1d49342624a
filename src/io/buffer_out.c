/*
 * buffer_out.c - the sends of what was put.
 *
 * A send belongs to the stream, and to no context. Its completion runs on any thread, while the
 * function that puts runs on another one. They share the queue (buffer_queue.h).
 */
#include <errno.h>
#include <sys/uio.h>

#include "base/assert.h"
#include "base/spin.h"
#include "context/context.h"
#include "io/buffer_queue.h"
#include "io/pump.h"
#include "io/stream.h"
#include "source/source.h"

enum { PARTS_MAX = 16 };

static int send_attempt(bide_io *io)
{
	bide_stream *stream = bide_stream_of_(io->handle);
	struct iovec parts[PARTS_MAX];
	size_t count, sent_bytes = 0;
	int error;

	for (;;) {
		count = bide_buffer_parts_(stream, parts, PARTS_MAX);
		if (count == 0)
			return 0;
		error = bide_stream_send_(io->handle, parts, count, &sent_bytes);
		if (error)
			return error;
		bide_buffer_advance_(stream, sent_bytes);
	}
}

/* Nothing awaits it. If it were left when it is forgotten, it would end. */
static const bide_io_kind send_kind = {
	.type = { .name = "a send of what was put", .describe = bide_io_describe_ },
	.side = BIDE_IO_OUT_,
	.attempt = send_attempt,
};

/* `sending` is set. Returns 0, EAGAIN if the send is under way, or the error. */
static int send_all(bide_stream *stream)
{
	bide_stream_buffer *b = &stream->buffer;
	const bide_io_arguments none = { .any = { NULL, 0, 0 } };
	bide_value_task v;

	for (;;) {
		bide_buffer_progress_(stream, b, BIDE_IO_OUT_);
		v = bide_in_detached(bide_io_start_(&stream->handle, &send_kind, none));
		if (bide_is_pending_(v)) {
			/* It may be over, and the stream closed and freed, before this returns. */
			if (bide_listen_(v, &b->sent, "bide_stream_put", NULL) == BIDE_REGISTERED_)
				return EAGAIN;
			v = bide_consume_((bide_source *)v.state, NULL);
		}
		if (bide_buffer_sent_(stream, (int)v.state))
			return (int)v.state;
	}
}

/* The listener of a send that has waited. */
static void sent(bide_observer *listener, bide_source *done)
{
	bide_stream *stream = BIDE_CONTAINER_(listener, bide_stream, buffer.sent);
	int error = done->error;

	bide_recycle_(done, NULL);
	if (!bide_buffer_sent_(stream, error))
		(void)send_all(stream);
}

int bide_buffer_send_(bide_stream *stream)
{
	bide_stream_buffer *b = &stream->buffer;
	int error;

	bide_buffer_seal_(stream);
	bide_spin_lock_(&b->lock);
	error = bide_stream_failed_(stream, BIDE_IO_OUT_);
	if (!error && b->sending)
		error = EAGAIN;
	if (error || !b->first) {
		bide_spin_unlock_(&b->lock);
		return error;
	}
	BIDE_STORE(&b->sending, true, RELAXED);
	bide_spin_unlock_(&b->lock);
	b->sent.run = sent;
	bide_buffer_pin_(stream);
	return stream->type ? bide_pump_start_(stream) : send_all(stream);
}

void bide_buffer_waits_(bide_stream *stream)
{
	bide_stream_buffer *b = &stream->buffer;

	if (b->split || (!b->open && (BIDE_LOAD(&b->sending, ACQUIRE) || !b->first)))
		return;
	(void)bide_buffer_send_(stream);
}
