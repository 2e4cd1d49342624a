/*
 * pool.c - object pools: where frames and operations live.
 *
 * Fast mode: a list a size class and thread, refilled from chunks in batches; what a thread has too
 * much goes to a depot in batches. Watched mode (BIDE_DEBUG=1, ASan, valgrind): every object passes
 * the slow path, has a record of its own in front, is reused oldest first, and is poisoned beyond
 * its header while it is free. BIDE_POOL=malloc: every object is an allocation of its own. In all
 * modes the generation of free memory matches no value task.
 */
#include "memory/pool.h"

#include "base/settings.h"
#include "base/spin.h"
#include "memory/poison.h"
#include "memory/pool_parts.h"

enum {
	BATCH = 32, /* objects made, or handed to the depot, at a time */
	ROOM_START = 2 * BATCH
};

static void mode_choose(void)
{
	bide_pools_.mode = !bide_pooling_                       ? BIDE_POOL_MODE_SINGLE_
	                   : bide_debug_ || RUNNING_ON_VALGRIND ? BIDE_POOL_MODE_CHECKED_
	                                                        : BIDE_POOL_MODE_FAST_;
#ifdef BIDE_HAS_ASAN_
	if (bide_pools_.mode == BIDE_POOL_MODE_FAST_)
		bide_pools_.mode = BIDE_POOL_MODE_CHECKED_;
#endif
	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++)
		bide_pools_.checked_tail[c] = &bide_pools_.checked[c];
}

void bide_pools_join_(bide_thread *thread)
{
	if (bide_pools_.mode == BIDE_POOL_MODE_UNKNOWN_)
		mode_choose();
	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++)
		thread->head.pool[c].room = bide_pools_.mode == BIDE_POOL_MODE_FAST_ ? ROOM_START : 0;
}

/*
 * Fast mode, under the lock: takes a batch out of the depot, or makes one; NULL: no memory. It is
 * not walked here: what other cores have given back costs a cache miss an object.
 */
static bide_source *batch_take(unsigned size_class)
{
	bide_source *list = bide_pools_.depot[size_class];
	uint32_t first;
	bide_chunk *c;

	if (list) {
		bide_pools_.depot[size_class] = list->payload.p;
		return list;
	}
	c = bide_chunk_with_room_(size_class);
	if (!c)
		return NULL;
	/* Linked so that they are taken in the order of their addresses. */
	first = c->made;
	c->made = c->count - first < BATCH ? c->count : first + BATCH;
	for (uint32_t i = c->made; i-- > first;) {
		bide_source *source = bide_chunk_object_(c, i);
		bide_pool_link_set_(source, list);
		source->kind = BIDE_KIND_OPERATION_;
		list = source;
	}
	return list;
}

static void batch_give(bide_source *list, unsigned size_class)
{
	bide_spin_lock_(&bide_pools_.lock);
	list->payload.p = bide_pools_.depot[size_class];
	bide_pools_.depot[size_class] = list;
	bide_spin_unlock_(&bide_pools_.lock);
}

/* A batch of what is free, which is not nothing. */
static bide_source *batch_cut(bide_pool *pool)
{
	bide_source *list = pool->free, *last = list;

	for (unsigned i = 1; i < BATCH && bide_pool_link_(last); i++)
		last = bide_pool_link_(last);
	pool->free = bide_pool_link_(last);
	bide_pool_link_set_(last, NULL);
	return list;
}

bide_source *bide_pool_refill_(bide_thread_head *head, unsigned size_class, const bide_place *place)
{
	bide_pool *pool = &head->pool[size_class];
	bide_source *list;

	if (BIDE_UNLIKELY(bide_thread_of_(head)->is_nowhere))
		return NULL;
	if (bide_pools_.mode == BIDE_POOL_MODE_SINGLE_)
		return bide_single_take_(bide_class_bytes_(size_class), place);
	if (bide_pools_.mode == BIDE_POOL_MODE_CHECKED_)
		return bide_checked_take_(size_class, place);
	bide_spin_lock_(&bide_pools_.lock);
	list = batch_take(size_class);
	bide_spin_unlock_(&bide_pools_.lock);
	if (!list)
		return NULL;
	pool->free = bide_pool_link_(list);
	pool->room++;
	return list;
}

/* Called with room already counted down: below zero the thread has more than its share. */
void bide_pool_spill_(bide_thread_head *head, bide_source *source, unsigned size_class)
{
	bide_pool *pool;

	if (size_class >= BIDE_CLASS_COUNT_) {
		bide_big_give_(source);
		return;
	}
	pool = &head->pool[size_class];
	if (bide_pools_.mode != BIDE_POOL_MODE_FAST_) {
		pool->room = 0;
		if (bide_pool_is_parents_(source))
			return;
		if (bide_pools_.mode == BIDE_POOL_MODE_SINGLE_)
			bide_single_give_(source);
		else
			bide_checked_give_(source, size_class);
		return;
	}
	bide_pool_link_set_(source, pool->free);
	pool->free = source;
	batch_give(batch_cut(pool), size_class);
	pool->room += BATCH;
}

void bide_pools_give_(bide_source *source)
{
	unsigned size_class = source->kind & 31u;

	if (size_class >= BIDE_CLASS_COUNT_) {
		bide_big_give_(source);
	} else if (bide_pools_.mode != BIDE_POOL_MODE_FAST_ && bide_pool_is_parents_(source)) {
		return;
	} else if (bide_pools_.mode == BIDE_POOL_MODE_SINGLE_) {
		bide_single_give_(source);
	} else if (bide_pools_.mode == BIDE_POOL_MODE_CHECKED_) {
		bide_checked_give_(source, size_class);
	} else {
		bide_pool_link_set_(source, NULL);
		batch_give(source, size_class);
	}
}

void bide_pools_leave_(bide_thread *thread)
{
	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++) {
		bide_pool *pool = &thread->head.pool[c];

		while (pool->free)
			batch_give(batch_cut(pool), c);
		pool->room = bide_pools_.mode == BIDE_POOL_MODE_FAST_ ? ROOM_START : 0;
	}
}
