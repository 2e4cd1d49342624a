/*
 * lifecycle.c - the whole runtime is started and ended again and again: with different numbers of
 * workers, from other threads, busy or idle. Functions that are left pending are counted as leaks.
 */
#include "stress.h"

const char stress_name[] = "lifecycle";
const bool stress_sets_up = true;

struct brief {
	ASYNC_FRAME;
	struct {
		dice dice;
		atomic_uint *ended;
	} in;
};

async(brief)
{
	async_begin;
	await(pause_a_bit(&my->in.dice));
	await(pause_a_bit(&my->in.dice));
async_finally:
	atomic_fetch_add(my->in.ended, 1);
	async_end;
}

struct endless {
	ASYNC_FRAME;
};

async(endless)
{
	async_begin;
	await(bide_delay(BIDE_FOREVER));
async_finally:
	async_end;
}

static value_task nap(void *argument)
{
	usleep(100);
	return value_task_from((int64_t)(uintptr_t)argument);
}

static void external(void *argument, dice *d, unsigned index)
{
	atomic_uint *ended = argument;
	task *t = value_task_as_task(async_start(brief, .dice = fork_dice(d), .ended = ended));

	(void)index;
	CHECK_EQUAL(task_wait(t, NULL), 0);
	task_unref(t);
	if (chance(d, 30))
		CHECK_EQUAL(must(run_blocking(nap, (void *)7)), 7);
}

static void live_once(dice *d)
{
	bide_config config = { .workers = stress_workers(d), .debug = chance(d, 10) };
	atomic_uint ended = 0;
	unsigned started = below(d, 20), leaks = chance(d, 25) ? 1 + below(d, 5) : 0;
	unsigned externals = chance(d, 50) ? below(d, 4) : 0;
	uint64_t leak_count;
	bide_stats s;
	crowd c;

	CHECK_EQUAL(bide_configure(&config), 0);
	CHECK_EQUAL(bide_worker_count(), config.workers);
	crowd_start(&c, externals, external, &ended, d);
	for (unsigned i = 0; i < started; i++)
		value_task_forget(async_start(brief, .dice = fork_dice(d), .ended = &ended));
	crowd_join(&c);
	CHECK_EQUAL(bide_drain(BIDE_FOREVER), 0);
	CHECK_EQUAL(atomic_load(&ended), started + externals);
	stress_count(1 + started + externals);
	if (!leaks) {
		stress_end();
		return;
	}
	for (unsigned i = 0; i < leaks; i++)
		value_task_forget(async_start(endless));
	CHECK_EQUAL(bide_shutdown(&leak_count), 0);
	CHECK_EQUAL(leak_count, leaks);
	bide_stats_get(&s);
	CHECK_EQUAL(s.live_bytes, 0);
}

/* A life of the runtime on a thread of its own. */
static void live_elsewhere(void *argument, dice *d, unsigned index)
{
	(void)argument;
	(void)index;
	live_once(d);
}

void stress_round(dice *d, unsigned workers)
{
	crowd c;

	(void)workers;
	for (unsigned i = 1 + below(d, 5); i; i--) {
		if (chance(d, 70)) {
			live_once(d);
			continue;
		}
		crowd_start(&c, 1, live_elsewhere, NULL, d);
		CHECK_EQUAL(pthread_join(c.members[0].thread, NULL), 0);
	}
}
