/*
 * value_task_as_task.c - a value task becomes a task: the frame itself, a completed task, or, for a
 * source of the user's own, an object that takes over the outcome.
 */
#include "base/clock.h"
#include "base/generation.h"
#include "context/context.h"
#include "source/source.h"
#include "source/stale.h"
#include "tasks/subscription.h"
#include "tasks/task.h"
#include "tasks/task_make.h"

/* A source of the user's own stays where it is; the task takes over its outcome. */
static void relay(bide_observer *listener, bide_source *done)
{
	bide_task_object *object = BIDE_CONTAINER_(listener, bide_task_object, relay);
	bide_value_task v = bide_consume_(done, NULL);

	bide_task_finish_(&object->source, v.payload, (int)v.state);
}

static bide_task *task_of_user_source(bide_value_task value_task, const char *what,
                                      const bide_place *place)
{
	bide_source *task = bide_task_new_(0, place);
	bide_task_object *object = (bide_task_object *)(void *)task;

	if (!task) {
		bide_value_task_forget_at_(value_task, place);
		return NULL;
	}
	object->relay.run = relay;
	task->marks = BIDE_MARK_CLAIMED_; /* its source completes it; the user must not */
	bide_task_ref((bide_task *)task); /* for the producer */
	switch (bide_listen_(value_task, &object->relay, what, place)) {
	case BIDE_REGISTERED_:
		break;
	case BIDE_ALREADY_DONE_:
		relay(&object->relay, (bide_source *)value_task.state);
		break;
	default:
		bide_task_finish_(task, bide_payload_int_(0), BIDE_ESTALE);
	}
	return (bide_task *)task;
}

/*
 * Does bide_value_task_as_task, for a call of `what`. Not inlined, so that a value task that is
 * ready saves no registers.
 */
static __attribute__((noinline)) bide_task *task_of(bide_value_task value_task, const char *what,
                                                    const bide_place *place)
{
	bide_source *source;
	uintptr_t seen = BIDE_WORD_PENDING_;

	value_task = bide_yield_to_operation_(value_task);
	if (!bide_is_pending_(value_task))
		return bide_task_ready_of_(value_task);
	source = (bide_source *)value_task.state;
	if (!bide_check_fresh_(value_task, what, place) || !bide_belongs_here_(source, what, place))
		return bide_task_from_error(BIDE_ESTALE);
	if (!bide_kind_is_pooled_(source->kind))
		return task_of_user_source(value_task, what, place);
	if (!bide_is_sync_(source)) {
		/* Until now it was this thread's alone. Any thread may use a task. */
		bide_flags_add_(source, BIDE_FLAG_SYNC_);
		if (bide_is_done_(source))
			seen = BIDE_WORD_DONE_;
	}
	/*
	 * Counts a reference for the producer and one for the caller before the word says SHARED. The
	 * producer reads flags and count only after it has seen SHARED (acquire), which the release
	 * publishes. The word is LOCKED meanwhile, so that a value task whose awaiter may be through
	 * with it is not touched.
	 */
	if (seen == BIDE_WORD_PENDING_ &&
	    BIDE_CAS(&source->word, &seen, (uintptr_t)BIDE_WORD_LOCKED_, ACQUIRE, ACQUIRE)) {
		/* visits of the pools read the generation */
		BIDE_STORE(&source->references, BIDE_COUNT_BASE_ + 2, RELAXED);
		bide_subscriptions_unlock_(source, 0);
		return (bide_task *)source;
	}
	if (seen == BIDE_WORD_DONE_) { /* not consumed: then the word has BIDE_WORD_CONSUMED_ */
		/* The producer is through with it. */
		BIDE_STORE(&source->references, BIDE_COUNT_BASE_ + 1, RELAXED);
		return (bide_task *)source;
	}
	bide_report_stale_(value_task, what, place, NULL);
	return bide_task_from_error(BIDE_ESTALE);
}

bide_task *bide_value_task_as_task_at_(bide_value_task value_task, const bide_place *place)
{
	return bide_is_pending_(value_task) ? task_of(value_task, "bide_value_task_as_task", place)
	                                    : bide_task_ready_of_(value_task);
}

bide_value_task bide_value_task_await_for_at_(bide_value_task value_task, int64_t timeout_ns,
                                              const bide_place *place)
{
	static const char what[] = "bide_value_task_await_for";
	bide_value_task wait;
	bide_task *task;

	if (!bide_time_allowed_(timeout_ns, what, "timeout_ns", place))
		return bide_value_task_from_error(BIDE_EINVAL_);
	value_task = bide_yield_to_operation_(value_task);
	if (!bide_is_pending_(value_task))
		return value_task;
	if (!bide_check_fresh_(value_task, what, place))
		return bide_value_task_from_error(BIDE_ESTALE);
	if (timeout_ns == BIDE_FOREVER && !bide_context_core_())
		return value_task; /* nothing can end the wait before */
	task = task_of(value_task, what, place);
	if (!task)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	wait = bide_task_await_for(task, timeout_ns);
	bide_task_unref(task);
	return wait;
}
