/*
 * trees.c - async functions that start others: trees of random shape, whose branches are awaited,
 * turned into tasks and awaited later or twice, forgotten, or continued, with yields, delays and
 * failures. The result of each node is computed beforehand, from its seed alone.
 */
#include "stress.h"

enum { KIDS_MAX = 4, DEPTH_MAX = 4, ROOTS_MAX = 12 };

enum { AWAITED, LATER, TWICE, FORGOTTEN, CONTINUED, COLD, WAYS };

/* The actions of one node. */
typedef struct plan {
	unsigned kids;
	unsigned way[KIDS_MAX];
	uint64_t seed[KIDS_MAX];
	bool fails, backwards;
	dice dice;
} plan;

typedef struct forest {
	atomic_uint begun, ended;
	unsigned expected;
} forest;

static plan plan_of(uint64_t seed, unsigned depth)
{
	dice d = { seed };
	plan p = { .kids = depth < DEPTH_MAX ? below(&d, KIDS_MAX + 1) : 0 };

	for (unsigned i = 0; i < p.kids; i++) {
		p.way[i] = below(&d, WAYS);
		p.seed[i] = draw(&d);
	}
	p.fails = chance(&d, 15);
	p.backwards = chance(&d, 50);
	p.dice = d;
	return p;
}

/* Returns the result, or an error negated; counts the nodes. */
static int64_t outcome(uint64_t seed, unsigned depth, unsigned *nodes)
{
	plan p = plan_of(seed, depth);
	int64_t sum = 1;

	++*nodes;
	for (unsigned i = 0; i < p.kids; i++) {
		int64_t kid = outcome(p.seed[i], depth + 1, nodes);

		if (p.way[i] != FORGOTTEN)
			sum += p.way[i] == TWICE ? 2 * kid : kid;
	}
	return p.fails ? -(int64_t)(BIDE_EUSER + (seed & 7)) : sum;
}

static value_task node_of(uint64_t seed, unsigned depth, forest *f);

struct twice {
	ASYNC_FRAME;
	struct {
		task *task;
	} in;
	int64_t got;
};

async(twice)
{
	async_begin;
	await(my->got, task_await(my->in.task));
	async_return(my->got);
async_finally:
	task_unref(my->in.task);
	async_end;
}

static value_task go_on(task *ended, void *argument)
{
	dice d = { (uint64_t)(uintptr_t)argument };

	if (chance(&d, 50))
		return async_start(twice, .task = task_ref(ended));
	int error = task_error(ended);
	return error ? value_task_from_error(error) : value_task_from(task_result(ended).i);
}

struct node {
	ASYNC_FRAME;
	struct {
		uint64_t seed;
		unsigned depth;
		forest *forest;
	} in;
	plan plan;
	unsigned i, at, held;
	task *kept[2 * KIDS_MAX];
	int64_t sum, got;
};

struct cold_node {
	ASYNC_FRAME;
	struct {
		uint64_t seed;
		unsigned depth;
		forest *forest;
	} in;
	int64_t got;
};

async(cold_node)
{
	async_begin;
	await(my->got, node_of(my->in.seed, my->in.depth, my->in.forest));
	async_return(my->got);
async_finally:
	async_end;
}

/* Starts child i in a way other than a plain await. */
static void branch(struct node *my, unsigned i)
{
	task *t;
	value_task v = my->plan.way[i] == COLD
	                   ? async_start_cold(cold_node, .seed = my->plan.seed[i],
	                                      .depth = my->in.depth + 1, .forest = my->in.forest)
	                   : node_of(my->plan.seed[i], my->in.depth + 1, my->in.forest);

	if (my->plan.way[i] == FORGOTTEN) {
		value_task_forget(v);
		return;
	}
	t = value_task_as_task(v);
	if (my->plan.way[i] == TWICE) {
		my->kept[my->held++] = value_task_as_task(async_start(twice, .task = task_ref(t)));
	} else if (my->plan.way[i] == CONTINUED) {
		task *after = task_continue_with(t, go_on, (void *)(uintptr_t)draw(&my->plan.dice), 0);
		task_unref(t);
		t = after;
	}
	my->kept[my->held++] = t;
}

async(node)
{
	async_begin;
	atomic_fetch_add(&my->in.forest->begun, 1);
	my->plan = plan_of(my->in.seed, my->in.depth);
	my->sum = 1;
	await(pause_a_bit(&my->plan.dice));
	for (; my->i < my->plan.kids; my->i++) {
		if (my->plan.way[my->i] == AWAITED) {
			await_or(my->got, node_of(my->plan.seed[my->i], my->in.depth + 1, my->in.forest),
			         my->got = -(int64_t)await_error);
			my->sum += my->got;
		} else {
			branch(my, my->i);
		}
		await(pause_a_bit(&my->plan.dice));
	}
	for (my->i = 0; my->i < my->held; my->i++) {
		my->at = my->plan.backwards ? my->held - 1 - my->i : my->i;
		await_or(my->got, task_await(my->kept[my->at]), my->got = -(int64_t)await_error);
		my->sum += my->got;
	}
	if (my->plan.fails)
		async_fail(BIDE_EUSER + (int)(my->in.seed & 7));
	async_return(my->sum);
async_finally:
	for (my->i = 0; my->i < my->held; my->i++)
		task_unref(my->kept[my->i]);
	await(pause_a_bit(&my->plan.dice));
	atomic_fetch_add(&my->in.forest->ended, 1);
	async_end;
}

static value_task node_of(uint64_t seed, unsigned depth, forest *f)
{
	return async_start(node, .seed = seed, .depth = depth, .forest = f);
}

/* Starts the roots of one thread. */
static void plant(forest *f, dice *d)
{
	unsigned count = 1 + below(d, ROOTS_MAX);
	task *roots[ROOTS_MAX];
	int64_t expected[ROOTS_MAX];
	unsigned nodes = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t seed = draw(d);
		expected[i] = outcome(seed, 0, &nodes);
		roots[i] = value_task_as_task(node_of(seed, 0, f));
		dawdle(d);
	}
	__atomic_fetch_add(&f->expected, nodes, __ATOMIC_RELAXED);
	stress_count(nodes);
	for (unsigned i = 0; i < count; i++) {
		bide_payload result = { .i = 0 };
		int error = task_wait(roots[i], &result);

		CHECK_EQUAL(error ? -(int64_t)error : result.i, expected[i]);
		task_unref(roots[i]);
	}
}

static void plant_beside(void *argument, dice *d, unsigned index)
{
	(void)index;
	plant(argument, d);
}

STRESS(trees)
{
	forest f = { .expected = 0 };
	crowd c;

	(void)workers;
	crowd_start(&c, below(d, 4), plant_beside, &f, d);
	plant(&f, d);
	crowd_join(&c);
	CHECK_EQUAL(bide_drain(BIDE_FOREVER), 0);
	CHECK_EQUAL(atomic_load(&f.begun), f.expected);
	CHECK_EQUAL(atomic_load(&f.ended), f.expected);
}
