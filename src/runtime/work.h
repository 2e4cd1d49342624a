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
/* Sets `wanted` of all deques, so that a worker that pushes wakes another. */
BIDE_INTERNAL void bide_workers_want_(void);
/* The caller has become the monitor. */
BIDE_INTERNAL void bide_workers_monitor_(void);
/*
 * Returns how many workers may make rounds at a time, this sleeper among them; 0 if it need not.
 * others_run: another worker does not sleep.
 */
BIDE_INTERNAL uint32_t bide_workers_rounds_max_(bide_sleeper *sleeper, bool others_run);
/*
 * Returns when the sleeper wakes by itself: for its first timer, which it reads SEQ_CST, for its
 * next look, if it is the monitor, or for its next round, if it makes rounds.
 */
BIDE_INTERNAL int64_t bide_workers_wake_time_(bide_sleeper *sleeper, bool rounds);

#endif
