/*
 * queue.c - the run queue of a worker, linked through what its frames do not need while they are runnable: the word of the
 * source that was awaited (which is DONE and the frame's), or `awaiting` itself after a yield and before the first run.
 */
#include "core.h"

uintptr_t bide_frame_link_(const bide_frame *frame)
{
	if (frame->source.flags & BIDE_FLAG_SELF_LINKED_)
		return (uintptr_t)frame->awaiting;
	return frame->awaiting->word & ~(uintptr_t)BIDE_WORD_TAGS_;
}

void bide_frame_set_link_(bide_frame *frame, uintptr_t link)
{
	if (frame->source.flags & BIDE_FLAG_SELF_LINKED_)
		frame->awaiting = (bide_source *)link;
	else
		frame->awaiting->word = link | BIDE_WORD_DONE_;
}

void bide_queue_push_(bide_worker *worker, bide_frame *frame)
{
	bide_frame_set_link_(frame, 0);
	if (worker->queue_tail)
		bide_frame_set_link_(worker->queue_tail, (uintptr_t)frame);
	else
		worker->queue_head = frame;
	worker->queue_tail = frame;
	worker->queue_count++;
}

bide_frame *bide_queue_pop_(bide_worker *worker)
{
	bide_frame *frame = worker->queue_head;

	if (!frame)
		return NULL;
	worker->queue_head = (bide_frame *)bide_frame_link_(frame);
	if (!worker->queue_head)
		worker->queue_tail = NULL;
	worker->queue_count--;
	return frame;
}

bide_frame *bide_queue_pop_at_(bide_worker *worker, size_t index)
{
	bide_frame *before = worker->queue_head, *frame;

	if (index == 0)
		return bide_queue_pop_(worker);
	while (--index > 0)
		before = (bide_frame *)bide_frame_link_(before);
	frame = (bide_frame *)bide_frame_link_(before);
	bide_frame_set_link_(before, bide_frame_link_(frame));
	if (worker->queue_tail == frame)
		worker->queue_tail = before;
	worker->queue_count--;
	return frame;
}
