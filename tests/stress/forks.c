/*
 * forks.c - fork and join: trees whose nodes fork up to four children, join them in any order or
 * leave them to the end, and suspend and fail in between. The result of each node is computed
 * beforehand.
 */
#include "stress.h"

#include "async/deque.h"

enum { SLOTS = 4, DEPTH_MAX = 5 };

typedef struct plan {
	unsigned forks, joins;
	unsigned order[SLOTS]; /* the order of the joins; the node stops after `joins` of them */
	uint64_t seed[SLOTS];
	bool fails, again;
	dice dice;
} plan;

typedef struct forest {
	atomic_uint begun, ended;
} forest;

static plan plan_of(uint64_t seed, unsigned depth)
{
	dice d = { seed };
	plan p = { .forks = depth < DEPTH_MAX ? below(&d, SLOTS + 1) : 0 };

	for (unsigned i = 0; i < p.forks; i++) {
		unsigned other = below(&d, i + 1);

		p.order[i] = p.order[other];
		p.order[other] = i;
		p.seed[i] = draw(&d);
	}
	if (chance(&d, 30))
		for (unsigned i = 0; i < p.forks; i++)
			p.order[i] = p.forks - 1 - i; /* takes the fast path */
	p.joins = chance(&d, 70) ? p.forks : below(&d, p.forks + 1);
	p.fails = chance(&d, 7);
	p.again = chance(&d, 20);
	p.dice = d;
	return p;
}

/*
 * Returns the result, or -1 for a failure, whose error is always the same and which the parent
 * counts as 0.
 */
static int64_t outcome(uint64_t seed, unsigned depth)
{
	plan p = plan_of(seed, depth);
	int64_t sum = 1, kid;
	bool failed = p.fails;

	for (unsigned i = 0; i < p.forks; i++) {
		kid = outcome(p.seed[p.order[i]], depth + 1);
		if (i < p.joins)
			sum += kid < 0 ? 0 : kid;
		else if (kid < 0)
			failed = true; /* by the child that was not joined */
	}
	return failed ? -1 : sum;
}

static value_task node_of(uint64_t seed, unsigned depth, forest *f);

struct branch {
	BIDE_ASYNC_FORK;
	struct {
		uint64_t seed;
		unsigned depth;
		forest *forest;
	} in;
};

bide_async_forked(branch)
{
	return node_of(my->in.seed, my->in.depth, my->in.forest);
}

struct node {
	ASYNC_FRAME_FORKING;
	struct {
		uint64_t seed;
		unsigned depth;
		forest *forest;
	} in;
	plan plan;
	unsigned i;
	int64_t sum, got;
	struct branch branches[SLOTS];
};

async(node, branches)
{
	async_begin;
	atomic_fetch_add(&my->in.forest->begun, 1);
	my->plan = plan_of(my->in.seed, my->in.depth);
	my->sum = 1;
	if (my->plan.again)
		await(pause_a_bit(&my->plan.dice));
	for (; my->i < my->plan.forks; my->i++) {
		async_fork(branch, my->branches[my->i], .seed = my->plan.seed[my->i],
		           .depth = my->in.depth + 1, .forest = my->in.forest);
		if (my->plan.again)
			await(pause_a_bit(&my->plan.dice));
	}
	if (my->plan.again)
		CHECK(bide_deque_is_valid_(bide_current_thread_));
	for (my->i = 0; my->i < my->plan.joins; my->i++) {
		await_or(my->got, async_join(branch, my->branches[my->plan.order[my->i]]), my->got = 0);
		my->sum += my->got;
		if (my->plan.again)
			await(pause_a_bit(&my->plan.dice));
	}
	if (my->plan.fails)
		async_fail(BIDE_EUSER);
	async_return(my->sum);
async_finally:
	if (my->plan.again)
		await(pause_a_bit(&my->plan.dice));
	atomic_fetch_add(&my->in.forest->ended, 1);
	async_end;
}

static value_task node_of(uint64_t seed, unsigned depth, forest *f)
{
	return async_start(node, .seed = seed, .depth = depth, .forest = f);
}

static value_task run_root(void *argument)
{
	struct branch *b = argument;

	return node_of(b->in.seed, 0, b->in.forest);
}

static void grow(void *argument, dice *d, unsigned index)
{
	enum { ROOTS = 6 };
	struct branch roots[ROOTS];
	task *tasks[ROOTS];
	unsigned count = 1 + below(d, ROOTS);

	(void)index;
	for (unsigned i = 0; i < count; i++) {
		roots[i].in.seed = draw(d);
		roots[i].in.depth = 0;
		roots[i].in.forest = argument;
		tasks[i] =
			chance(d, 70) ? task_run(run_root, &roots[i]) : value_task_as_task(run_root(&roots[i]));
	}
	for (unsigned i = 0; i < count; i++) {
		bide_payload result = { .i = 0 };
		int error = task_wait(tasks[i], &result);

		CHECK(error == 0 || error == BIDE_EUSER);
		CHECK_EQUAL(error ? -1 : result.i, outcome(roots[i].in.seed, 0));
		task_unref(tasks[i]);
	}
}

STRESS(forks)
{
	forest f = { .begun = 0 };
	crowd c;

	(void)workers;
	crowd_start(&c, below(d, 3), grow, &f, d);
	grow(&f, d, 0);
	crowd_join(&c);
	CHECK_EQUAL(bide_drain(BIDE_FOREVER), 0);
	CHECK_EQUAL(atomic_load(&f.begun), atomic_load(&f.ended));
	stress_count(atomic_load(&f.begun));
}
