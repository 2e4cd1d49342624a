/*
 * limiter.h - a limit on how often something is done: ten requests a second, a hundred mails an
 * hour.
 *
 *     static limiter requests;
 *     limiter_init(&requests, 10, BIDE_SECONDS(1), 20); // 10 each second, and 20 at once
 *     ...
 *     await(limiter_acquire(&requests, 1));
 *     await(send_request(...));
 *
 * A limiter has tokens, at most `burst` of them. It begins with all. In each period it gets
 * `tokens` new ones, evenly spread over the period. A call takes tokens, and waits until they are
 * there. Calculations are with integers, so a rate of 3 a second is kept exactly, however long the
 * limiter is in use.
 *
 * The functions that wait get their tokens in the order in which they came. A large request at the
 * head is not overtaken by a small one behind it. A wait that fails has taken no token, and what
 * waits behind it goes on at once if there are enough.
 *
 * A semaphore (semaphore.h) limits how many do something at the same time. A limiter limits how
 * many begin it in a time. Use both for a server that allows ten requests a second and four
 * connections.
 */
#ifndef BIDE_LIMITER_H
#define BIDE_LIMITER_H

#include "mutex.h"

/*
 * It lies in your memory, until nothing waits for it and no call on it runs. It has no end. After
 * bide_shutdown, and in the child of a fork, it goes on with the tokens that it has. What waited
 * before does not wait any more.
 */
typedef struct bide_limiter {
	/* The head of those that wait holds it. */
	bide_mutex turn_;
	uint32_t lock_;
	/* The life of the runtime in which they wait. */
	uint32_t life_;
	int64_t tokens_;
	int64_t period_ns_;
	/* In these, a token is period_ns_. */
	int64_t level_;
	int64_t level_max_;
	/* When the level was as it is. */
	int64_t at_ns_;
	/* How many wait. */
	uint64_t waiting_;
	uint64_t rest_;
} bide_limiter;
BIDE_STATIC_ASSERT(sizeof(bide_limiter) == 128, "part of the layout");

BIDE_BEGIN_DECLS

/*
 * Initialises a limiter: `tokens` in each period_ns, and at most `burst` of them at a time.
 * Returns 0, or EINVAL (misuse) if limiter is NULL, another argument is not above 0, or burst *
 * period_ns is above INT64_MAX / 2.
 */
BIDE_API int bide_limiter_init(bide_limiter *limiter, int64_t tokens, int64_t period_ns,
                               int64_t burst);

/*
 * Returns a value task that is ready when `count` tokens were taken. It is ready at once if they
 * are there and nothing waits. count is 1 to burst; else it is misuse, EINVAL, as is NULL, and a
 * limiter that is not initialised.
 *
 * It fails with the error of its context, if that is canceled before the tokens were taken, or at
 * the call; with ENOMEM. Then it has taken no token. A wait that is forgotten keeps its place
 * until its tokens are there, and takes none; cancel its context to end it at once.
 *
 * Any thread. Cost: a lock. A wait takes a frame from a pool, and a waiter of the mutex or a timer.
 * However many wait, one timer is armed, for the first of them.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_limiter_acquire(bide_limiter *limiter, int64_t count);

/*
 * Returns true if the tokens were there and nothing waited; they are taken. It never waits, and
 * does not look at the context. Misuse returns false.
 */
BIDE_API bool bide_limiter_try_acquire(bide_limiter *limiter, int64_t count);

BIDE_END_DECLS
#endif
