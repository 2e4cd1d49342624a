/*
 * bide's answer to the rows of channels: numbers that functions pass to others. The last reader
 * returns how many it has read.
 */
#include "bide_workers.h"

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
