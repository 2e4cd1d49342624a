/*
 * blocking_call.c - see blocking_call.h.
 */
#include "runtime/blocking_call.h"

#include "base/misuse.h"
#include "base/port.h"
#include "cancel/cancel_core.h"
#include "context/context.h"
#include "runtime/blocking_threads.h"
#include "runtime/simulation.h"
#include "source/operation.h"
#include "source/source.h"

static bide_value_task refused(bide_job *j, int error)
{
	bide_value_task outcome;

	j->outcome = bide_value_task_from_error(error);
	if (j->over)
		j->over(j);
	outcome = j->outcome;
	bide_operation_discard_(&j->operation.source);
	return outcome;
}

static void prepare(bide_job *j, bide_blocking_function *function, void *argument)
{
	j->function = function;
	j->argument = argument;
	j->parties = 2;
	j->post.run = bide_job_arrived_;
}

static void submit(bide_job *j, bool is_long)
{
	if (bide_simulating_)
		bide_simulated_submit_(BIDE_CONTAINER_(j, bide_simulated_job, job));
	else if (is_long)
		bide_blocking_submit_long_(j);
	else
		bide_blocking_submit_(j);
}

static bide_value_task begin(bide_job *j, bide_blocking_function *function, void *argument,
                             bool is_long)
{
	bide_value_task v;
	int error;

	if (bide_simulating_ && !bide_port_on_worker_()) {
		bide_misuse_("%s: in a simulation only the worker's thread may call it",
		             j->operation.type->name);
		return refused(j, BIDE_EINVAL_);
	}
	prepare(j, function, argument);
	j->context = bide_context_ref_current_();     /* before it is linked: then it may be canceled */
	v = bide_source_value_(&j->operation.source); /* before it is submitted: then it may be gone */
	error = bide_cancel_link_(bide_context_core_(), &j->node,
	                          bide_simulating_ ? bide_simulated_canceled_ : bide_job_canceled_);
	if (error) {
		bide_context_unref_word_(j->context);
		return refused(j, error);
	}
	submit(j, is_long);
	return v;
}

bide_value_task bide_blocking_begin_(bide_job *j, bide_blocking_function *function, void *argument)
{
	return begin(j, function, argument, false);
}

bide_value_task bide_blocking_begin_long_(bide_job *j, bide_blocking_function *function,
                                          void *argument)
{
	return begin(j, function, argument, true);
}

void bide_blocking_begin_detached_(bide_job *j, bide_blocking_function *function, void *argument)
{
	bide_value_task v = bide_source_value_(&j->operation.source);

	prepare(j, function, argument);
	j->always_runs = true;
	(void)bide_cancel_link_(NULL, &j->node, bide_job_canceled_);
	submit(j, false);
	bide_value_task_forget_at_(v, NULL);
}
