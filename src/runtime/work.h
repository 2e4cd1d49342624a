/*
 * work.h - what the protocol of sleep.c asks of the many workers: how many there are, whether they
 * have work, and until when one may sleep. All loads are relaxed unless said otherwise; the
 * protocol's fences order them.
 */
#ifndef BIDE_RUNTIME_WORK_H
#define BIDE_RUNTIME_WORK_H

#include "runtime/sleeper.h"

BIDE_INTERNAL unsigned bide_workers_count_(void);
/* index: 0 to bide_workers_count_() - 1. */
BIDE_INTERNAL bide_sleeper *bide_workers_sleeper_(unsigned index);
/* Returns true if something is published that other workers than its owner may take. */
BIDE_INTERNAL bool bide_workers_have_work_(void);
/* The same of all but this worker. */
BIDE_INTERNAL bool bide_workers_others_have_work_(const bide_sleeper *sleeper);
/* Sets `wanted` of all deques, so that a worker that pushes wakes another. */
BIDE_INTERNAL void bide_workers_want_(void);
/*
 * The calling thread wakes the sleeper, which does not run yet. The caller may be the worker that
 * has something for it: then the sleeper reports to it what came of this.
 */
BIDE_INTERNAL void bide_workers_woken_(bide_sleeper *sleeper);
/* The caller is the monitor, and falls asleep. others_run: another worker does not sleep. */
BIDE_INTERNAL void bide_workers_monitor_(bool others_run);
/*
 * Returns how many workers may make rounds at a time, this sleeper among them; 0 if it need not.
 * others_run: another worker does not sleep.
 */
BIDE_INTERNAL uint32_t bide_workers_rounds_max_(bide_sleeper *sleeper, bool others_run);
/* Returns when the sleeper looks next: BIDE_FOREVER if it is not the monitor. */
BIDE_INTERNAL int64_t bide_workers_look_time_(bide_sleeper *sleeper);
/*
 * The monitor is awake in its sleep, and looks if the time has come. Returns false if it has
 * something to do: it is `until_ns`, or there is something that it may take, or that it should end.
 */
BIDE_INTERNAL bool bide_workers_sleep_on_(bide_sleeper *sleeper, int64_t until_ns);
/*
 * Returns when the sleeper ends its sleep by itself: for its first timer, which it reads SEQ_CST,
 * or for its next round, if it makes rounds. soon: not later than BIDE_ROUND_SOON_NS_ from now in
 * that case.
 */
BIDE_INTERNAL int64_t bide_workers_wake_time_(bide_sleeper *sleeper, bool rounds, bool soon);
/*
 * Returns true if a sleeper ends its sleep for a round within BIDE_ROUND_SOON_NS_. If nothing else
 * is to be done, and no worker monitors, it is the monitor then.
 */
BIDE_INTERNAL bool bide_workers_round_is_soon_(void);

#endif
