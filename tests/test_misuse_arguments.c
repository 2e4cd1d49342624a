/*
 * Arguments that the headers forbid. Each is reported once, with the name and the place of the
 * call; if the hook returns, the call returns the documented error and has no effect.
 */
#include <errno.h>
#include <string.h>

#include "support/later.h"
#include "support/library.h"

#include <bide/bide.h>
#include <bide/short.h>

/* Asserts that the call returns a value task that has failed with EINVAL. */
#define REFUSED(call, function, why) MISUSE(assert_int_equal((call).state, EINVAL), function, why)

TEST(null_objects_are_misuse)
{
	bide_cancel_token none = bide_cancel_token_none();
	bide_cancel_registration registration = { 0 };

	expect_misuse();
	MISUSE(assert_int_equal(bide_task_wait(NULL, NULL), EINVAL), "bide_task_wait", "NULL");
	MISUSE(assert_int_equal(bide_task_error(NULL), EINVAL), "bide_task_error", "NULL");
	MISUSE(bide_task_complete_int(NULL, 1), "bide_task_complete_int", "NULL");
	MISUSE(bide_task_fail(NULL, EIO), "bide_task_fail", "NULL");
	MISUSE(assert_null(bide_task_run(NULL, NULL)), "bide_task_run", "NULL");
	REFUSED(bide_run_blocking(NULL, NULL), "bide_run_blocking", "NULL");
	REFUSED(bide_run_on_new_thread(NULL, NULL), "bide_run_on_new_thread", "NULL");
	REFUSED(bide_group_wait(NULL), "bide_group_wait", "NULL");
	MISUSE(assert_int_equal(bide_group_pending(NULL), 0), "bide_group_pending", "NULL");
	MISUSE(assert_null(bide_group_context(NULL)), "bide_group_context", "NULL");
	MISUSE(bide_group_cancel(NULL), "bide_group_cancel", "NULL");
	MISUSE(bide_group_add(NULL, value_task_from(1)), "bide_group_add", "NULL");
	MISUSE(assert_false(bide_cancel_source_cancel(NULL)), "bide_cancel_source_cancel", "NULL");
	MISUSE(assert_false(bide_cancel_source_try_reset(NULL)), "bide_cancel_source_try_reset",
	       "NULL");
	MISUSE(assert_null(bide_cancel_source_create_linked(NULL, 1)),
	       "bide_cancel_source_create_linked", "NULL");
	MISUSE(assert_false(bide_cancel_token_register(none, &registration, NULL, NULL)),
	       "bide_cancel_token_register", "callback is NULL");
	MISUSE(assert_false(bide_cancel_registration_unregister(NULL)),
	       "bide_cancel_registration_unregister", "NULL");
	MISUSE(assert_false(bide_cancel_registration_unregister_wait(NULL)),
	       "bide_cancel_registration_unregister_wait", "NULL");
	MISUSE(assert_false(bide_context_cancel(NULL, ECANCELED)), "bide_context_cancel", "NULL");
	REFUSED(bide_when_all(NULL, 1), "bide_when_all", "NULL");
	REFUSED(bide_when_any(NULL, 1), "bide_when_any", "NULL");
	REFUSED(bide_when_each_next(NULL), "bide_when_each_next", "NULL");
	REFUSED(bide_when_each_end(NULL), "bide_when_each_end", "NULL");
	REFUSED(bide_periodic_timer_next(NULL), "bide_periodic_timer_next", "NULL");
	MISUSE(assert_false(bide_trace_read(1, NULL)), "bide_trace_read", "NULL");
	MISUSE(bide_stats_get(NULL), "bide_stats_get", "NULL");
	assert_nothing_in_use();
}

TEST(numbers_out_of_range_are_misuse)
{
	task *t = task_create(NULL);
	bide_cancel_source *source = bide_cancel_source_create();
	static const int wrong[] = { 0, -1, 4096 };

	expect_misuse();
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		MISUSE(bide_task_fail(t, wrong[i]), "bide_task_fail", "4095");
		MISUSE(assert_false(bide_task_try_fail(t, wrong[i])), "bide_task_try_fail", "4095");
		REFUSED(value_task_from_error(wrong[i]), "bide_value_task_from_error", "4095");
		MISUSE(assert_null(bide_task_from_error(wrong[i])), "bide_task_from_error", "4095");
	}
	assert_int_equal(bide_task_status(t), BIDE_PENDING);
	REFUSED(bide_delay(-1), "bide_delay", "delay_ns");
	MISUSE(assert_int_equal(bide_cancel_source_cancel_after(source, -1), EINVAL),
	       "bide_cancel_source_cancel_after", "BIDE_FOREVER");
	assert_false(bide_cancel_source_is_canceled(source));
	MISUSE(assert_null(bide_periodic_timer_create(0)), "bide_periodic_timer_create", "period");
	REFUSED(bide_when_any(NULL, 0), "bide_when_any", "NULL");
	bide_cancel_source_unref(source);
	bide_task_cancel(t);
	task_unref(t);
	assert_nothing_in_use();
}

struct fails {
	ASYNC_FRAME;
	struct {
		int error;
	} in;
};

static int failed_at;

async(fails)
{
	async_begin;
	failed_at = __LINE__ + 1;
	async_fail(my->in.error);
async_finally:
	async_end;
}

TEST(async_fail_with_an_invalid_error_number_is_misuse_at_its_line)
{
	char place[128];

	expect_misuse();
	for (int error = -1; error < 5000; error += error == 0 ? 4096 : 1) {
		misuse_count = 0;
		assert_int_equal(error_of(async_start(fails, .error = error)), EINVAL);
		assert_int_equal(misuse_count, 1);
		snprintf(place, sizeof place, "(at " __FILE__ ":%d in fails)", failed_at);
		assert_non_null(strstr(misuse_text, "bide_async_fail: "));
		assert_non_null(strstr(misuse_text, place));
	}
	assert_int_equal(error_of(async_start(fails, .error = EIO)), EIO);
}
