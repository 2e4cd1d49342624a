/*
 * limits_of_tools.h - what sanitizers and the emulator cannot do. Tests that need it are skipped
 * there.
 *
 * UNDER_ASAN and UNDER_TSAN are true in builds with that sanitizer. EMULATED is true if the tier
 * arm64 runs the test in qemu.
 */
#ifndef BIDE_TEST_LIMITS_OF_TOOLS_H
#define BIDE_TEST_LIMITS_OF_TOOLS_H

#include <stdbool.h>

#include "test.h"

#ifdef __has_feature
#define TEST_HAS_FEATURE(name) __has_feature(name)
#else
#define TEST_HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || TEST_HAS_FEATURE(address_sanitizer)
enum { UNDER_ASAN = true };
#else
enum { UNDER_ASAN = false };
#endif

#if defined(__SANITIZE_THREAD__) || TEST_HAS_FEATURE(thread_sanitizer)
enum { UNDER_TSAN = true };
#else
enum { UNDER_TSAN = false };
#endif

#ifdef BIDE_TEST_EMULATED
enum { EMULATED = true };
#else
enum { EMULATED = false };
#endif

/* From these releases on, AddressSanitizer holds its locks during a fork. */
#if defined(__clang__)
enum { ASAN_KNOWS_FORK = __clang_major__ >= 17 };
#else
enum { ASAN_KNOWS_FORK = __GNUC__ >= 14 };
#endif

/* Skips a test whose child of a fork starts threads. */
#define CHILD_STARTS_THREADS()                                             \
	do {                                                                   \
		if (EMULATED)                                                      \
			SKIP("qemu dies in the child of a fork that starts a thread"); \
	} while (0)

/* Skips a test that forks although the process has several threads. */
#define FORKS_WITH_THREADS()                                                                  \
	do {                                                                                      \
		if (UNDER_ASAN && !ASAN_KNOWS_FORK)                                                   \
			SKIP("the child may inherit a locked lock of this AddressSanitizer's allocator"); \
	} while (0)

#endif
