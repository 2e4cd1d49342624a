/*
 * The places where an await may stand: loops, branches without braces, a switch with computed goto.
 */
/* threads */
#include <errno.h>

#include "support/later.h"
#include "support/library.h"

#include <bide/short.h>

struct loops {
	ASYNC_FRAME;
	struct {
		int yields;
	} in;
	int i, j;
	int64_t one, sum, errors;
};

async(loops)
{
	async_begin;
	/* A break or continue in the action applies to the user's loop. */
	for (my->i = 0; my->i < 10; my->i++) {
		await_or(my->one, my->i == 3 ? failing(my->in.yields, EIO) : later(my->in.yields, my->i),
		         continue);
		if (my->one == 8)
			break;
		my->sum += my->one; /* 0 1 2 4 5 6 7 */
	}
	if (my->sum != 25 || my->i != 8)
		async_fail(EDOM);
	while (true) {
		await_or(my->one,
		         my->errors++ < 4 ? later(my->in.yields, 100) : failing(my->in.yields, EIO), break);
		my->sum += my->one;
	}
	if (my->sum != 425)
		async_fail(EDOM);
	do {
		await_or(my->one, failing(my->in.yields, EPIPE), my->errors = await_error);
	} while (my->errors != EPIPE);
	for (my->i = 0; my->i < 5; my->i++)
		for (my->j = 0; my->j < 5; my->j++)
			if ((my->i + my->j) % 2)
				await(my->one, later(my->in.yields, 1));
			else
				my->sum++;
	for (my->i = 0; my->i < 3; my->i++) {
		for (my->j = 0; my->j < 3; my->j++) {
			await_or(my->one, failing(my->in.yields, EIO), goto next);
			my->sum += 1000;
		}
next:
		my->sum++;
	}
	my->errors = 0;
	for (my->i = 0; my->i < 6; my->i++) {
		await_or(my->i % 2 ? failing(my->in.yields, EIO) : later(my->in.yields, 1), continue);
		await_or(my->i == 4 ? failing(my->in.yields, EIO) : later(my->in.yields, 1), break);
		my->errors++;
	}
	if (my->i != 4 || my->errors != 2)
		async_fail(EDOM);
	async_return(my->sum); /* 425 + 13 + 3 */
async_finally:
	async_end;
}

TEST(awaits_in_loops_with_break_and_continue)
{
	for (int yields = 0; yields < 3; yields++)
		assert_int_equal(result_of(async_start(loops, .yields = yields)), 441);
}

struct conditional {
	ASYNC_FRAME;
	struct {
		int n;
	} in;
	int64_t a;
};

async(conditional)
{
	async_begin;
	if (my->in.n & 1)
		await(my->a, later(1, 1));
	else if (my->in.n & 2)
		await(my->a, later(1, 2));
	else
		my->a = 4;
	if (my->in.n & 4)
		await(later(1, 0));
	async_return(my->a);
async_finally:
	async_end;
}

TEST(awaits_without_braces_keep_their_else)
{
	assert_int_equal(result_of(async_start(conditional, .n = 0)), 4);
	assert_int_equal(result_of(async_start(conditional, .n = 1)), 1);
	assert_int_equal(result_of(async_start(conditional, .n = 2)), 2);
	assert_int_equal(result_of(async_start(conditional, .n = 6)), 2);
	assert_int_equal(result_of(async_start(conditional, .n = 4)), 4);
}

struct awaits_tasks {
	ASYNC_FRAME;
	struct {
		task *t;
	} in;
	int64_t a, b;
};

async(awaits_tasks)
{
	async_begin;
	await(my->in.t);
	await(my->a, my->in.t);
	await_or(my->b, my->in.t, async_fail(EDOM));
	async_return(my->a + my->b);
async_finally:
	async_end;
}

TEST(a_task_can_be_awaited_many_times)
{
	task *pending = task_create(0), *over = bide_task_from_int(50);
	value_task v = async_start(awaits_tasks, .t = pending);

	bide_task_complete_int(pending, 40);
	assert_int_equal(result_of(v), 80);
	assert_int_equal(result_of(async_start(awaits_tasks, .t = over)), 100);
	task_unref(pending);
	task_unref(over);
}

#ifdef BIDE_COMPUTED_GOTO
struct free_form {
	ASYNC_FRAME;
	struct {
		int way, yields;
	} in;
	int64_t a, b;
};

async(free_form)
{
	async_begin;
	switch (my->in.way) {
	case 0:
		await(my->a, later(my->in.yields, 10));
		break;
	case 1:
		await_or(my->a, failing(my->in.yields, EIO), break);
		my->a = 99;
		break;
	case 2:
		async_return(later(my->in.yields, 30));
	default:
		/* clang-format off */
		await(my->a, later(my->in.yields, 1)); await(my->b, later(1, 2)); await(async_yield());
		/* clang-format on */
		break;
	}
	async_return(my->a + my->b);
async_finally:
	switch (my->in.way) {
	case 0:
		await(async_yield());
		break;
	default:
		break;
	}
	async_end;
}

TEST(computed_goto_awaits_in_a_switch_and_several_on_a_line)
{
	for (int yields = 0; yields < 3; yields++) {
		assert_int_equal(result_of(async_start(free_form, .way = 0, .yields = yields)), 10);
		assert_int_equal(result_of(async_start(free_form, .way = 1, .yields = yields)), 0);
		assert_int_equal(result_of(async_start(free_form, .way = 2, .yields = yields)), 30);
		assert_int_equal(result_of(async_start(free_form, .way = 3, .yields = yields)), 3);
	}
}
#endif
