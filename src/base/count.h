/*
 * count.h - what is counted. Each thread counts for itself, so counting needs no locked
 * instruction. A thread without a record counts for the process.
 */
#ifndef BIDE_BASE_COUNT_H
#define BIDE_BASE_COUNT_H

#include "base/library.h"

struct bide_thread;

typedef enum bide_counter {
	BIDE_COUNT_ALLOCATIONS_,
	BIDE_COUNT_RELEASES_,
	BIDE_COUNT_FAILED_,
	BIDE_COUNT_BYTES_, /* allocated and not released */
	BIDE_COUNT_TASKS_,
	BIDE_COUNT_UNOBSERVED_,
	BIDE_COUNT_MISUSE_,
	BIDE_COUNTERS_
} bide_counter;

/* Adds to a counter. A change below zero is its two's complement. */
BIDE_INTERNAL void bide_count_(bide_counter counter, uint64_t change);
/* Returns the sum over the process and all threads. */
BIDE_INTERNAL uint64_t bide_counted_(bide_counter counter);

/* From now on the sums include the record of a thread. */
BIDE_INTERNAL void bide_counts_join_(struct bide_thread *thread);
/* The process takes over the counts of a record, which may be freed afterwards. */
BIDE_INTERNAL void bide_counts_leave_(struct bide_thread *thread);
/*
 * Returns the sum of the generations that all threads have given out. While it stays the same,
 * nothing has become pending.
 */
BIDE_INTERNAL uint64_t bide_generations_(void);

/* For fork, which must not find the list of records locked by another thread. */
BIDE_INTERNAL void bide_counts_lock_(void);
BIDE_INTERNAL void bide_counts_unlock_(void);

/* A walker: each record is in the list once. */
BIDE_INTERNAL bool bide_counts_are_valid_(void);

#endif
