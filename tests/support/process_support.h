/*
 * process_support.h - shared by the tests of child processes: starts of shell commands, and a check
 * that no child is left.
 */
#ifndef PROCESS_SUPPORT_H
#define PROCESS_SUPPORT_H

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "io_support.h"
#include "limits_of_tools.h"

BIDE_UNUSED static void pause_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

/* Returns true if this process has a child, that runs or is a zombie. */
BIDE_UNUSED static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* What was killed or has ended is awaited in the background: soon none is left. */
BIDE_UNUSED static void wait_for_no_children(void)
{
	while (has_children()) {
		settle(0);
		pause_ms(1);
	}
}

/* At the end of a test. A shutdown leaves none, and no memory. */
BIDE_UNUSED static void nothing_is_left(void)
{
	settle(0);
	assert_int_equal(shut_down(), 0);
	assert_false(has_children());
	assert_int_equal(stats().live_bytes, 0);
}

/* The process of a value task that must succeed. */
BIDE_UNUSED static bide_process *process_of(bide_process_task v)
{
	bide_payload result = { .p = NULL };

	assert_int_equal(bide_value_task_wait(v.untyped, &result), 0);
	assert_non_null(result.p);
	return result.p;
}

BIDE_UNUSED static bide_process_task spawn_shell(const char *command, bide_process_options options)
{
	const char *const words[] = { "sh", "-c", command, NULL };

	options.arguments = words;
	return bide_process_spawn(&options);
}

BIDE_UNUSED static bide_process *shell(const char *command)
{
	return process_of(spawn_shell(command, (bide_process_options){ .keep = false }));
}

BIDE_UNUSED static bide_process_output_task run_shell(const char *command, const char *input)
{
	const char *const words[] = { "sh", "-c", command, NULL };

	return bide_process_run(&(bide_process_options){ .arguments = words }, input,
	                        input ? strlen(input) : 0, 0);
}

BIDE_UNUSED static bide_process_output *output_of(bide_process_output_task v)
{
	bide_payload result = { .p = NULL };

	assert_int_equal(bide_value_task_wait(v.untyped, &result), 0);
	assert_non_null(result.p);
	return result.p;
}

/* Runs a command that must write this, and end with 0. */
#define ASSERT_WRITES(command, text)                                          \
	do {                                                                      \
		bide_process_output *output_ = output_of(run_shell((command), NULL)); \
		assert_string_equal(output_->out, (text));                            \
		assert_string_equal(output_->err, "");                                \
		assert_int_equal(output_->status, 0);                                 \
		bide_process_output_free(output_);                                    \
	} while (0)

#endif
