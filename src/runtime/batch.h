/*
 * batch.h - whether a worker tells others of a batch: of what events make runnable at once.
 *
 * A batch of short functions is done soon, and another worker that is woken for it comes late: the
 * wake costs more than it saves, and the data of each function moves to another processor. So the
 * worker predicts how long the batch takes, by the pace of the functions that it ran just before.
 * All times are nanoseconds of the runtime's clock.
 *
 *     pace    How long a function took, on average, of those that the worker ran since its last
 *             search. Before the first search it is unknown.
 *     rule    A batch is hidden if it takes less than 4 wakes at this pace. An unknown pace is
 *             slow: the batch is told.
 *     checks  The functions of a hidden batch may be slower than the last ones. So the worker
 *             measures again after 1 function of the batch, and after 2, 4, ... up to 32 more. If
 *             what is left then takes 4 wakes or more, it is told.
 *
 * A wrong guess costs one slow function. If that is very slow, the monitor takes what waits behind
 * it (monitor.h). A hidden batch is hidden from sleepers alone: a worker that searches anyway may
 * take from it.
 *
 * For the worker itself. `worker_search.c` and `worker_schedule.c` call these functions.
 */
#ifndef BIDE_RUNTIME_BATCH_H
#define BIDE_RUNTIME_BATCH_H

#include "base/library.h"

enum { BIDE_BATCH_WAKES_ = 4, BIDE_BATCH_CHECK_MAX_ = 32, BIDE_BATCH_NO_CHECK_ = 0 };

typedef struct bide_batch {
	int64_t pace_ns;
	int64_t start_ns; /* when the worker began to run what its last search had found */
	uint32_t steps;   /* how many functions it had run then */
	uint32_t check;   /* functions up to the next check, since the last one; NO_CHECK: not hidden */
} bide_batch;

static inline void bide_batch_start_(bide_batch *batch)
{
	*batch = (bide_batch){ .pace_ns = INT32_MAX };
}

/*
 * The worker begins to run what a search has found. steps: how many functions it has run so far.
 * start_ns: now, or 0 if it found nothing.
 */
static inline void bide_batch_begin_(bide_batch *batch, uint32_t steps, int64_t start_ns)
{
	batch->start_ns = start_ns;
	batch->steps = steps;
}

/* Measures the pace since bide_batch_begin_. */
static inline void bide_batch_measure_(bide_batch *batch, uint32_t steps, int64_t now_ns)
{
	uint32_t ran = steps - batch->steps;

	if (ran > 0 && batch->start_ns)
		batch->pace_ns = (now_ns - batch->start_ns) / ran;
}

/* Returns true if a batch is to be hidden. entries: > 0. wake_ns: the cost of a wake. */
static inline bool bide_batch_is_short_(const bide_batch *batch, uint32_t entries, int64_t wake_ns)
{
	return batch->pace_ns < BIDE_BATCH_WAKES_ * wake_ns / entries;
}

#endif
