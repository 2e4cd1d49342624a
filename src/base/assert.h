/*
 * assert.h - BIDE_ASSERT_, which checks an invariant where it must hold.
 *
 * Assertions are on in debug builds of CMake, in the explorer and with -DBIDE_ASSERTIONS=1. A
 * release build does not evaluate the condition, so the condition must have no side effect.
 */
#ifndef BIDE_BASE_ASSERT_H
#define BIDE_BASE_ASSERT_H

#include "base/library.h"

#if defined(BIDE_EXPLORE) && !defined(BIDE_ASSERTIONS)
#define BIDE_ASSERTIONS 1
#endif

#if defined(BIDE_ASSERTIONS) && BIDE_ASSERTIONS
#define BIDE_ASSERT_(condition)      \
	(BIDE_LIKELY((condition) != 0) ? \
	     (void)0 :                   \
	     bide_assert_failed_(#condition, __FILE__, __LINE__, __func__))
#else
/* sizeof: the compiler checks the names, and makes no code. */
#define BIDE_ASSERT_(condition) ((void)sizeof((condition) != 0))
#endif

/* Prints the condition and its place, and aborts. Any thread. */
BIDE_INTERNAL BIDE_COLD void bide_assert_failed_(const char *condition, const char *file, int line,
                                                 const char *function) __attribute__((noreturn));

#endif
