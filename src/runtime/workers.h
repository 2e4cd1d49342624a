/*
 * workers.h - many workers: threads of the library's own that run what is runnable.
 *
 * What is runnable lies in three places. Each worker has a ring (ring.h), from which idle workers
 * take the older half, and a deque (async/deque.h) with its forks and its next step. All share the
 * injector (injector.h), for what external threads make runnable.
 *
 * A worker without work searches for about as long as waking it would take, then it sleeps. A
 * worker is woken only for work, and only one at a time: a worker that finds work, and sees that
 * there is more while others sleep, wakes the next.
 */
#ifndef BIDE_RUNTIME_WORKERS_H
#define BIDE_RUNTIME_WORKERS_H

#include "base/settings.h"
#include "base/thread.h"

enum { BIDE_WORKERS_MAX = 1024 };

/* Starts `count` workers. Returns 0, ENOMEM, or EAGAIN if not all threads could be started. */
BIDE_INTERNAL int bide_workers_start_(unsigned count);
/* Ends their threads: each finishes the function that it runs. Not on a worker. */
BIDE_INTERNAL void bide_workers_stop_(void);
/* After a stop: starts their threads again. They have all that they had. */
BIDE_INTERNAL void bide_workers_restart_(void);
/* After a stop: frees them. */
BIDE_INTERNAL void bide_workers_free_(void);

/* Returns true if this thread is one of them. */
static inline bool bide_workers_include_this_(void)
{
	bide_thread_head *head = bide_current_thread_;

	return bide_shared_ && head && !bide_thread_of_(head)->is_external;
}

/* Returns the home for the timers of the next external thread. Under setup. */
BIDE_INTERNAL uint32_t bide_workers_home_(void);

/* Fills in the counts of timers, of what is runnable and of idle workers. */
BIDE_INTERNAL void bide_workers_count_stats_(bide_stats *stats);

#endif
