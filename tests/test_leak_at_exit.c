/*
 * The leak report of a process in debug mode that returns from main without bide_shutdown.
 */
/* threads */
#include <sys/wait.h>

#include "support/task_support.h"

static char said[8192];

/* Runs the program in a child that ends by exit, and reads what the child printed. */
static void read_what_is_said(void (*program)(void), const char *debug)
{
	int ends[2], status;
	size_t length = 0;
	ssize_t got;
	pid_t pid;

	skip_final_check = true;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], 2);
		close(ends[0]);
		close(ends[1]);
		setenv("BIDE_DEBUG", debug, 1);
		program();
		exit(0);
	}
	close(ends[1]);
	while ((got = read(ends[0], said + length, sizeof said - 1 - length)) > 0)
		length += (size_t)got;
	said[length] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
}

static void assert_said(const char *text)
{
	if (!strstr(said, text))
		fail_msg("\"%s\" is not in \"%s\"", text, said);
}

static void leaves_two(void)
{
	static task *gate, *over;

	gate = task_create(0);
	(void)await_it(gate, NULL, 0).state;
	over = bide_value_task_as_task(later_value(0, 1));
	(void)over;
	settle(0);
}

TEST(in_debug_mode_a_process_that_ends_without_a_shutdown_names_its_leaks)
{
	read_what_is_said(leaves_two, "1");
	assert_said("bide: leak: the process ends without bide_shutdown");
	assert_said("bide: leak: async function awaiter, started at tests/");
	assert_said("still waiting");
}

TEST(without_debug_mode_it_reports_nothing)
{
	read_what_is_said(leaves_two, "0");
	assert_null(strstr(said, "bide: "));
}

static void leaves_nothing(void)
{
	assert_int_equal(wait_int(later_value(0, 1), NULL), 0);
}

static void shuts_down(void)
{
	leaves_two();
	(void)bide_shutdown(NULL);
}

TEST(a_process_that_leaves_nothing_or_has_shut_down_reports_nothing)
{
	read_what_is_said(leaves_nothing, "1");
	assert_null(strstr(said, "bide: "));
	read_what_is_said(shuts_down, "1");
	assert_null(strstr(said, "the process ends"));
}

static void hook_of_a_stack_that_is_gone(const char *line, void *argument)
{
	(void)line;
	(void)argument;
	abort();
}

static void has_a_hook(void)
{
	int local = 0;

	bide_report_hook_set(hook_of_a_stack_that_is_gone, &local);
	leaves_two();
}

TEST(at_the_exit_the_report_hook_is_not_called)
{
	read_what_is_said(has_a_hook, "1");
	assert_said("bide: leak: async function awaiter");
}

struct spins {
	ASYNC_FRAME;
};

async(spins)
{
	async_begin;
	for (;;)
		await(bide_async_yield());
async_finally:
	async_end;
}

static void leaves_workers_busy(void)
{
	assert_int_equal(bide_configure(&(bide_config){ .workers = 4 }), 0);
	for (int i = 0; i < 50; i++)
		bide_value_task_forget(async_start(spins));
	sleep_ms(10);
}

TEST(workers_may_run_while_the_process_ends)
{
	NOT_SEEDED("it has many workers");
	for (int i = 0; test_round(i, 20); i++) {
		read_what_is_said(leaves_workers_busy, "1");
		assert_said("bide: leak: async function spins");
	}
}
