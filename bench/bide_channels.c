/*
 * bide's answer to the rows of channels: numbers that functions pass to others. The last reader
 * returns how many it has read.
 */
#include "bide_workers.h"

#include <pthread.h>
#include <stdatomic.h>

#include <bide/short.h> /* last, because it defines short names */

enum { CAPACITY = 256, BATCH = 64, SIDES = 4 };

static channel *between;

struct writing {
	ASYNC_FRAME;
	struct {
		int64_t count;
	} in;
	int64_t i;
};

async(writing)
{
	async_begin;
	await(async_yield());
	for (my->i = 0; my->i < my->in.count; my->i++)
		await(channel_write(between, my->i));
	async_return(my->i);
async_finally:
	async_end;
}

struct reading {
	ASYNC_FRAME;
	struct {
		int64_t count;
	} in;
	int64_t i, element;
};

async(reading)
{
	async_begin;
	await(async_yield());
	for (my->i = 0; my->i < my->in.count; my->i++)
		await(my->element, channel_read(between));
	async_return(my->i);
async_finally:
	async_end;
}

struct batch_writing {
	ASYNC_FRAME;
	struct {
		int64_t count;
	} in;
	int64_t i, elements[BATCH], done;
};

static size_t next_batch(int64_t count, int64_t i)
{
	return (size_t)(count - i < BATCH ? count - i : BATCH);
}

async(batch_writing)
{
	async_begin;
	await(async_yield());
	while (my->i < my->in.count) {
		for (int k = 0; k < BATCH; k++)
			my->elements[k] = my->i + k;
		await(my->done, channel_write_many(between, my->elements, next_batch(my->in.count, my->i)));
		my->i += my->done;
	}
	async_return(my->i);
async_finally:
	async_end;
}

struct batch_reading {
	ASYNC_FRAME;
	struct {
		int64_t count;
	} in;
	int64_t i, elements[BATCH], done;
};

async(batch_reading)
{
	async_begin;
	await(async_yield());
	while (my->i < my->in.count) {
		await(my->done, channel_read_many(between, my->elements, BATCH));
		my->i += my->done;
	}
	async_return(my->i);
async_finally:
	async_end;
}

/* As many writers as readers, each of which passes `share` elements. */
static void pass(size_t capacity, int sides, uint64_t share)
{
	value_task ends[2 * SIDES];

	between = channel_create(&(channel_options){ .capacity = capacity });
	must(between != NULL, "no channel");
	for (int i = 0; i < sides; i++) {
		ends[2 * i] = async_start(writing, .count = (int64_t)share);
		ends[2 * i + 1] = async_start(reading, .count = (int64_t)share);
	}
	for (int i = 0; i < 2 * sides; i++)
		run_to_end(ends[i], (int64_t)share);
	channel_unref(between);
}

void channel_one_to_one(uint64_t count)
{
	pass(CAPACITY, 1, count);
}

void channel_four_to_four(uint64_t share)
{
	pass(CAPACITY, SIDES, share);
}

void channel_of_one(uint64_t count)
{
	pass(1, 1, count);
}

void channel_handing_over(uint64_t count)
{
	pass(0, 1, count);
}

void channel_in_batches(uint64_t count)
{
	value_task writer, reader;

	between = channel_create(&(channel_options){ .capacity = CAPACITY });
	must(between != NULL, "no channel");
	writer = async_start(batch_writing, .count = (int64_t)count);
	reader = async_start(batch_reading, .count = (int64_t)count);
	run_to_end(writer, (int64_t)count);
	run_to_end(reader, (int64_t)count);
	channel_unref(between);
}

/* ---- select_2: a select from two channels, of which one is written to in each turn */

struct pair {
	channel *channels[2];
};

static struct pair create_pair(void)
{
	struct pair pair;

	for (int i = 0; i < 2; i++) {
		pair.channels[i] = channel_create(&(channel_options){ .capacity = 1 });
		must(pair.channels[i] != NULL, "no channel");
	}
	return pair;
}

static void release_pair(struct pair *pair)
{
	for (int i = 0; i < 2; i++)
		channel_unref(pair->channels[i]);
}

static value_task write_to(const struct pair *pair, int64_t i)
{
	return channel_write(pair->channels[i & 1], i);
}

static value_task select_from(const struct pair *pair, int64_t *to)
{
	return bide_select((select_case[]){ select_read(pair->channels[0], to),
	                                    select_read(pair->channels[1], to) },
	                   2);
}

struct selecting_ready {
	ASYNC_FRAME;
	struct {
		int64_t count;
		const struct pair *pair;
	} in;
	int64_t i, element, which, right;
};

async(selecting_ready)
{
	async_begin;
	await(async_yield());
	for (my->i = 0; my->i < my->in.count; my->i++) {
		await(write_to(my->in.pair, my->i));
		await(my->which, select_from(my->in.pair, &my->element));
		my->right += my->which == (my->i & 1) && my->element == my->i;
	}
	async_return(my->right);
async_finally:
	async_end;
}

void select_ready(uint64_t count)
{
	struct pair pair = create_pair();

	run_to_end(async_start(selecting_ready, .count = (int64_t)count, .pair = &pair),
	           (int64_t)count);
	release_pair(&pair);
}

/* Two of these answer each other: each select waits until the other one has written. */
struct selecting_in_turn {
	ASYNC_FRAME;
	struct {
		int64_t count;
		const struct pair *from, *to;
		bool first;
	} in;
	int64_t i, element, which, right;
};

async(selecting_in_turn)
{
	async_begin;
	await(async_yield());
	for (my->i = 0; my->i < my->in.count; my->i++) {
		if (my->in.first)
			await(write_to(my->in.to, my->i));
		await(my->which, select_from(my->in.from, &my->element));
		my->right += my->which == (my->i & 1) && my->element == my->i;
		if (!my->in.first)
			await(write_to(my->in.to, my->i));
	}
	async_return(my->right);
async_finally:
	async_end;
}

void select_waiting(uint64_t turns)
{
	struct pair there = create_pair(), back = create_pair();
	value_task one = async_start(selecting_in_turn, .count = (int64_t)turns, .from = &there,
	                             .to = &back, .first = false);
	value_task other = async_start(selecting_in_turn, .count = (int64_t)turns, .from = &back,
	                               .to = &there, .first = true);

	run_to_end(one, (int64_t)turns);
	run_to_end(other, (int64_t)turns);
	release_pair(&there);
	release_pair(&back);
}

/* ---- channel_cross: one side on each of two pinned threads, which run their loops */

static atomic_int ends_ready;

static void run_in_loop(value_task (*start)(int64_t), uint64_t count, size_t cpu)
{
	executor *loop = bide_loop_create();
	unsigned turn = 0;
	value_task end;

	must(loop != NULL, "no loop");
	bench_pin(cpu);
	atomic_fetch_add(&ends_ready, 1);
	while (atomic_load(&ends_ready) < 2)
		bench_spin(&turn);
	end = bide_with_executor(loop, start((int64_t)count));
	while (!value_task_is_ready(end)) {
		(void)bide_loop_run(loop, 0, NULL);
		bench_spin(&turn);
	}
	run_to_end(end, (int64_t)count);
	executor_unref(loop);
}

static value_task start_writing(int64_t count)
{
	return async_start(writing, .count = count);
}

static value_task start_reading(int64_t count)
{
	return async_start(reading, .count = count);
}

static void *read_there(void *count)
{
	run_in_loop(start_reading, *(uint64_t *)count, 1);
	return NULL;
}

void channel_across(uint64_t count)
{
	pthread_t other;
	cpu_set_t before;

	between = channel_create(&(channel_options){ .capacity = CAPACITY });
	must(between != NULL, "no channel");
	must(sched_getaffinity(0, sizeof before, &before) == 0, "no affinity");
	atomic_store(&ends_ready, 0);
	must(pthread_create(&other, NULL, read_there, &count) == 0, "no thread");
	run_in_loop(start_writing, count, 0);
	pthread_join(other, NULL);
	(void)sched_setaffinity(0, sizeof before, &before);
	channel_unref(between);
}
