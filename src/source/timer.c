/*
 * timer.c - timers: making one, arming it, and what happens when it is due.
 *
 * A timer belongs to the wheel of the worker whose number it has from the thread that made it. With
 * one worker, another thread posts the timer, and the worker arms it.
 */
#include "source/timer.h"

#include "base/assert.h"
#include "base/port.h"
#include "base/thread.h"
#include "source/operation.h"
#include "source/source.h"
#include "source/upcalls.h"

BIDE_STATIC_ASSERT(sizeof(bide_timer) == 48, "a timer is 48 bytes");
BIDE_STATIC_ASSERT(sizeof(bide_post) == sizeof(bide_timer) - offsetof(bide_timer, next),
                   "same two words");

bide_timer *bide_timer_new_(size_t size_bytes)
{
	bide_source *source;

	BIDE_ASSERT_(size_bytes == sizeof(bide_timer) ||
	             bide_class_of_(size_bytes) == BIDE_TIMER_CANCELABLE_CLASS_);
	source = bide_source_new_(size_bytes, BIDE_KIND_TIMER_);

	if (source)
		source->home = bide_thread_of_(bide_current_thread_)->home << BIDE_HOME_SHIFT_;
	return (bide_timer *)(void *)source;
}

void bide_timer_due_(bide_timer *timer)
{
	/* A timer that is part of another object is a user source, so that it is not released. */
	BIDE_ASSERT_(bide_kind_of_(timer->source.kind) == BIDE_KIND_TIMER_ ||
	             bide_kind_of_(timer->source.kind) == BIDE_KIND_USER_);
	if (bide_timer_is_cancelable_(timer))
		bide_delay_due_(timer);
	else
		bide_source_complete_(&timer->source, bide_payload_int_(0), 0);
}

void bide_timer_arm_posted_(bide_post *post)
{
	bide_timer *timer = BIDE_CONTAINER_(post, bide_timer, next);

	timer->next = timer->previous = NULL;
	if (timer->source.payload.i != BIDE_FOREVER)
		bide_port_arm_(timer);
}

void bide_timer_mark_posted_(bide_timer *timer, void (*run)(bide_post *post))
{
	if (!bide_port_on_worker_())
		bide_timer_post_(timer)->run = run;
}

bide_value_task bide_timer_start_(bide_timer *timer, bool for_ever)
{
	bide_value_task v = bide_source_value_(&timer->source);

	if (!bide_port_on_worker_())
		bide_port_post_(bide_timer_post_(timer));
	else if (!for_ever)
		bide_port_arm_(timer);
	return v;
}
