/*
 * Parallel loops that end early, by a failure or a cancellation.
 */
/* threads */
#include <errno.h>
#include <stdatomic.h>

#include "support/parallel_support.h"

/* --- failures --- */

TEST(PF_08_a_failure_at_any_place_ends_the_loop)
{
	for (int how = 0; how < WAYS; how++)
		for (int at = 0; at < 20; at++)
			for (int late = 0; late < (how == PARTS ? 1 : 2); late++) {
				begin_plan(20);
				for (int i = 0; i < 20 && how != PARTS; i++)
					plan.actions[i].yields = i % 3;
				plan.actions[at].error = EIO;
				plan.actions[at].yields = late ? 3 : 0;
				assert_int_equal(error_of(run_loop((way)how, 4, false)), EIO);
				assert_nothing_left_behind();
				assert_int_equal(plan.errors[at], EIO);
				assert_int_equal(plan.called[at], 1);
			}
}

TEST(PF_08_a_failure_stops_handing_out_and_cancels_the_other_bodies)
{
	simulate(0);
	for (int how = INDEXES; how < WAYS; how++) {
		int64_t start_ns = bide_now_ns();

		begin_plan(100);
		for (int i = 0; i < 100; i++)
			plan.actions[i].delay_ms = FOR_EVER;
		plan.actions[2] = (action){ .delay_ms = 5, .error = EIO };
		assert_int_equal(error_of(run_loop((way)how, 4, false)), EIO);
		assert_int_equal(bide_now_ns() - start_ns, 5 * ms);
		assert_nothing_left_behind();
		assert_int_equal(plan.total, 4);
		for (int i = 0; i < 4; i++)
			assert_int_equal(plan.errors[i], i == 2 ? EIO : ECANCELED);
	}
}

TEST(PF_08_no_part_begins_after_a_failure)
{
	simulate(0);
	begin_plan(20);
	plan.actions[5].error = EIO;
	assert_int_equal(error_of(run_loop(PARTS, 0, false)), EIO);
	assert_int_equal(plan.total, 6);
}

TEST(PF_08_of_several_errors_the_first_in_time_is_kept)
{
	NOT_SEEDED("the order is that of a runtime without a seed");
	simulate(0);
	for (int how = INDEXES; how < WAYS; how++)
		for (int keep_going = 0; keep_going < 2; keep_going++) {
			begin_plan(4);
			plan.actions[0] = (action){ .delay_ms = 3, .error = EPERM };
			plan.actions[1] = (action){ .delay_ms = 2, .error = EIO };
			plan.actions[2] = (action){ .delay_ms = 4, .error = ENOENT };
			plan.actions[3] = (action){ .delay_ms = 2, .error = EPIPE };
			assert_int_equal(error_of(run_loop((way)how, 4, keep_going)), EIO);
			assert_nothing_left_behind();
		}
}

TEST(a_loop_that_keeps_going_calls_all_bodies_and_cancels_none)
{
	simulate(0);
	for (int how = 0; how < WAYS; how++) {
		begin_plan(30);
		for (int i = 0; i < 30; i++) {
			plan.actions[i].delay_ms = how == PARTS ? 0 : i % 4;
			plan.actions[i].error = i == 7 ? ECANCELED : i > 10 && i % 5 == 0 ? EIO : 0;
		}
		assert_int_equal(error_of(run_loop((way)how, 4, true)), EIO);
		assert_each_called_once();
		for (int i = 0; i < 30; i++)
			assert_int_equal(plan.errors[i], plan.actions[i].error);
	}
}

TEST(PF_10_a_body_that_ends_as_canceled_on_its_own_counts_as_a_failure)
{
	simulate(0);
	for (int how = INDEXES; how < WAYS; how++) {
		begin_plan(100);
		for (int i = 0; i < 100; i++)
			plan.actions[i].delay_ms = FOR_EVER;
		plan.actions[1] = (action){ .delay_ms = 5, .error = ECANCELED };
		assert_int_equal(error_of(run_loop((way)how, 3, false)), ECANCELED);
		assert_int_equal(plan.total, 3);
		assert_nothing_left_behind();
	}
	begin_plan(10);
	plan.actions[4].error = ECANCELED;
	assert_int_equal(error_of(run_loop(PARTS, 1, false)), ECANCELED);
	assert_int_equal(plan.total, 5);
}

/* Turns a cancellation into an error of its own. */
struct stubborn {
	ASYNC_FRAME;
};

async(stubborn)
{
	async_begin;
	await_or(delay(BIDE_FOREVER), async_fail(EIO));
async_finally:
	async_end;
}

static value_task canceled_or_stubborn(int64_t index, void *argument)
{
	(void)argument;
	return index == 0 ? async_start(stubborn) : value_task_from_error(ECANCELED);
}

TEST(PF_10_an_error_is_preferred_to_an_earlier_cancellation)
{
	bide_parallel_options options = { .limit = 2 };

	simulate(0);
	assert_int_equal(error_of(for_each(0, 5, canceled_or_stubborn, NULL, &options)), EIO);
}

TEST(PF_11_a_source_that_fails_fails_the_loop)
{
	for (int at = 0; at <= 12; at++)
		for (int variant = 0; variant < 4; variant++) {
			begin_plan(12);
			plan.source_fails_at = at;
			plan.source.error = EPIPE;
			plan.source.yields = variant % 2;
			for (int i = 0; i < 12; i++)
				plan.actions[i].yields = i % 3;
			assert_int_equal(error_of(run_loop(ITEMS, 3, variant >= 2)), EPIPE);
			assert_nothing_left_behind();
			assert_int_equal(plan.total, at);
			assert_int_equal(plan.asked, at + 1);
		}
}

TEST(PF_11_a_source_that_fails_cancels_the_bodies_unless_the_loop_keeps_going)
{
	simulate(0);
	for (int keep_going = 0; keep_going < 2; keep_going++) {
		int64_t start_ns = bide_now_ns();

		begin_plan(12);
		plan.source_fails_at = 4;
		plan.source.error = EPIPE;
		for (int i = 0; i < 12; i++)
			plan.actions[i].delay_ms = 1000;
		assert_int_equal(error_of(run_loop(ITEMS, 8, keep_going)), EPIPE);
		assert_int_equal(bide_now_ns() - start_ns, keep_going ? 1000 * ms : 0);
		for (int i = 0; i < 4; i++)
			assert_int_equal(plan.errors[i], keep_going ? 0 : ECANCELED);
		assert_nothing_left_behind();
	}
}

/* --- cancellation from outside --- */

/* Runs the loop in a context that is canceled after after_ms. */
static int run_canceled(way how, size_t limit, bool keep_going, int after_ms, int with)
{
	bide_context *context =
		bide_context_create(&(bide_context_options){ .timeout_ns = with ? 0 : after_ms * ms });
	value_task value;
	int error;

	assert_non_null(context);
	value = in_context(context, run_loop(how, limit, keep_going));
	if (with) {
		if (bide_value_task_wait_for(value, &(bide_payload){ 0 }, after_ms * ms) != ETIMEDOUT)
			fail();
		bide_context_cancel(context, with);
	}
	error = error_of(value);
	bide_context_unref(context);
	return error;
}

TEST(cancellation_stops_handing_out_and_reaches_the_bodies)
{
	simulate(0);
	for (int how = INDEXES; how < WAYS; how++)
		for (int variant = 0; variant < 4; variant++) {
			bool deadline = variant % 2;
			int64_t start_ns = bide_now_ns();

			begin_plan(100);
			for (int i = 0; i < 100; i++)
				plan.actions[i].delay_ms = i < 6 ? 10 : FOR_EVER;
			assert_int_equal(run_canceled((way)how, 3, variant >= 2, 25, deadline ? 0 : ECANCELED),
			                 deadline ? ETIMEDOUT : ECANCELED);
			assert_int_equal(bide_now_ns() - start_ns, 25 * ms);
			assert_int_equal(plan.total, 9);
			assert_nothing_left_behind();
			for (int i = 0; i < 9; i++)
				assert_int_equal(plan.errors[i], i < 6 ? 0 : deadline ? ETIMEDOUT : ECANCELED);
		}
}

TEST(cancellation_reaches_a_source_that_is_waited_for)
{
	simulate(0);
	begin_plan(10);
	plan.source.delay_ms = FOR_EVER;
	assert_int_equal(run_canceled(ITEMS, 3, false, 25, ECANCELED), ECANCELED);
	assert_int_equal(bide_now_ns(), 25 * ms);
	assert_nothing_left_behind();
	assert_int_equal(plan.asked, 1);
}

TEST(PF_09_cancellation_from_outside_has_priority_over_errors)
{
	simulate(0);
	for (int how = INDEXES; how < WAYS; how++)
		for (int keep_going = 0; keep_going < 2; keep_going++) {
			begin_plan(4);
			plan.ending_ms = 15;
			for (int i = 0; i < 4; i++)
				plan.actions[i].delay_ms = FOR_EVER;
			plan.actions[0] = (action){ .delay_ms = 10, .error = EIO };
			/* The cancellation comes after the error, while bodies are still ending. */
			assert_int_equal(run_canceled((way)how, 4, keep_going, 30, ECANCELED), ECANCELED);
			assert_nothing_left_behind();
			assert_int_equal(plan.errors[0], EIO);
		}
}

struct deaf {
	ASYNC_FRAME;
	struct {
		int takes_ms, error;
	} in;
};

/* Ignores cancellation. */
async(deaf)
{
	async_begin;
async_finally:
	await(delay_ms(my->in.takes_ms));
	if (my->in.error)
		await(value_task_from_error(my->in.error));
	async_end;
}

static value_task deaf_body(int64_t index, void *error)
{
	atomic_fetch_add(&plan.total, 1);
	return async_start(deaf, .takes_ms = 50, .error = index == 1 ? *(int *)error : 0);
}

static int run_deaf(int64_t count, int error)
{
	bide_context *context = bide_context_create(NULL);
	value_task value;

	begin_plan(0);
	value = in_context(context, for_each(0, count, deaf_body, &error,
	                                     &(bide_parallel_options){ .limit = 3 }));
	assert_int_equal(bide_value_task_wait_for(value, NULL, 10 * ms), ETIMEDOUT);
	bide_context_cancel(context, ECANCELED);
	bide_context_unref(context);
	/* The loop waits for every body. */
	assert_int_equal(bide_value_task_wait_for(value, NULL, 10 * ms), ETIMEDOUT);
	return error_of(value);
}

TEST(PF_09_a_canceled_loop_waits_for_its_bodies_and_forgets_their_errors)
{
	simulate(0);
	assert_int_equal(run_deaf(3, EIO), ECANCELED);
	assert_int_equal(plan.total, 3);
	assert_int_equal(run_deaf(4, 0), ECANCELED);
	assert_int_equal(plan.total, 3);
}

TEST(a_loop_that_has_done_everything_succeeds_though_it_was_canceled)
{
	simulate(0);
	assert_int_equal(run_deaf(3, 0), 0);
	assert_int_equal(plan.total, 3);
}

TEST(in_a_canceled_context_nothing_is_called)
{
	bide_context *context = bide_context_create(NULL);

	bide_context_cancel(context, EPIPE);
	for (int how = 0; how < WAYS; how++) {
		begin_plan(5);
		value_task value = in_context(context, run_loop((way)how, 2, true));
		assert_int_equal(value.state, EPIPE);
		assert_int_equal(plan.total, 0);
		assert_int_equal(plan.asked, 0);
	}
	/* With nothing to do, the loop is done. */
	assert_int_equal(in_context(context, parallel_for(3, 3, no_part, NULL, NULL)).state, 0);
	bide_context_unref(context);
}

static int cancel_in_part(int64_t begin, int64_t end, void *context)
{
	(void)end;
	atomic_fetch_add(&plan.total, 1);
	if (begin == 2)
		bide_context_cancel(context, ECANCELED);
	assert_int_equal(bide_context_current_error(), begin >= 2 ? ECANCELED : 0);
	return 0;
}

TEST(a_part_sees_that_its_loop_was_canceled)
{
	bide_context *context = bide_context_create(NULL);
	bide_parallel_options options = { .limit = 1, .grain = 1 };
	value_task value;

	begin_plan(0);
	value = in_context(context, parallel_for(0, 10, cancel_in_part, context, &options));
	assert_int_equal(error_of(value), ECANCELED);
	assert_int_equal(plan.total, 3);
	bide_context_unref(context);
}

static value_task cancel_own_scope(int64_t index, void *argument)
{
	(void)argument;
	atomic_fetch_add(&plan.total, 1);
	if (index == 2)
		bide_context_cancel(bide_context_current(), EPIPE);
	return value_task_completed();
}

TEST(a_body_may_cancel_the_scope_of_the_loop)
{
	bide_parallel_options options = { .limit = 1, .keep_going = true };

	begin_plan(0);
	assert_int_equal(error_of(for_each(0, 10, cancel_own_scope, NULL, &options)), EPIPE);
	assert_int_equal(plan.total, 3);
	assert_int_equal(bide_context_current_error(), 0); /* the context around it goes on */
}

struct in_cleanup {
	ASYNC_FRAME;
};

async(in_cleanup)
{
	async_begin;
	await(delay(BIDE_FOREVER));
async_finally:
	await(run_loop(INDEXES, 2, false));
	await(run_loop(ITEMS, 2, false));
	async_end;
}

TEST(a_loop_in_a_cleanup_is_masked_from_the_cancellation_around_it)
{
	value_task value;

	simulate(0);
	begin_plan(20);
	for (int i = 0; i < 20; i++)
		plan.actions[i].delay_ms = 5;
	value = with_timeout_ms(10, async_start(in_cleanup));
	assert_int_equal(error_of(value), ETIMEDOUT);
	for (int i = 0; i < 20; i++)
		assert_int_equal(plan.ended[i], 2);
}

static value_task next_of_three(void *given)
{
	int *count = given;

	return *count == 3 ? delay(BIDE_FOREVER) : value_task_from(++*count);
}

static value_task take_it(bide_payload item, void *given)
{
	(void)item;
	(void)given;
	return bide_value_task_completed();
}

TEST(no_reason_of_a_cancellation_is_mistaken_for_the_end_of_the_items)
{
	static const int reasons[] = { ECANCELED, ETIMEDOUT, ENOMEM, EINVAL, BIDE_EUSER, BIDE_EEND };

	expect_misuse();
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		bide_context *scope = bide_context_create(NULL);
		int count = 0;
		value_task v =
			bide_in_context(scope, bide_for_each_of(next_of_three, take_it, &count, NULL));

		if (bide_context_cancel(scope, reasons[i])) {
			assert_int_equal(bide_value_task_wait(v, NULL), reasons[i]);
		} else {
			assert_int_equal(reasons[i], BIDE_EEND);
			assert_int_equal(bide_value_task_wait_for(v, NULL, BIDE_MS(2)), ETIMEDOUT);
			assert_true(bide_context_cancel(scope, EIO));
			assert_int_equal(bide_value_task_wait(v, NULL), EIO);
		}
		bide_context_unref(scope);
	}
	assert_int_equal(misuse_count, 1);
}
