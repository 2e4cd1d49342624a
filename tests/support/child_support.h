/*
 * child_support.h - statements that run in the child of a fork.
 */
#ifndef CHILD_SUPPORT_H
#define CHILD_SUPPORT_H

#include <sys/wait.h>

#include "limits_of_tools.h"
#include "task_support.h"

/* Returns 0 on success, otherwise the child's exit status, or minus the signal that ended it. */
BIDE_UNUSED static int status_of(pid_t child)
{
	int status = 0;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* The runner ends a child that hangs, with the test. */
BIDE_UNUSED static pid_t fork_here(void)
{
	if (many_workers()) {
		if (UNDER_TSAN)
			SKIP("ThreadSanitizer does not know how to start threads in the child of several");
		FORKS_WITH_THREADS();
	}
	fflush(NULL);
	return fork();
}

static pid_t forked;

BIDE_UNUSED static bool is_child(void)
{
	CHILD_STARTS_THREADS();
	forked = fork_here();
	return forked == 0;
}

/* Runs the statements in a child, whose assertions count. */
#define IN_CHILD(...)                           \
	do {                                        \
		if (is_child()) {                       \
			__VA_ARGS__;                        \
			_exit(0);                           \
		}                                       \
		assert_int_equal(status_of(forked), 0); \
	} while (0)

#endif
