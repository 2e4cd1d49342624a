/*
 * rounds.h - how workers with nothing to do look after the reactors of workers that run.
 *
 * A worker that runs one function for long does not look at its reactor. So a worker that has
 * nothing to do makes a *round* over the others now and then. A running worker that has not looked
 * for a millisecond is *slow*. Its reactor becomes part of this worker's, so that its events come
 * at once.
 *
 * Two of the workers that sleep wake for rounds while others run, so that no worker has to be woken
 * when one of the two handles an event of its own. They also go on while all workers sleep, for as
 * long as something has run since their last round. If a round finds nothing slow, the time to the
 * next one doubles, up to BIDE_ROUND_MAX_NS_. So events that come one by one wake no other worker,
 * and one that makes rounds only now and then. One of them may be the monitor as well (monitor.h).
 * The monitor, which looks in its sleep, wakes and makes rounds if fewer than two workers do.
 *
 * A running worker that has hidden something (tell.h) needs a monitor. It relies on a worker that
 * makes rounds only if that one wakes within BIDE_ROUND_SOON_NS_; otherwise it wakes one. So that
 * this is seldom, a worker that makes rounds, and falls asleep while others run, sleeps no longer
 * than that, unless it is the monitor.
 *
 * For a tenth of a second after a worker was found slow the rounds are *eager*: a worker makes one
 * whenever it falls asleep, and every millisecond. It then looks after every worker that runs.
 * So a long function that goes from worker to worker takes no events along.
 */
#ifndef BIDE_RUNTIME_ROUNDS_H
#define BIDE_RUNTIME_ROUNDS_H

#include "runtime/worker.h"

enum {
	BIDE_ROUND_MIN_NS_ = 10000000,
	BIDE_ROUND_MAX_NS_ = 80000000,
	BIDE_ROUND_SOON_NS_ = 16000000
};

/* The runtime starts. */
BIDE_INTERNAL void bide_rounds_start_(void);
/*
 * The worker has nothing to do. Makes a round if it is time, and returns true if it handed out
 * events of other workers.
 */
BIDE_INTERNAL bool bide_rounds_make_(bide_worker *worker, int64_t now_ns);
/* Returns when a worker that falls asleep, and makes rounds, has to wake for the next. */
BIDE_INTERNAL int64_t bide_rounds_next_ns_(bide_worker *worker, int64_t now_ns);
/* Returns true if a function has run, on any worker, since the last call for this worker. */
BIDE_INTERNAL bool bide_rounds_are_useful_(bide_worker *worker);

#endif
