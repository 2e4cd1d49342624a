/*
 * The short names: `x` is `bide_x`. tests/compile/pass_short_names.c checks what short.h may be,
 * and tools/short_names.sh which words stay free.
 */
#include <errno.h>
#include <string.h>

#include "support/library.h"

#include <bide/short.h>

struct run {
	ASYNC_FRAME;
};

async(run)
{
	async_begin;
	await(delay(BIDE_FOREVER));
async_finally:
	async_end;
}

static void note_line(const char *line, void *seen)
{
	if (strstr(line, "run: awaiting") && !strstr(line, "bide_run"))
		*(bool *)seen = true;
}

TEST(an_async_function_named_by_a_plain_word_keeps_its_name_in_a_dump)
{
	context *scope = context_create(NULL);
	value_task pending;
	bool seen = false;

	assert_non_null(scope);
	pending = in_context(scope, async_start(run));
	settle(0);
	assert_int_equal(dump(note_line, &seen), 1);
	assert_true(seen);
	assert_true(context_cancel(scope, ECANCELED));
	assert_int_equal(value_task_wait(pending, NULL), ECANCELED);
	context_unref(scope);
}

static value_task doubles(void *argument)
{
	return value_task_from(2 * *(int *)argument);
}

TEST(a_short_name_is_the_function_itself)
{
	assert_true(run == bide_run);
	assert_true(delay_ms == bide_delay_ms);
	assert_true(task_unref == bide_task_unref);
}

TEST(plain_words_call_the_functions)
{
	int number = 21;
	payload got;

	assert_int_equal(value_task_wait(run(doubles, &number), &got), 0);
	assert_int_equal(got.i, 42);
	assert_int_equal(drain(BIDE_FOREVER), 0);
}
