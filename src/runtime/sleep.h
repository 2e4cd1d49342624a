/*
 * sleep.h - how workers stop looking for work, sleep, and are woken, so that nothing that is
 * runnable is forgotten: if something is runnable and nobody runs it, somebody is awake who will
 * look.
 *
 * Four parties, of whom each first stores something and then looks at what the others store:
 *
 *     pusher      publishes (a ring's tail, a deque's bottom); light fence; looks at its `wanted`,
 *                 then, having taken that back and passed a full fence, at `searching`, `asleep`
 *     sender      (no worker) publishes (the inbox's count, SEQ_CST); looks at the same
 *     searcher    says that it does not search any more (`searching`); looks for work: if it found
 *                 nothing by falling asleep, else as the last one who searched
 *     sleeper     says that it sleeps (`state`, `asleep`), and sets `wanted` of all; heavy fence;
 *                 looks for work, at `stopping`, at its first timer
 *
 * So of two that meet one sees the other. A pusher that finds a searcher leaves it to him; one that
 * finds a sleeper wakes him, and counts him among the searchers before he runs. `wanted` is set
 * whenever somebody sleeps and nobody searches. Who takes it back tells somebody.
 *
 * Who changes `state` from SLEEPS, the waker (to WAKES, then RUNS) or the sleeper himself (to
 * RUNS), takes him out of `asleep` before he runs; if it was the waker, he begins as a searcher. So
 * if `asleep` says that all others sleep, none of them pushes, and no heavy fence is needed.
 *
 * Pairs: `searching` and `asleep`, SEQ_CST on all sides, with themselves, with the inbox's count
 * and the first timer's time. `wanted`, relaxed: the heavy fence of who sets it with the light
 * fence of who pushes; where there is no heavy one (a deque is `fenced`), pushers pass a full one.
 * `state`: stored before the sleeper's full fence, read SEQ_CST by wakers; the futex compares it
 * again. `watched`: relaxed looks are hints.
 */
#ifndef BIDE_SLEEP_H
#define BIDE_SLEEP_H

#include "../core/core.h"

enum { BIDE_RUNS_, BIDE_SLEEPS_, BIDE_WAKES_ };

typedef struct bide_sleeper {
	uint32_t state; /* BIDE_RUNS_, BIDE_SLEEPS_, BIDE_WAKES_; a futex */
} bide_sleeper;

typedef struct bide_sleep {
	_Alignas(64) uint32_t searching;
	uint32_t asleep;
	uint32_t watched; /* one of those who sleep looks now and then at those who run */
	uint32_t stopping;
} bide_sleep;

extern BIDE_INTERNAL bide_sleep bide_sleep_;

/* --- what it asks of the pool --- */

/* Worker 0 to bide_pool_count_() - 1. */
BIDE_INTERNAL bide_sleeper *bide_pool_sleeper_(unsigned index);
/* Relaxed: something is published that others than its owner may take. */
BIDE_INTERNAL bool bide_pool_has_work_(void);
/* Relaxed: sets `wanted` of all deques, so that whoever pushes tells. */
BIDE_INTERNAL void bide_pool_want_(void);
/*
 * When to wake without being woken: its first timer is looked at SEQ_CST. watches: it is to look at
 * those who run.
 */
BIDE_INTERNAL int64_t bide_pool_wake_time_(bide_sleeper *sleeper, bool watches);

/* --- the protocol --- */

/* Before the first worker runs. */
BIDE_INTERNAL void bide_sleep_start_(void);
/* All are to end. They are told one by one, by bide_sleep_wake_. */
BIDE_INTERNAL void bide_sleep_stop_(void);
static inline bool bide_sleep_stops_(void)
{
	return BIDE_LOAD(&bide_sleep_.stopping, RELAXED) != 0;
}

/* true: it slept, and is a searcher from now on; the caller has counted it (searching). */
BIDE_INTERNAL bool bide_sleep_wake_(bide_sleeper *sleeper);
/* After something was published (SEQ_CST, or a full fence since): sees to it that it is found. */
BIDE_INTERNAL void bide_sleep_wake_one_(void);
/* By a pusher that found its `wanted` set. */
BIDE_INTERNAL void bide_sleep_offer_(uint32_t *wanted);
/* Its first timer (stored SEQ_CST) is another now. */
BIDE_INTERNAL void bide_sleep_rearm_(bide_sleeper *sleeper);
/* A hint: somebody sleeps, and nobody looks at those who run. */
static inline bool bide_sleep_unwatched_(void)
{
	return !BIDE_LOAD(&bide_sleep_.watched, RELAXED) && BIDE_LOAD(&bide_sleep_.asleep, RELAXED);
}

/* false: enough search already. At most half of the workers do, so that many disturb nobody. */
BIDE_INTERNAL bool bide_sleep_search_(void);
/* What was found it is about to run; if nothing was, it falls asleep next. */
BIDE_INTERNAL void bide_sleep_searched_(bool found);
/* true: somebody woke it, and it is a searcher. */
BIDE_INTERNAL bool bide_sleep_fall_(bide_sleeper *sleeper);

#endif
