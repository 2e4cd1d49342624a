/*
 * alarm.c - a timer that runs a listener, and can be stopped while it is about to.
 *
 * The lock is held while the timer of an alarm is changed or read, so that no thread touches a
 * timer that was released. The wheel's own lock may be taken under it, never the other way round: a
 * listener runs without a lock.
 */
#include "cancel/alarm.h"

#include "base/assert.h"
#include "base/port.h"
#include "base/settings.h"
#include "base/spin.h"
#include "source/operation.h"
#include "source/source.h"
#include "source/timer.h"

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

void bide_alarm_init_(bide_alarm *alarm, void (*due)(bide_observer *listener, bide_source *timer))
{
	alarm->timer = NULL;
	alarm->due.run = due;
	alarm->lock = 0;
	alarm->parties = 1;
}

bool bide_alarm_leave_(bide_alarm *alarm)
{
	/* The last party sees what all others did with the object. */
	uint32_t before = BIDE_SUB(&alarm->parties, 1u, ACQ_REL);

	BIDE_ASSERT_(before != 0);
	return before == 1;
}

bool bide_alarm_is_idle_(const bide_alarm *alarm)
{
	return BIDE_LOAD(&alarm->parties, ACQUIRE) == 1; /* Pairs with bide_alarm_leave_. */
}

/*
 * Called under the lock, while the owner is a party. Calls of earlier timers may leave meanwhile.
 */
static bool alarm_is_valid(const bide_alarm *alarm)
{
	const bide_timer *timer = alarm->timer;

	BIDE_INVARIANT_(alarm->due.run != NULL);
	BIDE_INVARIANT_(BIDE_LOAD(&alarm->parties, RELAXED) >= 1u + (timer != NULL));
	BIDE_INVARIANT_(!timer || bide_kind_of_(timer->source.kind) == BIDE_KIND_TIMER_);
	return true;
}

/* Called under the lock. Returns true if there was a timer, and its call will not come. */
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
		return false; /* Its call has begun, and releases it. */
	/* The timer has left the wheel, or is not in it yet. It ends without a consumer. */
	bide_value_task_forget_at_(bide_source_value_(&timer->source), NULL);
	return true;
}

void bide_alarm_set_(bide_alarm *alarm, bide_timer *timer, int64_t deadline_ns)
{
	timer->source.payload.i = deadline_ns;
	(void)bide_listen_(bide_source_value_(&timer->source), &alarm->due, "alarm", NULL);
	lock(alarm);
	if (!take_back(alarm)) /* Else the new call takes the place of the one that does not come. */
		(void)BIDE_ADD(&alarm->parties, 1u, RELAXED); /* The owner is a party. */
	alarm->timer = timer;
	bide_port_arm_(timer);
	BIDE_ASSERT_UNEXPLORED_(alarm_is_valid(alarm));
	unlock(alarm);
}

bool bide_alarm_stop_(bide_alarm *alarm)
{
	bool stopped;

	lock(alarm);
	stopped = take_back(alarm);
	BIDE_ASSERT_UNEXPLORED_(alarm_is_valid(alarm));
	unlock(alarm);
	if (stopped)
		(void)bide_alarm_leave_(alarm); /* Not the last: the owner is still a party. */
	return stopped;
}

bool bide_alarm_fired_(bide_alarm *alarm, bide_source *timer)
{
	bool counts;

	lock(alarm);
	counts = alarm->timer && &alarm->timer->source == timer;
	if (counts)
		alarm->timer = NULL;
	unlock(alarm);
	bide_recycle_(timer, NULL);
	return counts;
}

bool bide_alarm_is_valid_(bide_alarm *alarm)
{
	bool valid;

	lock(alarm);
	valid = alarm_is_valid(alarm);
	unlock(alarm);
	return valid;
}
