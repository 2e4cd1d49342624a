/*
 * task_await.c - awaiting a task: its outcome if it is over, otherwise a subscription.
 */
#include "tasks/task_await.h"

#include "base/clock.h"
#include "context/context.h"
#include "source/operation.h"
#include "tasks/limited_wait.h"
#include "tasks/subscription.h"
#include "tasks/task.h"

/* Returns what a wait for a task that is over results in. */
static bide_value_task wait_outcome(bide_source *task, bool ended)
{
	if (ended)
		return bide_value_task_from_pointer(bide_task_ref((bide_task *)task));
	return bide_task_outcome_(task);
}

/* Returns the value task of a plain subscription, or the outcome if the task is over by now. */
static bide_value_task subscribe(bide_source *task, bool ended)
{
	bide_subscription_ *s =
		(bide_subscription_ *)(void *)bide_operation_new_(sizeof *s, &bide_subscription_type_);
	bide_value_task v;

	if (!s)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	s->operation.source.marks = ended ? BIDE_MARK_ENDED_ : 0;
	v = bide_source_value_(&s->operation.source);
	if (bide_subscription_link_(task, s))
		return v;
	bide_operation_discard_(&s->operation.source);
	return wait_outcome(task, ended);
}

static bide_value_task wait_for(bide_source *task, int64_t timeout_ns, bool ended)
{
	bide_cancel_core *core;
	int error;

	if (bide_is_done_(task))
		return wait_outcome(task, ended);
	core = bide_context_core_();
	if (!core && timeout_ns == BIDE_FOREVER)
		return subscribe(task, ended);
	error = bide_context_current_error();
	if (!error && timeout_ns == 0)
		error = BIDE_ETIMEDOUT_;
	return error ? bide_value_task_from_error(error)
	             : bide_limited_wait_start_(task, core, timeout_ns, ended);
}

static bide_value_task task_wait(bide_task *task, int64_t timeout_ns, const char *what)
{
	if (BIDE_LIKELY(task && bide_is_done_((bide_source *)task)))
		return bide_task_outcome_((bide_source *)task);
	if (bide_task_check_(task, what))
		return wait_for((bide_source *)task, timeout_ns, false);
	return bide_value_task_from_error(BIDE_EINVAL_);
}

bide_value_task bide_task_ended_(bide_task *task)
{
	return wait_for((bide_source *)task, BIDE_FOREVER, true);
}

bide_value_task bide_task_await(bide_task *task)
{
	return task_wait(task, BIDE_FOREVER, "bide_task_await");
}

bide_value_task bide_task_await_take(bide_task *task)
{
	bide_value_task v;

	if (!task)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	v = task_wait(task, BIDE_FOREVER, "bide_task_await_take");
	bide_task_unref(task);
	return v;
}

bide_value_task bide_task_await_for(bide_task *task, int64_t timeout_ns)
{
	return bide_time_allowed_(timeout_ns, "bide_task_await_for", "timeout_ns", NULL)
	           ? task_wait(task, timeout_ns, "bide_task_await_for")
	           : bide_value_task_from_error(BIDE_EINVAL_);
}

void bide_subscription_cancel_(bide_source *source, int error)
{
	bide_subscription_ *s = (bide_subscription_ *)(void *)source;
	bide_source *task, *lonely;

	if (s->limit) {
		s->limit->cancel(s, error);
		return;
	}
	/*
	 * Atomic, because a thread that delivers it stores result_of. The word of the task tells,
	 * below.
	 */
	task = BIDE_LOAD(&s->task, RELAXED);
	if (!task || !bide_subscription_unlink_(s, task, &lonely))
		return; /* its completion is on the way */
	BIDE_STORE(&s->task, NULL, RELAXED);
	if (lonely)
		bide_task_leave_(lonely);
	bide_operation_complete_(&s->operation, bide_payload_int_(0), error);
}

void bide_task_give_up_(bide_value_task value_task)
{
	bide_subscription_ *s = (bide_subscription_ *)value_task.state;

	if (s->limit) {
		bide_limited_wait_give_up_(s);
		return;
	}
	/* Either this ends it, or its completion is on the way. Both leave it to be forgotten. */
	bide_subscription_cancel_(&s->operation.source, BIDE_ECANCELED_);
	bide_value_task_forget_at_(value_task, NULL);
}
