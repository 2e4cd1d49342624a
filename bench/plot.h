/* The chart of a run: bars drawn by gnuplot, if it is installed. */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

#include <stdbool.h>

#include "report.h"

/*
 * Writes <results>.dat and <results>.svg beside the results and says so; for the table of the
 * scheduler, <results>_workers.dat and .svg. Writes none for a table without measurements. Without
 * gnuplot it says so and returns true. Returns false, with a message, if the chart could not be
 * made.
 */
bool plot_write(const struct results *results, const char *results_path, const char *machine);

/*
 * Draws `chart` by a script of gnuplot with its arguments, at most 12. Returns as plot_write does.
 */
bool plot_draw(char *const arguments[], const char *chart);
/* Writes the labels of all participants for the legend, as gnuplot's word() splits them. */
void plot_labels(char *out, size_t size);

#endif
