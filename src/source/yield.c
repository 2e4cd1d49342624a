/*
 * yield.c - a yield that is shared, combined or waited for: a timer that is due at once.
 */
#include "base/port.h"
#include "source/source.h"
#include "source/timer.h"

bide_value_task bide_yield_to_operation_(bide_value_task value_task)
{
	bide_timer *timer;

	if (value_task.state != (uintptr_t)&bide_yield_source_)
		return value_task;
	timer = bide_timer_new_(sizeof *timer);
	if (!timer)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	bide_timer_mark_posted_(timer, bide_timer_arm_posted_);
	timer->source.payload.i = bide_port_now_();
	return bide_timer_start_(timer, false);
}
