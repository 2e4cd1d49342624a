/*
 * holder.h - what mutexes and semaphores have in common: they are acquired into a hold.
 *
 * While a wait is pending, its hold has the place, the count below zero, and no object: it is
 * *claimed*, and no other wait may use it. In the child of a fork a wait of the parent claims
 * nothing: so the two bits above a count say how often a process had forked, modulo 4. The grant
 * writes the object, under the lock, before it takes the link out, and a thread that takes the
 * link out without a grant makes the hold empty. So the hold says at any time what has to be given
 * back, also after its value task was forgotten; and when its wait is over, no thread writes it.
 */
#ifndef BIDE_SYNC_HOLDER_H
#define BIDE_SYNC_HOLDER_H

#include <bide/semaphore.h>

#include "base/misuse.h"
#include "base/settings.h"
#include "sync/grant.h"
#include "sync/wait_call.h"

/* The kind of what a hold has, in the low bits of the object's address. */
enum { BIDE_HELD_MUTEX_ = 1, BIDE_HELD_SEMAPHORE_ = 2, BIDE_HELD_KINDS_ = 3 };

/* A wait for the hold is pending: reports misuse of `what`. */
BIDE_INTERNAL BIDE_COLD void bide_hold_misuse_(const bide_hold *hold, const char *what);

#define BIDE_CLAIM_FORKS_ (INT64_C(3) << 61)
BIDE_STATIC_ASSERT(BIDE_SEMAPHORE_MAX < INT64_C(1) << 61, "two bits are free");

static inline int64_t bide_claim_forks_(void)
{
	return (int64_t)(bide_fork_count_ & 3) << 61;
}

static inline bool bide_hold_is_claimed_(const bide_hold *hold)
{
	return hold->count_ < 0 && (-hold->count_ & BIDE_CLAIM_FORKS_) == bide_claim_forks_();
}

static inline bool bide_hold_can_take_(const bide_hold *hold, uintptr_t object)
{
	return (object & ~(uintptr_t)BIDE_HELD_KINDS_) != 0 && hold && hold->object_ == 0 &&
	       !bide_hold_is_claimed_(hold);
}

/*
 * Returns 0 if the hold can be filled with this object: an address with its kind. Otherwise reports
 * misuse of `what`, and returns its error.
 */
BIDE_INTERNAL BIDE_COLD int bide_hold_refused_(const bide_hold *hold, uintptr_t object,
                                               const char *what);
static inline int bide_hold_check_(const bide_hold *hold, uintptr_t object, const char *what)
{
	return BIDE_LIKELY(bide_hold_can_take_(hold, object)) ? 0
	                                                      : bide_hold_refused_(hold, object, what);
}

/*
 * In debug mode: adds the hold to the table of those that hold something, or wait for it, and takes
 * what was noted of it before out.
 */
BIDE_INTERNAL BIDE_COLD void bide_hold_note_(const bide_hold *hold, uintptr_t object);

/* Writes what a call got at once. */
static inline void bide_hold_fill_(bide_hold *hold, uintptr_t object)
{
	BIDE_ASSERT_(hold->object_ == 0 && hold->count_ > 0);
	hold->object_ = object;
	if (BIDE_UNLIKELY(bide_debug_))
		bide_hold_note_(hold, object);
}

/* A wait for the hold begins. `object` is what it waits for, with the kind. Under the lock. */
static inline void bide_hold_claim_(bide_hold *hold, uintptr_t object)
{
	BIDE_ASSERT_(hold->object_ == 0 && hold->count_ > 0);
	hold->count_ = -(hold->count_ | bide_claim_forks_());
	if (BIDE_UNLIKELY(bide_debug_))
		bide_hold_note_(hold, object);
}

/* Of a claimed hold: how many permits the wait wants. */
static inline int64_t bide_hold_wants_(const bide_hold *hold)
{
	BIDE_ASSERT_(hold->object_ == 0 && hold->count_ < 0);
	return -hold->count_ & ~BIDE_CLAIM_FORKS_;
}

/* The wait gets what it waits for. Under the lock, before its link is taken out. */
static inline void bide_hold_grant_(bide_hold *hold, uintptr_t object)
{
	hold->count_ = bide_hold_wants_(hold);
	bide_hold_fill_(hold, object);
}

/* The wait is over without a grant. Under the lock, before its link is taken out. */
static inline void bide_hold_refuse_(bide_hold *hold)
{
	BIDE_ASSERT_(hold->object_ == 0 && hold->count_ < 0);
	hold->count_ = 0;
	if (BIDE_UNLIKELY(bide_debug_))
		bide_hold_note_(hold, 0);
}

/* For bide_wait_call_end_. */
BIDE_INTERNAL void bide_holder_refuse_(bide_wait_link_ *link);

/* A walker, under the lock: each link of the queue has a hold of its own that is claimed. */
BIDE_INTERNAL bool bide_holds_are_valid_(const bide_wait_queue_ *queue);

/* Writes what a dump says of a wait for an object that is `offset` before its queue. */
BIDE_INTERNAL void bide_holder_describe_(const bide_waiter_ *copy, size_t offset, const char *kind,
                                         char *to, size_t size_bytes);

/*
 * After the hold was checked: where it is acquired, and how much. A call of `what` that is not the
 * newest one has calls among its arguments.
 */
static inline void bide_hold_begin_(bide_hold *hold, int64_t count, const char *what)
{
	hold->count_ = count;
	if (hold->call_ != bide_call_newest_())
		hold->call_ = bide_call_of_(what);
}

/*
 * Takes the first link out. Returns true if it gets what it waits for: then its hold was filled. It
 * gets nothing if another case of its selection has won.
 */
static inline bool bide_holder_grant_(bide_wait_queue_ *queue, uintptr_t object,
                                      bide_granted_ *granted)
{
	bide_wait_link_ *link = queue->first;
	bool gets = bide_wait_claim_(link);

	if (gets) {
		bide_hold_grant_(link->wants.hold, object);
		bide_wait_outcome_(link, (bide_payload){ .i = 1 }, 0);
	} else {
		bide_hold_refuse_(link->wants.hold);
	}
	bide_grant_(queue, link, granted);
	return gets;
}

static inline int64_t bide_semaphore_max_(const bide_semaphore *s)
{
	return s->max_ ? s->max_ : BIDE_SEMAPHORE_MAX;
}

/*
 * Returns true if the semaphore can ever have that number of permits. BIDE_SEMAPHORE checks
 * nothing, so its numbers are looked at in each call.
 */
static inline bool bide_semaphore_can_have_(const bide_semaphore *s, int64_t count)
{
	int64_t max = bide_semaphore_max_(s);

	return count > 0 && count <= max && max <= BIDE_SEMAPHORE_MAX &&
	       (uint64_t)BIDE_LOAD(&s->total_, RELAXED) <= (uint64_t)max;
}

/* Returns 0; or reports misuse of `what`, and returns EINVAL. */
BIDE_INTERNAL int bide_semaphore_count_check_(const bide_semaphore *s, int64_t count,
                                              const char *what);

/* What bide_hold_release does for each kind. */
BIDE_INTERNAL void bide_mutex_give_back_(bide_mutex *mutex);
BIDE_INTERNAL void bide_semaphore_give_back_(bide_semaphore *semaphore, int64_t count);
BIDE_INTERNAL void bide_semaphore_use_up_(bide_semaphore *semaphore, int64_t count);

#endif
