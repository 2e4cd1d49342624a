/*
 * prepare.h - what a worker does before it resumes a frame that was runnable.
 */
#ifndef BIDE_RUNTIME_PREPARE_H
#define BIDE_RUNTIME_PREPARE_H

#include "base/settings.h"

/*
 * Overwrites the stack that the next body will use, so that a local variable that should have been
 * in the frame is found at once. For debug mode.
 */
BIDE_INTERNAL void bide_scribble_(void);

/* Clears the link of a frame that was linked through itself. */
static inline void bide_prepare_frame_(bide_frame *frame)
{
	if (BIDE_UNLIKELY(frame->source.flags & BIDE_FLAG_SELF_LINKED_)) {
		bide_flags_drop_(&frame->source, BIDE_FLAG_SELF_LINKED_);
		frame->awaiting = NULL;
	}
	if (BIDE_UNLIKELY(bide_debug_))
		bide_scribble_();
}

#endif
