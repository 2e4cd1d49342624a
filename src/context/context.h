/*
 * context.h - contexts: what surrounds an async function.
 *
 * Words of this folder:
 *   context    What a function inherits: a core that cancels it, a deadline, a value, an executor.
 *              Contexts form a tree. A context never changes, except that it may be canceled.
 *   word       A context as a frame has it: the pointer, and two bits (bide/frame.h). It is not the
 *              word of a source. MASKED: the frame does not see the cancellation and the deadline.
 *              EXECUTOR: the context has an executor. A frame without one pays a test of this bit.
 *   current    The context of the frame that runs on this thread (head->current->context).
 *   executor   What decides where functions run: a strand or a loop. Without one they run on the
 *              workers (executor.h).
 *   placement  To change the current context, and to go where its executor runs (placement.h).
 *   cold       A start that only queues the function, because its executor runs elsewhere.
 *   turn       The frame by which a worker runs the functions of an executor (async/strand.c).
 */
#ifndef BIDE_CONTEXT_CONTEXT_H
#define BIDE_CONTEXT_CONTEXT_H

#include "base/library.h"
#include "cancel/alarm.h"
#include "cancel/cancel_core.h"
#include "context/executor.h"
#include "source/operation.h"
#include "source/timer.h"

struct bide_context {
	bide_operation operation;
	bide_cancel_core core;
	bide_context *parent;       /* With a reference, or NULL. */
	bide_cancel_node in_parent; /* In the callbacks of the parent's core. */
	bide_cancel_node in_token;  /* In the callbacks of the token's source. */
	bide_alarm alarm;           /* The deadline, unless one above comes first. */
	bide_timer *to_arm;         /* The alarm's timer, while `arm` is on its way. */
	bide_post arm;              /* To the one worker, to set the alarm; with a reference. */
	int64_t deadline_ns;        /* The nearest of its own and those above. */
	const void *key;
	void *value;
	bide_executor *executor; /* Its own or the nearest above; NULL for the workers. */
	bool owns_executor;      /* `executor` is its own, with a reference. */
	/*
	 * It was created where the cancellation of its parent was masked. So the cancellation is masked
	 * again when a function leaves this context.
	 */
	bool in_cleanup;
};

extern BIDE_INTERNAL const bide_operation_type bide_context_type_;

/* --- words --- */

/* Returns the context of a word, even if it is masked, or NULL if it has none. */
static inline bide_context *bide_context_of_(uintptr_t word)
{
	return (bide_context *)(word & ~BIDE_CONTEXT_TAGS_);
}

/* Returns the context whose cancellation and deadline a frame with this word sees, or NULL. */
static inline bide_context *bide_context_seen_(uintptr_t word)
{
	return word & BIDE_CONTEXT_MASKED_ ? NULL : bide_context_of_(word);
}

/* Returns the unmasked word of a context. `context` may be NULL. */
static inline uintptr_t bide_context_word_(const bide_context *context)
{
	return (uintptr_t)context | (context && context->executor ? BIDE_CONTEXT_EXECUTOR_ : 0);
}

static inline uintptr_t bide_context_current_word_(void)
{
	bide_thread_head *head = bide_thread_();

	return head ? head->current->context : 0;
}

/* Returns the executor of the context of a word, or NULL if it has none. */
static inline bide_executor *bide_context_executor_(uintptr_t word)
{
	return word & BIDE_CONTEXT_EXECUTOR_ ? bide_context_of_(word)->executor : NULL;
}

/* A walker: the bits of a word say what its context is. */
BIDE_INTERNAL bool bide_context_word_is_valid_(uintptr_t word);

/* --- contexts --- */

BIDE_INTERNAL BIDE_COLD bool bide_context_refused_(const bide_context *context, const char *what);
/* Returns true for NULL and a context with a reference. Else it reports misuse of `what`. */
static inline bool bide_context_check_(const bide_context *context, const char *what)
{
	return !context || BIDE_LIKELY(bide_is_live_(&context->operation, &bide_context_type_)) ||
	       bide_context_refused_(context, what);
}

/* Returns the core that cancels the operations that start now, or NULL if there is none. */
static inline bide_cancel_core *bide_context_core_(void)
{
	bide_context *context = bide_context_seen_(bide_context_current_word_());

	return context ? &context->core : NULL;
}
/* bide_context_current_error, inline. */
static inline int bide_context_error_now_(void)
{
	const bide_cancel_core *core = bide_context_core_();

	return core ? BIDE_LOAD(&core->error, ACQUIRE) : 0; /* Pairs with the mark. */
}

/* The current word, with a reference on its context: for a call that another thread runs. */
BIDE_INTERNAL uintptr_t bide_context_ref_current_(void);
BIDE_INTERNAL void bide_context_unref_word_(uintptr_t word);

/*
 * A walker, for a caller with a reference: the lists and the alarm of a context, and what it
 * inherits from its parent.
 */
BIDE_INTERNAL bool bide_context_is_valid_(bide_context *context);

/*
 * Returns true if the context of a word is `above`, or below it. For a visit of the pools, which
 * copied the word while other threads create and release contexts.
 */
BIDE_INTERNAL bool bide_context_is_below_(uintptr_t word, const bide_context *above);

/*
 * Tells the hook for unobserved errors of an outcome that the library drops because another one has
 * priority. The error that `context` (may be NULL) was canceled with counts as a cancellation, of
 * which the hook is not told.
 */
BIDE_INTERNAL void bide_lost_(bide_value_task outcome, const bide_context *context);

#endif
