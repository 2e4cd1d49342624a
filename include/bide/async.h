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

#include "fork.h"
#include "frame.h"
#include "task.h"
#include "trace.h"

/* First member of every async function's struct. */
#define BIDE_ASYNC_FRAME bide_frame bide_frame_
/* The same for functions that use bide_async_return_owned. */
#define BIDE_ASYNC_FRAME_OWNED \
	bide_frame bide_frame_;    \
	void (*bide_drop_)(void *)

typedef struct bide_owned_frame {
	bide_frame frame;
	void (*drop)(void *);
} bide_owned_frame;

BIDE_API void bide_async_bad_resume_(bide_frame *frame) __attribute__((noreturn));
BIDE_API bide_step bide_frame_step_slow_(bide_frame *frame);
BIDE_API bide_step bide_async_late_return_(bide_frame *frame);
BIDE_API void bide_async_bad_large_(bide_frame *frame, const void *result);
/*
 * A failed await, or return of what failed, at this line. Before the cleanup it decides the
 * outcome (true: go there); in it, it only replaces a success. The trace has one entry more.
 */
BIDE_API bool bide_await_failed_(bide_frame *frame, bide_value_task failed,
                                 uint32_t line) BIDE_COLD;
/* bide_async_fail. false: in the cleanup, where it is misuse. */
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
 * A frame from the pool, its header set: 5 stores. The word and the generation follow at the first
 * suspension.
 */
BIDE_INLINE bide_frame *bide_frame_new_(bide_worker *worker, size_t size_bytes,
                                        const bide_async *async, const bide_place *place)
{
	unsigned size_class = bide_class_of_(size_bytes);
	bide_frame *frame;
	uint64_t tail;

	if (BIDE_UNLIKELY(!worker))
		return NULL;
	frame = (bide_frame *)(void *)(size_class == BIDE_CLASS_BIG_
	                                   ? bide_pool_take_big_(size_bytes, place)
	                                   : bide_pool_take_(worker, size_class, place));
	if (BIDE_UNLIKELY(!frame))
		return NULL;
	frame->source.payload.i = 0;
	tail = worker->frame_tail | (uint64_t)size_class << BIDE_TAIL_KIND_;
	__builtin_memcpy(&frame->source.line, &tail, sizeof tail);
	frame->async = async;
	frame->context = worker->current->context;
	return frame;
}

/* Copies the parameters and zeroes the rest up to zero_end; all sizes are constants. */
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
 * The returns: false in the cleanup, where they are misuse and end it on the spot (it must not run
 * a second time).
 */
BIDE_INLINE bool bide_frame_return_(bide_frame *frame, bide_value_task outcome, uint32_t line)
{
	if (BIDE_UNLIKELY(frame->source.flags & BIDE_FLAG_FINISHING_))
		return false;
	if (BIDE_UNLIKELY(outcome.state != 0))
		return bide_await_failed_(frame, outcome, line);
	frame->source.payload = outcome.payload;
	frame->source.error = 0;
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
	frame->source.error = 0;
	return true;
}

/* Entering the cleanup: the ambient cancellation is hidden from what it starts and awaits. */
BIDE_INLINE void bide_frame_clean_up_(bide_frame *frame)
{
	bide_flags_add_(&frame->source, BIDE_FLAG_FINISHING_);
	if (frame->context)
		frame->context |= BIDE_CONTEXT_MASKED_;
}

BIDE_INLINE bide_step bide_frame_step_(bide_frame *frame)
{
	bide_step step;
	if (BIDE_UNLIKELY(frame->source.flags & (BIDE_FLAG_LARGE_ | BIDE_FLAG_HELD_)))
		return bide_frame_step_slow_(frame);
	step.payload = frame->source.payload;
	step.state = frame->source.error;
	return step;
}

/*
 * Runs a new frame hot, and hands out what it gave. Inlined with its body known, so that a ready
 * path is one call.
 */
BIDE_INLINE bide_value_task bide_frame_started_(bide_worker *worker, bide_frame *frame,
                                                bide_step step, size_t size_bytes)
{
	bide_value_task v;

	BIDE_IN_REGISTER_(step.payload.i);
	BIDE_IN_REGISTER_(step.state);
	if (BIDE_LIKELY(step.state <= BIDE_ERROR_MAX)) {
		bide_pool_give_(worker, &frame->source, bide_class_of_(size_bytes)); /* a constant */
		v.payload = step.payload;
		v.state = step.state;
		return v;
	}
	if (BIDE_UNLIKELY(step.state == BIDE_KEPT_))
		return bide_start_kept_(worker, frame, step);
	/* stays until the consumer, our caller, takes the result */
	v.payload.generation = frame->source.generation;
	v.state = (uintptr_t)frame;
	return v;
}

/*
 * Added to the line of a return that waits for its value task: all of a function share one resume
 * point.
 */
#define BIDE_MARK_RETURN_ 0x40000000u

/* Such a return's line, for its trace: the frame knows it. */
#define BIDE_LINE_OF_FRAME_ 0xFFFFFFFFu
#define BIDE_RESUMED_LINE_ BIDE_TRACE_LINE_(BIDE_LINE_OF_FRAME_)

/* Resumed where no await stands: at a return that was waiting, or nowhere. */
BIDE_INLINE bide_value_task bide_resume_return_(bide_frame *frame)
{
	if (!(frame->source.line & BIDE_MARK_RETURN_))
		bide_async_bad_resume_(frame);
	return bide_await_take_apart_(frame);
}

/*
 * Compile-time guards; they open before the function because clang decides there what to analyse.
 */
#define BIDE_PRAGMA_(x) _Pragma(#x)
#if defined(__clang__)
#define BIDE_GUARD_                                                    \
	BIDE_PRAGMA_(clang diagnostic push)                                \
	BIDE_PRAGMA_(clang diagnostic error "-Wswitch")                    \
	BIDE_PRAGMA_(clang diagnostic error "-Wsometimes-uninitialized")   \
	BIDE_PRAGMA_(clang diagnostic error "-Wconditional-uninitialized") \
	BIDE_PRAGMA_(clang diagnostic ignored "-Wgnu-label-as-value")      \
	BIDE_PRAGMA_(clang diagnostic ignored "-Wdangling-else")
#define BIDE_UNGUARD_ BIDE_PRAGMA_(clang diagnostic pop)
#else
#define BIDE_GUARD_                                            \
	BIDE_PRAGMA_(GCC diagnostic push)                          \
	BIDE_PRAGMA_(GCC diagnostic error "-Woverflow")            \
	BIDE_PRAGMA_(GCC diagnostic error "-Wjump-misses-init")    \
	BIDE_PRAGMA_(GCC diagnostic error "-Wmaybe-uninitialized") \
	BIDE_PRAGMA_(GCC diagnostic error "-Wreturn-type")         \
	BIDE_GUARD_GOTO_                                           \
	BIDE_PRAGMA_(GCC diagnostic ignored "-Wdangling-else")
#define BIDE_UNGUARD_ BIDE_PRAGMA_(GCC diagnostic pop)
#ifdef BIDE_COMPUTED_GOTO
#define BIDE_GUARD_GOTO_ BIDE_PRAGMA_(GCC diagnostic ignored "-Wpedantic")
#else
#define BIDE_GUARD_GOTO_
#endif
#endif

/* bide_async_declare(name); before a start that stands above the body (mutual recursion). */
#define bide_async_declare(name)          \
	BIDE_BEGIN_PROTOTYPE_(name##_begin_); \
	BIDE_BEGIN_PROTOTYPE_(name##_cold_)
#define BIDE_BEGIN_PROTOTYPE_(begin)                                                          \
	BIDE_UNUSED BIDE_USE_RESULT static bide_value_task begin(const void *in_, size_t offset_, \
	                                                         size_t size_bytes_,              \
	                                                         const bide_place *place_)

/* The library's own functions define it; those of users are not the library's. */
#ifndef BIDE_OWN_
#define BIDE_OWN_(name) NULL
#endif

/*
 * bide_async(name): the body of the async function whose frame is struct name. bide_async(name,
 * member): the same, but `member` and all after it are not zeroed at the start (large buffers).
 */
#define bide_async(...) BIDE_PICK2_(__VA_ARGS__, BIDE_ASYNC_TO_, BIDE_ASYNC_ALL_, )(__VA_ARGS__)
#define BIDE_PICK2_(_1, _2, pick, ...) pick
#define BIDE_ASYNC_ALL_(name) BIDE_ASYNC_(name, sizeof(struct name))
#define BIDE_ASYNC_TO_(name, member) BIDE_ASYNC_(name, offsetof(struct name, member))
#define BIDE_ASYNC_(name, zero_end)                                                           \
	BIDE_STATIC_ASSERT(offsetof(struct name, bide_frame_) == 0,                               \
	                   "BIDE_ASYNC_FRAME must be the first member");                          \
	BIDE_STATIC_ASSERT(_Alignof(struct name) <= 16,                                           \
	                   "a frame's members may ask for 16-byte alignment at the most");        \
	static bide_step name##_body_(struct name *my);                                           \
	static bide_step name##_resume_(bide_frame *frame_)                                       \
	{                                                                                         \
		return name##_body_((struct name *)(void *)frame_);                                   \
	}                                                                                         \
	static const bide_async name##_async_ = {                                                 \
		name##_resume_,         #name,          __FILE__, __LINE__, sizeof(struct name),      \
		BIDE_POINTS_ARE_LINES_, BIDE_OWN_(name)                                               \
	};                                                                                        \
	bide_async_declare(name);                                                                 \
	static inline bide_value_task name##_begin_(const void *in_, size_t offset_,              \
	                                            size_t size_bytes_, const bide_place *place_) \
	{                                                                                         \
		bide_worker *worker_ = bide_worker_();                                                \
		bide_frame *frame_ =                                                                  \
			bide_frame_new_(worker_, sizeof(struct name), &name##_async_, place_);            \
		bide_frame *parent_;                                                                  \
		bide_step step_;                                                                      \
		if (BIDE_UNLIKELY(!frame_))                                                           \
			return bide_start_failed_(&name##_async_);                                        \
		bide_frame_fill_(frame_, (zero_end), in_, offset_, size_bytes_);                      \
		if (BIDE_UNLIKELY(bide_stack_pointer_() < worker_->stack_limit) ||                    \
		    (BIDE_FORKS_((struct name *)0) && BIDE_UNLIKELY(worker_->deque.foreign)))         \
			return bide_start_cold_(worker_, frame_);                                         \
		parent_ = worker_->current;                                                           \
		worker_->current = frame_;                                                            \
		step_ = name##_body_((struct name *)(void *)frame_);                                  \
		worker_->current = parent_;                                                           \
		return bide_frame_started_(worker_, frame_, step_, sizeof(struct name));              \
	}                                                                                         \
	static inline bide_value_task name##_cold_(const void *in_, size_t offset_,               \
	                                           size_t size_bytes_, const bide_place *place_)  \
	{                                                                                         \
		bide_worker *worker_ = bide_worker_();                                                \
		bide_frame *frame_ =                                                                  \
			bide_frame_new_(worker_, sizeof(struct name), &name##_async_, place_);            \
		if (BIDE_UNLIKELY(!frame_))                                                           \
			return bide_start_failed_(&name##_async_);                                        \
		bide_frame_fill_(frame_, (zero_end), in_, offset_, size_bytes_);                      \
		return bide_start_cold_(worker_, frame_);                                             \
	}                                                                                         \
	BIDE_GUARD_ static bide_step name##_body_(struct name *my)

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
/* n if there is more than one argument, else one. */
#define BIDE_PARAMETERS_(n, one, ...)                                                              \
	BIDE_PICK40_(__VA_ARGS__, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, \
	             n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, one, )
#define BIDE_PICK40_(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17, \
                     _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29, _30, _31, _32,  \
                     _33, _34, _35, _36, _37, _38, _39, _40, pick, ...)                          \
	pick
/* The first parameter is named. text: the arguments, as they are written. */
#define BIDE_CHECK_NAMED_(text)                                                                 \
	__extension__({                                                                             \
		_Static_assert(__builtin_memcmp(__builtin_strchr(text, ',') + 1, ".", 1) == 0 ||        \
		                   __builtin_memcmp(__builtin_strchr(text, ',') + 1, " .", 2) == 0,     \
		               "parameters are named: bide_async_start(function, .parameter = value)"); \
	})
#define BIDE_0_(text, name) name##_begin_(NULL, 0, 0, BIDE_HERE_)
#define BIDE_N_(text, name, ...)                                         \
	(BIDE_CHECK_NAMED_(text),                                            \
	 name##_begin_(&(__typeof__(((struct name *)0)->in)){ __VA_ARGS__ }, \
	               offsetof(struct name, in), sizeof(((struct name *)0)->in), BIDE_HERE_))
#define BIDE_COLD_0_(text, name) name##_cold_(NULL, 0, 0, BIDE_HERE_)
#define BIDE_COLD_N_(text, name, ...)                                                              \
	(BIDE_CHECK_NAMED_(text),                                                                      \
	 name##_cold_(&(__typeof__(((struct name *)0)->in)){ __VA_ARGS__ }, offsetof(struct name, in), \
	              sizeof(((struct name *)0)->in), BIDE_HERE_))

/* An awaitable is a value task, a typed one, or a bide_task *. */
BIDE_INLINE bide_value_task bide_awaitable_task_(const void *at)
{
	return bide_task_await(*(bide_task *const *)at);
}
#define BIDE_ERASED_(call)                                                                         \
	__builtin_choose_expr(__builtin_types_compatible_p(__typeof__(call), bide_value_task), (call), \
	                      _Generic((call), bide_task *                                             \
	                               : bide_awaitable_task_, default                                 \
	                               : bide_awaitable_value_)(                                       \
							  (const void *)(__typeof__(call)[1]){ (call) }))
#define BIDE_CHECK_AWAITABLE_(call)                                                               \
	__typeof__(((void)0, (call))) *given_ = NULL;                                                 \
	__typeof__(*BIDE_IF_VOID_CHAR_(given_)) *awaited_ = NULL;                                     \
	_Static_assert(BIDE_LOOKS_LIKE_VALUE_TASK_(*awaited_) ||                                      \
	                   __builtin_types_compatible_p(__typeof__(*given_), bide_task *),            \
	               "bide_await takes a value task or a bide_task *, and this is neither: is the " \
	               "function that is called declared?")
/* type_ belongs to a value task: a union of the user's has none. */
#define BIDE_AWAITABLE_(call)                                        \
	(__extension__({                                                 \
		 BIDE_CHECK_AWAITABLE_(call);                                \
		 (void)sizeof(__typeof__(BIDE_TYPE_OF_RESULT_(awaited_)) *); \
	 }),                                                             \
	 BIDE_ERASED_(call))
#define BIDE_AWAITABLE_TO_(dst, call)                                                              \
	(__extension__({                                                                               \
		 BIDE_CHECK_AWAITABLE_(call);                                                              \
		 _Static_assert(                                                                           \
			 __builtin_types_compatible_p(BIDE_TYPE_OF_RESULT_(awaited_), struct bide_untyped_) || \
				 __builtin_types_compatible_p(BIDE_TYPE_OF_RESULT_(awaited_), __typeof__(dst)),    \
			 "the destination of this await has another type than the value task delivers");       \
	 }),                                                                                           \
	 BIDE_ERASED_(call))

/*
 * Functions that fork: before the cleanup, and at its end, what is still live is joined. If that
 * has to wait, it goes on where returns do. Others pay nothing: BIDE_FORKS_ is a constant.
 */
#define BIDE_SETTLE_POINT_ BIDE_POINT_RETURN_(BIDE_SERIAL_)
#define BIDE_HAS_FORKS_ \
	(BIDE_FORKS_(my) && BIDE_UNLIKELY(((bide_forking_frame *)(void *)frame_)->newest))
#define BIDE_RESUME_SETTLING_                                                    \
	if (BIDE_HAS_FORKS_ &&                                                       \
	    ((bide_forking_frame *)(void *)frame_)->newest & BIDE_FORKS_SETTLING_) { \
		if (frame_->source.flags & BIDE_FLAG_FINISHING_)                         \
			return bide_fork_end_(frame_, BIDE_SETTLE_POINT_);                   \
		goto bide_finally_;                                                      \
	}
#define BIDE_LATE_RETURN_                                                \
	BIDE_FORKS_(my) ? bide_fork_late_return_(frame_, BIDE_SETTLE_POINT_) \
					: bide_async_late_return_(frame_)

#ifdef BIDE_COMPUTED_GOTO
#define BIDE_POINT_(n) \
	__extension__(     \
		(uint32_t)((const char *)&&BIDE_CAT_(bide_resume_, n) - (const char *)&&bide_base_))
#define BIDE_RESUME_(n) BIDE_CAT_(bide_resume_, n)
#define BIDE_ENTER_                                                                       \
	if (frame_->source.line != 0)                                                         \
		goto *__extension__(void *)((char *)&&bide_base_ + (int32_t)frame_->source.line); \
bide_base_:;                                                                              \
	if (0) {                                                                              \
bide_resume_return_point_:                                                                \
		BIDE_UNUSED;                                                                      \
		BIDE_RESUME_SETTLING_                                                             \
		t_ = bide_await_take_apart_(frame_);                                              \
		if (!bide_frame_return_(frame_, t_, BIDE_RESUMED_LINE_))                          \
			return BIDE_LATE_RETURN_;                                                     \
		goto bide_finally_;                                                               \
	}                                                                                     \
	{
#define BIDE_POINT_RETURN_(n) \
	__extension__(            \
		(uint32_t)((const char *)&&bide_resume_return_point_ - (const char *)&&bide_base_))
#define BIDE_POINTS_ARE_LINES_ false
#define BIDE_SERIAL_ __COUNTER__
#else
/* does not fit the user's own switch: caught when compiled */
#define BIDE_CASE_(point) (0x100000000LL + (point))
#define BIDE_POINT_(n) (n)
#define BIDE_RESUME_(n) case BIDE_CASE_(n)
#define BIDE_ENTER_                                              \
	switch (BIDE_CASE_(frame_->source.line)) {                   \
	default:                                                     \
		BIDE_RESUME_SETTLING_                                    \
		t_ = bide_resume_return_(frame_);                        \
		if (!bide_frame_return_(frame_, t_, BIDE_RESUMED_LINE_)) \
			return BIDE_LATE_RETURN_;                            \
		goto bide_finally_;                                      \
	case BIDE_CASE_(0):;
#define BIDE_POINT_RETURN_(n) (BIDE_MARK_RETURN_ + (n))
#define BIDE_POINTS_ARE_LINES_ true
#define BIDE_SERIAL_ __LINE__
#endif
/*
 * The three marks of every async function. Falling into the cleanup completes with 0. The
 * enumerator is what the compiler names where an await is anywhere else.
 */
#define bide_async_begin                                 \
	enum { await_stands_behind_async_begin_ };           \
	bide_frame *const frame_ = (bide_frame *)(void *)my; \
	BIDE_UNUSED bide_value_task t_;                      \
	if (0)                                               \
		goto bide_finally_;                              \
	BIDE_ENTER_
#define bide_async_finally                                                \
bide_finally_:                                                            \
	if (BIDE_HAS_FORKS_ && bide_fork_settle_(frame_, BIDE_SETTLE_POINT_)) \
		return (bide_step){ .state = BIDE_SUSPENDED_ };                   \
	bide_frame_clean_up_(frame_);                                         \
	goto bide_finally_body_;                                              \
	bide_finally_body_
#define bide_async_end                                     \
	if (BIDE_HAS_FORKS_)                                   \
		return bide_fork_end_(frame_, BIDE_SETTLE_POINT_); \
	return bide_frame_step_(frame_);                       \
	}                                                      \
	BIDE_UNGUARD_ __builtin_unreachable()

/*
 * One if/else chain without a hidden loop: `break` and `continue` in an action leave the user's
 * loop.
 */
#define BIDE_AWAIT_(awaitable, n)                                                                  \
	if ((void)await_stands_behind_async_begin_, t_ = (awaitable),                                  \
	    BIDE_UNLIKELY(t_.state != 0) && t_.state > BIDE_ERROR_MAX &&                               \
	        (t_ = bide_await_pending_(frame_, t_, BIDE_POINT_(n)), t_.state == BIDE_SUSPENDED_)) { \
		return (bide_step){ .state = BIDE_SUSPENDED_ };                                            \
		BIDE_RESUME_(n) : t_ = bide_await_take_(frame_);                                           \
		goto BIDE_CAT_(bide_got_, n);                                                              \
	} else                                                                                         \
		BIDE_CAT_(bide_got_, n) :
#define BIDE_ASSIGN_(dst)                                     \
	(dst) = (__typeof__(dst))_Generic((dst), float            \
	                                  : t_.payload.d, double  \
	                                  : t_.payload.d, default \
	                                  : t_.payload.i)

/*
 * bide_await(awaitable) and bide_await(dst, awaitable): suspends until the result is there, then
 * assigns it. A failure goes to bide_async_finally with its error; inside the cleanup it is
 * recorded, dst becomes 0, and the cleanup goes on. Cost if the result is there: the call and one
 * comparison. Consumes a value task; a task is not consumed.
 */
#define bide_await(...) BIDE_PICK2_(__VA_ARGS__, BIDE_AWAIT_TO_, BIDE_AWAIT_VOID_, )(__VA_ARGS__)
#define BIDE_AWAIT_VOID_(call) BIDE_AWAIT_VOID2_(call, BIDE_SERIAL_)
#define BIDE_AWAIT_TO_(dst, call) BIDE_AWAIT_TO2_(dst, call, BIDE_SERIAL_)
#define BIDE_AWAIT_VOID2_(call, n)                                      \
	BIDE_AWAIT_(BIDE_AWAITABLE_(call), n)                               \
	if (BIDE_UNLIKELY(t_.state)) {                                      \
		if (bide_await_failed_(frame_, t_, BIDE_TRACE_LINE_(__LINE__))) \
			goto bide_finally_;                                         \
	} else                                                              \
		((void)0)
#define BIDE_AWAIT_TO2_(dst, call, n)                                   \
	BIDE_AWAIT_(BIDE_AWAITABLE_TO_(dst, call), n)                       \
	if (BIDE_UNLIKELY(t_.state)) {                                      \
		if (bide_await_failed_(frame_, t_, BIDE_TRACE_LINE_(__LINE__))) \
			goto bide_finally_;                                         \
		(dst) = (__typeof__(dst))0;                                     \
	} else                                                              \
		BIDE_ASSIGN_(dst)

/*
 * bide_await_or(dst, awaitable, action), bide_await_or(awaitable, action): a failure is handled on
 * the spot by `action` (a statement: break, goto, an assignment...), in which bide_await_error is
 * the error number. dst is unchanged then.
 */
#define bide_await_or(...) \
	BIDE_PICK3_(__VA_ARGS__, BIDE_AWAIT_OR_TO_, BIDE_AWAIT_OR_VOID_, , )(__VA_ARGS__)
#define BIDE_PICK3_(_1, _2, _3, pick, ...) pick
#define BIDE_AWAIT_OR_TO_(dst, call, action) BIDE_AWAIT_OR_TO2_(dst, call, action, BIDE_SERIAL_)
#define BIDE_AWAIT_OR_VOID_(call, action) BIDE_AWAIT_OR_VOID2_(call, action, BIDE_SERIAL_)
#define BIDE_AWAIT_OR_TO2_(dst, call, action, n)  \
	BIDE_AWAIT_(BIDE_AWAITABLE_TO_(dst, call), n) \
	if (BIDE_UNLIKELY(t_.state)) {                \
		action;                                   \
	} else                                        \
		BIDE_ASSIGN_(dst)
#define BIDE_AWAIT_OR_VOID2_(call, action, n) \
	BIDE_AWAIT_(BIDE_AWAITABLE_(call), n)     \
	if (BIDE_UNLIKELY(t_.state)) {            \
		action;                               \
	} else                                    \
		((void)0)
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
#define BIDE_AWAIT_LARGE_(dst, call, n)                                         \
	if (t_ = bide_await_large_(frame_, BIDE_AWAITABLE_(call), BIDE_POINT_(n)),  \
	    BIDE_UNLIKELY(t_.state == BIDE_SUSPENDED_)) {                           \
		return (bide_step){ .state = BIDE_SUSPENDED_ };                         \
		BIDE_RESUME_(n) : t_ = bide_await_large_(frame_, bide_suspended_(), 0); \
		goto BIDE_CAT_(bide_got_, n);                                           \
	} else                                                                      \
		BIDE_CAT_(bide_got_, n) : if (BIDE_UNLIKELY(t_.state))                  \
		{                                                                       \
			if (bide_await_failed_(frame_, t_, BIDE_TRACE_LINE_(__LINE__)))     \
				goto bide_finally_;                                             \
		}                                                                       \
	else bide_await_large_take_(frame_, &(dst), sizeof(dst), t_)

/*
 * bide_async_return(x): x is a number, a pointer or a value task, which is awaited first. Then the
 * cleanup runs. Plain functions without a result return 0.
 */
#define bide_async_return(x) BIDE_ASYNC_RETURN_(x, BIDE_SERIAL_)
#define BIDE_CHECK_RETURN_(x)                                                                  \
	__extension__({                                                                            \
		_Static_assert(!__builtin_types_compatible_p(__typeof__(((void)0, (x))), bide_task *), \
		               "bide_async_return of a bide_task * would hand out the pointer: await " \
		               "it, or return bide_task_await(task)");                                 \
	})
#define BIDE_ASYNC_RETURN_(x, n)                                              \
	do {                                                                      \
		if (BIDE_CHECK_RETURN_(x), t_ = bide_value_task_from(x),              \
		    BIDE_UNLIKELY(t_.state > BIDE_ERROR_MAX) &&                       \
		        (t_ = bide_await_pending_(frame_, t_, BIDE_POINT_RETURN_(n)), \
		         t_.state == BIDE_SUSPENDED_))                                \
			return (bide_step){ .state = BIDE_SUSPENDED_ };                   \
		if (!bide_frame_return_(frame_, t_, BIDE_TRACE_LINE_(__LINE__)))      \
			return BIDE_LATE_RETURN_;                                         \
		goto bide_finally_;                                                   \
	} while (0)

/* bide_async_fail(error): ends with that error (1..4095). */
#define bide_async_fail(error)                                              \
	do {                                                                    \
		if (!bide_async_fail_(frame_, (error), BIDE_TRACE_LINE_(__LINE__))) \
			return BIDE_LATE_RETURN_;                                       \
		goto bide_finally_;                                                 \
	} while (0)

/*
 * bide_async_return_large(&my->result): a result of any size, inside the frame; the consumer says
 * bide_await_large.
 */
#define bide_async_return_large(at)                  \
	do {                                             \
		if (!bide_frame_return_large_(frame_, (at))) \
			return BIDE_LATE_RETURN_;                \
		goto bide_finally_;                          \
	} while (0)

/*
 * bide_async_return_owned(pointer, drop): if the cleanup turns success into failure, drop(pointer)
 * is called.
 */
#define bide_async_return_owned(pointer, drop_function)                            \
	do {                                                                           \
		if (!bide_frame_return_(frame_, bide_value_task_from_pointer(pointer), 0)) \
			return BIDE_LATE_RETURN_;                                              \
		my->bide_drop_ = (drop_function);                                          \
		bide_flags_add_(&frame_->source, BIDE_FLAG_OWNED_);                        \
		goto bide_finally_;                                                        \
	} while (0)

/* In the cleanup: how it ends so far, 0 or an error number; and that error's trace (trace.h). */
#define bide_async_error ((int)frame_->source.error)
#define bide_async_trace \
	((bide_trace)(frame_->source.error ? frame_->source.payload.trace : (uint64_t)0))

#endif
