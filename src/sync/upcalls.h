/*
 * upcalls.h - the arrow up within sync: a stray that withdraws a link grants what others can have
 * now. Those may be waiters or selections, which are above.
 */
#ifndef BIDE_SYNC_UPCALLS_H
#define BIDE_SYNC_UPCALLS_H

#include "sync/wait_queue.h"

/* Links that were taken out under a lock, until they are ended after it. */
typedef struct bide_granted_ {
	bide_wait_link_ *first, **tail;
} bide_granted_;

/* Ends all granted ones, in order (grant.c). Any thread, without a lock. */
BIDE_INTERNAL void bide_granted_end_(bide_granted_ *granted);

#endif
