/*
 * What external threads make runnable with many workers: each function runs once, however many
 * there are, and none waits for a long one, although short ones came before.
 */
/* threads */
#include "support/task_support.h"

enum { TRIES = 20, SHORT_ONES = 500, MANY = 17000 /* more than have a place */ };
/* What takes so long never happens; a busy machine takes long, too. */
#define LONG_NS (10000 * MS)

static atomic_int ran;

static value_task counts(void *unused)
{
	(void)unused;
	atomic_fetch_add(&ran, 1);
	return value_task_from(0);
}

static void wait_until_ran(int count)
{
	for (int64_t until_ns = bide_now_ns() + LONG_NS;
	     atomic_load(&ran) < count && bide_now_ns() < until_ns;)
		sched_yield();
	assert_int_equal(atomic_load(&ran), count);
}

static void put_short_ones(int count)
{
	for (int i = 0; i < count; i++)
		value_task_forget(bide_run(counts, NULL));
}

/* ---- behind a long function */

static int64_t waited_ns;

/* A long function: it runs until the function behind it has run. */
static value_task waits_for_next(void *before)
{
	int64_t began_ns = bide_now_ns();
	int count = *(int *)before + 1;

	while (atomic_load(&ran) < count && bide_now_ns() - began_ns < LONG_NS)
		sched_yield();
	waited_ns = bide_now_ns() - began_ns;
	return value_task_from(0);
}

/* Without the other worker, it would run until its time is over. */
static void runs_elsewhere(int before)
{
	use_workers(2);
	for (int i = 0; i < TRIES; i++) {
		value_task first;

		atomic_store(&ran, 0);
		put_short_ones(before);
		first = bide_run(waits_for_next, &before);
		value_task_forget(bide_run(counts, NULL));
		assert_int_equal(wait_int(first, NULL), 0);
		assert_true(waited_ns < LONG_NS);
		wait_until_ran(before + 1);
	}
}

TEST(what_is_put_behind_a_long_function_runs_elsewhere)
{
	runs_elsewhere(0);
}

TEST(so_it_does_if_many_short_functions_came_before)
{
	runs_elsewhere(SHORT_ONES);
}

/* ---- many functions */

static atomic_int long_ones_wait;

static value_task waits_for_end(void *unused)
{
	(void)unused;
	atomic_fetch_add(&long_ones_wait, 1);
	for (int64_t until_ns = bide_now_ns() + LONG_NS;
	     atomic_load(&long_ones_wait) > 0 && bide_now_ns() < until_ns;)
		sched_yield();
	return value_task_from(0);
}

/* Both workers are inside long functions meanwhile. */
TEST_SLOW(more_functions_than_have_a_place_each_run_once, 60)
{
	value_task first[2];

	use_workers(2);
	for (int i = 0; i < 2; i++)
		first[i] = bide_run(waits_for_end, NULL);
	for (int64_t until_ns = bide_now_ns() + LONG_NS;
	     atomic_load(&long_ones_wait) < 2 && bide_now_ns() < until_ns;)
		sched_yield();
	assert_int_equal(atomic_load(&long_ones_wait), 2);
	put_short_ones(MANY);
	assert_true(stats().runnable_count >= MANY);
	assert_int_equal(atomic_load(&ran), 0);
	atomic_store(&long_ones_wait, -2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(wait_int(first[i], NULL), 0);
	wait_until_ran(MANY);
	run_all();
	assert_int_equal(atomic_load(&ran), MANY);
	assert_none(frame_count);
}
