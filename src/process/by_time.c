/*
 * by_time.c - watches a child where the kernel has no pidfd (before Linux 5.3): an async function
 * looks at it from time to time. A thread that waits for the child could not be ended before the
 * child is, and so would hold up a shutdown.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/own.h"

#include <errno.h>

#include "process/process.h"

static const int64_t first_ns = 1000000, last_ns = 16000000;

struct bide_process_look {
	BIDE_ASYNC_FRAME;
	struct {
		bide_process *process;
	} in;
	int64_t status, delay_ns;
};

static const bide_own_ bide_process_look_own_ = { .name = "the end of a child process" };

bide_async(bide_process_look)
{
	bide_async_begin;
	for (my->delay_ns = first_ns; bide_process_take_(my->in.process, &my->status) == EAGAIN;) {
		bide_await(bide_delay(my->delay_ns));
		if (my->delay_ns < last_ns)
			my->delay_ns *= 2;
	}
	bide_async_return(my->status);
bide_async_finally:
	my->in.process->is_looked = false;
	bide_process_release_(my->in.process);
	bide_async_end;
}

bide_value_task bide_process_watch_by_time_(bide_process *process)
{
	bide_value_task started;
	uintptr_t saved;

	saved = bide_context_push_(NULL);
	process->looks = bide_context_create(NULL);
	bide_context_pop_(saved);
	process->is_looked = true;
	if (!process->looks) {
		process->is_looked = false;
		bide_process_release_(process);
		return bide_value_task_from_error(ENOMEM);
	}
	started =
		bide_in_context(process->looks, bide_async_start(bide_process_look, .process = process));
	if (started.state != BIDE_ENOFRAME)
		return started;
	process->is_looked = false;
	bide_process_release_(process);
	return bide_value_task_from_error(ENOMEM);
}
