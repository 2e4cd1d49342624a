/*
 * worker.h - the record of one of many workers, and the table of all of them.
 */
#ifndef BIDE_RUNTIME_WORKER_H
#define BIDE_RUNTIME_WORKER_H

#include "async/deque.h"
#include "base/thread.h"
#include "os/os.h"
#include "runtime/batch.h"
#include "runtime/injector.h"
#include "runtime/ring.h"
#include "runtime/sleeper.h"
#include "runtime/tell.h"
#include "runtime/wheel.h"
#include "runtime/workers.h"

/* A worker as a thief (theft.h). All of it is the worker's own. */
typedef struct bide_theft {
	struct bide_worker *victim; /* the worker that it asks, or NULL */
	int64_t asked_ns;           /* when it began to ask */
	unsigned max;               /* how many entries it asks for */
	bool had_more;              /* the last victim had as many entries as were asked for */
	int64_t got_ns;             /* when it last took something from a deque; 0: it was weighed */
	int64_t cost_ns;            /* what that cost */
	int64_t pause_ns;           /* how long it leaves the deques alone after a vain theft */
	int64_t next_ns;            /* until then */
	struct bide_worker *silent; /* the worker that did not answer the last time, or NULL */
	uint32_t silent_bottom;     /* where its deque ended then */
} bide_theft;

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): what others write stands apart */
typedef struct bide_worker {
	bide_thread thread; /* first: bide_current_thread_ points at it */
	unsigned index;
	unsigned turns;      /* functions run since it looked at the injector and the timers */
	unsigned turns_max;  /* then it looks again, or checks its batch */
	bool has_next;       /* its next step is on the deque: pushed, and not popped since */
	bool probes;         /* the next round comes soon (rounds.c) */
	bool hands_out;      /* it hands out events, and decides afterwards whether it tells of them */
	bool injector_first; /* whether the injector comes before the deque the next time it looks */
	uint32_t random;
	uint32_t empty_looks; /* at its reactor, in a row */
	uint32_t steps_sum;   /* of all workers, when it last fell asleep (rounds.c) */
	int64_t event_ns;     /* about when it last handed out events */
	int64_t share_ns;     /* the last share of the injector, if it was more than one frame */
	bide_batch batch;
	int64_t round_ns; /* when its next round over the reactors of others is due */
	int64_t round_pause_ns;
	bide_os_thread handle;
	bide_theft theft;
	bide_wheel wheel; /* guarded by wheel_lock */
	_Alignas(64) uint32_t wheel_lock;
	int64_t due_ns; /* no timer of the wheel is due before this; written under the lock */
	/* Of the monitor (monitor.h): */
	int64_t seen_ns; /* since when it has seen the worker in this step; BIDE_FOREVER: it slept */
	uint32_t steps_seen; /* the step */
	uint32_t left_seen;  /* tell.left */
	_Alignas(64) bide_sleeper sleeper;
	uint32_t steps;  /* functions run so far, and sleeps; the monitor reads it */
	uint32_t sleeps; /* how many of the steps were sleeps */
	uint32_t ready;  /* which thread it has (workers.c) */
	/*
	 * Whether it tells others of an entry that is all that it has (tell.h), and whether it has told
	 * of one, or of several: others take the last entry only then. Atomic, relaxed; the thread that
	 * takes it clears this.
	 */
	uint32_t told;
	bide_tell tell;
	/* Of the thread that has woken it; written by that before `state` is RUNS (sleeper.h): */
	struct bide_worker *waker; /* if that has told of a lone entry; otherwise NULL */
	int64_t woken_ns;
	bide_ring ring;
} bide_worker;

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): the same */
typedef struct bide_worker_table {
	bide_worker *worker[BIDE_WORKERS_MAX];
	unsigned count;
	uint32_t homes; /* homes given to external threads so far: they go round the workers */
	bide_injector injector;
} bide_worker_table;

extern BIDE_INTERNAL bide_worker_table bide_workers_;
/* How long it takes until a worker runs that another one wakes, smoothed. Atomic, relaxed. */
extern BIDE_INTERNAL int64_t bide_wake_ns_;

/* Returns the worker that this thread is, or NULL. With many workers only. */
static inline bide_worker *bide_worker_this_(void)
{
	bide_thread_head *head = bide_current_thread_;

	return head && !bide_thread_of_(head)->is_external ? (bide_worker *)(void *)head : NULL;
}

/* Returns how many entries the worker had a moment ago. Any thread. */
static inline uint32_t bide_worker_entries_(const bide_worker *w)
{
	return bide_ring_size_(&w->ring) + bide_deque_size_(&w->thread.head);
}

/*
 * Returns true if the worker has something that others may take at once. A lone entry is what its
 * own worker comes to next. So it counts only if the worker has told of it; otherwise the monitor
 * takes it, if the worker does not come to it.
 */
static inline bool bide_worker_has_work_(const bide_worker *w)
{
	uint32_t entries = bide_worker_entries_(w);

	return entries > 1 || (entries == 1 && BIDE_LOAD(&w->told, RELAXED));
}

/*
 * Returns true if the worker, which is about to run a function after a sleep, has what only it
 * would come to.
 */
static inline bool bide_worker_needs_monitor_(const bide_worker *w)
{
	return BIDE_LOAD(&w->due_ns, RELAXED) != BIDE_FOREVER ||
	       BIDE_LOAD(&w->sleeper.reactor, RELAXED);
}

/* Reports to the worker that has woken this one whether this one found something. */
static inline void bide_worker_report_(bide_worker *w, bool found)
{
	if (w->waker)
		BIDE_STORE(&w->waker->tell.outcome, (uint32_t)(found ? BIDE_TELL_FOUND_ : BIDE_TELL_VAIN_),
		           RELAXED);
	w->waker = NULL;
}

/* Returns a frame as an entry of a deque; 0 for NULL. */
static inline uintptr_t bide_entry_of_(bide_frame *frame)
{
	return frame ? (uintptr_t)frame | BIDE_ENTRY_FRAME_ : 0;
}

#endif
