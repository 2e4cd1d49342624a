/*
 * buffer_wait.h - a writing call that waits until little enough is unsent.
 *
 * It is the one waiter of the stream. The party that takes it out of buffer->waiter decides how it
 * ends: a send, a cancellation, or a value task that is forgotten. The last of its parties
 * completes it.
 */
#ifndef BIDE_IO_BUFFER_WAIT_H
#define BIDE_IO_BUFFER_WAIT_H

#include "io/buffer.h"
#include "source/operation.h"

typedef struct bide_buffer_wait {
	bide_operation operation;
	bide_cancel_node node;
	bide_stream *stream;
	uint32_t unsent_max; /* it ends when no more bytes are unsent */
	uint32_t parties;    /* the stream and the node */
	int error;
} bide_buffer_wait;

/*
 * Returns a value task that is ready when at most unsent_max bytes are queued, or has the error of
 * a send, or of the context. The caller has BIDE_BUFFER_WRITING_, and has sealed what was put.
 */
BIDE_INTERNAL bide_value_task bide_buffer_wait_(bide_stream *stream, size_t unsent_max);

/*
 * Under the lock of the buffer. Takes out the waiter if it has what it waits for. The caller gives
 * the lock up, and answers it. Returns NULL if there is none.
 */
BIDE_INTERNAL bide_buffer_wait *bide_buffer_wait_met_(bide_stream_buffer *buffer);
/* Without a lock. NULL does nothing. */
BIDE_INTERNAL void bide_buffer_wait_answer_(bide_buffer_wait *wait, int error);

#endif
