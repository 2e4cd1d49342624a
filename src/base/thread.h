/*
 * thread.h - the record of a thread, whose head the public headers know.
 */
#ifndef BIDE_BASE_THREAD_H
#define BIDE_BASE_THREAD_H

#include "base/library.h"

struct bide_operation;

/*
 * How often in a row the newest continuation runs next. A watched run (head->handovers kept
 * there) never does.
 */
enum { BIDE_HANDOVERS_MAX_ = 64 };

typedef struct bide_thread {
	bide_thread_head head;
	bide_frame root;     /* current outside of all async functions */
	unsigned completing; /* depth of completions on this stack */
	struct bide_operation *completions, **completions_tail;
	struct bide_cancel_core **canceling; /* work list of the cancel whose operations fire now */
	uint32_t home;                       /* the worker whose wheel has the timers made here */
	bide_executor *executor;             /* whose functions run on this stack; NULL: the workers' */
	uintptr_t hot_limit; /* worker.stack_limit, while the current context makes starts cold */
	bool cold;
	bool by_port;     /* what it makes runnable is told to the port: all but the one worker */
	bool is_external; /* not a worker */
	bool is_nowhere;  /* in a child, inside a function of its parent's: it gets no memory */
	bool in_use;      /* by a thread that lives */
	struct bide_thread *next; /* externals */
	struct bide_thread *next_counted;
	uint64_t trace_next, trace_end; /* numbers of trace records that this thread may use */
	bide_trace wait_trace;          /* of the last wait that failed */
	uint64_t counts[7]; /* written by this thread, read by any; BIDE_COUNTERS_ of them */
} bide_thread;

static inline bide_thread *bide_thread_of_(bide_thread_head *head)
{
	return (bide_thread *)(void *)head;
}

/* Sets up a thread's record: counters, pools, root frame. */
BIDE_INTERNAL void bide_thread_init_(bide_thread *thread, uint32_t number, bool is_external);

#endif
