/*
 * monitor.c - see monitor.h.
 */
#include "runtime/monitor.h"

#include "async/deque.h"
#include "os/os.h"
#include "runtime/sleep.h"
#include "runtime/worker_search.h"
#include "runtime/worker_timers.h"

/* Takes over what waits behind the function that the worker runs. */
static uintptr_t rescue(bide_worker *w, int64_t now_ns)
{
	bool lone = bide_deque_size_(&w->thread.head) == 1;
	uintptr_t entry;

	(void)bide_worker_expire_(w, now_ns);
	entry = bide_deque_thief_steal_(&w->thread.head);
	if (entry)
		bide_worker_count_theft_(lone);
	return entry;
}

/* Sets the time of the next look. */
static void plan(int64_t now_ns, bool others_run)
{
	int64_t window_ns = BIDE_STUCK_NS_;

	if (!others_run) {
		if (bide_monitor_.busy == 0)
			bide_monitor_.window_ns = bide_monitor_longer_(bide_monitor_.window_ns);
		bide_monitor_.busy = 0;
		window_ns = bide_monitor_.window_ns;
	} else if (bide_monitor_.busy++ > 0) { /* once may be by chance */
		bide_monitor_.window_ns = BIDE_STUCK_NS_;
	}
	bide_monitor_.look_ns = now_ns + window_ns;
}

uintptr_t bide_monitor_look_(bide_worker *w)
{
	int64_t now_ns = bide_os_now_ns_();
	bool others_run = false, any_made = false;
	uintptr_t entry = 0;
	uint32_t made;

	if (now_ns < bide_monitor_.look_ns)
		return 0;
	for (unsigned i = 0; i < bide_workers_.count; i++) {
		bide_worker *other = bide_workers_.worker[i];

		if (other == w)
			continue;
		others_run = bide_monitor_note_(other, now_ns, &made) || others_run;
		any_made = any_made || made > 0;
		if (!entry && bide_worker_is_stuck_(other, now_ns))
			entry = rescue(other, now_ns);
	}
	plan(now_ns, others_run);
	if (!entry)
		entry = bide_worker_take_(w); /* what timers made runnable */
	if (!entry && !others_run && !any_made)
		bide_sleep_monitor_end_(&w->sleeper);
	return entry;
}
