/*
 * clock.h - times and deadlines: sums that do not overflow, and the check of an argument.
 */
#ifndef BIDE_BASE_CLOCK_H
#define BIDE_BASE_CLOCK_H

#include "base/library.h"

/* Returns the sum of two times that are 0 or more, and at most BIDE_FOREVER. */
static inline int64_t bide_time_add_(int64_t a_ns, int64_t b_ns)
{
	return a_ns > BIDE_FOREVER - b_ns ? BIDE_FOREVER : a_ns + b_ns;
}

/* Returns now plus a time that is 0 or more, and at most BIDE_FOREVER. */
BIDE_INTERNAL int64_t bide_deadline_after_(int64_t time_ns);

/* Reports misuse: the time, an argument of that function, is below zero. Returns false. */
BIDE_INTERNAL BIDE_COLD bool bide_time_refused_(int64_t time, const char *function,
                                                const char *argument, const bide_place *place);

/* Returns true if the time is 0 or more. `place` is that of the call, or NULL if unknown. */
static inline bool bide_time_allowed_(int64_t time, const char *function, const char *argument,
                                      const bide_place *place)
{
	return BIDE_LIKELY(time >= 0) || bide_time_refused_(time, function, argument, place);
}

#endif
