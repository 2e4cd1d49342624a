/*
 * pool.c - object pools: where frames and operations live. pool.h has the words.
 *
 * There are three modes. The first thread chooses one, until the pools end:
 *   fast     A thread takes from its list and gives to it. An empty list gets a batch of the depot,
 *            or one that is made. A thread without room gives a batch to the depot.
 *   checked  (BIDE_DEBUG=1, AddressSanitizer, valgrind) Each object takes the slow path, has a
 *            record, is reused after all that were freed before it, and is poisoned behind its
 *            header while it is free.
 *   single   (BIDE_POOL=malloc) Each object is single.
 * In all of them the generation of free memory is a link or 0, and matches no value task.
 *
 * In fast mode, for each thread and class:
 *   room >= 0
 *   length of the list + room >= ROOM_START
 * since taking and giving keep the sum, a batch that comes raises it, and a batch that goes adds
 * BATCH to room and takes no more than that off the list. In the other modes the list is empty and
 * room is 0, so that inlined code takes the slow path.
 */
#include "memory/pool.h"

#include "base/assert.h"
#include "base/settings.h"
#include "base/spin.h"
#include "memory/poison.h"
#include "memory/pool_parts.h"

/* Fetching an object from another core takes as long as about that many calls of bide_run. */
enum { FETCH_AHEAD = 4 };

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

static intptr_t room_at_first(void)
{
	return bide_pools_.mode == BIDE_POOL_MODE_FAST_ ? BIDE_POOL_ROOM_START_ : 0;
}

void bide_pools_join_(bide_thread *thread)
{
	if (bide_pools_.mode == BIDE_POOL_MODE_UNKNOWN_)
		mode_choose();
	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++)
		thread->head.pool[c].room = room_at_first();
}

/* Makes a batch of objects, linked in the order of their addresses. */
static bide_source *batch_make(bide_chunk *c)
{
	uint32_t first = c->made;
	bide_source *list = NULL;

	BIDE_ASSERT_(first < c->count);
	c->made = c->count - first < BIDE_POOL_BATCH_ ? c->count : first + BIDE_POOL_BATCH_;
	for (uint32_t i = c->made; i-- > first;) {
		bide_source *source = bide_chunk_object_(c, i);

		bide_pool_link_set_(source, list);
		source->kind = BIDE_KIND_OPERATION_;
		list = source;
	}
	return list;
}

/*
 * Under the lock. Takes a batch out of the depot, or makes one. Returns NULL if there is no memory.
 * It does not walk the batch: each object that another processor gave back is a cache miss.
 */
static bide_source *batch_take(unsigned size_class)
{
	bide_source *list = bide_pools_.depot[size_class];
	bide_chunk *c;

	if (list) {
		bide_pools_.depot[size_class] = bide_pool_next_batch_(list);
		return list;
	}
	c = bide_chunk_with_room_(size_class);
	return c ? batch_make(c) : NULL;
}

static void batch_give(bide_source *list, unsigned size_class)
{
	BIDE_ASSERT_(list != NULL);
	bide_spin_lock_(&bide_pools_.lock);
	list->payload.p = bide_pools_.depot[size_class];
	bide_pools_.depot[size_class] = list;
	bide_spin_unlock_(&bide_pools_.lock);
}

/*
 * Cuts a batch off a list that is not empty. Each object but the first holds the address of a later
 * one, for bide_pool_fetch_. The first one holds that of the next batch.
 */
static bide_source *batch_cut(bide_pool *pool)
{
	bide_source *list = pool->free, *last = list, *before = list;

	BIDE_ASSERT_(list != NULL);
	for (unsigned i = 1; i < BIDE_POOL_BATCH_ && bide_pool_link_(last); i++) {
		last = bide_pool_link_(last);
		if (i > FETCH_AHEAD) {
			before = bide_pool_link_(before);
			before->payload.p = last;
		}
	}
	pool->free = bide_pool_link_(last);
	bide_pool_link_set_(last, NULL);
	return list;
}

bide_source *bide_pool_refill_(bide_thread_head *head, unsigned size_class, const bide_place *place)
{
	bide_pool *pool = &head->pool[size_class];
	bide_source *list;

	BIDE_ASSERT_(size_class < BIDE_CLASS_COUNT_);
	BIDE_ASSERT_(!pool->free);
	if (BIDE_UNLIKELY(bide_thread_of_(head)->is_nowhere))
		return NULL;
	BIDE_ASSERT_(bide_pools_.mode != BIDE_POOL_MODE_UNKNOWN_);
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

/* In a mode that is not fast. */
static void give_slow(bide_source *source, unsigned size_class)
{
	if (bide_pool_is_parents_(source))
		return;
	if (bide_pools_.mode == BIDE_POOL_MODE_SINGLE_)
		bide_single_give_(source);
	else
		bide_checked_give_(source, size_class);
}

/* The caller has counted room down, to -1. */
void bide_pool_spill_(bide_thread_head *head, bide_source *source, unsigned size_class)
{
	bide_pool *pool;

	if (size_class >= BIDE_CLASS_COUNT_) {
		bide_big_give_(source);
		return;
	}
	pool = &head->pool[size_class];
	BIDE_ASSERT_(pool->room == -1);
	if (bide_pools_.mode != BIDE_POOL_MODE_FAST_) {
		pool->room = 0;
		give_slow(source, size_class);
		return;
	}
	bide_pool_link_set_(source, pool->free);
	pool->free = source;
	batch_give(batch_cut(pool), size_class);
	pool->room += BIDE_POOL_BATCH_;
}

void bide_pools_give_(bide_source *source)
{
	unsigned size_class = bide_kind_class_(source->kind);

	if (size_class >= BIDE_CLASS_COUNT_) {
		bide_big_give_(source);
	} else if (bide_pools_.mode != BIDE_POOL_MODE_FAST_) {
		give_slow(source, size_class);
	} else {
		bide_pool_link_set_(source, NULL);
		batch_give(source, size_class);
	}
}

void bide_pools_leave_(bide_thread *thread)
{
	BIDE_ASSERT_IN_DEBUG_(bide_pool_is_valid_(&thread->head));
	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++) {
		bide_pool *pool = &thread->head.pool[c];

		while (pool->free)
			batch_give(batch_cut(pool), c);
		pool->room = room_at_first();
	}
}
