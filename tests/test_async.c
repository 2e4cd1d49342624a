/*
 * Async functions: what the caller gets for a result at once, a late result and a task. Covers the
 * rows of the reference about builders (MB).
 */
/* threads */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "support/later.h"
#include "support/library.h"
#include "support/limits_of_tools.h"

#include <bide/short.h>

struct nothing {
	ASYNC_FRAME;
	struct {
		int yields;
	} in;
};

async(nothing)
{
	async_begin;
	while (my->in.yields-- > 0)
		await(async_yield());
async_finally:
	async_end;
}

/* Pending until the task is completed. */
struct after {
	ASYNC_FRAME;
	struct {
		task *what;
	} in;
	int64_t got;
};

async(after)
{
	async_begin;
	await(my->got, task_await(my->in.what));
	async_return(my->got);
async_finally:
	async_end;
}

static value_task after(task *what)
{
	return async_start(after, .what = what);
}

TEST(MB_02_without_a_result_it_returns_the_zero_value_task)
{
	value_task v = async_start(nothing);

	assert_int_equal(v.state, 0);
	assert_int_equal(v.payload.i, 0);
	assert_none(frame_count);
}

TEST(MB_03_a_result_at_once_is_in_the_value_task)
{
	value_task v = later(0, 42);

	assert_int_equal(v.state, 0);
	assert_int_equal(v.payload.i, 42);
	assert_none(frame_count);
	assert_none(task_count);
}

TEST(MB_04_a_pending_one_completes_with_the_value)
{
	task *t = task_create(0);
	value_task v = after(t);

	assert_false(value_task_is_ready(v));
	bide_task_complete_int(t, 42);
	assert_int_equal(result_of(v), 42);
	task_unref(t);
}

TEST(MB_06_a_pending_one_fails_with_the_error)
{
	task *t = task_create(0);
	value_task v = after(t);

	assert_false(value_task_is_ready(v));
	bide_task_fail(t, EIO);
	settle(0);
	assert_true(bide_value_task_is_failed(v));
	assert_int_equal(error_of(v), EIO);
	task_unref(t);
}

TEST(MB_07_failing_with_ECANCELED_is_cancellation)
{
	for (int yields = 0; yields < 2; yields++) {
		value_task v = failing(yields, ECANCELED);

		settle(0);
		assert_true(bide_value_task_is_canceled(v));
		assert_false(bide_value_task_is_failed(v));
		assert_int_equal(error_of(v), ECANCELED);
	}
}

struct fail_with {
	ASYNC_FRAME;
	struct {
		int error;
	} in;
};

async(fail_with)
{
	async_begin;
	async_fail(my->in.error);
async_finally:
	async_end;
}

TEST(MB_08_failing_without_an_error_is_misuse)
{
	expect_misuse();
	assert_int_equal(error_of(async_start(fail_with, .error = 0)), EINVAL);
	assert_int_equal(misuse_count, 1);
	assert_int_equal(error_of(async_start(fail_with, .error = 4096)), EINVAL);
	assert_int_equal(misuse_count, 2);
	assert_int_equal(error_of(async_start(fail_with, .error = 4095)), 4095);
	assert_int_equal(misuse_count, 2);
}

TEST(MB_10_the_first_suspension_makes_it_pending)
{
	task *t = task_create(0);
	value_task v = after(t);

	assert_int_equal(stats().frame_count, 1);
	assert_int_equal(stats().runnable_count, 0);
	assert_int_equal(bide_value_task_status(v), BIDE_PENDING);
	bide_task_complete_int(t, 3);
	assert_true(many_workers() || stats().runnable_count == 1);
	assert_int_equal(result_of(v), 3);
	assert_none(frame_count);
	task_unref(t);
}

static const char key[1];

struct enters {
	ASYNC_FRAME;
	struct {
		bide_context *context;
	} in;
	void *inside;
};

async(enters)
{
	async_begin;
	async_enter(my->in.context);
	my->inside = bide_context_get(key);
	await(async_yield());
	if (bide_context_get(key) != my->inside)
		async_fail(EDOM);
	async_return(my->inside);
async_finally:
	async_end;
}

struct calls_enters {
	ASYNC_FRAME;
	struct {
		bide_context *context;
	} in;
	value_task started;
	void *got;
};

async(calls_enters)
{
	async_begin;
	my->started = async_start(enters, .context = my->in.context);
	if (bide_context_get(key)) {
		value_task_forget(my->started);
		async_fail(EDOM);
	}
	await(my->got, my->started);
	async_return(my->got);
async_finally:
	async_end;
}

TEST(MB_12_the_caller_does_not_see_what_the_first_part_sets)
{
	int value = 0;
	bide_context *context =
		bide_context_create(&(bide_context_options){ .key = key, .value = &value });
	bide_payload result;

	assert_int_equal(bide_value_task_wait(async_start(calls_enters, .context = context), &result),
	                 0);
	assert_ptr_equal(result.p, &value);
	bide_context_unref(context);
	assert_none(operation_count);
}

TEST(MB_13_any_number_of_yields_gives_the_result)
{
	static const int yields[] = { 0, 1, 2, 10, 1000 };

	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(result_of(later(yields[i], 100 + yields[i])), 100 + yields[i]);
		assert_int_equal(error_of(failing(yields[i], EIO)), EIO);
	}
}

TEST(MB_15_many_at_once_do_not_mix)
{
	enum { COUNT = 2000 };
	static value_task v[COUNT];

	for (int i = 0; i < COUNT; i++)
		v[i] = i % 3 ? later(i % 11, i) : failing(i % 7, 1 + i);
	for (int i = COUNT; i-- > 0;) {
		if (i % 3)
			assert_int_equal(result_of(v[i]), i);
		else
			assert_int_equal(error_of(v[i]), 1 + i);
	}
	assert_none(frame_count);
}

static void mixed_use(void)
{
	static const int yields[] = { 0, 1, 2, 10 };
	value_task v[40];

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 40; i++)
			v[i] = later(yields[i % 4], round * 100 + i);
		for (int i = 0; i < 40; i++)
			assert_int_equal(result_of(v[i]), round * 100 + i);
	}
}

static void *use_from_a_thread(void *argument)
{
	static const int yields[] = { 0, 1, 2, 10 };

	for (int i = 0; i < 200; i++)
		assert_int_equal(result_of(later(yields[i % 4], i)), i);
	__atomic_fetch_add((int *)argument, 1, __ATOMIC_RELEASE);
	return NULL;
}

TEST(MB_17_results_are_the_same_with_and_without_pools_and_on_other_threads)
{
	pthread_t threads[3];
	int ended = 0;

	for (int pooled = 0; pooled < 2; pooled++) {
		if (pooled)
			unsetenv("BIDE_POOL");
		else
			setenv("BIDE_POOL", "malloc", 1);
		mixed_use();
		ended = 0;
		for (int i = 0; i < 3; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, use_from_a_thread, &ended), 0);
		while (__atomic_load_n(&ended, __ATOMIC_ACQUIRE) < 3)
			assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0);
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(shut_down(), 0);
		assert_int_equal(stats().live_bytes, 0);
	}
}

static int cleanups;

struct returns_late {
	ASYNC_FRAME;
	struct {
		int how;
		int yields;
	} in;
	char large[32];
};

async(returns_late)
{
	async_begin;
	while (my->in.yields-- > 0)
		await(async_yield());
	async_return(11);
async_finally:
	cleanups++;
	if (my->in.how == 1)
		async_return(22); /* bide-check: ignore */
	if (my->in.how == 2)
		async_fail(EIO); /* bide-check: ignore */
	if (my->in.how == 3)
		async_return_large(&my->large); /* bide-check: ignore */
	async_end;
}

TEST(MB_20_ending_a_second_time_is_misuse_and_changes_nothing)
{
	for (int how = 0; how < 4; how++) {
		for (int yields = 0; yields < 2; yields++) {
			cleanups = 0;
			expect_misuse();
			assert_int_equal(result_of(async_start(returns_late, .how = how, .yields = yields)),
			                 11);
			assert_int_equal(cleanups, 1);
			assert_int_equal(misuse_count, how != 0);
		}
	}
	assert_non_null(strstr(misuse_text, "returns_late"));
	assert_non_null(strstr(misuse_text, "async_finally"));
	bide_misuse_hook_set(NULL, NULL);
	CHILD_STARTS_THREADS();
	EXPECT_ABORT((void)result_of(async_start(returns_late, .how = 1)),
	             "in the cleanup of returns_late");
}

/* Unlike in the reference, a value task has one consumer; its task can be awaited many times. */
TEST(MB_23_the_task_of_a_function_is_one_object)
{
	value_task v = later(1, 700);
	task *t = value_task_as_task(v), *again = task_ref(t);

	assert_ptr_equal(t, again);
	assert_int_equal(bide_task_wait(again, NULL), 0);
	task_unref(t);
	assert_int_equal(bide_task_result(again).i, 700);
	task_unref(again);
}

TEST(MB_24_completions_without_a_result_share_one_task)
{
	task *first = value_task_as_task(async_start(nothing)),
		 *second = value_task_as_task(async_start(nothing));

	assert_ptr_equal(first, second);
	assert_none(task_count);
}

struct answers {
	ASYNC_FRAME;
	struct {
		bool yes;
		void *pointer;
		bool want_pointer;
	} in;
};

async(answers)
{
	async_begin;
	if (my->in.want_pointer)
		async_return(my->in.pointer);
	async_return(my->in.yes);
async_finally:
	async_end;
}

TEST(MB_25_equal_truth_values_share_one_task)
{
	task *yes[2], *no[2];

	for (int i = 0; i < 2; i++) {
		yes[i] = value_task_as_task(async_start(answers, .yes = true));
		no[i] = value_task_as_task(async_start(answers, .yes = false));
	}
	assert_ptr_equal(yes[0], yes[1]);
	assert_ptr_equal(no[0], no[1]);
	assert_ptr_not_equal(yes[0], no[0]);
	assert_int_equal(bide_task_result(yes[0]).i, 1);
}

TEST(MB_27_null_results_share_one_task)
{
	task *first = value_task_as_task(async_start(answers, .want_pointer = true));
	task *second = value_task_as_task(async_start(answers, .want_pointer = true));

	assert_ptr_equal(first, second);
	assert_null(bide_task_result(first).p);
}

static bool shared(value_task v)
{
	task *first = value_task_as_task(v), *second = value_task_as_task(v);
	bool same = first == second;

	task_unref(first);
	task_unref(second);
	return same;
}

TEST(MB_28_small_results_share_one_task_each)
{
	double minus_zero = -0.0;

	for (int i = -1; i <= 8; i++) {
		assert_true(shared(value_task_from(i)));
		assert_true(bide_task_from_int(i) == bide_task_from_int(i));
	}
	assert_false(shared(value_task_from(-2)));
	assert_false(shared(value_task_from(9)));
	assert_false(shared(value_task_from(INT64_MIN)));
	assert_false(shared(value_task_from(INT64_MAX)));
	assert_true(shared(value_task_from(0.0)));
	assert_false(shared(value_task_from(minus_zero)));
	assert_true(shared(value_task_from((char)0)));
	assert_true(shared(value_task_from((void *)NULL)));
}

/* The reference waits for its collector; here the task drops its context when it ends. */
TEST(MB_33_a_completed_task_holds_no_context)
{
	bide_context *context = bide_context_create(NULL);
	task *t = value_task_as_task(bide_in_context(context, later(1, 900)));

	bide_context_unref(context);
	assert_true(stats().operation_count == 1 || many_workers()); /* or it is over already */
	assert_int_equal(bide_task_wait(t, NULL), 0);
	assert_none(operation_count);
	assert_int_equal(bide_task_result(t).i, 900);
	task_unref(t);
}
