/*
 * parallel_support.h - shared by the tests of parallel loops: a plan, which says what the source
 * and the body of each index do, and records of the calls. Each test must leave nothing in use.
 *
 * The tests hold with any number of workers. Those that check more, such as the order of starts,
 * set up a simulation, which has one worker.
 */
#ifndef PARALLEL_SUPPORT_H
#define PARALLEL_SUPPORT_H

#include <stdatomic.h>
#include <string.h>

#include "library.h"

#include <bide/short.h>

enum { INDEXES_MAX = 200, FOR_EVER = -1 };

static const int64_t ms = 1000000;

/*
 * The body of an index yields, then waits for a time or for ever, then fails if there is an error.
 */
typedef struct action {
	int yields;
	int delay_ms;
	int error;
} action;

static struct {
	int64_t count; /* number of items */
	action actions[INDEXES_MAX];
	atomic_int called[INDEXES_MAX], ended[INDEXES_MAX], errors[INDEXES_MAX];
	atomic_int running, most, total;
	/* The state of the source. */
	atomic_int asking;
	int64_t next;
	int asked;
	int ending_ms; /* time that each body takes to end, whatever its outcome */
	action source; /* each call of the source does this; `error` replaces item `source_fails_at` */
	int64_t source_fails_at;
} plan;

void test_after_each(void)
{
	assert_nothing_in_use();
}

BIDE_UNUSED static void begin_plan(int64_t count)
{
	memset(&plan, 0, sizeof plan);
	plan.count = count;
	plan.source_fails_at = -1;
}

BIDE_UNUSED static void simulate(uint64_t seed)
{
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true, .seed = seed }), 0);
}

/* --- bodies that follow the plan --- */

BIDE_UNUSED static void enter(int64_t index)
{
	int now = atomic_fetch_add(&plan.running, 1) + 1, most = atomic_load(&plan.most);

	while (now > most && !atomic_compare_exchange_weak(&plan.most, &most, now))
		;
	atomic_fetch_add(&plan.called[index], 1);
	atomic_fetch_add(&plan.total, 1);
}

BIDE_UNUSED static void leave(int64_t index, int error)
{
	atomic_store(&plan.errors[index], error);
	atomic_fetch_add(&plan.ended[index], 1);
	atomic_fetch_sub(&plan.running, 1);
}

struct act {
	ASYNC_FRAME;
	struct {
		int64_t index;
	} in;
	int yields;
};

async(act)
{
	async_begin;
	for (; my->yields < plan.actions[my->in.index].yields; my->yields++)
		await(bide_async_yield());
	if (plan.actions[my->in.index].delay_ms == FOR_EVER)
		await(delay(BIDE_FOREVER));
	else if (plan.actions[my->in.index].delay_ms)
		await(delay_ms(plan.actions[my->in.index].delay_ms));
	if (plan.actions[my->in.index].error)
		async_fail(plan.actions[my->in.index].error);
async_finally:
	await(bide_async_yield()); /* the loop has to wait for the end */
	if (plan.ending_ms)
		await(delay_ms(plan.ending_ms));
	leave(my->in.index, async_error);
	async_end;
}

BIDE_UNUSED static value_task body_of(int64_t index, void *argument)
{
	const action *a = &plan.actions[index];

	(void)argument;
	enter(index);
	if (a->yields || a->delay_ms)
		return async_start(act, .index = index);
	leave(index, a->error);
	return a->error ? value_task_from_error(a->error) : value_task_from(index);
}

BIDE_UNUSED static value_task body_of_item(bide_payload item, void *argument)
{
	return body_of(item.i, argument);
}

BIDE_UNUSED static int body_of_part(int64_t begin, int64_t end, void *argument)
{
	assert_true(begin < end);
	for (int64_t i = begin; i < end; i++) {
		value_task done = body_of(i, argument); /* parts have no yields or delays */
		if (value_task_error(done))
			return value_task_error(done);
	}
	return 0;
}

struct ask {
	ASYNC_FRAME;
	int yields;
};

async(ask)
{
	async_begin;
	for (; my->yields < plan.source.yields; my->yields++)
		await(bide_async_yield());
	if (plan.source.delay_ms == FOR_EVER)
		await(delay(BIDE_FOREVER));
	else if (plan.source.delay_ms)
		await(delay_ms(plan.source.delay_ms));
	if (plan.next == plan.source_fails_at)
		async_fail(plan.source.error);
	if (plan.next >= plan.count)
		async_fail(BIDE_EEND);
	async_return(plan.next++);
async_finally:
	atomic_fetch_sub(&plan.asking, 1);
	async_end;
}

/* Checks that only one caller asks at a time, and none after the end. */
BIDE_UNUSED static value_task source_of(void *argument)
{
	(void)argument;
	assert_int_equal(atomic_fetch_add(&plan.asking, 1), 0);
	assert_true(plan.asked++ <= plan.count);
	return async_start(ask);
}

typedef enum way { PARTS, INDEXES, ITEMS, WAYS } way;

BIDE_UNUSED static value_task run_loop(way how, size_t limit, bool keep_going)
{
	bide_parallel_options options = { .limit = limit, .grain = 1, .keep_going = keep_going };

	switch (how) {
	case PARTS:
		return parallel_for(0, plan.count, body_of_part, &plan, &options);
	case INDEXES:
		return for_each(0, plan.count, body_of, &plan, &options);
	default:
		return for_each_of(source_of, body_of_item, &plan, &options);
	}
}

BIDE_UNUSED static void assert_each_called_once(void)
{
	for (int64_t i = 0; i < plan.count; i++) {
		assert_int_equal(plan.called[i], 1);
		assert_int_equal(plan.ended[i], 1);
	}
	assert_int_equal(plan.total, plan.count);
	assert_int_equal(plan.running, 0);
}

/* Asserts that every body that was called has ended, and that none was called twice. */
BIDE_UNUSED static void assert_nothing_left_behind(void)
{
	for (int64_t i = 0; i < plan.count; i++) {
		assert_true(plan.called[i] <= 1);
		assert_int_equal(plan.ended[i], plan.called[i]);
	}
	assert_int_equal(plan.running, 0);
	assert_int_equal(plan.asking, 0);
}

/* --- bodies and a source without a plan --- */

BIDE_UNUSED static int no_part(int64_t begin, int64_t end, void *argument)
{
	(void)begin, (void)end, (void)argument;
	return 0;
}

BIDE_UNUSED static value_task no_index(int64_t index, void *argument)
{
	(void)index, (void)argument;
	return value_task_completed();
}

BIDE_UNUSED static value_task no_item(bide_payload item, void *argument)
{
	(void)item, (void)argument;
	return value_task_completed();
}

BIDE_UNUSED static value_task count_up(void *argument)
{
	int64_t *next = argument;

	return *next < 1000 ? value_task_from((*next)++) : value_task_from_error(BIDE_EEND);
}

#endif
