/*
 * task.h - a shared result: reference counted, awaited by any number, from any thread, kept as long
 * as a reference is.
 *
 * Tasks come from bide_value_task_as_task (which turns a pending async function into a task without a second
 * object), from the completed forms below, and from completion sources, whose task you complete
 * yourself.
 *
 * Ownership: functions that return a bide_task * give you a reference; give it back with
 * bide_task_unref. Awaiting does not consume it. Threads: everything here may be called from any
 * thread. Cost: a task is one allocation, except bide_value_task_as_task of a pending value task and the
 * shared constants (0..8, -1, false, true, NULL, "completed"), which allocate nothing.
 */
#ifndef BIDE_TASK_H
#define BIDE_TASK_H

#include "time.h"
#include "value_task.h"

typedef struct bide_task bide_task;

BIDE_BEGIN_DECLS

/*
 * Completed tasks. bide_task_from(x) takes any scalar. NULL: no memory. from_error: error 1..4095,
 * else misuse and NULL; it notes the place for the error's trace (trace.h).
 */
BIDE_API BIDE_USE_RESULT bide_task *bide_task_from_int(int64_t value);
BIDE_API BIDE_USE_RESULT bide_task *bide_task_from_double(double value);
BIDE_API BIDE_USE_RESULT bide_task *bide_task_from_pointer(const void *value);
BIDE_API BIDE_USE_RESULT bide_task *bide_task_failed_at_(int error, const bide_place *place);
#define bide_task_from_error(error) \
	(BIDE_NOTE_(bide_task_from_error), bide_task_failed_at_((error), BIDE_FAILED_HERE_))
BIDE_API BIDE_USE_RESULT bide_task *bide_task_completed(void);

/*
 * Consumes a value task and gives a task of the same outcome. Pending ones become the task
 * themselves: no allocation. NULL: no memory (only for one that holds its value, and for a pending
 * source of your own); the value task is consumed then as well, as by bide_value_task_forget.
 */
BIDE_API BIDE_USE_RESULT bide_task *bide_value_task_as_task_at_(bide_value_task value_task,
                                                                const bide_place *place);
#define bide_value_task_as_task(value_task)                                              \
	bide_value_task_as_task_at_(                                                         \
		bide_untyped_value_(value_task, "bide_value_task_as_task takes a value task; a " \
	                                    "bide_task * is one already (bide_task_ref)"),   \
		BIDE_HERE_)

/*
 * Consumes a value task whose result nobody wants. It runs on; an error goes to the unobserved
 * hook.
 */
BIDE_API void bide_value_task_forget_at_(bide_value_task value_task, const bide_place *place);
#define bide_value_task_forget(value_task)                                                  \
	bide_value_task_forget_at_(                                                             \
		bide_untyped_value_(value_task, "bide_value_task_forget takes a value task; for a " \
	                                    "bide_task * use bide_task_unref"),                 \
		BIDE_HERE_)

/*
 * Consumes a value task that is over, without waiting: returns its error, or 0, and stores its result
 * (zero after an error; result may be NULL). Allocates nothing. Allowed on a worker and in async
 * functions. bide_trace_of_wait gives the trace of its error. A yield (bide_async_yield) succeeds.
 *
 * One that is pending is misuse: EINPROGRESS. One whose result is large is misuse: EINVAL; it has to
 * be awaited or made a task. Both are not consumed. One that was consumed, or that is being awaited,
 * is misuse: BIDE_ESTALE.
 */
BIDE_API int bide_value_task_take_at_(bide_value_task value_task, bide_payload *result,
                                      const bide_place *place);
#define bide_value_task_take(value_task, result)                                                   \
	bide_value_task_take_at_(bide_untyped_value_(value_task,                                       \
	                                             "bide_value_task_take takes a value task; for a " \
	                                             "bide_task * it is bide_task_result"),            \
	                         (result), BIDE_HERE_)

typedef void bide_completed_function(void *argument);

/*
 * Calls function(argument) once, when the value task is over: never inside this call, on a worker, in
 * the current context (and so in its executor), even if that has been canceled. The function must not
 * block. It does not consume: afterwards the function, or whoever holds the value task, consumes it,
 * by bide_value_task_take for instance. Meanwhile nothing else may wait for the value task or consume
 * it: misuse.
 *
 * Returns 0; ENOMEM: the function will not be called. Misuse: EINVAL, function is NULL; BIDE_ESTALE,
 * the value task was consumed or is being awaited. Cost: a frame from the pool.
 */
BIDE_API BIDE_USE_RESULT int bide_value_task_on_completed_at_(bide_value_task value_task,
                                                              bide_completed_function *function,
                                                              void *argument,
                                                              const bide_place *place);
#define bide_value_task_on_completed(value_task, function, argument)                              \
	bide_value_task_on_completed_at_(                                                             \
		bide_untyped_value_(value_task, "bide_value_task_on_completed takes a value task; for a " \
	                                    "bide_task * it is bide_task_continue_with"),             \
		(function), (argument), BIDE_HERE_)

/*
 * One more reference; returns its argument. unref(NULL) does nothing. Dropping the last reference
 * to a task that failed unseen calls the unobserved hook; to a completion source's task that is
 * pending fails its awaiters with BIDE_EBROKEN.
 */
BIDE_API bide_task *bide_task_ref(bide_task *task);
BIDE_API void bide_task_unref(bide_task *task);

/*
 * Queries. error: 0 after success; reading an error counts as having seen it. Asking for the error of
 * a pending task is misuse and returns EINPROGRESS.
 */
BIDE_API bide_status bide_task_status(const bide_task *task);
BIDE_API bool bide_task_is_ready(const bide_task *task);
BIDE_API bool bide_task_is_successful(const bide_task *task);
BIDE_API bool bide_task_is_failed(const bide_task *task);
BIDE_API bool bide_task_is_canceled(const bide_task *task);
BIDE_API int bide_task_error(bide_task *task);
/*
 * Returns the result of a task that succeeded, and zero if it failed. Asking a pending task is misuse
 * and returns zero. A large result is a pointer that is valid as long as your reference.
 */
BIDE_API bide_payload bide_task_result(const bide_task *task);

/*
 * A value task for one awaiter (bide_await takes a bide_task * and calls this). Ready at once if
 * the task is. Obeys the ambient cancellation: the wait ends, the task goes on. Fails with ENOMEM
 * if there is no memory for the subscription.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_task_await(bide_task *task);

/*
 * The same, and gives your reference back: for a reference that only this await needs. NULL: fails
 * with ENOMEM, so that the result of a function that makes a task can be passed on as it is. Not
 * for large results, which live in the task.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_task_await_take(bide_task *task);

/*
 * The same with a limit: ETIMEDOUT when it has passed; the task goes on. timeout_ns: >= 0, or
 * BIDE_FOREVER; else misuse.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_task_await_for(bide_task *task, int64_t timeout_ns);

/*
 * Gives up what cannot be interrupted: consumes a value task, and ends with its outcome; or with
 * ETIMEDOUT as soon as the limit has passed, or with the context's error as soon as that is canceled.
 * The operation goes on then, and is forgotten: an error of it goes to the unobserved hook. So all
 * that it uses must live until it is over, not only until this await returns: no frame, no local.
 * It is bide_value_task_as_task, bide_task_await_for and bide_task_unref in one call.
 *
 * timeout_ns: 0: what is over already; BIDE_FOREVER: only the cancellation ends the wait. Below zero:
 * misuse, EINVAL, not consumed. ENOMEM: given up at once. Cost: an object from the pool and a timer.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_value_task_await_for_at_(bide_value_task value_task,
                                                                       int64_t timeout_ns,
                                                                       const bide_place *place);
#define bide_value_task_await_for(value_task, timeout_ns)                                      \
	bide_value_task_await_for_at_(                                                             \
		bide_untyped_value_(value_task, "bide_value_task_await_for takes a value task; for a " \
	                                    "bide_task * use bide_task_await_for"),                \
		(timeout_ns), BIDE_HERE_)

/* --- completion sources: a task that you complete --- */

/* All zeroes: the defaults. */
typedef struct bide_task_options {
	bool queue_continuations; /* awaiters go to the end of the run queue instead of running next */
} bide_task_options;

/* Returns a pending task; NULL if there is no memory. options may be NULL: the defaults. */
BIDE_API BIDE_USE_RESULT bide_task *bide_task_create(const bide_task_options *options);

/*
 * Completing a second time is misuse and changes nothing; the try_ forms return false. One of
 * several racing threads wins. Failing notes the place for the trace.
 */
BIDE_API void bide_task_complete(bide_task *task, bide_payload result);
BIDE_API void bide_task_complete_int(bide_task *task, int64_t result);
BIDE_API void bide_task_complete_double(bide_task *task, double result);
BIDE_API void bide_task_complete_pointer(bide_task *task, const void *result);
BIDE_API void bide_task_fail_at_(bide_task *task, int error, const bide_place *place);
#define bide_task_fail(task, error) \
	(BIDE_NOTE_(bide_task_fail), bide_task_fail_at_((task), (error), BIDE_FAILED_HERE_))
BIDE_API void bide_task_cancel(bide_task *task);
BIDE_API bool bide_task_try_complete(bide_task *task, bide_payload result);
BIDE_API bool bide_task_try_fail_at_(bide_task *task, int error, const bide_place *place);
#define bide_task_try_fail(task, error) \
	(BIDE_NOTE_(bide_task_try_fail), bide_task_try_fail_at_((task), (error), BIDE_FAILED_HERE_))
BIDE_API bool bide_task_try_cancel(bide_task *task);
/* The outcome of another task, which must be ready (else misuse, nothing changes). */
BIDE_API void bide_task_complete_from(bide_task *task, bide_task *ready);
BIDE_API bool bide_task_try_complete_from(bide_task *task, bide_task *ready);

/* --- continuations --- */

/* After which outcomes the continuation does not run. All three together are misuse. */
typedef struct bide_continue_options {
	bool not_on_success, not_on_failure, not_on_canceled;
} bide_continue_options;

/*
 * Gets the task that ended and your argument; its result or error becomes that of the
 * continuation's task.
 */
typedef bide_value_task bide_continuation(bide_task *ended, void *argument);

/*
 * Runs `continuation` on a worker when `task` has ended, never inside this call; returns the task of
 * its result. If the options exclude the outcome, that task is canceled. options may be NULL: it
 * always runs. It obeys the ambient cancellation: canceled before the continuation begins, that never
 * runs. The wait has no reference on `task`, and does not count as having seen its error. NULL: no
 * memory. A value task that the continuation returns is awaited: chains need no unwrap.
 */
BIDE_API BIDE_USE_RESULT bide_task *bide_task_continue_with(bide_task *task,
                                                            bide_continuation *continuation,
                                                            void *argument,
                                                            const bide_continue_options *options);

/*
 * From a task whose result is a bide_task * (a reference, which this takes over) to a task of the
 * inner outcome. If the outer one is ready the inner one itself is returned. Outer failed or
 * canceled: so is the result; inner NULL: canceled. Not ended by the ambient cancellation. NULL, or
 * a task that failed with ENOMEM while outer was pending: nothing was taken.
 */
BIDE_API BIDE_USE_RESULT bide_task *bide_task_unwrap(bide_task *outer);

BIDE_END_DECLS

#ifdef __cplusplus
#define bide_untyped_value_(value_task, text) (value_task)
#else
/* Through its address, because no type may be declared around an expression that holds a start. */
BIDE_INLINE bide_value_task bide_awaitable_value_(const void *at)
{
	bide_value_task v;
	__builtin_memcpy(&v, at, sizeof v);
	return v;
}
/* A value task of any type, without it. text: what the compiler says if it is none. */
#define bide_untyped_value_(value_task, text)  \
	(BIDE_CHECK_VALUE_TASK_(value_task, text), \
	 bide_awaitable_value_((const void *)(__typeof__(value_task)[1]){ (value_task) }))
#define bide_task_from(x) bide_value_task_as_task(bide_value_task_from(x))
#endif
#endif
