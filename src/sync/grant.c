/*
 * grant.c - see grant.h.
 */
#include "sync/grant.h"

#include "source/source.h"

void bide_granted_end_(bide_granted_ *granted)
{
	bide_wait_link_ *link, *next;

	for (link = granted->first; link; link = next) {
		next = link->next;
		if (BIDE_LIKELY(link->number == 0))
			bide_waiter_end_(bide_waiter_of_(link));
		else
			bide_selection_link_end_(link);
	}
}

void bide_wait_outcome_(bide_wait_link_ *link, bide_payload payload, int error)
{
	if (BIDE_LIKELY(link->number == 0))
		bide_waiter_outcome_(bide_waiter_of_(link), payload, error);
	else
		bide_selection_outcome_(bide_selection_of_(link), link->number, error);
}

void bide_wait_refuse_(bide_wait_queue_ *queue, bide_wait_link_ *link, int error,
                       bide_granted_ *granted)
{
	if (BIDE_LIKELY(link->number == 0))
		bide_waiter_outcome_(bide_waiter_of_(link), bide_payload_int_(0), error);
	else
		bide_selection_refuse_(link);
	bide_grant_(queue, link, granted);
}

void bide_waiters_take_all_(bide_wait_queue_ *queue, bide_payload payload, int error,
                            bide_granted_ *granted)
{
	bide_wait_link_ *link;

	while ((link = queue->first) != NULL) {
		if (bide_wait_claim_(link))
			bide_wait_outcome_(link, payload, error);
		bide_grant_(queue, link, granted);
	}
}
