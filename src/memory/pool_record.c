/*
 * pool_record.c - objects with a record in front: those of checked mode, single and big ones.
 */
#include "base/assert.h"
#include "base/settings.h"
#include "base/spin.h"
#include "memory/allocator.h"
#include "memory/held.h"
#include "memory/poison.h"
#include "memory/pool_parts.h"

bool bide_records_hold_(const bide_record *r, uintptr_t at)
{
	for (; r; r = r->next)
		if (at - (uintptr_t)r < sizeof *r + r->size_bytes)
			return true;
	return false;
}

bool bide_pool_is_parents_(const bide_source *source)
{
	return bide_chunks_hold_(bide_pools_.parent_chunks, (uintptr_t)source) ||
	       bide_records_hold_(bide_pools_.parent_singles, (uintptr_t)source);
}

/*
 * The header of free memory stays readable, since stale value tasks look at it. In debug mode the
 * rest is filled at once, so that a later use does not find the old values.
 */
static void poison(bide_source *source, size_t size_bytes)
{
	char *body = (char *)source + sizeof(bide_frame);

	bide_held_check_(source, size_bytes);
	if (size_bytes <= sizeof(bide_frame))
		return;
	size_bytes -= sizeof(bide_frame);
	if (bide_debug_)
		__builtin_memset(body, 0xA5, size_bytes);
	ASAN_POISON_MEMORY_REGION(body, size_bytes);
	VALGRIND_MAKE_MEM_NOACCESS(body, size_bytes);
}

/*
 * In debug mode all that a start does not zero is filled, since no function may rely on it.
 * Valgrind has to allow the filling, and to take the filled bytes as undefined afterwards.
 */
void bide_pool_unpoison_(bide_source *source, size_t size_bytes)
{
	char *body = (char *)source + sizeof(bide_frame);

	ASAN_UNPOISON_MEMORY_REGION(source, size_bytes);
	if (size_bytes <= sizeof(bide_frame))
		return;
	size_bytes -= sizeof(bide_frame);
	VALGRIND_MAKE_MEM_UNDEFINED(body, size_bytes);
	if (bide_debug_)
		__builtin_memset(body, 0xA5, size_bytes);
	VALGRIND_MAKE_MEM_UNDEFINED(body, size_bytes);
}

/* --- single objects --- */

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
	BIDE_STORE(&bide_record_object_(r)->next_free, 0, RELAXED); /* visits read it */
	bide_spin_unlock_(&bide_pools_.lock);
	return bide_record_object_(r);
}

void bide_single_give_(bide_source *source)
{
	bide_record *r = bide_record_of_(source);

	bide_held_check_(source, r->size_bytes);
	BIDE_STORE(&source->next_free, 0, RELAXED); /* visits read it */
	bide_spin_lock_(&bide_pools_.lock);
	BIDE_ASSERT_(r->previous ? r->previous->next == r : bide_pools_.singles == r);
	*(r->previous ? &r->previous->next : &bide_pools_.singles) = r->next;
	if (r->next)
		r->next->previous = r->previous;
	bide_spin_unlock_(&bide_pools_.lock);
	bide_deallocate_(r, sizeof *r + r->size_bytes);
}

/* --- big objects --- */

unsigned bide_big_bucket_(size_t *size_bytes)
{
	unsigned doubling = 63u - (unsigned)__builtin_clzll((unsigned long long)*size_bytes - 1);
	size_t quarter = (size_t)1 << (doubling - 2);
	size_t count = (*size_bytes - ((size_t)1 << doubling) + quarter - 1) / quarter;

	*size_bytes = ((size_t)1 << doubling) + count * quarter;
	return (doubling - 12) * 4 + (unsigned)count - 1;
}

/* They are kept as well while they are free, since stale value tasks look at their headers. */
bide_source *bide_pool_take_big_(size_t size_bytes, const bide_place *place)
{
	unsigned bucket = bide_big_bucket_(&size_bytes);
	bide_record *r;

	if (bucket >= BIDE_BIG_BUCKETS_)
		return NULL;
	if (bide_pools_.mode == BIDE_POOL_MODE_SINGLE_)
		return bide_single_take_(size_bytes, place);
	bide_spin_lock_(&bide_pools_.lock);
	r = bide_pools_.big[bucket];
	if (r)
		bide_pools_.big[bucket] = r->next_big;
	bide_spin_unlock_(&bide_pools_.lock);
	if (!r)
		return bide_single_take_(size_bytes, place);
	r->started = place;
	bide_pool_unpoison_(bide_record_object_(r), size_bytes);
	return bide_record_object_(r);
}

void bide_big_give_(bide_source *source)
{
	bide_record *r = bide_record_of_(source);
	size_t size_bytes = r->size_bytes;
	unsigned bucket = bide_big_bucket_(&size_bytes);

	if (bide_pool_is_parents_(source))
		return;
	if (bide_pools_.mode == BIDE_POOL_MODE_SINGLE_) {
		bide_single_give_(source);
		return;
	}
	BIDE_ASSERT_(size_bytes == r->size_bytes);
	BIDE_STORE(&source->next_free, 0, RELAXED); /* visits read it */
	poison(source, size_bytes);
	bide_spin_lock_(&bide_pools_.lock);
	r->next_big = bide_pools_.big[bucket];
	bide_pools_.big[bucket] = r;
	bide_spin_unlock_(&bide_pools_.lock);
}

/* --- checked mode --- */

/* Under the lock. Returns NULL if there is no memory. */
static bide_record *checked_make(unsigned size_class)
{
	bide_chunk *c = bide_chunk_with_room_(size_class);
	bide_source *source;

	if (!c)
		return NULL;
	source = bide_chunk_object_(c, c->made++);
	source->next_free = 0;
	return bide_record_of_(source);
}

bide_source *bide_checked_take_(unsigned size_class, const bide_place *place)
{
	bide_record *r;

	bide_spin_lock_(&bide_pools_.lock);
	r = bide_pools_.checked[size_class];
	if (r) {
		bide_pools_.checked[size_class] = r->next_checked;
		if (!r->next_checked)
			bide_pools_.checked_tail[size_class] = &bide_pools_.checked[size_class];
	} else {
		r = checked_make(size_class);
	}
	bide_spin_unlock_(&bide_pools_.lock);
	if (!r)
		return NULL;
	r->started = place;
	bide_pool_unpoison_(bide_record_object_(r), bide_class_bytes_(size_class));
	return bide_record_object_(r);
}

void bide_checked_give_(bide_source *source, unsigned size_class)
{
	bide_record *r = bide_record_of_(source);

	BIDE_STORE(&source->next_free, 0, RELAXED); /* visits read it */
	poison(source, bide_class_bytes_(size_class));
	r->next_checked = NULL;
	bide_spin_lock_(&bide_pools_.lock);
	BIDE_ASSERT_(!*bide_pools_.checked_tail[size_class]);
	*bide_pools_.checked_tail[size_class] = r;
	bide_pools_.checked_tail[size_class] = &r->next_checked;
	bide_spin_unlock_(&bide_pools_.lock);
}

const bide_place *bide_started_at_(const bide_frame *frame)
{
	if (bide_pools_.mode == BIDE_POOL_MODE_FAST_ &&
	    bide_kind_class_(frame->source.kind) != BIDE_CLASS_BIG_)
		return NULL;
	return bide_record_of_((bide_source *)(uintptr_t)frame)->started;
}
