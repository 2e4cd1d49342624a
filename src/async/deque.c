/*
 * deque.c - the deques of workers, but for the pushes and pops that bide/fork.h inlines. deque.h
 * has the protocol.
 */
#include "async/deque.h"

#include "base/assert.h"
#include "base/port.h"
#include "base/settings.h"
#include "base/spin.h"
#include "memory/allocator.h"

static uintptr_t no_ring; /* The ring of threads that have no deque. Pops read it. Always 0. */

void bide_deque_none_(bide_thread_head *head)
{
	__builtin_memset(&head->deque, 0, sizeof head->deque);
	head->deque.ring = &no_ring;
}

bool bide_deque_init_(bide_thread_head *head)
{
	bide_deque *deque = &head->deque;
	uintptr_t *ring = bide_allocate_(BIDE_DEQUE_ENTRIES_ * sizeof *ring, 64);

	if (!ring)
		return false;
	__builtin_memset(ring, 0, BIDE_DEQUE_ENTRIES_ * sizeof *ring);
	deque->ring = ring;
	deque->mask = BIDE_DEQUE_ENTRIES_ - 1;
	deque->no_membarrier = !bide_port_heavy_fence_();
	return true;
}

void bide_deque_free_(bide_thread_head *head)
{
	if (head->deque.mask)
		bide_deallocate_(head->deque.ring, BIDE_DEQUE_ENTRIES_ * sizeof *head->deque.ring);
	bide_deque_none_(head);
}

/*
 * Returns true if every push and pop takes the slow path, because there is no heavy fence, or so
 * that debug mode checks every fork.
 */
static bool is_careful(const bide_deque *deque)
{
	return deque->no_membarrier || bide_debug_;
}

static uintptr_t *place(bide_deque *deque, uint32_t index)
{
	return &deque->ring[index & deque->mask];
}

/*
 * Returns true for 0, for a frame with its mark alone, and for a fork with or without
 * BIDE_ENTRY_SLOW_.
 */
static bool is_entry(uintptr_t entry)
{
	uintptr_t marks = entry & (BIDE_ENTRY_FRAME_ | BIDE_ENTRY_SLOW_);

	return entry == 0 || (entry > marks && (entry & 7) == marks &&
	                      marks != (BIDE_ENTRY_FRAME_ | BIDE_ENTRY_SLOW_));
}

/*
 * Returns an entry as a caller gets it: without the mark SLOW. A fork without that mark has no
 * context, and its `context` is set to that here.
 */
static uintptr_t taken(uintptr_t entry)
{
	if (entry & BIDE_ENTRY_FRAME_ || entry == 0)
		return entry;
	if (entry & BIDE_ENTRY_SLOW_)
		return entry & ~(uintptr_t)BIDE_ENTRY_SLOW_;
	((bide_fork *)entry)->context = 0;
	return entry;
}

/* Owner: stores bottom, and keeps limit equal to it if every push takes the slow path. */
static void set_bottom(bide_deque *deque, uint32_t bottom)
{
	BIDE_STORE(&deque->bottom, bottom, RELEASE); /* Pairs with the acquire of a thief. */
	if (is_careful(deque))
		deque->limit = bottom;
}

/*
 * Owner: sets limit anew. Returns false if the deque is full. The last thief that moved top may
 * still read the places below it, or put some of them back. So if there is little room, the owner
 * loads top under the lock.
 */
static bool raise_limit(bide_deque *deque)
{
	uint32_t bottom = deque->bottom, limit;

	/* An acquire: the thieves before that one have read their entries. */
	limit = BIDE_LOAD(&deque->top, ACQUIRE) + deque->mask - BIDE_DEQUE_GIVEN_;
	if ((int32_t)(limit - bottom) <= 0) {
		if (deque->mask == 0)
			return false;
		bide_spin_lock_(&deque->stealing);
		limit = deque->top + deque->mask;
		bide_spin_unlock_(&deque->stealing);
	}
	if ((int32_t)(limit - bottom) <= 0)
		return false;
	deque->limit = limit;
	return true;
}

bool bide_deque_owner_push_quietly_(bide_thread_head *head, uintptr_t entry)
{
	bide_deque *deque = &head->deque;
	uint32_t bottom = deque->bottom;

	BIDE_ASSERT_(entry != 0 && is_entry(entry));
	if (BIDE_UNLIKELY(bottom == deque->limit) && !raise_limit(deque))
		return false;
	BIDE_STORE(place(deque, bottom), entry, RELAXED);
	set_bottom(deque, bottom + 1);
	return true;
}

bool bide_deque_owner_push_(bide_thread_head *head, uintptr_t entry)
{
	bide_deque *deque = &head->deque;

	if (!bide_deque_owner_push_quietly_(head, entry))
		return false;
	/* The load follows the push. A worker that falls asleep sets it (runtime/sleep.h). */
	BIDE_LIGHT_FENCE();
	if (deque->no_membarrier)
		BIDE_FENCE(SEQ_CST);
	if (BIDE_LOAD(&deque->wanted, RELAXED))
		bide_port_offer_(head);
	return true;
}

/*
 * Owner: takes the entry at index, which is bottom - 1. Returns false if a thief has it, or if
 * the deque is empty.
 */
static bool claim_newest(bide_deque *deque, uint32_t index)
{
	bool mine;

	if (deque->no_membarrier) {
		BIDE_STORE(&deque->bottom, index, SEQ_CST); /* Pairs with the store by a thief (deque.h). */
		mine = (int32_t)(index - BIDE_LOAD(&deque->top, SEQ_CST)) >= 0;
	} else {
		BIDE_STORE(&deque->bottom, index, RELEASE); /* A release, as deque.h says. */
		BIDE_LIGHT_FENCE();                         /* Pairs with the heavy fence of a thief. */
		mine = (int32_t)(index - BIDE_LOAD(&deque->top, RELAXED)) >= 0;
	}
	if (!mine) {
		BIDE_STORE(&deque->bottom, index + 1, RELEASE);
		bide_spin_lock_(&deque->stealing);
		mine = (int32_t)(index - BIDE_LOAD(&deque->top, RELAXED)) >= 0;
		if (mine)
			BIDE_STORE(&deque->bottom, index, RELEASE); /* The unlock would be enough. */
		bide_spin_unlock_(&deque->stealing);
	}
	if (is_careful(deque))
		deque->limit = deque->bottom;
	return mine;
}

uintptr_t bide_deque_owner_pop_(bide_thread_head *head)
{
	bide_deque *deque = &head->deque;

	while (bide_deque_size_(head) > 0) {
		uint32_t index = deque->bottom - 1;
		uintptr_t entry = BIDE_LOAD(place(deque, index), RELAXED);

		if (claim_newest(deque, index) && entry != 0)
			return taken(entry);
	}
	return 0;
}

uintptr_t bide_deque_owner_pop_oldest_(bide_thread_head *head)
{
	bide_deque *deque = &head->deque;
	uintptr_t entry = 0;
	uint32_t top;

	if (bide_deque_size_(head) == 0)
		return 0;
	/* Under the lock no thread but this one moves top or bottom, so no fence is needed. */
	bide_spin_lock_(&deque->stealing);
	for (top = deque->top; entry == 0 && (int32_t)(deque->bottom - top) > 0; top++)
		entry = BIDE_LOAD(place(deque, top), RELAXED);
	BIDE_STORE(&deque->top, top, RELAXED);
	bide_spin_unlock_(&deque->stealing);
	return taken(entry);
}

/* Copies entries from `top` on, but not those that were joined out of turn. */
static void copy(bide_deque *deque, uint32_t top, uint32_t count, bide_deque_loot *loot)
{
	loot->count = 0;
	for (uint32_t i = 0; i < count; i++) {
		uintptr_t entry = BIDE_LOAD(place(deque, top + i), RELAXED);

		if (entry)
			loot->entry[loot->count++] = taken(entry);
	}
}

/*
 * Takes the oldest entries, under the lock. Returns false if there is none. Otherwise the loot is
 * empty if their forks were joined out of turn.
 */
static bool steal_some(bide_deque *deque, unsigned max, bide_deque_loot *loot)
{
	uint32_t top = BIDE_LOAD(&deque->top, RELAXED), count;
	int32_t size = (int32_t)(BIDE_LOAD(&deque->bottom, RELAXED) - top);

	if (size <= 0)
		return false;
	count = (uint32_t)(size - size / 2);
	count = count < max ? count : max;
	/*
	 * Also a release: a push that finds the places before these free comes after the thief that
	 * read the entries there.
	 */
	BIDE_STORE(&deque->top, top + count, SEQ_CST);
	(void)bide_port_heavy_fence_(); /* Pairs with the light fence of the owner. */
	/* Also an acquire, for what the entries point at: pairs with the push. */
	size = (int32_t)(BIDE_LOAD(&deque->bottom, SEQ_CST) - top);
	if (size < (int32_t)count) {
		/* The owner has popped down to there, or will find that it cannot pop further. */
		count = size > 0 ? (uint32_t)size : 0;
		BIDE_STORE(&deque->top, top + count, RELEASE);
	}
	copy(deque, top, count, loot);
	return count > 0;
}

bool bide_deque_thief_steal_some_(bide_thread_head *victim, unsigned max, bide_deque_loot *loot)
{
	bide_deque *deque = &victim->deque;

	loot->count = 0;
	if (bide_deque_size_(victim) == 0 || BIDE_LOAD(&deque->stealing, RELAXED) != 0 ||
	    BIDE_SWAP(&deque->stealing, 1u, ACQUIRE) != 0)
		return false;
	while (steal_some(deque, max, loot) && loot->count == 0)
		;
	bide_spin_unlock_(&deque->stealing);
	return loot->count > 0;
}

uintptr_t bide_deque_thief_steal_(bide_thread_head *victim)
{
	bide_deque_loot loot;

	return bide_deque_thief_steal_some_(victim, 1, &loot) ? loot.entry[0] : 0;
}

/* --- asking --- */

/* The word `asked`: one of these, and for the last two a count. */
enum { NONE = 0, ASK = 0, ANSWER = 16 };
BIDE_STATIC_ASSERT(BIDE_DEQUE_GIVEN_ + 0 < ANSWER + 0, "an ask is below all answers");

bool bide_deque_thief_ask_(bide_thread_head *victim, unsigned max)
{
	bide_deque *deque = &victim->deque;
	uint32_t none = NONE;

	BIDE_ASSERT_(max > 0 && max <= BIDE_DEQUE_GIVEN_);
	/* An acquire, too: the thief that asked before has read what was given to it. */
	if (BIDE_LOAD(&deque->asked, RELAXED) != NONE ||
	    !BIDE_CAS(&deque->asked, &none, ASK + max, SEQ_CST, RELAXED))
		return false;
	BIDE_STORE(&deque->wanted, 1u, SEQ_CST); /* Pairs with the owner's reset of `wanted`. */
	return true;
}

/* Takes the answer, which the caller has seen with acquire. */
static void take_answer(bide_deque *deque, uint32_t answer, bide_deque_loot *loot)
{
	loot->count = answer - ANSWER;
	BIDE_ASSERT_(answer >= ANSWER && loot->count <= BIDE_DEQUE_GIVEN_);
	for (unsigned i = 0; i < loot->count; i++)
		loot->entry[i] = taken(deque->given[i]);
	BIDE_STORE(&deque->asked, (uint32_t)NONE, RELEASE); /* Pairs with the next ask. */
}

bool bide_deque_thief_look_(bide_thread_head *victim, bide_deque_loot *loot)
{
	bide_deque *deque = &victim->deque;
	uint32_t word = BIDE_LOAD(&deque->asked, ACQUIRE); /* Pairs with the answer. */

	if (word < ANSWER)
		return false;
	take_answer(deque, word, loot);
	return true;
}

bool bide_deque_thief_take_back_(bide_thread_head *victim, bide_deque_loot *loot)
{
	bide_deque *deque = &victim->deque;
	uint32_t word = BIDE_LOAD(&deque->asked, RELAXED);

	/* The acquire pairs with the answer. */
	if (word < ANSWER && BIDE_CAS(&deque->asked, &word, (uint32_t)NONE, ACQUIRE, ACQUIRE))
		return false;
	return bide_deque_thief_look_(victim, loot);
}

/* Copies the oldest entries into `given`, under the lock. Returns the first that is not given. */
static uint32_t give(bide_deque *deque, uint32_t max, uint32_t *count)
{
	uint32_t top = deque->top, end = top + (deque->bottom - top) / 2;

	for (*count = 0; *count < max && top != end; top++) {
		uintptr_t entry = BIDE_LOAD(place(deque, top), RELAXED);

		if (entry)
			deque->given[(*count)++] = entry;
	}
	return top;
}

void bide_deque_owner_answer_(bide_thread_head *head)
{
	bide_deque *deque = &head->deque;
	/* An acquire, too: the thief that asked before has read what was given to it. */
	uint32_t asked = BIDE_LOAD(&deque->asked, SEQ_CST), count, top;

	if (asked == NONE || asked >= ANSWER)
		return;
	/* If a thief has the lock, it takes by force, and the owner does not wait for its fence. */
	if (BIDE_SWAP(&deque->stealing, 1u, ACQUIRE) != 0) {
		(void)BIDE_CAS(&deque->asked, &asked, (uint32_t)ANSWER, RELEASE, RELAXED);
		return;
	}
	top = give(deque, asked - ASK, &count);
	/* A release, for what the entries point at. */
	if (BIDE_CAS(&deque->asked, &asked, ANSWER + count, RELEASE, RELAXED))
		BIDE_STORE(&deque->top, top, RELEASE); /* As by a thief: the places were read. */
	bide_spin_unlock_(&deque->stealing);
}

bool bide_deque_owner_keep_(bide_thread_head *head, uintptr_t entry)
{
	/* The context of a fork is set. */
	return bide_deque_owner_push_quietly_(head, entry & BIDE_ENTRY_FRAME_
	                                                ? entry
	                                                : entry | BIDE_ENTRY_SLOW_);
}

bool bide_deque_owner_is_empty_(bide_thread_head *head)
{
	bide_deque *deque = &head->deque;

	BIDE_ASSERT_IN_DEBUG_(bide_deque_is_valid_(head));
	/*
	 * A thief that comes after this fence sees what was pushed. A thief that has moved top before,
	 * which the last pop has seen, holds the lock, and the load below finds it held.
	 */
	BIDE_FENCE(SEQ_CST);
	/* Pairs with the unlock. Then top is final, because no thief moves it past bottom. */
	for (unsigned tries = 0; BIDE_LOAD(&deque->stealing, ACQUIRE) != 0; tries++)
		bide_port_wait_a_moment_(tries);
	return bide_deque_size_(head) == 0;
}

bool bide_deque_owner_remove_(bide_thread_head *head, bide_fork *fork)
{
	bide_deque *deque = &head->deque;
	uint32_t index = fork->source.index, bottom = deque->bottom;
	uintptr_t entry;

	/* The index says where the fork would be in the deque of the worker that forked it. */
	if ((int32_t)(bottom - index) <= 0 || bottom - index > deque->mask)
		return false;
	entry = BIDE_LOAD(place(deque, index), RELAXED);
	if ((entry & ~(uintptr_t)BIDE_ENTRY_SLOW_) != (uintptr_t)fork)
		return false;
	bide_spin_lock_(&deque->stealing);
	if ((int32_t)(index - deque->top) < 0) {
		bide_spin_unlock_(&deque->stealing);
		return false;
	}
	BIDE_STORE(place(deque, index), (uintptr_t)0, RELAXED);
	while ((int32_t)(bottom - deque->top) > 0 && BIDE_LOAD(place(deque, bottom - 1), RELAXED) == 0)
		bottom--;
	set_bottom(deque, bottom);
	bide_spin_unlock_(&deque->stealing);
	(void)taken(entry);
	return true;
}

/* Under the lock, by the owner. */
static bool is_valid(bide_deque *deque)
{
	uint32_t top = BIDE_LOAD(&deque->top, RELAXED), bottom = deque->bottom;

	/* A difference below 0 is larger than any mask. */
	BIDE_INVARIANT_(bottom - top <= deque->mask);
	BIDE_INVARIANT_(deque->limit - bottom <= deque->mask);
	BIDE_INVARIANT_(deque->limit - top <= deque->mask);
	BIDE_INVARIANT_(!is_careful(deque) || deque->limit == bottom);
	BIDE_INVARIANT_(BIDE_LOAD(&deque->asked, RELAXED) % ANSWER <= BIDE_DEQUE_GIVEN_);
	BIDE_INVARIANT_(BIDE_LOAD(&deque->asked, RELAXED) / ANSWER <= 1);
	for (uint32_t index = top; index != bottom; index++)
		BIDE_INVARIANT_(is_entry(BIDE_LOAD(place(deque, index), RELAXED)));
	return true;
}

bool bide_deque_is_valid_(bide_thread_head *head)
{
	bide_deque *deque = &head->deque;
	bool valid;

	BIDE_INVARIANT_((deque->mask & (deque->mask + 1)) == 0);
	BIDE_INVARIANT_((deque->mask == 0) == (deque->ring == &no_ring));
	bide_spin_lock_(&deque->stealing);
	valid = is_valid(deque);
	bide_spin_unlock_(&deque->stealing);
	return valid;
}
