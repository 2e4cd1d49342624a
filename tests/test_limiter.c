/*
 * Limiters: tokens that come with the time, and functions that wait for them in order. Most tests
 * are on the virtual clock; those at the end have the workers that there are.
 *
 * Each test must leave nothing in use: no frame, no operation, no task.
 */
/* threads */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/library.h"
#include "support/limited_memory.h"

static bide_limiter limiter;
static int64_t start_ns;

void test_after_each(void)
{
	assert_nothing_in_use();
}

static void begin(int64_t tokens, int64_t period_ns, int64_t burst)
{
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	start_ns = bide_now_ns();
	assert_int_equal(bide_limiter_init(&limiter, tokens, period_ns, burst), 0);
}

static int64_t passed_ms(void)
{
	return (bide_now_ns() - start_ns) / BIDE_MS(1);
}

/* Takes tokens, then notes when, and in which order. */
enum { USERS_MAX = 16 };

static struct {
	int64_t at_ms;
	int error;
} ends[USERS_MAX];
static int order[USERS_MAX], ended;

struct user {
	BIDE_ASYNC_FRAME;
	struct {
		int number;
		int64_t count;
	} in;
};

bide_async(user)
{
	bide_async_begin;
	bide_await(bide_limiter_acquire(&limiter, my->in.count));
bide_async_finally:
	ends[my->in.number].at_ms = passed_ms();
	ends[my->in.number].error = bide_async_error;
	order[ended++] = my->in.number;
	bide_async_end;
}

static bide_value_task use(int number, int64_t count)
{
	return bide_async_start(user, .number = number, .count = count);
}

/* --- the rate --- */

TEST(a_burst_passes_at_once_and_the_rest_at_the_rate)
{
	begin(10, BIDE_SECONDS(1), 5);
	for (int i = 0; i < 25; i++) {
		assert_int_equal(error_of(bide_limiter_acquire(&limiter, 1)), 0);
		assert_int_equal(passed_ms(), i < 5 ? 0 : (i - 4) * 100);
	}
}

TEST(tokens_are_spread_over_the_period)
{
	begin(4, BIDE_SECONDS(60), 1);
	assert_true(bide_limiter_try_acquire(&limiter, 1));
	assert_false(bide_limiter_try_acquire(&limiter, 1));
	assert_int_equal(error_of(bide_limiter_acquire(&limiter, 1)), 0);
	assert_int_equal(passed_ms(), 15000);
}

TEST(a_rate_that_does_not_divide_is_kept_exactly)
{
	begin(3, BIDE_SECONDS(1), 1);
	for (int i = 0; i <= 3 * 3600; i++) {
		bide_value_task v = bide_limiter_acquire(&limiter, 1);

		if (!bide_value_task_is_ready(v) || i % 1000 == 0)
			assert_int_equal(error_of(v), 0);
	}
	/* Each of the last waits was rounded up by less than one nanosecond in all. */
	assert_int_equal(bide_now_ns() - start_ns, BIDE_SECONDS(3600));
}

TEST(what_is_not_used_is_kept_up_to_the_burst)
{
	begin(1000, BIDE_SECONDS(1), 3);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3; i++)
			assert_true(bide_limiter_try_acquire(&limiter, 1));
		assert_false(bide_limiter_try_acquire(&limiter, 1));
		/* A second; a hundred years. */
		assert_int_equal(error_of(bide_delay(round ? BIDE_SECONDS(3155760000) : BIDE_SECONDS(1))),
		                 0);
	}
}

TEST(the_largest_numbers_do_not_overflow)
{
	begin(UINT32_MAX, 1, UINT32_MAX);
	assert_true(bide_limiter_try_acquire(&limiter, UINT32_MAX));
	assert_int_equal(error_of(bide_limiter_acquire(&limiter, UINT32_MAX)), 0);
	assert_int_equal(bide_now_ns() - start_ns, 1);
	assert_int_equal(bide_limiter_init(&limiter, INT64_MAX, 1, INT64_MAX / 2), 0);
	assert_true(bide_limiter_try_acquire(&limiter, INT64_MAX / 2));
	assert_int_equal(error_of(bide_limiter_acquire(&limiter, INT64_MAX / 2)), 0);
	assert_int_equal(bide_now_ns() - start_ns, 2);
	assert_int_equal(bide_limiter_init(&limiter, 1, INT64_MAX / 2, 1), 0);
	assert_true(bide_limiter_try_acquire(&limiter, 1));
	assert_false(bide_limiter_try_acquire(&limiter, 1));
}

/* --- the order --- */

TEST(they_pass_in_the_order_in_which_they_came)
{
	bide_value_task users[6];
	static const int64_t counts[6] = { 1, 4, 1, 2, 1, 1 };
	static const int64_t expected_ms[6] = { 0, 300, 400, 600, 700, 800 };

	begin(10, BIDE_SECONDS(1), 5);
	assert_true(bide_limiter_try_acquire(&limiter, 3)); /* 2 are left */
	for (int i = 0; i < 6; i++)
		users[i] = use(i, counts[i]);
	assert_false(bide_limiter_try_acquire(&limiter, 1)); /* though 1 is left */
	for (int i = 0; i < 6; i++)
		assert_int_equal(error_of(users[i]), 0);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(order[i], i);
		assert_int_equal(ends[i].at_ms, expected_ms[i]);
	}
}

TEST(one_timer_is_armed_however_many_wait)
{
	enum { COUNT = 1000 };
	static bide_value_task waits[COUNT];

	begin(1000, BIDE_SECONDS(1), 1);
	assert_true(bide_limiter_try_acquire(&limiter, 1));
	for (int i = 0; i < COUNT; i++)
		waits[i] = bide_limiter_acquire(&limiter, 1);
	assert_int_equal(stats().timer_count, 1);
	assert_int_equal(error_of(bide_when_all(waits, COUNT)), 0);
	assert_int_equal(passed_ms(), 1000);
}

/* --- cancellation --- */

TEST(those_behind_a_canceled_head_are_looked_at_at_once)
{
	bide_context *scope;
	bide_value_task head, others[3];

	begin(1, BIDE_SECONDS(1), 5);
	scope = bide_context_create(NULL);
	assert_true(bide_limiter_try_acquire(&limiter, 3)); /* 2 are left */
	head = bide_in_context(scope, use(0, 5));
	for (int i = 0; i < 3; i++)
		others[i] = use(1 + i, 1);
	settle(0);
	assert_int_equal(ended, 0);
	bide_context_cancel(scope, BIDE_EUSER);
	settle(0);
	assert_int_equal(ended, 3); /* the head has failed, and took no token */
	assert_int_equal(ends[0].error, BIDE_EUSER);
	assert_int_equal(error_of(head), BIDE_EUSER);
	for (int i = 0; i < 3; i++)
		assert_int_equal(error_of(others[i]), 0);
	assert_int_equal(ends[1].at_ms, 0);
	assert_int_equal(ends[2].at_ms, 0);
	assert_int_equal(ends[3].at_ms, 1000);
	bide_context_unref(scope);
}

TEST(a_wait_that_is_canceled_in_the_queue_costs_no_token)
{
	bide_context *scope;
	bide_value_task users[3];

	begin(1, BIDE_SECONDS(1), 1);
	scope = bide_context_create(NULL);
	assert_true(bide_limiter_try_acquire(&limiter, 1));
	users[0] = use(0, 1);
	users[1] = bide_in_context(scope, use(1, 1));
	users[2] = use(2, 1);
	bide_context_cancel(scope, ECANCELED);
	assert_int_equal(error_of(users[1]), ECANCELED);
	assert_int_equal(error_of(users[0]), 0);
	assert_int_equal(error_of(users[2]), 0);
	assert_int_equal(ends[2].at_ms, 2000);
	bide_context_unref(scope);
}

TEST(a_deadline_ends_the_wait)
{
	begin(1, BIDE_SECONDS(60), 1);
	assert_true(bide_limiter_try_acquire(&limiter, 1));
	assert_int_equal(error_of(bide_with_timeout_ms(250, bide_limiter_acquire(&limiter, 1))),
	                 ETIMEDOUT);
	assert_int_equal(passed_ms(), 250);
	assert_int_equal(error_of(bide_limiter_acquire(&limiter, 1)), 0);
	assert_int_equal(passed_ms(), 60000);
}

TEST(a_canceled_context_gets_no_token)
{
	bide_context *scope;

	begin(1, BIDE_SECONDS(1), 1);
	scope = bide_context_create(NULL);
	bide_context_cancel(scope, ECANCELED);
	assert_int_equal(error_of(bide_in_context(scope, bide_limiter_acquire(&limiter, 1))),
	                 ECANCELED);
	assert_true(bide_limiter_try_acquire(&limiter, 1));
	bide_context_unref(scope);
}

TEST(a_wait_that_is_forgotten_takes_no_token)
{
	begin(1, BIDE_SECONDS(1), 1);
	assert_true(bide_limiter_try_acquire(&limiter, 1));
	for (int i = 0; i < 3; i++) /* the first has its turn, the others wait for theirs */
		bide_value_task_forget(bide_limiter_acquire(&limiter, 1));
	assert_int_equal(error_of(bide_limiter_acquire(&limiter, 1)), 0);
	assert_int_equal(passed_ms(), 1000);
	bide_value_task_forget(bide_limiter_acquire(&limiter, 1));
	assert_false(bide_limiter_try_acquire(&limiter, 1)); /* it keeps its place */
	assert_int_equal(error_of(bide_delay(BIDE_SECONDS(1))), 0);
	assert_int_equal(error_of(bide_delay(1)), 0);
	assert_true(bide_limiter_try_acquire(&limiter, 1));
}

/* --- another life --- */

TEST(after_a_shutdown_what_waited_before_does_not_wait_any_more)
{
	uint64_t leaked = 0;

	begin(1, BIDE_SECONDS(1), 1);
	assert_true(bide_limiter_try_acquire(&limiter, 1));
	for (int i = 0; i < 2; i++)
		bide_value_task_forget(bide_limiter_acquire(&limiter, 1));
	assert_int_equal(bide_shutdown(&leaked), 0);
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	assert_int_equal(error_of(bide_limiter_acquire(&limiter, 1)), 0);
	assert_int_equal(error_of(bide_limiter_acquire(&limiter, 1)), 0);
}

TEST(the_child_of_a_fork_goes_on_with_the_limiter)
{
	int status = -1;
	pid_t child;

	begin(1, BIDE_SECONDS(1), 1);
	assert_true(bide_limiter_try_acquire(&limiter, 1));
	bide_value_task waits[2] = { bide_limiter_acquire(&limiter, 1),
		                         bide_limiter_acquire(&limiter, 1) };
	limiter.lock_ = limiter.life_; /* as if another thread held the lock at the fork */
	child = fork();
	if (child == 0)
		_exit(bide_value_task_wait(bide_limiter_acquire(&limiter, 1), NULL) != 0 ||
		      limiter.waiting_ != 0);
	limiter.lock_ = 0;
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(error_of(waits[i]), 0);
	assert_int_equal(passed_ms(), 2000);
}

/* --- memory --- */

TEST(a_hundred_thousand_waits_leave_nothing_behind)
{
	uint64_t early_bytes = 0;

	begin(1000, BIDE_SECONDS(1), 1);
	for (int i = 0; i < 100000; i++) {
		if (i % 2)
			(void)error_of(bide_with_timeout(1, bide_limiter_acquire(&limiter, 1)));
		else
			assert_int_equal(error_of(bide_limiter_acquire(&limiter, 1)), 0);
		if (i == 100)
			early_bytes = stats().live_bytes;
	}
	assert_int_equal(stats().live_bytes, early_bytes);
}

TEST(each_allocation_may_fail)
{
	int error = 0;

	limit_objects();
	begin(1, BIDE_SECONDS(1), 1);
	for (long n = 0;; n++) {
		bide_value_task v[3];
		int failed = 0;

		assert_int_equal(error_of(bide_delay(BIDE_SECONDS(1))), 0);
		allowed_allocations = n;
		for (int i = 0; i < 3; i++)
			v[i] = bide_limiter_acquire(&limiter, 1);
		for (int i = 0; i < 3; i++) {
			error = error_of(v[i]);
			assert_true(error == 0 || error == ENOMEM);
			failed += error != 0;
		}
		allowed_allocations = -1;
		assert_none(frame_count);
		assert_none(operation_count);
		if (failed == 0)
			break;
		assert_in_range(n, 0, 50);
	}
}

/* --- misuse --- */

TEST(misuse_is_named)
{
	bide_limiter nothing = { .tokens_ = 0 };

	begin(1, BIDE_SECONDS(1), 5);
	expect_misuse();
	MISUSE(assert_int_equal(bide_limiter_init(NULL, 1, 1, 1), EINVAL), "bide_limiter_init",
	       "limiter is NULL");
	MISUSE(assert_int_equal(bide_limiter_init(&nothing, 0, 1, 1), EINVAL), "bide_limiter_init",
	       "tokens is 0");
	MISUSE(assert_int_equal(bide_limiter_init(&nothing, -3, 1, 1), EINVAL), "bide_limiter_init",
	       "tokens is -3");
	MISUSE(assert_int_equal(bide_limiter_init(&nothing, 1, 1, -4), EINVAL), "bide_limiter_init",
	       "burst is -4");
	MISUSE(assert_int_equal(bide_limiter_init(&nothing, 1, 1, 0), EINVAL), "bide_limiter_init",
	       "burst is 0");
	MISUSE(assert_int_equal(bide_limiter_init(&nothing, 1, 0, 1), EINVAL), "bide_limiter_init",
	       "period_ns is 0");
	MISUSE(assert_int_equal(bide_limiter_init(&nothing, 1, -1, 1), EINVAL), "bide_limiter_init",
	       "period_ns is -1");
	MISUSE(assert_int_equal(bide_limiter_init(&nothing, 1, INT64_MAX / 2, 2), EINVAL),
	       "bide_limiter_init", "with a burst of 2");
	MISUSE(assert_int_equal(error_of(bide_limiter_acquire(NULL, 1)), EINVAL),
	       "bide_limiter_acquire", "limiter is NULL");
	MISUSE(assert_int_equal(error_of(bide_limiter_acquire(&nothing, 1)), EINVAL),
	       "bide_limiter_acquire", "not initialised");
	MISUSE(assert_int_equal(error_of(bide_limiter_acquire(&limiter, 0)), EINVAL),
	       "bide_limiter_acquire", "count is 0; 1 to 5 are allowed");
	MISUSE(assert_int_equal(error_of(bide_limiter_acquire(&limiter, -1)), EINVAL),
	       "bide_limiter_acquire", "count is -1; 1 to 5 are allowed");
	MISUSE(assert_int_equal(error_of(bide_limiter_acquire(&limiter, 6)), EINVAL),
	       "bide_limiter_acquire", "count is 6; 1 to 5 are allowed");
	MISUSE(assert_false(bide_limiter_try_acquire(&limiter, 6)), "bide_limiter_try_acquire",
	       "count is 6");
}

/* --- the workers that there are --- */

enum { FAST = 20000, BURST = 10 };

static void begin_fast(void)
{
	start_ns = bide_now_ns();
	assert_int_equal(bide_limiter_init(&limiter, FAST, BIDE_SECONDS(1), BURST), 0);
}

/* Asserts that this number of tokens was not taken too early. */
static void assert_rate(int taken)
{
	assert_true(bide_now_ns() - start_ns >= BIDE_SECONDS(taken - BURST) / FAST);
}

struct taker {
	BIDE_ASYNC_FRAME;
	int i;
};

bide_async(taker)
{
	bide_async_begin;
	for (my->i = 0; my->i < 50; my->i++)
		bide_await(bide_limiter_acquire(&limiter, 1 + my->i % 3));
bide_async_finally:
	bide_async_end;
}

TEST(functions_on_all_workers_share_the_rate)
{
	bide_value_task takers[20];

	begin_fast();
	for (int i = 0; i < 20; i++)
		takers[i] = bide_async_start(taker);
	assert_int_equal(error_of(bide_when_all(takers, 20)), 0);
	assert_rate(20 * 99);
}

TEST(waits_are_canceled_while_others_pass)
{
	bide_value_task takers[20];
	bide_context *scopes[10];
	int error;

	begin_fast();
	for (int i = 0; i < 20; i++) {
		if (i % 2 == 0)
			scopes[i / 2] =
				bide_context_create(&(bide_context_options){ .timeout_ns = BIDE_MS(1 + i) });
		takers[i] = i % 2 ? bide_async_start(taker)
		                  : bide_in_context(scopes[i / 2], bide_async_start(taker));
	}
	for (int i = 0; i < 20; i++) {
		error = error_of(takers[i]);
		assert_true(error == 0 || (i % 2 == 0 && error == ETIMEDOUT));
	}
	for (int i = 0; i < 10; i++)
		bide_context_unref(scopes[i]);
	/* No wait is left that would keep others out. */
	assert_int_equal(error_of(bide_delay(BIDE_MS(1))), 0);
	assert_true(bide_limiter_try_acquire(&limiter, BURST));
}

static atomic_int passed;

static void *take_by_trying(void *argument)
{
	(void)argument;
	for (int i = 0; i < BURST || bide_now_ns() - start_ns < BIDE_MS(20); i++)
		if (bide_limiter_try_acquire(&limiter, 1))
			atomic_fetch_add(&passed, 1);
	return NULL;
}

TEST(threads_that_try_share_the_rate)
{
	pthread_t threads[3];

	begin_fast();
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_by_trying, NULL), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_true(passed >= BURST);
	assert_rate(passed);
}
