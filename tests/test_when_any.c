/*
 * when_any over value tasks and over tasks. Names that begin with WX have the number of the row of
 * docs/behaviours.tsv that they cover.
 */
/* threads */
#include "support/combine_support.h"

TEST(WX_02_when_any_of_no_items_is_an_argument_error)
{
	EXPECT_ABORT(bide_value_task_forget(bide_when_any(items, 0)), "bide_when_any: count is 0");
	EXPECT_ABORT(bide_value_task_forget(bide_when_any_tasks(tasks, 0)),
	             "bide_when_any_tasks: count is 0");
	expect_misuse();
	assert_int_equal(bide_value_task_error(bide_when_any(items, 0)), EINVAL);
	assert_int_equal(bide_value_task_error(bide_when_any_tasks(tasks, 0)), EINVAL);
	assert_int_equal(misuse_count, 2);
}

TEST(WX_03_when_any_with_one_ready_item_in_either_place_is_ready)
{
	for (size_t ready = 0; ready < 2; ready++) {
		make_pending(2);
		finish(ready, 5);
		uint64_t before = stats().allocation_count;
		bide_value_task any = bide_when_any(items, 2);
		assert_true(bide_value_task_is_successful(any));
		assert_int_equal(any.payload.i, ready);
		assert_int_equal(stats().allocation_count, before);
		finish(1 - ready, 6);
		assert_int_equal(result_of(items[ready]), 5);
		assert_int_equal(result_of(items[1 - ready]), 6);
	}
}

TEST(WX_03_when_any_succeeds_with_an_item_that_failed)
{
	make_pending(2);
	bide_value_task any = bide_when_any(items, 2);
	finish_failed(1, EIO);
	assert_int_equal(result_of(any), 1);
	assert_int_equal(error_of(items[1]), EIO);
	finish(0, 1);
	assert_int_equal(result_of(items[0]), 1);
}

TEST(WX_03_when_any_over_tasks_with_one_ready_task_is_ready)
{
	make_tasks(2);
	bide_task_complete_int(tasks[1], 5);
	bide_value_task any = bide_when_any_tasks(tasks, 2);
	assert_true(bide_value_task_is_successful(any));
	assert_int_equal(any.payload.i, 1);
	bide_task_cancel(tasks[0]);
	drop_tasks(2);
}

TEST(WX_04_when_any_of_two_ready_items_returns_the_first)
{
	items[0] = bide_value_task_from_int(1);
	items[1] = bide_value_task_from_int(2);
	assert_int_equal(result_of(bide_when_any(items, 2)), 0);
	tasks[0] = tasks[1] = bide_task_from_int(100);
	assert_int_equal(result_of(bide_when_any_tasks(tasks, 2)), 0);
	drop_tasks(1);
}

TEST(WX_04_when_any_takes_the_same_pending_item_twice)
{
	make_pending(1);
	items[1] = items[0];
	bide_value_task any = bide_when_any(items, 2);
	finish(0, 3);
	assert_int_equal(result_of(any), 0);
	assert_int_equal(result_of(items[0]), 3);
	make_tasks(1);
	tasks[1] = tasks[0];
	any = bide_when_any_tasks(tasks, 2);
	bide_task_complete_int(tasks[0], 1);
	assert_int_equal(result_of(any), 0);
	drop_tasks(1);
}

TEST(when_any_leaves_the_losers_pending_and_owned_by_the_caller)
{
	bide_value_task any;
	make_pending(3);
	for (size_t round = 0; round < 3; round++) {
		any = bide_when_any(items + round, 3 - round);
		assert_pending(any);
		finish(round, (int64_t)round);
		assert_int_equal(result_of(any), 0);
		assert_int_equal(result_of(items[round]), round);
	}
}

/* A select loop consumes the winner and starts it again, and must lose nothing. */
struct select_loop {
	BIDE_ASYNC_FRAME;
	int64_t first, got, sum, rounds;
};

bide_async(select_loop)
{
	bide_async_begin;
	while (my->rounds < 3) {
		bide_await(my->first, bide_when_any(items, 3));
		bide_await(my->got, items[my->first]);
		items[my->first] = bide_async_start(sleeper);
		my->sum = my->sum * 10 + my->got;
		my->rounds++;
	}
	bide_async_return(my->sum);
bide_async_finally:
	bide_async_end;
}

TEST(when_any_in_a_select_loop_loses_nothing)
{
	bide_context *scope = bide_context_create(NULL);
	make_pending(3);
	bide_value_task loop = bide_in_context(scope, bide_async_start(select_loop));
	finish(1, 1); /* both complete before the loop runs again */
	finish(2, 2);
	settle(0);
	finish(0, 3);
	assert_int_equal(result_of(loop), 123);
	bide_context_cancel(scope, ECANCELED);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(error_of(items[i]), ECANCELED);
	bide_context_unref(scope);
}

TEST(when_any_obeys_the_ambient_cancellation_and_the_items_stay)
{
	bide_context *scope = bide_context_create(NULL);
	make_pending(2);
	bide_value_task any = bide_in_context(scope, bide_when_any(items, 2));
	assert_true(bide_context_cancel(scope, ECANCELED));
	assert_int_equal(error_of(any), ECANCELED);
	assert_int_equal(error_of(bide_in_context(scope, bide_when_any(items, 2))), ECANCELED);
	finish(0, 1);
	finish(1, 2);
	assert_int_equal(result_of(items[0]), 1);
	assert_int_equal(result_of(items[1]), 2);
	bide_context_unref(scope);
}

TEST(when_any_over_tasks_obeys_the_ambient_cancellation_and_forgets_them)
{
	bide_context *scope = bide_context_create(NULL);
	make_tasks(2);
	uint64_t before = stats().operation_count;
	bide_value_task any = bide_in_context(scope, bide_when_any_tasks(tasks, 2));
	assert_int_equal(stats().operation_count, before + 3);
	bide_context_cancel(scope, ETIMEDOUT);
	assert_int_equal(error_of(any), ETIMEDOUT);
	assert_int_equal(stats().operation_count, before);
	assert_int_equal(error_of(bide_in_context(scope, bide_when_any_tasks(tasks, 2))), ETIMEDOUT);
	assert_int_equal(stats().operation_count, before);
	bide_task_complete_int(tasks[0], 1);
	assert_int_equal(result_of(bide_in_context(scope, bide_when_any_tasks(tasks, 2))), 0);
	bide_task_complete_int(tasks[1], 1);
	drop_tasks(2);
	bide_context_unref(scope);
}

TEST(when_any_prefers_a_ready_item_to_a_cancellation)
{
	bide_context *scope = bide_context_create(NULL);
	bide_context_cancel(scope, ECANCELED);
	make_pending(1);
	items[1] = bide_value_task_completed();
	assert_int_equal(result_of(bide_in_context(scope, bide_when_any(items, 2))), 1);
	finish(0, 1);
	assert_int_equal(result_of(items[0]), 1);
	bide_context_unref(scope);
}

TEST(when_any_over_tasks_does_not_observe_the_errors_of_the_losers)
{
	make_tasks(2);
	bide_value_task any = bide_when_any_tasks(tasks, 2);
	bide_task_complete_int(tasks[0], 1);
	assert_int_equal(result_of(any), 0);
	bide_task_fail(tasks[1], EIO);
	drop_tasks(2);
	assert_int_equal(stats().unobserved_count, 1);
}

TEST(when_any_with_a_yield_lets_others_run_first)
{
	make_pending(1);
	items[1] = items[2] = bide_async_yield();
	assert_int_equal(result_of(bide_when_any(items, 3)), 1);
	bide_value_task any = bide_when_any(items, 3);
	finish(0, 5);
	int64_t first = result_of(any);
	/* The yield loses, unless a worker completed it meanwhile. */
	assert_true(first == 0 || (many_workers() && first == 1));
	assert_int_equal(result_of(items[0]), 5);
	while (settle(0) != BIDE_FOREVER)
		; /* the operation of the yield ends by itself */
	assert_none(operation_count);
}

TEST(when_any_can_be_forgotten)
{
	make_pending(2);
	bide_value_task_forget(bide_when_any(items, 2));
	assert_int_equal(stats().operation_count, 1);
	finish(0, 1);
	settle_workers();
	assert_none(operation_count);
	finish(1, 1);
	result_of(items[0]);
	result_of(items[1]);
}

TEST(when_any_with_an_awaited_item_is_misuse)
{
	expect_misuse();
	make_pending(2);
	bide_value_task frame = bide_async_start(add, .source = items[1]);
	bide_value_task any = bide_when_any(items, 2);
	assert_int_equal(error_of(any), BIDE_ESTALE);
	assert_int_equal(misuse_count, 1);
	finish(0, 1);
	finish(1, 2);
	assert_int_equal(result_of(items[0]), 1);
	assert_int_equal(result_of(frame), 2);
}

/* Yields once, then completes the task, which may be NULL. */
struct soon {
	BIDE_ASYNC_FRAME;
	struct {
		bide_task *task;
	} in;
};

bide_async(soon)
{
	bide_async_begin;
	bide_await(bide_async_yield());
	if (my->in.task)
		bide_task_complete_int(my->in.task, 1);
bide_async_finally:
	bide_async_end;
}

struct race_many {
	BIDE_ASYNC_FRAME;
	struct {
		bide_task *lasting;
		int64_t rounds;
	} in;
	bide_task *both[2];
	bide_value_task values[2];
	int64_t winner, round;
};

bide_async(race_many)
{
	bide_async_begin;
	my->both[0] = my->in.lasting;
	my->values[0] = bide_task_await(my->in.lasting);
	for (; my->round < my->in.rounds; my->round++) {
		my->both[1] = bide_task_create(0);
		bide_value_task_forget(bide_async_start(soon, .task = my->both[1]));
		bide_await(my->winner, bide_when_any_tasks(my->both, 2));
		bide_task_unref(my->both[1]);
		if (my->winner != 1)
			bide_async_fail(EIO);
		my->values[1] = bide_async_start(soon);
		bide_await(my->winner, bide_when_any(my->values, 2));
		if (my->winner != 1)
			bide_async_fail(EIO);
		bide_await(my->values[1]);
	}
	bide_await(my->values[0]); /* still owns this one */
bide_async_finally:
	bide_async_end;
}

TEST_SLOW(when_any_a_million_times_against_a_lasting_task_takes_constant_memory, 120)
{
	bide_stats before, after;
	int rounds = test_seeded() ? 10000 : (int)(1000000 / test_time_factor());
	make_tasks(1);
	bide_value_task warm = bide_async_start(race_many, .lasting = tasks[0], .rounds = 1000);
	settle(0);
	before = stats();
	bide_value_task many = bide_async_start(race_many, .lasting = tasks[0], .rounds = rounds);
	settle(0);
	after = stats();
	/* Each of many workers has some chunks for its pools, and no round uses all of them. */
	size_t room = many_workers() ? bide_worker_count() * (size_t)524288 : 65536;
	assert_true(after.live_bytes <= before.live_bytes + room);
	/* Only a frame and its subscription are left after a million rounds. */
	assert_int_equal(after.operation_count, before.operation_count + 1);
	assert_int_equal(after.frame_count, before.frame_count + 1);
	bide_task_complete_int(tasks[0], 1);
	assert_int_equal(error_of(warm), 0);
	assert_int_equal(error_of(many), 0);
	drop_tasks(1);
}

TEST(when_any_over_many_tasks)
{
	enum { COUNT = 10000 };
	bide_task **many = calloc(COUNT, sizeof(bide_task *));
	for (size_t i = 0; i < COUNT; i++)
		many[i] = bide_task_create(0);
	bide_value_task any = bide_when_any_tasks(many, COUNT);
	bide_task_complete_int(many[COUNT - 7], 1);
	assert_int_equal(result_of(any), COUNT - 7);
	settle_workers();
	assert_none(operation_count);
	for (size_t i = 0; i < COUNT; i++) {
		bide_task_try_cancel(many[i]);
		bide_task_unref(many[i]);
	}
	free(many);
}

/* --- no memory --- */

static int scenario_when_any(void)
{
	bide_value_task any = bide_when_any(items, 2);
	if (bide_value_task_is_ready(any))
		return error_of(any);
	finish(1, 2);
	assert_int_equal(result_of(any), 1);
	result_of(items[1]);
	finish(0, 2);
	result_of(items[0]);
	return 0;
}

static int scenario_when_any_with_yield(void)
{
	int error;
	items[2] = bide_async_yield();
	bide_value_task any = bide_when_any(items, 3);
	error = error_of(any);
	if (!error) {
		finish(0, 0);
		finish(1, 0);
		result_of(items[0]);
		result_of(items[1]);
	}
	return error;
}

TEST(when_any_without_memory_fails)
{
	fail_each_allocation(scenario_when_any);
}

TEST(when_any_without_memory_for_a_yield_fails)
{
	fail_each_allocation(scenario_when_any_with_yield);
}

TEST(when_any_over_tasks_without_memory_fails_and_forgets_them)
{
	limit_objects();
	for (long n = 0; n < 4; n++)
		assert_int_equal(with_memory_for(n, bide_when_any_tasks), ENOMEM);
	assert_int_equal(with_memory_for(4, bide_when_any_tasks), 0);
}

/* --- completions from other threads --- */

static void round_when_any(void)
{
	bool taken[3] = { false };
	items[2] = bide_task_await(tasks[0]);
	pthread_barrier_wait(&rendezvous);
	for (size_t n = 0; n < 3; n++) {
		bide_value_task left[3];
		size_t index[3], count = 0;
		for (size_t i = 0; i < 3; i++) {
			if (taken[i])
				continue;
			index[count] = i;
			left[count++] = items[i];
		}
		size_t winner = index[result_of(bide_when_any(left, count))];
		assert_int_equal(result_of(items[winner]), winner);
		taken[winner] = true;
	}
	pthread_barrier_wait(&rendezvous);
}

TEST_SLOW(when_any_takes_completions_from_other_threads, 60)
{
	with_three_threads(round_when_any);
}
