/*
 * settle.h - runs everything that is runnable, whatever the number of workers. With one worker it
 * calls bide_run_ready; with many it waits until all of them sleep.
 */
#ifndef BIDE_TEST_SETTLE_H
#define BIDE_TEST_SETTLE_H

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <bide/bide.h>

#include "test.h"

BIDE_UNUSED static bool many_workers(void)
{
	return bide_worker_count() > 1;
}

/* These calls must succeed. Each returns the value that the function stores. */
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

/* Lets the worker of a simulation take what was sent and what is due, at this virtual time. */
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
			/* The virtual clock advances only if nothing is runnable at the call. */
			for (;;) {
				look_around();
				bide_stats_get(&s);
				if (s.runnable_count == 0)
					return s.timer_count ? 0 : BIDE_FOREVER;
				run_what_is_ready(0);
			}
		}
		do /* one call without a limit returns after some thousand functions */
			next_ns = run_what_is_ready(max_count);
		while (next_ns == 0 && max_count == 0);
		sched_yield(); /* the caller may loop until another thread that needs this CPU acts */
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
 * Call it before counts are checked: a waiter learns of an end before the worker that delivers it
 * is through with it. With one worker it runs nothing.
 */
BIDE_UNUSED static void settle_workers(void)
{
	if (many_workers())
		settle(0);
}

/*
 * Asserts that a count of bide_stats is 0, or becomes 0 within some seconds if there are many
 * workers: a waiter learns of an end before the worker that delivers it is through with it.
 */
#define assert_none(member)                                             \
	do {                                                                \
		bide_stats now_;                                                \
		for (int tries_ = 0;; tries_++) {                               \
			bide_stats_get(&now_);                                      \
			if (now_.member == 0 || !many_workers() || tries_ == 25000) \
				break;                                                  \
			usleep(200);                                                \
		}                                                               \
		assert_int_equal(now_.member, 0);                               \
	} while (0)

/*
 * `./dev stress seeds` runs tests in simulations. Under a seed, this ends a test of something that
 * holds only in the order of a runtime without a seed, or only with a real clock.
 */
#define NOT_SEEDED(why)      \
	do {                     \
		if (test_seeded())   \
			SKIP("%s", why); \
	} while (0)

/* The runner counts distinct schedules: it reads the hash at the end of a test. */
__attribute__((constructor)) static void settle_note_schedules(void)
{
	test_schedule = bide_simulation_hash;
}

BIDE_UNUSED static int settle_shutdown(uint64_t *leak_count)
{
	test_note_schedule();
	return bide_shutdown(leak_count);
}
#undef bide_shutdown /* the macro that notes the place of the call */
#define bide_shutdown settle_shutdown

/* Shuts down, which must succeed. Returns the number of leaks. */
BIDE_UNUSED static int64_t shut_down(void)
{
	uint64_t leak_count = UINT64_MAX;

	assert_int_equal(bide_shutdown(&leak_count), 0);
	return (int64_t)leak_count;
}

/*
 * Skips the test where pthread_create of test.h would; for tests in which the library starts
 * threads.
 */
BIDE_UNUSED static void needs_threads(void)
{
	if (getenv("BIDE_TEST_NO_THREADS"))
		SKIP("it needs threads that run at the same time");
}

/* A test that chooses the number of workers itself is skipped where there are no such threads. */
BIDE_UNUSED static void use_workers(unsigned count)
{
	int error;

	needs_threads();
	error = bide_configure(&(bide_config){ .workers = count });
	if (error == EAGAIN)
		SKIP("cannot start %u threads here", count);
	assert_int_equal(error, 0);
	assert_int_equal(bide_worker_count(), count);
}

/* For promises that hold with one worker only: an order, or that nothing runs by itself. */
BIDE_UNUSED static void one_worker(void)
{
	NOT_SEEDED("it is about one worker without a seed");
	assert_int_equal(bide_configure(&(bide_config){ .workers = 1 }), 0);
}

#endif
