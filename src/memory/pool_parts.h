/*
 * pool_parts.h - what the sources of the pools share. No other source includes it.
 */
#ifndef BIDE_MEMORY_POOL_PARTS_H
#define BIDE_MEMORY_POOL_PARTS_H

#include "base/generation.h"
#include "memory/pool.h"
#include "memory/pool_layout.h"

enum { BIDE_POOL_BATCH_ = 32, BIDE_POOL_ROOM_START_ = 2 * BIDE_POOL_BATCH_ };

/* --- chunks (pool_chunk.c) --- */

/* Under the lock. Returns a chunk with room for one more object, or NULL if there is no memory. */
BIDE_INTERNAL bide_chunk *bide_chunk_with_room_(unsigned size_class);
/* Returns true if the address is in one of these chunks. */
BIDE_INTERNAL bool bide_chunks_hold_(const bide_chunk *k, uintptr_t at);

static inline bide_source *bide_chunk_object_(bide_chunk *c, uint32_t index)
{
	return (bide_source *)(void *)((char *)c + BIDE_CHUNK_HEAD_BYTES_ + (size_t)index * c->stride +
	                               c->front);
}

/* Returns the free object that follows in its list. */
static inline bide_source *bide_pool_link_(const bide_source *free)
{
	return (bide_source *)(uintptr_t)free->next_free;
}

static inline void bide_pool_link_set_(bide_source *free, const bide_source *link)
{
	/* atomic, because stale value tasks read it */
	BIDE_STORE(&free->next_free, (uint64_t)(uintptr_t)link, RELAXED);
}

/* Returns the batch that follows in the depot. */
static inline bide_source *bide_pool_next_batch_(const bide_source *batch)
{
	return batch->payload.p;
}

/* --- objects behind a record (pool_record.c) --- */

static inline bide_record *bide_record_of_(bide_source *source)
{
	return (bide_record *)(void *)source - 1;
}

static inline bide_source *bide_record_object_(bide_record *r)
{
	return (bide_source *)(void *)(r + 1);
}

/* Allows the use of an object of this size. */
BIDE_INTERNAL void bide_pool_unpoison_(bide_source *source, size_t size_bytes);
/* Returns true if the address is in one of these objects. */
BIDE_INTERNAL bool bide_records_hold_(const bide_record *r, uintptr_t at);
/*
 * Returns true if the object is the parent's. It may be of another mode, so it is not used again.
 */
BIDE_INTERNAL bool bide_pool_is_parents_(const bide_source *source);
BIDE_INTERNAL bide_source *bide_single_take_(size_t size_bytes, const bide_place *place);
BIDE_INTERNAL void bide_single_give_(bide_source *source);
BIDE_INTERNAL bide_source *bide_checked_take_(unsigned size_class, const bide_place *place);
BIDE_INTERNAL void bide_checked_give_(bide_source *source, unsigned size_class);
BIDE_INTERNAL void bide_big_give_(bide_source *source);
/* Returns the bucket of a size above 4096, and rounds it up to the size of all objects there. */
BIDE_INTERNAL unsigned bide_big_bucket_(size_t *size_bytes);

/* --- visits (pool_walk.c) --- */

/* Under the lock. Calls visit for each object in use. */
BIDE_INTERNAL void bide_pools_visit_all_(void (*visit)(bide_source *source, void *argument),
                                         void *argument);

#endif
