/*
 * Groups: the wait covers everything that was started in the group, and its first failure cancels
 * the rest.
 *
 * Each test must leave nothing in use: no frame, no operation, no task.
 */
/* threads */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stdatomic.h>

#include "support/library.h"
#include "support/limited_memory.h"
#include "support/small_stack.h"

enum { SOURCES_MAX = 4 };

static bide_group group;
static bide_user_source sources[SOURCES_MAX];
static bool worker_has_ended;

/* --- shared by the tests --- */

void test_after_each(void)
{
	if (!worker_has_ended)
		assert_nothing_in_use();
}

/* Returns a pending value task that the test completes. */
static bide_value_task pending(size_t i)
{
	bide_user_source_init(&sources[i], NULL);
	return bide_user_source_value_task(&sources[i]);
}

static void finish(size_t i)
{
	bide_user_source_complete(&sources[i], (bide_payload){ .i = 1 });
}

static void finish_failed(size_t i, int error)
{
	bide_user_source_fail(&sources[i], error);
}

static const bide_group_options keep_going = { .keep_going = true };

static void begin(const bide_group_options *options)
{
	assert_int_equal(bide_group_init(&group, options), NULL);
}

static int wait_error(bide_value_task value_task)
{
	return bide_value_task_wait(value_task, NULL);
}

/* Waits for ever or until its context is canceled, then stores how it ended. */
struct sleeper {
	BIDE_ASYNC_FRAME;
	struct {
		int *error;
	} in;
};

bide_async(sleeper)
{
	bide_async_begin;
	bide_await(bide_delay(BIDE_FOREVER));
bide_async_finally:
	if (my->in.error)
		*my->in.error = bide_async_error;
	bide_async_end;
}

/* Yields once, then fails. */
struct failing {
	BIDE_ASYNC_FRAME;
	struct {
		int error;
	} in;
};

bide_async(failing)
{
	bide_async_begin;
	bide_await(bide_async_yield());
	bide_async_fail(my->in.error);
bide_async_finally:
	bide_async_end;
}

/* --- waiting --- */

TEST(wait_of_an_empty_group_is_ready)
{
	begin(NULL);
	assert_int_equal(bide_group_pending(&group), 0);
	bide_value_task wait = bide_group_wait(&group);
	assert_true(bide_value_task_is_successful(wait));
}

TEST(wait_is_over_when_all_members_are_over)
{
	begin(NULL);
	bide_group_add(&group, pending(0));
	bide_group_add(&group, pending(1));
	assert_int_equal(bide_group_pending(&group), 2);
	finish(1);
	assert_int_equal(bide_group_pending(&group), 1);
	bide_value_task wait = bide_group_wait(&group);
	assert_int_equal(bide_group_pending(&group), 1);
	assert_false(bide_value_task_is_ready(wait));
	finish(0);
	assert_int_equal(bide_group_pending(&group), 0);
	assert_true(bide_value_task_is_successful(wait));
	assert_int_equal(wait_error(wait), 0);
}

TEST(members_that_are_ready_count_as_over)
{
	begin(NULL);
	bide_group_add(&group, bide_value_task_from_int(5));
	bide_value_task done = pending(0);
	finish(0);
	bide_group_add(&group, done); /* complete, but not consumed yet */
	assert_int_equal(bide_group_pending(&group), 0);
	assert_int_equal(wait_error(bide_group_wait(&group)), 0);
}

TEST(a_ready_failure_cancels_the_others)
{
	int error = 0;
	begin(NULL);
	bide_group_start(&group, bide_async_start(sleeper, .error = &error));
	bide_group_add(&group, bide_value_task_from_error(EIO));
	assert_int_equal(wait_error(bide_group_wait(&group)), EIO);
	assert_int_equal(error, ECANCELED);
}

TEST(adding_and_waiting_take_no_memory)
{
	begin(NULL);
	uint64_t before = stats().operation_count;
	for (size_t i = 0; i < SOURCES_MAX; i++)
		bide_group_add(&group, pending(i));
	bide_value_task wait = bide_group_wait(&group);
	assert_int_equal(stats().operation_count, before);
	for (size_t i = 0; i < SOURCES_MAX; i++)
		finish(i);
	assert_int_equal(wait_error(wait), 0);
}

TEST(a_yield_can_be_a_member)
{
	begin(NULL);
	bide_group_add(&group, bide_async_yield());
	assert_int_equal(wait_error(bide_group_wait(&group)), 0);
}

TEST(a_group_can_be_used_again)
{
	for (int round = 0; round < 3; round++) {
		begin(NULL);
		bide_group_add(&group, pending(0));
		bide_value_task wait = bide_group_wait(&group);
		if (round == 1)
			finish_failed(0, EIO);
		else
			finish(0);
		assert_int_equal(wait_error(wait), round == 1 ? EIO : 0);
	}
}

TEST(wait_can_be_forgotten)
{
	begin(NULL);
	bide_group_add(&group, pending(0));
	bide_value_task_forget(bide_group_wait(&group));
	finish(0);
}

/* --- failures --- */

TEST(the_first_failure_cancels_the_rest)
{
	int errors[2] = { 0, 0 };
	begin(NULL);
	bide_group_start(&group, bide_async_start(sleeper, .error = &errors[0]));
	bide_group_start(&group, bide_async_start(failing, .error = EIO));
	bide_group_start(&group, bide_async_start(sleeper, .error = &errors[1]));
	assert_int_equal(wait_error(bide_group_wait(&group)), EIO);
	assert_int_equal(errors[0], ECANCELED);
	assert_int_equal(errors[1], ECANCELED);
}

TEST(members_started_after_a_failure_are_created_canceled)
{
	int error = 0;
	begin(NULL);
	bide_group_add(&group, bide_value_task_from_error(EIO));
	bide_group_start(&group, bide_async_start(sleeper, .error = &error));
	assert_int_equal(error, ECANCELED);
	assert_int_equal(wait_error(bide_group_wait(&group)), EIO);
}

TEST(the_first_of_several_failures_is_reported)
{
	begin(NULL);
	bide_group_add(&group, pending(0));
	bide_group_add(&group, pending(1));
	bide_value_task wait = bide_group_wait(&group);
	finish_failed(1, EPERM);
	finish_failed(0, EIO);
	assert_int_equal(wait_error(wait), EPERM);
}

TEST(keep_going_lets_the_others_end_by_themselves)
{
	begin(&keep_going);
	bide_group_add(&group, pending(0));
	bide_group_start(&group, bide_async_start(failing, .error = EIO));
	bide_value_task wait = bide_group_wait(&group);
	settle(0);
	assert_false(bide_value_task_is_ready(wait));
	assert_int_equal(bide_context_error(bide_group_context(&group)), 0);
	finish(0);
	assert_int_equal(wait_error(wait), EIO);
}

TEST(a_canceled_member_cancels_no_other_and_is_reported_last)
{
	begin(NULL);
	bide_group_add(&group, pending(0));
	bide_group_add(&group, bide_value_task_from_error(ECANCELED));
	assert_int_equal(bide_context_error(bide_group_context(&group)), 0);
	bide_value_task wait = bide_group_wait(&group);
	finish(0);
	assert_int_equal(wait_error(wait), ECANCELED);

	begin(NULL);
	bide_group_add(&group, bide_value_task_from_error(ECANCELED));
	bide_group_add(&group, bide_value_task_from_error(EIO));
	bide_group_add(&group, bide_value_task_from_error(ECANCELED));
	assert_int_equal(wait_error(bide_group_wait(&group)), EIO);
}

/* --- cancellation --- */

TEST(cancel_ends_all_members)
{
	int errors[2] = { 0, 0 };
	begin(&keep_going);
	bide_group_start(&group, bide_async_start(sleeper, .error = &errors[0]));
	bide_group_start(&group, bide_async_start(sleeper, .error = &errors[1]));
	bide_group_start(&group, bide_delay(BIDE_FOREVER));
	bide_value_task wait = bide_group_wait(&group);
	bide_group_cancel(&group);
	assert_int_equal(wait_error(wait), ECANCELED);
	assert_int_equal(errors[0], ECANCELED);
	assert_int_equal(errors[1], ECANCELED);
}

TEST(cancel_may_end_the_group_inside_the_call)
{
	begin(NULL);
	bide_group_start(&group, bide_delay(BIDE_FOREVER));
	bide_value_task wait = bide_group_wait(&group);
	bide_group_cancel(&group);
	assert_true(bide_value_task_is_canceled(wait));
	assert_null(bide_group_context(&group));
	assert_int_equal(wait_error(wait), ECANCELED);
}

TEST(the_context_around_the_group_cancels_its_members_but_not_the_wait)
{
	bide_context *scope = bide_context_create(NULL);
	int error = 0;
	assert_int_equal(bide_in_context(scope, bide_group_init(&group, NULL)), 0);
	bide_group_start(&group, bide_async_start(sleeper, .error = &error));
	bide_group_add(&group, pending(0)); /* ignores cancellation */
	bide_value_task wait = bide_in_context(scope, bide_group_wait(&group));
	bide_context_cancel(scope, ETIMEDOUT);
	settle(0);
	assert_int_equal(error, ETIMEDOUT);
	assert_false(bide_value_task_is_ready(wait));
	finish(0);
	assert_int_equal(wait_error(wait), ETIMEDOUT);
	bide_context_unref(scope);
}

TEST(members_run_in_the_groups_context)
{
	static int key, value;
	bide_context *scope =
		bide_context_create(&(bide_context_options){ .key = &key, .value = &value });
	assert_int_equal(bide_in_context(scope, bide_group_init(&group, NULL)), 0);
	assert_ptr_equal(bide_in_context(bide_group_context(&group), bide_context_get(&key)), &value);
	assert_null(bide_context_get(&key));
	assert_int_equal(wait_error(bide_group_wait(&group)), 0);
	bide_context_unref(scope);
}

/* --- groups of async functions --- */

struct owner {
	BIDE_ASYNC_FRAME;
	struct {
		int depth, error;
	} in;
	bide_group group;
	int child;
};

bide_async_declare(owner);

static bide_value_task start_owner(int depth, int error)
{
	return bide_async_start(owner, .depth = depth, .error = error);
}

/* Owns a sleeper and two owners below it; those at the bottom fail. */
bide_async(owner)
{
	bide_async_begin;
	if (my->in.depth == 0)
		bide_async_return(bide_async_start(failing, .error = my->in.error));
	if (bide_group_init(&my->group, NULL) != 0)
		bide_async_fail(ENOMEM);
	bide_group_start(&my->group, bide_async_start(sleeper));
	for (my->child = 0; my->child < 2; my->child++)
		bide_group_start(&my->group, start_owner(my->in.depth - 1, my->in.error));
	bide_await(bide_group_wait(&my->group));
bide_async_finally:
	bide_async_end;
}

TEST(a_failure_passes_up_through_nested_groups_and_cancels_all)
{
	assert_int_equal(wait_error(start_owner(1, EIO)), EIO);
	assert_int_equal(wait_error(start_owner(6, EPERM)), EPERM);
}

/* Is canceled while it waits for something else; its cleanup waits for the members. */
struct cleaner {
	BIDE_ASYNC_FRAME;
	struct {
		int *error;
	} in;
	bide_group group;
};

bide_async(cleaner)
{
	bide_async_begin;
	if (bide_group_init(&my->group, NULL) != 0)
		bide_async_fail(ENOMEM);
	bide_group_start(&my->group, bide_async_start(sleeper, .error = my->in.error));
	bide_group_add(&my->group, pending(0)); /* ignores cancellation */
	bide_await(bide_delay(BIDE_FOREVER));
bide_async_finally:
	bide_await(bide_group_wait(&my->group));
	bide_async_end;
}

TEST(a_group_is_waited_for_in_a_cleanup)
{
	bide_context *scope = bide_context_create(NULL);
	int error = 0;
	bide_value_task top = bide_in_context(scope, bide_async_start(cleaner, .error = &error));
	bide_context_cancel(scope, ECANCELED);
	settle(0);
	assert_int_equal(error, ECANCELED);
	assert_false(bide_value_task_is_ready(top));
	finish(0);
	assert_int_equal(wait_error(top), ECANCELED);
	bide_context_unref(scope);
}

/* Each member adds another one while the owner of the group is already waiting. */
struct spawner {
	BIDE_ASYNC_FRAME;
	struct {
		int left;
		atomic_int *ran;
	} in;
};

bide_async(spawner)
{
	bide_async_begin;
	bide_await(bide_async_yield());
	atomic_fetch_add(my->in.ran, 1);
	if (my->in.left > 0)
		bide_group_start(&group,
		                 bide_async_start(spawner, .left = my->in.left - 1, .ran = my->in.ran));
bide_async_finally:
	bide_async_end;
}

TEST(members_may_add_members_while_the_group_is_waited_for)
{
	atomic_int ran = 0;
	begin(NULL);
	bide_group_start(&group, bide_async_start(spawner, .left = 99, .ran = &ran));
	assert_int_equal(wait_error(bide_group_wait(&group)), 0);
	assert_int_equal(ran, 100);
}

TEST(a_hundred_thousand_members)
{
	atomic_int ran = 0;
	begin(NULL);
	for (int i = 0; i < 100000; i++)
		bide_group_start(&group, bide_async_start(spawner, .left = 0, .ran = &ran));
	if (many_workers())
		assert_true(bide_group_pending(&group) <= 100000); /* they already run */
	else
		assert_int_equal(bide_group_pending(&group), 100000);
	assert_int_equal(wait_error(bide_group_wait(&group)), 0);
	assert_int_equal(ran, 100000);
}

TEST(a_hundred_thousand_members_are_canceled_by_one_failure)
{
	begin(NULL);
	for (int i = 0; i < 100000; i++)
		bide_group_start(&group, i % 2 ? bide_async_start(sleeper) : bide_delay(BIDE_FOREVER));
	bide_group_start(&group, bide_async_start(failing, .error = EIO));
	assert_int_equal(wait_error(bide_group_wait(&group)), EIO);
}

/* --- depth: on a thread with a small stack --- */

static void *nest_groups(void *argument)
{
	enum { DEPTH = 100000 };
	bide_group *groups = calloc(DEPTH, sizeof *groups);
	bide_value_task value = pending(0);
	(void)argument;
	for (size_t i = 0; i < DEPTH; i++) {
		assert_int_equal(bide_group_init(&groups[i], NULL), 0);
		bide_group_add(&groups[i], value);
		value = bide_group_wait(&groups[i]);
	}
	finish_failed(0, EIO);
	assert_int_equal(wait_error(value), EIO);
	free(groups);
	assert_nothing_in_use();
	return NULL;
}

TEST_SLOW(groups_nest_100000_deep_in_bounded_stack, 60)
{
	on_small_stack(nest_groups, NULL);
	worker_has_ended = true;
}

/* --- no memory --- */

TEST(init_without_memory_fails_and_leaves_nothing)
{
	limit_objects();
	(void)bide_now_ns();
	for (long n = 0; n < 2; n++) {
		allowed_allocations = n;
		assert_int_equal(bide_group_init(&group, NULL), ENOMEM);
		settle_workers();
		assert_none(operation_count);
	}
	allowed_allocations = 2;
	assert_int_equal(bide_group_init(&group, NULL), 0);
	/* Without memory for the operation of the yield, the member fails. */
	bide_group_add(&group, bide_async_yield());
	allowed_allocations = -1;
	assert_int_equal(wait_error(bide_group_wait(&group)), ENOMEM);
}

TEST(using_a_group_whose_init_failed_is_misuse)
{
	expect_misuse();
	limit_objects();
	(void)bide_now_ns();
	allowed_allocations = 0;
	assert_int_equal(bide_group_init(&group, NULL), ENOMEM);
	assert_int_equal(wait_error(bide_group_wait(&group)), EINVAL);
	assert_int_equal(misuse_count, 1);
}

/* --- misuse --- */

TEST(messages_of_misuse_say_what_was_wrong)
{
	EXPECT_ABORT((void)!bide_group_init(NULL, NULL), "bide_group_init: group is NULL");
	EXPECT_ABORT(bide_value_task_forget(bide_group_wait(NULL)), "bide_group_wait");
	EXPECT_ABORT(bide_group_pending(NULL), "bide_group_pending: group is NULL");
	EXPECT_ABORT(bide_group_cancel(NULL), "bide_group_cancel");
	EXPECT_ABORT(bide_group_context(NULL), "bide_group_context: group is NULL");
	EXPECT_ABORT(bide_group_add(NULL, bide_value_task_completed()), "test_group.c");
	EXPECT_ABORT(bide_group_add(&group, bide_value_task_completed()), "not initialised");
	expect_misuse();
	assert_int_equal(bide_group_init(NULL, NULL), EINVAL);
	assert_int_equal(bide_value_task_error(bide_group_wait(NULL)), EINVAL);
	assert_int_equal(bide_group_pending(NULL), 0);
	assert_int_equal(misuse_count, 3);
}

TEST(waiting_twice_is_misuse)
{
	expect_misuse();
	begin(0);
	bide_group_add(&group, pending(0));
	bide_value_task wait = bide_group_wait(&group);
	assert_int_equal(wait_error(bide_group_wait(&group)), EINVAL);
	assert_int_equal(misuse_count, 1);
	finish(0);
	assert_int_equal(wait_error(wait), 0);
	assert_int_equal(wait_error(bide_group_wait(&group)), EINVAL);
	assert_int_equal(misuse_count, 2);
}

TEST(adding_to_a_group_that_has_ended_is_misuse_and_forgets_the_member)
{
	expect_misuse();
	begin(0);
	assert_int_equal(wait_error(bide_group_wait(&group)), 0);
	bide_group_add(&group, bide_async_start(failing, .error = EIO));
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "bide_group_add: "));
	assert_non_null(strstr(misuse_text, "(at tests/test_group.c:"));
	settle(0);
	assert_int_equal(stats().unobserved_count, 1);
}

TEST(adding_an_awaited_value_task_is_misuse_and_fails_the_group)
{
	expect_misuse();
	begin(0);
	bide_value_task member = pending(0);
	bide_group_add(&group, member);
	bide_group_add(&group, member);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "bide_group_add: "));
	assert_non_null(strstr(misuse_text, "(at tests/test_group.c:"));
	finish(0);
	assert_int_equal(wait_error(bide_group_wait(&group)), BIDE_ESTALE);
}

TEST(a_group_that_has_ended_has_no_members_and_no_context)
{
	begin(0);
	assert_int_equal(wait_error(bide_group_wait(&group)), 0);
	assert_int_equal(bide_group_pending(&group), 0);
	assert_null(bide_group_context(&group));
	expect_misuse();
	bide_group_cancel(&group);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "bide_group_cancel: the group has ended"));
}

/* --- completions from other threads --- */

enum { ROUNDS = 2000 };

static pthread_barrier_t rendezvous;

static void *finish_rounds(void *argument)
{
	size_t i = (size_t)(uintptr_t)argument;
	for (int n = 0; n < ROUNDS; n++) {
		pthread_barrier_wait(&rendezvous);
		if (n % 2)
			finish(i);
		else
			finish_failed(i, EIO);
		pthread_barrier_wait(&rendezvous);
	}
	return NULL;
}

TEST_SLOW(members_may_end_on_other_threads, 60)
{
	pthread_t threads[3];
	pthread_barrier_init(&rendezvous, NULL, 4);
	(void)bide_now_ns(); /* makes this thread the worker */
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, finish_rounds, (void *)(uintptr_t)i), 0);
	for (int n = 0; n < ROUNDS; n++) {
		begin(0);
		for (size_t i = 0; i < 3; i++)
			bide_group_add(&group, pending(i));
		bide_group_start(&group, bide_async_start(failing, .error = EIO));
		pthread_barrier_wait(&rendezvous);
		assert_int_equal(wait_error(bide_group_wait(&group)), EIO);
		pthread_barrier_wait(&rendezvous);
	}
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&rendezvous);
}

/* --- a wait that reports --- */

enum { LINES_MAX = 16, REPORT_NS = 5000000 };

static char lines[LINES_MAX][256];
static atomic_int line_count;

static void note_line(const char *line, void *argument)
{
	int at = atomic_load(&line_count);

	assert_ptr_equal(argument, lines);
	assert_null(strchr(line, '\n'));
	if (at < LINES_MAX)
		snprintf(lines[at], sizeof lines[0], "%s", line);
	atomic_store(&line_count, at + 1);
}

/* Returns true if a line begins with `begin` and contains `holds`. */
static bool is_named(const char *begin, const char *holds)
{
	for (int i = 0; i < line_count && i < LINES_MAX; i++)
		if (strncmp(lines[i], begin, strlen(begin)) == 0 && strstr(lines[i], holds))
			return true;
	return false;
}

static void await_lines(int count)
{
	for (int i = 0; i < 2000 && atomic_load(&line_count) < count; i++)
		(void)bide_value_task_wait(bide_delay(REPORT_NS), NULL);
	assert_int_equal(atomic_load(&line_count), count);
}

/* A member that awaits a function that never ends. */
struct calls_sleeper {
	BIDE_ASYNC_FRAME;
};

enum { CALLS_LINE = __LINE__ + 5 };

bide_async(calls_sleeper)
{
	bide_async_begin;
	bide_await(bide_async_start(sleeper));
bide_async_finally:
	bide_async_end;
}

TEST(after_its_limit_a_wait_names_stuck_members_once_and_continues)
{
	bide_value_task wait, other = bide_async_start(sleeper);
	char place[64];

	bide_report_hook_set(note_line, lines);
	begin(NULL);
	bide_group_start(&group, bide_async_start(calls_sleeper));
	bide_group_add(&group, bide_delay(BIDE_SECONDS(3600)));
	bide_group_add(&group, pending(0));
	settle(0); /* until the members wait */
	wait = bide_group_wait_reporting(&group, REPORT_NS);
	assert_false(bide_value_task_is_ready(wait));
	await_lines(4);
	assert_true(is_named("stuck: bide_group_wait_reporting at tests/test_group.c:", ": 3 members"));
	assert_true(is_named("stuck: bide_group_wait_reporting at ", "not over after 5 ms"));
	snprintf(place, sizeof place, "at tests/test_group.c:%d, for sleeper", CALLS_LINE);
#ifdef BIDE_COMPUTED_GOTO /* there the resume point is not a line number */
	snprintf(place, sizeof place, "for sleeper");
#endif
	assert_true(is_named("stuck: calls_sleeper: awaiting", place));
	assert_true(is_named("stuck: sleeper: awaiting", "for a delay"));
	assert_true(is_named("stuck: a delay (", "s left), added to the group"));
	/* The wait continues. */
	assert_int_equal(bide_value_task_wait_for(wait, NULL, 4 * REPORT_NS), ETIMEDOUT);
	assert_int_equal(line_count, 4);
	finish_failed(0, EIO); /* cancels the rest, but the delay is in no context */
	assert_int_equal(bide_value_task_wait_for(wait, NULL, 4 * REPORT_NS), ETIMEDOUT);
	bide_value_task_forget(wait);
	bide_value_task_forget(other);
	worker_has_ended = true; /* these functions sleep for ever */
	assert_int_equal(shut_down(), 2);
}

TEST(a_wait_that_is_over_in_time_reports_nothing)
{
	bide_report_hook_set(note_line, lines);
	for (int i = 0; i < 50; i++) {
		begin(NULL);
		bide_group_start(&group, bide_async_start(failing, .error = EIO));
		bide_group_start(&group, bide_async_start(sleeper));
		assert_int_equal(wait_error(bide_group_wait_reporting(&group, BIDE_SECONDS(3600))), EIO);
		begin(NULL);
		bide_group_add(&group, bide_value_task_completed());
		assert_true(bide_value_task_is_successful(bide_group_wait_reporting(&group, 0)));
		begin(&keep_going);
		bide_group_add(&group, bide_value_task_from_error(BIDE_ENOFRAME));
		bide_group_add(&group, bide_async_yield());
		assert_int_equal(wait_error(bide_group_wait_reporting(&group, BIDE_FOREVER)),
		                 BIDE_ENOFRAME);
	}
	assert_int_equal(line_count, 0);
}

/* Takes a while to end after it was canceled. */
struct stubborn {
	BIDE_ASYNC_FRAME;
};

bide_async(stubborn)
{
	bide_async_begin;
	bide_await(bide_delay(BIDE_FOREVER));
bide_async_finally:
	bide_await(bide_delay(40 * REPORT_NS)); /* longer than a stall of a busy machine */
	bide_async_end;
}

struct cleans_up {
	BIDE_ASYNC_FRAME;
	struct {
		bool waits_before;
	} in;
	bide_group members;
};

bide_async(cleans_up)
{
	bide_async_begin;
	if (bide_group_init(&my->members, NULL))
		bide_async_fail(ENOMEM);
	bide_group_start(&my->members, bide_async_start(stubborn));
	if (my->in.waits_before)
		bide_await(bide_group_wait_reporting(&my->members, REPORT_NS));
	bide_await(bide_delay(BIDE_FOREVER));
bide_async_finally:
	if (!my->in.waits_before)
		bide_await_or(bide_group_wait_reporting(&my->members, REPORT_NS), (void)bide_await_error);
	bide_async_end;
}

/*
 * Returns true if the report came while the member awaited its delay. A busy machine may resume the
 * member after the time of the report, or run the report after the member has ended.
 */
static bool cancel_once_and_be_told(bool waits_before)
{
	bide_context *context = bide_context_create(NULL);
	bide_value_task v =
		bide_in_context(context, bide_async_start(cleans_up, .waits_before = waits_before));

	line_count = 0;
	bide_report_hook_set(note_line, lines);
	bide_context_cancel(context, ECANCELED);
	assert_int_equal(wait_error(v), ECANCELED);
	bide_context_unref(context);
	if (line_count == 0)
		return false;
	assert_int_equal(line_count, 2);
	assert_true(is_named("stuck: bide_group_wait_reporting at tests/test_group.c:", "1 member"));
	assert_true(is_named("stuck: stubborn: ", ""));
	return is_named("stuck: stubborn: awaiting", "for a delay");
}

static void cancel_and_be_told(bool waits_before)
{
	int round = 0;

	while (!cancel_once_and_be_told(waits_before))
		assert_in_range(round++, 0, 20);
}

static void count_lines(const char *line, void *count)
{
	(void)line;
	atomic_fetch_add((atomic_uint *)count, 1);
}

TEST(a_report_may_race_the_end_of_its_group_on_8_workers)
{
	atomic_uint reports;

	atomic_init(&reports, 0);
	bide_report_hook_set(count_lines, &reports);
	assert_int_equal(bide_configure(&(bide_config){ .workers = 8 }), 0);
	for (int round = 0; test_round(round, 300); round++) {
		assert_int_equal(bide_group_init(&group, NULL), 0);
		for (int i = 0; i < 3; i++)
			bide_group_add(&group, bide_delay(990000 + i * 10000));
		assert_int_equal(wait_error(bide_group_wait_reporting(&group, 1000000)), 0);
	}
	bide_report_hook_set(NULL, NULL);
}

TEST(a_cleanup_that_waits_for_its_group_reports)
{
	cancel_and_be_told(false);
}

TEST(a_wait_reports_though_the_waiting_function_is_canceled)
{
	cancel_and_be_told(true);
}

static void is_stuck_and_says_so(void)
{
	begin(NULL);
	bide_group_start(&group, bide_async_start(sleeper));
	(void)bide_value_task_wait_for(bide_group_wait_reporting(&group, 0), NULL, 10 * REPORT_NS);
	abort();
}

TEST(without_a_hook_it_goes_to_standard_error)
{
	EXPECT_ABORT(is_stuck_and_says_so(), "bide: stuck: sleeper: awaiting");
}

static bool memory_is_out;

static void *allocate_if_there_is(size_t size_bytes, size_t alignment, void *argument)
{
	size_t rounded_bytes = (size_bytes + alignment - 1) & ~(alignment - 1);

	(void)argument;
	return memory_is_out ? NULL : aligned_alloc(alignment, rounded_bytes);
}

static void release_it(void *memory, size_t size_bytes, void *argument)
{
	(void)size_bytes;
	(void)argument;
	free(memory);
}

TEST(without_memory_for_the_report_it_still_waits)
{
	bide_allocator scarce = { allocate_if_there_is, release_it, NULL };
	bide_value_task wait;

	setenv("BIDE_POOL", "malloc", 1);
	bide_report_hook_set(note_line, lines);
	assert_int_equal(bide_allocator_set(&scarce), 0);
	begin(NULL);
	bide_group_add(&group, pending(0));
	memory_is_out = true;
	wait = bide_group_wait_reporting(&group, 1);
	memory_is_out = false;
	assert_false(bide_value_task_is_ready(wait));
	finish_failed(0, EIO);
	assert_int_equal(wait_error(wait), EIO);
	assert_int_equal(line_count, 0);
}

TEST(without_a_delay_it_reports_in_the_call_and_needs_no_memory)
{
	bide_value_task wait;

	bide_report_hook_set(note_line, lines);
	begin(NULL);
	bide_group_add(&group, pending(0));
	wait = bide_group_wait_reporting(&group, 0);
	assert_true(is_named("stuck: bide_group_wait_reporting at ", "not over after 0 ms: 1 member"));
	assert_none(frame_count);
	assert_none(timer_count);
	finish(0);
	assert_int_equal(wait_error(wait), 0);
}

TEST(misuse_of_a_wait_that_reports_is_reported)
{
	bide_value_task wait;

	expect_misuse();
	assert_int_equal(wait_error(bide_group_wait_reporting(NULL, 0)), EINVAL);
	assert_int_equal(misuse_count, 1);
	begin(NULL);
	bide_group_add(&group, pending(0));
	assert_int_equal(wait_error(bide_group_wait_reporting(&group, -1)), EINVAL);
	assert_int_equal(misuse_count, 2);
	assert_non_null(strstr(misuse_text, "bide_group_wait_reporting: delay_ns is -1;"));
	wait = bide_group_wait(&group); /* the refused call did not count as a wait */
	assert_int_equal(wait_error(bide_group_wait_reporting(&group, BIDE_SECONDS(3600))), EINVAL);
	assert_int_equal(misuse_count, 3);
	assert_non_null(strstr(misuse_text, "this group is waited for already"));
	finish(0);
	assert_int_equal(wait_error(wait), 0);
}
