/*
 * Parallel loops allocate nothing in the steady state, and survive running out of memory.
 */
/* threads */
#include <errno.h>
#include <stdlib.h>

#include "support/parallel_support.h"

static value_task one_yield(int64_t index, void *argument)
{
	(void)index, (void)argument;
	return bide_async_yield();
}

TEST(bodies_allocate_nothing)
{
	if (getenv("BIDE_POOL"))
		SKIP("without pools every object is an allocation");
	bide_parallel_options options = { .limit = 16 };
	uint64_t before;

	for (int i = 0; i < 2; i++) {
		int64_t next = 0;

		before = stats().allocation_count;
		assert_int_equal(error_of(for_each(0, 10000, no_index, NULL, &options)), 0);
		assert_int_equal(error_of(for_each(0, 10000, one_yield, NULL, &options)), 0);
		assert_int_equal(error_of(for_each_of(count_up, no_item, &next, &options)), 0);
		assert_int_equal(error_of(parallel_for(0, 10000, no_part, NULL, &options)), 0);
	}
	/* With several workers, the pools of each worker fill differently from round to round. */
	assert_true(stats().allocation_count - before <= 16);
}

TEST(with_one_worker_a_second_loop_allocates_nothing)
{
	if (getenv("BIDE_POOL"))
		SKIP("without pools every object is an allocation");
	bide_parallel_options options = { .limit = 16 };
	uint64_t before = 0;

	simulate(0);
	for (int i = 0; i < 2; i++) {
		int64_t next = 0;

		before = stats().allocation_count;
		assert_int_equal(error_of(for_each(0, 1000, one_yield, NULL, &options)), 0);
		assert_int_equal(error_of(for_each_of(count_up, no_item, &next, &options)), 0);
		assert_int_equal(error_of(parallel_for(0, 1000, no_part, NULL, &options)), 0);
	}
	assert_int_equal(stats().allocation_count, before);
}

static struct {
	uint64_t count, fail_at;
	bool all_from_there;
} heap;

static void *heap_allocate(size_t size_bytes, size_t alignment, void *argument)
{
	(void)argument;
	heap.count++;
	if (heap.fail_at &&
	    (heap.count == heap.fail_at || (heap.all_from_there && heap.count > heap.fail_at)))
		return NULL;
	return aligned_alloc(alignment, (size_bytes + alignment - 1) / alignment * alignment);
}

static void heap_release(void *memory, size_t size_bytes, void *argument)
{
	(void)size_bytes, (void)argument;
	free(memory);
}

/* The bodies need memory of their own and fail if there is none. */
static void run_without_memory(way how)
{
	int error;

	begin_plan(12);
	for (int i = 0; i < 12 && how != PARTS; i++)
		plan.actions[i].delay_ms = i % 4;
	error = error_of(run_loop(how, 4, false));
	assert_true(error == 0 || error == ENOMEM || error == BIDE_ENOFRAME);
	if (error == 0)
		assert_each_called_once();
	for (int64_t i = 0; i < plan.count; i++)
		assert_true(plan.called[i] <= 1);
}

TEST_SLOW(every_allocation_may_fail, 60)
{
	bide_allocator allocator = { heap_allocate, heap_release, NULL };
	int failures = 0, successes = 0;

	setenv("BIDE_POOL", "malloc", 1);
	assert_int_equal(bide_allocator_set(&allocator), 0);
	for (int how = 0; how < WAYS; how++)
		for (int all = 0; all < 2; all++) {
			uint64_t total = 0;

			for (uint64_t at = 0; at <= total; at++) {
				simulate(0);
				heap.count = 0;
				heap.fail_at = at;
				heap.all_from_there = all;
				run_without_memory((way)how);
				if (at == 0)
					total = heap.count;
				heap.fail_at = 0;
				failures += plan.total < plan.count;
				successes += at > 0 && plan.total == plan.count;
				assert_nothing_in_use();
			}
			assert_true(total >= (how == PARTS ? 3 : 10));
		}
	assert_true(failures > 10);
	assert_true(successes > 0); /* with fewer bodies at once */
}

TEST_SLOW(after_a_moment_without_memory_as_many_bodies_run_at_once_as_before, 60)
{
	bide_allocator allocator = { heap_allocate, heap_release, NULL };
	uint64_t total = 1;
	int fewer = 0;

	setenv("BIDE_POOL", "malloc", 1);
	assert_int_equal(bide_allocator_set(&allocator), 0);
	for (uint64_t at = 0; at <= total; at++) {
		value_task value;

		simulate(0);
		begin_plan(40);
		for (int i = 0; i < 40; i++)
			plan.actions[i].delay_ms = 10;
		heap.count = 0;
		heap.fail_at = at;
		value = run_loop(INDEXES, 4, false);
		if (at == 0)
			total = heap.count; /* allocations until the first bodies are pending */
		fewer += plan.running > 0 && plan.running < 4;
		if (error_of(value) == 0) {
			assert_each_called_once();
			assert_int_equal(plan.most, 4);
		}
		heap.fail_at = 0;
		assert_nothing_in_use();
	}
	assert_true(fewer > 0);
}
