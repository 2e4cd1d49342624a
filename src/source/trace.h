/*
 * trace.h - error traces: how the library writes them.
 */
#ifndef BIDE_SOURCE_TRACE_H
#define BIDE_SOURCE_TRACE_H

#include "base/library.h"

/*
 * Returns the payload of a failure that is made at this place. place: NULL if it is not known; then
 * the failure has no trace.
 */
BIDE_INTERNAL bide_payload bide_trace_made_(int error, const bide_place *place);
/*
 * Returns the trace with one more entry: the error was made, or awaited, at this line of the
 * function. The usual ends of an operation leave no entry: it returns `before` then.
 */
BIDE_INTERNAL bide_trace bide_trace_add_(bide_trace before, const bide_function_info *async,
                                         uint32_t line, int error, bool awaited);
/*
 * Returns true if the ring is as its invariants say. Otherwise names the broken one. No thread may
 * write meanwhile.
 */
BIDE_INTERNAL bool bide_trace_is_valid_(void);
#ifdef BIDE_EXPLORE
/* Empties the ring: each execution of the explorer begins so. */
BIDE_INTERNAL void bide_trace_reset_(void);
#endif

#endif
