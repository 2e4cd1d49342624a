/*
 * fence.c - see fence.h.
 */
#include "runtime/fence.h"

#include "base/count.h"
#include "base/settings.h"
#include "os/os.h"

int64_t bide_fence_cost_ns_;

/*
 * Takes a measurement over. One that is dearer than what is known counts for half, so that a few
 * fences are enough after the start, where no other thread ran. A cheaper one counts for an eighth,
 * because a fence is cheap now and then, when the others happen to sleep. Two threads that measure
 * at a time lose one of the measurements.
 */
static void learn(int64_t took_ns)
{
	enum { LONGEST_NS = 1000000 }; /* the kernel has run another thread meanwhile */
	int64_t known_ns = bide_fence_cost_();

	if (took_ns > LONGEST_NS)
		return;
	known_ns += (took_ns - known_ns) / (took_ns > known_ns ? 2 : 8);
	BIDE_STORE(&bide_fence_cost_ns_, known_ns, RELAXED);
}

void bide_fence_start_(void)
{
	int64_t from_ns;

	BIDE_STORE(&bide_fence_cost_ns_, (int64_t)0, RELAXED);
	if (!bide_os_membarrier_start_()) /* without it the deques are no_membarrier */
		return;
	from_ns = bide_os_now_ns_();
	(void)bide_os_heavy_fence_();
	BIDE_STORE(&bide_fence_cost_ns_, bide_os_now_ns_() - from_ns, RELAXED);
}

bool bide_fence_heavy_(void)
{
	int64_t from_ns = bide_os_now_ns_();

	if (!bide_os_heavy_fence_())
		return false;
	learn(bide_os_now_ns_() - from_ns);
	bide_count_(BIDE_COUNT_FENCES_, bide_shared_);
	bide_count_(BIDE_COUNT_CALLS_, bide_shared_);
	return true;
}
