/*
 * io.h - what all input and output has in common: memory, errors, the engine, counters.
 *
 * Memory. There is one rule: every string, address and struct of options is copied inside the call.
 * Only data buffers and arrays of iovec are borrowed, until the operation is over. An operation is
 * over when its value task is ready, and not before, also if it was canceled. So a buffer in the
 * frame of the function that awaits is always safe. The buffer of an operation that you forget
 * must live until then; static memory does.
 *
 * Cancellation. An operation that waits ends with the error of its context: ECANCELED, or ETIMEDOUT
 * after the deadline. If its bytes have come, the bytes win, and the next operation ends with the
 * error. A call that a stream serves from its buffer does not look at the context.
 *
 * Errors. These are the same everywhere; others are those of the system call.
 *
 *     EBUSY        Misuse: an operation of this direction is pending on the object.
 *     EBADF        The object was closed while the operation was pending, or it is of another life
 *                  of the library: made before a fork or a shutdown.
 *     ECANCELED    The context was canceled.
 *     ETIMEDOUT    The deadline of the context has passed. From the kernel: the peer has not
 *                  answered for so long that the connection is given up.
 *     BIDE_EIDLE   The idle limit of the object has ended the operation.
 *     BIDE_EEND    The peer has ended its direction, where more was needed.
 *     ECONNRESET   The peer has gone, and what it may have sent is lost.
 *     EPIPE        Nothing can be written any more: the peer has closed, or an earlier write ended
 *                  in the middle. No signal is sent.
 *     EMFILE, ENFILE, ENOMEM, ENOBUFS
 *                  Descriptors or memory are exhausted. A worker needs two descriptors of its own
 *                  (three with io_uring) at the first operation that has to wait. If these
 *                  cannot be had, or would be the last, the operation waits with the help of
 *                  another worker. If no worker has any, it fails, and the next operation tries
 *                  again. bide_accept waits instead (net.h).
 *     ENOTSUP      In a simulation (virtual_clock): an operation of a descriptor had to wait. Only
 *                  TCP is simulated (simulated_net.h). Or io_uring was asked for, and cannot be
 *                  had: bide_io_engine_reason says why.
 */
#ifndef BIDE_IO_H
#define BIDE_IO_H

#include "abi.h"

/* How the library waits for descriptors. */
typedef enum bide_io_engine {
	BIDE_IO_NONE,     /* it cannot: io_uring was asked for and cannot be had */
	BIDE_IO_EPOLL,    /* epoll(7): the default */
	BIDE_IO_URING,    /* io_uring(7), since Linux 6.1, with an epoll beside it */
	BIDE_IO_SIMULATED /* a simulation has a network of its own (simulated_net.h) */
} bide_io_engine;

typedef struct bide_io_stats {
	uint64_t at_once_count;  /* operations that were ready at once */
	uint64_t waited_count;   /* operations that had to wait */
	uint64_t canceled_count; /* of these, how many a cancellation or a deadline ended */
	uint64_t request_count;  /* requests to a ring (io_uring): sockets that wait to read or write */
	uint64_t event_count;    /* events that the kernel reported */
	uint64_t wait_count;     /* system calls that asked for events, or slept until they came */
	uint64_t wake_count;     /* system calls that woke a worker which slept so */
	uint64_t rescued_count;  /* events handled for a worker whose function ran for long */
	uint64_t reactor_count;  /* workers that wait for events: 0 before an operation has to wait */
	uint64_t buffer_bytes;   /* what the buffers of streams take now */
	/* Of names (resolve.h), at this moment: threads, look-ups that queue, and that run. */
	uint64_t resolver_thread_count, lookup_queue_count, lookup_running_count;
	uint64_t lookup_hung_count; /* of these, how many have run for longer than 5 s */
} bide_io_stats;

BIDE_BEGIN_DECLS

/*
 * Returns the engine. It is decided once in each life of the runtime: by bide_config.io_engine,
 * else by the environment variable BIDE_IO ("epoll" or "uring"), else it is epoll. Sets the runtime
 * up if it was not in use. Any thread.
 */
BIDE_API bide_io_engine bide_io_engine_used(void);

/* Returns why it is this engine, as a static text of one line. As bide_io_engine_used otherwise. */
BIDE_API const char *bide_io_engine_reason(void);

/*
 * Stores the counters in *stats. They start at zero with the runtime, but for the first four,
 * which count since the start of the process. Returns 0, or EINVAL (misuse) for NULL. Any thread.
 * Cost: a lock, and a walk over the workers.
 */
BIDE_API int bide_io_stats_get(bide_io_stats *stats);

BIDE_END_DECLS
#endif
