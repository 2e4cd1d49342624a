/*
 * rescue.h - events of a worker that runs one function for long, handled by another worker.
 *
 * See runtime/rounds.h for when this happens. The reactor of a worker that runs for long becomes
 * *part of* the reactor of the worker that looks after it: the kernel tells that worker of its
 * events at once. It is taken out when its worker falls asleep in it.
 */
#ifndef BIDE_IO_RESCUE_H
#define BIDE_IO_RESCUE_H

#include "io/engine.h"

/* An event with the key BIDE_RESCUE_KEYS_ + place says that this reactor has events. */
#define BIDE_RESCUE_KEYS_ (UINT64_MAX - 2047)

/* The hook look_after of runtime/reactor.h. */
BIDE_INTERNAL unsigned bide_rescue_look_after_(bide_reactor *mine, bide_reactor *other,
                                               int64_t now_ns, bool eager);
/* Hands out what another worker's reactor has. Returns how many events that were. */
BIDE_INTERNAL unsigned bide_rescue_(bide_reactor *other);
/* The worker of the reactor falls asleep in it. */
BIDE_INTERNAL void bide_rescue_end_slow_(bide_reactor *reactor);

static inline void bide_rescue_end_(bide_reactor *reactor)
{
	if (BIDE_UNLIKELY(BIDE_LOAD(&reactor->part_of, RELAXED)))
		bide_rescue_end_slow_(reactor);
}

#endif
