/*
 * sleep.h - how workers stop looking for work, sleep, and are woken. No runnable function is
 * forgotten: if something is runnable and no worker runs it, some worker is awake and will look.
 *
 * There are four parties. Each first stores something and then reads what the others store:
 *
 *     party     stores                                   then reads
 *     pusher    what it publishes: a ring's tail or a    its deque's `wanted`; if that is set, it
 *               deque's bottom (then a light fence)      clears it, passes a full fence, and reads
 *                                                        `searching` and `asleep`
 *     sender    what it publishes: the injector's count  `searching` and `asleep`, if the count
 *                                                        was 0
 *     searcher  `searching`, which it decrements         the queues, if it found nothing (before it
 *                                                        sleeps) or if it was the last searcher
 *     sleeper   its `state`, `asleep`, and `wanted` of   the queues, `stopping`, and the time of
 *               all deques (then a full fence)           its first timer
 *
 * A pusher is a worker, a sender is an external thread. Of any two parties at least one sees what
 * the other has stored, except of a pusher and a sleeper (below). A party that sees a searcher
 * leaves the work to it. A party that sees a sleeper and no searcher wakes the sleeper, and counts
 * it as a searcher before it runs. `wanted` is set whenever a worker sleeps and none searches; the
 * pusher that clears it wakes one.
 *
 * A pusher and a sleeper may miss each other, because the pusher passes no fence of the processor.
 * The sleeper could make it pass one (membarrier), which would interrupt it, at each sleep. But
 * nothing is lost: the pusher runs what it pushed itself, in the end. And while it runs, one of the
 * sleepers is the monitor, which finds the work when it looks next (monitor.h).
 *
 * The waker changes `state` from SLEEPS to WAKES and then to RUNS. A sleeper that wakes by itself
 * changes it from SLEEPS to RUNS. Either of them decrements `asleep` before the sleeper runs. A
 * sleeper that was woken starts in the searching state. A worker sets its own `wanted` before it
 * sleeps. So if `asleep` says that all other workers sleep, each of them will find `wanted` set
 * when it pushes.
 *
 * Pairs:
 *     `searching`, `asleep`: SEQ_CST on all sides. They pair with themselves, with the injector's
 *     count and with the time of a worker's first timer.
 *     `wanted`: relaxed. If there is no membarrier (the deque is `no_membarrier`), a pusher passes
 *     a full fence before it loads it.
 *     `state`: stored before the sleeper's full fence, read SEQ_CST by wakers. The futex compares
 *     it again.
 *     `in_reactor`: stored before `state`, read by a waker between its two stores to `state`. The
 *     eventfd of the reactor takes the place of the futex: a signal that comes early is kept.
 *     `reactor`: stored SEQ_CST before its opener reads `state`, loaded SEQ_CST behind the
 *     sleeper's fence. So the sleeper sees it, or is woken.
 *     `monitored`: SEQ_CST. One sleeper sets it, by a compare-and-swap, and is the monitor until it
 *     clears it: before it runs a function, or when a look finds that nothing has run. Then it
 *     announces anew that it sleeps. So of a worker that begins to run and the monitor that ends,
 *     one sees the other. While it is the monitor it looks in its sleep: `state` stays SLEEPS.
 *     `rounds`: a hint. A sleeper counts it up by a compare-and-swap (rounds.h). It counts it down
 *     before it looks whether others run. So a worker that runs, and relies on a round, finds that
 *     the sleeper makes none any more, or the sleeper asks for a monitor in its place.
 *     `round_ns`: relaxed. It is BIDE_FOREVER whenever `rounds` does not count the sleeper. If a
 *     worker does not see the time yet, it wakes a worker without need.
 *
 * When no thread is between two steps of this: `asleep` == the number of sleepers whose `state` is
 * SLEEPS, and `searching` == the number of workers that search, so asleep + searching <= workers. A
 * waker may decrement `asleep` before the sleeper has incremented it. So `asleep` may be too low
 * for a moment, and wrap below 0. A sleeper that reads too few becomes the monitor without need.
 */
#ifndef BIDE_RUNTIME_SLEEP_H
#define BIDE_RUNTIME_SLEEP_H

#include "base/library.h"
#include "runtime/sleeper.h"

typedef struct bide_sleep {
	_Alignas(64) uint32_t searching;
	uint32_t asleep;
	uint32_t monitored; /* 1 while there is a monitor, which wakes now and then to look at others */
	uint32_t rounds;    /* how many sleeping workers wake now and then to make a round */
	uint32_t stopping;  /* 1 if all workers have to end */
} bide_sleep;

extern BIDE_INTERNAL bide_sleep bide_sleep_;

/* Before the first worker runs. */
BIDE_INTERNAL void bide_sleep_start_(void);
/* Tells all workers to end. The caller then wakes them one by one, by bide_sleep_wake_. */
BIDE_INTERNAL void bide_sleep_stop_(void);
static inline bool bide_sleep_stops_(void)
{
	return BIDE_LOAD(&bide_sleep_.stopping, RELAXED) != 0;
}

/*
 * Wakes this worker if it sleeps. Returns true if it slept: it is a searcher from now on. The
 * caller has incremented `searching` for it before.
 */
BIDE_INTERNAL bool bide_sleep_wake_(bide_sleeper *sleeper);
/*
 * Makes sure that a worker will find what the caller has published. The caller published it
 * SEQ_CST, or has passed a full fence since.
 */
BIDE_INTERNAL void bide_sleep_wake_one_(void);
/* The same for a pusher that found its `wanted` set. */
BIDE_INTERNAL void bide_sleep_offer_(uint32_t *wanted);
/* The caller has stored (SEQ_CST) an earlier time for the first timer of this worker. */
BIDE_INTERNAL void bide_sleep_rearm_(bide_sleeper *sleeper);

/*
 * The caller may be about to run for long, and has what only it would come to: its next step, its
 * timers. If workers sleep and none of them monitors the caller, this wakes one. That worker looks
 * for work, and is the monitor when it sleeps again. A worker that makes rounds becomes the monitor
 * when it wakes for the next one.
 */
static inline void bide_sleep_ask_monitor_(void)
{
	if (!BIDE_LOAD(&bide_sleep_.monitored, SEQ_CST) && !BIDE_LOAD(&bide_sleep_.rounds, SEQ_CST) &&
	    BIDE_LOAD(&bide_sleep_.asleep, SEQ_CST))
		bide_sleep_wake_one_();
}

/*
 * The same for a caller that has hidden something, or whose awakening may leave without a monitor
 * what others have hidden. A worker that makes rounds will do only if its next one comes soon.
 */
BIDE_INTERNAL void bide_sleep_ask_look_(void);

/* The caller, which is the monitor, is it no more. It runs a function, or sleeps anew. */
BIDE_INTERNAL void bide_sleep_monitor_end_(bide_sleeper *sleeper);
/* Returns true if other workers than the caller are awake. */
BIDE_INTERNAL bool bide_sleep_others_run_(void);

/*
 * Starts a search. Returns false if half of the workers search already: more would only disturb
 * the others.
 */
BIDE_INTERNAL bool bide_sleep_search_begin_(void);
/* Ends a search. The worker then runs what it found; if it found nothing, it sleeps. */
BIDE_INTERNAL void bide_sleep_search_end_(bool found);
/* The same for a worker that found something, and hides what else it has (batch.h). */
BIDE_INTERNAL void bide_sleep_search_hide_(const bide_sleeper *sleeper);
/*
 * Sleeps. asked: the worker was woken, and found nothing, so it was woken to monitor, even if the
 * worker that asked has fallen asleep meanwhile. Returns true if another thread woke the worker, or
 * if events were fetched from its reactor: it is a searcher then.
 */
BIDE_INTERNAL bool bide_sleep_wait_(bide_sleeper *sleeper, bool asked);

/* Returns true if the counts are right. For when no thread is between two steps. */
BIDE_INTERNAL bool bide_sleep_is_valid_(void);

#endif
