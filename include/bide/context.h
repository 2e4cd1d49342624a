/*
 * context.h - what an async function inherits: cancellation, deadline, task-local values, group.
 *
 * Every frame carries one pointer to a context, taken over from the function that started it; none costs nothing. A
 * context is a scope: canceling it cancels all that was started in it, and all contexts made in it. Operations register
 * with the context they are started in, so they need no token argument and nobody forgets one.
 *
 *     bide_context *limits = bide_context_create(&(bide_context_options){ .timeout_ns = 50000000, .token = token });
 *     bide_await(my->n, bide_in(limits, read_all(my->in.file)));     // for one call
 *
 *     bide_async_enter(limits);                                      // or for a block of an async function, across awaits
 *     ...
 *     bide_async_leave;
 *
 * An operation that its context cancels fails with ECANCELED, or ETIMEDOUT if it was the deadline. In the cleanup of an async
 * function the ambient cancellation is hidden.
 *
 * Ownership: reference counted; frames that wait in it, and contexts below it, hold references of their own. Any thread.
 */
#ifndef BIDE_CONTEXT_H
#define BIDE_CONTEXT_H

#include "cancel.h"
#include "frame.h"

typedef struct bide_context bide_context;

typedef struct bide_context_options {
	bide_context *parent;    /* NULL: the current one */
	bool detached;           /* true: no parent at all; then parent must be NULL */
	bide_cancel_token token; /* canceled with it */
	int64_t timeout_ns;      /* > 0: canceled with ETIMEDOUT so long after its creation; 0: none; < 0: misuse */
	const void *key;         /* not NULL: bide_context_get(key) gives value in this context and below */
	void *value;
} bide_context_options;

BIDE_BEGIN

/* From the pool. options NULL: a plain child of the current one. NULL: no memory, or misuse. */
BIDE_API BIDE_USE_RESULT bide_context *bide_context_create(const bide_context_options *options);
BIDE_API bide_context *bide_context_ref(bide_context *context);
BIDE_API void bide_context_unref(bide_context *context); /* NULL does nothing */

/* The one of the running async function; NULL: none. No reference is given. */
BIDE_API bide_context *bide_context_current(void);

/* Cancels what is in it; true for the first. error: ECANCELED, or another that the operations shall fail with. */
BIDE_API bool bide_context_cancel(bide_context *context, int error);

/* 0, or the error that its operations fail with. NULL: the current one (in the cleanup: 0, it is hidden). */
BIDE_API int bide_context_error(const bide_context *context);

/* When the deadline of the current context, or of one above it, is; BIDE_FOREVER: none. Nanoseconds of bide_now_ns. */
BIDE_API int64_t bide_context_deadline_ns(void);

/* The nearest value for the key, from the current context upwards; NULL: none. Cost: one step a context. */
BIDE_API void *bide_context_get(const void *key);

/* Used by the macros below. */
BIDE_API uintptr_t bide_context_push_(bide_context *context);
BIDE_API void bide_context_pop_(uintptr_t saved);
BIDE_API void bide_context_enter_(bide_frame *frame, bide_context *context);
BIDE_API void bide_context_leave_(bide_frame *frame);

BIDE_END_DECLS

#ifndef __cplusplus
/* bide_in(context, call): evaluates call with that context as the current one. NULL context: no change. */
#define bide_in(context, call)                                         \
	__extension__({                                                    \
		uintptr_t bide_saved_ = bide_context_push_(context);           \
		__typeof__(call) bide_called_ = (call);                        \
		bide_context_pop_(bide_saved_);                                \
		bide_called_;                                                  \
	})

/*
 * bide_with_timeout_ms(ms, call), bide_with_token(token, call): a context for one call. Without memory for it the call is
 * not made and the value task has failed with ENOMEM.
 */
#define bide_with_timeout_ms(ms, call) bide_with_(bide_context_limited_((ms), bide_cancel_token_none()), call)
#define bide_with_token(token, call) bide_with_(bide_context_limited_(0, (token)), call)
#define bide_with_(create, call)                                                           \
	__extension__({                                                                        \
		bide_value_task bide_called_ = { { { .i = 0 }, BIDE_ENOMEM_ } };                   \
		bide_context *bide_made_ = (create);                                               \
		if (bide_made_) {                                                                  \
			uintptr_t bide_saved_ = bide_context_push_(bide_made_);                        \
			bide_called_ = bide_untyped_value_(call);                                      \
			bide_context_pop_(bide_saved_);                                                \
			bide_context_unref(bide_made_);                                                \
		}                                                                                  \
		bide_called_;                                                                      \
	})
#define BIDE_ENOMEM_ 12
BIDE_API bide_context *bide_context_limited_(int64_t timeout_ms, bide_cancel_token token);

/* In async functions: the context for what follows, across awaits, until bide_async_leave or the end. */
#define bide_async_enter(context) bide_context_enter_(frame_, (context))
#define bide_async_leave bide_context_leave_(frame_)
#endif
#endif
