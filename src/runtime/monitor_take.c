/*
 * monitor_take.c - see monitor_take.h.
 */
#include "runtime/monitor_take.h"

#include "async/deque.h"
#include "os/os.h"
#include "runtime/monitor.h"
#include "runtime/sleep.h"
#include "runtime/theft.h"
#include "runtime/worker_search.h"
#include "runtime/worker_timers.h"

/* Takes over what waits behind the function that the worker runs. */
static uintptr_t rescue(bide_worker *w, int64_t now_ns)
{
	bool lone = bide_worker_entries_(w) == 1;
	bide_monitor *m = &bide_monitor_;
	uintptr_t entry;

	(void)bide_worker_expire_(w, now_ns);
	entry = bide_entry_of_(bide_ring_take_(&w->ring));
	if (!entry)
		entry = bide_deque_thief_steal_(&w->thread.head);
	if (!entry)
		return 0;
	bide_worker_count_theft_(w, lone);
	BIDE_STORE(&w->tell.left, 1u,
	           RELAXED); /* a guess of it was wrong: the next entry is a sample */
	m->between_ns = now_ns - m->stuck_ns;
	m->stuck_ns = now_ns;
	return entry;
}

uintptr_t bide_monitor_take_(bide_worker *monitor)
{
	bide_monitor *m = &bide_monitor_;
	int64_t now_ns = bide_os_now_ns_();
	uintptr_t entry = 0;

	(void)bide_monitor_finds_(monitor, now_ns);
	if (m->stuck && !bide_monitor_moved_(m->stuck))
		entry = rescue(m->stuck, now_ns);
	m->stuck = NULL;
	if (!entry)
		entry = bide_worker_take_(monitor); /* what timers made runnable */
	if (!entry && m->ends)
		bide_sleep_monitor_end_(&monitor->sleeper);
	return entry;
}
