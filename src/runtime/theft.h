/*
 * theft.h - how a worker takes entries from the deque of another one (async/deque.h): it asks, and
 * takes by force if the owner does not answer. All of this is for the thief itself.
 *
 * An owner that pushes, or that ends a function, answers within a microsecond. One that runs a long
 * function does not. So the thief waits about twice as long as a heavy fence takes (fence.h), and
 * then passes one. While the thief waits, it looks for other work.
 *
 * Both ways disturb the owner, so the thief weighs each theft: how long what it brought has kept
 * this worker busy, against what it cost. After a vain one it leaves the deques alone for a while,
 * twice as long each time. If the owner had more to give, the thief asks for more entries instead.
 */
#ifndef BIDE_RUNTIME_THEFT_H
#define BIDE_RUNTIME_THEFT_H

#include "base/count.h"
#include "runtime/worker.h"

/* The worker has nothing to run. Weighs its last theft. */
BIDE_INTERNAL void bide_theft_weigh_(bide_worker *thief, int64_t now_ns);
/*
 * Takes from the victim, which has something, or begins to ask it. Returns an entry, or 0. What the
 * thief has taken beside is in its own deque and ring.
 */
BIDE_INTERNAL uintptr_t bide_theft_try_(bide_worker *thief, bide_worker *victim, int64_t now_ns);
/*
 * Goes on with a theft, if the thief asks for one: returns what was given, or what it has taken by
 * force because the time is over. Returns 0 if there is nothing (yet).
 */
BIDE_INTERNAL uintptr_t bide_theft_go_on_(bide_worker *thief, int64_t now_ns);
/* The thief has found something else: it takes back what it asks for, or keeps what was given. */
BIDE_INTERNAL void bide_theft_end_(bide_worker *thief);

/*
 * Returns true if the thief waits for an answer, or leaves the deques alone for a while. It should
 * not sleep yet: their owners would wake it for what it leaves alone.
 */
static inline bool bide_theft_waits_(const bide_worker *thief, int64_t now_ns)
{
	return thief->theft.victim || now_ns < thief->theft.next_ns;
}

/*
 * The caller took something from the victim. lone: the victim had nothing else. What is left may be
 * one entry, which no later push tells of.
 */
static inline void bide_worker_count_theft_(bide_worker *victim, bool lone)
{
	BIDE_STORE(&victim->told, !lone, RELAXED);
	bide_count_(BIDE_COUNT_THEFTS_, 1);
	bide_count_(BIDE_COUNT_LONE_THEFTS_, lone);
}

#endif
