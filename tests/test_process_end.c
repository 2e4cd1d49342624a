/*
 * Child processes in trouble: forgotten, canceled, without memory, from many threads, after a fork,
 * on a kernel without pidfds. No zombie and no descriptor is left.
 */
/* threads */
#define _GNU_SOURCE
#include <pthread.h>

#include "os/process.h"
#include "support/process_support.h"

/* --- no consumer --- */

static void ignore_report(const char *line, void *argument)
{
	(void)line;
	(void)argument;
}

TEST(a_start_that_is_forgotten_kills_the_child_that_is_kept)
{
	NEEDS_IO();
	for (int i = 0; i < 20; i++) {
		bide_value_task_forget(
			spawn_shell("exec sleep 1000", (bide_process_options){ .keep = true }).untyped);
		if (i % 4 == 0)
			settle(0);
	}
	assert_int_equal(bide_drain(BIDE_SECONDS(100)), 0);
	wait_for_no_children();
	nothing_is_left();
}

TEST(a_start_that_is_canceled_leaves_no_child)
{
	NEEDS_IO();
	for (int i = 0; i < 50; i++) {
		bide_context *scope;
		bide_payload result = { .p = NULL };
		bide_value_task starts =
			IN_SCOPE(scope, spawn_shell("exec sleep 1000",
		                                (bide_process_options){ .in = BIDE_PROCESS_PIPE })
		                        .untyped);
		int error;

		for (int turn = 0; turn < i % 5; turn++)
			sched_yield();
		(void)bide_context_cancel(scope, ECANCELED);
		bide_context_unref(scope);
		error = bide_value_task_wait(starts, &result);
		assert_true(error == 0 || error == ECANCELED);
		if (!error) /* the child was there first */
			bide_process_close(result.p);
	}
	assert_int_equal(error_of(bide_with_timeout(
						 BIDE_MS(0),
						 spawn_shell("exit 0", (bide_process_options){ .keep = true }).untyped)),
	                 ETIMEDOUT);
	wait_for_no_children();
	nothing_is_left();
}

/* --- a shutdown in the middle --- */

/* Starts one or runs one, and shuts down in the middle. */
static void leave_in_the_middle(bool runs, bool forgets, int turns)
{
	bide_process_options options = { .in = BIDE_PROCESS_PIPE, .out = BIDE_PROCESS_PIPE };
	bide_value_task v = runs ? run_shell("exec sleep 1000", NULL).untyped
	                         : spawn_shell("exec sleep 1000", options).untyped;

	if (forgets)
		bide_value_task_forget(v);
	for (int i = 0; i < turns; i++) {
		(void)bide_drain(BIDE_MS(1));
		sched_yield();
	}
	assert_int_equal(bide_shutdown(NULL), 0);
	assert_false(has_children());
}

/* The runner looks for descriptors that are left. */
TEST(a_shutdown_leaves_no_child_of_a_start_or_a_run_that_is_under_way)
{
	NEEDS_IO();
	bide_report_hook_set(ignore_report, NULL);
	for (int i = 0; i < 24; i++)
		leave_in_the_middle(i & 1, i & 2, i / 4);
	bide_report_hook_set(NULL, NULL);
}

/* The function of the run never goes on, so it frees nothing. */
TEST(a_shutdown_frees_what_a_run_has_collected)
{
	enum { TEXT_BYTES = 1 << 20 };
	bide_value_task run;
	bide_stats s;

	NEEDS_IO();
	bide_report_hook_set(ignore_report, NULL);
	run = run_shell("head -c 1000000 /dev/zero; exec sleep 1000", NULL).untyped;
	do {
		settle(0);
		pause_ms(1);
		bide_stats_get(&s);
	} while (s.live_bytes < TEXT_BYTES);
	bide_value_task_forget(run);
	assert_int_equal(bide_shutdown(NULL), 0);
	bide_stats_get(&s);
	assert_true(s.live_bytes < TEXT_BYTES / 4);
	bide_report_hook_set(NULL, NULL);
}

TEST(without_pidfds_a_shutdown_leaves_no_zombie)
{
	NEEDS_IO();
	bide_os_no_pidfd_ = true;
	bide_report_hook_set(ignore_report, NULL);
	for (int i = 0; i < 3; i++) {
		bide_process_close(shell("exec sleep 1000"));
		assert_int_equal(bide_shutdown(NULL), 0);
		assert_false(has_children());
	}
	for (int i = 0; i < 12; i++)
		leave_in_the_middle(i & 1, i & 2, i / 4);
	bide_report_hook_set(NULL, NULL);
}

/* --- no memory --- */

TEST_SLOW(each_allocation_of_a_start_and_a_wait_may_fail, 60)
{
	int error = -1, wait_error = -1;
	bide_process_step step;

	NEEDS_IO();
	limit_objects();
	for (long allowed = 0; error || wait_error; allowed++) {
		bide_payload result = { .p = NULL };

		assert_true(allowed < 200);
		allowed_allocations = allowed;
		step = BIDE_PROCESS_STEP_NONE;
		error = bide_value_task_wait(spawn_shell("exec sleep 1000",
		                                         (bide_process_options){ .in = BIDE_PROCESS_PIPE,
		                                                                 .out = BIDE_PROCESS_PIPE,
		                                                                 .failed_step = &step })
		                                 .untyped,
		                             &result);
		wait_error = ENOMEM;
		if (!error) {
			assert_int_equal(bide_process_kill(result.p, SIGKILL), 0);
			wait_error = error_of(bide_process_wait(result.p));
		}
		allowed_allocations = -1;
		assert_true(!error || error == ENOMEM || error == BIDE_ENOFRAME);
		assert_int_equal(step, error ? BIDE_PROCESS_STEP_PREPARE : BIDE_PROCESS_STEP_NONE);
		assert_true(!wait_error || wait_error == ENOMEM || wait_error == BIDE_ENOFRAME);
		bide_process_close(result.p);
		wait_for_no_children();
		assert_int_equal(bide_drain(BIDE_SECONDS(100)), 0);
	}
	nothing_is_left();
}

/* --- many at once --- */

struct client {
	BIDE_ASYNC_FRAME;
	struct {
		int number;
	} in;
	bide_process_output *output;
};

/* Only 0, 1, 2 and the folder that ls reads. */
static const char only_its_own[] = "0\n1\n2\n3\n";

bide_async(client)
{
	static const char *const words[] = { "ls", "/proc/self/fd", NULL };

	bide_async_begin;
	bide_await(my->output,
	           bide_process_run(&(bide_process_options){ .arguments = words }, NULL, 0, 0));
	if (strcmp(my->output->out, only_its_own) != 0)
		bide_async_fail(EBADF);
	bide_async_return(my->output->status);
bide_async_finally:
	bide_process_output_free(my->output);
	bide_async_end;
}

static atomic_bool opens;

/* Opens and closes descriptors that are not close-on-exec, all the time. */
static void *open_descriptors(void *argument)
{
	while (atomic_load(&opens)) {
		int fd[2];

		assert_int_equal(pipe(fd), 0);
		sched_yield();
		close_pair(fd);
	}
	return argument;
}

TEST_SLOW(children_have_no_descriptor_that_another_thread_opens, 60)
{
	enum { COUNT = 100 };
	static bide_value_task runs[COUNT];
	pthread_t thread;

	NEEDS_IO();
	if (EMULATED)
		SKIP("qemu has descriptors of its own");
	atomic_store(&opens, true);
	assert_int_equal(pthread_create(&thread, NULL, open_descriptors, NULL), 0);
	for (int i = 0; i < COUNT; i++)
		runs[i] = bide_async_start(client, .number = i);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(result_of(runs[i]), 0);
	atomic_store(&opens, false);
	pthread_join(thread, NULL);
	nothing_is_left();
}

/* --- a shared process --- */

static void *kill_again_and_again(void *argument)
{
	bide_process *process = argument;

	while (bide_process_kill(process, 0) == 0)
		sched_yield();
	return NULL;
}

TEST(threads_may_send_signals_while_the_child_ends)
{
	NEEDS_IO();
	for (int i = 0; i < 20; i++) {
		bide_process *process = shell("exec sleep 0.001");
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, kill_again_and_again, process), 0);
		assert_int_equal(result_of(bide_process_wait(process)), 0);
		pthread_join(thread, NULL);
		bide_process_close(process);
	}
	nothing_is_left();
}

/* --- without pidfds --- */

TEST(a_kernel_without_pidfds_does_as_well)
{
	bide_process *process;
	bide_value_task waits[3];

	NEEDS_IO();
	bide_os_no_pidfd_ = true;
	process = shell("exit 4");
	assert_int_equal(result_of(bide_process_wait(process)), 4);
	assert_int_equal(bide_process_kill(process, SIGTERM), ESRCH);
	bide_process_close(process);
	process = shell("exec sleep 1000");
	for (int i = 0; i < 3; i++)
		waits[i] = bide_process_wait(process);
	assert_int_equal(bide_process_kill(process, SIGTERM), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(result_of(waits[i]), 256 + SIGTERM);
	bide_process_close(process);
	bide_process_close(shell("exec sleep 1000"));
	ASSERT_WRITES("echo x", "x\n");
	assert_int_equal(bide_drain(BIDE_SECONDS(100)), 0);
	nothing_is_left();
}

TEST(without_pidfds_a_child_that_is_kept_is_left_alone)
{
	bide_process *process;
	int id;

	NEEDS_IO();
	bide_os_no_pidfd_ = true;
	process = process_of(spawn_shell("exec sleep 1000", (bide_process_options){ .keep = true }));
	id = bide_process_id(process);
	bide_process_close(process);
	assert_int_equal(bide_drain(BIDE_SECONDS(100)), 0);
	assert_int_equal(kill(id, SIGTERM), 0);
	assert_int_equal(waitpid(id, NULL, 0), id);
	nothing_is_left();
}

/* --- after a fork --- */

TEST(the_child_of_a_fork_cannot_touch_the_processes_of_the_parent)
{
	bide_process *process;
	int id, status;

	NEEDS_IO();
	FORKS_WITH_THREADS();
	CHILD_STARTS_THREADS();
	if (UNDER_TSAN)
		SKIP("ThreadSanitizer has no threads in the child of a fork");
	process = shell("exec sleep 1000");
	id = fork();
	assert_true(id >= 0);
	if (id == 0) {
		expect_misuse();
		bool is_right = bide_process_kill(process, SIGKILL) == EBADF && misuse_count == 1;

		bide_process_close(process); /* closes its copy of the descriptor */
		_exit(is_right ? 0 : 1);
	}
	assert_int_equal(waitpid(id, &status, 0), id);
	assert_int_equal(status, 0);
	assert_int_equal(bide_process_kill(process, 0), 0); /* it runs */
	bide_process_close(process);
	nothing_is_left();
}

/* --- misuse --- */

TEST(misuse_is_told)
{
	const char *const none[] = { NULL }, *const words[] = { "true", NULL };
	bide_process_options options = { .arguments = none };
	bide_process *process;

	NEEDS_IO();
	expect_misuse();
	MISUSE(assert_int_equal(error_of(bide_process_spawn(NULL).untyped), EINVAL),
	       "bide_process_spawn", "options is NULL");
	MISUSE(assert_int_equal(error_of(bide_process_spawn(&options).untyped), EINVAL),
	       "bide_process_spawn", "arguments has no word");
	options.arguments = words;
	options.out = BIDE_PROCESS_OUT;
	MISUSE(assert_int_equal(error_of(bide_process_spawn(&options).untyped), EINVAL),
	       "bide_process_spawn", "`out` is none");
	options.out = BIDE_PROCESS_FD;
	options.out_fd = -1;
	MISUSE(assert_int_equal(error_of(bide_process_spawn(&options).untyped), EINVAL),
	       "bide_process_spawn", "out_fd is negative");
	options = (bide_process_options){ .arguments = words, .in = BIDE_PROCESS_NULL };
	MISUSE(assert_int_equal(error_of(bide_process_run(NULL, NULL, 0, 0).untyped), EINVAL),
	       "bide_process_run", "options is NULL");
	MISUSE(assert_int_equal(error_of(bide_process_run(&options, NULL, 1, 0).untyped), EINVAL),
	       "bide_process_run", "input is NULL");
	MISUSE(assert_int_equal(error_of(bide_process_run(&options, "x", 1, 0).untyped), EINVAL),
	       "bide_process_run", "there is input");
	MISUSE(assert_int_equal(error_of(bide_process_wait(NULL)), EINVAL), "bide_process_wait",
	       "process is NULL");
	MISUSE(assert_int_equal(bide_process_kill(NULL, SIGTERM), EINVAL), "bide_process_kill",
	       "process is NULL");
	MISUSE(assert_null(bide_process_out(NULL)), "bide_process_out", "process is NULL");
	bide_process_close(NULL);
	process = process_of(spawn_shell("exec sleep 1000", (bide_process_options){ .keep = true }));
	assert_int_equal(bide_process_kill(process, SIGSTOP), 0);
	assert_null(bide_process_in(process));
	bide_process_close(process); /* its memory stays while the child lives */
	MISUSE(assert_int_equal(bide_process_kill(process, SIGTERM), EBADF), "bide_process_kill",
	       "process is closed");
	MISUSE(bide_process_close(process), "bide_process_close", "process is closed");
	assert_int_equal(misuse_count, 1);
	{
		siginfo_t info;

		assert_int_equal(waitid(P_ALL, 0, &info, WSTOPPED), 0);
		assert_int_equal(kill(info.si_pid, SIGKILL), 0);
	}
	wait_for_no_children();
	nothing_is_left();
}

TEST(a_second_close_leaves_a_descriptor_alone_that_has_the_number_now)
{
	int fds[16];
	bide_process *process;

	NEEDS_IO();
	process = process_of(spawn_shell("exit 0", (bide_process_options){ .keep = false }));
	assert_int_equal(result_of(bide_process_wait(process)), 0);
	bide_process_close(process);
	wait_for_no_children();
	for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++)
		fds[i] = dup(1);
	expect_misuse();
	MISUSE(bide_process_close(process), "bide_process_close", "process is closed");
	for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++)
		assert_int_equal(close(fds[i]), 0);
	nothing_is_left();
}

TEST(a_simulation_has_no_processes)
{
	const char *const words[] = { "true", NULL };
	bide_config config = { .virtual_clock = true };
	bide_process_options options = { .arguments = words };

	NEEDS_IO();
	assert_int_equal(bide_configure(&config), 0);
	assert_int_equal(error_of(bide_process_spawn(&options).untyped), ENOTSUP);
	assert_int_equal(error_of(bide_process_run(&options, NULL, 0, 0).untyped), ENOTSUP);
	nothing_is_left();
}
