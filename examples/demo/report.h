/*
 * report.h - the presentation of the results: table, chart, advice.
 */
#ifndef REPORT_H
#define REPORT_H

#include "measure.h"

void report_table(const struct ratio ratios[RATIO_COUNT]);

/* Prints one line that follows from the results. */
void report_advice(const struct ratio ratios[RATIO_COUNT]);

/*
 * chart.c: draws an SVG by gnuplot, beside the program if path is NULL. Prints where it is, or why
 * there is none.
 */
void report_chart(const struct ratio ratios[RATIO_COUNT], const char *path);

#endif
