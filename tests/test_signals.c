/*
 * Signals as results: each listener gets them, waits can be canceled, and the program's own actions
 * come back.
 */
/* threads */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "support/limited_memory.h"
#include "support/limits_of_tools.h"
#include "support/settle.h"
#include "support/task_support.h"

static signals *open_one(int number)
{
	signals *opened = NULL;

	assert_int_equal(signals_open(&opened, &number, 1), 0);
	assert_non_null(opened);
	return opened;
}

static int number_of(value_task wait)
{
	payload number = { .i = -1 };

	assert_int_equal(value_task_wait(wait, &number), 0);
	return (int)number.i;
}

static int next_of(signals *listener)
{
	return number_of(signals_next(listener));
}

static void *action_of(int number)
{
	struct sigaction action;

	assert_int_equal(sigaction(number, NULL, &action), 0);
	return (void *)(uintptr_t)action.sa_handler;
}

static const void *const default_action = (const void *)(uintptr_t)SIG_DFL;

TEST(a_signal_that_came_before_the_wait_is_ready_at_once)
{
	signals *listener = open_one(SIGUSR1);
	value_task next;

	raise(SIGUSR1);
	raise(SIGUSR1);
	next = signals_next(listener);
	if (!many_workers())
		assert_true(value_task_is_ready(next));
	assert_int_equal(number_of(next), SIGUSR1);
	raise(SIGUSR1);
	assert_int_equal(next_of(listener), SIGUSR1);
	signals_close(listener);
	assert_ptr_equal(action_of(SIGUSR1), default_action);
}

TEST(a_wait_ends_when_the_signal_comes)
{
	NOT_SEEDED("signals are not simulated");
	signals *listener = open_one(SIGUSR1);

	for (int i = 0; i < 100; i++) {
		value_task next = signals_next(listener);

		assert_false(value_task_is_ready(next));
		settle(0);
		kill(getpid(), SIGUSR1);
		assert_int_equal(number_of(next), SIGUSR1);
	}
	signals_close(listener);
}

TEST(the_lowest_number_comes_first)
{
	static const int numbers[] = { SIGTERM, SIGHUP, SIGUSR2 };
	signals *listener;

	assert_int_equal(signals_open(&listener, numbers, 3), 0);
	raise(SIGTERM);
	raise(SIGUSR2);
	raise(SIGHUP);
	assert_int_equal(next_of(listener), SIGHUP);
	assert_int_equal(next_of(listener), SIGUSR2);
	assert_int_equal(next_of(listener), SIGTERM);
	signals_close(listener);
}

TEST(each_of_two_listeners_gets_the_signal)
{
	NOT_SEEDED("signals are not simulated");
	signals *one = open_one(SIGUSR1), *two = open_one(SIGUSR1);
	value_task first = signals_next(one), second = signals_next(two);

	kill(getpid(), SIGUSR1);
	assert_int_equal(number_of(first), SIGUSR1);
	assert_int_equal(number_of(second), SIGUSR1);
	signals_close(one);
	raise(SIGUSR1);
	assert_int_equal(next_of(two), SIGUSR1);
	signals_close(two);
	assert_ptr_equal(action_of(SIGUSR1), default_action);
}

TEST(a_canceled_wait_loses_no_signal)
{
	NOT_SEEDED("signals are not simulated");
	signals *listener = open_one(SIGUSR1);
	context *scope = context_create(NULL);
	value_task next = in_context(scope, signals_next(listener));

	context_cancel(scope, ECANCELED);
	assert_int_equal(value_task_wait(next, NULL), ECANCELED);
	raise(SIGUSR1);
	assert_int_equal(next_of(listener), SIGUSR1);
	context_unref(scope);
	signals_close(listener);
}

TEST(a_deadline_ends_a_wait)
{
	NOT_SEEDED("signals are not simulated");
	signals *listener = open_one(SIGUSR1);

	assert_int_equal(value_task_wait(with_timeout_ms(1, signals_next(listener)), NULL), ETIMEDOUT);
	signals_close(listener);
}

TEST(a_forgotten_wait_takes_no_signal)
{
	NOT_SEEDED("signals are not simulated");
	signals *listener = open_one(SIGUSR1);

	value_task_forget(signals_next(listener));
	settle(0);
	raise(SIGUSR1);
	assert_int_equal(next_of(listener), SIGUSR1);
	signals_close(listener);
}

TEST(close_ends_a_wait)
{
	NOT_SEEDED("signals are not simulated");
	signals *listener = open_one(SIGUSR1);
	value_task next = signals_next(listener);

	signals_close(listener);
	assert_int_equal(value_task_wait(next, NULL), EBADF);
	signals_close(NULL);
}

TEST(signals_that_cannot_be_waited_for_are_refused)
{
	static const int bad[] = { SIGKILL, SIGSTOP, SIGSEGV, SIGABRT, 0, -1, 65, 32 };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const int numbers[] = { SIGUSR1, bad[i] };
		signals *listener = (signals *)1;

		assert_int_equal(signals_open(&listener, numbers, 2), EINVAL);
		assert_null(listener);
		assert_ptr_equal(action_of(SIGUSR1), default_action);
		assert_int_equal(value_task_wait(signal_wait(SIGUSR1, bad[i]), NULL), EINVAL);
	}
}

TEST(misuse_is_reported)
{
	NOT_SEEDED("signals are not simulated");
	static const int number = SIGUSR1;
	signals *listener;
	value_task next;

	catch_misuse();
	assert_int_equal(signals_open(&listener, NULL, 1), EINVAL);
	ASSERT_MISUSE("numbers is NULL");
	assert_int_equal(signals_open(&listener, &number, 0), EINVAL);
	ASSERT_MISUSE("count is 0");
	assert_int_equal(signals_open(NULL, &number, 1), EINVAL);
	ASSERT_MISUSE("signals is NULL");
	assert_int_equal(value_task_wait(signals_next(NULL), NULL), EINVAL);
	ASSERT_MISUSE("signals is NULL");
	listener = open_one(SIGUSR1);
	next = signals_next(listener);
	settle(0);
	assert_int_equal(value_task_wait(signals_next(listener), NULL), EBUSY);
	assert_int_equal(misuse_count, 1);
	signals_close(listener);
	assert_int_equal(value_task_wait(next, NULL), EBADF);
	atomic_store(&misuse_count, 0);
	signals_close(listener);
	ASSERT_MISUSE("bide_signals_close: the object is closed");
}

static atomic_int own_count;

static void own(int number)
{
	(void)number;
	own_count++;
}

TEST(signal_wait_listens_until_it_is_over)
{
	NOT_SEEDED("signals are not simulated");
	value_task wait;

	signal(SIGUSR1, own);
	wait = signal_wait(SIGUSR1, SIGUSR2);
	assert_true(action_of(SIGUSR1) != (void *)(uintptr_t)own);
	settle(0);
	kill(getpid(), SIGUSR2);
	assert_int_equal(number_of(wait), SIGUSR2);
	assert_ptr_equal(action_of(SIGUSR1), (void *)(uintptr_t)own);
	assert_ptr_equal(action_of(SIGUSR2), default_action);
	raise(SIGUSR1);
	assert_int_equal(own_count, 1);
}

TEST(signal_wait_puts_the_actions_back_when_it_is_canceled)
{
	NOT_SEEDED("signals are not simulated");
	context *scope = context_create(NULL);
	value_task wait = in_context(scope, signal_wait(SIGUSR1));

	settle(0);
	context_cancel(scope, ECANCELED);
	assert_int_equal(value_task_wait(wait, NULL), ECANCELED);
	assert_ptr_equal(action_of(SIGUSR1), default_action);
	assert_int_equal(value_task_wait(in_context(scope, signal_wait(SIGUSR1)), NULL), ECANCELED);
	context_unref(scope);
}

/* --- until_signal --- */

/* Waits until it is canceled, and then ends with an error of its own, if there is one. */
struct until_canceled {
	ASYNC_FRAME;
	struct {
		int error;
		bool raises;
	} in;
};

async(until_canceled)
{
	async_in(error, raises);
	if (raises)
		await(async_yield());
	if (raises)
		kill(getpid(), SIGUSR1);
	await_or(delay(BIDE_FOREVER), {
		if (error)
			async_fail(error);
		async_return(await_failure);
	});
async_finally:
	async_end;
}

TEST(until_signal_cancels_the_call_and_returns_the_number)
{
	NOT_SEEDED("signals are not simulated");
	value_task ended = until_signal(async_start(until_canceled), SIGUSR1, SIGUSR2);

	assert_true(action_of(SIGUSR1) != default_action);
	settle(0);
	kill(getpid(), SIGUSR2);
	assert_int_equal(number_of(ended), SIGUSR2);
	assert_ptr_equal(action_of(SIGUSR1), default_action);
	assert_int_equal(number_of(until_signal(async_start(until_canceled, .raises = true), SIGUSR1)),
	                 SIGUSR1);
}

TEST(until_signal_returns_the_outcome_of_a_call_that_ends_first)
{
	NOT_SEEDED("signals are not simulated");
	int64_t value;

	assert_int_equal(wait_int(until_signal(value_task_from(7), SIGUSR1), &value), 0);
	assert_int_equal(value, 7);
	assert_int_equal(wait_int(until_signal(later_value(MS, 8), SIGUSR1), &value), 0);
	assert_int_equal(value, 8);
	assert_int_equal(wait_int(until_signal(later_error(MS, EIO), SIGUSR1), NULL), EIO);
	assert_int_equal(wait_int(until_signal(value_task_from_error(ENOENT), SIGUSR1), NULL), ENOENT);
	assert_ptr_equal(action_of(SIGUSR1), default_action);
}

TEST(an_error_of_a_call_that_a_signal_canceled_is_not_lost)
{
	NOT_SEEDED("signals are not simulated");
	value_task ended = until_signal(async_start(until_canceled, .error = EIO), SIGUSR1);

	settle(0);
	kill(getpid(), SIGUSR1);
	assert_int_equal(value_task_wait(ended, NULL), EIO);
}

TEST(until_signal_ends_with_its_context)
{
	NOT_SEEDED("signals are not simulated");
	context *within = context_create(NULL);
	value_task ended = in_context(within, until_signal(async_start(until_canceled), SIGUSR1));

	settle(0);
	context_cancel(within, ECANCELED);
	assert_int_equal(value_task_wait(ended, NULL), ECANCELED);
	assert_ptr_equal(action_of(SIGUSR1), default_action);
	context_unref(within);
}

TEST(until_signal_makes_no_call_for_a_signal_that_cannot_be_waited_for)
{
	int calls = 0;

	assert_int_equal(value_task_wait(until_signal((calls++, later_value(MS, 1)), SIGKILL), NULL),
	                 EINVAL);
	assert_int_equal(calls, 0);
}

TEST(until_signal_says_why_it_cannot_wait)
{
	virtual_clock();
	assert_int_equal(value_task_wait(until_signal(later_value(MS, 1), SIGUSR1), NULL), ENOTSUP);
	assert_ptr_equal(action_of(SIGUSR1), default_action);
}

TEST_SLOW(each_allocation_of_until_signal_may_fail, 40)
{
	NOT_SEEDED("signals are not simulated");
	int error = -1;

	limit_objects();
	signal(SIGUSR1, own); /* where memory is short nothing else may catch it */
	for (long allowed = 0; error; allowed++) {
		assert_true(allowed < 200);
		allowed_allocations = allowed;
		error = value_task_wait(until_signal(async_start(until_canceled, .raises = true), SIGUSR1),
		                        NULL);
		allowed_allocations = -1;
		if (error)
			assert_true(error == ENOMEM || error == BIDE_ENOFRAME);
		assert_int_equal(bide_drain(BIDE_SECONDS(100)), 0);
		assert_ptr_equal(action_of(SIGUSR1), (void *)(uintptr_t)own);
	}
}

/* Sees no cancellation. */
struct stubborn {
	ASYNC_FRAME;
};

async(stubborn)
{
	async_begin;
	await(delay_ms(1));
async_finally:
	kill(getpid(), SIGUSR1);
	await(delay_ms(1500)); /* the first signal has canceled it long ago */
	kill(getpid(), SIGUSR1);
	await(delay(BIDE_FOREVER));
	async_end;
}

/* When it returns, the handler has run: on this thread, even if it is a worker, which blocks it. */
static void handle_here(int number)
{
	sigset_t one, before;

	sigemptyset(&one);
	sigaddset(&one, number);
	assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &one, &before), 0);
	raise(number);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}

/* Gets another signal as soon as the first has canceled it. */
struct interrupted {
	ASYNC_FRAME;
};

async(interrupted)
{
	async_begin;
	await(delay(BIDE_FOREVER));
async_finally:
	handle_here(SIGUSR1);
	await(delay_ms(1));
	async_end;
}

TEST(a_signal_that_comes_together_with_the_first_ends_nothing)
{
	int status;
	pid_t child;

	NOT_SEEDED("it is about processes");
	CHILD_STARTS_THREADS();
	if (UNDER_TSAN)
		SKIP("the sanitizer allows no threads in the child of a fork");
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		value_task ended = until_signal(async_start(interrupted), SIGUSR1, SIGUSR2);
		bide_payload number = { .i = 0 };

		kill(getpid(), SIGUSR2);
		_exit(value_task_wait(ended, &number) == 0 && number.i == SIGUSR2 ? 7 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

TEST(a_second_signal_has_the_programs_action_after_a_moment)
{
	int status;
	pid_t child;

	NOT_SEEDED("it is about processes");
	CHILD_STARTS_THREADS();
	if (UNDER_TSAN)
		SKIP("the sanitizer allows no threads in the child of a fork");
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)value_task_wait(until_signal(async_start(stubborn), SIGUSR1), NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGUSR1);
}

/* --- fork, threads, shutdown --- */

TEST(the_child_of_a_fork_has_the_programs_actions_and_listens_for_itself)
{
	signals *listener;
	value_task next;
	int status;
	pid_t child;

	NOT_SEEDED("it is about processes");
	CHILD_STARTS_THREADS();
	if (UNDER_TSAN)
		SKIP("the sanitizer allows no threads in the child of a fork");
	FORKS_WITH_THREADS();
	signal(SIGUSR1, own);
	listener = open_one(SIGUSR1);
	next = signals_next(listener);
	settle(0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		raise(SIGUSR1);
		if (own_count != 1)
			_exit(1);
		own_count = 0;
		catch_misuse();
		if (value_task_wait(signals_next(listener), NULL) != EINVAL || misuse_count != 1)
			_exit(2);
		signals_close(listener);
		listener = open_one(SIGUSR1);
		raise(SIGUSR1);
		if (next_of(listener) != SIGUSR1 || own_count != 0)
			_exit(3);
		signals_close(listener);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_false(value_task_is_ready(next));
	raise(SIGUSR1);
	assert_int_equal(number_of(next), SIGUSR1);
	signals_close(listener);
}

static atomic_bool stop;

static void *send_signals(void *argument)
{
	(void)argument;
	while (!stop) {
		kill(getpid(), SIGUSR1);
		sched_yield();
	}
	return NULL;
}

TEST(many_signals_meet_many_listeners)
{
	signals *listeners[8];
	pthread_t thread;

	NOT_SEEDED("it is about threads");
	signal(SIGUSR1, own);
	assert_int_equal(pthread_create(&thread, NULL, send_signals, NULL), 0);
	for (int i = 0; test_round(i, 200); i++) {
		for (int k = 0; k < 8; k++)
			listeners[k] = open_one(SIGUSR1);
		for (int k = 0; k < 8; k++)
			assert_int_equal(next_of(listeners[k]), SIGUSR1);
		for (int k = 0; k < 8; k++)
			signals_close(listeners[k]);
	}
	stop = true;
	pthread_join(thread, NULL);
	assert_ptr_equal(action_of(SIGUSR1), (void *)(uintptr_t)own);
}

TEST(what_is_open_at_a_shutdown_is_closed_afterwards)
{
	signals *listener = open_one(SIGUSR1);

	raise(SIGUSR1);
	assert_int_equal(shut_down(), 0);
	catch_misuse();
	assert_int_equal(value_task_wait(signals_next(listener), NULL), EINVAL);
	ASSERT_MISUSE("earlier life");
	signals_close(listener);
	assert_ptr_equal(action_of(SIGUSR1), default_action);
	skip_final_check = true; /* its memory stays, so that later misuse is seen */
}
