/*
 * Messages of misuse name the place where the call stands in the user's source.
 */
#include <errno.h>
#include <string.h>

#include "support/library.h"

#include <bide/bide.h>
#include <bide/short.h>

TEST(a_message_names_the_function_that_was_called_and_its_place)
{
	bide_group group;

	expect_misuse();
	MISUSE((void)!bide_group_init(NULL, 0), "bide_group_init", "");
	MISUSE((void)bide_delay(-1).state, "bide_delay", "");
	MISUSE((void)bide_group_wait(NULL).state, "bide_group_wait", "");
	MISUSE(bide_cancel_source_cancel(NULL), "bide_cancel_source_cancel", "");
	MISUSE(bide_drain(-1), "bide_drain", "");
	MISUSE((void)bide_for_each(0, 1, NULL, NULL, NULL).state, "bide_for_each", "");
	MISUSE((void)bide_race(NULL, NULL, 1).state, "bide_race", "");
	assert_int_equal(bide_group_init(&group, 0), 0);
	assert_int_equal(bide_value_task_wait(bide_group_wait(&group), NULL), 0);
	MISUSE((void)bide_group_wait(&group).state, "bide_group_wait", "");
}

static void ignore(void *unused)
{
	(void)unused;
}

TEST(a_call_as_an_argument_keeps_the_place_of_the_outer_call)
{
	char text[BIDE_ADDRESS_TEXT_BYTES];
	bide_stream *one, *other;
	bide_address address;

	assert_int_equal(bide_stream_pipe(&one, &other), 0);
	assert_int_equal(bide_address_parse(&address, "127.0.0.1:80", NULL), 0);
	expect_misuse();
	MISUSE((void)bide_stream_read(one, NULL, 1 + bide_stream_written(other)).state,
	       "bide_stream_read", "to is NULL");
	MISUSE((void)stream_read(stream_object(other, NULL) ? other : one, NULL,
	                         1 + stream_available(one) + stream_written(other))
	           .state,
	       "bide_stream_read", "to is NULL");
	MISUSE((void)address_text(NULL, text, (size_t)address_port(&address)), "bide_address_text",
	       "address is NULL");
	MISUSE((void)bide_delay(bide_stream_written(one) ? 0 : -1).state, "bide_delay", "");
	bide_stream_close(one);
	bide_stream_close(other);
}

TEST(a_token_as_an_argument_keeps_the_place_of_the_outer_call)
{
	cancel_source *source = cancel_source_create();

	assert_non_null(source);
	expect_misuse();
	MISUSE(cancel_token_register(cancel_source_token(source), NULL, ignore, NULL),
	       "bide_cancel_token_register", "");
	MISUSE(assert_null(context_create(
			   &(context_options){ .token = cancel_source_token(source), .timeout_ns = -1 })),
	       "bide_context_create", "");
	MISUSE((void)cancel_source_token(NULL), "bide_cancel_source_token", "");
	cancel_source_unref(source);
}

/* The short names are macros that expand to macros. */
TEST(a_call_by_its_short_name_has_a_place_too)
{
	expect_misuse();
	MISUSE((void)task_status(NULL), "bide_task_status", "");
	MISUSE((void)delay_ms(-1).state, "bide_delay_ms", "");
}

TEST(a_place_left_by_another_call_is_not_shown)
{
	task *t = task_create(0);

	expect_misuse();
	task_unref(t); /* notes its place */
	misuse_count = 0;
	(void)(bide_task_status)(NULL); /* notes no place */
	assert_int_equal(misuse_count, 1);
	assert_string_equal(misuse_text, "bide_task_status: task is NULL");
	MISUSE((void)bide_task_status(NULL), "bide_task_status", "");
	(void)(bide_task_status)(NULL); /* the noted place was already used */
	assert_string_equal(misuse_text, "bide_task_status: task is NULL");
}

TEST(functions_that_note_their_place_can_be_used_as_pointers)
{
	task *(*create)(const bide_task_options *) = bide_task_create;
	void (*unref)(task *) = &bide_task_unref;
	struct {
		bide_value_task (*delay)(int64_t); /* a member that short.h renames to bide_delay */
	} driver = { bide_delay };
	task *t = create(NULL);

	assert_non_null(t);
	unref(t);
	assert_int_equal(result_of(driver.delay(0)), 0);
}

struct misuses_a_task {
	ASYNC_FRAME;
};

async(misuses_a_task)
{
	async_begin;
	(void)(bide_task_status)(NULL);
	async_return(0);
async_finally:
	async_end;
}

TEST(without_a_note_a_message_names_the_async_function_that_runs)
{
	expect_misuse();
	assert_int_equal(result_of(async_start(misuses_a_task)), 0);
	assert_non_null(strstr(misuse_text, "bide_task_status: task is NULL (in the async function "
	                                    "misuses_a_task, " __FILE__ ":"));
}

struct misuses_with_a_note {
	ASYNC_FRAME;
};

async(misuses_with_a_note)
{
	async_begin;
	(void)bide_task_status(NULL);
	async_return(0);
async_finally:
	async_end;
}

TEST(a_place_in_an_async_function_has_the_name_of_the_function)
{
	expect_misuse();
	assert_int_equal(result_of(async_start(misuses_with_a_note)), 0);
	assert_non_null(strstr(misuse_text, " in misuses_with_a_note)"));
}

static value_task misuses_in_a_run(void *unused)
{
	(void)unused;
	(void)(bide_task_status)(NULL);
	return value_task_from(0);
}

TEST(without_a_note_a_message_names_the_call_that_called_the_function)
{
	expect_misuse();
	assert_int_equal(result_of(run(misuses_in_a_run, NULL)), 0);
	assert_string_equal(misuse_text, "bide_task_status: task is NULL (called by bide_run)");
}

static int gives_a_negative_error(int64_t begin, int64_t end, void *unused)
{
	(void)begin;
	(void)end;
	(void)unused;
	return -EIO;
}

TEST(a_message_does_not_name_a_place_in_the_library)
{
	expect_misuse();
	assert_int_equal(value_task_wait(parallel_for(0, 1, gives_a_negative_error, NULL, NULL), NULL),
	                 EINVAL);
	assert_string_equal(misuse_text,
	                    "the body of bide_parallel_for: error is -5; 1 to 4095 are allowed");
}

/* Does the same in an async function, which the message must name. */
#define MISUSE_IN_FUNCTION(statement, function)                                   \
	do {                                                                          \
		misuse_text[0] = '\0';                                                    \
		statement;                                                                \
		assert_int_equal(strncmp(misuse_text, function ":", sizeof function), 0); \
		assert_non_null(strstr(misuse_text, "(at " __FILE__ ":"));                \
		assert_non_null(strstr(misuse_text, " in waits_inside)"));                \
	} while (0)

struct waits_inside {
	ASYNC_FRAME;
	task *gate;
	value_task waiting;
};

async(waits_inside)
{
	async_begin;
	my->gate = task_create(NULL);
	my->waiting = task_await(my->gate);
	MISUSE_IN_FUNCTION(assert_int_equal(bide_task_wait_for(my->gate, NULL, 0), EDEADLK),
	                   "bide_task_wait_for");
	MISUSE_IN_FUNCTION(assert_int_equal(bide_task_wait(my->gate, NULL), EDEADLK), "bide_task_wait");
	MISUSE_IN_FUNCTION(assert_int_equal(value_task_wait_for(my->waiting, NULL, 0), EDEADLK),
	                   "bide_value_task_wait_for");
	MISUSE_IN_FUNCTION(assert_int_equal(value_task_wait(my->waiting, NULL), EDEADLK),
	                   "bide_value_task_wait");
	bide_task_complete_int(my->gate, 1);
	await(my->waiting);
async_finally:
	task_unref(my->gate);
	async_end;
}

TEST(a_wait_with_a_limit_is_reported_by_its_own_name)
{
	expect_misuse();
	assert_int_equal(result_of(async_start(waits_inside)), 0);
}

static value_task waits_in_a_continuation(task *ended, void *unused)
{
	(void)unused;
	return value_task_from(bide_task_wait(ended, NULL));
}

TEST(a_wait_in_a_continuation_is_reported_by_the_call_that_made_it)
{
	task *ended = task_from(1), *continued;

	expect_misuse();
	continued = task_continue_with(ended, waits_in_a_continuation, NULL, NULL);
	assert_int_equal(bide_task_wait(continued, NULL), 0);
	assert_int_equal(task_result(continued).i, EDEADLK);
	assert_non_null(strstr(misuse_text, "inside the async function bide_task_continue_with,"));
	task_unref(continued);
	task_unref(ended);
}

TEST(bide_group_wait_reporting_and_bide_value_task_await_for_are_reported_by_their_names)
{
	task *gate = task_create(NULL);
	value_task item = task_await(gate), all;
	bide_group none = { 0 };

	expect_misuse();
	MISUSE((void)bide_group_wait_reporting(&none, 1).state, "bide_group_wait_reporting", "");
	all = bide_when_all(&item, 1);
	{
		value_task awaited = { .payload.generation = item.payload.generation, .state = item.state };
		MISUSE(awaited = bide_value_task_await_for(awaited, 1), "bide_value_task_await_for", "");
		assert_int_equal(value_task_error(awaited), BIDE_ESTALE);
	}
	bide_task_complete_int(gate, 1);
	assert_int_equal(value_task_wait(all, NULL), 0);
	task_unref(gate);
}
