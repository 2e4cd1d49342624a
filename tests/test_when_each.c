/*
 * when_each returns the items as they complete. Names that begin with WX have the number of the row
 * of docs/behaviours.tsv that they cover.
 */
/* threads */
#include <time.h>

#include "support/combine_support.h"

TEST(WX_20_ready_items_come_first_in_order_then_the_others_as_they_complete)
{
	static const size_t completed[] = { 4, 0, 2 };
	bide_when_each each;
	bide_value_task next;
	make_pending(5); /* 0, 2 and 4 stay pending */
	items[1] = bide_value_task_from_int(11);
	finish(3, 13);
	items[5] = bide_value_task_from_error(EIO);
	assert_int_equal(bide_when_each_init(&each, items, 6), 0);
	for (size_t i = 1; i <= 5; i += 2) {
		next = bide_when_each_next(&each);
		assert_true(bide_value_task_is_successful(next));
		assert_int_equal(next.payload.i, i);
	}
	assert_item(1, 11);
	assert_item(3, 13);
	assert_item_failed(5, EIO);
	for (size_t i = 0; i < 3; i++) {
		next = bide_when_each_next(&each);
		assert_pending(next);
		finish(completed[i], (int64_t)completed[i] + 10);
		assert_int_equal(result_of(next), completed[i]);
		assert_item(completed[i], (int64_t)completed[i] + 10);
	}
	next = bide_when_each_next(&each);
	assert_int_equal(bide_value_task_error(next), BIDE_EEND);
}

TEST(WX_20_completions_before_the_next_step_keep_their_order)
{
	bide_when_each each;
	make_pending(4);
	assert_int_equal(bide_when_each_init(&each, items, 4), 0);
	finish(2, 2);
	finish(0, 0);
	assert_int_equal(result_of(bide_when_each_next(&each)), 2);
	finish(3, 3);
	finish(1, 1);
	assert_int_equal(result_of(bide_when_each_next(&each)), 0);
	assert_int_equal(result_of(bide_when_each_next(&each)), 3);
	assert_int_equal(result_of(bide_when_each_next(&each)), 1);
	assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_EEND);
}

TEST(WX_21_when_each_of_no_items_is_at_its_end)
{
	bide_when_each each;
	assert_int_equal(bide_when_each_init(&each, NULL, 0), 0);
	assert_int_equal(bide_value_task_error(bide_when_each_next(&each)), BIDE_EEND);
}

TEST(WX_23_when_each_stays_at_its_end_and_its_items_cannot_be_in_a_second_one)
{
	bide_when_each each, second;
	expect_misuse();
	make_pending(1);
	assert_int_equal(bide_when_each_init(&each, items, 1), 0);
	bide_value_task copy = items[0];
	assert_int_equal(bide_when_each_init(&second, &copy, 1), 0);
	assert_int_equal(misuse_count, 1);
	assert_int_equal(result_of(bide_when_each_next(&second)), 0);
	assert_int_equal(copy.state, BIDE_ESTALE);
	assert_int_equal(error_of(bide_when_each_next(&second)), BIDE_EEND);
	finish(0, 1);
	assert_int_equal(result_of(bide_when_each_next(&each)), 0);
	assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_EEND);
	assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_EEND);
}

struct each_sum {
	BIDE_ASYNC_FRAME;
	struct {
		bide_value_task *items;
		size_t count;
	} in;
	bide_when_each each;
	int64_t i, digits;
};

bide_async(each_sum)
{
	bide_async_begin;
	assert_int_equal(bide_when_each_init(&my->each, my->in.items, my->in.count), 0);
	for (;;) {
		bide_await_or(my->i, bide_when_each_next(&my->each), break);
		my->digits = my->digits * 10 + my->in.items[my->i].payload.i;
	}
	bide_async_return(my->digits);
bide_async_finally:
	bide_async_end;
}

TEST(when_each_in_an_async_function)
{
	make_pending(3);
	items[3] = bide_value_task_from_int(4);
	bide_value_task sum = bide_async_start(each_sum, .items = items, .count = 4);
	settle(0);
	finish(1, 1);
	settle(0);
	finish(2, 2);
	finish(0, 3);
	assert_int_equal(result_of(sum), 4123);
}

TEST(when_each_end_returns_the_remaining_items_to_the_caller)
{
	bide_when_each each;
	make_pending(4);
	assert_int_equal(bide_when_each_init(&each, items, 4), 0);
	finish(3, 3);
	assert_int_equal(result_of(bide_when_each_next(&each)), 3);
	finish(1, 1); /* complete, but not returned yet */
	assert_int_equal(error_of(bide_when_each_end(&each)), 0);
	assert_int_equal(error_of(bide_when_each_end(&each)), 0);
	finish(0, 0);
	assert_int_equal(result_of(items[0]), 0);
	assert_int_equal(result_of(items[1]), 1);
	assert_pending(items[2]);
	finish(2, 2);
	assert_int_equal(result_of(items[2]), 2);
}

TEST(when_each_end_ends_a_wait_that_was_forgotten)
{
	bide_when_each each;
	make_pending(1);
	assert_int_equal(bide_when_each_init(&each, items, 1), 0);
	bide_value_task_forget(bide_when_each_next(&each));
	assert_int_equal(error_of(bide_when_each_end(&each)), 0);
	finish(0, 1);
	assert_int_equal(result_of(items[0]), 1);
}

TEST(when_each_next_twice_at_once_is_misuse)
{
	bide_when_each each;
	expect_misuse();
	make_pending(1);
	assert_int_equal(bide_when_each_init(&each, items, 1), 0);
	bide_value_task next = bide_when_each_next(&each);
	assert_int_equal(error_of(bide_when_each_next(&each)), EBUSY);
	assert_int_equal(misuse_count, 1);
	finish(0, 1);
	assert_int_equal(result_of(next), 0);
	assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_EEND);
}

TEST(when_each_takes_ten_thousand_in_any_order)
{
	enum { COUNT = 10000 };
	bide_user_source *many = calloc(COUNT, sizeof *many);
	bide_value_task *values = calloc(COUNT, sizeof *values);
	for (int order = 0; order < 3; order++) { /* forwards, backwards, scattered */
		bide_when_each each;
		for (size_t i = 0; i < COUNT; i++) {
			bide_user_source_init(&many[i], NULL);
			values[i] = bide_user_source_value_task(&many[i]);
		}
		assert_int_equal(bide_when_each_init(&each, values, COUNT), 0);
		for (size_t n = 0; n < COUNT; n++) {
			size_t i = order == 0 ? n : order == 1 ? COUNT - 1 - n : n * 7919 % COUNT;
			bide_user_source_complete(&many[i], (bide_payload){ .i = (int64_t)i });
		}
		for (size_t n = 0; n < COUNT; n++) {
			size_t i = order == 0 ? n : order == 1 ? COUNT - 1 - n : n * 7919 % COUNT;
			assert_int_equal(result_of(bide_when_each_next(&each)), i);
			assert_int_equal(values[i].payload.i, i);
		}
		assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_EEND);
	}
	free(many);
	free(values);
}

/* --- no memory --- */

static int scenario_when_each(void)
{
	bide_when_each each;
	bide_value_task next;
	int error = bide_when_each_init(&each, items, 2);
	if (error)
		return error;
	next = bide_when_each_next(&each);
	if (bide_value_task_is_ready(next)) {
		error = error_of(next);
		assert_int_equal(error_of(bide_when_each_end(&each)), 0);
		return error;
	}
	finish(1, 2);
	assert_int_equal(result_of(next), 1);
	finish(0, 2);
	assert_int_equal(result_of(bide_when_each_next(&each)), 0);
	assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_EEND);
	return 0;
}

TEST(when_each_without_memory_fails_and_consumes_nothing)
{
	fail_each_allocation(scenario_when_each);
}

/* --- completions from other threads --- */

static void round_when_each(void)
{
	bide_when_each each;
	int64_t sum = 0;
	items[2] = bide_task_await(tasks[0]);
	assert_int_equal(bide_when_each_init(&each, items, 3), 0);
	pthread_barrier_wait(&rendezvous);
	for (size_t n = 0; n < 3; n++)
		sum += result_of(bide_when_each_next(&each)) + 1;
	assert_int_equal(sum, 6);
	assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_EEND);
	pthread_barrier_wait(&rendezvous);
}

/* Ends early while the others complete; the items that are left are consumed one by one. */
static void round_when_each_end(void)
{
	bide_when_each each;
	items[2] = bide_task_await(tasks[0]);
	assert_int_equal(bide_when_each_init(&each, items, 3), 0);
	pthread_barrier_wait(&rendezvous);
	int64_t first = result_of(bide_when_each_next(&each));
	assert_int_equal(error_of(bide_when_each_end(&each)), 0);
	for (size_t i = 0; i < 3; i++)
		if ((int64_t)i != first)
			assert_int_equal(result_of(items[i]), i);
	pthread_barrier_wait(&rendezvous);
}

TEST_SLOW(when_each_takes_completions_from_other_threads, 60)
{
	with_three_threads(round_when_each);
}

TEST_SLOW(when_each_end_waits_for_completions_on_other_threads, 60)
{
	with_three_threads(round_when_each_end);
}

/* --- the cost of a random order of completion --- */

static int64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Returns the index of the n-th item to complete; `step` and `count` have no common divisor. */
static size_t nth(size_t n, size_t step, size_t count)
{
	return n * step % count;
}

/*
 * Takes `taken` of `count` items, which complete in a scattered order, and ends the rest. Returns
 * the CPU time.
 */
static int64_t take_in_no_order(size_t count, size_t taken, bool all_before)
{
	bide_user_source *many = calloc(count, sizeof *many);
	bide_value_task *all = calloc(count, sizeof *all);
	int64_t start_ns = cpu_ns();
	bide_when_each each;

	for (size_t i = 0; i < count; i++) {
		bide_user_source_init(&many[i], NULL);
		all[i] = bide_user_source_value_task(&many[i]);
	}
	assert_int_equal(bide_when_each_init(&each, all, count), 0);
	for (size_t n = 0; all_before && n < count; n++)
		bide_user_source_complete(&many[nth(n, 61803, count)], (bide_payload){ .i = 5 });
	for (size_t n = 0; n < taken; n++) {
		size_t i = nth(n, 61803, count);

		if (!all_before)
			bide_user_source_complete(&many[i], (bide_payload){ .i = (int64_t)i });
		assert_int_equal(result_of(bide_when_each_next(&each)), i);
		assert_int_equal(all[i].state, 0);
		assert_int_equal(all[i].payload.i, all_before ? 5 : (int64_t)i);
	}
	if (taken == count)
		assert_int_equal(error_of(bide_when_each_next(&each)), BIDE_EEND);
	else
		assert_int_equal(error_of(bide_when_each_end(&each)), 0);
	start_ns = cpu_ns() - start_ns;
	for (size_t n = taken; n < count; n++) { /* the caller owns these again */
		size_t i = nth(n, 61803, count);

		if (!all_before)
			bide_user_source_complete(&many[i], (bide_payload){ .i = (int64_t)i });
		assert_int_equal(result_of(all[i]), all_before ? 5 : (int64_t)i);
	}
	free(all);
	free(many);
	return start_ns;
}

TEST(when_each_end_restores_the_items_after_a_long_search)
{
	for (size_t taken = 0; taken < 2000; taken += 199)
		for (int all_before = 0; all_before < 2; all_before++)
			take_in_no_order(2000, taken, all_before);
}

TEST(the_cost_of_when_each_in_a_scattered_order_is_not_quadratic)
{
	int64_t few_ns = INT64_MAX, many_ns = INT64_MAX, took_ns;

	for (int i = 0; i < 3; i++) {
		took_ns = take_in_no_order(10000, 10000, i % 2);
		few_ns = took_ns < few_ns ? took_ns : few_ns;
		took_ns = take_in_no_order(80000, 80000, i % 2);
		many_ns = took_ns < many_ns ? took_ns : many_ns;
	}
	/* For eight times as many items, a square would take 64 times as long. */
	assert_true(many_ns / few_ns < 30);
}
