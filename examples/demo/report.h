/*
 * report.h - what the figures say: table, chart, advice.
 */
#ifndef REPORT_H
#define REPORT_H

#include "measure.h"

void report_table(const struct ratio ratios[RATIO_COUNT]);

/* One line, which follows from the figures. */
void report_advice(const struct ratio ratios[RATIO_COUNT]);

/* chart.c: an SVG by gnuplot. path NULL: beside the program. Says where it is, or why not. */
void report_chart(const struct ratio ratios[RATIO_COUNT], const char *path);

#endif
