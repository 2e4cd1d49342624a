/*
 * demo.h - what the parts of the demo share: clock, counted memory, text.
 */
#ifndef DEMO_H
#define DEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- count.c: an allocator for bide that counts what it is asked for --- */

struct allocations {
	uint64_t calls;
	uint64_t bytes;
};

/* Before bide is used. 0, or an error number. */
int count_install(void);
/* The counting costs a few nanoseconds, so it is off while times are taken. */
void count_start(void);
/* What was asked for since count_start. Ends the demo if bide's own counter says something else. */
struct allocations count_stop(void);

/* --- text.c --- */

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t clock_ns(void);
/* So far apart are two readings in a row: the median of many. */
int64_t clock_cost_ns(void);

/* These return one of 16 static buffers, used in turn. */
const char *text_duration(double ns); /* "31.2 ns", "950 ns", "4.6 us", "1,000.1 ms" */
const char *text_sample(int64_t ns, int64_t least_ns); /* the same of one timing; "< 10 ns" */
const char *text_count(int64_t count);                 /* "950", "1,250,000" */
const char *text_each(double count);                   /* an average: "0", "1", "0.50", "57.6" */

/* A line that grows while something takes its time. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void heading(const char *text);

/* Says what went wrong, to standard error. Returns 1. */
int complain(const char *what, int error);

/* --- get_data.c: part one. 0, or 1 if something went wrong (it has said what) --- */

int show_get_data(int delay_ms, int repeat_count);

#endif
