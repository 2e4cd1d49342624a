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

BIDE_UNUSED static int64_t settle(size_t max_count)
{
	bide_stats s;
	int64_t next_ns;

	if (!many_workers()) {
		next_ns = bide_run_ready(max_count);
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

BIDE_UNUSED static int64_t settle_shutdown(bool quiet)
{
	test_note_schedule();
	return bide_shutdown(quiet);
}
#undef bide_shutdown /* the macro that notes the place of a call */
#define bide_shutdown settle_shutdown

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
