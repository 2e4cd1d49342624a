/*
 * Contexts: what async functions inherit, scopes and their ends, deadlines, masked cleanup, values.
 *
 * Each test must give everything back: no object is in use, and no byte is live after the shutdown.
 */
/* threads */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/library.h"
#include "support/small_stack.h"

#include <bide/short.h>

void test_after_each(void)
{
	assert_nothing_in_use();
}

static const int64_t ms = 1000000;

static void use_virtual_clock(void)
{
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
}

static void pass_ns(int64_t time_ns)
{
	assert_int_equal(bide_value_task_wait(bide_delay(time_ns), NULL), 0);
}

static bide_context *context_of(bide_context_options options)
{
	bide_context *context = bide_context_create(&options);

	assert_non_null(context);
	return context;
}

/* Sleeps, then stores how it ended. */
struct sleeper {
	ASYNC_FRAME;
	struct {
		int64_t time_ns;
		int *outcome; /* may be NULL */
	} in;
};

async(sleeper)
{
	async_begin;
	await(delay(my->in.time_ns));
	async_return(7);
async_finally:
	if (my->in.outcome)
		*my->in.outcome = async_error;
	async_end;
}

/* ---- one call */

TEST(bide_in_context_binds_only_that_call_to_the_context)
{
	bide_context *context;
	value_task inside, outside;

	use_virtual_clock();
	context = context_of((bide_context_options){ 0 });
	inside = bide_in_context(context, async_start(sleeper, .time_ns = 10 * ms));
	outside = async_start(sleeper, .time_ns = 10 * ms);
	assert_null(bide_context_current());
	assert_true(bide_context_cancel(context, ECANCELED));
	assert_int_equal(bide_value_task_wait(inside, NULL), ECANCELED);
	assert_int_equal(bide_now_ns(), 0);
	assert_int_equal(bide_value_task_wait(outside, NULL), 0);
	assert_int_equal(bide_now_ns(), 10 * ms);
	bide_context_unref(context);
}

TEST(null_stands_for_no_context)
{
	static const char key = 0;
	bide_context *none = bide_context_ref(bide_context_current());
	bide_context *other = context_of((bide_context_options){ .key = &key, .value = &none });

	assert_null(none);
	assert_ptr_equal(bide_in_context(other, bide_context_get(&key)), &none);
	assert_null(bide_in_context(other, bide_in_context(none, bide_context_get(&key))));
	assert_null(bide_in_context(other, bide_in_context(none, bide_context_current())));
	assert_ptr_equal(bide_in_context(none, bide_in_context(other, bide_context_current())), other);
	bide_context_cancel(other, EIO);
	assert_int_equal(bide_context_error(other), EIO);
	assert_int_equal(bide_in_context(other, bide_context_current_error()), EIO);
	/* These calls ask for the context null, not for the current one. */
	assert_int_equal(bide_in_context(other, bide_context_error(none)), 0);
	assert_int_equal(bide_in_context(other, bide_in_context(none, bide_context_current_error())),
	                 0);
	assert_int_equal(bide_context_error(NULL), 0);
	assert_int_equal(bide_context_current_error(), 0);
	bide_context_unref(none);
	bide_context_unref(other);
}

struct enters_none {
	ASYNC_FRAME;
	struct {
		bide_context *captured;
		bool by_switch;
	} in;
	bide_context *outer;
};

async(enters_none)
{
	async_begin;
	my->outer = bide_context_ref(bide_context_current());
	assert_non_null(my->outer);
	bide_context_cancel(my->outer, EIO);
	assert_int_equal(bide_context_current_error(), EIO);
	if (my->in.by_switch)
		async_switch(my->in.captured);
	else
		async_enter(my->in.captured);
	assert_null(bide_context_current());
	await(delay_ms(1));
	assert_null(bide_context_current());
	assert_int_equal(bide_context_current_error(), 0);
	async_enter(my->outer);
	assert_ptr_equal(bide_context_current(), my->outer);
	await_or(delay_ms(1), async_return(await_error));
async_finally:
	bide_context_unref(my->outer);
	async_end;
}

TEST(a_function_enters_no_context_and_returns_to_the_captured_one)
{
	bide_context *context;

	for (int by_switch = 0; by_switch < 2; by_switch++) {
		context = context_of((bide_context_options){ 0 });
		assert_int_equal(result_of(bide_in_context(context, async_start(enters_none,
		                                                                .by_switch = by_switch))),
		                 EIO);
		bide_context_unref(context);
	}
}

TEST(bide_in_context_nests_and_restores_the_context)
{
	bide_context *outer = context_of((bide_context_options){ 0 }), *inner;

	inner = bide_in_context(outer, context_of((bide_context_options){ 0 }));
	assert_ptr_equal(bide_in_context(outer, bide_in_context(inner, bide_context_current())), inner);
	assert_true(bide_in_context(outer, bide_in_context(inner, bide_context_current()) == inner &&
	                                       bide_context_current() == outer));
	assert_null(bide_context_current());
	bide_context_unref(inner);
	bide_context_unref(outer);
}

TEST(with_timeout_limits_a_call)
{
	use_virtual_clock();
	assert_int_equal(
		bide_value_task_wait(with_timeout_ms(5, async_start(sleeper, .time_ns = 20 * ms)), NULL),
		ETIMEDOUT);
	assert_int_equal(bide_now_ns(), 5 * ms);
	assert_int_equal(
		bide_value_task_wait(with_timeout_ms(50, async_start(sleeper, .time_ns = 20 * ms)), NULL),
		0);
	assert_int_equal(bide_now_ns(), 25 * ms);
}

TEST(the_timer_of_a_limit_ends_with_the_call)
{
	bide_stats stats;

	use_virtual_clock();
	assert_int_equal(bide_value_task_wait(with_timeout_ms(50, async_start(sleeper, .time_ns = ms)),
	                                      NULL),
	                 0);
	bide_stats_get(&stats);
	assert_int_equal(stats.timer_count, 0);
	assert_int_equal(stats.operation_count, 0);
}

TEST(with_token_binds_a_call_to_a_token)
{
	bide_cancel_source *source;
	value_task sleeping;

	use_virtual_clock();
	source = bide_cancel_source_create();
	sleeping =
		with_token(bide_cancel_source_token(source), async_start(sleeper, .time_ns = 20 * ms));
	bide_cancel_source_cancel(source);
	assert_int_equal(bide_value_task_wait(sleeping, NULL), ECANCELED);
	assert_int_equal(bide_now_ns(), 0);
	/* The token is already canceled, so the call ends at once. */
	sleeping =
		with_token(bide_cancel_source_token(source), async_start(sleeper, .time_ns = 20 * ms));
	assert_true(bide_value_task_is_ready(sleeping));
	assert_int_equal(bide_value_task_error(sleeping), ECANCELED);
	bide_cancel_source_unref(source);
}

/* ---- blocks */

struct block {
	ASYNC_FRAME;
	struct {
		bide_context *limits;
	} in;
	bide_context *before;
	int inside, after;
};

async(block)
{
	async_begin;
	my->before = bide_context_current();
	async_enter(my->in.limits);
	await_or(my->inside, delay(100 * ms), my->inside = await_error);
	assert_ptr_equal(bide_context_current(), my->in.limits);
	/* After an await the function is still in the block. */
	await_or(my->after, delay(100 * ms), my->after = await_error);
	assert_int_equal(my->inside, my->after);
	async_leave;
	assert_ptr_equal(bide_context_current(), my->before);
	await(delay(100 * ms));
	async_return(my->inside);
async_finally:
	async_end;
}

TEST(a_block_holds_across_awaits_until_it_is_left)
{
	bide_context *limits;
	bide_payload result;

	use_virtual_clock();
	limits = context_of((bide_context_options){ .timeout_ns = 10 * ms });
	assert_int_equal(bide_value_task_wait(async_start(block, .limits = limits), &result), 0);
	assert_int_equal(result.i, ETIMEDOUT);
	assert_int_equal(bide_now_ns(), 110 * ms);
	bide_context_unref(limits);
}

struct block_maker {
	ASYNC_FRAME;
	bide_context *limits;
	int error;
};

/* Makes the context itself, whatever context it runs in. */
async(block_maker)
{
	async_begin;
	my->limits = bide_context_create(&(bide_context_options){ .timeout_ns = 10 * ms });
	async_enter(my->limits);
	bide_context_unref(my->limits); /* the frame has a reference of its own */
	await_or(my->error, delay(100 * ms), my->error = await_error);
	async_leave;
	await(delay(20 * ms));
	async_return(my->error);
async_finally:
	async_end;
}

TEST(leaving_a_block_restores_the_context_around_it)
{
	bide_context *around;
	value_task working;
	bide_payload result;

	use_virtual_clock();
	around = context_of((bide_context_options){ 0 });
	working = bide_in_context(around, async_start(block_maker));
	assert_int_equal(bide_value_task_wait(working, &result), 0);
	assert_int_equal(result.i, ETIMEDOUT);
	assert_int_equal(bide_now_ns(), 30 * ms);

	working = bide_in_context(around, async_start(block_maker));
	pass_ns(15 * ms); /* by then it has left the block */
	bide_context_cancel(around, ECANCELED);
	assert_int_equal(bide_value_task_wait(working, NULL), ECANCELED);
	assert_int_equal(bide_now_ns(), 45 * ms);
	bide_context_unref(around);
}

struct never_leaves {
	ASYNC_FRAME;
	struct {
		bide_context *first, *second;
		int hot;
	} in;
};

async(never_leaves)
{
	async_begin;
	async_enter(my->in.first);
	if (!my->in.hot)
		await(delay(ms));
	async_enter(my->in.second);
	if (!my->in.hot)
		await(delay(ms));
	async_return(1);
async_finally:
	async_end;
}

TEST(blocks_that_are_never_left_end_with_the_function)
{
	use_virtual_clock();
	for (int hot = 0; hot < 2; hot++) {
		bide_context *first = context_of((bide_context_options){ 0 });
		bide_context *second = bide_in_context(first, context_of((bide_context_options){ 0 }));

		assert_int_equal(bide_value_task_wait(async_start(never_leaves, .first = first,
		                                                  .second = second, .hot = hot),
		                                      NULL),
		                 0);
		assert_null(bide_context_current());
		bide_context_unref(second);
		bide_context_unref(first);
	}
}

/* ---- inheritance */

struct child {
	ASYNC_FRAME;
	struct {
		bide_context **seen;
	} in;
};

async(child)
{
	async_begin;
	my->in.seen[0] = bide_context_current();
	await(delay(ms));
	my->in.seen[1] = bide_context_current();
	async_return(0);
async_finally:
	my->in.seen[2] = bide_context_current();
	async_end;
}

struct parent_of_child {
	ASYNC_FRAME;
	struct {
		bide_context **seen;
	} in;
};

async(parent_of_child)
{
	async_begin;
	await(async_start(child, .seen = my->in.seen));
	async_return(0);
async_finally:
	async_end;
}

TEST(hot_starts_inherit_and_keep_it_after_the_first_await)
{
	bide_context *context, *seen[3] = { 0 };

	use_virtual_clock();
	context = context_of((bide_context_options){ 0 });
	assert_int_equal(bide_value_task_wait(bide_in_context(context, async_start(parent_of_child,
	                                                                           .seen = seen)),
	                                      NULL),
	                 0);
	for (int i = 0; i < 3; i++)
		assert_ptr_equal(seen[i], context);
	bide_context_unref(context);
}

/* Recurses until so little stack is left that starts are cold. */
struct deep {
	ASYNC_FRAME;
	struct {
		int depth;
		bide_context *expected;
		int *wrong_count;
	} in;
};

async_declare(deep);
async(deep)
{
	async_begin;
	*my->in.wrong_count += bide_context_current() != my->in.expected;
	if (my->in.depth > 0)
		await(async_start(deep, .depth = my->in.depth - 1, .expected = my->in.expected,
		                  .wrong_count = my->in.wrong_count));
	*my->in.wrong_count += bide_context_current() != my->in.expected;
	async_return(0);
async_finally:
	async_end;
}

#ifdef __SANITIZE_THREAD__
enum { DEEP = 5000 }; /* the sanitizer's record of nested calls costs their square */
#else
enum { DEEP = 100000 };
#endif

TEST(cold_starts_inherit_too)
{
	bide_context *context;
	int wrong_count = 0;

	use_virtual_clock();
	context = context_of((bide_context_options){ 0 });
	assert_int_equal(
		bide_value_task_wait(
			bide_in_context(context, async_start(deep, .depth = test_seeded() ? 5000 : DEEP,
	                                             .expected = context, .wrong_count = &wrong_count)),
			NULL),
		0);
	assert_int_equal(wrong_count, 0);
	bide_context_unref(context);
}

struct cold_start {
	bide_context *context;
	bide_task *task;
	int *wrong_count;
};

static void *start_on_external_thread(void *argument)
{
	struct cold_start *c = argument;

	c->task = value_task_as_task(
		bide_in_context(c->context, async_start(deep, .depth = 3, .expected = c->context,
	                                            .wrong_count = c->wrong_count)));
	return NULL;
}

TEST(starts_on_another_thread_inherit_the_context_of_that_thread)
{
	bide_context *context = context_of((bide_context_options){ 0 });
	int wrong_count = 0;
	struct cold_start c = { context, NULL, &wrong_count };
	pthread_t thread;

	pthread_create(&thread, NULL, start_on_external_thread, &c);
	pthread_join(thread, NULL);
	bide_context_unref(context); /* the queued frame has its own reference */
	assert_int_equal(bide_task_wait(c.task, NULL), 0);
	assert_int_equal(wrong_count, 0);
	task_unref(c.task);
}

struct changer {
	ASYNC_FRAME;
	struct {
		bide_context *other;
	} in;
};

async(changer)
{
	async_begin;
	async_enter(my->in.other);
	await(delay(ms));
	async_return(0);
async_finally:
	async_end;
}

struct caller {
	ASYNC_FRAME;
	struct {
		bide_context *other;
		int hot;
	} in;
	bide_context *before;
};

async(caller)
{
	async_begin;
	my->before = bide_context_current();
	if (my->in.hot)
		await(async_start(never_leaves, .first = my->in.other, .second = my->in.other, .hot = 1));
	else
		await(async_start(changer, .other = my->in.other));
	assert_ptr_equal(bide_context_current(), my->before);
	async_return(0);
async_finally:
	async_end;
}

TEST(a_caller_does_not_see_the_contexts_of_its_callee)
{
	use_virtual_clock();
	for (int hot = 0; hot < 2; hot++) {
		bide_context *around = context_of((bide_context_options){ 0 });
		bide_context *other = bide_in_context(around, context_of((bide_context_options){ 0 }));

		assert_int_equal(bide_value_task_wait(bide_in_context(around,
		                                                      async_start(caller, .other = other,
		                                                                  .hot = hot)),
		                                      NULL),
		                 0);
		bide_context_unref(other);
		bide_context_unref(around);
	}
}

/* ---- canceling */

TEST(a_cancel_reaches_the_contexts_below_but_not_above)
{
	bide_context *top, *middle, *bottom;
	value_task in_top, in_middle, in_bottom;

	use_virtual_clock();
	top = context_of((bide_context_options){ 0 });
	middle = context_of((bide_context_options){ .parent = top });
	bottom = context_of((bide_context_options){ .parent = middle });
	in_top = bide_in_context(top, async_start(sleeper, .time_ns = 10 * ms));
	in_middle = bide_in_context(middle, async_start(sleeper, .time_ns = 10 * ms));
	in_bottom = bide_in_context(bottom, async_start(sleeper, .time_ns = 10 * ms));
	assert_true(bide_context_cancel(middle, ECANCELED));
	assert_false(bide_context_cancel(middle, EPERM));
	assert_false(bide_context_cancel(bottom, EPERM));
	assert_int_equal(bide_context_error(top), 0);
	assert_int_equal(bide_context_error(middle), ECANCELED);
	assert_int_equal(bide_context_error(bottom), ECANCELED);
	assert_int_equal(bide_value_task_wait(in_middle, NULL), ECANCELED);
	assert_int_equal(bide_value_task_wait(in_bottom, NULL), ECANCELED);
	assert_int_equal(bide_now_ns(), 0);
	assert_int_equal(bide_value_task_wait(in_top, NULL), 0);
	bide_context_unref(bottom);
	bide_context_unref(middle);
	bide_context_unref(top);
}

TEST(a_context_made_below_a_canceled_one_is_created_canceled)
{
	bide_context *top = context_of((bide_context_options){ 0 }), *below;

	bide_context_cancel(top, EPIPE);
	below = context_of((bide_context_options){ .parent = top });
	assert_int_equal(bide_context_error(below), EPIPE);
	assert_int_equal(bide_value_task_error(bide_in_context(below, delay_ms(10))), EPIPE);
	bide_context_unref(below);
	below = bide_in_context(top, context_of((bide_context_options){ .detached = true }));
	assert_int_equal(bide_context_error(below), 0);
	bide_context_unref(below);
	bide_context_unref(top);
}

TEST(operations_fail_with_the_error_that_the_cancel_gives)
{
	bide_context *context;
	value_task sleeping;

	use_virtual_clock();
	context = context_of((bide_context_options){ 0 });
	sleeping = bide_in_context(context, async_start(sleeper, .time_ns = 10 * ms));
	bide_context_cancel(context, BIDE_EUSER + 5);
	assert_int_equal(bide_value_task_wait(sleeping, NULL), BIDE_EUSER + 5);
	bide_context_unref(context);
}

TEST(a_token_cancels_a_context_but_the_context_does_not_cancel_the_token)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_context *context =
		context_of((bide_context_options){ .token = bide_cancel_source_token(source) });

	bide_context_cancel(context, ECANCELED);
	assert_false(bide_cancel_source_is_canceled(source));
	bide_context_unref(context);
	context = context_of((bide_context_options){ .token = bide_cancel_source_token(source) });
	bide_cancel_source_cancel(source);
	assert_int_equal(bide_context_error(context), ECANCELED);
	bide_context_unref(context);
	bide_cancel_source_unref(source);
}

TEST(a_context_of_a_token_without_a_source_is_canceled_if_the_source_was)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_token token = bide_cancel_source_token(source);
	bide_context *context;

	bide_cancel_source_cancel(source);
	bide_cancel_source_unref(source);
	context = context_of((bide_context_options){ .token = token });
	assert_int_equal(bide_context_error(context), ECANCELED);
	bide_context_unref(context);
	source = bide_cancel_source_create();
	token = bide_cancel_source_token(source);
	bide_cancel_source_unref(source);
	context = context_of((bide_context_options){ .token = token });
	assert_int_equal(bide_context_error(context), 0);
	bide_context_unref(context);
}

TEST(a_cancel_ends_a_wait_at_once_whatever_it_waits_for)
{
	bide_context *context;
	bide_task *never;
	bide_periodic_timer *timer;
	value_task waits[5], items[1];
	bide_task *tasks[1];

	use_virtual_clock();
	context = context_of((bide_context_options){ 0 });
	never = task_create(0);
	tasks[0] = never;
	timer = bide_periodic_timer_create(1000 * ms);
	items[0] = delay(1000 * ms);
	waits[0] = bide_in_context(context, delay(BIDE_FOREVER));
	waits[1] = bide_in_context(context, task_await(never));
	waits[2] = bide_in_context(context, bide_periodic_timer_next(timer));
	waits[3] = bide_in_context(context, when_any(items, 1));
	waits[4] = bide_in_context(context, bide_when_any_tasks(tasks, 1));
	for (int i = 0; i < 5; i++)
		assert_false(bide_value_task_is_ready(waits[i]));
	bide_context_cancel(context, ECANCELED);
	for (int i = 0; i < 5; i++) {
		assert_true(bide_value_task_is_ready(waits[i]));
		assert_int_equal(bide_value_task_wait(waits[i], NULL), ECANCELED);
	}
	assert_int_equal(bide_now_ns(), 0);
	assert_int_equal(bide_task_status(never), BIDE_PENDING);
	assert_int_equal(bide_value_task_wait(items[0], NULL), 0);
	bide_periodic_timer_destroy(timer);
	task_unref(never);
	bide_context_unref(context);
}

TEST(a_canceled_context_with_100000_sleepers_ends_all)
{
	enum { COUNT = 100000 };
	value_task *sleeping = calloc(COUNT, sizeof *sleeping);
	bide_context *context;
	bide_stats stats;

	use_virtual_clock();
	context = context_of((bide_context_options){ 0 });
	for (int i = 0; i < COUNT; i++)
		sleeping[i] = bide_in_context(context, async_start(sleeper, .time_ns = ms + i));
	bide_context_cancel(context, ECANCELED);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(bide_value_task_wait(sleeping[i], NULL), ECANCELED);
	bide_stats_get(&stats);
	assert_int_equal(stats.timer_count, 0);
	bide_context_unref(context);
	free(sleeping);
}

/* ---- deadlines */

TEST(the_nearest_deadline_wins)
{
	static const struct {
		int outer_ms, inner_ms, expected_ms;
	} rows[] = { { 5, 50, 5 }, { 50, 5, 5 }, { 5, 5, 5 }, { 5, 0, 5 }, { 0, 5, 5 } };

	use_virtual_clock();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bide_context *outer =
			context_of((bide_context_options){ .timeout_ns = rows[i].outer_ms * ms });
		bide_context *inner = context_of(
			(bide_context_options){ .parent = outer, .timeout_ns = rows[i].inner_ms * ms });
		int64_t start_ns = bide_now_ns();

		assert_int_equal(bide_in_context(inner, bide_context_deadline_ns()),
		                 start_ns + rows[i].expected_ms * ms);
		assert_int_equal(
			bide_value_task_wait(bide_in_context(inner, async_start(sleeper, .time_ns = 100 * ms)),
		                         NULL),
			ETIMEDOUT);
		assert_int_equal(bide_now_ns() - start_ns, rows[i].expected_ms * ms);
		bide_context_unref(inner);
		bide_context_unref(outer);
	}
	assert_int_equal(bide_context_deadline_ns(), BIDE_FOREVER);
}

TEST(an_inner_deadline_leaves_the_outer_context_alone)
{
	bide_context *outer, *inner;

	use_virtual_clock();
	outer = context_of((bide_context_options){ .timeout_ns = 50 * ms });
	inner = context_of((bide_context_options){ .parent = outer, .timeout_ns = 5 * ms });
	pass_ns(10 * ms);
	assert_int_equal(bide_context_error(inner), ETIMEDOUT);
	assert_int_equal(bide_context_error(outer), 0);
	bide_context_unref(inner);
	bide_context_unref(outer);
}

TEST(the_first_of_a_deadline_and_a_cancel_gives_ETIMEDOUT_or_ECANCELED)
{
	bide_context *context;

	use_virtual_clock();
	context = context_of((bide_context_options){ .timeout_ns = 5 * ms });
	bide_context_cancel(context, ECANCELED);
	pass_ns(10 * ms);
	assert_int_equal(bide_context_error(context), ECANCELED);
	bide_context_unref(context);

	context = context_of((bide_context_options){ .timeout_ns = 5 * ms });
	pass_ns(10 * ms);
	assert_false(bide_context_cancel(context, ECANCELED));
	assert_int_equal(bide_context_error(context), ETIMEDOUT);
	bide_context_unref(context);
}

TEST(a_deadline_beyond_the_end_of_time_never_comes)
{
	bide_context *context;

	use_virtual_clock();
	pass_ns(10 * ms);
	context = context_of((bide_context_options){ .timeout_ns = INT64_MAX });
	assert_int_equal(bide_in_context(context, bide_context_deadline_ns()), BIDE_FOREVER);
	bide_context_unref(context);
}

TEST(a_deadline_that_is_not_reached_leaves_no_timer)
{
	bide_context *context;
	bide_stats stats;

	use_virtual_clock();
	context = context_of((bide_context_options){ .timeout_ns = 5 * ms });
	bide_stats_get(&stats);
	assert_int_equal(stats.timer_count, 1);
	bide_context_unref(context);
	bide_stats_get(&stats);
	assert_int_equal(stats.timer_count, 0);
}

/* ---- cleanup */

struct cleaner {
	ASYNC_FRAME;
	struct {
		int *error_in_body, *error_in_cleanup, *cleaned_count;
	} in;
	int ignored;
	bide_context *seen[3];
};

async(cleaner)
{
	async_begin;
	await_or(my->ignored, delay(1000 * ms), {
		*my->in.error_in_body = bide_context_current_error();
		async_fail(await_error);
	});
	async_return(1);
async_finally:
	*my->in.error_in_cleanup = bide_context_current_error();
	assert_int_equal(bide_context_deadline_ns(), BIDE_FOREVER);
	await(delay(10 * ms)); /* an operation */
	++*my->in.cleaned_count;
	await(async_start(sleeper, .time_ns = 10 * ms)); /* an async function */
	++*my->in.cleaned_count;
	await(async_start(parent_of_child, .seen = my->seen));
	++*my->in.cleaned_count;
	async_end;
}

TEST(cleanup_is_masked_from_the_cancellation_that_caused_it)
{
	static const int errors[] = { ECANCELED, ETIMEDOUT };

	use_virtual_clock();
	for (int i = 0; i < 2; i++) {
		bide_context *context = context_of((bide_context_options){ .timeout_ns = 5 * ms });
		int in_body = 0, in_cleanup = -1, cleaned_count = 0;
		int64_t start_ns = bide_now_ns();
		value_task cleaning =
			bide_in_context(context, async_start(cleaner, .error_in_body = &in_body,
		                                         .error_in_cleanup = &in_cleanup,
		                                         .cleaned_count = &cleaned_count));

		if (i == 0)
			bide_context_cancel(context, ECANCELED);
		assert_int_equal(bide_value_task_wait(cleaning, NULL), errors[i]);
		assert_int_equal(in_body, errors[i]);
		assert_int_equal(in_cleanup, 0);
		assert_int_equal(cleaned_count, 3);
		assert_int_equal(bide_now_ns() - start_ns, (i == 0 ? 21 : 26) * ms);
		bide_context_unref(context);
	}
}

struct cleanup_canceled_meanwhile {
	ASYNC_FRAME;
	int error;
};

async(cleanup_canceled_meanwhile)
{
	async_begin;
	async_return(1);
async_finally:
	await(delay(10 * ms));
	await(async_start(sleeper, .time_ns = 10 * ms));
	async_end;
}

TEST(a_cancel_during_the_cleanup_does_not_affect_it)
{
	bide_context *context;
	value_task cleaning;
	bide_payload result;

	use_virtual_clock();
	context = context_of((bide_context_options){ 0 });
	cleaning = bide_in_context(context, async_start(cleanup_canceled_meanwhile));
	pass_ns(5 * ms);
	bide_context_cancel(context, ECANCELED);
	assert_int_equal(bide_value_task_wait(cleaning, &result), 0);
	assert_int_equal(result.i, 1);
	assert_int_equal(bide_now_ns(), 20 * ms);
	bide_context_unref(context);
}

struct limited_cleanup {
	ASYNC_FRAME;
	struct {
		int *error_inside, *error_after;
	} in;
	bide_context *limits;
	int ignored;
};

async(limited_cleanup)
{
	async_begin;
	await(delay(1000 * ms));
	async_return(1);
async_finally:
	/* A deadline of its own for one call... */
	await_or(my->ignored, with_timeout_ms(5, delay(1000 * ms)), *my->in.error_inside = await_error);
	/* ...and for a block, after which the cleanup is masked as before. */
	my->limits = bide_context_create(&(bide_context_options){ .timeout_ns = 5 * ms });
	async_enter(my->limits);
	bide_context_unref(my->limits);
	await_or(my->ignored, async_start(sleeper, .time_ns = 1000 * ms),
	         *my->in.error_inside += await_error);
	async_leave;
	await_or(my->ignored, delay(10 * ms), *my->in.error_after = await_error);
	async_end;
}

TEST(cleanup_can_have_a_deadline_of_its_own)
{
	bide_context *context;
	int error_inside = 0, error_after = 0;
	value_task cleaning;

	use_virtual_clock();
	context = context_of((bide_context_options){ 0 });
	cleaning = bide_in_context(context, async_start(limited_cleanup, .error_inside = &error_inside,
	                                                .error_after = &error_after));
	bide_context_cancel(context, ECANCELED);
	assert_int_equal(bide_value_task_wait(cleaning, NULL), ECANCELED);
	assert_int_equal(error_inside, 2 * ETIMEDOUT);
	assert_int_equal(error_after, 0);
	assert_int_equal(bide_now_ns(), 20 * ms);
	bide_context_unref(context);
}

struct nested_cleanup {
	ASYNC_FRAME;
	int ignored, inner_error, outer_error;
	bide_context *outer, *inner;
};

async(nested_cleanup)
{
	async_begin;
	await(delay(1000 * ms));
	async_return(1);
async_finally:
	my->outer = bide_context_create(&(bide_context_options){ .timeout_ns = 20 * ms });
	async_enter(my->outer);
	bide_context_unref(my->outer);
	my->inner = bide_context_create(&(bide_context_options){ .timeout_ns = 5 * ms });
	async_enter(my->inner);
	bide_context_unref(my->inner);
	await_or(my->ignored, delay(1000 * ms), my->inner_error = await_error);
	async_leave;
	/* Now in the outer block, whose deadline counts. */
	await_or(my->ignored, delay(1000 * ms), my->outer_error = await_error);
	async_leave;
	await(delay(ms));
	assert_int_equal(my->inner_error, ETIMEDOUT);
	assert_int_equal(my->outer_error, ETIMEDOUT);
	async_end;
}

TEST(blocks_nest_in_cleanup)
{
	bide_context *context;
	value_task cleaning;

	use_virtual_clock();
	context = context_of((bide_context_options){ 0 });
	cleaning = bide_in_context(context, async_start(nested_cleanup));
	bide_context_cancel(context, ECANCELED);
	assert_int_equal(bide_value_task_wait(cleaning, NULL), ECANCELED);
	assert_int_equal(bide_now_ns(), 21 * ms);
	bide_context_unref(context);
}

/* A cleanup starts it, so it is masked; it enters and leaves a block of its own. */
struct cleanup_starts_block {
	ASYNC_FRAME;
	bide_payload result;
	int error;
};

async(cleanup_starts_block)
{
	async_begin;
	await(delay(1000 * ms));
	async_return(1);
async_finally:
	await_or(my->error, async_start(block_maker), my->error = -await_error);
	assert_int_equal(my->error, ETIMEDOUT);
	async_end;
}

TEST(a_function_started_by_a_cleanup_stays_masked_after_a_block)
{
	bide_context *context;
	value_task cleaning;

	use_virtual_clock();
	context = context_of((bide_context_options){ 0 });
	cleaning = bide_in_context(context, async_start(cleanup_starts_block));
	bide_context_cancel(context, ECANCELED);
	assert_int_equal(bide_value_task_wait(cleaning, NULL), ECANCELED);
	assert_int_equal(bide_now_ns(), 30 * ms);
	bide_context_unref(context);
}

/* ---- values */

static const char user_key, trace_key;

static void *value_in(bide_context *context, const void *key)
{
	return bide_in_context(context, bide_context_get(key));
}

TEST(the_nearest_value_wins)
{
	int first, second, trace;
	bide_context *top = context_of((bide_context_options){ .key = &user_key, .value = &first });
	bide_context *middle =
		context_of((bide_context_options){ .parent = top, .key = &trace_key, .value = &trace });
	bide_context *bottom =
		context_of((bide_context_options){ .parent = middle, .key = &user_key, .value = &second });

	assert_ptr_equal(value_in(top, &user_key), &first);
	assert_null(value_in(top, &trace_key));
	assert_ptr_equal(value_in(middle, &user_key), &first);
	assert_ptr_equal(value_in(middle, &trace_key), &trace);
	assert_ptr_equal(value_in(bottom, &user_key), &second);
	assert_ptr_equal(value_in(bottom, &trace_key), &trace);
	assert_null(bide_context_get(&user_key));
	assert_null(value_in(bottom, NULL));
	bide_context_unref(top);
	bide_context_unref(middle);
	bide_context_unref(bottom);
}

TEST(a_detached_context_sees_nothing_above)
{
	int value;
	bide_context *top = context_of((bide_context_options){ .key = &user_key, .value = &value });
	bide_context *detached =
		bide_in_context(top, context_of((bide_context_options){ .detached = true }));

	assert_null(value_in(detached, &user_key));
	bide_context_cancel(top, ECANCELED);
	assert_int_equal(bide_context_error(detached), 0);
	bide_context_unref(top);
	bide_context_unref(detached);
}

struct value_reader {
	ASYNC_FRAME;
};

async(value_reader)
{
	async_begin;
	await(bide_async_yield());
	async_return(bide_context_get(&user_key));
async_finally:
	assert_non_null(bide_context_get(&user_key)); /* the cleanup sees the values */
	async_end;
}

struct value_setter {
	ASYNC_FRAME;
	struct {
		int *mine;
	} in;
	bide_context *context;
	void *seen, *before;
};

async(value_setter)
{
	async_begin;
	my->before = bide_context_get(&user_key);
	my->context =
		bide_context_create(&(bide_context_options){ .key = &user_key, .value = my->in.mine });
	await(my->seen, bide_in_context(my->context, async_start(value_reader)));
	assert_ptr_equal(my->seen, my->in.mine);
	assert_ptr_equal(bide_context_get(&user_key), my->before);
	await(my->seen, async_start(value_reader));
	assert_ptr_equal(my->seen, my->before);
	async_return(0);
async_finally:
	bide_context_unref(my->context);
	async_end;
}

TEST(contexts_below_see_a_value_and_those_above_do_not)
{
	int outer, inner;
	bide_context *context = context_of((bide_context_options){ .key = &user_key, .value = &outer });

	assert_int_equal(bide_value_task_wait(
						 bide_in_context(context, async_start(value_setter, .mine = &inner)), NULL),
	                 0);
	bide_context_unref(context);
}

/* ---- life */

static bide_context *chain(int depth, int64_t timeout_ns)
{
	bide_context *bottom = NULL;

	for (int i = 0; i < depth; i++) {
		bide_context *next = context_of(
			(bide_context_options){ .parent = bottom, .timeout_ns = timeout_ns, .key = &user_key });

		bide_context_unref(bottom);
		bottom = next;
	}
	return bottom;
}

static void *unref_context(void *context)
{
	bide_context_unref(context);
	return NULL;
}

static void *cancel_context(void *context)
{
	bide_context_cancel(context, ECANCELED);
	return NULL;
}

TEST(a_chain_of_100000_contexts_is_freed_in_bounded_stack)
{
	on_small_stack(unref_context, chain(100000, 0));
	settle(0);
}

TEST(a_chain_of_100000_contexts_is_freed_by_the_worker)
{
	bide_context_unref(chain(test_seeded() ? 1000 : 100000, 0));
}

TEST(a_chain_whose_top_has_a_deadline_is_freed_by_another_thread)
{
	bide_context *top = chain(1, 3600 * 1000 * ms), *bottom;
	bide_stats stats;

	bottom = top;
	for (int i = 0; i < 10; i++) {
		bide_context *next = context_of((bide_context_options){ .parent = bottom });
		bide_context_unref(bottom);
		bottom = next;
	}
	on_small_stack(unref_context, bottom);
	settle(0);
	bide_stats_get(&stats);
	assert_int_equal(stats.timer_count, 0);
	assert_int_equal(stats.operation_count, 0);
}

TEST(a_chain_of_100000_contexts_is_canceled_in_bounded_stack)
{
	enum { DEPTH = 100000 };
	bide_context *top = context_of((bide_context_options){ 0 }), *bottom = bide_context_ref(top);

	for (int i = 0; i < DEPTH; i++) {
		bide_context *next = context_of((bide_context_options){ .parent = bottom });
		bide_context_unref(bottom);
		bottom = next;
	}
	on_small_stack(cancel_context, top);
	assert_int_equal(bide_context_error(bottom), ECANCELED);
	bide_context_unref(bottom);
	bide_context_unref(top);
}

TEST(frames_that_wait_keep_their_context)
{
	int value;
	bide_context *context;
	value_task reading;
	bide_payload result;
	bide_stats stats;

	use_virtual_clock();
	context = context_of((bide_context_options){ .key = &user_key, .value = &value });
	reading = bide_in_context(context, async_start(value_reader));
	bide_context_unref(context);
	bide_stats_get(&stats);
	assert_int_equal(stats.operation_count, 1);
	assert_int_equal(bide_value_task_wait(reading, &result), 0);
	assert_ptr_equal(result.p, &value);
	bide_stats_get(&stats);
	assert_int_equal(stats.operation_count, 0);
}

TEST(operations_that_wait_keep_their_context_core)
{
	bide_context *context;
	value_task waiting;

	use_virtual_clock();
	context = context_of((bide_context_options){ .timeout_ns = 5 * ms });
	waiting = bide_in_context(context, delay(50 * ms));
	bide_context_unref(context);
	assert_int_equal(bide_value_task_wait(waiting, NULL), ETIMEDOUT);
}

static void one_of_each(bide_cancel_source *source)
{
	bide_context *context = context_of((bide_context_options){
		.token = bide_cancel_source_token(source), .timeout_ns = 50 * ms, .key = &user_key });

	assert_int_equal(bide_value_task_wait(bide_in_context(context, async_start(block_maker)), NULL),
	                 0);
	assert_int_equal(
		bide_value_task_wait(with_timeout_ms(1, async_start(sleeper, .time_ns = 5 * ms)), NULL),
		ETIMEDOUT);
	assert_int_equal(bide_value_task_wait(with_token(bide_cancel_source_token(source),
	                                                 async_start(sleeper, .time_ns = ms)),
	                                      NULL),
	                 0);
	bide_context_unref(context);
}

TEST(in_steady_state_contexts_allocate_nothing)
{
	if (getenv("BIDE_POOL"))
		SKIP("without the pools each object is an allocation");
	bide_cancel_source *source;
	bide_stats before, after;

	use_virtual_clock();
	source = bide_cancel_source_create();
	for (int i = 0; i < 100; i++)
		one_of_each(source);
	bide_stats_get(&before);
	for (int i = 0; i < 1000; i++)
		one_of_each(source);
	bide_stats_get(&after);
	assert_int_equal(after.allocation_count, before.allocation_count);
	assert_int_equal(after.release_count, before.release_count);
	assert_int_equal(after.live_bytes, before.live_bytes);
	bide_cancel_source_unref(source);
}

/* Another thread drops the last reference at the moment when the deadline passes. */
typedef struct expiry_race {
	_Atomic(bide_context *) context;
	_Atomic int64_t due_ns;
	atomic_bool over;
} expiry_race;

static void *drop_when_due(void *argument)
{
	expiry_race *r = argument;
	unsigned round = 0;

	while (!atomic_load(&r->over)) {
		bide_context *context = atomic_load(&r->context);
		int64_t drop_ns;

		if (!context) {
			sched_yield();
			continue;
		}
		drop_ns = atomic_load(&r->due_ns) + (int64_t)(round++ % 100) * 1000;
		while (bide_now_ns() < drop_ns)
			;
		bide_context_unref(context);
		atomic_store(&r->context, NULL);
	}
	return NULL;
}

TEST_SLOW(another_thread_may_drop_the_last_reference_while_the_deadline_passes, 60)
{
	expiry_race r = { .due_ns = 0 };
	pthread_t dropper;

	pthread_create(&dropper, NULL, drop_when_due, &r);
	for (int round = 0; test_round(round, 4000); round++) {
		int64_t start_ns = bide_now_ns();
		bide_context *context = context_of((bide_context_options){ .timeout_ns = 20000 });

		atomic_store(&r.due_ns, start_ns + 20000);
		atomic_store(&r.context, context);
		while (atomic_load(&r.context))
			settle(0);
	}
	atomic_store(&r.over, true);
	pthread_join(dropper, NULL);
	settle(0);
}

static void *limit_on_external_thread(void *argument)
{
	intptr_t wrong = 0;

	(void)argument;
	for (int i = 0; i < 50; i++) {
		int64_t start_ns = bide_now_ns();
		bide_context *context =
			bide_context_create(&(bide_context_options){ .timeout_ns = 200000 });

		wrong += bide_value_task_wait(bide_in_context(context, bide_delay(BIDE_FOREVER)), NULL) !=
		         ETIMEDOUT;
		wrong += bide_now_ns() - start_ns < 200000;
		bide_context_unref(context);
	}
	return (void *)wrong;
}

struct ticker {
	ASYNC_FRAME;
	struct {
		atomic_bool *over;
	} in;
};

async(ticker)
{
	async_begin;
	while (!atomic_load(my->in.over))
		await(delay_ms(1));
	async_return(0);
async_finally:
	async_end;
}

static void *limits_then_over(void *argument)
{
	void *wrong = limit_on_external_thread(NULL);

	atomic_store((atomic_bool *)argument, true);
	return wrong;
}

TEST(another_thread_makes_contexts_with_deadlines)
{
	atomic_bool over = false;
	pthread_t thread;
	void *wrong;

	settle(0); /* makes this thread the worker */
	pthread_create(&thread, NULL, limits_then_over, &over);
	assert_int_equal(bide_value_task_wait(async_start(ticker, .over = &over), NULL), 0);
	pthread_join(thread, &wrong);
	assert_null(wrong);
	settle(0);
}

/* ---- bad input */

TEST(bad_options_are_misuse)
{
	bide_context *context = context_of((bide_context_options){ 0 });

	expect_misuse();
	assert_null(bide_context_create(&(bide_context_options){ .timeout_ns = -1 }));
	assert_non_null(strstr(misuse_text, "bide_context_create: timeout_ns"));
	assert_null(
		bide_context_create(&(bide_context_options){ .detached = true, .parent = context }));
	assert_non_null(strstr(misuse_text, "detached"));
	assert_false(bide_context_cancel(NULL, ECANCELED));
	assert_false(bide_context_cancel(context, 0));
	assert_false(bide_context_cancel(context, -5));
	assert_false(bide_context_cancel(context, BIDE_ERROR_MAX + 1));
	assert_false(bide_context_cancel(context, INT_MIN));
	assert_non_null(strstr(misuse_text, "bide_context_cancel: error is -2147483648; an errno"));
	assert_int_equal(misuse_count, 7);
	assert_int_equal(bide_context_error(context), 0);
	bide_context_unref(context);
}

TEST(no_context_is_canceled_with_a_number_that_means_something_else)
{
	bide_context *context = context_of((bide_context_options){ 0 });

	expect_misuse();
	for (int error = BIDE_ENOFRAME; error < BIDE_EUSER; error++)
		assert_false(bide_context_cancel(context, error));
	assert_int_equal(misuse_count, BIDE_EUSER - BIDE_ENOFRAME);
	assert_int_equal(bide_context_error(context), 0);
	assert_true(bide_context_cancel(context, BIDE_EUSER));
	assert_int_equal(bide_context_error(context), BIDE_EUSER);
	bide_context_unref(context);
	context = context_of((bide_context_options){ 0 });
	assert_true(bide_context_cancel(context, BIDE_ENOFRAME - 1));
	bide_context_unref(context);
}

TEST(a_limit_out_of_range_is_misuse_and_the_call_is_not_made)
{
	static const int64_t wrong_ms[] = { -1, INT64_MIN };

	expect_misuse();
	for (int i = 0; i < 2; i++) {
		bool called = false;
		value_task failed =
			with_timeout_ms(wrong_ms[i], (called = true, bide_value_task_completed()));

		assert_true(bide_value_task_is_failed(failed));
		assert_false(called);
		assert_int_equal(misuse_count, i + 1);
		assert_non_null(strstr(misuse_text, "bide_with_timeout"));
	}
}

struct leaver {
	ASYNC_FRAME;
};

async(leaver)
{
	async_begin;
	async_leave;
	async_return(3);
async_finally:
	async_end;
}

TEST(leaving_without_entering_is_misuse)
{
	expect_misuse();
	assert_int_equal(bide_value_task_wait(async_start(leaver), NULL), 0);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "bide_async_leave: the function is in no context"));
}

TEST(with_a_timeout_of_zero_only_what_is_ready_succeeds)
{
	assert_int_equal(bide_value_task_wait(with_timeout_ms(0, delay_ms(1)), NULL), ETIMEDOUT);
	assert_int_equal(bide_value_task_wait(with_timeout_ms(0, value_task_from(7)), NULL), 0);
}

TEST(a_detached_function_outlives_the_scope_it_was_started_in)
{
	bide_context *scope = bide_context_create(NULL);
	value_task inside = bide_in_context(scope, delay_ms(100000));
	value_task detached = bide_in_context(scope, in_detached(delay_ms(1)));

	bide_context_cancel(scope, ECANCELED);
	assert_int_equal(bide_value_task_wait(inside, NULL), ECANCELED);
	assert_int_equal(bide_value_task_wait(detached, NULL), 0);
	bide_context_unref(scope);
}
