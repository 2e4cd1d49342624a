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

bool bide_workers_others_have_work_(const bide_sleeper *sleeper)
{
	if (bide_injector_size_(&bide_workers_.injector))
		return true;
	for (unsigned i = 0; i < bide_workers_.count; i++)
		if (&bide_workers_.worker[i]->sleeper != sleeper &&
		    bide_worker_has_work_(bide_workers_.worker[i]))
			return true;
	return false;
}

bool bide_workers_have_work_(void)
{
	return bide_workers_others_have_work_(NULL);
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
	return others_run || bide_rounds_are_useful_(w) ? 2 : 0;
}

void bide_workers_woken_(bide_sleeper *sleeper)
{
	bide_worker *w = BIDE_CONTAINER_(sleeper, bide_worker, sleeper);

	bide_worker *waker = bide_worker_this_();

	w->waker = waker && BIDE_LOAD(&waker->told, RELAXED) ? waker : NULL;
	w->woken_ns = bide_os_now_ns_();
}

void bide_workers_monitor_(bool others_run)
{
	bide_monitor_begin_(bide_os_now_ns_(), others_run);
}

int64_t bide_workers_look_time_(bide_sleeper *sleeper)
{
	return sleeper->monitors ? bide_monitor_.look_ns : BIDE_FOREVER;
}

bool bide_workers_sleep_on_(bide_sleeper *sleeper, int64_t until_ns)
{
	int64_t now_ns = bide_os_now_ns_();

	return now_ns < until_ns &&
	       !bide_monitor_finds_(BIDE_CONTAINER_(sleeper, bide_worker, sleeper), now_ns);
}

bool bide_workers_round_is_soon_(void)
{
	int64_t soon_ns = bide_os_now_ns_() + BIDE_ROUND_SOON_NS_;

	for (unsigned i = 0; i < bide_workers_.count; i++)
		if (BIDE_LOAD(&bide_workers_.worker[i]->sleeper.round_ns, RELAXED) <= soon_ns)
			return true;
	return false;
}

int64_t bide_workers_wake_time_(bide_sleeper *sleeper, bool rounds, bool soon)
{
	bide_worker *w = BIDE_CONTAINER_(sleeper, bide_worker, sleeper);
	int64_t until_ns = BIDE_LOAD(&w->due_ns, SEQ_CST), now_ns, round_ns;

	if (!rounds)
		return until_ns;
	now_ns = bide_os_now_ns_();
	round_ns = bide_rounds_next_ns_(w, now_ns);
	if (soon && round_ns > now_ns + BIDE_ROUND_SOON_NS_)
		round_ns = now_ns + BIDE_ROUND_SOON_NS_;
	return round_ns < until_ns ? round_ns : until_ns;
}
