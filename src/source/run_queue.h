/*
 * run_queue.h - the run queue of a worker, and how runnable frames are linked.
 *
 * A frame is linked through what it does not need while it is runnable. If it waited for a source,
 * the link stands in the word of that source, which is DONE and belongs to the frame. After a yield
 * and before the first run there is no such source: BIDE_FLAG_SELF_LINKED_ is set, and the link is
 * next_runnable. So making a frame runnable allocates nothing and cannot fail. Cost: about 10
 * instructions each way.
 *
 *     queue_count == frames from queue_head to queue_tail
 *     queue_head == NULL  <=>  queue_tail == NULL  <=>  queue_count == 0
 *
 * head->next is in no queue: it runs before the oldest frame of the queue.
 */
#ifndef BIDE_SOURCE_RUN_QUEUE_H
#define BIDE_SOURCE_RUN_QUEUE_H

#include "base/assert.h"

/* Returns the frame behind this one, or NULL. */
static inline bide_frame *bide_queue_link_(const bide_frame *frame)
{
	if (frame->source.flags & BIDE_FLAG_SELF_LINKED_)
		return frame->next_runnable;
	return (bide_frame *)(frame->awaiting->word &
	                      ~(uintptr_t)(BIDE_WORD_TAGS_ | BIDE_WORD_CONSUMED_));
}

/*
 * Returns true if there is a place for a link: see above. A word that comes from the mailbox may
 * have the mark of the next item there beside DONE (runtime/mailbox.c).
 */
static inline bool bide_queue_has_link_(const bide_frame *frame)
{
	enum { MAILBOX_MARK = 4 };

	return frame->source.flags & BIDE_FLAG_SELF_LINKED_ ||
	       (frame->awaiting &&
	        bide_word_is_done_(frame->awaiting->word & ~(uintptr_t)MAILBOX_MARK));
}

static inline void bide_queue_set_link_(bide_frame *frame, bide_frame *link)
{
	if (frame->source.flags & BIDE_FLAG_SELF_LINKED_)
		frame->next_runnable = link;
	else
		frame->awaiting->word = (uintptr_t)link | BIDE_WORD_DONE_ | BIDE_WORD_CONSUMED_;
}

/* Adds a frame behind all others. */
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

/* Takes out the oldest frame. Returns NULL if there is none. */
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

/*
 * Takes out the frame at this index, which must exist; 0 is the oldest. Cost: a walk over the
 * frames before it.
 */
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
 * Returns true if the queue of this thread is as its invariants say. Otherwise names the broken
 * one.
 */
BIDE_INTERNAL bool bide_run_queue_is_valid_(const bide_thread_head *head);

/*
 * Makes a frame runnable on the worker that calls. next: it runs right after what runs now, unless
 * another frame does.
 */
static inline void bide_queue_schedule_(bide_thread_head *head, bide_frame *frame, bool next)
{
	if (next && !head->next)
		head->next = frame;
	else
		bide_queue_push_(head, frame);
}

#endif
