/*
 * Generators: start, next, emit. Names that begin with AE have the number of the row of
 * docs/behaviours.tsv that they cover.
 */
/* threads */
#include "support/generator_support.h"
#include "support/limits_of_tools.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

TEST(elements_come_in_order_and_then_the_end)
{
	bide_generator *g = bide_generator_start(numbers, .count = 3);
	for (int64_t i = 0; i < 3; i++)
		assert_int_equal(result_of(bide_generator_next(g)), i);
	assert_int_equal(error_of(bide_generator_next(g)), BIDE_EEND);
	assert_int_equal(cleanup_count, 1);
	assert_int_equal(cleanup_error, 0);
	assert_int_equal(error_of(bide_generator_next(g)), BIDE_EEND);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
	assert_int_equal(cleanup_count, 1);
}

TEST(elements_that_must_be_waited_for_come_in_order)
{
	bide_generator *g = bide_generator_start(numbers, .count = 3, .waits = true);
	for (int64_t i = 0; i < 3; i++)
		assert_int_equal(result_of(bide_generator_next(g)), i);
	assert_int_equal(error_of(bide_generator_next(g)), BIDE_EEND);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
	assert_int_equal(cleanup_count, 1);
}

TEST(a_start_runs_nothing_and_an_end_then_runs_the_cleanup)
{
	bide_generator *g = bide_generator_start(numbers, .count = 3, .waits_in_cleanup = true);
	assert_int_equal(cleanup_count, 0);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
	assert_int_equal(cleanup_count, 1);
	assert_int_equal(cleanup_error, ECANCELED);
}

TEST(a_loop_over_all_elements)
{
	bide_generator *g = bide_generator_start(numbers, .count = 1000);
	assert_int_equal(result_of(sum_of(g, -1)), 249500);
	g = bide_generator_start(numbers, .count = 1000, .waits = true, .waits_in_cleanup = true);
	assert_int_equal(result_of(sum_of(g, -1)), 249500);
	assert_int_equal(cleanup_count, 2);
}

TEST(a_loop_that_stops_early_runs_the_cleanup_before_it_goes_on)
{
	bide_generator *g = bide_generator_start(numbers, .count = 1000, .waits_in_cleanup = true);
	assert_int_equal(result_of(sum_of(g, 5)), 6);
	assert_int_equal(cleanup_count, 1);
	assert_int_equal(cleanup_error, ECANCELED);
	g = bide_generator_start(numbers, .count = 1000, .waits = true);
	assert_int_equal(result_of(sum_of(g, 5)), 6);
	assert_int_equal(cleanup_count, 2);
}

TEST(an_error_comes_once_and_then_the_end)
{
	bide_generator *g = bide_generator_start(numbers, .count = 1, .error = EIO);
	assert_int_equal(result_of(bide_generator_next(g)), 0);
	assert_int_equal(error_of(bide_generator_next(g)), EIO);
	assert_int_equal(error_of(bide_generator_next(g)), BIDE_EEND);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
	g = bide_generator_start(numbers, .count = 1, .error = EIO, .waits = true);
	assert_int_equal(error_of(sum_of(g, -1)), EIO);
}

TEST(without_memory_for_the_generator_next_fails_with_ENOMEM)
{
	assert_int_equal(error_of(bide_generator_next(NULL)), ENOMEM);
	assert_int_equal(error_of(bide_generator_end(NULL)), 0);
	assert_int_equal(error_of(sum_of(NULL, -1)), ENOMEM);
}

/* --- pointers and numbers --- */

struct record {
	int id;
	char text[100];
};

struct records {
	BIDE_ASYNC_GENERATOR;
	struct record record;
};

bide_async_generator(records)
{
	bide_async_begin;
	for (my->record.id = 0; my->record.id < 3; my->record.id++)
		bide_async_emit(&my->record);
bide_async_finally:
	bide_async_end;
}

TEST(an_element_may_point_into_the_frame)
{
	bide_generator *g = bide_generator_start(records);
	const struct record *first = NULL;
	bide_payload got;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bide_value_task_wait(bide_generator_next(g), &got), 0);
		if (i == 0)
			first = got.p;
		assert_ptr_equal(got.p, first);
		assert_int_equal(first->id, i);
	}
	assert_int_equal(error_of(bide_generator_next(g)), BIDE_EEND);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
}

struct halves {
	BIDE_ASYNC_GENERATOR;
	struct {
		float x;
	} in;
};

bide_async_generator(halves)
{
	bide_async_begin;
	for (;;) {
		bide_async_emit(my->in.x);
		my->in.x /= 2;
	}
bide_async_finally:
	bide_async_end;
}

struct take_halves {
	BIDE_ASYNC_FRAME;
	bide_generator *all;
	double x, sum;
};

bide_async(take_halves)
{
	bide_async_begin;
	my->all = bide_generator_start(halves, .x = 1);
	bide_await_each(my->x, my->all) {
		bide_await(bide_async_yield());
		my->sum += my->x;
		if (my->x <= 0.125)
			break;
	}
	bide_async_return(my->sum);
bide_async_finally:
	bide_await(bide_generator_end(my->all));
	bide_async_end;
}

TEST(elements_may_be_floating_point_numbers)
{
	bide_payload got;
	assert_int_equal(bide_value_task_wait(bide_async_start(take_halves), &got), 0);
	assert_true(got.d == 1.875);
}

/* --- a next that is given up --- */

TEST(the_element_of_a_next_that_was_canceled_is_kept_for_the_following_one)
{
	bide_generator *g = bide_generator_start(gated);
	bide_context *context = limits();
	bide_value_task next = bide_in_context(context, bide_generator_next(g));
	assert_false(bide_value_task_is_ready(next));
	bide_context_cancel(context, EUSERS);
	assert_int_equal(error_of(next), EUSERS);
	assert_int_equal(error_of(bide_in_context(context, bide_generator_next(g))), EUSERS);
	bide_context_unref(context);
	bide_user_source_complete_int(&gate, 7);
	assert_int_equal(result_of(bide_generator_next(g)), 7);
	next = bide_generator_next(g);
	bide_user_source_complete_int(&gate, 8);
	assert_int_equal(result_of(next), 8);
	next = bide_generator_next(g);
	bide_value_task ended = bide_generator_end(g);
	assert_int_equal(error_of(next), ECANCELED);
	bide_user_source_complete_int(&gate, 9); /* an await of such a source is uninterruptible */
	assert_int_equal(error_of(ended), 0);
	assert_int_equal(cleanup_count, 1);
	assert_int_equal(cleanup_error, ECANCELED);
}

TEST(the_element_of_a_next_that_ran_out_of_time_is_kept)
{
	bide_generator *g = bide_generator_start(gated);
	assert_int_equal(error_of(bide_with_timeout_ms(1, bide_generator_next(g))), ETIMEDOUT);
	bide_value_task next = bide_generator_next(g);
	bide_user_source_complete_int(&gate, 7);
	assert_int_equal(result_of(next), 7);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
}

TEST(a_next_that_is_forgotten_while_it_waits_leaves_its_element)
{
	bide_generator *g = bide_generator_start(gated);
	bide_value_task_forget(bide_generator_next(g));
	bide_value_task next = bide_generator_next(g);
	bide_user_source_complete_int(&gate, 7);
	assert_int_equal(result_of(next), 7);
	bide_context *context = limits();
	bide_value_task_forget(bide_in_context(context, bide_generator_next(g)));
	bide_context_unref(context);
	next = bide_generator_next(g);
	bide_user_source_complete_int(&gate, 8);
	assert_int_equal(result_of(next), 8);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
}

TEST(a_next_may_be_an_item_and_a_task)
{
	bide_generator *g = bide_generator_start(gated);
	bide_value_task items[1] = { bide_generator_next(g) };
	bide_user_source_complete_int(&gate, 7);
	assert_int_equal(error_of(bide_when_all(items, 1)), 0);
	assert_int_equal(items[0].payload.i, 7);
	bide_task *task = bide_value_task_as_task(bide_generator_next(g));
	bide_user_source_complete_int(&gate, 8);
	assert_int_equal(result_of(bide_task_await(task)), 8);
	bide_task_unref(task);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
}

/* --- depth and memory --- */

struct pass {
	BIDE_ASYNC_GENERATOR;
	struct {
		bide_generator *of;
	} in;
	int64_t x;
};

bide_async_generator(pass)
{
	bide_async_begin;
	bide_await_each(my->x, my->in.of) {
		bide_async_emit(my->x + 1);
	}
bide_async_finally:
	bide_await(bide_generator_end(my->in.of));
	bide_async_end;
}

static bide_generator *chain(bide_generator *g, int count)
{
	for (int i = 0; i < count; i++) {
		g = bide_generator_start(pass, .of = g);
		assert_non_null(g);
	}
	return g;
}

enum { STAGES = 100000 };

static void deep(bool waits)
{
	bide_generator *g = chain(bide_generator_start(numbers, .count = 1000, .waits = waits), STAGES);
	assert_int_equal(result_of(bide_generator_next(g)), STAGES);
	assert_int_equal(result_of(bide_generator_next(g)), STAGES + 1);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
}

TEST_SLOW(a_hundred_thousand_stages_need_little_stack, 60)
{
	if (UNDER_TSAN)
		SKIP("ThreadSanitizer follows 65,536 nested calls at most");
	deep(false);
	deep(true);
	assert_int_equal(cleanup_count, 2);
}

TEST(in_steady_state_nothing_is_allocated)
{
	if (getenv("BIDE_POOL"))
		SKIP("without pools every object is an allocation");
	for (int waits = 0; waits < 2; waits++) {
		bide_generator *g =
			chain(bide_generator_start(numbers, .count = INT64_MAX, .waits = waits), 2);
		for (int i = 0; i < 100; i++)
			result_of(bide_generator_next(g));
		uint64_t before = stats().allocation_count;
		for (int i = 0; i < 1000; i++)
			result_of(bide_generator_next(g));
		/* Objects may move between the pools of several workers. */
		if (!many_workers())
			assert_int_equal(stats().allocation_count, before);
		assert_int_equal(error_of(bide_generator_end(g)), 0);
	}
}

/*
 * Runs a chain with only the first n objects, for n = 0, 1, 2... All fails with ENOMEM until there
 * are enough, and everything is given back.
 */
TEST(every_allocation_failed_once)
{
	NOT_SEEDED("it counts allocations");
	limit_objects();
	for (int waits = 0; waits < 2; waits++) {
		int error = ENOMEM;
		for (long n = 0; error; n++) {
			assert_true(n < 50);
			assert_int_equal(bide_now_ns() > 0, 1);
			settle_workers();
			allowed_allocations = n;
			bide_generator *g = bide_generator_start(numbers, .count = 10, .waits = waits);
			for (int i = 0; i < 2; i++) {
				bide_generator *stage = bide_generator_start(pass, .of = g);
				if (!stage) { /* without memory a stage is no owner */
					bide_value_task_forget(bide_generator_end(g));
					g = NULL;
					break;
				}
				g = stage;
			}
			bide_value_task v = sum_of(g, 5);
			error = bide_value_task_wait(v, NULL);
			if (error == BIDE_ENOFRAME) /* sum has not begun */
				assert_int_equal(error_of(bide_generator_end(g)), 0);
			else
				assert_true(error == 0 || error == ENOMEM);
			allowed_allocations = -1;
			settle_workers();
			assert_int_equal(stats().frame_count, 0);
			assert_int_equal(stats().operation_count, 0);
		}
	}
}

/* A next that finds no memory to wait loses nothing. */
TEST(a_next_without_memory_leaves_its_element)
{
	NOT_SEEDED("it counts allocations");
	limit_objects();
	bide_generator *g = bide_generator_start(gated);
	allowed_allocations = 0;
	assert_int_equal(error_of(bide_generator_next(g)), ENOMEM);
	allowed_allocations = -1;
	bide_user_source_complete_int(&gate, 7);
	assert_int_equal(result_of(bide_generator_next(g)), 7);
	assert_int_equal(error_of(bide_with_timeout_ms(0, bide_generator_next(g))), ETIMEDOUT);
	bide_value_task next = bide_generator_next(g);
	allowed_allocations = 0;
	bide_user_source_complete_int(&gate, 8);
	assert_int_equal(result_of(next), 8);
	bide_value_task ended = bide_generator_end(g); /* it allocates nothing */
	assert_int_equal(error_of(ended), 0);
	allowed_allocations = -1;
}

/* --- executors --- */

TEST(a_generator_of_another_executor_runs_there)
{
	bide_executor *strand = bide_strand_create();
	assert_non_null(strand);
	bide_context *context = bide_context_create(&(bide_context_options){ .executor = strand });
	assert_non_null(context);
	bide_generator *g =
		bide_in_context(context, bide_generator_start(numbers, .count = 3, .waits = true));
	bide_context_unref(context);
	for (int64_t i = 0; i < 3; i++)
		assert_int_equal(result_of(bide_generator_next(g)), i);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
	bide_executor_unref(strand);
}

/* --- other loops of await_each --- */

struct each_kind {
	BIDE_ASYNC_FRAME;
	bide_value_task items[3];
	bide_when_each each;
	bide_periodic_timer *timer;
	int64_t i, sum;
	int tick, ticks;
};

bide_async(each_kind)
{
	bide_async_begin;
	for (int i = 0; i < 3; i++)
		my->items[i] = bide_delay_ms(3 - i);
	assert_int_equal(bide_when_each_init(&my->each, my->items, 3), 0);
	bide_await_each(my->i, &my->each) {
		my->sum += my->i;
	}
	my->timer = bide_periodic_timer_create(BIDE_MS(1));
	bide_await_each(my->tick, my->timer) {
		my->ticks += my->tick;
		if (my->ticks == 3)
			bide_periodic_timer_stop(my->timer);
	}
	bide_async_return(my->sum * 10 + my->ticks);
bide_async_finally:
	bide_periodic_timer_destroy(my->timer);
	bide_async_end;
}

TEST(await_each_loops_over_when_each_and_over_a_periodic_timer)
{
	assert_int_equal(result_of(bide_async_start(each_kind)), 33);
}

struct each_fails {
	BIDE_ASYNC_FRAME;
	bide_generator *all;
	int64_t x;
	bool reached;
};

bide_async(each_fails)
{
	bide_async_begin;
	my->all = bide_generator_start(numbers, .count = 2, .error = EIO);
	bide_await_each(my->x, my->all) {
		if (my->x > 5)
			break;
	}
	my->reached = true;
bide_async_finally:
	assert_false(my->reached);
	bide_await(bide_generator_end(my->all));
	bide_async_end;
}

TEST(a_failure_of_the_generator_fails_the_loop)
{
	assert_int_equal(error_of(bide_async_start(each_fails)), EIO);
}

/* --- .NET --- */

struct asks_token {
	BIDE_ASYNC_GENERATOR;
};

bide_async_generator(asks_token)
{
	bide_async_begin;
	for (;;)
		bide_async_emit((int64_t)bide_context_current_error());
bide_async_finally:
	bide_async_end;
}

TEST(AE_03_the_context_of_the_start_reaches_the_producer)
{
	bide_context *context = limits();
	bide_generator *g = bide_in_context(context, bide_generator_start(asks_token));
	assert_int_equal(result_of(bide_generator_next(g)), 0);
	bide_context_cancel(context, EUSERS);
	assert_int_equal(result_of(bide_generator_next(g)), EUSERS);
	bide_context_unref(context);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
}
