/*
 * parallel.c - parallel_for, for_each and for_each_of with ranges, limits and grains of all sizes,
 * failures and cancellation. Each index is handed out once; without a failure, all are.
 */
#include "stress.h"

enum { RANGE_MAX = 3000 };

typedef struct job {
	dice dice;
	int64_t count, fails_at; /* -1: no failure */
	atomic_llong sum, given;
	atomic_int running, most;
	int64_t next; /* changed by one function at a time */
	atomic_bool asking;
	atomic_uchar seen[RANGE_MAX];
} job;

static void give(job *j, int64_t index)
{
	CHECK(index >= 0 && index < j->count);
	CHECK_EQUAL(atomic_fetch_add_explicit(&j->seen[index], 1, memory_order_relaxed), 0);
	atomic_fetch_add_explicit(&j->sum, index, memory_order_relaxed);
	atomic_fetch_add_explicit(&j->given, 1, memory_order_relaxed);
}

static int part(int64_t begin, int64_t end, void *argument)
{
	job *j = argument;
	int error = 0;

	CHECK(begin < end);
	for (int64_t i = begin; i < end; i++) {
		give(j, i);
		if (i == j->fails_at)
			error = BIDE_EUSER;
	}
	return error;
}

struct body {
	ASYNC_FRAME;
	struct {
		job *job;
		int64_t index;
		dice dice;
	} in;
	int running, most;
};

async(body)
{
	async_begin;
	my->running = atomic_fetch_add(&my->in.job->running, 1) + 1;
	my->most = atomic_load(&my->in.job->most);
	while (my->running > my->most &&
	       !atomic_compare_exchange_weak(&my->in.job->most, &my->most, my->running))
		;
	give(my->in.job, my->in.index);
	await(pause_a_bit(&my->in.dice));
	if (my->in.index == my->in.job->fails_at)
		async_fail(BIDE_EUSER);
async_finally:
	atomic_fetch_sub(&my->in.job->running, 1);
	async_end;
}

static value_task each(int64_t index, void *argument)
{
	job *j = argument;
	dice d = { j->dice.state ^ (uint64_t)index * 77 };

	return async_start(body, .job = j, .index = index, .dice = d);
}

struct next {
	ASYNC_FRAME;
	struct {
		job *job;
		dice dice;
	} in;
};

async(next)
{
	async_begin;
	CHECK(!atomic_exchange(&my->in.job->asking, true));
	await(pause_a_bit(&my->in.dice));
	if (my->in.job->next == my->in.job->count)
		async_fail(BIDE_EEND);
	async_return(my->in.job->next++);
async_finally:
	CHECK(atomic_exchange(&my->in.job->asking, false));
	async_end;
}

static value_task next_of(void *argument)
{
	job *j = argument;
	dice d = { j->dice.state ^ (uint64_t)j->next * 99 };

	return async_start(next, .job = j, .dice = d);
}

static value_task each_of(bide_payload item, void *argument)
{
	return each(item.i, argument);
}

static value_task run_job(job *j, dice *d, bide_parallel_options *options, unsigned kind)
{
	switch (kind) {
	case 0:
		options->grain = chance(d, 50) ? 1 + below(d, 300) : 0;
		return parallel_for(0, j->count, part, j, options);
	case 1:
		return for_each(0, j->count, each, j, options);
	default:
		return for_each_of(next_of, each_of, j, options);
	}
}

static void loop_once(void *argument, dice *d, unsigned index)
{
	unsigned kind = below(d, 3);
	bide_parallel_options options = { .keep_going = chance(d, 30) };
	job *j = calloc(1, sizeof *j);
	int error;

	(void)argument;
	(void)index;
	CHECK(j != NULL);
	j->dice = fork_dice(d);
	j->count = below(d, kind ? 200 : RANGE_MAX);
	j->fails_at = j->count && chance(d, 30) ? (int64_t)below(d, (unsigned)j->count) : -1;
	options.limit = chance(d, 60) ? 1 + below(d, 12) : 0;
	error = bide_value_task_wait(run_job(j, d, &options, kind), NULL);
	CHECK_EQUAL(atomic_load(&j->running), 0);
	CHECK_EQUAL(error, j->fails_at >= 0 ? BIDE_EUSER : 0);
	if (options.limit)
		CHECK(atomic_load(&j->most) <= (int)options.limit);
	if (j->fails_at < 0 || options.keep_going) {
		CHECK_EQUAL(atomic_load(&j->given), j->count);
		CHECK_EQUAL(atomic_load(&j->sum), j->count * (j->count - 1) / 2);
	}
	stress_count((unsigned)atomic_load(&j->given));
	free(j);
}

STRESS(parallel)
{
	crowd c;

	(void)workers;
	crowd_start(&c, below(d, 3), loop_once, NULL, d);
	for (unsigned i = 1 + below(d, 3); i; i--)
		loop_once(NULL, d, 0);
	crowd_join(&c);
}
