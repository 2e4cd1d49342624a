/*
 * What the sources of bide's answer to the scheduler's rows share; bide_workers.c has the table of
 * the cases. A root function yields once, and from then on runs on a worker.
 */
#ifndef BENCH_BIDE_WORKERS_H
#define BENCH_BIDE_WORKERS_H

#include <bide/bide.h>

#include "participant.h"

static inline void must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "bide_workers: %s\n", what);
		abort();
	}
}

/* Runs the root until it is done; the result must be `expected`. */
static inline void run_to_end(bide_value_task root, int64_t expected)
{
	bide_payload result;

	must(bide_value_task_wait(root, &result) == 0, "the root failed");
	must(result.i == expected, "the root's result is wrong");
}

/* Returns the sum of 0 + 1 + ... + (count - 1) children, each of which returns its key + 1. */
static inline int64_t sum_of_answers(uint64_t count)
{
	return (int64_t)(count * (count + 1) / 2);
}

/* Return the number `key` + 1, which is all that a trivial child does. */
int64_t trivial(int64_t key);
bide_value_task run_trivial(void *key);
/* Fibonacci's number by forks. */
bide_value_task fib(int64_t n);

/* bide_forks.c */
void spawn_await(uint64_t count);
void fork_join_fib(uint64_t count);
void skynet_run(uint64_t count);
/* Mutexes and semaphores: one function, or four that have `share` turns each. */
void mutex_alone(uint64_t count);
void mutex_contended(uint64_t share);
void semaphore_alone(uint64_t count);
void semaphore_contended(uint64_t share);
/* Elements of a generator: at once, through a map, after a yield each. */
void generator_plain(uint64_t count);
void generator_mapped(uint64_t count);
void generator_waits(uint64_t count);
/* bide_channels.c: elements from one function to another, or from four to four. */
void channel_one_to_one(uint64_t count);
void channel_in_batches(uint64_t count);
void channel_four_to_four(uint64_t share);
void channel_of_one(uint64_t count);
void channel_handing_over(uint64_t count);
void channel_across(uint64_t count);
/* A select from two channels: one is ready, or two functions answer each other. */
void select_ready(uint64_t count);
void select_waiting(uint64_t turns);
void scale(uint64_t count);
double idle_cpu(uint64_t count);

/* bide_overlap.c: what two workers do at the same time; the results are in the rows' units */
double pipeline_overlap(uint64_t count);
double hidden_run(uint64_t count);
double hidden_leaf(uint64_t count);

#endif
