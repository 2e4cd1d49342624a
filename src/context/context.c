/*
 * context.c - what async functions inherit. A context is a cancel core with a place in the tree of
 * contexts, perhaps a deadline, perhaps a value; never changed after it was made, except that it
 * may be canceled.
 */
#include "base/everything.h"

struct bide_context {
	bide_operation operation;
	bide_cancel_core core;
	bide_context *parent; /* a reference */
	bide_cancel_node in_parent, in_token;
	bide_alarm alarm;
	bide_timer *to_arm; /* on its way to the worker, with a reference */
	bide_post arm;
	int64_t deadline_ns; /* its own or the nearest above */
	const void *key;
	void *value;
	bide_executor *executor; /* its own or the nearest above; NULL: the workers */
	bool has_executor;       /* and a reference on it */
	/*
	 * made where the cancellation of its parent was hidden, as it is again when this scope is left
	 */
	bool in_cleanup;
};

static const bide_operation_type context_type = { .name = "context" };

bool bide_context_check_(const bide_context *context, const char *what)
{
	if (!context || bide_is_live_(&context->operation, &context_type))
		return true;
	bide_misuse_("%s: context %s", what,
	             bide_why_gone_(&context->operation.source,
	                            "is none, or its last reference is gone"));
	return false;
}

static bide_context *unmasked(uintptr_t word)
{
	return word & BIDE_CONTEXT_MASKED_ ? NULL : (bide_context *)(word & ~BIDE_CONTEXT_TAGS_);
}

static bide_context *either(uintptr_t word)
{
	return (bide_context *)(word & ~BIDE_CONTEXT_TAGS_);
}

static uintptr_t word_of(const bide_context *context)
{
	return (uintptr_t)context | (context && context->executor ? BIDE_CONTEXT_EXECUTOR_ : 0);
}

/*
 * A parent counts if its child was the same before and after it was read: then it is, or was, a
 * context, and in memory of the pools.
 */
__attribute__((no_sanitize_thread)) bool bide_context_is_below_(uintptr_t word,
                                                                const bide_context *above)
{
	const bide_context *context = either(word);

	while (context && context != above && bide_pools_hold_(context)) {
		const bide_source *source = &context->operation.source;
		uint64_t generation = *(volatile const uint64_t *)&source->generation;
		const bide_context *parent;
		const bide_operation_type *type;

		BIDE_FENCE(ACQUIRE);
		type = *(const bide_operation_type *volatile const *)&context->operation.type;
		parent = *(bide_context *volatile const *)&context->parent;
		BIDE_FENCE(ACQUIRE);
		if (type != &context_type || generation >> 48 == 0 ||
		    *(volatile const uint64_t *)&source->generation != generation)
			return false;
		context = parent;
	}
	return context == above;
}

bide_executor *bide_context_executor_(uintptr_t word)
{
	return word & BIDE_CONTEXT_EXECUTOR_ ? either(word)->executor : NULL;
}

static uintptr_t current_word(void)
{
	bide_thread_head *head = bide_thread_();

	return head ? head->current->context : 0;
}

bide_cancel_core *bide_context_core_(void)
{
	bide_context *context = unmasked(current_word());

	return context ? &context->core : NULL;
}

static void context_destroy(bide_cancel_core *core);

/* Nobody refers to it, and no alarm is on its way. Returns its parent: a reference. */
static bide_context *context_free(bide_context *context)
{
	bide_context *parent = context->parent;

	bide_cancel_detach_(&context->in_parent);
	bide_cancel_detach_(&context->in_token);
	bide_cancel_core_clear_(&context->core);
	if (context->has_executor)
		bide_executor_unref(context->executor);
	bide_operation_discard_(&context->operation.source);
	return parent;
}

/* Nobody refers to it. Parents are let go in a loop: a chain of contexts may be long. */
static void context_end(bide_post *post)
{
	bide_context *context = BIDE_CONTAINER_(post, bide_context, core.post);

	for (;;) {
		bide_alarm_stop_(&context->alarm);
		if (!bide_alarm_leave_(&context->alarm))
			return; /* context_expired is on its way, and goes on with it */
		context = context_free(context);
		/* As bide_cancel_core_unref_, whose order this has. */
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
		core->post.run = context_end; /* the wheel is the worker's */
		bide_port_post_(&core->post);
		return;
	}
	context_end(&core->post);
}

static void context_expired(bide_listener *listener, bide_source *timer)
{
	bide_context *context = BIDE_CONTAINER_(listener, bide_context, alarm.due);
	bool alive = bide_cancel_core_try_ref_(&context->core);

	(void)bide_alarm_fired_(&context->alarm, timer); /* a deadline is never replaced */
	/* Not alive: the last reference went just now, and context_end has been, or is on its way. */
	if (bide_alarm_leave_(&context->alarm))
		bide_context_unref(context_free(context));
	if (!alive)
		return;
	bide_cancel_core_fire_(&context->core, BIDE_ETIMEDOUT_);
	bide_cancel_core_unref_(&context->core);
}

static void context_arm(bide_post *post)
{
	bide_context *context = BIDE_CONTAINER_(post, bide_context, arm);

	bide_alarm_set_(&context->alarm, context->to_arm, context->deadline_ns);
	bide_context_unref(context);
}

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

/* Of its own, or the one above, which the parent keeps. */
static void set_executor(bide_context *context, bide_executor *executor)
{
	if (!executor) {
		context->executor = context->parent ? context->parent->executor : NULL;
	} else if (executor != bide_executor_workers()) {
		context->executor = bide_executor_ref(executor);
		context->has_executor = true;
	}
}

/* The deadline; false: no memory. */
static bool set_deadline(bide_context *context, int64_t timeout_ns)
{
	int64_t deadline_ns = bide_deadline_after_(timeout_ns);
	bide_timer *timer;

	if (deadline_ns >= context->deadline_ns)
		return true; /* the one above comes first */
	timer = bide_timer_new_(sizeof *timer);
	if (!timer)
		return false;
	context->deadline_ns = deadline_ns;
	if (bide_port_on_worker_()) {
		bide_alarm_set_(&context->alarm, timer, deadline_ns);
	} else {
		bide_context_ref(context);
		context->to_arm = timer;
		context->arm.run = context_arm;
		bide_port_post_(&context->arm);
	}
	return true;
}

bide_context *bide_context_create(const bide_context_options *wanted)
{
	static const bide_context_options plain;
	const bide_context_options *options = wanted ? wanted : &plain;
	uintptr_t current = current_word();
	bide_context *context, *parent;

	if (!options_allowed(options))
		return NULL;
	context = (bide_context *)(void *)bide_operation_new_(sizeof *context, &context_type);
	if (!context)
		return NULL;
	parent = options->detached ? NULL : options->parent ? options->parent : either(current);
	bide_cancel_core_init_(&context->core, context_destroy);
	bide_alarm_init_(&context->alarm, context_expired);
	context->deadline_ns = BIDE_FOREVER;
	context->key = options->key;
	context->value = options->value;
	context->parent = parent;
	if (parent) {
		bide_context_ref(parent);
		/* Made in a cleanup it sees the values above, but not their cancellation and deadline. */
		context->in_cleanup = !options->parent && (current & BIDE_CONTEXT_MASKED_);
		if (!context->in_cleanup) {
			context->deadline_ns = parent->deadline_ns;
			bide_cancel_core_attach_(&parent->core, &context->core, &context->in_parent);
		}
	}
	set_executor(context, options->executor);
	bide_cancel_token_attach_(options->token, &context->core, &context->in_token);
	if (options->timeout_ns > 0 && !set_deadline(context, options->timeout_ns)) {
		bide_context_unref(context);
		return NULL;
	}
	return context;
}

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

bide_context *bide_context_current(void)
{
	return either(current_word());
}

bool bide_context_cancel(bide_context *context, int error)
{
	bool first;

	if (!context) {
		bide_misuse_("bide_context_cancel: context is NULL");
		return false;
	}
	/* The library's own numbers mean something: operations would seem to have come to an end. */
	if (error <= 0 || (error >= BIDE_ENOFRAME && error < BIDE_EUSER) || error > BIDE_ERROR_MAX) {
		bide_misuse_(
			"bide_context_cancel: error is %d; an errno value (ECANCELED) and %d to %d are "
			"allowed",
			error, BIDE_EUSER, BIDE_ERROR_MAX);
		return false;
	}
	if (!bide_context_check_(context, "bide_context_cancel"))
		return false;
	bide_context_ref(context);
	first = bide_cancel_core_fire_(&context->core, error);
	bide_context_unref(context);
	return first;
}

int bide_context_error(const bide_context *context)
{
	if (!bide_context_check_(context, "bide_context_error"))
		return BIDE_EINVAL_;
	return context ? BIDE_LOAD(&context->core.error, ACQUIRE) : 0; /* pairs with the cancel */
}

int bide_context_current_error(void)
{
	const bide_context *context = unmasked(current_word());

	return context ? BIDE_LOAD(&context->core.error, ACQUIRE) : 0; /* pairs with the cancel */
}

int64_t bide_context_deadline_ns(void)
{
	bide_context *context = unmasked(current_word());

	return context ? context->deadline_ns : BIDE_FOREVER;
}

void *bide_context_get(const void *key)
{
	for (bide_context *context = either(current_word()); key && context; context = context->parent)
		if (context->key == key)
			return context->value;
	return NULL;
}

/* --- for the macros --- */

void bide_context_hold_(bide_frame *frame)
{
	if (frame->source.flags & BIDE_FLAG_HAS_CONTEXT_REF_)
		return;
	bide_flags_add_(&frame->source, BIDE_FLAG_HAS_CONTEXT_REF_);
	bide_context_ref(either(frame->context));
}

uintptr_t bide_context_push_(bide_context *context)
{
	bide_thread_head *head = bide_thread_();
	uintptr_t saved, word;

	if (!head)
		return 0;
	saved = head->current->context;
	if (!bide_context_check_(context, "bide_in_context"))
		return saved;
	word = word_of(context);
	head->current->context = word;
	if (BIDE_UNLIKELY((saved | word) & BIDE_CONTEXT_EXECUTOR_))
		bide_executor_scope_(head, word);
	return saved;
}

void bide_context_pop_(uintptr_t saved)
{
	bide_thread_head *head = bide_thread_();
	uintptr_t word;

	if (!head)
		return;
	word = head->current->context;
	head->current->context = saved;
	if (BIDE_UNLIKELY((saved | word) & BIDE_CONTEXT_EXECUTOR_))
		bide_executor_scope_(head, saved);
}

uintptr_t bide_context_take_(void)
{
	uintptr_t word = current_word();

	if (either(word))
		bide_context_ref(either(word));
	return word;
}

void bide_context_give_back_(uintptr_t word)
{
	bide_context_unref(either(word));
}

uintptr_t bide_context_swap_(uintptr_t word)
{
	uintptr_t saved = current_word();

	bide_context_pop_(word);
	return saved;
}

void bide_context_move_(bide_frame *frame, bide_context *context)
{
	uintptr_t old = frame->context;

	bide_context_ref(context);
	if (frame->source.flags & BIDE_FLAG_HAS_CONTEXT_REF_)
		bide_context_unref(either(old));
	if (context)
		bide_flags_add_(&frame->source, BIDE_FLAG_HAS_CONTEXT_REF_);
	else
		bide_flags_drop_(&frame->source, BIDE_FLAG_HAS_CONTEXT_REF_);
	frame->context = word_of(context);
}

void bide_context_enter_(bide_frame *frame, bide_context *context)
{
	if (!bide_context_check_(context, "bide_async_enter"))
		return;
	if ((context ? context->executor : NULL) != bide_context_executor_(frame->context))
		bide_misuse_("bide_async_enter: the context has another executor; bide_async_switch goes "
		             "there");
	else
		bide_context_move_(frame, context);
}

bool bide_context_move_back_(bide_frame *frame)
{
	bide_context *context = either(frame->context), *parent = context ? context->parent : NULL;
	bool hidden;

	if (!context)
		return false;
	/* A cleanup sees the cancellation of the scopes that it made, and of nothing above them. */
	hidden = parent && (context->in_cleanup ||
	                    (frame->source.flags & BIDE_FLAG_FINISHING_ && !parent->in_cleanup));
	if (parent)
		bide_context_ref(parent);
	if (frame->source.flags & BIDE_FLAG_HAS_CONTEXT_REF_)
		bide_context_unref(context);
	bide_flags_drop_(&frame->source, BIDE_FLAG_HAS_CONTEXT_REF_);
	if (parent)
		bide_flags_add_(&frame->source, BIDE_FLAG_HAS_CONTEXT_REF_);
	frame->context = (parent ? word_of(parent) : 0) | (hidden ? BIDE_CONTEXT_MASKED_ : 0);
	return true;
}

void bide_context_leave_(bide_frame *frame)
{
	bide_context *context = either(frame->context), *parent = context ? context->parent : NULL;

	if (!context)
		bide_misuse_("bide_async_leave: the function is in no context; what bide_async_enter(NULL) "
		             "left does not come back");
	else if (context->executor != (parent ? parent->executor : NULL))
		bide_misuse_("bide_async_leave: the function would have to go to another executor; "
		             "bide_async_switch_back does");
	else
		bide_context_move_back_(frame);
}

void bide_lost_(bide_value_task outcome, const bide_context *context)
{
	int error = (int)outcome.state;

	if (error && !(context && error == bide_context_error(context)))
		bide_unobserved_value_(outcome);
}
