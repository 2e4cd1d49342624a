/*
 * runtime.h - the one runtime of the process: its object, its state, and the words of this room.
 *
 *     worker        A thread that runs async functions.
 *     one worker    The mode in which the thread that used bide first is the only worker. It runs
 *                   functions inside of a wait, a drain or bide_run_ready (one_worker.c).
 *     many workers  The mode with 2 to 1024 threads of the library's own (workers.c).
 *     external      A thread that is no worker (external.c).
 *     next step     The continuation that a worker runs next, before all else that it has.
 *     ring          The run queue of one of many workers, from which the others steal (ring.h).
 *     injector      The queue that many workers share, for what external threads make runnable.
 *     mailbox       What other threads send to the one worker (mailbox.c).
 *     home          The worker whose timing wheel has the timers that a thread makes (wheel.c).
 *     search        One of many workers looks for work at the others and in the injector
 *                   (worker_search.c).
 *     sleep         One of many workers has found nothing, and waits (sleep.c).
 *     park          The one worker has nothing to run, and waits (one_worker.c).
 *     monitor       A sleeping worker that wakes now and then to look at the running ones.
 *     job           A call of bide_run_blocking or bide_run_on_new_thread (blocking_job.c).
 *     loop          An executor whose functions run on a thread of the program, which polls the
 *                   descriptor of the loop (loop.c, poll.c).
 *
 *     reactor       What a worker waits in for events of descriptors, if it has one (reactor.h).
 *
 * From bottom to top: this object, thread, wheel, simulation, prepare, at_end, reactor | poll,
 * mailbox, one_worker | worker and work, rounds, sleep, worker_timers, worker_schedule,
 * worker_search, monitor, workers | reactor_place | blocking_job, blocking_threads,
 * blocking_simulated, blocking | orphan, external, atfork, dump_on, start | caller, run_ready,
 * wait, drain, loop, shutdown | port.
 */
#ifndef BIDE_RUNTIME_RUNTIME_H
#define BIDE_RUNTIME_RUNTIME_H

#include "async/deque.h"
#include "base/thread.h"
#include "os/os.h"
#include "runtime/wheel.h"

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): what others write stands apart */
typedef struct bide_runtime {
	/* Only the one worker uses these. */
	bide_thread main;
	bide_wheel wheel;
	unsigned turn;                /* frames run since it looked at the mailbox and the timers */
	bool simulating;              /* the clock is virtual */
	bool seeded;                  /* the seed draws the order of runnable frames */
	bool checks_each_step;        /* simulating, or in debug mode */
	bool polled;                  /* its thread has a loop (poll.h) */
	int64_t virtual_now_ns;       /* atomic, because other threads may ask for the time */
	struct bide_reactor *reactor; /* NULL until an operation has to wait (reactor.h) */

	/* Shared. */
	_Alignas(128) uintptr_t mailbox; /* newest first: a bide_post, or a frame with bit 0 set */
	uint32_t parked;        /* BIDE_PARKED_: not 0 if the one worker sleeps or is about to */
	uint32_t worker_gone;   /* its thread has ended without a shutdown, so nothing will ever run */
	uint32_t state;         /* BIDE_RUNTIME_ */
	bide_os_mutex setup;    /* guards state, config and externals */
	bide_config config;     /* passed to bide_configure; all zeroes if it was not called */
	bide_thread *externals; /* records of external threads; those not in use wait for a thread */
	uint32_t thread_count;  /* how many thread numbers were given out */
	int start_error;        /* of the last start, if it failed */
} bide_runtime;

enum {
	BIDE_RUNTIME_OFF,
	BIDE_RUNTIME_ON,
	BIDE_RUNTIME_CHILD, /* a copy, in the child of a process that was ON (atfork.h) */
	BIDE_RUNTIME_INSIDE /* the same, and the fork was made inside an async function */
};
enum { BIDE_PARKED_FUTEX = 1, BIDE_PARKED_POLLING = 2, BIDE_PARKED_IN_REACTOR = 3 };
/* Few, because a look-up mostly waits for a name server, which answers soon or not at all. */
enum { BIDE_RESOLVER_THREADS_MAX_DEFAULT_ = 4 };

extern BIDE_INTERNAL bide_runtime bide_runtime_;

/* Returns why this thread has no record: the error of the start that failed, or ENOMEM. */
BIDE_INTERNAL int bide_runtime_missing_(void);

/* Returns the budget of the buffers of streams, of each worker. */
static inline size_t bide_runtime_buffers_max_(void)
{
	uint64_t bytes = bide_runtime_.config.io_buffers_max_bytes;

	return bytes ? (size_t)bytes : (size_t)4 << 20;
}

/* Reports misuse of bide in a child that is INSIDE. */
BIDE_INTERNAL void bide_runtime_refuse_child_(void) BIDE_COLD;
/* Ends a child where a function that has called fork comes back to the library. */
BIDE_INTERNAL void bide_runtime_end_child_(void) __attribute__((noreturn)) BIDE_COLD;

static inline void bide_runtime_check_child_(void)
{
	if (BIDE_UNLIKELY(BIDE_LOAD(&bide_runtime_.state, RELAXED) != BIDE_RUNTIME_ON))
		bide_runtime_end_child_();
}

/* Returns true on the thread of the one worker. */
static inline bool bide_runtime_on_worker_(void)
{
	return bide_current_thread_ == &bide_runtime_.main.head;
}

/* Returns true if something waits in the queues of the one worker. */
static inline bool bide_runtime_has_work_(void)
{
	const bide_runtime *r = &bide_runtime_;
	const bide_thread_head *head = &r->main.head;

	return head->next || head->queue_head || bide_deque_size_(head) > 0 ||
	       BIDE_LOAD(&r->mailbox, ACQUIRE);
}

static inline int64_t bide_runtime_now_ns_(void)
{
	return bide_runtime_.simulating ? BIDE_LOAD(&bide_runtime_.virtual_now_ns, RELAXED)
	                                : bide_os_now_ns_();
}

#endif
