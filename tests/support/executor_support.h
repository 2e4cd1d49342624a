/*
 * executor_support.h - shared by the tests of executors: data that a strand protects, in plain
 * memory so that a thread sanitizer sees unprotected accesses, and functions that check where they
 * run.
 */
#ifndef EXECUTOR_SUPPORT_H
#define EXECUTOR_SUPPORT_H

#include "task_support.h"

BIDE_UNUSED static bide_context *context_of(bide_context_options options)
{
	bide_context *context = bide_context_create(&options);

	assert_non_null(context);
	return context;
}

BIDE_UNUSED static bide_executor *strand(void)
{
	bide_executor *made = bide_strand_create();

	assert_non_null(made);
	return made;
}

BIDE_UNUSED static bide_executor *loop(void)
{
	bide_executor *made = bide_loop_create();

	assert_non_null(made);
	return made;
}

/* Data that the functions of one strand share without a lock. */
typedef struct room {
	bide_executor *strand;
	int inside, entered;
} room;

BIDE_UNUSED static void in_room(room *r)
{
	assert_ptr_equal(bide_executor_current(), r->strand);
	assert_int_equal(r->inside++, 0);
	r->entered++;
	for (volatile int i = 0; i < 20; i++)
		;
	assert_int_equal(r->inside--, 1);
}

struct noter {
	ASYNC_FRAME;
	struct {
		turn_log *log;
		int id;
	} in;
};

async(noter)
{
	async_begin;
	turn(my->in.log, my->in.id);
async_finally:
	async_end;
}

struct where {
	ASYNC_FRAME;
	struct {
		bide_executor *expected;
		int depth;
	} in;
	value_task three[3];
};

async(where)
{
	async_begin;
	assert_ptr_equal(bide_executor_current(), my->in.expected);
	await(delay(1000));
	assert_ptr_equal(bide_executor_current(), my->in.expected);
	if (my->in.depth > 0) {
		for (int i = 0; i < 3; i++)
			my->three[i] =
				async_start(where, .expected = my->in.expected, .depth = my->in.depth - 1);
		await(when_all(my->three, 3));
	}
	assert_ptr_equal(bide_executor_current(), my->in.expected);
async_finally:
	assert_ptr_equal(bide_executor_current(), my->in.expected);
	async_end;
}

/* A chain of functions; each awaits the one before it, which runs on the other side. */
struct link_in_chain {
	ASYNC_FRAME;
	struct {
		task *before;
		room *room;
	} in;
	int64_t value;
};

async(link_in_chain)
{
	async_begin;
	await(my->value, task_await(my->in.before));
	in_room(my->in.room);
	async_return(my->value + 1);
async_finally:
	async_end;
}

struct sleeper {
	ASYNC_FRAME;
	struct {
		room *room;
		atomic_int *cleaned;
	} in;
};

async(sleeper)
{
	async_begin;
	in_room(my->in.room);
	await(delay_ms(100000));
async_finally:
	in_room(my->in.room);
	await(bide_async_yield());
	in_room(my->in.room);
	atomic_fetch_add(my->in.cleaned, 1);
	async_end;
}

/* Notes its turn when it starts, and again after each yield. */
struct rounds {
	ASYNC_FRAME;
	struct {
		turn_log *log;
		int id, times;
	} in;
	int i;
};

async(rounds)
{
	async_begin;
	for (my->i = 0; my->i < my->in.times; my->i++) {
		turn(my->in.log, my->in.id);
		await(bide_async_yield());
	}
async_finally:
	async_end;
}

#endif
