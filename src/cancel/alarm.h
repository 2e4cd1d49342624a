/*
 * alarm.h - a timer that runs a listener: the deadline of a context, the limit of a wait.
 */
#ifndef BIDE_CANCEL_ALARM_H
#define BIDE_CANCEL_ALARM_H

#include "source/timer.h"

/*
 * The owner of an alarm may stop it, set it anew, or end, while the listener is about to run on
 * another thread. So `parties` counts the owner, and each call of the listener that may come. The
 * last party to leave ends the owner's object:
 *
 *     parties == (owner has not left) + (timer != NULL) + (calls of earlier timers that run)
 */
typedef struct bide_alarm {
	bide_timer *timer; /* The armed timer, until its call begins. Under the lock. */
	bide_observer due; /* Runs run(listener, timer), which begins with bide_alarm_fired_. */
	uint32_t lock;     /* Taken with many workers only. */
	uint32_t parties;  /* Atomic. */
} bide_alarm;

BIDE_INTERNAL void bide_alarm_init_(bide_alarm *alarm,
                                    void (*due)(bide_observer *listener, bide_source *timer));
/*
 * Makes the alarm call at that time, instead of at the one before. The timer is a new one, and
 * belongs to the alarm from now on.
 */
BIDE_INTERNAL void bide_alarm_set_(bide_alarm *alarm, bide_timer *timer, int64_t deadline_ns);
/*
 * Returns true if there was a timer, and its call will not come. Returns false if there was none,
 * or its call has begun.
 */
BIDE_INTERNAL bool bide_alarm_stop_(bide_alarm *alarm);
/*
 * The first call of the listener: releases the timer. Returns false if the alarm was stopped or
 * set anew before.
 */
BIDE_INTERNAL bool bide_alarm_fired_(bide_alarm *alarm, bide_source *timer);
/*
 * A party leaves: the owner after bide_alarm_stop_, a listener at its end. Returns true for the
 * last one.
 */
BIDE_INTERNAL bool bide_alarm_leave_(bide_alarm *alarm);
/* For the owner: returns true if no call is to come. */
BIDE_INTERNAL bool bide_alarm_is_idle_(const bide_alarm *alarm);
/*
 * A walker, for the owner, where it may touch the alarm: the equation above. Takes the lock.
 */
BIDE_INTERNAL bool bide_alarm_is_valid_(bide_alarm *alarm);

#endif
