/*
 * schedule.h - makes a frame runnable where its context says.
 */
#ifndef BIDE_SOURCE_SCHEDULE_H
#define BIDE_SOURCE_SCHEDULE_H

#include "base/port.h"
#include "source/upcalls.h"

/*
 * Makes a frame runnable on its executor, if it has one, and otherwise on the workers. next: as
 * soon as possible; otherwise at the end of the queue. Any thread.
 */
static inline void bide_schedule_(bide_frame *frame, bool next)
{
	if (BIDE_UNLIKELY(frame->context & BIDE_CONTEXT_EXECUTOR_))
		bide_executor_push_(frame, next);
	else
		bide_port_schedule_(frame, next);
}

#endif
