/*
 * await.c - the slow paths of an await: a yield, a stale value task, a failure, a large result.
 */
#include "base/misuse.h"
#include "base/thread.h"
#include "source/operation.h"
#include "source/run_queue.h"
#include "source/schedule.h"
#include "source/source.h"
#include "source/stale.h"

/* The frame goes to the end of the queue. */
bide_value_task bide_await_yield_(bide_frame *frame, uint32_t point)
{
	bide_thread_head *head = bide_current_thread_;

	if (!(frame->source.flags & BIDE_FLAG_PUBLISHED_))
		bide_frame_publish_(head, frame);
	frame->source.line = point;
	frame->awaiting = NULL;
	bide_flags_add_(&frame->source, BIDE_FLAG_SELF_LINKED_);
	/* Behind the port, another thread may resume the frame before this returns. */
	if (BIDE_UNLIKELY(frame->context & BIDE_CONTEXT_EXECUTOR_ || bide_thread_of_(head)->by_port))
		bide_schedule_(frame, false);
	else
		bide_queue_push_(head, frame);
	return bide_suspended_();
}

bide_value_task bide_await_stale_(bide_frame *frame, bide_value_task value_task, uint32_t point)
{
	if (!(frame->source.flags & BIDE_FLAG_PUBLISHED_))
		bide_frame_publish_(bide_current_thread_, frame);
	frame->source.line = point;
	bide_report_stale_(value_task, "bide_await", NULL, frame);
	return bide_value_task_from_error(BIDE_ESTALE);
}

bide_value_task bide_await_take_outlined_(bide_frame *frame)
{
	return bide_await_take_(frame);
}

static BIDE_COLD bide_value_task take_failed(const bide_frame *frame, bide_source *source)
{
	bide_value_task v;

	v.payload = source->payload;
	v.state = source->error;
	bide_await_recycle_(frame, source);
	return v;
}

/* Returns the line of the await at which the frame was resumed, or 0 if it is not known. */
static uint32_t line_of(const bide_frame *frame)
{
	return frame->async->points_are_lines ? bide_line_(&frame->source) : 0;
}

bide_value_task bide_await_take_slow_(bide_frame *frame)
{
	bide_source *source = frame->awaiting;
	bide_payload result;

	if (!source)
		return bide_value_task_completed(); /* after a yield */
	if (source->error)
		return take_failed(frame, source);
	if (bide_large_result_take_(source, &result)) {
		bide_recycle_(source, NULL);
		return (bide_value_task){ .payload = result, .state = 0 };
	}
	bide_misuse_in_(frame, line_of(frame),
	                "bide_await: the result is larger than 8 bytes; use bide_await_large");
	bide_recycle_(source, NULL);
	return bide_value_task_from_error(BIDE_EINVAL_);
}

/*
 * Returns BIDE_SUSPENDED_, or the failure, whose source is recycled then, or a pointer to the
 * result, which stays where it is until bide_await_large_take_.
 */
bide_value_task bide_await_large_(bide_frame *frame, bide_value_task value_task, uint32_t point)
{
	bide_source *source = (bide_source *)value_task.state;
	bide_registered registered;

	if (value_task.state <= BIDE_ERROR_MAX) {
		frame->awaiting = NULL;
		return value_task;
	}
	if (value_task.state != BIDE_SUSPENDED_) {
		if (source->generation != value_task.payload.generation)
			return bide_await_pending_(frame, value_task, point);
		if (!(frame->source.flags & BIDE_FLAG_PUBLISHED_))
			bide_frame_publish_(bide_current_thread_, frame);
		frame->source.line = point;
		frame->awaiting = source;
		registered = bide_frame_register_(frame, source);
		if (registered == BIDE_REGISTERED_)
			return bide_suspended_();
		if (registered == BIDE_ALREADY_TAKEN_)
			return bide_await_stale_(frame, value_task, point);
	}
	source = frame->awaiting;
	if (!source)
		return bide_value_task_completed();
	if (source->error) {
		value_task.payload = source->payload;
		value_task.state = source->error;
		bide_recycle_(source, NULL);
		return value_task;
	}
	return bide_value_task_from_pointer(source->payload.p);
}

/*
 * Returns false if the result is surely not large. Whether a task or a user's source holds a
 * pointer to a large result or a number is not known.
 */
static bool may_be_large(const bide_source *source, const void *result)
{
	enum { no_address_is_below = 4096 };

	if ((uintptr_t)result < no_address_is_below)
		return false;
	return !source || source->flags & BIDE_FLAG_LARGE_ ||
	       (bide_kind_of_(source->kind) != BIDE_KIND_FRAME_ &&
	        bide_kind_of_(source->kind) != BIDE_KIND_TIMER_);
}

void bide_await_large_take_(bide_frame *frame, void *to, size_t size_bytes, bide_value_task got)
{
	if (may_be_large(frame->awaiting, got.payload.p))
		__builtin_memcpy(to, got.payload.p, size_bytes);
	else
		bide_misuse_in_(frame, line_of(frame),
		                "bide_await_large: the result is not larger than 8 bytes; bide_await takes "
		                "it, or the function that is awaited must end with "
		                "bide_async_return_large");
	if (frame->awaiting)
		bide_recycle_(frame->awaiting, NULL);
	frame->awaiting = NULL;
}
