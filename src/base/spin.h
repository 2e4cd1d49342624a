/*
 * spin.h - a lock that is held for some dozen instructions. Its holder calls nothing that waits,
 * and no code of the user's.
 */
#ifndef BIDE_BASE_SPIN_H
#define BIDE_BASE_SPIN_H

#include "base/port.h"

/*
 * A lock that is 0 is free. The acquire of the next holder pairs with the release of the last one.
 */
static inline void bide_spin_lock_(uint32_t *lock)
{
	for (unsigned tries = 0; BIDE_SWAP(lock, 1u, ACQUIRE) != 0; tries++)
		bide_port_wait_a_moment_(tries);
}

static inline void bide_spin_unlock_(uint32_t *lock)
{
	BIDE_STORE(lock, 0u, RELEASE);
}

/* For assertions: false means that no thread holds the lock. */
static inline bool bide_spin_is_held_(const uint32_t *lock)
{
	return BIDE_LOAD(lock, RELAXED) != 0;
}

#endif
