/*
 * deque.h - the deque of a worker: forks and continuations. The owner takes the newest entry, and
 * thieves take the oldest. The names of the functions say which thread may call them.
 *
 * This is the THE protocol. The numbers top and bottom count up and wrap around, so two of them are
 * compared by their difference. With no thief on its way, these hold for the owner:
 *
 *     the entries are ring[i & mask] for top <= i < bottom
 *     0 <= bottom - top <= mask, where the ring has mask + 1 places
 *     bottom <= limit <= top + mask
 *     limit == bottom, if every push has to take the slow path
 *
 * The owner alone moves bottom: up by a push, down by a pop. Thieves move top, up, one thief at a
 * time, under the lock `stealing`. If both want the last entry, each stores its own number and then
 * loads the other:
 *
 *     owner: bottom = b; light fence; load top      thief: top = t + 1; heavy fence; load bottom
 *
 * So at least one of them sees the other. A thief that sees bottom < top was too late, and puts top
 * back. An owner that sees top > bottom puts bottom back, and decides under the lock, where no
 * thief is on its way.
 *
 * The light fence binds the compiler alone. The heavy fence (bide_port_heavy_fence_) makes every
 * other processor pass a fence of its own. If the system has no heavy fence (`no_membarrier`), the
 * stores and loads of both sides are sequentially consistent, and all pushes and pops take the slow
 * path: limit is kept equal to bottom, and entries carry BIDE_ENTRY_SLOW_.
 *
 * A push publishes what the entry points at: the store of bottom is a release, and the thief loads
 * bottom with acquire. The entry then belongs to the thread that takes it. A pop stores bottom with
 * release too, because a thief may read that store for an entry that was pushed before.
 *
 * The deque holds one entry less than the ring has places, because a thief reads its entry after it
 * has moved top, and the owner must not write to that place yet. Before the owner writes to a place
 * again, it loads top with acquire. That pairs with the release of top by the next thief, which had
 * the lock after the thief that read.
 *
 * A fork that is joined out of turn is replaced by 0 under the lock. A thread that takes a 0 tries
 * again.
 */
#ifndef BIDE_ASYNC_DEQUE_H
#define BIDE_ASYNC_DEQUE_H

#include "base/library.h"

enum { BIDE_DEQUE_ENTRIES_ = 1024 };

/*
 * Allocates the ring of a worker. Returns false if there is no memory; then every push is refused,
 * as if the deque were full.
 */
BIDE_INTERNAL bool bide_deque_init_(bide_thread_head *head);
/* Frees the ring. What was in it is forgotten. */
BIDE_INTERNAL void bide_deque_free_(bide_thread_head *head);
/* Sets up a thread without a deque. */
BIDE_INTERNAL void bide_deque_none_(bide_thread_head *head);

/*
 * Adds an entry: a bide_fork, perhaps with BIDE_ENTRY_SLOW_, or a frame with BIDE_ENTRY_FRAME_. If
 * another worker wants work, wakes it. Returns false if the deque is full.
 */
BIDE_INTERNAL bool bide_deque_owner_push_(bide_thread_head *head, uintptr_t entry);
/* Does the same, but wakes no worker. */
BIDE_INTERNAL bool bide_deque_owner_push_quietly_(bide_thread_head *head, uintptr_t entry);
/*
 * The functions below return an entry, or 0 if there is none. The entry belongs to the caller. It
 * is a bide_fork, whose context is set, for bide_fork_run_, or a frame with bit 0 set.
 */
/* Takes the newest entry. Cost: two instructions more than a load and a store. */
BIDE_INTERNAL uintptr_t bide_deque_owner_pop_(bide_thread_head *head);
/* Takes the oldest entry, so that it does not wait for ever. Cost: one locked instruction. */
BIDE_INTERNAL uintptr_t bide_deque_owner_pop_oldest_(bide_thread_head *head);
/*
 * Takes the oldest entry. Any thread. Returns 0 also if another thief is at work. Cost: a system
 * call that interrupts the other processors, about a microsecond. So a caller that fails waits
 * before it tries again.
 */
BIDE_INTERNAL uintptr_t bide_deque_thief_steal_(bide_thread_head *victim);
/* Takes out this fork, which must be live. Returns false if it is not in the deque any more. */
BIDE_INTERNAL bool bide_deque_owner_remove_(bide_thread_head *head, bide_fork *fork);

/*
 * Returns true if the deque is empty. Waits for a thief that is on its way, because that thief may
 * put back what it seems to have taken.
 */
BIDE_INTERNAL bool bide_deque_owner_is_empty_(bide_thread_head *head);

/*
 * Returns true if the equations above hold, for the owner. Otherwise names the broken one. Waits
 * for a thief that is on its way.
 */
BIDE_INTERNAL bool bide_deque_is_valid_(bide_thread_head *head);

/* Returns how many entries there were a moment ago. Any thread. */
static inline uint32_t bide_deque_size_(const bide_thread_head *head)
{
	uint32_t top = BIDE_LOAD(&head->deque.top, RELAXED);
	int32_t size = (int32_t)(BIDE_LOAD(&head->deque.bottom, RELAXED) - top);

	return size > 0 ? (uint32_t)size : 0;
}

#endif
