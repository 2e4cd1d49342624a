/*
 * Operators over generators: map, filter, take, timeout, buffer, merge.
 */
/* threads */
#include <errno.h>

#include "support/library.h"
#include "support/limited_memory.h"

static unsigned cleanup_count; /* under the lock of what ends the generators: one at a time */

void test_after_each(void)
{
	assert_nothing_in_use();
}

/* Emits first, first + step, ... If it waits, each element comes after a yield. */
struct numbers {
	BIDE_ASYNC_GENERATOR;
	struct {
		int64_t first, step, count;
		int error; /* how it ends */
		bool waits;
		int64_t *asked; /* may be NULL: how many elements were asked for */
	} in;
	int64_t i;
};

bide_async_generator(numbers)
{
	bide_async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++) {
		if (my->in.asked)
			(void)__atomic_fetch_add(my->in.asked, 1, __ATOMIC_RELAXED);
		if (my->in.waits)
			bide_await(bide_async_yield());
		bide_async_emit(my->in.first + my->i * my->in.step);
	}
	if (my->in.error)
		bide_async_fail(my->in.error);
bide_async_finally:
	(void)__atomic_fetch_add(&cleanup_count, 1, __ATOMIC_RELAXED);
	bide_async_end;
}

static bide_generator *count_to(int64_t count, bool waits)
{
	return bide_generator_start(numbers, .step = 1, .count = count, .waits = waits);
}

struct forever {
	BIDE_ASYNC_GENERATOR;
};

bide_async_generator(forever)
{
	bide_async_begin;
	bide_await(bide_delay(BIDE_FOREVER));
bide_async_finally:
	(void)__atomic_fetch_add(&cleanup_count, 1, __ATOMIC_RELAXED);
	bide_async_end;
}

/* Adds up at most `most` elements, and ends the generator. */
struct sum {
	BIDE_ASYNC_FRAME;
	struct {
		bide_generator *all;
		int64_t most;
	} in;
	int64_t x, count, sum;
};

bide_async(sum)
{
	bide_async_begin;
	bide_await_each(my->x, my->in.all) {
		my->sum += my->x;
		if (++my->count == my->in.most)
			break;
	}
	bide_async_return(my->sum);
bide_async_finally:
	bide_await(bide_generator_end(my->in.all));
	bide_async_end;
}

static bide_value_task sum_of(bide_generator *all)
{
	return bide_async_start(sum, .all = all, .most = -1);
}

static bide_value_task sum_of_first(bide_generator *all, int64_t most)
{
	return bide_async_start(sum, .all = all, .most = most);
}

/* --- map, filter, take --- */

static bide_value_task plus(bide_payload element, void *argument)
{
	return bide_value_task_from_int(element.i + *(int64_t *)argument);
}

struct plus_later {
	BIDE_ASYNC_FRAME;
	struct {
		int64_t x, y;
	} in;
};

bide_async(plus_later)
{
	bide_async_begin;
	bide_await(bide_async_yield());
	bide_async_return(my->in.x + my->in.y);
bide_async_finally:
	bide_async_end;
}

static bide_value_task plus_after_a_yield(bide_payload element, void *argument)
{
	return bide_async_start(plus_later, .x = element.i, .y = *(int64_t *)argument);
}

static bide_value_task is_odd(bide_payload element, void *argument)
{
	(void)argument;
	return bide_value_task_from_int(element.i % 2);
}

static bide_value_task fails(bide_payload element, void *argument)
{
	(void)element;
	return bide_value_task_from_error(*(int *)argument);
}

static int64_t one = 1;
static int end_error = BIDE_EEND, io_error = EIO;

TEST(map_emits_what_the_function_returns)
{
	for (int waits = 0; waits < 2; waits++) {
		assert_int_equal(result_of(sum_of(bide_generator_map(count_to(4, waits), plus, &one))), 10);
		assert_int_equal(result_of(sum_of(
							 bide_generator_map(count_to(4, waits), plus_after_a_yield, &one))),
		                 10);
	}
	assert_int_equal(cleanup_count, 4);
}

TEST(filter_emits_what_the_function_keeps)
{
	assert_int_equal(result_of(sum_of(bide_generator_filter(count_to(10, false), is_odd, NULL))),
	                 25);
	assert_int_equal(result_of(sum_of(bide_generator_filter(count_to(10, true), is_odd, NULL))),
	                 25);
}

TEST(a_failure_of_the_function_fails_the_operator)
{
	assert_int_equal(error_of(sum_of(bide_generator_map(count_to(4, false), fails, &io_error))),
	                 EIO);
	assert_int_equal(error_of(sum_of(bide_generator_filter(count_to(4, true), fails, &io_error))),
	                 EIO);
	/* It is no end of the elements. */
	assert_int_equal(error_of(sum_of(bide_generator_map(count_to(4, false), fails, &end_error))),
	                 EPIPE);
	assert_int_equal(cleanup_count, 3);
}

TEST(take_asks_for_no_more_than_it_emits)
{
	int64_t asked = 0;
	bide_generator *g =
		bide_generator_start(numbers, .step = 1, .count = INT64_MAX, .asked = &asked);
	assert_int_equal(result_of(sum_of(bide_generator_take(g, 4))), 6);
	assert_int_equal(asked, 4);
	assert_int_equal(result_of(sum_of(bide_generator_take(count_to(2, true), 4))), 1);
	g = bide_generator_start(numbers, .count = 5, .asked = &asked);
	assert_int_equal(result_of(sum_of(bide_generator_take(g, 0))), 0);
	assert_int_equal(asked, 4);
	assert_int_equal(cleanup_count, 3);
}

TEST(an_early_stop_ends_the_whole_chain)
{
	bide_generator *g = count_to(1000, true);
	for (int i = 0; i < 5; i++)
		g = bide_generator_map(g, plus, &one);
	assert_int_equal(result_of(sum_of_first(g, 2)), 11);
	assert_int_equal(cleanup_count, 1);
}

TEST(a_chain_that_is_never_asked_ends_its_generators)
{
	bide_generator *g = bide_generator_map(bide_generator_take(count_to(9, false), 3), plus, &one);
	g = bide_generator_buffer(bide_generator_filter(g, is_odd, NULL), 4);
	g = bide_generator_timeout(g, BIDE_SECONDS(1));
	assert_int_equal(error_of(bide_generator_end(g)), 0);
	assert_int_equal(cleanup_count, 1);
}

TEST(an_error_passes_through_all_operators)
{
	bide_generator *g = bide_generator_start(numbers, .count = 3, .error = EIO, .waits = true);
	g = bide_generator_take(bide_generator_filter(g, plus, &one), 10);
	g = bide_generator_timeout(bide_generator_buffer(bide_generator_map(g, plus, &one), 2),
	                           BIDE_SECONDS(100));
	for (int i = 0; i < 3; i++)
		assert_int_equal(result_of(bide_generator_next(g)), 1);
	assert_int_equal(error_of(bide_generator_next(g)), EIO);
	assert_int_equal(error_of(bide_generator_next(g)), BIDE_EEND);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
	assert_int_equal(cleanup_count, 1);
}

/* --- timeout --- */

TEST(timeout_fails_if_an_element_comes_too_late)
{
	bide_generator *g = bide_generator_timeout(bide_generator_start(forever), BIDE_MS(1));
	assert_int_equal(error_of(sum_of(g)), ETIMEDOUT);
	assert_int_equal(cleanup_count, 1);
	assert_int_equal(result_of(sum_of(bide_generator_timeout(count_to(5, true), BIDE_SECONDS(60)))),
	                 10);
	assert_int_equal(result_of(sum_of(bide_generator_timeout(count_to(5, true), BIDE_FOREVER))),
	                 10);
	/* An element that is there at once is never late. */
	assert_int_equal(result_of(sum_of(bide_generator_timeout(count_to(5, false), 0))), 10);
}

/* --- buffer --- */

TEST(buffer_lets_the_producer_run_ahead)
{
	int64_t asked = 0;
	bide_generator *g = bide_generator_start(numbers, .step = 1, .count = 100, .asked = &asked);
	g = bide_generator_buffer(g, 10);
	assert_int_equal(asked, 0);
	assert_int_equal(result_of(bide_generator_next(g)), 0);
	settle_workers();
	assert_int_equal(__atomic_load_n(&asked, __ATOMIC_RELAXED), 10);
	assert_int_equal(result_of(bide_generator_next(g)), 1);
	settle(0);
	assert_int_equal(__atomic_load_n(&asked, __ATOMIC_RELAXED), 11);
	assert_int_equal(result_of(sum_of(g)), 4949);
	assert_int_equal(cleanup_count, 1);
}

TEST(buffer_keeps_the_order)
{
	for (size_t capacity = 1; capacity <= 65; capacity += 32) {
		bide_generator *g = bide_generator_buffer(count_to(300, capacity > 1), capacity);
		for (int64_t i = 0; i < 300; i++)
			assert_int_equal(result_of(bide_generator_next(g)), i);
		assert_int_equal(error_of(bide_generator_next(g)), BIDE_EEND);
		assert_int_equal(error_of(bide_generator_end(g)), 0);
	}
}

TEST(an_end_of_a_buffer_stops_a_producer_that_waits)
{
	bide_generator *g = bide_generator_buffer(bide_generator_start(forever), 4);
	bide_value_task next = bide_generator_next(g);
	bide_value_task ended = bide_generator_end(g);
	assert_int_equal(error_of(next), ECANCELED);
	assert_int_equal(error_of(ended), 0);
	assert_int_equal(cleanup_count, 1);
}

/* --- merge --- */

static bide_generator *merge3(bool waits, int error)
{
	bide_generator *all[3];
	for (int i = 0; i < 3; i++)
		all[i] = bide_generator_start(numbers, .first = i * 1000, .step = 1, .count = 100,
		                              .waits = waits, .error = i == 1 ? error : 0);
	return bide_generator_merge(all, 3);
}

TEST(merge_emits_the_elements_of_all_each_in_its_order)
{
	for (int waits = 0; waits < 2; waits++) {
		bide_generator *g = merge3(waits, 0);
		int64_t seen[3] = { 0 };
		for (int i = 0; i < 300; i++) {
			int64_t x = result_of(bide_generator_next(g));
			assert_int_equal(x % 1000, seen[x / 1000]++);
		}
		assert_int_equal(error_of(bide_generator_next(g)), BIDE_EEND);
		assert_int_equal(error_of(bide_generator_end(g)), 0);
	}
	assert_int_equal(cleanup_count, 6);
}

TEST(the_first_failure_of_a_merge_ends_the_others)
{
	bide_generator *all[2] = { bide_generator_start(forever),
		                       bide_generator_start(numbers, .count = 1, .error = EIO) };
	bide_generator *g = bide_generator_merge(all, 2);
	assert_int_equal(result_of(bide_generator_next(g)), 0);
	assert_int_equal(error_of(bide_generator_next(g)), EIO);
	assert_int_equal(cleanup_count, 2);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
	assert_int_equal(error_of(sum_of(merge3(true, ENOSPC))), ENOSPC);
}

TEST(a_merge_that_is_stopped_ends_all)
{
	assert_int_equal(error_of(sum_of_first(merge3(true, 0), 10)), 0);
	assert_int_equal(cleanup_count, 3);
	bide_generator *all[2] = { bide_generator_start(forever), count_to(5, false) };
	assert_int_equal(result_of(sum_of_first(bide_generator_merge(all, 2), 5)), 10);
	assert_int_equal(cleanup_count, 5);
}

TEST(a_merge_of_none_is_at_its_end)
{
	assert_int_equal(result_of(sum_of(bide_generator_merge(NULL, 0))), 0);
}

/* Each element points into the frame of its producer, which may not go on before its time. */
struct pointers {
	BIDE_ASYNC_GENERATOR;
	struct {
		int64_t first;
	} in;
	int64_t i, value;
};

bide_async_generator(pointers)
{
	bide_async_begin;
	for (my->i = 0; my->i < 100; my->i++) {
		bide_await(bide_async_yield());
		my->value = my->in.first + my->i;
		bide_async_emit(&my->value);
		my->value = -1;
	}
bide_async_finally:
	bide_async_end;
}

TEST(an_element_of_a_merge_may_point_into_the_frame_of_its_producer)
{
	bide_generator *all[2] = { bide_generator_start(pointers, .first = 1000),
		                       bide_generator_start(pointers, .first = 2000) };
	bide_generator *g = bide_generator_merge(all, 2);
	for (int i = 0; i < 200; i++) {
		bide_payload got;
		assert_int_equal(bide_value_task_wait(bide_generator_next(g), &got), 0);
		settle_workers();
		assert_true(*(int64_t *)got.p >= 1000);
	}
	assert_int_equal(error_of(bide_generator_end(g)), 0);
}

/* --- no memory, misuse --- */

TEST(operators_consume_also_when_they_fail)
{
	assert_null(bide_generator_map(NULL, plus, &one));
	assert_null(bide_generator_filter(NULL, is_odd, NULL));
	assert_null(bide_generator_take(NULL, 1));
	assert_null(bide_generator_timeout(NULL, 1));
	assert_null(bide_generator_buffer(NULL, 1));
	bide_generator *two[2] = { count_to(1, false), NULL };
	assert_null(bide_generator_merge(two, 2));
	assert_int_equal(cleanup_count, 1);
	assert_int_equal(error_of(sum_of(bide_generator_take(NULL, 1))), ENOMEM);
}

TEST(every_allocation_failed_once)
{
	int error = ENOMEM;

	NOT_SEEDED("it counts allocations");
	limit_objects();
	for (long n = 0; error; n++) {
		assert_true(n < 100);
		assert_true(bide_now_ns() > 0);
		settle_workers();
		allowed_allocations = n;
		bide_generator *all[2] = { count_to(3, true), count_to(3, false) };
		bide_generator *g = bide_generator_merge(all, 2);
		g = bide_generator_map(bide_generator_filter(g, plus, &one), plus, &one);
		g = bide_generator_timeout(bide_generator_take(bide_generator_buffer(g, 2), 5),
		                           BIDE_SECONDS(100));
		error = error_of(sum_of(g));
		if (error == BIDE_ENOFRAME) /* sum has not begun */
			assert_int_equal(error_of(bide_generator_end(g)), 0);
		else
			assert_true(error == 0 || error == ENOMEM);
		allowed_allocations = -1;
		settle_workers();
		assert_none(frame_count);
		assert_none(operation_count);
	}
}

TEST(misuse_of_operators)
{
	expect_misuse();
	bide_generator *g = count_to(1, false);
	MISUSE(g = bide_generator_map(g, NULL, NULL), "bide_generator_map", "function is NULL");
	assert_null(g);
	g = count_to(1, false);
	MISUSE(g = bide_generator_filter(g, NULL, NULL), "bide_generator_filter", "function is NULL");
	assert_null(g);
	g = count_to(1, false);
	MISUSE(g = bide_generator_timeout(g, -1), "bide_generator_timeout", "timeout_ns is -1");
	assert_null(g);
	g = count_to(1, false);
	MISUSE(g = bide_generator_take(g, -2), "bide_generator_take", "count is -2");
	assert_null(g);
	g = count_to(1, false);
	MISUSE(g = bide_generator_buffer(g, 0), "bide_generator_buffer", "capacity is 0");
	assert_null(g);
	MISUSE(g = bide_generator_merge(NULL, 1), "bide_generator_merge", "generators is NULL");
	assert_null(g);
	assert_int_equal(cleanup_count, 5);
}

/* Each operator, given a generator that another operator has. */
TEST(a_generator_that_is_given_to_two_operators_is_misuse_that_names_both)
{
	bide_generator *g = count_to(1, false), *second;
	bide_generator *first = bide_generator_map(g, plus, &one);

	expect_misuse();
	MISUSE(second = bide_generator_map(g, plus, &one), "bide_generator_map",
	       "an operator consumes the generator (since " __FILE__);
	assert_null(second);
	MISUSE(second = bide_generator_filter(g, is_odd, NULL), "bide_generator_filter", "has one");
	assert_null(second);
	MISUSE(second = bide_generator_take(g, 1), "bide_generator_take", "has one consumer");
	assert_null(second);
	MISUSE(second = bide_generator_timeout(g, 1), "bide_generator_timeout", "has one consumer");
	assert_null(second);
	MISUSE(second = bide_generator_buffer(g, 1), "bide_generator_buffer", "has one consumer");
	assert_null(second);
	bide_generator *two[2] = { count_to(1, false), g };
	MISUSE(second = bide_generator_merge(two, 2), "bide_generator_merge", "has one consumer");
	assert_null(second);
	assert_int_equal(cleanup_count, 1); /* of two[0] */
	bide_value_task ended;
	MISUSE(ended = bide_generator_end(g), "bide_generator_end", "(since " __FILE__);
	assert_int_equal(error_of(ended), EINVAL);
	assert_int_equal(result_of(sum_of(first)), 1);
	assert_int_equal(cleanup_count, 2);
}

TEST(a_generator_that_stands_twice_in_a_merge_is_misuse_and_ends_once)
{
	bide_generator *three[3] = { count_to(1, false), count_to(1, true), NULL }, *g;

	expect_misuse();
	three[2] = three[0];
	MISUSE(g = bide_generator_merge(three, 3), "bide_generator_merge",
	       "generators[0] and generators[2] are the same");
	assert_null(g);
	settle_workers();
	assert_int_equal(cleanup_count, 2);
}

/* The end of one operator ends the other generator, which it consumes. */
TEST(a_merge_of_a_generator_and_of_what_consumes_it_is_misuse)
{
	bide_generator *two[2], *g;

	expect_misuse();
	two[1] = count_to(1, false);
	two[0] = bide_generator_map(two[1], plus, &one);
	MISUSE(g = bide_generator_merge(two, 2), "bide_generator_merge", "has one consumer");
	assert_null(g);
	assert_int_equal(cleanup_count, 1);
	two[0] = count_to(1, false);
	two[1] = bide_generator_buffer(two[0], 2);
	MISUSE(g = bide_generator_merge(two, 2), "bide_generator_merge", "has one consumer");
	assert_null(g);
	settle_workers();
	assert_int_equal(cleanup_count, 2);
}

static bide_user_source gate;

struct gated_end {
	BIDE_ASYNC_GENERATOR;
};

bide_async_generator(gated_end)
{
	bide_async_begin;
bide_async_finally:
	bide_user_source_init(&gate, NULL);
	bide_await(bide_user_source_value_task(&gate));
	bide_async_end;
}

/* The cleanup of the first waits, so its end is pending. */
TEST(a_generator_that_is_ending_or_is_asked_cannot_be_given_to_an_operator)
{
	bide_generator *g = bide_generator_start(gated_end), *second;
	bide_value_task ended = bide_generator_end(g), next;

	expect_misuse();
	MISUSE(second = bide_generator_take(g, 1), "bide_generator_take", "was ended before");
	assert_null(second);
	bide_user_source_complete_int(&gate, 0);
	assert_int_equal(error_of(ended), 0);

	g = bide_generator_take(bide_generator_start(forever), 1);
	next = bide_generator_next(g);
	second = bide_generator_map(g, plus, &one);
	MISUSE(ended = bide_generator_next(g), "bide_generator_next", "an operator consumes");
	assert_int_equal(error_of(ended), EBUSY);
	assert_int_equal(error_of(bide_generator_end(second)), 0);
	assert_int_equal(error_of(next), ECANCELED);
}

struct gives_itself {
	BIDE_ASYNC_GENERATOR;
	bide_generator *to;
};

bide_async_generator(gives_itself)
{
	bide_async_begin;
	my->to = bide_generator_take(&my->BIDE_FRAME_MEMBER_, 1);
	assert_null(my->to);
	my->to = bide_generator_buffer(&my->BIDE_FRAME_MEMBER_, 1);
	assert_null(my->to);
bide_async_finally:
	cleanup_count++;
	bide_async_end;
}

TEST(a_body_that_gives_its_generator_to_an_operator_is_misuse)
{
	expect_misuse();
	bide_generator *g = bide_generator_start(gives_itself);
	assert_int_equal(error_of(bide_generator_next(g)), BIDE_EEND);
	assert_int_equal(misuse_count, 2);
	assert_non_null(strstr(misuse_text, "may not give itself"));
	assert_int_equal(error_of(bide_generator_end(g)), 0);
	assert_int_equal(cleanup_count, 1);
}
