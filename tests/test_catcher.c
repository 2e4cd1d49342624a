/*
 * Handlers of signals are there while a catcher wants them, and the program's own come back.
 */
/* threads */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bide/bide.h>

#include "os/catcher.h"
#include "os/event.h"
#include "os/os.h"
#include "support/limits_of_tools.h"
#include "support/test.h"

static uint64_t bit_of(int number)
{
	return (uint64_t)1 << (number - 1);
}

static void begin(bide_os_catcher *catcher, uint64_t wanted)
{
	*catcher = (bide_os_catcher){ .wanted = wanted, .fd = bide_os_event_open_() };
	assert_true(catcher->fd >= 0);
	assert_int_equal(bide_os_catch_(catcher), 0);
}

static void end(bide_os_catcher *catcher)
{
	bide_os_catch_end_(catcher);
	close(catcher->fd);
}

static atomic_int own_count;

static void own(int number)
{
	(void)number;
	own_count++;
}

static void own_with_info(int number, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_signo == number && info->si_pid == getpid())
		own_count++;
}

static void set_own(int number, void (*handler)(int))
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_handler = handler;
	assert_int_equal(sigaction(number, &action, NULL), 0);
}

static void *handler_of(int number)
{
	struct sigaction action;

	assert_int_equal(sigaction(number, NULL, &action), 0);
	return (void *)(uintptr_t)action.sa_handler;
}

TEST(signals_that_came_are_taken_lowest_first_and_equal_ones_merge)
{
	bide_os_catcher catcher;

	begin(&catcher, bit_of(SIGUSR1) | bit_of(SIGUSR2) | bit_of(SIGHUP));
	raise(SIGUSR2);
	raise(SIGHUP);
	raise(SIGUSR2);
	assert_int_equal(bide_os_caught_take_(&catcher), SIGHUP);
	assert_int_equal(bide_os_caught_take_(&catcher), SIGUSR2);
	assert_int_equal(bide_os_caught_take_(&catcher), 0);
	end(&catcher);
}

TEST(each_of_two_catchers_gets_the_signal_and_the_last_puts_the_handler_back)
{
	bide_os_catcher one, two;

	set_own(SIGUSR1, own);
	begin(&one, bit_of(SIGUSR1));
	begin(&two, bit_of(SIGUSR1) | bit_of(SIGUSR2));
	raise(SIGUSR1);
	assert_int_equal(bide_os_caught_take_(&one), SIGUSR1);
	assert_int_equal(bide_os_caught_take_(&two), SIGUSR1);
	end(&one);
	raise(SIGUSR1);
	assert_int_equal(bide_os_caught_take_(&two), SIGUSR1);
	assert_int_equal(own_count, 0);
	end(&two);
	assert_ptr_equal(handler_of(SIGUSR1), own);
	assert_ptr_equal(handler_of(SIGUSR2), SIG_DFL);
	raise(SIGUSR1);
	assert_int_equal(own_count, 1);
}

TEST(a_handler_that_the_program_sets_meanwhile_stays)
{
	bide_os_catcher catcher;

	begin(&catcher, bit_of(SIGUSR1));
	set_own(SIGUSR1, own);
	end(&catcher);
	assert_ptr_equal(handler_of(SIGUSR1), own);
}

TEST(if_the_program_puts_the_handler_back_later_it_acts_as_the_first_one)
{
	bide_os_catcher catcher;
	struct sigaction action, ours;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = own_with_info;
	action.sa_flags = SA_SIGINFO;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	begin(&catcher, bit_of(SIGUSR1) | bit_of(SIGURG));
	assert_int_equal(sigaction(SIGUSR1, NULL, &ours), 0);
	set_own(SIGUSR1, SIG_IGN);
	end(&catcher);
	assert_int_equal(sigaction(SIGUSR1, &ours, NULL), 0);
	kill(getpid(), SIGUSR1);
	for (int i = 0; i < 10000 && own_count == 0; i++)
		usleep(100); /* the sanitizer of threads delivers late */
	assert_int_equal(own_count, 1);
	begin(&catcher, bit_of(SIGUSR1)); /* and what was saved is still the first one */
	end(&catcher);
	assert_int_equal(sigaction(SIGUSR1, NULL, &action), 0);
	assert_true(action.sa_sigaction == own_with_info);
}

TEST(a_signal_that_cannot_be_caught_changes_nothing)
{
	bide_os_catcher catcher = { .wanted = bit_of(SIGUSR1) | bit_of(SIGKILL), .fd = -1 };

	set_own(SIGUSR1, own);
	assert_int_equal(bide_os_catch_(&catcher), EINVAL);
	assert_ptr_equal(handler_of(SIGUSR1), own);
	assert_false(bide_os_signal_can_be_caught_(SIGKILL));
	assert_false(bide_os_signal_can_be_caught_(SIGSTOP));
	assert_false(bide_os_signal_can_be_caught_(SIGSEGV));
	assert_false(bide_os_signal_can_be_caught_(0));
	assert_true(bide_os_signal_can_be_caught_(SIGTERM));
}

/* Returns how the child ended. */
static int status_of(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

TEST(the_child_of_a_fork_has_the_programs_handlers)
{
	bide_os_catcher catcher;
	pid_t child;
	int status;

	set_own(SIGUSR1, own);
	set_own(SIGHUP, SIG_IGN);
	begin(&catcher, bit_of(SIGUSR1) | bit_of(SIGHUP) | bit_of(SIGTERM));
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		raise(SIGUSR1);
		if (own_count != 1 || handler_of(SIGHUP) != (void *)(uintptr_t)SIG_IGN)
			_exit(1);
		bide_os_catch_end_(&catcher);
		raise(SIGTERM);
		_exit(2);
	}
	status = status_of(child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	assert_int_equal(bide_os_caught_take_(&catcher), 0);
	raise(SIGTERM);
	assert_int_equal(bide_os_caught_take_(&catcher), SIGTERM);
	end(&catcher);
	assert_ptr_equal(handler_of(SIGUSR1), own);
}

static atomic_bool stop;

static void *send_signals(void *argument)
{
	(void)argument;
	while (!stop)
		kill(getpid(), SIGUSR1);
	return NULL;
}

TEST(catchers_come_and_go_while_signals_arrive)
{
	bide_os_catcher catchers[4];
	pthread_t thread;

	set_own(SIGUSR1, own);
	assert_int_equal(pthread_create(&thread, NULL, send_signals, NULL), 0);
	for (int i = 0; i < 2000; i++) {
		bide_os_catcher *catcher = &catchers[i % 4];

		if (i >= 4)
			end(catcher);
		begin(catcher, bit_of(SIGUSR1));
	}
	stop = true;
	pthread_join(thread, NULL);
	for (int i = 0; i < 4; i++)
		end(&catchers[i]);
	assert_ptr_equal(handler_of(SIGUSR1), own);
}
