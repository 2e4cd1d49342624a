/*
 * bide_retry: attempts with pauses between them, on the virtual clock. Two tests at the end have
 * the workers that there are.
 *
 * Each test must leave nothing in use: no frame, no operation, no task.
 */
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "support/library.h"
#include "support/limited_memory.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

static void simulate(uint64_t seed)
{
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true, .seed = seed }), 0);
}

/* What an attempt does, and what was seen of the attempts. */
enum { ATTEMPTS_MAX = 64 };

static struct attempts {
	unsigned fail_count; /* these fail first, with `error` */
	int error;
	int64_t takes_ns; /* each attempt */
	unsigned count;
	int64_t at_ns[ATTEMPTS_MAX]; /* when they began */
	int asked_of, asks;          /* the last error that `again` got, and how often it was asked */
	int again_until;             /* how often `again` returns true */
} a;

struct attempt {
	BIDE_ASYNC_FRAME;
	struct {
		bool fails;
	} in;
};

bide_async(attempt)
{
	bide_async_begin;
	bide_await(bide_delay(a.takes_ns));
	if (my->in.fails)
		bide_async_fail(a.error);
	bide_async_return(42);
bide_async_finally:
	bide_async_end;
}

static bide_value_task try_it(void *argument)
{
	unsigned number = a.count++;

	assert_ptr_equal(argument, &a);
	assert_in_range(number, 0, ATTEMPTS_MAX - 1);
	a.at_ns[number] = bide_now_ns();
	return bide_async_start(attempt, .fails = number < a.fail_count);
}

static bide_value_task retry(const bide_retry_options *options)
{
	return bide_retry(try_it, &a, options);
}

static bool again(int error, void *argument)
{
	assert_ptr_equal(argument, &a);
	a.asked_of = error;
	return a.asks++ < a.again_until;
}

static int64_t pause_before(unsigned attempt)
{
	return a.at_ns[attempt] - a.at_ns[attempt - 1] - a.takes_ns;
}

/* --- attempts --- */

TEST(the_first_attempt_that_succeeds_is_the_last)
{
	simulate(0);
	assert_int_equal(result_of(retry(NULL)), 42);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.at_ns[0], bide_now_ns()); /* without a pause */
}

TEST(a_failure_is_repeated_until_an_attempt_succeeds)
{
	simulate(0);
	a = (struct attempts){ .fail_count = 3, .error = EIO, .takes_ns = BIDE_MS(7) };
	assert_int_equal(result_of(retry(NULL)), 42);
	assert_int_equal(a.count, 4);
}

TEST(the_outcome_is_that_of_the_last_attempt)
{
	simulate(0);
	a = (struct attempts){ .fail_count = UINT_MAX, .error = EIO };
	assert_int_equal(error_of(retry(NULL)), EIO);
	assert_int_equal(a.count, 5);
	a.count = 0;
	assert_int_equal(error_of(retry(&(bide_retry_options){ .attempts_max = 1 })), EIO);
	assert_int_equal(a.count, 1);
	a.count = 0;
	a.fail_count = 50;
	assert_int_equal(result_of(retry(&(bide_retry_options){ .attempts_max = UINT_MAX })), 42);
	assert_int_equal(a.count, 51);
}

static bide_value_task half(void *argument)
{
	(void)argument;
	return bide_value_task_from_double(0.5);
}

TEST(a_result_may_be_of_any_type)
{
	bide_payload got;

	simulate(0);
	assert_int_equal(bide_value_task_wait(bide_retry(half, NULL, NULL), &got), 0);
	assert_true(got.d == 0.5);
}

/* --- pauses --- */

TEST(pauses_grow_up_to_the_longest)
{
	static const int64_t expected_ms[] = { 10, 15, 22, 33, 40, 40 };

	simulate(0);
	a = (struct attempts){ .fail_count = 6, .error = EIO, .takes_ns = BIDE_MS(3) };
	assert_int_equal(result_of(retry(&(bide_retry_options){ .attempts_max = 7,
	                                                        .pause_ns = BIDE_MS(10),
	                                                        .factor_percent = 150,
	                                                        .pause_max_ns = BIDE_MS(40),
	                                                        .exact = true })),
	                 42);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(pause_before(i + 1) / BIDE_MS(1), expected_ms[i]);
}

TEST(by_default_they_begin_with_100_ms_and_are_doubled_up_to_30_s)
{
	simulate(0);
	a = (struct attempts){ .fail_count = 12, .error = EIO };
	assert_int_equal(result_of(retry(&(bide_retry_options){ .attempts_max = 13, .exact = true })),
	                 42);
	for (unsigned i = 0; i < 12; i++)
		assert_int_equal(pause_before(i + 1), i < 9 ? BIDE_MS(100) << i : BIDE_SECONDS(30));
}

TEST(a_long_pause_saturates)
{
	simulate(0);
	a = (struct attempts){ .fail_count = 3, .error = EIO };
	assert_int_equal(result_of(retry(&(bide_retry_options){ .pause_ns = BIDE_SECONDS(86400),
	                                                        .factor_percent = UINT_MAX,
	                                                        .pause_max_ns = BIDE_SECONDS(100000),
	                                                        .exact = true })),
	                 42);
	assert_int_equal(pause_before(1), BIDE_SECONDS(86400));
	assert_int_equal(pause_before(2), BIDE_SECONDS(100000));
	assert_int_equal(pause_before(3), BIDE_SECONDS(100000));
}

/* Runs with a seed, and returns the sum of the pauses. */
static int64_t draw_pauses(uint64_t seed)
{
	static const bide_retry_options steady = { .attempts_max = 21,
		                                       .pause_ns = BIDE_MS(100),
		                                       .factor_percent = 100 };
	int64_t sum_ns = 0, shortest_ns = INT64_MAX, longest_ns = 0;

	simulate(seed);
	a = (struct attempts){ .fail_count = 20, .error = EIO };
	assert_int_equal(result_of(retry(&steady)), 42);
	for (unsigned i = 1; i <= 20; i++) {
		int64_t pause_ns = pause_before(i);

		assert_in_range(pause_ns, BIDE_MS(50), BIDE_MS(100));
		sum_ns += pause_ns;
		shortest_ns = pause_ns < shortest_ns ? pause_ns : shortest_ns;
		longest_ns = pause_ns > longest_ns ? pause_ns : longest_ns;
	}
	assert_true(longest_ns - shortest_ns > BIDE_MS(10));
	assert_int_equal(shut_down(), 0);
	return sum_ns;
}

TEST(the_seed_draws_each_pause_between_half_of_it_and_all)
{
	int64_t sum_ns = draw_pauses(1);

	assert_int_equal(draw_pauses(1), sum_ns);
	assert_int_not_equal(draw_pauses(2), sum_ns);
}

/* --- again --- */

TEST(again_decides_by_the_error)
{
	simulate(0);
	a = (struct attempts){ .fail_count = 9, .error = EPERM, .again_until = 2 };
	assert_int_equal(error_of(retry(&(bide_retry_options){ .again = again })), EPERM);
	assert_int_equal(a.count, 3);
	assert_int_equal(a.asks, 3);
	assert_int_equal(a.asked_of, EPERM);
}

TEST(again_is_not_asked_after_the_last_attempt)
{
	simulate(0);
	a = (struct attempts){ .fail_count = 9, .error = EPERM, .again_until = 9 };
	assert_int_equal(error_of(retry(&(bide_retry_options){ .attempts_max = 3, .again = again })),
	                 EPERM);
	assert_int_equal(a.asks, 2);
}

TEST(a_canceled_attempt_is_repeated_only_if_again_says_so)
{
	simulate(0);
	a = (struct attempts){ .fail_count = 2, .error = ECANCELED, .again_until = 9 };
	assert_int_equal(error_of(retry(NULL)), ECANCELED);
	assert_int_equal(a.count, 1);
	a.count = 0;
	assert_int_equal(result_of(retry(&(bide_retry_options){ .again = again })), 42);
	assert_int_equal(a.count, 3);
}

/* --- limits --- */

TEST(an_attempt_that_is_too_slow_has_failed)
{
	simulate(0);
	a = (struct attempts){ .takes_ns = BIDE_MS(500), .again_until = 2 };
	assert_int_equal(
		error_of(retry(&(bide_retry_options){
			.timeout_ns = BIDE_MS(20), .pause_ns = BIDE_MS(10), .exact = true, .again = again })),
		ETIMEDOUT);
	assert_int_equal(a.count, 3);
	assert_int_equal(a.asked_of, ETIMEDOUT);
	assert_int_equal(a.at_ns[1] - a.at_ns[0], BIDE_MS(30));
	assert_int_equal(a.at_ns[2] - a.at_ns[1], BIDE_MS(40));
}

TEST(a_deadline_ends_the_pause)
{
	int64_t start_ns;

	simulate(0);
	start_ns = bide_now_ns();
	a = (struct attempts){ .fail_count = 9, .error = EIO };
	assert_int_equal(error_of(bide_with_timeout(BIDE_MS(250), retry(&(bide_retry_options){
																  .pause_ns = BIDE_MS(200),
																  .factor_percent = 100,
																  .exact = true }))),
	                 ETIMEDOUT);
	assert_int_equal(a.count, 2);
	assert_int_equal(bide_now_ns() - start_ns, BIDE_MS(250));
}

TEST(a_cancellation_ends_the_pause_at_once)
{
	bide_context *scope;
	bide_value_task v;

	simulate(0);
	scope = bide_context_create(NULL);
	a = (struct attempts){ .fail_count = 9, .error = EIO };
	v = bide_in_context(scope, retry(NULL));
	settle(0); /* until it pauses */
	assert_int_equal(a.count, 1);
	bide_context_cancel(scope, BIDE_EUSER);
	assert_int_equal(error_of(v), BIDE_EUSER);
	assert_int_equal(a.count, 1);
	bide_context_unref(scope);
}

TEST(a_cancellation_during_an_attempt_is_the_last)
{
	bide_context *scope;
	bide_value_task v;

	simulate(0);
	scope = bide_context_create(NULL);
	a = (struct attempts){ .takes_ns = BIDE_SECONDS(1), .again_until = 9 };
	v = bide_in_context(scope, retry(&(bide_retry_options){ .again = again }));
	settle(0);
	bide_context_cancel(scope, ECANCELED);
	assert_int_equal(error_of(v), ECANCELED);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.asks, 0);
	bide_context_unref(scope);
}

TEST(in_a_canceled_context_the_function_is_not_called)
{
	bide_context *scope;

	simulate(0);
	scope = bide_context_create(NULL);
	bide_context_cancel(scope, ETIMEDOUT);
	assert_int_equal(error_of(bide_in_context(scope, retry(NULL))), ETIMEDOUT);
	assert_int_equal(a.count, 0);
	bide_context_unref(scope);
}

/* --- memory --- */

static bide_value_task fail_at_once(void *argument)
{
	a.count++;
	return a.count < *(unsigned *)argument ? bide_value_task_from_error(EIO)
	                                       : bide_value_task_completed();
}

TEST(it_takes_one_frame_and_a_timer_while_it_pauses)
{
	unsigned until = 3;
	bide_value_task v;

	simulate(0);
	v = bide_retry(fail_at_once, &until, NULL);
	settle(0);
	assert_int_equal(a.count, 1);
	assert_int_equal(stats().frame_count, 1);
	assert_int_equal(stats().timer_count, 1);
	assert_int_equal(stats().operation_count, 1); /* the timer */
	assert_int_equal(error_of(v), 0);
}

TEST(a_hundred_thousand_attempts_take_no_more_memory_than_a_hundred)
{
	unsigned until = 100;
	uint64_t early_bytes;

	simulate(0);
	assert_int_equal(error_of(bide_retry(fail_at_once, &until,
	                                     &(bide_retry_options){ .attempts_max = UINT_MAX })),
	                 0);
	early_bytes = stats().live_bytes;
	until = 100000;
	assert_int_equal(error_of(bide_retry(fail_at_once, &until,
	                                     &(bide_retry_options){ .attempts_max = UINT_MAX })),
	                 0);
	assert_int_equal(a.count, 100000);
	assert_int_equal(stats().live_bytes, early_bytes);
}

TEST(each_allocation_may_fail)
{
	static const bide_retry_options limited = { .timeout_ns = BIDE_MS(20), .attempts_max = 3 };
	int error;

	limit_objects();
	simulate(0);
	(void)bide_now_ns();
	for (long n = 0;; n++) {
		a = (struct attempts){ .fail_count = 2, .error = EIO, .takes_ns = BIDE_MS(1) };
		allowed_allocations = n;
		error = error_of(retry(&limited));
		allowed_allocations = -1;
		assert_none(operation_count);
		assert_none(frame_count);
		if (!error)
			break;
		assert_int_equal(error, ENOMEM);
		assert_in_range(n, 0, 100);
	}
	assert_int_equal(a.count, 3);
}

/* --- misuse --- */

static const bide_retry_options wrong[] = {
	{ .pause_ns = -1 }, { .pause_max_ns = -1 }, { .timeout_ns = -1 }, { .factor_percent = 99 }
};
static const char *const why[] = { "pause_ns is -1", "pause_max_ns is -1", "timeout_ns is -1",
	                               "factor_percent is 99; from 100 on is allowed" };

TEST(misuse_is_named)
{
	simulate(0);
	expect_misuse();
	MISUSE(assert_int_equal(error_of(bide_retry(NULL, &a, NULL)), EINVAL), "bide_retry",
	       "function is NULL");
	for (int i = 0; i < 4; i++)
		MISUSE(assert_int_equal(error_of(bide_retry(try_it, &a, &wrong[i])), EINVAL), "bide_retry",
		       why[i]);
	assert_int_equal(a.count, 0);
}

/* --- the workers that there are --- */

static _Atomic unsigned tries;

static bide_value_task fail_twice(void *argument)
{
	_Atomic unsigned *count = argument;

	tries++;
	return (*count)++ < 2 ? bide_value_task_from_error(EAGAIN) : bide_value_task_from_int(1);
}

TEST(many_try_again_at_the_same_time)
{
	enum { COUNT = 500 };
	static _Atomic unsigned counts[COUNT];
	static bide_value_task items[COUNT];

	for (int i = 0; i < COUNT; i++)
		items[i] = bide_retry(fail_twice, &counts[i],
		                      &(bide_retry_options){ .pause_ns = 1000, .pause_max_ns = 20000 });
	assert_int_equal(error_of(bide_when_all(items, COUNT)), 0);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(result_of(items[i]), 1);
	assert_int_equal(tries, 3 * COUNT);
}

TEST(many_are_canceled_while_they_pause)
{
	enum { COUNT = 200 };
	static _Atomic unsigned counts[COUNT];
	static bide_value_task items[COUNT];
	bide_context *scope = bide_context_create(NULL);

	for (int i = 0; i < COUNT; i++)
		items[i] = bide_in_context(scope, bide_retry(fail_twice, &counts[i],
		                                             &(bide_retry_options){
														 .pause_ns = BIDE_SECONDS(3600),
														 .pause_max_ns = BIDE_SECONDS(3600) }));
	bide_context_cancel(scope, ECANCELED);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(error_of(items[i]), ECANCELED);
	bide_context_unref(scope);
}
