/*
 * settle.h - lets everything that is runnable run, whatever the number of workers: bide_run_ready
 * with one; with many, waiting until all of them sleep.
 */
#ifndef BIDE_TEST_SETTLE_H
#define BIDE_TEST_SETTLE_H

#include <sched.h>
#include <stdlib.h>

#include <bide/bide.h>

#include "test.h"

BIDE_UNUSED static bool many_workers(void)
{
	return bide_worker_count() > 1;
}

/* Calls that must succeed; each returns what it stores. */
BIDE_UNUSED static int64_t run_what_is_ready(size_t max_count)
{
	int64_t next_ns = -1;

	assert_int_equal(bide_run_ready(max_count, &next_ns), 0);
	return next_ns;
}

BIDE_UNUSED static int64_t run_loop_once(bide_executor *loop, size_t max_count)
{
	int64_t next_ns = -1;

	assert_int_equal(bide_loop_run(loop, max_count, &next_ns), 0);
	return next_ns;
}

BIDE_UNUSED static int fd_of_loop(bide_executor *loop)
{
	int fd = -1;

	assert_int_equal(bide_loop_fd(loop, &fd), 0);
	return fd;
}

/* Lets the worker of a simulation take what was sent and is due, at this virtual time. */
BIDE_UNUSED static void look_around(void)
{
	bide_task *never = bide_task_create(0);

	if (!never)
		return;
	(void)bide_task_wait_for(never, NULL, 0);
	(void)bide_task_complete(never, (bide_payload){ .i = 0 });
	bide_task_unref(never);
}

BIDE_UNUSED static int64_t settle(size_t max_count)
{
	bide_stats s;
	int64_t next_ns;

	if (!many_workers()) {
		if (max_count == 0 && bide_simulation_hash() != 0) {
			/* The virtual clock goes on only if nothing is runnable at the call. */
			for (;;) {
				look_around();
				bide_stats_get(&s);
				if (s.runnable_count == 0)
					return s.timer_count ? 0 : BIDE_FOREVER;
				run_what_is_ready(0);
			}
		}
		do /* what has no limit returns after some thousand functions */
			next_ns = run_what_is_ready(max_count);
		while (next_ns == 0 && max_count == 0);
		sched_yield(); /* in a loop that waits for another thread, which may need this CPU */
		return next_ns;
	}
	for (;;) {
		bide_stats_get(&s);
		if (s.idle_worker_count == bide_worker_count() && s.runnable_count == 0)
			return s.timer_count ? 0 : BIDE_FOREVER;
		sched_yield();
	}
}

/*
 * Before counts are looked at. Whoever waits is told of an end before the worker that brings it is
 * through with it; with one worker nothing is run.
 */
BIDE_UNUSED static void settle_workers(void)
{
	if (many_workers())
		settle(0);
}

/*
 * ./dev stress seeds runs tests in simulations. For what holds in the order of a runtime without
 * a seed only, or by a real clock: ends the test under a seed.
 */
#define NOT_SEEDED(why)      \
	do {                     \
		if (test_seeded())   \
			SKIP("%s", why); \
	} while (0)

/* The runner counts the schedules that differ: it looks at the hash when a test is over. */
__attribute__((constructor)) static void settle_note_schedules(void)
{
	test_schedule = bide_simulation_hash;
}

BIDE_UNUSED static int settle_shutdown(uint64_t *leak_count)
{
	test_note_schedule();
	return bide_shutdown(leak_count);
}
#undef bide_shutdown /* the macro that notes the place of a call */
#define bide_shutdown settle_shutdown

/* A shutdown that must succeed. Returns the number of leaks. */
BIDE_UNUSED static int64_t shut_down(void)
{
	uint64_t leak_count = UINT64_MAX;

	assert_int_equal(bide_shutdown(&leak_count), 0);
	return (int64_t)leak_count;
}

/* As pthread_create of test.h, for threads of the library's own. */
BIDE_UNUSED static void needs_threads(void)
{
	if (getenv("BIDE_TEST_NO_THREADS"))
		SKIP("it needs threads that run at the same time");
}

/* For what is promised with one worker only: an order, or that nothing runs by itself. */
BIDE_UNUSED static void one_worker(void)
{
	NOT_SEEDED("it is about one worker without a seed");
	assert_int_equal(bide_configure(&(bide_config){ .workers = 1 }), 0);
}

#endif
