/*
 * task_check.h - whether a task is one.
 */
#ifndef BIDE_TASKS_TASK_CHECK_H
#define BIDE_TASKS_TASK_CHECK_H

#include "base/library.h"

/* Not NULL, and with a reference; else false, and misuse of `what` was reported. */
BIDE_INTERNAL bool bide_task_check_(const bide_task *task, const char *what);

#endif
