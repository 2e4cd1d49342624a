/*
 * library.h - the public headers as the library itself includes them, and the words that all of it
 * uses.
 *
 * Results:
 *   value task  a result, an error, or the promise of one, in two registers. Its state is 0, an
 *               error, or the address of its source. It has one consumer, once.
 *   source      what a pending value task points at: 32 bytes that a frame, an operation, a task, a
 *               fork and the user's own sources begin with
 *   word        the atomic word of a source: its state, and what waits for it
 *   generation  the number of one use of a source's memory. A value task with another one is stale.
 *   frame       the memory of an async function that was started: a source, where the function
 *               stands, and its variables
 *   operation   a source that the library completes: a delay, a combinator, a wait for a task. In
 *               source/operation.h it is a kind of source, which timers (delays) are not.
 *   task        a source with a reference count, so that many can wait for it
 *   listener    what a source runs when it completes, if no frame waits for it. To listen is to
 *               register one; to unlisten, to take it out again.
 *   complete    to store the result in a source, mark it as done, and deliver it
 *   deliver     to make the frame that waits runnable, or to run the listener
 *   consume     to take the result and end the value task
 *   unref       to drop a reference; recycle: to give an object back to its pool (memory/pool.c);
 *               free: to give memory back to the allocator
 *
 * Threads:
 *   thread      any thread that uses bide. Its record is a bide_thread, whose head is the part that
 *               inlined code reads.
 *   worker      a thread of the runtime that runs async functions. With one worker, that is the
 *               thread that first used bide, or that called bide_configure.
 *   external    a thread that is no worker
 *   shared      the mode of many workers: any thread may touch anything. The tag SHARED of a word
 *               is another thing: a task that is pending.
 *   post        work that is sent to the one worker
 *   fork        a call that another worker may run while its caller goes on. fork(2) is in
 *               runtime/atfork.c.
 *   context     what surrounds a running function: cancellation, deadline, executor
 *   executor    what decides where functions run
 *   port        all that the rooms above base ask of the system and the runtime (port.h)
 */
#ifndef BIDE_BASE_LIBRARY_H
#define BIDE_BASE_LIBRARY_H

/* The library's own functions add no entry to a trace. They hand on the trace that they get. */
#define BIDE_NO_TRACE 1
#ifndef BIDE_BUILDING
#define BIDE_BUILDING 1
#endif
#include <bide/bide.h>

#define BIDE_CONTAINER_(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))
/* The errno numbers of Linux, for a port without errno.h. The runtime checks that they agree. */
enum {
	BIDE_ECANCELED_ = 125,
	BIDE_ENOMEM_ = 12,
	BIDE_EINVAL_ = 22,
	BIDE_ETIMEDOUT_ = 110,
	BIDE_EINPROGRESS_ = 115,
	BIDE_EBUSY_ = 16,
	BIDE_EDEADLK_ = 35,
	BIDE_EPIPE_ = 32,
	BIDE_EAGAIN_ = 11,
	BIDE_EOVERFLOW_ = 75
};

/* For functions that read memory while other threads change it, or give it back. */
#define BIDE_UNCHECKED_ __attribute__((no_sanitize_thread, no_sanitize_address))

#endif
