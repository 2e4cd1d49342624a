/*
 * cancel.h - asks operations to stop: source, token, registration.
 *
 * A source can be canceled once, by any thread. Tokens are copies that you pass to the code that
 * asks whether it is canceled. They own nothing, and you may keep them. If a source was
 * canceled, its tokens stay canceled, also after the source is gone. If a source is gone without
 * having been canceled, its tokens never will be. bide_shutdown ends all tokens: they are not
 * canceled afterwards, and never will be. To make async functions and operations obey a token, bind
 * it to a context (context.h); no call needs a token argument then.
 *
 * Callbacks run on the thread that cancels, newest first, without any lock held. Those of a delay
 * (bide_cancel_source_cancel_after) run on a worker. A callback must not block: it requests
 * something, and returns. Ownership: sources are reference counted, tokens own nothing, and the
 * memory of a registration is yours. Threads: any thread may call every function here.
 */
#ifndef BIDE_CANCEL_H
#define BIDE_CANCEL_H

#include "value_task.h"

typedef struct bide_cancel_source bide_cancel_source;

typedef struct bide_cancel_token {
	/* NULL: never canceled. */
	struct bide_cancel_cell_ *cell_;
	uint64_t number_;
} bide_cancel_token;

/* Takes the argument of bide_cancel_token_register. It must not block. */
typedef void bide_cancel_callback(void *argument);

/* An entry in a list of what is canceled together. */
typedef struct bide_cancel_node {
	/* In the list. An operation that is in no list is its own `newer`. */
	struct bide_cancel_node *newer, *older;
	/*
	 * A callback: the core in whose list it is, or NULL. An operation: the core that it has a
	 * reference on, until it ends.
	 */
	struct bide_cancel_core *core;
	/* If not NULL, a source or context below, which is canceled instead of calling fire. */
	struct bide_cancel_core *child;
	void (*fire)(struct bide_cancel_node *node, int error);
} bide_cancel_node;

/* You place it, and it must live as long as it is registered. It needs no initialisation. */
typedef struct bide_cancel_registration {
	bide_cancel_node node_;
	bide_cancel_callback *callback_;
	void *argument_;
	bide_cancel_token token_;
	uint32_t state_;
} bide_cancel_registration;

BIDE_BEGIN_DECLS

/* Returns a new source, or NULL if there is no memory. Cost: one object from the pool. */
BIDE_API BIDE_USE_RESULT bide_cancel_source *bide_cancel_source_create(void);
/*
 * Returns a source that is canceled as soon as one of the tokens is, or NULL if there is no memory.
 * count is 0 to 65535; a larger one is misuse and returns NULL. If a token is canceled already, the
 * new source is created canceled.
 */
BIDE_API BIDE_USE_RESULT bide_cancel_source *bide_cancel_source_create_linked(
	const bide_cancel_token *tokens, size_t count);
/* Takes one more reference and returns its argument. NULL is misuse. */
BIDE_API bide_cancel_source *bide_cancel_source_ref(bide_cancel_source *source);
/*
 * Drops a reference. NULL does nothing. Once the last reference is dropped, the state of its
 * tokens no longer changes.
 */
BIDE_API void bide_cancel_source_unref(bide_cancel_source *source);

/*
 * Cancels the source. Returns true for the call that canceled it, and false for later ones. It runs
 * the callbacks on this thread before it returns.
 */
BIDE_API bool bide_cancel_source_cancel(bide_cancel_source *source);
/*
 * Cancels the source, and runs the callbacks on a worker, in no context. The source counts as
 * canceled when this function returns. The value task is ready when the callbacks have run, and
 * ready at once if the source was canceled before. If there is no memory for a frame, the callbacks
 * run inside this call.
 */
BIDE_API BIDE_USE_RESULT bide_value_task
bide_cancel_source_cancel_async(bide_cancel_source *source);
/*
 * Cancels the source after delay_ns nanoseconds, and replaces an earlier delay. delay_ns is 0 or
 * more. 0 cancels at once; BIDE_FOREVER removes the delay. Returns 0, EINVAL (misuse) for a number
 * below zero, or ENOMEM if there is no memory for the timer. With one worker, a call on another
 * thread always returns 0; the source is canceled at once if the worker has no memory for the
 * timer.
 */
BIDE_API BIDE_USE_RESULT int bide_cancel_source_cancel_after(bide_cancel_source *source,
                                                             int64_t delay_ns);
/*
 * Resets a source that was not canceled: afterwards it has no delay, no registrations, and no
 * context or source that it cancels. Returns false if the source was canceled; it stays canceled.
 */
BIDE_API bool bide_cancel_source_try_reset(bide_cancel_source *source);
/* Returns true if the source is canceled. NULL is misuse, and returns false. */
BIDE_API bool bide_cancel_source_is_canceled(const bide_cancel_source *source);

/*
 * Returns a token of the source. It does not keep the source alive. NULL is misuse, and returns the
 * token that is never canceled.
 */
BIDE_API bide_cancel_token bide_cancel_source_token(bide_cancel_source *source);
/* Returns the token that is never canceled. */
BIDE_INLINE bide_cancel_token bide_cancel_token_none(void)
{
	bide_cancel_token token = { NULL, 0 };
	return token;
}
/* Returns true if the token's source is canceled, or was canceled before it was gone. */
BIDE_API bool bide_cancel_token_is_canceled(bide_cancel_token token);
/*
 * Returns false if the token is not canceled and never will be: its source is gone, or it has
 * none.
 */
BIDE_API bool bide_cancel_token_can_be_canceled(bide_cancel_token token);

/*
 * Calls callback(argument) when the token is canceled. Returns true if the callback was registered.
 * If the token is canceled already, it calls the callback at once, inside this call, registers
 * nothing and returns false. If the token will never be canceled, it does nothing and returns
 * false. It allocates nothing. A NULL, or a registration that is registered already, is misuse: it
 * returns false.
 */
BIDE_API bool bide_cancel_token_register(bide_cancel_token token,
                                         bide_cancel_registration *registration,
                                         bide_cancel_callback *callback, void *argument);
/*
 * Returns true if the callback was registered, has not run and will not run. Returns false if
 * the callback has run, runs now on another thread, or was removed before.
 */
BIDE_API bool bide_cancel_registration_unregister(bide_cancel_registration *registration);
/*
 * Does what bide_cancel_registration_unregister does, and waits for a callback that runs now on
 * another thread. Afterwards you may free the registration. Inside that callback it returns at
 * once.
 */
BIDE_API bool bide_cancel_registration_unregister_wait(bide_cancel_registration *registration);

BIDE_END_DECLS
#endif
