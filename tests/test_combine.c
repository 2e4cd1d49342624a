/*
 * The combinators: when_all, when_any, race, when_each. Names that begin with WX or AW carry the
 * row of the reference's behaviours that they show.
 *
 * Each test ends with nothing in use: no frame, no operation, no task.
 */
/* threads */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"

enum { SOURCES_MAX = 8 };

static bide_user_source sources[SOURCES_MAX];
static bide_value_task items[SOURCES_MAX];
static bide_task *tasks[SOURCES_MAX];
static bool worker_has_ended;

/* --- what the tests share --- */

void test_after_each(void)
{
	if (!worker_has_ended)
		assert_nothing_in_use();
}

/* The first count items: pending, to be ended by hand. */
static void make_pending(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bide_user_source_init(&sources[i], NULL);
		items[i] = bide_user_source_value_task(&sources[i]);
	}
}

static void make_tasks(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		tasks[i] = bide_task_create(0);
		assert_non_null(tasks[i]);
	}
}

static void drop_tasks(size_t count)
{
	for (size_t i = 0; i < count; i++)
		bide_task_unref(tasks[i]);
}

static void finish(size_t i, int64_t result)
{
	bide_user_source_complete(&sources[i], (bide_payload){ .i = result });
}

static void finish_failed(size_t i, int error)
{
	bide_user_source_fail(&sources[i], error);
}

/* Consumes a ready or pending value task that must succeed. */
static int64_t result_of(bide_value_task value_task)
{
	bide_payload got = { .i = -1 };
	assert_int_equal(bide_wait(value_task, &got), 0);
	return got.i;
}

static int error_of(bide_value_task value_task)
{
	return bide_wait(value_task, NULL);
}

static void assert_item(size_t i, int64_t result)
{
	assert_int_equal(items[i].state, 0);
	assert_int_equal(items[i].payload.i, result);
}

static void assert_item_failed(size_t i, int error)
{
	assert_int_equal(items[i].state, error);
}

static void assert_pending(bide_value_task value_task)
{
	assert_false(bide_value_task_is_ready(value_task));
}

/* An async function that waits for a value task and adds to its result. */
struct add {
	BIDE_ASYNC_FRAME;
	struct {
		bide_value_task source;
		int64_t addend;
	} in;
	int64_t got;
};

bide_async(add)
{
	bide_async_begin;
	bide_await(my->got, my->in.source);
	bide_async_return(my->got + my->in.addend);
bide_async_finally:
	bide_async_end;
}

/* Waits for ever, or until its context is canceled. */
struct sleeper {
	BIDE_ASYNC_FRAME;
};

bide_async(sleeper)
{
	bide_async_begin;
	bide_await(bide_delay_ns(BIDE_FOREVER));
bide_async_finally:
	bide_async_end;
}

/* --- when_all --- */

TEST(WX_07_when_all_of_nothing_is_completed)
{
	bide_value_task all = bide_when_all(NULL, 0), all_tasks = bide_when_all_tasks(NULL, 0);
	assert_true(bide_value_task_is_successful(all));
	assert_true(bide_value_task_is_successful(all_tasks));
}

TEST(WX_10_results_stay_in_argument_order)
{
	bide_value_task all;
	make_pending(3);
	all = bide_when_all(items, 3);
	finish(2, 30);
	finish(1, 20);
	assert_pending(all);
	finish(0, 10);
	assert_true(bide_value_task_is_ready(all));
	assert_int_equal(error_of(all), 0);
	assert_item(0, 10);
	assert_item(1, 20);
	assert_item(2, 30);
}

TEST(WX_10_results_of_tasks_are_those_of_the_tasks)
{
	bide_value_task all;
	make_tasks(2);
	all = bide_when_all_tasks(tasks, 2);
	bide_task_complete_int(tasks[1], 2);
	assert_pending(all);
	bide_task_complete_int(tasks[0], 1);
	assert_int_equal(error_of(all), 0);
	assert_int_equal(bide_task_result(tasks[0]).i, 1);
	assert_int_equal(bide_task_result(tasks[1]).i, 2);
	drop_tasks(2);
}

TEST(WX_11_when_all_with_one_failed_waits_for_the_others)
{
	bide_value_task all;
	make_pending(2);
	items[0] = bide_value_task_from_error(EIO);
	all = bide_when_all(items, 2);
	assert_pending(all);
	finish(1, 1);
	assert_int_equal(error_of(all), EIO);
	assert_item_failed(0, EIO);
	assert_item(1, 1);
}

TEST(WX_11_when_all_over_tasks_with_one_failed_waits_for_the_others)
{
	bide_value_task all;
	make_tasks(2);
	bide_task_fail(tasks[0], EIO);
	all = bide_when_all_tasks(tasks, 2);
	assert_pending(all);
	bide_task_complete_int(tasks[1], 1);
	assert_int_equal(error_of(all), EIO);
	drop_tasks(2);
	assert_int_equal(stats().unobserved_count, 0);
}

TEST(WX_12_when_all_of_failed_items_keeps_all_errors_in_argument_order)
{
	bide_value_task all;
	items[0] = bide_value_task_from_error(EIO);
	items[1] = bide_value_task_from_error(EPERM);
	items[2] = bide_value_task_from_error(EIO);
	all = bide_when_all(items, 3);
	assert_true(bide_value_task_is_failed(all));
	assert_int_equal(bide_value_task_error(all), EIO);
	assert_item_failed(0, EIO);
	assert_item_failed(1, EPERM);
	assert_item_failed(2, EIO);
}

TEST(WX_13_when_all_with_one_failing_later_fails_after_the_last)
{
	bide_value_task all;
	make_pending(2);
	all = bide_when_all(items, 2);
	finish_failed(0, EIO);
	assert_pending(all);
	finish(1, 1);
	assert_int_equal(error_of(all), EIO);
}

TEST(WX_14_when_all_with_both_failing_has_the_first_error_in_argument_order)
{
	bide_value_task all;
	make_pending(2);
	all = bide_when_all(items, 2);
	finish_failed(1, EPERM);
	finish_failed(0, EIO);
	assert_int_equal(error_of(all), EIO);
	assert_item_failed(0, EIO);
	assert_item_failed(1, EPERM);
}

TEST(WX_15_when_all_with_one_canceled_is_canceled)
{
	bide_value_task all;
	make_pending(2);
	all = bide_when_all(items, 2);
	finish_failed(0, ECANCELED);
	finish(1, 1);
	assert_int_equal(error_of(all), ECANCELED);
}

TEST(WX_15_when_all_prefers_a_failure_to_a_cancellation)
{
	bide_value_task all;
	make_pending(3);
	all = bide_when_all(items, 3);
	finish_failed(0, ECANCELED);
	finish_failed(1, EIO);
	finish_failed(2, EPERM);
	assert_int_equal(error_of(all), EIO);
}

TEST(when_all_of_ready_items_takes_no_memory)
{
	uint64_t before;
	make_pending(2);
	finish(1, 7); /* ready, but not consumed yet */
	items[0] = bide_value_task_from_int(3);
	before = stats().allocation_count;
	bide_value_task all = bide_when_all(items, 2);
	assert_true(bide_value_task_is_successful(all));
	assert_int_equal(stats().allocation_count, before);
	assert_item(0, 3);
	assert_item(1, 7);
}

TEST(when_all_costs_one_object_whatever_the_count)
{
	bide_value_task all;
	make_pending(SOURCES_MAX);
	all = bide_when_all(items, SOURCES_MAX);
	assert_int_equal(stats().operation_count, 1);
	for (size_t i = 0; i < SOURCES_MAX; i++)
		finish(i, 0);
	assert_int_equal(error_of(all), 0);
}

TEST(when_all_waits_for_async_functions_yields_and_delays)
{
	make_pending(1);
	items[0] = bide_async_start(add, .source = items[0], .addend = 5);
	items[1] = bide_yield();
	items[2] = bide_delay_ms(1);
	bide_value_task all = bide_when_all(items, 3);
	assert_pending(all);
	finish(0, 10);
	assert_int_equal(error_of(all), 0);
	assert_item(0, 15);
	assert_item(1, 0);
	assert_item(2, 0);
}

TEST(when_all_in_an_async_function)
{
	make_pending(2);
	bide_value_task sum = bide_async_start(add, .source = bide_when_all(items, 2), .addend = 1);
	finish(0, 1);
	finish(1, 2);
	assert_int_equal(result_of(sum), 1);
}

TEST(when_all_can_be_forgotten_and_shared)
{
	make_pending(2);
	bide_forget(bide_when_all(items, 1));
	bide_task *task = bide_as_task(bide_when_all(items + 1, 1));
	finish(0, 1);
	finish_failed(1, EIO);
	assert_int_equal(bide_task_error(task), EIO);
	bide_task_unref(task);
}

TEST(when_all_over_tasks_ends_its_waits_when_it_is_canceled)
{
	bide_context *scope = bide_context_create(NULL);
	make_tasks(2);
	bide_value_task all = bide_in(scope, bide_when_all_tasks(tasks, 2));
	bide_task_complete_int(tasks[0], 1);
	bide_context_cancel(scope, ETIMEDOUT);
	assert_int_equal(error_of(all), ETIMEDOUT);
	assert_false(bide_task_is_ready(tasks[1]));
	bide_task_complete_int(tasks[1], 2);
	drop_tasks(2);
	bide_context_unref(scope);
}

TEST(when_all_takes_the_same_task_twice)
{
	make_tasks(1);
	tasks[1] = tasks[0];
	bide_value_task all = bide_when_all_tasks(tasks, 2);
	bide_task_fail(tasks[0], EIO);
	assert_int_equal(error_of(all), EIO);
	drop_tasks(1);
}

TEST(when_all_with_a_pending_item_twice_is_misuse_and_fails_the_second)
{
	expect_misuse();
	make_pending(1);
	items[1] = items[0];
	bide_value_task all = bide_when_all(items, 2);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "bide_when_all"));
	finish(0, 4);
	assert_int_equal(error_of(all), BIDE_ESTALE);
	assert_item(0, 4);
	assert_item_failed(1, BIDE_ESTALE);
}

TEST(when_all_with_a_consumed_item_is_misuse_and_fails_it)
{
	unsetenv("BIDE_POOL"); /* a stale value task is caught only while its memory is a pool's */
	expect_misuse();
	items[0] = bide_async_start(sleeper);
	bide_context *scope = bide_context_create(NULL);
	items[1] = bide_in(scope, bide_async_start(sleeper));
	bide_value_task copy = items[1];
	bide_context_cancel(scope, ECANCELED);
	bide_context_unref(scope);
	assert_int_equal(error_of(copy), ECANCELED);
	assert_int_equal(bide_value_task_error(bide_when_all(items + 1, 1)), BIDE_ESTALE);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "bide_when_all"));
	bide_forget(items[0]);
	assert_int_equal(bide_shutdown(true), 1); /* the first sleeper */
}

/* --- when_any --- */

TEST(WX_02_when_any_of_nothing_is_an_argument_error)
{
	EXPECT_ABORT(bide_forget(bide_when_any(items, 0)), "bide_when_any: count is 0");
	EXPECT_ABORT(bide_forget(bide_when_any_tasks(tasks, 0)), "bide_when_any_tasks: count is 0");
	expect_misuse();
	assert_int_equal(bide_value_task_error(bide_when_any(items, 0)), EINVAL);
	assert_int_equal(bide_value_task_error(bide_when_any_tasks(tasks, 0)), EINVAL);
	assert_int_equal(misuse_count, 2);
}

TEST(WX_03_when_any_with_one_ready_in_either_place_is_ready)
{
	for (size_t ready = 0; ready < 2; ready++) {
		make_pending(2);
		finish(ready, 5);
		uint64_t before = stats().allocation_count;
		bide_value_task any = bide_when_any(items, 2);
		assert_true(bide_value_task_is_successful(any));
		assert_int_equal(any.payload.i, ready);
		assert_int_equal(stats().allocation_count, before);
		finish(1 - ready, 6);
		assert_int_equal(result_of(items[ready]), 5);
		assert_int_equal(result_of(items[1 - ready]), 6);
	}
}

TEST(WX_03_when_any_succeeds_with_an_item_that_failed)
{
	make_pending(2);
	bide_value_task any = bide_when_any(items, 2);
	finish_failed(1, EIO);
	assert_int_equal(result_of(any), 1);
	assert_int_equal(error_of(items[1]), EIO);
	finish(0, 1);
	assert_int_equal(result_of(items[0]), 1);
}

TEST(WX_03_when_any_over_tasks_with_one_ready_is_ready)
{
	make_tasks(2);
	bide_task_complete_int(tasks[1], 5);
	bide_value_task any = bide_when_any_tasks(tasks, 2);
	assert_true(bide_value_task_is_successful(any));
	assert_int_equal(any.payload.i, 1);
	bide_task_cancel(tasks[0]);
	drop_tasks(2);
}

TEST(WX_04_when_any_of_two_ready_gives_the_first)
{
	items[0] = bide_value_task_from_int(1);
	items[1] = bide_value_task_from_int(2);
	assert_int_equal(result_of(bide_when_any(items, 2)), 0);
	tasks[0] = tasks[1] = bide_task_from_int(100);
	assert_int_equal(result_of(bide_when_any_tasks(tasks, 2)), 0);
	drop_tasks(1);
}

TEST(WX_04_when_any_with_the_same_pending_one_twice)
{
	make_pending(1);
	items[1] = items[0];
	bide_value_task any = bide_when_any(items, 2);
	finish(0, 3);
	assert_int_equal(result_of(any), 0);
	assert_int_equal(result_of(items[0]), 3);
	make_tasks(1);
	tasks[1] = tasks[0];
	any = bide_when_any_tasks(tasks, 2);
	bide_task_complete_int(tasks[0], 1);
	assert_int_equal(result_of(any), 0);
	drop_tasks(1);
}

TEST(when_any_leaves_the_losers_pending_and_its_callers)
{
	bide_value_task any;
	make_pending(3);
	for (size_t round = 0; round < 3; round++) {
		any = bide_when_any(items + round, 3 - round);
		assert_pending(any);
		finish(round, (int64_t)round);
		assert_int_equal(result_of(any), 0);
		assert_int_equal(result_of(items[round]), round);
	}
}

/* A select loop: the winner is consumed and started anew, nothing is lost. */
struct select_loop {
	BIDE_ASYNC_FRAME;
	int64_t first, got, sum, rounds;
};

bide_async(select_loop)
{
	bide_async_begin;
	while (my->rounds < 3) {
		bide_await(my->first, bide_when_any(items, 3));
		bide_await(my->got, items[my->first]);
		items[my->first] = bide_async_start(sleeper);
		my->sum = my->sum * 10 + my->got;
		my->rounds++;
	}
	bide_async_return(my->sum);
bide_async_finally:
	bide_async_end;
}

TEST(when_any_in_a_select_loop_loses_nothing)
{
	bide_context *scope = bide_context_create(NULL);
	make_pending(3);
	bide_value_task loop = bide_in(scope, bide_async_start(select_loop));
	finish(1, 1); /* both before the loop runs again */
	finish(2, 2);
	settle(0);
	finish(0, 3);
	assert_int_equal(result_of(loop), 123);
	bide_context_cancel(scope, ECANCELED);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(error_of(items[i]), ECANCELED);
	bide_context_unref(scope);
}

TEST(when_any_obeys_the_ambient_cancellation_and_the_items_stay)
{
	bide_context *scope = bide_context_create(NULL);
	make_pending(2);
	bide_value_task any = bide_in(scope, bide_when_any(items, 2));
	assert_true(bide_context_cancel(scope, ECANCELED));
	assert_int_equal(error_of(any), ECANCELED);
	assert_int_equal(error_of(bide_in(scope, bide_when_any(items, 2))), ECANCELED);
	finish(0, 1);
	finish(1, 2);
	assert_int_equal(result_of(items[0]), 1);
	assert_int_equal(result_of(items[1]), 2);
	bide_context_unref(scope);
}

TEST(when_any_over_tasks_obeys_the_ambient_cancellation_and_forgets_them)
{
	bide_context *scope = bide_context_create(NULL);
	make_tasks(2);
	uint64_t before = stats().operation_count;
	bide_value_task any = bide_in(scope, bide_when_any_tasks(tasks, 2));
	assert_int_equal(stats().operation_count, before + 3);
	bide_context_cancel(scope, ETIMEDOUT);
	assert_int_equal(error_of(any), ETIMEDOUT);
	assert_int_equal(stats().operation_count, before);
	assert_int_equal(error_of(bide_in(scope, bide_when_any_tasks(tasks, 2))), ETIMEDOUT);
	assert_int_equal(stats().operation_count, before);
	bide_task_complete_int(tasks[0], 1);
	assert_int_equal(result_of(bide_in(scope, bide_when_any_tasks(tasks, 2))), 0);
	bide_task_complete_int(tasks[1], 1);
	drop_tasks(2);
	bide_context_unref(scope);
}

TEST(when_any_prefers_a_ready_item_to_a_cancellation)
{
	bide_context *scope = bide_context_create(NULL);
	bide_context_cancel(scope, ECANCELED);
	make_pending(1);
	items[1] = bide_value_task_completed();
	assert_int_equal(result_of(bide_in(scope, bide_when_any(items, 2))), 1);
	finish(0, 1);
	assert_int_equal(result_of(items[0]), 1);
	bide_context_unref(scope);
}

TEST(when_any_over_tasks_leaves_the_losers_errors_unseen)
{
	make_tasks(2);
	bide_value_task any = bide_when_any_tasks(tasks, 2);
	bide_task_complete_int(tasks[0], 1);
	assert_int_equal(result_of(any), 0);
	bide_task_fail(tasks[1], EIO);
	drop_tasks(2);
	assert_int_equal(stats().unobserved_count, 1);
}

TEST(when_any_with_a_yield_lets_others_run_first)
{
	make_pending(1);
	items[1] = items[2] = bide_yield();
	assert_int_equal(result_of(bide_when_any(items, 3)), 1);
	bide_value_task any = bide_when_any(items, 3);
	finish(0, 5);
	int64_t first = result_of(any);
	/* The yield loses, unless a worker has come to it meanwhile. */
	assert_true(first == 0 || (many_workers() && first == 1));
	assert_int_equal(result_of(items[0]), 5);
	while (settle(0) != BIDE_FOREVER)
		; /* what stood for the yield ends by itself */
	assert_int_equal(stats().operation_count, 0);
}

TEST(when_any_can_be_forgotten)
{
	make_pending(2);
	bide_forget(bide_when_any(items, 2));
	assert_int_equal(stats().operation_count, 1);
	finish(0, 1);
	settle_workers();
	assert_int_equal(stats().operation_count, 0);
	finish(1, 1);
	result_of(items[0]);
	result_of(items[1]);
}

TEST(when_any_with_an_item_that_somebody_awaits_is_misuse)
{
	expect_misuse();
	make_pending(2);
	bide_value_task frame = bide_async_start(add, .source = items[1]);
	bide_value_task any = bide_when_any(items, 2);
	assert_int_equal(error_of(any), BIDE_ESTALE);
	assert_int_equal(misuse_count, 1);
	finish(0, 1);
	finish(1, 2);
	assert_int_equal(result_of(items[0]), 1);
	assert_int_equal(result_of(frame), 2);
}

/* Lets others run, then completes the task, which may be NULL. */
struct soon {
	BIDE_ASYNC_FRAME;
	struct {
		bide_task *task;
	} in;
};

bide_async(soon)
{
	bide_async_begin;
	bide_await(bide_yield());
	if (my->in.task)
		bide_task_complete_int(my->in.task, 1);
bide_async_finally:
	bide_async_end;
}

struct race_many {
	BIDE_ASYNC_FRAME;
	struct {
		bide_task *lasting;
		int64_t rounds;
	} in;
	bide_task *both[2];
	bide_value_task values[2];
	int64_t winner, round;
};

bide_async(race_many)
{
	bide_async_begin;
	my->both[0] = my->in.lasting;
	my->values[0] = bide_task_await(my->in.lasting);
	for (; my->round < my->in.rounds; my->round++) {
		my->both[1] = bide_task_create(0);
		bide_forget(bide_async_start(soon, .task = my->both[1]));
		bide_await(my->winner, bide_when_any_tasks(my->both, 2));
		bide_task_unref(my->both[1]);
		if (my->winner != 1)
			bide_async_fail(EIO);
		my->values[1] = bide_async_start(soon);
		bide_await(my->winner, bide_when_any(my->values, 2));
		if (my->winner != 1)
			bide_async_fail(EIO);
		bide_await(my->values[1]);
	}
	bide_await(my->values[0]); /* still its own */
bide_async_finally:
	bide_async_end;
}

TEST_SLOW(when_any_a_million_times_against_a_lasting_task_takes_constant_memory, 120)
{
	bide_stats before, after;
	make_tasks(1);
	bide_value_task warm = bide_async_start(race_many, .lasting = tasks[0], .rounds = 1000);
	settle(0);
	before = stats();
	bide_value_task many =
		bide_async_start(race_many, .lasting = tasks[0], .rounds = test_seeded() ? 10000 : 1000000);
	settle(0);
	after = stats();
	/* Chunks of pools: many workers have some each, and no round uses them all. */
	size_t room = many_workers() ? bide_worker_count() * (size_t)524288 : 65536;
	assert_true(after.live_bytes <= before.live_bytes + room);
	/* A frame, its subscription: nothing else is left of a million rounds. */
	assert_int_equal(after.operation_count, before.operation_count + 1);
	assert_int_equal(after.frame_count, before.frame_count + 1);
	bide_task_complete_int(tasks[0], 1);
	assert_int_equal(error_of(warm), 0);
	assert_int_equal(error_of(many), 0);
	drop_tasks(1);
}

TEST(when_any_over_many_tasks)
{
	enum { COUNT = 10000 };
	bide_task **many = calloc(COUNT, sizeof(bide_task *));
	for (size_t i = 0; i < COUNT; i++)
		many[i] = bide_task_create(0);
	bide_value_task any = bide_when_any_tasks(many, COUNT);
	bide_task_complete_int(many[COUNT - 7], 1);
	assert_int_equal(result_of(any), COUNT - 7);
	settle_workers();
	assert_int_equal(stats().operation_count, 0);
	for (size_t i = 0; i < COUNT; i++) {
		bide_task_try_cancel(many[i]);
		bide_task_unref(many[i]);
	}
	free(many);
}

/* --- race --- */

TEST(race_cancels_the_losers_and_waits_for_them)
{
	bide_context *scope = bide_context_create(NULL);
	make_pending(1);
	items[1] = bide_in(scope, bide_async_start(sleeper));
	items[2] = bide_in(scope, bide_async_start(sleeper));
	bide_value_task race = bide_race(scope, items, 3);
	assert_pending(race);
	finish(0, 9);
	assert_int_equal(result_of(race), 0);
	assert_item(0, 9);
	assert_item_failed(1, ECANCELED);
	assert_item_failed(2, ECANCELED);
	bide_context_unref(scope);
}

TEST(race_is_won_by_the_first_to_end_however_it_ended)
{
	bide_context *scope = bide_context_create(NULL);
	make_pending(1);
	items[1] = items[0];
	items[0] = bide_in(scope, bide_async_start(sleeper));
	bide_value_task race = bide_race(scope, items, 2);
	bide_context_unref(scope); /* the race holds its own */
	finish_failed(0, EIO);
	assert_int_equal(result_of(race), 1);
	assert_item_failed(0, ECANCELED);
	assert_item_failed(1, EIO);
}

TEST(race_with_a_ready_item_cancels_and_consumes_the_others)
{
	bide_context *scope = bide_context_create(NULL);
	items[0] = bide_in(scope, bide_delay_ns(BIDE_FOREVER));
	items[1] = bide_value_task_from_int(7);
	items[2] = bide_in(scope, bide_async_start(sleeper));
	assert_int_equal(result_of(bide_race(scope, items, 3)), 1);
	assert_item_failed(0, ECANCELED);
	assert_item(1, 7);
	assert_item_failed(2, ECANCELED);
	assert_int_equal(bide_context_error(scope), ECANCELED);
	bide_context_unref(scope);
}

TEST(race_of_ready_items_is_won_by_the_first)
{
	make_pending(2);
	finish(0, 1);
	finish(1, 2);
	bide_value_task race = bide_race(NULL, items, 2);
	assert_true(bide_value_task_is_successful(race));
	assert_int_equal(race.payload.i, 0);
	assert_item(0, 1);
	assert_item(1, 2);
}

TEST(race_without_a_scope_waits)
{
	make_pending(2);
	bide_value_task race = bide_race(NULL, items, 2);
	finish(1, 2);
	assert_pending(race);
	finish(0, 1);
	assert_int_equal(result_of(race), 1);
}

TEST(race_does_not_end_before_an_item_that_ignores_the_cancellation)
{
	bide_context *scope = bide_context_create(NULL);
	make_pending(2);
	bide_value_task race = bide_race(scope, items, 2);
	finish(0, 1);
	assert_pending(race);
	assert_int_equal(bide_context_error(scope), ECANCELED);
	finish(1, 2);
	assert_int_equal(result_of(race), 0);
	bide_context_unref(scope);
}

TEST(race_of_nothing_is_misuse)
{
	EXPECT_ABORT(bide_forget(bide_race(NULL, items, 0)), "bide_race: count is 0");
	EXPECT_ABORT(bide_forget(bide_race(NULL, NULL, 1)), "bide_race: items is NULL");
	expect_misuse();
	assert_int_equal(bide_value_task_error(bide_race(NULL, items, 0)), EINVAL);
}

/* --- when_each --- */

TEST(WX_20_ready_ones_come_first_in_order_then_the_others_as_they_complete)
{
	static const size_t completed[] = { 4, 0, 2 };
	bide_when_each each;
	bide_value_task next;
	make_pending(5); /* 0, 2 and 4 stay pending */
	items[1] = bide_value_task_from_int(11);
	finish(3, 13);
	items[5] = bide_value_task_from_error(EIO);
	bide_when_each_init(&each, items, 6);
	for (size_t i = 1; i <= 5; i += 2) {
		next = bide_when_each_next(&each);
		assert_true(bide_value_task_is_successful(next));
		assert_int_equal(next.payload.i, i);
	}
	assert_item(1, 11);
	assert_item(3, 13);
	assert_item_failed(5, EIO);
	for (size_t i = 0; i < 3; i++) {
		next = bide_when_each_next(&each);
		assert_pending(next);
		finish(completed[i], (int64_t)completed[i] + 10);
		assert_int_equal(result_of(next), completed[i]);
		assert_item(completed[i], (int64_t)completed[i] + 10);
	}
	next = bide_when_each_next(&each);
	assert_int_equal(bide_value_task_error(next), BIDE_END);
}

TEST(WX_20_completions_before_the_next_step_keep_their_order)
{
	bide_when_each each;
	make_pending(4);
	bide_when_each_init(&each, items, 4);
	finish(2, 2);
	finish(0, 0);
	assert_int_equal(result_of(bide_when_each_next(&each)), 2);
	finish(3, 3);
	finish(1, 1);
	assert_int_equal(result_of(bide_when_each_next(&each)), 0);
	assert_int_equal(result_of(bide_when_each_next(&each)), 3);
	assert_int_equal(result_of(bide_when_each_next(&each)), 1);
	assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_END);
}

TEST(WX_21_when_each_of_nothing_is_at_its_end)
{
	bide_when_each each;
	bide_when_each_init(&each, NULL, 0);
	assert_int_equal(bide_value_task_error(bide_when_each_next(&each)), BIDE_END);
}

TEST(WX_23_when_each_stays_at_its_end_and_its_items_have_no_second_one)
{
	bide_when_each each, second;
	expect_misuse();
	make_pending(1);
	bide_when_each_init(&each, items, 1);
	bide_value_task copy = items[0];
	bide_when_each_init(&second, &copy, 1);
	assert_int_equal(misuse_count, 1);
	assert_int_equal(result_of(bide_when_each_next(&second)), 0);
	assert_int_equal(copy.state, BIDE_ESTALE);
	assert_int_equal(error_of(bide_when_each_next(&second)), BIDE_END);
	finish(0, 1);
	assert_int_equal(result_of(bide_when_each_next(&each)), 0);
	assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_END);
	assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_END);
}

struct each_sum {
	BIDE_ASYNC_FRAME;
	struct {
		bide_value_task *items;
		size_t count;
	} in;
	bide_when_each each;
	int64_t i, digits;
};

bide_async(each_sum)
{
	bide_async_begin;
	bide_when_each_init(&my->each, my->in.items, my->in.count);
	for (;;) {
		bide_await_or(my->i, bide_when_each_next(&my->each), break);
		my->digits = my->digits * 10 + my->in.items[my->i].payload.i;
	}
	bide_async_return(my->digits);
bide_async_finally:
	bide_async_end;
}

TEST(when_each_in_an_async_function)
{
	make_pending(3);
	items[3] = bide_value_task_from_int(4);
	bide_value_task sum = bide_async_start(each_sum, .items = items, .count = 4);
	settle(0);
	finish(1, 1);
	settle(0);
	finish(2, 2);
	finish(0, 3);
	assert_int_equal(result_of(sum), 4123);
}

TEST(when_each_end_gives_the_rest_back)
{
	bide_when_each each;
	make_pending(4);
	bide_when_each_init(&each, items, 4);
	finish(3, 3);
	assert_int_equal(result_of(bide_when_each_next(&each)), 3);
	finish(1, 1); /* has arrived, but is not given */
	assert_int_equal(error_of(bide_when_each_end(&each)), 0);
	assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_END);
	assert_int_equal(error_of(bide_when_each_end(&each)), 0);
	finish(0, 0);
	assert_int_equal(result_of(items[0]), 0);
	assert_int_equal(result_of(items[1]), 1);
	assert_pending(items[2]);
	finish(2, 2);
	assert_int_equal(result_of(items[2]), 2);
}

TEST(when_each_end_ends_a_wait_that_was_forgotten)
{
	bide_when_each each;
	make_pending(1);
	bide_when_each_init(&each, items, 1);
	bide_forget(bide_when_each_next(&each));
	assert_int_equal(error_of(bide_when_each_end(&each)), 0);
	finish(0, 1);
	assert_int_equal(result_of(items[0]), 1);
}

TEST(when_each_next_twice_at_once_is_misuse)
{
	bide_when_each each;
	expect_misuse();
	make_pending(1);
	bide_when_each_init(&each, items, 1);
	bide_value_task next = bide_when_each_next(&each);
	assert_int_equal(error_of(bide_when_each_next(&each)), EBUSY);
	assert_int_equal(misuse_count, 1);
	finish(0, 1);
	assert_int_equal(result_of(next), 0);
	assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_END);
}

TEST(when_each_takes_ten_thousand_in_any_order)
{
	enum { COUNT = 10000 };
	bide_user_source *many = calloc(COUNT, sizeof *many);
	bide_value_task *values = calloc(COUNT, sizeof *values);
	for (int order = 0; order < 3; order++) { /* forwards, backwards, scattered */
		bide_when_each each;
		for (size_t i = 0; i < COUNT; i++) {
			bide_user_source_init(&many[i], NULL);
			values[i] = bide_user_source_value_task(&many[i]);
		}
		bide_when_each_init(&each, values, COUNT);
		for (size_t n = 0; n < COUNT; n++) {
			size_t i = order == 0 ? n : order == 1 ? COUNT - 1 - n : n * 7919 % COUNT;
			bide_user_source_complete(&many[i], (bide_payload){ .i = (int64_t)i });
		}
		for (size_t n = 0; n < COUNT; n++) {
			size_t i = order == 0 ? n : order == 1 ? COUNT - 1 - n : n * 7919 % COUNT;
			assert_int_equal(result_of(bide_when_each_next(&each)), i);
			assert_int_equal(values[i].payload.i, i);
		}
		assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_END);
	}
	free(many);
	free(values);
}

/* --- waiting for a task with a limit --- */

TEST(AW_20_a_task_that_is_over_wins_over_cancellation_and_a_zero_timeout)
{
	bide_context *scope = bide_context_create(NULL);
	bide_context_cancel(scope, ECANCELED);
	make_tasks(2);
	bide_task_complete_int(tasks[0], 5);
	bide_task_fail(tasks[1], EIO);
	assert_int_equal(result_of(bide_in(scope, bide_task_await_for(tasks[0], 0))), 5);
	assert_int_equal(error_of(bide_in(scope, bide_task_await_for(tasks[1], 0))), EIO);
	drop_tasks(2);
	bide_context_unref(scope);
}

TEST(AW_21_a_wait_that_times_out_leaves_the_task_running)
{
	make_tasks(1);
	assert_int_equal(error_of(bide_task_await_for(tasks[0], 1000000)), ETIMEDOUT);
	assert_int_equal(error_of(bide_task_await_for(tasks[0], 0)), ETIMEDOUT);
	assert_false(bide_task_is_ready(tasks[0]));
	bide_task_complete_int(tasks[0], 1);
	assert_int_equal(result_of(bide_task_await(tasks[0])), 1);
	drop_tasks(1);
}

TEST(AW_21_a_wait_that_is_canceled_leaves_the_task_running)
{
	bide_context *scope = bide_context_create(NULL);
	make_tasks(1);
	bide_value_task wait = bide_in(scope, bide_task_await_for(tasks[0], 1000000000));
	bide_context_cancel(scope, ECANCELED);
	assert_int_equal(error_of(wait), ECANCELED);
	settle_workers();
	assert_int_equal(stats().timer_count, 0);
	assert_false(bide_task_is_ready(tasks[0]));
	bide_task_complete_int(tasks[0], 1);
	drop_tasks(1);
	bide_context_unref(scope);
}

TEST(AW_22_a_task_that_ends_in_time_removes_timer_and_registration)
{
	bide_context *scope = bide_context_create(NULL);
	make_tasks(1);
	uint64_t before = stats().operation_count;
	bide_value_task wait = bide_in(scope, bide_task_await_for(tasks[0], 1000000000));
	assert_int_equal(stats().timer_count, 1);
	bide_task_complete_int(tasks[0], 8);
	settle_workers();
	assert_int_equal(stats().timer_count, 0);
	assert_int_equal(result_of(wait), 8);
	assert_int_equal(stats().operation_count, before);
	bide_context_cancel(scope, ECANCELED); /* finds nothing */
	drop_tasks(1);
	bide_context_unref(scope);
}

/* --- depth: on a thread with a small stack --- */

enum { DEPTH = 100000, SMALL_STACK_BYTES = 256 * 1024 };

static void on_small_stack(void *(*run)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;
	assert_int_equal(pthread_attr_init(&attributes), 0);
	assert_int_equal(pthread_attr_setstacksize(&attributes, SMALL_STACK_BYTES), 0);
	assert_int_equal(pthread_create(&thread, &attributes, run, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_attr_destroy(&attributes);
	worker_has_ended = true;
}

struct levels {
	bide_value_task item[DEPTH];
	bide_when_each each[DEPTH];
	bide_group group[DEPTH];
};

static void *nest_when_all(void *argument)
{
	struct levels *levels = calloc(1, sizeof *levels);
	make_pending(1);
	bide_value_task value = items[0];
	(void)argument;
	for (size_t i = 0; i < DEPTH; i++) {
		levels->item[i] = value;
		value = bide_when_all(&levels->item[i], 1);
	}
	finish_failed(0, EIO);
	assert_int_equal(error_of(value), EIO);
	free(levels);
	assert_nothing_in_use();
	return NULL;
}

TEST_SLOW(when_all_nests_100000_deep_in_bounded_stack, 60)
{
	on_small_stack(nest_when_all);
}

/* All kinds in turn, each over the one below it. */
static void *nest_all_kinds(void *argument)
{
	struct levels *levels = calloc(1, sizeof *levels);
	make_pending(1);
	bide_value_task value = items[0];
	(void)argument;
	for (size_t i = 0; i < DEPTH; i++) {
		levels->item[i] = value;
		switch (i % 5) {
		case 0:
			value = bide_when_all(&levels->item[i], 1);
			break;
		case 1:
			value = bide_when_any(&levels->item[i], 1);
			break;
		case 2:
			value = bide_race(NULL, &levels->item[i], 1);
			break;
		case 3:
			bide_when_each_init(&levels->each[i], &levels->item[i], 1);
			value = bide_when_each_next(&levels->each[i]);
			break;
		default:
			assert_int_equal(bide_group_init(&levels->group[i], 0), 0);
			bide_group_add(&levels->group[i], value);
			value = bide_group_wait(&levels->group[i]);
		}
	}
	finish(0, 3);
	assert_int_equal(error_of(value), 0);
	for (size_t i = 0; i < DEPTH; i++) {
		if (i % 5 == 1)
			assert_int_equal(error_of(levels->item[i]), 0);
		if (i % 5 == 3)
			assert_int_equal(error_of(bide_when_each_next(&levels->each[i])), BIDE_END);
	}
	free(levels);
	assert_nothing_in_use();
	return NULL;
}

TEST_SLOW(combinators_and_groups_of_all_kinds_nest_100000_deep_in_bounded_stack, 60)
{
	on_small_stack(nest_all_kinds);
}

/* Each race is lost by a wait in the scope that the race below it cancels. */
static void *chain_races(void *argument)
{
	enum { CHAIN = DEPTH };
	bide_context **scopes = calloc(CHAIN + 1, sizeof *scopes);
	struct levels *levels = calloc(1, sizeof *levels);
	bide_value_task *races = calloc(CHAIN, sizeof *races);
	(void)argument;
	for (size_t i = 0; i <= CHAIN; i++)
		scopes[i] = bide_context_create(&(bide_context_options){ .detached = true });
	for (size_t i = 0; i < CHAIN; i++) {
		levels->item[i] = bide_in(scopes[i], bide_delay_ns(BIDE_FOREVER));
		races[i] = bide_race(scopes[i + 1], &levels->item[i], 1);
	}
	bide_context_cancel(scopes[0], ECANCELED);
	for (size_t i = 0; i < CHAIN; i++)
		assert_int_equal(result_of(races[i]), 0);
	for (size_t i = 0; i <= CHAIN; i++)
		bide_context_unref(scopes[i]);
	free(scopes);
	free(levels);
	free(races);
	assert_nothing_in_use();
	return NULL;
}

TEST_SLOW(cancellations_that_follow_from_cancellations_run_in_bounded_stack, 60)
{
	on_small_stack(chain_races);
}

/* --- no memory --- */

static long allowed_allocations;

static void *limited_allocate(size_t size_bytes, size_t alignment, void *argument)
{
	void *memory = NULL;
	(void)argument;
	if (allowed_allocations == 0)
		return NULL;
	allowed_allocations--;
	return posix_memalign(&memory, alignment < sizeof(void *) ? sizeof(void *) : alignment,
	                      size_bytes) == 0
	           ? memory
	           : NULL;
}

static void limited_release(void *memory, size_t size_bytes, void *argument)
{
	(void)size_bytes;
	(void)argument;
	free(memory);
}

/* Every object becomes an allocation of its own, so that each one can fail. */
static void limit_memory(void)
{
	static const bide_allocator limited = { limited_allocate, limited_release, NULL };
	setenv("BIDE_POOL", "malloc", 1);
	assert_int_equal(bide_set_allocator(&limited), 0);
	allowed_allocations = -1;
}

/* One combinator over two pending items: its error. If it has memory the items end. */
typedef int scenario(void);

static int scenario_when_all(void)
{
	bide_value_task all = bide_when_all(items, 2);
	if (bide_value_task_is_ready(all)) {
		assert_pending(items[0]); /* not consumed */
		return error_of(all);
	}
	finish(0, 1);
	finish(1, 2);
	assert_int_equal(error_of(all), 0);
	return 0;
}

static int scenario_when_any(void)
{
	bide_value_task any = bide_when_any(items, 2);
	if (bide_value_task_is_ready(any))
		return error_of(any);
	finish(1, 2);
	assert_int_equal(result_of(any), 1);
	result_of(items[1]);
	finish(0, 2);
	result_of(items[0]);
	return 0;
}

static int scenario_when_any_with_yield(void)
{
	int error;
	items[2] = bide_yield();
	bide_value_task any = bide_when_any(items, 3);
	error = error_of(any);
	if (!error) {
		finish(0, 0);
		finish(1, 0);
		result_of(items[0]);
		result_of(items[1]);
	}
	return error;
}

static int scenario_race(void)
{
	bide_value_task race = bide_race(NULL, items, 2);
	if (bide_value_task_is_ready(race)) {
		assert_pending(items[0]);
		return error_of(race);
	}
	finish(1, 2);
	finish(0, 2);
	assert_int_equal(result_of(race), 1);
	return 0;
}

static int scenario_when_each(void)
{
	bide_when_each each;
	bide_value_task next;
	int error;
	bide_when_each_init(&each, items, 2);
	next = bide_when_each_next(&each);
	if (bide_value_task_is_ready(next)) {
		error = error_of(next);
		assert_int_equal(error_of(bide_when_each_end(&each)), 0);
		return error;
	}
	finish(1, 2);
	assert_int_equal(result_of(next), 1);
	finish(0, 2);
	assert_int_equal(result_of(bide_when_each_next(&each)), 0);
	assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_END);
	return 0;
}

/* For n = 0, 1, 2...: all allocations after n fail; then the items are still the caller's. */
static void fail_each_allocation(scenario *run)
{
	int error = ENOMEM;
	limit_memory();
	for (long n = 0; error != 0; n++) {
		assert_true(n < 20);
		(void)bide_now_ns();
		make_pending(2);
		allowed_allocations = n;
		error = run();
		allowed_allocations = -1;
		if (error) {
			assert_int_equal(error, ENOMEM);
			finish(0, 5);
			finish(1, 6);
			assert_int_equal(result_of(items[0]), 5);
			assert_int_equal(result_of(items[1]), 6);
			settle_workers();
			assert_int_equal(stats().operation_count, 0);
		} else {
			assert_true(n > 0);
		}
	}
}

TEST(when_all_without_memory_fails_and_consumes_nothing)
{
	fail_each_allocation(scenario_when_all);
}

TEST(when_any_without_memory_fails)
{
	fail_each_allocation(scenario_when_any);
}

TEST(when_any_without_memory_for_a_yield_fails)
{
	fail_each_allocation(scenario_when_any_with_yield);
}

TEST(race_without_memory_fails_and_consumes_nothing)
{
	fail_each_allocation(scenario_race);
}

TEST(when_each_without_memory_fails_and_consumes_nothing)
{
	fail_each_allocation(scenario_when_each);
}

/* Over tasks each wait has an object of its own. */
static int with_memory_for(long n, bide_value_task (*combine)(bide_task *const *, size_t))
{
	int error = -1;
	make_tasks(3);
	allowed_allocations = n;
	bide_value_task value = combine(tasks, 3);
	allowed_allocations = -1;
	bide_task_complete_int(tasks[0], 0);
	if (combine == bide_when_any_tasks)
		error = error_of(value);
	bide_task_complete_int(tasks[1], 1);
	bide_task_complete_int(tasks[2], 2);
	if (combine == bide_when_all_tasks)
		error = error_of(value);
	settle_workers();
	assert_int_equal(stats().operation_count, 0);
	drop_tasks(3);
	return error;
}

TEST(when_any_over_tasks_without_memory_fails_and_forgets_them)
{
	limit_memory();
	for (long n = 0; n < 4; n++)
		assert_int_equal(with_memory_for(n, bide_when_any_tasks), ENOMEM);
	assert_int_equal(with_memory_for(4, bide_when_any_tasks), 0);
}

TEST(when_all_over_tasks_without_memory_for_a_wait_counts_only_if_it_is_missed)
{
	limit_memory();
	assert_int_equal(with_memory_for(0, bide_when_all_tasks), ENOMEM);
	assert_int_equal(with_memory_for(1, bide_when_all_tasks), ENOMEM); /* waited for nobody */
	assert_int_equal(with_memory_for(2, bide_when_all_tasks), ENOMEM);
	assert_int_equal(with_memory_for(3, bide_when_all_tasks), ENOMEM);
	assert_int_equal(with_memory_for(4, bide_when_all_tasks), 0);
}

/* --- misuse --- */

TEST(misuse_says_what_was_wrong)
{
	bide_when_each each;
	tasks[0] = NULL;
	EXPECT_ABORT(bide_forget(bide_when_all(NULL, 2)),
	             "bide_when_all: items is NULL, an array of count");
	EXPECT_ABORT(bide_forget(bide_when_all_tasks(NULL, 2)), "bide_when_all_tasks: tasks is NULL");
	EXPECT_ABORT(bide_forget(bide_when_all_tasks(tasks, 1)),
	             "bide_when_all_tasks: tasks[0] is NULL");
	EXPECT_ABORT(bide_forget(bide_when_any(NULL, 2)), "bide_when_any: items is NULL");
	EXPECT_ABORT(bide_forget(bide_when_any_tasks(tasks, 1)),
	             "bide_when_any_tasks: tasks[0] is NULL");
	EXPECT_ABORT(bide_when_each_init(NULL, items, 1), "bide_when_each_init: each is NULL");
	EXPECT_ABORT(bide_when_each_init(&each, NULL, 1), "bide_when_each_init: items is NULL");
	EXPECT_ABORT(bide_forget(bide_when_each_next(NULL)), "bide_when_each_next: each is NULL");
	EXPECT_ABORT(bide_forget(bide_when_each_end(NULL)), "bide_when_each_end: each is NULL");
	expect_misuse();
	assert_int_equal(bide_value_task_error(bide_when_all(NULL, 2)), EINVAL);
	assert_int_equal(bide_value_task_error(bide_when_all_tasks(tasks, 1)), EINVAL);
	assert_int_equal(bide_value_task_error(bide_when_any(NULL, 2)), EINVAL);
	assert_int_equal(bide_value_task_error(bide_when_any_tasks(tasks, 1)), EINVAL);
	bide_when_each_init(&each, NULL, 1);
	assert_int_equal(bide_value_task_error(bide_when_each_next(&each)), EINVAL);
	assert_int_equal(misuse_count, 5);
}

TEST(an_item_that_is_replaced_while_it_is_awaited_is_misuse)
{
	expect_misuse();
	make_pending(2);
	bide_value_task all = bide_when_all(items, 1);
	bide_value_task mine = items[0];
	items[0] = items[1];
	finish(0, 1);
	assert_int_equal(error_of(all), EINVAL);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "bide_when_all: an item was replaced"));
	finish(1, 2);
	assert_int_equal(result_of(bide_user_source_value_task(&sources[1])), 2);
	assert_int_equal(result_of(mine), 1);
}

/* --- completions from other threads --- */

enum { ROUNDS = 2000 };

static pthread_barrier_t rendezvous;
static bool is_last_round;

/* Completes its source in each round, at about the same time as the others. */
static void *complete_rounds(void *argument)
{
	size_t i = (size_t)(uintptr_t)argument;
	for (;;) {
		pthread_barrier_wait(&rendezvous);
		if (is_last_round)
			return NULL;
		for (size_t spin = (size_t)rand() % 64; spin > 0; spin--)
			__asm__ __volatile__("" ::: "memory");
		if (i < 2)
			finish(i, (int64_t)i);
		else
			bide_task_complete_int(tasks[i - 2], (int64_t)i);
		pthread_barrier_wait(&rendezvous);
	}
}

static void with_three_threads(void (*round)(void))
{
	pthread_t threads[3];
	pthread_barrier_init(&rendezvous, NULL, 4);
	(void)bide_now_ns(); /* this thread is the worker */
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, complete_rounds, (void *)(uintptr_t)i),
		                 0);
	for (size_t n = 0; n < ROUNDS; n++) {
		make_pending(2);
		make_tasks(1);
		round();
		drop_tasks(1);
	}
	is_last_round = true;
	pthread_barrier_wait(&rendezvous);
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&rendezvous);
	settle(0);
}

static void round_when_all(void)
{
	items[2] = bide_task_await(tasks[0]);
	bide_value_task all = bide_when_all(items, 3);
	pthread_barrier_wait(&rendezvous);
	assert_int_equal(error_of(all), 0);
	for (size_t i = 0; i < 3; i++)
		assert_item(i, (int64_t)i);
	pthread_barrier_wait(&rendezvous);
}

static void round_when_any(void)
{
	bool taken[3] = { false };
	items[2] = bide_task_await(tasks[0]);
	pthread_barrier_wait(&rendezvous);
	for (size_t n = 0; n < 3; n++) {
		bide_value_task left[3];
		size_t index[3], count = 0;
		for (size_t i = 0; i < 3; i++) {
			if (taken[i])
				continue;
			index[count] = i;
			left[count++] = items[i];
		}
		size_t winner = index[result_of(bide_when_any(left, count))];
		assert_int_equal(result_of(items[winner]), winner);
		taken[winner] = true;
	}
	pthread_barrier_wait(&rendezvous);
}

static void round_when_each(void)
{
	bide_when_each each;
	int64_t sum = 0;
	items[2] = bide_task_await(tasks[0]);
	bide_when_each_init(&each, items, 3);
	pthread_barrier_wait(&rendezvous);
	for (size_t n = 0; n < 3; n++)
		sum += result_of(bide_when_each_next(&each)) + 1;
	assert_int_equal(sum, 6);
	assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_END);
	pthread_barrier_wait(&rendezvous);
}

/* Gives up while the others complete: all that is left is consumed one by one. */
static void round_when_each_end(void)
{
	bide_when_each each;
	items[2] = bide_task_await(tasks[0]);
	bide_when_each_init(&each, items, 3);
	pthread_barrier_wait(&rendezvous);
	int64_t first = result_of(bide_when_each_next(&each));
	assert_int_equal(error_of(bide_when_each_end(&each)), 0);
	for (size_t i = 0; i < 3; i++)
		if ((int64_t)i != first)
			assert_int_equal(result_of(items[i]), i);
	pthread_barrier_wait(&rendezvous);
}

static void round_race(void)
{
	items[2] = bide_task_await(tasks[0]);
	bide_value_task race = bide_race(NULL, items, 3);
	pthread_barrier_wait(&rendezvous);
	int64_t winner = result_of(race);
	assert_true(winner >= 0 && winner < 3);
	for (size_t i = 0; i < 3; i++)
		assert_item(i, (int64_t)i);
	pthread_barrier_wait(&rendezvous);
}

TEST_SLOW(when_all_takes_completions_from_other_threads, 60)
{
	with_three_threads(round_when_all);
}

TEST_SLOW(when_any_takes_completions_from_other_threads, 60)
{
	with_three_threads(round_when_any);
}

TEST_SLOW(when_each_takes_completions_from_other_threads, 60)
{
	with_three_threads(round_when_each);
}

TEST_SLOW(when_each_end_waits_for_completions_on_other_threads, 60)
{
	with_three_threads(round_when_each_end);
}

TEST_SLOW(race_takes_completions_from_other_threads, 60)
{
	with_three_threads(round_race);
}

/* Another thread combines tasks that the worker completes. */
static void *combine_elsewhere(void *argument)
{
	(void)argument;
	for (size_t n = 0; n < ROUNDS; n++) {
		pthread_barrier_wait(&rendezvous);
		int64_t winner = result_of(bide_when_any_tasks(tasks, 2));
		assert_true(bide_task_is_ready(tasks[winner]));
		assert_int_equal(error_of(bide_when_all_tasks(tasks, 2)), 0);
		items[0] = bide_task_await(tasks[0]);
		items[1] = bide_task_await(tasks[1]);
		assert_int_equal(error_of(bide_when_all(items, 2)), 0);
		pthread_barrier_wait(&rendezvous);
	}
	return NULL;
}

TEST_SLOW(a_thread_that_is_not_the_worker_combines_tasks, 60)
{
	pthread_t thread;
	(void)bide_now_ns();
	pthread_barrier_init(&rendezvous, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, combine_elsewhere, NULL), 0);
	for (size_t n = 0; n < ROUNDS; n++) {
		make_tasks(2);
		pthread_barrier_wait(&rendezvous);
		bide_task_complete_int(tasks[n % 2], 1);
		settle(0);
		bide_task_complete_int(tasks[1 - n % 2], 2);
		pthread_barrier_wait(&rendezvous);
		drop_tasks(2);
	}
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&rendezvous);
}
