/*
 * frame.c - the slow paths of starting frames, resuming them and awaiting.
 */
#include "async/frame.h"

#include "base/assert.h"
#include "base/misuse.h"
#include "base/port.h"
#include "context/placement.h"
#include "source/run_queue.h"
#include "source/schedule.h"
#include "source/source.h"
#include "source/stale.h"

bide_value_task bide_start_failed_(void)
{
	return bide_value_task_from_error(BIDE_ENOFRAME);
}

/* Too little stack, another executor, or not the worker's thread: the body runs from a queue. */
bide_value_task bide_start_cold_(bide_thread_head *head, bide_frame *frame)
{
	bide_value_task v;

	BIDE_ASSERT_(!(frame->source.flags & BIDE_FLAG_PUBLISHED_));
	if (BIDE_UNLIKELY(frame->context & BIDE_CONTEXT_EXECUTOR_))
		bide_executor_admit_(frame);
	bide_frame_publish_(head, frame);
	v = bide_source_value_(&frame->source);
	frame->awaiting = NULL;
	bide_flags_add_(&frame->source, BIDE_FLAG_SELF_LINKED_);
	bide_schedule_(frame, false);
	return v;
}

/* The end of a body that has a context to let go, or a large result. */
bide_body_result bide_frame_step_slow_(bide_frame *frame)
{
	bide_body_result step;

	if (frame->source.flags & BIDE_FLAG_HAS_CONTEXT_REF_) {
		bide_flags_drop_(&frame->source, BIDE_FLAG_HAS_CONTEXT_REF_);
		bide_context_unref((bide_context *)(frame->context & ~BIDE_CONTEXT_TAGS_));
	}
	/* a large result keeps the frame, which must not take a reference when it is published */
	frame->context = 0;
	step.payload = frame->source.payload;
	step.state =
		frame->source.flags & BIDE_FLAG_LARGE_ ? BIDE_RESULT_IN_FRAME_ : frame->source.error;
	return step;
}

bide_value_task bide_start_kept_(bide_thread_head *head, bide_frame *frame, bide_body_result step)
{
	if (!(frame->source.flags & BIDE_FLAG_PUBLISHED_))
		bide_frame_publish_(head, frame);
	frame->source.payload = step.payload;
	frame->source.error = 0;
	frame->source.marks = BIDE_MARK_CLAIMED_;
	BIDE_STORE(&frame->source.word, BIDE_WORD_DONE_, RELAXED); /* no other thread has seen it yet */
	return bide_source_value_(&frame->source);
}

static void frame_keep(bide_frame *frame, bide_body_result step)
{
	BIDE_ASSERT_(step.state <= BIDE_ERROR_MAX || step.state == BIDE_RESULT_IN_FRAME_);
	BIDE_ASSERT_(!(frame->source.flags & BIDE_FLAG_HAS_CONTEXT_REF_));
	frame->source.payload = step.payload;
	frame->source.error = step.state == BIDE_RESULT_IN_FRAME_ ? 0 : (uint16_t)step.state;
	frame->source.marks = BIDE_MARK_CLAIMED_;
}

static uintptr_t frame_finish(bide_frame *frame, bide_body_result step)
{
	frame_keep(frame, step);
	return bide_source_finish_(&frame->source);
}

bool bide_frame_is_runnable_(const bide_frame *frame)
{
	BIDE_INVARIANT_(bide_kind_is_frame_(frame->source.kind));
	BIDE_INVARIANT_(frame->async && frame->async->resume);
	BIDE_INVARIANT_(frame->source.flags & BIDE_FLAG_PUBLISHED_);
	BIDE_INVARIANT_(!(frame->source.flags & BIDE_FLAG_SELF_LINKED_));
	BIDE_INVARIANT_(!frame->awaiting || bide_word_is_done_(frame->awaiting->word));
	return true;
}

/*
 * A frame that waited for this one runs right after it, without a way through the queue, but not
 * without end: then the loop looks at what else there is.
 */
void bide_frame_resume_(bide_thread_head *head, bide_frame *frame)
{
	bide_frame *outer = head->current;
	bide_body_result step;
	uintptr_t seen;

	for (;;) {
		BIDE_ASSERT_(bide_frame_is_runnable_(frame));
		head->current = frame;
		step = frame->async->resume(frame);
		if (step.state == BIDE_SUSPENDED_)
			break; /* it may be running on another worker by now */
		seen = frame_finish(frame, step);
		if (BIDE_UNLIKELY(bide_word_tag_(seen) != BIDE_WORD_PENDING_)) {
			head->current = outer;
			bide_source_deliver_(&frame->source, seen);
			break;
		}
		frame = bide_word_waiting_frame_(seen);
		if (!frame)
			break;
		if (BIDE_UNLIKELY(frame->context & BIDE_CONTEXT_EXECUTOR_)) {
			bide_executor_push_(frame, true);
			break;
		}
		if (++head->handovers >= BIDE_HANDOVERS_MAX_ || head->next) {
			bide_port_schedule_(frame, true);
			break;
		}
	}
	head->current = outer;
}

/*
 * On a thread that may not tell the waiter (a listener runs on the worker) the end is posted,
 * through two words that a frame without a body does not need.
 */
BIDE_STATIC_ASSERT(sizeof(bide_post) == sizeof(bide_frame) - offsetof(bide_frame, awaiting),
                   "same two words");

static void finish_posted(bide_post *post)
{
	bide_frame *frame = BIDE_CONTAINER_(post, bide_frame, awaiting);

	bide_flags_drop_(&frame->source, BIDE_FLAG_SELF_LINKED_);
	frame->awaiting = NULL;
	frame->context = 0;
	bide_source_deliver_(&frame->source, bide_source_finish_(&frame->source));
}

void bide_frame_run_(bide_thread_head *head, bide_frame *frame)
{
	bide_frame *outer = head->current;
	bide_post *post;
	bide_body_result step;

	BIDE_ASSERT_(bide_frame_is_runnable_(frame));
	head->current = frame;
	step = frame->async->resume(frame);
	head->current = outer;
	if (step.state == BIDE_SUSPENDED_)
		return;
	if (bide_port_on_worker_()) {
		bide_source_deliver_(&frame->source, frame_finish(frame, step));
		return;
	}
	frame_keep(frame, step);
	post = (bide_post *)(void *)&frame->awaiting;
	post->run = finish_posted;
	bide_flags_add_(&frame->source, BIDE_FLAG_SELF_LINKED_); /* awaits nothing: for dumps */
	bide_port_post_(post);
}

/* To the end of the queue. */
bide_value_task bide_await_yield_(bide_frame *frame, uint32_t point)
{
	bide_thread_head *head = bide_current_thread_;

	if (!(frame->source.flags & BIDE_FLAG_PUBLISHED_))
		bide_frame_publish_(head, frame);
	frame->source.line = point;
	frame->awaiting = NULL;
	bide_flags_add_(&frame->source, BIDE_FLAG_SELF_LINKED_);
	/* Through the port it may run before this returns. */
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
	bide_await_release_(frame, source);
	return v;
}

/* The line of the await that the frame was resumed at; 0: not known. */
static uint32_t line_of(const bide_frame *frame)
{
	return frame->async->points_are_lines ? bide_line_(&frame->source) : 0;
}

bide_value_task bide_await_take_slow_(bide_frame *frame)
{
	bide_source *source = frame->awaiting;

	if (!source)
		return bide_value_task_completed(); /* after a yield */
	if (source->error)
		return take_failed(frame, source);
	bide_misuse_in_(frame, line_of(frame),
	                "bide_await: the result is larger than 8 bytes; use bide_await_large");
	bide_release_(source, NULL);
	return bide_value_task_from_error(BIDE_EINVAL_);
}

/*
 * Suspended, or failed (and released), or a pointer to the result, which stays until
 * bide_await_large_take_.
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
		registered = bide_source_register_(source, (uintptr_t)frame);
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
		bide_release_(source, NULL);
		return value_task;
	}
	return bide_value_task_from_pointer(source->payload.p);
}

/*
 * As far as it can be told: what a task or a source has may be a pointer to a result, or a number.
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
		bide_release_(frame->awaiting, NULL);
	frame->awaiting = NULL;
}

void bide_async_bad_resume_(bide_frame *frame)
{
	bide_misuse_("%s: resumed at line %u, where it does not wait: its frame was overwritten, or an "
	             "await stands inside a switch of its own",
	             frame->async->name, bide_line_(&frame->source));
	bide_port_abort_();
}

/* If the hook returns, the cleanup ends here with the outcome it had. */
bide_body_result bide_async_late_return_(bide_frame *frame)
{
	bide_misuse_in_(frame, 0,
	                "bide_async_return: it stands in the cleanup of %s; a return belongs before "
	                "bide_async_finally",
	                frame->async->name);
	return bide_frame_step_slow_(frame);
}

bide_value_task bide_async_bad_pointer_(bide_frame *frame, const void *result)
{
	bide_misuse_in_(
		frame, 0,
		"bide_async_return: %p points into the frame, which ends with the function; use "
		"bide_async_return_large, or memory of the caller's",
		result);
	return bide_value_task_from_error_(BIDE_EINVAL_);
}

void bide_async_bad_large_(bide_frame *frame, const void *result)
{
	bide_misuse_in_(
		frame, 0,
		"bide_async_return_large: %p is outside of the frame; the result must be a member "
		"of it",
		result);
	frame->source.error = BIDE_EINVAL_;
}
