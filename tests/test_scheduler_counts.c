/*
 * What bide_stats says of the scheduler: wakes, fences, thefts and system calls.
 */
/* threads */
#include "support/task_support.h"

static void use_workers(unsigned count)
{
	int error;

	needs_threads();
	error = bide_configure(&(bide_config){ .workers = count });
	if (error == EAGAIN)
		SKIP("cannot start %u threads here", count);
	assert_int_equal(error, 0);
}

static value_task one(void *unused)
{
	(void)unused;
	return value_task_from(1);
}

static atomic_bool child_ran;

struct child {
	ASYNC_FRAME;
};

async(child)
{
	async_begin;
	await(async_yield());
	atomic_store(&child_ran, true);
async_finally:
	async_end;
}

struct parent {
	ASYNC_FRAME;
};

/* Makes a function runnable on its worker, and keeps that worker until it has run. */
async(parent)
{
	async_begin;
	await(async_yield());
	value_task_forget(async_start(child));
	while (!atomic_load(&child_ran))
		;
async_finally:
	async_end;
}

static void parts_are_in_order(const bide_stats *s)
{
	assert_true(s->vain_wake_count <= s->wake_count);
	assert_true(s->lone_theft_count <= s->theft_count);
	assert_true(s->wake_count + s->fence_count <= s->scheduler_call_count);
}

TEST(with_one_worker_the_scheduler_does_nothing_dear)
{
	bide_stats s;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 1 }), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(wait_int(bide_run(one, NULL), NULL), 0);
	bide_stats_get(&s);
	assert_int_equal(s.wake_count + s.vain_wake_count + s.fence_count, 0);
	assert_int_equal(s.theft_count + s.lone_theft_count + s.scheduler_call_count, 0);
}

TEST_SLOW(a_sleeping_worker_that_gets_work_is_one_wake, 60)
{
	bide_stats before, after;

	use_workers(2);
	run_all();
	settle_workers();
	bide_stats_get(&before);
	assert_int_equal(wait_int(bide_run(one, NULL), NULL), 0);
	settle_workers();
	bide_stats_get(&after);
	parts_are_in_order(&after);
	assert_true(after.wake_count > before.wake_count);
	assert_true(after.scheduler_call_count >= before.scheduler_call_count + 2); /* wake, sleep */
}

TEST_SLOW(what_a_worker_takes_from_another_is_a_theft, 60)
{
	bide_stats before, after;

	use_workers(2);
	run_all();
	bide_stats_get(&before);
	assert_int_equal(wait_int(async_start(parent), NULL), 0);
	settle_workers();
	bide_stats_get(&after);
	parts_are_in_order(&after);
	assert_true(after.theft_count > before.theft_count);
	assert_true(after.lone_theft_count > before.lone_theft_count);
}
