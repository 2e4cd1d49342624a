/*
 * blocking_threads.h - the threads that run blocking jobs: some that take them from the queue, and
 * one of its own for each call of bide_run_on_new_thread. The mutex of the queue guards all of it.
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
	unsigned threads_min;  /* how many threads stay although they are idle */
	unsigned threads_max;  /* 0: not configured */
	unsigned thread_count; /* threads that take from the queue */
	unsigned long_count;   /* threads of bide_run_on_new_thread, which thread_count leaves out */
	unsigned idle_count;   /* of thread_count: those that wait for a job */
	size_t busy_count;     /* jobs from the queue that run */
	bool stopping;         /* new jobs are canceled at once */
	bool is_awaited;       /* the one worker runs its loop until the last thread has ended */
	bool has_ended;        /* `ended` has to be joined */
	bide_os_thread ended;  /* the last that ended; it joined the one before: one join ends all */
} bide_blocking_state;

extern BIDE_INTERNAL bide_blocking_state bide_blocking_;

/* Queues the job and sees to it that a thread takes it. */
BIDE_INTERNAL void bide_blocking_submit_(bide_job *job);
/* Runs the job on a thread of its own, counted before it exists, so that a shutdown waits for it. */
BIDE_INTERNAL void bide_blocking_submit_long_(bide_job *job);
/* Waits until all threads have ended, which were told to, and joins them. On the worker. */
BIDE_INTERNAL void bide_blocking_join_(void);

/* The largest number of threads that take from the queue. */
static inline unsigned bide_blocking_threads_max_(void)
{
	return bide_blocking_.threads_max ? bide_blocking_.threads_max
	                                  : BIDE_BLOCKING_THREADS_MAX_DEFAULT_;
}

#endif
