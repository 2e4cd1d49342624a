/*
 * Depth and breadth: a hundred thousand functions on a bounded stack, and many children.
 */
/* threads */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include "support/later.h"
#include "support/library.h"

#include <bide/short.h>

struct deep {
	ASYNC_FRAME;
	struct {
		int depth;
		int yields;
	} in;
	int64_t below;
};

async(deep)
{
	async_begin;
	if (my->in.depth > 0) {
		await(my->below, async_start(deep, .depth = my->in.depth - 1, .yields = my->in.yields));
		async_return(my->below + 1);
	}
	if (my->in.yields)
		await(later(my->in.yields, 0));
	async_return(0);
async_finally:
	async_end;
}

enum { DEPTH = 100000 };

/* Uses the 8 MiB of the main thread; the test with a small stack goes as deep by the same code. */
static void need_deep_stacks(void)
{
#if defined(__SANITIZE_THREAD__)
	SKIP("ThreadSanitizer follows 65,536 nested calls at most");
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
	SKIP("ThreadSanitizer follows 65,536 nested calls at most");
#endif
#endif
}

TEST_SLOW(hot_starts_100000_deep_need_bounded_stack, 60)
{
	need_deep_stacks();
	assert_int_equal(result_of(async_start(deep, .depth = DEPTH)), DEPTH);
	assert_none(frame_count);
}

TEST_SLOW(awaits_100000_deep_need_bounded_stack, 60)
{
	need_deep_stacks();
	assert_int_equal(result_of(async_start(deep, .depth = DEPTH, .yields = 1)), DEPTH);
	assert_none(frame_count);
}

struct tail {
	ASYNC_FRAME;
	struct {
		int depth;
	} in;
};

async(tail)
{
	async_begin;
	if (my->in.depth > 0)
		async_return(async_start(tail, .depth = my->in.depth - 1));
	await(async_yield());
	async_return(77);
async_finally:
	async_end;
}

TEST_SLOW(returned_value_tasks_100000_deep_need_bounded_stack, 60)
{
	need_deep_stacks();
	assert_int_equal(result_of(async_start(tail, .depth = DEPTH)), 77);
}

static void *first_thread(void *argument)
{
	if (many_workers())
		need_deep_stacks(); /* the functions nest on the workers' stacks */
	assert_int_equal(result_of(async_start(deep, .depth = DEPTH)), DEPTH);
	assert_int_equal(result_of(async_start(deep, .depth = DEPTH, .yields = 1)), DEPTH);
	assert_int_equal(result_of(async_start(tail, .depth = DEPTH)), 77);
	*(bool *)argument = true;
	assert_int_equal(shut_down(), 0);
	return NULL;
}

TEST_SLOW(a_thread_with_64_KiB_of_stack_may_be_the_worker, 120) /* or the minimum of the system */
{
	pthread_attr_t attributes;
	pthread_t thread;
	const size_t least = (size_t)PTHREAD_STACK_MIN; /* 128 KiB with glibc on AArch64 */
	bool done = false;

	pthread_attr_init(&attributes);
	assert_int_equal(pthread_attr_setstacksize(&attributes, least > 65536 ? least : 65536), 0);
	assert_int_equal(pthread_create(&thread, &attributes, first_thread, &done), 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
	assert_true(done);
}

struct fan {
	ASYNC_FRAME;
	struct {
		int count;
	} in;
	value_task *children;
	int i;
	int64_t one, sum;
};

async(fan)
{
	async_begin;
	my->children = malloc((size_t)my->in.count * sizeof *my->children);
	for (int i = 0; i < my->in.count; i++)
		my->children[i] = later(i % 5, i);
	for (my->i = 0; my->i < my->in.count; my->i++) {
		await(my->one, my->children[my->i]);
		my->sum += my->one;
	}
	async_return(my->sum);
async_finally:
	free(my->children);
	async_end;
}

TEST(a_fan_of_10000_children)
{
	assert_int_equal(result_of(async_start(fan, .count = 10000)), 10000 * 9999 / 2);
	assert_none(frame_count);
}
