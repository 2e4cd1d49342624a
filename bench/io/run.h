/* Runs a row: starts the servers, loads them in turn, round by round, and counts. */
#ifndef BENCH_IO_RUN_H
#define BENCH_IO_RUN_H

#include <stdbool.h>

#include "report.h"
#include "rows.h"

struct run_options {
	int rounds;
	double seconds; /* a measurement */
	bool quick;
	const char *results_path;
	char peers[4000]; /* the folder of the servers */
	char http[64];    /* the folder that the servers of HTTP serve */
	char tls[64];     /* the folder of the key and the certificate */
	bool has_tls;
	bool wanted[IO_ROWS_MAX];
	bool priority; /* the client may have one */
	int cpu;       /* of the rows with one worker */
};

extern struct run_options options;
extern struct io_results results;

void run_row(int index);
/* Adds a note for the user, once. */
__attribute__((format(printf, 1, 2))) void run_note(const char *format, ...);
void run_print_notes(void);
/* Shows on the terminal what is going on. */
void run_progress(const char *row, const char *doing, const char *who);

#endif
