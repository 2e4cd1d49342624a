/*
 * Every time argument of a call: a negative time is misuse and EINVAL, zero means at once, and
 * BIDE_FOREVER and times close to it never pass.
 */
/* threads */
#include <errno.h>
#include <string.h>

#include "support/later.h"
#include "support/library.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

static const int64_t negative[] = { -1, -1000000, INT64_MIN / 1000000 - 1, -BIDE_FOREVER,
	                                INT64_MIN };
static const int64_t huge[] = { ((int64_t)1 << 60) + 1, (int64_t)1 << 62, INT64_MAX - 1,
	                            INT64_MAX };
enum { NEGATIVE_COUNT = 5, HUGE_COUNT = 4 };

static task *pending;
static bide_group members;
static bide_periodic_timer *ticking;
static bide_cancel_source *canceler;
static int report_count;

static void note_report(const char *line, void *argument)
{
	(void)line;
	(void)argument;
	report_count++;
}

/* --- operations: `start` makes one with a time limit --- */

static value_task start_delay(int64_t time)
{
	return delay(time);
}

static value_task start_delay_ms(int64_t time)
{
	return delay_ms(time);
}

static value_task start_delay_until(int64_t time)
{
	return bide_delay_until(time);
}

static value_task start_with_timeout(int64_t time)
{
	return with_timeout(time, delay(BIDE_FOREVER));
}

static value_task start_with_timeout_ms(int64_t time)
{
	return with_timeout_ms(time, delay(BIDE_FOREVER));
}

static value_task start_task_await_for(int64_t time)
{
	return task_await_for(pending, time);
}

static value_task start_value_task_await_for(int64_t time)
{
	value_task v = bide_task_await(pending);
	value_task wait = value_task_await_for(v, time);

	if (value_task_status(wait) == BIDE_FAILED && value_task_error(wait) == EINVAL)
		value_task_forget(v); /* the refused call did not consume it */
	return wait;
}

static value_task start_in_context(int64_t time)
{
	bide_context *limits = bide_context_create(&(bide_context_options){ .timeout_ns = time });
	value_task v;

	if (!limits)
		return bide_value_task_from_error(EINVAL);
	v = in_context(limits, delay(BIDE_FOREVER));
	bide_context_unref(limits);
	return v;
}

static value_task start_cancel_after(int64_t time)
{
	int error;

	canceler = bide_cancel_source_create();
	assert_non_null(canceler);
	error = bide_cancel_source_cancel_after(canceler, time);
	return error ? bide_value_task_from_error(error)
	             : with_token(bide_cancel_source_token(canceler), delay(BIDE_FOREVER));
}

static value_task start_group_wait_reporting(int64_t time)
{
	value_task v;

	assert_int_equal(bide_group_init(&members, NULL), 0);
	bide_group_start(&members, bide_task_await(pending));
	v = bide_group_wait_reporting(&members, time);
	if (bide_value_task_is_failed(v)) { /* the refused call did not count as the wait */
		bide_group_cancel(&members);
		assert_int_equal(bide_value_task_wait(bide_group_wait(&members), NULL), ECANCELED);
	}
	return v;
}

static value_task start_tick(int64_t time)
{
	ticking = bide_periodic_timer_create(time);
	return ticking ? bide_periodic_timer_next(ticking) : bide_value_task_from_error(EINVAL);
}

static value_task start_tick_of_another_period(int64_t time)
{
	int error;

	ticking = bide_periodic_timer_create(BIDE_SECONDS(3600));
	assert_non_null(ticking);
	error = bide_periodic_timer_set_period(ticking, time);
	return error ? bide_value_task_from_error(error) : bide_periodic_timer_next(ticking);
}

enum { STAYS = -1 };

static const struct operation {
	const char *function, *argument;
	value_task (*start)(int64_t time);
	int at_zero, at_one; /* the outcome; STAYS if it stays pending */
} operations[] = {
	{ "bide_delay", "delay_ns", start_delay, 0, 0 },
	{ "bide_delay_ms", "delay_ms", start_delay_ms, 0, 0 },
	{ "bide_delay_until", "deadline_ns", start_delay_until, 0, 0 },
	{ "bide_with_timeout", "timeout_ns", start_with_timeout, ETIMEDOUT, ETIMEDOUT },
	{ "bide_with_timeout", "timeout_ns", start_with_timeout_ms, ETIMEDOUT, ETIMEDOUT },
	{ "bide_task_await_for", "timeout_ns", start_task_await_for, ETIMEDOUT, ETIMEDOUT },
	{ "bide_value_task_await_for", "timeout_ns", start_value_task_await_for, ETIMEDOUT, ETIMEDOUT },
	/* zero is the default, without a limit */
	{ "bide_context_create", "timeout_ns", start_in_context, STAYS, ETIMEDOUT },
	{ "bide_cancel_source_cancel_after", "delay_ns", start_cancel_after, ECANCELED, ECANCELED },
	{ "bide_group_wait_reporting", "delay_ns", start_group_wait_reporting, STAYS, STAYS },
	/* a period of zero is not allowed */
	{ "bide_periodic_timer_create", "period_ns", start_tick, EINVAL, 0 },
	{ "bide_periodic_timer_set_period", "period_ns", start_tick_of_another_period, EINVAL, 0 },
};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

static void let_go(void)
{
	bide_cancel_source_unref(canceler);
	canceler = NULL;
	bide_periodic_timer_destroy(ticking);
	ticking = NULL;
}

/* Asserts that it is pending and stays so until its context is canceled. */
static void expect_it_stays(value_task v, bide_context *scope)
{
	settle(0);
	assert_false(bide_value_task_is_ready(v));
	assert_int_equal(bide_value_task_wait_for(v, NULL, BIDE_MS(1)), ETIMEDOUT);
	assert_true(bide_context_cancel(scope, ECANCELED));
	assert_int_equal(bide_value_task_wait(v, NULL), ECANCELED);
}

static void try_operation(const struct operation *operation)
{
	bide_context *scope;
	value_task v;
	unsigned before;

	for (int i = 0; i < NEGATIVE_COUNT; i++) {
		before = misuse_count;
		v = operation->start(negative[i]);
		assert_true(bide_value_task_is_ready(v));
		assert_int_equal(bide_value_task_wait(v, NULL), EINVAL);
		assert_int_equal(misuse_count, before + 1);
		assert_non_null(strstr(misuse_text, operation->function));
		assert_non_null(strstr(misuse_text, operation->argument));
		let_go();
	}
	scope = bide_context_create(NULL);
	v = in_context(scope, operation->start(0));
	if (operation->at_zero == STAYS) {
		expect_it_stays(v, scope);
	} else {
		assert_true(bide_value_task_is_ready(v));
		assert_int_equal(bide_value_task_wait(v, NULL), operation->at_zero);
	}
	let_go();
	bide_context_unref(scope);
	scope = bide_context_create(NULL);
	v = in_context(scope, operation->start(1));
	if (operation->at_one == STAYS)
		expect_it_stays(v, scope);
	else
		assert_int_equal(bide_value_task_wait(v, NULL), operation->at_one);
	let_go();
	bide_context_unref(scope);
	for (int i = 0; i < HUGE_COUNT; i++) {
		if (operation->start == start_delay_until && huge[i] < bide_now_ns())
			continue;
		before = misuse_count;
		scope = bide_context_create(NULL);
		expect_it_stays(in_context(scope, operation->start(huge[i])), scope);
		assert_int_equal(misuse_count, before);
		let_go();
		bide_context_unref(scope);
	}
}

static void try_operations(void)
{
	expect_misuse();
	bide_report_hook_set(note_report, NULL);
	pending = bide_task_create(NULL);
	for (int i = 0; i < OPERATIONS; i++)
		try_operation(&operations[i]);
	assert_true(report_count > 0);
	bide_task_complete(pending, (bide_payload){ .i = 1 });
	bide_task_unref(pending);
}

TEST(every_time_of_an_operation_is_checked_and_saturates)
{
	try_operations();
}

TEST(every_time_of_an_operation_is_checked_and_saturates_in_virtual_time)
{
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	try_operations();
	assert_true(bide_now_ns() < BIDE_SECONDS(1)); /* no wait was for an event that never comes */
}

/* --- waits of ordinary code --- */

static int wait_for_a_value_task(value_task v, int64_t time)
{
	int error = bide_value_task_wait_for(v, NULL, time);

	if (error)
		value_task_forget(v);
	return error;
}

static int wait_for_a_task(value_task v, int64_t time)
{
	task *t = value_task_as_task(v);
	int error = bide_task_wait_for(t, NULL, time);

	bide_task_unref(t);
	return error;
}

static int wait_for_all(value_task v, int64_t time)
{
	value_task_forget(v);
	return bide_drain(time);
}

static const struct {
	const char *function;
	int (*wait)(value_task v, int64_t time);
} waits[] = {
	{ "bide_value_task_wait_for", wait_for_a_value_task },
	{ "bide_task_wait_for", wait_for_a_task },
	{ "bide_drain", wait_for_all },
};

struct sleeps {
	ASYNC_FRAME;
	struct {
		int64_t time_ns;
	} in;
};

async(sleeps)
{
	async_begin;
	await(delay(my->in.time_ns));
async_finally:
	async_end;
}

static void try_waits(void)
{
	unsigned before;

	expect_misuse();
	for (int i = 0; i < 3; i++) {
		for (int n = 0; n < NEGATIVE_COUNT; n++) {
			before = misuse_count;
			assert_int_equal(waits[i].wait(async_start(sleeps, .time_ns = BIDE_MS(1)), negative[n]),
			                 EINVAL);
			assert_int_equal(misuse_count, before + 1);
			assert_non_null(strstr(misuse_text, waits[i].function));
			assert_non_null(strstr(misuse_text, "timeout_ns"));
		}
		assert_int_equal(bide_drain(BIDE_FOREVER), 0);
		for (int64_t time = 0; time < 2; time++)
			assert_int_equal(waits[i].wait(async_start(sleeps, .time_ns = BIDE_MS(50)), time),
			                 ETIMEDOUT);
		assert_int_equal(bide_drain(BIDE_FOREVER), 0);
		before = misuse_count;
		for (int n = 0; n < HUGE_COUNT; n++)
			assert_int_equal(waits[i].wait(async_start(sleeps, .time_ns = BIDE_MS(1)), huge[n]), 0);
		assert_int_equal(misuse_count, before);
	}
}

TEST(every_time_of_a_wait_is_checked_and_saturates)
{
	try_waits();
}

TEST(every_time_of_a_wait_is_checked_and_saturates_in_virtual_time)
{
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	try_waits();
}

/* --- the end of time --- */

/* Advances the virtual clock to `at_ns` by a delay. */
static void go_to(int64_t at_ns)
{
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	assert_int_equal(bide_value_task_wait(delay(at_ns), NULL), 0);
	assert_int_equal(bide_now_ns(), at_ns);
}

TEST(near_the_end_of_time_every_time_of_an_operation_saturates)
{
	go_to(INT64_MAX - BIDE_SECONDS(2));
	try_operations();
}

TEST(near_the_end_of_time_every_time_of_a_wait_saturates)
{
	go_to(INT64_MAX - BIDE_SECONDS(2));
	try_waits();
}

TEST(a_delay_ends_at_the_last_moment_of_time)
{
	bide_context *scope;
	value_task beyond;

	go_to(INT64_MAX - 2);
	assert_int_equal(bide_value_task_wait(bide_delay_until(INT64_MAX - 1), NULL), 0);
	assert_int_equal(bide_now_ns(), INT64_MAX - 1);
	scope = bide_context_create(NULL);
	beyond = in_context(scope, delay(1));
	assert_int_equal(bide_value_task_wait(beyond, NULL), EDEADLK);
	bide_context_cancel(scope, ECANCELED);
	assert_int_equal(bide_value_task_wait(beyond, NULL), ECANCELED);
	bide_context_unref(scope);
}

TEST(ticks_beyond_the_end_of_time_never_come)
{
	const int64_t period_ns = (int64_t)1 << 60;
	bide_payload ticking_on;
	value_task never;

	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	ticking = bide_periodic_timer_create(period_ns);
	for (int64_t i = 1; i < 8; i++) {
		assert_int_equal(bide_value_task_wait(bide_periodic_timer_next(ticking), &ticking_on), 0);
		assert_int_equal(ticking_on.i, 1);
		assert_int_equal(bide_now_ns(), i * period_ns);
	}
	never = bide_periodic_timer_next(ticking);
	assert_int_equal(bide_value_task_wait(never, NULL), EDEADLK);
	assert_int_equal(bide_now_ns(), 7 * period_ns);
	bide_periodic_timer_stop(ticking);
	assert_int_equal(bide_value_task_wait(never, &ticking_on), 0);
	assert_int_equal(ticking_on.i, 0);
	let_go();
}

TEST(a_timer_with_a_period_of_forever_ticks_once_it_has_another_period)
{
	value_task v;

	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	ticking = bide_periodic_timer_create(BIDE_FOREVER);
	v = bide_periodic_timer_next(ticking);
	assert_int_equal(bide_value_task_wait_for(v, NULL, BIDE_SECONDS(1)), ETIMEDOUT);
	assert_int_equal(bide_periodic_timer_set_period(ticking, BIDE_MS(1)), 0);
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	assert_int_equal(bide_now_ns(), BIDE_SECONDS(1) + BIDE_MS(1));
	let_go();
}

/* --- zero costs nothing --- */

TEST(a_limit_of_zero_arms_no_timer)
{
	pending = bide_task_create(NULL);
	for (int i = 0; i < 1000; i++) {
		value_task v = task_await_for(pending, 0);

		assert_true(bide_value_task_is_ready(v));
		assert_int_equal(bide_value_task_error(v), ETIMEDOUT);
		v = with_timeout(0, bide_task_await(pending));
		assert_true(bide_value_task_is_ready(v));
		assert_int_equal(bide_value_task_error(v), ETIMEDOUT);
		assert_none(timer_count);
	}
	bide_task_complete(pending, (bide_payload){ .i = 1 });
	assert_int_equal(result_of(task_await_for(pending, 0)), 1);
	bide_task_unref(pending);
}

TEST(in_a_canceled_context_a_limit_of_zero_fails_with_the_reason)
{
	bide_context *scope = bide_context_create(NULL);

	pending = bide_task_create(NULL);
	bide_context_cancel(scope, EIO);
	assert_int_equal(error_of(in_context(scope, task_await_for(pending, 0))), EIO);
	assert_int_equal(error_of(in_context(scope, delay(0))), EIO);
	bide_context_unref(scope);
	bide_task_complete(pending, (bide_payload){ .i = 1 });
	bide_task_unref(pending);
}
