/*
 * bide_run_blocking and bide_run_on_new_thread: results, errors, limits, cancellation before and
 * after the start, and what a shutdown does.
 */
/* threads */
#include <limits.h>

#include "runtime/blocking.h"
#include "support/task_support.h"

static value_task twice(void *argument)
{
	return value_task_from((int64_t)(intptr_t)argument * 2);
}

TEST(the_value_task_has_the_result_of_the_function)
{
	int64_t got;

	assert_int_equal(wait_int(bide_run_blocking(twice, (void *)21), &got), 0);
	assert_int_equal(got, 42);
}

static value_task gives(void *argument)
{
	return *(value_task *)argument;
}

TEST(every_number_pointer_and_error_is_returned)
{
	int errors[] = { 1, EIO, ECANCELED, 4095 };
	int64_t values[] = { 0, 1, -1, -EIO, INT64_MAX, -4096, INT64_MIN }, got;
	bide_payload payload;

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		value_task failed = bide_value_task_from_error(errors[i]);
		assert_int_equal(wait_int(bide_run_blocking(gives, &failed), NULL), errors[i]);
	}
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		value_task succeeded = value_task_from(values[i]);
		assert_int_equal(wait_int(bide_run_blocking(gives, &succeeded), &got), 0);
		assert_true(got == values[i]);
	}
	assert_int_equal(
		bide_value_task_wait(bide_run_blocking(gives, &(value_task[1]){ value_task_from(2.5) }[0]),
	                         &payload),
		0);
	assert_true(payload.d == 2.5);
	assert_int_equal(
		bide_value_task_wait(bide_run_blocking(gives, &(value_task[1]){ value_task_from(&got) }[0]),
	                         &payload),
		0);
	assert_ptr_equal(payload.p, &got);
}

static value_task returns_what_is_pending(void *argument)
{
	return bide_task_await(argument);
}

TEST(a_pending_value_task_from_a_call_is_misuse_and_forgotten)
{
	NOT_SEEDED("it needs threads, for calls that block");
	task *t = task_create(0);

	catch_misuse();
	assert_int_equal(wait_int(bide_run_blocking(returns_what_is_pending, t), NULL), EINVAL);
	ASSERT_MISUSE("bide_run_blocking: the function returned a value task that is pending");
	assert_int_equal(wait_int(bide_run_on_new_thread(returns_what_is_pending, t), NULL), EINVAL);
	ASSERT_MISUSE("bide_run_on_new_thread: the function returned a value task that is pending");
	bide_task_complete_int(t, 1);
	task_unref(t);
	run_all();
}

static value_task returns_what_is_over(void *argument)
{
	value_task v = bide_task_await(argument);

	bide_task_complete_int(argument, 31);
	while (!value_task_is_ready(v))
		sched_yield();
	return v;
}

TEST(a_completed_operation_is_consumed)
{
	task *t = task_create(0);
	int64_t got;

	assert_int_equal(wait_int(bide_run_blocking(returns_what_is_over, t), &got), 0);
	assert_int_equal(got, 31);
	task_unref(t);
	run_all();
	assert_none(operation_count);
}

static value_task its_thread(void *argument)
{
	return value_task_from(pthread_equal(*(pthread_t *)argument, pthread_self()) ? 1 : 0);
}

TEST(it_runs_on_a_thread_of_its_own)
{
	NOT_SEEDED("it needs threads, for calls that block");
	pthread_t me = pthread_self();
	int64_t got = -1;

	assert_int_equal(wait_int(bide_run_blocking(its_thread, &me), &got), 0);
	assert_int_equal(got, 0);
}

/* --- how many at once */

static atomic_int running, most, calls;
static atomic_int meet; /* this many calls wait for each other before they go on */
static atomic_bool gate;

static value_task counts(void *argument)
{
	int now = atomic_fetch_add(&running, 1) + 1, seen = atomic_load(&most);

	while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
		;
	atomic_fetch_add(&calls, 1);
	while (atomic_load(&most) < atomic_load(&meet))
		sleep_ms(1);
	sleep_ms((int64_t)(intptr_t)argument);
	atomic_fetch_sub(&running, 1);
	return value_task_from((int64_t)(intptr_t)argument);
}

static void at_most(unsigned limit, int expected)
{
	enum { JOBS = 24 };
	value_task jobs[JOBS];

	atomic_store(&most, 0);
	atomic_store(&meet, expected);
	if (limit)
		assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = limit }), 0);
	for (int i = 0; i < JOBS; i++)
		jobs[i] = bide_run_blocking(counts, (void *)5);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(wait_int(jobs[i], NULL), 0);
	assert_int_equal(atomic_load(&most), expected);
	assert_int_equal(shut_down(), 0);
}

TEST(no_more_calls_run_at_once_than_configured)
{
	NOT_SEEDED("it needs threads, for calls that block");
	at_most(1, 1);
	at_most(3, 3);
	at_most(0, 24); /* the default limit is above 24 */
	at_most(2, 2);
}

TEST_SLOW(ten_thousand_jobs_all_come_back, 60)
{
	enum { JOBS = 10000 };
	static value_task jobs[JOBS];
	int64_t got;

	for (int i = 0; i < JOBS; i++)
		jobs[i] = bide_run_blocking(twice, (void *)(intptr_t)i);
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(wait_int(jobs[i], &got), 0);
		assert_int_equal(got, 2 * i);
	}
	assert_none(operation_count);
}

/* --- growing and shrinking */

static value_task opens(void *argument)
{
	atomic_store(&gate, true);
	return value_task_from((int64_t)(intptr_t)argument);
}

static value_task waits_at_the_gate(void *argument)
{
	atomic_fetch_add(&running, 1);
	while (!atomic_load(&gate))
		sleep_ms(1);
	return value_task_from((int64_t)(intptr_t)argument);
}

TEST(SC_05_a_call_gets_a_thread_while_the_calls_before_it_wait_for_it)
{
	NOT_SEEDED("it needs threads, for calls that block");
	enum { MAX = 16 };
	unsigned cpus = bide_cpu_count() < MAX ? bide_cpu_count() : MAX - 1;
	value_task waiting[MAX], opener;
	int64_t got;

	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = MAX }), 0);
	for (unsigned i = 0; i < cpus; i++)
		waiting[i] = bide_run_blocking(waits_at_the_gate, (void *)(intptr_t)i);
	opener = bide_run_blocking(opens, (void *)99);
	assert_int_equal(wait_int(opener, &got), 0);
	assert_int_equal(got, 99);
	for (unsigned i = 0; i < cpus; i++)
		assert_int_equal(wait_int(waiting[i], NULL), 0);
}

TEST(the_counters_report_threads_and_queue)
{
	NOT_SEEDED("it needs threads, for calls that block");
	enum { JOBS = 7 };
	value_task jobs[JOBS];

	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 2 }), 0);
	assert_int_equal(stats().blocking_thread_count, 0);
	for (int i = 0; i < JOBS; i++)
		jobs[i] = bide_run_blocking(waits_at_the_gate, NULL);
	while (atomic_load(&running) < 2)
		sleep_ms(1);
	assert_int_equal(stats().blocking_thread_count, 2);
	assert_int_equal(stats().blocking_idle_count, 0);
	assert_int_equal(stats().blocking_queue_count, JOBS - 2);
	assert_in_range(stats().blocking_queue_peak, JOBS - 2, JOBS);
	atomic_store(&gate, true);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(wait_int(jobs[i], NULL), 0);
	while (stats().blocking_idle_count != 2)
		sleep_ms(1);
	assert_int_equal(stats().blocking_queue_count, 0);
	assert_in_range(stats().blocking_queue_peak, JOBS - 2, JOBS);
	assert_int_equal(shut_down(), 0);
	assert_int_equal(stats().blocking_thread_count, 0);
	assert_int_equal(stats().blocking_queue_peak, 0);
}

static void shrinks_to(unsigned min, unsigned expected)
{
	value_task jobs[4];

	atomic_store(&gate, false);
	atomic_store(&running, 0);
	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_min = min }), 0);
	for (int i = 0; i < 4; i++)
		jobs[i] = bide_run_blocking(waits_at_the_gate, NULL);
	while (atomic_load(&running) < 4)
		sleep_ms(1);
	atomic_store(&gate, true);
	for (int i = 0; i < 4; i++)
		assert_int_equal(wait_int(jobs[i], NULL), 0);
	while (stats().blocking_thread_count > expected)
		sleep_ms(1);
	sleep_ms(30); /* the threads that are left must stay */
	assert_int_equal(stats().blocking_thread_count, expected);
	assert_int_equal(wait_int(bide_run_blocking(opens, NULL), NULL), 0);
	assert_int_equal(shut_down(), 0);
}

TEST(idle_threads_above_the_minimum_end)
{
	NOT_SEEDED("it needs threads, for calls that block");
	bide_blocking_idle_max_ns_ = 5 * MS;
	shrinks_to(0, 0);
	shrinks_to(1, 1);
	shrinks_to(3, 3);
	shrinks_to(4, 4);
}

TEST(a_minimum_above_the_maximum_is_misuse)
{
	bide_config config = { .blocking_threads_min = 3, .blocking_threads_max = 2 };

	catch_misuse();
	assert_int_equal(bide_configure(&config), EINVAL);
	ASSERT_MISUSE("blocking_threads_min (3) is above blocking_threads_max (2)");
	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_min = 65 }), EINVAL);
	ASSERT_MISUSE("blocking_threads_min (65) is above blocking_threads_max (64)");
	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_min = UINT_MAX }), EINVAL);
	ASSERT_MISUSE("blocking_threads_min");
	config.blocking_threads_max = 3;
	assert_int_equal(bide_configure(&config), 0);
}

/* --- long ones */

TEST(TK_16_long_calls_that_all_block_have_all_begun_and_no_limit_counts_them)
{
	NOT_SEEDED("it needs threads, for calls that block");
	enum { MAX = 16 };
	intptr_t count = 2 * bide_cpu_count() < MAX ? 2 * bide_cpu_count() : MAX;
	value_task blocks, longs[MAX];
	int64_t got;

	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 1 }), 0);
	blocks = bide_run_blocking(waits_at_the_gate, NULL);
	for (intptr_t i = 0; i < count; i++)
		longs[i] = bide_run_on_new_thread(waits_at_the_gate, (void *)i);
	while (atomic_load(&running) < 1 + count)
		sleep_ms(1);
	assert_int_equal(stats().blocking_thread_count, 1 + count);
	assert_int_equal(stats().blocking_queue_count, 0);
	assert_int_equal(wait_int(bide_run_on_new_thread(opens, (void *)3), &got), 0);
	assert_int_equal(got, 3);
	assert_int_equal(wait_int(blocks, NULL), 0);
	for (intptr_t i = 0; i < count; i++) {
		assert_int_equal(wait_int(longs[i], &got), 0);
		assert_int_equal(got, i);
	}
	while (stats().blocking_thread_count > 1) /* each thread ends with its function */
		sleep_ms(1);
}

TEST(a_long_call_fails_with_the_error_of_its_function_and_null_is_misuse)
{
	NOT_SEEDED("it needs threads, for calls that block");
	value_task error = bide_value_task_from_error(EIO);

	assert_int_equal(wait_int(bide_run_on_new_thread(gives, &error), NULL), EIO);
	catch_misuse();
	assert_int_equal(wait_int(bide_run_on_new_thread(NULL, NULL), NULL), EINVAL);
	ASSERT_MISUSE("bide_run_on_new_thread: function is NULL");
}

static value_task must_not_run(void *argument)
{
	atomic_store((atomic_int *)argument, 1);
	return value_task_from(0);
}

TEST(a_long_call_in_a_canceled_context_never_runs_and_one_that_runs_goes_on)
{
	NOT_SEEDED("it needs threads, for calls that block");
	bide_context *context = canceled_context();
	atomic_int ran = 0;
	value_task v = bide_in_context(context, bide_run_on_new_thread(must_not_run, &ran));
	int64_t got;

	assert_int_equal(wait_int(v, NULL), ECANCELED);
	bide_context_unref(context);
	context = bide_context_create(NULL);
	v = bide_in_context(context, bide_run_on_new_thread(waits_at_the_gate, (void *)8));
	while (atomic_load(&running) == 0)
		sleep_ms(1);
	bide_context_cancel(context, ECANCELED);
	assert_int_equal(bide_value_task_wait_for(v, NULL, 5 * MS), ETIMEDOUT); /* runs on */
	atomic_store(&gate, true);
	assert_int_equal(wait_int(v, &got), 0);
	assert_int_equal(got, 8);
	bide_context_unref(context);
	assert_int_equal(shut_down(), 0);
	assert_int_equal(ran, 0);
}

static void *cancels(void *argument)
{
	bide_context_cancel(argument, ECANCELED);
	return NULL;
}

/* Each call ends exactly once, either by its function or by the cancellation. */
TEST_SLOW(cancellation_that_races_with_the_start_and_the_end_of_calls, 60)
{
	NOT_SEEDED("it needs threads, for calls that block");
	enum { ROUNDS = 100, JOBS = 6 };

	for (int round = 0; round < ROUNDS; round++) {
		bide_context *context = bide_context_create(NULL);
		value_task jobs[JOBS];
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, cancels, context), 0);
		for (int i = 0; i < JOBS; i++)
			jobs[i] = bide_in_context(context, i % 3 ? bide_run_blocking(twice, (void *)4)
			                                         : bide_run_on_new_thread(twice, (void *)4));
		for (int i = 0; i < JOBS; i++) {
			int64_t got = 0;
			int error = wait_int(jobs[i], &got);

			assert_true(error == ECANCELED ? got == 0 : error == 0 && got == 8);
		}
		pthread_join(thread, NULL);
		bide_context_unref(context);
	}
	run_all();
	assert_none(operation_count);
}

/* --- cancellation */

TEST(TK_20_in_a_context_that_is_canceled_the_function_never_runs)
{
	bide_context *context = canceled_context();
	atomic_int ran = 0;
	value_task v = bide_in_context(context, bide_run_blocking(must_not_run, &ran));

	assert_int_equal(bide_value_task_status(v), BIDE_CANCELED);
	assert_int_equal(wait_int(v, NULL), ECANCELED);
	bide_context_unref(context);
	assert_int_equal(shut_down(), 0); /* waits until every thread has ended */
	assert_int_equal(ran, 0);
}

TEST(a_call_canceled_in_the_queue_never_runs_and_a_running_one_goes_on)
{
	NOT_SEEDED("it needs threads, for calls that block");
	bide_context *context;
	atomic_int ran = 0;
	value_task runs, queued, limited;
	int64_t got;

	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 1 }), 0);
	context = bide_context_create(NULL);
	runs = bide_in_context(context, bide_run_blocking(waits_at_the_gate, (void *)77));
	while (atomic_load(&running) == 0)
		sleep_ms(1);
	queued = bide_in_context(context, bide_run_blocking(must_not_run, &ran));
	limited = with_timeout_ms(1, bide_run_blocking(must_not_run, &ran));
	bide_context_cancel(context, ECANCELED);
	assert_int_equal(wait_int(queued, NULL), ECANCELED); /* though the thread is still busy */
	assert_int_equal(wait_int(limited, NULL), ETIMEDOUT);
	assert_int_equal(bide_value_task_wait_for(runs, NULL, 5 * MS), ETIMEDOUT); /* runs on */
	atomic_store(&gate, true);
	assert_int_equal(wait_int(runs, &got), 0);
	assert_int_equal(got, 77);
	assert_int_equal(ran, 0);
	bide_context_unref(context);
}

/* --- the context of the call */

static const char name_key;

typedef struct seen {
	const char *name;
	int error;
	bide_executor *executor;
} seen;

static value_task looks(void *argument)
{
	*(seen *)argument = (seen){ bide_context_get(&name_key), bide_context_current_error(),
		                        bide_executor_current() };
	return value_task_from(0);
}

static bide_context *named(const char *name)
{
	bide_context *context = bide_context_create(
		&(bide_context_options){ .key = &name_key, .value = (void *)(uintptr_t)name });

	assert_non_null(context);
	return context;
}

TEST(a_call_has_the_values_of_its_context_and_its_thread_keeps_none)
{
	NOT_SEEDED("it needs threads, for calls that block");
	seen there, behind;
	bide_context *context;

	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 1 }), 0);
	context = named("ada");
	for (int round = 0; round < 2; round++) {
		assert_int_equal(wait_int(bide_in_context(context, bide_run_blocking(looks, &there)), NULL),
		                 0);
		assert_int_equal(wait_int(bide_run_blocking(looks, &behind), NULL), 0);
		assert_string_equal(there.name, "ada");
		assert_null(behind.name);
	}
	assert_int_equal(wait_int(bide_in_context(context, bide_run_on_new_thread(looks, &there)),
	                          NULL),
	                 0);
	assert_string_equal(there.name, "ada");
	bide_context_unref(context);
	run_all();
	assert_none(operation_count); /* the calls released the context */
}

static value_task stops_when_asked(void *argument)
{
	int error;

	atomic_store((atomic_bool *)argument, true);
	while ((error = bide_context_current_error()) == 0)
		sleep_ms(1);
	return bide_value_task_from_error(error);
}

TEST(a_call_that_runs_can_ask_whether_it_was_canceled)
{
	NOT_SEEDED("it needs threads, for calls that block");
	bide_context *context = bide_context_create(NULL);
	atomic_bool begun = false;
	value_task v = bide_in_context(context, bide_run_blocking(stops_when_asked, &begun));

	while (!atomic_load(&begun))
		sleep_ms(1);
	bide_context_cancel(context, EDOM);
	assert_int_equal(wait_int(v, NULL), EDOM);
	bide_context_unref(context);
}

struct cleans {
	ASYNC_FRAME;
	struct {
		seen *found;
	} in;
};

async(cleans)
{
	async_begin;
	await(delay_ms(60 * 1000));
async_finally:
	await(bide_run_blocking(looks, my->in.found));
	async_end;
}

TEST(a_call_of_a_cleanup_has_the_values_and_not_the_cancellation)
{
	bide_context *context = named("ada");
	seen found = { .error = -1 };
	value_task v = bide_in_context(context, async_start(cleans, .found = &found));

	bide_context_cancel(context, ECANCELED);
	assert_int_equal(wait_int(v, NULL), ECANCELED);
	assert_string_equal(found.name, "ada");
	assert_int_equal(found.error, 0);
	bide_context_unref(context);
}

struct quick {
	ASYNC_FRAME;
	struct {
		pthread_t *thread;
	} in;
};

async(quick)
{
	async_begin;
	*my->in.thread = pthread_self();
	async_return(bide_executor_current());
async_finally:
	async_end;
}

/* The call itself does not occupy the strand, whose functions may run meanwhile. */
static value_task starts_one(void *argument)
{
	pthread_t thread;
	bide_payload on;
	int error = bide_value_task_wait(async_start(quick, .thread = &thread), &on);

	if (error)
		return bide_value_task_from_error(error);
	if (looks(argument).state != 0)
		return bide_value_task_from_error(EIO);
	return value_task_from(on.p == bide_executor_current() &&
	                       !pthread_equal(thread, pthread_self()));
}

TEST(functions_that_a_call_for_a_strand_starts_run_in_the_strand)
{
	NOT_SEEDED("it needs threads, for calls that block");
	bide_executor *strand = bide_strand_create();
	seen found = { 0 };
	int64_t apart;

	assert_int_equal(wait_int(with_executor(strand, bide_run_blocking(starts_one, &found)), &apart),
	                 0);
	assert_ptr_equal(found.executor, strand);
	assert_true(apart);
	bide_executor_unref(strand);
}

TEST(a_forgotten_job_runs_and_its_result_is_dropped)
{
	NOT_SEEDED("it needs the real clock");
	value_task_forget(bide_run_blocking(counts, (void *)1));
	while (stats().operation_count)
		run_all();
	assert_int_equal(atomic_load(&calls), 1);
}

/* --- as tasks, from other threads */

TEST(a_job_can_be_turned_into_a_task_with_many_waiters)
{
	NOT_SEEDED("the order is that of a runtime without a seed");
	turn_log log = { 0 };
	task *t = value_task_as_task(bide_run_blocking(counts, (void *)5));
	value_task a = await_it(t, &log, 1), b = await_it(t, &log, 2);
	int64_t got;

	assert_int_equal(wait_int(b, &got), 0);
	assert_int_equal(got, 5);
	assert_int_equal(wait_int(a, &got), 0);
	assert_int_equal(log.count, 2);
	assert_true(many_workers() || log.ids[0] == 1);
	assert_int_equal(atomic_load(&calls), 1);
	task_unref(t);
}

static void *runs_jobs(void *argument)
{
	for (int i = 0; i < 50; i++) {
		int64_t got = -1;
		assert_int_equal(wait_int(bide_run_blocking(twice, (void *)(intptr_t)i), &got), 0);
		assert_int_equal(got, 2 * i);
	}
	atomic_store((atomic_bool *)argument, true);
	return NULL;
}

TEST(other_threads_may_run_jobs)
{
	pthread_t thread;
	atomic_bool done = false;

	run_all();
	assert_int_equal(pthread_create(&thread, NULL, runs_jobs, &done), 0);
	while (!atomic_load(&done))
		run_all();
	pthread_join(thread, NULL);
	run_all();
	assert_none(operation_count);
}

static value_task completes_a_task(void *argument)
{
	task *made = bide_task_from_int(500);

	task_unref(made);
	bide_task_complete_int(argument, 7);
	return value_task_from(0);
}

TEST(a_job_may_use_tasks)
{
	task *t = task_create(0);
	value_task v = await_it(t, NULL, 0);
	int64_t got;

	assert_int_equal(wait_int(bide_run_blocking(completes_a_task, t), NULL), 0);
	assert_int_equal(wait_int(v, &got), 0);
	assert_int_equal(got, 7);
	task_unref(t);
}

/* --- shutdown */

static void *opens_the_gate(void *argument)
{
	(void)argument;
	sleep_ms(30);
	atomic_store(&gate, true);
	return NULL;
}

static char reported[256];

static void keep_report(const char *line, void *argument)
{
	(void)argument;
	snprintf(reported, sizeof reported, "%s", line);
}

TEST(shutdown_waits_for_running_calls_cancels_queued_ones_and_names_forgotten_ones)
{
	NOT_SEEDED("it needs threads, for calls that block");
	atomic_int ran = 0;
	pthread_t thread;
	value_task runs, queued;
	int64_t began;

	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 1 }), 0);
	began = bide_now_ns();
	runs = bide_run_blocking(waits_at_the_gate, NULL);
	while (atomic_load(&running) == 0)
		sleep_ms(1);
	queued = bide_run_blocking(must_not_run, &ran);
	value_task_forget(runs);
	value_task_forget(queued);
	assert_int_equal(pthread_create(&thread, NULL, opens_the_gate, NULL), 0);
	bide_report_hook_set(keep_report, NULL);
	assert_int_equal(shut_down(), 1);
	assert_string_equal(reported, "leak: 1 forgotten blocking calls were queued and "
	                              "never ran (bide_drain waits for them)");
	assert_true(atomic_load(&gate));
	assert_int_equal(ran, 0);
	pthread_join(thread, NULL);
	assert_true(bide_now_ns() - began >= 30 * MS);
}

TEST(shutdown_waits_for_long_calls)
{
	NOT_SEEDED("it needs threads, for calls that block");
	pthread_t thread;

	value_task_forget(bide_run_on_new_thread(waits_at_the_gate, NULL));
	assert_int_equal(pthread_create(&thread, NULL, opens_the_gate, NULL), 0);
	assert_int_equal(shut_down(), 0);
	assert_true(atomic_load(&gate));
	assert_int_equal(stats().blocking_thread_count, 0);
	pthread_join(thread, NULL);
}

static value_task takes_a_moment(void *argument)
{
	(void)argument;
	usleep(300);
	return value_task_from(0);
}

struct calls_for_ever {
	ASYNC_FRAME;
	struct {
		bool stops_at_an_error;
	} in;
	int error;
};

async(calls_for_ever)
{
	async_begin;
	for (;;) {
		my->error = 0;
		await_or(bide_run_blocking(takes_a_moment, NULL), my->error = await_error);
		if (my->error && my->in.stops_at_an_error)
			break;
		if (my->error)
			await(delay(100000));
	}
async_finally:
	async_end;
}

/*
 * A function that is between two calls when the shutdown begins calls again while it stops the
 * threads.
 */
TEST_SLOW(functions_that_go_on_calling_while_a_shutdown_stops_the_threads_are_leaks, 60)
{
	NOT_SEEDED("it needs threads, for calls that block");
	enum { LIVES = 60, FUNCTIONS = 8 };

	for (int life = 0; life < LIVES; life++) {
		int64_t leaks;

		for (int i = 0; i < FUNCTIONS; i++)
			value_task_forget(async_start(calls_for_ever, .stops_at_an_error = life % 2));
		assert_int_equal(wait_int(delay_ms(2), NULL), 0);
		leaks = shut_down();
		if (life % 2)
			assert_in_range(leaks, 0, FUNCTIONS);
		else
			assert_int_equal(leaks, FUNCTIONS);
		assert_int_equal(stats().live_bytes, 0);
		assert_int_equal(stats().blocking_thread_count, 0);
	}
}

static int thread_count(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[128];
	int count = -1;

	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "Threads: %d", &count) == 1)
			break;
	if (file)
		fclose(file);
	return count;
}

TEST(after_a_shutdown_no_thread_is_left)
{
	NOT_SEEDED("it needs threads, for calls that block");
	int before;

	assert_int_equal(wait_int(bide_run_blocking(counts, (void *)1), NULL), 0);
	assert_int_equal(shut_down(), 0);
	before = thread_count(); /* a sanitizer may have started threads, too */
	if (before < 0)
		SKIP("without /proc threads cannot be counted");
	for (int life = 0; life < 20; life++) {
		value_task v[8];
		for (int i = 0; i < 8; i++)
			v[i] = bide_run_blocking(counts, (void *)1);
		for (int i = 0; i < 8; i++)
			assert_int_equal(wait_int(v[i], NULL), 0);
		assert_true(thread_count() > before);
		assert_int_equal(shut_down(), 0);
		/* The system may count a joined thread for a moment longer, and did so in `before`, too. */
		for (int i = 0; i < 1000 && thread_count() > before; i++)
			sleep_ms(1);
		assert_in_range(thread_count(), 1, before);
	}
}

/*
 * A shutdown that is refused because another thread is attached must leave the configured limit
 * unchanged.
 */
static atomic_int stage;

static void *stays_attached(void *argument)
{
	(void)argument;
	task_unref(bide_task_from_int(100));
	atomic_store(&stage, 1);
	while (atomic_load(&stage) == 1)
		sched_yield();
	return NULL;
}

TEST(a_refused_shutdown_changes_no_limit)
{
	pthread_t thread;
	value_task jobs[8];

	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 1 }), 0);
	assert_int_equal(pthread_create(&thread, NULL, stays_attached, NULL), 0);
	while (atomic_load(&stage) != 1)
		sched_yield();
	catch_misuse();
	assert_int_equal(bide_shutdown(NULL), EBUSY);
	ASSERT_MISUSE("other threads");
	for (int i = 0; i < 8; i++)
		jobs[i] = bide_run_blocking(counts, (void *)2);
	for (int i = 0; i < 8; i++)
		assert_int_equal(wait_int(jobs[i], NULL), 0);
	assert_int_equal(atomic_load(&most), 1);
	atomic_store(&stage, 2);
	pthread_join(thread, NULL);
}

/* --- lives */

static value_task seven(void *argument)
{
	(void)argument;
	return value_task_from(7);
}

static value_task eight(void *argument)
{
	(void)argument;
	return value_task_from(8);
}

static void start_of_kind(int kind)
{
	int64_t got = 0;

	switch (kind) {
	case 0:
		assert_int_equal(wait_int(later_value(1000, 5), &got), 0);
		assert_int_equal(got, 5);
		break;
	case 1:
		assert_int_equal(wait_int(bide_run_blocking(seven, NULL), &got), 0);
		assert_int_equal(got, 7);
		break;
	case 2:
		assert_int_equal(wait_int(bide_run_on_new_thread(seven, NULL), &got), 0);
		assert_int_equal(got, 7);
		break;
	case 3:
		assert_int_equal(wait_int(bide_run(eight, NULL), &got), 0);
		assert_int_equal(got, 8);
		break;
	default:
		assert_int_equal(wait_int(delay_ms(1), NULL), 0);
	}
}

TEST(after_a_shutdown_the_runtime_starts_with_the_defaults)
{
	NOT_SEEDED("it is about a runtime that is no simulation");
	for (int kind = 0; kind < 5; kind++) {
		assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true, .seed = 3 }), 0);
		start_of_kind(kind == 2 ? 1 : kind); /* a simulation starts no thread */
		assert_true(bide_simulation_hash() != 0 || kind == 4);
		assert_int_equal(shut_down(), 0);
		start_of_kind(kind);
		assert_true(bide_simulation_hash() == 0);
		assert_int_equal(bide_configure(&(bide_config){ 0 }), EBUSY);
		assert_int_equal(shut_down(), 0);
	}
}

static value_task shuts_down_from_a_call(void *argument)
{
	(void)argument;
	return value_task_from(bide_shutdown(NULL) == EDEADLK);
}

TEST(shutdown_from_a_blocking_call_is_misuse)
{
	NOT_SEEDED("it needs threads, for calls that block");
	int64_t got = 0;

	const char *text = many_workers() ? "bide_shutdown: called on a thread of blocking calls"
	                                  : "bide_shutdown: called on another thread";

	catch_misuse();
	assert_int_equal(wait_int(bide_run_blocking(shuts_down_from_a_call, NULL), &got), 0);
	assert_int_equal(got, 1);
	ASSERT_MISUSE(text);
	assert_int_equal(wait_int(bide_run_on_new_thread(shuts_down_from_a_call, NULL), &got), 0);
	assert_int_equal(got, 1);
	ASSERT_MISUSE(text);
}

/* --- simulation */

TEST(in_a_simulation_jobs_run_on_the_worker_in_virtual_time)
{
	pthread_t me = pthread_self();
	int64_t got = 0, began;
	bide_context *context;
	atomic_int ran = 0;
	value_task v;

	virtual_clock();
	began = bide_now_ns();
	assert_int_equal(wait_int(bide_run_blocking(its_thread, &me), &got), 0);
	assert_int_equal(got, 1);
	assert_true(bide_now_ns() > began);
	catch_misuse();
	assert_int_equal(wait_int(bide_run_on_new_thread(its_thread, &me), NULL), EINVAL);
	ASSERT_MISUSE("bide_run_on_new_thread: a simulation is one thread");
	context = bide_context_create(NULL);
	v = bide_in_context(context, bide_run_blocking(must_not_run, &ran));
	bide_context_cancel(context, ECANCELED);
	assert_int_equal(wait_int(v, NULL), ECANCELED);
	assert_int_equal(wait_int(delay_ms(100), NULL), 0);
	assert_int_equal(ran, 0);
	bide_context_unref(context);
}
