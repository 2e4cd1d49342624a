/* The results of a run, and how they are shown: the table, and one JSON object a line. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>

#include "rows.h"

struct results {
	double values[ROW_COUNT][WHO_COUNT][ROUNDS_MAX];
	int counts[ROW_COUNT][WHO_COUNT];    /* rounds measured */
	double allocs[ROW_COUNT][WHO_COUNT]; /* an operation; NAN: not known */
	double bytes[ROW_COUNT][WHO_COUNT];
};

void report_init(struct results *results);
void report_add(struct results *results, enum row row, enum who who, double value);
/* Median of the rounds; NAN without any. */
double report_median(const struct results *results, enum row row, enum who who);

void report_head(void);
/* One row with all its peers. */
void report_row(const struct results *results, enum row row);
/* Appends the row to the file at `path`; folders are made. False, with a message, if that fails. */
bool report_append(const struct results *results, enum row row, const char *path);

#endif
