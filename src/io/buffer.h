/*
 * buffer.h - the buffers of a stream.
 *
 * Reading. `in` is the chunk that was received into. While no reading call waits, head.at_ and
 * head.end_ tell what is left of it, and inlined code takes from there. A call that the buffer does
 * not serve *hides* it: in->from and in->upto tell then, and at_ == end_ == NULL, so that every
 * other call takes the slow path and finds READING. At its end it is *shown* again.
 *
 *     shown --a slow call--> hidden, of the call or of the attempts of its operation --> shown
 *
 * An attempt takes a chunk before it receives. Before the operation waits, it *settles* the buffer:
 * an empty chunk goes back, and a few bytes move to a chunk of their size.
 *
 * Writing. `open` is the chunk that is written to: put_ and room_ point into it, and it belongs to
 * the function that writes. To *seal* it is to append it to the queue, which the lock guards. From
 * there it is sent, by an operation of the stream's own, outside of all contexts: `sending`. One is
 * under way at most. The thread that sends gives the chunks back.
 *
 *     open --seal--> queue --sent--> given back
 *
 * A writing call that has to wait for a send, waits with a `bide_buffer_wait` (buffer_wait.h).
 *
 * A stream is freed when it was closed and no *pin* is left: a reading call, a writing call that
 * waits, `sending`, an async function of the library that uses it, a timer, a post.
 */
#ifndef BIDE_IO_BUFFER_H
#define BIDE_IO_BUFFER_H

#include <bide/buffer.h>

#include "cancel/alarm.h"
#include "io/chunk.h"

union bide_io_arguments;
struct bide_buffer_wait;

enum {
	BIDE_BUFFER_LIMIT_ = 65536, /* of a line, and of what may be unsent, by default */
	/* The bits of `pins`. The stream is freed when nothing but CLOSED is left. */
	BIDE_BUFFER_CLOSED_ = 1,
	BIDE_BUFFER_READING_ = 2, /* a slow reading call */
	BIDE_BUFFER_WRITING_ = 4, /* a writing call that waits */
	BIDE_BUFFER_PIN_ = 8
};

/* What the buffers keep in a stream. All zeroes when the stream is made. */
typedef struct bide_stream_buffer {
	/* --- reading --- */
	bide_io_chunk *in;
	uint32_t scanned_bytes;                 /* of what is hidden: no mark begins there */
	uint32_t line_max_bytes, put_max_bytes; /* 0: the default */
	bool ended;                             /* the end has come, and no call has returned it yet */
	bool split;
	bide_chunk_claim claim;
	/* --- writing --- */
	bide_io_chunk *open;
	uint32_t lock;               /* of the members down to `waiter` */
	bide_io_chunk *first, *last; /* sealed and not sent */
	uint32_t queued_bytes;       /* in them */
	bool sending;
	uint8_t kept_error;              /* of the newest send that ended and kept what was not sent */
	struct bide_buffer_wait *waiter; /* of the writing call that waits for a send */
	bide_observer sent;              /* of the operation that sends */
	/* --- its life --- */
	uint32_t pins; /* BIDE_BUFFER_PIN_ for each, and the bits above; atomic */
	/* --- the idle limit (buffer_idle.c) --- */
	uint32_t armed;      /* 1: the timer is armed or on its way; atomic */
	int64_t idle_ns;     /* 0: no limit; atomic */
	int64_t since_ns[2]; /* by side: since when nothing came or went; 0: nothing waits; atomic */
	bide_alarm alarm;    /* due.run is NULL before it is first used */
	bide_post arm;       /* to the one worker */
} bide_stream_buffer;

static inline size_t bide_buffer_line_max_(const bide_stream_buffer *buffer)
{
	return buffer->line_max_bytes ? buffer->line_max_bytes : BIDE_BUFFER_LIMIT_;
}
static inline size_t bide_buffer_put_max_(const bide_stream_buffer *buffer)
{
	return buffer->put_max_bytes ? buffer->put_max_bytes : BIDE_BUFFER_LIMIT_;
}

/* --- its life (buffer_pin.c, buffer_close.c) --- */

/* Sets a bit, which pins the stream. Returns false if it is set already. */
BIDE_INTERNAL bool bide_buffer_claim_(bide_stream *stream, uint32_t bit);
BIDE_INTERNAL void bide_buffer_pin_(bide_stream *stream);
/* Takes BIDE_BUFFER_PIN_ or a bit away. May free the stream. */
BIDE_INTERNAL void bide_buffer_unpin_(bide_stream *stream, uint32_t pin);
/* The stream is closed, and nothing uses its handle any more. Frees it, unless it is pinned. */
BIDE_INTERNAL void bide_buffer_closed_(bide_stream *stream);
/* A walker. For the function that uses the stream, while no call is pending. */
BIDE_INTERNAL bool bide_buffer_is_valid_(const bide_stream *stream);

/* --- reading (buffer_in.c) --- */

/* Takes up to size_bytes bytes from the buffer, and returns how many. For bide_stream_read. */
BIDE_INTERNAL size_t bide_buffer_take_(bide_stream *stream, void *to, size_t size_bytes);
/*
 * A slow reading call begins: hides the buffer. Returns false if one is pending; then misuse of
 * `what` was reported.
 */
BIDE_INTERNAL bool bide_buffer_hide_(bide_stream *stream, const char *what);
/* The end of the call: shows the buffer again. May free the stream, if it was closed. */
BIDE_INTERNAL void bide_buffer_show_(bide_stream *stream);

/*
 * What a slow reading call wants, in the arguments of its operation: `pointer` is the memory of the
 * caller, or NULL; `size` is how many bytes it wants, or 0; `number` is as follows.
 */
typedef enum bide_wanted {
	BIDE_WANTED_LINE_,
	BIDE_WANTED_MARK_,
	BIDE_WANTED_PEEK_,
	BIDE_WANTED_EXACTLY_
} bide_wanted;
static inline uint64_t bide_wanted_number_(bide_wanted wanted, const char *mark, size_t mark_bytes)
{
	return (uint64_t)wanted | (uint64_t)mark_bytes << 8 |
	       (mark_bytes > 0 ? (uint64_t)(unsigned char)mark[0] << 16 : 0) |
	       (mark_bytes > 1 ? (uint64_t)(unsigned char)mark[1] << 24 : 0);
}

/*
 * Looks into the hidden buffer for what is wanted. Returns 0, with the result; EAGAIN if more is
 * needed; EMSGSIZE; BIDE_EEND.
 */
BIDE_INTERNAL int bide_buffer_look_(bide_stream *stream, const union bide_io_arguments *wanted,
                                    bide_payload *result);
/*
 * Makes room behind what is hidden, and returns where, and how much. Returns 0; EAGAIN: the stream
 * waits for the budget, and its claim calls `again`; ENOMEM.
 */
BIDE_INTERNAL int bide_buffer_room_(bide_stream *stream, char **at, size_t *size_bytes);
/* size_bytes bytes were received there; 0: the end. */
BIDE_INTERNAL void bide_buffer_received_(bide_stream *stream, size_t size_bytes);
/* Nothing more can be received now. is_waiting: its claim waits for the budget. */
BIDE_INTERNAL void bide_buffer_settle_(bide_stream *stream, bool is_waiting);

/* --- writing (buffer_out.c) --- */

/*
 * Seals what was put, and sends it, unless a send is under way. Returns 0: all is sent; EAGAIN: a
 * send is under way; or the error of a send. For the function that writes.
 */
BIDE_INTERNAL int bide_buffer_send_(bide_stream *stream);
/*
 * A reading call waits: sends what was put, unless the stream is split. If there is no memory for
 * that, the reading call fails.
 */
BIDE_INTERNAL void bide_buffer_waits_(bide_stream *stream);
/* Returns 0; or EBUSY if a writing call waits, which it reports as misuse of `what`. */
BIDE_INTERNAL int bide_buffer_free_to_write_(bide_stream *stream, const char *what);
/*
 * Returns true if nothing was put that is not sent. If no send has failed either, the side is free
 * for another operation. For the function that writes.
 */
static inline bool bide_buffer_is_clear_(const bide_stream_buffer *buffer)
{
	/* While nothing is sent, no other thread uses the queue. Pairs with the end of a send. */
	return !buffer->open && !BIDE_LOAD(&buffer->sending, ACQUIRE) && !buffer->first;
}

/* --- the idle limit (buffer_idle.c) --- */

BIDE_INTERNAL void bide_buffer_progress_slow_(bide_stream *stream, unsigned side);
/* Sets the limit, 0: none. Otherwise for the owner. */
BIDE_INTERNAL void bide_buffer_idle_set_(bide_stream *stream, int64_t idle_ns);
/* The stream is closed. */
BIDE_INTERNAL void bide_buffer_idle_stop_(bide_stream *stream);
/*
 * An operation of a side begins, or a byte has come or gone. Before the operation can wait. Cost
 * without a limit: a load.
 */
static inline void bide_buffer_progress_(bide_stream *stream, bide_stream_buffer *buffer,
                                         unsigned side)
{
	if (BIDE_UNLIKELY(BIDE_LOAD(&buffer->idle_ns, RELAXED) != 0))
		bide_buffer_progress_slow_(stream, side);
}
/* Nothing waits on that side any more. */
static inline void bide_buffer_rests_(bide_stream_buffer *buffer, unsigned side)
{
	int64_t since_ns = BIDE_LOAD(&buffer->since_ns[side], RELAXED);

	/* While the timer interrupts, it stays as it is. */
	if (BIDE_UNLIKELY(since_ns > 0))
		(void)BIDE_CAS(&buffer->since_ns[side], &since_ns, 0, RELAXED, RELAXED);
}

#endif
