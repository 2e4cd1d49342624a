/*
 * Wrong use is reported with both places, and the call returns a documented error if the hook
 * returns. Leaks are reported by name.
 */
/* threads */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/later.h"
#include "support/library.h"
#include "support/limits_of_tools.h"

#include <bide/bide.h>
#include <bide/short.h>

static void assert_says(const char *text)
{
	if (!strstr(misuse_text, text)) {
		print_error("\"%s\" is not in \"%s\"\n", text, misuse_text);
		fail();
	}
}

static void assert_says_line(unsigned line)
{
#ifndef BIDE_COMPUTED_GOTO /* there resume points are no lines; the message names the function */
	char text[64];

	snprintf(text, sizeof text, "test_misuse.c:%u ", line);
	assert_says(text);
#else
	(void)line;
#endif
}

/* Asserts that the statement is one misuse, whose message contains all the texts. */
#define MISUSE_SAYS(statement, ...)                                    \
	do {                                                               \
		const char *texts_[] = { __VA_ARGS__ };                        \
		misuse_count = 0;                                              \
		statement;                                                     \
		assert_int_equal(misuse_count, 1);                             \
		for (size_t i_ = 0; i_ < sizeof texts_ / sizeof *texts_; i_++) \
			assert_says(texts_[i_]);                                   \
	} while (0)

/* Without pools a stale copy points into the allocator's memory, where it may find anything. */
static void need_pools(void)
{
	if (getenv("BIDE_POOL"))
		SKIP("stale value tasks are caught in pool memory only");
}

/* --- more than one consumer --- */

static unsigned first_line, second_line;

struct twice {
	ASYNC_FRAME;
	struct {
		value_task what;
		bool large;
	} in;
	int64_t first, second;
	int error;
};

async(twice)
{
	async_begin;
	my->second = 1234;
	first_line = __LINE__ + 1;
	await(my->first, my->in.what);
	second_line = __LINE__ + 1;
	await_or(my->second, my->in.what, my->error = await_error);
	if (my->second != 1234 || my->error != BIDE_ESTALE)
		async_fail(EDOM);
	await(my->second, my->in.what);
	async_return(0);
async_finally:
	async_end;
}

TEST(awaiting_twice_names_both_places_and_returns_BIDE_ESTALE)
{
	need_pools();
	expect_misuse();
	for (int yields = 1; yields < 3; yields++) {
		value_task v = later(yields, 5);

		if (yields == 1)
			settle(0); /* in the first round it is done before the first await */
		misuse_count = 0;
		/* The second await continues with the error; the third ends the function with it. */
		assert_int_equal(bide_value_task_wait(async_start(twice, .what = v), NULL), BIDE_ESTALE);
		assert_int_equal(misuse_count, 2);
		assert_says("bide_await");
		assert_says("consumed already");
		assert_says("twice");
		assert_says("bide_value_task_as_task");
		assert_says_line(first_line);
		assert_says_line(second_line + 3);
	}
	assert_int_equal(stats().misuse_count, 4);
	assert_none(frame_count);
}

TEST(awaiting_twice_aborts_by_default)
{
	char text[128];

	need_pools();
	EXPECT_ABORT((void)bide_value_task_wait(async_start(twice, .what = later(1, 5)), NULL),
	             "consumed already");
	EXPECT_ABORT((void)bide_value_task_wait(async_start(twice, .what = later(1, 5)), NULL),
	             "bide: misuse: ");
	(void)bide_value_task_wait(async_start(later, .value = 1), NULL);
	/* This run of the same function notes the lines. */
	expect_misuse();
	(void)bide_value_task_wait(async_start(twice, .what = later(1, 5)), NULL);
	bide_misuse_hook_set(NULL, NULL);
	/*
	 * The processes below do not inherit the threads of this one, so they need workers of their
	 * own.
	 */
	assert_int_equal(shut_down(), 0);
#ifndef BIDE_COMPUTED_GOTO
	snprintf(
		text, sizeof text,
		"make it a task (bide_value_task_as_task) to share it (at tests/test_misuse.c:%u in twice)",
		second_line);
	EXPECT_ABORT((void)bide_value_task_wait(async_start(twice, .what = later(1, 5)), NULL), text);
	snprintf(text, sizeof text, "first use: at tests/test_misuse.c:%u in twice", first_line);
	EXPECT_ABORT((void)bide_value_task_wait(async_start(twice, .what = later(1, 5)), NULL), text);
#else
	snprintf(text, sizeof text, "first use: in twice");
	EXPECT_ABORT((void)bide_value_task_wait(async_start(twice, .what = later(1, 5)), NULL), text);
#endif
}

TEST(a_value_task_that_holds_its_value_may_be_awaited_again)
{
	expect_misuse();
	assert_int_equal(bide_value_task_wait(async_start(twice, .what = value_task_from(3)), NULL),
	                 EDOM); /* not BIDE_ESTALE */
	assert_int_equal(misuse_count, 0);
}

TEST(waiting_twice_names_the_place_of_the_first)
{
	value_task v = later(1, 5);
	unsigned first, second;

	need_pools();
	first = __LINE__ + 1;
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	expect_misuse();
	second = __LINE__ + 1;
	assert_int_equal(bide_value_task_wait(v, NULL), BIDE_ESTALE);
	assert_int_equal(misuse_count, 1);
	assert_says("bide_value_task_wait: this value task has been consumed already");
	{
		char text[64];

		snprintf(text, sizeof text, "first use: at tests/test_misuse.c:%u ", first);
		assert_says(text);
		snprintf(text, sizeof text, "to share it (at tests/test_misuse.c:%u in test_run_", second);
		assert_says(text);
	}
}

TEST(every_use_of_a_consumed_value_task_is_misuse)
{
	value_task v = later(1, 5);
	task *t;

	need_pools();
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	expect_misuse();
	MISUSE_SAYS(assert_int_equal(bide_value_task_status(v), BIDE_FAILED),
	            "bide_value_task_status: this value task has been consumed already");
	MISUSE_SAYS(assert_int_equal(bide_value_task_error(v), BIDE_ESTALE), "consumed already");
	MISUSE_SAYS(assert_true(value_task_is_ready(v)), "consumed already");
	MISUSE_SAYS(assert_false(bide_value_task_is_successful(v)), "consumed already");
	MISUSE_SAYS(assert_true(bide_value_task_is_failed(v)), "consumed already");
	MISUSE_SAYS(assert_false(bide_value_task_is_canceled(v)), "consumed already");
	MISUSE_SAYS(value_task_forget(v), "bide_value_task_forget", "consumed already",
	            "test_misuse.c:");
	MISUSE_SAYS(t = value_task_as_task(v), "bide_value_task_as_task", "consumed already",
	            "test_misuse.c:");
	assert_int_equal(bide_task_error(t), BIDE_ESTALE);
	task_unref(t);
	MISUSE_SAYS(assert_int_equal(bide_value_task_wait_for(v, NULL, 0), BIDE_ESTALE),
	            "bide_value_task_wait", "consumed already");
}

TEST(using_a_value_task_after_as_task_is_misuse)
{
	value_task v = later(2, 5);
	task *t = value_task_as_task(v), *again;

	expect_misuse();
	for (int done = 0; done < 2; done++) {
		MISUSE_SAYS(assert_int_equal(bide_value_task_wait(v, NULL), BIDE_ESTALE),
		            "consumed already", "bide_value_task_as_task");
		MISUSE_SAYS(assert_int_equal(bide_value_task_wait(async_start(twice, .what = v), NULL),
		                             BIDE_ESTALE),
		            "twice");
		MISUSE_SAYS(value_task_forget(v), "bide_value_task_forget");
		MISUSE_SAYS(again = value_task_as_task(v), "bide_value_task_as_task");
		task_unref(again);
		MISUSE_SAYS(assert_true(value_task_is_ready(v)), "consumed already");
		assert_int_equal(bide_task_wait(t, NULL), 0);
		assert_int_equal(bide_task_result(t).i, 5);
	}
	task_unref(t);
	assert_none(frame_count);
}

TEST(using_a_value_task_after_forget_is_misuse)
{
	task *t, *gate = task_create(0);
	value_task v = async_start(later, .gate = gate, .value = 5);

	need_pools();
	value_task_forget(v);
	expect_misuse();
	for (int done = 0; done < 2; done++) {
		MISUSE_SAYS(assert_int_equal(bide_value_task_wait(v, NULL), BIDE_ESTALE),
		            "consumed already");
		MISUSE_SAYS(assert_int_equal(bide_value_task_wait(async_start(twice, .what = v), NULL),
		                             BIDE_ESTALE),
		            "consumed already");
		MISUSE_SAYS(value_task_forget(v), "bide_value_task_forget", "consumed already");
		MISUSE_SAYS(t = value_task_as_task(v), "bide_value_task_as_task", "consumed already");
		task_unref(t);
		MISUSE_SAYS(assert_int_equal(bide_value_task_error(v), BIDE_ESTALE), "consumed already");
		bide_task_try_complete(gate, (bide_payload){ .i = 0 });
		settle(0);
	}
	task_unref(gate);
	assert_none(frame_count);
}

struct once {
	ASYNC_FRAME;
	struct {
		value_task what;
	} in;
	int64_t got;
};

async(once)
{
	async_begin;
	first_line = __LINE__ + 1;
	await(my->got, my->in.what);
	async_return(my->got);
async_finally:
	async_end;
}

TEST(two_awaiters_are_misuse_and_the_first_is_not_disturbed)
{
	bide_user_source gate;
	const char *who;
	value_task v, first;
	task *t;

	bide_user_source_init(&gate, NULL);
	v = async_start(once, .what = bide_user_source_value_task(&gate));
	first = async_start(once, .what = v);
	/* The name is unknown if another worker may be running the function. */
	who = many_workers() ? "an await that is going on" : "in once";

	expect_misuse();
	MISUSE_SAYS(assert_int_equal(bide_value_task_wait(async_start(twice, .what = v), NULL),
	                             BIDE_ESTALE),
	            "bide_await: this value task is awaited already", who, " twice");
	if (!many_workers())
		assert_says_line(first_line);
	MISUSE_SAYS(assert_int_equal(bide_value_task_wait(v, NULL), BIDE_ESTALE),
	            "bide_value_task_wait: this value task is awaited already", who,
	            "(at tests/test_misuse.c:");
	MISUSE_SAYS(value_task_forget(v), "bide_value_task_forget", who);
	MISUSE_SAYS(t = value_task_as_task(v), "bide_value_task_as_task", who);
	task_unref(t);
	bide_user_source_complete(&gate, (bide_payload){ .i = 5 });
	assert_int_equal(result_of(first), 5);
	assert_none(frame_count);
}

/* --- other threads --- */

static void *use_elsewhere(void *argument)
{
	value_task v = *(value_task *)argument;
	task *t;

	MISUSE_SAYS(assert_int_equal(bide_value_task_wait(v, NULL), EINVAL), "bide_value_task_wait",
	            "worker's thread", "bide_value_task_as_task");
	MISUSE_SAYS(value_task_forget(v), "bide_value_task_forget", "worker's thread",
	            "test_misuse.c:");
	MISUSE_SAYS(t = value_task_as_task(v), "bide_value_task_as_task", "worker's thread",
	            "test_misuse.c:");
	assert_int_equal(bide_task_error(t), BIDE_ESTALE);
	task_unref(t);
	MISUSE_SAYS(assert_int_equal(bide_run_ready(0, NULL), EDEADLK), "bide_run_ready", "worker's");
	MISUSE_SAYS(assert_int_equal(bide_shutdown(NULL), EDEADLK), "bide_shutdown", "worker's");
	return NULL;
}

TEST(with_one_worker_a_value_task_on_another_thread_is_misuse)
{
	value_task v;
	pthread_t thread;

	one_worker();
	v = later(1, 5);
	expect_misuse();
	assert_int_equal(pthread_create(&thread, NULL, use_elsewhere, &v), 0);
	pthread_join(thread, NULL);
	assert_int_equal(result_of(v), 5);
}

static void *use_of_another_thread(void *argument)
{
	value_task *v = argument;
	task *t;

	assert_int_equal(result_of(v[0]), 5);
	assert_int_equal(result_of(async_start(once, .what = v[1])), 6);
	value_task_forget(v[2]);
	t = value_task_as_task(v[3]);
	assert_int_equal(bide_task_wait(t, NULL), 0);
	task_unref(t);
	return NULL;
}

TEST(with_many_workers_any_thread_may_use_a_value_task)
{
	value_task v[4];
	pthread_t thread;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	expect_misuse();
	for (int yields = 0; yields < 100; yields++) {
		for (int i = 0; i < 4; i++)
			v[i] = later(yields, 5 + i);
		assert_int_equal(pthread_create(&thread, NULL, use_of_another_thread, v), 0);
		pthread_join(thread, NULL);
	}
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	assert_int_equal(misuse_count, 0);
	settle_workers();
	assert_none(frame_count);
	MISUSE_SAYS(assert_int_equal(bide_run_ready(0, NULL), EDEADLK), "bide_run_ready",
	            "many workers");
}

/* --- the hook --- */

static void count_misuse(const char *message, void *argument)
{
	(void)message;
	++*(int *)argument;
}

TEST(the_hook_gets_its_argument_and_counts)
{
	int seen = 0;

	bide_misuse_hook_set(count_misuse, &seen);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(value_task_from_error(0).state, EINVAL);
		assert_int_equal(seen, i);
		assert_int_equal(stats().misuse_count, i);
	}
	bide_misuse_hook_set(NULL, NULL);
	EXPECT_ABORT((void)value_task_from_error(-7).state,
	             "bide: misuse: bide_value_task_from_error: error is -7");
	assert_int_equal(seen, 3);
}

static char unobserved_function[64];
static int unobserved_error, unobserved_count;

static void note_unobserved(int error, const char *function, bide_trace trace, void *argument)
{
	(void)trace;
	(void)argument;
	unobserved_count++;
	unobserved_error = error;
	snprintf(unobserved_function, sizeof unobserved_function, "%s", function);
}

TEST(a_forgotten_failure_goes_to_the_unobserved_hook)
{
	bide_unobserved_hook_set(note_unobserved, NULL);
	value_task_forget(async_start(later, .yields = 1, .error = EIO));
	if (!many_workers())
		assert_int_equal(unobserved_count, 0);
	settle(0);
	assert_int_equal(unobserved_count, 1);
	assert_int_equal(unobserved_error, EIO);
	assert_string_equal(unobserved_function, "later");
	value_task_forget(async_start(later, .error = EPIPE)); /* fails at once */
	assert_int_equal(unobserved_count, 2);
	assert_int_equal(unobserved_error, EPIPE);
	value_task_forget(async_start(later, .yields = 1, .error = ECANCELED)); /* not a failure */
	value_task_forget(later(1, 5));
	value_task_forget(value_task_from(5));
	settle(0);
	assert_int_equal(unobserved_count, 2);
	assert_int_equal(stats().unobserved_count, 2);
	assert_none(frame_count);
}

/* --- null and out of range --- */

TEST(null_arguments_in_source_h)
{
	expect_misuse();
	MISUSE_SAYS(bide_user_source_init(NULL, NULL), "bide_user_source_init", "NULL");
	MISUSE_SAYS(bide_user_source_init_local(NULL, NULL), "bide_user_source_init", "NULL");
	MISUSE_SAYS(assert_int_equal(bide_user_source_value_task(NULL).state, EINVAL),
	            "bide_user_source_value_task", "NULL");
	MISUSE_SAYS(bide_user_source_complete(NULL, (bide_payload){ .i = 0 }),
	            "bide_user_source_complete", "NULL");
	MISUSE_SAYS(bide_user_source_fail(NULL, EIO), "bide_user_source_fail", "NULL");
	MISUSE_SAYS(assert_false(bide_user_source_try_complete(NULL, (bide_payload){ .i = 0 })),
	            "bide_user_source_try_complete", "NULL");
	MISUSE_SAYS(assert_false(bide_user_source_try_fail(NULL, EIO)), "bide_user_source_try_fail",
	            "NULL");
	MISUSE_SAYS(bide_user_source_reset(NULL), "bide_user_source_reset", "NULL");
}

TEST(errors_out_of_range_in_source_h)
{
	static const int bad[] = { 0, -5, 4096 };
	static const char *const shown[] = { "error is 0;", "error is -5", "error is 4096" };
	bide_user_source source;

	bide_user_source_init(&source, NULL);
	expect_misuse();
	for (int i = 0; i < 3; i++) {
		MISUSE_SAYS(bide_user_source_fail(&source, bad[i]), "bide_user_source_fail", "4095",
		            shown[i]);
		MISUSE_SAYS(assert_false(bide_user_source_try_fail(&source, bad[i])),
		            "bide_user_source_try_fail", "4095", shown[i]);
	}
	assert_int_equal(bide_value_task_status(bide_user_source_value_task(&source)), BIDE_PENDING);
}

static value_task continued(task *ended, void *argument)
{
	(void)ended;
	(void)argument;
	return value_task_completed();
}

TEST(null_arguments_in_task_h)
{
	static const bide_continue_options never = { true, true, true };
	task *t = task_create(0), *over = bide_task_from_int(100);
	bide_payload payload = { .i = 1 };

	expect_misuse();
	MISUSE_SAYS(assert_null(bide_task_ref(NULL)), "bide_task_ref", "NULL");
	misuse_count = 0;
	bide_task_unref(NULL);
	assert_int_equal(misuse_count, 0);
	MISUSE_SAYS(assert_int_equal(bide_task_status(NULL), BIDE_FAILED), "bide_task_status", "NULL");
	MISUSE_SAYS((void)bide_task_is_ready(NULL), "NULL");
	MISUSE_SAYS(assert_int_equal(bide_task_error(NULL), EINVAL), "bide_task_error", "NULL");
	MISUSE_SAYS(assert_int_equal(bide_task_result(NULL).i, 0), "bide_task_result", "NULL");
	MISUSE_SAYS(assert_int_equal(bide_task_await(NULL).state, EINVAL), "bide_task_await", "NULL");
	MISUSE_SAYS(assert_int_equal(bide_task_await_for(NULL, 5).state, EINVAL), "bide_task_await_for",
	            "NULL");
	MISUSE_SAYS(assert_int_equal(bide_task_await_for(t, -1).state, EINVAL), "bide_task_await_for",
	            "timeout_ns is -1;");
	MISUSE_SAYS(assert_int_equal(bide_task_error(t), EINPROGRESS), "bide_task_error", "pending");
	MISUSE_SAYS(assert_int_equal(bide_task_result(t).i, 0), "bide_task_result", "pending");
	MISUSE_SAYS(bide_task_complete(NULL, payload), "bide_task_complete", "NULL");
	MISUSE_SAYS(bide_task_complete_int(NULL, 1), "bide_task_complete_int", "NULL");
	MISUSE_SAYS(bide_task_complete_pointer(NULL, "x"), "bide_task_complete_pointer", "NULL");
	MISUSE_SAYS(bide_task_fail(NULL, EIO), "bide_task_fail", "NULL");
	MISUSE_SAYS(bide_task_cancel(NULL), "bide_task_cancel", "NULL");
	MISUSE_SAYS(assert_false(bide_task_try_complete(NULL, payload)), "bide_task_try_complete",
	            "NULL");
	MISUSE_SAYS(assert_false(bide_task_try_fail(NULL, EIO)), "bide_task_try_fail", "NULL");
	MISUSE_SAYS(assert_false(bide_task_try_cancel(NULL)), "bide_task_try_cancel", "NULL");
	MISUSE_SAYS(bide_task_complete_from(NULL, over), "bide_task_complete_from", "NULL");
	MISUSE_SAYS(bide_task_complete_from(t, NULL), "bide_task_complete_from", "NULL");
	MISUSE_SAYS(assert_false(bide_task_try_complete_from(NULL, over)),
	            "bide_task_try_complete_from", "NULL");
	MISUSE_SAYS(assert_false(bide_task_try_complete_from(t, NULL)), "bide_task_try_complete_from",
	            "NULL");
	MISUSE_SAYS(assert_null(bide_task_continue_with(NULL, continued, NULL, 0)),
	            "bide_task_continue_with", "task is NULL");
	MISUSE_SAYS(assert_null(bide_task_continue_with(t, NULL, NULL, 0)), "bide_task_continue_with",
	            "continuation is NULL");
	MISUSE_SAYS(assert_null(bide_task_continue_with(t, continued, NULL, &never)),
	            "bide_task_continue_with", "never run");
	MISUSE_SAYS(assert_null(bide_task_unwrap(NULL)), "bide_task_unwrap", "NULL");
	MISUSE_SAYS(assert_null(bide_task_from_error(0)), "bide_task_from_error", "4095");
	MISUSE_SAYS(assert_null(bide_task_from_error(4096)), "bide_task_from_error", "4096");
	assert_int_equal(bide_task_status(t), BIDE_PENDING);
	for (int i = 0; i < 3; i++) {
		static const int bad[] = { 0, -5, 4096 };
		static const char *const shown[] = { "error is 0;", "error is -5", "error is 4096" };

		MISUSE_SAYS(bide_task_fail(t, bad[i]), "bide_task_fail", "4095", shown[i]);
		MISUSE_SAYS(assert_false(bide_task_try_fail(t, bad[i])), "bide_task_try_fail", "4095",
		            shown[i]);
	}
	assert_int_equal(bide_task_status(t), BIDE_PENDING);
	bide_task_cancel(t);
	task_unref(t);
	task_unref(over);
}

TEST(null_arguments_in_misuse_h_and_memory_h)
{
	bide_allocator half = { NULL, NULL, NULL };

	expect_misuse();
	bide_unobserved_hook_set(NULL, NULL); /* restores the default */
	MISUSE_SAYS(assert_int_equal(bide_allocator_set(NULL), EINVAL), "bide_allocator_set", "NULL");
	MISUSE_SAYS(assert_int_equal(bide_allocator_set(&half), EINVAL), "bide_allocator_set",
	            "allocate is NULL");
	half.allocate = (void *(*)(size_t, size_t, void *))abort;
	MISUSE_SAYS(assert_int_equal(bide_allocator_set(&half), EINVAL), "bide_allocator_set",
	            "release is NULL");
	MISUSE_SAYS(bide_stats_get(NULL), "bide_stats_get", "NULL");
	bide_misuse_hook_set(NULL, NULL);
	EXPECT_ABORT(bide_stats_get(NULL), "bide_stats_get");
}

TEST(the_allocator_cannot_be_changed_while_memory_is_in_use)
{
	bide_allocator other = { .allocate = (void *(*)(size_t, size_t, void *))abort,
		                     .release = (void (*)(void *, size_t, void *))abort };

	value_task v = later(1, 2);

	assert_int_equal(bide_allocator_set(&other), EBUSY);
	assert_int_equal(result_of(v), 2);
	assert_int_equal(stats().misuse_count, 0);
}

/* --- waiting at the wrong place --- */

struct waits_inside {
	ASYNC_FRAME;
	value_task inner;
	int64_t got;
};

async(waits_inside)
{
	async_begin;
	my->inner = later(1, 9);
	if (bide_value_task_wait(my->inner, NULL) != EDEADLK)
		abort();
	await(my->got, my->inner); /* the refused call did not consume it */
	async_return(my->got);
async_finally:
	async_end;
}

TEST(waiting_inside_an_async_function_is_misuse)
{
	expect_misuse();
	MISUSE_SAYS(assert_int_equal(result_of(async_start(waits_inside)), 9), "bide_value_task_wait",
	            "waits_inside", "test_misuse.c:");
}

/* In a pipe of packets each write is a packet, so messages of several threads do not mix. */
TEST(the_default_hook_writes_the_message_at_once)
{
	int ends[2], status;
	char packet[2048];
	ssize_t length;
	pid_t child;

	assert_int_equal(pipe2(ends, O_DIRECT), 0);
	child = fork();
	if (child == 0) {
		dup2(ends[1], 2);
		(void)(bide_task_status)(NULL); /* has no place */
		_exit(0);
	}
	assert_true(child > 0);
	close(ends[1]);
	length = read(ends[0], packet, sizeof packet - 1);
	assert_true(length > 0);
	packet[length] = 0;
	assert_string_equal(packet, "bide: misuse: bide_task_status: task is NULL\n");
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

TEST(a_negative_limit_is_misuse)
{
	value_task v = later(1, 9);

	expect_misuse();
	MISUSE_SAYS(assert_int_equal(bide_value_task_wait_for(v, NULL, -1), EINVAL),
	            "bide_value_task_wait_for", "timeout_ns is -1;");
	MISUSE_SAYS(assert_int_equal(bide_task_wait_for(bide_task_completed(), NULL, -1), EINVAL),
	            "bide_task_wait_for", "timeout_ns is -1;");
	assert_int_equal(result_of(v), 9);
}

/* --- leaks --- */

static char printed[8192];

/* Shuts down and reads what that writes to standard error. */
static int64_t shutdown_and_read(void)
{
	int pipe_ends[2], saved = dup(2);
	int64_t count;
	ssize_t length;

	assert_int_equal(pipe(pipe_ends), 0);
	fflush(stderr);
	dup2(pipe_ends[1], 2);
	count = shut_down();
	dup2(saved, 2);
	close(saved);
	close(pipe_ends[1]);
	length = read(pipe_ends[0], printed, sizeof printed - 1);
	close(pipe_ends[0]);
	printed[length > 0 ? length : 0] = 0;
	return count;
}

static void assert_printed(const char *text)
{
	if (!strstr(printed, text)) {
		print_error("\"%s\" is not in \"%s\"\n", text, printed);
		fail();
	}
}

struct waits_for_ever {
	ASYNC_FRAME;
};

static unsigned waiting_line;

async(waits_for_ever)
{
	async_begin;
	waiting_line = __LINE__ + 1;
	await(bide_delay(BIDE_FOREVER));
async_finally:
	async_end;
}

struct fails_later {
	ASYNC_FRAME;
};

async(fails_later)
{
	async_begin;
	await(delay_ms(1));
	async_fail(EIO);
async_finally:
	async_end;
}

TEST(unconsumed_value_tasks_are_counted_and_named_at_shutdown)
{
	value_task done = later(1, 1), waiting = async_start(waits_for_ever);
	char text[64];

	(void)done;
	(void)waiting;
	if (!many_workers())
		assert_int_equal(stats().unconsumed_count, 0);
	settle(0);
	assert_int_equal(stats().unconsumed_count, 1);
	assert_int_equal(stats().frame_count, 2);
	assert_int_equal(shutdown_and_read(), 2);
	assert_printed("leak: async function later");
	assert_printed("was not consumed");
	assert_printed("leak: async function waits_for_ever");
	assert_printed("still waiting");
#ifndef BIDE_COMPUTED_GOTO
	snprintf(text, sizeof text, "at line %u, for a delay without end\n", waiting_line);
	assert_printed(text);
#endif
	snprintf(text, sizeof text, "tests/test_misuse.c:");
	assert_printed(text);
	assert_int_equal(stats().live_bytes, 0);
	assert_none(frame_count);
	assert_int_equal(result_of(later(1, 3)), 3); /* the runtime works again */
	assert_int_equal(shutdown_and_read(), 0);
	assert_string_equal(printed, "");
}

static char reported[8][512];
static int reported_count;

static void keep_report(const char *line, void *argument)
{
	assert_ptr_equal(argument, reported);
	assert_null(strchr(line, '\n'));
	if (reported_count < 8)
		snprintf(reported[reported_count], sizeof reported[0], "%s", line);
	reported_count++;
}

TEST(the_report_hook_gets_each_line_about_a_leak_and_nothing_is_printed)
{
	value_task waiting = async_start(waits_for_ever);

	(void)waiting;
	bide_report_hook_set(keep_report, reported);
	assert_int_equal(shutdown_and_read(), 1);
	assert_string_equal(printed, "");
	assert_int_equal(reported_count, 1);
	assert_int_equal(strncmp(reported[0], "leak: async function waits_for_ever, ",
	                         strlen("leak: async function waits_for_ever, ")),
	                 0);
	bide_report_hook_set(NULL, NULL);
	waiting = async_start(waits_for_ever);
	(void)waiting;
	assert_int_equal(shutdown_and_read(), 1);
	assert_printed("bide: leak: async function waits_for_ever, ");
	assert_int_equal(reported_count, 1);
}

TEST(a_group_that_is_never_waited_for_is_a_leak)
{
	static bide_group group;

	bide_report_hook_set(keep_report, reported);
	assert_int_equal(bide_group_init(&group, NULL), 0);
	assert_int_equal(shutdown_and_read(), 1);
	assert_int_equal(reported_count, 1);
	assert_string_equal(reported[0], "leak: group (BIDE_DEBUG=1 tells where it was initialised): "
	                                 "never waited for (bide_group_wait)");
	assert_int_equal(bide_configure(&(bide_config){ .debug = true }), 0);
	memset(&group, 0, sizeof group); /* simulates the end of its memory's life */
	assert_int_equal(bide_group_init(&group, NULL), 0);
	assert_int_equal(shutdown_and_read(), 1);
	assert_int_equal(reported_count, 2);
	assert_non_null(strstr(reported[1], "leak: group, initialised at tests/test_misuse.c:"));
	assert_non_null(strstr(reported[1], "_a_group_that_is_never_waited_for_is_a_leak: never"));
}

TEST(a_leak_that_failed_is_reported_with_its_trace_a_line_at_a_time)
{
	value_task failed = later(1, 1);
	task *keeps = bide_value_task_as_task(async_start(fails_later));

	(void)failed;
	bide_report_hook_set(keep_report, reported);
	assert_int_equal(bide_task_wait(keeps, NULL), EIO);
	assert_int_equal(shutdown_and_read(), 2);
	assert_true(reported_count >= 4);
	for (int i = 0; i < reported_count && i < 8; i++)
		assert_int_equal(strncmp(reported[i], "leak: ", 6), 0);
}

TEST(debug_mode_tells_where_a_leaked_frame_was_started)
{
	char text[160];
	value_task done;
	unsigned line;

	assert_int_equal(bide_configure(&(bide_config){ .debug = true }), 0);
	line = __LINE__ + 1;
	done = async_start(later, .yields = 1);
	(void)done;
	assert_int_equal(shutdown_and_read(), 1);
	snprintf(text, sizeof text, "started at tests/test_misuse.c:%u in %s", line, __func__);
	assert_printed(text);
	setenv("BIDE_DEBUG", "1", 1);
	line = __LINE__ + 1;
	done = async_start(later, .yields = 1);
	assert_int_equal(shutdown_and_read(), 1);
	snprintf(text, sizeof text, "started at tests/test_misuse.c:%u in %s", line, __func__);
	assert_printed(text);
}

TEST(a_task_with_a_reference_is_named_at_shutdown)
{
	task *t = value_task_as_task(later(1, 1));

	(void)t;
	settle(0);
	assert_int_equal(stats().unconsumed_count, 0);
	assert_int_equal(shutdown_and_read(), 1);
	assert_printed("later");
	assert_printed("a task that has references still");
}

/* A stale copy is caught even after its memory was freed and used again. */
TEST(stale_copies_are_caught_after_the_memory_was_used_again)
{
	value_task stale[50], v[50];
	int expected = 0;

	need_pools();
	for (int i = 0; i < 50; i++)
		stale[i] = later(1, i);
	for (int i = 0; i < 50; i++)
		assert_int_equal(result_of(stale[i]), i);
	for (int i = 0; i < 50; i++)
		v[i] = later(1, 100 + i); /* most likely in the same frames */
	expect_misuse();
	for (int i = 0; i < 50; i++) {
		assert_int_equal(bide_value_task_wait(stale[i], NULL), BIDE_ESTALE);
		assert_int_equal(misuse_count, ++expected);
		value_task_forget(stale[i]);
		assert_int_equal(misuse_count, ++expected);
	}
	for (int i = 0; i < 50; i++)
		assert_int_equal(result_of(v[i]), 100 + i);
	assert_int_equal(misuse_count, expected);
}

/* Only frames record it, in any mode. */
TEST(the_first_use_of_an_operation_is_not_recorded)
{
	need_pools();
	for (int debug = 0; debug < 2; debug++) {
		value_task v;

		assert_int_equal(bide_configure(&(bide_config){ .debug = debug }), 0);
		v = bide_delay_ms(1);
		assert_int_equal(bide_value_task_wait(v, NULL), 0);
		expect_misuse();
		assert_int_equal(bide_value_task_wait(v, NULL), BIDE_ESTALE);
		assert_says("first use: not recorded, since it is of an operation)");
		assert_int_equal(bide_shutdown(NULL), 0);
	}
}

#ifndef BIDE_COMPUTED_GOTO
/* A body whose resume line was overwritten aborts; it never starts again. */
struct overwritten {
	ASYNC_FRAME;
	struct {
		value_task what;
	} in;
};

async(overwritten)
{
	async_begin;
	await(my->in.what);
async_finally:
	async_end;
}

static void overwrite(void)
{
	bide_user_source gate;
	value_task v;

	bide_user_source_init(&gate, NULL);
	v = async_start(overwritten, .what = bide_user_source_value_task(&gate));
	((bide_frame *)v.state)->source.line = 7;
	bide_user_source_complete(&gate, (bide_payload){ .i = 0 });
	(void)bide_value_task_wait(v, NULL);
}

/* The hole of tests/compile/hole_switch_of_64_bits.c ends like this, too. */
struct wide_switch {
	ASYNC_FRAME;
	struct {
		int64_t way;
	} in;
};

async(wide_switch)
{
	async_begin;
	switch (my->in.way) {
	case 1:
		await(async_yield()); /* bide-check: ignore */
		break;
	default:
		break;
	}
async_finally:
	async_end;
}

TEST(an_await_in_a_switch_of_64_bits_stops_the_program)
{
	EXPECT_ABORT((void)bide_value_task_wait(async_start(wide_switch, .way = 1), NULL),
	             "wide_switch: resumed");
}

TEST(an_overwritten_resume_point_stops_the_program)
{
	EXPECT_ABORT(overwrite(), "overwritten: resumed at line 7");
}
#endif

struct big {
	BIDE_ASYNC_FRAME;
	char buffer[1000000]; /* so large that the allocator would unmap it */
};

bide_async(big)
{
	bide_async_begin;
	bide_await(bide_async_yield());
	bide_async_return(1);
bide_async_finally:
	bide_async_end;
}

TEST(a_stale_large_frame_is_recognised_too)
{
	bide_value_task v = bide_async_start(big);

	if (getenv("BIDE_POOL"))
		SKIP("a stale value task reads freed memory without the pools");
	CHILD_STARTS_THREADS();
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	EXPECT_ABORT((void)bide_value_task_wait(v, NULL), "consumed already");
	assert_int_equal(bide_value_task_wait(bide_async_start(big), NULL), 0); /* in its memory */
	EXPECT_ABORT((void)bide_value_task_wait(v, NULL), "consumed already");
}
