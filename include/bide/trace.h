/*
 * trace.h - where an error comes from: the place that made it, and each await that passed it on.
 *
 *     error = bide_value_task_wait(serve(), &result);
 *     if (error) {
 *             char text[1024];
 *             bide_trace_format(bide_trace_of_wait(), text, sizeof text);
 *             fputs(text, stderr);
 *     }
 *
 *     fetch.c:41: error 5 (Input/output error) in fetch
 *     page.c:88: awaited in render
 *     handle.c:12: awaited in serve
 *
 * The payload of what has failed is its trace: a number that may be copied, kept and sent to other
 * threads, and is never given back. Failing and awaiting what failed note the rest; nothing is paid
 * before something fails, about 10 ns then for each place. No memory is allocated.
 *
 * The process keeps the newest 1024 entries, of several threads the newest 500 at least. A trace
 * whose older entries have been overwritten ends there; it never shows another's. Cancellation
 * (ECANCELED) and BIDE_EEND leave no trace. What the library makes itself (a delay without memory,
 * say) begins at the first await.
 *
 * BIDE_NO_TRACE, defined before the first header of bide: this source file notes nothing; what it
 * awaits and returns keeps the trace it has. C++ makes errors without a place.
 *
 * File and function names are static data of whoever noted them: a shared object that has failed,
 * or passed failures on, must stay loaded while traces are read.
 */
#ifndef BIDE_TRACE_H
#define BIDE_TRACE_H

#include "task.h"

/* 0: none. */
typedef uint64_t bide_trace;

typedef struct bide_trace_entry {
	bide_trace before; /* the entry before, nearer to where the error was made; 0: this is it */
	const char *file;
	const char *function;
	uint32_t line;
	int error;
	bool awaited; /* it came out of an await here; false: it was made here */
} bide_trace_entry;

BIDE_BEGIN_DECLS

/*
 * The trace of a value task that has failed: ready, or pending and over but not yet consumed. 0: it
 * has not failed, or left no trace. Consumes nothing. Thread: whoever holds the value task.
 */
BIDE_API bide_trace bide_value_task_trace(bide_value_task value_task);

/* The same of a task. Counts as having seen its error. Any thread. task: not NULL, else misuse. */
BIDE_API bide_trace bide_task_trace(bide_task *task);

/*
 * The trace of the error that bide_value_task_wait, bide_value_task_take or bide_task_wait, or a form
 * with a limit, has returned last on this thread. 0: the wait itself failed (a limit, misuse), or none has.
 */
BIDE_API bide_trace bide_trace_of_wait(void);

/*
 * The newest entry of a trace: the outermost await. entry->before is the trace without it. false:
 * trace is 0, or the entry has been overwritten; *entry is unchanged then. Any thread; never
 * blocks.
 */
BIDE_API bool bide_trace_read(bide_trace trace, bide_trace_entry *entry);

/*
 * The trace as text, the place that made the error first, a line for each entry; of more than 64
 * entries the oldest and the newest 32. Writes at most size_bytes, the terminating zero included,
 * and returns how long the whole text is without it, as snprintf does. to may be NULL if size_bytes
 * is 0. A trace of 0 is an empty text. Any thread; never blocks.
 */
BIDE_API size_t bide_trace_format(bide_trace trace, char *to, size_t size_bytes);

BIDE_END_DECLS
#endif
