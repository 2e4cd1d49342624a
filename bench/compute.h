/*
 * compute.h - computing that takes a given time of a CPU, for the participants in C and C++.
 *
 * It is a chain in which each step waits for the one before, so a second thread on the same core
 * hardly slows it. How many steps a time takes is measured anew for each measurement, by the
 * fastest of some pieces of about half a millisecond: other load on the machine does not make the
 * computing longer or shorter.
 */
#ifndef BENCH_COMPUTE_H
#define BENCH_COMPUTE_H

#include "participant.h"

enum { BENCH_COMPUTE_PIECES = 20, BENCH_COMPUTE_PIECE = 400 * 1000 };

static BENCH_NOINLINE void bench_compute(uint64_t steps)
{
	uint64_t x = steps;

	BENCH_OPAQUE(x);
	for (uint64_t i = 0; i < steps; i++)
		x = x * 6364136223846793005u + 1442695040888963407u;
	BENCH_OPAQUE(x);
}

/* Returns the number of steps that take so long on a CPU that does nothing else. */
static inline uint64_t bench_compute_steps(uint64_t wanted_ns)
{
	uint64_t least_ns = UINT64_MAX;

	for (int i = 0; i < BENCH_COMPUTE_PIECES; i++) {
		uint64_t started = bench_now_ns(), took_ns;

		bench_compute(BENCH_COMPUTE_PIECE);
		took_ns = bench_now_ns() - started;
		least_ns = took_ns < least_ns ? took_ns : least_ns;
	}
	return (uint64_t)((double)(wanted_ns * BENCH_COMPUTE_PIECE) / (double)least_ns);
}

static inline int bench_by_value(const void *left, const void *right)
{
	const double *a = (const double *)left, *b = (const double *)right;

	return (*a > *b) - (*a < *b);
}

/* Sorts the values. */
static inline double bench_median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof *values, bench_by_value);
	return values[count / 2];
}

#endif
