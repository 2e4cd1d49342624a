/*
 * runtime.h - the one runtime of the process: its worker, its timers, its inbox.
 */
#ifndef BIDE_RUNTIME_RUNTIME_H
#define BIDE_RUNTIME_RUNTIME_H

#include "base/everything.h"
#include "os/os.h"
#include "runtime/wheel.h"

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): what others write stands apart */
typedef struct bide_runtime {
	/* The worker's alone. */
	bide_thread main;
	bide_wheel wheel;
	unsigned turn;          /* since inbox and timers were looked at */
	bool simulating;        /* virtual clock */
	bool seeded;            /* the order of runnable frames is drawn */
	bool checks_each_step;  /* simulating, or in debug mode */
	bool polled;            /* loop.h: its thread has a loop of the user's */
	int64_t virtual_now_ns; /* atomic: others may ask for the time */

	/* Shared. */
	_Alignas(128) uintptr_t inbox; /* newest first: a bide_post, or a frame with bit 0 set */
	uint32_t parked;               /* not 0: the worker sleeps or is about to; enum below */
	uint32_t worker_gone; /* its thread has ended without a shutdown: nothing will ever run */
	uint32_t state;       /* of enum below */
	bide_os_mutex setup;  /* of state, config and externals */
	bide_config config;   /* passed to bide_configure; all zeroes if it was not called */
	/* records of other threads; those not in use wait for the next thread */
	bide_thread *externals;
	uint32_t thread_count; /* numbers given out */
	int start_error;       /* of the last start, if that failed */
} bide_runtime;

enum {
	BIDE_RUNTIME_OFF,
	BIDE_RUNTIME_ON,
	BIDE_RUNTIME_CHILD, /* child.h: a copy, of a process that was ON */
	BIDE_RUNTIME_INSIDE
};
enum { BIDE_PARKED_FUTEX = 1, BIDE_PARKED_POLLING = 2 };

extern BIDE_INTERNAL bide_runtime bide_runtime_;

/*
 * Sets up with a configuration, which is valid. With one worker the caller becomes it. Under setup.
 * 0; ENOMEM, EAGAIN: no worker could be started.
 */
BIDE_INTERNAL int bide_runtime_start_(const bide_config *config);
/* How many workers a configuration asks for: 1 to BIDE_WORKERS_MAX. */
BIDE_INTERNAL unsigned bide_runtime_workers_(const bide_config *config);
/* A number for a new thread's record. Under setup. */
BIDE_INTERNAL uint32_t bide_runtime_number_(void);
/* Of this thread's stack: below it starts are queued. */
BIDE_INTERNAL uintptr_t bide_runtime_stack_limit_(void);
/*
 * This thread ends. If it does inside an async function, that is misuse; its record is made as new
 * for the next thread. whose: for the message.
 */
BIDE_INTERNAL void bide_runtime_thread_died_(bide_thread *thread, const char *whose);
/* Nothing is done when this thread ends: its record is gone. */
BIDE_INTERNAL void bide_runtime_forget_thread_(void);
/* Nobody uses the records of other threads any more. Under setup. */
BIDE_INTERNAL void bide_runtime_release_externals_(void);
/* Why this thread has no record: the error of the start that failed, or no memory. */
BIDE_INTERNAL int bide_runtime_missing_(void);
/* Ordinary code on a thread that is not the library's own; else misuse in the name of `what`. */
BIDE_INTERNAL bool bide_runtime_outside_(const char *what);

/*
 * Runs what is runnable until *done. 0: done; ETIMEDOUT: deadline_ns has passed; EDEADLK: a
 * simulation in which nothing can ever happen. On the worker, outside of async functions.
 */
BIDE_INTERNAL int bide_one_worker_run_(const bool *done, int64_t deadline_ns);
/* Looks at the inbox and the timers once; true: something became runnable or ran. */
BIDE_INTERNAL bool bide_one_worker_poll_(void);
/*
 * Runs one runnable frame, or looks at the inbox and the timers: in any case after so many frames.
 * false: there was nothing to do.
 */
BIDE_INTERNAL bool bide_one_worker_turn_(void);
/* Something waits in the queues of the worker. */
BIDE_INTERNAL bool bide_one_worker_has_work_(void);
/* In a simulation, when nothing is runnable: the clock goes on to the next timer. */
BIDE_INTERNAL void bide_one_worker_advance_(void);
/*
 * While the caller waits for another thread, on the worker: runs its loop until *done is set there,
 * by a post. `what`: the call that waits.
 */
BIDE_INTERNAL void bide_one_worker_run_meanwhile_(const bool *done, const char *what);
/* The worker's thread, outside of async functions; else misuse in the name of `what`. */
BIDE_INTERNAL bool bide_one_worker_allowed_(const char *what);

BIDE_INTERNAL void bide_one_worker_scribble_(void);

/* Before a frame that was runnable is resumed. */
static inline void bide_one_worker_prepare_(bide_frame *frame)
{
	if (BIDE_UNLIKELY(frame->source.flags & BIDE_FLAG_SELF_LINKED_)) {
		bide_flags_drop_(&frame->source, BIDE_FLAG_SELF_LINKED_);
		frame->awaiting = NULL;
	}
	if (BIDE_UNLIKELY(bide_debug_))
		bide_one_worker_scribble_();
}
/* loop.h: something came while the worker sleeps in the user's poll. Any thread. */
BIDE_INTERNAL void bide_poll_signal_(void);

static inline bool bide_runtime_on_worker_(void)
{
	return bide_current_thread_ == &bide_runtime_.main.head;
}

#endif
