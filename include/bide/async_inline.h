/*
 * async_inline.h - the inline functions that the code of an async function calls. A call into a
 * shared library would cost more than a start that does not suspend. Users call nothing here.
 */
#ifndef BIDE_ASYNC_INLINE_H
#define BIDE_ASYNC_INLINE_H

#ifdef __cplusplus
#error "bide/async_inline.h is C only: C++ calls async functions through their prototypes"
#endif

#include "fork.h"
#include "frame.h"
#include "task.h"
#include "trace.h"

typedef struct bide_owned_frame {
	bide_frame frame;
	void (*drop)(void *);
} bide_owned_frame;

BIDE_API void bide_async_bad_resume_(bide_frame *frame) __attribute__((noreturn));
BIDE_API bide_body_result bide_frame_step_slow_(bide_frame *frame);
BIDE_API bide_body_result bide_async_late_return_(bide_frame *frame);
BIDE_API void bide_async_bad_large_(bide_frame *frame, const void *result);
BIDE_API bide_value_task bide_async_bad_pointer_(bide_frame *frame, const void *result) BIDE_COLD;
/*
 * An await failed at this line, or a failed value task was returned. Before the cleanup the
 * failure becomes the outcome, and the function returns true: go to the cleanup. In the cleanup
 * the failure only replaces a success. The trace gets one more entry.
 */
BIDE_API bool bide_await_failed_(bide_frame *frame, bide_value_task failed,
                                 uint32_t line) BIDE_COLD;
/* Does what bide_async_fail does. Returns false in the cleanup, where it is misuse. */
BIDE_API bool bide_async_fail_(bide_frame *frame, int error, uint32_t line) BIDE_COLD;

BIDE_INLINE uintptr_t bide_stack_pointer_(void)
{
	uintptr_t pointer;
#if defined(__x86_64__)
	__asm__("mov %%rsp, %0" : "=r"(pointer));
#elif defined(__aarch64__)
	__asm__("mov %0, sp" : "=r"(pointer));
#elif defined(__riscv)
	__asm__("mv %0, sp" : "=r"(pointer));
#else
	pointer = (uintptr_t)__builtin_frame_address(0);
#endif
	return pointer;
}

/*
 * Returns a frame from the pool with its header set: 3 stores. The first suspension sets the
 * word and the generation, and the end of the body sets the payload.
 */
BIDE_INLINE bide_frame *bide_frame_new_(bide_thread_head *head, size_t size_bytes,
                                        const bide_function_info *async, const bide_place *place)
{
	unsigned size_class = bide_class_of_(size_bytes);
	bide_frame *frame;
	uint64_t tail;
	uintptr_t context;

	if (BIDE_UNLIKELY(!head))
		return NULL;
	frame = (bide_frame *)(void *)(size_class == BIDE_CLASS_BIG_
	                                   ? bide_pool_take_big_(size_bytes, place)
	                                   : bide_pool_take_(head, size_class, place));
	if (BIDE_UNLIKELY(!frame))
		return NULL;
	tail = head->frame_tail | (uint64_t)size_class << BIDE_TAIL_KIND_;
	__builtin_memcpy(&frame->source.line, &tail, sizeof tail);
	frame->async = async;
	context = head->current->context;
	BIDE_IN_REGISTER_(context);
	frame->context = context;
	return frame;
}

/* Copies the parameters, and zeroes the rest up to zero_end. All sizes are constants. */
BIDE_INLINE void bide_frame_fill_(void *frame, size_t zero_end, const void *in, size_t offset,
                                  size_t size_bytes)
{
	char *at = (char *)frame;

	if (offset == 0)
		offset = sizeof(bide_frame);
	if (offset > sizeof(bide_frame))
		__builtin_memset(at + sizeof(bide_frame), 0, offset - sizeof(bide_frame));
	if (size_bytes)
		__builtin_memcpy(at + offset, in, size_bytes);
	if (zero_end > offset + size_bytes)
		__builtin_memset(at + offset + size_bytes, 0, zero_end - offset - size_bytes);
}

/*
 * The return macros call these two. They return false in the cleanup, where a return is misuse and
 * ends the cleanup at once, because the cleanup must not run a second time.
 */
BIDE_INLINE bool bide_frame_return_(bide_frame *frame, bide_value_task outcome, uint32_t line)
{
	if (BIDE_UNLIKELY(frame->source.flags & BIDE_FLAG_FINISHING_))
		return false;
	if (BIDE_UNLIKELY(outcome.state != 0))
		return bide_await_failed_(frame, outcome, line);
	/* The error is 0: after a failure the cleanup runs, where a return is refused. */
	frame->source.payload = outcome.payload;
	return true;
}

BIDE_INLINE bool bide_frame_return_large_(bide_frame *frame, const void *result)
{
	if (BIDE_UNLIKELY(frame->source.flags & BIDE_FLAG_FINISHING_))
		return false;
	if (BIDE_UNLIKELY((uintptr_t)result - (uintptr_t)frame >= frame->async->frame_bytes)) {
		bide_async_bad_large_(frame, result);
		return true;
	}
	bide_flags_add_(&frame->source, BIDE_FLAG_LARGE_);
	frame->source.payload.p = (void *)(uintptr_t)result;
	return true;
}

/*
 * Enters the cleanup, which hides the ambient cancellation from what the cleanup starts and
 * awaits.
 */
BIDE_INLINE void bide_frame_clean_up_(bide_frame *frame)
{
	bide_flags_add_(&frame->source, BIDE_FLAG_FINISHING_);
	if (frame->context)
		frame->context |= BIDE_CONTEXT_MASKED_;
}

BIDE_INLINE bide_body_result bide_frame_step_(bide_frame *frame)
{
	bide_body_result step;
	if (BIDE_UNLIKELY(frame->source.flags & (BIDE_FLAG_LARGE_ | BIDE_FLAG_HAS_CONTEXT_REF_)))
		return bide_frame_step_slow_(frame);
	step.payload = frame->source.payload;
	step.state = frame->source.error;
	return step;
}

/*
 * Runs a new frame on the caller's stack, and returns its value task. It is inlined with its
 * body known, so that a ready path is one call.
 */
BIDE_INLINE bide_value_task bide_frame_started_(bide_thread_head *head, bide_frame *frame,
                                                bide_body_result step, size_t size_bytes)
{
	bide_value_task v;

	BIDE_IN_REGISTER_(step.payload.i);
	BIDE_IN_REGISTER_(step.state);
	if (BIDE_LIKELY(step.state <= BIDE_ERROR_MAX)) {
		bide_pool_give_(head, &frame->source, bide_class_of_(size_bytes)); /* a constant */
		v.payload = step.payload;
		v.state = step.state;
		return v;
	}
	if (BIDE_UNLIKELY(step.state == BIDE_RESULT_IN_FRAME_))
		return bide_start_kept_(head, frame, step);
	/* The frame stays until the caller, its consumer, takes the result. */
	v.payload.generation = frame->source.generation;
	v.state = (uintptr_t)frame;
	return v;
}

/*
 * What bide_await does with a bide_task *: bide_task_await, but a result that is there costs no
 * call. A task begins with a source. With an error, or for an operation, the task is marked as
 * seen, which the call does.
 */
BIDE_INLINE bide_value_task bide_awaitable_task_(const void *at)
{
	bide_task *task = *(bide_task *const *)at;
	const bide_source *source = (const bide_source *)(const void *)task;
	bide_value_task v;

	/* pairs with bide_source_finish_ */
	if (BIDE_UNLIKELY(!source || !bide_word_is_done_(BIDE_LOAD(&source->word, ACQUIRE)) ||
	                  source->error != 0 || bide_kind_of_(source->kind) == BIDE_KIND_OPERATION_))
		return bide_task_await(task);
	v.payload = source->payload;
	v.state = 0;
	return v;
}

/*
 * Added to the line of a return that waits for its value task. All such returns of a function
 * share one resume point.
 */
#define BIDE_LINE_IS_RETURN_ 0x40000000u

/* In place of a line: the trace takes the line of such a return from the frame. */
#define BIDE_LINE_OF_FRAME_ 0xFFFFFFFFu
#define BIDE_RESUMED_LINE_ BIDE_TRACE_LINE_(BIDE_LINE_OF_FRAME_)

/* Resumes at a point without an await. That is a return that was waiting, or a fault. */
BIDE_INLINE bide_value_task bide_resume_return_(bide_frame *frame)
{
	if (!(frame->source.line & BIDE_LINE_IS_RETURN_))
		bide_async_bad_resume_(frame);
	return bide_await_take_outlined_(frame);
}

#endif
