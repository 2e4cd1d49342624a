/* What two threads without a runtime do at the same time; the results are in the rows' units. */
#ifndef BENCH_THREADS_OVERLAP_H
#define BENCH_THREADS_OVERLAP_H

#include <stdint.h>

double pipeline_overlap(uint64_t count);
double hidden_run(uint64_t count);
double hidden_leaf(uint64_t count);
/* Computes first, and calls the other function then: what a runtime does that tells no thread. */
double hidden_run_by_call(uint64_t count);

#endif
