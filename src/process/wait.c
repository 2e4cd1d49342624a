/*
 * wait.c - waits for the end of a child process.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/own.h"

#include <errno.h>

#include "process/process.h"

struct bide_process_wait {
	BIDE_ASYNC_FRAME;
	struct {
		bide_task *outcome;
	} in;
	int64_t status;
};

static const bide_own_ bide_process_wait_own_ = { .name = "bide_process_wait" };

bide_async(bide_process_wait)
{
	bide_async_begin;
	bide_await(my->status, bide_task_await(my->in.outcome));
	if (my->status < 0)
		bide_async_fail(ECHILD);
	bide_async_return(my->status);
bide_async_finally:
	bide_task_unref(my->in.outcome);
	bide_async_end;
}

bide_value_task bide_process_wait(const bide_process *process)
{
	int error = bide_process_check_(process, "bide_process_wait");
	bide_value_task started;

	if (error)
		return bide_value_task_from_error(error);
	started = bide_async_start(bide_process_wait, .outcome = bide_task_ref(process->outcome));
	if (started.state != BIDE_ENOFRAME)
		return started;
	bide_task_unref(process->outcome);
	return bide_value_task_from_error(ENOMEM);
}
