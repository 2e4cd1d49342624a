/*
 * misuse.h - what happens when the library is used wrongly, when an error goes unseen, and when
 * the library has something to report: leaks, and functions that are stuck.
 *
 * Misuse is a programming error (a value task awaited twice, a NULL where none is allowed, a
 * number out of range). The misuse hook is called with a message. The default hook prints the
 * message to standard error and aborts. If a hook of yours returns, the call returns the error
 * that it documents (EINVAL if its comment names no other) and has no effect.
 *
 *     bide_group_init: group is NULL (at server.c:41 in serve)
 *
 * A message begins with the function that was called. It says what was wrong and what is
 * allowed. It ends with the place of the call in your source. If the mistake is a second use,
 * the message also names the place of the first. noted.h says how the library knows the place. A
 * call that did not note its place (in C++, through a pointer) names the async function that
 * runs, if one does.
 */
#ifndef BIDE_MISUSE_H
#define BIDE_MISUSE_H

#include "trace.h"

/* message: text without a newline. argument: that of bide_misuse_hook_set. */
typedef void bide_misuse_hook(const char *message, void *argument);

/*
 * error: the error that was lost. function: the async function that it came from, or "task".
 * trace: the places that made the error and passed it on (trace.h); 0 if there is none.
 */
typedef void bide_unobserved_hook(int error, const char *function, bide_trace trace,
                                  void *argument);

/*
 * line: text without a newline. It begins with the kind of the report: "leak: ", "stuck: ",
 * "dump: " or "serve: ".
 */
typedef void bide_report_hook(const char *line, void *argument);

BIDE_BEGIN_DECLS

/*
 * Sets the hook for the process. NULL restores the default. Any thread; call it before bide is
 * used if you can.
 */
BIDE_API void bide_misuse_hook_set(bide_misuse_hook *hook, void *argument);

/*
 * Sets the hook that is called when an error goes unseen. That is when the last reference to a
 * failed task is dropped before its error was seen, and when a forgotten value task fails, even if
 * its error was read before. The hook is also called for an error that the library drops because
 * another one has priority: the error of a group's member, of a loop's body, of an await in a
 * cleanup, or of a fork that the end of a function joins. ECANCELED does not count, nor does the
 * error that the context was canceled with. The default counts the error in bide_stats and does
 * nothing else. NULL restores the default. The hook runs on the thread that dropped the reference
 * or completed the operation. It may start and complete things, and must not block.
 */
BIDE_API void bide_unobserved_hook_set(bide_unobserved_hook *hook, void *argument);

/*
 * Sets the hook that is called with each line that the library reports, one line at a time:
 *     leak:   what bide_shutdown finds pending or not consumed
 *     stuck:  what bide_group_wait_reporting waits for; that bide_accept has no descriptor or no
 *             memory for a connection, so connections wait in the kernel's queue; that each thread
 *             of bide_resolve waits for an answer of a name server, so other look-ups wait
 *     dump:   what bide_dump names, if it was called without a function to write with, and the
 *             dump on a signal (BIDE_DUMP_ON)
 *     serve:  that the function of a client of bide_serve has failed (serve.h)
 * The default prints each line to standard error, behind "bide: ". NULL restores the default.
 * The hook runs on the thread that reports, which may be a worker. It must not call bide. Set it
 * before bide is used.
 */
BIDE_API void bide_report_hook_set(bide_report_hook *hook, void *argument);

/* Used by the library's own headers. */
BIDE_API void bide_misuse_(const char *format, ...) BIDE_PRINTF(1, 2) BIDE_COLD;

BIDE_END_DECLS
#endif
