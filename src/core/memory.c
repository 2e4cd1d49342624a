/*
 * memory.c - every byte the library takes passes here and is counted.
 */
#include "core.h"

static void *default_allocate(size_t size_bytes, size_t alignment, void *argument)
{
	(void)argument;
	return bide_port_allocate(size_bytes, alignment);
}

static void default_release(void *memory, size_t size_bytes, void *argument)
{
	(void)argument;
	bide_port_release(memory, size_bytes);
}

static bide_allocator allocator = { default_allocate, default_release, NULL };
bide_stats bide_counters_;

int bide_set_allocator(const bide_allocator *wanted)
{
	if (!wanted || !wanted->allocate || !wanted->release) {
		bide_misuse_("bide_set_allocator: %s is NULL; an allocator needs both functions",
		             !wanted ? "the allocator" : !wanted->allocate ? "allocate" : "release");
		return BIDE_EINVAL_;
	}
	if (BIDE_LOAD(&bide_counters_.live_bytes, RELAXED) != 0)
		return BIDE_EBUSY_;
	allocator = *wanted;
	return 0;
}

void *bide_allocate_(size_t size_bytes, size_t alignment)
{
	void *memory = allocator.allocate(size_bytes, alignment, allocator.argument);
	uint64_t live, peak;

	if (!memory) {
		BIDE_ADD(&bide_counters_.failed_count, 1, RELAXED);
		return NULL;
	}
	BIDE_ADD(&bide_counters_.allocation_count, 1, RELAXED);
	live = BIDE_ADD(&bide_counters_.live_bytes, size_bytes, RELAXED) + size_bytes;
	peak = BIDE_LOAD(&bide_counters_.peak_bytes, RELAXED);
	while (live > peak && !BIDE_CAS(&bide_counters_.peak_bytes, &peak, live, RELAXED, RELAXED))
		;
	return memory;
}

void bide_deallocate_(void *memory, size_t size_bytes)
{
	BIDE_ADD(&bide_counters_.release_count, 1, RELAXED);
	BIDE_SUB(&bide_counters_.live_bytes, size_bytes, RELAXED);
	allocator.release(memory, size_bytes, allocator.argument);
}

static void count(bide_source *source, void *argument)
{
	bide_stats *stats = argument;

	if (source->kind >= BIDE_KIND_TIMER_) {
		stats->operation_count++;
		return;
	}
	stats->frame_count++;
	if ((BIDE_LOAD(&source->word, RELAXED) & BIDE_WORD_TAGS_) == BIDE_WORD_DONE_ &&
	    source->generation < BIDE_COUNT_BASE_)
		stats->unconsumed_count++;
}

void bide_get_stats(bide_stats *stats)
{
	bide_worker *worker = bide_current_worker_;

	if (!stats) {
		bide_misuse_("bide_get_stats: stats is NULL");
		return;
	}
	stats->allocation_count = BIDE_LOAD(&bide_counters_.allocation_count, RELAXED);
	stats->release_count = BIDE_LOAD(&bide_counters_.release_count, RELAXED);
	stats->failed_count = BIDE_LOAD(&bide_counters_.failed_count, RELAXED);
	stats->live_bytes = BIDE_LOAD(&bide_counters_.live_bytes, RELAXED);
	stats->peak_bytes = BIDE_LOAD(&bide_counters_.peak_bytes, RELAXED);
	stats->task_count = BIDE_LOAD(&bide_counters_.task_count, RELAXED);
	stats->unobserved_count = BIDE_LOAD(&bide_counters_.unobserved_count, RELAXED);
	stats->misuse_count = BIDE_LOAD(&bide_counters_.misuse_count, RELAXED);
	stats->timer_count = bide_port_timer_count();
	stats->runnable_count = worker ? worker->queue_count + (worker->next != NULL) : 0;
	stats->frame_count = stats->operation_count = stats->unconsumed_count = 0;
	bide_pools_visit_(count, stats);
}
