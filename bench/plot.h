/* The chart of a run: bars by gnuplot, where that is installed. */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include <stdbool.h>

#include "report.h"

/*
 * Writes <results>.dat and <results>.svg beside the results and says so; for the table of the
 * scheduler <results>_workers.dat and .svg; none for a table of which nothing was measured. Without
 * gnuplot it says that and returns true. False, with a message: the chart could not be made.
 */
bool plot_write(const struct results *results, const char *results_path, const char *machine);

/* The same for a script of gnuplot and its arguments, at most 12, which draws `chart`. */
bool plot_draw(char *const arguments[], const char *chart);
/* The labels of all participants, for the legend, as gnuplot's word() splits them. */
void plot_labels(char *out, size_t size);

#endif
