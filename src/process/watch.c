/*
 * watch.c - watches a child by an operation on its pidfd, which is readable when the child ends.
 */
#include <errno.h>
#include <signal.h>

#include "os/process.h"
#include "process/process.h"

static bide_process *process_of(const bide_io *io)
{
	return BIDE_CONTAINER_(io->handle, bide_process, handle);
}

static int attempt(bide_io *io)
{
	return bide_process_take_(process_of(io), &io->operation.source.payload.i);
}

static void over(bide_io *io)
{
	bide_process_release_(process_of(io));
}

/* It goes on if nothing awaits it: so the child is never a zombie. */
static const bide_io_kind watch_kind = {
	.type = { .name = "the end of a child process", .describe = bide_io_describe_ },
	.side = BIDE_IO_IN_,
	.attempt = attempt,
	.over = over,
};

static bide_value_task watch(bide_process *process)
{
	const bide_io_arguments none = { .any = { NULL, 0, 0 } };

	return bide_in_detached(bide_io_start_owned_(&process->handle, &watch_kind, none));
}

int bide_process_begin_(bide_process *process, int pid, int pidfd)
{
	bide_value_task outcome;
	int error, status;

	process->pid = pid;
	process->pidfd = pidfd;
	process->has_begun = true;
	bide_handle_init_(&process->handle, pidfd, pidfd < 0 ? BIDE_HANDLE_KEEPS_FD_ : 0);
	(void)BIDE_ADD(&process->holders, 1u, RELAXED);
	outcome = pidfd < 0 ? bide_process_watch_by_time_(process) : watch(process);
	if (!bide_value_task_is_ready(outcome) || bide_value_task_is_successful(outcome)) {
		process->outcome = bide_value_task_as_task(outcome);
		return 0;
	}
	error = bide_value_task_take(outcome, NULL);
	(void)bide_os_process_kill_(pid, pidfd, SIGKILL);
	(void)bide_os_process_take_(pid, pidfd, true, &status);
	process->is_over = true;
	return error;
}
