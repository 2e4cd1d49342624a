/* bide_async_in: parameters keep their own names across awaits and in the cleanup. */
#include <errno.h>
#include <string.h>

#include <bide/bide.h>
#include <bide/short.h>

#include "support/later.h"
#include "support/library.h"
#include "support/test.h"

struct store {
	int closed_count;
	int last_key;
};

struct load {
	ASYNC_FRAME;
	struct {
		struct store *store;
		int key;
		const char *name;
		double factor;
	} in;
	int i;
	double sum;
};

async(load)
{
	async_in(store, key, name, factor);
	for (my->i = 0; my->i < key; my->i++) {
		await(async_yield());
		my->sum += factor * (double)strlen(name);
	}
	if (key > 100)
		async_fail(ERANGE);
	async_return(my->sum);
async_finally:
	await(async_yield());
	store->closed_count++;
	store->last_key = key;
	async_end;
}

TEST(parameters_hold_across_awaits_and_in_the_cleanup)
{
	struct store store = { 0, 0 };
	bide_payload sum = { .i = 0 };

	assert_int_equal(value_task_wait(async_start(load, .store = &store, .key = 3, .name = "four",
	                                             .factor = 0.5),
	                                 &sum),
	                 0);
	assert_true(sum.d == 6.0);
	assert_int_equal(store.closed_count, 1);
	assert_int_equal(store.last_key, 3);
}

TEST(parameters_hold_in_the_cleanup_after_a_failure)
{
	struct store store = { 0, 0 };

	assert_int_equal(value_task_wait(async_start(load, .store = &store, .key = 101, .name = "a"),
	                                 NULL),
	                 ERANGE);
	assert_int_equal(store.closed_count, 1);
	assert_int_equal(store.last_key, 101);
}

/* The parameters are copied at each resume: a change of my->in shows from the next one on. */
struct changes {
	ASYNC_FRAME;
	struct {
		int key;
	} in;
	int before;
};

async(changes)
{
	async_in(key);
	my->in.key = 7;
	my->before = key;
	await(async_yield());
	async_return(my->before * 10 + key);
async_finally:
	async_end;
}

TEST(a_parameter_is_loaded_again_at_each_resume)
{
	bide_payload got = { .i = 0 };

	assert_int_equal(value_task_wait(async_start(changes, .key = 2), &got), 0);
	assert_int_equal(got.i, 27);
}

struct many {
	ASYNC_FRAME;
	struct {
		int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x;
	} in;
};

async(many)
{
	async_in(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x);
	await(async_yield());
	async_return(a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q + r + s + t + u +
	             v + w + 100 * x);
async_finally:
	async_end;
}

TEST(twenty_four_parameters)
{
	bide_payload got = { .i = 0 };

	assert_int_equal(value_task_wait(async_start(many, .a = 1, .b = 2, .w = 4, .x = 5), &got), 0);
	assert_int_equal(got.i, 507);
}
