/*
 * inbox.h - what threads that are no workers make runnable, and what a worker's ring had no room
 * for: one FIFO for all workers, under a lock that is held for some dozen instructions. A thread
 * that puts something in or takes a share out uses no frame under it, unless there are very many.
 *
 * The oldest frames are in the slots at head .. tail - 1 (both only grow, and wrap). Frames that
 * come while the slots are full are linked in a list; while the list is not empty, all others are,
 * too.
 *
 * Pairs: the lock, release with acquire, publishes slots and frames. `count` is written under the
 * lock: SEQ_CST when something is put in, for sleep.h. A thread that reads it without the lock
 * reads it again under the lock.
 */
#ifndef BIDE_INBOX_H
#define BIDE_INBOX_H

#include "base/spin.h"
#include "source/run_queue.h"

#ifndef BIDE_INBOX_SIZE
#define BIDE_INBOX_SIZE 1024u /* a power of two */
#endif

typedef struct bide_injector {
	_Alignas(64) uint32_t count; /* of all */
	_Alignas(64) uint32_t lock;
	uint32_t head, tail;
	bide_frame *first, *last; /* linked */
	bide_frame *slots[BIDE_INBOX_SIZE];
} bide_injector;

static inline void bide_injector_init_(bide_injector *inbox)
{
	inbox->count = inbox->lock = inbox->head = inbox->tail = 0;
	inbox->first = inbox->last = NULL;
}

static inline uint32_t bide_injector_size_(const bide_injector *inbox)
{
	return BIDE_LOAD(&inbox->count, RELAXED);
}

static inline void bide_injector_put_one_(bide_injector *inbox, bide_frame *frame)
{
	if (BIDE_LIKELY(!inbox->first && inbox->tail - inbox->head < BIDE_INBOX_SIZE)) {
		inbox->slots[inbox->tail++ % BIDE_INBOX_SIZE] = frame;
		return;
	}
	bide_queue_set_link_(frame, NULL);
	if (inbox->first)
		bide_queue_set_link_(inbox->last, frame);
	else
		inbox->first = frame;
	inbox->last = frame;
}

static inline bide_frame *bide_injector_take_one_(bide_injector *inbox)
{
	bide_frame *frame;

	if (inbox->tail != inbox->head)
		return inbox->slots[inbox->head++ % BIDE_INBOX_SIZE];
	frame = inbox->first;
	/* The link is read here: a frame that runs has none. */
	inbox->first = bide_queue_link_(frame);
	return frame;
}

/* Any thread. Cost: two locked instructions. */
static inline void bide_injector_put_(bide_injector *inbox, bide_frame *const *frames,
                                      uint32_t count)
{
	bide_spin_lock_(&inbox->lock);
	for (uint32_t i = 0; i < count; i++)
		bide_injector_put_one_(inbox, frames[i]);
	BIDE_STORE(&inbox->count, inbox->count + count, SEQ_CST);
	bide_spin_unlock_(&inbox->lock);
}

/* Any thread: the oldest, one part of `parts`, rounded up, and at most `max`. Returns how many. */
static inline uint32_t bide_injector_take_(bide_injector *inbox, bide_frame **frames, uint32_t max,
                                           uint32_t parts)
{
	uint32_t count;

	if (bide_injector_size_(inbox) == 0)
		return 0;
	bide_spin_lock_(&inbox->lock);
	count = (inbox->count + parts - 1) / parts;
	if (count > max)
		count = max;
	for (uint32_t i = 0; i < count; i++)
		frames[i] = bide_injector_take_one_(inbox);
	BIDE_STORE(&inbox->count, inbox->count - count, RELAXED);
	bide_spin_unlock_(&inbox->lock);
	return count;
}

#endif
