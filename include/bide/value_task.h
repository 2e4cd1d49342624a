/*
 * value_task.h - a result that is there, or the promise of one: 16 bytes, returned in two
 * registers.
 *
 * A value task holds its result itself when the operation completed synchronously: no memory is
 * taken. Otherwise it points at the source that will have the result (an async function's frame, a
 * timer, a subscription to a task, your own source).
 *
 * The rule: exactly one consumer, once. Awaiting consumes; so do bide_value_task_as_task, bide_value_task_forget,
 * bide_value_task_wait that succeeds, the combinators that say "consumes" and bide_group_add. A value task
 * that holds its value may be copied and read at will; one that is pending is dead, with all its
 * copies, when it has been consumed. Consuming it again calls the misuse hook (misuse.h), which
 * names both places. Dropping a pending one silently leaks its frame: bide_stats counts it,
 * bide_dump and bide_shutdown name it.
 *
 * Threads: with many workers (runtime.h) any thread may consume it; with one it belongs to the
 * thread that made it, and bide_value_task_as_task makes of it what may go to another.
 *
 * Results are an int64_t, a double or a pointer, or an error: an errno number, ECANCELED for
 * cancellation, or a number of the two ranges below. For results larger than 8 bytes see
 * bide_async_return_large in async.h.
 *
 * Two registers: System V x86-64, AArch64 (AAPCS64), RV64. Elsewhere it works, through memory.
 */
#ifndef BIDE_VALUE_TASK_H
#define BIDE_VALUE_TASK_H

#include "abi.h"

/* Error numbers. 1..2047 are errno values. */
/*
 * An async function of yours did not start: no memory for its frame, nothing of it ran. Only its
 * start says so; a call of the library that finds no memory fails with ENOMEM.
 */
#define BIDE_ENOFRAME 2048
/* every reference to a completion source is gone and nobody completed it */
#define BIDE_EBROKEN 2049
#define BIDE_EEND 2050 /* no more elements: when_each, periodic timer after its end */
/* misuse went on (the hook returned): the value task had been consumed already */
#define BIDE_ESTALE 2051
#define BIDE_EUSER 3072 /* 3072..4095 are yours */
#define BIDE_ERROR_MAX 4095

typedef union bide_payload {
	int64_t i;
	double d;
	void *p;
	uint64_t generation; /* of the source, while the value task is pending */
	uint64_t trace;      /* after a failure: where it comes from (trace.h) */
} bide_payload;

/*
 * state: 0 succeeded, the payload is the result; 1..4095 failed with that error, the payload is the
 * trace; else the address of a source.
 */
typedef union BIDE_NODISCARD_TYPE bide_value_task {
	__extension__ struct {
		bide_payload payload;
		uintptr_t state;
	};
	struct bide_untyped_ *type_;
} bide_value_task;

/*
 * A typed form, at no cost: BIDE_VALUE_TASK_OF(text_task, const char *) declares the type
 * text_task; awaiting one into anything but a const char * does not compile. Make one with
 * BIDE_TYPED(text_task, value_task).
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

/* Completed value tasks. Cost: two registers. */
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

/* Succeeded without a result. */
BIDE_INLINE BIDE_USE_RESULT bide_value_task bide_value_task_completed(void)
{
	return bide_value_task_from_int(0);
}

/*
 * bide_value_task_from_error(error): failed with `error`, 1..4095 (ECANCELED: canceled). Anything
 * else is misuse and gives EINVAL. Notes the place for the trace: about 10 ns. Without (C++,
 * BIDE_NO_TRACE): two registers.
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
 * Queries. They consume nothing, and any number may be made before the value task is consumed;
 * afterwards they are misuse and give BIDE_ESTALE. Status, error and result always agree: when the
 * operation is over each tells its outcome, wherever that lies. Thread: the one that holds the value
 * task. Cost: a comparison; a call for one that does not hold its outcome itself.
 */
BIDE_INLINE bide_status bide_value_task_status(bide_value_task value_task);

BIDE_INLINE bool bide_value_task_is_ready(bide_value_task value_task)
{
	return value_task.state <= BIDE_ERROR_MAX ||
	       bide_value_task_status_pending_(value_task) != BIDE_PENDING;
}

BIDE_INLINE bool bide_value_task_is_successful(bide_value_task value_task)
{
	return bide_value_task_status(value_task) == BIDE_SUCCEEDED;
}

BIDE_INLINE bool bide_value_task_is_failed(bide_value_task value_task)
{
	return bide_value_task_status(value_task) == BIDE_FAILED;
}

BIDE_INLINE bool bide_value_task_is_canceled(bide_value_task value_task)
{
	return bide_value_task_status(value_task) == BIDE_CANCELED;
}

BIDE_INLINE bide_status bide_value_task_status(bide_value_task value_task)
{
	/* ECANCELED; <errno.h> stays out of this header. value_task.c asserts it. */
	enum { canceled = 125 };
	if (value_task.state > BIDE_ERROR_MAX)
		return bide_value_task_status_pending_(value_task);
	if (value_task.state == 0)
		return BIDE_SUCCEEDED;
	return value_task.state == canceled ? BIDE_CANCELED : BIDE_FAILED;
}

/* The error number; 0 after success. Asking a pending one is misuse and returns EINPROGRESS. */
BIDE_INLINE int bide_value_task_error(bide_value_task value_task)
{
	return value_task.state <= BIDE_ERROR_MAX ? (int)value_task.state
	                                          : bide_value_task_error_pending_(value_task);
}

/*
 * Returns the result after success, and zero after failure. Asking a pending one is misuse and
 * returns zero. A large result is a pointer, which is valid until the value task is consumed.
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
 * Same value, same error (wherever it comes from), or the same pending operation. A value that is
 * there never equals a pending one.
 */
BIDE_INLINE bool bide_value_task_equal(bide_value_task a, bide_value_task b)
{
	return a.state == b.state &&
	       (a.payload.i == b.payload.i || (a.state != 0 && a.state <= BIDE_ERROR_MAX));
}

/*
 * What an error number of any range means, for messages: strerror's text, or name and text of
 * bide's own. Never NULL.
 */
BIDE_API const char *bide_strerror(int error);

BIDE_END_DECLS

/*
 * bide_value_task_from(x): a completed value task of any scalar. Also takes a value task (typed or
 * not) and gives it back untyped. The value passes through memory only where the compiler does not
 * optimise.
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

/* Pointers and value tasks: told apart by their size. */
BIDE_INLINE bide_value_task bide_pack_other_(const void *at, size_t size_bytes)
{
	bide_value_task v;
	if (size_bytes == sizeof(bide_value_task))
		__builtin_memcpy(&v, at, sizeof v);
	else
		v = bide_value_task_from_pointer(*(void *const *)at);
	return v;
}

/* 1 ? x : x lets arrays decay and small integers widen; x is evaluated once, in the initialiser. */
#define BIDE_DECAYED_(x) __typeof__(1 ? (x) : (x)) /* NOLINT(bugprone-branch-clone) */
/*
 * Checks of a type, before its bytes are taken. They look at what a pointer points at, so that the
 * expression stands in them once, and is not evaluated. A void has no class: it counts as a char.
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
/* text: what the compiler says if x is no value task. */
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
