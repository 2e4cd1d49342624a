/*
 * holder.h - what mutexes and semaphores have in common: they are acquired into a hold, by a
 * compare-and-swap of their state or by a waiter.
 *
 * An object begins with its state, and the queue comes behind it. WAITERS is set in the state
 * exactly while the queue has links; it is changed under the lock. While WAITERS or ENDED is set,
 * only the holder of the lock changes the state. Otherwise every thread may, by a compare-and-swap
 * that acquires or releases: the fast path.
 *
 * The user may free an object when the last function that had it has given it back. A call that
 * publishes a state, or grants, may still be about to unlock then. So a thread that gives back what
 * it got first waits until the lock is free (bide_wait_settle_).
 *
 * While a wait is pending, its hold has the count and the place, and no object. The grant writes
 * the object, under the lock, before it takes the link out. So the hold says at any time what has
 * to be given back, also after its value task was forgotten.
 */
#ifndef BIDE_SYNC_HOLDER_H
#define BIDE_SYNC_HOLDER_H

#include "base/misuse.h"
#include "sync/waiter.h"

/* The kind of what a hold has, in the low bits of the object's address. */
enum { BIDE_HELD_MUTEX_ = 1, BIDE_HELD_SEMAPHORE_ = 2, BIDE_HELD_KINDS_ = 3 };

/* In the state of each object. */
enum { BIDE_STATE_WAITERS_ = 1, BIDE_STATE_ENDED_ = 2 };

/*
 * Returns 0 if the hold can be filled with this object: an address with its kind. Otherwise reports
 * misuse of `what`, and returns its error.
 */
BIDE_INTERNAL BIDE_COLD int bide_hold_refused_(const bide_hold *hold, uintptr_t object,
                                               const char *what);
static inline int bide_hold_check_(const bide_hold *hold, uintptr_t object, const char *what)
{
	return BIDE_LIKELY((object & ~(uintptr_t)BIDE_HELD_KINDS_) != 0 && hold && hold->object_ == 0)
	           ? 0
	           : bide_hold_refused_(hold, object, what);
}

/* The object of a call was ended. Reports misuse of `what`, and returns BIDE_EBROKEN. */
BIDE_INTERNAL BIDE_COLD int bide_holder_ended_(const char *what);

/* Writes what was granted. Under the lock if a waiter gets it. */
static inline void bide_hold_fill_(bide_hold *hold, uintptr_t object)
{
	BIDE_ASSERT_(hold->object_ == 0);
	hold->object_ = object;
}

/* After the hold was checked: where it is acquired, and how much. */
static inline void bide_hold_begin_(bide_hold *hold, int64_t count)
{
	hold->count_ = count;
	hold->call_ = bide_call_newest_();
}

/* Fills the hold of the link, which gets what it waits for, and takes the link out. */
static inline void bide_holder_grant_(bide_wait_queue_ *queue, bide_wait_link_ *link,
                                      uintptr_t object, bide_granted_ *granted)
{
	bide_hold_fill_(link->wants.hold, object);
	bide_waiter_outcome_(bide_waiter_of_(link), (bide_payload){ .i = 1 }, 0);
	bide_wait_take_(queue, link);
	bide_granted_add_(granted, link);
}

/*
 * The rest of a call that could not acquire at once. `enter` runs under the lock: it returns true
 * if the object was acquired after all; otherwise the waiter is appended, and `withdrawn` of the
 * kind is called if that fails. Returns the value task.
 */
typedef struct bide_holding_ {
	const bide_wait_kind_ *kind;
	bide_wait_queue_ *queue;
	uint64_t *state;
	uintptr_t object;
	const char *what;
	bool (*enter)(bide_wait_queue_ *queue, int64_t count);
} bide_holding_;
BIDE_INTERNAL bide_value_task bide_holder_wait_(const bide_holding_ *holding, bide_hold *hold);

/* Ends the object: takes all waiters out, which fail with BIDE_EBROKEN. */
BIDE_INTERNAL void bide_holder_end_(bide_wait_queue_ *queue, uint64_t *state, const char *what);

/* What bide_hold_release does for each kind. */
BIDE_INTERNAL void bide_mutex_give_back_(bide_mutex *mutex);
BIDE_INTERNAL void bide_semaphore_give_back_(bide_semaphore *semaphore, int64_t count);
BIDE_INTERNAL void bide_semaphore_use_up_(bide_semaphore *semaphore, int64_t count);

#endif
