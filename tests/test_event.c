/*
 * Events: a manual one lets all pass while it is set, an automatic one lets one pass for each set.
 */
/* threads */
#include "support/sync_support.h"

#include <stdlib.h>

static event manual;
static event automatic = BIDE_AUTO_EVENT(false);

struct passer {
	ASYNC_FRAME;
	struct {
		event *event;
		int id;
	} in;
	int64_t got;
};

async(passer)
{
	async_begin;
	await(my->got, event_wait(my->in.event));
	log_add(my->in.id);
	async_return(my->got);
async_finally:
	async_end;
}

static value_task passes(event *event, int id)
{
	return async_start(passer, .event = event, .id = id);
}

TEST(a_manual_event_lets_all_pass_until_it_is_reset)
{
	value_task one, two, three;

	begin_test();
	assert_false(event_is_set(&manual));
	one = event_wait(&manual);
	two = passes(&manual, 1);
	settle_workers();
	assert_false(value_task_is_ready(one));
	event_set(&manual);
	assert_true(event_is_set(&manual));
	assert_int_equal(result_of(one), 1);
	assert_int_equal(result_of(two), 1);
	assert_int_equal(result_of(event_wait(&manual)), 1);
	event_set(&manual);
	event_reset(&manual);
	event_reset(&manual);
	assert_false(event_is_set(&manual));
	three = event_wait(&manual);
	assert_false(value_task_is_ready(three));
	event_set(&manual);
	assert_int_equal(result_of(three), 1);
	event_reset(&manual);
}

TEST(an_automatic_event_lets_one_pass_for_each_set_in_order)
{
	enum { COUNT = 50 };
	value_task waits[COUNT];

	begin_test();
	for (int i = 0; i < COUNT; i++) {
		waits[i] = passes(&automatic, i);
		settle_workers();
	}
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(log_count, i);
		event_set(&automatic);
		assert_int_equal(result_of(waits[i]), 1);
		assert_int_equal(log_of[i], i);
	}
	assert_false(event_is_set(&automatic));
	event_set(&automatic);
	event_set(&automatic); /* sets do not add up */
	assert_true(event_is_set(&automatic));
	assert_int_equal(result_of(event_wait(&automatic)), 1);
	assert_false(event_is_set(&automatic));
	assert_int_equal(result_of(event_try_wait_for(&automatic, 0)), 0);
}

TEST(events_are_made_set_or_not)
{
	event of_both[2] = { BIDE_EVENT(true), BIDE_AUTO_EVENT(true) }, made;

	begin_test();
	assert_int_equal(result_of(event_wait(&of_both[0])), 1);
	assert_true(event_is_set(&of_both[0]));
	assert_int_equal(result_of(event_wait(&of_both[1])), 1);
	assert_false(event_is_set(&of_both[1]));
	assert_int_equal(event_init(&made, true), 0);
	assert_int_equal(result_of(event_wait(&made)), 1);
	assert_true(event_is_set(&made));
	assert_int_equal(event_init_auto(&made, true), 0);
	assert_int_equal(result_of(event_wait(&made)), 1);
	assert_false(event_is_set(&made));
	assert_int_equal(event_init(&made, false), 0);
	assert_false(event_is_set(&made));
}

TEST(a_wait_that_is_canceled_or_forgotten_leaves_the_set_to_others)
{
	bide_context *context = cancelable();
	value_task first, second, third;

	begin_test();
	first = in_context(context, event_wait(&automatic));
	second = event_wait(&automatic);
	third = event_wait(&automatic);
	assert_true(bide_context_cancel(context, EPIPE));
	assert_int_equal(error_of(first), EPIPE);
	value_task_forget(second);
	event_set(&automatic);
	assert_int_equal(result_of(third), 1);
	event_set(&automatic);
	assert_int_equal(error_of(in_context(context, event_wait(&automatic))), EPIPE);
	assert_true(event_is_set(&automatic));
	bide_context_unref(context);
}

TEST(a_wait_for_an_event_with_a_limit_says_whether_it_came)
{
	value_task limited;

	begin_test();
	event_reset(&manual);
	assert_int_equal(result_of(event_try_wait_for(&manual, BIDE_MS(1))), 0);
	limited = event_try_wait_for(&manual, BIDE_SECONDS(1000));
	event_set(&manual);
	assert_int_equal(result_of(limited), 1);
	assert_int_equal(result_of(event_try_wait_for(&manual, BIDE_MS(1))), 1);
	settle_workers();
	assert_none(timer_count);
}

/* --- threads --- */

struct ping {
	event there, back;
	int value; /* plain memory: the events order it */
};

static void *answer(void *argument)
{
	struct ping *ping = argument;

	for (int i = 0; i < 200; i++) {
		assert_int_equal(result_of(event_wait(&ping->there)), 1);
		assert_int_equal(ping->value, 2 * i + 1);
		ping->value++;
		event_set(&ping->back);
	}
	return NULL;
}

struct asker {
	ASYNC_FRAME;
	struct {
		struct ping *ping;
	} in;
	int i;
};

async(asker)
{
	async_begin;
	for (my->i = 0; my->i < 200; my->i++) {
		my->in.ping->value++;
		event_set(&my->in.ping->there);
		await(event_wait(&my->in.ping->back));
		assert_int_equal(my->in.ping->value, 2 * my->i + 2);
	}
async_finally:
	async_end;
}

TEST(a_function_and_a_thread_take_turns_by_two_events)
{
	struct ping ping = { BIDE_AUTO_EVENT(false), BIDE_AUTO_EVENT(false), 0 };
	pthread_t thread;

	begin_test();
	assert_int_equal(pthread_create(&thread, NULL, answer, &ping), 0);
	assert_int_equal(error_of(async_start(asker, .ping = &ping)), 0);
	pthread_join(thread, NULL);
	assert_int_equal(ping.value, 400);
}

static void *set_it(void *event)
{
	bide_event_set(event);
	return NULL;
}

/* The setter may still be in its call when the waiter passes. */
TEST(an_event_may_be_freed_as_soon_as_its_waiter_has_passed)
{
	begin_test();
	for (int i = 0; test_round(i, 200); i++) {
		event *event = malloc(sizeof *event);
		pthread_t thread;

		assert_non_null(event);
		assert_int_equal(event_init(event, false), 0);
		assert_int_equal(pthread_create(&thread, NULL, set_it, event), 0);
		if (i % 2)
			value_task_forget(event_wait(event));
		assert_int_equal(result_of(event_wait(event)), 1);
		memset(event, 0x5A, sizeof *event);
		free(event);
		pthread_join(thread, NULL);
	}
}

/* --- memory, end, misuse --- */

TEST(without_memory_for_the_wait_nothing_is_changed)
{
	int error = ENOMEM;
	value_task wait = { 0 };

	limit_objects();
	begin_test();
	event_reset(&automatic);
	for (long n = 0; error; n++) {
		assert_true(n < 10);
		allowed_allocations = n;
		wait = event_try_wait_for(&automatic, BIDE_SECONDS(1000));
		allowed_allocations = -1;
		error = value_task_is_ready(wait) ? value_task_error(wait) : 0;
		assert_true(!error || error == ENOMEM);
		if (error) {
			event_set(&automatic);
			assert_int_equal(result_of(event_wait(&automatic)), 1);
		}
	}
	event_set(&automatic);
	assert_int_equal(result_of(wait), 1);
}

TEST(the_end_of_an_event_fails_all_that_wait)
{
	value_task one, two;

	begin_test();
	one = event_wait(&automatic);
	two = event_try_wait_for(&automatic, BIDE_SECONDS(1000));
	event_end(&automatic);
	assert_int_equal(error_of(one), BIDE_EBROKEN);
	assert_int_equal(error_of(two), BIDE_EBROKEN);
	assert_false(event_is_set(&automatic));
	assert_int_equal(event_init_auto(&automatic, false), 0);
}

TEST(misuse_of_an_event_is_named)
{
	begin_test();
	expect_misuse();
	MISUSE(assert_int_equal(event_init(NULL, true), EINVAL), "bide_event_init", "event is NULL");
	MISUSE(assert_int_equal(event_init_auto(NULL, true), EINVAL), "bide_event_init_auto", "NULL");
	MISUSE(event_set(NULL), "bide_event_set", "event is NULL");
	MISUSE(event_reset(NULL), "bide_event_reset", "event is NULL");
	MISUSE(assert_false(event_is_set(NULL)), "bide_event_is_set", "event is NULL");
	MISUSE(event_end(NULL), "bide_event_end", "event is NULL");
	MISUSE(assert_int_equal(error_of(event_wait(NULL)), EINVAL), "bide_event_wait", "NULL");
	MISUSE(assert_int_equal(error_of(event_try_wait_for(&manual, -7)), EINVAL),
	       "bide_event_try_wait_for", "timeout_ns is -7");
	event_end(&manual);
	MISUSE(event_set(&manual), "bide_event_set", "was ended");
	MISUSE(event_reset(&manual), "bide_event_reset", "was ended");
	MISUSE(assert_int_equal(error_of(event_wait(&manual)), BIDE_EBROKEN), "bide_event_wait",
	       "was ended");
	MISUSE(assert_int_equal(error_of(event_try_wait_for(&manual, 0)), BIDE_EBROKEN),
	       "bide_event_try_wait_for", "was ended");
	MISUSE(event_end(&manual), "bide_event_end", "was ended");
}
