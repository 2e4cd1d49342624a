/*
 * deque.h - a worker's deque: forks and continuations, of which the owner takes the newest and
 * thieves take the oldest.
 *
 * The THE protocol. Entries top to bottom - 1 are in it; both numbers only compare by their
 * difference. The owner moves bottom: up by a push, down by a pop. Thieves move top up, one at a
 * time, under the lock `stealing`. When both want the last entry, each stores its own number and
 * then loads the other's:
 *
 *     owner: bottom = b; light fence; load top      thief: top = t + 1; heavy fence; load bottom
 *
 * so at least one of them sees the other. A thief that sees bottom < top was too late and puts top
 * back. An owner that sees top > bottom puts bottom back and decides under the lock, where no thief
 * is on its way. The light fence only binds the compiler; the heavy one (bide_port_heavy_fence_)
 * has every other processor pass a fence of its own. Where there is none (`no_membarrier`), the
 * stores and loads of both are sequentially consistent, and pushes and pops all take the slow path:
 * limit is kept equal to bottom, and entries carry BIDE_ENTRY_SLOW_.
 *
 * The push publishes what an entry points at (release of bottom; acquire by the thief), which then
 * belongs to the thread that takes the entry. Every store of bottom is a release, also that of a
 * pop, because a thief may read this one for an entry that was pushed before. The ring has one more
 * place than the deque holds: a thief reads its entry after it has moved top, so the owner must
 * not write there yet. The owner loads top (acquire) before it writes to a place again. This pairs
 * with the release of top by the next thief, which had the lock after the thief that read.
 *
 * A fork that is joined out of turn is replaced by 0 under the lock; a thread that takes a 0 tries
 * again.
 */
#ifndef BIDE_DEQUE_H
#define BIDE_DEQUE_H

#include "base/library.h"

enum { BIDE_DEQUE_ENTRIES_ = 1024 };

/* The ring for a worker; false: no memory, and every push is refused as if the deque were full. */
BIDE_INTERNAL bool bide_deque_init_(bide_thread_head *head);
/* Gives it back. What was in it is forgotten. */
BIDE_INTERNAL void bide_deque_free_(bide_thread_head *head);
/* A worker without a deque. */
BIDE_INTERNAL void bide_deque_none_(bide_thread_head *head);

/*
 * Owner: adds an entry: a bide_fork (perhaps with BIDE_ENTRY_SLOW_), or a frame with
 * BIDE_ENTRY_FRAME_. If another worker wants work, wakes it. false: full.
 */
BIDE_INTERNAL bool bide_deque_owner_push_(bide_thread_head *head, uintptr_t entry);
/* The same, but wakes no worker. */
BIDE_INTERNAL bool bide_deque_owner_push_quietly_(bide_thread_head *head, uintptr_t entry);
/*
 * The functions below return an entry, or 0 if there is none. The entry is the caller's: a
 * bide_fork (bide_fork_run_), whose context is set, or a frame with bit 0 set.
 */
/* Owner: the newest. Two instructions more than a load and a store. */
BIDE_INTERNAL uintptr_t bide_deque_owner_pop_(bide_thread_head *head);
/* Owner: the oldest, so that it does not wait for ever. One locked instruction. */
BIDE_INTERNAL uintptr_t bide_deque_owner_pop_oldest_(bide_thread_head *head);
/*
 * Any thread: the oldest. Also 0 if another thief is at it. Cost: a system call that interrupts the
 * other processors, about a microsecond: look at bide_deque_size_ first, and back off.
 */
BIDE_INTERNAL uintptr_t bide_deque_thief_steal_(bide_thread_head *victim);
/* Owner: takes this fork, which must be live; false: it is not in the deque any more. */
BIDE_INTERNAL bool bide_deque_owner_remove_(bide_thread_head *head, bide_fork *fork);

/*
 * Owner: true if the deque is empty. Waits for a thief that is on its way, because it may put back
 * what it seems to have taken.
 */
BIDE_INTERNAL bool bide_deque_owner_is_empty_(bide_thread_head *head);

/*
 * Owner: returns true if the deque is as its invariants say. Otherwise names the broken one. Waits
 * for a thief that is on its way.
 */
BIDE_INTERNAL bool bide_deque_is_valid_(bide_thread_head *head);

/* Any thread: how many there were a moment ago. */
static inline uint32_t bide_deque_size_(const bide_thread_head *head)
{
	uint32_t top = BIDE_LOAD(&head->deque.top, RELAXED);
	int32_t size = (int32_t)(BIDE_LOAD(&head->deque.bottom, RELAXED) - top);

	return size > 0 ? (uint32_t)size : 0;
}

#endif
