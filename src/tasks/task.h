/*
 * task.h - tasks: references, the outcome, and what completes them.
 *
 * The words of this room:
 *
 *   task               a source that is reference counted: any number of consumers may await it
 *   object             the memory of a task that is no frame: bide_task_object
 *   completion source  a task of bide_task_create, which the user completes by hand
 *   constant           the static task that stands for a small result; its references do not count
 *   subscription       one await of a pending task: an operation in the list of the task
 *   limited wait       a subscription that a cancellation or a deadline may end sooner
 *   ended wait         a subscription whose result is the task itself, with a reference
 *   to deliver         to complete the subscriptions of a task that is over, oldest first
 *   producer           what completes a task: the frame that became it, or a call; it holds a
 *                      reference, which the delivery drops
 *   to claim           to take the right to complete a task, which one party gets
 *   to observe         to see the error of a task; an error that nothing observed goes to the hook.
 *                      Also to take the result of an operation that became a task; a result that
 *                      nothing observed is given back
 *   task list          in debug mode, all completion sources (task_list.h)
 *
 * The number of references is the generation less BIDE_COUNT_BASE_. The state of a task is the word
 * of its source (subscription.h). The producer stores result and error before it says DONE
 * (release), and consumers read them after they have seen DONE (acquire).
 *
 * bide_value_task_as_task turns the pending frame itself into a task.
 */
#ifndef BIDE_TASKS_TASK_H
#define BIDE_TASKS_TASK_H

#include "base/count.h"
#include "base/generation.h"
#include "base/library.h"
#include "base/thread.h"
#include "source/source.h"
#include "tasks/subscription.h"

/* The object behind a completion source, a completed task, and a task made of a user's source. */
typedef struct bide_task_object {
	bide_source source;
	bide_post post;      /* sends the delivery to the worker */
	uintptr_t waiting;   /* the newest of the subscriptions that are to be delivered there */
	bide_observer relay; /* of the user's source that the task was made of */
} bide_task_object;

BIDE_STATIC_ASSERT(sizeof(bide_task_object) == BIDE_TASK_BYTES_,
                   "what bide_allocate_task_ returns");

/* Returns true if the memory of the task is a bide_task_object, and false if it is a frame. */
static inline bool bide_task_has_object_(const bide_source *task)
{
	return bide_kind_of_(task->kind) == BIDE_KIND_TASK_;
}

/* Asks only an object: the line of a pending frame says where the frame waits. */
static inline bool bide_task_is_constant_(const bide_source *task)
{
	return bide_task_has_object_(task) && BIDE_LOAD(&task->marks, RELAXED) & BIDE_MARK_CONSTANT_;
}

/* Reports misuse of `what`: the task is NULL, or has no reference. */
BIDE_INTERNAL BIDE_COLD void bide_task_refused_(const bide_source *task, const char *what);

/*
 * Returns true if the task is not NULL and has a reference; otherwise reports misuse of `what`.
 * Memory that is free, or in use again for something else, has no count in its generation.
 */
static inline bool bide_task_check_(const bide_task *handle, const char *what)
{
	const bide_source *task = (const bide_source *)handle;

	bide_leave_parent_();
	if (task &&
	    (BIDE_LOAD(&task->generation, RELAXED) > BIDE_COUNT_BASE_ || bide_task_is_constant_(task)))
		return true;
	bide_task_refused_(task, what);
	return false;
}

/*
 * Returns the number of references that a generation stands for; 0 if the task is being freed at
 * this moment.
 */
static inline uint64_t bide_task_references_(uint64_t generation)
{
	return generation > BIDE_COUNT_BASE_ ? generation - BIDE_COUNT_BASE_ : 0;
}

/*
 * Marks the error of a task that is over as seen, and the result of an operation as taken. The last
 * bide_task_unref orders the mark.
 */
static inline void bide_task_observe_(bide_source *task)
{
	if ((task->error || bide_kind_of_(task->kind) == BIDE_KIND_OPERATION_) &&
	    !(BIDE_LOAD(&task->marks, RELAXED) & (BIDE_MARK_OBSERVED_ | BIDE_MARK_CONSTANT_)))
		(void)BIDE_OR(&task->marks, (uint32_t)BIDE_MARK_OBSERVED_, RELAXED);
}

/* Returns the outcome of a task that is over, and observes it. */
static inline bide_value_task bide_task_outcome_(bide_source *task)
{
	bide_value_task v;

	bide_task_observe_(task);
	v.payload = task->payload;
	v.state = task->error;
	return v;
}

/*
 * Completes a task that the caller has claimed: stores the outcome and says DONE. The delivery runs
 * on the worker and drops one reference. Returns true.
 */
BIDE_INTERNAL bool bide_task_finish_(bide_source *task, bide_payload result, int error);
/*
 * Delivers one subscription of a task that is over. The subscription is in no list, or the caller
 * owns the list. alone: the task has no other consumer, so if this one drops the result, the result
 * is given back.
 */
BIDE_INTERNAL void bide_subscription_deliver_(bide_subscription_ *s, bide_source *task, bool alone);
/*
 * Consumes a reference to an operation that is a task, which no consumer has or awaits any more:
 * the operation leaves.
 */
BIDE_INTERNAL void bide_task_leave_(bide_source *task);

#endif
