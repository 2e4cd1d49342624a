/*
 * task.h (core) - what tasks share with the other parts of core.
 */
#ifndef BIDE_CORE_TASK_H
#define BIDE_CORE_TASK_H

#include "base/everything.h"

/* The object behind a completion source, a completed task, and a task made of a user's source. */
typedef struct bide_task_object {
	bide_source source;
	bide_post post;      /* its fan-out, sent to the worker */
	uintptr_t waiting;   /* the subscriptions that are to be delivered there */
	bide_listener relay; /* from the user's source that it was made of */
} bide_task_object;

/* One await of a task: what its value task points at, and a member of the task's list. */
typedef struct bide_subscription_ {
	bide_operation operation;
	struct bide_subscription_ *older, *newer;
	bide_source *task; /* NULL: in no list any more */
} bide_subscription_;

/* How many a count stands for. Of one that is given back just now: none. */
static inline uint64_t bide_task_references_(uint64_t count)
{
	return count > BIDE_COUNT_BASE_ ? count - BIDE_COUNT_BASE_ : 0;
}

/* The fan-out: the newest of the subscriptions, linked; drops the producer's reference. */
BIDE_INTERNAL void bide_task_deliver_(bide_source *source, uintptr_t newest);
/*
 * A wait whose result is the task itself, with a reference, when that is over, however it ended; it
 * fails only if the wait does: canceled, or no memory. Meanwhile it has no reference, so it keeps
 * nothing from being broken; and it is no look at the task's error. For consumers that always take
 * the result. `ended` is that of a ready one.
 */
BIDE_INTERNAL bide_value_task bide_task_ended_(bide_task *task);
/*
 * Ends a pending subscription (what bide_task_await returned) with an error; nothing if it is being
 * delivered.
 */
BIDE_INTERNAL void bide_subscription_cancel_(bide_source *source, int error);
/*
 * At shutdown: takes a pending subscription out of the list of a completion source that lives on.
 * Others: nothing.
 */
BIDE_INTERNAL void bide_subscription_leave_(bide_source *source);
/*
 * The same in the child of a fork, for tasks that anybody may complete. The list may have been half
 * changed, and the task gone: only what surely is its list is emptied.
 */
BIDE_INTERNAL void bide_subscription_inherit_(bide_source *source);
/* Drops the reference that a delivered subscription has on a task with a large result. */
BIDE_INTERNAL void bide_subscription_let_go_(bide_source *source);
/* Gives up a wait whose value task was not consumed; from any thread. */
BIDE_INTERNAL void bide_task_leave_(bide_value_task subscription);
BIDE_INTERNAL void bide_forget_user_(bide_source *source, const bide_place *place);
BIDE_INTERNAL void bide_forget_done_(bide_listener *listener, bide_source *done);
BIDE_INTERNAL bool bide_belongs_here_(const bide_source *source, const char *what,
                                      const bide_place *place);
BIDE_INTERNAL void bide_user_source_release_(bide_source *source);

#endif
