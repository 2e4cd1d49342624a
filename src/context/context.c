/*
 * context.c - contexts: their life, their deadline, and what functions ask of the current one.
 */
#include "context/context.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/misuse.h"
#include "base/port.h"
#include "cancel/cancel_fire.h"
#include "cancel/cancel_token.h"
#include "memory/pool.h"
#include "source/source.h"
#include "source/timer.h"

const bide_operation_type bide_context_type_ = { .name = "context" };

bool bide_context_refused_(const bide_context *context, const char *what)
{
	bide_misuse_("%s: context %s", what,
	             bide_why_gone_(&context->operation.source,
	                            "is none, or its last reference is gone"));
	return false;
}

/*
 * A parent counts if its child had the same generation before and after the parent was read. Then
 * the parent is, or was, a context in memory of the pools.
 */
__attribute__((no_sanitize_thread)) bool bide_context_is_below_(uintptr_t word,
                                                                const bide_context *above)
{
	const bide_context *context = bide_context_of_(word);

	while (context && context != above && bide_pools_hold_(context)) {
		const bide_source *source = &context->operation.source;
		uint64_t generation = *(volatile const uint64_t *)&source->generation;
		const bide_context *parent;
		const bide_operation_type *type;

		BIDE_FENCE(ACQUIRE);
		type = *(const bide_operation_type *volatile const *)&context->operation.type;
		parent = *(bide_context *volatile const *)&context->parent;
		BIDE_FENCE(ACQUIRE);
		if (type != &bide_context_type_ || generation >> 48 == 0 ||
		    *(volatile const uint64_t *)&source->generation != generation)
			return false;
		context = parent;
	}
	return context == above;
}

/* --- the end of a context --- */

static void context_destroy(bide_cancel_core *core);

/*
 * The last party of the alarm has left: no reference is left, and the alarm does not call. Returns
 * the parent, with the reference on it.
 */
static bide_context *context_recycle(bide_context *context)
{
	bide_context *parent = context->parent;

	BIDE_ASSERT_(!context->core.operations); /* Each of them has a reference. */
	bide_cancel_detach_(&context->in_parent);
	bide_cancel_detach_(&context->in_token);
	bide_cancel_core_clear_(&context->core);
	if (context->owns_executor)
		bide_executor_unref(context->executor);
	bide_operation_discard_(&context->operation.source);
	return parent;
}

/*
 * No reference is left. Drops the references on the parents in a loop, because a chain of contexts
 * may be long.
 */
static void context_end(bide_post *post)
{
	bide_context *context = BIDE_CONTAINER_(post, bide_context, core.post);

	for (;;) {
		bide_alarm_stop_(&context->alarm);
		if (!bide_alarm_leave_(&context->alarm))
			return; /* context_expired runs, and ends it. */
		context = context_recycle(context);
		/* As bide_cancel_core_unref_, which has the reason for the order. */
		if (!context || BIDE_SUB(&context->core.references, 1, ACQ_REL) != 1)
			return;
		if (!bide_port_on_worker_() && !bide_alarm_is_idle_(&context->alarm))
			break;
	}
	context_destroy(&context->core);
}

static void context_destroy(bide_cancel_core *core)
{
	bide_context *context = BIDE_CONTAINER_(core, bide_context, core);

	if (!bide_port_on_worker_() && !bide_alarm_is_idle_(&context->alarm)) {
		core->post.run = context_end; /* Only the worker's thread may touch the wheel. */
		bide_port_post_(&core->post);
		return;
	}
	context_end(&core->post);
}

static void context_expired(bide_observer *listener, bide_source *timer)
{
	bide_context *context = BIDE_CONTAINER_(listener, bide_context, alarm.due);
	bool alive = bide_cancel_core_try_ref_(&context->core);

	(void)bide_alarm_fired_(&context->alarm, timer); /* A deadline is never set anew. */
	/* If it is not alive, the last reference was just dropped: context_end has run, or will. */
	if (bide_alarm_leave_(&context->alarm))
		bide_context_unref(context_recycle(context));
	if (!alive)
		return;
	bide_cancel_core_fire_(&context->core, BIDE_ETIMEDOUT_);
	bide_cancel_core_unref_(&context->core);
}

/* --- creating one --- */

static bool options_allowed(const bide_context_options *options)
{
	if (!bide_time_allowed_(options->timeout_ns, "bide_context_create", "timeout_ns", NULL) ||
	    !bide_context_check_(options->parent, "bide_context_create") ||
	    !bide_executor_check_(options->executor, "bide_context_create"))
		return false;
	if (!options->detached || !options->parent)
		return true;
	bide_misuse_("bide_context_create: detached and parent exclude each other");
	return false;
}

/* An executor of its own; or with NULL the one above, on which the parent has a reference. */
static void set_executor(bide_context *context, bide_executor *executor)
{
	if (!executor) {
		context->executor = context->parent ? context->parent->executor : NULL;
	} else if (executor != bide_executor_workers()) {
		context->executor = bide_executor_ref(executor);
		context->owns_executor = true;
	}
}

static void arm_arrived(bide_post *post)
{
	bide_context *context = BIDE_CONTAINER_(post, bide_context, arm);

	bide_alarm_set_(&context->alarm, context->to_arm, context->deadline_ns);
	bide_context_unref(context);
}

/* Returns false if there is no memory for the timer. */
static bool set_deadline(bide_context *context, int64_t timeout_ns)
{
	int64_t deadline_ns = bide_deadline_after_(timeout_ns);
	bide_timer *timer;

	if (deadline_ns >= context->deadline_ns)
		return true; /* The one above comes first. */
	timer = bide_timer_new_(sizeof *timer);
	if (!timer)
		return false;
	context->deadline_ns = deadline_ns;
	if (bide_port_on_worker_()) {
		bide_alarm_set_(&context->alarm, timer, deadline_ns);
	} else {
		bide_context_ref(context);
		context->to_arm = timer;
		context->arm.run = arm_arrived;
		bide_port_post_(&context->arm);
	}
	return true;
}

/*
 * With a reference. A context that is created in a cleanup sees the values above it, but not their
 * cancellation and deadline.
 */
static void set_parent(bide_context *context, bide_context *parent, bool in_cleanup)
{
	context->parent = bide_context_ref(parent);
	context->in_cleanup = in_cleanup;
	if (in_cleanup)
		return;
	context->deadline_ns = parent->deadline_ns;
	bide_cancel_core_attach_(&parent->core, &context->core, &context->in_parent);
}

bide_context *bide_context_create(const bide_context_options *wanted)
{
	static const bide_context_options plain;
	const bide_context_options *options = wanted ? wanted : &plain;
	uintptr_t current = bide_context_current_word_();
	bide_context *context, *parent;

	if (!options_allowed(options))
		return NULL;
	context = (bide_context *)(void *)bide_operation_new_(sizeof *context, &bide_context_type_);
	if (!context)
		return NULL;
	parent = options->detached ? NULL
	         : options->parent ? options->parent
	                           : bide_context_of_(current);
	bide_cancel_core_init_(&context->core, context_destroy);
	bide_alarm_init_(&context->alarm, context_expired);
	context->deadline_ns = BIDE_FOREVER;
	context->key = options->key;
	context->value = options->value;
	if (parent)
		set_parent(context, parent, !options->parent && (current & BIDE_CONTEXT_MASKED_));
	set_executor(context, options->executor);
	bide_cancel_token_attach_(options->token, &context->core, &context->in_token);
	if (options->timeout_ns > 0 && !set_deadline(context, options->timeout_ns)) {
		bide_context_unref(context);
		return NULL;
	}
	BIDE_ASSERT_(bide_context_word_is_valid_(bide_context_word_(context)));
	return context;
}

/* --- references --- */

bide_context *bide_context_ref(bide_context *context)
{
	if (context && bide_context_check_(context, "bide_context_ref"))
		bide_cancel_core_ref_(&context->core);
	return context;
}

void bide_context_unref(bide_context *context)
{
	if (context && bide_context_check_(context, "bide_context_unref"))
		bide_cancel_core_unref_(&context->core);
}

/* For frames, when they are first seen by other threads. */
void bide_context_hold_(bide_frame *frame)
{
	if (frame->source.flags & BIDE_FLAG_HAS_CONTEXT_REF_)
		return;
	bide_flags_add_(&frame->source, BIDE_FLAG_HAS_CONTEXT_REF_);
	bide_context_ref(bide_context_of_(frame->context));
}

uintptr_t bide_context_ref_current_(void)
{
	uintptr_t word = bide_context_current_word_();

	bide_context_ref(bide_context_of_(word));
	return word;
}

void bide_context_unref_word_(uintptr_t word)
{
	bide_context_unref(bide_context_of_(word));
}

/* --- canceling, and what the current context says --- */

bool bide_context_cancel(bide_context *context, int error)
{
	bool first;

	if (!context) {
		bide_misuse_("bide_context_cancel: context is NULL");
		return false;
	}
	/* The library's own numbers have a meaning: the operations would seem to have ended so. */
	if (error <= 0 || (error >= BIDE_ENOFRAME && error < BIDE_EUSER) || error > BIDE_ERROR_MAX) {
		bide_misuse_(
			"bide_context_cancel: error is %d; an errno value (ECANCELED) and %d to %d are "
			"allowed",
			error, BIDE_EUSER, BIDE_ERROR_MAX);
		return false;
	}
	if (!bide_context_check_(context, "bide_context_cancel"))
		return false;
	BIDE_ASSERT_IN_DEBUG_(bide_context_is_valid_(context));
	bide_context_ref(context); /* A callback may drop the caller's reference. */
	first = bide_cancel_core_fire_(&context->core, error);
	bide_context_unref(context);
	return first;
}

int bide_context_error(const bide_context *context)
{
	if (!bide_context_check_(context, "bide_context_error"))
		return BIDE_EINVAL_;
	return context ? BIDE_LOAD(&context->core.error, ACQUIRE) : 0; /* Pairs with the mark. */
}

void bide_lost_(bide_value_task outcome, const bide_context *context)
{
	int error = (int)outcome.state;

	if (error && !(context && error == bide_context_error(context)))
		bide_unobserved_value_(outcome);
}

bide_context *bide_context_current(void)
{
	return bide_context_of_(bide_context_current_word_());
}

int bide_context_current_error(void)
{
	return bide_context_error_now_();
}

int64_t bide_context_deadline_ns(void)
{
	bide_context *context = bide_context_seen_(bide_context_current_word_());

	return context ? context->deadline_ns : BIDE_FOREVER;
}

void *bide_context_get(const void *key)
{
	bide_context *context = bide_context_of_(bide_context_current_word_());

	for (; key && context; context = context->parent)
		if (context->key == key)
			return context->value;
	return NULL;
}

/* --- checks --- */

bool bide_context_word_is_valid_(uintptr_t word)
{
	const bide_context *context = bide_context_of_(word);
	bool has_executor = word & BIDE_CONTEXT_EXECUTOR_;

	if (!context)
		BIDE_INVARIANT_(!has_executor);
	else
		BIDE_INVARIANT_(has_executor == (context->executor != NULL));
	return true;
}

bool bide_context_is_valid_(bide_context *context)
{
	const bide_context *parent = context->parent;

	BIDE_INVARIANT_(context->executor || !context->owns_executor);
	BIDE_INVARIANT_(!context->executor || context->owns_executor ||
	                (parent && context->executor == parent->executor));
	if (parent && !context->in_cleanup)
		BIDE_INVARIANT_(context->deadline_ns <= parent->deadline_ns);
	return bide_cancel_lists_are_valid_(&context->core) &&
	       (!bide_port_on_worker_() || bide_alarm_is_valid_(&context->alarm));
}
