/*
 * generator.h - generators: functions that hand out one element after the other, and may wait in
 * between.
 *
 *     struct numbers {                       // the frame: what lives across an emit or an await
 *             BIDE_ASYNC_GENERATOR;          // always first
 *             struct { int64_t count; } in;  // the parameters
 *             int64_t i;
 *     };
 *     bide_async_generator(numbers)          // the producer's body; `my` is its struct numbers
 *     {
 *             bide_async_begin;
 *             for (my->i = 0; my->i < my->in.count; my->i++) {
 *                     bide_await(bide_delay_ms(10));
 *                     bide_async_emit(my->i); // the next call of bide_generator_next goes on here
 *             }
 *     bide_async_finally:                    // every way out passes here, once; may await
 *             bide_async_end;
 *     }
 *
 * The consumer, an async function, whose frame has the members `all` and `x`:
 *
 *     my->all = bide_generator_start(numbers, .count = 100);
 *     bide_await_each(my->x, my->all) {
 *             if (my->x == 10)
 *                     break;
 *     }
 *     bide_async_return(0);
 * bide_async_finally:
 *     bide_await(bide_generator_end(my->all)); // always: it frees the generator
 *     bide_async_end;
 *
 * The body runs only while an element is asked for: bide_generator_next calls it on the stack of
 * the consumer, up to the next emit or the first await that is not ready. From there on workers run
 * it. It is queued instead if there is too little stack, and if the generator was started in
 * another executor than the consumer's: then an element costs a way through the queues.
 *
 * An element is a number or a pointer. A pointer to a member of the generator's frame is allowed,
 * and is good until the next call of bide_generator_next or bide_generator_end. Nothing is copied.
 *
 * A generator has a context of its own, a child of the context in which it was started. So
 * bide_generator_end stops a producer that waits.
 *
 * A generator has one consumer. Several threads may call its functions one after the other, not at
 * once. With one worker only the thread of the worker may call them.
 *
 * Cost: a start takes two objects from the pools, the frame and the context. An element that is
 * there at once allocates nothing. One that must be waited for takes an object from the pool until
 * it has come.
 */
#ifndef BIDE_GENERATOR_H
#define BIDE_GENERATOR_H

#include "channel.h"
#include "combine.h"
#include "context.h"
#include "file_watch.h"
#include "frame.h"
#include "time.h"

/* The head of every generator. Its members are the library's. */
typedef struct bide_generator {
	bide_frame frame;
	bide_body_result (*body)(bide_frame *frame);
	uintptr_t state;       /* src/generator/generator.h has the table */
	bide_payload element;  /* what the producer left while nothing waited for it */
	bide_context *context; /* its own, with a reference */
	bide_post post;
	const bide_place *taken; /* where an operator took it, which consumes it; or NULL */
	uint32_t references;
	uint16_t step;     /* of a step that is on its way to the one worker */
	uint16_t error;    /* what the next call of bide_generator_next returns after the end */
	uint16_t expected; /* what the context was canceled with before bide_generator_end */
} bide_generator;
BIDE_STATIC_ASSERT(sizeof(bide_generator) == 128, "the head of a generator is 128 bytes");

BIDE_BEGIN_DECLS

/*
 * Returns the next element. It fails with BIDE_EEND if there are no more. If the generator has
 * failed, one call fails with its error, and later ones with BIDE_EEND. If generator is NULL, it
 * fails with ENOMEM: so the result of bide_generator_start needs no test.
 *
 * It obeys the ambient cancellation of the consumer. The producer then goes on, and its element is
 * kept for the next call; so it is if there is no memory to wait (ENOMEM), and if the value task is
 * forgotten before the element has come. An element that has come is lost if its value task is
 * forgotten.
 *
 * One call at a time: a call while the value task of the one before is pending is misuse (EBUSY).
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_generator_next(bide_generator *generator);

/*
 * Ends the generator and frees it, and waits for that. NULL does nothing. If the producer is at an
 * emit or waits, it goes to its cleanup with the error ECANCELED: its context is canceled, and the
 * call waits until the cleanup has run. The cleanup also runs if no element was ever asked for. A
 * pending bide_generator_next fails with ECANCELED. An error of the producer that no call has
 * returned goes to the hook for unobserved errors (misuse.h). It always succeeds, and allocates
 * nothing. A second end of the same generator is misuse (EINVAL). A consumer whose body and cleanup
 * both end it sets the pointer to NULL after the first end.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_generator_end(bide_generator *generator);

/* Called by the macros below. */
BIDE_API bide_generator *bide_generator_open_(bide_frame *frame,
                                              bide_body_result (*body)(bide_frame *frame));
BIDE_API bide_body_result bide_generator_resumed_(bide_frame *frame, bide_body_result step);
BIDE_API void bide_generator_bad_emit_(bide_frame *frame, uint32_t line) BIDE_COLD;

BIDE_END_DECLS

#ifndef __cplusplus
#include "async.h"
#ifndef __clang__
#pragma GCC system_header /* errors are shown in the user's file, not in these macros */
#endif

/* The first member of every generator's struct, in place of BIDE_ASYNC_FRAME. */
#define BIDE_ASYNC_GENERATOR bide_generator BIDE_FRAME_MEMBER_

/*
 * bide_async_generator(name) begins the body of the generator whose frame is struct name. It has
 * the marks of an async function: bide_async_begin, bide_async_finally, bide_async_end. The result
 * of a bide_async_return is not handed out; an error is. If the body lets BIDE_EEND escape, as an
 * await of another generator that is at its end does, the generator fails with EPIPE: otherwise
 * its consumer would take the fault for its end.
 */
#define bide_async_generator(name) BIDE_GENERATOR_(name)

/*
 * bide_generator_start(name, .parameter = value, ...) makes a generator and returns its
 * bide_generator *. It runs none of the body. Parameters that you do not name are zero. It returns
 * NULL if there is no memory.
 */
#define bide_generator_start(...) \
	BIDE_PARAMETERS_(BIDE_GENERATE_N_, BIDE_GENERATE_0_, __VA_ARGS__)(#__VA_ARGS__, __VA_ARGS__)

/*
 * bide_async_emit(x) hands out x, a number or a pointer. The body goes on behind it with the next
 * call of bide_generator_next. It is a statement of a generator's body, alone on its line; in the
 * cleanup it is misuse, and does nothing.
 */
#define bide_async_emit(x) BIDE_EMIT_(x, BIDE_SERIAL_)

/*
 * bide_await_each(dst, from) { ... } is a loop that assigns one element after the other to dst.
 * `from` is a bide_generator *, a bide_channel *, a bide_when_each *, a bide_file_watch *, or a
 * bide_periodic_timer *, whose element is 1 for each tick. It is evaluated for each element, so a
 * call that returns a generator or a timer does not compile: a call that starts one would start one
 * for each element. Write parentheses around a call that returns the same one each time. The
 * elements of a channel may be structs. The block may await, and may use break and continue. The
 * loop ends when there are no more elements: after BIDE_EEND, or when the timer was stopped. Any
 * other failure is one of an await: the function goes on at bide_async_finally.
 */
#define bide_await_each(dst, from) BIDE_AWAIT_EACH_(dst, from, #from, BIDE_SERIAL_)

/* --- what the macros are made of --- */

#define BIDE_GENERATOR_(name)                                                                     \
	BIDE_CHECK_STRUCT_(name)                                                                      \
	enum {                                                                                        \
		name##_frame_bytes_ = sizeof(struct_##name##_must_be_defined_above_the_async_function),   \
		name##_frame_aligned_ = _Alignof(struct name),                                            \
		name##_frame_at_ = offsetof(struct name, BIDE_FRAME_MEMBER_),                             \
		name##_frame_generates_ = BIDE_KIND_((struct name *)0) == BIDE_GENERATES_                 \
	};                                                                                            \
	_Static_assert(name##_frame_at_ == 0, "BIDE_ASYNC_GENERATOR must be the first member");       \
	_Static_assert(name##_frame_generates_,                                                       \
	               "the struct of a generator begins with BIDE_ASYNC_GENERATOR");                 \
	_Static_assert(name##_frame_aligned_ <= 16,                                                   \
	               "a frame's members may ask for 16-byte alignment at the most");                \
	/* What a start of an async function uses. Its size says that this is none. */                \
	extern BIDE_INTERNAL const char BIDE_DECLARED_(name)[2];                                      \
	extern bide_value_task name##_begin_(const void *, size_t, size_t, const bide_place *);       \
	extern bide_value_task name##_cold_(const void *, size_t, size_t, const bide_place *);        \
	static bide_body_result name##_body_(struct name *my, uint32_t point_);                       \
	static bide_body_result name##_step_(bide_frame *frame_)                                      \
	{                                                                                             \
		return name##_body_((struct name *)(void *)frame_, frame_->source.line);                  \
	}                                                                                             \
	static bide_body_result name##_resume_(bide_frame *frame_)                                    \
	{                                                                                             \
		return bide_generator_resumed_(frame_, name##_step_(frame_));                             \
	}                                                                                             \
	static const bide_function_info name##_async_ = {                                             \
		name##_resume_,         #name, __FILE__,       __LINE__, name##_frame_bytes_,             \
		BIDE_POINTS_ARE_LINES_, true,  BIDE_OWN_(name)                                            \
	};                                                                                            \
	BIDE_UNUSED BIDE_USE_RESULT static inline bide_generator *name##_generator_(                  \
		const void *in_, size_t offset_, size_t size_bytes_, const bide_place *place_)            \
	{                                                                                             \
		bide_frame *frame_ =                                                                      \
			bide_frame_new_(bide_thread_(), (size_t)name##_frame_bytes_, &name##_async_, place_); \
		if (BIDE_UNLIKELY(!frame_))                                                               \
			return NULL;                                                                          \
		bide_frame_fill_(frame_, (size_t)name##_frame_bytes_, in_, offset_, size_bytes_);         \
		return bide_generator_open_(frame_, name##_step_);                                        \
	}                                                                                             \
	BIDE_GUARD_ static bide_body_result name##_body_(struct name *my, uint32_t point_)

#define BIDE_GENERATE_0_(text, name) name##_generator_(NULL, 0, 0, BIDE_HERE_)
#define BIDE_GENERATE_N_(text, name, ...)                                     \
	name##_generator_((BIDE_CHECK_NAMED_(text),                               \
	                   &(__typeof__(((struct name *)0)->in)){ __VA_ARGS__ }), \
	                  offsetof(struct name, in), sizeof(((struct name *)0)->in), BIDE_HERE_)

/* Classes 12 and 13: a struct or a union. */
#define BIDE_IS_STRUCT_(x) (__builtin_classify_type(x) >= 12)
#define BIDE_CHECK_ELEMENT_(x)                                                                  \
	__extension__({                                                                             \
		BIDE_DECAYED_(x) *emitted_ = NULL;                                                      \
		_Static_assert(                                                                         \
			!BIDE_LOOKS_LIKE_VALUE_TASK_(*BIDE_IF_VOID_CHAR_(emitted_)),                        \
			"bide_async_emit hands out a number or a pointer: await the value task before it"); \
		_Static_assert(BIDE_LOOKS_LIKE_VALUE_TASK_(*BIDE_IF_VOID_CHAR_(emitted_)) ||            \
		                   !BIDE_IS_STRUCT_(*BIDE_IF_VOID_CHAR_(emitted_)),                     \
		               "bide_async_emit hands out a number or a pointer: emit the address of "  \
		               "a struct in the frame, or write it to a bide_channel");                 \
	})
#define BIDE_EMIT_(x, n)                                                                     \
	do {                                                                                     \
		BIDE_ALONE_(n);                                                                      \
		_Static_assert(async_emit_stands_only_in_a_generator__behind_async_begin,            \
		               "bide_async_emit stands only in a generator, whose body begins with " \
		               "bide_async_generator, and whose struct with BIDE_ASYNC_GENERATOR");  \
		BIDE_CHECK_ELEMENT_(x);                                                              \
		t_ = bide_value_task_from(x);                                                        \
		if (BIDE_UNLIKELY(frame_->source.flags & BIDE_FLAG_FINISHING_)) {                    \
			bide_generator_bad_emit_(frame_, BIDE_TRACE_LINE_(__LINE__));                    \
			break;                                                                           \
		}                                                                                    \
		frame_->source.line = BIDE_POINT_(n);                                                \
		BIDE_RESUME_NAME_(n)                                                                 \
		return (bide_body_result){ t_.payload, BIDE_EMITTED_ };                              \
		BIDE_RESUME_(n);                                                                     \
	} while (0)

/* A struct or a union is read into dst. Only a channel has such elements. */
#define BIDE_READ_TO_(dst, from)                          \
	bide_channel_read_to_(_Generic((from), bide_channel * \
	                               : (from), default      \
	                               : NULL),               \
	                      &(dst), sizeof(dst))
/* True for an object with one consumer, which a call has probably just made. */
#define BIDE_IS_MADE_(from, text)                                                      \
	(_Generic((from), bide_generator * : 1, bide_periodic_timer * : 1, default : 0) && \
	 __builtin_memcmp((text) + sizeof(text) - 2, ")", 1) == 0 &&                       \
	 __builtin_memcmp(text, "(", 1) != 0 && __builtin_memcmp(text, "*", 1) != 0)
#define BIDE_HAS_ELEMENTS_(from)           \
	_Generic((from), bide_generator *      \
	         : true, bide_channel *        \
	         : true, bide_when_each *      \
	         : true, bide_periodic_timer * \
	         : true, bide_file_watch *     \
	         : true, default               \
	         : false)
/* A NULL in place of what has no elements: the message about it is the only one. */
#define BIDE_WITH_ELEMENTS_(from) \
	__builtin_choose_expr(BIDE_HAS_ELEMENTS_(from), (from), (bide_channel *)NULL)
#define BIDE_NEXT_OF_(dst, from, text)                                                            \
	(__extension__({                                                                              \
		 _Static_assert(                                                                          \
			 BIDE_HAS_ELEMENTS_(from),                                                            \
			 "bide_await_each loops over a generator, a channel, a when_each, a file watch or a " \
			 "periodic timer, and this is none of them");                                         \
		 _Static_assert(                                                                          \
			 !BIDE_IS_MADE_(from, text),                                                          \
			 "bide_await_each evaluates this call for each element: keep what it returns "        \
			 "in the frame, and loop over that; parentheses around it say that it returns the "   \
			 "same one each time");                                                               \
	 }),                                                                                          \
	 BIDE_NEXT_OF_KNOWN_(dst, BIDE_WITH_ELEMENTS_(from)))
/* What an element of each kind of object comes from. Another kind is one more line. */
#define BIDE_NEXT_OF_KNOWN_(dst, from)                                                   \
	(__extension__({                                                                     \
		 _Static_assert(!BIDE_IS_STRUCT_(dst) ||                                         \
		                    _Generic((from), bide_channel * : 1, default : 0),           \
		                "bide_await_each assigns a struct from a bide_channel * alone"); \
	 }),                                                                                 \
	 __builtin_choose_expr(BIDE_IS_STRUCT_(dst), BIDE_READ_TO_(dst, from),               \
	                       _Generic((from), bide_generator *                             \
	                                : bide_generator_next, bide_channel *                \
	                                : bide_channel_read, bide_when_each *                \
	                                : bide_when_each_next, bide_periodic_timer *         \
	                                : bide_periodic_timer_next, bide_file_watch *        \
	                                : bide_file_watch_next_)(from)))
#define BIDE_NUMBER_OF_(dst) \
	__typeof__(__builtin_choose_expr(BIDE_IS_STRUCT_(dst), (int64_t)0, (dst)))
#define BIDE_ASSIGN_EACH_(dst) \
	((void)(BIDE_IS_STRUCT_(dst) || (BIDE_ASSIGN_(*(BIDE_NUMBER_OF_(dst) *)(void *)&(dst)), true)))
/* A stopped timer ends the loop by 0, because it has not failed. */
#define BIDE_ENDS_BY_0_(from) _Generic((from), bide_periodic_timer * : true, default : false)

#define BIDE_AWAIT_EACH_(dst, from, text, n)                            \
	for (;;)                                                            \
		BIDE_AWAIT_(BIDE_NEXT_OF_(dst, from, text), n)                  \
	if (BIDE_UNLIKELY(t_.state)) {                                      \
		if (t_.state == BIDE_EEND)                                      \
			break;                                                      \
		if (bide_await_failed_(frame_, t_, BIDE_TRACE_LINE_(__LINE__))) \
			goto BIDE_FINALLY_;                                         \
		break;                                                          \
	} else if (BIDE_ENDS_BY_0_(from) && t_.payload.i == 0) {            \
		break;                                                          \
	} else if (BIDE_ASSIGN_EACH_(dst), 0) {                             \
	} else
#endif
#endif
