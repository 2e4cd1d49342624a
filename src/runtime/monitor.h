/*
 * monitor.h - the look of the monitor: the sleeping worker that wakes now and then to look at the
 * running ones (sleep.h).
 *
 * A worker that runs a long function does not come to its next step, its timers and its events. So
 * the monitor notes which step each worker is in, and since when it has seen that. A worker that
 * runs, and that is still in the same step after BIDE_STUCK_NS_, is stuck: the monitor takes what
 * waits there. Only the monitor does, and only when its time has come, so a worker that is about to
 * take its next step itself is left alone. A worker that sleeps is never stuck.
 *
 * How long the monitor sleeps between two looks, its window:
 *
 *     a worker runs                    BIDE_STUCK_NS_, so that a step waits 10 ms at most
 *     all others slept at two looks    twice as long as before, up to BIDE_MONITOR_LONGEST_NS_
 *     and none has made a step since   there is no monitor any more
 *
 * Its reactor is looked after by rounds (rounds.h), which are made more often.
 *
 * So a program with an event now and then wakes its monitor rarely, and not for each event. The
 * first function of such a program that is long may last for one long window before it is seen.
 */
#ifndef BIDE_RUNTIME_MONITOR_H
#define BIDE_RUNTIME_MONITOR_H

#include "runtime/worker.h"

enum { BIDE_STUCK_NS_ = 5000000, BIDE_MONITOR_LONGEST_NS_ = 160000000 };

typedef struct bide_monitor {
	int64_t look_ns;   /* when the next look is due */
	int64_t window_ns; /* while all others sleep */
	unsigned busy;     /* looks in a row that found a worker running */
} bide_monitor;

/* Used by the worker that is the monitor. It becomes that in bide_workers_monitor_ (work.c). */
extern BIDE_INTERNAL bide_monitor bide_monitor_;

/*
 * Looks, if the time has come. Returns what it took from a worker that is stuck, or 0. `worker` is
 * the monitor. It may not be any more afterwards.
 */
BIDE_INTERNAL uintptr_t bide_monitor_look_(bide_worker *worker);

static inline int64_t bide_monitor_longer_(int64_t window_ns)
{
	return 2 * window_ns <= BIDE_MONITOR_LONGEST_NS_ ? 2 * window_ns : window_ns;
}

/*
 * Notes which step a worker is in. Returns true if it runs. Stores how many steps it has made since
 * the last note.
 */
static inline bool bide_monitor_note_(bide_worker *worker, int64_t now_ns, uint32_t *made)
{
	bool runs = BIDE_LOAD(&worker->sleeper.state, RELAXED) == BIDE_RUNS_;
	uint32_t steps = BIDE_LOAD(&worker->steps, RELAXED);

	*made = steps - worker->steps_seen;
	if (*made || !runs)
		worker->seen_ns = runs ? now_ns : BIDE_FOREVER;
	else if (worker->seen_ns == BIDE_FOREVER) /* it slept when it was seen last */
		worker->seen_ns = now_ns;
	worker->steps_seen = steps;
	return runs;
}

/*
 * Returns how long the monitor has seen this worker run in the same step, or 0. For the monitor.
 */
static inline int64_t bide_worker_same_step_ns_(const bide_worker *worker, int64_t now_ns)
{
	if (BIDE_LOAD(&worker->sleeper.state, RELAXED) != BIDE_RUNS_ ||
	    BIDE_LOAD(&worker->steps, RELAXED) != worker->steps_seen)
		return 0;
	return worker->seen_ns < now_ns ? now_ns - worker->seen_ns : 0;
}

/* For the monitor. */
static inline bool bide_worker_is_stuck_(const bide_worker *worker, int64_t now_ns)
{
	return bide_worker_same_step_ns_(worker, now_ns) >= BIDE_STUCK_NS_;
}

#endif
