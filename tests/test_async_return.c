/*
 * The values that async_return takes: scalars, strings, value tasks and owned results.
 */
/* threads */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/later.h"
#include "support/library.h"

#include <bide/short.h>

BIDE_VALUE_TASK_OF(text_task, const char *);

static text_task text_later(int yields)
{
	return BIDE_TYPED(text_task, later(yields, (int64_t)(uintptr_t) "typed"));
}

struct returns {
	ASYNC_FRAME;
	struct {
		int what;
		int yields;
		task *shared;
	} in;
	char buffer[16];
};

async(returns)
{
	async_begin;
	if (my->in.what == 0)
		async_return("literal");
	if (my->in.what == 1)
		async_return(text_later(my->in.yields));
	if (my->in.what == 2)
		async_return(later(my->in.yields, 22));
	if (my->in.what == 3)
		async_return(failing(my->in.yields, EIO));
	if (my->in.what == 4)
		async_return(2.5);
	if (my->in.what == 5)
		async_return(1.5f);
	if (my->in.what == 6)
		async_return((unsigned char)200);
	if (my->in.what == 7)
		async_return(task_await(my->in.shared));
	if (my->in.what == 8)
		async_return(value_task_completed());
	async_return(my->in.what == 9);
async_finally:
	async_end;
}

TEST(async_return_takes_scalars_strings_and_value_tasks)
{
	bide_payload result;
	task *t = task_create(0);

	for (int yields = 0; yields < 2; yields++) {
		assert_int_equal(bide_value_task_wait(async_start(returns, .what = 0), &result), 0);
		assert_string_equal(result.p, "literal");
		assert_int_equal(bide_value_task_wait(async_start(returns, .what = 1, .yields = yields),
		                                      &result),
		                 0);
		assert_string_equal(result.p, "typed");
		assert_int_equal(result_of(async_start(returns, .what = 2, .yields = yields)), 22);
		assert_int_equal(error_of(async_start(returns, .what = 3, .yields = yields)), EIO);
	}
	assert_int_equal(bide_value_task_wait(async_start(returns, .what = 4), &result), 0);
	assert_true(result.d == 2.5);
	assert_int_equal(bide_value_task_wait(async_start(returns, .what = 5), &result), 0);
	assert_true(result.d == 1.5);
	assert_int_equal(result_of(async_start(returns, .what = 6)), 200);
	bide_task_complete_int(t, 77);
	assert_int_equal(result_of(async_start(returns, .what = 7, .shared = t)), 77);
	assert_int_equal(result_of(async_start(returns, .what = 8)), 0);
	assert_int_equal(result_of(async_start(returns, .what = 9)), 1);
	assert_int_equal(result_of(async_start(returns, .what = 10)), 0);
	task_unref(t);
}

static int drops;

static void drop(void *pointer)
{
	drops++;
	free(pointer);
}

struct owned {
	ASYNC_FRAME_OWNED;
	struct {
		int yields;
		int cleanup_error;
		bool null_result;
	} in;
	char *text;
};

async(owned)
{
	async_begin;
	while (my->in.yields-- > 0)
		await(async_yield());
	my->text = my->in.null_result ? NULL : strdup("owned");
	async_return_owned(my->text, drop);
async_finally:
	if (my->in.cleanup_error) {
		await(failing(0, my->in.cleanup_error));
		await(failing(1, EDOM));
	}
	async_end;
}

TEST(an_owned_result_is_dropped_once_if_the_cleanup_fails)
{
	bide_payload result;

	for (int yields = 0; yields < 2; yields++) {
		drops = 0;
		assert_int_equal(bide_value_task_wait(async_start(owned, .yields = yields), &result), 0);
		assert_string_equal(result.p, "owned");
		free(result.p);
		assert_int_equal(drops, 0);
		assert_int_equal(error_of(async_start(owned, .yields = yields, .cleanup_error = EIO)), EIO);
		assert_int_equal(drops, 1);
	}
}

struct own_name {
	ASYNC_FRAME;
	struct {
		int yields;
	} in;
	char name[32];
};

async(own_name)
{
	async_begin;
	while (my->in.yields-- > 0)
		await(async_yield());
	strcpy(my->name, "in the frame");
	async_return(my->name + 3); /* bide-check: ignore */
async_finally:
	async_end;
}

TEST(a_pointer_into_the_functions_own_frame_is_no_result)
{
	expect_misuse();
	for (int yields = 0; yields < 2; yields++) {
		misuse_count = 0;
		assert_int_equal(error_of(async_start(own_name, .yields = yields)), EINVAL);
		assert_int_equal(misuse_count, 1);
		assert_non_null(strstr(misuse_text, "own_name"));
		assert_non_null(strstr(misuse_text, "points into the frame"));
		assert_non_null(strstr(misuse_text, "bide_async_return_large"));
	}
}

struct callers_memory {
	ASYNC_FRAME;
	struct {
		char *name;
	} in;
};

async(callers_memory)
{
	async_in(name);
	await(async_yield());
	strcpy(name, "outside");
	async_return(name);
async_finally:
	async_end;
}

TEST(a_pointer_into_the_callers_memory_is_a_result)
{
	char name[16] = "";
	bide_payload result = { .p = NULL };

	assert_int_equal(bide_value_task_wait(async_start(callers_memory, .name = name), &result), 0);
	assert_ptr_equal(result.p, name);
}
