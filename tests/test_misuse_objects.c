/*
 * Objects that are used too often, too late, or while they are in use elsewhere. Each use is
 * reported, and has no effect if the hook returns.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/later.h"
#include "support/library.h"

#include <bide/bide.h>
#include <bide/short.h>

/* Without pools, the memory of a free object belongs to the allocator. */
static void need_pools(void)
{
	if (getenv("BIDE_POOL"))
		SKIP("free objects can be queried in pool memory only");
}

/* --- references --- */

TEST(a_context_that_is_unreferenced_too_often_is_misuse)
{
	bide_context *context = bide_context_create(NULL), *below;
	bide_context_options options = { .parent = context };

	need_pools();
	expect_misuse();
	bide_context_unref(context);
	assert_int_equal(misuse_count, 0);
	MISUSE(bide_context_unref(context), "bide_context_unref", "its last reference is gone");
	MISUSE(bide_context_ref(context), "bide_context_ref", "its last reference is gone");
	MISUSE(assert_false(bide_context_cancel(context, ECANCELED)), "bide_context_cancel",
	       "its last reference is gone");
	MISUSE(assert_int_equal(bide_context_error(context), EINVAL), "bide_context_error",
	       "its last reference is gone");
	MISUSE(below = bide_context_create(&options), "bide_context_create", "last reference is gone");
	assert_null(below);
	MISUSE(assert_int_equal(result_of(in_context(context, value_task_from(3))), 3),
	       "bide_in_context", "its last reference is gone");
}

TEST(a_cancel_source_that_is_unreferenced_too_often_is_misuse)
{
	bide_cancel_source *source = bide_cancel_source_create();

	need_pools();
	expect_misuse();
	bide_cancel_source_unref(source);
	assert_int_equal(misuse_count, 0);
	MISUSE(bide_cancel_source_unref(source), "bide_cancel_source_unref", "reference is gone");
	MISUSE(bide_cancel_source_ref(source), "bide_cancel_source_ref", "reference is gone");
	MISUSE(assert_false(bide_cancel_source_cancel(source)), "bide_cancel_source_cancel",
	       "reference is gone");
	MISUSE(assert_int_equal(bide_cancel_source_cancel_after(source, 1), EINVAL),
	       "bide_cancel_source_cancel_after", "reference is gone");
	MISUSE(assert_int_equal(error_of(bide_cancel_source_cancel_async(source)), EINVAL),
	       "bide_cancel_source_cancel_async", "reference is gone");
	MISUSE(assert_null(bide_cancel_source_token(source).cell_), "bide_cancel_source_token",
	       "reference is gone");
}

TEST(an_executor_that_is_unreferenced_too_often_is_misuse)
{
	bide_executor *strand = bide_strand_create();
	bide_context_options options = { .executor = strand };
	bide_context *context;

	need_pools();
	expect_misuse();
	bide_executor_unref(strand);
	assert_int_equal(misuse_count, 0);
	MISUSE(bide_executor_unref(strand), "bide_executor_unref", "reference is gone");
	MISUSE(bide_executor_ref(strand), "bide_executor_ref", "reference is gone");
	MISUSE(context = bide_context_create(&options), "bide_context_create",
	       "last reference is gone");
	assert_null(context);
	MISUSE(value_task_forget(bide_with_executor(strand, value_task_from(1))), "bide_with_executor",
	       "reference is gone");
	bide_executor_unref(bide_executor_workers()); /* strands are counted, the workers are not */
	bide_executor_unref(NULL);
}

TEST(a_task_of_a_function_that_is_unreferenced_too_often_is_misuse)
{
	task *t = value_task_as_task(later(1, 5));

	need_pools();
	assert_int_equal(bide_task_wait(t, NULL), 0);
	settle_workers(); /* a worker drops its reference after the waiter is woken */
	expect_misuse();
	task_unref(t);
	assert_int_equal(misuse_count, 0);
	MISUSE(task_unref(t), "bide_task_unref", "its last reference is gone");
	MISUSE(task_ref(t), "bide_task_ref", "its last reference is gone");
}

/* The memory of the task belongs to the allocator; in debug mode the task stays for a while. */
TEST(in_debug_mode_an_allocated_task_that_is_unreferenced_too_often_is_misuse)
{
	task *t;

	assert_int_equal(bide_configure(&(bide_config){ .debug = true }), 0);
	t = task_create(NULL);
	bide_task_complete_int(t, 100);
	expect_misuse();
	task_unref(t);
	assert_int_equal(misuse_count, 0);
	MISUSE(task_unref(t), "bide_task_unref", "its last reference is gone");
	MISUSE(task_ref(t), "bide_task_ref", "its last reference is gone");
	MISUSE(assert_int_equal(bide_task_status(t), BIDE_FAILED), "bide_task_status",
	       "its last reference is gone");
	MISUSE(assert_int_equal(bide_task_error(t), EINVAL), "bide_task_error",
	       "its last reference is gone");
	MISUSE(bide_task_complete_int(t, 1), "bide_task_complete_int", "its last reference is gone");
	MISUSE(assert_int_equal(bide_task_wait(t, NULL), EINVAL), "bide_task_wait",
	       "its last reference is gone");
	assert_none(task_count);
	assert_int_equal(bide_shutdown(false), 0);
	assert_int_equal(stats().live_bytes, 0);
}

/* --- registrations --- */

static void count_call(void *argument)
{
	++*(int *)argument;
}

TEST(a_registration_that_is_registered_twice_is_misuse_and_stays_registered_once)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_token token = bide_cancel_source_token(source);
	bide_cancel_registration first, second;
	int calls = 0;

	assert_true(bide_cancel_token_register(token, &first, count_call, &calls));
	assert_true(bide_cancel_token_register(token, &second, count_call, &calls));
	expect_misuse();
	MISUSE(assert_false(bide_cancel_token_register(token, &first, count_call, &calls)),
	       "bide_cancel_token_register", "registered already");
	MISUSE(assert_false(bide_cancel_token_register(token, &second, count_call, &calls)),
	       "bide_cancel_token_register", "registered already");
	bide_cancel_source_cancel(source);
	assert_int_equal(calls, 2);
	bide_cancel_source_unref(source);
	/* The callback has run, so the registration can be registered again. */
	source = bide_cancel_source_create();
	token = bide_cancel_source_token(source);
	misuse_count = 0;
	assert_true(bide_cancel_token_register(token, &first, count_call, &calls));
	assert_true(bide_cancel_registration_unregister(&first));
	assert_true(bide_cancel_token_register(token, &first, count_call, &calls));
	bide_cancel_source_unref(source); /* removes the registration */
	assert_false(bide_cancel_token_register(token, &first, count_call, &calls));
	assert_int_equal(misuse_count, 0);
}

/* --- groups --- */

TEST(initialising_a_group_that_has_not_ended_is_misuse_and_changes_nothing)
{
	task *gate = task_create(NULL);
	bide_group group;

	expect_misuse();
	assert_int_equal(bide_group_init(&group, NULL), 0);
	bide_group_add(&group, async_start(later, .gate = gate));
	MISUSE(assert_int_equal(bide_group_init(&group, NULL), EINVAL), "bide_group_init",
	       "has not ended");
	misuse_count = 0;
	assert_int_equal(bide_group_pending(&group), 1);
	bide_task_complete_int(gate, 1);
	task_unref(gate);
	assert_int_equal(error_of(bide_group_wait(&group)), 0);
	assert_int_equal(bide_group_init(&group, NULL), 0);
	assert_int_equal(error_of(bide_group_wait(&group)), 0);
	assert_int_equal(misuse_count, 0);
	assert_nothing_in_use();
}

TEST(using_a_group_that_is_not_initialised_is_misuse)
{
	bide_group group;

	memset(&group, 0xA5, sizeof group);
	expect_misuse();
	MISUSE(assert_int_equal(error_of(bide_group_wait(&group)), EINVAL), "bide_group_wait",
	       "not initialised");
	MISUSE(bide_group_cancel(&group), "bide_group_cancel", "not initialised");
	MISUSE(bide_group_add(&group, later(1, 1)), "bide_group_add", "not initialised");
	MISUSE(assert_int_equal(bide_group_pending(&group), 0), "bide_group_pending",
	       "not initialised");
	MISUSE(assert_null(bide_group_context(&group)), "bide_group_context", "not initialised");
	settle(0);
}

/* --- sources of the user's own --- */

TEST(handing_out_a_source_that_is_not_initialised_is_misuse)
{
	bide_user_source source = { .operations = NULL };

	expect_misuse();
	MISUSE(assert_int_equal(bide_user_source_value_task(&source).state, EINVAL),
	       "bide_user_source_value_task", "not initialised");
}

TEST(handing_out_a_source_twice_in_a_generation_is_misuse)
{
	bide_user_source source;
	value_task v;

	bide_user_source_init(&source, NULL);
	expect_misuse();
	for (int i = 0; i < 2; i++) {
		misuse_count = 0;
		v = bide_user_source_value_task(&source);
		assert_int_equal(misuse_count, 0);
		MISUSE(assert_int_equal(bide_user_source_value_task(&source).state, EINVAL),
		       "bide_user_source_value_task", "handed out already");
		bide_user_source_complete(&source, (bide_payload){ .i = i });
		MISUSE(assert_int_equal(bide_user_source_value_task(&source).state, EINVAL),
		       "bide_user_source_value_task", "handed out already");
		assert_int_equal(result_of(v), i);
		bide_user_source_reset(&source);
	}
}

struct awaits {
	ASYNC_FRAME;
	struct {
		value_task what;
	} in;
	int64_t got;
};

async(awaits)
{
	async_begin;
	await(my->got, my->in.what);
	async_return(my->got);
async_finally:
	async_end;
}

TEST(initialising_a_source_that_is_awaited_is_misuse_and_changes_nothing)
{
	bide_user_source source;
	value_task v;

	bide_user_source_init(&source, NULL);
	v = async_start(awaits, .what = bide_user_source_value_task(&source));
	expect_misuse();
	MISUSE(bide_user_source_init(&source, NULL), "bide_user_source_init", "is awaited");
	MISUSE(bide_user_source_init_local(&source, NULL), "bide_user_source_init_local", "is awaited");
	bide_user_source_complete(&source, (bide_payload){ .i = 7 });
	assert_int_equal(result_of(v), 7);
	misuse_count = 0;
	bide_user_source_init(&source, NULL);
	assert_int_equal(misuse_count, 0);
}

/* --- timers, when_each --- */

TEST(in_debug_mode_a_periodic_timer_that_is_used_after_its_end_is_misuse)
{
	bide_periodic_timer *timer;

	assert_int_equal(bide_configure(&(bide_config){ .debug = true }), 0);
	timer = bide_periodic_timer_create(BIDE_MS(1));
	assert_non_null(timer);
	expect_misuse();
	bide_periodic_timer_destroy(timer);
	assert_int_equal(misuse_count, 0);
	MISUSE(bide_periodic_timer_destroy(timer), "bide_periodic_timer_destroy", "was destroyed");
	MISUSE(bide_periodic_timer_stop(timer), "bide_periodic_timer_stop", "was destroyed");
	MISUSE(assert_int_equal(error_of(bide_periodic_timer_next(timer)), EINVAL),
	       "bide_periodic_timer_next", "was destroyed");
	MISUSE(assert_int_equal(bide_periodic_timer_set_period(timer, 5), EINVAL),
	       "bide_periodic_timer_set_period", "was destroyed");
	assert_int_equal(bide_shutdown(false), 0);
	assert_int_equal(stats().live_bytes, 0);
}

TEST(calling_when_each_next_after_the_end_is_misuse)
{
	value_task items[2] = { later(1, 1), later(1, 2) };
	bide_when_each each;

	assert_int_equal(bide_when_each_init(&each, items, 2), 0);
	assert_int_equal(error_of(bide_when_each_end(&each)), 0);
	expect_misuse();
	MISUSE(assert_int_equal(error_of(bide_when_each_next(&each)), EINVAL), "bide_when_each_next",
	       "has ended it");
	misuse_count = 0;
	assert_int_equal(error_of(bide_when_each_end(&each)), 0); /* nothing is left to end */
	assert_int_equal(misuse_count, 0);
	assert_int_equal(result_of(items[0]), 1);
	assert_int_equal(result_of(items[1]), 2);
}
