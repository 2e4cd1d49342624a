/*
 * spawn.c - starts a child process: an opening (io/opening.h) of one step, a blocking call.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/own.h"

#include <errno.h>

#include "process/request.h"
#include "runtime/simulation.h"
#include <bide/runtime.h>

BIDE_STATIC_ASSERT((int)BIDE_PROCESS_STEP_EXECUTE == (int)BIDE_OS_STEP_EXECUTE_ &&
                       (int)BIDE_PROCESS_STEP_FORK == (int)BIDE_OS_STEP_FORK_,
                   "the steps have the same numbers");

/* --- the start --- */

struct bide_process_start {
	BIDE_ASYNC_FRAME;
	struct {
		bide_process_request *request;
	} in;
	bide_process *process;
	int64_t error;
};

static const bide_own_ bide_process_start_own_ = { .name = "bide_process_spawn" };

/* On a thread that may block. Its result is the error, so that no error is lost with a trace. */
static bide_value_task start(void *argument)
{
	bide_process_request *request = argument;
	int error = bide_os_process_start_(&request->start);

	bide_process_request_close_(request);
	if (!error) { /* A shutdown finds it, if the function of the start does not go on. */
		request->process->pid = request->start.pid;
		request->process->pidfd = request->start.pidfd;
	}
	if (error)
		bide_process_request_failed_(request, (bide_process_step)request->start.failed_step);
	return bide_value_task_from_int(error);
}

/* The child runs. Hands the process over. */
static int begin_process(bide_process_request *request, bide_process **process)
{
	int error = bide_process_begin_(request->process, request->start.pid, request->start.pidfd);

	if (error)
		return error;
	bide_process_request_failed_(request, BIDE_PROCESS_STEP_NONE);
	*process = request->process;
	request->process = NULL;
	return 0;
}

bide_async(bide_process_start)
{
	bide_async_begin;
	bide_await_or(my->error, bide_run_blocking(start, my->in.request), {
		if (bide_context_current_error()) /* It was not the start that failed. */
			bide_process_request_failed_(my->in.request, BIDE_PROCESS_STEP_NONE);
		bide_async_return(bide_await_failure);
	});
	if (!my->error)
		my->error = begin_process(my->in.request, &my->process);
	if (my->error)
		bide_async_fail((int)my->error);
	bide_async_return(my->process);
bide_async_finally:
	bide_async_end;
}

bide_process_task bide_process_start_(bide_process_request *request)
{
	bide_value_task started = bide_async_start(bide_process_start, .request = request);

	if (started.state == BIDE_ENOFRAME)
		started = bide_value_task_from_error(ENOMEM);
	return BIDE_TYPED(bide_process_task, started);
}

/* --- the call --- */

struct bide_process_spawn {
	BIDE_ASYNC_FRAME;
	struct {
		bide_opening *opening;
	} in;
	bide_process *process;
	int error;
};

static const bide_own_ bide_process_spawn_own_ = { .name = "bide_process_spawn" };

bide_async(bide_process_spawn)
{
	bide_async_begin;
	bide_await_or(my->process, bide_process_start_((bide_process_request *)my->in.opening->request),
	              my->error = bide_await_error);
bide_async_finally:
	if (my->process) {
		my->process->is_public = true; /* no consumer: then `unwanted` closes it */
		my->process->request = NULL;
	}
	bide_opening_end_(my->in.opening, my->process, my->error);
	bide_async_end;
}

static bide_value_task begin(bide_opening *opening)
{
	return bide_async_start(bide_process_spawn, .opening = opening);
}

/* No consumer has it, so no other party can end it. */
static void unwanted(bide_payload result)
{
	bide_process *process = result.p;

	process->keep = false;
	bide_process_close(process);
}

static const bide_opening_kind spawn_kind = {
	.type = { .name = "bide_process_spawn", .leave = bide_opening_leave_, .unwanted = unwanted },
	.begin = begin,
	.drop = bide_process_request_drop_,
};

static bide_value_task spawn(const bide_process_options *options)
{
	bide_process_request *request = NULL;
	int error;

	bide_process_step_(options, BIDE_PROCESS_STEP_PREPARE);
	if (!bide_thread_())
		return bide_value_task_from_error(ENOMEM);
	bide_process_step_(options, BIDE_PROCESS_STEP_NONE);
	error = bide_simulating_ ? ENOTSUP : bide_context_current_error();
	if (!error)
		error = bide_process_request_make_(&request, options, "bide_process_spawn");
	if (error)
		return bide_value_task_from_error(error);
	bide_process_ends_();
	return bide_opening_start_(&spawn_kind, &request->base);
}

bide_process_task bide_process_spawn(const bide_process_options *options)
{
	return BIDE_TYPED(bide_process_task, spawn(options));
}
