/*
 * bide_value_task_as_task: a value task of every kind becomes a task.
 */
#include "support/task_support.h"

struct passes_on {
	ASYNC_FRAME;
	struct {
		value_task what;
	} in;
};

async(passes_on)
{
	async_begin;
	async_return(my->in.what);
async_finally:
	async_end;
}

#define ASSERT_SAME_OBJECTS(a, b)                                     \
	do {                                                              \
		assert_int_equal((a).allocation_count, (b).allocation_count); \
		assert_int_equal((a).frame_count, (b).frame_count);           \
		assert_int_equal((a).operation_count, (b).operation_count);   \
		assert_int_equal((a).task_count, (b).task_count);             \
	} while (0)

TEST(a_pending_function_becomes_a_task_without_a_second_object)
{
	task *gate = task_create(0);
	value_task v = await_it(gate, NULL, 0);
	bide_stats before = stats(), after;
	task *t = value_task_as_task(v);
	bide_payload got;

	after = stats();
	ASSERT_SAME_OBJECTS(before, after);
	assert_int_equal(after.frame_count, 1);
	bide_task_complete_int(gate, 11);
	task_unref(gate);
	assert_int_equal(bide_task_wait(t, &got), 0);
	assert_int_equal(got.i, 11);
	assert_int_equal(bide_task_wait(t, &got), 0);
	task_unref(t);
}

TEST(a_pending_delay_becomes_a_task_without_a_second_object)
{
	int64_t began_ns = bide_now_ns();
	value_task v = delay_ms(1);
	bide_stats before = stats(), after;
	task *t = value_task_as_task(v);

	after = stats();
	ASSERT_SAME_OBJECTS(before, after);
	assert_true(bide_task_status(t) == BIDE_PENDING || bide_now_ns() - began_ns >= MS);
	assert_int_equal(bide_task_wait(t, NULL), 0);
	assert_int_equal(bide_task_wait(t, NULL), 0);
	task_unref(t);
	settle_workers();
	assert_none(operation_count);
}

TEST(a_delay_made_a_task_can_still_be_canceled)
{
	bide_context *context = bide_context_create(NULL);
	task *t = value_task_as_task(bide_in_context(context, delay_ms(100000)));

	bide_context_cancel(context, ECANCELED);
	assert_int_equal(bide_task_wait(t, NULL), ECANCELED);
	assert_int_equal(bide_task_status(t), BIDE_CANCELED);
	task_unref(t);
	bide_context_unref(context);
	assert_none(timer_count);
}

TEST(a_yield_becomes_a_task_that_ends_after_what_is_runnable)
{
	task *t = value_task_as_task(bide_async_yield());

	assert_int_equal(bide_task_wait(t, NULL), 0);
	assert_int_equal(bide_task_wait(t, NULL), 0);
	task_unref(t);
	settle_workers();
	assert_none(operation_count);
}

TEST(a_combinator_becomes_a_task_without_a_second_object)
{
	task *parts[] = { task_create(0), task_create(0) };
	value_task v = when_any((value_task[]){ value_task_from_error(EIO) }, 1);
	bide_stats before, after;
	task *all, *any;

	assert_int_equal(wait_int(v, NULL), 0);
	v = bide_when_all_tasks(parts, 2);
	before = stats();
	all = value_task_as_task(v);
	after = stats();
	ASSERT_SAME_OBJECTS(before, after);
	any = value_task_as_task(bide_when_any_tasks(parts, 2));
	bide_task_complete_int(parts[1], 4);
	run_all();
	assert_int_equal(bide_task_status(any), BIDE_SUCCEEDED);
	assert_int_equal(bide_task_result(any).i, 1);
	assert_int_equal(bide_task_status(all), BIDE_PENDING);
	bide_task_fail(parts[0], EPERM);
	assert_int_equal(bide_task_wait(all, NULL), EPERM);
	task_unref(all);
	task_unref(any);
	task_unref(parts[0]);
	task_unref(parts[1]);
	assert_none(operation_count);
}

TEST(a_wait_for_a_task_becomes_a_task)
{
	task *t = task_create(0), *again = value_task_as_task(task_await(t)),
		 *twice = value_task_as_task(task_await(again));

	bide_task_complete_int(t, 99);
	run_all();
	assert_int_equal(bide_task_result(again).i, 99);
	assert_int_equal(bide_task_result(twice).i, 99);
	task_unref(t);
	task_unref(again);
	task_unref(twice);
}

static int released_count;
static void on_release(bide_source *source)
{
	(void)source;
	released_count++;
}

TEST(a_user_source_becomes_a_task)
{
	static const bide_source_operations operations = { on_release };
	bide_user_source user;
	bide_payload got;
	task *t;

	bide_user_source_init(&user, &operations);
	t = value_task_as_task(bide_user_source_value_task(&user));
	assert_int_equal(bide_task_status(t), BIDE_PENDING);
	bide_user_source_complete(&user, (bide_payload){ .i = 321 });
	assert_int_equal(bide_task_wait(t, &got), 0);
	assert_int_equal(got.i, 321);
	assert_int_equal(released_count, 1);
	bide_user_source_reset(&user); /* can be used again though the task lives */
	assert_int_equal(bide_task_result(t).i, 321);
	task_unref(t);

	/* A source that is already done, and one that failed. */
	bide_user_source_fail(&user, EPIPE);
	t = value_task_as_task(bide_user_source_value_task(&user));
	assert_int_equal(bide_task_error(t), EPIPE);
	task_unref(t);
	assert_int_equal(released_count, 2);
}

/* The task belongs to its source: completing it directly as well would complete it twice. */
TEST(the_task_of_a_user_source_cannot_be_completed_directly)
{
	bide_user_source user;
	task *t;

	bide_user_source_init(&user, NULL);
	t = value_task_as_task(bide_user_source_value_task(&user));
	catch_misuse();
	assert_false(bide_task_try_complete(t, (bide_payload){ .i = 1 }));
	misuse_count = 0;
	bide_task_complete_int(t, 1);
	assert_int_equal(misuse_count, 1);
	assert_int_equal(bide_task_status(t), BIDE_PENDING);
	bide_user_source_complete(&user, (bide_payload){ .i = 2 });
	assert_int_equal(bide_task_result(t).i, 2);
	task_unref(t);
}

TEST(the_task_of_a_function_cannot_be_completed_directly)
{
	task *gate = task_create(0), *t = value_task_as_task(await_it(gate, NULL, 0));

	catch_misuse();
	bide_task_complete_int(t, 1);
	ASSERT_MISUSE("only those of bide_task_create");
	assert_false(bide_task_try_cancel(t));
	ASSERT_MISUSE("only those of bide_task_create");
	bide_task_complete_int(gate, 4);
	task_unref(gate);
	assert_int_equal(bide_task_wait(t, NULL), 0);
	assert_int_equal(bide_task_result(t).i, 4);
	task_unref(t);
}

TEST(a_finished_unconsumed_function_becomes_a_task)
{
	NOT_SEEDED("it needs the real clock");
	value_task v = later_value(1, 64);

	while (!bide_value_task_is_ready(v))
		run_all();
	task *t = value_task_as_task(v);
	assert_int_equal(bide_task_status(t), BIDE_SUCCEEDED);
	assert_int_equal(bide_task_result(t).i, 64);
	task_unref(t);
	assert_none(frame_count);
}

TEST(after_as_task_the_value_task_is_stale)
{
	task *gate = task_create(0);
	value_task v = await_it(gate, NULL, 0);
	task *t = value_task_as_task(v);

	catch_misuse();
	assert_int_equal(bide_value_task_wait(v, NULL), BIDE_ESTALE);
	ASSERT_MISUSE("consumed already");
	task *second = value_task_as_task(v);
	ASSERT_MISUSE("consumed already");
	assert_int_equal(bide_task_error(second), BIDE_ESTALE);
	task_unref(second);
	value_task_forget(v);
	ASSERT_MISUSE("consumed already");
	bide_task_complete_int(gate, 4);
	task_unref(gate);
	assert_int_equal(bide_task_wait(t, NULL), 0);
	task_unref(t);
}

TEST(as_task_of_a_value_task_that_is_awaited_is_misuse_and_changes_nothing)
{
	task *gate = task_create(0);
	value_task inner = await_it(gate, NULL, 0), outer = async_start(passes_on, .what = inner);
	int64_t got;

	catch_misuse();
	task *t = value_task_as_task(inner);
	ASSERT_MISUSE("this value task is awaited already");
	assert_int_equal(bide_task_error(t), BIDE_ESTALE);
	task_unref(t);
	bide_task_complete_int(gate, 4);
	task_unref(gate);
	assert_int_equal(wait_int(outer, &got), 0);
	assert_int_equal(got, 4);
}

/* Yields once: ends soon, on another thread or after what is runnable. */
struct soon {
	ASYNC_FRAME;
	struct {
		int64_t value;
	} in;
};

async(soon)
{
	async_begin;
	await(bide_async_yield());
	async_return(my->in.value);
async_finally:
	async_end;
}

struct awaits_one {
	ASYNC_FRAME;
	struct {
		value_task what;
	} in;
	int64_t got;
};

async(awaits_one)
{
	async_begin;
	await(my->got, my->in.what);
	async_return(my->got);
async_finally:
	async_end;
}

static void ignores_misuse(const char *message, void *argument)
{
	(void)message, (void)argument;
}

/*
 * as_task races with the end of the function: it may be pending, over but not consumed, or its
 * frame may already serve another function. None of this may change what the awaiter, or the next
 * function in that frame, relies on.
 */
TEST_SLOW(as_task_of_a_value_task_that_is_awaited_races_with_its_end_and_changes_nothing, 60)
{
	enum { ROUNDS = 20000, AT_ONCE = 4 };

	if (getenv("BIDE_POOL"))
		SKIP("a stale value task reads freed memory without the pools");
	run_all();
	bide_misuse_hook_set(ignores_misuse, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		value_task inner[AT_ONCE], outer[AT_ONCE];
		int64_t got;

		for (int k = 0; k < AT_ONCE; k++) {
			inner[k] = async_start(soon, .value = 1000 + i + k);
			outer[k] = k % 2 ? async_start(passes_on, .what = inner[k])
			                 : async_start(awaits_one, .what = inner[k]);
		}
		for (int k = 0; k < AT_ONCE; k++) {
			task *t;

			for (volatile int n = i % 300; n > 0; n--)
				;
			t = value_task_as_task(inner[k]);
			assert_int_equal(bide_task_error(t), BIDE_ESTALE);
			task_unref(t);
		}
		for (int k = 0; k < AT_ONCE; k++) {
			assert_int_equal(wait_int(outer[k], &got), 0);
			assert_int_equal(got, 1000 + i + k);
		}
	}
	assert_int_equal(stats().misuse_count, ROUNDS * AT_ONCE);
}
