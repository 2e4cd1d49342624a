/*
 * fence.h - the heavy fence of many workers (base/port.h), and what it costs on this host. A fence
 * that interrupts another processor takes 1 to 60 microseconds, a thousand times as much as a fence
 * while all others sleep. What depends on the cost follows what is measured here.
 */
#ifndef BIDE_RUNTIME_FENCE_H
#define BIDE_RUNTIME_FENCE_H

#include "base/library.h"

/* Atomic. Written by the functions below. */
extern BIDE_INTERNAL int64_t bide_fence_cost_ns_;

/* Prepares the fence, and measures it once. Before the workers start. */
BIDE_INTERNAL void bide_fence_start_(void);
/* bide_port_heavy_fence_ for many workers: counts the fence, and measures it. */
BIDE_INTERNAL bool bide_fence_heavy_(void);

/* Returns about what a fence has cost lately; 0 if there is none. */
static inline int64_t bide_fence_cost_(void)
{
	return BIDE_LOAD(&bide_fence_cost_ns_, RELAXED);
}

#endif
