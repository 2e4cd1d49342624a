/*
 * thread.h - the record of a thread. The public headers know its head.
 */
#ifndef BIDE_BASE_THREAD_H
#define BIDE_BASE_THREAD_H

#include "base/library.h"
#include "base/settings.h"

struct bide_operation;

/*
 * How often in a row the newest continuation may run next. If head->handovers is kept at this
 * number, as in a run that checks each step, no continuation runs next.
 */
enum { BIDE_HANDOVERS_MAX_ = 64 };

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order of what it is about */
typedef struct bide_thread {
	bide_thread_head head;
	bide_frame root; /* head.current outside of all async functions */
	/*
	 * The frame whose body bide_frame_resume_ runs, below all that it starts. Otherwise NULL or a
	 * frame that is suspended.
	 */
	const bide_frame *resumed;
	/* The depth of completions on this stack. Beyond a limit they wait in the list. */
	unsigned completing;
	struct bide_operation *completions, **completions_tail;
	/* Of the cancel that runs on this thread: its work list, which a nested cancel adds to. */
	struct bide_cancel_core **canceling;
	uint32_t home; /* the worker whose wheel has the timers that this thread makes */
	/* The executor whose function runs on this stack, or NULL for functions of the workers. */
	bide_executor *executor;
	/*
	 * While the current context makes starts cold, head.stack_limit is UINTPTR_MAX, and this is the
	 * value to put back.
	 */
	uintptr_t hot_limit;
	bool cold;
	/*
	 * In the record of the one worker: a loop of the user's drives the worker, so a frame that
	 * becomes runnable here, or a timer that is armed, signals the descriptor (runtime/poll.h).
	 */
	bool by_port;
	bool is_external;
	/* In the child of a fork, inside a function of the parent's: it gets no memory of the pools. */
	bool is_nowhere;
	bool in_use;                      /* by a thread that lives */
	struct bide_thread *next;         /* external threads */
	struct bide_thread *next_counted; /* count.c */
	uint64_t trace_next, trace_end;   /* numbers of trace records that this thread may use */
	bide_trace wait_trace;            /* of the last wait that failed */
	/* Operations of input and output that were done at once in the function with this step. */
	uint32_t io_step, io_at_once;
	/* BIDE_COUNTERS_ of them. This thread writes them, any thread reads them. */
	uint64_t counts[19];
} bide_thread;

static inline bide_thread *bide_thread_of_(bide_thread_head *head)
{
	return (bide_thread *)(void *)head;
}

/*
 * For the beginning of a public call on an object that may be of the parent. In the child of a
 * fork, the first one leaves the runtime of the parent, which marks what is its.
 */
static inline void bide_leave_parent_(void)
{
	if (BIDE_UNLIKELY(bide_settings_.is_unused_child))
		(void)bide_thread_();
}

/* Returns true if the thread runs an async function, and not ordinary code. */
static inline bool bide_thread_is_inside_(const bide_thread_head *head)
{
	return head->current != &((const bide_thread *)(const void *)head)->root;
}

#endif
