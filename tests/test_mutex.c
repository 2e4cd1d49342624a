/*
 * A mutex: one holder at a time, in the order in which they came; waits that are canceled,
 * forgotten, or fail without memory; the end.
 */
/* threads */
#define _GNU_SOURCE /* pthread_tryjoin_np */
#include "support/sync_support.h"

#include <stdlib.h>

static mutex m;

static value_task wait_for_mutex(int id)
{
	return async_start(holder, .mutex = &m, .id = id);
}

TEST(a_mutex_of_zero_bits_is_free_and_is_held_at_once)
{
	hold mine = { 0 }, other = { 0 };
	value_task held;

	begin_test();
	held = mutex_hold(&m, &mine);
	assert_int_equal(held.state, 0);
	assert_int_equal(held.payload.i, 1);
	assert_true(hold_is_held(&mine));
	assert_false(mutex_try_hold(&m, &other));
	assert_false(hold_is_held(&other));
	hold_release(&mine);
	assert_false(hold_is_held(&mine));
	assert_true(mutex_try_hold(&m, &other));
	hold_release(&other);
	hold_release(&other);
	hold_release(&mine);
	assert_true(mutex_try_hold(&m, &mine));
	hold_release(&mine);
	assert_int_equal(stats().operation_count, 0);
}

TEST(functions_get_the_mutex_in_the_order_in_which_they_came)
{
	enum { COUNT = 100 };
	hold mine = { 0 };
	value_task waits[COUNT];

	begin_test();
	assert_true(mutex_try_hold(&m, &mine));
	for (int i = 0; i < COUNT; i++) {
		waits[i] = wait_for_mutex(i);
		settle_workers();
	}
	assert_int_equal(log_count, 0);
	hold_release(&mine);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(result_of(waits[i]), 1);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(log_of[i], i);
	assert_true(mutex_try_hold(&m, &mine));
	hold_release(&mine);
}

/* The release hands the mutex over, so a try in between does not get it. */
TEST(a_mutex_that_is_handed_over_is_not_free_in_between)
{
	hold mine = { 0 }, next = { 0 }, late = { 0 };
	value_task wait;

	begin_test();
	assert_true(mutex_try_hold(&m, &mine));
	wait = mutex_hold(&m, &next);
	assert_false(value_task_is_ready(wait));
	hold_release(&mine);
	assert_true(hold_is_held(&next));
	assert_false(mutex_try_hold(&m, &late));
	assert_int_equal(result_of(wait), 1);
	hold_release(&next);
	assert_true(mutex_try_hold(&m, &late));
	hold_release(&late);
}

struct counter {
	ASYNC_FRAME;
	struct {
		int rounds;
	} in;
	hold hold;
	int i;
	int64_t seen;
};

static int64_t guarded;

async(counter)
{
	async_begin;
	for (my->i = 0; my->i < my->in.rounds; my->i++) {
		await(mutex_hold(&m, &my->hold));
		my->seen = guarded;
		if (my->i % 4 == 0)
			await(async_yield());
		guarded = my->seen + 1;
		hold_release(&my->hold);
	}
async_finally:
	hold_release(&my->hold);
	async_end;
}

TEST(what_a_mutex_guards_is_changed_by_one_function_at_a_time)
{
	enum { FUNCTIONS = 8, TURNS = 500 };
	value_task all[FUNCTIONS];

	begin_test();
	guarded = 0;
	for (int i = 0; i < FUNCTIONS; i++)
		all[i] = async_start(counter, .rounds = TURNS);
	for (int i = 0; i < FUNCTIONS; i++)
		assert_int_equal(error_of(all[i]), 0);
	assert_int_equal(guarded, FUNCTIONS * TURNS);
}

static void *count_on_a_thread(void *unused)
{
	(void)unused;
	for (int i = 0; i < 300; i++) {
		hold mine = { 0 };

		assert_int_equal(result_of(mutex_hold(&m, &mine)), 1);
		guarded++;
		hold_release(&mine);
	}
	return NULL;
}

TEST(threads_that_are_no_workers_wait_for_a_mutex_too)
{
	enum { THREADS = 3, FUNCTIONS = 3, TURNS = 300 };
	pthread_t threads[THREADS];
	value_task all[FUNCTIONS];

	begin_test();
	guarded = 0;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_on_a_thread, NULL), 0);
	for (int i = 0; i < FUNCTIONS; i++)
		all[i] = async_start(counter, .rounds = TURNS);
	for (int i = 0; i < FUNCTIONS; i++)
		assert_int_equal(error_of(all[i]), 0);
	/* With one worker, the ends of the threads' waits are posts, which this thread takes. */
	for (;;) {
		hold mine = { 0 };
		int64_t now;

		assert_int_equal(result_of(mutex_hold(&m, &mine)), 1);
		now = guarded;
		hold_release(&mine);
		if (now == FUNCTIONS * TURNS + THREADS * 300)
			break;
		settle(0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* --- waits that end without the mutex --- */

TEST(a_canceled_context_ends_the_wait_and_those_behind_keep_their_places)
{
	bide_context *context = cancelable();
	hold mine = { 0 };
	value_task first, second, third;

	begin_test();
	assert_true(mutex_try_hold(&m, &mine));
	first = wait_for_mutex(1);
	second = in_context(context, async_start(holder, .mutex = &m, .id = 2));
	third = wait_for_mutex(3);
	settle_workers();
	assert_true(bide_context_cancel(context, EPIPE));
	assert_int_equal(error_of(second), EPIPE);
	hold_release(&mine);
	assert_int_equal(error_of(first), 0);
	assert_int_equal(error_of(third), 0);
	assert_int_equal(log_of[0], 1);
	assert_int_equal(log_of[1], 3);
	bide_context_unref(context);
}

TEST(in_a_canceled_context_even_a_free_mutex_is_not_held)
{
	bide_context *context = cancelable();

	begin_test();
	assert_true(bide_context_cancel(context, ECANCELED));
	assert_int_equal(error_of(in_context(context, async_start(holder, .mutex = &m))), ECANCELED);
	assert_int_equal(log_count, 0);
	bide_context_unref(context);
}

TEST(the_deadline_of_the_context_ends_the_wait)
{
	bide_context *context = bide_context_create(&(context_options){ .timeout_ns = BIDE_MS(1) });
	hold mine = { 0 };
	value_task wait;

	assert_non_null(context);
	begin_test();
	assert_true(mutex_try_hold(&m, &mine));
	wait = in_context(context, async_start(holder, .mutex = &m));
	assert_int_equal(error_of(wait), ETIMEDOUT);
	hold_release(&mine);
	assert_true(mutex_try_hold(&m, &mine));
	hold_release(&mine);
	bide_context_unref(context);
}

TEST(a_forgotten_wait_leaves_the_queue_and_holds_nothing)
{
	hold mine = { 0 }, other = { 0 }, third = { 0 };
	value_task forgotten, kept;

	begin_test();
	assert_true(mutex_try_hold(&m, &mine));
	forgotten = mutex_hold(&m, &other);
	kept = mutex_hold(&m, &third);
	value_task_forget(forgotten);
	hold_release(&mine);
	assert_false(hold_is_held(&other));
	assert_true(hold_is_held(&third));
	assert_int_equal(result_of(kept), 1);
	hold_release(&other);
	hold_release(&third);
	assert_true(mutex_try_hold(&m, &mine));
	hold_release(&mine);
}

/* The grant came before the forget: it is in the hold, which gives it back once. */
TEST(what_was_granted_before_the_wait_was_forgotten_is_in_the_hold)
{
	hold mine = { 0 }, other = { 0 }, third = { 0 };
	value_task forgotten;

	begin_test();
	assert_true(mutex_try_hold(&m, &mine));
	forgotten = mutex_hold(&m, &other);
	hold_release(&mine);
	value_task_forget(forgotten);
	assert_true(hold_is_held(&other));
	assert_false(mutex_try_hold(&m, &third));
	hold_release(&other);
	assert_true(mutex_try_hold(&m, &third));
	hold_release(&third);
	value_task_forget(mutex_hold(&m, &mine)); /* it was free */
	assert_true(hold_is_held(&mine));
	hold_release(&mine);
	assert_true(mutex_try_hold(&m, &third));
	hold_release(&third);
}

TEST(without_memory_for_the_wait_nothing_is_held_and_nothing_is_changed)
{
	hold mine = { 0 }, other = { 0 };
	int error = ENOMEM;

	limit_objects();
	begin_test();
	assert_true(mutex_try_hold(&m, &mine));
	for (long n = 0; error; n++) {
		value_task wait;

		assert_true(n < 10);
		allowed_allocations = n;
		wait = n % 2 ? mutex_hold(&m, &other) : mutex_try_hold_for(&m, &other, BIDE_SECONDS(1000));
		allowed_allocations = -1;
		error = value_task_is_ready(wait) ? value_task_error(wait) : 0;
		assert_true(!error || error == ENOMEM);
		if (!error) {
			assert_true(n > 0);
			hold_release(&mine);
			assert_int_equal(result_of(wait), 1);
		}
		assert_int_equal(hold_is_held(&other), !error);
	}
	hold_release(&other);
	assert_true(mutex_try_hold(&m, &mine));
	hold_release(&mine);
}

TEST(a_million_canceled_waits_take_no_memory)
{
	enum { COUNT = 1000000, AT_ONCE = 100 };
	hold mine = { 0 }, holds[AT_ONCE] = { { 0 } };
	value_task waits[AT_ONCE];
	uint64_t before = 0;

	begin_test();
	assert_true(mutex_try_hold(&m, &mine));
	for (int n = 0; n < COUNT / AT_ONCE; n++) {
		for (int i = 0; i < AT_ONCE; i++)
			waits[i] = mutex_hold(&m, &holds[i]);
		for (int i = 0; i < AT_ONCE; i++)
			value_task_forget(waits[i * 37 % AT_ONCE]);
		if (n == 0)
			before = stats().live_bytes;
	}
	assert_in_range(stats().live_bytes, 0, before);
	hold_release(&mine);
	assert_true(mutex_try_hold(&m, &mine));
	hold_release(&mine);
}

/* --- a time limit that does not fail the function --- */

TEST(a_wait_whose_time_is_up_succeeds_without_the_mutex)
{
	hold mine = { 0 }, other = { 0 }, third = { 0 }, fourth = { 0 };
	value_task limited, behind;
	int64_t before;

	begin_test();
	assert_int_equal(result_of(mutex_try_hold_for(&m, &mine, 0)), 1);
	before = bide_now_ns();
	limited = mutex_try_hold_for(&m, &other, BIDE_MS(2));
	behind = mutex_hold(&m, &third);
	assert_int_equal(result_of(mutex_try_hold_for(&m, &fourth, 0)), 0);
	assert_int_equal(result_of(limited), 0);
	assert_true(bide_now_ns() - before >= BIDE_MS(2));
	assert_false(hold_is_held(&other));
	hold_release(&other);
	hold_release(&mine);
	assert_int_equal(result_of(behind), 1);
	hold_release(&third);
}

TEST(a_wait_that_gets_the_mutex_in_time_stops_its_timer)
{
	bide_context *context = cancelable();
	hold mine = { 0 }, other = { 0 };
	value_task limited;

	begin_test();
	assert_int_equal(result_of(mutex_try_hold_for(&m, &mine, BIDE_FOREVER)), 1);
	limited = in_context(context, mutex_try_hold_for(&m, &other, BIDE_SECONDS(1000)));
	hold_release(&mine);
	assert_int_equal(result_of(limited), 1);
	assert_true(hold_is_held(&other));
	limited = mutex_try_hold_for(&m, &mine, BIDE_SECONDS(1000));
	value_task_forget(limited);
	limited = in_context(context, mutex_try_hold_for(&m, &mine, BIDE_SECONDS(1000)));
	assert_true(bide_context_cancel(context, EPIPE));
	assert_int_equal(error_of(limited), EPIPE);
	hold_release(&other);
	settle_workers();
	assert_none(timer_count);
	bide_context_unref(context);
}

struct limited {
	ASYNC_FRAME;
	struct {
		int id;
	} in;
	hold hold;
	int64_t got, seen;
	int i;
};

static atomic_int gotten, missed;

async(limited)
{
	async_begin;
	for (my->i = 0; my->i < 40; my->i++) {
		await(my->got, mutex_try_hold_for(&m, &my->hold, 1 + (my->in.id * 7 + my->i) % 5 * 50000));
		assert_int_equal(hold_is_held(&my->hold), my->got);
		atomic_fetch_add(my->got ? &gotten : &missed, 1);
		if (my->got) {
			my->seen = guarded;
			await(delay(20000));
			guarded = my->seen + 1;
		}
		hold_release(&my->hold);
	}
async_finally:
	hold_release(&my->hold);
	async_end;
}

TEST(time_limits_and_grants_that_meet_lose_nothing)
{
	enum { FUNCTIONS = 6 };
	value_task all[FUNCTIONS];

	begin_test();
	guarded = 0;
	for (int i = 0; i < FUNCTIONS; i++)
		all[i] = async_start(limited, .id = i);
	for (int i = 0; i < FUNCTIONS; i++)
		assert_int_equal(error_of(all[i]), 0);
	assert_int_equal(guarded, gotten);
	assert_int_equal(gotten + missed, FUNCTIONS * 40);
}

static void *hold_with_a_limit(void *unused)
{
	hold mine = { 0 };

	(void)unused;
	assert_int_equal(result_of(mutex_try_hold_for(&m, &mine, BIDE_MS(1))), 0);
	missed = 1;
	assert_int_equal(result_of(mutex_try_hold_for(&m, &mine, BIDE_SECONDS(1000))), 1);
	hold_release(&mine);
	return NULL;
}

TEST(a_thread_that_is_no_worker_waits_with_a_limit_too)
{
	hold mine = { 0 };
	pthread_t thread;

	begin_test();
	missed = 0;
	assert_true(mutex_try_hold(&m, &mine));
	assert_int_equal(pthread_create(&thread, NULL, hold_with_a_limit, NULL), 0);
	while (!missed) /* with one worker this thread has the timer, too */
		assert_int_equal(error_of(delay_ms(1)), 0);
	hold_release(&mine);
	for (;;) { /* with one worker the thread's wait ends by a post, which this thread takes */
		if (mutex_try_hold(&m, &mine)) {
			hold_release(&mine);
			if (pthread_tryjoin_np(thread, NULL) == 0)
				break;
		}
		settle(0);
	}
}

/* --- the end --- */

TEST(the_end_fails_all_that_wait_and_what_is_held_can_be_given_back)
{
	enum { COUNT = 40 };
	hold mine = { 0 };
	value_task waits[COUNT];

	begin_test();
	assert_true(mutex_try_hold(&m, &mine));
	for (int i = 0; i < COUNT; i++)
		waits[i] = wait_for_mutex(i);
	settle_workers();
	mutex_end(&m);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(error_of(waits[i]), BIDE_EBROKEN);
	assert_int_equal(log_count, 0);
	hold_release(&mine);
}

TEST(memory_of_an_ended_mutex_may_be_a_mutex_again)
{
	hold mine = { 0 };

	begin_test();
	mutex_end(&m);
	m = (mutex){ 0 };
	assert_true(mutex_try_hold(&m, &mine));
	hold_release(&mine);
	mutex_end(&m);
	assert_int_equal(mutex_init(&m), 0);
	assert_true(mutex_try_hold(&m, &mine));
	hold_release(&mine);
}

TEST(misuse_of_a_mutex_is_named)
{
	hold mine = { 0 }, other = { 0 };
	mutex second = { 0 };

	begin_test();
	expect_misuse();
	MISUSE(assert_int_equal(error_of(mutex_hold(NULL, &mine)), EINVAL), "bide_mutex_hold",
	       "mutex is NULL");
	MISUSE(assert_int_equal(error_of(mutex_hold(&m, NULL)), EINVAL), "bide_mutex_hold",
	       "hold is NULL");
	MISUSE(assert_int_equal(error_of(mutex_try_hold_for(&m, &mine, -1)), EINVAL),
	       "bide_mutex_try_hold_for", "timeout_ns is -1");
	MISUSE(assert_false(mutex_try_hold(NULL, &mine)), "bide_mutex_try_hold", "mutex is NULL");
	MISUSE(assert_int_equal(mutex_init(NULL), EINVAL), "bide_mutex_init", "mutex is NULL");
	MISUSE(mutex_end(NULL), "bide_mutex_end", "mutex is NULL");
	assert_int_equal(error_of(mutex_hold(&m, &mine)), 0);
	MISUSE(assert_int_equal(error_of(mutex_hold(&m, &mine)), EDEADLK), "bide_mutex_hold",
	       "hold holds this mutex already, since " __FILE__);
	MISUSE(assert_int_equal(error_of(mutex_hold(&second, &mine)), EBUSY), "bide_mutex_hold",
	       "hold holds another mutex already, since " __FILE__);
	MISUSE(assert_false(mutex_try_hold(&m, &mine)), "bide_mutex_try_hold", "already, since");
	hold_release(&mine);
	mutex_end(&m);
	MISUSE(mutex_end(&m), "bide_mutex_end", "was ended");
	MISUSE(assert_int_equal(error_of(mutex_hold(&m, &other)), BIDE_EBROKEN), "bide_mutex_hold",
	       "was ended");
	MISUSE(assert_false(mutex_try_hold(&m, &other)), "bide_mutex_try_hold", "was ended");
	assert_false(hold_is_held(&other));
}
