/*
 * An outcome that the library drops because another one has priority goes to the unobserved hook. A
 * cancellation does not, and neither does the reason a context was canceled with.
 */
/* threads */
#include "support/task_support.h"

struct fails {
	ASYNC_FRAME;
	struct {
		int error;
	} in;
};

async(fails)
{
	async_begin;
	await(bide_async_yield());
	async_fail(my->in.error);
async_finally:
	async_end;
}

struct sleeps {
	ASYNC_FRAME;
};

async(sleeps)
{
	async_begin;
	await(delay(BIDE_FOREVER));
async_finally:
	async_end;
}

static void expect_lost(int count, int error)
{
	settle(0);
	assert_int_equal(atomic_load(&unobserved_count), count);
	if (count)
		assert_int_equal(unobserved_error, error);
}

static int error_of(value_task v)
{
	return value_task_wait(v, NULL);
}

/* --- groups --- */

static const bide_group_options keep_going = { .keep_going = true };

TEST(errors_that_a_group_does_not_return_are_reported)
{
	user_source source;
	bide_group group;

	catch_unobserved();
	assert_int_equal(bide_group_init(&group, &keep_going), 0);
	user_source_init(&source, NULL);
	bide_group_add(&group, user_source_value_task(&source));
	bide_group_add(&group, value_task_from_error(EIO));
	bide_group_add(&group, value_task_from_error(EPIPE));
	expect_lost(1, EPIPE);
	user_source_fail(&source, ERANGE);
	bide_group_add(&group, async_start(fails, .error = ECANCELED));
	assert_int_equal(error_of(bide_group_wait(&group)), EIO);
	expect_lost(2, ERANGE);
}

TEST(a_member_that_fails_while_it_is_canceled_is_reported_by_its_function_name)
{
	bide_group group;

	catch_unobserved();
	assert_int_equal(bide_group_init(&group, NULL), 0);
	bide_group_add(&group, value_task_from_error(EIO));
	bide_group_add(&group, async_start(fails, .error = EPIPE));
	assert_int_equal(error_of(bide_group_wait(&group)), EIO);
	expect_lost(1, EPIPE);
	assert_string_equal(unobserved_function, "fails");
}

TEST(the_reason_a_group_was_canceled_with_is_not_reported)
{
	bide_context *context = bide_context_create(NULL);
	bide_group group;

	catch_unobserved();
	assert_int_equal(in_context(context, bide_group_init(&group, NULL)), 0);
	for (int i = 0; i < 3; i++)
		bide_group_start(&group, async_start(sleeps));
	bide_context_cancel(context, ETIMEDOUT);
	assert_int_equal(error_of(bide_group_wait(&group)), ETIMEDOUT);
	expect_lost(0, 0);
	bide_context_unref(context);
}

/* --- loops --- */

static value_task each(int64_t index, void *argument)
{
	(void)argument;
	return index % 2 ? value_task_from_error(EIO) : async_start(fails, .error = EIO);
}

static int part(int64_t begin, int64_t end, void *argument)
{
	(void)begin;
	(void)end;
	(void)argument;
	return EIO;
}

static value_task next(void *count)
{
	return atomic_fetch_sub((atomic_int *)count, 1) > 0 ? value_task_from(1)
	                                                    : value_task_from_error(BIDE_EEND);
}

static value_task each_item(bide_payload item, void *argument)
{
	(void)argument;
	return each(item.i, NULL);
}

TEST(errors_that_a_loop_does_not_return_are_reported)
{
	bide_parallel_options options = { .limit = 3, .grain = 1, .keep_going = true };
	atomic_int count = 6;

	catch_unobserved();
	assert_int_equal(error_of(for_each(0, 6, each, NULL, &options)), EIO);
	expect_lost(5, EIO);
	assert_int_equal(error_of(parallel_for(0, 6, part, NULL, &options)), EIO);
	expect_lost(10, EIO);
	assert_int_equal(error_of(for_each_of(next, each_item, &count, &options)), EIO);
	expect_lost(15, EIO);
}

/* One body fails with another error than that of the cancellation, with which the loop ends. */
static value_task fails_when_canceled(int64_t index, void *argument)
{
	(void)argument;
	return index == 0 ? async_start(fails, .error = EIO) : async_start(sleeps);
}

TEST(a_body_error_hidden_by_a_cancellation_is_reported_and_the_cancellation_is_not)
{
	bide_parallel_options options = { .limit = 4, .keep_going = true };
	bide_context *context = bide_context_create(NULL);
	value_task loop;

	catch_unobserved();
	loop = in_context(context, for_each(0, 4, fails_when_canceled, NULL, &options));
	settle(0);
	bide_context_cancel(context, ETIMEDOUT);
	assert_int_equal(error_of(loop), ETIMEDOUT);
	expect_lost(1, EIO);
	bide_context_unref(context);
}

/* --- the end of a function --- */

struct cleans_up {
	ASYNC_FRAME;
	struct {
		int first, in_cleanup;
	} in;
};

async(cleans_up)
{
	async_begin;
	if (my->in.first)
		async_fail(my->in.first);
async_finally:
	await(async_start(fails, .error = my->in.in_cleanup));
	await(value_task_from_error(EPIPE));
	async_end;
}

TEST(a_second_error_in_a_cleanup_is_reported)
{
	catch_unobserved();
	assert_int_equal(error_of(async_start(cleans_up, .first = EIO, .in_cleanup = ECANCELED)), EIO);
	expect_lost(1, EPIPE);
	assert_int_equal(error_of(async_start(cleans_up, .in_cleanup = ENOSPC)), ENOSPC);
	expect_lost(2, EPIPE);
}

struct child {
	ASYNC_FORK;
	struct {
		int error;
	} in;
};

async_forked(child)
{
	return async_start(fails, .error = my->in.error);
}

struct forks {
	BIDE_ASYNC_FRAME_FORKING;
	struct child a, b;
};

async(forks, a)
{
	async_begin;
async_finally:
	async_fork(child, my->a, .error = EIO);
	async_fork(child, my->b, .error = EIO);
	async_end;
}

TEST(all_errors_but_one_of_forks_joined_at_the_end_of_a_cleanup_are_reported)
{
	catch_unobserved();
	assert_int_equal(error_of(async_start(forks)), EIO);
	expect_lost(1, EIO);
}

/* --- outcomes that were read */

TEST(forgetting_a_value_task_reports_its_error_even_after_it_was_read)
{
	value_task ready = value_task_from_error(EIO), later = async_start(fails, .error = EPIPE);

	catch_unobserved();
	settle(0);
	assert_int_equal(bide_value_task_error(ready), EIO);
	value_task_forget(ready);
	expect_lost(1, EIO);
	assert_int_equal(bide_value_task_error(later), EPIPE);
	value_task_forget(later);
	expect_lost(2, EPIPE);
}

TEST(an_outcome_that_was_taken_is_not_reported)
{
	value_task ready = value_task_from_error(EIO), later = async_start(fails, .error = EPIPE);

	catch_unobserved();
	settle(0);
	assert_int_equal(bide_value_task_take(ready, NULL), EIO);
	assert_int_equal(bide_value_task_take(later, NULL), EPIPE);
	expect_lost(0, 0);
}
