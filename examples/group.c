/*
 * group.c - a group owns everything that is started in it. The wait returns when all members are
 * over, and the first failure cancels the others. No function is left running unnoticed.
 */
#include <errno.h>
#include <stdio.h>

#include <bide/short.h>

static _Atomic int over_count; /* members may end on several workers at once */

struct member {
	ASYNC_FRAME;
	struct {
		int number;
		int takes_ms;
		int fails_with; /* 0: succeeds */
	} in;
};

async(member)
{
	async_in(takes_ms, fails_with, number);
	await(delay_ms(takes_ms));
	if (fails_with)
		async_fail(fails_with);
async_finally:
	over_count++;
	printf("  member %d: %s\n", number, async_error ? bide_strerror(async_error) : "done");
	async_end;
}

static value_task start_member(int number, int takes_ms, int fails_with)
{
	return async_start(member, .number = number, .takes_ms = takes_ms, .fails_with = fails_with);
}

struct run {
	ASYNC_FRAME;
	group group;
};

async(run)
{
	async_begin;
	if (group_init(&my->group, NULL) != 0)
		async_fail(ENOMEM);
	group_start(&my->group, start_member(1, 10, 0));
	group_start(&my->group, start_member(2, 30, EIO));
	for (int number = 3; number <= 5; number++)
		group_start(&my->group, start_member(number, 60 * 1000, 0));
	await(group_wait(&my->group));
async_finally:
	async_end;
}

int main(void)
{
	int error = value_task_wait(async_start(run), NULL);

	printf("the group ended with: %s; members over: %d of 5\n", bide_strerror(error), over_count);
	return error == EIO && over_count == 5 ? 0 : 1;
}
