/*
 * task_support.h - shared by the tests of tasks and of the runtime: hooks that keep the last
 * report, an async function that awaits a task and notes its turn, and a check after each test that
 * nothing leaked.
 */
#ifndef TASK_SUPPORT_H
#define TASK_SUPPORT_H

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bide/bide.h>
#include <bide/short.h>

#include "settle.h"
#include "test.h"

#define MS ((int64_t)1000000)

/* --- hooks */

static char misuse_text[1024];
static atomic_int misuse_count;

static void on_misuse(const char *message, void *argument)
{
	(void)argument;
	snprintf(misuse_text, sizeof misuse_text, "%s", message);
	atomic_fetch_add(&misuse_count, 1);
}

/* From here on misuse is counted instead of aborting. */
BIDE_UNUSED static void catch_misuse(void)
{
	atomic_store(&misuse_count, 0);
	misuse_text[0] = '\0';
	bide_misuse_hook_set(on_misuse, NULL);
}

/* Asserts that there was exactly one misuse since the last call, with the text in its message. */
#define ASSERT_MISUSE(text)                                                  \
	do {                                                                     \
		if (atomic_load(&misuse_count) != 1 || !strstr(misuse_text, (text))) \
			fprintf(stderr, "%d misuses, \"%s\" expected; the last: %s\n",   \
			        atomic_load(&misuse_count), (text), misuse_text);        \
		assert_int_equal(atomic_load(&misuse_count), 1);                     \
		assert_non_null(strstr(misuse_text, (text)));                        \
		atomic_store(&misuse_count, 0);                                      \
	} while (0)

static int unobserved_error;
static atomic_int unobserved_count;
static char unobserved_function[64];
static bide_trace unobserved_trace;

/* Several workers may call it at once. */
static void on_unobserved(int error, const char *function, bide_trace trace, void *argument)
{
	static atomic_flag busy = ATOMIC_FLAG_INIT;

	(void)argument;
	while (atomic_flag_test_and_set(&busy))
		;
	unobserved_error = error;
	unobserved_trace = trace;
	snprintf(unobserved_function, sizeof unobserved_function, "%s", function ? function : "(null)");
	atomic_fetch_add(&unobserved_count, 1);
	atomic_flag_clear(&busy);
}

BIDE_UNUSED static void catch_unobserved(void)
{
	atomic_store(&unobserved_count, 0);
	bide_unobserved_hook_set(on_unobserved, NULL);
}

BIDE_UNUSED static bide_stats stats(void)
{
	bide_stats s;
	bide_stats_get(&s);
	return s;
}

BIDE_UNUSED static void sleep_ms(int64_t ms)
{
	struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
	nanosleep(&t, NULL);
}

BIDE_UNUSED static void run_all(void)
{
	settle(0);
}

/* --- after each test: nothing is left */

static int64_t leaks_expected;
static bool skip_final_check;

void test_after_each(void)
{
	int64_t leaks;

	if (skip_final_check)
		return;
	leaks = shut_down();
	assert_int_equal(leaks, leaks_expected);
	if (!leaks_expected)
		assert_none(task_count);
	assert_int_equal(stats().live_bytes, 0);
}

/* --- an awaiter that notes its turn */

typedef struct turn_log {
	atomic_int count; /* several workers may note at once; ids are read when all have */
	int ids[64];
} turn_log;

BIDE_UNUSED static void turn(turn_log *log, int id)
{
	int at;

	if (!log)
		return;
	at = atomic_fetch_add(&log->count, 1);
	if (at < 64)
		log->ids[at] = id;
}

#define ASSERT_TURNS(log, ...)                                        \
	do {                                                              \
		const int expected_[] = { __VA_ARGS__ };                      \
		int count_ = (int)(sizeof expected_ / sizeof expected_[0]);   \
		for (int i_ = 0; i_ < (log)->count; i_++)                     \
			fprintf(stderr, "turn %d: %d\n", i_, (log)->ids[i_]);     \
		assert_int_equal((log)->count, count_);                       \
		assert_memory_equal((log)->ids, expected_, sizeof expected_); \
	} while (0)

struct awaiter {
	ASYNC_FRAME;
	struct {
		task *task;
		turn_log *log;
		int id;
	} in;
	int64_t value;
};

async(awaiter)
{
	async_begin;
	await_or(my->value, task_await(my->in.task), turn(my->in.log, my->in.id);
	         async_fail(await_error));
	turn(my->in.log, my->in.id);
	async_return(my->value);
async_finally:
	async_end;
}

/*
 * Pending for certain until the test completes the task, whereas the time of a `later` may be over
 * before its start returns.
 */
BIDE_UNUSED static value_task await_it(task *t, turn_log *log, int id)
{
	return async_start(awaiter, .task = t, .log = log, .id = id);
}

/* In the run queue as soon as it is started; notes its turn once. */
struct yielder {
	ASYNC_FRAME;
	struct {
		turn_log *log;
		int id;
	} in;
};

async(yielder)
{
	async_begin;
	await(bide_async_yield());
	turn(my->in.log, my->in.id);
async_finally:
	async_end;
}

/* Ends after a time, with an error if there is one, otherwise with a value. */
struct later {
	ASYNC_FRAME;
	struct {
		int64_t ns;
		int64_t value;
		int error;
	} in;
};

async(later)
{
	async_begin;
	await(delay(my->in.ns));
	if (my->in.error)
		async_fail(my->in.error);
	async_return(my->in.value);
async_finally:
	async_end;
}

BIDE_UNUSED static value_task later_value(int64_t ns, int64_t value)
{
	return async_start(later, .ns = ns, .value = value);
}

BIDE_UNUSED static value_task later_error(int64_t ns, int error)
{
	return async_start(later, .ns = ns, .error = error);
}

BIDE_UNUSED static int wait_int(value_task v, int64_t *value)
{
	bide_payload payload = { .i = 0 };
	int error = bide_value_task_wait(v, &payload);

	if (value)
		*value = payload.i;
	return error;
}

BIDE_UNUSED static void virtual_clock(void)
{
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
}

/* Returns a context that is already canceled. */
BIDE_UNUSED static bide_context *canceled_context(void)
{
	bide_context *context = bide_context_create(NULL);

	assert_non_null(context);
	assert_true(bide_context_cancel(context, ECANCELED));
	return context;
}

#endif
