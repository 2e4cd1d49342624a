/*
 * first_error.h - one error of several: the first that is no cancellation, else ECANCELED.
 *
 * A cancellation counts least, because the first failure usually causes the others to be canceled.
 */
#ifndef BIDE_OPS_FIRST_ERROR_H
#define BIDE_OPS_FIRST_ERROR_H

#include "base/library.h"

/* Returns true if an error (0: none) takes the place of the one that was kept so far (0: none). */
static inline bool bide_error_replaces_(int error, int kept)
{
	return error != 0 && (kept == 0 || (kept == BIDE_ECANCELED_ && error != BIDE_ECANCELED_));
}

static inline void bide_first_error_add_(int *kept, int error)
{
	if (bide_error_replaces_(error, *kept))
		*kept = error;
}

/*
 * Does the same on any thread, and returns true if it kept the error. Of all callers with an error
 * that is no cancellation, one gets true. RELAXED: what the caller counts down afterwards orders
 * the error before it is read.
 */
static inline bool bide_first_error_keep_(int *kept, int error)
{
	int seen = BIDE_LOAD(kept, RELAXED);

	while (bide_error_replaces_(error, seen))
		if (BIDE_CAS(kept, &seen, error, RELAXED, RELAXED))
			return true;
	return false;
}

#endif
