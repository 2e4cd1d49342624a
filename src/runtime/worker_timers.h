/*
 * worker_timers.h - the timers of many workers: each worker has a wheel under a spin lock. A timer
 * lies in the wheel of its home (bide_thread.home of the thread that made it). Its worker ends it;
 * if that worker is late, any other does.
 */
#ifndef BIDE_RUNTIME_WORKER_TIMERS_H
#define BIDE_RUNTIME_WORKER_TIMERS_H

#include "runtime/worker.h"
#include "source/timer.h"

/* bide_port_arm_ and bide_port_disarm_ for many workers. Any thread. */
BIDE_INTERNAL void bide_workers_arm_(bide_timer *timer);
BIDE_INTERNAL bool bide_workers_disarm_(bide_timer *timer);

/* For bide_worker_expire_. */
BIDE_INTERNAL bool bide_worker_expire_due_(bide_worker *worker, int64_t now_ns);

/*
 * Ends what is due in the wheel of a worker. Returns true if there was something. Any thread.
 */
static inline bool bide_worker_expire_(bide_worker *worker, int64_t now_ns)
{
	return BIDE_LOAD(&worker->due_ns, RELAXED) <= now_ns && bide_worker_expire_due_(worker, now_ns);
}

#endif
