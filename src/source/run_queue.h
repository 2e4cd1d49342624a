/*
 * run_queue.h - the run queue of a worker, linked through what its frames do not need while they are
 * runnable: the word of the source that was awaited (which is DONE and the frame's), or `awaiting`
 * itself after a yield and before the first run. So making something runnable never allocates and
 * never fails. About 10 instructions each way.
 */
#ifndef BIDE_SOURCE_RUN_QUEUE_H
#define BIDE_SOURCE_RUN_QUEUE_H

#include "base/assert.h"

static inline bide_frame *bide_queue_link_(const bide_frame *frame)
{
	if (frame->source.flags & BIDE_FLAG_SELF_LINKED_)
		return frame->next_runnable;
	return (bide_frame *)(frame->awaiting->word &
	                      ~(uintptr_t)(BIDE_WORD_TAGS_ | BIDE_WORD_CONSUMED_));
}

/* The frame is linked through itself, or it waited for a source that is done and is its own now. */
static inline bool bide_queue_has_link_(const bide_frame *frame)
{
	return frame->source.flags & BIDE_FLAG_SELF_LINKED_ ||
	       (frame->awaiting && bide_word_is_done_(frame->awaiting->word));
}

static inline void bide_queue_set_link_(bide_frame *frame, bide_frame *link)
{
	if (frame->source.flags & BIDE_FLAG_SELF_LINKED_)
		frame->next_runnable = link;
	else
		frame->awaiting->word = (uintptr_t)link | BIDE_WORD_DONE_ | BIDE_WORD_CONSUMED_;
}

static inline void bide_queue_push_(bide_thread_head *head, bide_frame *frame)
{
	BIDE_ASSERT_(bide_queue_has_link_(frame));
	bide_queue_set_link_(frame, NULL);
	if (head->queue_tail)
		bide_queue_set_link_(head->queue_tail, frame);
	else
		head->queue_head = frame;
	head->queue_tail = frame;
	head->queue_count++;
}

static inline bide_frame *bide_queue_pop_(bide_thread_head *head)
{
	bide_frame *frame = head->queue_head;

	if (!frame)
		return NULL;
	head->queue_head = bide_queue_link_(frame);
	if (!head->queue_head)
		head->queue_tail = NULL;
	head->queue_count--;
	return frame;
}

/* The one at index (0: the oldest), which must exist. Walks. */
static inline bide_frame *bide_queue_pop_at_(bide_thread_head *head, size_t index)
{
	bide_frame *before = head->queue_head, *frame;

	if (index == 0)
		return bide_queue_pop_(head);
	while (--index > 0)
		before = bide_queue_link_(before);
	frame = bide_queue_link_(before);
	bide_queue_set_link_(before, bide_queue_link_(frame));
	if (head->queue_tail == frame)
		head->queue_tail = before;
	head->queue_count--;
	return frame;
}

/*
 * Returns true if the queue of this thread is as its invariants say. Otherwise names the broken one.
 */
BIDE_INTERNAL bool bide_run_queue_is_valid_(const bide_thread_head *head);

/* On the worker's own thread. next: right after what runs now, if nothing else is. */
static inline void bide_queue_schedule_(bide_thread_head *head, bide_frame *frame, bool next)
{
	if (next && !head->next)
		head->next = frame;
	else
		bide_queue_push_(head, frame);
}

#endif
