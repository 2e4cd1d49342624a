/*
 * blocking.h - blocking calls: bide_run_blocking and bide_run_on_new_thread (bide/runtime.h).
 *
 * A call is a job (blocking_job.h). A thread is started when a job finds no idle one, up to a
 * limit; threads above the minimum end after 10 idle seconds (blocking_threads.h). With one worker,
 * a job that has run is posted to the worker, because operations complete only there. With many,
 * the thread that ran the job completes it. In a simulation jobs run on the worker
 * (blocking_simulated.h).
 */
#ifndef BIDE_RUNTIME_BLOCKING_H
#define BIDE_RUNTIME_BLOCKING_H

#include "base/library.h"

/*
 * More than CPUs, because a blocking call mostly waits for a disk, a name server or another
 * process, and needs no CPU. A waiting thread costs some 20 KiB, and is started only if all others
 * are busy.
 */
enum { BIDE_BLOCKING_THREADS_MAX_DEFAULT_ = 64 };

/*
 * Before the first job. threads_max 0 stands for the default; threads_min is not above threads_max.
 * Resets the peak of the queue.
 */
BIDE_INTERNAL void bide_blocking_configure_(unsigned threads_min, unsigned threads_max);

BIDE_INTERNAL void bide_blocking_limits_(unsigned *threads_min, unsigned *threads_max);

/* Returns how many jobs are queued or run, including those with a thread of their own. */
BIDE_INTERNAL size_t bide_blocking_pending_(void);

/* Fills in the blocking_ counters. */
BIDE_INTERNAL void bide_blocking_stats_(bide_stats *stats);

/* Returns true on a thread that runs jobs. */
BIDE_INTERNAL bool bide_blocking_is_thread_(void);

/* How long a thread is idle before it ends. Only tests write it. */
extern BIDE_INTERNAL int64_t bide_blocking_idle_max_ns_;

/*
 * At a shutdown: fails the queued jobs with ECANCELED, waits for those that run, and joins all
 * threads. The one worker runs its loop meanwhile, since a job may wait for an async function.
 * Returns how many of the queued jobs had been forgotten, so that only the caller can report that
 * they never ran. When it returns, every job is completed or posted; the caller runs the posts once
 * more. From now on new jobs are canceled at once, until a configuration or a restart.
 */
BIDE_INTERNAL size_t bide_blocking_stop_(void);
BIDE_INTERNAL void bide_blocking_restart_(void);

/* In the child of a fork, where none of these threads exists. */
BIDE_INTERNAL void bide_blocking_fork_(void);

#endif
