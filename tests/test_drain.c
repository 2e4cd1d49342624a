/*
 * bide_drain waits, within a limit, for functions that were started and forgotten.
 */
/* threads */
#include "support/task_support.h"

TEST(without_a_runtime_or_a_pending_function_it_returns_at_once)
{
	assert_int_equal(bide_drain(0), 0);
	run_all();
	assert_int_equal(bide_drain(0), 0);
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
}

TEST(it_runs_what_is_ready)
{
	turn_log log = { 0 };

	one_worker();
	for (int i = 1; i <= 3; i++)
		value_task_forget(async_start(yielder, .log = &log, .id = i));
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	ASSERT_TURNS(&log, 1, 2, 3);
}

TEST(functions_on_the_workers_are_over_when_it_returns)
{
	for (int round = 0; round < 100; round++) {
		turn_log log = { 0 };
		for (int i = 0; i < 20; i++)
			value_task_forget(async_start(yielder, .log = &log, .id = i));
		assert_int_equal(bide_drain(BIDE_FOREVER), 0);
		assert_int_equal(log.count, 20);
	}
}

struct starts_another {
	ASYNC_FRAME;
	struct {
		int depth;
		atomic_int *count;
	} in;
};

async(starts_another)
{
	async_begin;
	await(delay_ms(1));
	atomic_fetch_add(my->in.count, 1);
	if (my->in.depth > 0)
		value_task_forget(
			async_start(starts_another, .depth = my->in.depth - 1, .count = my->in.count));
async_finally:
	async_end;
}

TEST(it_also_waits_for_functions_that_are_started_meanwhile)
{
	atomic_int count = 0;

	value_task_forget(async_start(starts_another, .depth = 9, .count = &count));
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	assert_int_equal(count, 10);
}

TEST(at_its_limit_it_returns_and_stops_nothing)
{
	task *t = task_create(0);
	turn_log log = { 0 };
	value_task v = await_it(t, &log, 1);
	int64_t began = bide_now_ns();

	assert_int_equal(bide_drain(0), ETIMEDOUT);
	assert_int_equal(bide_drain(15 * MS), ETIMEDOUT);
	assert_true(bide_now_ns() - began >= 15 * MS);
	task_complete_int(t, 4);
	assert_int_equal(bide_drain(INT64_MAX - 1), 0); /* though its result was not consumed */
	assert_int_equal(log.count, 1);
	assert_int_equal(wait_int(v, NULL), 0);
	ASSERT_TURNS(&log, 1);
	task_unref(t);
}

static value_task sleeps(void *argument)
{
	sleep_ms(10);
	*(bool *)argument = true;
	return value_task_from(0);
}

struct waits_for_a_call {
	ASYNC_FRAME;
	struct {
		bool *slept;
	} in;
};

async(waits_for_a_call)
{
	async_begin;
	await(bide_run_blocking(sleeps, my->in.slept));
async_finally:
	async_end;
}

TEST(a_function_that_waits_for_a_blocking_call_is_pending)
{
	bool slept = false;

	value_task_forget(async_start(waits_for_a_call, .slept = &slept));
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	assert_true(slept);
}

TEST(a_function_that_became_a_task_counts_too)
{
	task *t = value_task_as_task(later_value(5 * MS, 9));

	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	assert_true(task_is_ready(t));
	task_unref(t);
}

static int drained_inside;

struct drains {
	ASYNC_FRAME;
};

async(drains)
{
	async_begin;
	await(bide_async_yield());
	drained_inside = bide_drain(BIDE_FOREVER);
async_finally:
	async_end;
}

TEST(misuse_of_drain_is_reported)
{
	catch_misuse();
	assert_int_equal(bide_drain(-1), EINVAL);
	ASSERT_MISUSE("bide_drain: timeout_ns is -1;");
	assert_int_equal(wait_int(async_start(drains), NULL), 0);
	assert_int_equal(drained_inside, EDEADLK);
	ASSERT_MISUSE("bide_drain: called inside the async function drains");
}

TEST(in_a_simulation_virtual_time_advances_as_far_as_needed)
{
	int64_t began;
	task *t;

	virtual_clock();
	began = bide_now_ns();
	value_task_forget(later_value(3600000 * MS, 1));
	value_task_forget(later_value(7200000 * MS, 1));
	assert_int_equal(bide_drain(3600000 * MS), ETIMEDOUT);
	assert_int_equal(bide_now_ns() - began, 3600000 * MS);
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	assert_int_equal(bide_now_ns() - began, 7200000 * MS);
	t = task_create(0);
	value_task_forget(await_it(t, NULL, 0));
	assert_int_equal(bide_drain(BIDE_FOREVER), EDEADLK);
	task_complete_int(t, 1);
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	task_unref(t);
}

/* The worker looks around after some functions, and then a limit ends its run before all is run. */
TEST(in_a_simulation_a_drain_whose_last_run_ends_all_succeeds)
{
	virtual_clock();
	for (int i = 0; i < 200; i++) {
		turn_log log = { 0 };

		for (int k = 0; k <= i % 3; k++) /* so that the worker looks at each point */
			value_task_forget(async_start(yielder, .log = &log, .id = k));
		assert_int_equal(bide_drain(BIDE_FOREVER), 0);
		assert_int_equal(log.count, i % 3 + 1);
	}
}

/* The same without a limit of virtual time: a limit of 0 has passed at each look. */
TEST(a_limit_of_0_lets_all_run_that_is_ready)
{
	one_worker();
	for (int i = 0; i < 400; i++) {
		int count = i < 200 ? i % 3 + 1 : i;
		turn_log log = { 0 };
		bide_value_task last = { 0 };

		for (int k = 0; k < count; k++) {
			value_task_forget(last);
			last = async_start(yielder, .log = &log, .id = k);
		}
		if (i % 2 == 0) {
			assert_int_equal(bide_value_task_wait_for(last, NULL, 0), 0);
		} else {
			value_task_forget(last);
			assert_int_equal(bide_drain(0), 0);
		}
		assert_int_equal(log.count, count);
	}
}

static atomic_int drained;

static void *drains_there(void *argument)
{
	int first = bide_drain(2 * MS);

	atomic_store(&drained, first == ETIMEDOUT ? 1 : -1);
	atomic_store(&drained, bide_drain(BIDE_FOREVER) == 0 ? 2 : -1);
	return argument;
}

TEST(another_thread_may_wait_for_it)
{
	task *t = task_create(0);
	pthread_t thread;

	value_task_forget(await_it(t, NULL, 0));
	assert_int_equal(pthread_create(&thread, NULL, drains_there, NULL), 0);
	while (atomic_load(&drained) == 0)
		run_all();
	assert_int_equal(atomic_load(&drained), 1);
	task_complete_int(t, 1);
	while (atomic_load(&drained) == 1)
		run_all();
	assert_int_equal(atomic_load(&drained), 2);
	pthread_join(thread, NULL);
	task_unref(t);
}

static value_task fails_there(void *unused)
{
	(void)unused;
	return value_task_from_error(EIO);
}

TEST(the_error_of_a_forgotten_call_is_reported_before_it_returns)
{
	catch_unobserved();
	for (int round = 1; round <= 200; round++) {
		value_task_forget(bide_run_blocking(fails_there, NULL));
		assert_int_equal(bide_drain(BIDE_FOREVER), 0);
		assert_int_equal(atomic_load(&unobserved_count), round);
	}
}
