/*
 * context.h - what an async function inherits: cancellation, deadline, task-local values, executor.
 *
 * Every frame carries one pointer to a context, taken over from the function that started it; none
 * costs nothing. A context is a scope: canceling it cancels all that was started in it, and all
 * contexts made in it. Operations register with the context they are started in, so they need no
 * token argument and nobody forgets one.
 *
 *     bide_context_options options = { .timeout_ns = BIDE_MS(50), .token = token };
 *     bide_context *limits = bide_context_create(&options);
 *     bide_await(my->n, bide_in_context(limits, read_all(my->in.file)));     // for one call
 *
 *     bide_async_enter(limits); // or for a block of an async function, across awaits
 *     ...
 *     bide_async_leave;
 *
 * An operation that its context cancels fails with ECANCELED, or ETIMEDOUT if it was the deadline.
 * In the cleanup of an async function the ambient cancellation is hidden.
 *
 * Ownership: reference counted; frames that wait in it, and contexts below it, hold references of
 * their own. Any thread.
 */
#ifndef BIDE_CONTEXT_H
#define BIDE_CONTEXT_H

#include "cancel.h"
#include "executor.h"
#include "frame.h"
#include "time.h"

typedef struct bide_context bide_context;

typedef struct bide_context_options {
	bide_context *parent;    /* NULL: the current one */
	bool detached;           /* true: no parent at all; then parent must be NULL */
	bide_cancel_token token; /* canceled with it */
	/* > 0: canceled with ETIMEDOUT so long after its creation; 0, BIDE_FOREVER: none */
	int64_t timeout_ns;
	/* not NULL: bide_context_get(key) gives value in this context and below */
	const void *key;
	void *value;
	/* where functions run in it and below (executor.h); NULL: as in the parent */
	bide_executor *executor;
} bide_context_options;

BIDE_BEGIN_DECLS

/* From the pool. options NULL: a plain child of the current one. NULL: no memory, or misuse. */
BIDE_API BIDE_USE_RESULT bide_context *bide_context_create(const bide_context_options *options);
/* NULL, no context, gives NULL. So does what is captured where there is none. */
BIDE_API bide_context *bide_context_ref(bide_context *context);
BIDE_API void bide_context_unref(bide_context *context); /* NULL does nothing */

/* The one of the running async function or blocking call; NULL: none. No reference is given. */
BIDE_API bide_context *bide_context_current(void);

/*
 * Cancels what is in it; true for the first. error: ECANCELED, or another errno value or number of
 * yours (BIDE_EUSER to BIDE_ERROR_MAX) that the operations shall fail with; else misuse, and false.
 */
BIDE_API bool bide_context_cancel(bide_context *context, int error);

/* 0, or the error that its operations fail with. NULL: no context, 0. */
BIDE_API int bide_context_error(const bide_context *context);
/*
 * The same of the current context, for what computes long and awaits nothing. In the cleanup of an
 * async function it is 0: the ambient cancellation is hidden.
 */
BIDE_API int bide_context_current_error(void);

/*
 * When the deadline of the current context, or of one above it, is; BIDE_FOREVER: none. Nanoseconds
 * of bide_now_ns.
 */
BIDE_API int64_t bide_context_deadline_ns(void);

/*
 * The nearest value for the key, from the current context upwards; NULL: none. Cost: one step a
 * context.
 */
BIDE_API void *bide_context_get(const void *key);

/* Used by the macros below. */
BIDE_API uintptr_t bide_context_push_(bide_context *context);
BIDE_API void bide_context_pop_(uintptr_t saved);
BIDE_API void bide_context_enter_(bide_frame *frame, bide_context *context);
BIDE_API void bide_context_leave_(bide_frame *frame);

BIDE_END_DECLS

#ifndef __cplusplus
/*
 * bide_in_context(context, call): evaluates call with that context as the current one. NULL: in no
 * context; so what bide_context_create returns is to be checked before. bide_in_detached(call): in
 * none, for what outlives its caller and is shared: the load of a cache must not end with the
 * deadline of the caller that came first.
 */
#define bide_in_detached(call) bide_in_context((bide_context *)0, call)
#define bide_in_context(context, call) BIDE_IN_(context, call, __COUNTER__)
#define BIDE_IN_(context, call, n) \
	BIDE_IN2_(context, call, BIDE_CAT_(bide_saved_, n), BIDE_CAT_(bide_called_, n))
/* The names differ from use to use, so that nested ones do not shadow. */
#define BIDE_IN2_(context, call, saved, called)                                       \
	__extension__({                                                                   \
		uintptr_t saved = (BIDE_NOTE_(bide_in_context), bide_context_push_(context)); \
		__auto_type called = (call);                                                  \
		bide_context_pop_(saved);                                                     \
		called;                                                                       \
	})

/*
 * bide_with_timeout(timeout_ns, call), bide_with_timeout_ms(timeout_ms, call),
 * bide_with_token(token, call): a context for one call. A timeout is 0 or more; 0: what is not ready
 * at once fails with ETIMEDOUT; BIDE_FOREVER: none. The call is not made, and the value task has
 * failed, with EINVAL if the timeout is below zero (misuse), and with ENOMEM without memory for it.
 */
#define bide_with_timeout(timeout_ns, call)                                                      \
	BIDE_WITH_((BIDE_NOTE_(bide_with_timeout), bide_context_limited_after_), (timeout_ns), call, \
	           __COUNTER__)
#define bide_with_timeout_ms(timeout_ms, call) bide_with_timeout(BIDE_MS(timeout_ms), call)
#define bide_with_token(token, call) \
	BIDE_WITH_(bide_context_limited_by_, (token), call, __COUNTER__)
#define BIDE_WITH_(create, argument, call, n)                                                  \
	BIDE_WITH2_(create, argument, call, BIDE_CAT_(bide_saved_, n), BIDE_CAT_(bide_called_, n), \
	            BIDE_CAT_(bide_made_, n))
#define BIDE_WITH2_(create, argument, call, saved, called, made)                                   \
	__extension__({                                                                                \
		bide_value_task called = { { { .i = 0 }, 0 } };                                            \
		bide_context *made = create(argument, &called.state);                                      \
		if (made) {                                                                                \
			uintptr_t saved = bide_context_push_(made);                                            \
			called = bide_untyped_value_(call, "this takes a call that gives a value task; for a " \
			                                   "bide_task * use bide_task_await(task)");           \
			bide_context_pop_(saved);                                                              \
			bide_context_unref(made);                                                              \
		}                                                                                          \
		called;                                                                                    \
	})
/* NULL: *error says why. */
BIDE_API bide_context *bide_context_limited_after_(int64_t timeout_ns, uintptr_t *error);
BIDE_API bide_context *bide_context_limited_by_(bide_cancel_token token, uintptr_t *error);

/*
 * In async functions: the context for what follows, across awaits, until bide_async_leave or the
 * end. NULL: no context, until the end or the next bide_async_enter; there is nothing to leave then.
 * Both stay on the executor where the function is: with a context of another one they are
 * misuse, and do nothing (bide_async_switch goes there).
 */
#define bide_async_enter(context) \
	(BIDE_NOTE_(bide_async_enter), bide_context_enter_(frame_, (context)))
#define bide_async_leave (BIDE_NOTE_(bide_async_leave), bide_context_leave_(frame_))
#endif
#endif
