/*
 * race: the first item to end wins; the race cancels the others and waits for them.
 */
/* threads */
#include "support/combine_support.h"
#include "support/small_stack.h"

TEST(race_cancels_the_losers_and_waits_for_them)
{
	bide_context *scope = bide_context_create(NULL);
	make_pending(1);
	items[1] = bide_in_context(scope, bide_async_start(sleeper));
	items[2] = bide_in_context(scope, bide_async_start(sleeper));
	bide_value_task race = bide_race(scope, items, 3);
	assert_pending(race);
	finish(0, 9);
	assert_int_equal(result_of(race), 0);
	assert_item(0, 9);
	assert_item_failed(1, ECANCELED);
	assert_item_failed(2, ECANCELED);
	bide_context_unref(scope);
}

TEST(race_is_won_by_the_first_to_end_however_it_ended)
{
	bide_context *scope = bide_context_create(NULL);
	make_pending(1);
	items[1] = items[0];
	items[0] = bide_in_context(scope, bide_async_start(sleeper));
	bide_value_task race = bide_race(scope, items, 2);
	bide_context_unref(scope); /* the race holds a reference of its own */
	finish_failed(0, EIO);
	assert_int_equal(result_of(race), 1);
	assert_item_failed(0, ECANCELED);
	assert_item_failed(1, EIO);
}

TEST(race_with_a_ready_item_cancels_and_consumes_the_others)
{
	bide_context *scope = bide_context_create(NULL);
	items[0] = bide_in_context(scope, bide_delay(BIDE_FOREVER));
	items[1] = bide_value_task_from_int(7);
	items[2] = bide_in_context(scope, bide_async_start(sleeper));
	assert_int_equal(result_of(bide_race(scope, items, 3)), 1);
	assert_item_failed(0, ECANCELED);
	assert_item(1, 7);
	assert_item_failed(2, ECANCELED);
	assert_int_equal(bide_context_error(scope), ECANCELED);
	bide_context_unref(scope);
}

TEST(race_of_ready_items_is_won_by_the_first)
{
	make_pending(2);
	finish(0, 1);
	finish(1, 2);
	bide_value_task race = bide_race(NULL, items, 2);
	assert_true(bide_value_task_is_successful(race));
	assert_int_equal(race.payload.i, 0);
	assert_item(0, 1);
	assert_item(1, 2);
}

TEST(race_without_a_scope_waits)
{
	make_pending(2);
	bide_value_task race = bide_race(NULL, items, 2);
	finish(1, 2);
	assert_pending(race);
	finish(0, 1);
	assert_int_equal(result_of(race), 1);
}

TEST(race_does_not_end_before_an_item_that_ignores_the_cancellation)
{
	bide_context *scope = bide_context_create(NULL);
	make_pending(2);
	bide_value_task race = bide_race(scope, items, 2);
	finish(0, 1);
	assert_pending(race);
	assert_int_equal(bide_context_error(scope), ECANCELED);
	finish(1, 2);
	assert_int_equal(result_of(race), 0);
	bide_context_unref(scope);
}

TEST(race_of_no_items_is_misuse)
{
	EXPECT_ABORT(bide_value_task_forget(bide_race(NULL, items, 0)), "bide_race: count is 0");
	EXPECT_ABORT(bide_value_task_forget(bide_race(NULL, NULL, 1)), "bide_race: items is NULL");
	expect_misuse();
	assert_int_equal(bide_value_task_error(bide_race(NULL, items, 0)), EINVAL);
}

/* --- depth --- */

/* The item of each race is a wait in the scope that the race before it cancels. */
static void *chain_races(void *argument)
{
	enum { CHAIN = DEPTH };
	bide_context **scopes = calloc(CHAIN + 1, sizeof *scopes);
	struct levels *levels = calloc(1, sizeof *levels);
	bide_value_task *races = calloc(CHAIN, sizeof *races);
	(void)argument;
	for (size_t i = 0; i <= CHAIN; i++)
		scopes[i] = bide_context_create(&(bide_context_options){ .detached = true });
	for (size_t i = 0; i < CHAIN; i++) {
		levels->item[i] = bide_in_context(scopes[i], bide_delay(BIDE_FOREVER));
		races[i] = bide_race(scopes[i + 1], &levels->item[i], 1);
	}
	bide_context_cancel(scopes[0], ECANCELED);
	for (size_t i = 0; i < CHAIN; i++)
		assert_int_equal(result_of(races[i]), 0);
	for (size_t i = 0; i <= CHAIN; i++)
		bide_context_unref(scopes[i]);
	free(scopes);
	free(levels);
	free(races);
	assert_nothing_in_use();
	return NULL;
}

TEST_SLOW(cancellations_that_follow_from_cancellations_run_in_bounded_stack, 60)
{
	on_small_stack(chain_races, NULL);
	worker_has_ended = true;
}

/* --- no memory --- */

static int scenario_race(void)
{
	bide_value_task race = bide_race(NULL, items, 2);
	if (bide_value_task_is_ready(race)) {
		assert_pending(items[0]);
		return error_of(race);
	}
	finish(1, 2);
	finish(0, 2);
	assert_int_equal(result_of(race), 1);
	return 0;
}

TEST(race_without_memory_fails_and_consumes_nothing)
{
	fail_each_allocation(scenario_race);
}

/* --- completions from other threads --- */

static void round_race(void)
{
	items[2] = bide_task_await(tasks[0]);
	bide_value_task race = bide_race(NULL, items, 3);
	pthread_barrier_wait(&rendezvous);
	int64_t winner = result_of(race);
	assert_true(winner >= 0 && winner < 3);
	for (size_t i = 0; i < 3; i++)
		assert_item(i, (int64_t)i);
	pthread_barrier_wait(&rendezvous);
}

TEST_SLOW(race_takes_completions_from_other_threads, 60)
{
	with_three_threads(round_race);
}
