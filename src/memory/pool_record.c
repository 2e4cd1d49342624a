/*
 * pool_record.c - objects with a record in front: those of checked mode, those that are an
 * allocation of their own, and the big ones, which are above the largest size class.
 */
#include "base/settings.h"
#include "base/spin.h"
#include "memory/allocator.h"
#include "memory/poison.h"
#include "memory/pool_parts.h"

bool bide_records_hold_(const bide_record *r, uintptr_t at)
{
	for (; r; r = r->next)
		if (at - (uintptr_t)r < sizeof *r + r->size_bytes)
			return true;
	return false;
}

/* Where it could be taken for one of another mode: it is not used again. */
bool bide_pool_is_parents_(const bide_source *source)
{
	return bide_chunks_hold_(bide_pools_.parent_chunks, (uintptr_t)source) ||
	       bide_records_hold_(bide_pools_.parent_singles, (uintptr_t)source);
}

/*
 * Free memory keeps its header readable: stale value tasks look at it. In debug mode the rest is
 * filled at once, so that a use of it does not find what it had.
 */
static void poison(bide_source *source, size_t size_bytes)
{
	if (size_bytes > sizeof(bide_frame)) {
		if (bide_debug_)
			__builtin_memset((char *)source + sizeof(bide_frame), 0xA5,
			                 size_bytes - sizeof(bide_frame));
		ASAN_POISON_MEMORY_REGION((char *)source + sizeof(bide_frame),
		                          size_bytes - sizeof(bide_frame));
		VALGRIND_MAKE_MEM_NOACCESS((char *)source + sizeof(bide_frame),
		                           size_bytes - sizeof(bide_frame));
	}
}

/* In debug mode what a start does not zero is filled: no function may rely on it. */
void bide_pool_unpoison_(bide_source *source, size_t size_bytes)
{
	ASAN_UNPOISON_MEMORY_REGION(source, size_bytes);
	if (size_bytes >
	    sizeof(bide_frame)) /* the filling is allowed, and defines nothing: see below */
		VALGRIND_MAKE_MEM_UNDEFINED((char *)source + sizeof(bide_frame),
		                            size_bytes - sizeof(bide_frame));
	if (bide_debug_ && size_bytes > sizeof(bide_frame))
		__builtin_memset((char *)source + sizeof(bide_frame), 0xA5,
		                 size_bytes - sizeof(bide_frame));
	if (size_bytes > sizeof(bide_frame))
		VALGRIND_MAKE_MEM_UNDEFINED((char *)source + sizeof(bide_frame),
		                            size_bytes - sizeof(bide_frame));
}

bide_source *bide_single_take_(size_t size_bytes, const bide_place *place)
{
	bide_record *r = bide_allocate_(sizeof *r + size_bytes, 16);

	if (!r)
		return NULL;
	r->started = place;
	r->size_bytes = size_bytes;
	r->previous = NULL;
	bide_spin_lock_(&bide_pools_.lock);
	r->number = ++bide_pools_.single_count;
	r->next = bide_pools_.singles;
	if (r->next)
		r->next->previous = r;
	bide_pools_.singles = r;
	BIDE_STORE(&((bide_source *)(void *)(r + 1))->generation, 0, RELAXED); /* a visitor may look */
	bide_spin_unlock_(&bide_pools_.lock);
	return (bide_source *)(void *)(r + 1);
}

void bide_single_give_(bide_source *source)
{
	bide_record *r = (bide_record *)(void *)source - 1;

	BIDE_STORE(&source->generation, 0, RELAXED); /* visits read it */
	bide_spin_lock_(&bide_pools_.lock);
	*(r->previous ? &r->previous->next : &bide_pools_.singles) = r->next;
	if (r->next)
		r->next->previous = r->previous;
	bide_spin_unlock_(&bide_pools_.lock);
	bide_deallocate_(r, sizeof *r + r->size_bytes);
}

/* The bucket of a size above 4096, and the size that all in it have. */
static unsigned big_bucket(size_t *size_bytes)
{
	unsigned doubling = 63u - (unsigned)__builtin_clzll((unsigned long long)*size_bytes - 1);
	size_t quarter = (size_t)1 << (doubling - 2);
	size_t count = (*size_bytes - ((size_t)1 << doubling) + quarter - 1) / quarter;

	*size_bytes = ((size_t)1 << doubling) + count * quarter;
	return (doubling - 12) * 4 + (unsigned)count - 1;
}

/*
 * Large frames are kept as well when they are given back: stale value tasks look at their headers.
 */
bide_source *bide_pool_take_big_(size_t size_bytes, const bide_place *place)
{
	unsigned bucket = big_bucket(&size_bytes);
	bide_record *r;

	if (bucket >= BIDE_BIG_BUCKETS_)
		return NULL;
	if (bide_pools_.mode == BIDE_POOL_MODE_SINGLE_)
		return bide_single_take_(size_bytes, place);
	bide_spin_lock_(&bide_pools_.lock);
	r = bide_pools_.big[bucket];
	if (r)
		bide_pools_.big[bucket] = (bide_record *)(uintptr_t)r->started;
	bide_spin_unlock_(&bide_pools_.lock);
	if (!r)
		return bide_single_take_(size_bytes, place);
	r->started = place;
	bide_pool_unpoison_((bide_source *)(void *)(r + 1), size_bytes);
	return (bide_source *)(void *)(r + 1);
}

void bide_big_give_(bide_source *source)
{
	bide_record *r = (bide_record *)(void *)source - 1;
	size_t size_bytes = r->size_bytes;
	unsigned bucket = big_bucket(&size_bytes);

	if (bide_pool_is_parents_(source))
		return;
	if (bide_pools_.mode == BIDE_POOL_MODE_SINGLE_) {
		bide_single_give_(source);
		return;
	}
	BIDE_STORE(&source->generation, 0, RELAXED); /* visits read it */
	poison(source, size_bytes);
	bide_spin_lock_(&bide_pools_.lock);
	r->started = (const bide_place *)(const void *)bide_pools_.big[bucket];
	bide_pools_.big[bucket] = r;
	bide_spin_unlock_(&bide_pools_.lock);
}

bide_source *bide_checked_take_(unsigned size_class, const bide_place *place)
{
	bide_record *r;
	bide_chunk *c;

	bide_spin_lock_(&bide_pools_.lock);
	r = bide_pools_.checked[size_class];
	if (r) {
		bide_pools_.checked[size_class] = r->next;
		if (!r->next)
			bide_pools_.checked_tail[size_class] = &bide_pools_.checked[size_class];
	} else {
		c = bide_chunk_with_room_(size_class);
		r = c ? (bide_record *)(void *)bide_chunk_object_(c, c->made++) - 1 : NULL;
		if (r)
			((bide_source *)(void *)(r + 1))->generation = 0;
	}
	bide_spin_unlock_(&bide_pools_.lock);
	if (!r)
		return NULL;
	r->started = place;
	bide_pool_unpoison_((bide_source *)(void *)(r + 1), bide_class_bytes_(size_class));
	return (bide_source *)(void *)(r + 1);
}

void bide_checked_give_(bide_source *source, unsigned size_class)
{
	bide_record *r = (bide_record *)(void *)source - 1;

	BIDE_STORE(&source->generation, 0, RELAXED); /* visits read it */
	poison(source, bide_class_bytes_(size_class));
	r->next = NULL;
	bide_spin_lock_(&bide_pools_.lock);
	*bide_pools_.checked_tail[size_class] = r;
	bide_pools_.checked_tail[size_class] = &r->next;
	bide_spin_unlock_(&bide_pools_.lock);
}

const bide_place *bide_started_at_(const bide_frame *frame)
{
	if (bide_pools_.mode == BIDE_POOL_MODE_FAST_ && (frame->source.kind & 31u) != BIDE_CLASS_BIG_)
		return NULL;
	return ((const bide_record *)(const void *)frame - 1)->started;
}
