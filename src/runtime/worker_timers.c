/*
 * worker_timers.c - see worker_timers.h.
 */
#include "runtime/worker_timers.h"

#include "base/spin.h"
#include "runtime/sleep.h"
#include "runtime/wheel.h"
#include "source/source.h"
#include "source/timer.h"

enum { TIMER_BATCH = 32 /* timers ended at a time */ };

static bide_worker *home_of(const bide_timer *timer)
{
	return bide_workers_.worker[BIDE_LOAD(&timer->source.home, RELAXED) >> BIDE_HOME_SHIFT_];
}

/*
 * If this timer is due before all others of the wheel, the worker of the wheel is woken if it
 * sleeps. It reads due_ns after it has announced that it sleeps.
 */
void bide_workers_arm_(bide_timer *timer)
{
	bide_worker *w = home_of(timer);
	int64_t deadline_ns = timer->source.payload.i;
	bool first;

	bide_spin_lock_(&w->wheel_lock);
	bide_wheel_insert_(&w->wheel, timer);
	first = deadline_ns < w->due_ns;
	if (first)
		BIDE_STORE(&w->due_ns, deadline_ns, SEQ_CST);
	bide_spin_unlock_(&w->wheel_lock);
	if (!first)
		return;
	if (w != bide_worker_this_())
		bide_sleep_rearm_(&w->sleeper);
	bide_sleep_ask_monitor_(); /* the worker may run for long, and be late */
}

bool bide_workers_disarm_(bide_timer *timer)
{
	bide_worker *w = home_of(timer);
	bool held;

	bide_spin_lock_(&w->wheel_lock);
	held = bide_wheel_holds_(timer);
	if (held)
		bide_wheel_remove_(&w->wheel, timer);
	bide_spin_unlock_(&w->wheel_lock);
	return held;
}

/* In batches, so that no listener of a timer runs under the lock. */
bool bide_worker_expire_due_(bide_worker *w, int64_t now_ns)
{
	bide_timer *batch[TIMER_BATCH];
	bool any = false;
	unsigned count;

	do {
		bide_spin_lock_(&w->wheel_lock);
		for (count = 0; count < TIMER_BATCH; count++)
			if (!(batch[count] = bide_wheel_expire_(&w->wheel, now_ns, false)))
				break;
		if (count < TIMER_BATCH)
			BIDE_STORE(&w->due_ns, bide_wheel_next_ns_(&w->wheel), SEQ_CST);
		bide_spin_unlock_(&w->wheel_lock);
		for (unsigned i = 0; i < count; i++)
			bide_timer_due_(batch[i]);
		any |= count > 0;
	} while (count == TIMER_BATCH);
	return any;
}
