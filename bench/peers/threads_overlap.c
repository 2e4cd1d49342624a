/* See threads_overlap.h. The threads hand over by semaphores, which are futexes. */
#include "threads_overlap.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "../compute.h"

static sem_t item, taken;
static uint64_t steps, short_steps;
static _Atomic uint64_t began_ns;

static void start(pthread_t *thread, void *(*body)(void *))
{
	if (sem_init(&item, 0, 0) != 0 || sem_init(&taken, 0, 0) != 0 ||
	    pthread_create(thread, NULL, body, NULL) != 0)
		abort();
}

static void finish(pthread_t thread)
{
	pthread_join(thread, NULL);
	sem_destroy(&item);
	sem_destroy(&taken);
}

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		;
}

/* ---- pipeline_overlap */

static void *second_stage(void *unused)
{
	(void)unused;
	for (int i = 0; i < BENCH_STAGE_ITEMS; i++) {
		wait_for(&item);
		sem_post(&taken);
		bench_compute(steps);
	}
	return NULL;
}

static void first_stage(void)
{
	for (int i = 0; i < BENCH_STAGE_ITEMS; i++) {
		bench_compute(steps);
		if (i > 0)
			wait_for(&taken);
		sem_post(&item);
	}
}

double pipeline_overlap(uint64_t count)
{
	double ratios[BENCH_STAGE_RUNS];

	(void)count;
	for (int run = 0; run < BENCH_STAGE_RUNS; run++) {
		uint64_t started_ns;
		pthread_t thread;

		steps = bench_compute_steps(BENCH_STAGE_NS);
		started_ns = bench_now_ns();
		start(&thread, second_stage);
		first_stage();
		finish(thread);
		ratios[run] =
			(double)(bench_now_ns() - started_ns) / ((BENCH_STAGE_ITEMS + 1.0) * BENCH_STAGE_NS);
	}
	return bench_median(ratios, BENCH_STAGE_RUNS);
}

/* ---- hidden_run: the other thread sleeps until it is woken; nothing comes before */

static void note_begin(void)
{
	atomic_store(&began_ns, bench_now_ns());
}

static void *note_begins(void *unused)
{
	(void)unused;
	for (int run = 0; run < BENCH_HIDDEN_RUNS; run++) {
		wait_for(&item);
		note_begin();
		sem_post(&taken);
	}
	return NULL;
}

double hidden_run(uint64_t count)
{
	double took_us[BENCH_HIDDEN_RUNS];
	pthread_t thread;

	(void)count;
	steps = bench_compute_steps(BENCH_HIDDEN_NS);
	start(&thread, note_begins);
	for (int run = 0; run < BENCH_HIDDEN_RUNS; run++) {
		uint64_t published_ns = bench_now_ns();

		sem_post(&item);
		bench_compute(steps);
		wait_for(&taken);
		took_us[run] = (double)(atomic_load(&began_ns) - published_ns) / 1e3;
	}
	finish(thread);
	return bench_median(took_us, BENCH_HIDDEN_RUNS);
}

double hidden_run_by_call(uint64_t count)
{
	double took_us[BENCH_HIDDEN_RUNS];

	(void)count;
	steps = bench_compute_steps(BENCH_HIDDEN_NS);
	for (int run = 0; run < BENCH_HIDDEN_RUNS; run++) {
		uint64_t published_ns = bench_now_ns();

		bench_compute(steps);
		note_begin();
		took_us[run] = (double)(atomic_load(&began_ns) - published_ns) / 1e3;
	}
	return bench_median(took_us, BENCH_HIDDEN_RUNS);
}

/* ---- hidden_leaf: the other thread computes the short part and a long one */

static void *compute_both(void *unused)
{
	(void)unused;
	for (int run = 0; run < BENCH_LEAF_RUNS; run++) {
		wait_for(&item);
		bench_compute(short_steps);
		bench_compute(steps);
		sem_post(&taken);
	}
	return NULL;
}

double hidden_leaf(uint64_t count)
{
	double ratios[BENCH_LEAF_RUNS];
	pthread_t thread;

	(void)count;
	steps = bench_compute_steps(BENCH_LEAF_NS);
	short_steps = steps / (BENCH_LEAF_NS / BENCH_LEAF_SHORT_NS);
	start(&thread, compute_both);
	for (int run = 0; run < BENCH_LEAF_RUNS; run++) {
		uint64_t started_ns = bench_now_ns();

		sem_post(&item);
		bench_compute(steps);
		wait_for(&taken);
		ratios[run] = (double)(bench_now_ns() - started_ns) / (BENCH_LEAF_SHORT_NS + BENCH_LEAF_NS);
	}
	finish(thread);
	return bench_median(ratios, BENCH_LEAF_RUNS);
}
