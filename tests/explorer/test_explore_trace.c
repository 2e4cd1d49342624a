/*
 * The ring of trace records (source/trace.c), here with two places, in all orders. A read returns
 * the whole entry of its trace or nothing, and entries that two threads write at once do not mix.
 */
#include "explore.h"

#include <string.h>

#include "base/thread.h"
#include "source/trace.h"

enum { THREADS = 2, EACH = 2 };

/* Failure i of thread n has error n + 1 and line 10 * n + i. */
static bide_place places[THREADS][EACH];
static bide_trace traces[THREADS][EACH];
static bide_trace expected_trace;
static unsigned read_count, gone_count; /* in all executions */

static void check_entry(int thread, int number)
{
	bide_trace_entry entry;

	if (!bide_trace_read(traces[thread][number], &entry)) {
		gone_count++;
		return;
	}
	read_count++;
	assert_ptr_equal(entry.function, places[thread][number].function);
	assert_int_equal(entry.line, places[thread][number].line);
	assert_int_equal(entry.error, thread + 1);
	assert_int_equal(entry.before, 0);
}

static void fail_once(int thread, int number)
{
	traces[thread][number] = bide_trace_made_(thread + 1, &places[thread][number]).trace;
}

static void setup(void)
{
	static const char names[THREADS][EACH][2] = { { "a", "b" }, { "c", "d" } };

	bide_trace_reset_();
	for (int thread = 0; thread < THREADS; thread++) {
		bide_thread *record = bide_thread_of_(explore_head(thread));

		record->trace_next = record->trace_end = 0;
		for (int i = 0; i < EACH; i++) {
			places[thread][i].function = names[thread][i];
			places[thread][i].line = (uint32_t)(10 * thread + i);
			traces[thread][i] = 0;
		}
	}
}

static void setup_one(void)
{
	setup();
	fail_once(1, 0);
}

static void fail_twice_0(void)
{
	fail_once(0, 0);
	fail_once(0, 1);
}

static void fail_twice_1(void)
{
	fail_once(1, 0);
	fail_once(1, 1);
}

static void read_one(void)
{
	check_entry(1, 0);
}

/*
 * Reads a trace by the number that the first writer will get, since nothing orders the two threads.
 */
static void read_next(void)
{
	bide_trace_entry entry;

	if (!bide_trace_read(expected_trace, &entry)) {
		gone_count++;
		return;
	}
	read_count++;
	assert_ptr_equal(entry.function, places[0][0].function);
	assert_int_equal(entry.error, 1);
}

static void check_number(void)
{
	EXPLORE_CHECK(bide_trace_is_valid_());
	assert_int_equal(traces[0][0], expected_trace);
}

static void setup_next(void)
{
	setup();
	fail_once(0, 0); /* the next number follows from its number */
	expected_trace = traces[0][0] + 1;
}

static void fail_next(void)
{
	fail_once(0, 0);
}

static void check_all(void)
{
	EXPLORE_CHECK(bide_trace_is_valid_());
	for (int thread = 0; thread < THREADS; thread++)
		for (int i = 0; i < EACH; i++)
			if (traces[thread][i])
				check_entry(thread, i);
}

TEST_SLOW(explore_trace_is_read_while_it_is_overwritten, 60)
{
	static const explore_scenario scenario = { .setup = setup_one,
		                                       .threads = { fail_twice_0, read_one },
		                                       .check = check_all,
		                                       .shared = true };

	explore("explore_trace_is_read_while_it_is_overwritten", &scenario);
	assert_true(read_count > 0 && gone_count > 0);
}

TEST_SLOW(explore_traces_are_written_at_once, 60)
{
	static const explore_scenario scenario = { .setup = setup,
		                                       .threads = { fail_twice_0, fail_twice_1 },
		                                       .check = check_all,
		                                       .shared = true,
		                                       .switches_max = 3 };

	explore("explore_traces_are_written_at_once", &scenario);
	assert_true(read_count > 0 && gone_count > 0);
}

TEST(explore_trace_is_read_while_it_is_written)
{
	static const explore_scenario scenario = { .setup = setup_next,
		                                       .threads = { fail_next, read_next },
		                                       .check = check_number,
		                                       .shared = true };

	explore("explore_trace_is_read_while_it_is_written", &scenario);
	assert_true(read_count > 0 && gone_count > 0);
}
