/*
 * buffer_queue.h - what was put in a stream and not sent.
 *
 * The function that puts, and the thread that sends, share the queue, under the lock of the buffer.
 * It is never held while a system call is made, a chunk given back, or an operation started or
 * completed.
 */
#ifndef BIDE_IO_BUFFER_QUEUE_H
#define BIDE_IO_BUFFER_QUEUE_H

#include "io/buffer.h"

/* --- for the function that writes --- */

/* Returns how many bytes were put and not sent. */
BIDE_INTERNAL size_t bide_buffer_unsent_(bide_stream *stream);
/* Returns true if a call waits for a send. */
BIDE_INTERNAL bool bide_buffer_has_waiter_(bide_stream *stream);
/* Appends what was put to the queue. */
BIDE_INTERNAL void bide_buffer_seal_(bide_stream *stream);

/* --- for the thread that sends --- */

/*
 * Stores where the oldest bytes of the queue are, and returns the number of parts; 0: it is empty.
 */
BIDE_INTERNAL size_t bide_buffer_parts_(bide_stream *stream, struct iovec *parts, size_t count_max);
/* So many bytes of the queue were sent. */
BIDE_INTERNAL void bide_buffer_advance_(bide_stream *stream, size_t size_bytes);
/*
 * The send is over: `sending` and its pin end. Returns false if more was put meanwhile: then it
 * goes on.
 */
BIDE_INTERNAL bool bide_buffer_sent_(bide_stream *stream, int error);

#endif
