/*
 * The end of generators: bide_generator_end, the errors of a body, and misuse. Names that begin
 * with AE have the number of the row of docs/behaviours.tsv that they cover.
 */
/* threads */
#include "support/generator_support.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

struct sleeps {
	BIDE_ASYNC_GENERATOR;
};

bide_async_generator(sleeps)
{
	bide_async_begin;
	bide_await(bide_delay(BIDE_FOREVER));
	bide_async_emit(1);
bide_async_finally:
	cleanup_error = bide_async_error;
	bide_await(bide_delay_ms(1)); /* the cleanup is not canceled */
	cleanup_count++;
	bide_async_end;
}

TEST(an_end_stops_a_producer_that_waits)
{
	bide_generator *g = bide_generator_start(sleeps);
	bide_value_task_forget(bide_generator_next(g));
	assert_int_equal(error_of(bide_generator_end(g)), 0);
	assert_int_equal(cleanup_count, 1);
	assert_int_equal(cleanup_error, ECANCELED);
}

TEST(an_end_ends_a_next_that_is_pending)
{
	bide_generator *g = bide_generator_start(sleeps);
	bide_value_task next = bide_generator_next(g);
	bide_value_task ended = bide_generator_end(g);
	assert_int_equal(error_of(next), ECANCELED);
	assert_int_equal(error_of(ended), 0);
	assert_int_equal(cleanup_count, 1);
}

TEST(a_forgotten_end_ends_the_generator)
{
	bide_generator *g = bide_generator_start(sleeps);
	bide_value_task next = bide_generator_next(g);
	bide_value_task_forget(bide_generator_end(g));
	assert_int_equal(error_of(next), ECANCELED);
	while (stats().frame_count)
		assert_int_equal(error_of(bide_delay_ms(1)), 0);
	assert_int_equal(cleanup_count, 1);
}

TEST(the_context_of_the_start_stops_the_producer)
{
	bide_context *context = limits();
	bide_generator *g = bide_in_context(context, bide_generator_start(sleeps));
	bide_value_task next = bide_generator_next(g);
	bide_context_cancel(context, EUSERS);
	bide_context_unref(context);
	assert_int_equal(error_of(next), EUSERS);
	assert_int_equal(cleanup_error, EUSERS);
	assert_int_equal(error_of(bide_generator_next(g)), BIDE_EEND);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
	assert_int_equal(cleanup_count, 1);
}

static int unobserved_error;

static void note_unobserved(int error, const char *function, bide_trace trace, void *argument)
{
	(void)function;
	(void)trace;
	(void)argument;
	unobserved_error = error;
}

/* The body fails while nothing waits for it. */
struct fails {
	BIDE_ASYNC_GENERATOR;
};

bide_async_generator(fails)
{
	bide_async_begin;
	bide_user_source_init(&gate, NULL);
	bide_await(bide_user_source_value_task(&gate));
bide_async_finally:
	bide_async_end;
}

TEST(an_error_that_no_next_has_returned_is_unobserved)
{
	bide_unobserved_hook_set(note_unobserved, NULL);
	bide_generator *g = bide_generator_start(fails);
	bide_value_task_forget(bide_generator_next(g));
	bide_user_source_fail(&gate, EIO);
	settle(0);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
	assert_int_equal(unobserved_error, EIO);
	unobserved_error = 0;
	g = bide_generator_start(fails);
	bide_value_task_forget(bide_generator_next(g));
	bide_value_task ended = bide_generator_end(g);
	bide_user_source_fail(&gate, ENOSPC);
	assert_int_equal(error_of(ended), 0);
	assert_int_equal(unobserved_error, ENOSPC);
	bide_unobserved_hook_set(NULL, NULL);
}

/* A step arrives with an element after the end was asked for. */
TEST(an_end_meets_a_producer_that_emits)
{
	bide_generator *g = bide_generator_start(gated);
	bide_value_task_forget(bide_generator_next(g));
	bide_value_task ended = bide_generator_end(g);
	assert_false(bide_value_task_is_ready(ended));
	bide_user_source_complete_int(&gate, 1);
	assert_int_equal(error_of(ended), 0);
	assert_int_equal(cleanup_error, ECANCELED);
}

/* --- BIDE_EEND in a body --- */

struct reads_too_far {
	BIDE_ASYNC_GENERATOR;
	bide_generator *of;
	int64_t x;
};

bide_async_generator(reads_too_far)
{
	bide_async_begin;
	my->of = bide_generator_start(numbers, .count = 2);
	for (;;) {
		bide_await(my->x, bide_generator_next(my->of));
		bide_async_emit(my->x);
	}
bide_async_finally:
	bide_await(bide_generator_end(my->of));
	bide_async_end;
}

static char reported[256];

static void note_report(const char *line, void *argument)
{
	(void)argument;
	snprintf(reported, sizeof reported, "%s", line);
}

TEST(an_end_that_escapes_from_a_body_is_an_error_and_debug_mode_names_it)
{
	setenv("BIDE_DEBUG", "1", 1);
	bide_report_hook_set(note_report, NULL);
	bide_generator *g = bide_generator_start(reads_too_far);
	assert_int_equal(error_of(sum_of(g, -1)), EPIPE);
	assert_non_null(strstr(reported, "reads_too_far"));
	assert_non_null(strstr(reported, "EPIPE"));
	bide_report_hook_set(NULL, NULL);
}

TEST(AE_05_an_end_runs_the_cleanup_once_also_behind_the_end_of_the_body)
{
	bide_generator *g = bide_generator_start(numbers, .waits_in_cleanup = true);
	assert_int_equal(error_of(bide_generator_next(g)), BIDE_EEND);
	assert_int_equal(cleanup_count, 1);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
	assert_int_equal(cleanup_count, 1);
}

/* --- misuse --- */

TEST(misuse_of_a_generator)
{
	expect_misuse();
	bide_generator *g = bide_generator_start(gated);
	bide_value_task next = bide_generator_next(g), second;
	MISUSE(second = bide_generator_next(g), "bide_generator_next", "is pending still");
	assert_int_equal(error_of(second), EBUSY);
	bide_value_task ended = bide_generator_end(g);
	MISUSE(second = bide_generator_next(g), "bide_generator_next", "was ended before");
	assert_int_equal(error_of(second), EINVAL);
	MISUSE(second = bide_generator_end(g), "bide_generator_end", "was ended before");
	assert_int_equal(error_of(second), EINVAL);
	assert_int_equal(error_of(next), ECANCELED);
	bide_user_source_complete_int(&gate, 0);
	assert_int_equal(error_of(ended), 0);
}

static int first_end_line;

struct ends_twice {
	BIDE_ASYNC_FRAME;
	struct {
		int64_t stop; /* the element at which it ends the generator first */
		bool waits_in_cleanup;
	} in;
	bide_generator *all;
	int64_t x;
};

bide_async(ends_twice)
{
	bide_async_begin;
	my->all =
		bide_generator_start(numbers, .count = 3, .waits_in_cleanup = my->in.waits_in_cleanup);
	bide_await_each(my->x, my->all) {
		if (my->x == my->in.stop)
			break;
	}
	first_end_line = __LINE__ + 1;
	bide_await(bide_generator_end(my->all));
	bide_async_return(1);
bide_async_finally:
	bide_await(bide_generator_end(my->all));
	bide_async_end;
}

TEST(a_second_end_after_the_generator_was_freed_is_misuse)
{
	char first[64];

	if (getenv("BIDE_POOL"))
		SKIP("without pools the freed memory says nothing");
	expect_misuse();
	for (int i = 0; i < 4; i++) {
		misuse_count = 0;
		bide_value_task v =
			bide_async_start(ends_twice, .stop = i % 2 ? 1 : 9, .waits_in_cleanup = i / 2);
		(void)bide_value_task_wait(v, NULL);
		assert_int_equal(misuse_count, 1);
		assert_non_null(strstr(misuse_text, "bide_generator_end: the generator numbers was ended"));
		snprintf(first, sizeof first, "test_generator_end.c:%d in ends_twice", first_end_line);
#ifndef BIDE_COMPUTED_GOTO /* with which a function's own line is not known */
		assert_non_null(strstr(misuse_text, first));
#endif
	}
	assert_int_equal(cleanup_count, 4);
}

struct asks_itself {
	BIDE_ASYNC_GENERATOR;
	int64_t x;
};

bide_async_generator(asks_itself)
{
	bide_async_begin;
	bide_await(my->x, bide_generator_next(&my->BIDE_FRAME_MEMBER_));
bide_async_finally:
	bide_await(bide_generator_end(&my->BIDE_FRAME_MEMBER_));
	bide_async_end;
}

TEST(a_generator_that_asks_or_ends_itself_is_misuse)
{
	expect_misuse();
	bide_generator *g = bide_generator_start(asks_itself);
	assert_int_equal(error_of(bide_generator_next(g)), EDEADLK);
	assert_int_equal(misuse_count, 2);
	assert_non_null(strstr(misuse_text, "may not end itself"));
	assert_int_equal(error_of(bide_generator_end(g)), 0);
}

struct emits_late {
	BIDE_ASYNC_GENERATOR;
};

bide_async_generator(emits_late)
{
	bide_async_begin;
bide_async_finally:
	bide_async_emit(1);
	cleanup_count++;
	bide_async_end;
}

TEST(an_emit_in_the_cleanup_is_misuse)
{
	expect_misuse();
	bide_generator *g = bide_generator_start(emits_late);
	assert_int_equal(error_of(bide_generator_next(g)), BIDE_EEND);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "bide_async_emit: it stands in the cleanup of emits_late"));
	assert_int_equal(error_of(bide_generator_end(g)), 0);
	assert_int_equal(cleanup_count, 1);
}

/* With one worker, other threads may not call them. */
static void *call_elsewhere(void *argument)
{
	assert_int_equal(error_of(bide_generator_next(argument)), EINVAL);
	assert_int_equal(error_of(bide_generator_end(argument)), EINVAL);
	return NULL;
}

TEST(with_one_worker_a_call_on_another_thread_is_misuse)
{
	pthread_t thread;
	one_worker();
	expect_misuse();
	bide_generator *g = bide_generator_start(numbers, .count = 1);
	assert_int_equal(pthread_create(&thread, NULL, call_elsewhere, g), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(misuse_count, 2);
	assert_int_equal(result_of(bide_generator_next(g)), 0);
	assert_int_equal(error_of(bide_generator_end(g)), 0);
}
