/*
 * executor.h - an executor: a queue of functions, of which one runs at a time. A strand runs on the
 * workers (async/strand.c), a loop on a thread of the user's (runtime/loop.c).
 *
 * Any thread pushes; only the thread that runs the executor takes. The inbox is a stack of frames,
 * linked as the run queue is (run_queue.h). A push is one CAS, and one swap empties the inbox. Its
 * word also tells whether the executor must be woken: IDLE means that no thread runs it or is about
 * to, so the first push wakes it. The thread that sets it back to IDLE does not touch the executor
 * afterwards.
 *
 *     queued == frames in `oldest`, first to last + frames in the inbox, last to first
 */
#ifndef BIDE_CONTEXT_EXECUTOR_H
#define BIDE_CONTEXT_EXECUTOR_H

#include "base/library.h"
#include "source/operation.h"

/* The inbox without a frame. */
enum {
	BIDE_EXECUTOR_IDLE_ = 0,
	BIDE_EXECUTOR_BUSY_ = 1 /* A thread runs the executor, or is about to. */
};

/*
 * What a thread reads that completes something for a loop stands apart from what the loop's own
 * thread writes in each run: the turn, which a loop does not use, is between the two.
 */
struct bide_executor {
	bide_operation operation;
	uintptr_t inbox; /* IDLE, BUSY, or the newest frame. Atomic. */
	const void
		*thread; /* The thread of a loop (bide_port_thread_), or NULL for a strand. Atomic. */
	/*
	 * Tells the thread of a loop that something has come. If it is NULL, the turn is queued on a
	 * worker instead.
	 */
	void (*wake)(bide_executor *executor);
	void (*destroy)(bide_executor *executor); /* Runs with the last reference. May be NULL. */
	int fd;           /* Of a loop, to be polled. -1: none was asked for. Atomic. */
	uint32_t watches; /* Not 0: the loop has watched, and may do so now (watch.h). Atomic. */
	uint32_t batch;   /* How many functions run in one turn at most. */
	/*
	 * What is queued on a worker while there is something to run: a frame of no async function,
	 * whose body runs functions of this executor.
	 */
	_Alignas(16) bide_frame turn;
	uint32_t references;
	bide_frame *oldest;  /* Taken out of the inbox, in order. Of the thread that runs it. */
	bide_frame *watched; /* Of the same thread: see watch.h. Atomic. */
};
BIDE_STATIC_ASSERT(offsetof(struct bide_executor, references) -
                           offsetof(struct bide_executor, inbox) >=
                       64,
                   "the inbox and what the loop's thread writes are in two cache lines");

/* Every executor is of one of these types, which tells it from other operations. */
extern BIDE_INTERNAL const bide_operation_type bide_strand_type_, bide_loop_type_;

/*
 * Returns a new executor with one reference, or NULL if there is no memory. `turn` is what the
 * worker runs (bide_strand_turn_).
 */
BIDE_INTERNAL bide_executor *bide_executor_new_(const bide_operation_type *type,
                                                const bide_function_info *turn, uint32_t batch);
/* Returns true for an executor with a reference, and for NULL. Else it reports misuse of `what`. */
BIDE_INTERNAL bool bide_executor_check_(const bide_executor *executor, const char *what);

/*
 * Makes a frame runnable on the executor. Any thread. Never fails. With `next` a strand that was
 * idle runs as soon as possible, else at the end of the worker's queue.
 */
BIDE_INTERNAL void bide_executor_enqueue_(bide_executor *executor, bide_frame *frame, bool next);

/* For the thread that runs the executor: */

/* Returns the oldest frame, or NULL if there is none, without taking it. */
BIDE_INTERNAL const bide_frame *bide_executor_first_(bide_executor *executor);
/* Takes the oldest frame, ready to be run. Returns NULL if there is none. */
BIDE_INTERNAL bide_frame *bide_executor_take_(bide_executor *executor);
/*
 * Sets the executor to IDLE if nothing is left. Returns true then: another thread may run it at
 * once.
 */
BIDE_INTERNAL bool bide_executor_rest_(bide_executor *executor);
/*
 * A walker, for the thread that runs the executor: each frame of the queue is in use, and the queue
 * ends.
 */
BIDE_INTERNAL bool bide_executor_is_valid_(const bide_executor *executor);

#endif
