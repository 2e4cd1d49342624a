/*
 * blocking_simulated.c - see blocking_simulated.h.
 */
#include "runtime/blocking_simulated.h"

#include "base/clock.h"
#include "base/misuse.h"
#include "base/port.h"
#include "runtime/simulation.h"

/* Runs in a post, because a listener must not run code of the program. */
static void simulated_run(bide_post *post)
{
	bide_job *j = BIDE_CONTAINER_(post, bide_job, post);
	const char *before =
		bide_inside_enter_("a blocking call, which a simulation runs on the worker");
	uintptr_t saved = bide_job_enter_(j);

	bide_job_call_(j);
	bide_job_leave_context_(j, saved);
	bide_inside_ = before;
	bide_job_complete_(j);
}

static void simulated_due(bide_observer *listener, bide_source *done)
{
	bide_simulated_job *s = BIDE_CONTAINER_(listener, bide_simulated_job, due);

	(void)done; /* the timer is a part of the job */
	bide_jobs_take_(&s->job);
	s->job.post.run = simulated_run;
	bide_port_post_(&s->job.post);
}

void bide_simulated_canceled_(bide_cancel_node *node, int error)
{
	bide_simulated_job *s = BIDE_CONTAINER_(node, bide_simulated_job, job.node);
	bool mine = s->job.state != BIDE_JOB_TAKEN_;

	if (mine) {
		bide_jobs_take_(&s->job);
		bide_port_disarm_(&s->timer);
		s->job.outcome = bide_value_task_from_error(error);
	}
	bide_job_leave_(&s->job, mine ? 2 : 1);
}

void bide_simulated_disarm_(bide_job *list)
{
	for (; list; list = list->next)
		bide_port_disarm_(&BIDE_CONTAINER_(list, bide_simulated_job, job)->timer);
}

void bide_simulated_submit_(bide_simulated_job *s)
{
	s->due.run = simulated_due;
	s->timer.source.kind = BIDE_KIND_USER_; /* it is part of the job: not released by itself */
	s->timer.source.word = (uintptr_t)&s->due | BIDE_WORD_LISTENER_;
	s->timer.source.payload.i = bide_deadline_after_(bide_simulation_job_ns_());
	bide_jobs_append_(&s->job);
	bide_port_arm_(&s->timer);
}
