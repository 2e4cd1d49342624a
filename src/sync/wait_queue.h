/*
 * wait_queue.h - a lock and a queue of links: the head of every object that functions wait on.
 *
 * The words of this room:
 *
 *     object     a semaphore, a mutex, an event, a channel: a queue, or two, and a state of its own
 *     waiter     an operation of the library's that waits for one object (waiter.h)
 *     selection  an operation that waits for several objects (selection.h)
 *     link       an entry of a queue: the one of a waiter, or one of a selection
 *     grant      to take a link out of the queue, and to give it what it waits for
 *     stray      a thread that comes to a queue by a link, and not through a call on the object: it
 *                cancels the context of the wait, or forgets its value task
 *
 * The rule of lifetime. An object lies in the user's memory, and the user may free it as soon as no
 * call on it runs and no function waits for it. So
 *
 *     when a link is out of its queue, no thread touches the object for that link any more.
 *
 * A call that grants holds the lock of the object, takes links out, unlocks, and then touches only
 * what it took out. A stray is different: the object may be freed between the moment in which the
 * stray looks which queue the link is in, and the moment in which it locks that queue. So it pins
 * the link first. While a link is pinned it stays in its queue, because bide_wait_take_ waits for
 * the end of the pin. The stray only *tries* to lock, and gives the pin up if it fails: the holder
 * of the lock may be waiting for the pin.
 *
 * The thread that takes a link out, under the lock, decides the outcome of the wait. So nothing is
 * "granted and canceled". What a link gets is written before it is taken out: a consumer that finds
 * the link in no queue finds it written.
 *
 * An object may have further lists: a channel has one for its readers and one for its writers. They
 * lie behind its queue, in an array, and the lock of the queue is theirs, too. A link
 * knows in which of them it is.
 *
 * What runs under the lock is a few dozen instructions: no code of the user's, no allocation, no
 * system call, and no lock but that of the operations of a cancellation (bide_cancel_link_), which
 * is never held while a queue is locked from it.
 */
#ifndef BIDE_SYNC_WAIT_QUEUE_H
#define BIDE_SYNC_WAIT_QUEUE_H

#include <bide/wait_queue.h>

#include "base/assert.h"
#include "base/library.h"
#include "base/port.h"
#include "base/settings.h"

struct bide_hold;

/* A link is 40 bytes. */
typedef struct bide_wait_link_ {
	union {
		struct {
			struct bide_wait_link_ *next, *previous;
		};
		/* With one worker, out of the queue: its way to the worker's thread. */
		bide_post post;
	};
	/*
	 * The list it is in, with its place in the array times BIDE_LIST_, and BIDE_PINNED_; or 0.
	 * Atomic.
	 */
	uintptr_t queue;
	/* What it waits for. Each object says which of these. Under the lock. */
	union {
		int64_t count;
		void *to;
		const void *from;
		struct bide_hold *hold;
	} wants;
	/* 0: the link of a waiter. Otherwise it is case number - 1 of a selection. */
	uint32_t number;
	/* The key of the lock when it was appended: in the child of a fork, it is in no queue. */
	uint32_t key;
} bide_wait_link_;
BIDE_STATIC_ASSERT(sizeof(bide_wait_link_) == 40, "a selection has one for each case");

enum { BIDE_PINNED_ = 1, BIDE_LIST_ = 2, BIDE_LISTS_MAX_ = 4, BIDE_LINK_TAGS_ = 7 };

/* Returns the list, and the queue whose lock is the list's, of what bide_wait_link_.queue says. */
static inline bide_wait_queue_ *bide_wait_list_of_(uintptr_t seen)
{
	return (bide_wait_queue_ *)(seen & ~(uintptr_t)BIDE_LINK_TAGS_);
}
static inline bide_wait_queue_ *bide_wait_queue_of_(uintptr_t seen)
{
	return bide_wait_list_of_(seen) - (seen & BIDE_LINK_TAGS_) / BIDE_LIST_;
}

/* How many forks made this process. */
extern BIDE_INTERNAL uint32_t bide_wait_forks_;
/* In the child of a fork: what waits in the queues waits in the parent. */
BIDE_INTERNAL void bide_wait_fork_(void);

/*
 * The lock of a queue that is held has this value, and one that was given back has it minus 1. It
 * is another one after a shutdown, and in the child of a fork. So a lock that a thread of the
 * parent holds is free in the child, and the thread that takes it sees that the queue is of before.
 */
static inline uint32_t bide_wait_key_(void)
{
	return (bide_life_ + (bide_wait_forks_ << 20)) * 2 + 3;
}

/* A queue of before has links that are gone. What the object's state says stays. */
static inline void bide_wait_locked_(bide_wait_queue_ *queue, uint32_t key, uint32_t before)
{
	if (BIDE_LIKELY(before == key - 1))
		return;
	queue->first = queue->last = NULL;
	queue->count = 0;
}

/* The swap has found `before`: the lock is held, or was given back before a fork or shutdown. */
BIDE_INTERNAL void bide_wait_lock_slowly_(bide_wait_queue_ *queue, uint32_t key, uint32_t before);

/* The acquire pairs with the release of bide_wait_unlock_. Cost: one locked instruction. */
static inline void bide_wait_lock_(bide_wait_queue_ *queue)
{
	uint32_t key = bide_wait_key_(), before = BIDE_SWAP(&queue->lock, key, ACQUIRE);

	if (BIDE_UNLIKELY(before != key - 1))
		bide_wait_lock_slowly_(queue, key, before);
}

static inline bool bide_wait_try_lock_(bide_wait_queue_ *queue)
{
	uint32_t key = bide_wait_key_(), before = BIDE_SWAP(&queue->lock, key, ACQUIRE);

	if (before == key)
		return false;
	bide_wait_locked_(queue, key, before);
	return true;
}

/*
 * A walker, under the lock: the links lie in a row, and each of them is in this list. In a long
 * one it looks at the first links.
 */
BIDE_INTERNAL bool bide_wait_queue_is_valid_(const bide_wait_queue_ *list);

/* key: bide_wait_key_. */
static inline void bide_wait_unlock_with_(bide_wait_queue_ *queue, uint32_t key)
{
	BIDE_ASSERT_IN_DEBUG_(bide_wait_queue_is_valid_(queue));
	BIDE_STORE(&queue->lock, key - 1, RELEASE);
}
static inline void bide_wait_unlock_(bide_wait_queue_ *queue)
{
	bide_wait_unlock_with_(queue, bide_wait_key_());
}

BIDE_INTERNAL void bide_wait_settle_slowly_(bide_wait_queue_ *queue);
/*
 * Waits until the thread that has the lock has given it back. For a call that has got something by
 * a store of that thread, and after which the object may be freed, on a path without the lock. Its
 * load of what it got paired with that store, so it finds the lock held, or given back since, and
 * never as it was before. The acquire pairs with bide_wait_unlock_. Cost: a load.
 */
static inline void bide_wait_settle_(bide_wait_queue_ *queue)
{
	if (BIDE_UNLIKELY(BIDE_LOAD(&queue->lock, ACQUIRE) & 1)) /* a key is odd */
		bide_wait_settle_slowly_(queue);
}

/*
 * Appends a link that is in no queue to a list of the object: 0 is the queue itself. Under the
 * lock.
 */
BIDE_INTERNAL void bide_wait_append_to_(bide_wait_queue_ *queue, unsigned list,
                                        bide_wait_link_ *link);
static inline void bide_wait_append_(bide_wait_queue_ *queue, bide_wait_link_ *link)
{
	bide_wait_append_to_(queue, 0, link);
}
/*
 * Takes a link out of `list`, in which it is. Under the lock. Afterwards no stray touches the
 * object for this link.
 */
BIDE_INTERNAL void bide_wait_take_(bide_wait_queue_ *list, bide_wait_link_ *link);
/*
 * For strays, which know that the memory of the link lasts: locks the queue in which the link is,
 * and takes the link out. Returns the queue; or NULL if the link is in none, because another party
 * has taken it out, and no stray is at the object. The link stays pinned: the caller unlocks, and
 * then calls bide_wait_withdrawn_, before it runs anything else.
 */
BIDE_INTERNAL bide_wait_queue_ *bide_wait_withdraw_(bide_wait_link_ *link);
/* The stray does not touch the object any more. Pairs with the acquire of bide_wait_withdraw_. */
static inline void bide_wait_withdrawn_(bide_wait_link_ *link)
{
	BIDE_STORE(&link->queue, (uintptr_t)0, RELEASE);
}

#endif
