/*
 * frame.h - running frames, and what is known of one.
 */
#ifndef BIDE_ASYNC_FRAME_H
#define BIDE_ASYNC_FRAME_H

#include "base/thread.h"
#include "source/operation.h"

/*
 * Runs one runnable frame and those that wait for it in turn, at most until the handovers are used
 * up.
 */
BIDE_INTERNAL void bide_frame_resume_(bide_thread_head *head, bide_frame *frame);
/* Runs a frame alone, for its executor: its waiter is made runnable. */
BIDE_INTERNAL void bide_frame_run_(bide_thread_head *head, bide_frame *frame);

/*
 * Returns true if the frame is one that a worker may resume: it is published, in no queue, and what
 * it waited for is done. Otherwise names the invariant that is broken.
 */
BIDE_INTERNAL bool bide_frame_is_runnable_(const bide_frame *frame);

/* What the user calls it: of a function of the library's, the call that it stands for. */
static inline const char *bide_function_name_(const bide_frame *frame)
{
	return frame->async->own && frame->async->own->name ? frame->async->own->name
	                                                    : frame->async->name;
}

/* A function that passes BIDE_ENOFRAME of another on fails with ENOMEM. */
BIDE_INTERNAL uint16_t bide_frame_error_(uintptr_t error);

#endif
