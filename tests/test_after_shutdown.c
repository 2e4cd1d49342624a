/*
 * Objects and value tasks that were made before a shutdown and are used after it. Each use is
 * misuse: the message names the object, and the call has no effect if the hook returns. An
 * object in the user's memory can be initialised again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bide/bide.h>
#include <bide/short.h>

#include "support/library.h"

/* Asserts that the statement is one misuse of the function, with a message about the shutdown. */
#define OF_BEFORE(statement, function)                                             \
	do {                                                                           \
		misuse_count = 0;                                                          \
		misuse_text[0] = '\0';                                                     \
		statement;                                                                 \
		if (misuse_count != 1 ||                                                   \
		    strncmp(misuse_text, function ": ", sizeof(function ": ") - 1) != 0 || \
		    !strstr(misuse_text, "before bide_shutdown")) {                        \
			print_error("%u misuses, the last: %s\n", misuse_count, misuse_text);  \
			fail();                                                                \
		}                                                                          \
	} while (0)

static void ignore_line(const char *line, void *argument)
{
	(void)line;
	(void)argument;
}

struct later_value {
	ASYNC_FRAME;
	struct {
		int64_t delay_ns, value;
	} in;
};

async(later_value)
{
	async_begin;
	await(delay(my->in.delay_ns));
	async_return(my->in.value);
async_finally:
	async_end;
}

static value_task later_value(int64_t delay_ns, int64_t value)
{
	return async_start(later_value, .delay_ns = delay_ns, .value = value);
}

/* Shuts down without counting the leaks, because some of the objects are not leaks. */
static void shut_down_with_leaks(void)
{
	settle_workers();
	bide_report_hook_set(ignore_line, NULL);
	assert_int_equal(bide_shutdown(NULL), 0);
	bide_report_hook_set(NULL, NULL);
	expect_misuse();
}

/* Checks that the runtime works and that nothing is left in use. */
void test_after_each(void)
{
	bide_misuse_hook_set(NULL, NULL);
	assert_int_equal(result_of(later_value(1000, 3)), 3);
	assert_int_equal(shut_down(), 0);
}

/*
 * The second round of each test runs after the runtime has started again, when its memory may be in
 * use again.
 */
static void restart(int round)
{
	if (round == 1)
		assert_int_equal(result_of(later_value(1000, 3)), 3);
}

struct waiting {
	ASYNC_FRAME;
	struct {
		value_task on;
	} in;
};

async(waiting)
{
	async_begin;
	await(my->in.on);
async_finally:
	async_end;
}

static void never(void *argument)
{
	(void)argument;
	fail();
}

TEST(a_context_from_before_is_misuse)
{
	for (int round = 0; round < 2; round++) {
		bide_context *context = bide_context_create(NULL), *below;
		bide_context_options options = { .parent = context };

		shut_down_with_leaks();
		restart(round);
		OF_BEFORE(assert_ptr_equal(bide_context_ref(context), context), "bide_context_ref");
		OF_BEFORE(assert_false(bide_context_cancel(context, ECANCELED)), "bide_context_cancel");
		OF_BEFORE(assert_int_equal(bide_context_error(context), EINVAL), "bide_context_error");
		OF_BEFORE(below = bide_context_create(&options), "bide_context_create");
		assert_null(below);
		OF_BEFORE(assert_int_equal(result_of(in_context(context, value_task_from(3))), 3),
		          "bide_in_context");
		OF_BEFORE(bide_context_unref(context), "bide_context_unref");
		OF_BEFORE(bide_context_unref(context), "bide_context_unref");
	}
}

TEST(a_deadline_from_before_never_fires)
{
	bide_context *context =
		bide_context_create(&(bide_context_options){ .timeout_ns = BIDE_MS(1) });

	shut_down_with_leaks();
	assert_int_equal(result_of(later_value(BIDE_MS(3), 3)), 3);
	OF_BEFORE(assert_int_equal(bide_context_error(context), EINVAL), "bide_context_error");
}

TEST(a_cancel_source_from_before_is_misuse)
{
	for (int round = 0; round < 2; round++) {
		bide_cancel_source *source = bide_cancel_source_create();
		bide_cancel_token token;

		assert_int_equal(bide_cancel_source_cancel_after(source, BIDE_SECONDS(1)), 0);
		shut_down_with_leaks();
		restart(round);
		OF_BEFORE(assert_ptr_equal(bide_cancel_source_ref(source), source),
		          "bide_cancel_source_ref");
		OF_BEFORE(assert_false(bide_cancel_source_cancel(source)), "bide_cancel_source_cancel");
		OF_BEFORE(assert_false(bide_cancel_source_is_canceled(source)),
		          "bide_cancel_source_is_canceled");
		OF_BEFORE(assert_int_equal(bide_cancel_source_cancel_after(source, 5), EINVAL),
		          "bide_cancel_source_cancel_after");
		OF_BEFORE(assert_false(bide_cancel_source_try_reset(source)),
		          "bide_cancel_source_try_reset");
		OF_BEFORE(token = bide_cancel_source_token(source), "bide_cancel_source_token");
		assert_false(bide_cancel_token_can_be_canceled(token));
		OF_BEFORE(bide_cancel_source_unref(source), "bide_cancel_source_unref");
	}
}

TEST(a_registration_from_before_is_removed)
{
	for (int round = 0; round < 2; round++) {
		bide_cancel_source *source = bide_cancel_source_create();
		bide_cancel_registration registration;

		assert_true(bide_cancel_token_register(bide_cancel_source_token(source), &registration,
		                                       never, NULL));
		shut_down_with_leaks();
		restart(round);
		assert_false(bide_cancel_registration_unregister_wait(&registration));
		source = bide_cancel_source_create();
		assert_true(bide_cancel_token_register(bide_cancel_source_token(source), &registration,
		                                       never, NULL));
		assert_true(bide_cancel_registration_unregister(&registration));
		bide_cancel_source_unref(source);
		assert_int_equal(misuse_count, 0);
	}
}

TEST(an_executor_from_before_is_misuse)
{
	for (int round = 0; round < 2; round++) {
		bide_executor *strand = bide_strand_create(), *loop = bide_loop_create();
		int fd = -1;

		shut_down_with_leaks();
		restart(round);
		OF_BEFORE(bide_executor_ref(strand), "bide_executor_ref");
		OF_BEFORE(assert_int_equal(error_of(with_executor(strand, later_value(1, 1))), EINVAL),
		          "bide_with_executor");
		OF_BEFORE(bide_executor_unref(strand), "bide_executor_unref");
		OF_BEFORE(assert_int_equal(bide_loop_run(loop, 0, NULL), EINVAL), "bide_loop_run");
		OF_BEFORE(assert_int_equal(bide_loop_fd(loop, &fd), EINVAL), "bide_loop_fd");
		OF_BEFORE(assert_int_equal(bide_loop_adopt(loop), EINVAL), "bide_loop_adopt");
		OF_BEFORE(bide_executor_unref(loop), "bide_executor_unref");
	}
}

TEST(a_periodic_timer_from_before_is_misuse)
{
	/* Never given back; kept here so that leak checkers find it. */
	static bide_periodic_timer *volatile lost[2];

	for (int round = 0; round < 2; round++) {
		bide_periodic_timer *timer = lost[round] = bide_periodic_timer_create(BIDE_SECONDS(1));

		shut_down_with_leaks();
		restart(round);
		OF_BEFORE(assert_int_equal(error_of(bide_periodic_timer_next(timer)), EINVAL),
		          "bide_periodic_timer_next");
		OF_BEFORE(assert_int_equal(bide_periodic_timer_set_period(timer, 5), EINVAL),
		          "bide_periodic_timer_set_period");
		OF_BEFORE(bide_periodic_timer_stop(timer), "bide_periodic_timer_stop");
		OF_BEFORE(bide_periodic_timer_destroy(timer), "bide_periodic_timer_destroy");
	}
}

TEST(the_task_of_a_function_from_before_is_misuse)
{
	for (int round = 0; round < 2; round++) {
		bide_task *pending = value_task_as_task(later_value(BIDE_SECONDS(1), 1));
		bide_task *gate = bide_task_create(NULL);
		bide_task *over = value_task_as_task(async_start(waiting, .on = bide_task_await(gate)));

		bide_task_complete_int(gate, 1);
		bide_task_unref(gate);
		assert_int_equal(error_of(bide_task_await(over)), 0);
		shut_down_with_leaks();
		restart(round);
		for (int i = 0; i < 2; i++) {
			bide_task *task = i ? over : pending;

			OF_BEFORE(bide_task_ref(task), "bide_task_ref");
			OF_BEFORE(assert_int_equal(bide_task_status(task), BIDE_FAILED), "bide_task_status");
			OF_BEFORE(assert_int_equal(error_of(bide_task_await(task)), EINVAL), "bide_task_await");
			OF_BEFORE(bide_task_unref(task), "bide_task_unref");
		}
	}
}

TEST(a_task_that_was_allocated_lives_on)
{
	bide_task *task = bide_task_create(NULL);

	value_task_forget(async_start(waiting, .on = bide_task_await(task)));
	shut_down_with_leaks();
	assert_int_equal(bide_task_status(task), BIDE_PENDING);
	bide_task_complete_int(task, 5);
	assert_int_equal(result_of(bide_task_await(task)), 5);
	bide_task_unref(task);
	assert_int_equal(misuse_count, 0);
}

TEST(a_value_task_from_before_is_misuse)
{
	for (int round = 0; round < 2; round++) {
		value_task function = later_value(BIDE_SECONDS(1), 1), timer = delay(BIDE_SECONDS(1));
		bide_task *gate = bide_task_create(NULL);
		value_task over = async_start(waiting, .on = bide_task_await(gate));

		bide_task_complete_int(gate, 1);
		bide_task_unref(gate);
		settle(0);
		shut_down_with_leaks();
		restart(round);
		OF_BEFORE(assert_int_equal(error_of(function), BIDE_ESTALE), "bide_value_task_wait");
		OF_BEFORE(assert_int_equal(error_of(timer), BIDE_ESTALE), "bide_value_task_wait");
		OF_BEFORE(assert_int_equal(error_of(over), BIDE_ESTALE), "bide_value_task_wait");
		OF_BEFORE(value_task_forget(function), "bide_value_task_forget");
		OF_BEFORE(assert_int_equal(error_of(async_start(waiting, .on = timer)), BIDE_ESTALE),
		          "bide_await");
	}
}

TEST(a_group_from_before_is_misuse_and_can_be_initialised_again)
{
	for (int round = 0; round < 2; round++) {
		bide_group group;

		assert_int_equal(bide_group_init(&group, NULL), 0);
		bide_group_add(&group, later_value(BIDE_SECONDS(1), 1));
		shut_down_with_leaks();
		restart(round);
		OF_BEFORE(bide_group_add(&group, value_task_from(1)), "bide_group_add");
		OF_BEFORE(bide_group_cancel(&group), "bide_group_cancel");
		OF_BEFORE(assert_null(bide_group_context(&group)), "bide_group_context");
		OF_BEFORE(assert_int_equal(bide_group_pending(&group), 0), "bide_group_pending");
		OF_BEFORE(assert_int_equal(error_of(bide_group_wait(&group)), EINVAL), "bide_group_wait");
		assert_int_equal(bide_group_init(&group, NULL), 0);
		bide_group_add(&group, later_value(1, 1));
		assert_int_equal(error_of(bide_group_wait(&group)), 0);
	}
}

TEST(a_when_each_from_before_is_misuse)
{
	for (int round = 0; round < 2; round++) {
		value_task items[2] = { delay(BIDE_SECONDS(1)), delay(BIDE_SECONDS(2)) };
		bide_when_each each;

		assert_int_equal(bide_when_each_init(&each, items, 2), 0);
		shut_down_with_leaks();
		restart(round);
		OF_BEFORE(assert_int_equal(error_of(bide_when_each_next(&each)), EINVAL),
		          "bide_when_each_next");
		OF_BEFORE(assert_int_equal(error_of(bide_when_each_end(&each)), EINVAL),
		          "bide_when_each_end");
	}
}

TEST(a_user_source_awaited_before_is_misuse_until_it_is_reset)
{
	for (int round = 0; round < 2; round++) {
		bide_user_source source;

		bide_user_source_init(&source, NULL);
		value_task_forget(async_start(waiting, .on = bide_user_source_value_task(&source)));
		shut_down_with_leaks();
		restart(round);
		OF_BEFORE(bide_user_source_complete_int(&source, 1), "bide_user_source_complete_int");
		OF_BEFORE(assert_false(bide_user_source_try_cancel(&source)),
		          "bide_user_source_try_cancel");
		if (round == 0)
			bide_user_source_reset(&source);
		else
			bide_user_source_init(&source, NULL);
		bide_user_source_complete_int(&source, 2);
		assert_int_equal(result_of(bide_user_source_value_task(&source)), 2);
	}
}

TEST(a_user_source_that_was_not_awaited_remains_usable)
{
	bide_user_source source;
	value_task v;

	bide_user_source_init(&source, NULL);
	v = bide_user_source_value_task(&source);
	shut_down_with_leaks();
	bide_user_source_complete_int(&source, 2);
	assert_int_equal(result_of(v), 2);
	assert_int_equal(misuse_count, 0);
}

TEST(memory_does_not_grow_over_many_lives_with_leaks)
{
	if (getenv("BIDE_TEST_VALGRIND"))
		SKIP("slow");
	for (int life = 0; life < 300; life++) {
		assert_non_null(bide_context_create(NULL));
		shut_down_with_leaks();
		assert_int_equal(stats().live_bytes, 0);
	}
}
