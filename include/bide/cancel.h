/*
 * cancel.h - asking operations to stop: source, token, registration.
 *
 * A source is canceled once, by any thread. Tokens are handed, as copies, to what asks; they own
 * nothing and may be kept. What was canceled stays canceled for all tokens of its source, also when
 * the source is gone; the tokens of a source that went without being canceled never are. To make
 * async functions and operations obey a token, bind it to a context (context.h): then no call needs a
 * token argument.
 *
 * Callbacks run on the thread that cancels (those of a time limit on a worker), newest first,
 * without any lock held; they only request and must not block. Ownership: sources are reference
 * counted; tokens own nothing; registrations are your memory.
 */
#ifndef BIDE_CANCEL_H
#define BIDE_CANCEL_H

#include "value_task.h"

typedef struct bide_cancel_source bide_cancel_source;

typedef struct bide_cancel_token {
	struct bide_cancel_cell_ *cell_; /* NULL: never canceled */
	uint64_t number_;
} bide_cancel_token;

typedef void bide_cancel_callback(void *argument);

/* A place in the list of what is canceled together. */
typedef struct bide_cancel_node {
	struct bide_cancel_node *newer, *older;
	struct bide_cancel_core *core; /* whose list it is in; NULL: none */
	/* not NULL: a source or context below, canceled instead of firing */
	struct bide_cancel_core *child;
	void (*fire)(struct bide_cancel_node *node, int error);
} bide_cancel_node;

/* Yours to place, at least as long as it is registered; uninitialised before. */
typedef struct bide_cancel_registration {
	bide_cancel_node node_;
	bide_cancel_callback *callback_;
	void *argument_;
	bide_cancel_token token_;
	uint32_t state_;
} bide_cancel_registration;

BIDE_BEGIN_DECLS

/* One allocation from the pool. NULL: no memory. */
BIDE_API BIDE_USE_RESULT bide_cancel_source *bide_cancel_source_create(void);
/*
 * Canceled as soon as one of the tokens is. count 0..; a token that is canceled already: canceled
 * at birth.
 */
BIDE_API BIDE_USE_RESULT bide_cancel_source *bide_cancel_source_create_linked(
	const bide_cancel_token *tokens, size_t count);
BIDE_API bide_cancel_source *bide_cancel_source_ref(bide_cancel_source *source);
/* NULL does nothing. The last reference: what its tokens tell does not change any more. */
BIDE_API void bide_cancel_source_unref(bide_cancel_source *source);

/*
 * Cancels; true for the first. Runs the callbacks, on this thread, before it returns. Any thread.
 */
BIDE_API bool bide_cancel_source_cancel(bide_cancel_source *source);
/*
 * Cancels as well: the source counts as canceled when this returns. The callbacks run on a worker,
 * in no context; the value task is ready when they have. Ready at once if the source was canceled
 * before. Without memory for a frame the callbacks run inside this call.
 */
BIDE_API BIDE_USE_RESULT bide_value_task
bide_cancel_source_cancel_async(bide_cancel_source *source);
/*
 * Cancels after a time; replaces an earlier one. delay_ns >= 0; BIDE_FOREVER: not at all. 0, EINVAL
 * (misuse), ENOMEM.
 */
BIDE_API int bide_cancel_source_cancel_after(bide_cancel_source *source, int64_t delay_ns);
/*
 * Makes a source that was not canceled as new: no timer, no registrations. false: it was canceled;
 * it stays so.
 */
BIDE_API bool bide_cancel_source_try_reset(bide_cancel_source *source);
BIDE_API bool bide_cancel_source_is_canceled(const bide_cancel_source *source);

BIDE_API bide_cancel_token bide_cancel_source_token(bide_cancel_source *source);
/* The token that is never canceled. */
BIDE_INLINE bide_cancel_token bide_cancel_token_none(void)
{
	bide_cancel_token token = { NULL, 0 };
	return token;
}
BIDE_API bool bide_cancel_token_is_canceled(bide_cancel_token token);
/* false: it is not canceled and never will be: its source is gone, or it has none. */
BIDE_API bool bide_cancel_token_can_be_canceled(bide_cancel_token token);

/*
 * Calls callback(argument) when the token is canceled; at once, inside this call, if it is already
 * (then false is returned and nothing is registered). Allocates nothing. callback NULL: misuse.
 */
BIDE_API bool bide_cancel_token_register(bide_cancel_token token,
                                         bide_cancel_registration *registration,
                                         bide_cancel_callback *callback, void *argument);
/*
 * true: it was registered, has not run and will not. false: it ran, runs now on another thread, or
 * was removed before.
 */
BIDE_API bool bide_cancel_registration_unregister(bide_cancel_registration *registration);
/*
 * The same, and waits for a callback that runs on another thread now: afterwards its memory may go.
 * Not from within that callback: there it returns at once.
 */
BIDE_API bool bide_cancel_registration_unregister_wait(bide_cancel_registration *registration);

BIDE_END_DECLS
#endif
