/*
 * when_all over value tasks and over tasks. Names that begin with WX have the number of the row of
 * docs/behaviours.tsv that they cover.
 */
/* threads */
#include "support/combine_support.h"
#include "support/small_stack.h"

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
	items[1] = bide_async_yield();
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
	bide_value_task_forget(bide_when_all(items, 1));
	bide_task *task = bide_value_task_as_task(bide_when_all(items + 1, 1));
	finish(0, 1);
	finish_failed(1, EIO);
	assert_int_equal(bide_task_error(task), EIO);
	bide_task_unref(task);
}

TEST(when_all_over_tasks_ends_its_waits_when_it_is_canceled)
{
	bide_context *scope = bide_context_create(NULL);
	make_tasks(2);
	bide_value_task all = bide_in_context(scope, bide_when_all_tasks(tasks, 2));
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
	unsetenv("BIDE_POOL"); /* only pool memory shows that a value task is stale */
	expect_misuse();
	items[0] = bide_async_start(sleeper);
	bide_context *scope = bide_context_create(NULL);
	items[1] = bide_in_context(scope, bide_async_start(sleeper));
	bide_value_task copy = items[1];
	bide_context_cancel(scope, ECANCELED);
	bide_context_unref(scope);
	assert_int_equal(error_of(copy), ECANCELED);
	assert_int_equal(bide_value_task_error(bide_when_all(items + 1, 1)), BIDE_ESTALE);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "bide_when_all"));
	bide_value_task_forget(items[0]);
	assert_int_equal(shut_down(), 1); /* for the first sleeper */
}

TEST(replacing_an_item_while_it_is_awaited_is_misuse)
{
	expect_misuse();
	make_pending(2);
	bide_value_task all = bide_when_all(items, 1);
	bide_value_task mine = items[0], other = items[1];
	items[0] = items[1];
	finish(0, 1);
	assert_int_equal(error_of(all), EINVAL);
	assert_int_equal(misuse_count, 1);
	assert_non_null(
		strstr(misuse_text, "bide_when_all: an item has changed before the await returned"));
	finish(1, 2);
	assert_int_equal(result_of(other), 2);
	assert_int_equal(result_of(mine), 1);
}

TEST(losing_the_array_while_it_is_awaited_is_misuse_that_names_locals)
{
	expect_misuse();
	make_pending(1);
	bide_value_task all = bide_when_all(items, 1);
	bide_value_task mine = items[0];
	items[0].payload.generation ^= 1; /* as if a local array had lost its content at the await */
	finish(0, 1);
	assert_int_equal(error_of(all), BIDE_ESTALE);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "a local array of an async function is lost at the await"));
	assert_int_equal(result_of(mine), 1);
}

/* --- depth --- */

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
	on_small_stack(nest_when_all, NULL);
	worker_has_ended = true;
}

/* --- no memory --- */

static int scenario_when_all(void)
{
	bide_value_task all = bide_when_all(items, 2);
	if (bide_value_task_is_ready(all)) {
		assert_pending(items[0]); /* it consumed nothing */
		return error_of(all);
	}
	finish(0, 1);
	finish(1, 2);
	assert_int_equal(error_of(all), 0);
	return 0;
}

TEST(when_all_without_memory_fails_and_consumes_nothing)
{
	fail_each_allocation(scenario_when_all);
}

TEST(when_all_over_tasks_fails_only_if_it_misses_the_memory_for_a_wait)
{
	limit_objects();
	assert_int_equal(with_memory_for(0, bide_when_all_tasks), ENOMEM);
	assert_int_equal(with_memory_for(1, bide_when_all_tasks), ENOMEM); /* it waited for no task */
	assert_int_equal(with_memory_for(2, bide_when_all_tasks), ENOMEM);
	assert_int_equal(with_memory_for(3, bide_when_all_tasks), ENOMEM);
	assert_int_equal(with_memory_for(4, bide_when_all_tasks), 0);
}

/* --- completions from other threads --- */

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

TEST_SLOW(when_all_takes_completions_from_other_threads, 60)
{
	with_three_threads(round_when_all);
}
