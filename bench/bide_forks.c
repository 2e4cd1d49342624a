/* bide's forks: spawn_await, fork_join_fib, skynet, and the load of idle_cpu. */
#include "bide_workers.h"

#include <bide/short.h> /* last, because it defines short names */

/* ---- fork_join_fib */

struct fib_fork {
	BIDE_ASYNC_FORK;
	struct {
		int64_t n;
	} in;
};

bide_async_forked(fib_fork)
{
	return fib(my->in.n);
}

struct fib {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		int64_t n;
	} in;
	int64_t first, second;
	struct fib_fork left;
};

async(fib, left)
{
	async_begin;
	bide_async_fork(fib_fork, my->left, .n = my->in.n - 1);
	await(my->second, fib(my->in.n - 2));
	await(my->first, bide_async_join(fib_fork, my->left));
	async_return(my->first + my->second);
async_finally:
	async_end;
}

BENCH_NOINLINE value_task fib(int64_t n)
{
	if (n < 2)
		return value_task_from(n);
	return async_start(fib, .n = n);
}

struct fib_root {
	ASYNC_FRAME;
	struct {
		int64_t count, n;
	} in;
	int64_t i, answer, sum;
};

async(fib_root)
{
	async_begin;
	await(async_yield());
	for (my->i = 0; my->i < my->in.count; my->i++) {
		await(my->answer, fib(my->in.n));
		my->sum += my->answer;
	}
	async_return(my->sum);
async_finally:
	async_end;
}

void fork_join_fib(uint64_t count)
{
	run_to_end(async_start(fib_root, .count = (int64_t)count, .n = BENCH_FIB),
	           (int64_t)count * BENCH_FIB_RESULT);
}

/* ---- skynet */

static value_task skynet(int64_t number, int64_t leaves);

struct skynet_fork {
	BIDE_ASYNC_FORK;
	struct {
		int64_t number, leaves;
	} in;
};

bide_async_forked(skynet_fork)
{
	return skynet(my->in.number, my->in.leaves);
}

struct skynet {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		int64_t number, part;
	} in;
	int64_t i, answer, sum;
	struct skynet_fork children[10];
};

/* Joins in the reverse order of forking, which is the fast path. */
async(skynet, children)
{
	async_begin;
	for (my->i = 0; my->i < 10; my->i++)
		bide_async_fork(skynet_fork, my->children[my->i],
		                .number = my->in.number + my->i * my->in.part, .leaves = my->in.part);
	while (my->i-- > 0) {
		await(my->answer, bide_async_join(skynet_fork, my->children[my->i]));
		my->sum += my->answer;
	}
	async_return(my->sum);
async_finally:
	async_end;
}

static BENCH_NOINLINE value_task skynet(int64_t number, int64_t leaves)
{
	if (leaves == 1)
		return value_task_from(number);
	return async_start(skynet, .number = number, .part = leaves / 10);
}

struct skynet_root {
	ASYNC_FRAME;
	struct {
		int64_t count, leaves;
	} in;
	int64_t i, answer;
};

async(skynet_root)
{
	async_begin;
	await(async_yield());
	for (my->i = 0; my->i < my->in.count; my->i++) {
		await(my->answer, skynet(0, my->in.leaves));
		must(my->answer == my->in.leaves * (my->in.leaves - 1) / 2, "skynet is wrong");
	}
async_finally:
	async_end;
}

void skynet_run(uint64_t count)
{
	run_to_end(async_start(skynet_root, .count = (int64_t)count, .leaves = BENCH_SKYNET_LEAVES), 0);
}

void scale(uint64_t count)
{
	run_to_end(async_start(skynet_root, .count = (int64_t)count,
	                       .leaves = (int64_t)*bench_scale_leaves()),
	           0);
}

/* ---- spawn_await: a fork that is joined at once */

struct trivial_fork {
	BIDE_ASYNC_FORK;
	struct {
		int64_t key;
	} in;
};

bide_async_forked(trivial_fork)
{
	return value_task_from(trivial(my->in.key));
}

struct spawn_root {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		int64_t count;
	} in;
	int64_t i, answer, sum;
	struct trivial_fork child;
};

async(spawn_root, child)
{
	async_begin;
	await(async_yield());
	for (my->i = 0; my->i < my->in.count; my->i++) {
		bide_async_fork(trivial_fork, my->child, .key = my->i);
		await(my->answer, bide_async_join(trivial_fork, my->child));
		my->sum += my->answer;
	}
	async_return(my->sum);
async_finally:
	async_end;
}

void spawn_await(uint64_t count)
{
	run_to_end(async_start(spawn_root, .count = (int64_t)count), sum_of_answers(count));
}

/* ---- idle_cpu */

double idle_cpu(uint64_t count)
{
	uint64_t until = bench_now_ns() + BENCH_LOAD_NS;

	(void)count;
	while (bench_now_ns() < until)
		run_to_end(async_start(fib_root, .count = 100, .n = BENCH_FIB_LOAD), 100 * 6765);
	return bench_idle_cpu_us();
}
