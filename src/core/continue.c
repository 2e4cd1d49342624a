/*
 * continue.c - continue-with and unwrap: async functions over tasks.
 */
#define BIDE_OWN_(name) &name##_own_
#include "core.h"

/*
 * "No frame" from a start means that nothing ran and the references are still ours: an outcome must
 * not look like it.
 */
static void no_frame_inside(bide_frame *frame)
{
	if (frame->source.error == BIDE_ENOFRAME)
		frame->source.error = BIDE_ENOMEM_;
}

struct bide_continue {
	BIDE_ASYNC_FRAME;
	struct {
		bide_task *task; /* a reference of ours */
		bide_continuation *continuation;
		void *argument;
		bide_continue_options options;
	} in;
	int error;
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

static const bide_own_ bide_continue_own_ = { .name = "bide_task_continue_with" };

bide_async(bide_continue)
{
	bide_async_begin;
	bide_await_or(bide_task_await(my->in.task), my->error = bide_await_error);
	if (!bide_task_is_ready(my->in.task)) /* it was the wait that failed */
		bide_async_fail(my->error);
	if (filtered_out(my->in.task, &my->in.options))
		bide_async_fail(BIDE_ECANCELED_);
	bide_async_return(my->in.continuation(my->in.task, my->in.argument));
bide_async_finally:
	no_frame_inside(&my->bide_frame_);
	bide_task_unref(my->in.task);
	bide_async_end;
}

bide_task *bide_task_continue_with(bide_task *task, bide_continuation *continuation, void *argument,
                                   const bide_continue_options *wanted)
{
	static const bide_continue_options always;
	const bide_continue_options *options = wanted ? wanted : &always;
	bool never = options->not_on_success && options->not_on_failure && options->not_on_canceled;
	bide_value_task started;

	if (!task || !continuation || never) {
		bide_misuse_("bide_task_continue_with: %s",
		             !task ? "task is NULL"
		             : !continuation
		                 ? "continuation is NULL"
		                 : "options: all three outcomes are excluded; at least one must "
		                   "be allowed, or it could never run");
		return NULL;
	}
	started =
		bide_async_start(bide_continue, .task = bide_task_ref(task), .continuation = continuation,
	                     .argument = argument, .options = *options);
	if (started.state == BIDE_ENOFRAME) {
		bide_task_unref(task);
		return NULL;
	}
	return bide_value_task_as_task(started);
}

struct bide_flatten {
	BIDE_ASYNC_FRAME;
	struct {
		bide_task *outer; /* references of ours */
	} in;
	bide_task *inner;
};

static const bide_own_ bide_flatten_own_ = { .name = "bide_task_unwrap" };

bide_async(bide_flatten)
{
	bide_async_begin;
	bide_await(my->inner, bide_task_await(my->in.outer));
	if (!my->inner)
		bide_async_fail(BIDE_ECANCELED_);
	bide_async_return(bide_task_await(my->inner));
bide_async_finally:
	no_frame_inside(&my->bide_frame_);
	bide_task_unref(my->inner);
	bide_task_unref(my->in.outer);
	bide_async_end;
}

bide_task *bide_task_unwrap(bide_task *outer)
{
	bide_value_task started;

	if (!outer) {
		bide_misuse_("bide_task_unwrap: outer is NULL");
		return NULL;
	}
	if (bide_task_status(outer) == BIDE_SUCCEEDED && bide_task_result(outer).p)
		return bide_task_result(outer).p;
	/*
	 * Detached: the inner reference comes with the outer result, and must be taken however long
	 * that lasts.
	 */
	started = bide_in_detached(bide_async_start(bide_flatten, .outer = bide_task_ref(outer)));
	if (started.state == BIDE_ENOFRAME) {
		bide_task_unref(outer);
		return NULL;
	}
	return bide_value_task_as_task(started);
}
