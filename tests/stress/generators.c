/*
 * generators.c - producers that wait or do not, under operators that are stacked at random; the
 * consumer asks, runs out of time, forgets, is canceled, and ends them at any moment. Each stack is
 * in the same order as a plain calculation, up to where it ended, every cleanup runs once, and
 * nothing is left.
 */
#include "stress.h"

enum { STAGES_MAX = 6, PARTIES_MAX = 8, MERGED_MAX = 3 };

typedef struct scene {
	bide_context *scope;
	bide_executor *strand;
	atomic_uint begun, ended, left; /* producers, and parties */
} scene;

/* Emits first, first + step, ... */
struct producer {
	ASYNC_GENERATOR;
	struct {
		scene *scene;
		dice dice;
		int64_t first, step, count;
		int error;
	} in;
	int64_t i;
};

async_generator(producer)
{
	async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++) {
		if (chance(&my->in.dice, 40))
			await(pause_a_bit(&my->in.dice));
		async_emit(my->in.first + my->i * my->in.step);
	}
	if (my->in.error)
		async_fail(my->in.error);
async_finally:
	if (chance(&my->in.dice, 30))
		await(pause_a_bit(&my->in.dice));
	atomic_fetch_add(&my->in.scene->ended, 1);
	async_end;
}

static bide_generator *producer_of(scene *s, dice *d, int64_t first, int64_t step)
{
	int64_t count = 1 + below(d, 40);
	bide_generator *g = generator_start(producer, .scene = s, .dice = fork_dice(d), .first = first,
	                                    .step = step, .count = chance(d, 10) ? INT64_MAX : count,
	                                    .error = chance(d, 15) ? BIDE_EUSER : 0);

	CHECK(g);
	atomic_fetch_add(&s->begun, 1);
	return g;
}

struct same {
	ASYNC_FRAME;
	struct {
		int64_t x;
	} in;
};

async(same)
{
	async_begin;
	await(async_yield());
	async_return(my->in.x);
async_finally:
	async_end;
}

static value_task identity(bide_payload element, void *argument)
{
	if (argument)
		return async_start(same, .x = element.i);
	return value_task_from_int(element.i);
}

/* An operator that changes neither the elements nor their order. */
static bide_generator *stage(bide_generator *g, dice *d)
{
	switch (below(d, 6)) {
	case 0:
		return generator_map(g, identity, chance(d, 50) ? g : NULL);
	case 1:
		return generator_filter(g, identity, chance(d, 50) ? g : NULL);
	case 2:
		return generator_take(g, 1 + below(d, 60));
	case 3:
		return generator_timeout(g, (int64_t)below(d, 2000000));
	case 4:
		return generator_buffer(g, 1 + below(d, 5));
	default:
		return generator_merge(&g, 1);
	}
}

static bide_generator *stack(scene *s, dice *d, unsigned *lanes)
{
	bide_generator *merged[MERGED_MAX], *g;

	*lanes = 1 + below(d, MERGED_MAX);
	for (unsigned i = 0; i < *lanes; i++) {
		merged[i] = producer_of(s, d, 1 + i, *lanes);
		for (unsigned n = below(d, 3); n; n--)
			merged[i] = stage(merged[i], d);
	}
	g = *lanes > 1 ? generator_merge(merged, *lanes) : merged[0];
	for (unsigned n = below(d, STAGES_MAX); n; n--)
		g = stage(g, d);
	CHECK(g);
	return g;
}

struct party {
	ASYNC_FRAME;
	struct {
		scene *scene;
		dice dice;
	} in;
	bide_generator *all;
	value_task next;
	int64_t x, last[MERGED_MAX];
	unsigned lanes, i;
	int error;
	bool skipped; /* an element may have been lost with a value task that was forgotten */
};

/* The elements of each lane come in their order, without a gap. */
static void check_order(struct party *my)
{
	unsigned lane = (unsigned)(my->x - 1) % my->lanes;
	int64_t expected = my->last[lane] ? my->last[lane] + my->lanes : (int64_t)lane + 1;

	CHECK(my->skipped ? my->x >= expected : my->x == expected);
	my->last[lane] = my->x;
	stress_count(1);
}

static value_task ask(struct party *my)
{
	if (chance(&my->in.dice, 20))
		return with_timeout((int64_t)below(&my->in.dice, 100000), generator_next(my->all));
	return generator_next(my->all);
}

async(party)
{
	async_begin;
	my->all = stack(my->in.scene, &my->in.dice, &my->lanes);
	for (my->i = below(&my->in.dice, 60); my->i > 0; my->i--) {
		my->error = 0;
		if (chance(&my->in.dice, 5)) {
			my->next = generator_next(my->all);
			await_or(pause_a_bit(&my->in.dice), (void)0);
			my->skipped = true;
			value_task_forget(my->next);
			continue;
		}
		await_or(my->x, ask(my), my->error = await_error);
		if (!my->error)
			check_order(my);
		else if (my->error != ETIMEDOUT)
			break;
		if (chance(&my->in.dice, 10))
			await_or(pause_a_bit(&my->in.dice), (void)0);
	}
	CHECK(my->error == 0 || my->error == BIDE_EEND || my->error == BIDE_EUSER ||
	      my->error == ETIMEDOUT || my->error == ECANCELED);
	/* Sometimes a next is pending when the end comes. */
	my->next = chance(&my->in.dice, 30) ? generator_next(my->all) : value_task_completed();
async_finally:
	if (chance(&my->in.dice, 50)) {
		await(generator_end(my->all));
		await_or(my->next, (void)0);
	} else {
		value_task_forget(my->next);
		if (chance(&my->in.dice, 50))
			await(generator_end(my->all));
		else
			value_task_forget(generator_end(my->all));
	}
	atomic_fetch_sub(&my->in.scene->left, 1);
	async_end;
}

static void cancel(void *argument, dice *d, unsigned index)
{
	scene *s = argument;

	(void)index;
	for (unsigned i = below(d, 40); i && atomic_load(&s->left) > 0; i--)
		usleep(below(d, 100));
	bide_context_cancel(s->scope, ECANCELED);
}

STRESS(generators)
{
	static scene s;
	task *parties[PARTIES_MAX];
	unsigned count = 1 + below(d, PARTIES_MAX);
	bide_context *on_strand;
	crowd c;

	(void)workers;
	memset(&s, 0, sizeof s);
	CHECK((s.scope = bide_context_create(NULL)) && (s.strand = bide_strand_create()));
	on_strand =
		bide_context_create(&(bide_context_options){ .executor = s.strand, .parent = s.scope });
	CHECK(on_strand);
	atomic_store(&s.left, count);
	crowd_start(&c, 1, cancel, &s, d);
	for (unsigned i = 0; i < count; i++) {
		bide_context *context = chance(d, 30) ? on_strand : chance(d, 50) ? s.scope : NULL;

		parties[i] = value_task_as_task(
			bide_in_context(context, async_start(party, .scene = &s, .dice = fork_dice(d))));
		dawdle(d);
	}
	for (unsigned i = 0; i < count; i++) {
		int error = task_wait(parties[i], NULL);

		CHECK(error == 0 || error == ECANCELED);
		task_unref(parties[i]);
	}
	crowd_join(&c);
	CHECK_EQUAL(atomic_load(&s.left), 0);
	/* Forgotten ends run on. */
	while (atomic_load(&s.ended) < atomic_load(&s.begun)) {
		if (bide_worker_count() == 1)
			bide_run_ready(0, NULL);
		sched_yield();
	}
	CHECK_EQUAL(atomic_load(&s.ended), atomic_load(&s.begun));
	bide_context_unref(on_strand);
	bide_context_unref(s.scope);
	bide_executor_unref(s.strand);
}
