/*
 * end.c - bide_generator_end: the producer goes to its cleanup, and the generator is freed. See
 * generator.h.
 */
#include "base/misuse.h"
#include "base/port.h"
#include "generator/generator.h"
#include "source/source.h"

/*
 * The body is over and was not seen by the resume loop. Returns a value task that is ready, or that
 * a cancel which looks at the generator will complete. place: of the end, or NULL.
 */
static bide_value_task let_go(bide_generator *g, const bide_place *place)
{
	bide_value_task v = bide_source_value_(&g->frame.source);

	if (!bide_generator_unhold_(g))
		return v;
	bide_recycle_(&g->frame.source, place);
	return bide_value_task_completed();
}

/* The producer is at an emit, or has not begun. Only the consumer touches it. */
static bide_value_task stop_here(bide_generator *g, const bide_place *place)
{
	bide_thread_head *head = bide_thread_();
	bide_value_task v = bide_source_value_(&g->frame.source);
	bide_body_result step;

	bide_generator_set_(g, BIDE_GENERATOR_STOPPING_);
	bide_generator_stop_(g);
	if (!bide_generator_fits_(head, g)) {
		bide_generator_queue_(g);
		return v;
	}
	step = bide_generator_call_(head, g);
	if (step.state == BIDE_SUSPENDED_)
		return v;
	bide_generator_last_step_(g, step);
	return let_go(g, place);
}

/* The error that no next has returned is lost. */
static bide_value_task end_ended(bide_generator *g, const bide_place *place)
{
	bide_body_result step = { g->element, g->error == BIDE_EEND ? 0 : g->error };

	bide_generator_set_(g, BIDE_GENERATOR_STOPPING_);
	bide_generator_last_step_(g, step);
	return let_go(g, place);
}

/*
 * The producer runs or waits. Takes the generator from it. Returns false if it has arrived; then
 * only the consumer touches it. *waiting: a next that is pending, or NULL.
 */
static bool take_over(bide_generator *g, bide_generator_waiting_ **waiting)
{
	uintptr_t seen = BIDE_LOAD(&g->state, ACQUIRE); /* pairs with the move of the producer */

	*waiting = NULL;
	for (;;) {
		unsigned tag = bide_generator_tag_(seen);

		if (tag != BIDE_GENERATOR_LEFT_ && tag != BIDE_GENERATOR_ARMED_)
			return false;
		if (!bide_generator_move_(g, &seen, BIDE_GENERATOR_STOPPING_))
			continue;
		if (tag == BIDE_GENERATOR_ARMED_)
			*waiting = bide_generator_waiting_of_(seen);
		return true;
	}
}

static bool may_end(const bide_generator *g)
{
	const char *wrong = NULL;
	char taken[300];

	if (!bide_thread_())
		return false;
	if (bide_generator_was_ended_(g)) { /* before all else, since its memory may be free */
		bide_generator_report_ended_(g, "bide_generator_end");
		return false;
	}
	if (!bide_port_on_worker_())
		wrong = "called on another thread than the worker's";
	else if (&g->frame == bide_thread_()->current)
		wrong = "a generator may not end itself; bide_async_return ends its body";
	else if (g->taken) {
		bide_generator_put_taken_(g, taken, sizeof taken);
		wrong = taken;
	}
	if (wrong)
		bide_misuse_("bide_generator_end: %s", wrong);
	return !wrong;
}

/* Returns the place of the call, or NULL if that is not known, or if it is an operator's. */
static const bide_place *called_at(void)
{
	const bide_function_info *async = bide_thread_()->current->async;

	return async && async->own ? NULL : bide_called_at_("bide_generator_end");
}

bide_value_task bide_generator_end(bide_generator *g)
{
	bide_generator_waiting_ *waiting;
	const bide_place *place;
	bide_value_task v;
	bide_context *context;

	if (!g)
		return bide_value_task_completed();
	if (!may_end(g))
		return bide_value_task_from_error(BIDE_EINVAL_);
	BIDE_ASSERT_(bide_generator_is_valid_(g));
	v = bide_source_value_(&g->frame.source);
	context = g->context;
	place = called_at();
	g->expected = (uint16_t)bide_context_error(context);
	if (take_over(g, &waiting)) {
		/* The producer may end from here on. The frame lasts until v is consumed. */
		if (waiting)
			bide_generator_answer_(waiting, bide_payload_int_(0), BIDE_ECANCELED_);
		(void)bide_context_cancel(context, BIDE_ECANCELED_);
	} else if (BIDE_LOAD(&g->state, RELAXED) == BIDE_GENERATOR_ENDED_) {
		v = end_ended(g, place);
	} else {
		/* What the producer has started and not awaited ends, too. */
		(void)bide_context_cancel(context, BIDE_ECANCELED_);
		v = stop_here(g, place);
	}
	bide_context_unref(context);
	return v;
}
