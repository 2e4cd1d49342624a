/* Fork and join, as they are naturally written. */
#include <unistd.h>

#include <bide/bide.h>
#include <bide/short.h>

static value_task leaf(int n);

struct leaf_fork {
	ASYNC_FORK;
	struct {
		int n;
	} in;
};

async_forked(leaf_fork)
{
	if (my->in.n == 0)
		return value_task_from_error(5);
	return leaf(my->in.n);
}

struct plain_fork {
	ASYNC_FORK;
};

async_forked(plain_fork)
{
	return value_task_completed();
}

static value_task leaf(int n)
{
	return value_task_from(n);
}

struct tree {
	ASYNC_FRAME_FORKING;
	struct {
		int n;
	} in;
	int i, x, sum;
	struct leaf_fork slots[4];
	struct plain_fork plain;
};

async(tree, slots)
{
	async_begin;
	for (my->i = 0; my->i < 4; my->i++)
		async_fork(leaf_fork, my->slots[my->i], .n = my->in.n + my->i);
	if (my->in.n)
		async_fork(plain_fork, my->plain);
	else
		async_return(fork() == 0);
	while (my->i-- > 0) {
		await_or(my->x, async_join(leaf_fork, my->slots[my->i]), continue);
		my->sum += my->x;
	}
	if (my->sum)
		await(async_join(plain_fork, my->plain));
	async_return(my->sum);
async_finally:
	async_fork(plain_fork, my->plain);
	await(async_join(plain_fork, my->plain));
	async_end;
}

value_task tree(int n);
value_task tree(int n)
{
	return async_start(tree, .n = n);
}
