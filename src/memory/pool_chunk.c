/*
 * pool_chunk.c - the memory that all threads share: chunks, which objects of one size are cut from.
 */
#include "base/assert.h"
#include "base/settings.h"
#include "base/spin.h"
#include "memory/allocator.h"
#include "memory/pool_parts.h"

enum { CHUNK_FIRST_BYTES = 4096, CHUNK_MAX_BYTES = 1 << 18 };

struct bide_pools_ bide_pools_;

void bide_pools_lock_(void)
{
	bide_spin_lock_(&bide_pools_.lock);
}

void bide_pools_unlock_(void)
{
	bide_spin_unlock_(&bide_pools_.lock);
}

bool bide_chunks_hold_(const bide_chunk *k, uintptr_t at)
{
	for (; k; k = k->next)
		if (at - (uintptr_t)k < k->size_bytes)
			return true;
	return false;
}

/* Chunks double, so that small programs stay small. */
static size_t next_size(const bide_chunk *newest, uint32_t stride)
{
	size_t size_bytes = newest ? newest->size_bytes * 2 : CHUNK_FIRST_BYTES;

	if (size_bytes < (size_t)stride * 2 + BIDE_CHUNK_HEAD_BYTES_)
		size_bytes = (size_t)stride * 2 + BIDE_CHUNK_HEAD_BYTES_;
	return size_bytes > CHUNK_MAX_BYTES ? CHUNK_MAX_BYTES : size_bytes;
}

/*
 * Returns the distance between two objects. With many workers, two large ones have no cache line in
 * common: they are the frames of functions that fork, above all, which move from worker to worker,
 * so that neighbours end up on different processors.
 */
static uint32_t stride_of(unsigned size_class, uint32_t front)
{
	uint32_t bytes = (uint32_t)bide_class_bytes_(size_class) + front;

	return bide_shared_ && bytes > 128 ? (bytes + 63) / 64 * 64 : bytes;
}

bide_chunk *bide_chunk_with_room_(unsigned size_class)
{
	bide_chunk *newest = bide_pools_.chunks[size_class], *c;
	uint32_t front = bide_pools_.mode == BIDE_POOL_MODE_CHECKED_ ? sizeof(bide_record) : 0;
	uint32_t stride = stride_of(size_class, front);
	size_t size_bytes;

	BIDE_ASSERT_UNEXPLORED_(bide_spin_is_held_(&bide_pools_.lock));
	if (newest && newest->made < newest->count)
		return newest;
	size_bytes = next_size(newest, stride);
	c = bide_allocate_(size_bytes, 64);
	if (!c)
		return NULL;
	c->size_bytes = size_bytes;
	c->stride = stride;
	c->front = front;
	c->made = 0;
	c->count = (uint32_t)((size_bytes - BIDE_CHUNK_HEAD_BYTES_) / stride);
	c->next = newest;
	bide_pools_.chunks[size_class] = c;
	return c;
}
