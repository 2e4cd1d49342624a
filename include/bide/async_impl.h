/*
 * async_impl.h - what the macros of async.h are made of. Nothing here is called by users.
 *
 * A body is one function with one switch over the resume point. Every await holds a case label,
 * which is its line; a resume jumps there. The names of labels and enumerators here are sentences,
 * because the compiler shows them where a rule is broken.
 */
#ifndef BIDE_ASYNC_IMPL_H
#define BIDE_ASYNC_IMPL_H

#ifdef __cplusplus
#error "bide/async_impl.h is C only: C++ calls async functions through their prototypes"
#endif

#include "async_inline.h"

#if defined(__clang__)
/* An await calls this, which is an error outside of a body. A body declares the name anew. */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wgcc-compat"
int bide_await_stands_in_a_body_(void) __attribute__((diagnose_if(
	1, "await stands only in an async function, between async_begin and async_end", "warning")));
#pragma clang diagnostic pop
#else
#ifndef BIDE_COMPUTED_GOTO
/* Above the pragma, since gcc is silent about labels of a system header that jump over a local. */
#define BIDE_CASE_(point) (0x100000000LL + (point)) /* an error in a switch over 32 bits */
#define BIDE_RESUME_(n) \
	case BIDE_CASE_(n): /* a local? braces { } around it; overflow? no await in a switch */
#endif
/* From here on errors are shown in the user's file alone, without the macros in between. */
#pragma GCC system_header
#endif
/* Does the same as BIDE_CAT_, below the pragma. */
#define BIDE_JOIN2_(a, b) a##b
#define BIDE_JOIN_(a, b) BIDE_JOIN2_(a, b)

struct bide_generator;
/* What the function is whose struct this is, at compile time. A generator: generator.h. */
#define BIDE_AWAITS_ 0
#define BIDE_FORKS_ 1
#define BIDE_GENERATES_ 2
#define BIDE_KIND_(my)                                       \
	_Generic(&(my)->BIDE_FRAME_MEMBER_, bide_forking_frame * \
	         : BIDE_FORKS_, struct bide_generator *          \
	         : BIDE_GENERATES_, default                      \
	         : BIDE_AWAITS_)

/* Compile-time guards. They open before the function, where clang decides what to analyse. */
#define BIDE_PRAGMA_(x) _Pragma(#x)
#if defined(__clang__)
#define BIDE_GUARD_                                                    \
	BIDE_PRAGMA_(clang diagnostic push)                                \
	BIDE_PRAGMA_(clang diagnostic error "-Wsometimes-uninitialized")   \
	BIDE_PRAGMA_(clang diagnostic error "-Wconditional-uninitialized") \
	BIDE_PRAGMA_(clang diagnostic ignored "-Wgnu-label-as-value")      \
	BIDE_GUARD_GOTO_                                                   \
	BIDE_PRAGMA_(clang diagnostic ignored "-Wdangling-else")
#define BIDE_UNGUARD_ BIDE_PRAGMA_(clang diagnostic pop)
#if defined(BIDE_COMPUTED_GOTO) && __clang_major__ >= 22
#define BIDE_GUARD_GOTO_ /* __COUNTER__ */ BIDE_PRAGMA_(clang diagnostic ignored "-Wc2y-extensions")
#else
#define BIDE_GUARD_GOTO_
#endif
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

/*
 * A start uses this name first. It is the error message if neither body nor declaration stands
 * above.
 */
#define BIDE_DECLARED_(name) name##_starts_above_its_body__write_async_declare_before_
#define BIDE_DECLARE_(name)                                  \
	extern BIDE_INTERNAL const char BIDE_DECLARED_(name)[1]; \
	BIDE_BEGIN_PROTOTYPE_(name##_begin_);                    \
	BIDE_BEGIN_PROTOTYPE_(name##_cold_)
#define BIDE_BEGIN_PROTOTYPE_(begin)                                                          \
	BIDE_UNUSED BIDE_USE_RESULT static bide_value_task begin(const void *in_, size_t offset_, \
	                                                         size_t size_bytes_,              \
	                                                         const bide_place *place_)

/*
 * Checks that the struct exists. clang stops at once if it does not: one error instead of a
 * hundred.
 */
#if defined(__clang__)
#define BIDE_CHECK_STRUCT_(name)                                                                \
	typedef struct name struct_##name##_must_be_defined_above_the_async_function;               \
	BIDE_PRAGMA_(clang diagnostic push)                                                         \
	BIDE_PRAGMA_(clang diagnostic fatal "-Wtentative-definition-incomplete-type")               \
	BIDE_UNUSED static struct_##name##_must_be_defined_above_the_async_function name##_struct_; \
	BIDE_PRAGMA_(clang diagnostic pop)
#else
#define BIDE_CHECK_STRUCT_(name) \
	typedef struct name struct_##name##_must_be_defined_above_the_async_function;
#endif
/* Sources of the library with async functions of its own define this (src/base/own.h). */
#ifndef BIDE_OWN_
#define BIDE_OWN_(name) NULL
#endif

#define BIDE_PICK2_(_1, _2, pick, ...) pick
#define BIDE_ASYNC_ALL_(name) BIDE_ASYNC_(name, (size_t)name##_frame_bytes_)
#define BIDE_ASYNC_TO_(name, member) BIDE_ASYNC_(name, offsetof(struct name, member))
/* point_: where the body goes on. A start passes the constant 0, so it inlines no resume. */
#define BIDE_ASYNC_(name, zero_end)                                                             \
	BIDE_CHECK_STRUCT_(name)                                                                    \
	enum {                                                                                      \
		name##_frame_bytes_ = sizeof(struct_##name##_must_be_defined_above_the_async_function), \
		name##_frame_aligned_ = _Alignof(struct name),                                          \
		name##_frame_at_ = offsetof(struct name, BIDE_FRAME_MEMBER_),                           \
		name##_frame_kind_ = BIDE_KIND_((struct name *)0),                                      \
		name##_frame_forks_ = (int)name##_frame_kind_ == BIDE_FORKS_                            \
	};                                                                                          \
	_Static_assert(name##_frame_at_ == 0, "BIDE_ASYNC_FRAME must be the first member");         \
	_Static_assert((int)name##_frame_kind_ != BIDE_GENERATES_,                                  \
	               "the struct has BIDE_ASYNC_GENERATOR: bide_async_generator begins the body " \
	               "of a generator; an async function has BIDE_ASYNC_FRAME");                   \
	_Static_assert(name##_frame_aligned_ <= 16,                                                 \
	               "a frame's members may ask for 16-byte alignment at the most");              \
	static bide_body_result name##_body_(struct name *my, uint32_t point_);                     \
	static bide_body_result name##_resume_(bide_frame *frame_)                                  \
	{                                                                                           \
		return name##_body_((struct name *)(void *)frame_, frame_->source.line);                \
	}                                                                                           \
	static const bide_function_info name##_async_ = {                                           \
		name##_resume_,         #name, __FILE__,       __LINE__, name##_frame_bytes_,           \
		BIDE_POINTS_ARE_LINES_, false, BIDE_OWN_(name)                                          \
	};                                                                                          \
	BIDE_DECLARE_(name);                                                                        \
	static inline bide_value_task name##_begin_(const void *in_, size_t offset_,                \
	                                            size_t size_bytes_, const bide_place *place_)   \
	{                                                                                           \
		bide_thread_head *head_ = bide_thread_();                                               \
		bide_frame *frame_ =                                                                    \
			bide_frame_new_(head_, (size_t)name##_frame_bytes_, &name##_async_, place_);        \
		bide_frame *parent_;                                                                    \
		bide_body_result step_;                                                                 \
		if (BIDE_UNLIKELY(!frame_))                                                             \
			return bide_start_failed_();                                                        \
		parent_ = head_->current;                                                               \
		bide_frame_fill_(frame_, (zero_end), in_, offset_, size_bytes_);                        \
		if (BIDE_UNLIKELY(bide_stack_pointer_() < head_->stack_limit) ||                        \
		    (name##_frame_forks_ && BIDE_UNLIKELY(head_->deque.queues_forks)))                  \
			return bide_start_cold_(head_, frame_);                                             \
		head_->current = frame_;                                                                \
		step_ = name##_body_((struct name *)(void *)frame_, 0);                                 \
		head_->current = parent_;                                                               \
		return bide_frame_started_(head_, frame_, step_, (size_t)name##_frame_bytes_);          \
	}                                                                                           \
	static inline bide_value_task name##_cold_(const void *in_, size_t offset_,                 \
	                                           size_t size_bytes_, const bide_place *place_)    \
	{                                                                                           \
		bide_thread_head *head_ = bide_thread_();                                               \
		bide_frame *frame_ =                                                                    \
			bide_frame_new_(head_, (size_t)name##_frame_bytes_, &name##_async_, place_);        \
		if (BIDE_UNLIKELY(!frame_))                                                             \
			return bide_start_failed_();                                                        \
		bide_frame_fill_(frame_, (zero_end), in_, offset_, size_bytes_);                        \
		return bide_start_cold_(head_, frame_);                                                 \
	}                                                                                           \
	BIDE_GUARD_ static bide_body_result name##_body_(struct name *my, uint32_t point_)

/* Picks n if there is more than one argument behind `one`, and `one` otherwise. */
#define BIDE_PARAMETERS_(n, one, ...)                                                              \
	BIDE_PICK40_(__VA_ARGS__, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, \
	             n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, one, )
#define BIDE_PICK40_(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17, \
                     _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29, _30, _31, _32,  \
                     _33, _34, _35, _36, _37, _38, _39, _40, pick, ...)                          \
	pick
/* Checks that the first parameter is named. text: the arguments as the user wrote them. */
#define BIDE_CHECK_NAMED_(text)                                                                 \
	__extension__({                                                                             \
		_Static_assert(__builtin_memcmp(__builtin_strchr(text, ',') + 1, ".", 1) == 0 ||        \
		                   __builtin_memcmp(__builtin_strchr(text, ',') + 1, " .", 2) == 0,     \
		               "parameters are named: bide_async_start(function, .parameter = value)"); \
	})
/*
 * A start that stands above its body says so first. The call is the whole expression: gcc would not
 * warn of one behind a comma whose value task is ignored.
 */
#define BIDE_IF_DECLARED_(name, call) \
	__builtin_choose_expr(sizeof(BIDE_DECLARED_(name)) > 0 && BIDE_IS_NO_GENERATOR_(name), call, 0)
#define BIDE_IS_NO_GENERATOR_(name)                                                              \
	(sizeof(struct {                                                                             \
		 _Static_assert(sizeof(BIDE_DECLARED_(name)) == 1,                                       \
		                "this is a generator: bide_generator_start starts it, and its elements " \
		                "come by bide_await_each or bide_generator_next");                       \
		 char declared_;                                                                         \
	 }) > 0)
#define BIDE_0_(text, name) BIDE_IF_DECLARED_(name, name##_begin_(NULL, 0, 0, BIDE_HERE_))
#define BIDE_N_(text, name, ...)                                                                  \
	BIDE_IF_DECLARED_(name, name##_begin_((BIDE_CHECK_NAMED_(text),                               \
	                                       &(__typeof__(((struct name *)0)->in)){ __VA_ARGS__ }), \
	                                      offsetof(struct name, in),                              \
	                                      sizeof(((struct name *)0)->in), BIDE_HERE_))
#define BIDE_COLD_0_(text, name) BIDE_IF_DECLARED_(name, name##_cold_(NULL, 0, 0, BIDE_HERE_))
#define BIDE_COLD_N_(text, name, ...)                                                            \
	BIDE_IF_DECLARED_(name, name##_cold_((BIDE_CHECK_NAMED_(text),                               \
	                                      &(__typeof__(((struct name *)0)->in)){ __VA_ARGS__ }), \
	                                     offsetof(struct name, in),                              \
	                                     sizeof(((struct name *)0)->in), BIDE_HERE_))

#define BIDE_IS_GENERATOR_(x) __builtin_types_compatible_p(__typeof__(x), struct bide_generator *)
/* An awaitable is a value task, a typed one, or a bide_task *. */
#define BIDE_CHECK_AWAITABLE_(call)                                                               \
	__typeof__(((void)0, (call))) *given_ = NULL;                                                 \
	__typeof__(*BIDE_IF_VOID_CHAR_(given_)) *type_ = NULL;                                        \
	_Static_assert(!BIDE_IS_GENERATOR_(*given_),                                                  \
	               "a generator is not awaited: loop over it by bide_await_each, or await "       \
	               "bide_generator_next");                                                        \
	_Static_assert(BIDE_LOOKS_LIKE_VALUE_TASK_(*type_) || BIDE_IS_GENERATOR_(*given_) ||          \
	                   __builtin_types_compatible_p(__typeof__(*given_), bide_task *),            \
	               "bide_await takes a value task or a bide_task *, and this is neither: is the " \
	               "function that is called declared?")
/* Converts a value task of any type to a bide_value_task. */
#define BIDE_ERASED_(call)                                                                         \
	__builtin_choose_expr(__builtin_types_compatible_p(__typeof__(call), bide_value_task), (call), \
	                      __extension__({                                                          \
							  __auto_type awaited_ = (call);                                       \
							  _Generic((awaited_), bide_task *                                     \
		                               : bide_awaitable_task_, default                             \
		                               : bide_awaitable_value_)((const void *)&awaited_);          \
						  }))
/* Only a value task has the member type_; a union of the user's has none. */
#define BIDE_AWAITABLE_(call)                                     \
	(__extension__({                                              \
		 BIDE_CHECK_AWAITABLE_(call);                             \
		 (void)sizeof(__typeof__(BIDE_TYPE_OF_RESULT_(type_)) *); \
	 }),                                                          \
	 BIDE_ERASED_(call))
#define BIDE_AWAITABLE_TO_(dst, call)                                                           \
	(__extension__({                                                                            \
		 BIDE_CHECK_AWAITABLE_(call);                                                           \
		 _Static_assert(                                                                        \
			 __builtin_types_compatible_p(BIDE_TYPE_OF_RESULT_(type_), struct bide_untyped_) || \
				 __builtin_types_compatible_p(BIDE_TYPE_OF_RESULT_(type_), __typeof__(dst)),    \
			 "the destination of this await has another type than the value task delivers");    \
		 _Static_assert(__builtin_classify_type(dst) < 12,                                      \
		                "bide_await assigns a number or a pointer; bide_await_large assigns a " \
		                "struct");                                                              \
	 }),                                                                                        \
	 BIDE_ERASED_(call))

/*
 * For functions that fork: joins the live forks before the cleanup and at its end. If a join has
 * to wait, the function resumes where returns do. Other functions pay nothing, because
 * bide_forks_ is a constant.
 */
#define BIDE_SETTLE_POINT_ BIDE_POINT_RETURN_(BIDE_SERIAL_)
#define BIDE_HAS_FORKS_ \
	(bide_forks_ && BIDE_UNLIKELY(((bide_forking_frame *)(void *)frame_)->newest))
#define BIDE_RESUME_SETTLING_                                                    \
	if (BIDE_HAS_FORKS_ &&                                                       \
	    ((bide_forking_frame *)(void *)frame_)->newest & BIDE_FORKS_SETTLING_) { \
		if (frame_->source.flags & BIDE_FLAG_FINISHING_)                         \
			return bide_fork_end_(frame_, BIDE_SETTLE_POINT_);                   \
		goto BIDE_FINALLY_;                                                      \
	}
#define BIDE_LATE_RETURN_                                            \
	bide_forks_ ? bide_fork_late_return_(frame_, BIDE_SETTLE_POINT_) \
				: bide_async_late_return_(frame_)

#define BIDE_FINALLY_ async_finally_is_missing_above_async_end

#ifdef BIDE_COMPUTED_GOTO
#define BIDE_POINT_(n) \
	__extension__(     \
		(uint32_t)((const char *)&&BIDE_JOIN_(bide_resume_, n) - (const char *)&&bide_base_))
#define BIDE_RESUME_NAME_(n)
#define BIDE_RESUME_(n) BIDE_JOIN_(bide_resume_, n) :
#define BIDE_ENTER_                                                          \
	if (point_ != 0)                                                         \
		goto *__extension__(void *)((char *)&&bide_base_ + (int32_t)point_); \
bide_base_:;                                                                 \
	if (0) {                                                                 \
bide_resume_return_point_:                                                   \
		BIDE_UNUSED;                                                         \
		BIDE_RESUME_SETTLING_                                                \
		t_ = bide_await_take_outlined_(frame_);                              \
		if (!bide_frame_return_(frame_, t_, BIDE_RESUMED_LINE_))             \
			return BIDE_LATE_RETURN_;                                        \
		goto BIDE_FINALLY_;                                                  \
	}                                                                        \
	{                                                                        \
		{
#define BIDE_POINT_RETURN_(n) \
	__extension__(            \
		(uint32_t)((const char *)&&bide_resume_return_point_ - (const char *)&&bide_base_))
#define BIDE_POINTS_ARE_LINES_ false
#define BIDE_SERIAL_ __COUNTER__
#else
#define BIDE_POINT_(n) (n)
#ifdef __clang__
#define BIDE_CASE_(point) (0x100000000LL + (point))
/* In a switch of the user's both labels are cut to 32 bits and are the same, which is the error. */
#define BIDE_RESUME_NAME_(n) enum { await_inside_a_switch__use_if_or_a_function = (int)(n) };
#define BIDE_RESUME_(n)                                   \
	case await_inside_a_switch__use_if_or_a_function:     \
		BIDE_PRAGMA_(clang diagnostic push)               \
		BIDE_PRAGMA_(clang diagnostic ignored "-Wswitch") \
	case BIDE_CASE_(n):                                   \
		BIDE_PRAGMA_(clang diagnostic pop)
#else
#define BIDE_RESUME_NAME_(n)
#endif
#define BIDE_ENTER_                                              \
	switch (BIDE_CASE_(point_)) {                                \
	default:                                                     \
		BIDE_RESUME_SETTLING_                                    \
		t_ = bide_resume_return_(frame_);                        \
		if (!bide_frame_return_(frame_, t_, BIDE_RESUMED_LINE_)) \
			return BIDE_LATE_RETURN_;                            \
		goto BIDE_FINALLY_;                                      \
	case BIDE_CASE_(0):;                                         \
		{
#define BIDE_POINT_RETURN_(n) (BIDE_LINE_IS_RETURN_ + (n))
#define BIDE_POINTS_ARE_LINES_ true
#define BIDE_SERIAL_ __LINE__
#endif
/*
 * An emit uses the third name, so outside of a body the error names it. The frame is asked for
 * once, so a struct without one is one error here.
 */
#define BIDE_KIND_OF_BODY_                                                                        \
	enum {                                                                                        \
		bide_kind_ = BIDE_KIND_(my),                                                              \
		bide_forks_ = bide_kind_ == BIDE_FORKS_,                                                  \
		async_emit_stands_only_in_a_generator__behind_async_begin = bide_kind_ == BIDE_GENERATES_ \
	};
/* True if the body of a generator is called to go to its cleanup (BIDE_POINT_STOPPED_). */
#define BIDE_IS_STOPPED_ \
	(async_emit_stands_only_in_a_generator__behind_async_begin && point_ == BIDE_POINT_STOPPED_)
/*
 * Two braces end the scope of the body's locals: no jump to the cleanup passes over one.
 *
 * BIDE_PENDING_ is an await in a body that has to wait. gcc inlines it. But where the body is
 * inlined into a start, it is a call: there the result is mostly at hand, and a call takes no
 * registers from that path. clang calls it everywhere.
 */
#if defined(__clang__)
#define BIDE_BODY_BEGINS_ \
	BIDE_KIND_OF_BODY_    \
	BIDE_UNUSED int (*const bide_await_stands_in_a_body_)(void) = NULL;
#define BIDE_IN_BODY_                                              \
	BIDE_PRAGMA_(clang diagnostic push)                            \
	BIDE_PRAGMA_(clang diagnostic fatal "-Wuser-defined-warnings") \
	((void)sizeof(bide_await_stands_in_a_body_())) BIDE_PRAGMA_(clang diagnostic pop)
#define BIDE_PENDING_(frame, value_task, point) bide_await_pending_(frame, value_task, point)
#else
/*
 * The point where the body goes on, a constant if it is inlined into a start. An await uses this
 * name and no other, so outside of a body one error names it.
 */
#define BIDE_BODY_BEGINS_ \
	BIDE_KIND_OF_BODY_    \
	BIDE_UNUSED uint32_t const await_stands_only_in_an_async_function__behind_async_begin = point_;
#define BIDE_IN_BODY_ ((void)await_stands_only_in_an_async_function__behind_async_begin)
#define BIDE_PENDING_(frame, value_task, point)                                       \
	(__builtin_constant_p(await_stands_only_in_an_async_function__behind_async_begin) \
	     ? bide_await_outlined_(frame, value_task, point)                             \
	     : bide_await_pending_(frame, value_task, point))
#endif
#define BIDE_BEGIN_BODY_                                 \
	BIDE_BODY_BEGINS_                                    \
	bide_frame *const frame_ = (bide_frame *)(void *)my; \
	BIDE_UNUSED bide_value_task t_;                      \
	if (BIDE_IS_STOPPED_)                                \
		goto BIDE_FINALLY_;                              \
	BIDE_ENTER_
/*
 * bide_async_in: const copies of the parameters, made anew at each resume. They are `register`,
 * so that their address, which would not live across an await, cannot be taken.
 */
#define BIDE_COPY_1_(a) BIDE_UNUSED register const __typeof__(my->in.a) a = my->in.a;
#define BIDE_COPY_2_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_1_(__VA_ARGS__)
#define BIDE_COPY_3_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_2_(__VA_ARGS__)
#define BIDE_COPY_4_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_3_(__VA_ARGS__)
#define BIDE_COPY_5_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_4_(__VA_ARGS__)
#define BIDE_COPY_6_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_5_(__VA_ARGS__)
#define BIDE_COPY_7_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_6_(__VA_ARGS__)
#define BIDE_COPY_8_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_7_(__VA_ARGS__)
#define BIDE_COPY_9_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_8_(__VA_ARGS__)
#define BIDE_COPY_10_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_9_(__VA_ARGS__)
#define BIDE_COPY_11_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_10_(__VA_ARGS__)
#define BIDE_COPY_12_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_11_(__VA_ARGS__)
#define BIDE_COPY_13_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_12_(__VA_ARGS__)
#define BIDE_COPY_14_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_13_(__VA_ARGS__)
#define BIDE_COPY_15_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_14_(__VA_ARGS__)
#define BIDE_COPY_16_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_15_(__VA_ARGS__)
#define BIDE_COPY_17_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_16_(__VA_ARGS__)
#define BIDE_COPY_18_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_17_(__VA_ARGS__)
#define BIDE_COPY_19_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_18_(__VA_ARGS__)
#define BIDE_COPY_20_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_19_(__VA_ARGS__)
#define BIDE_COPY_21_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_20_(__VA_ARGS__)
#define BIDE_COPY_22_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_21_(__VA_ARGS__)
#define BIDE_COPY_23_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_22_(__VA_ARGS__)
#define BIDE_COPY_24_(a, ...) BIDE_COPY_1_(a) BIDE_COPY_23_(__VA_ARGS__)
#define BIDE_COPIES_(...)                                                                    \
	BIDE_PICK40_(__VA_ARGS__, async_in_takes_24_parameters_at_most,                          \
	             async_in_takes_24_parameters_at_most, async_in_takes_24_parameters_at_most, \
	             async_in_takes_24_parameters_at_most, async_in_takes_24_parameters_at_most, \
	             async_in_takes_24_parameters_at_most, async_in_takes_24_parameters_at_most, \
	             async_in_takes_24_parameters_at_most, async_in_takes_24_parameters_at_most, \
	             async_in_takes_24_parameters_at_most, async_in_takes_24_parameters_at_most, \
	             async_in_takes_24_parameters_at_most, async_in_takes_24_parameters_at_most, \
	             async_in_takes_24_parameters_at_most, async_in_takes_24_parameters_at_most, \
	             async_in_takes_24_parameters_at_most, BIDE_COPY_24_, BIDE_COPY_23_,         \
	             BIDE_COPY_22_, BIDE_COPY_21_, BIDE_COPY_20_, BIDE_COPY_19_, BIDE_COPY_18_,  \
	             BIDE_COPY_17_, BIDE_COPY_16_, BIDE_COPY_15_, BIDE_COPY_14_, BIDE_COPY_13_,  \
	             BIDE_COPY_12_, BIDE_COPY_11_, BIDE_COPY_10_, BIDE_COPY_9_, BIDE_COPY_8_,    \
	             BIDE_COPY_7_, BIDE_COPY_6_, BIDE_COPY_5_, BIDE_COPY_4_, BIDE_COPY_3_,       \
	             BIDE_COPY_2_, BIDE_COPY_1_, )                                               \
	(__VA_ARGS__)

#define BIDE_BEGIN_CLEANUP_                                                   \
	}                                                                         \
	frame_->source.payload.i = 0; /* the body ran into the cleanup */         \
	{                                                                         \
async_finally_stands_twice:                                                   \
		BIDE_UNUSED;                                                          \
BIDE_FINALLY_:                                                                \
		if (BIDE_HAS_FORKS_ && bide_fork_settle_(frame_, BIDE_SETTLE_POINT_)) \
			return (bide_body_result){ .state = BIDE_SUSPENDED_ };            \
		bide_frame_clean_up_(frame_);                                         \
		goto async_finally_body_;                                             \
		async_finally_body_
#define BIDE_END_BODY_                                     \
	if (BIDE_HAS_FORKS_)                                   \
		return bide_fork_end_(frame_, BIDE_SETTLE_POINT_); \
	return bide_frame_step_(frame_);                       \
	}                                                      \
	}                                                      \
	BIDE_UNGUARD_ __builtin_unreachable()

/* gcc names this label if an await is an expression, or the second await on its line. */
#ifdef __clang__
#define BIDE_ALONE_(n)
#else
#define BIDE_ALONE_(n) BIDE_JOIN_(await_is_a_statement__alone_on_its_line_, n) : BIDE_UNUSED
#endif

/*
 * An await is one if/else chain without a hidden loop, so that `break` and `continue` in an action
 * leave the user's loop.
 */
#define BIDE_AWAIT_(awaitable, n)                                                            \
	BIDE_ALONE_(n)                                                                           \
	if (BIDE_IN_BODY_, t_ = (awaitable),                                                     \
	    BIDE_UNLIKELY(t_.state != 0) && t_.state > BIDE_ERROR_MAX &&                         \
	        (t_ = BIDE_PENDING_(frame_, t_, BIDE_POINT_(n)), t_.state == BIDE_SUSPENDED_)) { \
		BIDE_RESUME_NAME_(n)                                                                 \
		return (bide_body_result){ .state = BIDE_SUSPENDED_ };                               \
		BIDE_RESUME_(n) t_ = bide_await_take_(frame_);                                       \
		goto BIDE_JOIN_(await_stands_alone_on_its_line_, n);                                 \
	} else                                                                                   \
		BIDE_JOIN_(await_stands_alone_on_its_line_, n) :
#define BIDE_ASSIGN_(dst)                                     \
	(dst) = (__typeof__(dst))_Generic((dst), float            \
	                                  : t_.payload.d, double  \
	                                  : t_.payload.d, default \
	                                  : t_.payload.i)

#define BIDE_AWAIT_VOID_(call) BIDE_AWAIT_VOID2_(call, BIDE_SERIAL_)
#define BIDE_AWAIT_TO_(dst, call) BIDE_AWAIT_TO2_(dst, call, BIDE_SERIAL_)
#define BIDE_AWAIT_VOID2_(call, n)                                      \
	BIDE_AWAIT_(BIDE_AWAITABLE_(call), n)                               \
	if (BIDE_UNLIKELY(t_.state)) {                                      \
		if (bide_await_failed_(frame_, t_, BIDE_TRACE_LINE_(__LINE__))) \
			goto BIDE_FINALLY_;                                         \
	} else                                                              \
		((void)0)
#define BIDE_AWAIT_TO2_(dst, call, n)                                   \
	BIDE_AWAIT_(BIDE_AWAITABLE_TO_(dst, call), n)                       \
	if (BIDE_UNLIKELY(t_.state)) {                                      \
		if (bide_await_failed_(frame_, t_, BIDE_TRACE_LINE_(__LINE__))) \
			goto BIDE_FINALLY_;                                         \
		(dst) = (__typeof__(dst))0;                                     \
	} else                                                              \
		BIDE_ASSIGN_(dst)

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
#define BIDE_AWAIT_LARGE_(dst, call, n)                                                       \
	BIDE_ALONE_(n)                                                                            \
	if (BIDE_IN_BODY_, t_ = bide_await_large_(frame_, BIDE_AWAITABLE_(call), BIDE_POINT_(n)), \
	    BIDE_UNLIKELY(t_.state == BIDE_SUSPENDED_)) {                                         \
		BIDE_RESUME_NAME_(n)                                                                  \
		return (bide_body_result){ .state = BIDE_SUSPENDED_ };                                \
		BIDE_RESUME_(n) t_ = bide_await_large_(frame_, bide_suspended_(), 0);                 \
		goto BIDE_JOIN_(await_stands_alone_on_its_line_, n);                                  \
	} else                                                                                    \
		BIDE_JOIN_(await_stands_alone_on_its_line_, n) : if (BIDE_UNLIKELY(t_.state))         \
		{                                                                                     \
			if (bide_await_failed_(frame_, t_, BIDE_TRACE_LINE_(__LINE__)))                   \
				goto BIDE_FINALLY_;                                                           \
		}                                                                                     \
	else bide_await_large_take_(frame_, &(dst), sizeof(dst), t_)

#define BIDE_CHECK_RETURN_(x)                                                                  \
	__extension__({                                                                            \
		_Static_assert(!__builtin_types_compatible_p(__typeof__(((void)0, (x))), bide_task *), \
		               "bide_async_return of a bide_task * would hand out the pointer: await " \
		               "it, or return bide_task_await(task)");                                 \
	})
/* Refuses a pointer (class 5) into the frame, which is gone when the result is read. */
#define BIDE_CHECK_POINTER_(x)                                                     \
	(void)(__builtin_classify_type(x) == 5 &&                                      \
	       BIDE_UNLIKELY((uintptr_t)t_.payload.p - (uintptr_t)my < sizeof(*my)) && \
	       (t_ = bide_async_bad_pointer_(frame_, t_.payload.p), true))
#define BIDE_ASYNC_RETURN_(x, n)                                                         \
	do {                                                                                 \
		if (BIDE_CHECK_RETURN_(x), t_ = bide_value_task_from(x), BIDE_CHECK_POINTER_(x), \
		    BIDE_UNLIKELY(t_.state > BIDE_ERROR_MAX) &&                                  \
		        (t_ = BIDE_PENDING_(frame_, t_, BIDE_POINT_RETURN_(n)),                  \
		         t_.state == BIDE_SUSPENDED_))                                           \
			return (bide_body_result){ .state = BIDE_SUSPENDED_ };                       \
		if (!bide_frame_return_(frame_, t_, BIDE_TRACE_LINE_(__LINE__)))                 \
			return BIDE_LATE_RETURN_;                                                    \
		goto BIDE_FINALLY_;                                                              \
	} while (0)

#endif
