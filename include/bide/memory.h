/*
 * memory.h - where the library's memory comes from, and how much of it there is.
 *
 * Frames, timers and the like come from per-thread pools that take whole chunks from the allocator
 * and keep them until bide_shutdown: in steady state nothing is allocated. Tasks of completion
 * sources are allocated one by one. BIDE_POOL=malloc in the environment makes every frame an
 * allocation of its own (for heap checkers).
 */
#ifndef BIDE_MEMORY_H
#define BIDE_MEMORY_H

#include "abi.h"

typedef struct bide_allocator {
	/*
	 * size_bytes > 0; alignment: a power of two, at least sizeof(void *). NULL: no memory. Any
	 * thread.
	 */
	void *(*allocate)(size_t size_bytes, size_t alignment, void *argument);
	void (*release)(void *memory, size_t size_bytes, void *argument);
	void *argument;
} bide_allocator;

typedef struct bide_stats {
	uint64_t allocation_count; /* calls of allocate that succeeded, since the start */
	uint64_t release_count;    /* calls of release */
	uint64_t failed_count;     /* calls of allocate that failed */
	uint64_t live_bytes;       /* allocated and not released */
	/* async functions started and not yet freed: running, waiting, finished and not consumed */
	uint64_t frame_count;
	uint64_t operation_count; /* timers, subscriptions, combinators... in use */
	/* of the frames: finished, and nobody has taken the result: leaks, unless somebody will */
	uint64_t unconsumed_count;
	uint64_t task_count;       /* tasks of completion sources and completed tasks in use */
	uint64_t unobserved_count; /* errors that nobody looked at */
	uint64_t misuse_count;     /* calls of the misuse hook */
	/* timers armed, and frames in run queues; with one worker 0 on other threads than its own */
	uint64_t timer_count, runnable_count;
	uint64_t idle_worker_count; /* of many workers: those that sleep, because there is no work */
	/* threads for blocking calls that exist now, those of bide_run_on_new_thread among them */
	uint64_t blocking_thread_count;
	uint64_t blocking_idle_count;  /* of them: waiting for a call */
	uint64_t blocking_queue_count; /* blocking calls that wait for a thread */
	uint64_t blocking_queue_peak;  /* the most that did, since the runtime was set up */
} bide_stats;

BIDE_BEGIN_DECLS

/*
 * Sets the allocator; copied. Returns 0; EINVAL (misuse) if a function is missing; EBUSY if bide
 * has memory already: set it before anything else is called, or after bide_shutdown.
 */
BIDE_API int bide_allocator_set(const bide_allocator *allocator);

/*
 * Exact counters of the whole process. Threads: any; the counts of pools that other threads use at
 * this moment are a snapshot. Cost: walks the pools.
 */
BIDE_API void bide_stats_get(bide_stats *stats);

BIDE_END_DECLS
#endif
