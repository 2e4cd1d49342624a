/*
 * async.h - async functions: ordinary C functions that can wait without holding a thread.
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
 *             bide_await(bide_delay_ms(1000));     // failed? goes to bide_async_finally
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
 * A start runs the body at once, on the caller's stack, up to its first await that is not ready;
 * from there on workers run it (runtime.h; where it is queued from the start: docs/man/man7). With
 * many workers each await that suspends may move it to another thread: no mutex is held across one,
 * and no thread-local variable, errno among them, used on both sides.
 *
 * Locals of the body itself are lost at an await: keep in the frame what must survive. The compiler
 * stops what it can see of this, and an await inside a `switch` of yours;
 * docs/man/man7/bide_async.7 lists what it cannot. Two awaits need two source lines
 * (BIDE_COMPUTED_GOTO lifts both limits).
 *
 * Parameters are borrowed until the await of the value task returns. Frames never move: &my->member
 * is stable.
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

/* First member of every async function's struct. */
#define BIDE_ASYNC_FRAME bide_frame BIDE_FRAME_MEMBER_
/* The same for functions that use bide_async_return_owned. */
#define BIDE_ASYNC_FRAME_OWNED     \
	bide_frame BIDE_FRAME_MEMBER_; \
	void (*BIDE_DROP_MEMBER_)(void *)

/* bide_async_declare(name); before a start that stands above the body (mutual recursion). */
#define bide_async_declare(name) BIDE_DECLARE_(name)

/*
 * bide_async(name): the body of the async function whose frame is struct name. bide_async(name,
 * member): the same, but `member` and all after it are not zeroed at the start (large buffers).
 */
#define bide_async(...) BIDE_PICK2_(__VA_ARGS__, BIDE_ASYNC_TO_, BIDE_ASYNC_ALL_, )(__VA_ARGS__)

/*
 * bide_async_start(name, .parameter = value, ...): starts it; evaluates to its bide_value_task.
 * Parameters that are not named are zero. Result at once, no allocation: if the body never
 * suspends. Failed with BIDE_ENOFRAME: no memory, nothing ran.
 */
#define bide_async_start(...) \
	BIDE_PARAMETERS_(BIDE_N_, BIDE_0_, __VA_ARGS__)(#__VA_ARGS__, __VA_ARGS__)
/*
 * bide_async_start_cold(name, .parameter = value, ...): the same, but queued: nothing of the body
 * runs inside the call, a worker begins it later. Always pending at first, always a frame.
 */
#define bide_async_start_cold(...) \
	BIDE_PARAMETERS_(BIDE_COLD_N_, BIDE_COLD_0_, __VA_ARGS__)(#__VA_ARGS__, __VA_ARGS__)

/*
 * The three marks of every async function. Falling into the cleanup completes with 0. The scope of
 * what is declared between the first two ends at bide_async_finally.
 */
#define bide_async_begin BIDE_BEGIN_BODY_
/*
 * bide_async_in(parameter, ...) in place of bide_async_begin: parameters that may be used by their
 * own names, also behind an await and in the cleanup. They are const; what changes is a member of
 * the frame. No arrays. Up to 24; the others are my->in.parameter. Free.
 */
#define bide_async_in(...) BIDE_COPIES_(__VA_ARGS__) bide_async_begin
#define bide_async_finally BIDE_BEGIN_CLEANUP_
#define bide_async_end BIDE_END_BODY_

/*
 * bide_await(awaitable) and bide_await(dst, awaitable): suspends until the result is there, then
 * assigns it. A failure goes to bide_async_finally with its error; inside the cleanup it is
 * recorded, dst becomes 0, and the cleanup goes on. Cost if the result is there: the call and one
 * comparison. Consumes a value task; a task is not consumed.
 */
#define bide_await(...) BIDE_PICK2_(__VA_ARGS__, BIDE_AWAIT_TO_, BIDE_AWAIT_VOID_, )(__VA_ARGS__)

/*
 * bide_await_or(dst, awaitable, action), bide_await_or(awaitable, action): a failure is handled on
 * the spot by `action` (a statement: break, goto, an assignment...), in which bide_await_error is
 * the error number. dst is unchanged then.
 */
#define bide_await_or(...) \
	BIDE_PICK3_(__VA_ARGS__, BIDE_AWAIT_OR_TO_, BIDE_AWAIT_OR_VOID_, , )(__VA_ARGS__)
#define bide_await_error ((int)t_.state)
/*
 * In the action: the failed value task itself. bide_async_return(bide_await_failure) ends with its
 * error and keeps its trace (trace.h), which bide_async_fail(bide_await_error) begins anew.
 */
#define bide_await_failure t_

/*
 * bide_await_large(dst, value_task): for functions that end with bide_async_return_large; copies
 * sizeof(dst) bytes.
 */
#define bide_await_large(dst, call) BIDE_AWAIT_LARGE_(dst, call, BIDE_SERIAL_)

/*
 * bide_async_return(x): x is a number, a pointer or a value task, which is awaited first. Then the
 * cleanup runs. Plain functions without a result return 0. A pointer into the own frame is misuse
 * (EINVAL): it ends with the function; bide_async_return_large, or memory of the caller's.
 */
#define bide_async_return(x) BIDE_ASYNC_RETURN_(x, BIDE_SERIAL_)

/* bide_async_fail(error): ends with that error (1..4095). */
#define bide_async_fail(error)                                              \
	do {                                                                    \
		if (!bide_async_fail_(frame_, (error), BIDE_TRACE_LINE_(__LINE__))) \
			return BIDE_LATE_RETURN_;                                       \
		goto BIDE_FINALLY_;                                                 \
	} while (0)

/*
 * bide_async_return_large(&my->result): a result of any size, inside the frame; the consumer says
 * bide_await_large.
 */
#define bide_async_return_large(at)                  \
	do {                                             \
		if (!bide_frame_return_large_(frame_, (at))) \
			return BIDE_LATE_RETURN_;                \
		goto BIDE_FINALLY_;                          \
	} while (0)

/*
 * bide_async_return_owned(pointer, drop): if the cleanup turns success into failure, drop(pointer)
 * is called.
 */
#define bide_async_return_owned(pointer, drop_function)                            \
	do {                                                                           \
		if (!bide_frame_return_(frame_, bide_value_task_from_pointer(pointer), 0)) \
			return BIDE_LATE_RETURN_;                                              \
		my->BIDE_DROP_MEMBER_ = (drop_function);                                   \
		bide_flags_add_(&frame_->source, BIDE_FLAG_OWNED_);                        \
		goto BIDE_FINALLY_;                                                        \
	} while (0)

/* In the cleanup: how it ends so far, 0 or an error number; and that error's trace (trace.h). */
#define bide_async_error ((int)frame_->source.error)
#define bide_async_trace \
	((bide_trace)(frame_->source.error ? frame_->source.payload.trace : (uint64_t)0))

#endif
