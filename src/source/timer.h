/*
 * timer.h - timers: sources that complete at a deadline.
 */
#ifndef BIDE_SOURCE_TIMER_H
#define BIDE_SOURCE_TIMER_H

#include "base/library.h"

/* A timer: 48 bytes. payload.i is the deadline while it is armed. */
typedef struct bide_timer {
	bide_source source;
	struct bide_timer *next, *previous; /* next is NULL while the timer is not armed */
} bide_timer;

/*
 * The size class of a delay that can be canceled. No other timer is larger than a bide_timer, so
 * the class tells what a timer is.
 */
enum { BIDE_TIMER_CANCELABLE_CLASS_ = 3 };
static inline bool bide_timer_is_cancelable_(const bide_timer *timer)
{
	return bide_kind_class_(timer->source.kind) == BIDE_TIMER_CANCELABLE_CLASS_;
}

/* Returns a new timer from this thread's pool, or NULL if there is no memory. */
BIDE_INTERNAL bide_timer *bide_timer_new_(size_t size_bytes);
/* Completes a timer that is due, or says so to its delay. Called by the port. */
BIDE_INTERNAL void bide_timer_due_(bide_timer *timer);

/*
 * Returns the post of a timer, for a thread that may not touch the wheel: with one worker, any
 * other thread. The two links of the timer serve as the post until the worker has it.
 */
static inline bide_post *bide_timer_post_(bide_timer *timer)
{
	return (bide_post *)(void *)&timer->next;
}
/*
 * Says what the worker does with the timer if this thread has to post it. The caller calls this
 * before it links the timer anywhere, because from then on the worker may cancel it.
 */
BIDE_INTERNAL void bide_timer_mark_posted_(bide_timer *timer, void (*run)(bide_post *post));
/* Arms a timer that was posted and cannot be canceled. Runs on the worker. */
BIDE_INTERNAL void bide_timer_arm_posted_(bide_post *post);
/*
 * Arms a timer whose deadline is set, or posts it, and returns its value task. for_ever: the timer
 * is never armed. If the timer can be canceled, it may be over before this is called.
 */
BIDE_INTERNAL bide_value_task bide_timer_start_(bide_timer *timer, bool for_ever);

#endif
