/* The results of a run and their presentation: the table, and one JSON object per line. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "host.h"
#include "rows.h"

enum { REPORT_NUMBER_BYTES = 64 };

struct results {
	double values[ROW_COUNT][WHO_COUNT][ROUNDS_MAX];
	int counts[ROW_COUNT][WHO_COUNT];    /* rounds measured */
	double allocs[ROW_COUNT][WHO_COUNT]; /* per operation; NAN if unknown */
	double bytes[ROW_COUNT][WHO_COUNT];
	/* What the scheduler of bide counted for a million operations, in each round. */
	double counted[ROW_COUNT][COUNT_COUNT][ROUNDS_MAX];
	int counted_rounds[ROW_COUNT];
};

void report_init(struct results *results);
void report_add(struct results *results, enum row row, enum who who, double value);
bool report_measured(const struct results *results, enum row row);
/* Returns the median of the rounds, or NAN without any. */
double report_median(const struct results *results, enum row row, enum who who);

/* Adds the counts of a round. */
void report_add_counts(struct results *results, enum row row, const double counts[COUNT_COUNT]);
/* Returns the median of a count, or NAN without any. */
double report_counted(const struct results *results, enum row row, enum count count);

/* Prints the head of one of the two tables, the first time. */
void report_head(bool workers);
/* Prints one row with all its peers. */
void report_row(const struct results *results, enum row row);
/*
 * Writes a number for the table. decimals < 0 means three, but none if it is whole. NAN is a dash.
 */
const char *report_number(char out[REPORT_NUMBER_BYTES], double value, int decimals);
/* Writes the path of the results with another ending, which includes the dot. */
void report_path(char *out, size_t size, const char *results_path, const char *ending);
/*
 * Writes the tables as Markdown beside the results. `machine` and `host` stand below them. Returns
 * false, with a message, on failure.
 */
bool report_markdown(const struct results *results, const char *results_path, const char *machine,
                     const char *host);
/* Makes the folders of a path. */
void report_make_folders(const char *path);
/* Appends the costs of the host to the file at `path`, a line each, as those of rows. */
bool report_append_host(const struct host *host, const char *path);
/*
 * Appends the row to the file at `path` and makes its folders. Returns false, with a message, on
 * failure.
 */
bool report_append(const struct results *results, enum row row, const char *path);

#endif
