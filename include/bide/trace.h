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
 * The payload of a failed value task is its trace: a number. You may copy it, keep it and send
 * it to other threads, and you never release it. A failure notes its place, and so does each
 * await of what failed. Nothing is paid before something fails; after that each place costs
 * about 10 ns. No memory is allocated.
 *
 * The process keeps the newest 1024 entries. If several threads fail at once, it keeps at least
 * the newest 500. A trace whose older entries have been overwritten ends there; it never shows
 * the entries of another trace. Cancellation (ECANCELED) and BIDE_EEND leave no trace. The trace
 * of a failure that the library makes itself (a delay without memory, for example) begins at the
 * first await.
 *
 * If BIDE_NO_TRACE is defined before the first header of bide, this source file notes nothing.
 * What it awaits and returns keeps the trace that it has. C++ makes errors without a place.
 *
 * File and function names are static data of the shared object that noted them. So a shared
 * object that has failed, or has passed failures on, must stay loaded while traces are read.
 */
#ifndef BIDE_TRACE_H
#define BIDE_TRACE_H

#include "task.h"

/* 0: no trace. */
typedef uint64_t bide_trace;

typedef struct bide_trace_entry {
	/* The entry before this one, nearer to the place that made the error. 0: this is that place. */
	bide_trace before;
	const char *file;
	const char *function;
	uint32_t line;
	int error;
	/* true: it came out of an await here. false: it was made here. */
	bool awaited;
} bide_trace_entry;

BIDE_BEGIN_DECLS

/*
 * Returns the trace of a value task that has failed. The value task may be ready, or pending,
 * over and not yet consumed. Returns 0 if it has not failed or has left no trace. Consumes
 * nothing. Thread: the one that holds the value task.
 */
BIDE_API bide_trace bide_value_task_trace(bide_value_task value_task);

/*
 * Returns the trace of a task. The error counts as seen afterwards. A NULL task is misuse, and
 * returns 0. Any thread.
 */
BIDE_API bide_trace bide_task_trace(bide_task *task);

/*
 * Returns the trace of the last error that bide_value_task_wait, bide_value_task_take or
 * bide_task_wait, or one of their forms with a limit, returned on this thread. Returns 0 if the
 * wait itself failed (a limit, misuse), or if none has failed.
 */
BIDE_API bide_trace bide_trace_of_wait(void);

/*
 * Stores the newest entry of a trace, the outermost await, in *entry. entry->before is the trace
 * without it. Returns false if trace is 0 or the entry has been overwritten; *entry is unchanged
 * then. Any thread. It never blocks.
 */
BIDE_API bool bide_trace_read(bide_trace trace, bide_trace_entry *entry);

/*
 * Writes the trace as text, the place that made the error first, with a line for each entry. If
 * there are more than 64 entries, it writes the oldest and the newest 32. It writes at most
 * size_bytes, including the terminating zero. It returns the length of the whole text without
 * the zero, as snprintf does. `to` may be NULL if size_bytes is 0. The text of a trace of 0 is
 * empty. Any thread. It never blocks.
 */
BIDE_API size_t bide_trace_format(bide_trace trace, char *to, size_t size_bytes);

BIDE_END_DECLS
#endif
