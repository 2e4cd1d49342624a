/*
 * BIDE_DUMP_ON=SIGQUIT makes a dump for each such signal, even while no worker is free.
 */
/* threads */
#include <signal.h>
#include <sys/wait.h>

#include "support/limits_of_tools.h"
#include "support/task_support.h"

enum { LINES_MAX = 64 };

static char lines[LINES_MAX][512];
static atomic_int line_count;
static atomic_int dump_count; /* completed dumps */

/* Runs on the thread that dumps. The lines are complete once dump_count has counted the dump. */
static void keep_line(const char *line, void *argument)
{
	int at = line_count;

	(void)argument;
	if (at < LINES_MAX)
		snprintf(lines[at], sizeof lines[0], "%s", line);
	line_count = at + 1;
	if (strcmp(line + strlen(line) - strlen(" pending"), " pending") == 0 ||
	    strstr(line, "not in use"))
		dump_count++;
}

static void begin(const char *value)
{
	NOT_SEEDED("it is about real time and another thread");
	needs_threads();
	setenv("BIDE_DUMP_ON", value, 1);
	bide_report_hook_set(keep_line, NULL);
}

static void await_dumps(int count)
{
	for (int i = 0; i < 5000 && dump_count < count; i++)
		sleep_ms(1);
	assert_int_equal(dump_count, count);
}

static bool is_said(const char *begin, const char *holds)
{
	for (int i = 0; i < line_count && i < LINES_MAX; i++)
		if (strncmp(lines[i], begin, strlen(begin)) == 0 && strstr(lines[i], holds))
			return true;
	return false;
}

static void assert_default(int number)
{
	struct sigaction action;

	assert_int_equal(sigaction(number, NULL, &action), 0);
	assert_true(action.sa_handler == SIG_DFL);
}

TEST(a_signal_dumps_what_is_pending)
{
	task *gate;
	value_task waiting;

	begin("SIGQUIT");
	gate = task_create(0);
	waiting = await_it(gate, NULL, 0);
	assert_int_equal(kill(getpid(), SIGQUIT), 0);
	await_dumps(1);
	assert_true(is_said("dump: on signal ", "approximate"));
	assert_true(is_said("dump: awaiter: awaiting at tests/", "for task ") ||
	            is_said("dump: awaiter: awaiting, defined at tests/", "for task "));
	assert_true(is_said("dump: 1 pending", ""));
	bide_task_complete_int(gate, 1);
	assert_int_equal(wait_int(waiting, NULL), 0);
	task_unref(gate);
}

static atomic_bool go_on;
static atomic_int stuck_count;

struct stuck {
	ASYNC_FRAME;
};

async(stuck)
{
	async_begin;
	await(bide_async_yield());
	stuck_count++;
	while (!go_on)
		sleep_ms(1);
async_finally:
	async_end;
}

static void *signals_and_waits(void *argument)
{
	while (stuck_count < *(int *)argument)
		sleep_ms(1);
	kill(getpid(), SIGUSR1);
	for (int i = 0; i < 5000 && dump_count < 1; i++)
		sleep_ms(1);
	go_on = true;
	return NULL;
}

TEST(it_dumps_while_all_workers_are_stuck_in_functions_that_do_not_return)
{
	value_task all[8];
	int count;
	pthread_t thread;

	begin("USR1");
	count = (int)bide_worker_count();
	if (count > 8)
		SKIP("more than 8 workers");
	assert_int_equal(pthread_create(&thread, NULL, signals_and_waits, &count), 0);
	for (int i = 0; i < count; i++)
		all[i] = async_start(stuck);
	for (int i = 0; i < count; i++)
		assert_int_equal(wait_int(all[i], NULL), 0);
	pthread_join(thread, NULL);
	assert_int_equal(dump_count, 1);
	assert_true(is_said("dump: stuck: ", ""));
}

TEST(it_works_if_the_program_blocks_the_signal_and_with_a_number)
{
	char number[8];
	sigset_t one;

#ifdef __SANITIZE_THREAD__
	SKIP("the sanitizer delays the signal until the thread calls the C library");
#endif
	snprintf(number, sizeof number, "%d", SIGUSR2);
	begin(number);
	sigemptyset(&one);
	sigaddset(&one, SIGUSR2);
	assert_int_equal(pthread_sigmask(SIG_BLOCK, &one, NULL), 0);
	(void)bide_now_ns();
	assert_int_equal(kill(getpid(), SIGUSR2), 0);
	await_dumps(1);
	assert_true(is_said("dump: 0 pending", ""));
}

TEST(it_continues_after_a_shutdown_and_a_new_start)
{
	begin("SIGQUIT");
	(void)bide_now_ns();
	assert_int_equal(shut_down(), 0);
	assert_int_equal(kill(getpid(), SIGQUIT), 0);
	await_dumps(1);
	assert_true(is_said("dump: the runtime is not in use", ""));
	assert_int_equal(wait_int(later_value(0, 1), NULL), 0);
	assert_int_equal(kill(getpid(), SIGQUIT), 0);
	await_dumps(2);
	assert_true(is_said("dump: 0 pending", ""));
}

TEST(the_child_of_a_fork_that_uses_bide_dumps_too)
{
	int status;
	pid_t pid;

	begin("SIGQUIT");
	if (UNDER_TSAN)
		SKIP("the sanitizer allows no threads in the child of a fork");
	CHILD_STARTS_THREADS();
	FORKS_WITH_THREADS();
	(void)bide_now_ns();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dump_count = 0;
		(void)bide_now_ns();
		kill(getpid(), SIGQUIT);
		for (int i = 0; i < 5000 && dump_count < 1; i++)
			sleep_ms(1);
		_exit(dump_count == 1 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_int_equal(dump_count, 0);
}

TEST(many_signals_arrive_while_functions_run)
{
	begin("SIGQUIT");
	for (int i = 0; i < 200; i++) {
		task *gate = task_create(0);
		value_task waiting = await_it(gate, NULL, 0);

		assert_int_equal(kill(getpid(), SIGQUIT), 0);
		bide_task_complete_int(gate, 1);
		assert_int_equal(wait_int(waiting, NULL), 0);
		task_unref(gate);
	}
	assert_true(dump_count <= 200);
}

TEST(without_the_variable_there_is_no_handler)
{
	unsetenv("BIDE_DUMP_ON");
	(void)bide_now_ns();
	assert_default(SIGQUIT);
}

static char printed[1024];

static void read_what_a_start_prints(const char *value)
{
	int ends[2], saved = dup(2);
	ssize_t length;

	assert_int_equal(pipe(ends), 0);
	setenv("BIDE_DUMP_ON", value, 1);
	dup2(ends[1], 2);
	(void)bide_now_ns();
	dup2(saved, 2);
	close(saved);
	close(ends[1]);
	length = read(ends[0], printed, sizeof printed - 1);
	close(ends[0]);
	printed[length > 0 ? length : 0] = '\0';
}

static void assert_is_ignored(const char *value)
{
	read_what_a_start_prints(value);
	if (!strstr(printed, "bide: BIDE_DUMP_ON=") || !strstr(printed, "is ignored"))
		fail_msg("%s: \"%s\"", value, printed);
	assert_default(SIGQUIT);
}

TEST(a_value_that_is_no_signal_is_reported_and_ignored)
{
	assert_is_ignored("SIGNOTHING");
}

TEST(a_number_that_is_no_signal_is_reported_and_ignored)
{
	assert_is_ignored("4711");
}

TEST(signals_that_cannot_be_caught_are_reported_and_ignored)
{
	assert_is_ignored("9");
}

TEST(signals_of_faults_are_reported_and_ignored)
{
	assert_is_ignored("SIGSEGV");
}
