/*
 * Parameters and locals of an async function: which are zero, which are borrowed, and that
 * arguments are evaluated once.
 */
/* threads */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/later.h"
#include "support/library.h"
#include "support/limits_of_tools.h"

#include <bide/short.h>

struct parameters {
	ASYNC_FRAME;
	int before;
	struct {
		int a, b;
		const char *text;
		double real;
	} in;
	int after[20];
};

async(parameters)
{
	async_begin;
	if (my->before)
		async_fail(EDOM);
	for (int i = 0; i < 20; i++)
		if (my->after[i])
			async_fail(EDOM);
	/* The next frame uses this memory, and must zero it again. */
	memset(my->after, 0x77, sizeof my->after);
	my->before = 0x77;
	async_return(my->in.a * 1000 + my->in.b * 100 + (my->in.text != NULL) * 10 +
	             (my->in.real != 0));
async_finally:
	async_end;
}

TEST(parameters_that_are_not_named_and_locals_are_zero)
{
	for (int round = 0; round < 3; round++) {
		assert_int_equal(result_of(async_start(parameters)), 0);
		assert_int_equal(result_of(async_start(parameters, .b = 2)), 200);
		assert_int_equal(result_of(async_start(parameters, .a = 1, .real = 2, .text = "")), 1011);
		assert_int_equal(result_of(
							 async_start(parameters, .a = 5, .b = 6, .text = NULL, .real = 0)),
		                 5600);
	}
}

struct unzeroed {
	ASYNC_FRAME;
	struct {
		bool look;
	} in;
	int zeroed[4];
	unsigned char buffer[3000];
};

async(unzeroed, buffer)
{
	async_begin;
	for (int i = 0; i < 4; i++)
		if (my->zeroed[i])
			async_fail(EDOM);
	memset(my->zeroed, 0x55, sizeof my->zeroed);
	if (!my->in.look) {
		memset(my->buffer, 0x5C, sizeof my->buffer);
		async_return(0);
	}
	async_return(my->buffer[1500]);
async_finally:
	async_end;
}

TEST(members_from_the_marked_one_on_are_not_zeroed)
{
	assert_int_equal(result_of(async_start(unzeroed)), 0);
	if (UNDER_ASAN)
		SKIP("free memory is poisoned and reused last, so its bytes mean nothing");
	if (getenv("BIDE_DEBUG") || getenv("BIDE_POOL") || test_time_factor() > 5)
		SKIP("frames are not reused newest first here");
	assert_int_equal(result_of(async_start(unzeroed, .look = true)), 0x5C);
}

struct borrows {
	ASYNC_FRAME;
	struct {
		const char *text;
		int *counter;
	} in;
};

async(borrows)
{
	async_begin;
	await(async_yield());
	++*my->in.counter;
	async_return(my->in.text);
async_finally:
	async_end;
}

TEST(parameters_are_borrowed_not_copied)
{
	char text[] = "caller's";
	int counter = 0;
	value_task v = async_start(borrows, .text = text, .counter = &counter);
	bide_payload result;

	text[0] = 'C';
	if (!many_workers())
		assert_int_equal(counter, 0);
	assert_int_equal(bide_value_task_wait(v, &result), 0);
	assert_int_equal(counter, 1);
	assert_ptr_equal(result.p, text);
	assert_string_equal(result.p, "Caller's");
}

static int evaluations;

static int counted(int value)
{
	evaluations++;
	return value;
}

TEST(arguments_are_evaluated_once_and_starts_nest)
{
	value_task v = async_start(later, .yields = counted(1), .value = counted(7));

	assert_int_equal(evaluations, 2);
	assert_int_equal(result_of(async_start(passes_on, .what = v)), 7);
	assert_int_equal(result_of(async_start(
						 passes_on,
						 .what = async_start(passes_on, .what = async_start(later, .value = 8)))),
	                 8);
}
