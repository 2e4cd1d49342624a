/*
 * Allocations of async functions: the steady state needs none, and a start reports one that fails.
 */
/* threads */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/later.h"
#include "support/library.h"
#include "support/limited_memory.h"

#include <bide/short.h>

static void assert_steady(void (*use)(void))
{
	uint64_t before;

	if (getenv("BIDE_POOL"))
		SKIP("without pools every frame is an allocation");
	for (int i = 0; i < 100; i++)
		use();
	before = stats().allocation_count;
	assert_true(before > 0);
	for (int i = 0; i < 3000; i++)
		use();
	/* With several workers the lists of each thread fill up to a limit, in chunks that double. */
	if (many_workers())
		assert_true(stats().allocation_count <= before + 24);
	else
		assert_int_equal(stats().allocation_count, before);
	settle(0); /* a worker may still be releasing the last objects */
	assert_none(frame_count);
	assert_none(operation_count);
}

static void use_ready(void)
{
	assert_int_equal(result_of(async_start(passes_on, .what = later(0, 5))), 5);
}

static void use_suspended(void)
{
	assert_int_equal(result_of(async_start(passes_on, .what = later(1, 5))), 5);
}

static void use_yields(void)
{
	assert_int_equal(result_of(later(20, 5)), 5);
}

static void use_delays(void)
{
	assert_int_equal(error_of(delay_ms(3)), 0);
	assert_int_equal(error_of(async_start(passes_on, .what = delay_ms(2))), 0);
}

static void use_as_task(void)
{
	task *t = value_task_as_task(later(2, 50));

	assert_int_equal(result_of(task_await(t)), 50);
	task_unref(t);
}

static void use_many(void)
{
	value_task v[30];

	for (int i = 0; i < 30; i++)
		v[i] = later(i % 4, i);
	for (int i = 0; i < 30; i++)
		assert_int_equal(result_of(v[i]), i);
}

TEST(steady_state_ready_allocates_nothing)
{
	assert_steady(use_ready);
}

TEST(steady_state_suspended_allocates_nothing)
{
	assert_steady(use_suspended);
}

TEST(steady_state_yields_allocate_nothing)
{
	assert_steady(use_yields);
}

TEST(steady_state_delays_allocate_nothing)
{
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	assert_steady(use_delays);
}

TEST(steady_state_as_task_of_pending_functions_allocates_nothing)
{
	assert_steady(use_as_task);
}

TEST(steady_state_of_many_at_once_allocates_nothing)
{
	assert_steady(use_many);
}

/* A frame of this size comes from a pool. */
struct from_pool {
	ASYNC_FRAME;
	unsigned char bytes[3000];
};

async(from_pool)
{
	async_begin;
async_finally:
	async_end;
}

/* A frame of this size is an allocation of its own. */
struct beyond_pools {
	ASYNC_FRAME;
	unsigned char bytes[100000];
};

async(beyond_pools)
{
	async_begin;
async_finally:
	async_end;
}

TEST(without_memory_a_start_fails_with_BIDE_ENOFRAME)
{
	limit_memory();
	assert_int_equal(result_of(later(0, 1)), 1); /* starts the runtime */
	allowed_allocations = 0;
	assert_int_equal(error_of(async_start(from_pool)), BIDE_ENOFRAME);
	assert_int_equal(error_of(async_start(beyond_pools)), BIDE_ENOFRAME);
	assert_true(stats().failed_count >= 2);
	allowed_allocations = -1;
	assert_int_equal(error_of(async_start(from_pool)), 0);
	assert_int_equal(error_of(async_start(beyond_pools)), 0);
	assert_int_equal(shut_down(), 0);
	assert_int_equal(stats().live_bytes, 0);
}

/* BIDE_ENOFRAME says that nothing ran, which is not true of a function that ran and then met it. */
struct meets_no_frame {
	ASYNC_FRAME;
	struct {
		int way;
	} in;
	int error;
};

async(meets_no_frame)
{
	async_begin;
	if (my->in.way == 0)
		await(value_task_from_error(BIDE_ENOFRAME));
	if (my->in.way == 1)
		async_return(value_task_from_error(BIDE_ENOFRAME));
	if (my->in.way == 2)
		async_return(failing(1, BIDE_ENOFRAME));
	await_or(value_task_from_error(BIDE_ENOFRAME), my->error = await_error);
	if (my->error != BIDE_ENOFRAME)
		async_fail(EDOM);
async_finally:
	if (my->in.way == 3)
		await(value_task_from_error(BIDE_ENOFRAME));
	async_end;
}

TEST(the_missing_frame_of_a_called_function_is_ENOMEM)
{
	for (int way = 0; way < 4; way++)
		assert_int_equal(error_of(async_start(meets_no_frame, .way = way)), ENOMEM);
	assert_int_equal(error_of(async_start(meets_no_frame, .way = 4)), 0);
}

static const char *left_in_the_frame;

struct leaves_a_pointer {
	ASYNC_FRAME;
	char text[40];
};

async(leaves_a_pointer)
{
	async_begin;
	await(async_yield());
	strcpy(my->text, "of a frame");
	left_in_the_frame = my->text;
async_finally:
	async_end;
}

__attribute__((no_sanitize_address, no_sanitize_thread)) static unsigned char byte_at(
	const char *at)
{
	return *(volatile const unsigned char *)(const volatile void *)at;
}

TEST(a_finished_frame_is_filled_in_debug_mode)
{
	if (getenv("BIDE_TEST_NO_THREADS"))
		SKIP("valgrind reports every access to a finished frame");
	if (getenv("BIDE_POOL"))
		SKIP("without the pools a finished frame belongs to the allocator");
	assert_int_equal(bide_configure(&(bide_config){ .debug = true }), 0);
	assert_int_equal(bide_value_task_wait(async_start(leaves_a_pointer), NULL), 0);
	assert_int_equal(byte_at(left_in_the_frame), 0xA5);
	assert_int_equal(byte_at(left_in_the_frame + 5), 0xA5);
}
