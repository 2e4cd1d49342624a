/*
 * buffer_queue.c - what was put and not sent. See buffer_queue.h.
 */
#include "io/buffer_queue.h"

#include <errno.h>

#include "base/assert.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/spin.h"
#include "io/buffer_wait.h"
#include "io/stream.h"

static void give_all(bide_io_chunk *chunk)
{
	while (chunk) {
		bide_io_chunk *next = chunk->next;

		bide_io_chunk_give_(chunk);
		chunk = next;
	}
}

bool bide_buffer_has_waiter_(bide_stream *stream)
{
	bide_stream_buffer *b = &stream->buffer;
	bool has;

	bide_spin_lock_(&b->lock);
	has = b->waiter != NULL;
	bide_spin_unlock_(&b->lock);
	return has;
}

int bide_buffer_free_to_write_(bide_stream *stream, const char *what)
{
	uint32_t bits = BIDE_LOAD(&stream->buffer.pins, RELAXED);

	if (BIDE_LIKELY(!(bits & BIDE_BUFFER_WRITING_) && !bide_buffer_has_waiter_(stream)))
		return 0;
	bide_misuse_("%s: another operation writes to the same stream; wait until it is over", what);
	return EBUSY;
}

size_t bide_buffer_unsent_(bide_stream *stream)
{
	bide_stream_buffer *b = &stream->buffer;
	size_t bytes = b->open ? (size_t)(stream->head.put_ - b->open->data) : 0;

	bide_spin_lock_(&b->lock);
	bytes += b->queued_bytes;
	bide_spin_unlock_(&b->lock);
	return bytes;
}

void bide_buffer_seal_(bide_stream *stream)
{
	bide_stream_buffer *b = &stream->buffer;
	bide_io_chunk *open = b->open;
	bool drops;

	if (!open)
		return;
	open->upto = (uint32_t)(stream->head.put_ - open->data);
	b->open = NULL;
	stream->head.put_ = stream->head.room_ = NULL;
	bide_spin_lock_(&b->lock);
	drops = open->upto == 0 || bide_stream_failed_(stream, BIDE_IO_OUT_);
	if (!drops) {
		if (b->last)
			b->last->next = open;
		else
			b->first = open;
		b->last = open;
		b->queued_bytes += open->upto;
	}
	bide_spin_unlock_(&b->lock);
	if (drops)
		bide_io_chunk_give_(open);
}

size_t bide_buffer_parts_(bide_stream *stream, struct iovec *parts, size_t count_max)
{
	bide_stream_buffer *b = &stream->buffer;
	size_t count = 0;

	bide_spin_lock_(&b->lock);
	for (bide_io_chunk *chunk = b->first; chunk && count < count_max; chunk = chunk->next) {
		parts[count].iov_base = chunk->data + chunk->from;
		parts[count++].iov_len = chunk->upto - chunk->from;
	}
	bide_spin_unlock_(&b->lock);
	return count;
}

void bide_buffer_advance_(bide_stream *stream, size_t size_bytes)
{
	bide_stream_buffer *b = &stream->buffer;
	bide_io_chunk *sent = NULL, *chunk;
	bide_buffer_wait *waiter;

	bide_buffer_progress_(stream, b, BIDE_IO_OUT_);
	bide_spin_lock_(&b->lock);
	BIDE_ASSERT_(size_bytes <= b->queued_bytes);
	b->queued_bytes -= (uint32_t)size_bytes;
	while ((chunk = b->first) != NULL && size_bytes >= chunk->upto - chunk->from) {
		size_bytes -= chunk->upto - chunk->from;
		b->first = chunk->next;
		if (!b->first)
			b->last = NULL;
		chunk->next = sent;
		sent = chunk;
	}
	if (chunk)
		chunk->from += (uint32_t)size_bytes;
	waiter = bide_buffer_wait_met_(b);
	bide_spin_unlock_(&b->lock);
	give_all(sent);
	bide_buffer_wait_answer_(waiter, 0);
}

/*
 * There was no memory or no descriptor to wait with. What is not sent stays, and the next call
 * tries again.
 */
static bool is_kept(int error)
{
	return error == ENOMEM || error == EMFILE || error == ENFILE || error == ENOSPC;
}

bool bide_buffer_sent_(bide_stream *stream, int error)
{
	bide_stream_buffer *b = &stream->buffer;
	bide_io_chunk *dropped = NULL;
	bide_buffer_wait *waiter;

	bide_spin_lock_(&b->lock);
	BIDE_ASSERT_(b->sending);
	if (error && !is_kept(error)) {
		(void)bide_stream_fail_(stream, BIDE_IO_OUT_, error);
		dropped = b->first;
		b->first = b->last = NULL;
		b->queued_bytes = 0;
	} else if (!error && b->first) { /* put while the last attempt ended */
		bide_spin_unlock_(&b->lock);
		return false;
	}
	if (error)
		b->kept_error = (uint8_t)error;
	waiter = error ? b->waiter : NULL;
	if (error)
		b->waiter = NULL;
	BIDE_STORE(&b->sending, false, RELEASE); /* pairs with bide_buffer_is_clear_ */
	if (!error)
		waiter = bide_buffer_wait_met_(b);
	bide_spin_unlock_(&b->lock);
	/* A read that waits for the answer to what was not sent would wait for ever. */
	if (is_kept(error) && !b->split && !stream->type && bide_port_on_worker_())
		bide_handle_interrupt_(&stream->handle, BIDE_IO_IN_, error);
	bide_buffer_rests_(b, BIDE_IO_OUT_);
	give_all(dropped);
	bide_buffer_wait_answer_(waiter, error);
	bide_buffer_unpin_(stream, BIDE_BUFFER_PIN_);
	return true;
}
