/*
 * rounds.h - how workers with nothing to do look after the reactors of workers that run.
 *
 * A worker that runs one function for long does not look at its reactor. So a worker that has
 * nothing to do makes a *round* over the others now and then. A running worker that has not looked
 * for a millisecond is *slow*. Its reactor becomes part of this worker's, so that its events come
 * at once.
 *
 * At least one of the workers that sleep wakes for a round while others run. A program without a
 * reactor has one such monitor, which wakes every BIDE_MONITOR_NS_ (sleep.h). With reactors there
 * are two, so that no worker has to be woken when one of them handles an event of its own. They
 * also go on while all workers sleep, for as long as something has run since their last round. If a
 * round finds nothing slow, the time to the next one doubles, up to BIDE_ROUND_MAX_NS_. So events
 * that come one by one wake no other worker, and a monitor only now and then.
 *
 * For a tenth of a second after a worker was found slow the rounds are *eager*: a worker makes one
 * whenever it falls asleep, and every millisecond. It then looks after every worker that runs.
 * So a long function that goes from worker to worker takes no events along.
 */
#ifndef BIDE_RUNTIME_ROUNDS_H
#define BIDE_RUNTIME_ROUNDS_H

#include "runtime/worker.h"

enum { BIDE_ROUND_MAX_NS_ = 80000000 };

/* The runtime starts. */
BIDE_INTERNAL void bide_rounds_start_(void);
/*
 * The worker has nothing to do. Makes a round if it is time, and returns true if it handed out
 * events of other workers.
 */
BIDE_INTERNAL bool bide_rounds_make_(bide_worker *worker, int64_t now_ns);
/* Returns when a worker that falls asleep as a monitor has to wake. */
BIDE_INTERNAL int64_t bide_rounds_next_ns_(bide_worker *worker, int64_t now_ns);
/* Returns true if a function has run, on any worker, since the last call for this worker. */
BIDE_INTERNAL bool bide_rounds_are_useful_(bide_worker *worker);

#endif
