/*
 * parallel.c - several operations at once: when_all waits for all of them, when_any for the first.
 */
#include <stdio.h>

#include <bide/short.h>

struct work {
	ASYNC_FRAME;
	struct {
		int64_t takes_ms;
	} in;
};

async(work)
{
	async_in(takes_ms);
	await(delay_ms(takes_ms));
	async_return(takes_ms);
async_finally:
	async_end;
}

struct parallel {
	ASYNC_FRAME;
	value_task items[3]; /* in the frame: they must live until the await returns */
	int64_t sum_ms, start_ns, first;
};

async(parallel)
{
	async_begin;
	my->start_ns = now_ns();
	my->items[0] = async_start(work, .takes_ms = 30);
	my->items[1] = async_start(work, .takes_ms = 10);
	my->items[2] = async_start(work, .takes_ms = 20);

	/* when_any borrows the items: it consumes none, and the others go on. */
	await(my->first, when_any(my->items, 3));
	printf("when_any: number %d was first\n", (int)my->first);

	/* when_all consumes the items: each one is then ready and holds its own outcome. */
	await(when_all(my->items, 3));
	for (int i = 0; i < 3; i++)
		my->sum_ms += my->items[i].payload.i;
	printf("when_all: %d ms of work in %d ms\n", (int)my->sum_ms,
	       (int)((now_ns() - my->start_ns) / BIDE_MS(1)));
	/*
	 * The first one is not checked, because on a machine that stalls all are due at the same time.
	 */
	async_return(my->sum_ms == 60);
async_finally:
	async_end;
}

int main(void)
{
	payload good;
	int error = value_task_wait(async_start(parallel), &good);

	if (error || !good.i) {
		fprintf(stderr, "parallel: %s\n", error ? bide_strerror(error) : "wrong result");
		return 1;
	}
	return 0;
}
