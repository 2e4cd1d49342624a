/*
 * context.h - what an async function inherits: cancellation, deadline, task-local values,
 * executor.
 *
 * Every frame carries one pointer to a context, which it inherits from the function that started
 * it. A function without a context pays nothing. A context is a scope: canceling it cancels all
 * that was started in it, and all contexts made in it. Operations register with the context in
 * which they are started. So they need no token argument, and none is ever forgotten.
 *
 *     bide_context_options options = { .timeout_ns = BIDE_MS(50), .token = token };
 *     bide_context *limits = bide_context_create(&options);
 *     bide_await(my->n, bide_in_context(limits, read_all(my->in.file)));     // for one call
 *
 *     bide_async_enter(limits); // or for a block of an async function, across awaits
 *     ...
 *     bide_async_leave;
 *
 * An operation that its context cancels fails with the error of the context: ECANCELED, ETIMEDOUT
 * if the deadline has passed, or the number that bide_context_cancel was given. The cleanup of an
 * async function does not see the ambient cancellation.
 *
 * Ownership: contexts are reference counted. Frames that wait in a context, and contexts made in
 * it, hold references of their own. Threads: any thread may call every function here.
 */
#ifndef BIDE_CONTEXT_H
#define BIDE_CONTEXT_H

#include "cancel.h"
#include "executor.h"
#include "frame.h"
#include "time.h"

typedef struct bide_context bide_context;

typedef struct bide_context_options {
	/* NULL: the current one. */
	bide_context *parent;
	/* true: the context has no parent. parent must be NULL then. */
	bool detached;
	/* The context is canceled with this token. */
	bide_cancel_token token;
	/*
	 * If positive, the context is canceled with ETIMEDOUT this many nanoseconds after it is
	 * created. 0 and BIDE_FOREVER: no deadline.
	 */
	int64_t timeout_ns;
	/* If not NULL, bide_context_get(key) returns value in this context and below. */
	const void *key;
	void *value;
	/* Where functions run in this context and below (executor.h). NULL: as in the parent. */
	bide_executor *executor;
} bide_context_options;

BIDE_BEGIN_DECLS

/*
 * Returns a new context. Returns NULL if there is no memory, and after misuse. If options is NULL,
 * it is a plain child of the current context. Cost: an object from the pool, and a timer if it has
 * a deadline.
 */
BIDE_API BIDE_USE_RESULT bide_context *bide_context_create(const bide_context_options *options);
/*
 * Takes one more reference and returns its argument. NULL stands for no context, and it returns
 * NULL. So you may pass the result of bide_context_current.
 */
BIDE_API bide_context *bide_context_ref(bide_context *context);
/* Drops a reference. NULL does nothing. */
BIDE_API void bide_context_unref(bide_context *context);

/*
 * Returns the context of the running async function or blocking call, and NULL if there is none.
 * It does not take a reference for you.
 */
BIDE_API bide_context *bide_context_current(void);

/*
 * Cancels what is in the context. Returns true for the call that canceled it, and false for
 * later ones. error is what the operations fail with: ECANCELED, another errno value, or a
 * number of yours (BIDE_EUSER to BIDE_ERROR_MAX). Any other number is misuse, and returns false.
 */
BIDE_API bool bide_context_cancel(bide_context *context, int error);

/*
 * Returns 0, or after a cancellation the error that the operations of the context fail with. NULL
 * stands for no context, and it returns 0.
 */
BIDE_API int bide_context_error(const bide_context *context);
/*
 * Does the same for the current context, for functions that compute long and await nothing.
 * Returns 0 in the cleanup of an async function, which does not see the ambient cancellation.
 */
BIDE_API int bide_context_current_error(void);

/*
 * Returns the nearest deadline of the current context and those above it, in nanoseconds of
 * bide_now_ns. Returns BIDE_FOREVER if there is none.
 */
BIDE_API int64_t bide_context_deadline_ns(void);

/*
 * Returns the nearest value for the key, from the current context upwards, and NULL if there is
 * none. Cost: one step for each context.
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
 * bide_in_context(context, call) evaluates call with that context as the current one. NULL
 * stands for no context, so check the result of bide_context_create before you pass it.
 * bide_in_detached(call) evaluates call in no context. It is for a shared operation that
 * outlives its caller: the load of a cache must not end with the deadline of the first caller.
 */
#define bide_in_detached(call) bide_in_context((bide_context *)0, call)
#define bide_in_context(context, call) BIDE_IN_(context, call, BIDE_NESTED_)
/*
 * The names differ for each use, so that nested uses do not shadow each other. clang 22 warns of
 * __COUNTER__ (-Wpedantic), so there they are the same, and the macros turn off -Wshadow.
 */
#if defined(__clang__) && __clang_major__ >= 22
#define BIDE_NESTED_ here_
#define BIDE_NESTED_BEGIN_ \
	_Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wshadow\"")
#define BIDE_NESTED_END_ _Pragma("clang diagnostic pop")
#else
#define BIDE_NESTED_ __COUNTER__
#define BIDE_NESTED_BEGIN_
#define BIDE_NESTED_END_
#endif
#define BIDE_IN_(context, call, n) \
	BIDE_IN2_(context, call, BIDE_CAT_(bide_saved_, n), BIDE_CAT_(bide_called_, n))
#define BIDE_IN2_(context, call, saved, called)                                       \
	__extension__({                                                                   \
		BIDE_NESTED_BEGIN_                                                            \
		uintptr_t saved = (BIDE_NOTE_(bide_in_context), bide_context_push_(context)); \
		__auto_type called = (call);                                                  \
		bide_context_pop_(saved);                                                     \
		BIDE_NESTED_END_                                                              \
		called;                                                                       \
	})

/*
 * bide_with_timeout(timeout_ns, call), bide_with_timeout_ms(timeout_ms, call) and
 * bide_with_token(token, call) make a context for one call. A timeout is 0 or more. With 0, an
 * operation that is not ready at once fails with ETIMEDOUT; a delay of 0 fails, too, because it
 * asks the context first. BIDE_FOREVER is no timeout. A timeout below zero is misuse: the call is
 * not made, and the value task fails with EINVAL. If there is no memory for the context, the call
 * is not made, and the value task fails with ENOMEM.
 */
#define bide_with_timeout(timeout_ns, call)                                                      \
	BIDE_WITH_((BIDE_NOTE_(bide_with_timeout), bide_context_limited_after_), (timeout_ns), call, \
	           BIDE_NESTED_)
#define bide_with_timeout_ms(timeout_ms, call) bide_with_timeout(BIDE_MS(timeout_ms), call)
#define bide_with_token(token, call) \
	BIDE_WITH_((BIDE_NOTE_(bide_with_token), bide_context_limited_by_), (token), call, BIDE_NESTED_)
#define BIDE_WITH_(create, argument, call, n)                                                  \
	BIDE_WITH2_(create, argument, call, BIDE_CAT_(bide_saved_, n), BIDE_CAT_(bide_called_, n), \
	            BIDE_CAT_(bide_made_, n))
#define BIDE_WITH2_(create, argument, call, saved, called, made)                                \
	__extension__({                                                                             \
		BIDE_NESTED_BEGIN_                                                                      \
		bide_value_task called = { { { .i = 0 }, 0 } };                                         \
		bide_context *made = create(argument, &called.state);                                   \
		if (made) {                                                                             \
			uintptr_t saved = bide_context_push_(made);                                         \
			called =                                                                            \
				bide_untyped_value_(call, "this takes a call that returns a value task; for a " \
			                              "bide_task * use bide_task_await(task)");             \
			bide_context_pop_(saved);                                                           \
			bide_context_unref(made);                                                           \
		}                                                                                       \
		BIDE_NESTED_END_                                                                        \
		called;                                                                                 \
	})
/* Return NULL after a failure; *error is the reason. */
BIDE_API bide_context *bide_context_limited_after_(int64_t timeout_ns, uintptr_t *error);
BIDE_API bide_context *bide_context_limited_by_(bide_cancel_token token, uintptr_t *error);

/*
 * In async functions. bide_async_enter(context) makes the context the current one for what
 * follows, across awaits, until bide_async_leave or the end of the function. NULL stands for no
 * context, until the end or the next bide_async_enter; do not call bide_async_leave then. Both
 * stay on the executor where the function runs. A context with another executor is misuse, and
 * they do nothing (bide_async_switch moves the function there).
 */
#define bide_async_enter(context) \
	(BIDE_NOTE_(bide_async_enter), bide_context_enter_(frame_, (context)))
#define bide_async_leave (BIDE_NOTE_(bide_async_leave), bide_context_leave_(frame_))
#endif
#endif
