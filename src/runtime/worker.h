/*
 * worker.h - the record of one of many workers, and the table of all of them.
 */
#ifndef BIDE_RUNTIME_WORKER_H
#define BIDE_RUNTIME_WORKER_H

#include "async/deque.h"
#include "base/thread.h"
#include "os/os.h"
#include "runtime/injector.h"
#include "runtime/ring.h"
#include "runtime/sleeper.h"
#include "runtime/wheel.h"
#include "runtime/workers.h"

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): what others write stands apart */
typedef struct bide_worker {
	bide_thread thread; /* first: bide_current_thread_ points at it */
	unsigned index;
	unsigned turns;      /* functions run since it looked at the injector and the timers */
	bool has_next;       /* its next step is on the deque: pushed, and not popped since */
	bool probes;         /* the next round comes soon (rounds.c) */
	bool injector_first; /* whether the injector comes before the deque the next time it looks */
	uint32_t random;
	uint32_t empty_looks; /* at its reactor, in a row */
	uint32_t steps_sum;   /* of all workers, when it last fell asleep (rounds.c) */
	int64_t event_ns;     /* about when it last handed out events */
	int64_t round_ns;     /* when its next round over the reactors of others is due */
	int64_t round_pause_ns;
	bide_os_thread handle;
	bide_wheel wheel; /* guarded by wheel_lock */
	_Alignas(64) uint32_t wheel_lock;
	int64_t due_ns; /* no timer of the wheel is due before this; written under the lock */
	/* Of the monitor (monitor.h): */
	int64_t seen_ns; /* since when it has seen the worker in this step; BIDE_FOREVER: it slept */
	uint32_t steps_seen; /* the step */
	_Alignas(64) bide_sleeper sleeper;
	uint32_t steps;  /* functions run so far, and sleeps; the monitor reads it */
	uint32_t sleeps; /* how many of the steps were sleeps */
	uint32_t ready;  /* which thread it has (workers.c) */
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

/* Returns the worker that this thread is, or NULL. With many workers only. */
static inline bide_worker *bide_worker_this_(void)
{
	bide_thread_head *head = bide_current_thread_;

	return head && !bide_thread_of_(head)->is_external ? (bide_worker *)(void *)head : NULL;
}

/*
 * Returns true if the worker has something that others may take at once. A continuation that is
 * alone in the deque is its owner's next step. A thief takes it only if the owner does not come to
 * it, so it does not count here.
 */
static inline bool bide_worker_has_work_(const bide_worker *w)
{
	const bide_deque *deque = &w->thread.head.deque;
	uint32_t size = bide_deque_size_(&w->thread.head);
	uintptr_t oldest;

	if (bide_ring_size_(&w->ring) > 0 || size > 1)
		return true;
	if (size == 0)
		return false;
	oldest = BIDE_LOAD(&deque->ring[BIDE_LOAD(&deque->top, RELAXED) & deque->mask], RELAXED);
	return !(oldest & BIDE_ENTRY_FRAME_);
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

/* Returns a frame as an entry of a deque; 0 for NULL. */
static inline uintptr_t bide_entry_of_(bide_frame *frame)
{
	return frame ? (uintptr_t)frame | BIDE_ENTRY_FRAME_ : 0;
}

#endif
