/*
 * blocking_threads.h - the threads that run blocking jobs: those that take jobs from the queue, and
 * one for each call of bide_run_on_new_thread. The mutex of the queue guards all of this.
 *
 * idle_count + busy_count <= thread_count; a thread that starts or ends is counted as neither.
 */
#ifndef BIDE_RUNTIME_BLOCKING_THREADS_H
#define BIDE_RUNTIME_BLOCKING_THREADS_H

#include "os/os.h"
#include "runtime/blocking.h"
#include "runtime/blocking_job.h"

/* Written with the mutex held. */
typedef struct bide_blocking_state {
	uint32_t wake;         /* changes when an idle thread has a reason to look; a futex */
	uint32_t gone;         /* changes when a thread has ended; a futex */
	unsigned threads_min;  /* this many threads stay when they are idle */
	unsigned threads_max;  /* 0: not configured */
	unsigned thread_count; /* threads that take jobs from the queue */
	unsigned long_count;   /* threads of bide_run_on_new_thread; thread_count excludes them */
	unsigned idle_count;   /* threads that wait for a job; a woken one counts until it runs */
	size_t busy_count;     /* jobs from the queue that run */
	bool stopping;         /* new jobs are canceled at once */
	bool is_awaited;       /* the last thread that ends tells the one worker, which waits */
	bool has_ended;        /* `ended` has to be joined */
	bide_os_thread ended;  /* the last thread that ended; it has joined the one before */
} bide_blocking_state;

extern BIDE_INTERNAL bide_blocking_state bide_blocking_;

/* Queues the job, and wakes or starts a thread for it. */
BIDE_INTERNAL void bide_blocking_submit_(bide_job *job);
/*
 * Runs the job on a thread of its own, counted before it exists, so that a shutdown waits for it.
 */
BIDE_INTERNAL void bide_blocking_submit_long_(bide_job *job);
/*
 * Waits until all threads have ended (`stopping`), and joins the last. On the caller of a shutdown.
 */
BIDE_INTERNAL void bide_blocking_join_(void);

/* Returns true if the counts agree. */
BIDE_INTERNAL bool bide_blocking_is_valid_(void);

/* Returns how many threads may take jobs from the queue. */
static inline unsigned bide_blocking_threads_max_(void)
{
	return bide_blocking_.threads_max ? bide_blocking_.threads_max
	                                  : BIDE_BLOCKING_THREADS_MAX_DEFAULT_;
}

#endif
