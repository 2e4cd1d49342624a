/*
 * later.h - the async functions that tests need most. `later` yields `yields` times, then waits for
 * the task `gate` if there is one, and then returns a value or fails. `passes_on` awaits a value
 * task and returns its result.
 */
#ifndef BIDE_TEST_LATER_H
#define BIDE_TEST_LATER_H

#include <bide/bide.h>
#include <bide/short.h>

struct later {
	ASYNC_FRAME;
	struct {
		int yields;
		int64_t value;
		int error;
		task *gate;
	} in;
	int i;
};

async(later)
{
	async_begin;
	for (my->i = 0; my->i < my->in.yields; my->i++)
		await(async_yield());
	if (my->in.gate)
		await(my->in.gate);
	if (my->in.error)
		async_fail(my->in.error);
	async_return(my->in.value);
async_finally:
	async_end;
}

BIDE_UNUSED static value_task later(int yields, int64_t value)
{
	return async_start(later, .yields = yields, .value = value);
}

BIDE_UNUSED static value_task failing(int yields, int error)
{
	return async_start(later, .yields = yields, .error = error);
}

struct passes_on {
	ASYNC_FRAME;
	struct {
		value_task what;
	} in;
	int64_t got;
};

async(passes_on)
{
	async_begin;
	await(my->got, my->in.what);
	async_return(my->got);
async_finally:
	async_end;
}

#endif
