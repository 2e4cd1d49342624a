/*
 * A function moves between executors and back. No test assumes which worker runs a function.
 */
/* threads */
#include "support/executor_support.h"

struct traveller {
	ASYNC_FRAME;
	struct {
		room *a, *b;
	} in;
	bide_context *scope;
	int i;
};

async(traveller)
{
	async_begin;
	assert_null(bide_executor_current());
	async_switch_to(my->in.a->strand);
	in_room(my->in.a);
	async_switch_to(my->in.b->strand);
	in_room(my->in.b);
	await(delay(1000));
	in_room(my->in.b);
	async_switch_back;
	in_room(my->in.a);
	async_switch_to(bide_executor_workers());
	assert_null(bide_executor_current());
	await(bide_async_yield());
	async_switch_back;
	in_room(my->in.a);
	async_switch_back;
	assert_null(bide_executor_current());
	my->scope = context_of((bide_context_options){ .executor = my->in.b->strand });
	async_switch(my->scope);
	in_room(my->in.b);
	async_switch(my->scope); /* yields to the others */
	in_room(my->in.b);
async_finally:
	in_room(my->in.b); /* still where it was */
	bide_context_unref(my->scope);
	async_end;
}

TEST(a_function_moves_to_strands_and_back)
{
	room a = { strand(), 0, 0 }, b = { strand(), 0, 0 };
	value_task all[20];

	for (int i = 0; i < 20; i++)
		all[i] = async_start(traveller, .a = &a, .b = &b);
	for (int i = 0; i < 20; i++)
		assert_int_equal(bide_value_task_wait(all[i], NULL), 0);
	assert_int_equal(a.entered, 60);
	assert_int_equal(b.entered, 100);
	bide_executor_unref(a.strand);
	bide_executor_unref(b.strand);
}

TEST(SC_09_a_chain_that_alternates_between_two_strands_ends)
{
	room sides[2] = { { strand(), 0, 0 }, { strand(), 0, 0 } };
	task *first = task_create(0), *chain[21] = { first };
	bide_payload result;

	for (int i = 0; i < 20; i++)
		chain[i + 1] = value_task_as_task(
			with_executor(sides[i % 2].strand,
		                  async_start(link_in_chain, .before = chain[i], .room = &sides[i % 2])));
	task_complete_int(first, 0);
	assert_int_equal(task_wait(chain[20], &result), 0);
	assert_int_equal(result.i, 20);
	assert_int_equal(sides[0].entered, 10);
	assert_int_equal(sides[1].entered, 10);
	for (int i = 0; i <= 20; i++)
		task_unref(chain[i]);
	bide_executor_unref(sides[0].strand);
	bide_executor_unref(sides[1].strand);
}

TEST(moving_cannot_be_canceled_and_keeps_the_scope)
{
	room a = { strand(), 0, 0 }, b = { strand(), 0, 0 };
	bide_context *scope = canceled_context();

	assert_int_equal(
		bide_value_task_wait(bide_in_context(scope,
	                                         with_executor(a.strand, async_start(noter, .id = 0))),
	                         NULL),
		0);
	/* The delay half way is canceled; its error leads to the cleanup over there. */
	{
		value_task v = bide_in_context(scope, async_start(traveller, .a = &a, .b = &b));
		assert_int_equal(bide_value_task_wait(v, NULL), ECANCELED);
	}
	assert_int_equal(a.entered, 1);
	assert_int_equal(b.entered, 2);
	bide_context_unref(scope);
	bide_executor_unref(a.strand);
	bide_executor_unref(b.strand);
}
