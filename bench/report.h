/* The results of a run, and how they are shown: the table, and one JSON object a line. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "rows.h"

enum { REPORT_NUMBER_BYTES = 64 };

struct results {
	double values[ROW_COUNT][WHO_COUNT][ROUNDS_MAX];
	int counts[ROW_COUNT][WHO_COUNT];    /* rounds measured */
	double allocs[ROW_COUNT][WHO_COUNT]; /* an operation; NAN: not known */
	double bytes[ROW_COUNT][WHO_COUNT];
};

void report_init(struct results *results);
void report_add(struct results *results, enum row row, enum who who, double value);
bool report_measured(const struct results *results, enum row row);
/* Median of the rounds; NAN without any. */
double report_median(const struct results *results, enum row row, enum who who);

/* The head of one of the two tables, the first time. */
void report_head(bool workers);
/* One row with all its peers. */
void report_row(const struct results *results, enum row row);
/* A number as the table shows it; decimals < 0: three, but none if it is whole. NAN is a dash. */
const char *report_number(char out[REPORT_NUMBER_BYTES], double value, int decimals);
/* What bide's figure must not exceed; NAN where there is no target. */
double report_limit(const struct results *results, enum row row);
/* The results' path with another ending, its dot included. */
void report_path(char *out, size_t size, const char *results_path, const char *ending);
/* The table of the run as Markdown, beside the results. False, with a message, if that fails. */
bool report_markdown(const struct results *results, const char *results_path, const char *machine);
/* The folders that a path goes through. */
void report_make_folders(const char *path);
/* Appends the row to the file at `path`; folders are made. False, with a message, if that fails. */
bool report_append(const struct results *results, enum row row, const char *path);

#endif
