/* What was measured, as a table for the terminal, as Markdown, and as a JSON object a line. */
#ifndef BENCH_IO_REPORT_H
#define BENCH_IO_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "rows.h"

struct cell {
	double values[IO_ROUNDS_MAX];
	int count;
	int64_t user, system;      /* ticks of CPU time of all rounds */
	double allocations, calls; /* a request; NAN: not counted */
};

struct io_results {
	struct cell cells[IO_ROWS_MAX][IO_WHO_COUNT];
};

void io_report_init(struct io_results *results);
/* Returns the median of the rounds, or NAN without any. */
double io_report_median(const struct cell *cell);
void io_report_head(void);
void io_report_row(const struct io_results *results, int row);
/* Prints which targets are met and which are missed. */
void io_report_targets(const struct io_results *results);
/* Both return false, with a message, on failure. */
bool io_report_append(const struct io_results *results, int row, const char *path);
bool io_report_markdown(const struct io_results *results, const char *results_path,
                        const char *machine, const char *host);

#endif
