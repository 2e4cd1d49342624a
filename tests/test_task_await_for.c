/*
 * task_await_for waits for a task with a limit. Names that begin with AW have the number of the row
 * of docs/behaviours.tsv that they cover.
 */
/* threads */
#include <errno.h>

#include "support/library.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

TEST(AW_20_a_completed_task_has_priority_over_cancellation_and_a_zero_timeout)
{
	bide_context *scope = bide_context_create(NULL);
	bide_task *completed = bide_task_create(0), *failed = bide_task_create(0);
	bide_context_cancel(scope, ECANCELED);
	bide_task_complete_int(completed, 5);
	bide_task_fail(failed, EIO);
	assert_int_equal(result_of(bide_in_context(scope, bide_task_await_for(completed, 0))), 5);
	assert_int_equal(error_of(bide_in_context(scope, bide_task_await_for(failed, 0))), EIO);
	bide_task_unref(completed);
	bide_task_unref(failed);
	bide_context_unref(scope);
}

TEST(AW_21_a_wait_that_times_out_leaves_the_task_running)
{
	bide_task *waited = bide_task_create(0);
	assert_int_equal(error_of(bide_task_await_for(waited, BIDE_MS(1))), ETIMEDOUT);
	assert_int_equal(error_of(bide_task_await_for(waited, 0)), ETIMEDOUT);
	assert_false(bide_task_is_ready(waited));
	bide_task_complete_int(waited, 1);
	assert_int_equal(result_of(bide_task_await(waited)), 1);
	bide_task_unref(waited);
}

TEST(AW_21_a_wait_that_is_canceled_leaves_the_task_running)
{
	bide_context *scope = bide_context_create(NULL);
	bide_task *waited = bide_task_create(0);
	bide_value_task wait = bide_in_context(scope, bide_task_await_for(waited, BIDE_SECONDS(1)));
	bide_context_cancel(scope, ECANCELED);
	assert_int_equal(error_of(wait), ECANCELED);
	settle_workers();
	assert_none(timer_count);
	assert_false(bide_task_is_ready(waited));
	bide_task_complete_int(waited, 1);
	bide_task_unref(waited);
	bide_context_unref(scope);
}

TEST(AW_22_a_task_that_ends_in_time_removes_the_timer_and_the_registration)
{
	bide_context *scope = bide_context_create(NULL);
	bide_task *waited = bide_task_create(0);
	uint64_t before = stats().operation_count;
	bide_value_task wait = bide_in_context(scope, bide_task_await_for(waited, BIDE_SECONDS(1)));
	assert_int_equal(stats().timer_count, 1);
	bide_task_complete_int(waited, 8);
	settle_workers();
	assert_none(timer_count);
	assert_int_equal(result_of(wait), 8);
	assert_int_equal(stats().operation_count, before);
	bide_context_cancel(scope, ECANCELED); /* has nothing to cancel */
	bide_task_unref(waited);
	bide_context_unref(scope);
}
