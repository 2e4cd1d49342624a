/* The rows of many sleeping functions. */
#ifndef BENCH_SLEEPERS_H
#define BENCH_SLEEPERS_H

#include "report.h"

/* Measures the three rows of all participants, and counts their allocations. */
void sleepers_run(struct results *results);

#endif
