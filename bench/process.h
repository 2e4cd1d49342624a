/*
 * A participant as a child process: lines to its standard input, lines from its standard output,
 * each with a deadline, and what it said last on standard error when it dies.
 */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum { LINE_BYTES = 1024, REASON_BYTES = 512 };

struct process {
	pid_t pid;         /* 0: not running */
	int input, output; /* our ends */
	FILE *errors;      /* a nameless file that takes its standard error */
	char buffer[LINE_BYTES];
	size_t used;
};

enum process_read { PROCESS_LINE, PROCESS_ENDED, PROCESS_LATE };

/*
 * Starts argv[0] (a path). `environment`, if not NULL: "NAME=value" and at the end NULL, set on top
 * of the present one. False: errno says why.
 */
bool process_start(struct process *process, char *const argv[], char *const environment[]);
/* Writes text; false if the process does not take it any more. */
bool process_write(struct process *process, const char *text);
/* The next line without its newline, at the latest at deadline_ns of CLOCK_MONOTONIC. */
enum process_read process_read_line(struct process *process, char *line, size_t size,
                                    int64_t deadline_ns);
/* Ends it, gently if it waits for input. True: with status 0. `reason`, if not NULL, says how. */
bool process_stop(struct process *process, bool kill_it, char *reason, size_t size);

int64_t process_now_ns(void);

#endif
