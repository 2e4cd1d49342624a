/*
 * stats.c - the statistics for the user: the counts, and what the pools have in use.
 */
#include "base/count.h"
#include "base/generation.h"
#include "base/misuse.h"
#include "base/port.h"
#include "memory/pool.h"

/* Other threads change the object meanwhile, so what is counted is a snapshot. */
__attribute__((no_sanitize_thread)) static void count(bide_source *source, void *argument)
{
	bide_stats *stats = argument;

	if (!bide_kind_is_frame_(source->kind)) {
		stats->operation_count++;
		return;
	}
	stats->frame_count++;
	if (bide_word_is_done_(BIDE_LOAD(&source->word, RELAXED)) &&
	    source->generation < BIDE_COUNT_BASE_)
		stats->unconsumed_count++;
}

int bide_stats_get(bide_stats *stats)
{
	if (!stats) {
		bide_misuse_("bide_stats_get: stats is NULL");
		return BIDE_EINVAL_;
	}
	__builtin_memset(stats, 0, sizeof *stats);
	stats->allocation_count = bide_counted_(BIDE_COUNT_ALLOCATIONS_);
	stats->release_count = bide_counted_(BIDE_COUNT_RELEASES_);
	stats->failed_count = bide_counted_(BIDE_COUNT_FAILED_);
	stats->live_bytes = bide_counted_(BIDE_COUNT_BYTES_);
	stats->task_count = bide_counted_(BIDE_COUNT_TASKS_);
	stats->unobserved_count = bide_counted_(BIDE_COUNT_UNOBSERVED_);
	stats->misuse_count = bide_counted_(BIDE_COUNT_MISUSE_);
	stats->wake_count = bide_counted_(BIDE_COUNT_WAKES_);
	stats->vain_wake_count = bide_counted_(BIDE_COUNT_VAIN_WAKES_);
	stats->fence_count = bide_counted_(BIDE_COUNT_FENCES_);
	stats->theft_count = bide_counted_(BIDE_COUNT_THEFTS_);
	stats->lone_theft_count = bide_counted_(BIDE_COUNT_LONE_THEFTS_);
	stats->scheduler_call_count = bide_counted_(BIDE_COUNT_CALLS_);
	bide_port_stats_(stats);
	bide_pools_visit_(count, stats);
	return 0;
}
