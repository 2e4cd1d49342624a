/*
 * Whether a worker tells others of a lone entry (runtime/tell.h), and of a batch (runtime/batch.h):
 * the predictions by themselves, on a clock that the tests set.
 */
#include "support/test.h"

#include "runtime/batch.h"
#include "runtime/tell.h"

enum { US = 1000, WAKE_NS = 50 * US };

static bide_tell tell;
static int64_t now_ns;
static uint32_t steps;
static unsigned samples, told;

static void start(void)
{
	bide_tell_start_(&tell);
	now_ns = 1000000 * US;
	steps = samples = told = 0;
}

/* The worker gets a lone entry, `times` times, each gap_ns after the one before. */
static void push(int64_t gap_ns, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		now_ns += gap_ns;
		steps++;
		if (!bide_tell_counts_(&tell))
			continue;
		samples++;
		told += bide_tell_sample_(&tell, steps, now_ns, WAKE_NS);
	}
}

static void reports(uint32_t outcome)
{
	BIDE_STORE(&tell.outcome, outcome, RELAXED);
}

TEST(the_first_entry_is_told)
{
	start();
	push(0, 1);
	assert_int_equal(told, 1);
}

TEST(what_comes_fast_is_hidden_and_the_clock_is_read_once_in_128)
{
	start();
	push(30, 1000000);
	assert_int_equal(told, 1);
	assert_in_range(samples, 1000000 / 128, 1000000 / 128 + 10);
}

TEST(what_comes_slowly_is_told_each_time)
{
	start();
	for (int i = 0; i < 100; i++) {
		push(1000 * US, 1);
		reports(BIDE_TELL_FOUND_);
	}
	assert_int_equal(told, 100);
}

TEST(one_slow_entry_among_fast_ones_is_seen_at_the_next_sample)
{
	start();
	push(30, 10000);
	push(2000 * US, 1);
	for (int i = 0; i < 128 && tell.pace > 1; i++)
		push(30, 1);
	assert_int_equal(tell.pace, 1);
	push(2000 * US, 1);
	assert_int_equal(told, 2);
}

TEST(what_comes_after_a_sleep_is_told)
{
	start();
	push(30, 10000);
	now_ns += 1000 * US;
	bide_tell_slept_(&tell, steps);
	push(0, 1);
	assert_int_equal(told, 2);
	push(30, 1000);
	assert_int_equal(told, 2);
}

/* As while the worker that was woken is on its way. */
TEST(functions_that_ran_while_nothing_was_counted_show_that_entries_come_fast)
{
	start();
	push(0, 1);
	for (int i = 0; i < 100; i++) {
		now_ns += 2 * WAKE_NS;
		steps += 1000;
		push(30, 1);
	}
	assert_int_equal(told, 1);
}

TEST(functions_that_ran_before_a_sleep_do_not_count)
{
	start();
	push(0, 1);
	now_ns += 2 * WAKE_NS;
	steps += 1000;
	bide_tell_slept_(&tell, steps);
	push(0, 1);
	assert_int_equal(told, 2);
}

TEST(what_comes_rarely_is_told_even_if_wakes_were_wrong)
{
	start();
	for (int i = 0; i < 100; i++) {
		bide_tell_slept_(&tell, steps);
		push(22000 * US, 1);
		reports(BIDE_TELL_VAIN_);
	}
	assert_int_equal(told, 100);
}

TEST(wrong_wakes_cost_a_20th_of_the_time_at_most)
{
	int64_t began_ns;

	start();
	push(0, 1);
	began_ns = now_ns;
	for (int i = 0; i < 100000; i++) {
		reports(BIDE_TELL_VAIN_);
		push(60 * US, 1);
	}
	assert_in_range(told, 2, (unsigned)((now_ns - began_ns) / (BIDE_TELL_HOLD_MAX_NS_ / 2)));
	assert_true((told - 1) * (int64_t)WAKE_NS * 20 <= now_ns - began_ns);
}

TEST(a_wake_that_found_something_ends_the_hold)
{
	start();
	push(0, 1);
	for (int i = 0; i < 1000; i++) {
		reports(BIDE_TELL_VAIN_);
		push(100 * US, 1);
	}
	reports(BIDE_TELL_FOUND_);
	told = 0;
	push(100 * US, 10);
	assert_int_equal(told, 10);
}

/* The next hold after that is a short one. */
TEST(a_hold_is_forgotten_by_time)
{
	start();
	push(0, 1);
	for (int i = 0; i < 1000; i++) {
		reports(BIDE_TELL_VAIN_);
		push(100 * US, 1);
	}
	assert_int_equal(tell.hold_ns, BIDE_TELL_HOLD_MAX_NS_);
	push(40000 * US, 1);
	assert_int_equal(tell.hold_ns, 0);
	reports(BIDE_TELL_VAIN_);
	push(100 * US, 1);
	assert_int_equal(tell.hold_ns, BIDE_TELL_HOLD_WAKES_ * WAKE_NS);
}

TEST(the_cost_of_a_wake_follows_what_is_measured_within_bounds)
{
	int64_t wake_ns = BIDE_WAKE_NS_;

	for (int i = 0; i < 100; i++)
		wake_ns = bide_wake_smoothed_(wake_ns, 90 * US);
	assert_in_range(wake_ns, 89 * US, 90 * US);
	for (int i = 0; i < 100; i++)
		wake_ns = bide_wake_smoothed_(wake_ns, 1000000 * US);
	assert_in_range(wake_ns, BIDE_WAKE_MAX_NS_ - 100, BIDE_WAKE_MAX_NS_);
	for (int i = 0; i < 100; i++)
		wake_ns = bide_wake_smoothed_(wake_ns, 0);
	assert_in_range(wake_ns, BIDE_WAKE_MIN_NS_, BIDE_WAKE_MIN_NS_ + 100);
}

/* The worker finds something, and runs `count` functions of pace_ns each. */
static void run_batch(bide_batch *batch, uint32_t count, int64_t pace_ns)
{
	bide_batch_begin_(batch, steps, now_ns);
	steps += count;
	now_ns += count * pace_ns;
	bide_batch_measure_(batch, steps, now_ns);
}

TEST(a_batch_is_told_while_nothing_is_known_of_the_pace)
{
	bide_batch batch;

	start();
	bide_batch_start_(&batch);
	assert_false(bide_batch_is_short_(&batch, 2, BIDE_WAKE_MAX_NS_));
}

TEST(a_batch_is_hidden_if_it_takes_less_than_four_wakes_at_the_last_pace)
{
	bide_batch batch;

	start();
	bide_batch_start_(&batch);
	run_batch(&batch, 10, 2 * US);
	assert_true(bide_batch_is_short_(&batch, 98, WAKE_NS));
	assert_false(bide_batch_is_short_(&batch, 101, WAKE_NS));
	run_batch(&batch, 1, 3 * 4 * WAKE_NS);
	assert_false(bide_batch_is_short_(&batch, 2, WAKE_NS));
	run_batch(&batch, 10, 2 * US);
	assert_true(bide_batch_is_short_(&batch, 98, WAKE_NS));
}

TEST(a_search_that_found_nothing_and_a_sleep_say_nothing_of_the_pace)
{
	bide_batch batch;

	start();
	bide_batch_start_(&batch);
	run_batch(&batch, 10, 2 * US);
	bide_batch_begin_(&batch, steps, 0);
	steps++; /* a sleep is a step */
	now_ns += 1000000 * US;
	bide_batch_measure_(&batch, steps, now_ns);
	assert_int_equal(batch.pace_ns, 2 * US);
}
