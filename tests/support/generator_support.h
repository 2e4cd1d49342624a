/*
 * generator_support.h - generators and a consumer that several tests share.
 */
#ifndef GENERATOR_SUPPORT_H
#define GENERATOR_SUPPORT_H

#include <errno.h>

#include "support/library.h"
#include "support/limited_memory.h"

/* How many cleanups have run, and the error with which the last one began. */
static unsigned cleanup_count;
static int cleanup_error;

/* Emits 0 to count - 1. If it waits, each element comes after a yield. */
struct numbers {
	BIDE_ASYNC_GENERATOR;
	struct {
		int64_t count;
		int error; /* how it ends */
		bool waits, waits_in_cleanup;
	} in;
	int64_t i;
};

bide_async_generator(numbers)
{
	bide_async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++) {
		if (my->in.waits)
			bide_await(bide_async_yield());
		bide_async_emit(my->i);
	}
	if (my->in.error)
		bide_async_fail(my->in.error);
bide_async_finally:
	cleanup_error = bide_async_error;
	if (my->in.waits_in_cleanup)
		bide_await(bide_async_yield());
	cleanup_count++;
	bide_async_end;
}

/* Adds up what a generator emits, up to `stop`, which is left out. Frees the generator. */
struct sum {
	BIDE_ASYNC_FRAME;
	struct {
		bide_generator *all;
		int64_t stop;
	} in;
	int64_t x, sum;
};

bide_async(sum)
{
	bide_async_begin;
	bide_await_each(my->x, my->in.all) {
		if (my->x == my->in.stop)
			break;
		if (my->x % 2 == 1)
			continue;
		my->sum += my->x;
	}
	bide_async_return(my->sum);
bide_async_finally:
	bide_await(bide_generator_end(my->in.all));
	bide_async_end;
}

BIDE_UNUSED static bide_value_task sum_of(bide_generator *all, int64_t stop)
{
	return bide_async_start(sum, .all = all, .stop = stop);
}

/* --- a producer that waits for the test --- */

static bide_user_source gate;

struct gated {
	BIDE_ASYNC_GENERATOR;
	int64_t x;
};

bide_async_generator(gated)
{
	bide_async_begin;
	for (;;) {
		bide_user_source_init(&gate, NULL);
		bide_await(my->x, bide_user_source_value_task(&gate));
		bide_async_emit(my->x);
	}
bide_async_finally:
	cleanup_count++;
	cleanup_error = bide_async_error;
	bide_async_end;
}

BIDE_UNUSED static bide_context *limits(void)
{
	bide_context *context = bide_context_create(NULL);
	assert_non_null(context);
	return context;
}

#endif
