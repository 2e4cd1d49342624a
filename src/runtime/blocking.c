/*
 * blocking.c - bide_run_blocking: a bounded pool of threads that take jobs from one queue.
 *
 * One mutex guards the pool and the state of every job. It is never held while a job runs or
 * completes. A job belongs to whoever moved it to TAKEN: the thread that runs it, the cancellation
 * that removed it, or the shutdown. From there it goes to the worker, which completes it; then it
 * is the consumer's, and nobody here touches it.
 */
#include "blocking.h"

#include "../os/os.h"
#include "simulation.h"

enum { THREADS_MAX_DEFAULT = 4, ENOMEM_ = 12, EAGAIN_ = 11 };
static const int64_t idle_max_ns = (int64_t)10 * 1000000000;

typedef enum job_state {
	JOB_NEW, /* being submitted */
	JOB_QUEUED,
	JOB_TAKEN
} job_state;

typedef struct job {
	bide_operation operation;
	bide_post post;
	bide_cancel_node node;
	struct job *next, *previous; /* in the queue */
	bide_blocking_function *function;
	void *argument;
	int64_t result; /* as runtime.h says: -1..-4095 are errors */
	job_state state;
} job;

/*
 * A job of a simulation. Its timer is nobody's value task: the notify stands in its word from the
 * start.
 */
typedef struct simulated_job {
	job job;
	bide_timer timer;
	bide_notify due;
} simulated_job;

static const bide_operation_type job_type = { .name = "run_blocking" };

static struct {
	bide_os_mutex mutex;
	uint32_t wake;        /* changes when an idle thread has a reason to look; futex */
	uint32_t gone;        /* changes when a thread has ended; futex */
	unsigned threads_max; /* 0: not configured */
	unsigned thread_count;
	unsigned idle_count;
	size_t queued_count;
	job *first, *last;
	bool stopping;
	bool has_ended;
	bide_os_thread ended; /* the last one that ended; it joined the one before: one join ends all */
} pool;

/* ---- jobs */

static void job_complete(job *j)
{
	bool failed = j->result < 0 && j->result >= -BIDE_ERROR_MAX;

	bide_cancel_unlink_(&j->node);
	bide_cancel_drop_(&j->node);
	bide_operation_complete_(&j->operation, bide_payload_int_(failed ? 0 : j->result),
	                         failed ? (int)-j->result : 0);
}

static void job_arrived(bide_post *post)
{
	job_complete(BIDE_CONTAINER_(post, job, post));
}

/* With the mutex held. */
static void queue_append(job *j)
{
	j->state = JOB_QUEUED;
	j->next = NULL;
	j->previous = pool.last;
	*(pool.last ? &pool.last->next : &pool.first) = j;
	pool.last = j;
	pool.queued_count++;
}

/* With the mutex held. */
static void queue_take(job *j)
{
	j->state = JOB_TAKEN;
	*(j->previous ? &j->previous->next : &pool.first) = j->next;
	*(j->next ? &j->next->previous : &pool.last) = j->previous;
	pool.queued_count--;
}

/* With the mutex held: takes all that is queued, as a list through next. */
static job *queue_take_all(void)
{
	job *all = pool.first, *j;

	for (j = all; j; j = j->next)
		j->state = JOB_TAKEN;
	pool.first = pool.last = NULL;
	pool.queued_count = 0;
	return all;
}

static void post_failed(job *list, int error)
{
	job *next;

	for (; list; list = next) {
		next = list->next; /* posted, it is gone */
		list->result = -error;
		bide_port_post(&list->post);
	}
}

/* On the worker. A job that runs, or has run and is on its way, is not disturbed. */
static void job_canceled(bide_cancel_node *node, int error)
{
	job *j = BIDE_CONTAINER_(node, job, node);
	bool mine;

	bide_os_lock(&pool.mutex);
	mine = j->state != JOB_TAKEN;
	if (j->state == JOB_QUEUED)
		queue_take(j);
	j->state = JOB_TAKEN; /* one that is NEW: its submitter sees this and leaves it alone */
	bide_os_unlock(&pool.mutex);
	if (!mine)
		return;
	j->result = -error;
	job_complete(j);
}

/* ---- threads */

/*
 * With the mutex held, before and after. false: nothing came for so long, or never will, that the
 * thread shall end.
 */
static bool wait_for_work(void)
{
	int64_t deadline_ns = bide_os_now_ns() + idle_max_ns;
	bool more = true;
	uint32_t seen;

	pool.idle_count++;
	while (!pool.first && !pool.stopping && more) {
		seen = BIDE_LOAD(&pool.wake, RELAXED); /* changes under the mutex only */
		bide_os_unlock(&pool.mutex);
		bide_os_wait(&pool.wake, seen, deadline_ns);
		more = bide_os_now_ns() < deadline_ns;
		bide_os_lock(&pool.mutex);
	}
	pool.idle_count--;
	return pool.first != NULL;
}

static void *run_thread(void *argument)
{
	bide_os_thread before;
	bool has_before;
	job *j;

	bide_os_thread_name("bide-blocking");
	bide_os_lock(&pool.mutex);
	while (wait_for_work()) {
		j = pool.first;
		queue_take(j);
		bide_os_unlock(&pool.mutex);
		j->result = j->function(j->argument);
		bide_port_post(&j->post);
		bide_os_lock(&pool.mutex);
	}
	before = pool.ended;
	has_before = pool.has_ended;
	pool.ended = bide_os_thread_self();
	pool.has_ended = true;
	pool.thread_count--;
	BIDE_ADD(&pool.gone, 1, RELAXED); /* read under the mutex */
	bide_os_unlock(&pool.mutex);
	bide_os_wake(&pool.gone, 1);
	if (has_before)
		bide_os_thread_join(before);
	return argument;
}

/*
 * With the mutex held, the job in the queue: sees to it that a thread will take it. false: there is
 * none and none can be started. Starting one under the mutex is rare, and keeps count and failure
 * in one step.
 */
static bool provide_thread(bool *wake)
{
	unsigned threads_max = pool.threads_max ? pool.threads_max : THREADS_MAX_DEFAULT;

	/*
	 * Idle threads that were woken and have not come yet still count as idle; the jobs they will
	 * take, as queued.
	 */
	*wake = pool.idle_count > 0;
	if (pool.idle_count >= pool.queued_count || pool.thread_count >= threads_max)
		return true;
	if (bide_os_thread_start(run_thread, NULL) == 0)
		pool.thread_count++;
	return pool.thread_count > 0;
}

static void submit(job *j)
{
	job *failed = NULL;
	int error = EAGAIN_;
	bool wake = false;

	bide_os_lock(&pool.mutex);
	if (j->state == JOB_NEW) {
		queue_append(j);
		if (pool.stopping)
			error = BIDE_ECANCELED_;
		if (pool.stopping || !provide_thread(&wake))
			failed = queue_take_all();
	}
	if (wake) /* read under the mutex, and by the kernel, which orders it itself */
		BIDE_ADD(&pool.wake, 1, RELAXED);
	bide_os_unlock(&pool.mutex);
	if (wake)
		bide_os_wake(&pool.wake, 1);
	post_failed(failed, error);
}

/* ---- simulation: all of this on the worker, with no other thread to lock out */

/* A post, because a notify must not run code of the user. */
static void simulated_run(bide_post *post)
{
	job *j = BIDE_CONTAINER_(post, job, post);

	j->result = j->function(j->argument);
	job_complete(j);
}

static void simulated_due(bide_notify *notify, bide_source *done)
{
	simulated_job *s = BIDE_CONTAINER_(notify, simulated_job, due);

	(void)done; /* part of the job: nothing to give back */
	queue_take(&s->job);
	s->job.post.run = simulated_run;
	bide_port_post(&s->job.post);
}

static void simulated_canceled(bide_cancel_node *node, int error)
{
	simulated_job *s = BIDE_CONTAINER_(node, simulated_job, job.node);

	if (s->job.state == JOB_TAKEN)
		return;
	queue_take(&s->job);
	bide_port_disarm(&s->timer);
	s->job.result = -error;
	job_complete(&s->job);
}

static void simulated_disarm(job *list)
{
	for (; list; list = list->next)
		bide_port_disarm(&BIDE_CONTAINER_(list, simulated_job, job)->timer);
}

static void simulated_submit(simulated_job *s)
{
	s->due.run = simulated_due;
	s->timer.source.kind = BIDE_KIND_USER_;
	s->timer.source.word = (uintptr_t)&s->due | BIDE_WORD_NOTIFY_;
	s->timer.source.payload.i = bide_deadline_after_(bide_simulation_job_ns());
	queue_append(&s->job);
	bide_port_arm(&s->timer);
}

/* ---- start and stop */

void bide_blocking_configure(unsigned threads_max)
{
	bide_os_lock(&pool.mutex);
	pool.threads_max = threads_max;
	bide_os_unlock(&pool.mutex);
}

void bide_blocking_stop(void)
{
	bide_os_thread ended;
	bool has_ended;
	uint32_t seen;
	job *canceled;

	bide_os_lock(&pool.mutex);
	pool.stopping = true;
	canceled = queue_take_all();
	if (bide_simulating_)
		simulated_disarm(canceled);
	BIDE_ADD(&pool.wake, 1, RELAXED);
	bide_os_unlock(&pool.mutex);
	bide_os_wake(&pool.wake, INT32_MAX);
	post_failed(canceled, BIDE_ECANCELED_);

	bide_os_lock(&pool.mutex);
	while (pool.thread_count > 0) {
		seen = BIDE_LOAD(&pool.gone, RELAXED); /* changes under the mutex only */
		bide_os_unlock(&pool.mutex);
		bide_os_wait(&pool.gone, seen, BIDE_FOREVER);
		bide_os_lock(&pool.mutex);
	}
	ended = pool.ended;
	has_ended = pool.has_ended;
	pool.has_ended = false;
	pool.stopping = false;
	bide_os_unlock(&pool.mutex);
	if (has_ended)
		bide_os_thread_join(ended);
}

/* ---- the call */

bide_value_task bide_run_blocking(bide_blocking_function *function, void *argument)
{
	bool simulated = bide_simulating_;
	bide_value_task v;
	job *j;
	int error;

	if (!function) {
		bide_misuse_("bide_run_blocking: function is NULL");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	j = (job *)(void *)bide_operation_new_(simulated ? sizeof(simulated_job) : sizeof(job),
	                                       &job_type);
	if (!j)
		return bide_value_task_from_error(ENOMEM_);
	if (simulated && !bide_port_on_worker()) {
		bide_operation_drop_(&j->operation.source);
		bide_misuse_("bide_run_blocking: in a simulation only the worker's thread may call it");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	j->function = function;
	j->argument = argument;
	j->post.run = job_arrived;
	v = bide_source_value_(&j->operation.source); /* submitted, it may be anybody's */
	error = bide_cancel_link_(bide_context_core_(), &j->node,
	                          simulated ? simulated_canceled : job_canceled);
	if (error) {
		bide_operation_drop_(&j->operation.source);
		return bide_value_task_from_error(error);
	}
	if (simulated)
		simulated_submit((simulated_job *)(void *)j);
	else
		submit(j);
	return v;
}
