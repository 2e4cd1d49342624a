/*
 * Periodic timers: ticks, missed ticks, stops, and threads that use one timer at a time.
 *
 * Each test must give everything back: no object is in use, and no byte is live after the shutdown.
 */
/* threads */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/library.h"
#include "support/virtual_clock.h"

#include <bide/short.h>

void test_after_each(void)
{
	assert_nothing_in_use();
}

/* ---- the periodic timer */

TEST(PT_01_a_period_out_of_range_is_misuse)
{
	static const int64_t wrong_ns[] = { 0, -1, -2, INT64_MIN };
	bide_periodic_timer *timer;

	use_virtual_clock();
	expect_misuse();
	timer = bide_periodic_timer_create(5 * ms);
	for (int i = 0; i < 4; i++) {
		assert_null(bide_periodic_timer_create(wrong_ns[i]));
		assert_non_null(strstr(misuse_text, "bide_periodic_timer_create: period_ns is"));
		assert_int_equal(bide_periodic_timer_set_period(timer, wrong_ns[i]), EINVAL);
		assert_non_null(strstr(misuse_text, "bide_periodic_timer_set_period: period_ns is"));
		assert_int_equal(misuse_count, 2 * (i + 1));
	}
	assert_int_equal(bide_value_task_wait(bide_periodic_timer_next(timer), NULL), 0);
	assert_int_equal(bide_now_ns(), 5 * ms); /* the period is unchanged */
	bide_periodic_timer_destroy(timer);
}

static int64_t next_tick(bide_periodic_timer *timer)
{
	bide_payload result;

	assert_int_equal(bide_value_task_wait(bide_periodic_timer_next(timer), &result), 0);
	return result.i;
}

TEST(ticks_come_at_multiples_of_the_period_however_late_they_are_asked_for)
{
	bide_periodic_timer *timer;

	use_virtual_clock();
	timer = bide_periodic_timer_create(10 * ms);
	for (int i = 1; i <= 5; i++) {
		assert_int_equal(next_tick(timer), 1);
		assert_int_equal(bide_now_ns(), i * 10 * ms);
	}
	assert_int_equal(bide_value_task_wait(delay_ms(3), NULL), 0);
	assert_int_equal(next_tick(timer), 1);
	assert_int_equal(bide_now_ns(), 60 * ms);
	bide_periodic_timer_destroy(timer);
}

TEST(ticks_that_were_missed_merge_into_one)
{
	bide_periodic_timer *timer;

	use_virtual_clock();
	timer = bide_periodic_timer_create(10 * ms);
	assert_int_equal(bide_value_task_wait(delay_ms(45), NULL), 0);
	assert_true(bide_value_task_is_ready(bide_periodic_timer_next(timer))); /* ready at once */
	assert_int_equal(next_tick(timer), 1);
	assert_int_equal(bide_now_ns(), 50 * ms);
	bide_periodic_timer_destroy(timer);
}

TEST(a_busy_worker_merges_ticks_on_the_real_clock)
{
	NOT_SEEDED("it needs the real clock");
	bide_periodic_timer *timer = bide_periodic_timer_create(ms);
	int64_t start_ns = bide_now_ns();

	while (bide_now_ns() - start_ns < 20 * ms)
		;
	start_ns = bide_now_ns();
	assert_int_equal(next_tick(timer), 1);
	assert_int_equal(next_tick(timer), 1);
	assert_int_equal(next_tick(timer), 1);
	/*
	 * After the first tick at once there are two more, at least one period apart. (The second may
	 * have been missed as well, if this thread did not ask for it in time.)
	 */
	assert_true(bide_now_ns() - start_ns >= ms);
	bide_periodic_timer_destroy(timer);
}

TEST(PT_03_a_stopped_timer_returns_false_at_once)
{
	bide_periodic_timer *timer = bide_periodic_timer_create(10 * ms);

	bide_periodic_timer_stop(timer);
	for (int i = 0; i < 3; i++) {
		value_task tick = bide_periodic_timer_next(timer);

		assert_true(bide_value_task_is_successful(tick));
		assert_int_equal(tick.payload.i, 0);
	}
	bide_periodic_timer_stop(timer);
	assert_int_equal(bide_periodic_timer_set_period(timer, ms), 0);
	assert_int_equal(next_tick(timer), 0);
	settle_workers();
	assert_int_equal(timer_count(), 0);
	bide_periodic_timer_destroy(timer);
	bide_periodic_timer_destroy(NULL);
	bide_periodic_timer_stop(NULL);
}

static void *stop_it(void *timer)
{
	nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	bide_periodic_timer_stop(timer);
	return NULL;
}

TEST(PT_04_a_stop_from_another_thread_ends_the_pending_wait_with_false)
{
	bide_periodic_timer *timer = bide_periodic_timer_create(BIDE_SECONDS(3600));
	pthread_t thread;

	pthread_create(&thread, NULL, stop_it, timer);
	assert_int_equal(next_tick(timer), 0);
	pthread_join(thread, NULL);
	bide_periodic_timer_destroy(timer);
}

static void *destroy_it(void *timer)
{
	bide_periodic_timer_destroy(timer);
	return NULL;
}

TEST(PT_04_destroying_the_timer_on_any_thread_ends_the_pending_wait_with_false)
{
	bide_periodic_timer *timer = bide_periodic_timer_create(BIDE_SECONDS(3600));
	value_task tick = bide_periodic_timer_next(timer);
	bide_payload result = { .i = 5 };
	pthread_t thread;

	bide_periodic_timer_destroy(timer);
	assert_int_equal(bide_value_task_wait(tick, &result), 0);
	assert_int_equal(result.i, 0);

	result.i = 5;
	timer = bide_periodic_timer_create(BIDE_SECONDS(3600));
	tick = bide_periodic_timer_next(timer);
	pthread_create(&thread, NULL, destroy_it, timer);
	assert_int_equal(bide_value_task_wait(tick, &result), 0);
	assert_int_equal(result.i, 0);
	pthread_join(thread, NULL);
}

static void *stop_twice_and_destroy(void *timer)
{
	bide_periodic_timer_stop(timer);
	bide_periodic_timer_stop(timer);
	bide_periodic_timer_destroy(timer);
	return NULL;
}

TEST(another_thread_may_stop_and_destroy_a_timer_at_once)
{
	for (int round = 0; test_round(round, 300); round++) {
		bide_periodic_timer *timer = bide_periodic_timer_create(BIDE_SECONDS(3600));
		value_task tick = bide_periodic_timer_next(timer);
		pthread_t thread;

		pthread_create(&thread, NULL, stop_twice_and_destroy, timer);
		if (round & 1)
			pthread_join(thread, NULL);
		assert_int_equal(bide_value_task_wait(tick, NULL), 0);
		if (!(round & 1))
			pthread_join(thread, NULL);
		settle(0);
	}
}

static void *stop_at_once(void *timer)
{
	bide_periodic_timer_stop(timer);
	return NULL;
}

TEST(a_stop_that_another_thread_posted_outlives_the_timer)
{
	for (int round = 0; test_round(round, 300); round++) {
		bide_periodic_timer *timer = bide_periodic_timer_create(BIDE_SECONDS(3600));
		pthread_t thread;

		pthread_create(&thread, NULL, stop_at_once, timer);
		pthread_join(thread, NULL);
		bide_periodic_timer_destroy(timer);
		settle(0);
	}
}

static void stop_elsewhere(bide_periodic_timer *timer)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, stop_at_once, timer), 0);
	pthread_join(thread, NULL);
}

/* The one worker acts between a stop on another thread and the arrival of its post. */
TEST(a_stop_by_another_thread_leaves_no_tick_behind)
{
	bide_periodic_timer *missed, *pending;
	bide_payload result = { .i = 5 };
	value_task tick;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 1 }), 0);
	missed = bide_periodic_timer_create(ms);
	assert_int_equal(bide_value_task_wait(delay_ms(5), NULL), 0); /* leaves a tick unread */
	stop_elsewhere(missed);
	assert_int_equal(next_tick(missed), 0);
	pending = bide_periodic_timer_create(ms);
	tick = bide_periodic_timer_next(pending);
	stop_elsewhere(pending);
	usleep(3000); /* the tick is due when this thread checks next */
	assert_int_equal(bide_value_task_wait(tick, &result), 0);
	assert_int_equal(result.i, 0);
	bide_periodic_timer_destroy(missed);
	bide_periodic_timer_destroy(pending);
}

TEST(PT_05_a_second_wait_is_misuse_and_the_first_continues)
{
	bide_periodic_timer *timer;
	value_task first;

	use_virtual_clock();
	expect_misuse();
	timer = bide_periodic_timer_create(5 * ms);
	first = bide_periodic_timer_next(timer);
	assert_int_equal(bide_value_task_error(bide_periodic_timer_next(timer)), EBUSY);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "bide_periodic_timer_next"));
	assert_int_equal(bide_value_task_wait(first, NULL), 0);
	assert_int_equal(bide_now_ns(), 5 * ms);
	assert_int_equal(bide_value_task_error(bide_periodic_timer_next(NULL)), EINVAL);
	assert_int_equal(bide_periodic_timer_set_period(NULL, 5), EINVAL);
	assert_int_equal(misuse_count, 3);
	bide_periodic_timer_destroy(timer);
}

TEST(PT_06_in_a_canceled_context_a_wait_is_canceled_at_once)
{
	bide_context *context;
	bide_periodic_timer *timer;

	use_virtual_clock();
	context = bide_context_create(NULL);
	timer = bide_periodic_timer_create(5 * ms);
	bide_context_cancel(context, ECANCELED);
	assert_true(
		bide_value_task_is_canceled(bide_in_context(context, bide_periodic_timer_next(timer))));
	assert_int_equal(next_tick(timer), 1);
	bide_periodic_timer_destroy(timer);
	bide_context_unref(context);
}

TEST(PT_07_a_pending_wait_is_canceled)
{
	bide_context *context;
	bide_periodic_timer *timer;
	value_task tick;

	use_virtual_clock();
	context = bide_context_create(&(bide_context_options){ .timeout_ns = 2 * ms });
	timer = bide_periodic_timer_create(5 * ms);
	tick = bide_in_context(context, bide_periodic_timer_next(timer));
	assert_int_equal(bide_value_task_wait(tick, NULL), ETIMEDOUT);
	assert_int_equal(bide_now_ns(), 2 * ms);
	bide_periodic_timer_destroy(timer);
	bide_context_unref(context);
}

TEST(PT_08_a_canceled_wait_can_be_followed_by_another)
{
	bide_context *context;
	bide_periodic_timer *timer;
	value_task tick;

	use_virtual_clock();
	context = bide_context_create(NULL);
	timer = bide_periodic_timer_create(5 * ms);
	tick = bide_in_context(context, bide_periodic_timer_next(timer));
	bide_context_cancel(context, ECANCELED);
	assert_int_equal(bide_value_task_wait(tick, NULL), ECANCELED);
	assert_int_equal(next_tick(timer), 1);
	assert_int_equal(bide_now_ns(), 5 * ms);
	bide_periodic_timer_destroy(timer);
	bide_context_unref(context);
}

TEST(PT_09_a_pending_wait_follows_a_new_period)
{
	bide_periodic_timer *timer;
	value_task tick;

	use_virtual_clock();
	timer = bide_periodic_timer_create(1000 * ms);
	tick = bide_periodic_timer_next(timer);
	assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0);
	assert_int_equal(bide_periodic_timer_set_period(timer, 5 * ms), 0);
	assert_int_equal(bide_value_task_wait(tick, NULL), 0);
	assert_int_equal(bide_now_ns(), 6 * ms);
	assert_int_equal(next_tick(timer), 1);
	assert_int_equal(bide_now_ns(), 11 * ms);
	tick = bide_periodic_timer_next(timer);
	assert_int_equal(bide_periodic_timer_set_period(timer, 100 * ms), 0);
	assert_int_equal(bide_value_task_wait(tick, NULL), 0);
	assert_int_equal(bide_now_ns(), 111 * ms);
	bide_periodic_timer_destroy(timer);
}

TEST(ticks_allocate_nothing_in_steady_state)
{
	if (getenv("BIDE_POOL"))
		SKIP("without the pools each object is an allocation");
	bide_periodic_timer *timer;
	bide_stats before, after;

	use_virtual_clock();
	timer = bide_periodic_timer_create(5 * ms);
	next_tick(timer);
	bide_stats_get(&before);
	for (int i = 0; i < 10000; i++)
		next_tick(timer);
	bide_stats_get(&after);
	assert_int_equal(after.allocation_count, before.allocation_count);
	bide_periodic_timer_destroy(timer);
}

static void *create_on_external_thread(void *argument)
{
	(void)argument;
	return bide_periodic_timer_create(ms);
}

TEST(with_one_worker_only_its_thread_makes_a_periodic_timer)
{
	pthread_t thread;
	void *made;

	one_worker();
	expect_misuse();
	pthread_create(&thread, NULL, create_on_external_thread, NULL);
	pthread_join(thread, &made);
	assert_null(made);
	assert_int_equal(misuse_count, 1);
}

TEST(PT_06_a_stopped_timer_returns_false_in_a_canceled_context_too)
{
	bide_context *context = bide_context_create(NULL);
	bide_periodic_timer *timer = bide_periodic_timer_create(5 * ms);
	value_task tick;

	bide_context_cancel(context, ECANCELED);
	bide_periodic_timer_stop(timer);
	tick = bide_in_context(context, bide_periodic_timer_next(timer));
	assert_true(bide_value_task_is_successful(tick));
	assert_int_equal(tick.payload.i, 0);
	bide_periodic_timer_destroy(timer);
	bide_context_unref(context);
}

/* ---- the periodic timer with many workers */

static void many_of_them(unsigned count)
{
	assert_int_equal(bide_configure(&(bide_config){ .workers = count }), 0);
}

TEST(with_many_workers_any_thread_makes_and_uses_a_periodic_timer)
{
	pthread_t thread;
	void *made;

	many_of_them(2);
	pthread_create(&thread, NULL, create_on_external_thread, NULL);
	pthread_join(thread, &made);
	assert_non_null(made);
	assert_int_equal(next_tick(made), 1);
	assert_int_equal(bide_periodic_timer_set_period(made, 100000), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(next_tick(made), 1);
	bide_periodic_timer_destroy(made);
}

struct ticked {
	ASYNC_FRAME;
	struct {
		bide_periodic_timer *timer;
		atomic_int *ticks;
	} in;
	int64_t more;
};

/* Consumes ticks until the timer is stopped, and goes on after a canceled wait. */
async(ticked)
{
	async_begin;
	do {
		my->more = 1;
		await_or(my->more, with_timeout_ms(1, bide_periodic_timer_next(my->in.timer)),
		         (void)await_error);
		if (my->more)
			atomic_fetch_add(my->in.ticks, 1);
	} while (my->more);
async_finally:
	async_end;
}

typedef struct disturber {
	pthread_t thread;
	bide_periodic_timer *timer;
	bide_context *context;
	uint64_t random;
	int ends_it; /* 1: stop, 2: destroy */
} disturber;

static uint64_t draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

static void *disturbs(void *argument)
{
	disturber *d = argument;

	for (unsigned i = 0; i < 8; i++) {
		for (uint64_t n = draw(&d->random) % 20000; n > 0; n--)
			__asm__ volatile("");
		assert_int_equal(bide_periodic_timer_set_period(d->timer,
		                                                1 + (int64_t)(draw(&d->random) % 100000)),
		                 0);
	}
	if (d->context)
		bide_context_cancel(d->context, ECANCELED);
	if (d->ends_it == 1)
		bide_periodic_timer_stop(d->timer);
	else if (d->ends_it == 2)
		bide_periodic_timer_destroy(d->timer);
	return NULL;
}

static uint64_t seed_of_this_run(void)
{
	const char *wanted = getenv("BIDE_TEST_SEED");
	uint64_t seed = wanted ? strtoull(wanted, NULL, 0) : (uint64_t)bide_now_ns() | 1;

	fprintf(stderr, "BIDE_TEST_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

/* A consumer continues while limits cancel its waits and the period changes, until a stop. */
TEST_SLOW(ticks_periods_cancellations_and_the_stop_may_race_on_8_workers, 60)
{
	uint64_t random;

	many_of_them(8);
	random = seed_of_this_run();
	for (int round = 0; test_round(round, 200); round++) {
		bide_periodic_timer *timer = bide_periodic_timer_create(50000);
		disturber d[2] = { { .timer = timer, .random = draw(&random) | 1, .ends_it = 1 },
			               { .timer = timer, .random = draw(&random) | 1 } };
		atomic_int ticks = 0;
		value_task consumer = async_start(ticked, .timer = timer, .ticks = &ticks);

		for (int i = 0; i < 2; i++)
			pthread_create(&d[i].thread, NULL, disturbs, &d[i]);
		assert_int_equal(bide_value_task_wait(consumer, NULL), 0);
		for (int i = 0; i < 2; i++)
			pthread_join(d[i].thread, NULL);
		assert_int_equal(next_tick(timer), 0);
		bide_periodic_timer_destroy(timer);
	}
}

/* A tick, a cancellation and the end of the timer may all answer one wait at the same time. */
TEST_SLOW(a_tick_a_cancellation_or_the_end_answers_a_wait_once_on_8_workers, 60)
{
	uint64_t random;
	int by[3] = { 0 };

	many_of_them(8);
	random = seed_of_this_run();
	for (int round = 0; test_round(round, 600); round++) {
		bide_periodic_timer *timer =
			bide_periodic_timer_create(1 + (int64_t)(draw(&random) % 300000));
		bide_context *context = bide_context_create(NULL);
		value_task tick = bide_in_context(context, bide_periodic_timer_next(timer));
		disturber d = { .timer = timer,
			            .context = round % 3 ? context : NULL,
			            .random = draw(&random) | 1,
			            .ends_it = 2 };
		bide_payload result = { .i = 5 };
		int error;

		pthread_create(&d.thread, NULL, disturbs, &d);
		error = bide_value_task_wait(tick, &result);
		assert_true(error == ECANCELED || (error == 0 && (result.i == 0 || result.i == 1)));
		by[error ? 2 : result.i]++;
		pthread_join(d.thread, NULL);
		bide_context_unref(context);
	}
	fprintf(stderr, "%d ends, %d ticks, %d cancellations\n", by[0], by[1], by[2]);
}
