/*
 * broken.h - checks that a walker finds what a test has broken, and names it and its place on
 * standard error.
 */
#ifndef BIDE_TEST_BROKEN_H
#define BIDE_TEST_BROKEN_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

static char broken_text[2048];
static int broken_stderr = -1;
static FILE *broken_file;

BIDE_UNUSED static void broken_begin(void)
{
	broken_file = tmpfile();
	assert_non_null(broken_file);
	broken_stderr = dup(STDERR_FILENO);
	dup2(fileno(broken_file), STDERR_FILENO);
}

BIDE_UNUSED static void broken_end(void)
{
	size_t length;

	dup2(broken_stderr, STDERR_FILENO);
	close(broken_stderr);
	rewind(broken_file);
	length = fread(broken_text, 1, sizeof broken_text - 1, broken_file);
	broken_text[length] = '\0';
	fclose(broken_file);
}

/* Asserts that the walker returns false and names the condition and the source that contains it. */
#define BROKEN(walk, source, condition)                                         \
	do {                                                                        \
		bool valid_;                                                            \
		broken_begin();                                                         \
		valid_ = (walk);                                                        \
		broken_end();                                                           \
		if (valid_ || !strstr(broken_text, "bide: src/" source ":") ||          \
		    !strstr(broken_text, "this must hold, and does not: " condition)) { \
			print_error("%s: %s\n", valid_ ? "valid" : "broken", broken_text);  \
			fail();                                                             \
		}                                                                       \
	} while (0)

#endif
