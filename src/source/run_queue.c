/*
 * run_queue.c - the walker of a run queue.
 */
#include "source/run_queue.h"

#include "base/assert.h"

bool bide_run_queue_is_valid_(const bide_thread_head *head)
{
	const bide_frame *frame = head->queue_head, *last = NULL;
	size_t count = 0;

	for (; frame; last = frame, frame = bide_queue_link_(frame), count++) {
		BIDE_INVARIANT_(count < head->queue_count); /* so it is no circle */
		BIDE_INVARIANT_(bide_queue_has_link_(frame));
		BIDE_INVARIANT_(frame != head->next);
	}
	BIDE_INVARIANT_(count == head->queue_count);
	BIDE_INVARIANT_(last == head->queue_tail);
	return true;
}
