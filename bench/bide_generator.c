/* bide's answer to the rows of generators. */
#include "bide_workers.h"

#include <bide/short.h> /* last, because it defines short names */

/* Emits 1 as often as it is asked for; after a yield each time if it waits. */
struct ones {
	ASYNC_GENERATOR;
	struct {
		bool waits;
	} in;
};

async_generator(ones)
{
	async_begin;
	for (;;) {
		if (my->in.waits)
			await(async_yield());
		async_emit(1);
	}
async_finally:
	async_end;
}

static value_task same(payload element, void *argument)
{
	(void)argument;
	return value_task_from_int(element.i);
}

struct reader {
	ASYNC_FRAME;
	struct {
		int64_t count;
		bool waits, maps;
	} in;
	bide_generator *all;
	int64_t x, sum;
};

async(reader)
{
	async_begin;
	my->all = generator_start(ones, .waits = my->in.waits);
	if (my->in.maps)
		my->all = generator_map(my->all, same, NULL);
	await_each(my->x, my->all) {
		my->sum += my->x;
		if (my->sum == my->in.count)
			break;
	}
	async_return(my->sum);
async_finally:
	await(generator_end(my->all));
	async_end;
}

/* On a worker: the reader would begin on the thread that calls. */
static void read_all(uint64_t count, bool waits, bool maps)
{
	run_to_end(async_start_cold(reader, .count = (int64_t)count, .waits = waits, .maps = maps),
	           (int64_t)count);
}

void generator_plain(uint64_t count)
{
	read_all(count, false, false);
}

void generator_mapped(uint64_t count)
{
	read_all(count, false, true);
}

void generator_waits(uint64_t count)
{
	read_all(count, true, false);
}
