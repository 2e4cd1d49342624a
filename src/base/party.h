/*
 * party.h - an object that several parties may end.
 */
#ifndef BIDE_BASE_PARTY_H
#define BIDE_BASE_PARTY_H

#include "base/library.h"

/*
 * An object that can be ended by a completion, a cancellation, a timer, has a count `live` of the
 * parties that can still touch it. The first decides the outcome and takes the others out where it
 * can. Each counts down for itself and for those it took out. The one at zero completes the object.
 * All plain where the object belongs to one thread.
 */

/* Called by a counted party, before the new one can report: no order is needed. */
static inline void bide_party_join_(const bide_source *source, uint32_t *live)
{
	if (bide_is_sync_(source))
		(void)BIDE_ADD(live, 1u, RELAXED);
	else
		++*live;
}

/* true: the last. Releases what these parties wrote; the last one acquires all of it. */
static inline bool bide_party_leave_(const bide_source *source, uint32_t *live, uint32_t count)
{
	if (bide_is_sync_(source))
		return BIDE_SUB(live, count, ACQ_REL) == count;
	*live -= count;
	return *live == 0;
}

/* Returns the bits before. Pairs with itself: the second sees what the first wrote before. */
static inline uint32_t bide_party_mark_(const bide_source *source, uint32_t *bits, uint32_t more)
{
	uint32_t before;

	if (bide_is_sync_(source))
		return BIDE_OR(bits, more, ACQ_REL);
	before = *bits;
	*bits = before | more;
	return before;
}

#endif
