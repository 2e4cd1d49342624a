/*
 * report.h - what was found, in gcc's format; each finding once, in the order of lines.
 */
#ifndef CHECK_REPORT_H
#define CHECK_REPORT_H

#include <clang-c/Index.h>

/*
 * A finding at the line in which the user wrote `at`; macros are followed to where they are used.
 * A comment "bide-check: ignore" in that line silences it.
 */
void report(CXCursor at, const char *format, ...) __attribute__((format(printf, 2, 3)));

unsigned line_of(CXCursor at);

/* Prints what was found since the last call. */
void report_flush(void);
/* How many there were in all. */
unsigned report_count(void);

/* A message about the input, not about the code: "bide-check: ...". The exit status becomes 2. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
unsigned complaint_count(void);

#endif
