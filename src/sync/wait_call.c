/*
 * wait_call.c - see wait_call.h.
 */
#include "sync/wait_call.h"

#include "base/misuse.h"
#include "source/source.h"
#include "sync/grant.h"

int bide_wait_call_ended_(const char *what)
{
	static const char prefix[] = "bide_";
	const char *kind = what + sizeof prefix - 1;
	int length = 0;

	while (kind[length] && kind[length] != '_')
		length++;
	bide_misuse_("%s: the %.*s was ended", what, length, kind);
	return BIDE_EBROKEN;
}

bide_value_task bide_wait_call_begin_(const bide_wait_call_ *c, bide_hold *hold)
{
	bide_waiter_ *w = bide_waiter_new_timed_(c->kind, 0, c->timeout_ns);
	bide_value_task v;
	bide_granted_ granted;
	bool ended, entered;
	int error = 0;

	if (!w)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	w->link.wants.hold = hold;
	/* It may be over as soon as the lock is given back. */
	v = bide_source_value_(&w->operation.source);
	bide_granted_init_(&granted);
	bide_wait_lock_(c->queue);
	ended = BIDE_LOAD(c->state, RELAXED) & BIDE_STATE_ENDED_;
	entered = !ended && c->enter(c->queue, hold);
	if (!ended && !entered)
		error = bide_waiter_append_(c->queue, w);
	if (error)
		c->kind->withdrawn(c->queue, &w->link, &granted);
	bide_wait_unlock_(c->queue);
	bide_granted_end_(&granted);
	if (!ended && !entered && !error) {
		bide_waiter_arm_(w);
		return v;
	}
	bide_waiter_discard_(w);
	if (entered)
		return bide_value_task_from_int(1);
	return bide_value_task_from_error(ended ? bide_wait_call_ended_(c->what) : error);
}

bool bide_wait_call_select_(const bide_wait_call_ *c, bide_hold *hold, bide_selection_ *s,
                            uint32_t number)
{
	bool ended = false, claimed = false;

	bide_wait_lock_(c->queue);
	/* What it takes without having claimed, no other call could get meanwhile. */
	if (bide_selection_claim_begin_(s)) {
		ended = BIDE_LOAD(c->state, RELAXED) & BIDE_STATE_ENDED_;
		claimed = ended || c->enter(c->queue, hold);
		bide_selection_claim_end_(s, claimed ? number : 0);
		if (!claimed) {
			s->cases[number - 1].link.wants.hold = hold;
			bide_selection_append_to_(c->queue, 0, s, number, c->kind);
		}
	}
	bide_wait_unlock_(c->queue);
	if (claimed)
		bide_selection_outcome_(s, number, ended ? BIDE_EBROKEN : 0);
	return claimed;
}

void bide_wait_call_give_(bide_wait_queue_ *queue, int64_t count, bide_wait_give_ *give)
{
	bide_granted_ granted;

	bide_granted_init_(&granted);
	bide_wait_lock_(queue);
	give(queue, count, &granted);
	bide_wait_unlock_(queue);
	bide_granted_end_(&granted);
}

void bide_wait_call_end_(bide_wait_queue_ *queue, uint64_t *state, const char *what,
                         void (*refuse)(bide_wait_link_ *link))
{
	bide_granted_ granted;
	uint64_t before;

	bide_granted_init_(&granted);
	bide_wait_lock_(queue);
	before = BIDE_OR(state, (uint64_t)BIDE_STATE_ENDED_, ACQ_REL);
	for (bide_wait_link_ *link = queue->first; link && refuse; link = link->next)
		refuse(link);
	bide_waiters_take_all_(queue, (bide_payload){ .i = 0 }, BIDE_EBROKEN, &granted);
	/* With ENDED only the holder of the lock changes it. */
	BIDE_STORE(state, (before | BIDE_STATE_ENDED_) & ~(uint64_t)BIDE_STATE_WAITERS_, RELEASE);
	bide_wait_unlock_(queue);
	bide_granted_end_(&granted);
	if (before & BIDE_STATE_ENDED_)
		(void)bide_wait_call_ended_(what);
}
