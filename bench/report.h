/* The results of a run and their presentation: the table, and one JSON object per line. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "rows.h"

enum { REPORT_NUMBER_BYTES = 64 };

struct results {
	double values[ROW_COUNT][WHO_COUNT][ROUNDS_MAX];
	int counts[ROW_COUNT][WHO_COUNT];    /* rounds measured */
	double allocs[ROW_COUNT][WHO_COUNT]; /* per operation; NAN if unknown */
	double bytes[ROW_COUNT][WHO_COUNT];
};

void report_init(struct results *results);
void report_add(struct results *results, enum row row, enum who who, double value);
bool report_measured(const struct results *results, enum row row);
/* Returns the median of the rounds, or NAN without any. */
double report_median(const struct results *results, enum row row, enum who who);

/* Prints the head of one of the two tables, the first time. */
void report_head(bool workers);
/* Prints one row with all its peers. */
void report_row(const struct results *results, enum row row);
/*
 * Writes a number for the table. decimals < 0 means three, but none if it is whole. NAN is a dash.
 */
const char *report_number(char out[REPORT_NUMBER_BYTES], double value, int decimals);
/* Returns the limit of bide's value, or NAN if there is no target. */
double report_limit(const struct results *results, enum row row);
/* Writes the path of the results with another ending, which includes the dot. */
void report_path(char *out, size_t size, const char *results_path, const char *ending);
/* Writes the table as Markdown beside the results. Returns false, with a message, on failure. */
bool report_markdown(const struct results *results, const char *results_path, const char *machine);
/* Makes the folders of a path. */
void report_make_folders(const char *path);
/*
 * Appends the row to the file at `path` and makes its folders. Returns false, with a message, on
 * failure.
 */
bool report_append(const struct results *results, enum row row, const char *path);

#endif
