/*
 * Open groups: any thread adds members until the group is closed. Then it takes no more, and
 * nothing that was refused is lost. The wait is over when the group is closed and all members are.
 *
 * Each test must leave nothing in use: no frame, no operation, no task.
 */
/* threads */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "support/library.h"
#include "support/limited_memory.h"
#include "support/limits_of_tools.h"

static bide_group group;
static bide_user_source source;

void test_after_each(void)
{
	assert_nothing_in_use();
}

static const bide_group_options open_group = { .open = true };

static void begin(const bide_group_options *options)
{
	assert_int_equal(bide_group_init(&group, options), 0);
}

static bide_value_task pending(void)
{
	bide_user_source_init(&source, NULL);
	return bide_user_source_value_task(&source);
}

static void finish(void)
{
	bide_user_source_complete(&source, (bide_payload){ .i = 1 });
}

static int wait_error(void)
{
	return bide_value_task_wait(bide_group_wait(&group), NULL);
}

/* Waits for ever, or until its context is canceled. */
struct sleeper {
	BIDE_ASYNC_FRAME;
};

bide_async(sleeper)
{
	bide_async_begin;
	bide_await(bide_delay(BIDE_FOREVER));
bide_async_finally:
	bide_async_end;
}

static atomic_int ran;

/* Counts itself after a turn, then fails with error, if it is not 0. */
struct job {
	BIDE_ASYNC_FRAME;
	struct {
		int error;
	} in;
};

bide_async(job)
{
	bide_async_begin;
	bide_await(bide_async_yield());
	atomic_fetch_add(&ran, 1);
	if (my->in.error)
		bide_async_fail(my->in.error);
bide_async_finally:
	bide_async_end;
}

static unsigned evaluated;

static bide_value_task start_job(int error)
{
	evaluated++;
	return bide_async_start(job, .error = error);
}

/* --- closing --- */

TEST(the_wait_is_over_when_the_group_is_closed_and_its_members_are)
{
	bide_value_task wait;

	begin(&open_group);
	assert_int_equal(bide_group_add(&group, pending()), 0);
	wait = bide_group_wait(&group);
	finish();
	assert_int_equal(bide_group_pending(&group), 0);
	settle(0);
	assert_false(bide_value_task_is_ready(wait));
	assert_int_equal(bide_group_add(&group, pending()), 0); /* though it is waited for */
	assert_true(bide_group_close(&group));
	settle(0);
	assert_false(bide_value_task_is_ready(wait));
	assert_int_equal(bide_group_pending(&group), 1);
	finish();
	assert_int_equal(bide_value_task_wait(wait, NULL), 0);
}

TEST(a_group_may_be_closed_before_the_wait)
{
	begin(&open_group);
	assert_int_equal(bide_group_start(&group, start_job(0)), 0);
	assert_true(bide_group_close(&group));
	assert_int_equal(wait_error(), 0);
	assert_int_equal(ran, 1);
}

TEST(the_first_call_closes)
{
	begin(&open_group);
	assert_true(bide_group_close(&group));
	assert_false(bide_group_close(&group));
	assert_int_equal(wait_error(), 0);
	assert_false(bide_group_close(&group)); /* it has ended */
	bide_group_cancel(&group);
}

TEST(a_closed_group_does_not_evaluate_the_call)
{
	begin(&open_group);
	assert_true(bide_group_close(&group));
	for (int round = 0; round < 2; round++) { /* the second time it has ended */
		assert_int_equal(bide_group_start(&group, start_job(EIO)), EPIPE);
		assert_int_equal(evaluated, 0);
		if (round == 0)
			assert_int_equal(wait_error(), 0);
	}
}

TEST(a_value_task_that_is_refused_is_forgotten_and_runs_on)
{
	begin(&open_group);
	assert_true(bide_group_close(&group));
	assert_int_equal(bide_group_add(&group, start_job(EIO)), EPIPE);
	assert_int_equal(bide_group_add(&group, bide_value_task_from_int(5)), EPIPE);
	assert_int_equal(wait_error(), 0);
	settle(0);
	assert_int_equal(ran, 1);
	assert_int_equal(stats().unobserved_count, 1); /* its error is not lost */
}

TEST(a_start_leaves_the_context_as_it_was)
{
	static int key, value;
	bide_context *scope =
		bide_context_create(&(bide_context_options){ .key = &key, .value = &value });

	begin(&open_group); /* not in that context */
	assert_int_equal(bide_in_context(scope, bide_group_start(&group, start_job(0))), 0);
	assert_ptr_equal(bide_in_context(scope, (bide_group_start(&group, start_job(0)),
	                                         bide_context_get(&key))),
	                 &value);
	assert_true(bide_group_close(&group));
	assert_ptr_equal(bide_in_context(scope, (bide_group_start(&group, start_job(0)),
	                                         bide_context_get(&key))),
	                 &value);
	assert_int_equal(wait_error(), 0);
	bide_context_unref(scope);
}

/* Each macro has variables of its own, so this compiles without a warning. */
TEST(a_start_may_stand_in_a_start)
{
	begin(&open_group);
	assert_int_equal(bide_group_start(&group, bide_group_start(&group, start_job(0)) == 0
	                                              ? start_job(0)
	                                              : start_job(EIO)),
	                 0);
	assert_true(bide_group_close(&group));
	assert_int_equal(wait_error(), 0);
	assert_int_equal(ran, 2);
}

TEST(an_open_group_can_be_used_again)
{
	for (int round = 0; round < 3; round++) {
		begin(round == 1 ? NULL : &open_group);
		assert_int_equal(bide_group_start(&group, start_job(0)), 0);
		if (round != 1)
			assert_true(bide_group_close(&group));
		assert_int_equal(wait_error(), 0);
	}
	assert_int_equal(ran, 3);
}

/* --- cancellation, which closes --- */

TEST(a_failure_cancels_the_rest_and_closes_the_group)
{
	begin(&open_group);
	bide_group_start(&group, bide_async_start(sleeper));
	bide_group_start(&group, start_job(EIO));
	assert_int_equal(wait_error(), EIO); /* no call closed it */
	assert_int_equal(bide_group_start(&group, start_job(0)), EPIPE);
}

TEST(cancel_closes_the_group)
{
	begin(&open_group);
	bide_group_start(&group, bide_async_start(sleeper));
	bide_group_cancel(&group);
	assert_int_equal(bide_group_start(&group, start_job(0)), EPIPE);
	assert_int_equal(wait_error(), ECANCELED);
}

TEST(a_cancellation_above_closes_the_group)
{
	bide_context *scope = bide_context_create(NULL);
	bide_value_task wait;

	assert_int_equal(bide_in_context(scope, bide_group_init(&group, &open_group)), 0);
	bide_group_start(&group, bide_async_start(sleeper));
	wait = bide_group_wait(&group);
	bide_context_cancel(scope, EIO);
	assert_int_equal(bide_value_task_wait(wait, NULL), EIO);
	bide_context_unref(scope);
}

TEST(a_deadline_above_closes_the_group)
{
	bide_context *scope = bide_context_create(&(bide_context_options){ .timeout_ns = BIDE_MS(1) });

	assert_int_equal(bide_in_context(scope, bide_group_init(&group, &open_group)), 0);
	bide_group_start(&group, bide_async_start(sleeper));
	assert_int_equal(wait_error(), ETIMEDOUT);
	bide_context_unref(scope);
}

TEST(in_a_canceled_context_it_is_closed_from_the_start)
{
	bide_context *scope = bide_context_create(NULL);

	bide_context_cancel(scope, ECANCELED);
	assert_int_equal(bide_in_context(scope, bide_group_init(&group, &open_group)), 0);
	assert_int_equal(bide_group_start(&group, start_job(0)), EPIPE);
	assert_false(bide_group_close(&group));
	assert_int_equal(wait_error(), 0);
	bide_context_unref(scope);
}

TEST(with_keep_going_a_failure_closes_nothing)
{
	int error;

	begin(&(bide_group_options){ .open = true, .keep_going = true });
	bide_group_start(&group, start_job(EIO));
	bide_group_start(&group, start_job(EPERM));
	settle(0);
	assert_int_equal(bide_group_start(&group, start_job(0)), 0);
	assert_true(bide_group_close(&group));
	error = wait_error();
	assert_true(error == EIO || error == EPERM);
	assert_int_equal(ran, 3);
	assert_int_equal(stats().unobserved_count, 1);
}

/* --- failures that are told --- */

static atomic_int told, told_sum;

static void note_failure(int error, void *argument)
{
	assert_ptr_equal(argument, &told);
	atomic_fetch_add(&told, 1);
	atomic_fetch_add(&told_sum, error);
}

TEST(failures_go_to_failed_and_have_no_other_effect)
{
	for (int open = 0; open < 2; open++) {
		told = told_sum = ran = 0;
		begin(&(bide_group_options){ .open = open, .failed = note_failure, .argument = &told });
		bide_group_add(&group, bide_value_task_from_error(EIO));
		for (int i = 0; i < 10; i++)
			bide_group_start(&group, start_job(i % 2 ? EPERM : 0));
		assert_int_equal(bide_context_error(bide_group_context(&group)), 0);
		if (open)
			assert_true(bide_group_close(&group));
		assert_int_equal(wait_error(), 0);
		assert_int_equal(ran, 10);
		assert_int_equal(told, 6);
		assert_int_equal(told_sum, EIO + 5 * EPERM);
		assert_int_equal(stats().unobserved_count, 0);
	}
}

TEST(a_cancellation_is_no_failure)
{
	bide_context *scope = bide_context_create(NULL);
	const bide_group_options telling = { .open = true, .failed = note_failure, .argument = &told };

	begin(&telling);
	bide_group_start(&group, bide_async_start(sleeper));
	bide_group_cancel(&group);
	assert_int_equal(wait_error(), ECANCELED);
	assert_int_equal(bide_in_context(scope, bide_group_init(&group, &telling)), 0);
	bide_group_start(&group, bide_async_start(sleeper));
	bide_context_cancel(scope, EIO);
	assert_int_equal(wait_error(), EIO);
	assert_int_equal(told, 0);
	bide_context_unref(scope);
}

static void cancel_all(int error, void *argument)
{
	assert_int_equal(error, EIO);
	bide_group_cancel(argument);
}

TEST(failed_may_cancel_the_group)
{
	begin(&(bide_group_options){ .open = true, .failed = cancel_all, .argument = &group });
	bide_group_start(&group, bide_async_start(sleeper));
	bide_group_start(&group, start_job(EIO));
	assert_int_equal(wait_error(), ECANCELED);
}

/* --- other threads --- */

enum { ADDERS = 3, ADDS = 2000 };

static atomic_int taken;

static void *add_until_closed(void *argument)
{
	int added = 0;

	(void)argument;
	for (int i = 0; i < ADDS; i++) {
		int error = bide_group_start(&group, bide_async_start(job));

		if (error) {
			assert_int_equal(error, EPIPE);
			break;
		}
		added++;
	}
	atomic_fetch_add(&taken, added);
	return NULL;
}

static void *close_after_a_while(void *argument)
{
	while (atomic_load(&ran) < *(int *)argument)
		sched_yield();
	assert_true(bide_group_close(&group));
	return NULL;
}

/* A member that starts members. */
struct breeder {
	BIDE_ASYNC_FRAME;
	int added;
};

bide_async(breeder)
{
	bide_async_begin;
	for (my->added = 0; my->added < ADDS; my->added++) {
		if (bide_group_start(&group, bide_async_start(job)))
			break;
		bide_await(bide_async_yield());
	}
	atomic_fetch_add(&taken, my->added);
bide_async_finally:
	bide_async_end;
}

TEST_SLOW(threads_and_members_add_while_another_thread_closes, 60)
{
	pthread_t adders[ADDERS], closer;

	(void)bide_now_ns(); /* makes this thread the worker */
	for (int round = 0; test_round(round, 10); round++) {
		int after = round * 500;

		atomic_store(&ran, 0);
		atomic_store(&taken, 0);
		begin(&open_group);
		assert_int_equal(bide_group_start(&group, bide_async_start(breeder)), 0);
		for (int i = 0; i < ADDERS; i++)
			assert_int_equal(pthread_create(&adders[i], NULL, add_until_closed, NULL), 0);
		assert_int_equal(pthread_create(&closer, NULL, close_after_a_while, &after), 0);
		assert_int_equal(wait_error(), 0);
		for (int i = 0; i < ADDERS; i++)
			pthread_join(adders[i], NULL);
		pthread_join(closer, NULL);
		assert_int_equal(ran, taken);
		assert_int_equal(bide_group_pending(&group), 0);
	}
}

static void *cancel_it(void *argument)
{
	(void)argument;
	bide_group_cancel(&group);
	return NULL;
}

TEST(another_thread_may_cancel_it)
{
	pthread_t thread;

	begin(&open_group);
	bide_group_start(&group, bide_async_start(sleeper));
	assert_int_equal(pthread_create(&thread, NULL, cancel_it, NULL), 0);
	assert_int_equal(wait_error(), ECANCELED);
	pthread_join(thread, NULL);
}

/* --- memory --- */

static uint64_t live_bytes_max;

/* A service: it takes a million jobs, a hundred at a time. */
struct service {
	BIDE_ASYNC_FRAME;
	struct {
		int count;
	} in;
	int i;
};

bide_async(service)
{
	bide_async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++) {
		bide_group_start(&group, bide_async_start(job));
		if (my->i % 100 == 99)
			while (bide_group_pending(&group) > 0)
				bide_await(bide_async_yield());
	}
bide_async_finally:
	bide_async_end;
}

static void serve(int count)
{
	assert_int_equal(bide_value_task_wait(bide_async_start(service, .count = count), NULL), 0);
	settle_workers();
	if (stats().live_bytes > live_bytes_max)
		live_bytes_max = stats().live_bytes;
}

TEST_SLOW(a_million_members_that_are_over_leave_nothing_behind, 60)
{
	/* Members that pile up take more, even if they are few. Each worker has pools of its own. */
	const uint64_t limit_bytes = 4 << 20;
	const int count = UNDER_ASAN || UNDER_TSAN || EMULATED ? 50000 : 1000000;

	begin(&open_group);
	for (int i = 0; i < 10; i++)
		serve(count / 10);
	assert_int_equal(ran, count);
	assert_in_range(live_bytes_max, 0, limit_bytes);
	assert_true(bide_group_close(&group));
	assert_int_equal(wait_error(), 0);
}

TEST(init_without_memory_fails_and_leaves_nothing)
{
	limit_objects();
	(void)bide_now_ns();
	for (long n = 0; n < 2; n++) {
		allowed_allocations = n;
		assert_int_equal(bide_group_init(&group, &open_group), ENOMEM);
		settle_workers();
		assert_none(operation_count);
	}
	allowed_allocations = 2;
	begin(&open_group);
	/* Adding, closing and waiting take no memory. A function without a frame fails the group. */
	assert_int_equal(bide_group_start(&group, bide_async_start(job)), 0);
	assert_int_equal(bide_group_start(&group, bide_async_start(job)), EPIPE);
	assert_int_equal(wait_error(), BIDE_ENOFRAME);
	assert_false(bide_group_close(&group));
}

/* --- misuse --- */

TEST(closing_a_group_that_is_not_open_is_misuse)
{
	bide_group nothing = { .self_ = NULL };

	expect_misuse();
	begin(NULL);
	MISUSE(assert_false(bide_group_close(&group)), "bide_group_close", "not open");
	MISUSE(assert_false(bide_group_close(&nothing)), "bide_group_close", "not initialised");
	MISUSE(assert_false(bide_group_close(NULL)), "bide_group_close", "group is NULL");
	assert_int_equal(wait_error(), 0);
	MISUSE(assert_false(bide_group_close(&group)), "bide_group_close", "the group has ended");
	MISUSE(assert_int_equal(bide_group_start(&group, start_job(0)), EINVAL), "bide_group_start",
	       "the group has ended");
	MISUSE(assert_int_equal(bide_group_start(NULL, start_job(0)), EINVAL), "bide_group_start",
	       "group is NULL");
	assert_int_equal(evaluated, 0);
}

/* --- a wait that reports --- */

static char line[256];
static unsigned line_count;

static void note_line(const char *text, void *argument)
{
	(void)argument;
	line_count++;
	snprintf(line, sizeof line, "%s", text);
}

TEST(a_report_says_that_the_group_is_open)
{
	bide_value_task wait;

	bide_report_hook_set(note_line, NULL);
	begin(&open_group);
	wait = bide_group_wait_reporting(&group, 0);
	assert_int_equal(line_count, 1);
	assert_non_null(strstr(line, "0 members, and the group is open"));
	assert_true(bide_group_close(&group));
	assert_int_equal(bide_value_task_wait(wait, NULL), 0);
}
