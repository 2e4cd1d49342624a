/*
 * hang.c - a program that waits for ever, for the test of the gdb script. `top` waits for a group
 * with `waiter` and `middle`, and `middle` waits for when_all of another `waiter` and a delay.
 */
#include <stdio.h>
#include <unistd.h>

#include <bide/short.h>

static task *gate;

struct waiter {
	ASYNC_FRAME;
};

async(waiter)
{
	async_begin;
	await(gate);
async_finally:
	async_end;
}

struct middle {
	ASYNC_FRAME;
	value_task items[2];
};

async(middle)
{
	async_begin;
	my->items[0] = async_start(waiter);
	my->items[1] = delay_ms(3600000);
	await(when_all(my->items, 2));
async_finally:
	async_end;
}

struct top {
	ASYNC_FRAME;
	bide_group group;
};

async(top)
{
	async_begin;
	if (bide_group_init(&my->group, NULL))
		async_fail(12);
	bide_group_start(&my->group, async_start(waiter));
	bide_group_start(&my->group, async_start(middle));
	await(bide_group_wait_reporting(&my->group, BIDE_SECONDS(3600)));
async_finally:
	async_end;
}

struct sleeps {
	ASYNC_FRAME;
};

async(sleeps)
{
	async_begin;
	puts("ready"); /* tells the test that everything below hangs */
	fflush(stdout);
	await(delay_ms(3600000));
async_finally:
	async_end;
}

int main(void)
{
	value_task waits;

	alarm(1200); /* ends this program if the test is killed */
	gate = task_create(NULL);
	waits = async_start(top);
	bide_value_task_forget(async_start(sleeps));
	return bide_value_task_wait(waits, NULL);
}
