/*
 * party.h - an object that several parties may end.
 *
 * A completion, a cancellation and a timer may all end the same object. Its count `parties` is the
 * number of parties that can still touch it. The first party decides the outcome, and takes the
 * others out where it can. Each party then counts down for itself and for those it took out. The
 * one that reaches zero completes the object.
 *
 * Where the object belongs to one thread, plain instructions do it.
 */
#ifndef BIDE_BASE_PARTY_H
#define BIDE_BASE_PARTY_H

#include "base/assert.h"
#include "base/library.h"

/* Adds a party. Called by a counted party, before the new one can leave, so no order is needed. */
static inline void bide_party_join_(const bide_source *source, uint32_t *parties)
{
	if (bide_is_sync_(source))
		(void)BIDE_ADD(parties, 1u, RELAXED);
	else
		++*parties;
}

/*
 * Adds a party, which is none yet and only knows that the memory lasts. Returns false if there are
 * no parties any more: the object is over, and the caller sees what they wrote (pairs with
 * bide_party_leave_).
 */
static inline bool bide_party_try_join_(const bide_source *source, uint32_t *parties)
{
	uint32_t seen = BIDE_LOAD(parties, ACQUIRE);

	if (!bide_is_sync_(source)) {
		*parties += seen != 0;
		return seen != 0;
	}
	while (seen != 0)
		if (BIDE_CAS(parties, &seen, seen + 1, ACQUIRE, ACQUIRE))
			return true;
	return false;
}

/*
 * Takes `count` parties away. Returns true if they were the last. Releases what these parties
 * wrote; the last one acquires all of it.
 */
static inline bool bide_party_leave_(const bide_source *source, uint32_t *parties, uint32_t count)
{
	if (bide_is_sync_(source)) {
		uint32_t before = BIDE_SUB(parties, count, ACQ_REL);

		BIDE_ASSERT_(before >= count);
		return before == count;
	}
	BIDE_ASSERT_(*parties >= count);
	*parties -= count;
	return *parties == 0;
}

/*
 * Sets flags. Returns the flags before. Pairs with itself: a later party sees what an earlier one
 * wrote before.
 */
static inline uint32_t bide_party_mark_(const bide_source *source, uint32_t *flags, uint32_t more)
{
	uint32_t before;

	if (bide_is_sync_(source))
		return BIDE_OR(flags, more, ACQ_REL);
	before = *flags;
	*flags = before | more;
	return before;
}

#endif
