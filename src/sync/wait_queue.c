/*
 * wait_queue.c - see wait_queue.h.
 */
#include "sync/wait_queue.h"

uint32_t bide_wait_forks_;

void bide_wait_fork_(void)
{
	bide_wait_forks_++;
}

/*
 * How many pauses a thread makes that finds the lock held, before it looks again: a microsecond.
 * Each look takes the cache line from the holder, which then waits for the line to unlock. While
 * the thread stays away, the holder makes dozens of calls, each in less time than the line takes to
 * move. With 1 pause, the benchmark channel_4_4_2 is six times slower.
 */
#ifdef BIDE_EXPLORE
enum { PAUSES = 1 };
#else
enum { PAUSES = 64 };
#endif

/*
 * A holder that is not preempted is through in less than a microsecond. So a thread looks for a
 * while before it gives its processor up, which can cost it 50 us: once in 16 tries.
 */
static void wait_a_moment(unsigned tries)
{
	bide_port_wait_a_moment_(tries / 16);
}

void bide_wait_lock_slowly_(bide_wait_queue_ *queue, uint32_t key, uint32_t before)
{
	for (unsigned tries = 0; before == key; tries += PAUSES) {
		for (int i = 1; i < PAUSES; i++)
			BIDE_RELAX();
		wait_a_moment(tries);
		/* It looks before it swaps, because a swap takes the line from the holder. */
		if (BIDE_LOAD(&queue->lock, RELAXED) != key)
			before = BIDE_SWAP(&queue->lock, key, ACQUIRE);
	}
	bide_wait_locked_(queue, key, before);
}

void bide_wait_settle_slowly_(bide_wait_queue_ *queue)
{
	bide_wait_lock_(queue);
	bide_wait_unlock_(queue);
}

void bide_wait_append_to_(bide_wait_queue_ *queue, unsigned list, bide_wait_link_ *link)
{
	bide_wait_queue_ *to = queue + list;

	BIDE_ASSERT_(list < BIDE_LISTS_MAX_);
	link->next = NULL;
	link->previous = to->last;
	if (to->last)
		to->last->next = link;
	else
		to->first = link;
	to->last = link;
	to->count++;
	link->key = bide_wait_key_();
	/* Pairs with the acquire of bide_wait_withdraw_. */
	BIDE_STORE(&link->queue, (uintptr_t)to | (uintptr_t)list * BIDE_LIST_, RELEASE);
}

static void unlink(bide_wait_queue_ *list, bide_wait_link_ *link)
{
	*(link->previous ? &link->previous->next : &list->first) = link->next;
	*(link->next ? &link->next->previous : &list->last) = link->previous;
	list->count--;
}

void bide_wait_take_(bide_wait_queue_ *list, bide_wait_link_ *link)
{
	uintptr_t here = BIDE_LOAD(&link->queue, RELAXED) & ~(uintptr_t)BIDE_PINNED_, seen;

	BIDE_ASSERT_(bide_wait_list_of_(here) == list);
	unlink(list, link);
	/*
	 * The acquire pairs with the release of a pin: the stray has left the object. The release pairs
	 * with the acquire of bide_wait_withdraw_: it finds what the link gets.
	 */
	for (unsigned tries = 0;; tries++) {
		seen = here;
		if (BIDE_CAS(&link->queue, &seen, (uintptr_t)0, ACQ_REL, RELAXED))
			return;
		while (BIDE_LOAD(&link->queue, RELAXED) & BIDE_PINNED_)
			wait_a_moment(tries++);
	}
}

bide_wait_queue_ *bide_wait_withdraw_(bide_wait_link_ *link)
{
	bide_wait_queue_ *queue;
	uintptr_t seen;

	for (unsigned tries = 0;; tries++) {
		seen = BIDE_LOAD(&link->queue, ACQUIRE);
		if (seen == 0 || link->key != bide_wait_key_())
			return NULL;
		if (seen & BIDE_PINNED_) {
			wait_a_moment(tries);
			continue;
		}
		if (!BIDE_CAS(&link->queue, &seen, seen | BIDE_PINNED_, ACQUIRE, RELAXED))
			continue;
		queue = bide_wait_queue_of_(seen);
		if (bide_wait_try_lock_(queue))
			break;
		BIDE_STORE(&link->queue, seen, RELEASE); /* pairs with bide_wait_take_ */
		wait_a_moment(tries);
	}
	unlink(bide_wait_list_of_(seen), link);
	return queue;
}

bool bide_wait_queue_is_valid_(const bide_wait_queue_ *list)
{
	enum { LOOKED_AT_MAX = 64 };
	const bide_wait_link_ *previous = NULL;
	uint32_t count = 0;

	for (const bide_wait_link_ *link = list->first; link; previous = link, link = link->next) {
		BIDE_INVARIANT_(link->previous == previous);
		BIDE_INVARIANT_(bide_wait_list_of_(BIDE_LOAD(&link->queue, RELAXED)) == list);
		if (++count == LOOKED_AT_MAX && list->count > LOOKED_AT_MAX)
			return true;
	}
	BIDE_INVARIANT_(list->last == previous);
	BIDE_INVARIANT_(list->count == count);
	return true;
}
