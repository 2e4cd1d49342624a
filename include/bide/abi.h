/*
 * abi.h - the base of all other headers: visibility, attributes, atomics, the layout version.
 *
 * Users call nothing here. Structures that are inlined into user programs carry BIDE_ABI in the
 * names of the symbols that touch them. So a program that was built against another layout fails
 * when it is linked, not when it runs.
 */
#ifndef BIDE_ABI_H
#define BIDE_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A word holds an address and a tag of three bits, and an address must fill a 64-bit number. */
#if __SIZEOF_POINTER__ < 8
#error "bide needs pointers of 64 bits: x86-64, AArch64, RV64"
#endif

#define BIDE_VERSION_MAJOR 0
#define BIDE_VERSION_MINOR 1
#define BIDE_VERSION_PATCH 0
/* Grows with each release: 1.2.3 is 1002003. Compare it with bide_version (runtime.h). */
#define BIDE_VERSION_NUMBER \
	(BIDE_VERSION_MAJOR * 1000000u + BIDE_VERSION_MINOR * 1000u + BIDE_VERSION_PATCH)

#define BIDE_CAT2_(a, b) a##b
#define BIDE_CAT_(a, b) BIDE_CAT2_(a, b)

/* The version of the public layout: the head of a thread, frame and source. */
#define BIDE_ABI 1
#define BIDE_ABI_NAME_(name) BIDE_CAT_(name##_v, BIDE_ABI)

#define BIDE_API __attribute__((visibility("default")))
#define BIDE_INTERNAL __attribute__((visibility("hidden")))
#define BIDE_LIKELY(x) __builtin_expect(!!(x), 1)
#define BIDE_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define BIDE_COLD __attribute__((cold, noinline))
#define BIDE_USE_RESULT __attribute__((warn_unused_result))
#define BIDE_UNUSED __attribute__((unused))
#define BIDE_PRINTF(text, first) __attribute__((format(printf, text, first)))
#define BIDE_INLINE static inline

/*
 * The model initial-exec reads the variable with one instruction. With BIDE_FREESTANDING the
 * library is built for a machine without threads.
 */
#ifdef BIDE_FREESTANDING
#define BIDE_THREAD_LOCAL_
#else
#define BIDE_THREAD_LOCAL_ __attribute__((tls_model("initial-exec"))) __thread
#endif

#ifdef __cplusplus
#define BIDE_BEGIN_DECLS extern "C" {
#define BIDE_END_DECLS }
#define BIDE_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define BIDE_BEGIN_DECLS
#define BIDE_END_DECLS
#define BIDE_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/*
 * C23 warns about every ignored value of the type. Older compilers warn about each function that
 * is marked.
 */
#if !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202000L
#define BIDE_NODISCARD_TYPE [[nodiscard]]
#else
#define BIDE_NODISCARD_TYPE
#endif

/*
 * Atomics are plain integers, accessed by the built-ins with a written order. g++ cannot compile
 * _Atomic, and the explorer of the tests replaces these macros with its own.
 */
#ifdef BIDE_EXPLORE
#include "explore_atomics.h"
#else
#define BIDE_LOAD(at, order) __atomic_load_n((at), __ATOMIC_##order)
#define BIDE_STORE(at, value, order) __atomic_store_n((at), (value), __ATOMIC_##order)
#define BIDE_SWAP(at, value, order) __atomic_exchange_n((at), (value), __ATOMIC_##order)
#define BIDE_ADD(at, value, order) __atomic_fetch_add((at), (value), __ATOMIC_##order)
#define BIDE_SUB(at, value, order) __atomic_fetch_sub((at), (value), __ATOMIC_##order)
#define BIDE_OR(at, value, order) __atomic_fetch_or((at), (value), __ATOMIC_##order)
#define BIDE_CAS(at, expected, value, order, order_failed)                          \
	__atomic_compare_exchange_n((at), (expected), (value), false, __ATOMIC_##order, \
	                            __ATOMIC_##order_failed)
#define BIDE_FENCE(order) __atomic_thread_fence(__ATOMIC_##order)
#define BIDE_RELAX() bide_relax_()
/*
 * Keeps the compiler's order of the accesses before and after it. The other side pays for the
 * processor's order (bide_port_heavy_fence_).
 */
#define BIDE_LIGHT_FENCE() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#endif

BIDE_INLINE void bide_relax_(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield");
#endif
}

/*
 * gcc 12 joins two adjacent 8-byte copies into one vector move. If the values were in registers,
 * it goes through memory, and the store cannot be forwarded: 4 ns. This keeps a value in a
 * register of its own.
 */
#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__)
#define BIDE_IN_REGISTER_(x) __asm__("" : "+r"(x))
#else
#define BIDE_IN_REGISTER_(x) ((void)0)
#endif

/* A place in the user's source. It is static data, so that noting it costs one pointer. */
typedef struct bide_place {
	const char *file;
	uint32_t line;
	const char *function;
} bide_place;

#ifdef __cplusplus
#define BIDE_HERE_ ((const bide_place *)nullptr)
#else
#define BIDE_HERE_                                                             \
	__extension__({                                                            \
		static const bide_place bide_here_ = { __FILE__, __LINE__, __func__ }; \
		&bide_here_;                                                           \
	})
#endif

/* A call in the user's source, for messages of misuse (noted.h). It is static data, too. */
typedef struct bide_call {
	bide_place place;
	const char *callee;
} bide_call;

enum { BIDE_NOTES_ = 8 };

/*
 * The newest calls of a thread that noted their places, in a ring. A call notes its place before
 * the calls among its arguments do, so that of a call may be older than theirs. NULL: there is
 * none, or a message has been shown since.
 */
typedef struct bide_notes_ {
	const bide_call *calls[BIDE_NOTES_];
	uint32_t newest; /* its index, modulo BIDE_NOTES_ */
} bide_notes_;

BIDE_BEGIN_DECLS
extern BIDE_API BIDE_THREAD_LOCAL_ bide_notes_ bide_called_from_;
BIDE_END_DECLS

#if defined(__cplusplus) || defined(BIDE_NO_TRACE) || defined(BIDE_BUILDING)
#define BIDE_NOTE_(function) ((void)0)
#else
/* It is a function, because the compiler takes two assignments in one expression as unordered. */
BIDE_INLINE void bide_note_(const bide_call *call)
{
	uint32_t at = bide_called_from_.newest + 1;

	bide_called_from_.newest = at;
	bide_called_from_.calls[at % BIDE_NOTES_] = call;
}
#define BIDE_NOTE_(function)                                                                 \
	bide_note_(__extension__({                                                               \
		static const bide_call bide_call_ = { { __FILE__, __LINE__, __func__ }, #function }; \
		&bide_call_;                                                                         \
	}))
#endif

#ifndef __cplusplus
/*
 * For macros that copy an argument: a pointer to a copy of it, and its size. The initialiser
 * evaluates it once. It may be a compound literal, whose commas would part the arguments of a macro
 * that takes one. An array is refused, since the copy would be one of its address (class 5).
 * The assertion stands in a block: in a struct, clang takes a compound literal for one of file
 * scope, whose members must be constants.
 */
#define BIDE_COPY_OF_(...)                                                                         \
	((const void *)(__typeof__(((void)0, (__VA_ARGS__)))[1]){ __VA_ARGS__ }), __extension__({      \
		_Static_assert(                                                                            \
			__builtin_classify_type(((void)0, (__VA_ARGS__))) != 5 ||                              \
				__builtin_types_compatible_p(__typeof__(__VA_ARGS__),                              \
		                                     __typeof__(((void)0, (__VA_ARGS__)))),                \
			"an array is not copied: write a struct that holds it, or its address, as &array[0]"); \
		sizeof(__typeof__(((void)0, (__VA_ARGS__))));                                              \
	})
#endif

/* The place that makes an error, for the error's trace (trace.h). */
#ifdef BIDE_NO_TRACE
#define BIDE_FAILED_HERE_ ((const bide_place *)0)
#define BIDE_TRACE_LINE_(line) 0u
#else
#define BIDE_FAILED_HERE_ BIDE_HERE_
#define BIDE_TRACE_LINE_(line) ((uint32_t)(line))
#endif

#endif
