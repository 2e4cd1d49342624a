/*
 * Child processes: what they are started with, how a start fails, how they end.
 */
/* threads */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "os/process.h"
#include "support/process_support.h"

/* --- how they end --- */

TEST(a_wait_returns_the_exit_code)
{
	NEEDS_IO();
	for (int code = 0; code < 256; code += 51) {
		char command[32];
		bide_process *process;

		snprintf(command, sizeof command, "exit %d", code);
		process = shell(command);
		assert_int_equal(result_of(bide_process_wait(process)), code);
		bide_process_close(process);
	}
	assert_int_equal(bide_process_exit_code(255), 255);
	assert_int_equal(bide_process_exit_code(256 + SIGTERM), 128 + SIGTERM);
	assert_int_equal(bide_process_exit_signal(255), 0);
	assert_int_equal(bide_process_exit_signal(256 + SIGTERM), SIGTERM);
	nothing_is_left();
}

TEST(a_wait_returns_the_signal_that_ended_the_child)
{
	static const int numbers[] = { SIGTERM, SIGKILL, SIGINT, SIGUSR1, SIGPIPE };
	bide_process *process;

	NEEDS_IO();
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		process = shell("exec sleep 1000");
		assert_int_equal(bide_process_kill(process, numbers[i]), 0);
		assert_int_equal(result_of(bide_process_wait(process)), 256 + numbers[i]);
		assert_int_equal(bide_process_kill(process, SIGKILL), ESRCH);
		bide_process_close(process);
	}
	nothing_is_left();
}

TEST(a_signal_goes_to_a_child_that_runs)
{
	bide_process *process;

	NEEDS_IO();
	process = shell("exec sleep 1000");
	assert_int_equal(bide_process_kill(process, 0), 0);
	assert_int_equal(bide_process_kill(process, 12345), EINVAL);
	assert_int_equal(kill(bide_process_id(process), 0), 0);
	bide_process_close(process);
	nothing_is_left();
}

TEST(a_child_that_has_just_ended_gets_no_signal)
{
	NEEDS_IO();
	for (int i = 0; i < 2; i++) {
		bide_process *process;
		siginfo_t info;

		bide_os_no_pidfd_ = i;
		process = shell("exit 5");
		/* Its outcome may have been taken by now, and may be taken at any moment. */
		(void)waitid(P_PID, (id_t)bide_process_id(process), &info, WEXITED | WNOWAIT);
		assert_int_equal(bide_process_kill(process, 0), ESRCH);
		assert_int_equal(bide_process_kill(process, SIGTERM), ESRCH);
		assert_int_equal(result_of(bide_process_wait(process)), 5);
		bide_process_close(process);
	}
	bide_os_no_pidfd_ = false;
	nothing_is_left();
}

TEST(any_number_of_waits_get_the_status_as_often_as_they_like)
{
	bide_value_task waits[50];
	bide_process *process;

	NEEDS_IO();
	process = process_of(
		spawn_shell("read line; exit 7", (bide_process_options){ .in = BIDE_PROCESS_PIPE }));
	for (size_t i = 0; i < 50; i++) {
		waits[i] = bide_process_wait(process);
		assert_pending(waits[i]);
	}
	bide_process_close_in(process);
	assert_null(bide_process_in(process));
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(result_of(waits[i]), 7);
	assert_int_equal(result_of(bide_process_wait(process)), 7);
	assert_int_equal(result_of(bide_process_wait(process)), 7);
	bide_process_close(process);
	nothing_is_left();
}

TEST(a_wait_that_is_canceled_leaves_the_child_running)
{
	bide_process *process;
	bide_context *scope;
	bide_value_task wait;

	NEEDS_IO();
	process = shell("exec sleep 1000");
	wait = IN_SCOPE(scope, bide_process_wait(process));
	assert_int_equal(cancel_and_wait(scope, wait), ECANCELED);
	assert_int_equal(error_of(bide_with_timeout(BIDE_MS(1), bide_process_wait(process))),
	                 ETIMEDOUT);
	bide_value_task_forget(bide_process_wait(process));
	assert_int_equal(bide_process_kill(process, SIGTERM), 0);
	assert_int_equal(result_of(bide_process_wait(process)), 256 + SIGTERM);
	bide_process_close(process);
	nothing_is_left();
}

TEST(a_close_kills_the_child_and_a_pending_wait_gets_that)
{
	bide_process *process;
	bide_value_task wait;

	NEEDS_IO();
	process = shell("exec sleep 1000");
	wait = bide_process_wait(process);
	bide_process_close(process);
	assert_int_equal(result_of(wait), 256 + SIGKILL);
	assert_false(has_children());
	nothing_is_left();
}

TEST(a_shutdown_waits_for_children_that_a_close_has_killed)
{
	NEEDS_IO();
	for (int i = 0; i < 10; i++)
		bide_process_close(shell("exec sleep 1000"));
	nothing_is_left();
}

TEST(a_child_that_is_kept_runs_on_and_leaves_no_zombie)
{
	bide_process *process;
	int id;

	NEEDS_IO();
	process = process_of(spawn_shell("exec sleep 1000", (bide_process_options){ .keep = true }));
	id = bide_process_id(process);
	bide_process_close(process);
	settle(0);
	assert_int_equal(kill(id, 0), 0);
	assert_int_equal(kill(id, SIGTERM), 0);
	wait_for_no_children();
	nothing_is_left();
}

TEST(a_child_that_is_kept_outlives_a_shutdown)
{
	bide_process *process;
	int id, status;

	NEEDS_IO();
	process = process_of(spawn_shell("exec sleep 1000", (bide_process_options){ .keep = true }));
	id = bide_process_id(process);
	bide_process_close(process);
	assert_int_equal(shut_down(), 0);
	assert_int_equal(stats().live_bytes, 0);
	assert_int_equal(kill(id, SIGTERM), 0);
	assert_int_equal(waitpid(id, &status, 0), id);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

TEST(the_status_is_lost_if_the_program_takes_it)
{
	bide_process *process;
	int status;

	NEEDS_IO();
	signal(SIGCHLD, SIG_IGN);
	process = shell("exit 3");
	assert_int_equal(error_of(bide_process_wait(process)), ECHILD);
	bide_process_close(process);
	signal(SIGCHLD, SIG_DFL);
	process = shell("exec sleep 1000");
	assert_int_equal(kill(bide_process_id(process), SIGSTOP), 0); /* it cannot end by itself */
	bide_process_close(process);
	wait_for_no_children();
	assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
	nothing_is_left();
}

/* --- how a start fails --- */

static bide_process_step step;

static int start_error(const char *program, const char *directory)
{
	const char *const words[] = { program, NULL };

	step = BIDE_PROCESS_STEP_FORK;
	return error_of(bide_process_spawn(&(bide_process_options){ .arguments = words,
	                                                            .directory = directory,
	                                                            .failed_step = &step })
	                    .untyped);
}

/* Makes a file that has this in it. */
static void make_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	put_bytes(fd, text, strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

TEST(a_program_that_cannot_run_is_an_error_of_the_start)
{
	char folder[] = "/tmp/bide_process_XXXXXX", path[64];

	NEEDS_IO();
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/file", folder);
	assert_int_equal(start_error(path, NULL), ENOENT);
	assert_int_equal(step, BIDE_PROCESS_STEP_EXECUTE);
	assert_int_equal(start_error("bide-has-no-such-program", NULL), ENOENT);
	assert_int_equal(step, BIDE_PROCESS_STEP_EXECUTE);
	assert_int_equal(start_error(folder, NULL), EACCES);
	make_file(path, "echo a script without its first line\n", 0600);
	assert_int_equal(start_error(path, NULL), EACCES);
	assert_int_equal(step, BIDE_PROCESS_STEP_EXECUTE);
	make_file(path, "echo a script without its first line\n", 0700);
	assert_int_equal(start_error(path, NULL), ENOEXEC);
	assert_int_equal(start_error("", NULL), ENOENT);
	strcat(path, "/below");
	assert_int_equal(start_error(path, NULL), ENOTDIR);
	path[strlen(path) - strlen("/below")] = '\0';
	unlink(path);
	rmdir(folder);
	nothing_is_left();
}

TEST(a_directory_that_is_not_there_is_told_from_a_program)
{
	NEEDS_IO();
	assert_int_equal(start_error("true", "/bide-has-no-such-folder"), ENOENT);
	assert_int_equal(step, BIDE_PROCESS_STEP_DIRECTORY);
	assert_int_equal(start_error("true", "/dev/null"), ENOTDIR);
	assert_int_equal(step, BIDE_PROCESS_STEP_DIRECTORY);
	nothing_is_left();
}

TEST(arguments_that_are_too_long_are_an_error)
{
	static char word[4 << 20];
	const char *const words[] = { "true", word, NULL };

	NEEDS_IO();
	if (EMULATED)
		SKIP("qemu has limits of its own");
	memset(word, 'x', sizeof word - 1);
	assert_int_equal(error_of(bide_process_spawn(&(bide_process_options){ .arguments = words,
	                                                                      .failed_step = &step })
	                              .untyped),
	                 E2BIG);
	assert_int_equal(step, BIDE_PROCESS_STEP_EXECUTE);
	nothing_is_left();
}

TEST(a_descriptor_that_is_not_open_is_an_error)
{
	const char *const words[] = { "true", NULL };

	NEEDS_IO();
	assert_int_equal(error_of(bide_process_spawn(&(bide_process_options){ .arguments = words,
	                                                                      .in = BIDE_PROCESS_FD,
	                                                                      .in_fd = 1000,
	                                                                      .failed_step = &step })
	                              .untyped),
	                 EBADF);
	assert_int_equal(step, BIDE_PROCESS_STEP_PREPARE);
	nothing_is_left();
}

/* --- what they start with --- */

TEST(a_child_has_the_environment_of_the_options)
{
	static const char *const entries[] = { "BIDE_ONE=1", "BIDE_TWO=2", NULL };
	const char *const words[] = { "sh", "-c", "echo $BIDE_ONE$BIDE_TWO$BIDE_THREE", NULL };
	bide_process_options options = { .arguments = words, .environment = entries };
	bide_process_output *output;

	NEEDS_IO();
	setenv("BIDE_THREE", "3", 1);
	output = output_of(bide_process_run(&options, NULL, 0, 0));
	assert_string_equal(output->out, "12\n");
	bide_process_output_free(output);
	ASSERT_WRITES("echo $BIDE_ONE$BIDE_TWO$BIDE_THREE", "3\n");
	nothing_is_left();
}

TEST(a_child_has_the_directory_and_the_name_of_the_options)
{
	const char *const words[] = { "another-name", "-c", "pwd; echo $0", NULL };
	bide_process_options options = { .arguments = words, .program = "sh", .directory = "/usr" };
	bide_process_output *output;

	NEEDS_IO();
	output = output_of(bide_process_run(&options, NULL, 0, 0));
	assert_string_equal(output->out, "/usr\nanother-name\n");
	bide_process_output_free(output);
	nothing_is_left();
}

TEST(options_are_copied_inside_the_call)
{
	char program[] = "sh", flag[] = "-c", command[] = "exit 5";
	const char *words[] = { program, flag, command, NULL };
	bide_process_options options = { .arguments = words };
	bide_process_task starts;
	bide_process *process;

	NEEDS_IO();
	starts = bide_process_spawn(&options);
	memset(program, 'x', sizeof program - 1);
	memset(command, 'x', sizeof command - 1);
	memset(words, 0, sizeof words);
	memset(&options, 0xFF, sizeof options);
	process = process_of(starts);
	assert_int_equal(result_of(bide_process_wait(process)), 5);
	bide_process_close(process);
	nothing_is_left();
}

TEST(a_child_has_no_signal_blocked_and_none_ignored)
{
	sigset_t some;

	NEEDS_IO();
	if (EMULATED)
		SKIP("qemu blocks signals of its own");
	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	sigaddset(&some, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &some, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	ASSERT_WRITES("exec grep -E '^Sig(Blk|Ign)' /proc/self/status",
	              "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	nothing_is_left();
}

TEST(a_child_has_no_descriptor_that_was_not_asked_for)
{
	char command[128];
	int fd[2];

	NEEDS_IO();
	assert_int_equal(pipe(fd), 0); /* not close-on-exec */
	snprintf(command, sizeof command, "test -e /proc/self/fd/%d || test -e /proc/self/fd/%d", fd[0],
	         fd[1]);
	for (int inherits = 0; inherits < 2; inherits++) {
		bide_process *process = process_of(
			spawn_shell(command, (bide_process_options){ .inherit_descriptors = inherits }));

		assert_int_equal(result_of(bide_process_wait(process)), inherits ? 0 : 1);
		bide_process_close(process);
	}
	close_pair(fd);
	nothing_is_left();
}

TEST(a_standard_descriptor_may_be_null_or_given)
{
	bide_process_options options = { .in = BIDE_PROCESS_NULL,
		                             .out = BIDE_PROCESS_FD,
		                             .err = BIDE_PROCESS_OUT };
	bide_process *process;
	char text[64] = "";
	int fd[2];

	NEEDS_IO();
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	options.out_fd = fd[1];
	process = process_of(spawn_shell("wc -c; echo there >&2", options));
	close(fd[1]); /* it was duplicated */
	assert_int_equal(result_of(bide_process_wait(process)), 0);
	assert_true(read(fd[0], text, sizeof text - 1) > 0);
	assert_string_equal(text, "0\nthere\n");
	assert_int_equal(read(fd[0], text, 1), 0); /* no other process has the writing end */
	close(fd[0]);
	bide_process_close(process);
	nothing_is_left();
}

/* Descriptors that will be 0, 1 or 2 in the child may have other places there. */
TEST(standard_descriptors_may_change_places)
{
	bide_process_options options = { .in = BIDE_PROCESS_FD,
		                             .in_fd = 2,
		                             .out = BIDE_PROCESS_FD,
		                             .out_fd = 0,
		                             .err = BIDE_PROCESS_FD,
		                             .err_fd = 1 };
	int saved[3], in[2], out[2], err[2];
	bide_process *process;
	char text[64] = "";

	NEEDS_IO();
	assert_true(bide_worker_count() > 0);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	for (int i = 0; i < 3; i++)
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
	dup2(in[0], 2);
	dup2(out[1], 0);
	dup2(err[1], 1);
	process = process_of(spawn_shell("cat; echo error >&2", options));
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
	put_bytes(in[1], "input", 5);
	close_pair(in);
	assert_int_equal(result_of(bide_process_wait(process)), 0);
	assert_int_equal(read(out[0], text, sizeof text), 5);
	assert_string_equal(text, "input");
	assert_int_equal(read(err[0], text, sizeof text), 6);
	assert_string_equal(text, "error\n");
	close_pair(out);
	close_pair(err);
	bide_process_close(process);
	nothing_is_left();
}

TEST(a_child_talks_through_its_streams)
{
	bide_process_options options = { .in = BIDE_PROCESS_PIPE,
		                             .out = BIDE_PROCESS_PIPE,
		                             .err = BIDE_PROCESS_PIPE };
	bide_process *process;
	char text[16] = "";

	NEEDS_IO();
	process = process_of(spawn_shell("read a; echo got $a; read b; echo bad $b >&2", options));
	assert_int_equal(result_of(bide_stream_write(bide_process_in(process), "one\n", 4)), 4);
	assert_int_equal(result_of(bide_stream_read_exactly(bide_process_out(process), text, 8)), 8);
	assert_string_equal(text, "got one\n");
	assert_int_equal(result_of(bide_stream_write(bide_process_in(process), "two\n", 4)), 4);
	assert_int_equal(result_of(bide_stream_read_exactly(bide_process_err(process), text, 8)), 8);
	assert_string_equal(text, "bad two\n");
	assert_int_equal(result_of(bide_stream_read(bide_process_out(process), text, 1)), 0);
	assert_int_equal(result_of(bide_process_wait(process)), 0);
	bide_process_close(process);
	nothing_is_left();
}
