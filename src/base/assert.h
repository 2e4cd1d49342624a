/*
 * assert.h - checks of invariants: BIDE_ASSERT_ where one must hold, and what walkers are made of.
 *
 * A walker, bide_<structure>_is_valid_, looks at a whole structure. Assertions are on in debug
 * builds of CMake, with its option BIDE_ASSERTIONS, and in the explorer. Elsewhere the condition is
 * not evaluated, so it must have no side effect.
 */
#ifndef BIDE_BASE_ASSERT_H
#define BIDE_BASE_ASSERT_H

#include "base/library.h"
#include "base/settings.h"

#if defined(BIDE_EXPLORE) && !defined(BIDE_ASSERTIONS)
#define BIDE_ASSERTIONS 1
#endif

#define BIDE_ASSERT_ALWAYS_(condition) \
	(BIDE_LIKELY((condition) != 0)     \
	     ? (void)0                     \
	     : bide_assert_failed_(#condition, __FILE__, __LINE__, __func__))

/* The compiler checks the names, takes a walker as used, and makes no code. */
#define BIDE_ASSERT_NEVER_(condition) ((void)(0 && (condition)))

#if defined(BIDE_ASSERTIONS) && BIDE_ASSERTIONS
#define BIDE_ASSERT_(condition) BIDE_ASSERT_ALWAYS_(condition)
#else
#define BIDE_ASSERT_(condition) BIDE_ASSERT_NEVER_(condition)
#endif

/*
 * The same, but for the explorer. Use it for conditions with an atomic load, which is a scheduling
 * point there.
 */
#ifdef BIDE_EXPLORE
#define BIDE_ASSERT_UNEXPLORED_(condition) BIDE_ASSERT_NEVER_(condition)
#else
#define BIDE_ASSERT_UNEXPLORED_(condition) BIDE_ASSERT_(condition)
#endif

/*
 * Debug mode (BIDE_DEBUG=1) checks this in every build. Use it for walkers, off the hot paths. In
 * the explorer a walker would multiply the interleavings: there the scenarios call it at their end.
 */
#ifdef BIDE_EXPLORE
#define BIDE_ASSERT_IN_DEBUG_(condition) BIDE_ASSERT_NEVER_(condition)
#elif defined(BIDE_ASSERTIONS) && BIDE_ASSERTIONS
#define BIDE_ASSERT_IN_DEBUG_(condition) BIDE_ASSERT_ALWAYS_(condition)
#else
#define BIDE_ASSERT_IN_DEBUG_(condition) \
	(BIDE_UNLIKELY(bide_debug_) ? BIDE_ASSERT_ALWAYS_(condition) : (void)0)
#endif

/*
 * In a walker: if the condition is false, prints it with its place, and returns false from the
 * walker.
 */
#define BIDE_INVARIANT_(condition)                                                   \
	do {                                                                             \
		if (BIDE_UNLIKELY(!(condition)))                                             \
			return bide_invariant_broken_(#condition, __FILE__, __LINE__, __func__); \
	} while (0)

/* Prints the condition and its place, and aborts. Any thread. */
BIDE_INTERNAL BIDE_COLD void bide_assert_failed_(const char *condition, const char *file, int line,
                                                 const char *function) __attribute__((noreturn));
/* Prints the condition and its place. Returns false. Any thread. */
BIDE_INTERNAL BIDE_COLD bool bide_invariant_broken_(const char *condition, const char *file,
                                                    int line, const char *function);

#endif
