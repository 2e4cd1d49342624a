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
 *     owner: bottom = b; light fence; load top      thief: top = t + n; heavy fence; load bottom
 *
 * So at least one of them sees the other. A thief that sees bottom < top was too late for what is
 * above bottom, and puts top back that far. An owner that sees top > bottom puts bottom back, and
 * decides under the lock, where no thief is on its way.
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
 * A thief reads its entries after it has moved top, so the owner must not write to their places
 * yet, and the thief may put top back by so many. Before the owner raises limit, it loads top with
 * acquire. That pairs with the release of top by the last thief, which had the lock after those
 * that have read. For this last one the owner keeps BIDE_DEQUE_GIVEN_ places free. If these are the
 * only ones, it loads top under the lock, where no thief is on its way.
 *
 * A fork that is joined out of turn is replaced by 0 under the lock. A thread that takes a 0 tries
 * again.
 *
 * A heavy fence interrupts the other processors, and the thief waits for them. So a thief asks the
 * owner first, by the word `asked`:
 *
 *     NONE           no thief asks                     -> ASK, by a thief
 *     ASK + n        a thief asks for n entries        -> NONE, if that thief takes the ask back
 *                                                      -> ANSWER, by the owner
 *     ANSWER + n     n entries are in `given`          -> NONE, by the thief that asked
 *
 * Each change of an ASK is a compare-and-swap. So an answer that is late finds that the ask was
 * taken back, and the owner keeps its entries; or the thief that takes the ask back finds the
 * answer, which it must take. The answer belongs to the thief that asks when it comes, even if it
 * was meant for another one.
 *
 * The thief sets `wanted` after it has asked, so the next push of the owner takes the slow path.
 * There the owner resets `wanted`, and then loads `asked`. All four accesses are sequentially
 * consistent: if the reset has overwritten the 1 of the thief, the owner sees the ask.
 *
 * The owner gives its oldest entries, at most half of what it has. So it gives nothing if it has
 * one entry only, which it is about to pop. It moves top under the lock, so no thief takes by force
 * meanwhile, and it needs no fence, because it is the thread that moves bottom. The answer is a
 * release: it publishes what the entries point at, as the push does to a thief that takes by force.
 *
 * An owner that runs one long function does not answer. The thief waits for some time, takes the
 * ask back, and takes by force, with the heavy fence.
 */
#ifndef BIDE_ASYNC_DEQUE_H
#define BIDE_ASYNC_DEQUE_H

#include "base/library.h"

enum { BIDE_DEQUE_ENTRIES_ = 1024 };

/* What a thief has taken at a time. The entries are as those that the functions below return. */
typedef struct bide_deque_loot {
	unsigned count;
	uintptr_t entry[BIDE_DEQUE_GIVEN_]; /* the oldest one first */
} bide_deque_loot;

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
 * Takes the oldest entry by force. Any thread. Returns 0 also if another thief is at work. Cost: a
 * system call that interrupts the other processors, 1 to 60 microseconds. So a caller that fails
 * waits before it tries again.
 */
BIDE_INTERNAL uintptr_t bide_deque_thief_steal_(bide_thread_head *victim);
/*
 * The same for at most `max` of the oldest entries, and at most half of them, rounded up. Returns
 * false if it took none.
 */
BIDE_INTERNAL bool bide_deque_thief_steal_some_(bide_thread_head *victim, unsigned max,
                                                bide_deque_loot *loot);
/*
 * Asks the owner for at most `max` of its oldest entries, 1 to BIDE_DEQUE_GIVEN_. Any thread but
 * the owner. Returns false if another thief asks already. A thread that has asked calls one of the
 * two functions below until the ask has ended.
 */
BIDE_INTERNAL bool bide_deque_thief_ask_(bide_thread_head *victim, unsigned max);
/*
 * Returns true if the answer has come, and takes it: loot->count is 0 if the owner has nothing to
 * give. The ask has ended then.
 */
BIDE_INTERNAL bool bide_deque_thief_look_(bide_thread_head *victim, bide_deque_loot *loot);
/*
 * Takes the ask back: the ask has ended. Returns true if the answer has come before, and takes it.
 */
BIDE_INTERNAL bool bide_deque_thief_take_back_(bide_thread_head *victim, bide_deque_loot *loot);
/* The owner answers a thief that asks, if there is one. */
BIDE_INTERNAL void bide_deque_owner_answer_(bide_thread_head *head);
/*
 * Adds what the owner has taken from another deque. Returns false if the deque is full. Wakes no
 * worker.
 */
BIDE_INTERNAL bool bide_deque_owner_keep_(bide_thread_head *head, uintptr_t entry);
/* Returns true if a thief waits for an answer. Any thread. */
static inline bool bide_deque_is_asked_(const bide_thread_head *head)
{
	/* SEQ_CST, for an owner that has reset `wanted`. */
	return BIDE_LOAD(&head->deque.asked, SEQ_CST) - 1 < BIDE_DEQUE_GIVEN_;
}
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
