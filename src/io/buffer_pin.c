/*
 * buffer_pin.c - what keeps the memory of a stream, and the end of its buffers.
 */
#include "io/buffer.h"

#include "base/assert.h"
#include "base/misuse.h"
#include "io/stream.h"
#include "io/upcalls.h"

size_t bide_stream_null_(const char *function)
{
	bide_misuse_("%s: stream is NULL", function);
	return 0;
}

bool bide_buffer_claim_(bide_stream *stream, uint32_t bit)
{
	/* Pairs with bide_buffer_unpin_: what the last holder of the bit did is there. */
	return !(BIDE_OR(&stream->buffer.pins, bit, ACQ_REL) & bit);
}

void bide_buffer_pin_(bide_stream *stream)
{
	(void)BIDE_ADD(&stream->buffer.pins, (uint32_t)BIDE_BUFFER_PIN_, RELAXED);
}

/* No other thread uses it any more. */
static void end(bide_stream *stream)
{
	bide_stream_buffer *b = &stream->buffer;
	bide_io_chunk *chunk;

	BIDE_ASSERT_(!b->sending && !b->waiter);
	bide_chunk_claim_end_(&b->claim);
	bide_io_chunk_give_(b->in);
	bide_io_chunk_give_(b->open);
	while ((chunk = b->first) != NULL) {
		b->first = chunk->next;
		bide_io_chunk_give_(chunk);
	}
	bide_stream_free_(stream);
}

void bide_buffer_unpin_(bide_stream *stream, uint32_t pin)
{
	uint32_t before = BIDE_SUB(&stream->buffer.pins, pin, ACQ_REL);

	BIDE_ASSERT_(before >= pin);
	if (before - pin == BIDE_BUFFER_CLOSED_)
		end(stream);
}

static bool chunk_has(const bide_io_chunk *chunk, const char *at, const char *end)
{
	BIDE_INVARIANT_(chunk->in_use);
	BIDE_INVARIANT_(at >= chunk->data && at <= end);
	BIDE_INVARIANT_(end <= chunk->data + bide_io_chunk_room_(chunk));
	return true;
}

bool bide_buffer_is_valid_(const bide_stream *stream)
{
	const bide_stream_head_ *head = &stream->head;
	const bide_stream_buffer *b = &stream->buffer;

	if (!(BIDE_LOAD(&b->pins, RELAXED) & BIDE_BUFFER_READING_)) {
		BIDE_INVARIANT_(b->in || (!head->at_ && !head->end_));
		if (b->in && !chunk_has(b->in, head->at_, head->end_))
			return false;
	}
	BIDE_INVARIANT_(b->open || (!head->put_ && !head->room_));
	return !b->open || chunk_has(b->open, head->put_, head->room_);
}
