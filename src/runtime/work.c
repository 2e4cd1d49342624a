/*
 * work.c - see work.h.
 */
#include "runtime/work.h"

#include "os/os.h"
#include "runtime/injector.h"
#include "runtime/monitor.h"
#include "runtime/reactor.h"
#include "runtime/rounds.h"
#include "runtime/worker.h"

unsigned bide_workers_count_(void)
{
	return bide_workers_.count;
}

bide_sleeper *bide_workers_sleeper_(unsigned index)
{
	return &bide_workers_.worker[index]->sleeper;
}

bool bide_workers_have_work_(void)
{
	if (bide_injector_size_(&bide_workers_.injector))
		return true;
	for (unsigned i = 0; i < bide_workers_.count; i++)
		if (bide_worker_has_work_(bide_workers_.worker[i]))
			return true;
	return false;
}

void bide_workers_want_(void)
{
	for (unsigned i = 0; i < bide_workers_.count; i++)
		BIDE_STORE(&bide_workers_.worker[i]->thread.head.deque.wanted, 1u, RELAXED);
}

uint32_t bide_workers_rounds_max_(bide_sleeper *sleeper, bool others_run)
{
	bide_worker *w = BIDE_CONTAINER_(sleeper, bide_worker, sleeper);

	if (BIDE_LIKELY(!BIDE_LOAD(&bide_reactor_hooks_, ACQUIRE)))
		return 0;
	return bide_rounds_are_useful_(w) || others_run ? 2 : 0;
}

/*
 * If another monitor has just ended, its times hold, so that looks are made in time although no
 * worker sleeps for long. If one has ended a little before that, events come now and then: then the
 * window grows until it is longer than the time between two of them.
 */
void bide_workers_monitor_(void)
{
	bide_monitor *m = &bide_monitor_;
	int64_t now_ns = bide_os_now_ns_();
	uint32_t made;

	if (m->look_ns > now_ns)
		return;
	m->window_ns = m->look_ns > now_ns - BIDE_MONITOR_LONGEST_NS_ / 4
	                   ? bide_monitor_longer_(m->window_ns)
	                   : BIDE_STUCK_NS_;
	m->busy = 0;
	m->look_ns = now_ns + m->window_ns;
	for (unsigned i = 0; i < bide_workers_.count; i++)
		(void)bide_monitor_note_(bide_workers_.worker[i], now_ns, &made);
}

int64_t bide_workers_wake_time_(bide_sleeper *sleeper, bool rounds)
{
	bide_worker *w = BIDE_CONTAINER_(sleeper, bide_worker, sleeper);
	int64_t until_ns = BIDE_LOAD(&w->due_ns, SEQ_CST), round_ns;

	if (sleeper->monitors && bide_monitor_.look_ns < until_ns)
		until_ns = bide_monitor_.look_ns;
	if (!rounds)
		return until_ns;
	round_ns = bide_rounds_next_ns_(w, bide_os_now_ns_());
	return round_ns < until_ns ? round_ns : until_ns;
}
