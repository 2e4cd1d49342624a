/*
 * What two workers of bide shall do at the same time: two stages of a pipeline, a function beside
 * its publisher that computes, and forks beside a long leaf.
 */
#include <stdatomic.h>

#include "bide_workers.h"
#include "compute.h"

#include <bide/short.h> /* last, because it defines short names */

/* ---- pipeline_overlap: an item is handed over when the one before is taken */

static bide_user_source item, taken;
static int64_t stage_steps;

struct first_stage {
	ASYNC_FRAME;
	int64_t i;
};

async(first_stage)
{
	async_begin;
	await(async_yield());
	for (my->i = 0; my->i < BENCH_STAGE_ITEMS; my->i++) {
		bench_compute((uint64_t)stage_steps);
		if (my->i > 0) {
			await(bide_user_source_value_task(&taken));
			bide_user_source_reset(&taken);
		}
		bide_user_source_complete(&item, (bide_payload){ .i = my->i });
	}
	await(bide_user_source_value_task(&taken));
async_finally:
	async_end;
}

struct second_stage {
	ASYNC_FRAME;
	int64_t i, value;
};

async(second_stage)
{
	async_begin;
	await(async_yield());
	for (my->i = 0; my->i < BENCH_STAGE_ITEMS; my->i++) {
		await(my->value, bide_user_source_value_task(&item));
		must(my->value == my->i, "an item is out of order");
		bide_user_source_reset(&item);
		bide_user_source_complete(&taken, (bide_payload){ .i = my->i });
		bench_compute((uint64_t)stage_steps);
	}
async_finally:
	async_end;
}

double pipeline_overlap(uint64_t count)
{
	double ratios[BENCH_STAGE_RUNS];

	(void)count;
	for (int run = 0; run < BENCH_STAGE_RUNS; run++) {
		uint64_t started_ns;
		value_task second;

		stage_steps = (int64_t)bench_compute_steps(BENCH_STAGE_NS);
		bide_user_source_init(&item, NULL);
		bide_user_source_init(&taken, NULL);
		started_ns = bench_now_ns();
		second = async_start(second_stage);
		run_to_end(async_start(first_stage), 0);
		run_to_end(second, 0);
		ratios[run] =
			(double)(bench_now_ns() - started_ns) / ((BENCH_STAGE_ITEMS + 1.0) * BENCH_STAGE_NS);
	}
	return bench_median(ratios, BENCH_STAGE_RUNS);
}

/* ---- hidden_run: after a chain of functions, of which none is worth a wake, one that is */

static _Atomic uint64_t began_ns;

static value_task note_begin(void *unused)
{
	(void)unused;
	atomic_store_explicit(&began_ns, bench_now_ns(),
	                      memory_order_relaxed); /* its end publishes it */
	return value_task_from(0);
}

struct publisher {
	ASYNC_FRAME;
	struct {
		int64_t steps;
		double *took_us;
	} in;
	int64_t run, i, answer;
	uint64_t published_ns;
	value_task other;
};

async(publisher)
{
	async_begin;
	await(async_yield());
	for (my->run = 0; my->run < BENCH_HIDDEN_RUNS; my->run++) {
		for (my->i = 0; my->i < BENCH_HIDDEN_CHAIN; my->i++)
			await(my->answer, bide_run(run_trivial, (void *)(intptr_t)my->i));
		my->published_ns = bench_now_ns();
		my->other = bide_run(note_begin, NULL);
		bench_compute((uint64_t)my->in.steps);
		await(my->other);
		my->in.took_us[my->run] = (double)(atomic_load(&began_ns) - my->published_ns) / 1e3;
	}
async_finally:
	async_end;
}

double hidden_run(uint64_t count)
{
	double took_us[BENCH_HIDDEN_RUNS];
	int64_t steps = (int64_t)bench_compute_steps(BENCH_HIDDEN_NS);

	(void)count;
	run_to_end(async_start(publisher, .steps = steps, .took_us = took_us), 0);
	return bench_median(took_us, BENCH_HIDDEN_RUNS);
}

/* ---- hidden_leaf: after small forks, a short one and a long one, and then a long leaf */

struct leaf_fork {
	BIDE_ASYNC_FORK;
	struct {
		int64_t steps;
	} in;
};

bide_async_forked(leaf_fork)
{
	bench_compute((uint64_t)my->in.steps);
	return value_task_from(0);
}

struct leaf_root {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		int64_t short_steps, steps;
		double *ratios;
	} in;
	int64_t run, answer;
	uint64_t started_ns;
	struct leaf_fork first, second;
};

async(leaf_root, first)
{
	async_begin;
	await(async_yield());
	for (my->run = 0; my->run < BENCH_LEAF_RUNS; my->run++) {
		await(my->answer, fib(BENCH_FIB_LOAD));
		my->started_ns = bench_now_ns();
		bide_async_fork(leaf_fork, my->first, .steps = my->in.short_steps);
		bide_async_fork(leaf_fork, my->second, .steps = my->in.steps);
		bench_compute((uint64_t)my->in.steps);
		await(bide_async_join(leaf_fork, my->second));
		await(bide_async_join(leaf_fork, my->first));
		my->in.ratios[my->run] =
			(double)(bench_now_ns() - my->started_ns) / (BENCH_LEAF_SHORT_NS + BENCH_LEAF_NS);
	}
async_finally:
	async_end;
}

double hidden_leaf(uint64_t count)
{
	double ratios[BENCH_LEAF_RUNS];
	int64_t steps = (int64_t)bench_compute_steps(BENCH_LEAF_NS);

	(void)count;
	run_to_end(async_start(leaf_root, .short_steps = steps / (BENCH_LEAF_NS / BENCH_LEAF_SHORT_NS),
	                       .steps = steps, .ratios = ratios),
	           0);
	return bench_median(ratios, BENCH_LEAF_RUNS);
}
