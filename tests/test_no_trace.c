/*
 * BIDE_NO_TRACE: the functions of such a source file note no trace, but keep the traces that they
 * are given.
 */
#define BIDE_NO_TRACE 1
#include "support/task_support.h"

struct silent {
	ASYNC_FRAME;
	struct {
		task *task;
		int error;
		bool wait;
	} in;
};

async(silent)
{
	async_begin;
	if (my->in.wait)
		await(bide_async_yield());
	if (my->in.task)
		await(my->in.task);
	if (my->in.error == EPIPE)
		async_return(value_task_from_error(my->in.error));
	if (my->in.error)
		async_fail(my->in.error);
async_finally:
	async_end;
}

TEST(nothing_is_noted)
{
	static const int errors[] = { EIO, EPIPE };
	task *t = task_create(0);

	for (int i = 0; i < 4; i++) {
		int error = errors[i / 2];
		assert_int_equal(bide_value_task_wait(async_start(silent, .error = error, .wait = i % 2),
		                                      NULL),
		                 error);
		assert_int_equal(bide_trace_of_wait(), 0);
	}
	bide_task_fail(t, EIO);
	assert_int_equal(bide_task_wait(t, NULL), EIO);
	assert_int_equal(bide_trace_of_wait(), 0);
	task_unref(t);
}

TEST(a_trace_from_a_callee_is_kept)
{
	static const bide_place place = { "elsewhere.c", 9, "elsewhere" };
	task *t = task_create(0);
	bide_trace_entry entry;

	bide_task_fail_at_(t, EIO, &place);
	for (int wait = 0; wait < 2; wait++) {
		assert_int_equal(bide_value_task_wait(async_start(silent, .task = t, .wait = wait), NULL),
		                 EIO);
		assert_true(bide_trace_read(bide_trace_of_wait(), &entry));
		assert_string_equal(entry.function, "elsewhere");
		assert_int_equal(entry.line, 9);
	}
	task_unref(t);
}
