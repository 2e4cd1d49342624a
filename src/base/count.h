/*
 * count.h - what is counted. Each thread counts for itself, so counting needs no locked
 * instruction. A thread without a record counts for the process.
 */
#ifndef BIDE_BASE_COUNT_H
#define BIDE_BASE_COUNT_H

#include "base/thread.h"

typedef enum bide_counter {
	BIDE_COUNT_ALLOCATIONS_,
	BIDE_COUNT_RELEASES_,
	BIDE_COUNT_FAILED_,
	BIDE_COUNT_BYTES_, /* allocated and not released */
	BIDE_COUNT_TASKS_,
	BIDE_COUNT_UNOBSERVED_,
	BIDE_COUNT_MISUSE_,
	BIDE_COUNT_IO_AT_ONCE_, /* operations on descriptors that were ready */
	BIDE_COUNT_IO_WAITED_,
	BIDE_COUNT_IO_CANCELED_,
	BIDE_COUNT_IO_REQUESTED_, /* taken by an engine that does operations itself */
	/* Of many workers; bide_stats says what they are: */
	BIDE_COUNT_WAKES_,
	BIDE_COUNT_VAIN_WAKES_,
	BIDE_COUNT_FENCES_,
	BIDE_COUNT_THEFTS_,
	BIDE_COUNT_LONE_THEFTS_,
	BIDE_COUNT_CALLS_,
	/*
	 * Tasks whose memory was allocated by bide_allocate_task_, and given back. bide_counted_ adds
	 * them to the allocations, the releases, the bytes and the tasks.
	 */
	BIDE_COUNT_TASKS_MADE_,
	BIDE_COUNT_TASKS_FREED_,
	BIDE_COUNTERS_
} bide_counter;
enum { BIDE_TASK_BYTES_ = 64 };

/* The same as bide_count_ for a thread without a record, by a locked instruction. */
BIDE_INTERNAL void bide_count_for_process_(bide_counter counter, uint64_t change);
/* The same as bide_count_ for a thread with this record. */
static inline void bide_count_by_(bide_thread_head *head, bide_counter counter, uint64_t change)
{
	uint64_t *mine = &bide_thread_of_(head)->counts[counter];

	BIDE_STORE(mine, *mine + change, RELAXED); /* no other thread writes it */
}
/*
 * Adds to a counter. A change below zero is its two's complement. Inline, because an allocation and
 * its release count four times, and a call costs about 2 ns.
 */
static inline void bide_count_(bide_counter counter, uint64_t change)
{
	bide_thread_head *head = bide_current_thread_;

	if (BIDE_LIKELY(head != NULL))
		bide_count_by_(head, counter, change);
	else
		bide_count_for_process_(counter, change);
}
/* Returns the sum over the process and all threads. */
BIDE_INTERNAL uint64_t bide_counted_(bide_counter counter);

/* From now on the sums include the record of a thread. */
BIDE_INTERNAL void bide_counts_join_(bide_thread *thread);
/* The process takes over the counts of a record, which may be freed afterwards. */
BIDE_INTERNAL void bide_counts_leave_(bide_thread *thread);
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
