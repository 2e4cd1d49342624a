/*
 * limited_wait.h - a wait for a task that a cancellation or a deadline may end sooner.
 */
#ifndef BIDE_TASKS_LIMITED_WAIT_H
#define BIDE_TASKS_LIMITED_WAIT_H

#include "cancel/cancel_core.h"
#include "tasks/subscription.h"

/*
 * Waits for a pending task. core (may be NULL) cancels the wait; timeout_ns ends it with ETIMEDOUT
 * (BIDE_FOREVER: never). ended: the result is the task itself. Returns the value task of the wait,
 * which fails with ENOMEM if there is no memory.
 */
BIDE_INTERNAL bide_value_task bide_limited_wait_start_(bide_source *task, bide_cancel_core *core,
                                                       int64_t timeout_ns, bool ended);
/*
 * Ends a limited wait with an error. Does nothing if its outcome is decided already. The caller
 * keeps it from being consumed.
 */
BIDE_INTERNAL void bide_limited_wait_cancel_(bide_subscription_ *s, int error);
/* Cancels a limited wait, and forgets its value task. Any thread. */
BIDE_INTERNAL void bide_limited_wait_give_up_(bide_subscription_ *s);

#endif
