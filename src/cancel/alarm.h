/*
 * alarm.h - a timer that runs a listener.
 */
#ifndef BIDE_CANCEL_ALARM_H
#define BIDE_CANCEL_ALARM_H

#include "source/operation.h"

/*
 * A timer that runs a listener: the deadline of a context, of a wait. Its owner may go, or set it
 * anew, while the listener is on its way on another thread: `live` counts the calls that may come,
 * and one of the owner; the last of them gives the owner's memory back.
 */
typedef struct bide_alarm {
	bide_timer *timer; /* armed, or about to call; under the lock */
	bide_listener due; /* run(listener, timer): begins with bide_alarm_fired_ */
	uint32_t lock;     /* with many workers */
	uint32_t live;     /* atomic */
} bide_alarm;

BIDE_INTERNAL void bide_alarm_init_(bide_alarm *alarm,
                                    void (*due)(bide_listener *listener, bide_source *timer));
/*
 * Has it call at that time, instead of at the one before. timer: a new one, which is the alarm's.
 */
BIDE_INTERNAL void bide_alarm_set_(bide_alarm *alarm, bide_timer *timer, int64_t deadline_ns);
/* true: there was a timer, and it will not call. false: there was none, or it calls. */
BIDE_INTERNAL bool bide_alarm_stop_(bide_alarm *alarm);
/* In the listener, first: gives the timer back. false: it was stopped or replaced on its way. */
BIDE_INTERNAL bool bide_alarm_fired_(bide_alarm *alarm, bide_source *timer);
/* The owner goes (after bide_alarm_stop_), or a call is over. true: the last. */
BIDE_INTERNAL bool bide_alarm_over_(bide_alarm *alarm);
/* No call is to come. For an owner that goes. */
BIDE_INTERNAL bool bide_alarm_is_idle_(const bide_alarm *alarm);

#endif
