/*
 * simulation.h - virtual time and a seeded order of events.
 */
#ifndef BIDE_RUNTIME_SIMULATION_H
#define BIDE_RUNTIME_SIMULATION_H

#include "base/library.h"

extern BIDE_INTERNAL bool bide_simulating_; /* set before the first frame is made */

BIDE_INTERNAL void bide_simulation_start_(uint64_t seed);
BIDE_INTERNAL uint64_t bide_simulation_seed_(void);
/* Returns how long a blocking call takes, in virtual time: 1 us to 10 ms, drawn from the seed. */
BIDE_INTERNAL int64_t bide_simulation_job_ns_(void);
/* Returns which of `count` runnable frames runs next; 0 without a seed. */
BIDE_INTERNAL size_t bide_simulation_choose_(size_t count);
/* Adds to the hash that a frame runs. */
BIDE_INTERNAL void bide_simulation_note_(const bide_frame *frame, int64_t now_ns);
/* The same for a fork. */
BIDE_INTERNAL void bide_simulation_note_fork_(int64_t now_ns);
/* The same for an event of another kind, with a number that tells it from others. */
BIDE_INTERNAL void bide_simulation_note_event_(const char *what, uint64_t number, int64_t now_ns);

#endif
