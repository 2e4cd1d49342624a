/*
 * pool_end.c - the end of the pools: at shutdown, and in the child of a fork.
 */
#include "base/assert.h"
#include "base/count.h"
#include "base/settings.h"
#include "base/spin.h"
#include "memory/allocator.h"
#include "memory/poison.h"
#include "memory/pool_parts.h"

/*
 * Ends an object that is in use, a leak: it stays pending for ever. Returns false if it is free.
 */
static bool end(bide_source *source)
{
	if (!bide_is_in_use_(source))
		return false;
	source->generation = BIDE_GENERATION_ENDED_;
	source->word = BIDE_WORD_PENDING_;
	return true;
}

static void chunks_free(bide_chunk *k, bool is_parents)
{
	bide_chunk *next;
	bool keep;

	for (; k; k = next) {
		next = k->next;
		keep = false;
		ASAN_UNPOISON_MEMORY_REGION(k, k->size_bytes);
		for (uint32_t i = 0; !is_parents && i < k->made; i++)
			keep |= end(bide_chunk_object_(k, i));
		VALGRIND_MAKE_MEM_DEFINED(k + 1, k->size_bytes - sizeof *k);
		if (keep)
			bide_keep_(k, k->size_bytes);
		else
			bide_deallocate_(k, k->size_bytes);
	}
}

static void records_free(bide_record *r, bool is_parents)
{
	bide_record *next;

	for (; r; r = next) {
		next = r->next;
		if (!is_parents && end(bide_record_object_(r))) {
			bide_keep_(r, sizeof *r + r->size_bytes);
			continue;
		}
		bide_pool_unpoison_(bide_record_object_(r), r->size_bytes);
		bide_deallocate_(r, sizeof *r + r->size_bytes);
	}
}

void bide_pools_free_(void)
{
	struct bide_pools_ old;
	uint32_t epoch;

	BIDE_ASSERT_IN_DEBUG_(bide_pools_are_valid_() && bide_allocator_is_valid_());
	BIDE_ASSERT_IN_DEBUG_(bide_counts_are_valid_());
	/* A dump may look on another thread: it finds all or nothing. */
	bide_spin_lock_(&bide_pools_.lock);
	old = bide_pools_;
	epoch = bide_pools_.epoch + 1;
	__builtin_memset(&bide_pools_.epoch, 0,
	                 sizeof bide_pools_ - offsetof(struct bide_pools_, epoch));
	bide_pools_.epoch = epoch;
	bide_life_++;
	bide_spin_unlock_(&bide_pools_.lock);
	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++)
		chunks_free(old.chunks[c], false);
	chunks_free(old.parent_chunks, true);
	records_free(old.singles, false);
	records_free(old.parent_singles, true);
	bide_retired_free_();
}

void bide_pools_disown_(void)
{
	bide_pools_.disowned = true;
}

/* Joins the chunks of all classes, and those of the process that forked the parent. */
static bide_chunk *chunks_joined(void)
{
	bide_chunk *all = bide_pools_.parent_chunks, **last;

	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++) {
		for (last = &bide_pools_.chunks[c]; *last; last = &(*last)->next)
			;
		*last = all;
		all = bide_pools_.chunks[c];
	}
	return all;
}

void bide_pools_inherit_(void (*visit)(bide_source *source, void *argument))
{
	bide_chunk *chunks;
	bide_record *singles = bide_pools_.singles, **last;

	bide_pools_visit_all_(visit, NULL);
	chunks = chunks_joined();
	for (last = &singles; *last; last = &(*last)->next)
		;
	*last = bide_pools_.parent_singles;
	__builtin_memset(&bide_pools_, 0, sizeof bide_pools_);
	bide_pools_.parent_chunks = chunks;
	bide_pools_.parent_singles = singles;
}
