/*
 * task.h - a shared result. A task is reference counted. Any number of functions and threads may
 * await it. It keeps its result as long as a reference exists.
 *
 * Tasks come from three places: bide_value_task_as_task, which turns a pending async function
 * into a task without a second object; the completed forms below; and completion sources, which
 * are tasks that you complete yourself.
 *
 * Ownership: a function that returns a bide_task * gives you a reference, which you drop with
 * bide_task_unref. An await does not consume a task. Threads: any thread may call every function
 * here. Cost: a task is one allocation. bide_value_task_as_task of a pending value task
 * allocates nothing, and neither do the shared constants (0 to 8, -1, false, true, NULL,
 * "completed").
 */
#ifndef BIDE_TASK_H
#define BIDE_TASK_H

#include "time.h"
#include "value_task.h"

typedef struct bide_task bide_task;

BIDE_BEGIN_DECLS

/*
 * These functions return a completed task, or NULL if there is no memory. bide_task_from(x)
 * takes any scalar. bide_task_from_error takes an error of 1 to 4095 and notes the place for the
 * error's trace (trace.h). Any other number is misuse: it returns NULL.
 */
BIDE_API BIDE_USE_RESULT bide_task *bide_task_from_int(int64_t value);
BIDE_API BIDE_USE_RESULT bide_task *bide_task_from_double(double value);
BIDE_API BIDE_USE_RESULT bide_task *bide_task_from_pointer(const void *value);
BIDE_API BIDE_USE_RESULT bide_task *bide_task_failed_at_(int error, const bide_place *place);
#define bide_task_from_error(error) \
	(BIDE_NOTE_(bide_task_from_error), bide_task_failed_at_((error), BIDE_FAILED_HERE_))
BIDE_API BIDE_USE_RESULT bide_task *bide_task_completed(void);

/*
 * Consumes a value task and returns a task with the same outcome. A pending value task becomes
 * the task itself, without an allocation. Returns NULL if there is no memory; this can only
 * happen to a value task that holds its value and to a pending source of your own. The value
 * task is consumed then as well, as by bide_value_task_forget.
 */
BIDE_API BIDE_USE_RESULT bide_task *bide_value_task_as_task_at_(bide_value_task value_task,
                                                                const bide_place *place);
#define bide_value_task_as_task(value_task)                                              \
	bide_value_task_as_task_at_(                                                         \
		bide_untyped_value_(value_task, "bide_value_task_as_task takes a value task; a " \
	                                    "bide_task * is one already (bide_task_ref)"),   \
		BIDE_HERE_)

/*
 * Consumes a value task whose result is not wanted. An async function goes on. An operation of the
 * library ends if it can stop its wait (a wait for a mutex or a channel, for example), and goes on
 * otherwise. If it fails, the unobserved hook (misuse.h) is called, also if you have read the error
 * before; bide_value_task_take consumes without that.
 */
BIDE_API void bide_value_task_forget_at_(bide_value_task value_task, const bide_place *place);
#define bide_value_task_forget(value_task)                                                  \
	bide_value_task_forget_at_(                                                             \
		bide_untyped_value_(value_task, "bide_value_task_forget takes a value task; for a " \
	                                    "bide_task * use bide_task_unref"),                 \
		BIDE_HERE_)

/*
 * Consumes a value task whose operation is over, without waiting. Returns its error, or 0, and
 * stores its result in *result (zero after an error; result may be NULL). It allocates nothing.
 * Workers and async functions may call it. bide_trace_of_wait returns the trace of the error. A
 * yield (bide_async_yield) succeeds.
 *
 * These are misuse: a pending value task (EINPROGRESS), and one with a large result (EINVAL),
 * which has to be awaited or made a task. Neither is consumed. A value task that was consumed,
 * or that is being awaited, is misuse too: BIDE_ESTALE.
 */
BIDE_API BIDE_USE_RESULT int bide_value_task_take_at_(bide_value_task value_task,
                                                      bide_payload *result,
                                                      const bide_place *place);
#define bide_value_task_take(value_task, result)                                                   \
	bide_value_task_take_at_(bide_untyped_value_(value_task,                                       \
	                                             "bide_value_task_take takes a value task; for a " \
	                                             "bide_task * it is bide_task_result"),            \
	                         (result), BIDE_HERE_)

/* Takes the argument of bide_value_task_on_completed. */
typedef void bide_completed_function(void *argument);

/*
 * Calls function(argument) once, when the value task is over. The call happens on a worker,
 * never inside this function. It is made in the current context, and so in its executor, even if
 * that context has been canceled. The function must not block. It does not consume the value
 * task: you consume it afterwards, in the function or elsewhere, for example by
 * bide_value_task_take. Waiting for the value task or consuming it before that is misuse.
 *
 * Returns 0, or ENOMEM if there is no memory; the function is not called then. Misuse: EINVAL if
 * function is NULL, and BIDE_ESTALE if the value task was consumed or is being awaited. Cost: a
 * frame from the pool.
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
 * bide_task_ref takes one more reference and returns its argument. bide_task_unref drops one;
 * bide_task_unref(NULL) does nothing. If the last reference to a failed task is dropped before
 * its error was seen, the unobserved hook is called. If the last reference to a pending
 * completion source is dropped, its awaiters fail with BIDE_EBROKEN.
 */
BIDE_API bide_task *bide_task_ref(bide_task *task);
BIDE_API void bide_task_unref(bide_task *task);

/*
 * Queries. bide_task_error returns the error number, and 0 after success. An error that it returns
 * counts as seen. Asking a pending task for its error is misuse: it returns EINPROGRESS.
 */
BIDE_API bide_status bide_task_status(const bide_task *task);
BIDE_API bool bide_task_is_ready(const bide_task *task);
BIDE_API bool bide_task_is_successful(const bide_task *task);
BIDE_API bool bide_task_is_failed(const bide_task *task);
BIDE_API bool bide_task_is_canceled(const bide_task *task);
BIDE_API int bide_task_error(bide_task *task);
/*
 * Returns the result of a task that has succeeded, and zero if the task has failed. Asking a
 * pending task is misuse: it returns zero. A large result is a pointer, which is valid as long
 * as you hold your reference.
 */
BIDE_API bide_payload bide_task_result(const bide_task *task);

/*
 * Returns a value task for one awaiter. (bide_await of a bide_task * calls this function.) The
 * value task is ready at once if the task is. It obeys the ambient cancellation: the wait ends, and
 * the task goes on. It fails with ENOMEM if there is no memory for the subscription.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_task_await(bide_task *task);

/*
 * Does what bide_task_await does, and takes over your reference. It is for a reference that only
 * this await needs. NULL fails with ENOMEM, so that you can pass on the result of a function
 * that makes a task. Do not use it for large results, because they live in the task.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_task_await_take(bide_task *task);

/*
 * Does what bide_task_await does, with a limit: the value task fails with ETIMEDOUT when
 * timeout_ns has passed, and the task goes on. timeout_ns is 0 or more, or BIDE_FOREVER; a
 * number below zero is misuse (EINVAL).
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_task_await_for(bide_task *task, int64_t timeout_ns);

/*
 * Awaits an operation that cannot be interrupted, with a limit after which you give it up. Consumes
 * a value task and returns a value task with its outcome. That fails with ETIMEDOUT as soon as the
 * limit has passed, or with the context's error as soon as the context is canceled. The operation
 * is forgotten then, as bide_value_task_forget does it. So all memory that the operation uses must
 * live until the operation is over, not only until this await returns: do not use a member of the
 * frame or a local variable. The function is bide_value_task_as_task, bide_task_await_for and
 * bide_task_unref in one call.
 *
 * timeout_ns: 0 takes only a result that is there already. With BIDE_FOREVER only the
 * cancellation ends the wait. A number below zero is misuse: it returns EINVAL, and the value
 * task is not consumed. If there is no memory, the operation is given up at once: ENOMEM. Cost:
 * an object from the pool and a timer.
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

/* All zeroes are the defaults. */
typedef struct bide_task_options {
	/* true: awaiters go to the end of the run queue, instead of running next. */
	bool queue_continuations;
} bide_task_options;

/* Returns a pending task, or NULL if there is no memory. options may be NULL: the defaults. */
BIDE_API BIDE_USE_RESULT bide_task *bide_task_create(const bide_task_options *options);

/*
 * These functions complete a task. If several threads race, exactly one completes it.
 * Completing it a second time is misuse and changes nothing. The try_ forms return true if they
 * completed the task, and false if it was complete already. The fail forms take an error of 1 to
 * 4095 and note the place for the trace.
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
/*
 * Completes the task with the outcome of another task. `ready` must be ready; a pending one is
 * misuse and changes nothing.
 */
BIDE_API void bide_task_complete_from(bide_task *task, bide_task *ready);
BIDE_API bool bide_task_try_complete_from(bide_task *task, bide_task *ready);

/* --- continuations --- */

/* The outcomes after which the continuation does not run. Setting all three is misuse. */
typedef struct bide_continue_options {
	bool not_on_success, not_on_failure, not_on_canceled;
} bide_continue_options;

/*
 * Takes the task that ended and your argument. Its result or error becomes that of the
 * continuation's task.
 */
typedef bide_value_task bide_continuation(bide_task *ended, void *argument);

/*
 * Runs `continuation` on a worker when `task` has ended, never inside this call. Returns the
 * task of the continuation's result, or NULL if there is no memory. If the options exclude the
 * outcome, that task is canceled. options may be NULL: the continuation runs after every
 * outcome. It obeys the ambient cancellation: if the context is canceled before the continuation
 * begins, the continuation never runs. The wait has no reference to `task`, and does not count
 * as having seen its error. A value task that the continuation returns is awaited, so chains
 * need no unwrap.
 */
BIDE_API BIDE_USE_RESULT bide_task *bide_task_continue_with(bide_task *task,
                                                            bide_continuation *continuation,
                                                            void *argument,
                                                            const bide_continue_options *options);

/*
 * Takes a task whose result is a bide_task *, and returns a task with the outcome of that inner
 * task. The result carries a reference to the inner task, which this function takes over. If the
 * outer task is ready, the function returns the inner task itself. If the outer task fails or is
 * canceled, so is the returned task. If the inner task is NULL, the returned task is canceled.
 * The ambient cancellation does not end the wait.
 *
 * Returns NULL if there is no memory. If there is none while the outer task is pending, the
 * returned task may fail with ENOMEM. In both cases the inner reference was not taken.
 */
BIDE_API BIDE_USE_RESULT bide_task *bide_task_unwrap(bide_task *outer);

BIDE_END_DECLS

#ifdef __cplusplus
#define bide_untyped_value_(value_task, text) (value_task)
#else
/*
 * Copies through the address, because no type may be declared around an expression that holds a
 * start.
 */
BIDE_INLINE bide_value_task bide_awaitable_value_(const void *at)
{
	bide_value_task v;
	__builtin_memcpy(&v, at, sizeof v);
	return v;
}
/*
 * Returns a value task of any type as an untyped one. text: the compiler's message if it is no
 * value task.
 */
#define bide_untyped_value_(value_task, text)  \
	(BIDE_CHECK_VALUE_TASK_(value_task, text), \
	 bide_awaitable_value_((const void *)(__typeof__(value_task)[1]){ (value_task) }))
#define bide_task_from(x) bide_value_task_as_task(bide_value_task_from(x))
#endif
#endif
