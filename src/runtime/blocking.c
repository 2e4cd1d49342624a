/*
 * blocking.c - bide_run_blocking: a bounded pool of threads that take jobs from one queue;
 * bide_run_on_new_thread: a thread for each job.
 *
 * One mutex guards the pool and the state of every job. It is never held while a job runs or
 * completes. The party that moves a job to TAKEN decides its outcome: the thread that runs it, the
 * cancellation that removed it, or the shutdown. Two parties may use the job until its end: the one
 * that completes it, and the cancellation, which may fire on another thread. `live` counts them.
 * The last to leave ends the operation. Then the job belongs to the consumer, and nothing here uses
 * it.
 */
#include "runtime/blocking.h"

#include "os/os.h"
#include "runtime/one_worker.h"
#include "runtime/runtime.h"
#include "runtime/simulation.h"

enum { ENOMEM_ = 12, EAGAIN_ = 11 };
int64_t bide_blocking_idle_max_ns_ = (int64_t)10 * 1000000000;

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
	uintptr_t context;       /* of the call, with a reference; 0: none */
	bide_value_task outcome; /* ready */
	uint32_t live;           /* parties that may still use it: completion, cancellation; atomic */
	job_state state;
} job;
BIDE_STATIC_ASSERT(sizeof(job) <= BIDE_COPY_BYTES_, "a dump reads all of it");

/*
 * A job of a simulation. Its timer has no value task: the listener is in its word from the start.
 */
typedef struct simulated_job {
	job job;
	bide_timer timer;
	bide_listener due;
} simulated_job;

static void describe_job(const void *copy, char *to, size_t size_bytes)
{
	bide_put_(to, size_bytes, "bide_run_blocking (%s)",
	          ((const job *)copy)->state == JOB_TAKEN ? "running" : "queued");
}

static void describe_long(const void *copy, char *to, size_t size_bytes)
{
	(void)copy;
	bide_put_(to, size_bytes, "bide_run_on_new_thread (running)");
}

static const bide_operation_type job_type = { .name = "bide_run_blocking",
	                                          .describe = describe_job };
static const bide_operation_type long_type = { .name = "bide_run_on_new_thread",
	                                           .describe = describe_long };

static struct {
	bide_os_mutex mutex;
	uint32_t wake;        /* changes when an idle thread has a reason to look; futex */
	uint32_t gone;        /* changes when a thread has ended; futex */
	unsigned threads_min; /* so many do not end when they are idle */
	unsigned threads_max; /* 0: not configured */
	unsigned thread_count;
	unsigned long_count; /* threads of bide_run_on_new_thread: not among thread_count */
	unsigned idle_count;
	size_t busy_count; /* jobs of the pool that run */
	size_t queued_count, queued_peak;
	job *first, *last;
	bool stopping;
	bool is_awaited; /* the one worker runs its loop until the last thread has ended */
	bool has_ended;
	bide_os_thread ended; /* the last one that ended; it joined the one before: one join ends all */
} pool;

static BIDE_THREAD_LOCAL_ bool runs_calls;
static bool all_gone;  /* the worker's: all threads have ended */
static uint32_t forks; /* that this process came from; written where there is one thread */

bool bide_blocking_is_thread_(void)
{
	return runs_calls;
}

/* ---- jobs */

/* So many of the parties leave, after the outcome was stored if that was theirs to do. */
static void job_leave(job *j, uint32_t parties)
{
	/* pairs with itself: the last one sees what the other wrote */
	if (BIDE_SUB(&j->live, parties, ACQ_REL) != parties)
		return;
	bide_cancel_node_unref_(&j->node);
	bide_context_unref_word_(j->context);
	bide_operation_complete_(&j->operation, j->outcome.payload, (int)j->outcome.state);
}

/* Called by the party that decided the outcome, unless it is the cancellation. */
static void job_complete(job *j)
{
	job_leave(j, bide_cancel_unlink_(&j->node) ? 2 : 1);
}

/* What a function returned that is no value yet. A ready operation is consumed here. */
static bide_value_task settled(const job *j, bide_value_task returned)
{
	const char *what = j->operation.type->name;
	bide_source *source = (bide_source *)returned.state;
	bide_listener none = { NULL };

	if (!bide_check_fresh_(returned, what, NULL))
		return bide_value_task_from_error(BIDE_ESTALE);
	if (!bide_belongs_here_(source, what, NULL))
		return bide_value_task_from_error(BIDE_EINVAL_);
	if (bide_is_done_(source)) {
		if (bide_listen_(returned, &none, what, NULL) == BIDE_ALREADY_TAKEN_)
			return bide_value_task_from_error(BIDE_ESTALE);
		return bide_consume_(source, NULL);
	}
	bide_misuse_("%s: the function returned a value task that is pending; it must wait for it "
	             "(bide_value_task_wait) and return what it gives",
	             what);
	bide_value_task_forget_at_(returned, NULL);
	return bide_value_task_from_error(BIDE_EINVAL_);
}

/*
 * In the context of the call, as what a function starts: its values, whether it was canceled. A
 * thread without one needs no record for that.
 */
static uintptr_t job_enter(const job *j)
{
	return j->context ? bide_context_swap_(j->context) : 0;
}

static void job_call(job *j)
{
	int error = 0;

	if (j->context) /* perhaps canceled since it was taken out of the queue */
		error = bide_context_current_error();
	j->outcome = error ? bide_value_task_from_error(error) : j->function(j->argument);
	if (bide_is_pending_(j->outcome))
		j->outcome = settled(j, j->outcome);
}

static void job_leave_context(const job *j, uintptr_t saved)
{
	if (j->context)
		bide_context_swap_(saved);
}

static void job_arrived(bide_post *post)
{
	job_complete(BIDE_CONTAINER_(post, job, post));
}

/* Right here where that is allowed, for which this thread needs a record; else on the worker. */
static void job_hand_over(job *j)
{
	if (bide_port_on_worker_() && bide_thread_())
		job_complete(j);
	else
		bide_port_post_(&j->post);
}

/* With the mutex held. */
static void queue_append(job *j)
{
	j->state = JOB_QUEUED;
	j->next = NULL;
	j->previous = pool.last;
	*(pool.last ? &pool.last->next : &pool.first) = j;
	pool.last = j;
	if (++pool.queued_count > pool.queued_peak)
		pool.queued_peak = pool.queued_count;
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

static void jobs_fail(job *list, int error)
{
	job *next;

	for (; list; list = next) {
		next = list->next; /* handed over, it is gone */
		list->outcome = bide_value_task_from_error(error);
		job_hand_over(list);
	}
}

/* A job that runs, or has run and is on its way, is not disturbed. */
static void job_canceled(bide_cancel_node *node, int error)
{
	job *j = BIDE_CONTAINER_(node, job, node);
	bool mine;

	bide_os_lock_(&pool.mutex);
	mine = j->state != JOB_TAKEN;
	if (j->state == JOB_QUEUED)
		queue_take(j);
	j->state = JOB_TAKEN; /* one that is NEW: its submitter sees this and leaves it alone */
	bide_os_unlock_(&pool.mutex);
	if (mine)
		j->outcome = bide_value_task_from_error(error);
	job_leave(j, mine ? 2 : 1);
}

/* ---- threads */

/*
 * With the mutex held, before and after. false: nothing came for so long, or never will, that the
 * thread shall end.
 */
static bool wait_for_work(void)
{
	int64_t deadline_ns = bide_os_now_ns_() + bide_blocking_idle_max_ns_;
	uint32_t seen;

	pool.idle_count++;
	while (!pool.first && !pool.stopping) {
		if (deadline_ns != BIDE_FOREVER && bide_os_now_ns_() >= deadline_ns) {
			if (pool.thread_count > pool.threads_min)
				break;
			deadline_ns = BIDE_FOREVER; /* one of those that stay */
		}
		seen = BIDE_LOAD(&pool.wake, RELAXED); /* changes under the mutex only */
		bide_os_unlock_(&pool.mutex);
		bide_os_wait_(&pool.wake, seen, deadline_ns);
		bide_os_lock_(&pool.mutex);
	}
	pool.idle_count--;
	return pool.first != NULL;
}

static void all_gone_run(bide_post *post)
{
	(void)post;
	all_gone = true;
}

static bide_post all_gone_post = { NULL, all_gone_run };

/* With the mutex held, which it gives up: the end of a thread, which `count` has counted. */
static void thread_end(unsigned *count)
{
	bide_os_thread before = pool.ended;
	bool has_before = pool.has_ended, tells;

	pool.ended = bide_os_thread_self_();
	pool.has_ended = true;
	--*count;
	BIDE_ADD(&pool.gone, 1, RELAXED); /* read under the mutex */
	tells = pool.is_awaited && pool.thread_count + pool.long_count == 0;
	if (tells)
		pool.is_awaited = false;
	bide_os_unlock_(&pool.mutex);
	bide_os_wake_(&pool.gone, 1);
	if (has_before)
		bide_os_thread_join_(before);
	if (tells) /* last: the worker joins this thread */
		bide_port_post_(&all_gone_post);
}

/* A job on its thread, and the context that the thread had before. */
typedef struct running {
	job *j;
	uintptr_t saved;
	bool is_long;
} running;

static void call_job(void *argument)
{
	running *now = argument;

	now->saved = job_enter(now->j);
	job_call(now->j);
	job_leave_context(now->j, now->saved);
}

static bool replace_thread(void);

/*
 * The function ended its thread, by pthread_exit or pthread_cancel. The call fails, and the
 * thread's place goes to another. Async functions that ran on its stack never go on.
 */
static void job_died(void *argument)
{
	running *now = argument;
	job *lost = NULL;

	job_leave_context(now->j, now->saved);
	now->j->outcome = bide_value_task_from_error(BIDE_EINVAL_);
	bide_misuse_("%s: the function ended its thread (pthread_exit, pthread_cancel); it must "
	             "return",
	             now->j->operation.type->name);
	job_hand_over(now->j);
	bide_os_lock_(&pool.mutex);
	if (now->is_long) {
		thread_end(&pool.long_count);
		return;
	}
	pool.busy_count--;
	if (pool.first && !replace_thread())
		lost = queue_take_all();
	bide_os_unlock_(&pool.mutex);
	jobs_fail(lost, EAGAIN_);
	bide_os_lock_(&pool.mutex);
	thread_end(&pool.thread_count);
}

static void job_run(job *j, bool is_long)
{
	running now = { j, 0, is_long };
	uint32_t before = forks;

	bide_os_guard_(call_job, job_died, &now);
	if (forks != before)
		bide_runtime_end_child_();
	job_hand_over(j);
}

static void *run_thread(void *argument)
{
	job *j;

	bide_os_thread_name_("bide-blocking");
	runs_calls = true;
	bide_os_lock_(&pool.mutex);
	while (wait_for_work()) {
		j = pool.first;
		queue_take(j);
		pool.busy_count++;
		bide_os_unlock_(&pool.mutex);
		job_run(j, false);
		bide_os_lock_(&pool.mutex);
		pool.busy_count--;
	}
	thread_end(&pool.thread_count);
	return argument;
}

/* With the mutex held, for jobs that wait. false: none can be started, and no other is there. */
static bool replace_thread(void)
{
	if (bide_os_thread_start_(run_thread, NULL) == 0)
		pool.thread_count++;
	return pool.thread_count > 1; /* the caller is counted still */
}

static void *run_long_thread(void *argument)
{
	bide_os_thread_name_("bide-long");
	runs_calls = true;
	job_run(argument, true);
	bide_os_lock_(&pool.mutex);
	thread_end(&pool.long_count);
	return NULL;
}

/*
 * With the mutex held, the job in the queue: sees to it that a thread will take it. false: there is
 * none and none can be started. Starting one under the mutex is rare, and keeps count and failure
 * in one step.
 */
static bool provide_thread(bool *wake)
{
	unsigned threads_max = pool.threads_max ? pool.threads_max : BIDE_BLOCKING_THREADS_MAX_DEFAULT_;

	/*
	 * Idle threads that were woken and have not come yet still count as idle; the jobs they will
	 * take, as queued.
	 */
	*wake = pool.idle_count > 0;
	if (pool.idle_count >= pool.queued_count || pool.thread_count >= threads_max)
		return true;
	if (bide_os_thread_start_(run_thread, NULL) == 0)
		pool.thread_count++;
	return pool.thread_count > 0;
}

static void submit(job *j)
{
	job *failed = NULL;
	int error = EAGAIN_;
	bool wake = false;

	bide_os_lock_(&pool.mutex);
	if (j->state == JOB_NEW) {
		queue_append(j);
		if (pool.stopping)
			error = BIDE_ECANCELED_;
		if (pool.stopping || !provide_thread(&wake))
			failed = queue_take_all();
	}
	if (wake) /* read under the mutex, and by the kernel, which orders it itself */
		BIDE_ADD(&pool.wake, 1, RELAXED);
	bide_os_unlock_(&pool.mutex);
	if (wake)
		bide_os_wake_(&pool.wake, 1);
	jobs_fail(failed, error);
}

/* The thread is counted before it exists, so that a shutdown waits for it. */
static void submit_long(job *j)
{
	bool stopping, mine;

	bide_os_lock_(&pool.mutex);
	mine = j->state == JOB_NEW; /* else it was canceled just now */
	stopping = pool.stopping;
	j->state = JOB_TAKEN;
	pool.long_count += mine && !stopping;
	bide_os_unlock_(&pool.mutex);
	if (!mine || (!stopping && bide_os_thread_start_(run_long_thread, j) == 0))
		return;
	if (!stopping) {
		bide_os_lock_(&pool.mutex);
		pool.long_count--;
		BIDE_ADD(&pool.gone, 1, RELAXED); /* read under the mutex */
		bide_os_unlock_(&pool.mutex);
		bide_os_wake_(&pool.gone, 1);
	}
	j->next = NULL;
	jobs_fail(j, stopping ? BIDE_ECANCELED_ : EAGAIN_);
}

/* ---- simulation: all of this on the worker, with no other thread to lock out */

/* A post, because a listener must not run code of the user. */
static void simulated_run(bide_post *post)
{
	job *j = BIDE_CONTAINER_(post, job, post);
	const char *before =
		bide_inside_enter_("a blocking call, which a simulation runs on the worker");
	uintptr_t saved = job_enter(j);

	job_call(j);
	job_leave_context(j, saved);
	bide_inside_ = before;
	job_complete(j);
}

static void simulated_due(bide_listener *listener, bide_source *done)
{
	simulated_job *s = BIDE_CONTAINER_(listener, simulated_job, due);

	(void)done; /* part of the job: nothing to give back */
	queue_take(&s->job);
	s->job.post.run = simulated_run;
	bide_port_post_(&s->job.post);
}

static void simulated_canceled(bide_cancel_node *node, int error)
{
	simulated_job *s = BIDE_CONTAINER_(node, simulated_job, job.node);
	bool mine = s->job.state != JOB_TAKEN;

	if (mine) {
		queue_take(&s->job);
		bide_port_disarm_(&s->timer);
		s->job.outcome = bide_value_task_from_error(error);
	}
	job_leave(&s->job, mine ? 2 : 1);
}

static void simulated_disarm(job *list)
{
	for (; list; list = list->next)
		bide_port_disarm_(&BIDE_CONTAINER_(list, simulated_job, job)->timer);
}

static void simulated_submit(simulated_job *s)
{
	s->due.run = simulated_due;
	s->timer.source.kind = BIDE_KIND_USER_;
	s->timer.source.word = (uintptr_t)&s->due | BIDE_WORD_NOTIFY_;
	s->timer.source.payload.i = bide_deadline_after_(bide_simulation_job_ns_());
	queue_append(&s->job);
	bide_port_arm_(&s->timer);
}

/* ---- start and stop */

void bide_blocking_configure_(unsigned threads_min, unsigned threads_max)
{
	bide_os_lock_(&pool.mutex);
	pool.threads_min = threads_min;
	pool.threads_max = threads_max;
	pool.queued_peak = 0;
	bide_os_unlock_(&pool.mutex);
	bide_blocking_go_on_();
}

void bide_blocking_limits_(unsigned *threads_min, unsigned *threads_max)
{
	bide_os_lock_(&pool.mutex);
	*threads_min = pool.threads_min;
	*threads_max = pool.threads_max ? pool.threads_max : BIDE_BLOCKING_THREADS_MAX_DEFAULT_;
	bide_os_unlock_(&pool.mutex);
}

void bide_blocking_go_on_(void)
{
	bide_os_lock_(&pool.mutex);
	pool.stopping = false;
	bide_os_unlock_(&pool.mutex);
}

void bide_blocking_fork_(void)
{
	unsigned threads_min = pool.threads_min, threads_max = pool.threads_max;

	__builtin_memset(&pool, 0, sizeof pool);
	pool.threads_min = threads_min;
	pool.threads_max = threads_max;
	runs_calls = false;
	forks++;
}

void bide_blocking_stats_(bide_stats *stats)
{
	bide_os_lock_(&pool.mutex);
	stats->blocking_thread_count = pool.thread_count + pool.long_count;
	stats->blocking_idle_count = pool.idle_count;
	stats->blocking_queue_count = pool.queued_count;
	stats->blocking_queue_peak = pool.queued_peak;
	bide_os_unlock_(&pool.mutex);
}

size_t bide_blocking_pending_(void)
{
	size_t count;

	bide_os_lock_(&pool.mutex);
	count = pool.queued_count + pool.busy_count + pool.long_count;
	bide_os_unlock_(&pool.mutex);
	return count;
}

/* With the mutex held, before and after, until all threads have ended. */
static void await_threads(void)
{
	uint32_t seen;

	if (!bide_shared_ && pool.thread_count + pool.long_count > 0) {
		pool.is_awaited = true;
		all_gone = false;
		bide_os_unlock_(&pool.mutex);
		(void)bide_one_worker_run_inside_(&all_gone, BIDE_FOREVER, "bide_shutdown");
		bide_os_lock_(&pool.mutex);
	}
	while (pool.thread_count + pool.long_count > 0) {
		seen = BIDE_LOAD(&pool.gone, RELAXED); /* changes under the mutex only */
		bide_os_unlock_(&pool.mutex);
		bide_os_wait_(&pool.gone, seen, BIDE_FOREVER);
		bide_os_lock_(&pool.mutex);
	}
}

/* Counts the jobs that were forgotten. */
static size_t forgotten(const job *list)
{
	size_t count = 0;

	for (; list; list = list->next)
		count += BIDE_LOAD(&list->operation.source.word, RELAXED) == BIDE_WORD_ABANDONED_;
	return count;
}

size_t bide_blocking_stop_(void)
{
	bide_os_thread ended;
	bool has_ended;
	size_t lost;
	job *canceled;

	bide_os_lock_(&pool.mutex);
	pool.stopping = true;
	canceled = queue_take_all();
	if (bide_simulating_)
		simulated_disarm(canceled);
	BIDE_ADD(&pool.wake, 1, RELAXED);
	bide_os_unlock_(&pool.mutex);
	bide_os_wake_(&pool.wake, INT32_MAX);
	lost = forgotten(canceled);
	jobs_fail(canceled, BIDE_ECANCELED_);

	bide_os_lock_(&pool.mutex);
	await_threads();
	ended = pool.ended;
	has_ended = pool.has_ended;
	pool.has_ended = false;
	bide_os_unlock_(&pool.mutex);
	if (has_ended)
		bide_os_thread_join_(ended);
	return lost;
}

/* ---- the call */

static bide_value_task run(bide_blocking_function *function, void *argument,
                           const bide_operation_type *type)
{
	bool simulated = bide_thread_() && bide_simulating_; /* known once the runtime is set up */
	bide_value_task v;
	job *j;
	int error;

	if (!function) {
		bide_misuse_("%s: function is NULL", type->name);
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	if (!bide_thread_())
		return bide_value_task_from_error(bide_runtime_missing_());
	if (simulated && type == &long_type) {
		bide_misuse_("bide_run_on_new_thread: a simulation is one thread; a function that ends by "
		             "itself may be run by bide_run_blocking");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	j = (job *)(void *)bide_operation_new_(simulated ? sizeof(simulated_job) : sizeof(job), type);
	if (!j)
		return bide_value_task_from_error(ENOMEM_);
	if (simulated && !bide_port_on_worker_()) {
		bide_operation_discard_(&j->operation.source);
		bide_misuse_("%s: in a simulation only the worker's thread may call it", type->name);
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	j->function = function;
	j->argument = argument;
	j->context = bide_context_ref_current_();
	j->live = 2;
	j->post.run = job_arrived;
	v = bide_source_value_(&j->operation.source); /* once submitted, the job may be gone */
	error = bide_cancel_link_(bide_context_core_(), &j->node,
	                          simulated ? simulated_canceled : job_canceled);
	if (error) {
		bide_context_unref_word_(j->context);
		bide_operation_discard_(&j->operation.source);
		return bide_value_task_from_error(error);
	}
	if (simulated)
		simulated_submit((simulated_job *)(void *)j);
	else if (type == &long_type)
		submit_long(j);
	else
		submit(j);
	return v;
}

bide_value_task bide_run_blocking(bide_blocking_function *function, void *argument)
{
	return run(function, argument, &job_type);
}

bide_value_task bide_run_on_new_thread(bide_blocking_function *function, void *argument)
{
	return run(function, argument, &long_type);
}
