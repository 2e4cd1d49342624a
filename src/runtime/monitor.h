/*
 * monitor.h - the look of the monitor: the sleeping worker that wakes now and then, in its sleep,
 * to look at the running ones (sleep.h).
 *
 * A worker that runs a long function does not come to what waits behind it: its next step, what it
 * has not told others of (tell.h), its timers. So at each look the monitor notes which step each
 * worker is in. A worker that runs, has something that waits, and is in the same step as at the
 * last look is stuck: the monitor takes what waits there. A worker that sleeps is never stuck.
 *
 * Nor does the worker come to its events meanwhile. So if it has a reactor, and is in the same step
 * for BIDE_SLOW_NS_, the monitor makes a round (rounds.h).
 *
 * When the next look is due:
 *
 *     something waits, and the worker      after BIDE_STUCK_NS_, to see whether it is the same step
 *     makes no step while it is looked at
 *     the same, if only events may wait    after BIDE_SLOW_NS_
 *     other workers run                    after BIDE_MONITOR_CALM_NS_, or sooner if workers were
 *                                          stuck lately: see below
 *     all others slept at two looks        twice as long as before, up to BIDE_MONITOR_LONGEST_NS_
 *     and none has made a step since       there is no monitor any more
 *
 * So what waits behind a function that is long, and that the monitor sees, waits 18 ms at most. A
 * worker that falls asleep and becomes the monitor while others run looks after BIDE_STUCK_NS_ for
 * the first time. That look also finds what a pusher could not tell it (sleep.h).
 *
 * When workers are found stuck again and again, the looks come 32 times as often as that happens.
 * This is forgotten as slowly as it was learned: the time between two looks is never less than a
 * 32nd of the time since a worker was stuck. Half a second later it is BIDE_MONITOR_CALM_NS_ again.
 *
 * A look reads, and writes nothing that others read. The reactors of others are looked after by
 * rounds (rounds.h), which are made more often. So a program with an event now and then wakes its
 * monitor rarely, and not for each event. The first function of such a program that is long may
 * last for one long window before it is seen. But a worker that hides an entry (tell.h) wakes a
 * monitor whose look is not due within BIDE_MONITOR_SOON_NS_. The window is short then, and grows
 * anew, so this is seldom.
 *
 * `look_ns`: the monitor stores it SEQ_CST, and then loads the `state` of the others again. A
 * worker that runs has such a `state`, and then loads `look_ns`. So the monitor looks soon, or the
 * worker finds that it does not.
 */
#ifndef BIDE_RUNTIME_MONITOR_H
#define BIDE_RUNTIME_MONITOR_H

#include "runtime/worker.h"

enum {
	BIDE_STUCK_NS_ = 100000,
	BIDE_SLOW_NS_ = 1000000,
	BIDE_MONITOR_NS_ = 8000000,
	BIDE_MONITOR_CALM_NS_ = 16000000,
	BIDE_MONITOR_LONGEST_NS_ = 160000000,
	BIDE_MONITOR_SOON_NS_ = 20000000
};

typedef struct bide_monitor {
	int64_t look_ns;    /* when the next look is due; atomic, the monitor writes it */
	uint32_t hurried;   /* a worker has woken the monitor for a look; atomic, relaxed */
	int64_t window_ns;  /* while all others sleep */
	unsigned busy;      /* looks in a row that found a worker running */
	int64_t stuck_ns;   /* when a worker was stuck last */
	int64_t between_ns; /* the time between that and the time before */
	/* What the last look has found, for bide_monitor_take_: */
	bide_worker *stuck; /* a worker that is stuck, or NULL */
	bool ends;          /* nothing has run since the look before */
} bide_monitor;

/* Used by the worker that is the monitor. */
extern BIDE_INTERNAL bide_monitor bide_monitor_;

/* The caller is the monitor, and falls asleep. others_run: another worker does not sleep. */
BIDE_INTERNAL void bide_monitor_begin_(int64_t now_ns, bool others_run);
/*
 * Looks, if the time has come. Returns true if the monitor has something to do: to take what others
 * have, to call bide_monitor_take_ (monitor_take.h).
 */
BIDE_INTERNAL bool bide_monitor_finds_(bide_worker *monitor, int64_t now_ns);
/*
 * Returns true if the worker has made a step since the monitor noted it. To fork, and to join what
 * was forked, is progress, too.
 */
static inline bool bide_monitor_moved_(const bide_worker *worker)
{
	return BIDE_LOAD(&worker->steps, RELAXED) != worker->steps_seen ||
	       BIDE_LOAD(&worker->tell.left, RELAXED) != worker->left_seen;
}

#endif
