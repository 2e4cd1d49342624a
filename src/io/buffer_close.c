/*
 * buffer_close.c - the close of a stream, as its buffers see it.
 */
#include "base/assert.h"
#include "io/buffer.h"
#include "io/stream.h"

void bide_buffer_closed_(bide_stream *stream)
{
	uint32_t before;

	bide_buffer_pin_(stream);
	before = BIDE_OR(&stream->buffer.pins, (uint32_t)BIDE_BUFFER_CLOSED_, ACQ_REL);
	BIDE_ASSERT_(!(before & BIDE_BUFFER_CLOSED_));
	(void)before;
	bide_buffer_idle_stop_(stream);
	bide_buffer_unpin_(stream, BIDE_BUFFER_PIN_);
}
