/*
 * bide_shutdown inside code that the library calls is misuse and frees nothing, because the library
 * continues below that code. A shutdown also runs the loop of the one worker while it waits for a
 * blocking call that needs it.
 */
/* threads */
#include "support/task_support.h"

static int outcome;
static atomic_bool called;

static void shuts_down(void)
{
	outcome = bide_shutdown(NULL);
	atomic_store(&called, true);
}

/* Asserts that there was one misuse, which names the place, and that the runtime still works. */
static void assert_refused(const char *where)
{
	int64_t got;

	assert_true(atomic_load(&called));
	assert_int_equal(outcome, EDEADLK);
	assert_int_equal(atomic_load(&misuse_count), 1);
	assert_non_null(strstr(misuse_text, "bide_shutdown: called "));
	ASSERT_MISUSE(where);
	assert_int_equal(wait_int(later_value(1000, 3), &got), 0);
	assert_int_equal(got, 3);
	atomic_store(&called, false);
}

static void shuts_down_when_canceled(void *argument)
{
	(void)argument;
	shuts_down();
}

TEST(a_shutdown_in_a_cancellation_callback_is_misuse)
{
	bide_cancel_registration registration;
	bide_cancel_source *source = bide_cancel_source_create();

	catch_misuse();
	assert_true(bide_cancel_token_register(bide_cancel_source_token(source), &registration,
	                                       shuts_down_when_canceled, NULL));
	bide_cancel_source_cancel(source);
	assert_refused("inside a cancellation callback");
	bide_cancel_source_unref(source);
}

TEST(a_shutdown_in_the_callback_of_a_token_that_is_canceled_already_is_misuse)
{
	bide_cancel_registration registration;
	bide_cancel_source *source = bide_cancel_source_create();

	catch_misuse();
	bide_cancel_source_cancel(source);
	assert_false(bide_cancel_token_register(bide_cancel_source_token(source), &registration,
	                                        shuts_down_when_canceled, NULL));
	assert_refused("inside a cancellation callback");
	bide_cancel_source_unref(source);
}

TEST(a_shutdown_in_the_callback_of_a_deadline_is_misuse)
{
	bide_cancel_registration registration;
	bide_cancel_source *source = bide_cancel_source_create();

	catch_misuse();
	assert_true(bide_cancel_token_register(bide_cancel_source_token(source), &registration,
	                                       shuts_down_when_canceled, NULL));
	assert_int_equal(bide_cancel_source_cancel_after(source, MS), 0);
	while (!atomic_load(&called))
		assert_int_equal(wait_int(delay_ms(1), NULL), 0);
	assert_refused("");
	bide_cancel_source_unref(source);
}

static void unobserved(int error, const char *function, bide_trace trace, void *argument)
{
	(void)error;
	(void)function;
	(void)trace;
	(void)argument;
	shuts_down();
}

TEST(a_shutdown_in_the_hook_for_unobserved_errors_is_misuse)
{
	task *failed = task_create(0);

	catch_misuse();
	bide_unobserved_hook_set(unobserved, NULL);
	bide_task_fail(failed, EIO);
	task_unref(failed);
	assert_refused("inside the hook for unobserved errors");
	value_task_forget(later_error(MS, EIO));
	while (!atomic_load(&called))
		assert_int_equal(wait_int(delay_ms(1), NULL), 0);
	assert_int_equal(outcome, EDEADLK);
	bide_unobserved_hook_set(NULL, NULL);
}

static unsigned misuse_calls;

static void misuse(const char *message, void *argument)
{
	(void)message;
	(void)argument;
	misuse_calls++;
	shuts_down();
}

TEST(a_shutdown_in_the_misuse_hook_is_refused_and_the_hook_is_not_called_again)
{
	task_unref(bide_task_from_int(500));
	bide_misuse_hook_set(misuse, NULL);
	assert_int_equal(bide_drain(-1), EINVAL);
	assert_int_equal(misuse_calls, 1);
	assert_int_equal(outcome, EDEADLK);
	catch_misuse();
	assert_int_equal(wait_int(later_value(1000, 3), NULL), 0);
}

static void report(const char *line, void *argument)
{
	(void)line;
	(void)argument;
	shuts_down();
}

TEST(a_shutdown_in_the_report_of_a_shutdown_is_misuse)
{
	value_task leak = later_value(MS, 3);

	(void)leak;
	catch_misuse();
	bide_report_hook_set(report, NULL);
	assert_int_equal(shut_down(), 1);
	bide_report_hook_set(NULL, NULL);
	assert_refused("inside the report hook");
}

static void released(bide_source *source)
{
	(void)source;
	shuts_down();
}

TEST(a_shutdown_in_the_release_function_of_a_source_is_misuse)
{
	static const bide_source_operations operations = { .release = released };
	bide_user_source source;

	catch_misuse();
	bide_user_source_init(&source, &operations);
	bide_user_source_complete(&source, (bide_payload){ .i = 4 });
	assert_int_equal(wait_int(bide_user_source_value_task(&source), NULL), 0);
	assert_refused("inside the release function of a source");
}

static void *allocates(size_t size_bytes, size_t alignment, void *argument)
{
	if (*(bool *)argument) {
		*(bool *)argument = false;
		shuts_down();
	}
	return aligned_alloc(alignment, (size_bytes + alignment - 1) / alignment * alignment);
}

static void releases(void *memory, size_t size_bytes, void *argument)
{
	(void)size_bytes;
	if (*(bool *)argument) {
		*(bool *)argument = false;
		shuts_down();
	}
	free(memory);
}

TEST(a_shutdown_in_the_allocator_is_misuse)
{
	bool now = false;

	if (getenv("BIDE_POOL"))
		SKIP("without the pools a shutdown has nothing to give back");
	catch_misuse();
	assert_int_equal(bide_allocator_set(&(bide_allocator){ allocates, releases, &now }), 0);
	task_unref(bide_task_from_int(500));
	now = true;
	task_unref(bide_task_create(0));
	if (!now) /* tasks of completion sources are allocated individually */
		assert_refused("inside the allocator");
	now = true;
	assert_int_equal(shut_down(), 0); /* calls the allocator */
	assert_false(now);
	assert_refused("inside the allocator");
	assert_int_equal(shut_down(), 0);
}

static value_task shuts_down_in_a_call(void *argument)
{
	(void)argument;
	shuts_down();
	return value_task_from(1);
}

TEST(a_shutdown_in_a_blocking_call_of_a_simulation_is_misuse)
{
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	catch_misuse();
	assert_int_equal(wait_int(bide_run_blocking(shuts_down_in_a_call, NULL), NULL), 0);
	assert_refused("inside a blocking call");
}

static void shuts_down_in_a_continuation(void *argument)
{
	(void)argument;
	shuts_down();
}

TEST(a_shutdown_in_an_on_completed_function_is_misuse)
{
	value_task v = later_value(MS, 3);

	catch_misuse();
	assert_int_equal(bide_value_task_on_completed(v, shuts_down_in_a_continuation, NULL), 0);
	while (!atomic_load(&called))
		assert_int_equal(wait_int(delay_ms(1), NULL), 0);
	assert_refused("");
	assert_int_equal(wait_int(v, NULL), 0);
}

/* --- the one worker runs its loop while it waits for other threads */

static value_task waits_for_a_function(void *argument)
{
	task *t = value_task_as_task(later_value(50 * MS, 5));
	bide_payload got;
	int error;

	atomic_store((atomic_bool *)argument, true);
	error = bide_task_wait(t, &got);
	task_unref(t);
	return error ? bide_value_task_from_error(error) : value_task_from(got.i);
}

TEST(a_shutdown_waits_for_a_call_that_waits_for_an_async_function)
{
	NOT_SEEDED("it needs threads, for calls that block");
	for (int kind = 0; kind < 2; kind++) {
		atomic_bool begun = false;

		value_task_forget(kind ? bide_run_on_new_thread(waits_for_a_function, &begun)
		                       : bide_run_blocking(waits_for_a_function, &begun));
		while (!atomic_load(&begun))
			sched_yield();
		sleep_ms(5);
		assert_int_equal(shut_down(), 0);
	}
}

TEST(a_drain_waits_for_forgotten_calls_too)
{
	NOT_SEEDED("it needs threads, for calls that block");
	for (int kind = 0; kind < 2; kind++) {
		atomic_bool begun = false;

		value_task_forget(kind ? bide_run_on_new_thread(waits_for_a_function, &begun)
		                       : bide_run_blocking(waits_for_a_function, &begun));
		assert_int_equal(bide_drain(BIDE_FOREVER), 0);
		assert_true(atomic_load(&begun));
		assert_none(frame_count);
	}
}

static atomic_int ran;

static value_task logs(void *argument)
{
	(void)argument;
	sleep_ms(5);
	atomic_fetch_add(&ran, 1);
	return value_task_from(0);
}

TEST(a_drain_waits_for_calls_in_the_queue)
{
	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 2 }), 0);
	for (int i = 0; i < 12; i++)
		value_task_forget(bide_run_blocking(logs, NULL));
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	assert_int_equal(atomic_load(&ran), 12);
}
