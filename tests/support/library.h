/*
 * library.h - shared by the tests of the whole library: a misuse hook that keeps the last message,
 * the results of value tasks, and a check that nothing is left in use, which also shuts the runtime
 * down.
 */
#ifndef BIDE_TEST_LIBRARY_H
#define BIDE_TEST_LIBRARY_H

#include <stdio.h>
#include <string.h>

#include <bide/bide.h>

#include "settle.h"
#include "test.h"

static unsigned misuse_count;
static char misuse_text[1024];

BIDE_UNUSED static void note_misuse(const char *message, void *argument)
{
	(void)argument;
	misuse_count++;
	snprintf(misuse_text, sizeof misuse_text, "%s", message);
}

/*
 * Returns true if the message names a place in that function near that line. Compilers disagree on
 * the line of a call that stands in the arguments of a macro.
 */
BIDE_UNUSED static bool misuse_is_near(const char *file, int line, const char *function)
{
	char place[256];

	for (int at = line - 4; at <= line + 4; at++) {
		snprintf(place, sizeof place, "(at %s:%d in %s)", file, at, function);
		if (strstr(misuse_text, place))
			return true;
	}
	return false;
}

/* From here on, misuse is counted and the call continues. */
BIDE_UNUSED static void expect_misuse(void)
{
	misuse_count = 0;
	bide_misuse_hook_set(note_misuse, NULL);
}

/* Asserts that the statement on this line is one misuse of the function, for the given reason. */
#define MISUSE(statement, function, why)                                                  \
	do {                                                                                  \
		misuse_count = 0;                                                                 \
		misuse_text[0] = '\0';                                                            \
		statement;                                                                        \
		if (misuse_count != 1 || strncmp(misuse_text, function ": ", sizeof function) ||  \
		    !strstr(misuse_text, why) || !misuse_is_near(__FILE__, __LINE__, __func__)) { \
			print_error("%u misuses, the last: %s\n", misuse_count, misuse_text);         \
			fail();                                                                       \
		}                                                                                 \
	} while (0)

BIDE_UNUSED static bide_stats stats(void)
{
	bide_stats s;
	bide_stats_get(&s);
	return s;
}

/* Consumes a ready or pending value task that must succeed. */
BIDE_UNUSED static int64_t result_of(bide_value_task v)
{
	bide_payload got = { .i = -1 };
	assert_int_equal(bide_value_task_wait(v, &got), 0);
	return got.i;
}

BIDE_UNUSED static int error_of(bide_value_task v)
{
	return bide_value_task_wait(v, NULL);
}

BIDE_UNUSED static void assert_nothing_in_use(void)
{
	bide_stats s;
	settle_workers();
	s = stats();
	assert_int_equal(s.operation_count, 0);
	assert_int_equal(s.frame_count, 0);
	assert_int_equal(s.task_count, 0);
	assert_int_equal(s.timer_count, 0);
	assert_int_equal(shut_down(), 0);
	assert_int_equal(stats().live_bytes, 0);
}

#endif
