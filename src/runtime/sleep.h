/*
 * sleep.h - how workers stop looking for work, sleep, and are woken. No runnable function is
 * forgotten: if something is runnable and no worker runs it, a worker is awake that will look.
 *
 * There are four parties. Each first stores something and then reads what the others store:
 *
 *     pusher      publishes (a ring's tail, a deque's bottom); light fence; reads its `wanted`; if
 *                 it is set: clears it, passes a full fence, and reads `searching` and `asleep`
 *     sender      (no worker) publishes (the inbox's count, SEQ_CST); reads the same
 *     searcher    announces that it does not search any more (`searching`); looks for work once
 *                 more: if it found nothing, by falling asleep, else if it was the last searcher
 *     sleeper     announces that it sleeps (`state`, `asleep`), and sets `wanted` of all; heavy
 *                 fence; looks for work, at `stopping`, at its first timer
 *
 * So of any two parties at least one sees the other. A pusher that sees a searcher leaves the work
 * to it. A pusher that sees a sleeper wakes it, and counts it as a searcher before it runs.
 * `wanted` is set whenever a worker sleeps and none searches. The pusher that clears it wakes one.
 *
 * The waker changes `state` from SLEEPS to WAKES, then to RUNS; a sleeper that wakes by itself
 * changes it to RUNS. Either takes the sleeper out of `asleep` before the sleeper runs. A sleeper
 * that was woken begins as a searcher. So if `asleep` says that all others sleep, none of them
 * pushes, and no heavy fence is needed.
 *
 * Pairs: `searching` and `asleep`, SEQ_CST on all sides, with themselves, with the inbox's count
 * and the first timer's time. `wanted`, relaxed: the heavy fence of the sleeper with the light
 * fence of the pusher; where there is no heavy one (a deque is `no_membarrier`), pushers pass a
 * full one. `state`: stored before the sleeper's full fence, read SEQ_CST by wakers; the futex
 * compares it again. `monitored`: relaxed looks are hints.
 */
#ifndef BIDE_SLEEP_H
#define BIDE_SLEEP_H

#include "base/library.h"
#include "runtime/sleeper.h"

typedef struct bide_sleep {
	_Alignas(64) uint32_t searching;
	uint32_t asleep;
	uint32_t monitored; /* one sleeping worker looks now and then at the running ones */
	uint32_t stopping;
} bide_sleep;

extern BIDE_INTERNAL bide_sleep bide_sleep_;

/* Before the first worker runs. */
BIDE_INTERNAL void bide_sleep_start_(void);
/* All workers have to end. The caller wakes them one by one, by bide_sleep_wake_. */
BIDE_INTERNAL void bide_sleep_stop_(void);
static inline bool bide_sleep_stops_(void)
{
	return BIDE_LOAD(&bide_sleep_.stopping, RELAXED) != 0;
}

/*
 * Wakes a worker that sleeps. true: it slept, and is a searcher from now on, which the caller has
 * counted before.
 */
BIDE_INTERNAL bool bide_sleep_wake_(bide_sleeper *sleeper);
/* After work was published (SEQ_CST, or with a full fence since): makes sure that it is found. */
BIDE_INTERNAL void bide_sleep_wake_one_(void);
/* By a pusher that found its `wanted` set. */
BIDE_INTERNAL void bide_sleep_offer_(uint32_t *wanted);
/* Its first timer (stored SEQ_CST) is another now. */
BIDE_INTERNAL void bide_sleep_rearm_(bide_sleeper *sleeper);
/* A hint: a worker sleeps, and none looks at the running ones. */
static inline bool bide_sleep_unmonitored_(void)
{
	return !BIDE_LOAD(&bide_sleep_.monitored, RELAXED) && BIDE_LOAD(&bide_sleep_.asleep, RELAXED);
}

/*
 * This worker may be about to run for long, and has what only it would come to: its next step, its
 * timers. If all others sleep and none of them monitors it, one is woken. It looks for work, and
 * then looks again every BIDE_MONITOR_NS_ as long as a worker runs. So this costs at most one
 * wake-up in that time.
 */
static inline void bide_sleep_be_monitored_(void)
{
	if (bide_sleep_unmonitored_())
		bide_sleep_wake_one_();
}

/* Begins to search. false: half of the workers search already; more would disturb the others. */
BIDE_INTERNAL bool bide_sleep_search_(void);
/* Ends a search: the worker runs what it found, or falls asleep if it found nothing. */
BIDE_INTERNAL void bide_sleep_searched_(bool found);
/* Sleeps. true: another thread woke it, and it is a searcher. */
BIDE_INTERNAL bool bide_sleep_fall_(bide_sleeper *sleeper);

#endif
