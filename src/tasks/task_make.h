/*
 * task_make.h - making tasks.
 */
#ifndef BIDE_TASKS_TASK_MAKE_H
#define BIDE_TASKS_TASK_MAKE_H

#include "tasks/task.h"

/*
 * Returns a pending task with an object and one reference, or NULL if there is no memory.
 * `created` is the place where the user made a completion source, for dumps. If it is NULL, a dump
 * does not name the task, because it is over or the user does not complete it.
 */
BIDE_INTERNAL bide_source *bide_task_new_(unsigned flags, const bide_place *created);
/*
 * Returns a completion source of the library's own, or NULL if there is no memory. Neither
 * bide_stats_get nor a dump counts or names it.
 */
BIDE_INTERNAL bide_task *bide_task_create_own_(void);
/* Returns a task that is over, or NULL if there is no memory. */
BIDE_INTERNAL bide_task *bide_task_ready_(bide_payload result, int error);
/* Consumes a value task that is ready, and does the same. Without memory it is forgotten. */
BIDE_INTERNAL bide_task *bide_task_ready_of_(bide_value_task value_task);

#endif
