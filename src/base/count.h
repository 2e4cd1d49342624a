/*
 * count.h - what is counted. Each thread counts for itself, so counting needs no locked
 * instruction.
 */
#ifndef BIDE_BASE_COUNT_H
#define BIDE_BASE_COUNT_H

#include "base/library.h"

/* What is counted. Each thread counts for itself, so counting needs no locked instruction. */
typedef enum bide_counter {
	BIDE_COUNT_ALLOCATIONS_,
	BIDE_COUNT_RELEASES_,
	BIDE_COUNT_FAILED_,
	BIDE_COUNT_BYTES_,
	BIDE_COUNT_TASKS_,
	BIDE_COUNT_UNOBSERVED_,
	BIDE_COUNT_MISUSE_,
	BIDE_COUNTERS_
} bide_counter;
BIDE_INTERNAL void bide_count_(bide_counter counter, uint64_t change);
/* Of all threads. */
BIDE_INTERNAL uint64_t bide_counted_(bide_counter counter);
struct bide_thread;
/* A thread's record is counted with the others from now on; or its counts go to the process. */
BIDE_INTERNAL void bide_counts_join_(struct bide_thread *thread);
BIDE_INTERNAL void bide_counts_leave_(struct bide_thread *thread);
/*
 * The generations that all threads have given out, added up: while it stays the same, nothing has
 * become pending.
 */
BIDE_INTERNAL uint64_t bide_generations_(void);

BIDE_INTERNAL void bide_counts_lock_(void);
BIDE_INTERNAL void bide_counts_unlock_(void);

#endif
