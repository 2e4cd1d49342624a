/*
 * spin.h - a lock that is held for some dozen instructions, without calling out.
 */
#ifndef BIDE_BASE_SPIN_H
#define BIDE_BASE_SPIN_H

#include "base/port.h"

/* Zero: free. Pairs: the acquire of the next holder with the release of the last. */
static inline void bide_spin_lock_(uint32_t *lock)
{
	for (unsigned tries = 0; BIDE_SWAP(lock, 1u, ACQUIRE) != 0; tries++)
		bide_port_wait_a_moment_(tries);
}

static inline void bide_spin_unlock_(uint32_t *lock)
{
	BIDE_STORE(lock, 0u, RELEASE);
}

#endif
