/*
 * worker_valid.c - see worker_valid.h.
 */
#include "runtime/worker_valid.h"

#include "async/deque.h"
#include "base/assert.h"
#include "base/spin.h"
#include "runtime/injector.h"
#include "runtime/reactor.h"
#include "runtime/ring.h"
#include "runtime/sleep.h"
#include "runtime/wheel.h"
#include "runtime/worker_search.h"

/* Under the lock of the wheel. */
static bool timers_are_valid(const bide_worker *w)
{
	int64_t next_ns = bide_wheel_next_ns_(&w->wheel);

	if (!bide_wheel_is_valid_(&w->wheel))
		return false;
	BIDE_INVARIANT_(next_ns == 0 || BIDE_LOAD(&w->due_ns, RELAXED) <= next_ns);
	return true;
}

bool bide_worker_is_valid_(bide_worker *w)
{
	bool valid;

	BIDE_INVARIANT_(w->index < bide_workers_.count && bide_workers_.worker[w->index] == w);
	BIDE_INVARIANT_(!w->thread.is_external && w->thread.home == w->index);
	BIDE_INVARIANT_(w->turns <= w->turns_max && w->turns_max <= BIDE_TURNS_BETWEEN_POLLS_);
	BIDE_INVARIANT_(!w->hands_out);
	if (!bide_ring_is_valid_(&w->ring) || !bide_deque_is_valid_(&w->thread.head))
		return false;
	bide_spin_lock_(&w->wheel_lock);
	valid = timers_are_valid(w);
	bide_spin_unlock_(&w->wheel_lock);
	return valid && bide_reactor_is_valid_(BIDE_LOAD(&w->sleeper.reactor, ACQUIRE));
}

bool bide_workers_are_valid_(void)
{
	bool valid;

	for (unsigned i = 0; i < bide_workers_.count; i++)
		if (!bide_worker_is_valid_(bide_workers_.worker[i]))
			return false;
	bide_spin_lock_(&bide_workers_.injector.lock);
	valid = bide_injector_is_valid_(&bide_workers_.injector);
	bide_spin_unlock_(&bide_workers_.injector.lock);
	return valid && bide_sleep_is_valid_();
}
