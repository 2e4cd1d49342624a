/*
 * frame.c - the slow paths of a start, resuming a frame, and the end of its body.
 */
#include "async/frame.h"

#include "base/assert.h"
#include "base/misuse.h"
#include "base/port.h"
#include "context/context.h"
#include "context/placement.h"
#include "source/run_queue.h"
#include "source/schedule.h"
#include "source/source.h"
#include "source/stale.h"

bide_value_task bide_start_failed_(void)
{
	return bide_value_task_from_error(BIDE_ENOFRAME);
}

/*
 * The body runs from a queue, because there is too little stack, or because the function must run
 * on another executor or on a worker.
 */
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

/* The end of a body that has a reference to its context, or a large result. */
bide_body_result bide_frame_step_slow_(bide_frame *frame)
{
	bide_body_result step;

	if (frame->source.flags & BIDE_FLAG_HAS_CONTEXT_REF_) {
		bide_flags_drop_(&frame->source, BIDE_FLAG_HAS_CONTEXT_REF_);
		bide_context_unref(bide_context_of_(frame->context));
	}
	/*
	 * A frame with a large result is kept, and may be published after this. Then it must take no
	 * reference to the context.
	 */
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
	/* Relaxed, because no other thread has seen the frame yet. */
	BIDE_STORE(&frame->source.word, BIDE_WORD_DONE_, RELAXED);
	return bide_source_value_(&frame->source);
}

/* Stores the outcome, which the consumer reads once the word is DONE. */
static void frame_keep(bide_frame *frame, bide_body_result step)
{
	BIDE_ASSERT_(step.state <= BIDE_ERROR_MAX || step.state == BIDE_RESULT_IN_FRAME_);
	BIDE_ASSERT_(!(frame->source.flags & BIDE_FLAG_HAS_CONTEXT_REF_));
	frame->source.payload = step.payload;
	frame->source.error = step.state == BIDE_RESULT_IN_FRAME_ ? 0 : (uint16_t)step.state;
	frame->source.marks = BIDE_MARK_CLAIMED_;
}

/* Returns the word that DONE replaced. */
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
	BIDE_INVARIANT_(!frame->awaiting ||
	                bide_word_is_done_(BIDE_LOAD(&frame->awaiting->word, RELAXED)));
	return true;
}

/*
 * A frame that waited for this one is resumed right after it. After many handovers in a row the
 * next frame is queued, so that the caller looks at other work.
 */
void bide_frame_resume_(bide_thread_head *head, bide_frame *frame)
{
	bide_frame *outer = head->current;
	bide_body_result step;
	uintptr_t before;

	for (;;) {
		BIDE_ASSERT_UNEXPLORED_(bide_frame_is_runnable_(frame));
		head->current = frame;
		bide_thread_of_(head)->resumed = frame;
		step = frame->async->resume(frame);
		if (step.state == BIDE_SUSPENDED_)
			break; /* It may run on another worker by now. */
		before = frame_finish(frame, step);
		if (BIDE_UNLIKELY(bide_word_tag_(before) != BIDE_WORD_PENDING_)) {
			head->current = outer;
			bide_thread_of_(head)->resumed = NULL; /* what this starts may get its memory */
			bide_source_deliver_(&frame->source, before);
			break;
		}
		frame = bide_word_waiting_frame_(before);
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
 * With one worker, a frame of a loop may end on another thread. A listener must run on the worker,
 * so that thread posts the end of the frame. The post lies in `awaiting` and `context`, which a
 * frame whose body has ended does not need.
 */
BIDE_STATIC_ASSERT(sizeof(bide_post) == sizeof(bide_frame) - offsetof(bide_frame, awaiting),
                   "a post takes the place of awaiting and context");

static bide_post *frame_post(bide_frame *frame)
{
	return (bide_post *)(void *)&frame->awaiting;
}

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

	BIDE_ASSERT_UNEXPLORED_(bide_frame_is_runnable_(frame));
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
	post = frame_post(frame);
	post->run = finish_posted;
	/* Tells a dump that the frame awaits nothing. */
	bide_flags_add_(&frame->source, BIDE_FLAG_SELF_LINKED_);
	bide_port_post_(post);
}
