/*
 * memory.h - where the library's memory comes from, and how much of it there is.
 *
 * Frames, timers and other operations come from per-thread pools. The pools take whole chunks
 * from the allocator and keep them until bide_shutdown, so nothing is allocated in steady state.
 * Tasks of completion sources are allocated one by one. With BIDE_POOL=malloc in the environment
 * every frame is an allocation of its own (for heap checkers).
 */
#ifndef BIDE_MEMORY_H
#define BIDE_MEMORY_H

#include "abi.h"

typedef struct bide_allocator {
	/*
	 * Returns memory, or NULL if there is none. size_bytes is above 0. alignment is a power of
	 * two, at least sizeof(void *). Any thread calls it.
	 */
	void *(*allocate)(size_t size_bytes, size_t alignment, void *argument);
	void (*release)(void *memory, size_t size_bytes, void *argument);
	void *argument;
} bide_allocator;

typedef struct bide_stats {
	/* Calls of allocate that succeeded, since the start of the process. */
	uint64_t allocation_count;
	/* Calls of release, since the start. */
	uint64_t release_count;
	/* Calls of allocate that failed, since the start. */
	uint64_t failed_count;
	/* Bytes that are allocated and not released. */
	uint64_t live_bytes;
	/*
	 * Async functions that were started and are not freed: they run, wait, or have finished and are
	 * not consumed.
	 */
	uint64_t frame_count;
	/* Timers, subscriptions, combinators and other operations in use. */
	uint64_t operation_count;
	/* Of these, the finished ones. A frame that is never consumed is a leak. */
	uint64_t unconsumed_count;
	/* Tasks of completion sources and completed tasks in use. */
	uint64_t task_count;
	/* Errors that went unseen, since the start (misuse.h). */
	uint64_t unobserved_count;
	/* Misuses, since the start. */
	uint64_t misuse_count;
	/*
	 * Armed timers, and frames in run queues. With one worker both are 0 on other threads than
	 * the worker's.
	 */
	uint64_t timer_count, runnable_count;
	/* Workers that sleep because there is no work; 0 with one worker. */
	uint64_t idle_worker_count;
	/* Threads for blocking calls that exist now, including those of bide_run_on_new_thread. */
	uint64_t blocking_thread_count;
	/* Of these, the threads that wait for a call. */
	uint64_t blocking_idle_count;
	/* Blocking calls that wait for a thread. */
	uint64_t blocking_queue_count;
	/* The largest blocking_queue_count since the runtime was set up. */
	uint64_t blocking_queue_peak;
	/*
	 * From here on: what the scheduler did that is expensive, since the start. All are 0 with one
	 * worker. This one: sleeping workers that other threads woke.
	 */
	uint64_t wake_count;
	/* Of these, the workers that found nothing to run, and fell asleep again. */
	uint64_t vain_wake_count;
	/* Fences on all processors (membarrier), which interrupt those that run. */
	uint64_t fence_count;
	/* Times a worker took what is runnable from another worker: one function or several. */
	uint64_t theft_count;
	/* Of these, those that took the only one that was there. */
	uint64_t lone_theft_count;
	/* System calls by which workers slept, woke each other, and passed fences. */
	uint64_t scheduler_call_count;
} bide_stats;

BIDE_BEGIN_DECLS

/*
 * Sets the allocator; the struct is copied. Call it before anything else, or after
 * bide_shutdown. Returns 0; EINVAL (misuse) if a function is NULL; EBUSY if bide has memory
 * already.
 */
BIDE_API BIDE_USE_RESULT int bide_allocator_set(const bide_allocator *allocator);

/*
 * Stores exact counters of the whole process in *stats. Returns 0, or EINVAL (misuse) for NULL.
 * Any thread. The counts of pools that other threads use at this moment are a snapshot. Cost: it
 * walks the pools.
 */
BIDE_API int bide_stats_get(bide_stats *stats);

BIDE_END_DECLS
#endif
