/*
 * parked.c - async functions that begin when a value task is over.
 */
#include "async/parked.h"

#include "base/assert.h"
#include "context/placement.h"
#include "source/schedule.h"
#include "source/source.h"

static void begin(bide_parked *parked, bool next)
{
	bide_frame *frame = &parked->frame;

	BIDE_ASSERT_(frame->source.flags & BIDE_FLAG_PUBLISHED_);
	frame->awaiting = NULL;
	bide_flags_add_(&frame->source, BIDE_FLAG_SELF_LINKED_);
	bide_schedule_(frame, next);
}

/* The source is not touched, because another party may have consumed it by now. */
static void due(bide_observer *listener, bide_source *done)
{
	(void)done;
	begin(BIDE_CONTAINER_(listener, bide_parked, listener), false);
}

/* The frame runs next, as a frame that awaits does, unless the source queues its continuations. */
static void owned_due(bide_observer *listener, bide_source *done)
{
	begin(BIDE_CONTAINER_(listener, bide_parked, listener),
	      !(done->flags & BIDE_FLAG_RESUME_LATER_));
}

bide_parked *bide_parked_new_(size_t size_bytes, const bide_function_info *async,
                              const bide_place *place)
{
	bide_thread_head *head = bide_thread_();
	bide_frame *frame = bide_frame_new_(head, size_bytes, async, place);
	bide_parked *parked = (bide_parked *)(void *)frame;

	if (!frame)
		return NULL;
	if (frame->context & BIDE_CONTEXT_EXECUTOR_)
		bide_executor_admit_(frame);
	bide_frame_publish_(head, frame);
	frame->awaiting = NULL;
	__builtin_memset((char *)frame + sizeof *frame, 0, size_bytes - sizeof *frame);
	return parked;
}

bool bide_parked_until_(bide_parked *parked, bide_value_task value_task, bool owned,
                        const char *what, const bide_place *place)
{
	parked->listener.run = owned ? owned_due : due;
	if (bide_is_pending_(value_task)) {
		parked->frame.awaiting = (bide_source *)value_task.state; /* Dumps show it. */
		switch (bide_listen_(value_task, &parked->listener, what, place)) {
		case BIDE_REGISTERED_:
			return true;
		case BIDE_ALREADY_DONE_:
			break;
		default:
			parked->frame.awaiting = NULL;
			return false;
		}
	}
	begin(parked, false);
	return true;
}

void bide_parked_drop_(bide_parked *parked)
{
	(void)bide_frame_step_slow_(&parked->frame); /* drops the reference to its context */
	bide_recycle_(&parked->frame.source, NULL);
}
