/*
 * alarm.c - a timer that runs a listener, and can be stopped while it is about to.
 *
 * The lock is held while the timer of an alarm is changed or looked at, so no thread looks at one
 * that was given back. Under it the wheel's own lock may be taken, never the other way round: a
 * listener runs without any.
 */
#include "base/everything.h"

static void lock(bide_alarm *alarm)
{
	if (bide_shared_)
		bide_spin_lock_(&alarm->lock);
}

static void unlock(bide_alarm *alarm)
{
	if (bide_shared_)
		bide_spin_unlock_(&alarm->lock);
}

void bide_alarm_init_(bide_alarm *alarm, void (*due)(bide_listener *listener, bide_source *timer))
{
	alarm->timer = NULL;
	alarm->due.run = due;
	alarm->lock = 0;
	alarm->live = 1;
}

bool bide_alarm_over_(bide_alarm *alarm)
{
	/* the last one sees what all others did with it */
	return BIDE_SUB(&alarm->live, 1u, ACQ_REL) == 1;
}

bool bide_alarm_is_idle_(const bide_alarm *alarm)
{
	return BIDE_LOAD(&alarm->live, ACQUIRE) == 1; /* pairs with bide_alarm_over_ */
}

/* Under the lock. true: its call will not come. */
static bool take_back(bide_alarm *alarm)
{
	bide_timer *timer = alarm->timer;

	alarm->timer = NULL;
	if (!timer)
		return false;
	if (bide_port_disarm_(timer)) {
		bide_operation_discard_(&timer->source);
		return true;
	}
	if (!bide_unlisten_(&timer->source, &alarm->due))
		return false; /* it calls, and gives itself back */
	/* On its way out of the wheel, or not in it yet: ends without a consumer. */
	bide_value_task_forget_at_(bide_source_value_(&timer->source), NULL);
	return true;
}

void bide_alarm_set_(bide_alarm *alarm, bide_timer *timer, int64_t deadline_ns)
{
	timer->source.payload.i = deadline_ns;
	(void)bide_listen_(bide_source_value_(&timer->source), &alarm->due, "alarm", NULL);
	lock(alarm);
	if (!take_back(alarm))
		(void)BIDE_ADD(&alarm->live, 1u, RELAXED); /* the owner's own is in it */
	alarm->timer = timer;
	bide_port_arm_(timer);
	unlock(alarm);
}

bool bide_alarm_stop_(bide_alarm *alarm)
{
	bool stopped;

	lock(alarm);
	stopped = take_back(alarm);
	unlock(alarm);
	if (stopped)
		(void)bide_alarm_over_(alarm); /* not the last: the owner */
	return stopped;
}

bool bide_alarm_fired_(bide_alarm *alarm, bide_source *timer)
{
	bool counts;

	lock(alarm);
	counts = alarm->timer == (bide_timer *)(void *)timer;
	if (counts)
		alarm->timer = NULL;
	unlock(alarm);
	bide_release_(timer, NULL);
	return counts;
}
