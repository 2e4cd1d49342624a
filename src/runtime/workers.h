/*
 * pool.h - many workers: threads of the library's own that run what is runnable.
 *
 * What is runnable lies in three places. Each worker has a ring (ring.h), oldest first, from which
 * idle workers take half, and a deque (core/deque.h) with its forks and the newest continuation.
 * Threads that are no workers put what they make runnable into one common queue, the inbox.
 *
 * A worker without work searches for about as long as waking it would take, then sleeps. Workers
 * are woken only for work, and one at a time: a worker that finds work, and sees that there is more
 * while others sleep, wakes the next.
 */
#ifndef BIDE_POOL_H
#define BIDE_POOL_H

#include "base/settings.h"
#include "base/thread.h"

enum { BIDE_WORKERS_MAX = 1024 };

/* Starts so many workers. 0; ENOMEM; EAGAIN: not even one thread could be made. */
BIDE_INTERNAL int bide_workers_start_(unsigned count);
/* Ends their threads: each finishes the function that it runs. Not on one of them. */
BIDE_INTERNAL void bide_workers_stop_(void);
/* After a stop: they run again, with all that they had. */
BIDE_INTERNAL void bide_workers_go_on_(void);
/* After a stop: gives them back. */
BIDE_INTERNAL void bide_workers_free_(void);
/* Returns true if this thread is one of them. */
static inline bool bide_workers_include_this_(void)
{
	bide_thread_head *head = bide_current_thread_;

	return bide_shared_ && head && !bide_thread_of_(head)->is_external;
}

/* Returns the home for the timers of the next external thread. Under setup. */
BIDE_INTERNAL uint32_t bide_workers_home_(void);

BIDE_INTERNAL void bide_workers_count_stats_(bide_stats *stats);

#endif
