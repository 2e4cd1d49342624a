/*
 * The hooks of an operation: `leave` when it is forgotten while it is pending, `unwanted` when it
 * has succeeded and no consumer takes the result.
 *
 * The tests have an operation of their own. A result stands for something that is open: each test
 * counts what was opened, what was given back, and what a consumer has taken.
 */
/* threads */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "source/operation.h"
#include "support/later.h"
#include "support/library.h"
#include "support/small_stack.h"

typedef struct opening {
	bide_operation operation;
	uint32_t *place; /* where it waits: 1 while it does; the party that swaps 0 in ends it */
} opening;

static atomic_int left, closed;
static int64_t closed_last;

static void opening_leave(bide_operation *operation)
{
	atomic_fetch_add(&left, 1);
	if (__atomic_exchange_n(((opening *)(void *)operation)->place, 0, __ATOMIC_ACQ_REL))
		bide_operation_complete_(operation, (bide_payload){ .i = 0 }, ECANCELED);
}

static void opening_unwanted(bide_payload result)
{
	atomic_fetch_add(&closed, 1);
	closed_last = result.i;
}

static const bide_operation_type opening_type = { .name = "opening",
	                                              .leave = opening_leave,
	                                              .unwanted = opening_unwanted };
/* It goes on when it is forgotten. */
static const bide_operation_type staying_type = { .name = "staying", .unwanted = opening_unwanted };

static value_task begin(const bide_operation_type *type, uint32_t *place)
{
	bide_operation *operation = bide_operation_new_(sizeof(opening), type);
	value_task value;

	assert_non_null(operation);
	value = (value_task){ .payload.generation = operation->source.generation,
		                  .state = (uintptr_t)operation };
	((opening *)(void *)operation)->place = place;
	__atomic_store_n(place, 1, __ATOMIC_RELEASE);
	return value;
}

/* Returns true if it was waiting still. */
static bool succeed(value_task value, uint32_t *place, int64_t result)
{
	bool mine = __atomic_exchange_n(place, 0, __ATOMIC_ACQ_REL);

	if (mine)
		bide_operation_complete_((bide_operation *)value.state, (bide_payload){ .i = result }, 0);
	return mine;
}

static uint32_t place;

/* Sets the runtime up, and counts from zero. */
static void count_anew(void)
{
	settle_workers();
	left = closed = 0;
	closed_last = 0;
}

void test_after_each(void)
{
	assert_nothing_in_use();
}

TEST(an_operation_that_is_forgotten_while_it_is_pending_leaves)
{
	value_task value;

	count_anew();
	value = begin(&opening_type, &place);
	value_task_forget(value);
	assert_int_equal(left, 1);
	assert_int_equal(place, 0);
	assert_int_equal(closed, 0);
	assert_none(operation_count);
}

TEST(a_result_that_is_there_is_given_back_when_it_is_forgotten)
{
	value_task value;

	count_anew();
	value = begin(&opening_type, &place);
	assert_true(succeed(value, &place, 7));
	assert_int_equal(closed, 0);
	value_task_forget(value);
	assert_int_equal(left, 0);
	assert_int_equal(closed, 1);
	assert_int_equal(closed_last, 7);
}

TEST(a_failure_holds_nothing)
{
	value_task value;

	count_anew();
	value = begin(&opening_type, &place);
	place = 0;
	bide_operation_complete_((bide_operation *)value.state, (bide_payload){ .i = 3 }, EIO);
	value_task_forget(value);
	assert_int_equal(closed, 0);
}

TEST(a_result_that_comes_after_it_was_forgotten_is_given_back)
{
	value_task value;

	count_anew();
	value = begin(&staying_type, &place);
	value_task_forget(value);
	assert_int_equal(closed, 0);
	assert_true(succeed(value, &place, 8));
	assert_int_equal(closed, 1);
	assert_int_equal(closed_last, 8);
}

/* The event has it already when it is forgotten, so it cannot be taken out. */
TEST(an_operation_that_cannot_leave_any_more_is_given_back_when_it_is_over)
{
	value_task value;

	count_anew();
	value = begin(&opening_type, &place);
	place = 0;
	value_task_forget(value);
	assert_int_equal(left, 1);
	bide_operation_complete_((bide_operation *)value.state, (bide_payload){ .i = 9 }, 0);
	assert_int_equal(closed, 1);
	assert_int_equal(closed_last, 9);
}

TEST(a_result_that_somebody_takes_is_not_given_back)
{
	value_task value, by_function;
	bide_payload got = { .i = 0 };

	count_anew();
	value = begin(&opening_type, &place);
	by_function = async_start(passes_on, .what = value);
	assert_true(succeed(value, &place, 10));
	assert_int_equal(value_task_wait(by_function, &got), 0);
	assert_int_equal(got.i, 10);
	value = begin(&opening_type, &place);
	assert_true(succeed(value, &place, 11));
	assert_int_equal(value_task_take(value, &got), 0);
	assert_int_equal(got.i, 11);
	assert_int_equal(left, 0);
	assert_int_equal(closed, 0);
}

TEST(a_wait_that_gives_up_leaves_it_to_the_caller)
{
	value_task value;
	bide_payload got;

	count_anew();
	value = begin(&opening_type, &place);
	assert_int_equal(value_task_wait_for(value, &got, 1), ETIMEDOUT);
	assert_int_equal(left, 0);
	value_task_forget(value);
	assert_int_equal(left, 1);
	assert_int_equal(closed, 0);
}

TEST(an_operation_that_succeeds_within_the_call_has_a_value_task_of_its_own)
{
	value_task value;
	bide_payload got = { .i = 0 };

	count_anew();
	value = bide_operation_succeeded_(&opening_type, (bide_payload){ .i = 12 });
	assert_true(value_task_is_ready(value));
	assert_int_equal(value_task_take(value, &got), 0);
	assert_int_equal(got.i, 12);
	assert_int_equal(closed, 0);
	value_task_forget(bide_operation_succeeded_(&opening_type, (bide_payload){ .i = 13 }));
	assert_int_equal(closed, 1);
	assert_int_equal(closed_last, 13);
}

/* --- those that consume for others --- */

TEST(a_group_gives_the_results_of_its_members_back)
{
	uint32_t places[3];
	value_task values[3];
	bide_group group;

	count_anew();
	assert_int_equal(bide_group_init(&group, NULL), 0);
	for (int i = 0; i < 3; i++)
		values[i] = begin(&opening_type, &places[i]);
	assert_true(succeed(values[0], &places[0], 1)); /* before it is added */
	for (int i = 0; i < 3; i++)
		bide_group_add(&group, values[i]);
	assert_true(succeed(values[1], &places[1], 2));
	assert_int_equal(closed, 2);
	places[2] = 0;
	bide_operation_complete_((bide_operation *)values[2].state, (bide_payload){ .i = 0 }, EIO);
	assert_int_equal(value_task_wait(bide_group_wait(&group), NULL), EIO);
	assert_int_equal(closed, 2);
	assert_int_equal(left, 0);
}

/* --- tasks --- */

TEST(a_task_that_loses_its_last_reference_leaves)
{
	value_task value;
	task *t;

	count_anew();
	value = begin(&opening_type, &place);
	t = value_task_as_task(value);
	task_ref(t);
	task_unref(t);
	assert_int_equal(left, 0);
	task_unref(t);
	assert_int_equal(left, 1);
	assert_int_equal(place, 0);
	assert_int_equal(closed, 0);
}

TEST(a_task_that_is_awaited_stays_without_a_reference)
{
	value_task value, by_function;
	bide_payload got = { .i = 0 };

	count_anew();
	value = begin(&opening_type, &place);
	by_function = async_start(passes_on, .what = bide_task_await_take(value_task_as_task(value)));
	assert_int_equal(left, 0);
	assert_true(succeed(value, &place, 5));
	assert_int_equal(value_task_wait(by_function, &got), 0);
	assert_int_equal(got.i, 5);
	assert_int_equal(closed, 0);
}

TEST(the_result_of_a_task_that_nothing_has_taken_is_given_back)
{
	value_task value;
	task *t;

	count_anew();
	value = begin(&opening_type, &place);
	t = value_task_as_task(value);
	assert_true(succeed(value, &place, 6));
	assert_true(bide_task_is_successful(t)); /* which takes nothing */
	task_unref(t);
	assert_int_equal(closed, 1);
	assert_int_equal(closed_last, 6);
	value = begin(&opening_type, &place);
	t = value_task_as_task(value);
	assert_true(succeed(value, &place, 7));
	assert_int_equal(bide_task_result(t).i, 7);
	task_unref(t);
	assert_int_equal(closed, 1);
}

TEST(a_wait_with_a_limit_that_gives_up_lets_the_operation_leave)
{
	value_task value;

	count_anew();
	value = begin(&opening_type, &place);
	assert_int_equal(value_task_wait(bide_value_task_await_for(value, 1), NULL), ETIMEDOUT);
	assert_int_equal(left, 1);
	assert_int_equal(closed, 0);
}

TEST(a_wait_with_a_limit_that_is_forgotten_lets_the_operation_leave)
{
	value_task value;

	count_anew();
	value = begin(&opening_type, &place);
	value_task_forget(bide_value_task_await_for(value, 3600000000000));
	assert_int_equal(left, 1);
	assert_int_equal(closed, 0);
	assert_none(timer_count);
}

TEST(what_comes_to_a_wait_with_a_limit_is_given_back_when_that_is_forgotten)
{
	value_task value, wait;

	count_anew();
	value = begin(&opening_type, &place);
	wait = bide_value_task_await_for(value, 3600000000000);
	assert_true(succeed(value, &place, 14));
	assert_int_equal(closed, 0);
	value_task_forget(wait);
	assert_int_equal(closed, 1);
	assert_int_equal(closed_last, 14);
	assert_int_equal(left, 0);
}

/* A wait without a limit stays in the list of its task, and gets the result. */
TEST(what_comes_to_a_wait_that_was_forgotten_is_given_back)
{
	value_task value;

	count_anew();
	value = begin(&opening_type, &place);
	value_task_forget(bide_task_await_take(value_task_as_task(value)));
	assert_int_equal(left, 0);
	assert_true(succeed(value, &place, 15));
	assert_int_equal(closed, 1);
	assert_int_equal(closed_last, 15);
}

TEST(the_losers_of_tasks_are_taken_out_and_leave)
{
	value_task values[2];
	uint32_t places[2];
	task *tasks[2];

	count_anew();
	for (int i = 0; i < 2; i++) {
		values[i] = begin(&opening_type, &places[i]);
		tasks[i] = value_task_as_task(values[i]);
	}
	values[0] = bide_when_any_tasks(tasks, 2);
	task_unref(tasks[0]);
	assert_true(succeed((value_task){ .state = (uintptr_t)tasks[0] }, &places[0], 16));
	assert_int_equal(value_task_wait(values[0], NULL), 0);
	assert_int_equal(left, 0); /* the second one has a reference */
	task_unref(tasks[1]);
	assert_int_equal(left, 1);
	assert_int_equal(closed, 1); /* the first: its outcome was only noticed */
}

TEST(shutdown_gives_back_what_nobody_has_taken)
{
	value_task value, pending;
	uint32_t other;

	count_anew();
	value = begin(&opening_type, &place);
	pending = begin(&opening_type, &other);
	assert_true(succeed(value, &place, 20));
	(void)pending;
	assert_int_equal(bide_shutdown(NULL), 0);
	assert_int_equal(closed, 1);
	assert_int_equal(closed_last, 20);
	assert_int_equal(left, 0);
}

/* --- bounds and races --- */

enum { CHAIN = 100000 };

static value_task chain[CHAIN];
static uint32_t chain_places[CHAIN];

static void chain_unwanted(bide_payload result)
{
	int64_t next = result.i + 1;

	atomic_fetch_add(&closed, 1);
	if (next < CHAIN)
		succeed(chain[next], &chain_places[next], next);
}

static const bide_operation_type chain_type = { .name = "chain", .unwanted = chain_unwanted };

static void *complete_chain(void *argument)
{
	for (int i = 0; i < CHAIN; i++) {
		chain[i] = begin(&chain_type, &chain_places[i]);
		value_task_forget(chain[i]);
	}
	succeed(chain[0], &chain_places[0], 0);
	return argument;
}

TEST(results_that_are_given_back_by_one_another_need_a_bounded_stack)
{
	count_anew();
	on_small_stack(complete_chain, NULL);
	assert_int_equal(closed, CHAIN);
}

enum { TURNS = 20000 };

static value_task raced[TURNS];
static uint32_t raced_places[TURNS];
static atomic_int begun, succeeded;

static void *succeeds(void *argument)
{
	(void)argument;
	for (int i = 0; i < TURNS; i++) {
		while (atomic_load(&begun) <= i)
			;
		if (succeed(raced[i], &raced_places[i], i))
			atomic_fetch_add(&succeeded, 1);
	}
	return NULL;
}

/*
 * The values are made on a thread that is no worker, so that with one worker, too, another thread
 * may complete them.
 */
static void *forgets(void *argument)
{
	pthread_t other;

	(void)argument;
	assert_int_equal(pthread_create(&other, NULL, succeeds, NULL), 0);
	for (int i = 0; i < TURNS; i++) {
		raced[i] = begin(&opening_type, &raced_places[i]);
		atomic_store(&begun, i + 1);
		for (int spin = i % 64; spin > 0; spin--)
			__asm__ volatile("" ::: "memory");
		value_task_forget(raced[i]);
	}
	pthread_join(other, NULL);
	return NULL;
}

/* The last reference is dropped while the producer completes, and while a wait is given up. */
static void *drops(void *argument)
{
	pthread_t other;

	(void)argument;
	assert_int_equal(pthread_create(&other, NULL, succeeds, NULL), 0);
	for (int i = 0; i < TURNS; i++) {
		value_task wait = value_task_completed();
		task *t;

		raced[i] = begin(&opening_type, &raced_places[i]);
		t = value_task_as_task(raced[i]);
		if (i % 2)
			wait = bide_task_await_for(t, 3600000000000);
		atomic_store(&begun, i + 1);
		for (int spin = i % 64; spin > 0; spin--)
			__asm__ volatile("" ::: "memory");
		task_unref(t);
		value_task_forget(wait);
	}
	pthread_join(other, NULL);
	return NULL;
}

TEST(what_wins_against_the_last_unref_is_given_back_once)
{
	pthread_t thread;

	settle_workers();
	if (!many_workers())
		return; /* With one worker a wait of another thread is sent to it. */
	count_anew();
	begun = succeeded = 0;
	assert_int_equal(pthread_create(&thread, NULL, drops, NULL), 0);
	pthread_join(thread, NULL);
	assert_true(closed <= succeeded);
	assert_true(left <= TURNS && left + succeeded >= TURNS);
}

TEST(what_wins_against_forget_is_given_back_once)
{
	pthread_t thread;

	count_anew();
	begun = succeeded = 0;
	assert_int_equal(pthread_create(&thread, NULL, forgets, NULL), 0);
	pthread_join(thread, NULL);
	assert_int_equal(closed, succeeded);
	assert_true(left <= TURNS && left + succeeded >= TURNS);
}
