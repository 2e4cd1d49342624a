/*
 * run.h - work handed to the workers: a function of yours that starts somewhere else, later, and
 * never inside the call.
 *
 * bide_async_start runs the body at once, on the caller's stack, up to its first wait. These do
 * not: the function begins from a worker's queue, so the caller goes on first, keeps its locks to
 * itself, and with several workers the work is done beside it. For calls that block there are
 * bide_run_blocking and bide_run_on_new_thread (runtime.h).
 */
#ifndef BIDE_RUN_H
#define BIDE_RUN_H

#include "task.h"

/*
 * What is run, on a worker. It must not block. The value task that it returns is awaited: a value,
 * an error, or that of an async function which it starts.
 */
typedef bide_value_task bide_run_function(void *argument);

BIDE_BEGIN_DECLS

/*
 * Runs function(argument) on a worker; the outcome is the value task's. argument: borrowed until
 * the value task is done. The ambient context is inherited; canceled before the function began, it
 * never runs. Fails with ENOMEM: no memory, nothing will run; EINVAL (misuse): function is
 * NULL. Any thread; with one worker the value task is the caller's, as any (value_task.h). Cost: a
 * frame from the pool and a way through a queue.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_run(bide_run_function *function, void *argument);

/*
 * The same as a task, which any thread may wait for; you get a reference. NULL: no memory, nothing
 * will run; or function is NULL (misuse).
 */
BIDE_API BIDE_USE_RESULT bide_task *bide_task_run(bide_run_function *function, void *argument);

BIDE_END_DECLS
#endif
