/*
 * schedule.h - makes a frame runnable where its context says.
 */
#ifndef BIDE_ASYNC_SCHEDULE_H
#define BIDE_ASYNC_SCHEDULE_H

#include "base/port.h"
#include "context/executor_push.h"

/* Makes a frame runnable where its context says. */
static inline void bide_schedule_(bide_frame *frame, bool next)
{
	if (BIDE_UNLIKELY(frame->context & BIDE_CONTEXT_EXECUTOR_))
		bide_executor_push_(frame, next);
	else
		bide_port_schedule_(frame, next);
}

#endif
