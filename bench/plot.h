/* The chart of a run: bars by gnuplot, where that is installed. */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include <stdbool.h>

#include "report.h"

/*
 * Writes <results>.dat and <results>.svg beside the results and says so. Without gnuplot it says
 * that and returns true. False, with a message: the chart could not be made.
 */
bool plot_write(const struct results *results, const char *results_path, const char *machine);

#endif
