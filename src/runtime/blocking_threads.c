/*
 * blocking_threads.c - see blocking_threads.h.
 */
#include "runtime/blocking_threads.h"

#include "base/assert.h"
#include "base/port.h"
#include "base/settings.h"
#include "os/os.h"
#include "runtime/one_worker.h"
#include "runtime/runtime.h"

int64_t bide_blocking_idle_max_ns_ = (int64_t)10 * 1000000000;
bide_blocking_state bide_blocking_;

static BIDE_THREAD_LOCAL_ bool runs_calls;
static bool all_gone;  /* set when all threads have ended; only the one worker uses it */
static uint32_t forks; /* how many forks made this process; written while it has one thread */

bool bide_blocking_is_thread_(void)
{
	return runs_calls;
}

/*
 * Waits for a job. Returns false if the thread has to end: it was idle for too long, or the threads
 * are being stopped. The mutex is held before and after.
 */
static bool wait_for_work(void)
{
	int64_t deadline_ns = bide_os_now_ns_() + bide_blocking_idle_max_ns_;
	uint32_t seen;

	bide_blocking_.idle_count++;
	while (!bide_jobs_.first && !bide_blocking_.stopping) {
		if (deadline_ns != BIDE_FOREVER && bide_os_now_ns_() >= deadline_ns) {
			if (bide_blocking_.thread_count > bide_blocking_.threads_min)
				break;
			deadline_ns = BIDE_FOREVER; /* it is one of threads_min */
		}
		seen = BIDE_LOAD(&bide_blocking_.wake, RELAXED); /* it changes only under the mutex */
		bide_os_unlock_(&bide_jobs_.mutex);
		bide_os_wait_(&bide_blocking_.wake, seen, deadline_ns);
		bide_os_lock_(&bide_jobs_.mutex);
	}
	bide_blocking_.idle_count--;
	return bide_jobs_.first != NULL;
}

static void all_gone_run(bide_post *post)
{
	(void)post;
	all_gone = true;
}

static bide_post all_gone_post = { NULL, all_gone_run };

/* The end of a thread that `count` counts. The mutex is held before, and not after. */
static void thread_end(unsigned *count)
{
	bide_os_thread before = bide_blocking_.ended;
	bool has_before = bide_blocking_.has_ended, tells;

	bide_blocking_.ended = bide_os_thread_self_();
	bide_blocking_.has_ended = true;
	--*count;
	BIDE_ADD(&bide_blocking_.gone, 1, RELAXED); /* it is read under the mutex */
	tells =
		bide_blocking_.is_awaited && bide_blocking_.thread_count + bide_blocking_.long_count == 0;
	if (tells)
		bide_blocking_.is_awaited = false;
	bide_os_unlock_(&bide_jobs_.mutex);
	bide_os_wake_(&bide_blocking_.gone, 1);
	if (has_before)
		bide_os_thread_join_(before);
	if (tells) /* last, because the worker then joins this thread */
		bide_port_post_(&all_gone_post);
}

/* A job that runs, and the context that its thread had before. */
typedef struct running {
	bide_job *j;
	uintptr_t saved;
	bool is_long;
} running;

static void call_job(void *argument)
{
	running *now = argument;

	now->saved = bide_job_enter_(now->j);
	bide_job_call_(now->j);
	bide_job_leave_context_(now->j, now->saved);
}

static bool replace_thread(void);

/*
 * The function of the job ended its thread, by pthread_exit or pthread_cancel. The job fails, and
 * another thread takes the place of this one. Async functions that ran on its stack never go on.
 */
static void job_died(void *argument)
{
	running *now = argument;

	bide_job_leave_context_(now->j, now->saved);
	now->j->outcome = bide_value_task_from_error(BIDE_EINVAL_);
	bide_misuse_("%s: the function ended its thread (pthread_exit, pthread_cancel); it must "
	             "return",
	             now->j->operation.type->name);
	bide_job_hand_over_(now->j);
	bide_os_lock_(&bide_jobs_.mutex);
	if (now->is_long) {
		thread_end(&bide_blocking_.long_count);
		return;
	}
	bide_blocking_.busy_count--;
	/* Until no job waits: one that comes now starts no thread, because this one still counts. */
	while (bide_jobs_.first && !replace_thread()) {
		bide_job *lost = bide_jobs_take_all_();

		bide_os_unlock_(&bide_jobs_.mutex);
		bide_jobs_fail_(lost, BIDE_EAGAIN_);
		bide_os_lock_(&bide_jobs_.mutex);
	}
	thread_end(&bide_blocking_.thread_count);
}

static void job_run(bide_job *j, bool is_long)
{
	running now = { j, 0, is_long };
	uint32_t before = forks;

	bide_os_guard_(call_job, job_died, &now);
	if (forks != before)
		bide_runtime_end_child_();
	bide_job_hand_over_(j);
}

static void *run_thread(void *argument)
{
	bide_job *j;

	bide_os_thread_name_("bide-blocking");
	runs_calls = true;
	bide_os_lock_(&bide_jobs_.mutex);
	while (wait_for_work()) {
		j = bide_jobs_.first;
		bide_jobs_take_(j);
		bide_blocking_.busy_count++;
		bide_os_unlock_(&bide_jobs_.mutex);
		job_run(j, false);
		bide_os_lock_(&bide_jobs_.mutex);
		bide_blocking_.busy_count--;
	}
	thread_end(&bide_blocking_.thread_count);
	return argument;
}

/*
 * Starts another thread for the jobs that wait. Returns false if none could be started and there is
 * no other. With the mutex held.
 */
static bool replace_thread(void)
{
	if (bide_os_thread_start_(run_thread, NULL) == 0)
		bide_blocking_.thread_count++;
	return bide_blocking_.thread_count > 1; /* the caller is still counted */
}

static void *run_long_thread(void *argument)
{
	bide_os_thread_name_("bide-long");
	runs_calls = true;
	job_run(argument, true);
	bide_os_lock_(&bide_jobs_.mutex);
	thread_end(&bide_blocking_.long_count);
	return NULL;
}

/*
 * The job is in the queue: decides whether to wake an idle thread (*wake), or starts one. Returns
 * false if there is no thread and none could be started. With the mutex held; a thread is rarely
 * started, and under the mutex its count and its failure are one step.
 */
static bool provide_thread(bool *wake)
{
	/*
	 * A thread that was woken and does not run yet still counts as idle, and the job that it will
	 * take counts as queued.
	 */
	*wake = bide_blocking_.idle_count > 0;
	if (bide_blocking_.idle_count >= bide_jobs_.count ||
	    bide_blocking_.thread_count >= bide_blocking_threads_max_())
		return true;
	if (bide_os_thread_start_(run_thread, NULL) == 0)
		bide_blocking_.thread_count++;
	return bide_blocking_.thread_count > 0;
}

void bide_blocking_submit_(bide_job *j)
{
	bide_job *failed = NULL;
	int error = BIDE_EAGAIN_;
	bool wake = false;

	bide_os_lock_(&bide_jobs_.mutex);
	if (j->state == BIDE_JOB_NEW_) {
		bide_jobs_append_(j);
		if (bide_blocking_.stopping)
			error = BIDE_ECANCELED_;
		if (bide_blocking_.stopping || !provide_thread(&wake))
			failed = bide_jobs_take_all_();
	}
	if (wake) /* it is read under the mutex, and by the kernel */
		BIDE_ADD(&bide_blocking_.wake, 1, RELAXED);
	bide_os_unlock_(&bide_jobs_.mutex);
	if (wake)
		bide_os_wake_(&bide_blocking_.wake, 1);
	bide_jobs_fail_(failed, error);
}

void bide_blocking_submit_long_(bide_job *j)
{
	bool stopping, mine;

	bide_os_lock_(&bide_jobs_.mutex);
	mine = j->state == BIDE_JOB_NEW_; /* otherwise it was canceled just now */
	stopping = bide_blocking_.stopping;
	j->state = BIDE_JOB_TAKEN_;
	bide_blocking_.long_count += mine && !stopping; /* before it exists: a shutdown waits for it */
	bide_os_unlock_(&bide_jobs_.mutex);
	if (!mine || (!stopping && bide_os_thread_start_(run_long_thread, j) == 0))
		return;
	if (!stopping) {
		bide_os_lock_(&bide_jobs_.mutex);
		bide_blocking_.long_count--;
		BIDE_ADD(&bide_blocking_.gone, 1, RELAXED); /* it is read under the mutex */
		bide_os_unlock_(&bide_jobs_.mutex);
		bide_os_wake_(&bide_blocking_.gone, 1);
	}
	j->next = NULL;
	bide_jobs_fail_(j, stopping ? BIDE_ECANCELED_ : BIDE_EAGAIN_);
}

/* Waits until all threads have ended. The mutex is held before and after. */
static void await_threads(void)
{
	uint32_t seen;

	if (!bide_shared_ && bide_blocking_.thread_count + bide_blocking_.long_count > 0) {
		bide_blocking_.is_awaited = true;
		all_gone = false;
		bide_os_unlock_(&bide_jobs_.mutex);
		(void)bide_one_worker_run_inside_(&all_gone, BIDE_FOREVER, "bide_shutdown");
		bide_os_lock_(&bide_jobs_.mutex);
	}
	while (bide_blocking_.thread_count + bide_blocking_.long_count > 0) {
		seen = BIDE_LOAD(&bide_blocking_.gone, RELAXED); /* it changes only under the mutex */
		bide_os_unlock_(&bide_jobs_.mutex);
		bide_os_wait_(&bide_blocking_.gone, seen, BIDE_FOREVER);
		bide_os_lock_(&bide_jobs_.mutex);
	}
}

void bide_blocking_join_(void)
{
	bide_os_thread ended;
	bool has_ended;

	bide_os_lock_(&bide_jobs_.mutex);
	await_threads();
	BIDE_ASSERT_IN_DEBUG_(bide_jobs_are_valid_() && bide_blocking_is_valid_());
	BIDE_ASSERT_(bide_blocking_.idle_count == 0 && bide_blocking_.busy_count == 0);
	ended = bide_blocking_.ended;
	has_ended = bide_blocking_.has_ended;
	bide_blocking_.has_ended = false;
	bide_os_unlock_(&bide_jobs_.mutex);
	if (has_ended)
		bide_os_thread_join_(ended);
}

bool bide_blocking_is_valid_(void)
{
	BIDE_INVARIANT_(bide_blocking_.idle_count + bide_blocking_.busy_count <=
	                bide_blocking_.thread_count);
	BIDE_INVARIANT_(bide_blocking_.threads_min <= bide_blocking_threads_max_());
	return true;
}

void bide_blocking_fork_(void)
{
	unsigned threads_min = bide_blocking_.threads_min, threads_max = bide_blocking_.threads_max;

	bide_jobs_ = (bide_job_queue){ 0 };
	bide_blocking_ =
		(bide_blocking_state){ .threads_min = threads_min, .threads_max = threads_max };
	runs_calls = false;
	forks++;
}
