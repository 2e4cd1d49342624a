/*
 * Waiting: awaits and their errors, and bide_value_task_wait on the worker, on other threads, with
 * limits and in the wrong place. Also the user's own loop.
 */
/* threads */
#include "support/task_support.h"

/* --- rows of await and WaitAsync */

TEST(AW_05_the_first_of_many_awaiters_runs_next_and_the_others_are_queued)
{
	turn_log log = { 0 };
	task *t;
	value_task waits[4], others[2];

	one_worker();
	t = task_create(0);
	others[0] = async_start(yielder, .log = &log, .id = 10);
	others[1] = async_start(yielder, .log = &log, .id = 11);
	for (int i = 0; i < 4; i++)
		waits[i] = await_it(t, &log, i);
	bide_task_complete_int(t, 1);
	run_all();
	ASSERT_TURNS(&log, 0, 10, 11, 1, 2, 3);
	for (int i = 0; i < 4; i++)
		assert_int_equal(wait_int(waits[i], NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(wait_int(others[i], NULL), 0);
	task_unref(t);
}

TEST(AW_09_every_awaiter_gets_the_same_error)
{
	task *t = task_create(0);
	value_task a = await_it(t, NULL, 0), b = await_it(t, NULL, 0);

	bide_task_fail(t, BIDE_EUSER + 7);
	assert_int_equal(wait_int(a, NULL), BIDE_EUSER + 7);
	assert_int_equal(wait_int(b, NULL), BIDE_EUSER + 7);
	assert_int_equal(wait_int(await_it(t, NULL, 0), NULL), BIDE_EUSER + 7);
	task_unref(t);
}

TEST(AW_10_an_await_gives_the_first_of_several_errors_and_all_remain)
{
	task *tasks[] = { task_create(0), task_create(0), task_create(0) };
	value_task all = bide_when_all_tasks(tasks, 3);

	bide_task_fail(tasks[2], EPIPE);
	bide_task_fail(tasks[1], EIO);
	bide_task_complete_int(tasks[0], 1);
	assert_int_equal(wait_int(all, NULL), EIO);
	assert_int_equal(bide_task_error(tasks[0]), 0);
	assert_int_equal(bide_task_error(tasks[1]), EIO);
	assert_int_equal(bide_task_error(tasks[2]), EPIPE);
	for (int i = 0; i < 3; i++)
		task_unref(tasks[i]);
}

struct yields_then_takes {
	ASYNC_FRAME;
	struct {
		task *ready;
	} in;
	int64_t value;
};

async(yields_then_takes)
{
	async_begin;
	await(bide_async_yield());
	await(my->value, my->in.ready);
	async_return(my->value);
async_finally:
	async_end;
}

TEST(AW_16_a_yield_before_a_ready_await_suspends_the_function)
{
	task *t = bide_task_from_int(55);
	value_task v = async_start(yields_then_takes, .ready = t);
	int64_t got;

	assert_true(v.state > BIDE_ERROR_MAX); /* it suspended */
	if (!many_workers())
		assert_false(bide_value_task_is_ready(v)); /* pending until this thread waits */
	assert_int_equal(wait_int(v, &got), 0);
	assert_int_equal(got, 55);
	task_unref(t);
}

struct suppresses {
	ASYNC_FRAME;
	struct {
		task *task;
	} in;
	int64_t value;
	int error;
};

async(suppresses)
{
	async_begin;
	await_or(my->value, my->in.task, my->error = await_error);
	async_return(my->error);
async_finally:
	async_end;
}

TEST(AW_17_an_await_that_handles_the_error_observes_it)
{
	static const int errors[] = { EIO, ECANCELED };

	catch_unobserved();
	for (int pending = 0; pending < 2; pending++)
		for (int i = 0; i < 2; i++) {
			task *t = task_create(0);
			value_task v;
			int64_t got;
			if (!pending)
				bide_task_fail(t, errors[i]);
			v = async_start(suppresses, .task = t);
			if (pending)
				bide_task_fail(t, errors[i]);
			assert_int_equal(wait_int(v, &got), 0);
			assert_int_equal(got, errors[i]);
			task_unref(t);
		}
	assert_int_equal(unobserved_count, 0);
}

TEST(AW_20_a_completed_task_has_priority_over_token_and_limit)
{
	static const int errors[] = { 0, EIO, ECANCELED };
	bide_context *context = canceled_context();

	for (int i = 0; i < 3; i++) {
		task *t = errors[i] ? bide_task_from_error(errors[i]) : bide_task_from_int(42);
		int64_t got;
		assert_int_equal(wait_int(bide_in_context(context, task_await_for(t, 0)), &got), errors[i]);
		assert_int_equal(got, errors[i] ? 0 : 42);
		assert_int_equal(bide_in_context(context, bide_task_wait_for(t, NULL, 0)), errors[i]);
		task_unref(t);
	}
	bide_context_unref(context);
}

TEST(AW_21_a_limit_or_a_cancellation_ends_the_wait_and_the_task_goes_on)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_context *context =
		bide_context_create(&(bide_context_options){ .token = bide_cancel_source_token(source) });
	task *t = task_create(0);
	value_task v = bide_in_context(context, task_await(t)),
			   w = bide_in_context(context, task_await_for(t, 100000 * MS));

	assert_int_equal(wait_int(task_await_for(t, MS), NULL), ETIMEDOUT);
	assert_int_equal(wait_int(task_await_for(t, 0), NULL), ETIMEDOUT);
	assert_int_equal(wait_int(with_timeout_ms(1, task_await(t)), NULL), ETIMEDOUT);
	bide_cancel_source_cancel(source);
	assert_int_equal(wait_int(v, NULL), ECANCELED);
	assert_int_equal(wait_int(w, NULL), ECANCELED);
	assert_int_equal(wait_int(bide_in_context(context, task_await_for(t, 100000 * MS)), NULL),
	                 ECANCELED);
	settle_workers();
	assert_none(timer_count);
	assert_int_equal(bide_task_status(t), BIDE_PENDING);
	bide_task_complete_int(t, 7);
	assert_int_equal(bide_task_wait(t, NULL), 0);
	task_unref(t);
	bide_context_unref(context);
	bide_cancel_source_unref(source);
	settle_workers();
	assert_none(operation_count);
}

TEST(AW_22_a_task_that_ends_in_time_leaves_no_timer_and_no_registration)
{
	static const int errors[] = { 0, EIO, ECANCELED };
	bide_cancel_source *source = bide_cancel_source_create();
	bide_context *context =
		bide_context_create(&(bide_context_options){ .token = bide_cancel_source_token(source) });
	uint64_t before = stats().operation_count;

	for (int i = 0; i < 3; i++) {
		task *t = task_create(0);
		value_task v = bide_in_context(context, task_await_for(t, 100000 * MS));
		int64_t got;
		assert_int_equal(stats().timer_count, 1);
		if (errors[i])
			bide_task_fail(t, errors[i]);
		else
			bide_task_complete_int(t, 42);
		assert_int_equal(wait_int(v, &got), errors[i]);
		assert_int_equal(got, errors[i] ? 0 : 42);
		settle_workers();
		assert_none(timer_count);
		assert_int_equal(stats().operation_count, before);
		task_unref(t);
	}
	bide_cancel_source_cancel(source); /* their registrations are gone */
	bide_context_unref(context);
	bide_cancel_source_unref(source);
}

/* --- bide_value_task_wait on the worker */

TEST(waiting_for_a_ready_value_runs_nothing)
{
	turn_log log = { 0 };
	value_task y;
	bide_payload got;

	one_worker();
	y = async_start(yielder, .log = &log, .id = 1);
	assert_int_equal(bide_value_task_wait(value_task_from(5), &got), 0);
	assert_int_equal(got.i, 5);
	assert_int_equal(bide_value_task_wait(value_task_from_error(EIO), &got), EIO);
	assert_int_equal(log.count, 0);
	assert_int_equal(bide_value_task_wait(y, NULL), 0);
	assert_int_equal(log.count, 1);
}

TEST(a_wait_that_times_out_does_not_consume)
{
	task *gate = task_create(0);
	value_task v = await_it(gate, NULL, 0);
	bide_payload got = { .i = -1 };
	int64_t began = bide_now_ns();

	assert_int_equal(bide_value_task_wait_for(v, &got, 0), ETIMEDOUT);
	assert_int_equal(bide_value_task_wait_for(v, &got, 2 * MS), ETIMEDOUT);
	assert_true(bide_now_ns() - began >= 2 * MS);
	assert_int_equal(got.i, -1);
	assert_int_equal(bide_value_task_status(v), BIDE_PENDING);
	bide_task_complete_int(gate, 5);
	task_unref(gate);
	assert_int_equal(bide_value_task_wait_for(v, &got, 100000 * MS), 0);
	assert_int_equal(got.i, 5);
}

TEST(a_wait_with_a_limit_of_zero_runs_what_is_ready)
{
	turn_log log = { 0 };
	value_task v;

	one_worker();
	v = async_start(yielder, .log = &log, .id = 1);
	assert_int_equal(bide_value_task_wait_for(v, NULL, 0), 0);
	ASSERT_TURNS(&log, 1);
}

TEST(a_negative_limit_is_misuse_and_huge_ones_mean_for_ever)
{
	value_task v = later_value(MS, 5);
	bide_payload got;

	catch_misuse();
	assert_int_equal(bide_value_task_wait_for(v, NULL, -1), EINVAL);
	ASSERT_MISUSE("bide_value_task_wait_for: timeout_ns is -1;");
	assert_int_equal(bide_value_task_wait_for(v, &got, INT64_MAX - 1), 0);
	assert_int_equal(got.i, 5);
}

TEST(a_huge_limit_means_for_ever_with_many_workers_too)
{
	bide_payload got;
	task *t;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	t = value_task_as_task(later_value(MS, 6));
	assert_int_equal(bide_task_wait_for(t, &got, INT64_MAX - 1), 0);
	assert_int_equal(got.i, 6);
	task_unref(t);
	assert_int_equal(bide_value_task_wait_for(later_value(MS, 7), &got, INT64_MAX - 1), 0);
	assert_int_equal(got.i, 7);
}

TEST(waiting_twice_is_misuse)
{
	const char *pool = getenv("BIDE_POOL");
	value_task v;
	task *gate;

	if (pool && strcmp(pool, "malloc") == 0)
		SKIP("without pools the memory of a consumed value task is gone");
	gate = task_create(0);
	v = await_it(gate, NULL, 0);
	bide_task_complete_int(gate, 5);
	task_unref(gate);
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	catch_misuse();
	assert_int_equal(bide_value_task_wait(v, NULL), BIDE_ESTALE);
	ASSERT_MISUSE("test_wait.c");
}

struct waits_inside {
	ASYNC_FRAME;
	struct {
		value_task what;
		task *task;
	} in;
};

async(waits_inside)
{
	async_begin;
	await(bide_async_yield());
	if (my->in.task)
		async_return(bide_task_wait(my->in.task, NULL));
	async_return(bide_value_task_wait(my->in.what, NULL));
async_finally:
	async_end;
}

TEST(waiting_inside_an_async_function_is_misuse_and_consumes_nothing)
{
	task *gate = task_create(0), *t = task_create(0);
	value_task v = await_it(gate, NULL, 0);
	int64_t got;

	catch_misuse();
	assert_int_equal(wait_int(async_start(waits_inside, .what = v), &got), 0);
	assert_int_equal(got, EDEADLK);
	ASSERT_MISUSE("called inside the async function waits_inside");
	bide_task_complete_int(gate, 5);
	task_unref(gate);
	assert_int_equal(wait_int(v, &got), 0);
	assert_int_equal(got, 5);
	assert_int_equal(wait_int(async_start(waits_inside, .task = t), &got), 0);
	assert_int_equal(got, EDEADLK);
	ASSERT_MISUSE("bide_task_wait: called inside the async function waits_inside");
	settle_workers();
	assert_none(operation_count);
	task_unref(t);
}

TEST(in_a_simulation_a_wait_for_an_impossible_event_is_a_deadlock)
{
	task *t;
	value_task v;

	virtual_clock();
	t = task_create(0);
	assert_int_equal(bide_task_wait(t, NULL), EDEADLK);
	settle_workers();
	assert_none(operation_count);
	v = task_await(t);
	assert_int_equal(bide_value_task_wait(v, NULL), EDEADLK);
	bide_task_complete_int(t, 1);
	assert_int_equal(bide_value_task_wait(v, NULL), 0); /* the failed wait did not consume it */
	task_unref(t);
}

/* --- a loop of the user's own */

TEST(run_ready_runs_at_most_as_many_steps_as_asked)
{
	turn_log log = { 0 };
	value_task v[5];

	one_worker();
	for (int i = 0; i < 5; i++)
		v[i] = async_start(yielder, .log = &log, .id = i);
	assert_int_equal(stats().runnable_count, 5);
	assert_int_equal(run_what_is_ready(2), 0);
	assert_int_equal(log.count, 2);
	assert_int_equal(run_what_is_ready(2), 0);
	assert_int_equal(log.count, 4);
	assert_true(run_what_is_ready(2) == BIDE_FOREVER);
	assert_int_equal(log.count, 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(wait_int(v[i], NULL), 0);
}

TEST(a_loop_of_the_users_own_runs_timers_and_what_other_threads_send)
{
	value_task v;
	int64_t began, next, got;

	one_worker();
	began = bide_now_ns();
	v = later_value(15 * MS, 5);
	next = run_what_is_ready(0);
	if (bide_now_ns() - began < 15 * MS) {
		assert_true(next > 0);
		assert_true(next <= 15 * MS + 2 * 65536); /* at most one tick too late */
	}
	while (!bide_value_task_is_ready(v)) {
		next = run_what_is_ready(0);
		if (next == BIDE_FOREVER)
			break;
		if (next > 0)
			nanosleep(&(struct timespec){ .tv_nsec = next % 1000000000 }, NULL);
	}
	assert_true(bide_now_ns() - began >= 15 * MS);
	assert_true(bide_value_task_is_ready(v));
	assert_int_equal(wait_int(v, &got), 0);
	assert_int_equal(got, 5);
	assert_true(run_what_is_ready(0) == BIDE_FOREVER);
}

struct runs_ready {
	ASYNC_FRAME;
};

async(runs_ready)
{
	async_begin;
	async_return(bide_run_ready(0, NULL));
async_finally:
	async_end;
}

static void *run_ready_elsewhere(void *argument)
{
	*(int64_t *)argument = bide_run_ready(0, NULL);
	return NULL;
}

TEST(run_ready_in_the_wrong_place_is_misuse)
{
	pthread_t thread;
	int64_t got = 0;

	one_worker();
	catch_misuse();
	assert_int_equal(wait_int(async_start(runs_ready), &got), 0);
	assert_int_equal(got, EDEADLK);
	ASSERT_MISUSE("bide_run_ready: called inside the async function runs_ready");
	assert_int_equal(pthread_create(&thread, NULL, run_ready_elsewhere, &got), 0);
	pthread_join(thread, NULL);
	assert_int_equal(got, EDEADLK);
	ASSERT_MISUSE("bide_run_ready: called on another thread");
}

TEST(with_many_workers_bide_run_ready_is_misuse)
{
	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	catch_misuse();
	assert_int_equal(bide_run_ready(0, NULL), EDEADLK);
	ASSERT_MISUSE("bide_run_ready: there are many workers");
}

/* --- other threads wait */

typedef struct waiter_thread {
	pthread_t thread;
	task *task;
	int64_t timeout_ns;
	int error;
	bide_payload got;
	atomic_bool done;
} waiter_thread;

static void *wait_elsewhere(void *argument)
{
	waiter_thread *w = argument;

	w->error = w->timeout_ns < 0 ? bide_task_wait(w->task, &w->got)
	                             : bide_task_wait_for(w->task, &w->got, w->timeout_ns);
	atomic_store(&w->done, true);
	return NULL;
}

static void waiter_start(waiter_thread *w, task *t, int64_t timeout_ns)
{
	*w = (waiter_thread){ .task = t, .timeout_ns = timeout_ns };
	assert_int_equal(pthread_create(&w->thread, NULL, wait_elsewhere, w), 0);
}

static bool all_done(waiter_thread *w, int count)
{
	for (int i = 0; i < count; i++)
		if (!atomic_load(&w[i].done))
			return false;
	return true;
}

TEST(many_threads_wait_for_one_task_at_once)
{
	enum { COUNT = 16 };
	waiter_thread w[COUNT];
	task *t = value_task_as_task(later_value(30 * MS, 77));

	for (int i = 0; i < COUNT; i++)
		waiter_start(&w[i], t, i % 2 ? -1 : 100000 * MS);
	assert_int_equal(bide_task_wait(t, NULL), 0);
	while (!all_done(w, COUNT))
		run_all();
	for (int i = 0; i < COUNT; i++) {
		pthread_join(w[i].thread, NULL);
		assert_int_equal(w[i].error, 0);
		assert_int_equal(w[i].got.i, 77);
	}
	task_unref(t);
	settle_workers();
	assert_none(operation_count);
}

TEST(a_wait_of_another_thread_ends_at_its_limit_while_the_worker_is_busy)
{
	waiter_thread w;
	task *t = task_create(0);

	waiter_start(&w, t, 10 * MS);
	pthread_join(w.thread, NULL); /* the worker runs nothing meanwhile */
	assert_int_equal(w.error, ETIMEDOUT);
	waiter_start(&w, t, 0);
	pthread_join(w.thread, NULL);
	assert_int_equal(w.error, ETIMEDOUT);
	bide_task_fail(t, EIO);
	waiter_start(&w, t, 0);
	pthread_join(w.thread, NULL);
	assert_int_equal(w.error, EIO);
	run_all();
	assert_none(operation_count);
	task_unref(t);
}

/*
 * The limits end just when the task does. Either may win, but nothing leaks and nothing is touched
 * after it was freed.
 */
TEST_SLOW(limits_of_other_threads_that_race_with_the_end_leak_nothing, 60)
{
	enum { COUNT = 4 };
	waiter_thread w[COUNT];

	for (int round = 0; test_round(round, 150); round++) {
		task *t = value_task_as_task(later_value(200000, round));
		for (int i = 0; i < COUNT; i++)
			waiter_start(&w[i], t, 40000 * (i + round % 8));
		while (!all_done(w, COUNT) || !bide_task_is_ready(t))
			run_all();
		for (int i = 0; i < COUNT; i++) {
			pthread_join(w[i].thread, NULL);
			assert_true(w[i].error == ETIMEDOUT || (w[i].error == 0 && w[i].got.i == round));
		}
		task_unref(t);
		run_all();
	}
	settle_workers();
	assert_none(operation_count);
	assert_none(frame_count);
}

typedef struct completer {
	pthread_t thread;
	task *task;
	bide_user_source *user;
	atomic_int go; /* the round to complete, or -1 to end */
	atomic_int done;
} completer;

static void *complete_on_demand(void *argument)
{
	completer *c = argument;

	for (int last = 0, tries = 0;;) {
		int round = atomic_load(&c->go);
		if (round < 0)
			return NULL;
		if (round == last) {
			if (++tries % 64 == 0)
				sched_yield();
			continue;
		}
		last = round;
		for (volatile int i = 0; i < (round % 97) * 20; i++)
			;
		if (c->task)
			bide_task_complete_int(c->task, round);
		else
			bide_user_source_complete(c->user, (bide_payload){ .i = round });
		atomic_store(&c->done, round);
	}
}

TEST_SLOW(limits_of_the_worker_that_race_with_a_completion_on_another_thread_leak_nothing, 60)
{
	completer c = { 0 };
	int timeouts = 0, round;

	run_all();
	assert_int_equal(pthread_create(&c.thread, NULL, complete_on_demand, &c), 0);
	for (round = 1; test_round(round, 20000); round++) {
		task *t = task_create(0);
		int error;
		c.task = t;
		atomic_store(&c.go, round);
		error = bide_task_wait_for(t, NULL, (round % 13) * 300);
		assert_true(error == 0 || error == ETIMEDOUT);
		timeouts += error != 0;
		while (atomic_load(&c.done) != round)
			sched_yield();
		task_unref(t);
	}
	atomic_store(&c.go, -1);
	pthread_join(c.thread, NULL);
	printf("%d of %d ended by their limit\n", timeouts, round - 1);
	run_all();
	assert_none(operation_count);
	assert_none(task_count);
}

/* The completion is posted to the worker, and must not reach a wait that has returned meanwhile. */
TEST_SLOW(limits_that_race_with_the_completion_of_a_user_source, 60)
{
	completer c = { 0 };
	bide_user_source user;
	int timeouts = 0, round;

	bide_user_source_init(&user, NULL);
	c.user = &user;
	assert_int_equal(pthread_create(&c.thread, NULL, complete_on_demand, &c), 0);
	for (round = 1; test_round(round, 20000); round++) {
		value_task v = bide_user_source_value_task(&user);
		bide_payload got = { .i = -1 };
		int error;
		atomic_store(&c.go, round);
		error = bide_value_task_wait_for(v, &got, (round % 13) * 300);
		timeouts += error != 0;
		while (atomic_load(&c.done) != round)
			sched_yield();
		if (error) {
			assert_int_equal(error, ETIMEDOUT);
			assert_int_equal(bide_value_task_wait(v, &got), 0);
		}
		assert_int_equal(got.i, round);
		bide_user_source_reset(&user);
		run_all();
	}
	atomic_store(&c.go, -1);
	pthread_join(c.thread, NULL);
	printf("%d of %d ended by their limit\n", timeouts, round - 1);
}

static atomic_bool elsewhere_done;

static void *wait_for_value_elsewhere(void *argument)
{
	int64_t *got = argument;
	int error = wait_int(later_value(5 * MS, 31), got);

	*got = error ? -error : *got;
	atomic_store(&elsewhere_done, true);
	return NULL;
}

TEST(another_thread_waits_for_a_function_that_it_started)
{
	pthread_t thread;
	int64_t got = 0;

	(void)bide_now_ns(); /* makes this thread the worker */
	assert_int_equal(pthread_create(&thread, NULL, wait_for_value_elsewhere, &got), 0);
	while (!atomic_load(&elsewhere_done)) /* its function needs the loop of the worker */
		assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0);
	pthread_join(thread, NULL);
	assert_int_equal(got, 31);
}

static int external_error;

static void *wait_for_external_value(void *argument)
{
	external_error = bide_value_task_wait(*(value_task *)argument, NULL);
	return NULL;
}

TEST(a_value_task_of_the_worker_is_refused_elsewhere)
{
	pthread_t thread;
	value_task v;
	int64_t got;
	task *gate;

	one_worker();
	gate = task_create(0);
	v = await_it(gate, NULL, 0);
	catch_misuse();
	assert_int_equal(pthread_create(&thread, NULL, wait_for_external_value, &v), 0);
	pthread_join(thread, NULL);
	assert_int_equal(external_error, EINVAL);
	ASSERT_MISUSE("belongs to the worker's thread");
	bide_task_complete_int(gate, 3);
	task_unref(gate);
	assert_int_equal(wait_int(v, &got), 0);
	assert_int_equal(got, 3);
}

TEST(with_many_workers_any_thread_may_wait_for_any_value_task)
{
	pthread_t thread;
	value_task v;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	for (int i = 0; i < 50; i++) {
		v = later_value(i % 2 ? MS / 10 : 0, 3);
		external_error = -1;
		assert_int_equal(pthread_create(&thread, NULL, wait_for_external_value, &v), 0);
		pthread_join(thread, NULL);
		assert_int_equal(external_error, 0);
	}
	run_all();
	assert_none(frame_count);
}

static task *stop;

static void *await_for_elsewhere(void *argument)
{
	waiter_thread *w = argument;

	sleep_ms(20); /* until the worker sleeps */
	w->error = bide_value_task_wait(task_await_for(w->task, w->timeout_ns), &w->got);
	bide_task_complete_int(stop, 1);
	return NULL;
}

/* The timer belongs to the worker, which sleeps without a timer until it is told. */
TEST(a_limited_await_made_on_another_thread_wakes_the_worker)
{
	waiter_thread w = { .timeout_ns = 20 * MS };
	task *t = task_create(0);

	w.task = t;
	stop = task_create(0);
	assert_int_equal(pthread_create(&w.thread, NULL, await_for_elsewhere, &w), 0);
	assert_int_equal(bide_task_wait_for(stop, NULL, 10000 * MS), 0);
	pthread_join(w.thread, NULL);
	assert_int_equal(w.error, ETIMEDOUT);
	task_unref(stop);
	/* A wait that ends in time removes its timer. */
	stop = task_create(0);
	w = (waiter_thread){ .timeout_ns = 100000 * MS, .task = t };
	assert_int_equal(pthread_create(&w.thread, NULL, await_for_elsewhere, &w), 0);
	assert_int_equal(bide_task_wait_for(stop, NULL, 20 * MS), ETIMEDOUT);
	bide_task_complete_int(t, 9);
	assert_int_equal(bide_task_wait(stop, NULL), 0);
	pthread_join(w.thread, NULL);
	assert_int_equal(w.error, 0);
	assert_int_equal(w.got.i, 9);
	run_all();
	assert_none(timer_count);
	assert_none(operation_count);
	task_unref(t);
	task_unref(stop);
}

TEST(a_yield_whose_wait_timed_out_leaves_nothing)
{
	for (int i = 0; i < 100; i++) {
		int error = bide_value_task_wait_for(bide_async_yield(), NULL, 0);
		assert_true(error == 0 || error == ETIMEDOUT);
	}
	sleep_ms(1);
	run_all();
	assert_none(operation_count);
}

static bool one_worker_elsewhere;

static void *use_it_first(void *argument)
{
	if (one_worker_elsewhere)
		one_worker();
	*(value_task *)argument = later_value(MS, 1);
	*(task **)((value_task *)argument + 1) = value_task_as_task(*(value_task *)argument);
	return NULL;
}

static void wait_for_a_worker_that_has_ended(void)
{
	struct {
		value_task value;
		task *shared;
	} from;
	pthread_t thread;

	one_worker_elsewhere = true;
	pthread_create(&thread, NULL, use_it_first, &from);
	pthread_join(thread, NULL);
	(void)bide_task_wait(from.shared, NULL);
}

TEST(waiting_for_a_worker_whose_thread_has_ended_is_misuse_and_does_not_hang)
{
	EXPECT_ABORT(wait_for_a_worker_that_has_ended(), "the worker's thread has ended");
}

TEST(with_many_workers_the_first_thread_may_end)
{
	struct {
		value_task value;
		task *shared;
	} from;
	pthread_t thread;

	if (!many_workers()) {
		assert_int_equal(shut_down(), 0);
		assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	}
	pthread_create(&thread, NULL, use_it_first, &from);
	pthread_join(thread, NULL);
	assert_int_equal(bide_task_wait(from.shared, NULL), 0);
	task_unref(from.shared);
}
