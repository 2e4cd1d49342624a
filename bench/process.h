/*
 * A participant as a child process: lines to its standard input, lines from its standard output,
 * each with a deadline, and its last words on standard error if it dies.
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
	pid_t pid;         /* 0 if it is not running */
	int input, output; /* the ends of the harness */
	FILE *errors;      /* a nameless file for its standard error */
	char buffer[LINE_BYTES];
	size_t used;
};

enum process_read { PROCESS_LINE, PROCESS_ENDED, PROCESS_LATE };

/*
 * Starts argv[0] (a path). `environment`, if not NULL, is a list of "NAME=value" that ends with
 * NULL and is added to the current one. Returns false with errno set on failure.
 */
bool process_start(struct process *process, char *const argv[], char *const environment[]);
/* Writes the text. Returns false if the process does not read it any more. */
bool process_write(struct process *process, const char *text);
/* Reads the next line, without its newline, until deadline_ns of CLOCK_MONOTONIC. */
enum process_read process_read_line(struct process *process, char *line, size_t size,
                                    int64_t deadline_ns);
/*
 * Ends the process, gently if it waits for input. Returns true if its status was 0. `reason`, if
 * not NULL, gets how it ended.
 */
bool process_stop(struct process *process, bool kill_it, char *reason, size_t size);

int64_t process_now_ns(void);

#endif
