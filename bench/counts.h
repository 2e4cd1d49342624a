/*
 * What the scheduler of bide counted: for a million operations of each row with several workers.
 * Peers have no such counts.
 */
#ifndef BENCH_COUNTS_H
#define BENCH_COUNTS_H

#include <stdio.h>

#include "report.h"

/* Reads the counts of an answer. Returns false if it has none, or not all. */
bool counts_read(const char *line, double counts[COUNT_COUNT]);
/* Prints the table below that of the scheduler; nothing if no row has counts. */
void counts_print(const struct results *results);
/* Writes the table as Markdown. */
void counts_markdown(FILE *file, const struct results *results);
/* Writes the counts of a row as fields of a JSON object: `,"wakes":3`, ... */
void counts_append(FILE *file, const struct results *results, enum row row);

#endif
