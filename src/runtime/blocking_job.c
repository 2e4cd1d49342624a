/*
 * blocking_job.c - see blocking_job.h.
 */
#include "runtime/blocking_job.h"

#include "base/assert.h"
#include "base/port.h"
#include "base/text.h"
#include "cancel/cancel_core.h"
#include "context/context.h"
#include "context/placement.h"
#include "source/source.h"

bide_job_queue bide_jobs_;

void bide_job_leave_(bide_job *j, uint32_t parties)
{
	/* Pairs with itself, so that the last party sees what the other wrote. */
	uint32_t before = BIDE_SUB(&j->parties, parties, ACQ_REL);

	BIDE_ASSERT_(before >= parties);
	if (before != parties)
		return;
	bide_cancel_node_unref_(&j->node);
	bide_context_unref_word_(j->context);
	if (j->over)
		j->over(j);
	bide_operation_complete_(&j->operation, j->outcome.payload, (int)j->outcome.state);
}

void bide_job_complete_(bide_job *j)
{
	bide_job_leave_(j, bide_cancel_unlink_(&j->node) ? 2 : 1);
}

/*
 * Returns the outcome for a value task that the function returned as a source. A source that is
 * done is consumed here; a pending one is misuse.
 */
static bide_value_task settled(const bide_job *j, bide_value_task returned)
{
	const char *what = j->operation.type->name;
	bide_source *source = (bide_source *)returned.state;
	bide_observer none = { NULL };

	if (!bide_check_fresh_(returned, what, NULL))
		return bide_value_task_from_error(BIDE_ESTALE);
	if (!bide_belongs_here_(source, what, NULL))
		return bide_value_task_from_error(BIDE_EINVAL_);
	if (bide_is_done_(source)) {
		if (bide_listen_(returned, &none, what, NULL) == BIDE_ALREADY_TAKEN_)
			return bide_value_task_from_error(BIDE_ESTALE);
		return bide_consume_(source, NULL);
	}
	bide_misuse_("%s: the function returned a value task that is pending; it must wait for it "
	             "(bide_value_task_wait) and return what it gives",
	             what);
	bide_value_task_forget_at_(returned, NULL);
	return bide_value_task_from_error(BIDE_EINVAL_);
}

uintptr_t bide_job_enter_(const bide_job *j)
{
	return j->context ? bide_context_swap_(j->context) : 0;
}

void bide_job_call_(bide_job *j)
{
	int error = 0;

	if (j->context) /* it may have been canceled after it was taken out of the queue */
		error = bide_context_current_error();
	j->outcome = error ? bide_value_task_from_error(error) : j->function(j->argument);
	if (bide_is_pending_(j->outcome))
		j->outcome = settled(j, j->outcome);
}

void bide_job_leave_context_(const bide_job *j, uintptr_t saved)
{
	if (j->context)
		bide_context_swap_(saved);
}

void bide_job_arrived_(bide_post *post)
{
	bide_job_complete_(BIDE_CONTAINER_(post, bide_job, post));
}

void bide_job_hand_over_(bide_job *j)
{
	if (bide_port_on_worker_() && bide_thread_()) /* which needs a record */
		bide_job_complete_(j);
	else
		bide_port_post_(&j->post);
}

void bide_jobs_append_(bide_job *j)
{
	j->state = BIDE_JOB_QUEUED_;
	j->next = NULL;
	j->previous = bide_jobs_.last;
	*(bide_jobs_.last ? &bide_jobs_.last->next : &bide_jobs_.first) = j;
	bide_jobs_.last = j;
	if (++bide_jobs_.count > bide_jobs_.peak)
		bide_jobs_.peak = bide_jobs_.count;
}

void bide_jobs_take_(bide_job *j)
{
	BIDE_ASSERT_(j->state == BIDE_JOB_QUEUED_ && bide_jobs_.count > 0);
	BIDE_ASSERT_(j->previous ? j->previous->next == j : bide_jobs_.first == j);
	BIDE_ASSERT_(j->next ? j->next->previous == j : bide_jobs_.last == j);
	j->state = BIDE_JOB_TAKEN_;
	*(j->previous ? &j->previous->next : &bide_jobs_.first) = j->next;
	*(j->next ? &j->next->previous : &bide_jobs_.last) = j->previous;
	bide_jobs_.count--;
}

bide_job *bide_jobs_take_all_(void)
{
	bide_job *all = bide_jobs_.first, *j;

	BIDE_ASSERT_(bide_jobs_are_valid_());
	for (j = all; j; j = j->next)
		j->state = BIDE_JOB_TAKEN_;
	bide_jobs_.first = bide_jobs_.last = NULL;
	bide_jobs_.count = 0;
	return all;
}

bool bide_jobs_are_valid_(void)
{
	const bide_job *previous = NULL;
	size_t count = 0;

	for (const bide_job *j = bide_jobs_.first; j; previous = j, j = j->next) {
		BIDE_INVARIANT_(++count <= bide_jobs_.count);
		BIDE_INVARIANT_(j->previous == previous && j->state == BIDE_JOB_QUEUED_);
	}
	BIDE_INVARIANT_(bide_jobs_.last == previous);
	BIDE_INVARIANT_(count == bide_jobs_.count && count <= bide_jobs_.peak);
	return true;
}

void bide_jobs_fail_(bide_job *list, int error)
{
	bide_job *next;

	for (; list; list = next) {
		next = list->next; /* before it is handed over: then it is gone */
		list->outcome =
			list->always_runs ? list->function(list->argument) : bide_value_task_from_error(error);
		bide_job_hand_over_(list);
	}
}

void bide_job_canceled_(bide_cancel_node *node, int error)
{
	bide_job *j = BIDE_CONTAINER_(node, bide_job, node);
	bool mine;

	bide_os_lock_(&bide_jobs_.mutex);
	mine = j->state != BIDE_JOB_TAKEN_;
	if (j->state == BIDE_JOB_QUEUED_)
		bide_jobs_take_(j);
	j->state = BIDE_JOB_TAKEN_; /* if it was NEW, its submitter sees this and leaves it alone */
	bide_os_unlock_(&bide_jobs_.mutex);
	if (mine)
		j->outcome = bide_value_task_from_error(error);
	bide_job_leave_(j, mine ? 2 : 1);
}

void bide_job_describe_(const void *copy, char *to, size_t size_bytes)
{
	const bide_job *j = copy;

	bide_put_(to, size_bytes, "%s (%s)", j->operation.type->name,
	          j->state == BIDE_JOB_TAKEN_ ? "running" : "queued");
}
