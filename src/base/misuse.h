/*
 * misuse.h - misuse, unobserved errors, reports: what the library says to the user.
 */
#ifndef BIDE_BASE_MISUSE_H
#define BIDE_BASE_MISUSE_H

#include "base/library.h"
#include "base/settings.h"

/* bide_misuse_ with the place of the call, or NULL if that is unknown. */
BIDE_INTERNAL void bide_misuse_at_(const bide_place *place, const char *format, ...)
	BIDE_PRINTF(2, 3) BIDE_COLD;
/* bide_misuse_ with a line of the async function, or 0 if that is unknown. */
BIDE_INTERNAL void bide_misuse_in_(const bide_frame *frame, uint32_t line, const char *format, ...)
	BIDE_PRINTF(3, 4) BIDE_COLD;
/* Returns true if the error is 1 to BIDE_ERROR_MAX. Otherwise it reports misuse of `what`. */
BIDE_INTERNAL bool bide_check_error_(int error, const char *what);

/* Calls the hook for unobserved errors: nothing has looked at this error of the source. */
BIDE_INTERNAL void bide_unobserved_(int error, const bide_source *source);
/* The same for the outcome of a value task that holds it. */
BIDE_INTERNAL void bide_unobserved_value_(bide_value_task outcome);

/*
 * Calls the report hook with a line, and with what kind of line it is. Without a hook it goes to
 * standard error, behind "bide: ".
 */
BIDE_INTERNAL void bide_report_(const char *what, const char *line);

/* --- where the user called the library --- */

/*
 * Returns where this function of the library was called, if it is the newest call of the thread
 * that noted itself; else NULL.
 */
BIDE_INTERNAL const bide_place *bide_called_at_(const char *function);
/* The same in debug mode, which records where frames were started. Otherwise NULL. */
#define BIDE_CALLED_AT_(function) (BIDE_UNLIKELY(bide_debug_) ? bide_called_at_(function) : NULL)

/*
 * Returns the call of a function in the same way, or NULL. `text` is its name, or a message that
 * begins with it.
 */
BIDE_INTERNAL const bide_call *bide_call_of_(const char *text);
/* Returns the newest call of the thread that noted itself, or NULL. */
static inline const bide_call *bide_call_newest_(void)
{
	return bide_called_from_.calls[bide_called_from_.newest % BIDE_NOTES_];
}

/* --- user code that the library calls outside of async functions --- */

/*
 * Names the code that runs on this thread, for messages; NULL if there is none. Such code must not
 * end the runtime, because calls of the runtime are below it on the stack.
 */
extern BIDE_INTERNAL BIDE_THREAD_LOCAL_ const char *bide_inside_;

/* Returns the value to put back afterwards. */
static inline const char *bide_inside_enter_(const char *what)
{
	const char *before = bide_inside_;

	bide_inside_ = what;
	return before;
}

#endif
