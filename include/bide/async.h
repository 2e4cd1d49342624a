/*
 * async.h - async functions: C functions that can wait without holding a thread.
 *
 *     struct load {                                  // the frame: what lives across an await
 *             BIDE_ASYNC_FRAME;                      // always first
 *             struct { struct store *store; int key; } in;    // the parameters
 *             const char *data;                      // locals; zeroed at the start
 *     };
 *
 *     bide_async(load)                               // the body; `my` is its struct load
 *     {
 *             bide_async_begin;
 *             bide_await(bide_delay_ms(1000));       // a failure goes to bide_async_finally
 *             bide_await(my->data, disk_read(my->in.store, my->in.key)); // into my->data
 *             bide_async_return(my->data);
 *     bide_async_finally:
 *             store_unlock(my->in.store);            // every way out passes here, once; may await
 *             bide_async_end;
 *     }
 *
 *     bide_value_task get(struct store *s, int key)  // what others call: an ordinary prototype
 *     {
 *             if (s->have[key])
 *                     return bide_value_task_from(s->slot[key]); // two registers, no frame
 *             return bide_async_start(load, .store = s, .key = key);
 *     }
 *
 * A start runs the body at once, on the caller's stack, up to the first await that is not ready.
 * From there on workers run it (runtime.h). bide_async(7) lists the cases in which a start
 * queues the body instead.
 *
 * With many workers each await that suspends may move the function to another thread. Do not
 * hold a mutex across an await. Do not rely on thread-local state, errno included, from before
 * it.
 *
 * Locals of the body itself are lost at an await: keep in the frame what must survive. The
 * compiler refuses the mistakes of this kind that it can see, and an await inside a `switch` of
 * yours. bide_async(7) lists what the compiler cannot see. Each await must be on a source line
 * of its own. BIDE_COMPUTED_GOTO lifts the limits on `switch` and on lines.
 *
 * An async function borrows its parameters until the await of its value task returns. Frames
 * never move, so &my->member stays valid until then.
 */
#ifndef BIDE_ASYNC_H
#define BIDE_ASYNC_H

#ifdef __cplusplus
#error "bide/async.h is C only: C++ calls async functions through their prototypes"
#endif

#include "async_impl.h"

#ifndef __clang__
#pragma GCC system_header /* errors are shown in the user's file, not in these macros */
#endif

/* The first member of every async function's struct. */
#define BIDE_ASYNC_FRAME bide_frame BIDE_FRAME_MEMBER_
/* The first member for functions that use bide_async_return_owned. */
#define BIDE_ASYNC_FRAME_OWNED     \
	bide_frame BIDE_FRAME_MEMBER_; \
	void (*BIDE_DROP_MEMBER_)(void *)

/*
 * bide_async_declare(name); declares the async function, for a start that stands above the body
 * (mutual recursion).
 */
#define bide_async_declare(name) BIDE_DECLARE_(name)

/*
 * bide_async(name) begins the body of the async function whose frame is struct name.
 * bide_async(name, member) does the same, but `member` and all members after it are not zeroed
 * at the start (large buffers).
 */
#define bide_async(...) BIDE_PICK2_(__VA_ARGS__, BIDE_ASYNC_TO_, BIDE_ASYNC_ALL_, )(__VA_ARGS__)

/*
 * bide_async_start(name, .parameter = value, ...) starts the function and returns its
 * bide_value_task. Parameters that you do not name are zero. It allocates nothing if the body
 * never suspends. If there is no memory for the frame, the value task fails with BIDE_ENOFRAME
 * and none of the body runs.
 */
#define bide_async_start(...) \
	BIDE_PARAMETERS_(BIDE_N_, BIDE_0_, __VA_ARGS__)(#__VA_ARGS__, __VA_ARGS__)
/*
 * bide_async_start_cold(name, .parameter = value, ...) does the same, but queues the function:
 * none of the body runs inside the call, and a worker begins it later. Its value task is always
 * pending at first, and it always takes a frame.
 */
#define bide_async_start_cold(...) \
	BIDE_PARAMETERS_(BIDE_COLD_N_, BIDE_COLD_0_, __VA_ARGS__)(#__VA_ARGS__, __VA_ARGS__)

/*
 * Every async function has three marks: bide_async_begin, bide_async_finally and bide_async_end.
 * If the body runs into the cleanup, the function completes with 0. Variables that are declared
 * between the first two marks are out of scope after bide_async_finally.
 */
#define bide_async_begin BIDE_BEGIN_BODY_
/*
 * bide_async_in(parameter, ...) stands in place of bide_async_begin. It lets the function use
 * those parameters by their own names, also after an await and in the cleanup. The copies are
 * const; a value that changes must be a member of the frame. It takes up to 24 parameters, and
 * no arrays; the others remain my->in.parameter. Each parameter costs what a parameter of an
 * ordinary function costs.
 */
#define bide_async_in(...) BIDE_COPIES_(__VA_ARGS__) bide_async_begin
#define bide_async_finally BIDE_BEGIN_CLEANUP_
#define bide_async_end BIDE_END_BODY_

/*
 * bide_await(awaitable) and bide_await(dst, awaitable) suspend the function until the result is
 * there, and then assign it to dst. They take a value task, which they consume, or a bide_task
 * *, which they do not consume. After a failure the function goes on at bide_async_finally with
 * that error. Inside the cleanup the error is recorded, dst becomes 0, and the cleanup goes on.
 * Cost if the result is there: the call and one comparison.
 */
#define bide_await(...) BIDE_PICK2_(__VA_ARGS__, BIDE_AWAIT_TO_, BIDE_AWAIT_VOID_, )(__VA_ARGS__)

/*
 * bide_await_or(dst, awaitable, action) and bide_await_or(awaitable, action) run `action` after
 * a failure. The action is a statement: break, goto, an assignment, for example. In it
 * bide_await_error is the error number. After a failure dst is unchanged.
 */
#define bide_await_or(...) \
	BIDE_PICK3_(__VA_ARGS__, BIDE_AWAIT_OR_TO_, BIDE_AWAIT_OR_VOID_, , )(__VA_ARGS__)
#define bide_await_error ((int)t_.state)
/*
 * In the action: the failed value task itself. bide_async_return(bide_await_failure) ends the
 * function with its error and keeps its trace (trace.h). bide_async_fail(bide_await_error)
 * begins a new trace.
 */
#define bide_await_failure t_

/*
 * bide_await_large(dst, value_task) awaits a function that ends with bide_async_return_large. It
 * copies sizeof(dst) bytes.
 */
#define bide_await_large(dst, call) BIDE_AWAIT_LARGE_(dst, call, BIDE_SERIAL_)

/*
 * bide_async_return(x) ends the function with the result x and runs the cleanup. x is a number,
 * a pointer, or a value task, which is awaited first. Functions without a result return 0. A
 * pointer into the function's own frame is misuse (EINVAL), because the frame ends with the
 * function: use bide_async_return_large, or memory of the caller.
 */
#define bide_async_return(x) BIDE_ASYNC_RETURN_(x, BIDE_SERIAL_)

/* bide_async_fail(error) ends the function with that error (1 to 4095) and runs the cleanup. */
#define bide_async_fail(error)                                              \
	do {                                                                    \
		if (!bide_async_fail_(frame_, (error), BIDE_TRACE_LINE_(__LINE__))) \
			return BIDE_LATE_RETURN_;                                       \
		goto BIDE_FINALLY_;                                                 \
	} while (0)

/*
 * bide_async_return_large(&my->result) ends the function with a result of any size, which lies
 * in the frame. The consumer awaits it with bide_await_large.
 */
#define bide_async_return_large(at)                  \
	do {                                             \
		if (!bide_frame_return_large_(frame_, (at))) \
			return BIDE_LATE_RETURN_;                \
		goto BIDE_FINALLY_;                          \
	} while (0)

/*
 * bide_async_return_owned(pointer, drop) ends the function with a pointer that it owns. If the
 * cleanup turns the success into a failure, drop(pointer) is called.
 */
#define bide_async_return_owned(pointer, drop_function)                            \
	do {                                                                           \
		if (!bide_frame_return_(frame_, bide_value_task_from_pointer(pointer), 0)) \
			return BIDE_LATE_RETURN_;                                              \
		my->BIDE_DROP_MEMBER_ = (drop_function);                                   \
		bide_flags_add_(&frame_->source, BIDE_FLAG_OWNED_);                        \
		goto BIDE_FINALLY_;                                                        \
	} while (0)

/*
 * In the cleanup: the function's outcome so far, 0 or an error number; and the trace of that
 * error (trace.h).
 */
#define bide_async_error ((int)frame_->source.error)
#define bide_async_trace \
	((bide_trace)(frame_->source.error ? frame_->source.payload.trace : (uint64_t)0))

#endif
