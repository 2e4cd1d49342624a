/*
 * on_completed.c - calls a function of the user's when a value task is over, without consuming it.
 *
 * The function is the body of an async function whose frame is made, and forgotten, at the call: so
 * nothing can fail later. Its notify is the waiter of the value task; it makes the frame runnable.
 * The notify does not touch the source, which may have been consumed by then.
 */
#include "core.h"
#include "task.h"

struct bide_value_task_on_completed { /* the name is what messages and dumps say */
	BIDE_ASYNC_FRAME;
	struct {
		bide_completed_function *function;
		void *argument;
	} in;
	bide_notify notify;
};

bide_async(bide_value_task_on_completed)
{
	bide_async_begin;
	my->in.function(my->in.argument);
bide_async_finally:
	bide_async_end;
}

typedef struct bide_value_task_on_completed call;

static void call_schedule(call *c)
{
	bide_frame *frame = &c->bide_frame_;

	frame->awaiting = NULL;
	bide_flags_add_(&frame->source, BIDE_FLAG_SELF_LINKED_);
	bide_schedule_(frame, false);
}

static void call_due(bide_notify *notify, bide_source *done)
{
	(void)done;
	call_schedule(BIDE_CONTAINER_(notify, call, notify));
}

/* A frame that nobody consumes, in the current context. NULL: no memory. */
static call *call_new(bide_completed_function *function, void *argument, const bide_place *place)
{
	bide_worker *worker = bide_worker_();
	bide_frame *frame =
		bide_frame_new_(worker, sizeof(call), &bide_value_task_on_completed_async_, place);
	call *c = (call *)(void *)frame;

	if (!frame)
		return NULL;
	if (frame->context & BIDE_CONTEXT_EXECUTOR_)
		bide_executor_admit_(frame);
	bide_frame_publish_(worker, frame);
	frame->source.word = BIDE_WORD_ABANDONED_;
	frame->awaiting = NULL;
	c->in.function = function;
	c->in.argument = argument;
	c->notify.run = call_due;
	return c;
}

static void call_drop(call *c)
{
	(void)bide_frame_step_slow_(&c->bide_frame_); /* gives its reference on the context back */
	bide_release_(&c->bide_frame_.source, NULL);
}

int bide_value_task_on_completed_at_(bide_value_task value_task, bide_completed_function *function,
                                     void *argument, const bide_place *place)
{
	static const char what[] = "bide_value_task_on_completed";
	bide_source *source = (bide_source *)value_task.state;
	bool pending = bide_is_pending_(value_task) && source != &bide_yield_source_;
	call *c;

	if (!function) {
		bide_misuse_("%s: function is NULL", what);
		return BIDE_EINVAL_;
	}
	if (pending && !bide_check_fresh_(value_task, what, place))
		return BIDE_ESTALE;
	if (pending && !bide_belongs_here_(source, what, place))
		return BIDE_EINVAL_;
	c = call_new(function, argument, place);
	if (!c)
		return BIDE_ENOMEM_;
	if (pending) {
		c->bide_frame_.awaiting = source; /* for dumps */
		switch (bide_watch_(value_task, &c->notify, what, place)) {
		case BIDE_REGISTERED_:
			return 0;
		case BIDE_ALREADY_DONE_:
			break;
		default:
			call_drop(c);
			return BIDE_ESTALE;
		}
	}
	call_schedule(c);
	return 0;
}
