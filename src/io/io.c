/*
 * io.c - the public functions of io.h.
 */
#include "base/count.h"
#include "base/misuse.h"
#include "io/choice.h"
#include "io/chunk.h"
#include "io/lookup.h"
#include "io/reactor.h"
#include "runtime/runtime.h"

static bool is_simulation(void)
{
	return bide_thread_() && bide_runtime_.simulating;
}

bide_io_engine bide_io_engine_used(void)
{
	return is_simulation() ? BIDE_IO_SIMULATED : bide_choice_().name;
}

const char *bide_io_engine_reason(void)
{
	return is_simulation() ? "simulated: the runtime is a simulation (virtual_clock)"
	                       : bide_choice_().reason;
}

int bide_io_stats_get(bide_io_stats *stats)
{
	bide_lookup_stats lookups;

	if (!stats) {
		bide_misuse_("bide_io_stats_get: stats is NULL");
		return BIDE_EINVAL_;
	}
	*stats = (bide_io_stats){ 0 };
	stats->at_once_count = bide_counted_(BIDE_COUNT_IO_AT_ONCE_);
	stats->waited_count = bide_counted_(BIDE_COUNT_IO_WAITED_);
	stats->canceled_count = bide_counted_(BIDE_COUNT_IO_CANCELED_);
	stats->request_count = bide_counted_(BIDE_COUNT_IO_REQUESTED_);
	bide_reactor_stats_(stats);
	stats->buffer_bytes = bide_chunks_bytes_();
	bide_lookup_stats_(&lookups);
	stats->resolver_thread_count = lookups.thread_count;
	stats->lookup_queue_count = lookups.queue_count;
	stats->lookup_running_count = lookups.running_count;
	stats->lookup_hung_count = lookups.hung_count;
	return 0;
}
