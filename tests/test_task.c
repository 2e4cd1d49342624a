/*
 * Tasks: status, errors, references, many awaiters, large results, the unobserved hook, broken
 * promises.
 */
#include "support/task_support.h"

/* --- status, results */

TEST(TK_01_queries_match_the_status)
{
	task *gate = task_create(0);
	struct {
		task *task;
		bide_status status;
		int error;
	} cases[] = {
		{ task_create(0), BIDE_PENDING, 0 },
		{ bide_task_from_int(77), BIDE_SUCCEEDED, 0 },
		{ bide_task_from_error(EIO), BIDE_FAILED, EIO },
		{ bide_task_from_error(ECANCELED), BIDE_CANCELED, ECANCELED },
		{ bide_task_completed(), BIDE_SUCCEEDED, 0 },
		{ value_task_as_task(await_it(gate, NULL, 0)), BIDE_PENDING, 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(bide_task_status(cases[i].task), cases[i].status);
		assert_int_equal(bide_task_is_ready(cases[i].task), cases[i].status != BIDE_PENDING);
		if (cases[i].status == BIDE_PENDING)
			continue;
		assert_int_equal(bide_task_error(cases[i].task), cases[i].error);
		assert_int_equal(bide_task_result(cases[i].task).i, i == 1 ? 77 : 0);
	}
	task_complete(cases[0].task, (bide_payload){ .i = 3 });
	assert_int_equal(bide_task_status(cases[0].task), BIDE_SUCCEEDED);
	bide_task_complete_int(gate, 5);
	task_unref(gate);
	assert_int_equal(bide_task_wait(cases[5].task, NULL), 0);
	assert_int_equal(bide_task_status(cases[5].task), BIDE_SUCCEEDED);
	assert_int_equal(bide_task_result(cases[5].task).i, 5);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		task_unref(cases[i].task);
}

TEST(TK_04_an_error_is_unknown_until_the_end_and_then_exactly_that_one)
{
	task *gate = task_create(0), *t = value_task_as_task(await_it(gate, NULL, 0));

	catch_misuse();
	assert_int_equal(bide_task_error(t), EINPROGRESS);
	ASSERT_MISUSE("bide_task_error: the task is pending");
	assert_int_equal(bide_task_result(t).i, 0);
	ASSERT_MISUSE("bide_task_result: the task is pending");
	bide_task_fail(gate, ENOSPC);
	task_unref(gate);
	assert_int_equal(bide_task_wait(t, NULL), ENOSPC);
	assert_int_equal(bide_task_wait(t, NULL), ENOSPC);
	assert_int_equal(bide_task_error(t), ENOSPC);
	task_unref(t);
}

TEST(TK_07_a_wait_ends_at_its_limit_and_leaves_the_task_alone)
{
	task *t = task_create(0);
	bide_payload got = { .i = -5 };

	assert_int_equal(bide_task_wait_for(t, &got, 2 * MS), ETIMEDOUT);
	assert_int_equal(got.i, -5);
	assert_int_equal(bide_task_status(t), BIDE_PENDING);
	assert_none(operation_count);
	bide_task_complete_int(t, 12);
	assert_int_equal(bide_task_wait_for(t, &got, 0), 0);
	assert_int_equal(got.i, 12);
	task_unref(t);
}

/* Limits below BIDE_FOREVER that end beyond the end of time. */
static const int64_t beyond_time_ns[] = { BIDE_FOREVER - 1, BIDE_FOREVER - 1000,
	                                      BIDE_FOREVER - 1000 * MS };
enum { LIMITS = sizeof beyond_time_ns / sizeof beyond_time_ns[0] };

static void *waits_with_limits_beyond_time(void *argument)
{
	(void)argument;
	for (int i = 0; i < LIMITS; i++) {
		task *t = task_create(0);
		value_task v = bide_task_await_for(t, beyond_time_ns[i]);
		bide_payload got = { 0 };

		assert_false(bide_value_task_is_ready(v));
		bide_task_complete_int(t, 7000 + i);
		assert_int_equal(bide_value_task_wait_for(v, &got, 10000 * MS), 0);
		assert_int_equal(got.i, 7000 + i);
		task_unref(t);
	}
	return NULL;
}

TEST(an_await_with_a_limit_beyond_time_ends_with_its_task)
{
	run_all(); /* with one worker, makes this thread the worker */
	waits_with_limits_beyond_time(NULL);
	run_all();
	assert_none(operation_count);
	assert_none(timer_count);
}

static void *waits_with_limits_and_tells(void *argument)
{
	waits_with_limits_beyond_time(NULL);
	task_complete_int(argument, 0);
	return NULL;
}

TEST(an_await_with_a_limit_beyond_time_ends_with_its_task_on_another_thread)
{
	task *over = task_create(0);
	pthread_t thread;

	run_all();
	assert_int_equal(pthread_create(&thread, NULL, waits_with_limits_and_tells, over), 0);
	assert_int_equal(task_wait(over, NULL), 0);
	pthread_join(thread, NULL);
	task_unref(over);
}

TEST(TK_10_when_any_refuses_null_arrays_no_items_and_null_elements)
{
	task *t = task_create(0);
	task *with_null[] = { t, NULL };

	catch_misuse();
	assert_int_equal(wait_int(bide_when_any_tasks(NULL, 2), NULL), EINVAL);
	ASSERT_MISUSE("bide_when_any_tasks");
	assert_int_equal(wait_int(bide_when_any_tasks(with_null, 0), NULL), EINVAL);
	ASSERT_MISUSE("bide_when_any_tasks");
	assert_int_equal(wait_int(bide_when_any_tasks(with_null, 2), NULL), EINVAL);
	assert_true(misuse_count > 0);
	misuse_count = 0;
	assert_none(operation_count);
	assert_int_equal(bide_task_wait_for(t, NULL, -2), EINVAL);
	ASSERT_MISUSE("timeout_ns is -");
	task_unref(t);
}

TEST(TK_11_waiting_for_any_of_pending_tasks_with_a_canceled_token)
{
	task *tasks[] = { task_create(0), task_create(0) };
	bide_cancel_source *source = bide_cancel_source_create();

	bide_cancel_source_cancel(source);
	assert_int_equal(
		wait_int(with_token(bide_cancel_source_token(source), bide_when_any_tasks(tasks, 2)), NULL),
		ECANCELED);
	assert_int_equal(bide_task_status(tasks[0]), BIDE_PENDING);
	bide_cancel_source_unref(source);
	task_unref(tasks[0]);
	task_unref(tasks[1]);
	assert_none(operation_count);
}

TEST(TK_12_waiting_for_all_waits_for_the_slow_ones_and_keeps_all_errors)
{
	task *tasks[8];

	for (int i = 0; i < 8; i++)
		tasks[i] = i % 2   ? value_task_as_task(later_value((i + 1) * MS, i))
		           : i % 4 ? bide_task_from_error(EIO + i)
		                   : bide_task_from_error(ECANCELED);
	/* the first error that is not a cancellation */
	assert_int_equal(wait_int(bide_when_all_tasks(tasks, 8), NULL), EIO + 2);
	for (int i = 0; i < 8; i++) {
		assert_true(bide_task_is_ready(tasks[i]));
		assert_int_equal(bide_task_error(tasks[i]), i % 2 ? 0 : i % 4 ? EIO + i : ECANCELED);
		task_unref(tasks[i]);
	}
	assert_int_equal(stats().unobserved_count, 0);
}

/*
 * Unlike in the reference, a result that exists has priority over a cancellation, here as
 * everywhere.
 */
TEST(TK_13_completed_tasks_have_priority_over_a_canceled_token)
{
	task *tasks[] = { bide_task_from_int(100), bide_task_from_int(200) };
	bide_context *context = canceled_context();

	assert_int_equal(wait_int(bide_in_context(context, bide_when_all_tasks(tasks, 2)), NULL), 0);
	bide_context_unref(context);
	task_unref(tasks[0]);
	task_unref(tasks[1]);
}

struct passes_on {
	ASYNC_FRAME;
	struct {
		value_task what;
	} in;
};

async(passes_on)
{
	async_begin;
	async_return(my->in.what);
async_finally:
	async_end;
}

TEST(TK_25_a_function_that_returns_a_ready_value_task_ends_like_it)
{
	task *ok = value_task_as_task(async_start(passes_on, .what = value_task_from(1234)));
	task *failed = value_task_as_task(async_start(passes_on, .what = value_task_from_error(EIO)));
	task *canceled =
		value_task_as_task(async_start(passes_on, .what = value_task_from_error(ECANCELED)));

	assert_int_equal(bide_task_status(ok), BIDE_SUCCEEDED);
	assert_int_equal(bide_task_result(ok).i, 1234);
	assert_int_equal(bide_task_status(failed), BIDE_FAILED);
	assert_int_equal(bide_task_error(failed), EIO);
	assert_int_equal(bide_task_status(canceled), BIDE_CANCELED);
	task_unref(ok);
	task_unref(failed);
	task_unref(canceled);
}

TEST(TK_26_completed_tasks_hold_each_value_at_once)
{
	static const int64_t values[] = { 0, 1, -1, 8, 9, -2, 1000, INT64_MAX, INT64_MIN };
	char here = 0;

	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		task *t = bide_task_from_int(values[i]);
		assert_int_equal(bide_task_status(t), BIDE_SUCCEEDED);
		assert_true(bide_task_result(t).i == values[i]);
		task_unref(t);
	}
	task *d = bide_task_from_double(-2.5);
	assert_true(bide_task_result(d).d == -2.5);
	task_unref(d);
	task *p = bide_task_from_pointer(&here);
	assert_ptr_equal(bide_task_result(p).p, &here);
	task_unref(p);
}

/* Unlike in the reference, ECANCELED means cancellation, so that task is canceled, not failed. */
TEST(TK_27_failed_tasks_are_distinct_and_bad_numbers_refused)
{
	static const int bad[] = { 0, -1, -EIO, 4096, INT32_MAX, INT32_MIN };
	static const int good[] = { 1, EIO, BIDE_EUSER, 4095 };
	task *a = bide_task_from_error(EIO), *b = bide_task_from_error(EIO),
		 *c = bide_task_from_error(ECANCELED);

	assert_ptr_not_equal(a, b);
	assert_int_equal(bide_task_status(a), BIDE_FAILED);
	assert_int_equal(bide_task_status(c), BIDE_CANCELED);
	task_unref(a);
	task_unref(b);
	task_unref(c);
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		a = bide_task_from_error(good[i]);
		assert_int_equal(bide_task_error(a), good[i]);
		task_unref(a);
	}
	catch_misuse();
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_null(bide_task_from_error(bad[i]));
		ASSERT_MISUSE("1 to 4095");
	}
}

TEST(TK_28_reading_the_error_observes_it_and_reading_the_status_does_not)
{
	catch_unobserved();
	task *t = bide_task_from_error(EIO);
	assert_int_equal(bide_task_status(t), BIDE_FAILED);
	task_unref(t);
	assert_int_equal(unobserved_count, 1);
	assert_int_equal(unobserved_error, EIO);
	t = bide_task_from_error(EIO);
	assert_int_equal(bide_task_error(t), EIO);
	task_unref(t);
	assert_int_equal(unobserved_count, 1);
	assert_int_equal(stats().unobserved_count, 1);
}

static value_task drops_the_task(task *ended, void *argument)
{
	task **held = argument;

	assert_ptr_equal(ended, *held);
	task_unref(*held);
	*held = NULL;
	return value_task_from(bide_task_result(ended).i + 1);
}

TEST(TK_35_a_task_may_be_unreferenced_inside_its_own_continuation)
{
	task *t = task_create(0), *held = t;
	task *next = task_continue_with(t, drops_the_task, &held, 0);
	bide_payload got;

	bide_task_complete_int(t, 41);
	assert_int_equal(bide_task_wait(next, &got), 0);
	assert_int_equal(got.i, 42);
	assert_null(held);
	task_unref(next);
}

static value_task adds_one(task *ended, void *argument)
{
	(void)argument;
	if (bide_task_error(ended))
		return value_task_from_error(bide_task_error(ended));
	return value_task_from(bide_task_result(ended).i + 1);
}

TEST(TK_36_a_continuation_runs_though_the_task_was_unreferenced)
{
	task *t = task_create(0), *mine = task_ref(t);
	task *next = task_continue_with(t, adds_one, NULL, 0);
	bide_payload got;

	task_unref(t);
	bide_task_complete_int(mine, 9);
	task_unref(mine);
	assert_int_equal(bide_task_wait(next, &got), 0);
	assert_int_equal(got.i, 10);
	task_unref(next);
}

TEST(TK_38_a_finished_task_releases_its_context)
{
	bide_context *context = bide_context_create(NULL);
	task *gate = task_create(0),
		 *t = value_task_as_task(bide_in_context(context, await_it(gate, NULL, 0)));

	bide_context_unref(context);
	/* The function's wait, and the context, to which the frame holds a reference. */
	assert_int_equal(stats().operation_count, 2);
	bide_task_complete_int(gate, 3);
	assert_int_equal(bide_task_wait(t, NULL), 0);
	settle_workers();
	assert_none(operation_count);
	assert_int_equal(bide_task_result(t).i, 3);
	task_unref(t);
	task_unref(gate);
}

/* --- constants, references */

TEST(small_results_share_one_task_each_and_allocate_nothing)
{
	uint64_t before;

	run_all();
	before = stats().allocation_count;
	for (int64_t i = -1; i <= 8; i++) {
		task *a = bide_task_from_int(i), *b = value_task_as_task(value_task_from(i));
		assert_ptr_equal(a, b);
		assert_int_equal(bide_task_result(a).i, i);
		for (int k = 0; k < 100; k++)
			task_unref(a); /* shared tasks are not counted */
	}
	assert_ptr_equal(bide_task_from_pointer(NULL), bide_task_completed());
	assert_ptr_equal(bide_task_from_double(0.0), bide_task_completed());
	assert_ptr_equal(value_task_as_task(value_task_from((_Bool)1)), bide_task_from_int(1));
	assert_int_equal(stats().allocation_count, before);
	assert_none(task_count);
	task *other = bide_task_from_int(9), *minus_zero = bide_task_from_double(-0.0);
	assert_int_equal(stats().allocation_count, before + 2);
	assert_true(1 / bide_task_result(minus_zero).d < 0);
	task_unref(other);
	task_unref(minus_zero);
}

TEST(a_constant_cannot_be_completed)
{
	catch_misuse();
	assert_false(bide_task_try_complete(bide_task_from_int(3), (bide_payload){ .i = 4 }));
	assert_false(bide_task_try_fail(bide_task_from_int(3), EIO));
	assert_int_equal(misuse_count, 0);
	bide_task_complete_int(bide_task_from_int(3), 4);
	ASSERT_MISUSE("completed already");
	assert_int_equal(bide_task_result(bide_task_from_int(3)).i, 3);
}

TEST(the_result_lives_as_long_as_a_reference)
{
	task *gate = task_create(0), *t = value_task_as_task(await_it(gate, NULL, 0));

	bide_task_complete_int(gate, 500);
	task_unref(gate);
	for (int i = 0; i < 1000; i++)
		assert_ptr_equal(task_ref(t), t);
	assert_int_equal(bide_task_wait(t, NULL), 0);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(bide_task_result(t).i, 500);
		task_unref(t);
	}
	settle_workers();
	assert_int_equal(stats().frame_count, 1);
	task_unref(t);
	assert_none(frame_count);
}

/*
 * clang-format off: each await is on a line of its own, so that every combination of the line's
 * bits occurs.
 */
struct eight_lines {
	ASYNC_FRAME;
};

async(eight_lines)
{
	async_begin;
	await(bide_async_yield());
	await(bide_async_yield());
	await(bide_async_yield());
	await(bide_async_yield());
	await(bide_async_yield());
	await(bide_async_yield());
	await(bide_async_yield());
	await(bide_async_yield());
	async_return(88);
async_finally:
	async_end;
}
/* clang-format on */

TEST(references_are_counted_wherever_the_function_waits)
{
	task *t = value_task_as_task(async_start(eight_lines));

	for (int i = 0; i < 8; i++) {
		task_ref(t);
		task_ref(t);
		task_unref(t);
		settle(1);
	}
	run_all();
	assert_int_equal(bide_task_status(t), BIDE_SUCCEEDED);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(stats().frame_count, 1);
		assert_int_equal(bide_task_result(t).i, 88);
		task_unref(t);
	}
	task_unref(t);
	assert_none(frame_count);

	for (int line = 0; line < 8; line++) {
		t = value_task_as_task(async_start(eight_lines));
		for (int i = 0; i < line; i++)
			settle(1);
		task_unref(t);
		run_all();
		assert_none(frame_count);
	}
}

TEST(null_in_place_of_a_task_is_misuse)
{
	value_task v;

	catch_misuse();
	task_unref(NULL);
	assert_int_equal(misuse_count, 0);
	assert_null(task_ref(NULL));
	ASSERT_MISUSE("bide_task_ref: task is NULL");
	assert_int_equal(bide_task_status(NULL), BIDE_FAILED);
	ASSERT_MISUSE("bide_task_status: task is NULL");
	assert_int_equal(bide_task_error(NULL), EINVAL);
	ASSERT_MISUSE("bide_task_error: task is NULL");
	assert_int_equal(bide_task_result(NULL).i, 0);
	ASSERT_MISUSE("bide_task_result: task is NULL");
	v = task_await(NULL);
	ASSERT_MISUSE("bide_task_await: task is NULL");
	assert_int_equal(bide_value_task_error(v), EINVAL);
	v = task_await_for(NULL, MS);
	ASSERT_MISUSE("bide_task_await_for: task is NULL");
	assert_int_equal(bide_value_task_error(v), EINVAL);
	assert_int_equal(bide_task_wait(NULL, NULL), EINVAL);
	ASSERT_MISUSE("task is NULL");
	v = task_await_for(bide_task_completed(), -1);
	ASSERT_MISUSE("timeout_ns is -");
	assert_int_equal(bide_value_task_error(v), EINVAL);
}

TEST(misuse_aborts_by_default_and_names_the_function)
{
	EXPECT_ABORT((void)bide_task_status(NULL), "bide_task_status: task is NULL");
	EXPECT_ABORT(bide_task_unref(bide_task_from_error(0)),
	             "bide_task_from_error: error is 0; 1 to 4095 are allowed");
	EXPECT_ABORT(bide_task_complete_int(bide_task_from_int(1), 2), "completed already");
}

/* --- many awaiters */

TEST(the_first_awaiter_runs_next_and_the_others_queue_in_order)
{
	turn_log log = { 0 };
	task *t;
	value_task waits[5], other;

	one_worker();
	t = task_create(0);
	for (int i = 0; i < 5; i++)
		waits[i] = await_it(t, &log, i + 1);
	other = async_start(yielder, .log = &log, .id = 100);
	assert_int_equal(log.count, 0);
	bide_task_complete_int(t, 8);
	assert_int_equal(log.count, 0); /* never inside complete */
	run_all();
	ASSERT_TURNS(&log, 1, 100, 2, 3, 4, 5);
	for (int i = 0; i < 5; i++) {
		int64_t got;
		assert_int_equal(wait_int(waits[i], &got), 0);
		assert_int_equal(got, 8);
	}
	assert_int_equal(wait_int(other, NULL), 0);
	task_unref(t);
}

/* Stores whether its continuation runs on another thread than its start. */
struct tells_thread {
	ASYNC_FRAME;
	struct {
		task *when;
		atomic_bool *elsewhere;
		pthread_t starter;
	} in;
	int64_t value;
};

async(tells_thread)
{
	async_begin;
	await(my->value, task_await(my->in.when));
	if (!pthread_equal(pthread_self(), my->in.starter))
		atomic_store(my->in.elsewhere, true);
	async_return(my->value);
async_finally:
	async_end;
}

TEST(with_many_workers_awaiters_continue_on_them_and_never_inside_complete)
{
	atomic_bool elsewhere[20];
	value_task waits[20];
	int64_t got;
	task *t;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	for (int option = 0; option < 2; option++) {
		t = task_create(&(bide_task_options){ .queue_continuations = option });
		for (int i = 0; i < 20; i++) {
			atomic_init(&elsewhere[i], false);
			waits[i] = async_start(tells_thread, .when = t, .elsewhere = &elsewhere[i],
			                       .starter = pthread_self());
		}
		bide_task_complete_int(t, 8);
		for (int i = 0; i < 20; i++) {
			assert_int_equal(wait_int(waits[i], &got), 0);
			assert_int_equal(got, 8);
			assert_true(atomic_load(&elsewhere[i]));
		}
		task_unref(t);
	}
}

TEST(all_awaiters_of_a_queueing_task_wait_their_turn)
{
	turn_log log = { 0 };
	task *t;
	value_task waits[3], other;

	one_worker();
	t = task_create(&(bide_task_options){ .queue_continuations = true });
	for (int i = 0; i < 3; i++)
		waits[i] = await_it(t, &log, i + 1);
	other = async_start(yielder, .log = &log, .id = 100);
	bide_task_fail(t, EIO);
	run_all();
	ASSERT_TURNS(&log, 100, 1, 2, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(wait_int(waits[i], NULL), EIO);
	assert_int_equal(wait_int(other, NULL), 0);
	task_unref(t);
}

TEST(ten_thousand_awaiters_of_one_task_all_get_its_result)
{
	NOT_SEEDED("the order is that of a runtime without a seed");
	enum { COUNT = 10000 };
	static value_task waits[COUNT];
	turn_log log = { 0 };
	task *t = task_create(0);

	for (int i = 0; i < COUNT; i++)
		waits[i] = await_it(t, &log, i);
	bide_task_complete_int(t, 7);
	assert_int_equal(bide_task_wait(t, NULL), 0);
	run_all();
	assert_int_equal(log.count, COUNT);
	for (int i = 0; i < 64 && !many_workers(); i++)
		assert_int_equal(log.ids[i], i);
	for (int i = 0; i < COUNT; i++) {
		int64_t got;
		assert_int_equal(wait_int(waits[i], &got), 0);
		assert_int_equal(got, 7);
	}
	task_unref(t);
	assert_none(operation_count);
	assert_none(frame_count);
}

/* The deadlines remove the middle, the newest and the oldest wait from the list of the task. */
TEST(waits_are_removed_from_any_place_in_the_list_of_a_task)
{
	enum { COUNT = 9 };
	task *t;
	value_task waits[COUNT];

	virtual_clock();
	t = task_create(0);
	for (int i = 0; i < COUNT; i++)
		waits[i] = task_await_for(t, i == 0 || i == 4 || i == 8 ? (i + 1) * MS : BIDE_FOREVER);
	assert_int_equal(wait_int(waits[8], NULL), ETIMEDOUT);
	assert_int_equal(wait_int(waits[0], NULL), ETIMEDOUT);
	assert_int_equal(wait_int(waits[4], NULL), ETIMEDOUT);
	bide_task_complete_int(t, 5);
	for (int i = 0; i < COUNT; i++) {
		int64_t got = 0;
		if (i == 0 || i == 4 || i == 8)
			continue;
		assert_int_equal(wait_int(waits[i], &got), 0);
		assert_int_equal(got, 5);
	}
	assert_none(operation_count);
	task_unref(t);
}

TEST(a_long_lived_task_does_not_grow_by_waits_that_time_out)
{
	task *t;
	uint64_t before = 0;

	virtual_clock();
	t = task_create(0);
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(bide_task_wait_for(t, NULL, 1000), ETIMEDOUT);
		if (i == 100)
			before = stats().live_bytes;
	}
	assert_int_equal(stats().live_bytes, before);
	assert_none(operation_count);
	assert_none(timer_count);
	task_unref(t);
}

TEST(a_long_lived_task_does_not_grow_by_waits_that_are_canceled)
{
	task *t = task_create(0);
	uint64_t before = 0;

	for (int i = 0; i < 20000; i++) {
		bide_context *context = bide_context_create(NULL);
		value_task v = bide_in_context(context, task_await(t)),
				   w = bide_in_context(context, await_it(t, NULL, 0));
		bide_context_cancel(context, ECANCELED);
		assert_int_equal(wait_int(v, NULL), ECANCELED);
		assert_int_equal(wait_int(w, NULL), ECANCELED);
		bide_context_unref(context);
		if (i == 100)
			before = stats().live_bytes;
	}
	/*
	 * With several workers, each thread keeps some free objects. The waits needed 2.5 MB in total.
	 */
	if (many_workers())
		assert_true(stats().live_bytes <= before + 1024 * 1024);
	else
		assert_int_equal(stats().live_bytes, before);
	assert_none(operation_count);
	assert_int_equal(bide_task_status(t), BIDE_PENDING);
	task_unref(t);
}

/* --- large results */

struct large_result {
	int64_t numbers[8];
};

struct makes_large {
	ASYNC_FRAME;
	struct {
		int64_t first;
	} in;
	struct large_result result;
};

async(makes_large)
{
	async_begin;
	await(delay(1000));
	for (int i = 0; i < 8; i++)
		my->result.numbers[i] = my->in.first + i;
	async_return_large(&my->result);
async_finally:
	async_end;
}

struct takes_large {
	ASYNC_FRAME;
	struct {
		task *task;
	} in;
	struct large_result got;
};

async(takes_large)
{
	async_begin;
	await_large(my->got, task_await(my->in.task));
	async_return(my->got.numbers[7]);
async_finally:
	async_end;
}

TEST(a_large_result_is_shared_by_pointer_as_long_as_a_reference_lives)
{
	task *t = value_task_as_task(async_start(makes_large, .first = 30));
	value_task a = async_start(takes_large, .task = t), b = async_start(takes_large, .task = t);
	const struct large_result *large;
	int64_t got;

	assert_int_equal(wait_int(a, &got), 0);
	assert_int_equal(got, 37);
	large = bide_task_result(t).p;
	assert_int_equal(large->numbers[3], 33);
	task_unref(t);
	assert_int_equal(wait_int(b, &got), 0); /* its wait holds a reference */
	assert_int_equal(got, 37);
	settle_workers();
	assert_none(frame_count);
	assert_none(operation_count);
}

TEST(a_forgotten_wait_for_a_large_result_releases_the_task)
{
	NOT_SEEDED("it needs the real clock");
	task *t = value_task_as_task(async_start(makes_large, .first = 1));

	value_task_forget(task_await(t));
	while (!bide_task_is_ready(t))
		run_all();
	task_unref(t);
	settle_workers();
	assert_none(frame_count);
	assert_none(operation_count);
}

/* --- unobserved errors */

TEST(an_unobserved_error_goes_to_the_hook_with_the_name_of_the_function)
{
	catch_unobserved();
	task *gate = task_create(0), *t = value_task_as_task(await_it(gate, NULL, 0));
	bide_task_fail(gate, ENXIO);
	task_unref(gate);
	while (!bide_task_is_ready(t))
		run_all();
	assert_int_equal(unobserved_count, 0);
	task_unref(t);
	run_all(); /* one of several workers may hold the last reference */
	assert_int_equal(unobserved_count, 1);
	assert_int_equal(unobserved_error, ENXIO);
	assert_string_equal(unobserved_function, "awaiter");
}

TEST(an_error_that_was_awaited_is_observed)
{
	catch_unobserved();
	task *t = task_create(0);
	value_task v = await_it(t, NULL, 0);
	bide_task_fail(t, EIO);
	assert_int_equal(wait_int(v, NULL), EIO);
	task_unref(t);
	t = bide_task_from_error(EIO);
	assert_int_equal(wait_int(await_it(t, NULL, 0), NULL), EIO);
	task_unref(t);
	t = bide_task_from_error(EIO);
	assert_int_equal(bide_task_wait(t, NULL), EIO);
	task_unref(t);
	assert_int_equal(unobserved_count, 0);
}

TEST(an_unobserved_cancellation_is_not_an_error)
{
	catch_unobserved();
	task *t = task_create(0);
	task_cancel(t);
	task_unref(t);
	value_task_forget(value_task_from_error(ECANCELED));
	assert_int_equal(unobserved_count, 0);
}

TEST(a_forgotten_function_that_fails_goes_to_the_hook)
{
	catch_unobserved();
	task *gate = task_create(0);
	value_task_forget(await_it(gate, NULL, 0));
	value_task_forget(value_task_from_error(EIO));
	assert_int_equal(unobserved_count, 1);
	bide_task_fail(gate, EROFS);
	task_unref(gate);
	while (stats().frame_count)
		run_all();
	assert_int_equal(unobserved_count, 2);
	assert_int_equal(unobserved_error, EROFS);
	assert_string_equal(unobserved_function, "awaiter");
}

/* --- a completion source without references */

TEST(awaiters_of_an_unreferenced_completion_source_fail)
{
	NOT_SEEDED("the order is that of a runtime without a seed");
	turn_log log = { 0 };
	value_task waits[3];
	task *t = task_create(0);

	catch_unobserved();
	for (int i = 0; i < 3; i++)
		waits[i] = await_it(t, &log, i);
	task_unref(t);
	for (int i = 0; i < 3; i++)
		assert_int_equal(wait_int(waits[i], NULL), BIDE_EBROKEN);
	if (many_workers())
		assert_int_equal(log.count, 3);
	else
		ASSERT_TURNS(&log, 0, 1, 2);
	assert_int_equal(unobserved_count, 0);
	assert_none(task_count);
}

/* Such an await may end in three ways, and must not keep the source alive. */
TEST(awaiters_of_an_unreferenced_completion_source_fail_in_contexts_and_with_limits)
{
	bide_context *context = bide_context_create(&(bide_context_options){ 0 });

	assert_non_null(context);
	catch_unobserved();
	run_all();
	for (int i = 0; i < 100; i++) {
		task *t = task_create(0);
		value_task waits[4];

		waits[0] = bide_in_context(context, task_await(t));
		waits[1] = bide_in_context(context, await_it(t, NULL, 0));
		waits[2] = bide_in_context(context, bide_task_await_for(t, 3600000 * MS));
		waits[3] = bide_task_await_for(t, 3600000 * MS);
		task_unref(t);
		for (int k = 0; k < 4; k++)
			assert_int_equal(bide_value_task_wait_for(waits[k], NULL, 10000 * MS), BIDE_EBROKEN);
	}
	bide_context_unref(context);
	run_all();
	assert_int_equal(unobserved_count, 0);
	assert_none(task_count);
	assert_none(operation_count);
}

TEST(a_completion_source_without_awaiters_is_freed_silently)
{
	catch_unobserved();
	task *t = task_create(0);
	task_unref(t);
	assert_none(task_count);
	assert_int_equal(unobserved_count, 0);
}

TEST(a_pending_function_runs_on_after_its_task_was_unreferenced)
{
	turn_log log = { 0 };
	task *t = value_task_as_task(async_start(yielder, .log = &log, .id = 5));

	task_unref(t);
	run_all();
	ASSERT_TURNS(&log, 5);
	assert_none(frame_count);
}

TEST(bide_task_await_take_drops_the_reference)
{
	task *t = task_create(0);
	value_task waits = bide_task_await_take(task_ref(t));
	bide_payload got;

	bide_task_complete_int(t, 9);
	task_unref(t);
	assert_int_equal(bide_value_task_wait(waits, &got), 0);
	assert_int_equal(got.i, 9);
	assert_none(task_count);
	assert_int_equal(bide_value_task_wait(bide_task_await_take(NULL), NULL), ENOMEM);
}
