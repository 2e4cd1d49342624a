/*
 * ring.h - the run queue of one of many workers: a FIFO of frames. Its owner fills it; any worker
 * takes from it, so that nothing waits behind a function that runs for long.
 *
 * head and tail only grow, and wrap. The frames are those at head .. tail - 1, so tail - head <=
 * BIDE_RING_SIZE. Only the owner writes tail and slots. The thread whose compare-and-swap moves
 * head from h to h + n owns those n frames. What it has read from their slots is right, because the
 * owner writes to a slot again only after it has seen head past it. A taker that sleeps while head
 * goes once around all 2^32 values would be misled; each step of it takes nanoseconds.
 *
 * Pairs: tail is a release by push and an acquire by takers, for the slot and the frame itself.
 * head is a release by takers, an acquire by push (the slot has been read) and an acquire by other
 * takers (they then see a tail that is not below it).
 */
#ifndef BIDE_RUNTIME_RING_H
#define BIDE_RUNTIME_RING_H

#include <bide/frame.h>

#include "base/assert.h"

#ifndef BIDE_RING_SIZE
#define BIDE_RING_SIZE 256u /* a power of two */
#endif

typedef struct bide_ring {
	_Alignas(64) uint32_t head;
	_Alignas(64) uint32_t tail;
	bide_frame *slots[BIDE_RING_SIZE];
} bide_ring;

static inline uint32_t bide_ring_size_(const bide_ring *ring)
{
	uint32_t head = BIDE_LOAD(&ring->head, ACQUIRE);

	return BIDE_LOAD(&ring->tail, ACQUIRE) - head; /* loaded in this order, it is not below head */
}

/* By the owner. Returns false if the ring is full. Cost: no locked instruction. */
static inline bool bide_ring_push_(bide_ring *ring, bide_frame *frame)
{
	uint32_t tail = BIDE_LOAD(&ring->tail, RELAXED);
	uint32_t size = tail - BIDE_LOAD(&ring->head, ACQUIRE);

	BIDE_ASSERT_(size <= BIDE_RING_SIZE); /* head <= tail <= head + BIDE_RING_SIZE */
	if (BIDE_UNLIKELY(size >= BIDE_RING_SIZE))
		return false;
	BIDE_STORE(&ring->slots[tail % BIDE_RING_SIZE], frame, RELAXED);
	BIDE_STORE(&ring->tail, tail + 1, RELEASE);
	return true;
}

/*
 * Any thread. Takes and returns the oldest frame, or returns NULL. Cost: one locked instruction if
 * there is a frame.
 */
static inline bide_frame *bide_ring_take_(bide_ring *ring)
{
	uint32_t head = BIDE_LOAD(&ring->head, ACQUIRE);
	bide_frame *frame;

	for (;;) {
		/* This tail is not older than head: the thread that moved head had seen a larger tail. */
		if (BIDE_LOAD(&ring->tail, ACQUIRE) == head)
			return NULL;
		frame = BIDE_LOAD(&ring->slots[head % BIDE_RING_SIZE], RELAXED);
		if (BIDE_CAS(&ring->head, &head, head + 1, RELEASE, ACQUIRE))
			return frame;
		BIDE_RELAX();
	}
}

/*
 * By the owner of `to`. Takes half of what is in `from`, rounded up: returns the oldest, and puts
 * the others into `to`. Returns NULL if there was none or another thread was faster.
 */
static inline bide_frame *bide_ring_steal_(bide_ring *from, bide_ring *to)
{
	uint32_t head = BIDE_LOAD(&from->head, ACQUIRE);
	uint32_t count = BIDE_LOAD(&from->tail, ACQUIRE) - head;
	uint32_t tail = BIDE_LOAD(&to->tail, RELAXED);
	uint32_t room = BIDE_RING_SIZE - (tail - BIDE_LOAD(&to->head, ACQUIRE));
	bide_frame *first;

	BIDE_ASSERT_(room <= BIDE_RING_SIZE);
	/* More than the ring holds: other threads took frames between the two loads. */
	if (count == 0 || count > BIDE_RING_SIZE)
		return NULL;
	count -= count / 2;
	if (count > room + 1)
		count = room + 1;
	first = BIDE_LOAD(&from->slots[head % BIDE_RING_SIZE], RELAXED);
	for (uint32_t i = 1; i < count; i++)
		BIDE_STORE(&to->slots[(tail + i - 1) % BIDE_RING_SIZE],
		           BIDE_LOAD(&from->slots[(head + i) % BIDE_RING_SIZE], RELAXED), RELAXED);
	if (!BIDE_CAS(&from->head, &head, head + count, RELEASE, RELAXED))
		return NULL;
	BIDE_STORE(&to->tail, tail + count - 1, RELEASE);
	return first;
}

/* By the owner, or while no thread uses the ring. */
static inline bool bide_ring_is_valid_(const bide_ring *ring)
{
	uint32_t head = BIDE_LOAD(&ring->head, ACQUIRE), tail = BIDE_LOAD(&ring->tail, RELAXED);

	BIDE_INVARIANT_(tail - head <= BIDE_RING_SIZE);
	for (; head != tail; head++) {
		uintptr_t frame = (uintptr_t)BIDE_LOAD(&ring->slots[head % BIDE_RING_SIZE], RELAXED);

		BIDE_INVARIANT_(frame && frame % _Alignof(bide_frame) == 0);
	}
	return true;
}

#endif
