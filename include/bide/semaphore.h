/*
 * semaphore.h - permits that async functions wait for without blocking a thread.
 *
 * A semaphore limits how many functions do something at a time: eight requests to a server, sixteen
 * open files. A function takes one permit or several into a hold (hold.h), and releases it:
 *
 *     static semaphore requests = BIDE_SEMAPHORE(8, 8);
 *
 *     await(semaphore_hold(&requests, 1, &my->hold));
 *     ...
 *     hold_release(&my->hold);
 *
 * The functions that wait get permits in the order in which they came. A large request at the head
 * is not overtaken by a small one behind it.
 *
 * Permits can also be made and used up: a producer adds them by bide_semaphore_add, and a consumer
 * uses up by bide_hold_use_up what it has taken.
 *
 * A semaphore lies in your memory. All zero bits are one without permits and without a maximum. You
 * may free that memory as soon as nothing holds permits, nothing waits for them, and no call on it
 * runs; a call that gave permits counts as over when another function has got them.
 */
#ifndef BIDE_SEMAPHORE_H
#define BIDE_SEMAPHORE_H

#include "hold.h"
#include "value_task.h"
#include "wait_queue.h"

typedef struct bide_semaphore {
	uint64_t state_;
	bide_wait_queue_ queue_;
	int64_t max_;
	/* Permits that are available, and those in holds. */
	int64_t total_;
	uint64_t rest_[2];
} bide_semaphore;
BIDE_STATIC_ASSERT(sizeof(bide_semaphore) == 64, "part of the layout");

/* The largest count and maximum. */
#define BIDE_SEMAPHORE_MAX (INT64_MAX / 4)

/*
 * Initialises a semaphore: `count` permits are available, and there are never more than `max`
 * altogether, in holds or not. 0 <= count <= max, and 1 <= max <= BIDE_SEMAPHORE_MAX. Otherwise
 * each call on the semaphore is misuse: EINVAL. A max of 0 is none.
 */
#define BIDE_SEMAPHORE(count, max)                                                     \
	{                                                                                  \
		(uint64_t)(count) * 4, { 0, 0, NULL, NULL }, (int64_t)(max), (int64_t)(count), \
		{                                                                              \
			0                                                                          \
		}                                                                              \
	}

BIDE_BEGIN_DECLS

/*
 * Makes a semaphore of memory with any contents. Returns 0, or EINVAL (misuse) if semaphore is
 * NULL, or count or max is out of range.
 */
BIDE_API int bide_semaphore_init(bide_semaphore *semaphore, int64_t count, int64_t max);

/*
 * Returns a value task that is ready when the hold has `count` permits, with the result 1. It is
 * ready at once if they are available and nothing waits. count is 1 to the maximum of the
 * semaphore.
 *
 * Errors, misuse, threads and costs are those of bide_mutex_hold (mutex.h). A count out of range is
 * misuse: EINVAL.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_semaphore_hold(bide_semaphore *semaphore,
                                                             int64_t count, bide_hold *hold);

/*
 * Tries for at most timeout_ns nanoseconds what bide_semaphore_hold does. At the limit it succeeds
 * with the result 0, and nothing is held: look at the result. With 0 it never waits. A number below
 * zero is misuse: EINVAL.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_semaphore_try_hold_for(bide_semaphore *semaphore,
                                                                     int64_t count, bide_hold *hold,
                                                                     int64_t timeout_ns);

/*
 * Returns true if the permits were available and nothing waited, and they are held now. It never
 * waits, and does not look at the context. Misuse returns false.
 */
BIDE_API bool bide_semaphore_try_hold(bide_semaphore *semaphore, int64_t count, bide_hold *hold);

/*
 * Adds permits that no hold has. Returns 0; or EOVERFLOW, and adds none, if there would be more
 * than the maximum, with those that are held; EINVAL (misuse) if semaphore is NULL or count is not
 * 1 to the maximum; BIDE_EBROKEN (misuse) if the semaphore was ended. Any thread.
 */
BIDE_API BIDE_USE_RESULT int bide_semaphore_add(bide_semaphore *semaphore, int64_t count);

/*
 * Returns how many permits are available. Others may take them at the same time. It may be asked
 * after the end, too. NULL is misuse: 0.
 */
BIDE_API int64_t bide_semaphore_count(const bide_semaphore *semaphore);

/*
 * Ends the semaphore: the functions that wait fail with BIDE_EBROKEN. A later call with it is
 * misuse, except to release what is still held, and to count. Needed only if functions may be
 * waiting. NULL is misuse.
 */
BIDE_API void bide_semaphore_end(bide_semaphore *semaphore);

BIDE_END_DECLS
#endif
