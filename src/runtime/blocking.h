/*
 * blocking.h - the pool of threads behind bide_run_blocking, and the threads of
 * bide_run_on_new_thread (runtime.h).
 *
 * Threads are started when a job finds none idle, up to the limit; those above the minimum end
 * after 10 idle seconds. With one worker results come back through bide_port_post_, so that
 * operations complete on the worker only; with several the thread that ran a job completes it. In a
 * simulation there are no threads: a job runs on the worker, at a virtual time drawn from the seed.
 */
#ifndef BIDE_BLOCKING_H
#define BIDE_BLOCKING_H

#include "base/library.h"

/*
 * Calls that block wait, most of the time, for a disk, a name server, another process: what they
 * need is not a CPU. A thread that waits costs some 20 KiB, and is started only if all others are
 * busy.
 */
enum { BIDE_BLOCKING_THREADS_MAX_DEFAULT_ = 64 };

/*
 * threads_max 0: the default. threads_min: not above it. Before the first job; begins to count the
 * peak of the queue anew.
 */
BIDE_INTERNAL void bide_blocking_configure_(unsigned threads_min, unsigned threads_max);

BIDE_INTERNAL void bide_blocking_limits_(unsigned *threads_min, unsigned *threads_max);

/* Calls that are queued or run, on a thread of their own too. */
BIDE_INTERNAL size_t bide_blocking_pending_(void);

/* Fills in the blocking_ counters. */
BIDE_INTERNAL void bide_blocking_stats_(bide_stats *stats);

/* This thread is one of those that run the calls. */
BIDE_INTERNAL bool bide_blocking_is_thread_(void);

/* After so long an idle thread ends. Written by tests only. */
extern BIDE_INTERNAL int64_t bide_blocking_idle_max_ns_;

/*
 * On the worker: waits for the jobs that run, fails the queued ones with ECANCELED, and joins all
 * threads. The one worker runs its loop meanwhile: a job may wait for an async function. Returns
 * how many of the queued ones had been forgotten: nobody hears that they never ran. When it
 * returns, every job has been completed, or posted: run the posts once more. New ones are canceled
 * at once, until it is configured anew, or goes on as before.
 */
BIDE_INTERNAL size_t bide_blocking_stop_(void);
BIDE_INTERNAL void bide_blocking_go_on_(void);

/* In the child of a fork: no thread of these exists there. */
BIDE_INTERNAL void bide_blocking_fork_(void);

#endif
