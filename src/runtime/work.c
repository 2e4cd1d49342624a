/*
 * work.c - see work.h.
 */
#include "runtime/work.h"

#include "os/os.h"
#include "runtime/injector.h"
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

uint32_t bide_workers_monitors_max_(bide_sleeper *sleeper, bool others_run)
{
	bide_worker *w = BIDE_CONTAINER_(sleeper, bide_worker, sleeper);

	if (BIDE_LIKELY(!BIDE_LOAD(&bide_reactor_hooks_, ACQUIRE)))
		return others_run ? 1 : 0;
	return bide_rounds_are_useful_(w) || others_run ? 2 : 0;
}

int64_t bide_workers_wake_time_(bide_sleeper *sleeper, bool monitors)
{
	bide_worker *w = BIDE_CONTAINER_(sleeper, bide_worker, sleeper);
	int64_t until_ns = BIDE_LOAD(&w->due_ns, SEQ_CST), look_ns;

	if (!monitors)
		return until_ns;
	for (unsigned i = 0; i < bide_workers_.count; i++) {
		bide_worker *other = bide_workers_.worker[i];
		BIDE_STORE(&other->steps_seen, BIDE_LOAD(&other->steps, RELAXED), RELAXED);
	}
	look_ns = bide_rounds_next_ns_(w, bide_os_now_ns_());
	return look_ns < until_ns ? look_ns : until_ns;
}
