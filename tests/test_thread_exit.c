/*
 * Threads that the user's code ends, and threads that cannot be started.
 */
/* threads */
#include <signal.h>
#include <sys/wait.h>

#include "os/os.h"
#include "support/limits_of_tools.h"
#include "support/task_support.h"

/* After a forced unwinding, AddressSanitizer still has the marks of the frames that are gone. */
static void needs_unwinding(void)
{
	if (UNDER_ASAN)
		SKIP("AddressSanitizer does not follow the end of a thread inside a function");
}

static value_task exits(void *argument)
{
	(void)argument;
	pthread_exit(NULL);
}

static value_task cancels_itself(void *argument)
{
	(void)argument;
	pthread_cancel(pthread_self());
	pthread_testcancel(); /* a forced unwinding out of a call that a sanitizer intercepts fails */
	return value_task_from(0);
}

static value_task answers(void *argument)
{
	return value_task_from((intptr_t)argument);
}

static void assert_the_call_fails(value_task call, const char *text)
{
	int64_t got;

	assert_int_equal(wait_int(call, NULL), EINVAL);
	ASSERT_MISUSE(text);
	/* Another thread can take the place of the ended one. */
	assert_int_equal(wait_int(bide_run_blocking(answers, (void *)7), &got), 0);
	assert_int_equal(got, 7);
}

TEST(a_blocking_call_that_ends_its_thread_fails_and_frees_its_place)
{
	needs_unwinding();
	NOT_SEEDED("it needs threads, for calls that block");
	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 1 }), 0);
	catch_misuse();
	assert_the_call_fails(bide_run_blocking(exits, NULL),
	                      "bide_run_blocking: the function ended its thread");
	assert_the_call_fails(bide_run_blocking(cancels_itself, NULL),
	                      "bide_run_blocking: the function ended its thread");
	assert_the_call_fails(bide_run_on_new_thread(exits, NULL),
	                      "bide_run_on_new_thread: the function ended its thread");
	assert_int_equal(shut_down(), 0);
	assert_int_equal(stats().blocking_thread_count, 0);
}

TEST(calls_behind_one_that_ends_its_thread_run)
{
	NOT_SEEDED("it needs threads, for calls that block");
	enum { JOBS = 8 };
	value_task jobs[JOBS];
	int64_t got;

	needs_unwinding();
	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 1 }), 0);
	catch_misuse();
	for (intptr_t i = 0; i < JOBS; i++)
		jobs[i] = bide_run_blocking(i % 2 ? answers : exits, (void *)i);
	for (intptr_t i = 0; i < JOBS; i++) {
		assert_int_equal(wait_int(jobs[i], &got), i % 2 ? 0 : EINVAL);
		assert_true(i % 2 == 0 || got == i);
	}
	assert_int_equal(atomic_load(&misuse_count), JOBS / 2);
}

/* The next call may come while the thread ends, which is still counted then. */
TEST(a_call_comes_while_the_only_thread_ends)
{
	NOT_SEEDED("it needs threads, for calls that block");
	enum { CALLS = 500 };

	needs_unwinding();
	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 1 }), 0);
	catch_misuse();
	for (int i = 0; i < CALLS; i++)
		assert_int_equal(bide_value_task_wait(bide_run_blocking(exits, NULL), NULL), EINVAL);
	assert_int_equal(atomic_load(&misuse_count), CALLS);
}

struct ends_the_thread {
	ASYNC_FRAME;
};

async(ends_the_thread)
{
	async_begin;
	await(async_yield()); /* from here on a worker runs it; a delay may be over before its await */
	pthread_exit(NULL);
async_finally:
	async_end;
}

TEST(an_async_function_that_ends_a_worker_leaks_and_another_thread_becomes_the_worker)
{
	int64_t got;

	needs_threads();
	needs_unwinding();
	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	catch_misuse();
	for (int i = 0; i < 4; i++) {
		value_task_forget(async_start(ends_the_thread));
		while (atomic_load(&misuse_count) == 0)
			sleep_ms(1);
		ASSERT_MISUSE("the async function ends_the_thread ended a worker's thread");
		atomic_store(&misuse_count, 0);
	}
	for (int i = 0; i < 100; i++) {
		assert_int_equal(wait_int(later_value(1000, i), &got), 0);
		assert_int_equal(got, i);
	}
	leaks_expected = 4;
}

struct ends_at_once {
	ASYNC_FRAME;
};

async(ends_at_once)
{
	async_begin;
	pthread_exit(NULL);
async_finally:
	async_end;
}

static void *starts_one_that_ends_it(void *argument)
{
	value_task_forget(async_start(ends_at_once));
	return argument;
}

TEST(an_async_function_that_ends_a_thread_of_the_program_never_continues)
{
	pthread_t thread;
	int64_t got;

	needs_threads();
	needs_unwinding();
	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	catch_misuse();
	for (int i = 0; i < 3; i++) { /* the next thread gets the same record */
		assert_int_equal(pthread_create(&thread, NULL, starts_one_that_ends_it, NULL), 0);
		pthread_join(thread, NULL);
		ASSERT_MISUSE("the async function ends_at_once ended its thread");
	}
	assert_int_equal(wait_int(later_value(1000, 3), &got), 0);
	assert_int_equal(got, 3);
}

/* --- main ends by pthread_exit */

static value_task never_returns(void *argument)
{
	(void)argument;
	for (;;)
		pause();
	return value_task_from(0);
}

static void end_main(unsigned workers, bool has_a_call)
{
	if (bide_configure(&(bide_config){ .workers = workers }) != 0)
		_exit(1);
	if (has_a_call)
		value_task_forget(bide_run_on_new_thread(never_returns, NULL));
	else
		value_task_forget(delay_ms(1));
	pthread_exit(NULL);
}

static int status_after(int number, unsigned workers, bool has_a_call)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		alarm(60);
		end_main(workers, has_a_call);
	}
	sleep_ms(100);
	assert_int_equal(kill(child, number), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

TEST(a_process_whose_main_ended_by_pthread_exit_is_ended_by_signals)
{
	NOT_SEEDED("it needs many workers");
	const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };

	needs_threads();
	for (int i = 0; i < 4; i++) {
		int status = status_after(numbers[i], 2, false);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == numbers[i]);
	}
	for (unsigned workers = 1; workers < 3; workers++) {
		int status = status_after(SIGTERM, workers, true);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	}
}

/* --- threads that cannot be started */

TEST(a_failed_start_of_any_worker_leaves_nothing_behind)
{
	NOT_SEEDED("it needs many workers");
	enum { WORKERS = 5 };
	int64_t got;

	for (int left = 0; left < WORKERS; left++) {
		bide_os_thread_starts_left_ = left;
		assert_int_equal(bide_configure(&(bide_config){ .workers = WORKERS }), EAGAIN);
		assert_int_equal(stats().live_bytes, 0);
	}
	bide_os_thread_starts_left_ = -1;
	assert_int_equal(bide_configure(&(bide_config){ .workers = WORKERS }), 0);
	assert_int_equal(wait_int(later_value(1000, 3), &got), 0);
}

TEST(without_threads_the_runtime_does_not_start_and_each_call_returns_the_error)
{
	NOT_SEEDED("it needs many workers");
	bide_config config;

	setenv("BIDE_WORKERS", "3", 1);
	bide_os_thread_starts_left_ = 0;
	assert_int_equal(bide_worker_count(), 0);
	assert_int_equal(bide_config_get(&config), EAGAIN);
	assert_int_equal(bide_value_task_wait(bide_value_task_completed(), NULL), EAGAIN);
	assert_int_equal(bide_value_task_error(bide_run_blocking(answers, NULL)), EAGAIN);
	assert_int_equal(bide_shutdown(NULL), 0);
	assert_int_equal(stats().live_bytes, 0);
	bide_os_thread_starts_left_ = -1;
	assert_int_equal(bide_worker_count(), 3);
	assert_int_equal(bide_config_get(&config), 0);
	assert_int_equal(config.workers, 3);
}

TEST(a_call_for_which_no_thread_can_be_started_fails)
{
	NOT_SEEDED("it needs threads, for calls that block");
	int64_t got;

	task_unref(bide_task_from_int(500)); /* starts the runtime */
	bide_os_thread_starts_left_ = 0;
	assert_int_equal(wait_int(bide_run_blocking(answers, NULL), NULL), EAGAIN);
	assert_int_equal(wait_int(bide_run_on_new_thread(answers, NULL), NULL), EAGAIN);
	bide_os_thread_starts_left_ = 1;
	assert_int_equal(wait_int(bide_run_blocking(answers, (void *)2), &got), 0);
	assert_int_equal(got, 2);
	assert_int_equal(wait_int(bide_run_blocking(answers, (void *)3), &got), 0);
	bide_os_thread_starts_left_ = -1;
}

/* --- keys */

TEST(a_shutdown_frees_the_key_of_threads)
{
	for (int life = 0; life < 1100; life++) { /* there are 1024 keys */
		pthread_key_t key;

		task_unref(bide_task_from_int(500));
		assert_int_equal(shut_down(), 0);
		assert_int_equal(pthread_key_create(&key, NULL), 0);
		assert_int_equal(pthread_key_delete(key), 0);
	}
}
