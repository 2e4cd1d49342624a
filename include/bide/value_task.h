/*
 * value_task.h - a result that is there, or the promise of one: 16 bytes, which functions return
 * in two registers.
 *
 * A value task holds its result itself if the operation completed synchronously. It takes no
 * memory then. Otherwise it points at the source that will have the result: the frame of an
 * async function, a timer, a subscription to a task, or a source of your own.
 *
 * The rule: a value task is consumed exactly once. These consume it: an await,
 * bide_value_task_as_task, bide_value_task_forget, bide_value_task_take, bide_value_task_wait
 * unless its limit passes first, bide_group_add, and each function whose comment says "consumes".
 * You may copy and read a value task that holds its value as often as you like. A pending value
 * task is dead once it has been consumed, and so are its copies. Consuming it again calls the
 * misuse hook (misuse.h), whose message names both places. If you drop a pending value task, its
 * frame leaks: bide_stats_get counts it, and bide_dump and bide_shutdown name it.
 *
 * Threads: with many workers (runtime.h) any thread may consume a value task. With one worker it
 * belongs to the thread that made it, and bide_value_task_as_task makes a task of it, which may
 * go to another thread.
 *
 * A result is an int64_t, a double or a pointer. An error is an errno number (ECANCELED after a
 * cancellation) or a number of the two ranges below. bide_async_return_large in async.h is for
 * results larger than 8 bytes.
 *
 * System V x86-64, AArch64 (AAPCS64) and RV64 return it in two registers. Other systems return
 * it through memory.
 */
#ifndef BIDE_VALUE_TASK_H
#define BIDE_VALUE_TASK_H

#include "abi.h"

/* Error numbers. 1 to 2047 are errno values; their names need <errno.h>. */
/*
 * An async function of yours did not start: there was no memory for its frame, and none of it
 * ran. Only a start fails with this error. A function of the library that finds no memory fails
 * with ENOMEM.
 */
#define BIDE_ENOFRAME 2048
/*
 * What was awaited is gone: the last reference to a completion source, a channel or a watch was
 * dropped, or a mutex, semaphore or event was ended.
 */
#define BIDE_EBROKEN 2049
/* There are no more elements: returned by bide_when_each_next, for example. */
#define BIDE_EEND 2050
/*
 * The value task had been consumed already. This is misuse; the call fails with this error if
 * the hook returns.
 */
#define BIDE_ESTALE 2051
/*
 * The idle limit of a stream ended the operation: the peer did nothing for that long. It is no
 * deadline of the context (ETIMEDOUT), and no peer that the system calls dead (ETIMEDOUT, too).
 */
#define BIDE_EIDLE 2052
/* 3072 to 4095 are yours. */
#define BIDE_EUSER 3072
#define BIDE_ERROR_MAX 4095

typedef union bide_payload {
	int64_t i;
	double d;
	void *p;
	uint64_t generation; /* of the source, while the value task is pending */
	uint64_t trace;      /* after a failure: where it comes from (trace.h) */
} bide_payload;

/*
 * state: 0 after success, and the payload is the result. 1 to 4095 after a failure: state is the
 * error, and the payload is the trace. Any other number is the address of a source.
 */
typedef union BIDE_NODISCARD_TYPE bide_value_task {
	__extension__ struct {
		bide_payload payload;
		uintptr_t state;
	};
	struct bide_untyped_ *type_;
} bide_value_task;

/*
 * A typed form, at no cost. BIDE_VALUE_TASK_OF(text_task, const char *) declares the type
 * text_task. Awaiting a text_task into anything but a const char * does not compile.
 * BIDE_TYPED(text_task, value_task) makes one.
 */
#define BIDE_VALUE_TASK_OF(name, type)       \
	typedef union BIDE_NODISCARD_TYPE name { \
		__extension__ struct {               \
			bide_payload payload;            \
			uintptr_t state;                 \
		};                                   \
		__typeof__(type) *type_;             \
		bide_value_task untyped;             \
	} name
#define BIDE_TYPED(name, value_task) ((name){ .untyped = (value_task) })

typedef enum bide_status { BIDE_PENDING, BIDE_SUCCEEDED, BIDE_FAILED, BIDE_CANCELED } bide_status;

BIDE_BEGIN_DECLS

BIDE_API bide_status bide_value_task_status_pending_(bide_value_task value_task);
BIDE_API bide_value_task bide_value_task_bad_error_(int error);
BIDE_API BIDE_USE_RESULT bide_value_task
bide_value_task_failed_at_(int error, const bide_place *place) BIDE_COLD;
BIDE_API int bide_value_task_error_pending_(bide_value_task value_task);
BIDE_API bide_payload bide_value_task_result_pending_(bide_value_task value_task);

/* These functions return a completed value task. Cost: two registers. */
BIDE_INLINE BIDE_USE_RESULT bide_value_task bide_value_task_from_int(int64_t value)
{
	bide_value_task v;
	v.payload.i = value;
	v.state = 0;
	return v;
}

BIDE_INLINE BIDE_USE_RESULT bide_value_task bide_value_task_from_double(double value)
{
	bide_value_task v;
	v.payload.d = value;
	v.state = 0;
	return v;
}

BIDE_INLINE BIDE_USE_RESULT bide_value_task bide_value_task_from_pointer(const void *value)
{
	bide_value_task v;
	v.payload.p = (void *)(uintptr_t)value;
	v.state = 0;
	return v;
}

/* Returns a value task that has succeeded without a result. */
BIDE_INLINE BIDE_USE_RESULT bide_value_task bide_value_task_completed(void)
{
	return bide_value_task_from_int(0);
}

/*
 * bide_value_task_from_error(error) returns a value task that has failed with `error`, a number
 * of 1 to 4095. It is canceled if the error is ECANCELED. Any other number is misuse: the value
 * task fails with EINVAL. The macro notes the place for the trace (trace.h), which costs about
 * 10 ns. C++ and files with BIDE_NO_TRACE note nothing: the cost is two registers.
 */
#if defined(__cplusplus) || defined(BIDE_NO_TRACE)
#define bide_value_task_from_error(error) bide_value_task_from_error_(error)
#else
#define bide_value_task_from_error(error) \
	(BIDE_NOTE_(bide_value_task_from_error), bide_value_task_failed_at_((error), BIDE_FAILED_HERE_))
#endif
BIDE_INLINE BIDE_USE_RESULT bide_value_task bide_value_task_from_error_(int error)
{
	bide_value_task v;
	if (BIDE_UNLIKELY(error <= 0 || error > BIDE_ERROR_MAX))
		return bide_value_task_bad_error_(error);
	v.payload.i = 0;
	v.state = (uintptr_t)error;
	return v;
}

/*
 * Queries. They consume nothing. You may ask any number of times before the value task is
 * consumed. Asking afterwards is misuse: it is reported as failed with BIDE_ESTALE. Status,
 * error and result always agree. Thread: the one that holds the value task. Cost: a comparison,
 * and a call if the value task does not hold its outcome itself.
 */
BIDE_INLINE bide_status bide_value_task_status(bide_value_task value_task);

/* Returns true if the operation is over. */
BIDE_INLINE bool bide_value_task_is_ready(bide_value_task value_task)
{
	return value_task.state <= BIDE_ERROR_MAX ||
	       bide_value_task_status_pending_(value_task) != BIDE_PENDING;
}

/* Returns true if the operation has succeeded. */
BIDE_INLINE bool bide_value_task_is_successful(bide_value_task value_task)
{
	return bide_value_task_status(value_task) == BIDE_SUCCEEDED;
}

/* Returns true if the operation has failed with another error than ECANCELED. */
BIDE_INLINE bool bide_value_task_is_failed(bide_value_task value_task)
{
	return bide_value_task_status(value_task) == BIDE_FAILED;
}

/* Returns true if the operation has failed with ECANCELED. */
BIDE_INLINE bool bide_value_task_is_canceled(bide_value_task value_task)
{
	return bide_value_task_status(value_task) == BIDE_CANCELED;
}

BIDE_INLINE bide_status bide_value_task_status(bide_value_task value_task)
{
	/* ECANCELED. This header does not include <errno.h>; src/runtime/port.c asserts the number. */
	enum { canceled = 125 };
	if (value_task.state > BIDE_ERROR_MAX)
		return bide_value_task_status_pending_(value_task);
	if (value_task.state == 0)
		return BIDE_SUCCEEDED;
	return value_task.state == canceled ? BIDE_CANCELED : BIDE_FAILED;
}

/*
 * Returns the error number, and 0 after success. Asking a pending value task is misuse: it
 * returns EINPROGRESS.
 */
BIDE_INLINE int bide_value_task_error(bide_value_task value_task)
{
	return value_task.state <= BIDE_ERROR_MAX ? (int)value_task.state
	                                          : bide_value_task_error_pending_(value_task);
}

/*
 * Returns the result after success, and zero after a failure. Asking a pending value task is
 * misuse: it returns zero. A large result is a pointer, which is valid until the value task is
 * consumed.
 */
BIDE_INLINE bide_payload bide_value_task_result(bide_value_task value_task)
{
	if (value_task.state > BIDE_ERROR_MAX)
		return bide_value_task_result_pending_(value_task);
	if (value_task.state != 0)
		value_task.payload.i = 0;
	return value_task.payload;
}

/*
 * Returns true if both hold the same value, both hold the same error (their traces may differ),
 * or both stand for the same pending operation. A value task that holds its value never equals a
 * pending one.
 */
BIDE_INLINE bool bide_value_task_equal(bide_value_task a, bide_value_task b)
{
	return a.state == b.state &&
	       (a.payload.i == b.payload.i || (a.state != 0 && a.state <= BIDE_ERROR_MAX));
}

/*
 * Returns what an error number of any range means, as text for messages. For an errno number
 * that is the text of strerror; for a number of the library it is its name and its meaning.
 * Never NULL.
 */
BIDE_API const char *bide_strerror(int error);

BIDE_END_DECLS

/*
 * bide_value_task_from(x) returns a completed value task that holds x, an integer, a
 * floating-point number or a pointer. It also takes a value task, typed or not, and returns it
 * untyped. The value passes through memory only if the compiler does not optimise.
 */
#ifndef __cplusplus

BIDE_INLINE bide_value_task bide_pack_signed_(const void *at, size_t size_bytes)
{
	if (size_bytes == sizeof(int))
		return bide_value_task_from_int(*(const int *)at);
	return bide_value_task_from_int(size_bytes == sizeof(long) ? (int64_t) * (const long *)at
	                                                           : (int64_t) * (const long long *)at);
}

BIDE_INLINE bide_value_task bide_pack_unsigned_(const void *at, size_t size_bytes)
{
	if (size_bytes == sizeof(unsigned))
		return bide_value_task_from_int(*(const unsigned *)at);
	return bide_value_task_from_int(size_bytes == sizeof(unsigned long)
	                                    ? (int64_t) * (const unsigned long *)at
	                                    : (int64_t) * (const unsigned long long *)at);
}

BIDE_INLINE bide_value_task bide_pack_double_(const void *at, size_t size_bytes)
{
	return bide_value_task_from_double(size_bytes == sizeof(float) ? (double)*(const float *)at
	                                                               : *(const double *)at);
}

/* Pointers and value tasks. Their sizes tell them apart. */
BIDE_INLINE bide_value_task bide_pack_other_(const void *at, size_t size_bytes)
{
	bide_value_task v;
	if (size_bytes == sizeof(bide_value_task))
		__builtin_memcpy(&v, at, sizeof v);
	else
		v = bide_value_task_from_pointer(*(void *const *)at);
	return v;
}

/*
 * `1 ? x : x` lets arrays decay and widens small integers. Only the initialiser evaluates x,
 * once.
 */
#define BIDE_DECAYED_(x) __typeof__(1 ? (x) : (x)) /* NOLINT(bugprone-branch-clone) */
/*
 * These macros check a type before its bytes are copied. They look at what a pointer points at,
 * so that the expression stands in them once and is not evaluated. void has no class, so it
 * counts as a char.
 */
#define BIDE_IF_VOID_CHAR_(pointer) \
	_Generic((pointer), void * : (char *)NULL, const void * : (char *)NULL, default : (pointer))
/* A value task, typed or not, is a union (class 13), and has a type_. */
#define BIDE_LOOKS_LIKE_VALUE_TASK_(x) \
	(sizeof(x) == sizeof(bide_value_task) && __builtin_classify_type(x) == 13)
#define BIDE_TYPE_OF_RESULT_(pointer)                                                      \
	__typeof__(*__builtin_choose_expr(BIDE_LOOKS_LIKE_VALUE_TASK_(*(pointer)), *(pointer), \
	                                  *(bide_value_task *)NULL)                            \
	                .type_)
/* text: the compiler's message if x is no value task. */
#define BIDE_CHECK_VALUE_TASK_(x, text)                                  \
	__extension__({                                                      \
		__typeof__(((void)0, (x))) *given_ = NULL;                       \
		__typeof__(*BIDE_IF_VOID_CHAR_(given_)) *value_task_ = NULL;     \
		_Static_assert(BIDE_LOOKS_LIKE_VALUE_TASK_(*value_task_), text); \
		(void)sizeof(__typeof__(BIDE_TYPE_OF_RESULT_(value_task_)) *);   \
	})
/* An integer, a pointer, a float (classes 0..5, 8), or a value task. */
#define BIDE_CHECK_VALUE_(x)                                                             \
	__extension__({                                                                      \
		BIDE_DECAYED_(x) *given_ = NULL;                                                 \
		__typeof__(*BIDE_IF_VOID_CHAR_(given_)) *value_ = NULL;                          \
		_Static_assert(BIDE_LOOKS_LIKE_VALUE_TASK_(*value_) ||                           \
		                   (sizeof(*value_) <= 8 &&                                      \
		                    __builtin_types_compatible_p(__typeof__(value_),             \
		                                                 __typeof__(given_)) &&          \
		                    (__builtin_classify_type(*value_) <= 5 ||                    \
		                     __builtin_classify_type(*value_) == 8)),                    \
		               "a value task holds a number or pointer of at most 8 bytes; see " \
		               "bide_async_return_large");                                       \
		(void)sizeof(__typeof__(BIDE_TYPE_OF_RESULT_(value_)) *);                        \
	})
#define bide_value_task_from(x)                                               \
	(BIDE_CHECK_VALUE_(x),                                                    \
	 _Generic((x), _Bool                                                      \
	          : bide_pack_signed_, char                                       \
	          : bide_pack_signed_, signed char                                \
	          : bide_pack_signed_, unsigned char                              \
	          : bide_pack_signed_, short                                      \
	          : bide_pack_signed_, unsigned short                             \
	          : bide_pack_signed_, int                                        \
	          : bide_pack_signed_, long                                       \
	          : bide_pack_signed_, long long                                  \
	          : bide_pack_signed_, unsigned                                   \
	          : bide_pack_unsigned_, unsigned long                            \
	          : bide_pack_unsigned_, unsigned long long                       \
	          : bide_pack_unsigned_, float                                    \
	          : bide_pack_double_, double                                     \
	          : bide_pack_double_, default                                    \
	          : bide_pack_other_)((const void *)(BIDE_DECAYED_(x)[1]){ (x) }, \
	                              sizeof(BIDE_DECAYED_(x))))

#endif
#endif
