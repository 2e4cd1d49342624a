/*
 * demo.h - shared by the parts of the demo: clock, counted memory, text.
 */
#ifndef DEMO_H
#define DEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- count.c: an allocator for bide that counts its calls --- */

struct allocations {
	uint64_t calls;
	uint64_t bytes;
};

/* To be called before bide is used. Returns 0 or an error number. */
int count_install(void);
/* Counting costs a few nanoseconds, so it is off while times are measured. */
void count_start(void);
/* Returns the counts since count_start. Ends the demo if bide's own counter differs. */
struct allocations count_stop(void);

/* --- text.c --- */

/* Returns nanoseconds of CLOCK_MONOTONIC. */
int64_t clock_ns(void);
/* Returns the time between two readings in a row: the median of many. */
int64_t clock_cost_ns(void);

/* Each returns one of 16 static buffers, used in turn. */
const char *text_duration(double ns); /* "31.2 ns", "950 ns", "4.6 us", "1,000.1 ms" */
const char *text_sample(int64_t ns, int64_t least_ns); /* the same for a single timing; "< 10 ns" */
const char *text_count(int64_t count);                 /* "950", "1,250,000" */
const char *text_each(double count);                   /* an average: "0", "1", "0.50", "57.6" */

/* Prints a line that grows during a long operation. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void heading(const char *text);

/* Prints what went wrong to standard error. Returns 1. */
int complain(const char *what, int error);

/* --- get_data.c: part one. Returns 0, or 1 after a message --- */

int show_get_data(int delay_ms, int repeat_count);

/* --- server.c: part three. The same --- */

int show_server(int client_count, int question_count);

#endif
