/*
 * Time: delays and yields, on the real and on the virtual clock.
 *
 * Each test must give everything back: no object is in use, and no byte is live after the shutdown.
 */
/* threads */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
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

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

/* ---- delays */

TEST(units_convert_to_nanoseconds_once_and_saturate)
{
	volatile int64_t huge = INT64_MAX / 1000000 + 1;
	int64_t n = 3;

	assert_int_equal(BIDE_MS(n++), 3000000);
	assert_int_equal(n, 4);
	assert_int_equal(BIDE_SECONDS(n), INT64_C(4000000000));
	assert_int_equal(BIDE_MS(huge - 1), INT64_MAX / 1000000 * 1000000);
	assert_int_equal(BIDE_MS(huge), BIDE_FOREVER);
	assert_int_equal(BIDE_SECONDS(huge), BIDE_FOREVER);
	assert_true(BIDE_SECONDS(-huge) < 0);
	assert_int_equal(BIDE_MS(-n), -4000000);
}

TEST(DL_01_a_delay_of_zero_is_ready_at_once_and_allocates_nothing)
{
	bide_stats before, after;

	settle(0);
	bide_stats_get(&before);
	assert_true(bide_value_task_is_successful(delay(0)));
	assert_true(bide_value_task_is_successful(delay_ms(0)));
	assert_true(bide_value_task_is_successful(bide_delay_until(bide_now_ns())));
	assert_true(bide_value_task_is_successful(bide_delay_until(0)));
	bide_stats_get(&after);
	assert_int_equal(after.allocation_count, before.allocation_count);
	assert_int_equal(after.operation_count, before.operation_count);
}

TEST(DL_02_a_delay_never_completes_early)
{
	NOT_SEEDED("it needs the real clock");
	static const int64_t times_ns[] = { 1,      1000,    65535,   65536,   65537,
		                                100000, 1000000, 4194303, 4194305, 9999999 };

	for (size_t round = 0; round < 5; round++)
		for (size_t i = 0; i < sizeof times_ns / sizeof times_ns[0]; i++) {
			struct timespec start, end;
			int64_t start_ns;

			clock_gettime(CLOCK_MONOTONIC, &start);
			start_ns = bide_now_ns();
			assert_int_equal(bide_value_task_wait(delay(times_ns[i]), NULL), 0);
			assert_true(bide_now_ns() - start_ns >= times_ns[i]);
			clock_gettime(CLOCK_MONOTONIC, &end);
			assert_true((end.tv_sec - start.tv_sec) * INT64_C(1000000000) +
			                (end.tv_nsec - start.tv_nsec) >=
			            times_ns[i]);
		}
}

/* Delays, then checks by the clock that it was not too early. */
struct punctual {
	ASYNC_FRAME;
	struct {
		int64_t time_ns;
		atomic_int *early_count;
	} in;
	int64_t due_ns;
};

async(punctual)
{
	async_begin;
	my->due_ns = bide_now_ns() + my->in.time_ns;
	await(delay(my->in.time_ns));
	*my->in.early_count += bide_now_ns() < my->due_ns;
	async_return(0);
async_finally:
	async_end;
}

TEST(many_delays_at_once_are_never_early_on_the_real_clock)
{
	NOT_SEEDED("it needs the real clock");
	enum { COUNT = 20000 };
	value_task *delays = calloc(COUNT, sizeof *delays);
	atomic_int early_count = 0;

	for (int i = 0; i < COUNT; i++)
		delays[i] = async_start(punctual, .time_ns = (int64_t)(next_random() % 200000000),
		                        .early_count = &early_count);
	assert_int_equal(bide_value_task_wait(when_all(delays, COUNT), NULL), 0);
	assert_int_equal(early_count, 0);
	free(delays);
}

TEST(the_clock_is_the_monotonic_clock_of_the_system)
{
	NOT_SEEDED("it needs the real clock");
	struct timespec before, after;
	int64_t now_ns;

	clock_gettime(CLOCK_MONOTONIC, &before);
	now_ns = bide_now_ns();
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(before.tv_sec * INT64_C(1000000000) + before.tv_nsec <= now_ns);
	assert_true(now_ns <= after.tv_sec * INT64_C(1000000000) + after.tv_nsec);
}

TEST(DL_03_in_a_canceled_context_a_delay_is_canceled_at_once)
{
	static const int64_t times_ns[] = { 0, 1, 1000000, BIDE_FOREVER };
	bide_cancel_source *source = bide_cancel_source_create();

	bide_cancel_source_cancel(source);
	for (int i = 0; i < 4; i++) {
		value_task canceled = with_token(bide_cancel_source_token(source), delay(times_ns[i]));

		assert_true(bide_value_task_is_canceled(canceled));
	}
	assert_true(bide_value_task_is_canceled(
		with_token(bide_cancel_source_token(source), bide_delay_until(0))));
	settle_workers();
	assert_int_equal(timer_count(), 0);
	bide_cancel_source_unref(source);
}

TEST(DL_04_a_delay_without_end_is_canceled_later_and_leaves_no_timer)
{
	bide_cancel_source *source = bide_cancel_source_create();
	value_task forever = with_token(bide_cancel_source_token(source), delay(BIDE_FOREVER));
	value_task long_one = with_token(bide_cancel_source_token(source), delay_ms(1000000));

	assert_false(bide_value_task_is_ready(forever));
	assert_int_equal(timer_count(), 1);
	bide_cancel_source_cancel(source);
	assert_true(bide_value_task_is_canceled(forever));
	assert_true(bide_value_task_is_canceled(long_one));
	assert_int_equal(bide_value_task_wait(forever, NULL), ECANCELED);
	assert_int_equal(bide_value_task_wait(long_one, NULL), ECANCELED);
	settle_workers();
	assert_int_equal(timer_count(), 0);
	bide_cancel_source_unref(source);
}

/* --- a delay without end that is canceled while it starts */

struct cancel_race {
	bide_context *_Atomic context;
	atomic_bool over;
};

static void *cancels_what_it_is_given(void *argument)
{
	struct cancel_race *race = argument;
	bide_context *context;
	unsigned tries = 0;

	while (!atomic_load(&race->over)) {
		context = atomic_exchange(&race->context, NULL);
		if (!context) {
			if (++tries % 64 == 0)
				sched_yield();
			continue;
		}
		assert_true(bide_context_cancel(context, ECANCELED));
		bide_context_unref(context);
	}
	return NULL;
}

struct delayed_for_ever {
	ASYNC_FRAME;
	struct {
		atomic_int *ends;
	} in;
	int error;
};

async(delayed_for_ever)
{
	async_begin;
	await_or(delay(BIDE_FOREVER), my->error = await_error);
	atomic_fetch_add(my->in.ends, my->error == ECANCELED ? 1 : 1000000);
async_finally:
	async_end;
}

TEST_SLOW(DL_04_a_delay_without_end_that_is_canceled_while_it_starts_ends_once, 60)
{
	struct cancel_race race = { .over = false };
	pthread_t thread;

	settle(0);
	assert_int_equal(pthread_create(&thread, NULL, cancels_what_it_is_given, &race), 0);
	for (int i = 0; test_round(i, 20000); i++) {
		bide_context *context = bide_context_create(NULL);
		atomic_int ends = 0;
		value_task v;
		int error;

		assert_non_null(context);
		atomic_store(&race.context, bide_context_ref(context));
		for (volatile int n = i % 200; n > 0; n--)
			;
		if (i % 2) {
			v = bide_in_context(context, delay(BIDE_FOREVER));
			assert_int_equal(bide_value_task_wait_for(v, NULL, 10000 * ms), ECANCELED);
		} else {
			v = bide_in_context(context, async_start(delayed_for_ever, .ends = &ends));
			error = bide_value_task_wait_for(v, NULL, 10000 * ms);
			assert_true(error == 0 || error == ECANCELED);
			assert_int_equal(ends, error ? 0 : 1); /* 0 if canceled before its first step */
		}
		while (atomic_load(&race.context))
			sched_yield();
		bide_context_unref(context);
	}
	atomic_store(&race.over, true);
	pthread_join(thread, NULL);
	settle(0);
	assert_int_equal(timer_count(), 0);
	assert_int_equal(stats().misuse_count, 0);
}

TEST(DL_06_the_longest_delay_is_accepted)
{
	const int64_t longest_ms = BIDE_FOREVER / BIDE_MS(1);

	use_virtual_clock();
	assert_int_equal(bide_value_task_wait(delay_ms(longest_ms), NULL), 0);
	assert_int_equal(bide_now_ns(), BIDE_MS(longest_ms));
	assert_int_equal(bide_value_task_wait(delay(BIDE_FOREVER - 1 - bide_now_ns()), NULL), 0);
	assert_int_equal(bide_now_ns(), BIDE_FOREVER - 1);
}

TEST(a_forgotten_delay_frees_its_timer_when_it_is_due)
{
	use_virtual_clock();
	value_task_forget(delay_ms(5));
	assert_int_equal(timer_count(), 1);
	assert_int_equal(bide_value_task_wait(delay_ms(10), NULL), 0);
	settle_workers();
	assert_int_equal(timer_count(), 0);
}

TEST(a_negative_delay_aborts_by_default)
{
	EXPECT_ABORT((void)bide_delay_ms(-5).state, "bide_delay_ms: delay_ms is -5;");
}

/* ---- order under the virtual clock */

struct note {
	ASYNC_FRAME;
	struct {
		int64_t time_ns;
		int64_t *at_ns;
		uint32_t *order, *count;
		uint32_t number;
	} in;
};

async(note)
{
	async_begin;
	await(delay(my->in.time_ns));
	*my->in.at_ns = bide_now_ns();
	my->in.order[(*my->in.count)++] = my->in.number;
	async_return(0);
async_finally:
	async_end;
}

TEST(a_hundred_thousand_delays_of_random_length_fire_in_order_and_on_time)
{
	NOT_SEEDED("the order is that of a runtime without a seed");
	enum { COUNT = 100000 };
	value_task *delays = calloc(COUNT, sizeof *delays);
	int64_t *times_ns = calloc(COUNT, sizeof *times_ns), *at_ns = calloc(COUNT, sizeof *at_ns);
	uint32_t *order = calloc(COUNT, sizeof *order), count = 0;

	use_virtual_clock();
	for (uint32_t i = 0; i < COUNT; i++) {
		/* Times from nanoseconds to months; some are equal. */
		times_ns[i] = 1 + (int64_t)(next_random() >> (10 + next_random() % 53));
		if (i % 10 == 9)
			times_ns[i] = times_ns[next_random() % i];
		delays[i] = async_start(note, .time_ns = times_ns[i], .at_ns = &at_ns[i], .order = order,
		                        .count = &count, .number = i);
	}
	assert_int_equal(bide_value_task_wait(when_all(delays, COUNT), NULL), 0);
	assert_int_equal(count, COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(at_ns[i], times_ns[i]);
	for (uint32_t i = 1; i < COUNT; i++) {
		int64_t before_ns = times_ns[order[i - 1]], this_ns = times_ns[order[i]];

		assert_true(before_ns < this_ns || (before_ns == this_ns && order[i - 1] < order[i]));
	}
	free(delays);
	free(times_ns);
	free(at_ns);
	free(order);
}

TEST(delays_of_equal_length_fire_in_the_order_of_their_start)
{
	NOT_SEEDED("the order is that of a runtime without a seed");
	enum { COUNT = 1000 };
	value_task delays[COUNT];
	int64_t at_ns[COUNT];
	uint32_t order[COUNT], count = 0;

	use_virtual_clock();
	for (uint32_t i = 0; i < COUNT; i++)
		delays[i] = async_start(note, .time_ns = 5 * ms, .at_ns = &at_ns[i], .order = order,
		                        .count = &count, .number = i);
	assert_int_equal(bide_value_task_wait(when_all(delays, COUNT), NULL), 0);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_int_equal(order[i], i);
}

TEST(delays_that_are_canceled_at_random_leave_the_others_in_order)
{
	enum { COUNT = 20000 };
	value_task *delays = calloc(COUNT, sizeof *delays);
	bide_context *doomed;
	int64_t *times_ns = calloc(COUNT, sizeof *times_ns), *at_ns = calloc(COUNT, sizeof *at_ns);
	uint32_t *order = calloc(COUNT, sizeof *order), count = 0, kept_count = 0;

	use_virtual_clock();
	doomed = bide_context_create(NULL);
	for (uint32_t i = 0; i < COUNT; i++) {
		times_ns[i] = 1 + (int64_t)(next_random() % (1000 * (uint64_t)ms));
		if (next_random() & 1) {
			kept_count++;
			delays[i] = async_start(note, .time_ns = times_ns[i], .at_ns = &at_ns[i],
			                        .order = order, .count = &count, .number = i);
		} else {
			delays[i] = bide_in_context(doomed, async_start(note, .time_ns = times_ns[i],
			                                                .at_ns = &at_ns[i], .order = order,
			                                                .count = &count, .number = i));
		}
	}
	bide_context_cancel(doomed, ECANCELED);
	assert_int_equal(timer_count(), kept_count);
	assert_int_equal(bide_value_task_wait(when_all(delays, COUNT), NULL), ECANCELED);
	assert_int_equal(count, kept_count);
	for (uint32_t i = 1; i < count; i++)
		assert_true(times_ns[order[i - 1]] <= times_ns[order[i]]);
	bide_context_unref(doomed);
	free(delays);
	free(times_ns);
	free(at_ns);
	free(order);
}

TEST(delays_allocate_nothing_in_steady_state)
{
	if (getenv("BIDE_POOL"))
		SKIP("without the pools each object is an allocation");
	bide_context *context;
	bide_stats before, after;

	use_virtual_clock();
	context = bide_context_create(NULL);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0);
		assert_int_equal(bide_value_task_wait(bide_in_context(context, delay_ms(1)), NULL), 0);
	}
	bide_stats_get(&before);
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0);
		assert_int_equal(bide_value_task_wait(bide_in_context(context, delay_ms(1)), NULL), 0);
	}
	bide_stats_get(&after);
	assert_int_equal(after.allocation_count, before.allocation_count);
	bide_context_unref(context);
}

static void *delays_of_an_external_thread(void *argument)
{
	intptr_t wrong = 0;

	for (int i = 0; i < 100; i++) {
		int64_t start_ns = bide_now_ns();

		wrong += bide_value_task_wait(delay(100000), NULL) != 0;
		wrong += bide_now_ns() - start_ns < 100000;
	}
	atomic_store((atomic_bool *)argument, true);
	return (void *)wrong;
}

struct until {
	ASYNC_FRAME;
	struct {
		atomic_bool *over;
	} in;
};

async(until)
{
	async_begin;
	while (!atomic_load(my->in.over))
		await(delay_ms(1));
	async_return(0);
async_finally:
	async_end;
}

TEST(another_thread_waits_for_delays)
{
	atomic_bool over = false;
	pthread_t thread;
	void *wrong;

	settle(0);
	pthread_create(&thread, NULL, delays_of_an_external_thread, &over);
	assert_int_equal(bide_value_task_wait(async_start(until, .over = &over), NULL), 0);
	pthread_join(thread, &wrong);
	assert_null(wrong);
}

/* ---- yields */

TEST(DL_07_a_yield_is_never_ready)
{
	bide_stats before, after;

	settle(0);
	bide_stats_get(&before);
	for (int i = 0; i < 3; i++)
		assert_false(bide_value_task_is_ready(bide_async_yield()));
	bide_stats_get(&after);
	assert_int_equal(after.allocation_count, before.allocation_count);
}

struct turn {
	ASYNC_FRAME;
	struct {
		char letter;
		int count;
		char *text;
	} in;
	int i;
};

async(turn)
{
	async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++) {
		my->in.text[strlen(my->in.text)] = my->in.letter;
		await(bide_async_yield());
	}
	async_return(my->i);
async_finally:
	async_end;
}

TEST(yields_are_fair)
{
	char text[64] = "";
	value_task turns[3];

	one_worker();
	for (int i = 0; i < 3; i++)
		turns[i] = async_start(turn, .letter = (char)('a' + i), .count = 5, .text = text);
	assert_string_equal(text, "abc");
	assert_int_equal(bide_value_task_wait(when_all(turns, 3), NULL), 0);
	assert_string_equal(text, "abcabcabcabcabc");
}

TEST(a_yielding_function_does_not_keep_timers_from_firing)
{
	static char text[1 << 11];
	value_task yielding;
	int64_t start_ns = bide_now_ns();

	yielding = async_start(turn, .letter = 'a', .count = 1000, .text = text);
	for (int i = 0; i < 10; i++)
		assert_int_equal(bide_value_task_wait(delay(10000), NULL), 0);
	assert_true(bide_now_ns() - start_ns >= 100000);
	assert_int_equal(bide_value_task_wait(yielding, NULL), 0);
}

struct thread_teller {
	ASYNC_FRAME;
	struct {
		pthread_t *seen;
	} in;
};

async(thread_teller)
{
	async_begin;
	await(bide_async_yield());
	*my->in.seen = pthread_self();
	async_return(0);
async_finally:
	async_end;
}

static void *tell_on_external_thread(void *seen)
{
	return value_task_as_task(async_start(thread_teller, .seen = seen));
}

TEST(DL_09_after_a_yield_a_function_resumes_on_the_worker)
{
	pthread_t seen = 0, thread;
	void *telling;

	one_worker();
	assert_int_equal(bide_value_task_wait(async_start(thread_teller, .seen = &seen), NULL), 0);
	assert_true(pthread_equal(seen, pthread_self()));
	seen = 0;
	pthread_create(&thread, NULL, tell_on_external_thread, &seen);
	pthread_join(thread, &telling);
	assert_int_equal(bide_task_wait(telling, NULL), 0);
	assert_true(pthread_equal(seen, pthread_self()));
	task_unref(telling);
}

TEST(DL_09_with_many_workers_a_function_resumes_on_one_of_them)
{
	pthread_t seen = 0, thread;
	void *telling;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	assert_int_equal(bide_value_task_wait(async_start(thread_teller, .seen = &seen), NULL), 0);
	assert_false(pthread_equal(seen, pthread_self()));
	seen = 0;
	pthread_create(&thread, NULL, tell_on_external_thread, &seen);
	pthread_join(thread, &telling);
	assert_int_equal(bide_task_wait(telling, NULL), 0);
	assert_false(pthread_equal(seen, pthread_self()));
	assert_false(pthread_equal(seen, thread));
	task_unref(telling);
}

TEST(a_yield_can_be_waited_for_forgotten_and_combined)
{
	value_task items[2];
	bide_task *yielding;

	use_virtual_clock();
	assert_int_equal(bide_value_task_wait(bide_async_yield(), NULL), 0);
	value_task_forget(bide_async_yield());
	yielding = value_task_as_task(bide_async_yield());
	assert_int_equal(bide_task_wait(yielding, NULL), 0);
	task_unref(yielding);
	items[0] = bide_async_yield();
	items[1] = delay_ms(1);
	assert_int_equal(bide_value_task_wait(when_all(items, 2), NULL), 0);
	assert_int_equal(bide_now_ns(), ms);
}
