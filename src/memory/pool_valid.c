/*
 * pool_valid.c - the walkers of the pools.
 */
#include "base/assert.h"
#include "base/spin.h"
#include "memory/pool_parts.h"

/* Finds objects in the chunks of a class. Most objects are in the chunk of the one before. */
typedef struct finder {
	unsigned size_class;
	const bide_chunk *last;
	uint64_t left; /* the most objects that can follow; more of them are a circle */
} finder;

static finder finder_of(unsigned size_class)
{
	finder f = { .size_class = size_class };

	for (const bide_chunk *k = bide_pools_.chunks[size_class]; k; k = k->next)
		f.left += k->made;
	for (const bide_chunk *k = bide_pools_.parent_chunks; k; k = k->next)
		f.left += k->made;
	return f;
}

static bool is_in(const bide_chunk *k, const bide_source *source)
{
	uintptr_t first = (uintptr_t)k + BIDE_CHUNK_HEAD_BYTES_ + k->front;

	return (uintptr_t)source - first < (uintptr_t)k->made * k->stride;
}

static const bide_chunk *chunk_of(const finder *f, const bide_source *source)
{
	if (f->last && is_in(f->last, source))
		return f->last;
	for (const bide_chunk *k = bide_pools_.chunks[f->size_class]; k; k = k->next)
		if (is_in(k, source))
			return k;
	for (const bide_chunk *k = bide_pools_.parent_chunks; k; k = k->next)
		if (is_in(k, source))
			return k;
	return NULL;
}

static bool object_is_free(finder *f, const bide_source *source)
{
	const bide_chunk *k = f->last = chunk_of(f, source);

	BIDE_INVARIANT_(k != NULL);
	BIDE_INVARIANT_(k->stride - k->front - bide_class_bytes_(f->size_class) < 64);
	BIDE_INVARIANT_(
		((uintptr_t)source - (uintptr_t)k - BIDE_CHUNK_HEAD_BYTES_ - k->front) % k->stride == 0);
	BIDE_INVARIANT_(!bide_is_in_use_(source));
	BIDE_INVARIANT_(f->left > 0);
	f->left--;
	return true;
}

/* Counts the objects of a list. */
static bool list_is_valid(finder *f, const bide_source *list, uint64_t *length)
{
	for (*length = 0; list; list = bide_pool_link_(list), ++*length)
		if (!object_is_free(f, list))
			return false;
	return true;
}

static bool chunks_are_valid(unsigned size_class)
{
	uint32_t front = bide_pools_.mode == BIDE_POOL_MODE_CHECKED_ ? sizeof(bide_record) : 0;

	for (const bide_chunk *k = bide_pools_.chunks[size_class]; k; k = k->next) {
		BIDE_INVARIANT_(k->front == front);
		BIDE_INVARIANT_(k->stride - front - bide_class_bytes_(size_class) < 64);
		BIDE_INVARIANT_(BIDE_CHUNK_HEAD_BYTES_ + (size_t)k->count * k->stride <= k->size_bytes);
		BIDE_INVARIANT_(k->made <= k->count);
		BIDE_INVARIANT_(!k->next || k->next->made == k->next->count);
	}
	return true;
}

static bool depot_is_valid(unsigned size_class)
{
	finder f = finder_of(size_class);
	const bide_source *batch = bide_pools_.depot[size_class];
	uint64_t length;

	BIDE_INVARIANT_(!batch || bide_pools_.mode == BIDE_POOL_MODE_FAST_);
	for (; batch; batch = bide_pool_next_batch_(batch)) {
		if (!list_is_valid(&f, batch, &length))
			return false;
		BIDE_INVARIANT_(length <= BIDE_POOL_BATCH_);
	}
	return true;
}

static bool checked_are_valid(unsigned size_class)
{
	finder f = finder_of(size_class);
	bide_record **end = &bide_pools_.checked[size_class];

	BIDE_INVARIANT_(!*end || bide_pools_.mode == BIDE_POOL_MODE_CHECKED_);
	for (; *end; end = &(*end)->next_checked)
		if (!object_is_free(&f, bide_record_object_(*end)))
			return false;
	BIDE_INVARIANT_(bide_pools_.checked_tail[size_class] == end);
	return true;
}

static bool singles_are_valid(void)
{
	const bide_record *previous = NULL;

	for (const bide_record *r = bide_pools_.singles; r; previous = r, r = r->next) {
		BIDE_INVARIANT_(r->previous == previous);
		BIDE_INVARIANT_(r->number <= bide_pools_.single_count);
		BIDE_INVARIANT_(!previous || r->number < previous->number); /* so it is no circle */
	}
	return true;
}

static bool bigs_are_valid(unsigned bucket)
{
	uint64_t left = bide_pools_.single_count;

	for (bide_record *r = bide_pools_.big[bucket]; r; r = r->next_big, left--) {
		size_t size_bytes = r->size_bytes;

		BIDE_INVARIANT_(left > 0);
		BIDE_INVARIANT_(size_bytes > bide_class_bytes_(BIDE_CLASS_COUNT_ - 1));
		BIDE_INVARIANT_(bide_big_bucket_(&size_bytes) == bucket);
		BIDE_INVARIANT_(size_bytes == r->size_bytes);
		BIDE_INVARIANT_(r->previous ? r->previous->next == r : bide_pools_.singles == r);
		BIDE_INVARIANT_(!bide_is_in_use_(bide_record_object_(r)));
	}
	return true;
}

static bool all_are_valid(void)
{
	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++)
		if (!chunks_are_valid(c) || !depot_is_valid(c) || !checked_are_valid(c))
			return false;
	if (!singles_are_valid())
		return false;
	for (unsigned i = 0; i < BIDE_BIG_BUCKETS_; i++)
		if (!bigs_are_valid(i))
			return false;
	return true;
}

bool bide_pools_are_valid_(void)
{
	bool valid;

	bide_spin_lock_(&bide_pools_.lock);
	valid = bide_pools_.disowned || bide_pools_.mode == BIDE_POOL_MODE_UNKNOWN_ || all_are_valid();
	bide_spin_unlock_(&bide_pools_.lock);
	return valid;
}

static bool list_of_thread_is_valid(const bide_pool *pool, unsigned size_class)
{
	finder f = finder_of(size_class);
	uint64_t length;

	if (bide_pools_.mode != BIDE_POOL_MODE_FAST_) {
		BIDE_INVARIANT_(!pool->free);
		BIDE_INVARIANT_(pool->room == 0);
		return true;
	}
	if (!list_is_valid(&f, pool->free, &length))
		return false;
	BIDE_INVARIANT_(pool->room >= 0);
	BIDE_INVARIANT_(length + (uint64_t)pool->room >= BIDE_POOL_ROOM_START_);
	return true;
}

bool bide_pool_is_valid_(const bide_thread_head *head)
{
	bool valid = true;

	bide_spin_lock_(&bide_pools_.lock); /* the chunks are looked at */
	for (unsigned c = 0; valid && c < BIDE_CLASS_COUNT_; c++)
		valid = list_of_thread_is_valid(&head->pool[c], c);
	bide_spin_unlock_(&bide_pools_.lock);
	return valid;
}
