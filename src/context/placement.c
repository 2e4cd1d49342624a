/*
 * placement.c - changes the current context, and where functions run with it. See placement.h.
 */
#include "context/placement.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/thread.h"
#include "context/context.h"
#include "context/executor.h"
#include "source/upcalls.h"

/* --- the current context of this thread --- */

/*
 * Makes the context of `word` the current one. This word or the one before has an executor. A
 * function that is started in the context may run at once only if the functions of its executor may
 * run here and now. Otherwise the stack limit, which every start tests anyway, makes starts cold.
 */
static void set_scope(bide_thread_head *head, uintptr_t word)
{
	bide_thread *thread = bide_thread_of_(head);
	const bide_executor *executor = bide_context_executor_(word);
	bool cold = executor != thread->executor &&
	            !(executor && BIDE_LOAD(&executor->thread, RELAXED) == bide_port_thread_());

	if (cold == thread->cold)
		return;
	BIDE_ASSERT_(!thread->cold || head->stack_limit == UINTPTR_MAX);
	thread->cold = cold;
	if (cold)
		thread->hot_limit = head->stack_limit;
	head->stack_limit = cold ? UINTPTR_MAX : thread->hot_limit;
}

static void set_current(bide_thread_head *head, uintptr_t before, uintptr_t word)
{
	head->current->context = word;
	if (BIDE_UNLIKELY((before | word) & BIDE_CONTEXT_EXECUTOR_))
		set_scope(head, word);
}

uintptr_t bide_context_push_(bide_context *context)
{
	bide_thread_head *head = bide_thread_();
	uintptr_t saved;

	if (!head)
		return 0;
	saved = head->current->context;
	if (bide_context_check_(context, "bide_in_context"))
		set_current(head, saved, bide_context_word_(context));
	return saved;
}

void bide_context_pop_(uintptr_t saved)
{
	bide_thread_head *head = bide_thread_();

	if (head)
		set_current(head, head->current->context, saved);
}

uintptr_t bide_context_swap_(uintptr_t word)
{
	uintptr_t saved = bide_context_current_word_();

	bide_context_pop_(word);
	return saved;
}

bide_executor *bide_executor_current(void)
{
	return bide_context_executor_(bide_context_current_word_());
}

/* --- contexts for one call: bide_with_... --- */

bide_context *bide_context_limited_after_(int64_t timeout_ns, uintptr_t *error)
{
	bide_context_options options = { .timeout_ns = timeout_ns };
	bide_context *context;

	*error = BIDE_EINVAL_;
	if (!bide_time_allowed_(timeout_ns, "bide_with_timeout", "timeout_ns", NULL))
		return NULL;
	*error = BIDE_ENOMEM_;
	context = bide_context_create(&options);
	if (context && timeout_ns == 0)
		bide_context_cancel(context, BIDE_ETIMEDOUT_);
	return context;
}

bide_context *bide_context_limited_by_(bide_cancel_token token, uintptr_t *error)
{
	*error = BIDE_ENOMEM_;
	return bide_context_create(&(bide_context_options){ .token = token });
}

bide_context *bide_context_on_(bide_executor *executor, uintptr_t *error)
{
	*error = BIDE_EINVAL_;
	if (!bide_executor_check_(executor, "bide_with_executor"))
		return NULL;
	*error = BIDE_ENOMEM_;
	return bide_context_create(
		&(bide_context_options){ .executor = executor ? executor : bide_executor_workers() });
}

/* --- the context of a running frame --- */

/*
 * Moves the frame into the context, wherever the executor of that runs. If that is elsewhere, the
 * function must suspend before it starts anything.
 */
static void move_into(bide_frame *frame, bide_context *context)
{
	uintptr_t old = frame->context;

	BIDE_ASSERT_(bide_context_word_is_valid_(old));
	bide_context_ref(context);
	if (frame->source.flags & BIDE_FLAG_HAS_CONTEXT_REF_)
		bide_context_unref(bide_context_of_(old));
	if (context)
		bide_flags_add_(&frame->source, BIDE_FLAG_HAS_CONTEXT_REF_);
	else
		bide_flags_drop_(&frame->source, BIDE_FLAG_HAS_CONTEXT_REF_);
	frame->context = bide_context_word_(context);
}

/* Moves the frame into the parent of its context. Returns false if it is in no context. */
static bool move_out(bide_frame *frame)
{
	bide_context *context = bide_context_of_(frame->context);
	bide_context *parent = context ? context->parent : NULL;
	bool masked;

	if (!context)
		return false;
	/* A cleanup sees the cancellation of the contexts that it created, and of none above them. */
	masked = parent && (context->in_cleanup ||
	                    (frame->source.flags & BIDE_FLAG_FINISHING_ && !parent->in_cleanup));
	if (parent)
		bide_context_ref(parent);
	if (frame->source.flags & BIDE_FLAG_HAS_CONTEXT_REF_)
		bide_context_unref(context);
	bide_flags_drop_(&frame->source, BIDE_FLAG_HAS_CONTEXT_REF_);
	if (parent)
		bide_flags_add_(&frame->source, BIDE_FLAG_HAS_CONTEXT_REF_);
	frame->context = bide_context_word_(parent) | (masked ? BIDE_CONTEXT_MASKED_ : 0);
	return true;
}

void bide_context_enter_(bide_frame *frame, bide_context *context)
{
	if (!bide_context_check_(context, "bide_async_enter"))
		return;
	if ((context ? context->executor : NULL) != bide_context_executor_(frame->context))
		bide_misuse_("bide_async_enter: the context has another executor; bide_async_switch goes "
		             "there");
	else
		move_into(frame, context);
}

void bide_context_leave_(bide_frame *frame)
{
	bide_context *context = bide_context_of_(frame->context);
	bide_context *parent = context ? context->parent : NULL;

	if (!context)
		bide_misuse_("bide_async_leave: the function is in no context; what bide_async_enter(NULL) "
		             "left does not come back");
	else if (context->executor != (parent ? parent->executor : NULL))
		bide_misuse_("bide_async_leave: the function would have to go to another executor; "
		             "bide_async_switch_back does");
	else
		move_out(frame);
}

/* --- going to an executor --- */

void bide_executor_push_(bide_frame *frame, bool next)
{
	BIDE_ASSERT_(bide_context_word_is_valid_(frame->context));
	BIDE_ASSERT_(frame->source.flags & BIDE_FLAG_HAS_CONTEXT_REF_); /* It keeps the executor. */
	bide_executor_enqueue_(bide_context_executor_(frame->context), frame, next);
}

void bide_executor_admit_(bide_frame *frame)
{
	const bide_executor *executor = bide_context_executor_(frame->context);

	if (executor && executor->wake)
		bide_flags_add_(&frame->source, BIDE_FLAG_SYNC_);
}

bide_value_task bide_switch_(bide_frame *frame, bide_context *context)
{
	if (!bide_context_check_(context, "bide_async_switch"))
		return bide_value_task_from_error(BIDE_EINVAL_);
	move_into(frame, context);
	bide_executor_admit_(frame);
	return bide_async_yield();
}

bide_value_task bide_switch_to_(bide_frame *frame, bide_executor *executor)
{
	bide_context *context;
	bide_value_task v;
	uintptr_t error;

	if (!bide_executor_check_(executor, "bide_async_switch_to"))
		return bide_value_task_from_error(BIDE_EINVAL_);
	context = bide_context_on_(executor, &error);
	if (!context)
		return bide_value_task_from_error((int)error);
	v = bide_switch_(frame, context);
	bide_context_unref(context);
	return v;
}

bide_value_task bide_switch_back_(bide_frame *frame)
{
	if (!move_out(frame)) {
		bide_misuse_("bide_async_switch_back: the function is in no context; each needs a "
		             "bide_async_switch or bide_async_switch_to before it");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	bide_executor_admit_(frame);
	return bide_async_yield();
}
