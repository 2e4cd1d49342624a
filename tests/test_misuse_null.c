/*
 * NULL in place of each object of those that functions wait together on: it is reported, and has no
 * effect.
 */
#include <errno.h>

#include "support/library.h"

#include <bide/bide.h>
#include <bide/short.h>

static value_task same(bide_payload element, void *argument)
{
	(void)argument;
	return value_task_from_int(element.i);
}

TEST(a_hold_that_is_null_is_misuse)
{
	static mutex m;
	static semaphore s = BIDE_SEMAPHORE(1, 1);

	expect_misuse();
	MISUSE(hold_release(NULL), "bide_hold_release", "hold is NULL");
	MISUSE(hold_use_up(NULL), "bide_hold_use_up", "hold is NULL");
	MISUSE(assert_false(hold_is_held(NULL)), "bide_hold_is_held", "hold is NULL");
	MISUSE(assert_int_equal(error_of(mutex_hold(&m, NULL)), EINVAL), "bide_mutex_hold", "NULL");
	MISUSE(assert_int_equal(error_of(mutex_try_hold_for(&m, NULL, 1)), EINVAL),
	       "bide_mutex_try_hold_for", "NULL");
	MISUSE(assert_false(mutex_try_hold(&m, NULL)), "bide_mutex_try_hold", "NULL");
	MISUSE(assert_int_equal(error_of(semaphore_hold(&s, 1, NULL)), EINVAL), "bide_semaphore_hold",
	       "NULL");
	MISUSE(assert_int_equal(error_of(semaphore_try_hold_for(&s, 1, NULL, 1)), EINVAL),
	       "bide_semaphore_try_hold_for", "NULL");
	MISUSE(assert_false(semaphore_try_hold(&s, 1, NULL)), "bide_semaphore_try_hold", "NULL");
}

TEST(a_mutex_that_is_null_is_misuse)
{
	hold mine = { 0 };

	expect_misuse();
	MISUSE(assert_int_equal(mutex_init(NULL), EINVAL), "bide_mutex_init", "mutex is NULL");
	MISUSE(assert_int_equal(error_of(mutex_hold(NULL, &mine)), EINVAL), "bide_mutex_hold",
	       "mutex is NULL");
	MISUSE(assert_int_equal(error_of(mutex_try_hold_for(NULL, &mine, 1)), EINVAL),
	       "bide_mutex_try_hold_for", "mutex is NULL");
	MISUSE(assert_false(mutex_try_hold(NULL, &mine)), "bide_mutex_try_hold", "mutex is NULL");
	MISUSE(mutex_end(NULL), "bide_mutex_end", "mutex is NULL");
	assert_false(hold_is_held(&mine));
}

TEST(a_semaphore_that_is_null_is_misuse)
{
	hold mine = { 0 };

	expect_misuse();
	MISUSE(assert_int_equal(semaphore_init(NULL, 1, 1), EINVAL), "bide_semaphore_init",
	       "semaphore is NULL");
	MISUSE(assert_int_equal(error_of(semaphore_hold(NULL, 1, &mine)), EINVAL),
	       "bide_semaphore_hold", "semaphore is NULL");
	MISUSE(assert_int_equal(error_of(semaphore_try_hold_for(NULL, 1, &mine, 1)), EINVAL),
	       "bide_semaphore_try_hold_for", "semaphore is NULL");
	MISUSE(assert_false(semaphore_try_hold(NULL, 1, &mine)), "bide_semaphore_try_hold",
	       "semaphore is NULL");
	MISUSE(assert_int_equal(semaphore_add(NULL, 1), EINVAL), "bide_semaphore_add",
	       "semaphore is NULL");
	MISUSE(assert_int_equal(semaphore_count(NULL), 0), "bide_semaphore_count", "semaphore is NULL");
	MISUSE(semaphore_end(NULL), "bide_semaphore_end", "semaphore is NULL");
	assert_false(hold_is_held(&mine));
}

TEST(an_event_that_is_null_is_misuse)
{
	expect_misuse();
	MISUSE(assert_int_equal(event_init(NULL, true), EINVAL), "bide_event_init", "event is NULL");
	MISUSE(assert_int_equal(event_init_auto(NULL, true), EINVAL), "bide_event_init_auto",
	       "event is NULL");
	MISUSE(event_set(NULL), "bide_event_set", "event is NULL");
	MISUSE(event_reset(NULL), "bide_event_reset", "event is NULL");
	MISUSE(assert_false(event_is_set(NULL)), "bide_event_is_set", "event is NULL");
	MISUSE(assert_int_equal(error_of(event_wait(NULL)), EINVAL), "bide_event_wait",
	       "event is NULL");
	MISUSE(assert_int_equal(error_of(event_try_wait_for(NULL, 1)), EINVAL),
	       "bide_event_try_wait_for", "event is NULL");
	MISUSE(event_end(NULL), "bide_event_end", "event is NULL");
}

TEST(a_channel_that_is_null_is_misuse)
{
	int64_t element = 1;
	size_t count = 7;

	expect_misuse();
	MISUSE(channel_ref(NULL), "bide_channel_ref", "channel is NULL");
	MISUSE(assert_int_equal(error_of(channel_write(NULL, element)), EINVAL), "bide_channel_write",
	       "channel is NULL");
	MISUSE(assert_false(channel_try_write(NULL, element)), "bide_channel_try_write",
	       "channel is NULL");
	MISUSE(assert_int_equal(error_of(channel_write_many(NULL, &element, 1)), EINVAL),
	       "bide_channel_write_many", "channel is NULL");
	MISUSE(assert_false(channel_try_write_many(NULL, &element, 1, &count)),
	       "bide_channel_try_write_many", "channel is NULL");
	MISUSE(assert_int_equal(error_of(channel_read(NULL)), EINVAL), "bide_channel_read",
	       "channel is NULL");
	MISUSE(assert_false(channel_try_read(NULL, &element)), "bide_channel_try_read",
	       "channel is NULL");
	MISUSE(assert_int_equal(error_of(channel_read_many(NULL, &element, 1)), EINVAL),
	       "bide_channel_read_many", "channel is NULL");
	MISUSE(assert_false(channel_try_read_many(NULL, &element, 1, &count)),
	       "bide_channel_try_read_many", "channel is NULL");
	MISUSE(assert_false(channel_close(NULL, 0)), "bide_channel_close", "channel is NULL");
	MISUSE(assert_int_equal(error_of(channel_wait_closed(NULL)), EINVAL),
	       "bide_channel_wait_closed", "channel is NULL");
	MISUSE(assert_int_equal(channel_count(NULL), 0), "bide_channel_count", "channel is NULL");
	channel_unref(NULL);
	assert_int_equal(element, 1);
}

TEST(elements_that_are_null_are_misuse)
{
	bide_channel_options options = { .capacity = 4 };
	channel *c = channel_create(&options);

	expect_misuse();
	assert_true(channel_try_write(c, (int64_t)5));
	MISUSE(assert_int_equal(error_of(channel_write_many(c, NULL, 1)), EINVAL),
	       "bide_channel_write_many", "elements is NULL");
	MISUSE(assert_false(channel_try_write_many(c, NULL, 1, NULL)), "bide_channel_try_write_many",
	       "elements is NULL");
	MISUSE(assert_false(channel_try_read(c, NULL)), "bide_channel_try_read", "NULL");
	MISUSE(assert_int_equal(error_of(channel_read_many(c, NULL, 1)), EINVAL),
	       "bide_channel_read_many", "NULL");
	MISUSE(assert_false(channel_try_read_many(c, NULL, 1, NULL)), "bide_channel_try_read_many",
	       "NULL");
	assert_int_equal(channel_count(c), 1);
	channel_unref(c);
}

TEST(a_watch_that_is_null_is_misuse)
{
	int64_t value = 1;

	expect_misuse();
	MISUSE(assert_null(watch_create(8, NULL)), "bide_watch_create", "value is NULL");
	MISUSE(watch_ref(NULL), "bide_watch_ref", "watch is NULL");
	MISUSE(assert_int_equal(watch_set(NULL, value), EINVAL), "bide_watch_set", "watch is NULL");
	MISUSE(assert_int_equal(watch_get(NULL, &value), 0), "bide_watch_get", "watch is NULL");
	MISUSE(assert_int_equal(error_of(watch_changed(NULL, 1)), EINVAL), "bide_watch_changed",
	       "watch is NULL");
	MISUSE(assert_false(watch_close(NULL, 0)), "bide_watch_close", "watch is NULL");
	watch_unref(NULL);
	assert_int_equal(value, 1);
}

TEST(a_limiter_that_is_null_is_misuse)
{
	expect_misuse();
	MISUSE(assert_int_equal(limiter_init(NULL, 1, 1, 1), EINVAL), "bide_limiter_init",
	       "limiter is NULL");
	MISUSE(assert_int_equal(error_of(limiter_acquire(NULL, 1)), EINVAL), "bide_limiter_acquire",
	       "limiter is NULL");
	MISUSE(assert_false(limiter_try_acquire(NULL, 1)), "bide_limiter_try_acquire",
	       "limiter is NULL");
}

TEST(counters_and_a_configuration_that_are_null_are_misuse)
{
	expect_misuse();
	MISUSE(assert_int_equal(stats_get(NULL), EINVAL), "bide_stats_get", "stats is NULL");
	MISUSE(assert_int_equal(io_stats_get(NULL), EINVAL), "bide_io_stats_get", "stats is NULL");
	MISUSE(assert_int_equal(config_get(NULL), EINVAL), "bide_config_get", "config is NULL");
}

/* A generator that is NULL is one for which there was no memory, so chains need no test. */
TEST(a_generator_that_is_null_fails_without_misuse)
{
	bide_generator *none[1] = { NULL };

	expect_misuse();
	assert_int_equal(error_of(generator_next(NULL)), ENOMEM);
	assert_int_equal(error_of(generator_end(NULL)), 0);
	assert_null(generator_map(NULL, same, NULL));
	assert_null(generator_filter(NULL, same, NULL));
	assert_null(generator_take(NULL, 1));
	assert_null(generator_timeout(NULL, 1));
	assert_null(generator_buffer(NULL, 1));
	assert_null(generator_merge(none, 1));
	assert_int_equal(misuse_count, 0);
	MISUSE(assert_null(generator_merge(NULL, 1)), "bide_generator_merge", "generators is NULL");
	MISUSE(assert_null(generator_map(NULL, NULL, NULL)), "bide_generator_map", "function is NULL");
	MISUSE(assert_null(generator_filter(NULL, NULL, NULL)), "bide_generator_filter",
	       "function is NULL");
}

static void refused(bide_select_case one, const char *why)
{
	MISUSE(assert_int_equal(error_of(bide_select(&one, 1)), EINVAL), "bide_select", why);
}

TEST(a_case_of_a_select_whose_object_is_null_is_misuse)
{
	static mutex m;
	static semaphore s = BIDE_SEMAPHORE(1, 1);
	bide_channel_options options = { .capacity = 4 };
	channel *c = channel_create(&options);
	hold mine = { 0 };
	int64_t element = 1;

	expect_misuse();
	MISUSE(assert_int_equal(error_of(bide_select(NULL, 1)), EINVAL), "bide_select",
	       "cases is NULL");
	refused(select_read(NULL, &element), "NULL");
	refused(select_read(c, (int64_t *)NULL), "NULL");
	refused(select_write(NULL, &element), "NULL");
	refused(select_write(c, (int64_t *)NULL), "NULL");
	refused(select_mutex(NULL, &mine), "NULL");
	refused(select_mutex(&m, NULL), "NULL");
	refused(select_semaphore(NULL, 1, &mine), "NULL");
	refused(select_semaphore(&s, 1, NULL), "NULL");
	refused(select_event(NULL), "NULL");
	refused(select_task(NULL), "NULL");
	assert_false(hold_is_held(&mine));
	channel_unref(c);
}
