/*
 * source.c - completing and consuming: how a result gets from a producer to its waiter.
 *
 * Completing runs no user code, and its depth is bounded. A frame that waits becomes runnable. A
 * listener (of a combinator, a group, a task) runs here; operations that it completes beyond a
 * depth wait in a list of the thread.
 */
#include "source/source.h"

#include "base/assert.h"
#include "base/misuse.h"
#include "base/thread.h"
#include "memory/pool.h"
#include "source/operation.h"
#include "source/schedule.h"
#include "source/stale.h"
#include "source/upcalls.h"

bide_source bide_yield_source_ = { .generation = 0, .kind = BIDE_KIND_YIELD_ };

void bide_source_deliver_(bide_source *source, uintptr_t before)
{
	bide_observer *listener;
	bide_frame *frame;

	switch (bide_word_tag_(before)) {
	case BIDE_WORD_PENDING_:
		frame = bide_word_waiting_frame_(before);
		if (frame)
			bide_schedule_(frame, !(source->flags & BIDE_FLAG_RESUME_LATER_));
		/* Without a waiter the consumer may have recycled the source: it is not touched. */
		return;
	case BIDE_WORD_LISTENER_:
		/* If it only borrows the source, the consumer may have recycled it: it is not touched. */
		listener = bide_word_listener_(before);
		listener->run(listener, source);
		return;
	case BIDE_WORD_ABANDONED_:
		BIDE_ASSERT_UNEXPLORED_(bide_is_done_(source));
		bide_outcome_dropped_(source);
		bide_recycle_(source, NULL);
		return;
	case BIDE_WORD_SHARED_:
		bide_task_deliver_(source, bide_word_upper_(before));
		return;
	default:
		bide_misuse_("bide_user_source_complete: a source was completed twice");
	}
}

/* Mostly a frame waits. */
static inline void deliver(bide_source *source, uintptr_t before)
{
	if (BIDE_LIKELY(bide_word_has_frame_(before)))
		bide_schedule_(bide_word_waiting_frame_(before),
		               !(source->flags & BIDE_FLAG_RESUME_LATER_));
	else
		bide_source_deliver_(source, before);
}

void bide_source_complete_(bide_source *source, bide_payload payload, int error)
{
	BIDE_ASSERT_(error >= 0 && error <= BIDE_ERROR_MAX);
	source->payload = payload;
	source->error = (uint16_t)error;
	deliver(source, bide_source_finish_(source));
}

void bide_operation_complete_(bide_operation *operation, bide_payload payload, int error)
{
	bide_thread_head *head = bide_thread_();
	bide_thread *thread = bide_thread_of_(head);

	BIDE_ASSERT_(bide_kind_of_(operation->source.kind) == BIDE_KIND_OPERATION_);
	if (!head) { /* There was no memory for the record of this thread. */
		bide_source_complete_(&operation->source, payload, error);
		return;
	}
	if (thread->completing >= BIDE_COMPLETING_DEPTH_MAX_) {
		operation->source.payload = payload;
		operation->source.error = (uint16_t)error;
		operation->link = NULL;
		*thread->completions_tail = operation;
		thread->completions_tail = &operation->link;
		return;
	}
	BIDE_ASSERT_(thread->completing > 0 || !thread->completions);
	thread->completing++;
	bide_source_complete_(&operation->source, payload, error);
	if (--thread->completing > 0)
		return;
	while ((operation = thread->completions) != NULL) {
		thread->completions = operation->link;
		if (!thread->completions)
			thread->completions_tail = &thread->completions;
		thread->completing++;
		bide_source_deliver_(&operation->source, bide_source_finish_(&operation->source));
		thread->completing--;
	}
	BIDE_ASSERT_(thread->completing == 0 && thread->completions_tail == &thread->completions);
}

/* --- consumers that are not frames --- */

bool bide_check_fresh_(bide_value_task value_task, const char *what, const bide_place *place)
{
	const bide_source *source = (const bide_source *)value_task.state;

	bide_leave_parent_();
	/* The source of a stale value task may be in use by others. */
	if (BIDE_LOAD(&source->generation, RELAXED) == value_task.payload.generation ||
	    source == &bide_yield_source_)
		return true;
	bide_report_stale_(value_task, what, place, NULL);
	return false;
}

bide_registered bide_listen_(bide_value_task value_task, bide_observer *listener, const char *what,
                             const bide_place *place)
{
	bide_source *source = (bide_source *)value_task.state;
	bide_registered registered;

	BIDE_ASSERT_(source != &bide_yield_source_);
	BIDE_ASSERT_(bide_word_tag_((uintptr_t)listener) == 0);
	if (!bide_check_fresh_(value_task, what, place))
		return BIDE_ALREADY_TAKEN_;
	registered = bide_source_register_(source, bide_word_of_listener_(listener));
	if (registered == BIDE_ALREADY_TAKEN_)
		bide_report_stale_(value_task, what, place, NULL);
	return registered;
}

bool bide_unlisten_(bide_source *source, bide_observer *listener)
{
	uintptr_t mine = bide_word_of_listener_(listener);

	if (!bide_is_sync_(source)) {
		if (source->word != mine)
			return false;
		source->word = BIDE_WORD_PENDING_;
		return true;
	}
	/* Races with the producer's swap to DONE: one of the two takes the listener out. */
	return BIDE_CAS(&source->word, &mine, (uintptr_t)BIDE_WORD_PENDING_, ACQ_REL, ACQUIRE);
}

bide_value_task bide_consume_(bide_source *source, const bide_place *place)
{
	bide_value_task v;

	BIDE_ASSERT_UNEXPLORED_(bide_is_done_(source));
	v.payload = source->payload;
	v.state = source->error;
	if (BIDE_UNLIKELY(source->flags & BIDE_FLAG_LARGE_) && v.state == 0 &&
	    !bide_large_result_take_(source, &v.payload)) {
		bide_misuse_at_(
			place,
			"bide_await_large: the result of %s is larger than 8 bytes; only bide_await_large "
			"takes it, or bide_value_task_as_task",
			bide_kind_is_frame_(source->kind) ? bide_frame_of_(source)->async->name
											  : "an operation");
		v = bide_value_task_from_error(BIDE_EINVAL_);
	}
	bide_recycle_(source, place);
	return v;
}

void bide_recycle_(bide_source *source, const bide_place *place)
{
	if (bide_kind_is_frame_(source->kind))
		bide_frame_of_(source)->consumer = (uintptr_t)place | 1;
	else if (source->flags & BIDE_FLAG_LARGE_ &&
	         !((bide_operation *)(void *)source)->type->has_result_inside)
		bide_subscription_unref_task_(source);
	if (bide_thread_())
		bide_source_recycle_(bide_thread_(), source);
	else
		bide_pools_give_(source); /* There was no memory for the record of this thread. */
}
