/*
 * cache_single_flight.c - a cache whose callers share one load: a caller that asks while the value
 * is being loaded awaits the same task. examples/demo/cache.c is a complete cache. All callers run
 * on one worker, so the cache needs no lock; with many workers they would use a strand (strand.c).
 */
#include <stdio.h>

#include <bide/short.h>

static struct {
	int64_t value;
	bool filled;
	task *loading; /* NULL, or the load that is running, which callers share */
	int load_count;
} cache;

struct load {
	ASYNC_FRAME;
};

async(load)
{
	async_begin;
	cache.load_count++;
	await(delay_ms(20));
	cache.value = 42;
	cache.filled = true;
	async_return(cache.value);
async_finally:
	task_unref(cache.loading);
	cache.loading = NULL;
	async_end;
}

static value_task get(void)
{
	task *load;

	if (cache.filled)
		return value_task_from(cache.value);
	if (cache.loading)
		return task_await(cache.loading);
	/* Detached: the load serves all callers, so the deadline of the first must not end it. */
	load = value_task_as_task(in_detached(async_start(load)));
	if (!load || task_is_ready(load))
		return task_await_take(load); /* it is over, so there is nothing to share */
	cache.loading = load;
	return task_await(load);
}

struct run {
	ASYNC_FRAME;
	value_task callers[100];
	int64_t sum, again;
};

async(run)
{
	async_begin;
	for (int i = 0; i < 100; i++)
		my->callers[i] = get();
	await(when_all(my->callers, 100));
	for (int i = 0; i < 100; i++)
		my->sum += my->callers[i].payload.i;
	await(my->again, get()); /* ready by now: no task, no memory */
	async_return(my->sum + my->again);
async_finally:
	async_end;
}

int main(void)
{
	payload sum;
	int error = configure(&(config){ .workers = 1 });

	if (!error)
		error = value_task_wait(async_start(run), &sum);
	if (error) {
		fprintf(stderr, "cache_single_flight: %s\n", bide_strerror(error));
		return 1;
	}
	printf("101 look-ups, %d load\n", cache.load_count);
	return sum.i == 101L * 42 && cache.load_count == 1 ? 0 : 1;
}
