/*
 * ring.h - the run queue of one of many workers: a FIFO of frames that its owner fills and any
 * worker takes from, so that nothing waits behind a function that runs for long.
 *
 * head and tail only grow (and wrap); the frames are those at head .. tail - 1. Only the owner
 * writes tail and slots. The thread that moves head from h to h + n by its compare-and-swap owns
 * those n frames. What it read from the slots before is then right, because the owner writes to a
 * slot only after it has seen head past it. A taker that sleeps while head goes once around all
 * 2^32 values would be misled; each step of it takes nanoseconds.
 *
 * Pairs: tail: release by push, acquire by takers (the slot and the frame itself). head: release by
 * takers, acquire by push (the slot has been read) and by other takers (they see a tail that is not
 * below it).
 */
#ifndef BIDE_RING_H
#define BIDE_RING_H

#include <bide/frame.h>

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

	return BIDE_LOAD(&ring->tail, ACQUIRE) - head; /* in this order: never below zero */
}

/* By the owner. false: full. Cost: no locked instruction. */
static inline bool bide_ring_push_(bide_ring *ring, bide_frame *frame)
{
	uint32_t tail = BIDE_LOAD(&ring->tail, RELAXED);

	if (BIDE_UNLIKELY(tail - BIDE_LOAD(&ring->head, ACQUIRE) >= BIDE_RING_SIZE))
		return false;
	BIDE_STORE(&ring->slots[tail % BIDE_RING_SIZE], frame, RELAXED);
	BIDE_STORE(&ring->tail, tail + 1, RELEASE);
	return true;
}

/* Any thread: takes the oldest; NULL: none. Cost: one locked instruction, if there is one. */
static inline bide_frame *bide_ring_take_(bide_ring *ring)
{
	uint32_t head = BIDE_LOAD(&ring->head, ACQUIRE);
	bide_frame *frame;

	for (;;) {
		/* Not older than head: the thread that moved head there had seen it below a tail. */
		if (BIDE_LOAD(&ring->tail, ACQUIRE) == head)
			return NULL;
		frame = BIDE_LOAD(&ring->slots[head % BIDE_RING_SIZE], RELAXED);
		if (BIDE_CAS(&ring->head, &head, head + 1, RELEASE, ACQUIRE))
			return frame;
		BIDE_RELAX();
	}
}

/*
 * By the owner of `to`: takes half of what is in `from`, rounded up. The oldest of them is
 * returned, the others are in `to`. NULL: there was none, or another thread was faster.
 */
static inline bide_frame *bide_ring_steal_(bide_ring *from, bide_ring *to)
{
	uint32_t head = BIDE_LOAD(&from->head, ACQUIRE);
	uint32_t count = BIDE_LOAD(&from->tail, ACQUIRE) - head;
	uint32_t tail = BIDE_LOAD(&to->tail, RELAXED);
	uint32_t room = BIDE_RING_SIZE - (tail - BIDE_LOAD(&to->head, ACQUIRE));
	bide_frame *first;

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

#endif
