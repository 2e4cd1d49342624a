/*
 * A value task that is over: its queries agree, it is consumed without waiting, and a function is
 * called when it is.
 */
/* threads */
#include "task_support.h"

/* --- over, and the outcome lies in the source --- */

TEST(status_error_and_result_of_what_is_over_agree)
{
	value_task ok = later_value(MS, 42), bad = later_error(MS, EIO);

	while (!value_task_is_ready(ok) || !value_task_is_ready(bad))
		assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0);
	assert_int_equal(bide_value_task_status(ok), BIDE_SUCCEEDED);
	assert_int_equal(value_task_error(ok), 0);
	assert_int_equal(value_task_result(ok).i, 42);
	assert_int_equal(bide_value_task_status(bad), BIDE_FAILED);
	assert_int_equal(value_task_error(bad), EIO);
	assert_int_equal(value_task_result(bad).i, 0);
	/* asking has consumed nothing */
	assert_int_equal(wait_int(ok, NULL), 0);
	assert_int_equal(wait_int(bad, NULL), EIO);
}
