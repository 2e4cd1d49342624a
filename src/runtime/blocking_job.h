/*
 * blocking_job.h - a call that may block: of bide_run_blocking, of bide_run_on_new_thread, or of
 * the library's own (blocking_call.h); and the queue of those that wait for a thread.
 *
 * One mutex guards the queue and the state of every job. It is never held while a job runs or
 * completes. The party that moves a job to TAKEN decides its outcome: the thread that runs it, the
 * cancellation that removed it, or the shutdown. Two parties may use a job until its end: the one
 * that completes it, and the cancellation, which may fire on another thread. `parties` counts them.
 * The last to leave completes the operation. From then on the job belongs to its consumer, and
 * nothing here uses it.
 */
#ifndef BIDE_RUNTIME_BLOCKING_JOB_H
#define BIDE_RUNTIME_BLOCKING_JOB_H

#include "base/own.h"
#include "os/os.h"
#include "source/operation.h"

typedef enum bide_job_state {
	BIDE_JOB_NEW_, /* being submitted */
	BIDE_JOB_QUEUED_,
	BIDE_JOB_TAKEN_
} bide_job_state;

typedef struct bide_job {
	bide_operation operation;
	bide_post post;
	bide_cancel_node node;
	struct bide_job *next, *previous; /* in the queue */
	bide_blocking_function *function;
	void *argument;
	/* Called when nothing here uses the job any more, before it completes. May be NULL. */
	void (*over)(struct bide_job *job);
	uintptr_t context;       /* of the call, with a reference; 0 if there is none */
	bide_value_task outcome; /* always ready */
	uint32_t parties;        /* how many of completion and cancellation may use it; atomic */
	bide_job_state state;
	bool always_runs; /* if no thread can run it, the thread that fails it does */
} bide_job;
BIDE_STATIC_ASSERT(sizeof(bide_job) <= BIDE_COPY_BYTES_, "a dump reads all of it");

/* The queue. The mutex also guards the threads (blocking_threads.h). */
typedef struct bide_job_queue {
	bide_os_mutex mutex;
	bide_job *first, *last;
	size_t count; /* of jobs in the list */
	size_t peak;  /* the largest count since the configuration */
} bide_job_queue;

extern BIDE_INTERNAL bide_job_queue bide_jobs_;

/* --- the queue: with the mutex held --- */

BIDE_INTERNAL void bide_jobs_append_(bide_job *job);
/* Takes this job out; it must be in the queue. */
BIDE_INTERNAL void bide_jobs_take_(bide_job *job);
/* Takes all out. Returns them as a list through `next`. */
BIDE_INTERNAL bide_job *bide_jobs_take_all_(void);

/* Returns true if the list, its links and its counts agree. */
BIDE_INTERNAL bool bide_jobs_are_valid_(void);

/* --- one job: without the mutex --- */

/* So many parties leave. The one that decided the outcome has stored it. */
BIDE_INTERNAL void bide_job_leave_(bide_job *job, uint32_t parties);
/*
 * Completes the job, by the party that decided the outcome, unless that is the cancellation. With
 * one worker only there.
 */
BIDE_INTERNAL void bide_job_complete_(bide_job *job);
/* Completes the job on this thread if that is allowed, and otherwise on the one worker. */
BIDE_INTERNAL void bide_job_hand_over_(bide_job *job);
/* The function of its post: completes it. */
BIDE_INTERNAL void bide_job_arrived_(bide_post *post);
/* Fails all jobs of a list, but runs those that always run. */
BIDE_INTERNAL void bide_jobs_fail_(bide_job *list, int error);
/* The function of its cancel node. It leaves a job alone that runs or has run. */
BIDE_INTERNAL void bide_job_canceled_(bide_cancel_node *node, int error);

/*
 * bide_job_call_ calls the function and stores the outcome. It is called between the other two,
 * which enter and leave the context of the call: the function sees its values, and whether it was
 * canceled. Without a context they need no record of the thread.
 */
BIDE_INTERNAL uintptr_t bide_job_enter_(const bide_job *job);
BIDE_INTERNAL void bide_job_call_(bide_job *job);
BIDE_INTERNAL void bide_job_leave_context_(const bide_job *job, uintptr_t saved);

/* What a dump says of a job: the call, and whether it is queued or runs. */
BIDE_INTERNAL void bide_job_describe_(const void *copy, char *to, size_t size_bytes);

#endif
