/*
 * run.h - work for the workers: a function of yours that starts later, on a worker, and never
 * inside the call.
 *
 * bide_async_start runs the body at once, on the caller's stack, up to its first wait. The
 * functions here do not: your function begins from a worker's queue. So the caller continues
 * first, the function never runs under the caller's locks, and with several workers it runs in
 * parallel. For calls that block there are bide_run_blocking and bide_run_on_new_thread
 * (runtime.h).
 */
#ifndef BIDE_RUN_H
#define BIDE_RUN_H

#include "task.h"

/*
 * A function that a worker runs. It must not block. The value task that it returns is awaited: a
 * value, an error, or that of an async function that it starts.
 */
typedef bide_value_task bide_run_function(void *argument);

BIDE_BEGIN_DECLS

/*
 * Runs function(argument) on a worker. Returns a value task with the outcome of the function.
 * argument is borrowed until the value task is done. The function inherits the ambient context;
 * if that is canceled before the function begins, it never runs. The value task fails with
 * ENOMEM if there is no memory, and with EINVAL (misuse) if function is NULL; nothing runs then.
 * Any thread. With one worker the value task belongs to the caller, as any does (value_task.h).
 * Cost: a frame from the pool and a pass through a queue.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_run(bide_run_function *function, void *argument);

/*
 * Does the same and returns a task, for which any thread may wait; you get a reference. Returns
 * NULL if there is no memory, or if function is NULL (misuse); nothing runs then.
 */
BIDE_API BIDE_USE_RESULT bide_task *bide_task_run(bide_run_function *function, void *argument);

BIDE_END_DECLS
#endif
