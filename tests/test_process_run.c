/*
 * Programs that are run to their end: what is written to them and read from them, and what ends
 * them sooner.
 */
/* threads */
#define _GNU_SOURCE
#include "support/process_support.h"

static bide_process_output_task run_limited(const char *command, const void *input,
                                            size_t input_bytes, size_t output_max_bytes)
{
	const char *const words[] = { "sh", "-c", command, NULL };

	return bide_process_run(&(bide_process_options){ .arguments = words }, input, input_bytes,
	                        output_max_bytes);
}

TEST(output_error_and_status_are_collected)
{
	bide_process_output *output;

	NEEDS_IO();
	output = output_of(run_shell("cat; echo wrong >&2; exit 3", "some input"));
	assert_string_equal(output->out, "some input");
	assert_int_equal(output->out_bytes, 10);
	assert_string_equal(output->err, "wrong\n");
	assert_int_equal(output->err_bytes, 6);
	assert_int_equal(output->status, 3);
	bide_process_output_free(output);
	bide_process_output_free(NULL);
	nothing_is_left();
}

/* More than all the pipes hold, in all directions at the same time. */
TEST(an_output_that_is_freed_twice_is_misuse)
{
	const char *const words[] = { "echo", "text", NULL };
	bide_payload got = { .p = NULL };

	NEEDS_IO();
	assert_int_equal(bide_value_task_wait(bide_process_run(&(bide_process_options){ .arguments =
	                                                                                    words },
	                                                       NULL, 0, 0),
	                                      &got),
	                 0);
	bide_process_output_free(got.p);
	expect_misuse();
	MISUSE(bide_process_output_free(got.p), "bide_process_output_free", "freed already");
	nothing_is_left();
}

TEST(full_pipes_never_stop_both_sides)
{
	static char input[1 << 20];
	bide_process_output *output;

	NEEDS_IO();
	memset(input, 'i', sizeof input);
	output = output_of(run_limited("tee /dev/stderr", input, sizeof input, 0));
	assert_int_equal(output->out_bytes, sizeof input);
	assert_int_equal(output->err_bytes, sizeof input);
	assert_memory_equal(output->out, input, sizeof input);
	assert_memory_equal(output->err, input, sizeof input);
	assert_int_equal(output->status, 0);
	bide_process_output_free(output);
	output = output_of(run_limited("head -c 1000000 /dev/zero >&2; cat", input, sizeof input, 0));
	assert_int_equal(output->out_bytes, sizeof input);
	assert_int_equal(output->err_bytes, 1000000);
	bide_process_output_free(output);
	nothing_is_left();
}

TEST(a_child_may_end_without_reading_its_input)
{
	static char input[1 << 20];
	bide_process_output *output;

	NEEDS_IO();
	output = output_of(run_limited("exec true", input, sizeof input, 0));
	assert_int_equal(output->status, 0);
	assert_int_equal(output->out_bytes, 0);
	assert_string_equal(output->out, "");
	bide_process_output_free(output);
	nothing_is_left();
}

TEST(a_deadline_kills_a_child_that_never_reads)
{
	static char input[1 << 20];

	NEEDS_IO();
	for (int i = 0; i < 5; i++)
		assert_int_equal(error_of(bide_with_timeout(
							 BIDE_MS(20),
							 run_limited("exec sleep 1000", input, sizeof input, 0).untyped)),
		                 ETIMEDOUT);
	wait_for_no_children();
	nothing_is_left();
}

/* What the child has started has its pipes, and lives on. */
TEST(a_deadline_does_not_wait_for_what_holds_the_pipes)
{
	char text[32] = "";
	int fd[2], id;

	NEEDS_IO();
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(fcntl(fd[1], F_SETFD, FD_CLOEXEC), 0);
	{
		const char *const words[] = { "sh", "-c", "sleep 1000 2>/dev/null & echo $! >&2; wait", 0 };
		bide_process_options options = { .arguments = words,
			                             .err = BIDE_PROCESS_FD,
			                             .err_fd = fd[1] };

		assert_int_equal(error_of(
							 bide_with_timeout(BIDE_MS(300),
		                                       bide_process_run(&options, NULL, 0, 0).untyped)),
		                 ETIMEDOUT);
	}
	close(fd[1]);
	if (read(fd[0], text, sizeof text - 1) > 0) { /* else the machine was too slow */
		id = atoi(text);
		assert_true(id > 1);
		assert_int_equal(kill(id, SIGKILL), 0); /* it runs */
	}
	close(fd[0]);
	wait_for_no_children();
	nothing_is_left();
}

TEST(output_above_the_limit_kills_the_child)
{
	NEEDS_IO();
	assert_int_equal(error_of(run_limited("exec yes", NULL, 0, 100000).untyped), EMSGSIZE);
	assert_int_equal(error_of(run_limited("exec yes >&2", NULL, 0, 100000).untyped), EMSGSIZE);
	wait_for_no_children();
	nothing_is_left();
}

TEST(output_of_the_limit_is_taken)
{
	bide_process_output *output;

	NEEDS_IO();
	output = output_of(run_limited("head -c 4096 /dev/zero", NULL, 0, 4096));
	assert_int_equal(output->out_bytes, 4096);
	bide_process_output_free(output);
	assert_int_equal(error_of(run_limited("head -c 4097 /dev/zero", NULL, 0, 4096).untyped),
	                 EMSGSIZE);
	nothing_is_left();
}

TEST(the_streams_may_be_others_than_pipes)
{
	const char *const words[] = { "sh", "-c", "cat; echo to nowhere >&2", NULL };
	bide_process_options options = { .arguments = words, .err = BIDE_PROCESS_NULL };
	bide_process_output *output;

	NEEDS_IO();
	output = output_of(bide_process_run(&options, "x", 1, 0));
	assert_string_equal(output->out, "x");
	assert_null(output->err);
	bide_process_output_free(output);
	options.err = BIDE_PROCESS_OUT;
	output = output_of(bide_process_run(&options, NULL, 0, 0));
	assert_string_equal(output->out, "to nowhere\n");
	assert_null(output->err);
	bide_process_output_free(output);
	nothing_is_left();
}

TEST(a_run_that_is_canceled_or_forgotten_kills_the_child)
{
	bide_context *scope;
	bide_value_task run;
	int fd[2];
	char byte;

	NEEDS_IO();
	for (int forgets = 0; forgets < 2; forgets++) {
		const char *const words[] = { "sh", "-c", "echo x >&2; exec sleep 1000", NULL };
		bide_process_options options = { .arguments = words, .err = BIDE_PROCESS_FD };

		assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
		options.err_fd = fd[1];
		run = IN_SCOPE(scope, bide_process_run(&options, NULL, 0, 0).untyped);
		close(fd[1]);
		assert_true(result_of(bide_fd_wait(fd[0], BIDE_FD_IN)) != 0);
		assert_int_equal(read(fd[0], &byte, 1), 1); /* the child runs */
		if (forgets) {
			bide_value_task_forget(run);
			bide_context_unref(scope);
		} else {
			assert_int_equal(cancel_and_wait(scope, run), ECANCELED);
		}
		do /* until the child is gone */
			assert_true(result_of(bide_fd_wait(fd[0], BIDE_FD_IN)) != 0);
		while (read(fd[0], &byte, 1) > 0);
		close(fd[0]);
		wait_for_no_children();
	}
	nothing_is_left();
}

TEST(a_run_fails_as_a_start_does)
{
	const char *const words[] = { "bide-has-no-such-program", NULL };

	NEEDS_IO();
	assert_int_equal(
		error_of(
			bide_process_run(&(bide_process_options){ .arguments = words }, NULL, 0, 0).untyped),
		ENOENT);
	assert_int_equal(
		error_of(
			bide_process_run(&(bide_process_options){ .arguments = words }, "x", 1, 0).untyped),
		ENOENT);
	nothing_is_left();
}

TEST_SLOW(two_hundred_programs_run_at_once, 60)
{
	static bide_process_output_task runs[200];

	NEEDS_IO();
	for (size_t i = 0; i < 200; i++)
		runs[i] = run_limited("read a; echo $a; exit 9", "line\n", 5, 0);
	for (size_t i = 0; i < 200; i++) {
		bide_process_output *output = output_of(runs[i]);

		assert_string_equal(output->out, "line\n");
		assert_int_equal(output->status, 9);
		bide_process_output_free(output);
	}
	nothing_is_left();
}

TEST_SLOW(each_allocation_of_a_run_may_fail, 60)
{
	int error = -1;

	NEEDS_IO();
	limit_objects();
	for (long allowed = 0; error; allowed++) {
		bide_payload result = { .p = NULL };

		assert_true(allowed < 200);
		allowed_allocations = allowed;
		error = bide_value_task_wait(run_shell("cat", "input").untyped, &result);
		allowed_allocations = -1;
		if (error)
			assert_true(error == ENOMEM || error == BIDE_ENOFRAME);
		else
			assert_string_equal(((bide_process_output *)result.p)->out, "input");
		bide_process_output_free(result.p);
		wait_for_no_children();
		assert_int_equal(bide_drain(BIDE_SECONDS(100)), 0);
	}
	nothing_is_left();
}
