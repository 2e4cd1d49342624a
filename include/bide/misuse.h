/*
 * misuse.h - what happens when the library is used wrongly, when an error is seen by nobody, and
 * when the library has something to report: leaks, and what is stuck.
 *
 * Misuse is a programming error (a value task awaited twice, a null where none is allowed, a number
 * out of range). The hook gets a message; by default it prints it to standard error and aborts. If a
 * hook of yours returns, the call returns the error it documents (EINVAL where nothing else is
 * said) and has no effect.
 *
 *     bide_group_init: group is NULL (at server.c:41 in serve)
 *
 * A message begins with the function that was called; it says what was wrong and what is allowed,
 * and ends with the place of the call in your source. Where the mistake is a second use, the place
 * of the first is in it too. noted.h tells how the place is known; a call that did not note it (in
 * C++, through a pointer) names the async function that runs, if one does.
 */
#ifndef BIDE_MISUSE_H
#define BIDE_MISUSE_H

#include "trace.h"

typedef void bide_misuse_hook(const char *message, void *argument);

/*
 * error: what was lost. function: the async function it came from, or "task". trace: the places
 * that made it and passed it on (trace.h); 0: none.
 */
typedef void bide_unobserved_hook(int error, const char *function, bide_trace trace,
                                  void *argument);

/*
 * line: text without a newline. It begins with what it is: "leak: ", "stuck: " or "dump: ".
 */
typedef void bide_report_hook(const char *line, void *argument);

BIDE_BEGIN_DECLS

/*
 * Sets the hook for the process; NULL puts the default back. Any thread, best before bide is used.
 */
BIDE_API void bide_misuse_hook_set(bide_misuse_hook *hook, void *argument);

/*
 * Called when the last reference to a failed task goes and nobody looked at its error, and when a
 * forgotten value task fails. Cancellation does not count. The default counts it in bide_stats and
 * does nothing else. The hook runs on the thread that dropped or completed it; it may start and
 * complete things, and must not block.
 */
BIDE_API void bide_unobserved_hook_set(bide_unobserved_hook *hook, void *argument);

/*
 * The hook gets every line that the library reports, one at a time: what bide_shutdown finds
 * pending or not consumed ("leak: "), what bide_group_wait_reporting waits for ("stuck: "), and
 * what bide_dump names when it was given no function to write with ("dump: "). The default prints
 * each to standard error, behind "bide: "; NULL puts the default back. The hook runs on the thread
 * that reports, which may be a worker. It must not call bide. Set it before bide is used.
 */
BIDE_API void bide_report_hook_set(bide_report_hook *hook, void *argument);

/* For the library's own headers. */
BIDE_API void bide_misuse_(const char *format, ...) BIDE_PRINTF(1, 2) BIDE_COLD;

BIDE_END_DECLS
#endif
