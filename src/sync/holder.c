/*
 * holder.c - see holder.h.
 */
#include "sync/holder.h"

#include "base/misuse.h"
#include "base/text.h"
#include "source/source.h"
#include "sync/grant.h"

static bool begins_with(const char *text, const char *prefix)
{
	while (*prefix && *text == *prefix) {
		text++;
		prefix++;
	}
	return !*prefix;
}

/*
 * Returns where the hold was filled, or NULL: a call that did not note itself left the note of an
 * earlier one.
 */
static const bide_place *place_of(const bide_hold *hold)
{
	const char *callee = hold->call_ ? hold->call_->callee : "";
	bool is_mutex = (hold->object_ & BIDE_HELD_KINDS_) == BIDE_HELD_MUTEX_;
	bool fits = is_mutex ? begins_with(callee, "bide_mutex_hold") ||
	                           begins_with(callee, "bide_mutex_try_hold")
	                     : begins_with(callee, "bide_semaphore_hold") ||
	                           begins_with(callee, "bide_semaphore_try_hold");

	return fits ? &hold->call_->place : NULL;
}

int bide_hold_refused_(const bide_hold *hold, uintptr_t object, const char *what)
{
	const bide_place *place;
	char since[256] = "";

	if (!hold || (object & ~(uintptr_t)BIDE_HELD_KINDS_) == 0) {
		bide_misuse_("%s: %s is NULL", what,
		             !hold                                             ? "hold"
		             : (object & BIDE_HELD_KINDS_) == BIDE_HELD_MUTEX_ ? "mutex"
		                                                               : "semaphore");
		return BIDE_EINVAL_;
	}
	place = place_of(hold);
	if (place)
		bide_put_(since, sizeof since, ", since %s:%u in %.*s", place->file, (unsigned)place->line,
		          bide_name_length_(place->function), place->function);
	bide_misuse_("%s: hold holds %s already%s", what,
	             hold->object_ == object                                  ? "this object"
	             : (hold->object_ & BIDE_HELD_KINDS_) == BIDE_HELD_MUTEX_ ? "another mutex"
	                                                                      : "another semaphore",
	             since);
	return hold->object_ == object ? BIDE_EDEADLK_ : BIDE_EBUSY_;
}

int bide_holder_ended_(const char *what)
{
	bide_misuse_("%s: the object was ended", what);
	return BIDE_EBROKEN;
}

bide_value_task bide_holder_wait_(const bide_holding_ *h, bide_hold *hold)
{
	bide_waiter_ *w = bide_waiter_new_(h->kind, 0);
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
	bide_wait_lock_(h->queue);
	ended = BIDE_LOAD(h->state, RELAXED) & BIDE_STATE_ENDED_;
	entered = !ended && h->enter(h->queue, hold->count_);
	if (!ended && !entered)
		error = bide_waiter_append_(h->queue, w);
	if (error)
		h->kind->withdrawn(h->queue, &granted);
	bide_wait_unlock_(h->queue);
	bide_granted_end_(&granted);
	if (ended || entered || error)
		bide_waiter_discard_(w);
	if (entered)
		bide_hold_fill_(hold, h->object);
	if (ended)
		error = bide_holder_ended_(h->what);
	if (entered)
		return bide_value_task_from_int(1);
	return error ? bide_value_task_from_error(error) : v;
}

void bide_holder_end_(bide_wait_queue_ *queue, uint64_t *state, const char *what)
{
	bide_granted_ granted;
	uint64_t before;

	bide_granted_init_(&granted);
	bide_wait_lock_(queue);
	before = BIDE_OR(state, (uint64_t)BIDE_STATE_ENDED_, ACQ_REL);
	bide_waiters_take_all_(queue, (bide_payload){ .i = 0 }, BIDE_EBROKEN, &granted);
	/* With ENDED only the holder of the lock changes it. */
	BIDE_STORE(state, (before | BIDE_STATE_ENDED_) & ~(uint64_t)BIDE_STATE_WAITERS_, RELEASE);
	bide_wait_unlock_(queue);
	bide_granted_end_(&granted);
	if (before & BIDE_STATE_ENDED_)
		(void)bide_holder_ended_(what);
}
