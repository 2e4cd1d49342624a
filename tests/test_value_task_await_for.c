/*
 * value_task_await_for stops waiting for an operation that cannot be interrupted.
 */
/* threads */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "support/later.h"
#include "support/library.h"
#include "support/limited_memory.h"

static atomic_int unobserved_count, unobserved_error;

static void note_unobserved(int error, const char *function, bide_trace trace, void *argument)
{
	(void)function;
	(void)trace;
	(void)argument;
	atomic_store(&unobserved_error, error);
	atomic_fetch_add(&unobserved_count, 1);
}

void test_after_each(void)
{
	assert_nothing_in_use();
}

TEST(an_operation_in_time_gives_its_outcome)
{
	for (int yields = 0; yields < 3; yields++) {
		assert_int_equal(result_of(value_task_await_for(later(yields, 7), BIDE_SECONDS(60))), 7);
		assert_int_equal(error_of(value_task_await_for(failing(yields, EIO), BIDE_SECONDS(60))),
		                 EIO);
		assert_int_equal(result_of(value_task_await_for(later(yields, 7), BIDE_FOREVER)), 7);
	}
	assert_int_equal(result_of(value_task_await_for(value_task_from(5), 0)), 5);
	assert_int_equal(error_of(value_task_await_for(async_yield(), BIDE_SECONDS(60))), 0);
	assert_none(timer_count);
	assert_int_equal(stats().unobserved_count, 0);
}

TEST(after_the_limit_the_operation_goes_on_and_its_error_is_unobserved)
{
	bide_task *gate = bide_task_create(NULL);

	bide_unobserved_hook_set(note_unobserved, NULL);
	for (int i = 0; i < 3; i++) {
		value_task slow = async_start(later, .gate = gate, .value = 5, .error = i ? EIO : 0);

		assert_int_equal(error_of(value_task_await_for(slow, i == 2 ? 0 : BIDE_MS(1))), ETIMEDOUT);
	}
	settle_workers();
	assert_int_equal(stats().frame_count, 3);
	assert_int_equal(atomic_load(&unobserved_count), 0);
	bide_task_complete_int(gate, 1);
	bide_task_unref(gate);
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	settle(0);
	assert_int_equal(atomic_load(&unobserved_count), 2);
	assert_int_equal(atomic_load(&unobserved_error), EIO);
}

TEST(a_cancellation_ends_the_wait_at_once_and_not_the_operation)
{
	static const int64_t limits[] = { BIDE_FOREVER, BIDE_SECONDS(3600), 0 };

	for (int i = 0; i < 3; i++) {
		for (int before = 0; before < 2; before++) {
			bide_context *scope = bide_context_create(NULL);
			bide_task *gate = bide_task_create(NULL);
			value_task slow = async_start(later, .gate = gate, .value = 5), wait;

			if (before)
				bide_context_cancel(scope, EPIPE);
			wait = in_context(scope, value_task_await_for(slow, limits[i]));
			if (!before)
				bide_context_cancel(scope, EPIPE);
			assert_int_equal(error_of(wait), limits[i] == 0 && !before ? ETIMEDOUT : EPIPE);
			settle_workers();
			assert_int_equal(stats().frame_count, 1);
			assert_none(timer_count);
			bide_task_complete_int(gate, 1);
			bide_task_unref(gate);
			assert_int_equal(bide_drain(BIDE_FOREVER), 0);
			bide_context_unref(scope);
		}
	}
}

TEST(a_completed_operation_has_priority_over_cancellation_and_a_limit_of_zero)
{
	bide_context *scope = bide_context_create(NULL);

	bide_context_cancel(scope, ECANCELED);
	assert_int_equal(result_of(in_context(scope, value_task_await_for(value_task_from(5), 0))), 5);
	bide_context_unref(scope);
}

static value_task block_until(void *gate)
{
	while (!atomic_load((atomic_bool *)gate))
		sched_yield();
	return value_task_from(3);
}

TEST(a_wait_for_a_stuck_blocking_call_times_out)
{
	static atomic_bool gate; /* static, as the call outlives the wait */

	NOT_SEEDED("a simulation runs the call on the worker");
	needs_threads();
	assert_int_equal(error_of(value_task_await_for(run_blocking(block_until, &gate), BIDE_MS(5))),
	                 ETIMEDOUT);
	atomic_store(&gate, true);
	assert_int_equal(result_of(
						 value_task_await_for(run_blocking(block_until, &gate), BIDE_SECONDS(60))),
	                 3);
	while (stats().operation_count > 0)
		settle(0);
}

struct gives_up {
	ASYNC_FRAME;
	struct {
		bide_task *gate;
	} in;
	int64_t got;
	int error;
};

async(gives_up)
{
	async_begin;
	await_or(my->got,
	         value_task_await_for(async_start(later, .gate = my->in.gate, .value = 5), BIDE_MS(1)),
	         my->error = await_error);
	assert_int_equal(my->error, ETIMEDOUT);
	bide_task_complete_int(my->in.gate, 1);
	await(my->got,
	      value_task_await_for(async_start(later, .gate = my->in.gate, .value = 5), BIDE_FOREVER));
	async_return(my->got);
async_finally:
	async_end;
}

TEST(an_async_function_stops_waiting_and_continues)
{
	bide_task *gate = bide_task_create(NULL);

	assert_int_equal(result_of(async_start(gives_up, .gate = gate)), 5);
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	bide_task_unref(gate);
}

TEST(without_memory_the_wait_ends_at_once)
{
	bide_task *gate;
	value_task slow, wait;

	limit_objects();
	gate = bide_task_create(NULL);
	slow = async_start(later, .gate = gate, .value = 5);
	settle(0);
	allowed_allocations = 0;
	wait = value_task_await_for(slow, BIDE_SECONDS(60));
	allowed_allocations = -1;
	bide_task_complete_int(gate, 1);
	assert_int_equal(error_of(wait), ENOMEM);
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	bide_task_unref(gate);
}

TEST(misuse_names_the_call_and_consumes_nothing)
{
	value_task v = later(1, 7);

	expect_misuse();
	assert_int_equal(error_of(value_task_await_for(v, -1)), EINVAL);
	assert_non_null(strstr(misuse_text, "bide_value_task_await_for: timeout_ns is -1;"));
	assert_non_null(strstr(misuse_text, "test_value_task_await_for.c"));
	assert_int_equal(result_of(v), 7);
	if (getenv("BIDE_POOL"))
		SKIP("stale value tasks are caught in pool memory only");
	assert_int_equal(error_of(value_task_await_for(v, BIDE_SECONDS(1))), BIDE_ESTALE);
	assert_non_null(strstr(misuse_text, "bide_value_task_await_for: this value task"));
	assert_int_equal(misuse_count, 2);
}
