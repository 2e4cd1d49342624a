/*
 * combine_support.h - shared by the tests of the combinators: items that the test completes, and
 * the trials of each combinator, with allocations that fail and completions from other threads.
 * Each test must leave nothing in use: no frame, no operation, no task.
 */
#ifndef COMBINE_SUPPORT_H
#define COMBINE_SUPPORT_H

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"
#include "limited_memory.h"

enum { SOURCES_MAX = 8 };

static bide_user_source sources[SOURCES_MAX];
static bide_value_task items[SOURCES_MAX];
static bide_task *tasks[SOURCES_MAX];
static bool worker_has_ended;

void test_after_each(void)
{
	if (!worker_has_ended)
		assert_nothing_in_use();
}

/* Makes the first `count` items pending; the test completes them. */
BIDE_UNUSED static void make_pending(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bide_user_source_init(&sources[i], NULL);
		items[i] = bide_user_source_value_task(&sources[i]);
	}
}

BIDE_UNUSED static void make_tasks(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		tasks[i] = bide_task_create(0);
		assert_non_null(tasks[i]);
	}
}

BIDE_UNUSED static void drop_tasks(size_t count)
{
	for (size_t i = 0; i < count; i++)
		bide_task_unref(tasks[i]);
}

BIDE_UNUSED static void finish(size_t i, int64_t result)
{
	bide_user_source_complete(&sources[i], (bide_payload){ .i = result });
}

BIDE_UNUSED static void finish_failed(size_t i, int error)
{
	bide_user_source_fail(&sources[i], error);
}

BIDE_UNUSED static void assert_item(size_t i, int64_t result)
{
	assert_int_equal(items[i].state, 0);
	assert_int_equal(items[i].payload.i, result);
}

BIDE_UNUSED static void assert_item_failed(size_t i, int error)
{
	assert_int_equal(items[i].state, error);
}

BIDE_UNUSED static void assert_pending(bide_value_task value_task)
{
	assert_false(bide_value_task_is_ready(value_task));
}

/* Waits for a value task and adds to its result. */
struct add {
	BIDE_ASYNC_FRAME;
	struct {
		bide_value_task source;
		int64_t addend;
	} in;
	int64_t got;
};

bide_async(add)
{
	bide_async_begin;
	bide_await(my->got, my->in.source);
	bide_async_return(my->got + my->in.addend);
bide_async_finally:
	bide_async_end;
}

/* Waits for ever, or until its context is canceled. */
struct sleeper {
	BIDE_ASYNC_FRAME;
};

bide_async(sleeper)
{
	bide_async_begin;
	bide_await(bide_delay(BIDE_FOREVER));
bide_async_finally:
	bide_async_end;
}

/* --- depth --- */

/* A hundred thousand combinators, each over the one before it. */
enum { DEPTH = 100000 };

struct levels {
	bide_value_task item[DEPTH];
	bide_when_each each[DEPTH];
	bide_group group[DEPTH];
};

/* --- no memory --- */

/*
 * Makes one combinator over two pending items and returns its error. If it has memory, it also
 * completes the items.
 */
typedef int scenario(void);

/*
 * Runs the scenario with only the first n allocations succeeding, for n = 0, 1, 2... After an
 * error, the caller must still own the items.
 */
BIDE_UNUSED static void fail_each_allocation(scenario *run)
{
	int error = ENOMEM;
	limit_objects();
	for (long n = 0; error != 0; n++) {
		assert_true(n < 20);
		(void)bide_now_ns();
		make_pending(2);
		allowed_allocations = n;
		error = run();
		allowed_allocations = -1;
		if (error) {
			assert_int_equal(error, ENOMEM);
			finish(0, 5);
			finish(1, 6);
			assert_int_equal(result_of(items[0]), 5);
			assert_int_equal(result_of(items[1]), 6);
			settle_workers();
			assert_none(operation_count);
		} else {
			assert_true(n > 0);
		}
	}
}

/* Runs a combinator over tasks, in which each wait is an object of its own, with memory for n. */
BIDE_UNUSED static int with_memory_for(long n,
                                       bide_value_task (*combine)(bide_task *const *, size_t))
{
	int error = -1;
	make_tasks(3);
	allowed_allocations = n;
	bide_value_task value = combine(tasks, 3);
	allowed_allocations = -1;
	bide_task_complete_int(tasks[0], 0);
	if (combine == bide_when_any_tasks)
		error = error_of(value);
	bide_task_complete_int(tasks[1], 1);
	bide_task_complete_int(tasks[2], 2);
	if (combine == bide_when_all_tasks)
		error = error_of(value);
	settle_workers();
	assert_none(operation_count);
	drop_tasks(3);
	return error;
}

/* --- completions from other threads --- */

enum { ROUNDS = 2000 };

static pthread_barrier_t rendezvous;
static bool is_last_round;

/* Completes its source in each round, at about the same time as the others. */
static void *complete_rounds(void *argument)
{
	size_t i = (size_t)(uintptr_t)argument;
	for (;;) {
		pthread_barrier_wait(&rendezvous);
		if (is_last_round)
			return NULL;
		for (size_t spin = (size_t)rand() % 64; spin > 0; spin--)
			__asm__ __volatile__("" ::: "memory");
		if (i < 2)
			finish(i, (int64_t)i);
		else
			bide_task_complete_int(tasks[i - 2], (int64_t)i);
		pthread_barrier_wait(&rendezvous);
	}
}

BIDE_UNUSED static void with_three_threads(void (*round)(void))
{
	pthread_t threads[3];
	pthread_barrier_init(&rendezvous, NULL, 4);
	(void)bide_now_ns(); /* makes this thread the worker */
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, complete_rounds, (void *)(uintptr_t)i),
		                 0);
	for (size_t n = 0; n < ROUNDS; n++) {
		make_pending(2);
		make_tasks(1);
		round();
		drop_tasks(1);
	}
	is_last_round = true;
	pthread_barrier_wait(&rendezvous);
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&rendezvous);
	settle(0);
}

#endif
