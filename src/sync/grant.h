/*
 * grant.h - what an object does with a link in its queue, be it a waiter's or a selection's.
 *
 * Under the lock of the object, for each link in order:
 *
 *     if bide_wait_claim_        the link may be granted: store what it gets (bide_wait_outcome_),
 *                                then bide_grant_
 *     else                       another case of its selection has won: bide_grant_ alone
 *
 * and after unlocking bide_granted_end_.
 */
#ifndef BIDE_SYNC_GRANT_H
#define BIDE_SYNC_GRANT_H

#include "sync/selection.h"
#include "sync/waiter.h"

/*
 * Returns true if the link may be granted. A failed claim means that the caller takes the link out,
 * stores nothing, and goes on to the next one.
 */
static inline bool bide_wait_claim_(bide_wait_link_ *link)
{
	return BIDE_LIKELY(link->number == 0) || bide_selection_claim_(link);
}

/* Takes the link out of the queue, to be ended after unlocking. */
static inline void bide_grant_(bide_wait_queue_ *queue, bide_wait_link_ *link,
                               bide_granted_ *granted)
{
	bide_wait_take_(queue, link);
	bide_granted_add_(granted, link);
}

/*
 * Stores what a claimed link ends with. An error fails a whole selection. The result of a selection
 * is the index of the case, not the payload.
 */
BIDE_INTERNAL void bide_wait_outcome_(bide_wait_link_ *link, bide_payload payload, int error);
/*
 * The object will never grant the link: it was closed. A waiter ends with the error. A selection
 * ends, with BIDE_EEND, only if no other case remains. Takes the link out.
 */
BIDE_INTERNAL void bide_wait_refuse_(bide_wait_queue_ *queue, bide_wait_link_ *link, int error,
                                     bide_granted_ *granted);
/*
 * Takes the whole queue out with one outcome, and adds it to the granted ones. Under the lock. It
 * costs one locked instruction a link.
 */
BIDE_INTERNAL void bide_waiters_take_all_(bide_wait_queue_ *queue, bide_payload payload, int error,
                                          bide_granted_ *granted);

#endif
