/*
 * mutex.h - a mutex that async functions wait for without blocking a thread.
 *
 * It is for a function that has to await something while no other function may come in between: a
 * connection on which requests take turns, a cache entry that is made once. Where no await comes in
 * between, a mutex of the system is cheaper, and a strand (executor.h) needs none at all.
 *
 * The functions that wait get the mutex in the order in which they came: a release hands it to the
 * first of them. A mutex lies in your memory, and all zero bits are one that is free. You may free
 * that memory as soon as nothing holds the mutex, nothing waits for it, and no call on it runs; a
 * call of bide_hold_release counts as over when another function has got the mutex by it.
 */
#ifndef BIDE_MUTEX_H
#define BIDE_MUTEX_H

#include "hold.h"
#include "value_task.h"
#include "wait_queue.h"

typedef struct bide_mutex {
	uint64_t state_;
	bide_wait_queue_ queue_;
	uint64_t rest_[4];
} bide_mutex;
BIDE_STATIC_ASSERT(sizeof(bide_mutex) == 64, "part of the layout");

BIDE_BEGIN_DECLS

/*
 * Makes a free mutex of memory with any contents. Returns 0, or EINVAL (misuse) if mutex is NULL.
 */
BIDE_API int bide_mutex_init(bide_mutex *mutex);

/*
 * Returns a value task that is ready when the mutex is held, with the result 1. It is ready at once
 * if the mutex is free. The hold must hold nothing, and must stay in its place until the wait is
 * over.
 *
 * It fails with the error of its context, if that is canceled before the mutex was granted, or at
 * the call; with BIDE_EBROKEN, if the mutex is ended; with ENOMEM. Then nothing is held.
 * If the value task is forgotten, the wait ends at once. Look at the hold then: it may hold the
 * mutex already.
 *
 * Misuse: EINVAL for NULL; EDEADLK if the hold holds this mutex; EBUSY if it holds something else,
 * or another wait for the hold is pending; BIDE_EBROKEN if the mutex was ended.
 *
 * Any thread; a thread that is no worker waits with bide_value_task_wait. Cost: a compare-and-swap;
 * a wait takes 96 bytes from a pool, or 144 in a context that can be canceled.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_mutex_hold(bide_mutex *mutex, bide_hold *hold);

/*
 * Tries for at most timeout_ns nanoseconds what bide_mutex_hold does. The result 1 says that the
 * mutex is held. At the limit it succeeds with the result 0, and nothing is held: look at the
 * result. With 0 it never waits. A number below zero is misuse: EINVAL. A wait takes some 200 bytes
 * from a pool, and a timer.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_mutex_try_hold_for(bide_mutex *mutex, bide_hold *hold,
                                                                 int64_t timeout_ns);

/*
 * Returns true if the mutex was free, and is held now. It never waits, and does not look at the
 * context. Misuse is that of bide_mutex_hold, and returns false.
 */
BIDE_API bool bide_mutex_try_hold(bide_mutex *mutex, bide_hold *hold);

/*
 * Ends the mutex: the functions that wait fail with BIDE_EBROKEN. A later call with it is misuse,
 * except to release what is still held. Needed only if functions may be waiting. NULL is misuse.
 */
BIDE_API void bide_mutex_end(bide_mutex *mutex);

BIDE_END_DECLS
#endif
