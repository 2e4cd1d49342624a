/*
 * end.c - processes at the end of the runtime.
 *
 * What was closed is ended first, while functions still run. Then, when none does, that is done
 * again for what was closed since, and for what the program never got: a start or a run that was
 * under way. What the program has and has not closed is the program's.
 */
#include <errno.h>
#include <time.h>

#include "memory/allocator.h"
#include "os/os.h"
#include "os/process.h"
#include "process/request.h"
#include "runtime/at_end.h"

static const int64_t end_max_ns = 1000000000;

/* Takes the outcome of one that was killed, without a pidfd. */
static void take_by_time(bide_process *process, int64_t deadline_ns)
{
	const struct timespec moment = { 0, 1000000 };
	int64_t status;

	while (bide_process_take_(process, &status) == EAGAIN && bide_os_now_ns_() < deadline_ns)
		(void)nanosleep(&moment, NULL);
}

/*
 * Takes the outcomes of those that were killed, and gives up the watch of those that are kept, so
 * that their descriptors are closed.
 */
static void end_closed(void)
{
	int64_t deadline_ns = bide_os_now_ns_() + end_max_ns;
	bide_process *process;

	while ((process = bide_process_next_closed_()) != NULL) {
		bide_handle *handle = &process->handle;

		if (process->pidfd >= 0) {
			if (process->is_killed && bide_os_process_ends_(process->pidfd, deadline_ns))
				bide_handle_kick_(handle, BIDE_LOAD(&handle->generation, RELAXED), BIDE_IO_IN_);
			bide_handle_interrupt_(handle, BIDE_IO_IN_, ECANCELED);
		} else if (process->is_killed) {
			take_by_time(process, deadline_ns);
			(void)bide_context_cancel(process->looks, ECANCELED); /* it need not look again */
		}
		bide_process_release_(process);
	}
}

/* Its function will never run again. */
static void end_abandoned(bide_process *process)
{
	bide_process_request *request = process->request;

	process->keep = false;
	if (process->has_begun)
		bide_process_close(process);
	if (request) {
		bide_process_request_drop_(&request->base);
		bide_deallocate_(request, request->base.size_bytes);
	}
}

static void end_all(void)
{
	bide_process *process;

	while ((process = bide_process_next_abandoned_()) != NULL)
		end_abandoned(process);
	end_closed();
	while ((process = bide_process_next_looked_()) != NULL)
		bide_process_release_(process);
}

static bide_at_end ends = { .stop = end_closed, .last = end_all, .fork = bide_process_forget_all_ };

void bide_process_ends_(void)
{
	bide_at_end_add_(&ends);
}
