/*
 * task_await.h - what other rooms ask of an await of a task.
 */
#ifndef BIDE_TASKS_TASK_AWAIT_H
#define BIDE_TASKS_TASK_AWAIT_H

#include "base/library.h"

/*
 * Starts an ended wait: its result is the task itself, with a reference, when that is over, however
 * it ended. It fails only if the wait does: canceled, or no memory. Meanwhile it holds no
 * reference, so it keeps nothing from being broken, and it does not observe the error. For
 * consumers that always take the result.
 */
BIDE_INTERNAL bide_value_task bide_task_ended_(bide_task *task);
/*
 * Ends a pending subscription (what bide_task_await returned) with an error. Does nothing if it is
 * being delivered.
 */
BIDE_INTERNAL void bide_subscription_cancel_(bide_source *source, int error);
/* Gives up a wait whose value task was not consumed. Any thread. */
BIDE_INTERNAL void bide_task_give_up_(bide_value_task subscription);

#endif
