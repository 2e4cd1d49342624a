/*
 * misuse.h - misuse, reports and messages: what the library says to the user.
 */
#ifndef BIDE_BASE_MISUSE_H
#define BIDE_BASE_MISUSE_H

#include "base/library.h"
#include "base/settings.h"

/*
 * bide_misuse_, with the place, if it is not NULL: for functions that are given theirs. in: at a
 * line of an async function; 0: not known.
 */
BIDE_INTERNAL void bide_misuse_at_(const bide_place *place, const char *format, ...)
	BIDE_PRINTF(2, 3) BIDE_COLD;
BIDE_INTERNAL void bide_misuse_in_(const bide_frame *frame, uint32_t line, const char *format, ...)
	BIDE_PRINTF(3, 4) BIDE_COLD;

/*
 * A line for the report hook: what it is, and the line. By default to standard error, behind
 * "bide: ".
 */
BIDE_INTERNAL void bide_report_(const char *what, const char *line);

/* Where this function of the library was called just now, if the call noted it; else NULL. */
BIDE_INTERNAL const bide_place *bide_called_at_(const char *function);
/* The same in debug mode, which records where frames were started; otherwise NULL. */
#define BIDE_CALLED_AT_(function) (BIDE_UNLIKELY(bide_debug_) ? bide_called_at_(function) : NULL)
/* As snprintf, through the port. */
BIDE_INTERNAL void bide_put_(char *to, size_t size_bytes, const char *format, ...)
	BIDE_PRINTF(3, 4);
/* Tells the hook for unobserved errors of an error of this source that nothing has looked at. */
BIDE_INTERNAL void bide_unobserved_(int error, const bide_source *source);
/* The same for the outcome of a value task that holds it. */
BIDE_INTERNAL void bide_unobserved_value_(bide_value_task outcome);
/* 1 to BIDE_ERROR_MAX; else misuse of `what` was reported. */
BIDE_INTERNAL bool bide_check_error_(int error, const char *what);
/* How much of __func__ to show: the C name of an async function's body has an addition. */
BIDE_INTERNAL int bide_name_length_(const char *function);

/* --- user code that the library calls outside of async functions --- */

/*
 * Which of it runs on this thread, for messages; NULL: none. Such code must not end the runtime,
 * whose calls stand below it on the stack.
 */
extern BIDE_INTERNAL BIDE_THREAD_LOCAL_ const char *bide_inside_;

/* Returns what is to be put back afterwards. */
static inline const char *bide_inside_enter_(const char *what)
{
	const char *before = bide_inside_;

	bide_inside_ = what;
	return before;
}

#endif
