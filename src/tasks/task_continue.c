/*
 * task_continue.c - continue-with and unwrap: async functions over tasks.
 *
 * While their task is pending they hold no reference to it: they could not complete it, since they
 * wait for it, and must not keep it from being broken.
 */
#define BIDE_OWN_(name) &name##_own_
#include "async/parked.h"
#include "base/misuse.h"
#include "base/own.h"
#include "source/source.h"
#include "tasks/task_await.h"

/*
 * BIDE_ENOFRAME from a start means that nothing ran, and that the references are still the
 * caller's. An outcome must not look like that.
 */
static void no_frame_inside(bide_frame *frame)
{
	if (frame->source.error == BIDE_ENOFRAME)
		frame->source.error = BIDE_ENOMEM_;
}

/* Parked, so that the continuation never runs inside the call. */
struct bide_continue {
	BIDE_PARKED_FRAME_;
	bide_value_task wait; /* an ended wait */
	bide_continuation *continuation;
	void *argument;
	bide_continue_options options;
	bide_task *task; /* with a reference, once it is over */
};

static bool filtered_out(bide_task *task, const bide_continue_options *options)
{
	switch (bide_task_status(task)) {
	case BIDE_SUCCEEDED:
		return options->not_on_success;
	case BIDE_FAILED:
		return options->not_on_failure;
	default:
		return options->not_on_canceled;
	}
}

static const bide_own_ bide_continue_own_ = { .name = "bide_task_continue_with",
	                                          .is_placed = true };

/* Returns the error that keeps the continuation from running, or 0. */
static int refused(struct bide_continue *my)
{
	bide_value_task ended = my->wait;
	int error;

	if (bide_is_pending_(ended))
		ended = bide_consume_((bide_source *)ended.state, NULL);
	if (ended.state)
		return (int)ended.state; /* it was the wait that failed */
	my->task = ended.payload.p;
	error = bide_context_current_error(); /* it may have been canceled while it was queued */
	return error ? error : filtered_out(my->task, &my->options) ? BIDE_ECANCELED_ : 0;
}

bide_async(bide_continue)
{
	int error;

	bide_async_begin;
	error = refused(my);
	if (error)
		bide_async_fail(error);
	bide_async_return(my->continuation(my->task, my->argument));
bide_async_finally:
	no_frame_inside(&my->BIDE_FRAME_MEMBER_);
	bide_task_unref(my->task);
	bide_async_end;
}

static bide_task *continue_start(bide_task *task, bide_continuation *continuation, void *argument,
                                 const bide_continue_options *options)
{
	int error = bide_context_current_error();
	struct bide_continue *c;
	bide_parked *parked;
	bide_task *made;

	if (error)
		return bide_task_failed_at_(error, NULL);
	parked = bide_parked_new_(sizeof *c, &bide_continue_async_,
	                          BIDE_CALLED_AT_("bide_task_continue_with"));
	if (!parked)
		return NULL;
	c = (struct bide_continue *)(void *)parked;
	c->continuation = continuation;
	c->argument = argument;
	c->options = *options;
	made = bide_value_task_as_task(bide_source_value_(&parked->frame.source));
	c->wait = bide_task_ended_(task);
	(void)bide_parked_until_(parked, c->wait, true, "bide_task_continue_with", NULL);
	return made;
}

bide_task *bide_task_continue_with(bide_task *task, bide_continuation *continuation, void *argument,
                                   const bide_continue_options *wanted)
{
	static const bide_continue_options always;
	const bide_continue_options *options = wanted ? wanted : &always;
	bool never = options->not_on_success && options->not_on_failure && options->not_on_canceled;

	if (!task || !continuation || never) {
		bide_misuse_("bide_task_continue_with: %s",
		             !task ? "task is NULL"
		             : !continuation
		                 ? "continuation is NULL"
		                 : "options: all three outcomes are excluded; at least one must "
		                   "be allowed, or it could never run");
		return NULL;
	}
	return continue_start(task, continuation, argument, options);
}

struct bide_flatten {
	BIDE_ASYNC_FRAME;
	struct {
		bide_value_task outer; /* a wait for the outer task */
	} in;
	bide_task *inner; /* the result of the outer task, with its reference */
};

static const bide_own_ bide_flatten_own_ = { .name = "bide_task_unwrap", .is_placed = true };

bide_async(bide_flatten)
{
	bide_async_begin;
	bide_await(my->inner, my->in.outer);
	if (!my->inner)
		bide_async_fail(BIDE_ECANCELED_);
	bide_async_return(bide_task_await_take(my->inner));
bide_async_finally:
	no_frame_inside(&my->BIDE_FRAME_MEMBER_);
	bide_async_end;
}

bide_task *bide_task_unwrap(bide_task *outer)
{
	const bide_place *place = BIDE_CALLED_AT_("bide_task_unwrap");
	bide_value_task wait, started;

	if (!outer) {
		bide_misuse_("bide_task_unwrap: outer is NULL");
		return NULL;
	}
	if (bide_task_status(outer) == BIDE_SUCCEEDED && bide_task_result(outer).p)
		return bide_task_result(outer).p;
	/*
	 * Detached, because the inner reference comes with the outer result, and must be taken however
	 * long that lasts.
	 */
	wait = bide_in_detached(bide_task_await(outer));
	started = bide_in_detached(
		bide_flatten_begin_(&wait, offsetof(struct bide_flatten, in), sizeof wait, place));
	if (started.state != BIDE_ENOFRAME)
		return bide_value_task_as_task(started);
	if (bide_is_pending_(wait))
		bide_task_give_up_(wait);
	return NULL;
}
