/*
 * Async functions: results, the cleanup, loops, frames and their memory, depth; and the rows of the
 * reference about builders (MB).
 */
/* threads */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/settle.h"
#include "support/test.h"

#include <bide/bide.h>
#include <bide/short.h>

static char misuse_text[1024];
static int misuse_count;

static void note_misuse(const char *message, void *argument)
{
	(void)argument;
	misuse_count++;
	snprintf(misuse_text, sizeof misuse_text, "%s", message);
}

static bide_stats stats_now(void)
{
	bide_stats stats;

	bide_get_stats(&stats);
	return stats;
}

static int64_t result_of(value_task v)
{
	bide_payload result;

	assert_int_equal(bide_wait(v, &result), 0);
	return result.i;
}

static int error_of(value_task v)
{
	return bide_wait(v, NULL);
}

/* Yields, then returns a value or fails. */
struct later {
	ASYNC_FRAME;
	struct {
		int yields;
		int64_t value;
		int error;
	} in;
	int i;
};

async(later)
{
	async_begin;
	for (my->i = 0; my->i < my->in.yields; my->i++)
		await(async_yield());
	if (my->in.error)
		async_fail(my->in.error);
	async_return(my->in.value);
async_finally:
	async_end;
}

static value_task later(int yields, int64_t value)
{
	return async_start(later, .yields = yields, .value = value);
}

static value_task failing(int yields, int error)
{
	return async_start(later, .yields = yields, .error = error);
}

struct nothing {
	ASYNC_FRAME;
	struct {
		int yields;
	} in;
};

async(nothing)
{
	async_begin;
	while (my->in.yields-- > 0)
		await(async_yield());
async_finally:
	async_end;
}

/* --- the rows of the builders --- */

/* Pending until somebody completes the task. */
struct after {
	ASYNC_FRAME;
	struct {
		task *what;
	} in;
	int64_t got;
};

async(after)
{
	async_begin;
	await(my->got, task_await(my->in.what));
	async_return(my->got);
async_finally:
	async_end;
}

static value_task after(task *what)
{
	return async_start(after, .what = what);
}

TEST(MB_02_without_a_result_it_returns_the_zero_value_task)
{
	value_task v = async_start(nothing);

	assert_int_equal(v.state, 0);
	assert_int_equal(v.payload.i, 0);
	assert_int_equal(stats_now().frame_count, 0);
}

TEST(MB_03_a_result_at_once_is_in_the_value_task)
{
	value_task v = later(0, 42);

	assert_int_equal(v.state, 0);
	assert_int_equal(v.payload.i, 42);
	assert_int_equal(stats_now().frame_count, 0);
	assert_int_equal(stats_now().task_count, 0);
}

TEST(MB_04_a_pending_one_completes_with_the_value)
{
	task *t = task_create(0);
	value_task v = after(t);

	assert_false(value_task_is_ready(v));
	bide_task_complete_int(t, 42);
	assert_int_equal(result_of(v), 42);
	task_unref(t);
}

TEST(MB_06_a_pending_one_fails_with_the_error)
{
	task *t = task_create(0);
	value_task v = after(t);

	assert_false(value_task_is_ready(v));
	bide_task_fail(t, EIO);
	settle(0);
	assert_true(bide_value_task_is_failed(v));
	assert_int_equal(error_of(v), EIO);
	task_unref(t);
}

TEST(MB_07_failing_with_ECANCELED_is_cancellation)
{
	for (int yields = 0; yields < 2; yields++) {
		value_task v = failing(yields, ECANCELED);

		settle(0);
		assert_true(bide_value_task_is_canceled(v));
		assert_false(bide_value_task_is_failed(v));
		assert_int_equal(error_of(v), ECANCELED);
	}
}

struct fail_with {
	ASYNC_FRAME;
	struct {
		int error;
	} in;
};

async(fail_with)
{
	async_begin;
	async_fail(my->in.error);
async_finally:
	async_end;
}

TEST(MB_08_failing_without_an_error_is_misuse)
{
	bide_set_misuse_hook(note_misuse, NULL);
	assert_int_equal(error_of(async_start(fail_with, .error = 0)), EINVAL);
	assert_int_equal(misuse_count, 1);
	assert_int_equal(error_of(async_start(fail_with, .error = 4096)), EINVAL);
	assert_int_equal(misuse_count, 2);
	assert_int_equal(error_of(async_start(fail_with, .error = 4095)), 4095);
	assert_int_equal(misuse_count, 2);
}

TEST(MB_10_the_first_suspension_makes_it_pending)
{
	task *t = task_create(0);
	value_task v = after(t);

	assert_int_equal(stats_now().frame_count, 1);
	assert_int_equal(stats_now().runnable_count, 0);
	assert_int_equal(bide_value_task_status(v), BIDE_PENDING);
	bide_task_complete_int(t, 3);
	assert_true(many_workers() || stats_now().runnable_count == 1);
	assert_int_equal(result_of(v), 3);
	assert_int_equal(stats_now().frame_count, 0);
	task_unref(t);
}

static const char key[1];

struct enters {
	ASYNC_FRAME;
	struct {
		bide_context *context;
	} in;
	void *inside;
};

async(enters)
{
	async_begin;
	async_enter(my->in.context);
	my->inside = bide_context_get(key);
	await(async_yield());
	if (bide_context_get(key) != my->inside)
		async_fail(EDOM);
	async_return(my->inside);
async_finally:
	async_end;
}

struct calls_enters {
	ASYNC_FRAME;
	struct {
		bide_context *context;
	} in;
	value_task started;
	void *got;
};

async(calls_enters)
{
	async_begin;
	my->started = async_start(enters, .context = my->in.context);
	if (bide_context_get(key)) {
		forget(my->started);
		async_fail(EDOM);
	}
	await(my->got, my->started);
	async_return(my->got);
async_finally:
	async_end;
}

TEST(MB_12_what_the_first_part_sets_is_not_seen_by_the_caller)
{
	int value = 0;
	bide_context *context =
		bide_context_create(&(bide_context_options){ .key = key, .value = &value });
	bide_payload result;

	assert_int_equal(bide_wait(async_start(calls_enters, .context = context), &result), 0);
	assert_ptr_equal(result.p, &value);
	bide_context_unref(context);
	assert_int_equal(stats_now().operation_count, 0);
}

TEST(MB_13_any_number_of_yields_gives_the_result)
{
	static const int yields[] = { 0, 1, 2, 10, 1000 };

	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(result_of(later(yields[i], 100 + yields[i])), 100 + yields[i]);
		assert_int_equal(error_of(failing(yields[i], EIO)), EIO);
	}
}

TEST(MB_15_many_at_once_do_not_mix)
{
	enum { COUNT = 2000 };
	static value_task v[COUNT];

	for (int i = 0; i < COUNT; i++)
		v[i] = i % 3 ? later(i % 11, i) : failing(i % 7, 1 + i);
	for (int i = COUNT; i-- > 0;) {
		if (i % 3)
			assert_int_equal(result_of(v[i]), i);
		else
			assert_int_equal(error_of(v[i]), 1 + i);
	}
	assert_int_equal(stats_now().frame_count, 0);
}

static void mixed_use(void)
{
	static const int yields[] = { 0, 1, 2, 10 };
	value_task v[40];

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 40; i++)
			v[i] = later(yields[i % 4], round * 100 + i);
		for (int i = 0; i < 40; i++)
			assert_int_equal(result_of(v[i]), round * 100 + i);
	}
}

static void *use_from_a_thread(void *argument)
{
	static const int yields[] = { 0, 1, 2, 10 };

	for (int i = 0; i < 200; i++)
		assert_int_equal(result_of(later(yields[i % 4], i)), i);
	__atomic_fetch_add((int *)argument, 1, __ATOMIC_RELEASE);
	return NULL;
}

TEST(MB_17_pools_or_not_and_other_threads_the_results_are_the_same)
{
	pthread_t threads[3];
	int ended = 0;

	for (int pooled = 0; pooled < 2; pooled++) {
		if (pooled)
			unsetenv("BIDE_POOL");
		else
			setenv("BIDE_POOL", "malloc", 1);
		mixed_use();
		ended = 0;
		for (int i = 0; i < 3; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, use_from_a_thread, &ended), 0);
		while (__atomic_load_n(&ended, __ATOMIC_ACQUIRE) < 3)
			assert_int_equal(bide_wait(delay_ms(1), NULL), 0);
		for (int i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(bide_shutdown(true), 0);
		assert_int_equal(stats_now().live_bytes, 0);
	}
}

static int cleanups;

struct returns_late {
	ASYNC_FRAME;
	struct {
		int how;
		int yields;
	} in;
	char large[32];
};

async(returns_late)
{
	async_begin;
	while (my->in.yields-- > 0)
		await(async_yield());
	async_return(11);
async_finally:
	cleanups++;
	if (my->in.how == 1)
		async_return(22);
	if (my->in.how == 2)
		async_fail(EIO);
	if (my->in.how == 3)
		async_return_large(&my->large);
	async_end;
}

TEST(MB_20_ending_a_second_time_is_misuse_and_changes_nothing)
{
	for (int how = 0; how < 4; how++) {
		for (int yields = 0; yields < 2; yields++) {
			misuse_count = cleanups = 0;
			bide_set_misuse_hook(note_misuse, NULL);
			assert_int_equal(result_of(async_start(returns_late, .how = how, .yields = yields)),
			                 11);
			assert_int_equal(cleanups, 1);
			assert_int_equal(misuse_count, how != 0);
		}
	}
	assert_non_null(strstr(misuse_text, "returns_late"));
	assert_non_null(strstr(misuse_text, "async_finally"));
	bide_set_misuse_hook(NULL, NULL);
	EXPECT_ABORT((void)result_of(async_start(returns_late, .how = 1)),
	             "in the cleanup of returns_late");
}

/* Deviation: the value task has one consumer; what can be had many times is the task of it. */
TEST(MB_23_the_task_of_a_function_is_one_object)
{
	value_task v = later(1, 700);
	task *t = as_task(v), *again = task_ref(t);

	assert_ptr_equal(t, again);
	assert_int_equal(bide_task_wait(again, NULL), 0);
	task_unref(t);
	assert_int_equal(bide_task_result(again).i, 700);
	task_unref(again);
}

TEST(MB_24_completions_without_a_result_share_one_task)
{
	task *first = as_task(async_start(nothing)), *second = as_task(async_start(nothing));

	assert_ptr_equal(first, second);
	assert_int_equal(stats_now().task_count, 0);
}

struct answers {
	ASYNC_FRAME;
	struct {
		bool yes;
		void *pointer;
		bool want_pointer;
	} in;
};

async(answers)
{
	async_begin;
	if (my->in.want_pointer)
		async_return(my->in.pointer);
	async_return(my->in.yes);
async_finally:
	async_end;
}

TEST(MB_25_equal_truth_values_share_one_task)
{
	task *yes[2], *no[2];

	for (int i = 0; i < 2; i++) {
		yes[i] = as_task(async_start(answers, .yes = true));
		no[i] = as_task(async_start(answers, .yes = false));
	}
	assert_ptr_equal(yes[0], yes[1]);
	assert_ptr_equal(no[0], no[1]);
	assert_ptr_not_equal(yes[0], no[0]);
	assert_int_equal(bide_task_result(yes[0]).i, 1);
}

TEST(MB_27_null_results_share_one_task)
{
	task *first = as_task(async_start(answers, .want_pointer = true));
	task *second = as_task(async_start(answers, .want_pointer = true));

	assert_ptr_equal(first, second);
	assert_null(bide_task_result(first).p);
}

static bool shared(value_task v)
{
	task *first = as_task(v), *second = as_task(v);
	bool same = first == second;

	task_unref(first);
	task_unref(second);
	return same;
}

TEST(MB_28_small_results_share_one_task_each)
{
	double minus_zero = -0.0;

	for (int i = -1; i <= 8; i++) {
		assert_true(shared(value_task_from(i)));
		assert_true(bide_task_from_int(i) == bide_task_from_int(i));
	}
	assert_false(shared(value_task_from(-2)));
	assert_false(shared(value_task_from(9)));
	assert_false(shared(value_task_from(INT64_MIN)));
	assert_false(shared(value_task_from(INT64_MAX)));
	assert_true(shared(value_task_from(0.0)));
	assert_false(shared(value_task_from(minus_zero)));
	assert_true(shared(value_task_from((char)0)));
	assert_true(shared(value_task_from((void *)NULL)));
}

/* Where the reference waits for its collector, the context's reference is dropped at the end. */
TEST(MB_33_a_task_that_is_over_holds_no_context)
{
	bide_context *context = bide_context_create(NULL);
	task *t = as_task(bide_in(context, later(1, 900)));

	bide_context_unref(context);
	assert_true(stats_now().operation_count == 1 || many_workers()); /* it may be over already */
	assert_int_equal(bide_task_wait(t, NULL), 0);
	assert_int_equal(stats_now().operation_count, 0);
	assert_int_equal(bide_task_result(t).i, 900);
	task_unref(t);
}

/* --- the cleanup --- */

enum way { FALL, RETURN, RETURN_PENDING, FAIL, FAILED_AWAIT, FAILED_LATER, GOTO_OUT_OF_LOOP, WAYS };

struct ways {
	ASYNC_FRAME;
	struct {
		enum way way;
		int yields;
		int cleanup_error;
		int cleanup_yields;
		int *log; /* cleanup entered, cleanup left, error seen */
	} in;
	int64_t got;
};

async(ways)
{
	async_begin;
	while (my->in.yields-- > 0)
		await(async_yield());
	if (my->in.way == RETURN)
		async_return(1);
	if (my->in.way == RETURN_PENDING)
		async_return(later(2, 1));
	if (my->in.way == FAIL)
		async_fail(EIO);
	if (my->in.way == FAILED_AWAIT)
		await(my->got, failing(0, EIO));
	if (my->in.way == FAILED_LATER)
		await(failing(2, EIO));
	if (my->in.way == GOTO_OUT_OF_LOOP)
		for (;;) {
			await_or(my->got, failing(1, EPIPE), async_fail(EIO));
		}
async_finally:
	my->in.log[0]++;
	my->in.log[2] = async_error;
	while (my->in.cleanup_yields-- > 0)
		await(async_yield());
	if (my->in.cleanup_error)
		await(failing(1, my->in.cleanup_error));
	my->in.log[1]++;
	async_end;
}

static bool fails(enum way way)
{
	return way >= FAIL;
}

TEST(finally_runs_once_on_every_way_out)
{
	for (int way = FALL; way < WAYS; way++) {
		for (int yields = 0; yields < 3; yields++) {
			for (int cleanup_yields = 0; cleanup_yields < 3; cleanup_yields++) {
				int log[3] = { 0, 0, -1 };
				value_task v = async_start(ways, .way = (enum way)way, .yields = yields,
				                           .cleanup_yields = cleanup_yields, .log = log);

				assert_int_equal(error_of(v), fails((enum way)way) ? EIO : 0);
				assert_int_equal(log[0], 1);
				assert_int_equal(log[1], 1);
				assert_int_equal(log[2], fails((enum way)way) ? EIO : 0);
			}
		}
	}
	assert_int_equal(stats_now().frame_count, 0);
}

TEST(a_failure_in_the_cleanup_replaces_success_but_not_failure)
{
	for (int way = FALL; way < WAYS; way++) {
		int log[3] = { 0, 0, -1 };

		assert_int_equal(error_of(async_start(ways, .way = (enum way)way, .cleanup_error = ENOSPC,
		                                      .log = log)),
		                 fails((enum way)way) ? EIO : ENOSPC);
		assert_int_equal(log[0], 1);
		assert_int_equal(log[1], 1); /* the cleanup went on */
	}
}

struct first_of_two {
	ASYNC_FRAME;
	int64_t got;
	int seen;
};

async(first_of_two)
{
	async_begin;
	async_return(5);
async_finally:
	my->got = 7;
	await(my->got, failing(0, EBADF));
	if (my->got != 0) /* a failed await of the cleanup leaves 0, as it goes on */
		abort();
	await(failing(1, EPIPE));
	my->seen = async_error;
	if (my->seen != EBADF)
		abort();
	async_end;
}

TEST(the_first_failure_in_the_cleanup_counts)
{
	assert_int_equal(error_of(async_start(first_of_two)), EBADF);
}

/* --- what a return takes --- */

BIDE_VALUE_TASK_OF(text_task, const char *);

static text_task text_later(int yields)
{
	return BIDE_TYPED(text_task, later(yields, (int64_t)(uintptr_t) "typed"));
}

struct returns {
	ASYNC_FRAME;
	struct {
		int what;
		int yields;
		task *shared;
	} in;
	char buffer[16];
};

async(returns)
{
	async_begin;
	if (my->in.what == 0)
		async_return("literal");
	if (my->in.what == 1)
		async_return(text_later(my->in.yields));
	if (my->in.what == 2)
		async_return(later(my->in.yields, 22));
	if (my->in.what == 3)
		async_return(failing(my->in.yields, EIO));
	if (my->in.what == 4)
		async_return(2.5);
	if (my->in.what == 5)
		async_return(1.5f);
	if (my->in.what == 6)
		async_return((unsigned char)200);
	if (my->in.what == 7)
		async_return(task_await(my->in.shared));
	if (my->in.what == 8)
		async_return(value_task_completed());
	async_return(my->in.what == 9);
async_finally:
	async_end;
}

TEST(async_return_takes_scalars_strings_and_value_tasks)
{
	bide_payload result;
	task *t = task_create(0);

	for (int yields = 0; yields < 2; yields++) {
		assert_int_equal(bide_wait(async_start(returns, .what = 0), &result), 0);
		assert_string_equal(result.p, "literal");
		assert_int_equal(bide_wait(async_start(returns, .what = 1, .yields = yields), &result), 0);
		assert_string_equal(result.p, "typed");
		assert_int_equal(result_of(async_start(returns, .what = 2, .yields = yields)), 22);
		assert_int_equal(error_of(async_start(returns, .what = 3, .yields = yields)), EIO);
	}
	assert_int_equal(bide_wait(async_start(returns, .what = 4), &result), 0);
	assert_true(result.d == 2.5);
	assert_int_equal(bide_wait(async_start(returns, .what = 5), &result), 0);
	assert_true(result.d == 1.5);
	assert_int_equal(result_of(async_start(returns, .what = 6)), 200);
	bide_task_complete_int(t, 77);
	assert_int_equal(result_of(async_start(returns, .what = 7, .shared = t)), 77);
	assert_int_equal(result_of(async_start(returns, .what = 8)), 0);
	assert_int_equal(result_of(async_start(returns, .what = 9)), 1);
	assert_int_equal(result_of(async_start(returns, .what = 10)), 0);
	task_unref(t);
}

/* --- owned results --- */

static int drops;

static void drop(void *pointer)
{
	drops++;
	free(pointer);
}

struct owned {
	ASYNC_FRAME_OWNED;
	struct {
		int yields;
		int cleanup_error;
		bool null_result;
	} in;
	char *text;
};

async(owned)
{
	async_begin;
	while (my->in.yields-- > 0)
		await(async_yield());
	my->text = my->in.null_result ? NULL : strdup("owned");
	async_return_owned(my->text, drop);
async_finally:
	if (my->in.cleanup_error) {
		await(failing(0, my->in.cleanup_error));
		await(failing(1, EDOM));
	}
	async_end;
}

TEST(an_owned_result_is_dropped_once_if_the_cleanup_fails)
{
	bide_payload result;

	for (int yields = 0; yields < 2; yields++) {
		drops = 0;
		assert_int_equal(bide_wait(async_start(owned, .yields = yields), &result), 0);
		assert_string_equal(result.p, "owned");
		free(result.p);
		assert_int_equal(drops, 0);
		assert_int_equal(error_of(async_start(owned, .yields = yields, .cleanup_error = EIO)), EIO);
		assert_int_equal(drops, 1);
	}
}

/* --- loops --- */

struct loops {
	ASYNC_FRAME;
	struct {
		int yields;
	} in;
	int i, j;
	int64_t one, sum, errors;
};

async(loops)
{
	async_begin;
	/* break and continue in an action belong to the user's loop. */
	for (my->i = 0; my->i < 10; my->i++) {
		await_or(my->one, my->i == 3 ? failing(my->in.yields, EIO) : later(my->in.yields, my->i),
		         continue);
		if (my->one == 8)
			break;
		my->sum += my->one; /* 0 1 2 4 5 6 7 */
	}
	if (my->sum != 25 || my->i != 8)
		async_fail(EDOM);
	while (true) {
		await_or(my->one,
		         my->errors++ < 4 ? later(my->in.yields, 100) : failing(my->in.yields, EIO), break);
		my->sum += my->one;
	}
	if (my->sum != 425)
		async_fail(EDOM);
	do {
		await_or(my->one, failing(my->in.yields, EPIPE), my->errors = await_error);
	} while (my->errors != EPIPE);
	for (my->i = 0; my->i < 5; my->i++)
		for (my->j = 0; my->j < 5; my->j++)
			if ((my->i + my->j) % 2)
				await(my->one, later(my->in.yields, 1));
			else
				my->sum++;
	for (my->i = 0; my->i < 3; my->i++) {
		for (my->j = 0; my->j < 3; my->j++) {
			await_or(my->one, failing(my->in.yields, EIO), goto next);
			my->sum += 1000;
		}
next:
		my->sum++;
	}
	my->errors = 0;
	for (my->i = 0; my->i < 6; my->i++) {
		await_or(my->i % 2 ? failing(my->in.yields, EIO) : later(my->in.yields, 1), continue);
		await_or(my->i == 4 ? failing(my->in.yields, EIO) : later(my->in.yields, 1), break);
		my->errors++;
	}
	if (my->i != 4 || my->errors != 2)
		async_fail(EDOM);
	async_return(my->sum); /* 425 + 13 + 3 */
async_finally:
	async_end;
}

TEST(awaits_in_loops_with_break_and_continue)
{
	for (int yields = 0; yields < 3; yields++)
		assert_int_equal(result_of(async_start(loops, .yields = yields)), 441);
}

struct conditional {
	ASYNC_FRAME;
	struct {
		int n;
	} in;
	int64_t a;
};

async(conditional)
{
	async_begin;
	if (my->in.n & 1)
		await(my->a, later(1, 1));
	else if (my->in.n & 2)
		await(my->a, later(1, 2));
	else
		my->a = 4;
	if (my->in.n & 4)
		await(later(1, 0));
	async_return(my->a);
async_finally:
	async_end;
}

TEST(awaits_without_braces_keep_their_else)
{
	assert_int_equal(result_of(async_start(conditional, .n = 0)), 4);
	assert_int_equal(result_of(async_start(conditional, .n = 1)), 1);
	assert_int_equal(result_of(async_start(conditional, .n = 2)), 2);
	assert_int_equal(result_of(async_start(conditional, .n = 6)), 2);
	assert_int_equal(result_of(async_start(conditional, .n = 4)), 4);
}

struct awaits_tasks {
	ASYNC_FRAME;
	struct {
		task *t;
	} in;
	int64_t a, b;
};

async(awaits_tasks)
{
	async_begin;
	await(my->in.t);
	await(my->a, my->in.t);
	await_or(my->b, my->in.t, async_fail(EDOM));
	async_return(my->a + my->b);
async_finally:
	async_end;
}

TEST(a_task_is_awaited_as_often_as_one_likes)
{
	task *pending = task_create(0), *over = bide_task_from_int(50);
	value_task v = async_start(awaits_tasks, .t = pending);

	bide_task_complete_int(pending, 40);
	assert_int_equal(result_of(v), 80);
	assert_int_equal(result_of(async_start(awaits_tasks, .t = over)), 100);
	task_unref(pending);
	task_unref(over);
}

/* --- large results --- */

typedef struct block {
	int numbers[50];
	double real;
} block;

struct large {
	ASYNC_FRAME;
	struct {
		int yields, cleanup_yields, cleanup_error, seed;
	} in;
	block result;
};

async(large)
{
	async_begin;
	while (my->in.yields-- > 0)
		await(async_yield());
	for (int i = 0; i < 50; i++)
		my->result.numbers[i] = my->in.seed + i;
	my->result.real = my->in.seed / 2.0;
	async_return_large(&my->result);
async_finally:
	while (my->in.cleanup_yields-- > 0)
		await(async_yield());
	if (my->in.cleanup_error)
		await(failing(1, my->in.cleanup_error));
	async_end;
}

static bool block_is(const block *b, int seed)
{
	for (int i = 0; i < 50; i++)
		if (b->numbers[i] != seed + i)
			return false;
	return b->real == seed / 2.0;
}

struct takes_large {
	ASYNC_FRAME;
	struct {
		value_task what;
		task *t;
		int seed;
		bool late;
	} in;
	block got;
};

async(takes_large)
{
	async_begin;
	memset(&my->got, 0x11, sizeof my->got);
	if (my->in.late)
		await(later(5, 0));
	if (my->in.t)
		await_large(my->got, my->in.t);
	else
		await_large(my->got, my->in.what);
	async_return(block_is(&my->got, my->in.seed));
async_finally:
	async_end;
}

TEST(large_results_hot_suspended_and_late)
{
	for (int yields = 0; yields < 3; yields++) {
		for (int cleanup_yields = 0; cleanup_yields < 2; cleanup_yields++) {
			for (int late = 0; late < 2; late++) {
				value_task v = async_start(large, .yields = yields,
				                           .cleanup_yields = cleanup_yields, .seed = 7);

				assert_int_equal(result_of(
									 async_start(takes_large, .what = v, .seed = 7, .late = late)),
				                 1);
			}
		}
	}
	assert_int_equal(stats_now().frame_count, 0);
}

TEST(large_results_through_a_task)
{
	for (int yields = 0; yields < 3; yields++) {
		task *t = as_task(async_start(large, .yields = yields, .seed = 9));
		value_task v[4];

		for (int i = 0; i < 4; i++)
			v[i] = async_start(takes_large, .t = t, .seed = 9, .late = i & 1);
		for (int i = 0; i < 4; i++)
			assert_int_equal(result_of(v[i]), 1);
		assert_true(block_is(bide_task_result(t).p, 9));
		task_unref(t);
		assert_int_equal(stats_now().frame_count, 0);
		assert_int_equal(stats_now().operation_count, 0);
	}
}

TEST(a_large_result_of_a_task_outlives_the_last_reference_until_it_is_taken)
{
	task *t = as_task(async_start(large, .yields = 2, .seed = 11));
	value_task v[3];

	for (int i = 0; i < 3; i++)
		v[i] = async_start(takes_large, .t = t, .seed = 11);
	task_unref(t);
	for (int i = 0; i < 3; i++)
		assert_int_equal(result_of(v[i]), 1);
	assert_int_equal(stats_now().frame_count, 0);
	assert_int_equal(stats_now().operation_count, 0);
}

TEST(a_large_result_gives_way_to_a_failure_of_the_cleanup)
{
	for (int yields = 0; yields < 2; yields++) {
		value_task v = async_start(large, .yields = yields, .cleanup_error = EIO, .seed = 1);

		assert_int_equal(error_of(async_start(takes_large, .what = v, .seed = 1)), EIO);
	}
	assert_int_equal(stats_now().frame_count, 0);
}

TEST(a_large_result_in_a_context_lets_the_context_go)
{
	for (int yields = 0; yields < 2; yields++) {
		bide_context *context = bide_context_create(NULL);
		value_task v = bide_in(context, async_start(large, .yields = yields, .seed = 3));

		assert_int_equal(result_of(async_start(takes_large, .what = v, .seed = 3)), 1);
		bide_context_unref(context);
		assert_int_equal(stats_now().operation_count, 0);
	}
}

struct outside_large {
	ASYNC_FRAME;
};

static block outside;

async(outside_large)
{
	async_begin;
	async_return_large(&outside);
async_finally:
	async_end;
}

struct takes_small {
	ASYNC_FRAME;
	struct {
		value_task what;
	} in;
	int64_t got;
};

async(takes_small)
{
	async_begin;
	await(my->got, my->in.what);
	async_return(my->got);
async_finally:
	async_end;
}

TEST(large_results_in_the_wrong_place_are_misuse)
{
	bide_set_misuse_hook(note_misuse, NULL);
	assert_int_equal(error_of(async_start(outside_large)), EINVAL);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "outside_large"));
	for (int yields = 0; yields < 2; yields++) {
		misuse_count = 0;
		assert_int_equal(error_of(async_start(takes_small,
		                                      .what = async_start(large, .yields = yields))),
		                 EINVAL);
		assert_int_equal(misuse_count, 1);
		assert_non_null(strstr(misuse_text, "await_large"));
		assert_int_equal(error_of(async_start(large, .yields = yields)), EINVAL);
		assert_int_equal(misuse_count, 2);
	}
	/* A null pointer where the large result should be. */
	misuse_count = 0;
	assert_int_equal(result_of(async_start(takes_large, .what = value_task_completed(), .seed = 1)),
	                 0);
	assert_int_equal(misuse_count, 1);
	assert_int_equal(stats_now().frame_count, 0);
}

/* --- parameters and locals --- */

struct parameters {
	ASYNC_FRAME;
	int before;
	struct {
		int a, b;
		const char *text;
		double real;
	} in;
	int after[20];
};

async(parameters)
{
	async_begin;
	if (my->before)
		async_fail(EDOM);
	for (int i = 0; i < 20; i++)
		if (my->after[i])
			async_fail(EDOM);
	memset(my->after, 0x77,
	       sizeof my->after); /* the memory is used again: it must be zeroed anew */
	my->before = 0x77;
	async_return(my->in.a * 1000 + my->in.b * 100 + (my->in.text != NULL) * 10 +
	             (my->in.real != 0));
async_finally:
	async_end;
}

TEST(parameters_that_are_not_named_and_locals_are_zero)
{
	for (int round = 0; round < 3; round++) {
		assert_int_equal(result_of(async_start(parameters)), 0);
		assert_int_equal(result_of(async_start(parameters, .b = 2)), 200);
		assert_int_equal(result_of(async_start(parameters, .a = 1, .real = 2, .text = "")), 1011);
		assert_int_equal(result_of(async_start(parameters, 5, 6, NULL, 0)), 5600);
	}
}

struct unzeroed {
	ASYNC_FRAME;
	struct {
		bool look;
	} in;
	int zeroed[4];
	unsigned char buffer[3000];
};

async(unzeroed, buffer)
{
	async_begin;
	for (int i = 0; i < 4; i++)
		if (my->zeroed[i])
			async_fail(EDOM);
	memset(my->zeroed, 0x55, sizeof my->zeroed);
	if (!my->in.look) {
		memset(my->buffer, 0x5C, sizeof my->buffer);
		async_return(0);
	}
	async_return(my->buffer[1500]);
async_finally:
	async_end;
}

TEST(the_marked_member_and_what_follows_is_not_zeroed)
{
	assert_int_equal(result_of(async_start(unzeroed)), 0);
#if defined(__SANITIZE_ADDRESS__)
	SKIP("free memory is poisoned and reused last: its bytes say nothing");
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	SKIP("free memory is poisoned and reused last: its bytes say nothing");
#endif
#endif
	if (getenv("BIDE_DEBUG") || getenv("BIDE_POOL") || test_time_factor() > 5)
		SKIP("frames are not reused newest first here");
	assert_int_equal(result_of(async_start(unzeroed, .look = true)), 0x5C);
}

struct borrows {
	ASYNC_FRAME;
	struct {
		const char *text;
		int *counter;
	} in;
};

async(borrows)
{
	async_begin;
	await(async_yield());
	++*my->in.counter;
	async_return(my->in.text);
async_finally:
	async_end;
}

TEST(parameters_are_borrowed_not_copied)
{
	char text[] = "caller's";
	int counter = 0;
	value_task v = async_start(borrows, .text = text, .counter = &counter);
	bide_payload result;

	text[0] = 'C';
	if (!many_workers())
		assert_int_equal(counter, 0);
	assert_int_equal(bide_wait(v, &result), 0);
	assert_int_equal(counter, 1);
	assert_ptr_equal(result.p, text);
	assert_string_equal(result.p, "Caller's");
}

static int evaluations;

static int counted(int value)
{
	evaluations++;
	return value;
}

TEST(arguments_are_evaluated_once_and_starts_nest)
{
	value_task v = async_start(later, .yields = counted(1), .value = counted(7));

	assert_int_equal(evaluations, 2);
	assert_int_equal(result_of(async_start(takes_small, .what = v)), 7);
	assert_int_equal(result_of(async_start(
						 takes_small,
						 .what = async_start(takes_small, .what = async_start(later, .value = 8)))),
	                 8);
}

/* --- frames --- */

TEST(headers_have_the_sizes_that_are_promised)
{
	struct timer {
		bide_source source;
		void *next, *previous;
	};

	assert_int_equal(sizeof(bide_source), 32);
	assert_int_equal(sizeof(bide_frame), 56);
	assert_int_equal(sizeof(struct timer), 48);
	assert_int_equal(sizeof(struct outside_large), 56);
	assert_int_equal(sizeof(value_task), 16);
}

TEST(a_timer_takes_48_bytes_of_the_pool)
{
	enum { COUNT = 5000 };
	static value_task v[COUNT];
	uint64_t before;

#if defined(__SANITIZE_ADDRESS__)
	SKIP("objects have a record in front");
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	SKIP("objects have a record in front");
#endif
#endif
	if (getenv("BIDE_DEBUG") || getenv("BIDE_POOL") || test_time_factor() > 5)
		SKIP("objects have a record in front");
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	assert_int_equal(bide_wait(delay_ms(1), NULL), 0);
	before = stats_now().live_bytes;
	for (int i = 0; i < COUNT; i++)
		v[i] = delay_ms(1 + i);
	/* Chunks double up to 256 KiB: it takes what the objects need, and at most a chunk more. */
	assert_in_range(stats_now().live_bytes - before, COUNT * 48 - 8192, COUNT * 48 + (1 << 18));
	assert_int_equal(stats_now().timer_count, COUNT);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(bide_wait(v[i], NULL), 0);
	assert_int_equal(stats_now().timer_count, 0);
}

/* clang-format off */
#define SIZES(X) \
	X(1) X(9) X(16) X(32) X(48) X(56) X(64) X(88) X(96) X(104) X(128) X(160) X(192) X(200) \
	X(256) X(320) X(384) X(448) X(576) X(704) X(832) X(960) X(1216) X(1472) X(1728) X(1984) \
	X(2496) X(3008) X(3520) X(4032) X(4040) X(5000) X(100000) X(1000000)
/* clang-format on */

/* All on one source line, so one await and one return. Fills its bytes, suspends, looks at them. */
#define SIZED(n)                                                       \
	struct sized_##n {                                                 \
		ASYNC_FRAME;                                                   \
		struct {                                                       \
			int yields, seed;                                          \
		} in;                                                          \
		unsigned char bytes[n];                                        \
	};                                                                 \
	async(sized_##n)                                                   \
	{                                                                  \
		async_begin;                                                   \
		for (size_t i = 0; i < (n); i++)                               \
			if (my->bytes[i])                                          \
				async_fail(EDOM);                                      \
		memset(my->bytes, my->in.seed, (n));                           \
		while (my->in.yields-- > 0)                                    \
			await(async_yield());                                      \
		for (size_t i = 0; i < (n); i++)                               \
			if (my->bytes[i] != my->in.seed)                           \
				async_fail(EDOM);                                      \
		async_return(my->in.seed);                                     \
async_finally:                                                         \
		async_end;                                                     \
	}                                                                  \
	static value_task sized_start_##n(int yields, int seed)            \
	{                                                                  \
		return async_start(sized_##n, .yields = yields, .seed = seed); \
	}
SIZES(SIZED)

TEST(frames_of_every_size_class_and_larger_ones)
{
#define SIZED_ROW(n) { sizeof(struct sized_##n), sized_start_##n },
	static const struct {
		size_t size_bytes;
		value_task (*start)(int yields, int seed);
	} rows[] = { SIZES(SIZED_ROW) };
	enum { ROWS = sizeof rows / sizeof *rows, EACH = 5 };
	value_task v[ROWS][EACH];
	bool class_seen[32] = { false };

	for (int round = 0; round < 3; round++) {
		for (int r = 0; r < ROWS; r++)
			for (int i = 0; i < EACH; i++)
				v[r][i] = rows[r].start(i, (r * EACH + i) % 255 + 1);
		for (int r = 0; r < ROWS; r++)
			for (int i = 0; i < EACH; i++)
				assert_int_equal(result_of(v[r][i]), (r * EACH + i) % 255 + 1);
		assert_int_equal(stats_now().frame_count, 0);
	}
	for (int r = 0; r < ROWS; r++)
		class_seen[bide_class_of_(rows[r].size_bytes)] = true;
	class_seen[bide_class_of_(sizeof(struct nothing))] = true; /* every test has some of those */
	for (unsigned c = 1; c < BIDE_CLASS_COUNT_; c++)           /* class 0 is for timers */
		assert_true(class_seen[c]);
	assert_true(class_seen[BIDE_CLASS_BIG_]);
}

TEST(size_classes_hold_what_they_are_for)
{
	for (size_t size = 1; size <= 4096; size++) {
		unsigned c = bide_class_of_(size);

		assert_true(c < BIDE_CLASS_COUNT_);
		assert_true(bide_class_bytes_(c) >= size);
		assert_true(c == 0 || bide_class_bytes_(c - 1) < size);
		assert_int_equal(bide_class_bytes_(c) % 16, 0);
	}
	assert_int_equal(bide_class_bytes_(BIDE_CLASS_COUNT_ - 1), 4096);
	assert_int_equal(bide_class_of_(4097), BIDE_CLASS_BIG_);
}

struct aligned {
	ASYNC_FRAME;
	struct {
		int unused;
	} in;
	_Alignas(16) char at[16];
};

async(aligned)
{
	async_begin;
	if ((uintptr_t)my->at % 16)
		async_fail(EDOM);
	await(async_yield());
async_finally:
	async_end;
}

TEST(frames_keep_members_of_16_bytes_aligned)
{
	value_task v[100];

	for (int i = 0; i < 100; i++)
		v[i] = async_start(aligned);
	for (int i = 0; i < 100; i++)
		assert_int_equal(error_of(v[i]), 0);
}

struct steady {
	ASYNC_FRAME;
	struct {
		int depth;
	} in;
	int *self;
	int here, i;
	int64_t below;
};

async(steady)
{
	async_begin;
	my->self = &my->here;
	my->here = 1234;
	for (my->i = 0; my->i < 5; my->i++) {
		await(async_yield());
		if (my->self != &my->here || *my->self != 1234)
			async_fail(EDOM);
		if (my->in.depth)
			await(my->below, async_start(steady, .depth = my->in.depth - 1));
		if (my->self != &my->here || *my->self != 1234)
			async_fail(EDOM);
	}
async_finally:
	if (my->self != &my->here)
		abort();
	async_end;
}

TEST(frames_never_move)
{
	value_task v[20];

	for (int i = 0; i < 20; i++)
		v[i] = async_start(steady, .depth = 3);
	for (int i = 0; i < 20; i++)
		assert_int_equal(error_of(v[i]), 0);
}

/* --- allocations --- */

static void assert_steady(void (*use)(void))
{
	uint64_t before;

	if (getenv("BIDE_POOL"))
		SKIP("without pools every frame is an allocation");
	for (int i = 0; i < 100; i++)
		use();
	before = stats_now().allocation_count;
	assert_true(before > 0);
	for (int i = 0; i < 3000; i++)
		use();
	/* Several workers: each thread's lists fill up to a limit, in chunks that double. */
	if (many_workers())
		assert_true(stats_now().allocation_count <= before + 24);
	else
		assert_int_equal(stats_now().allocation_count, before);
	settle(0); /* a worker may still be giving its part of the last one back */
	assert_int_equal(stats_now().frame_count, 0);
	assert_int_equal(stats_now().operation_count, 0);
}

static void use_ready(void)
{
	assert_int_equal(result_of(async_start(takes_small, .what = later(0, 5))), 5);
}

static void use_suspended(void)
{
	assert_int_equal(result_of(async_start(takes_small, .what = later(1, 5))), 5);
}

static void use_yields(void)
{
	assert_int_equal(result_of(later(20, 5)), 5);
}

static void use_delays(void)
{
	assert_int_equal(error_of(delay_ms(3)), 0);
	assert_int_equal(error_of(async_start(takes_small, .what = delay_ms(2))), 0);
}

static void use_as_task(void)
{
	task *t = as_task(later(2, 50));

	assert_int_equal(result_of(task_await(t)), 50);
	task_unref(t);
}

static void use_many(void)
{
	value_task v[30];

	for (int i = 0; i < 30; i++)
		v[i] = later(i % 4, i);
	for (int i = 0; i < 30; i++)
		assert_int_equal(result_of(v[i]), i);
}

TEST(steady_state_ready_allocates_nothing)
{
	assert_steady(use_ready);
}

TEST(steady_state_suspended_allocates_nothing)
{
	assert_steady(use_suspended);
}

TEST(steady_state_yields_allocate_nothing)
{
	assert_steady(use_yields);
}

TEST(steady_state_delays_allocate_nothing)
{
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	assert_steady(use_delays);
}

TEST(steady_state_as_task_of_pending_ones_allocates_nothing)
{
	assert_steady(use_as_task);
}

TEST(steady_state_of_many_at_once_allocates_nothing)
{
	assert_steady(use_many);
}

static bool refuse;

static void *allocate(size_t size_bytes, size_t alignment, void *argument)
{
	(void)argument;
	return refuse ? NULL
	              : aligned_alloc(alignment, (size_bytes + alignment - 1) / alignment * alignment);
}

static void release(void *memory, size_t size_bytes, void *argument)
{
	(void)size_bytes;
	(void)argument;
	free(memory);
}

TEST(without_memory_a_start_fails_with_BIDE_ENOFRAME)
{
	assert_int_equal(bide_set_allocator(&(bide_allocator){ allocate, release, NULL }), 0);
	assert_int_equal(result_of(later(0, 1)), 1); /* the runtime stands */
	refuse = true;
	assert_int_equal(error_of(async_start(unzeroed)), BIDE_ENOFRAME);
	assert_int_equal(error_of(async_start(sized_100000)), BIDE_ENOFRAME);
	assert_true(stats_now().failed_count >= 2);
	refuse = false;
	assert_int_equal(error_of(async_start(unzeroed)), 0);
	assert_int_equal(error_of(async_start(sized_100000)), 0);
	assert_int_equal(bide_shutdown(true), 0);
	assert_int_equal(stats_now().live_bytes, 0);
}

/* It says that nothing ran: of a function that ran and met it, that is not true. */
struct meets_no_frame {
	ASYNC_FRAME;
	struct {
		int way;
	} in;
	int error;
};

async(meets_no_frame)
{
	async_begin;
	if (my->in.way == 0)
		await(value_task_from_error(BIDE_ENOFRAME));
	if (my->in.way == 1)
		async_return(value_task_from_error(BIDE_ENOFRAME));
	if (my->in.way == 2)
		async_return(failing(1, BIDE_ENOFRAME));
	await_or(value_task_from_error(BIDE_ENOFRAME), my->error = await_error);
	if (my->error != BIDE_ENOFRAME)
		async_fail(EDOM);
async_finally:
	if (my->in.way == 3)
		await(value_task_from_error(BIDE_ENOFRAME));
	async_end;
}

TEST(the_missing_frame_of_a_called_function_is_ENOMEM)
{
	for (int way = 0; way < 4; way++)
		assert_int_equal(error_of(async_start(meets_no_frame, .way = way)), ENOMEM);
	assert_int_equal(error_of(async_start(meets_no_frame, .way = 4)), 0);
}

/* --- depth --- */

struct deep {
	ASYNC_FRAME;
	struct {
		int depth;
		int yields;
	} in;
	int64_t below;
};

async(deep)
{
	async_begin;
	if (my->in.depth > 0) {
		await(my->below, async_start(deep, .depth = my->in.depth - 1, .yields = my->in.yields));
		async_return(my->below + 1);
	}
	if (my->in.yields)
		await(later(my->in.yields, 0));
	async_return(0);
async_finally:
	async_end;
}

enum { DEPTH = 100000 };

/* On the main thread's 8 MiB; the test with a small stack goes as deep by the same code. */
static void need_deep_stacks(void)
{
#if defined(__SANITIZE_THREAD__)
	SKIP("ThreadSanitizer follows 65,536 nested calls at most");
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
	SKIP("ThreadSanitizer follows 65,536 nested calls at most");
#endif
#endif
}

TEST_SLOW(hot_starts_100000_deep_need_bounded_stack, 60)
{
	need_deep_stacks();
	assert_int_equal(result_of(async_start(deep, .depth = DEPTH)), DEPTH);
	assert_int_equal(stats_now().frame_count, 0);
}

TEST_SLOW(awaits_100000_deep_need_bounded_stack, 60)
{
	need_deep_stacks();
	assert_int_equal(result_of(async_start(deep, .depth = DEPTH, .yields = 1)), DEPTH);
	assert_int_equal(stats_now().frame_count, 0);
}

struct tail {
	ASYNC_FRAME;
	struct {
		int depth;
	} in;
};

async(tail)
{
	async_begin;
	if (my->in.depth > 0)
		async_return(async_start(tail, .depth = my->in.depth - 1));
	await(async_yield());
	async_return(77);
async_finally:
	async_end;
}

TEST_SLOW(returned_value_tasks_100000_deep_need_bounded_stack, 60)
{
	need_deep_stacks();
	assert_int_equal(result_of(async_start(tail, .depth = DEPTH)), 77);
}

static void *first_thread(void *argument)
{
	if (many_workers())
		need_deep_stacks(); /* it is on theirs that the functions nest */
	assert_int_equal(result_of(async_start(deep, .depth = DEPTH)), DEPTH);
	assert_int_equal(result_of(async_start(deep, .depth = DEPTH, .yields = 1)), DEPTH);
	assert_int_equal(result_of(async_start(tail, .depth = DEPTH)), 77);
	*(bool *)argument = true;
	assert_int_equal(bide_shutdown(true), 0);
	return NULL;
}

TEST_SLOW(a_thread_with_64_KiB_of_stack_may_be_the_worker, 120) /* or the least there is */
{
	pthread_attr_t attributes;
	pthread_t thread;
	const size_t least = (size_t)PTHREAD_STACK_MIN; /* glibc on AArch64: 128 KiB */
	bool done = false;

	pthread_attr_init(&attributes);
	assert_int_equal(pthread_attr_setstacksize(&attributes, least > 65536 ? least : 65536), 0);
	assert_int_equal(pthread_create(&thread, &attributes, first_thread, &done), 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
	assert_true(done);
}

struct fan {
	ASYNC_FRAME;
	struct {
		int count;
	} in;
	value_task *children;
	int i;
	int64_t one, sum;
};

async(fan)
{
	async_begin;
	my->children = malloc((size_t)my->in.count * sizeof *my->children);
	for (int i = 0; i < my->in.count; i++)
		my->children[i] = later(i % 5, i);
	for (my->i = 0; my->i < my->in.count; my->i++) {
		await(my->one, my->children[my->i]);
		my->sum += my->one;
	}
	async_return(my->sum);
async_finally:
	free(my->children);
	async_end;
}

TEST(a_fan_of_10000_children)
{
	assert_int_equal(result_of(async_start(fan, .count = 10000)), 10000 * 9999 / 2);
	assert_int_equal(stats_now().frame_count, 0);
}

/* --- order and mutual recursion --- */

async_declare(pong);

struct ping {
	ASYNC_FRAME;
	struct {
		int n;
	} in;
	int64_t got;
};

struct pong {
	ASYNC_FRAME;
	struct {
		int n;
	} in;
	int64_t got;
};

async(ping)
{
	async_begin;
	if (my->in.n == 0)
		async_return(0);
	await(my->got, async_start(pong, .n = my->in.n - 1));
	async_return(my->got + 1);
async_finally:
	async_end;
}

async(pong)
{
	async_begin;
	await(async_yield());
	if (my->in.n == 0)
		async_return(0);
	await(my->got, async_start(ping, .n = my->in.n - 1));
	async_return(my->got + 1);
async_finally:
	async_end;
}

TEST(functions_that_start_each_other)
{
	assert_int_equal(result_of(async_start(ping, .n = 31)), 31);
	assert_int_equal(result_of(async_start(ping, .n = 1000)), 1000);
}

static char log_text[64];

struct writes {
	ASYNC_FRAME;
	struct {
		char letter;
	} in;
	int i;
};

async(writes)
{
	async_begin;
	for (my->i = 0; my->i < 3; my->i++) {
		log_text[strlen(log_text)] = my->in.letter;
		await(async_yield());
	}
async_finally:
	async_end;
}

TEST(a_start_runs_up_to_the_first_await_and_yields_take_turns)
{
	value_task a, b;

	NOT_SEEDED("the order is that of a runtime without a seed");

	one_worker();
	a = async_start(writes, .letter = 'a');
	assert_string_equal(log_text, "a");
	b = async_start(writes, .letter = 'b');
	assert_string_equal(log_text, "ab");
	assert_int_equal(error_of(a), 0);
	assert_int_equal(error_of(b), 0);
	assert_string_equal(log_text, "ababab");
}

struct runs_where {
	ASYNC_FRAME;
	struct {
		pthread_t *first, *second;
	} in;
};

async(runs_where)
{
	async_begin;
	*my->in.first = pthread_self();
	await(async_yield());
	*my->in.second = pthread_self();
async_finally:
	async_end;
}

TEST(with_many_workers_a_start_runs_here_up_to_the_first_await_and_goes_on_there)
{
	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	for (int i = 0; i < 100; i++) {
		pthread_t first, second;

		assert_int_equal(error_of(async_start(runs_where, .first = &first, .second = &second)), 0);
		assert_true(pthread_equal(first, pthread_self()));
		assert_false(pthread_equal(second, pthread_self()));
	}
}

/* Completing inside a body never runs the waiter there. */
static int order_at;

struct waits {
	ASYNC_FRAME;
	struct {
		task *t;
		int *when;
	} in;
};

async(waits)
{
	async_begin;
	await(my->in.t);
	*my->in.when = ++order_at;
async_finally:
	async_end;
}

struct completes {
	ASYNC_FRAME;
	struct {
		task *t;
		int *when;
	} in;
};

async(completes)
{
	async_begin;
	bide_task_complete_int(my->in.t, 1);
	*my->in.when = ++order_at;
	await(async_yield());
async_finally:
	async_end;
}

TEST(completing_in_a_body_does_not_run_the_waiter_there)
{
	task *t;
	int waited = 0, completed = 0;
	value_task w, c;

	one_worker();
	t = task_create(0);
	w = async_start(waits, .t = t, .when = &waited);
	c = async_start(completes, .t = t, .when = &completed);
	assert_int_equal(error_of(w), 0);
	assert_int_equal(error_of(c), 0);
	assert_true(completed < waited);
	task_unref(t);
}

/* --- only with computed goto --- */

#ifdef BIDE_COMPUTED_GOTO
struct free_form {
	ASYNC_FRAME;
	struct {
		int way, yields;
	} in;
	int64_t a, b;
};

async(free_form)
{
	async_begin;
	switch (my->in.way) {
	case 0:
		await(my->a, later(my->in.yields, 10));
		break;
	case 1:
		await_or(my->a, failing(my->in.yields, EIO), break);
		my->a = 99;
		break;
	case 2:
		async_return(later(my->in.yields, 30));
	default:
		/* clang-format off */
		await(my->a, later(my->in.yields, 1)); await(my->b, later(1, 2)); await(async_yield());
		/* clang-format on */
		break;
	}
	async_return(my->a + my->b);
async_finally:
	switch (my->in.way) {
	case 0:
		await(async_yield());
		break;
	default:
		break;
	}
	async_end;
}

TEST(computed_goto_awaits_in_a_switch_and_several_on_a_line)
{
	for (int yields = 0; yields < 3; yields++) {
		assert_int_equal(result_of(async_start(free_form, .way = 0, .yields = yields)), 10);
		assert_int_equal(result_of(async_start(free_form, .way = 1, .yields = yields)), 0);
		assert_int_equal(result_of(async_start(free_form, .way = 2, .yields = yields)), 30);
		assert_int_equal(result_of(async_start(free_form, .way = 3, .yields = yields)), 3);
	}
}
#endif
