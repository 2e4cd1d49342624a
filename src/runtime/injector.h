/*
 * injector.h - what external threads make runnable, and what a worker's ring had no room for: one
 * FIFO for all workers, under a lock that is held for some dozen instructions. A thread that puts
 * frames in or takes a share out does not touch the frames under the lock, unless there are so many
 * that they are linked.
 *
 * The oldest frames are in the slots at head .. tail - 1; both only grow, and wrap. Frames that
 * come while the slots are full are linked in a list; while the list is not empty, so are all
 * others that come. count == tail - head + the length of the list. A worker that takes from the
 * list waits for each frame, because another core wrote the link. So there are many slots. They
 * are used from the first one whenever the injector was empty, so most never cost memory.
 *
 * Pairs: the lock's release with its acquire publishes slots and frames. `count` is written under
 * the lock, and SEQ_CST when it was 0, for sleep.h. A thread that reads it without the lock reads
 * it again under the lock.
 *
 * Only a put that finds the injector empty wakes a worker, so a burst costs one wake-up. While
 * something is left in the injector since that put, some worker is awake that will look there: a
 * searcher that leaves something behind wakes the next sleeper, and no worker falls asleep.
 */
#ifndef BIDE_RUNTIME_INJECTOR_H
#define BIDE_RUNTIME_INJECTOR_H

#include "base/assert.h"
#include "base/spin.h"
#include "source/run_queue.h"

#ifndef BIDE_INJECTOR_SIZE
#define BIDE_INJECTOR_SIZE 16384u /* a power of two */
#endif

typedef struct bide_injector {
	_Alignas(64) uint32_t count; /* of all frames in it */
	_Alignas(64) uint32_t lock;
	uint32_t head, tail;
	bide_frame *first, *last; /* the list */
	bide_frame *slots[BIDE_INJECTOR_SIZE];
} bide_injector;

static inline void bide_injector_init_(bide_injector *injector)
{
	injector->count = injector->lock = injector->head = injector->tail = 0;
	injector->first = injector->last = NULL;
}

static inline uint32_t bide_injector_size_(const bide_injector *injector)
{
	return BIDE_LOAD(&injector->count, RELAXED);
}

static inline void bide_injector_put_one_(bide_injector *injector, bide_frame *frame)
{
	if (BIDE_LIKELY(!injector->first && injector->tail - injector->head < BIDE_INJECTOR_SIZE)) {
		injector->slots[injector->tail++ % BIDE_INJECTOR_SIZE] = frame;
		return;
	}
	bide_queue_set_link_(frame, NULL);
	if (injector->first)
		bide_queue_set_link_(injector->last, frame);
	else
		injector->first = frame;
	injector->last = frame;
}

static inline bide_frame *bide_injector_take_one_(bide_injector *injector)
{
	bide_frame *frame;

	if (injector->tail != injector->head)
		return injector->slots[injector->head++ % BIDE_INJECTOR_SIZE];
	frame = injector->first;
	/* The link is read now, because a frame that runs has none. */
	injector->first = bide_queue_link_(frame);
	return frame;
}

/* Under the lock, or while no thread uses the injector. */
static inline bool bide_injector_is_valid_(const bide_injector *injector)
{
	uint32_t listed = 0;

	BIDE_INVARIANT_(injector->tail - injector->head <= BIDE_INJECTOR_SIZE);
	for (uint32_t i = injector->head; i != injector->tail; i++)
		BIDE_INVARIANT_(injector->slots[i % BIDE_INJECTOR_SIZE]);
	for (const bide_frame *frame = injector->first; frame; frame = bide_queue_link_(frame)) {
		BIDE_INVARIANT_(++listed <= injector->count);
		BIDE_INVARIANT_(bide_queue_link_(frame) || frame == injector->last);
	}
	BIDE_INVARIANT_(injector->count == injector->tail - injector->head + listed);
	return true;
}

/*
 * Any thread. Returns true if the injector was empty: then the caller has to wake a worker. Cost:
 * one locked instruction, and another one if it was empty.
 */
static inline bool bide_injector_put_(bide_injector *injector, bide_frame *const *frames,
                                      uint32_t count)
{
	uint32_t before;

	bide_spin_lock_(&injector->lock);
	before = injector->count;
	for (uint32_t i = 0; i < count; i++)
		bide_injector_put_one_(injector, frames[i]);
	if (before == 0)
		BIDE_STORE(&injector->count, count, SEQ_CST);
	else
		BIDE_STORE(&injector->count, before + count, RELAXED);
	bide_spin_unlock_(&injector->lock);
	return before == 0;
}

/*
 * Any thread. Takes the oldest frames: one part of `parts`, rounded up, and at most `max`. Returns
 * how many.
 */
static inline uint32_t bide_injector_take_(bide_injector *injector, bide_frame **frames,
                                           uint32_t max, uint32_t parts)
{
	uint32_t count;

	if (bide_injector_size_(injector) == 0)
		return 0;
	bide_spin_lock_(&injector->lock);
	BIDE_ASSERT_(injector->count >= injector->tail - injector->head);
	count = (injector->count + parts - 1) / parts;
	if (count > max)
		count = max;
	for (uint32_t i = 0; i < count; i++)
		frames[i] = bide_injector_take_one_(injector);
	if (count == injector->count)
		injector->head = injector->tail = 0;
	BIDE_STORE(&injector->count, injector->count - count, RELAXED);
	bide_spin_unlock_(&injector->lock);
	return count;
}

#endif
