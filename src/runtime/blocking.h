/*
 * blocking.h - the pool of threads behind bide_run_blocking (runtime.h).
 *
 * Threads are started when a job finds none idle, up to the limit, and end after 10 idle seconds.
 * Results come back through bide_port_post, so that operations complete on the worker only. In a
 * simulation there are no threads: a job runs on the worker, at a virtual time drawn from the seed.
 */
#ifndef BIDE_BLOCKING_H
#define BIDE_BLOCKING_H

#include "../core/core.h"

/* 0: the default, 4. Before the first job. */
BIDE_INTERNAL void bide_blocking_configure(unsigned threads_max);

/*
 * On the worker: waits for the jobs that run, fails the queued ones with ECANCELED, and joins all
 * threads. When it returns, every job has been posted: run the posts once more to complete them.
 * Afterwards all is as at the start, but for the limit.
 */
BIDE_INTERNAL void bide_blocking_stop(void);

#endif
