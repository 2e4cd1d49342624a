/*
 * wait_call.h - what the calls on mutexes, semaphores and events have in common: a state word with
 * a fast path, a wait behind it, a time limit, the end.
 *
 * An object begins with its state, and the queue comes behind it. WAITERS is set in the state
 * exactly while the queue has links; it is changed under the lock. While WAITERS or ENDED is set,
 * only the holder of the lock changes the state. Otherwise every thread may, by a compare-and-swap
 * that acquires or releases: the fast path.
 *
 * The user may free an object as soon as what it does is done: the last function that had a mutex
 * has released it, the event has let the one pass that waited. A call that publishes a state, or
 * grants, may still be about to unlock then. So a call after which the object may be freed first
 * waits until the lock is free (bide_wait_settle_).
 */
#ifndef BIDE_SYNC_WAIT_CALL_H
#define BIDE_SYNC_WAIT_CALL_H

#include "sync/selection.h"
#include "sync/waiter.h"

/* In the state of each object. */
enum { BIDE_STATE_WAITERS_ = 1, BIDE_STATE_ENDED_ = 2 };

/* A call that could not get at once what it wants. */
typedef struct bide_wait_call_ {
	const bide_wait_kind_ *kind;
	bide_wait_queue_ *queue;
	uint64_t *state;
	const char *what;
	/* More than 0. Afterwards the wait succeeds with the result 0. */
	int64_t timeout_ns;
	/*
	 * Runs under the lock. Returns true if the call gets what it wants after all. Otherwise it has
	 * set WAITERS and claimed the hold, and the waiter is appended; if that fails, `withdrawn` of
	 * the kind is called.
	 */
	bool (*enter)(bide_wait_queue_ *queue, bide_hold *hold);
} bide_wait_call_;

/*
 * Returns the value task of the wait: ready with the result 1 if the call got it after all, failed,
 * or pending. hold may be NULL; the caller fills it if the value task is ready with 1.
 */
BIDE_INTERNAL bide_value_task bide_wait_call_begin_(const bide_wait_call_ *call, bide_hold *hold);

/*
 * The object is a case of a selection. Returns true if it has claimed the selection; then the
 * caller fills the hold, if the outcome is no error. It does not use what and timeout_ns.
 */
BIDE_INTERNAL bool bide_wait_call_select_(const bide_wait_call_ *call, bide_hold *hold,
                                          bide_selection_ *s, uint32_t number);

/*
 * The object of a call was ended. Reports misuse of `what`, which is bide_KIND_..., and returns
 * BIDE_EBROKEN.
 */
BIDE_INTERNAL BIDE_COLD int bide_wait_call_ended_(const char *what);
/*
 * Ends the object: takes all waiters out, which fail with BIDE_EBROKEN. `refuse` is called for each
 * link before, under the lock; it may be NULL.
 */
BIDE_INTERNAL void bide_wait_call_end_(bide_wait_queue_ *queue, uint64_t *state, const char *what,
                                       void (*refuse)(bide_wait_link_ *link));

/*
 * The slow half of giving back. Under the lock, `give` changes the state for what is given back,
 * and grants what the first waiters can have now.
 */
typedef void bide_wait_give_(bide_wait_queue_ *queue, int64_t count, bide_granted_ *granted);
BIDE_INTERNAL BIDE_COLD void bide_wait_call_give_(bide_wait_queue_ *queue, int64_t count,
                                                  bide_wait_give_ *give);

#endif
