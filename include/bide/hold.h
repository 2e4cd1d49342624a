/*
 * hold.h - what a function holds: a mutex, or permits of a semaphore.
 *
 * A mutex and a semaphore are acquired only into a hold, which is a member of the frame. The
 * cleanup releases it, however far the function came:
 *
 *     struct deposit {
 *         ASYNC_FRAME;
 *         struct {
 *             struct account *account;
 *             int64_t sum;
 *         } in;
 *         hold hold;
 *     };
 *
 *     async(deposit)
 *     {
 *         async_begin;
 *         await(mutex_hold(&my->in.account->mutex, &my->hold));
 *         await(store(my->in.account, my->in.sum));
 *     async_finally:
 *         hold_release(&my->hold);
 *         async_end;
 *     }
 *
 * All zero bits are a hold that holds nothing, as in a new frame. A hold must stay where it is
 * while a wait for it is pending, because the function that releases the object writes it. So if
 * the value task of the wait is forgotten, what was granted before is in the hold, and the cleanup
 * releases it. One wait at a time: a second one is misuse. In debug mode, the end of a function
 * whose hold holds something, or for which a wait is pending, is misuse. A wait that a shutdown has
 * cut off leaves its hold useless; zero it before it is used again.
 */
#ifndef BIDE_HOLD_H
#define BIDE_HOLD_H

#include "abi.h"

typedef struct bide_hold {
	/* What it holds, with the kind of the object in the low bits; 0: nothing. */
	uintptr_t object_;
	/* How many permits it holds; or, below zero, how many a wait for it wants. */
	int64_t count_;
	/* Where. */
	const bide_call *call_;
} bide_hold;
BIDE_STATIC_ASSERT(sizeof(bide_hold) == 24, "part of the layout");

BIDE_BEGIN_DECLS

/*
 * Releases what is held. The functions that have waited longest get it. If nothing is held, it does
 * nothing, so a second release does nothing. Release what is held before the memory of the mutex or
 * semaphore goes, also if that was ended. NULL is misuse, and so is a hold for which a wait is
 * pending: forget the value task of the wait first. Any thread. Cost: a compare-and-swap; a lock if
 * functions wait.
 */
BIDE_API void bide_hold_release(bide_hold *hold);

/*
 * Uses up the permits of a semaphore: the hold holds nothing afterwards, and the semaphore has so
 * many permits fewer, which bide_semaphore_add may replace. If nothing is held, it does nothing. A
 * hold that holds a mutex, one for which a wait is pending, and NULL are misuse.
 */
BIDE_API void bide_hold_use_up(bide_hold *hold);

/* Returns true if something is held. NULL is misuse: false. */
BIDE_API bool bide_hold_is_held(const bide_hold *hold);

BIDE_END_DECLS
#endif
