/*
 * sync_support.h - shared by the tests of mutexes, semaphores and events: a function that holds one
 * of them for a while, and a log of the order in which functions got it.
 */
#ifndef SYNC_SUPPORT_H
#define SYNC_SUPPORT_H

#include <errno.h>
#include <stdatomic.h>

#include "library.h"
#include "limited_memory.h"

#include <bide/short.h>

void test_after_each(void)
{
	assert_nothing_in_use();
}

enum { LOG_MAX = 4096 };

static atomic_int log_count;
static int log_of[LOG_MAX];

/* Makes the runtime, so that later counts of memory are of what the test does. */
BIDE_UNUSED static void begin_test(void)
{
	(void)bide_now_ns();
	settle_workers();
	log_count = 0;
}

BIDE_UNUSED static void log_add(int id)
{
	int at = atomic_fetch_add(&log_count, 1);

	if (at < LOG_MAX)
		log_of[at] = id;
}

/* Holds a mutex or permits, yields a few times, and returns what the wait returned. */
struct holder {
	ASYNC_FRAME;
	struct {
		mutex *mutex;
		semaphore *semaphore;
		int64_t count;
		int id, yields;
	} in;
	hold hold;
	int64_t got;
	int i;
};

async(holder)
{
	async_begin;
	if (my->in.mutex)
		await(my->got, mutex_hold(my->in.mutex, &my->hold));
	else
		await(my->got, semaphore_hold(my->in.semaphore, my->in.count, &my->hold));
	log_add(my->in.id);
	for (my->i = 0; my->i < my->in.yields; my->i++)
		await(async_yield());
	async_return(my->got);
async_finally:
	hold_release(&my->hold);
	async_end;
}

BIDE_UNUSED static bide_context *cancelable(void)
{
	bide_context *context = bide_context_create(NULL);

	assert_non_null(context);
	return context;
}

#endif
