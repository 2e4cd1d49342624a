/*
 * Completion sources: tasks that the user completes, once, from any of several threads.
 */
/* threads */
#define BIDE_NO_SHORT_race 1 /* a function of this file */
#include "support/task_support.h"

TEST(TCS_02_options_are_a_struct_whose_zeroes_are_the_defaults)
{
	static const bide_task_options zeroes;
	task *plain = task_create(NULL), *same = task_create(&zeroes);

	assert_int_equal(bide_task_status(plain), BIDE_PENDING);
	assert_int_equal(bide_task_status(same), BIDE_PENDING);
	task_unref(plain);
	task_unref(same);
}

/* Asserts that the outcome is this one, and that no later attempt changes it. */
static void assert_final(task *t, bide_status status, int error, int64_t result)
{
	task *other = bide_task_from_int(1000);

	catch_misuse();
	assert_false(bide_task_try_complete(t, (bide_payload){ .i = 55 }));
	assert_false(bide_task_try_fail(t, EPIPE));
	assert_false(bide_task_try_cancel(t));
	assert_false(bide_task_try_complete_from(t, other));
	assert_int_equal(misuse_count, 0);
	task_complete(t, (bide_payload){ .i = 55 });
	ASSERT_MISUSE("bide_task_complete: the task is completed already");
	bide_task_complete_int(t, 55);
	ASSERT_MISUSE("bide_task_complete_int: the task is completed already");
	bide_task_complete_pointer(t, &t);
	ASSERT_MISUSE("bide_task_complete_pointer: the task is completed already");
	task_fail(t, EPIPE);
	ASSERT_MISUSE("bide_task_fail: the task is completed already");
	task_cancel(t);
	ASSERT_MISUSE("bide_task_cancel: the task is completed already");
	bide_task_complete_from(t, other);
	ASSERT_MISUSE("bide_task_complete_from: the task is completed already");
	assert_int_equal(bide_task_status(t), status);
	assert_int_equal(bide_task_error(t), error);
	assert_int_equal(bide_task_result(t).i, result);
	task_unref(other);
}

TEST(TCS_03_a_task_completed_by_a_result_keeps_it)
{
	task *t = task_create(0);

	bide_task_complete_int(t, -77);
	assert_final(t, BIDE_SUCCEEDED, 0, -77);
	task_unref(t);
}

TEST(TCS_04_the_awaiters_of_a_canceled_task_fail_with_ECANCELED)
{
	task *t = task_create(0);
	value_task v = await_it(t, NULL, 0);

	task_cancel(t);
	assert_int_equal(bide_task_status(t), BIDE_CANCELED);
	assert_int_equal(wait_int(v, NULL), ECANCELED);
	assert_int_equal(wait_int(await_it(t, NULL, 0), NULL), ECANCELED);
	task_unref(t);
}

TEST(TCS_08_copying_from_null_or_from_a_pending_task_is_misuse)
{
	task *t = task_create(0), *pending = task_create(0);

	catch_misuse();
	bide_task_complete_from(t, NULL);
	ASSERT_MISUSE("ready is NULL");
	assert_false(bide_task_try_complete_from(t, NULL));
	ASSERT_MISUSE("ready is NULL");
	bide_task_complete_from(t, pending);
	ASSERT_MISUSE("that task is pending");
	assert_false(bide_task_try_complete_from(t, pending));
	ASSERT_MISUSE("that task is pending");
	bide_task_complete_from(NULL, bide_task_completed());
	ASSERT_MISUSE("task is NULL");
	assert_int_equal(bide_task_status(t), BIDE_PENDING);
	assert_true(bide_task_try_complete(t, (bide_payload){ .i = 1 }));
	task_unref(t);
	task_unref(pending);
}

TEST(TCS_09_a_completed_task_copies_nothing)
{
	task *t = task_create(0), *ready = bide_task_from_int(88);

	bide_task_complete_int(t, 5);
	catch_misuse();
	assert_false(bide_task_try_complete_from(t, ready));
	assert_int_equal(misuse_count, 0);
	bide_task_complete_from(t, ready);
	ASSERT_MISUSE("completed already");
	assert_int_equal(bide_task_result(t).i, 5);
	task_unref(t);
	task_unref(ready);
}

TEST(TCS_10_completing_from_a_task_copies_value_error_and_cancellation)
{
	task *ready[] = { bide_task_from_int(88), bide_task_from_error(ENOSPC),
		              bide_task_from_error(ECANCELED) };

	catch_unobserved();
	for (int i = 0; i < 3; i++) {
		task *t = task_create(0), *u = task_create(0);
		bide_task_complete_from(t, ready[i]);
		assert_true(bide_task_try_complete_from(u, ready[i]));
		assert_int_equal(bide_task_status(t), bide_task_status(ready[i]));
		assert_int_equal(bide_task_error(t), bide_task_error(ready[i]));
		assert_int_equal(bide_task_error(u), bide_task_error(ready[i]));
		assert_int_equal(bide_task_result(u).i, bide_task_result(ready[i]).i);
		task_unref(ready[i]);
		task_unref(t);
		task_unref(u);
	}
	assert_int_equal(unobserved_count, 0);
}

/* --- threads */

enum { RACERS = 50, ROUNDS = 200 };
static pthread_barrier_t start_line;
static task *raced[ROUNDS];
static atomic_int winners[ROUNDS], winner_of[ROUNDS];

static void *race(void *argument)
{
	int me = (int)(intptr_t)argument;

	for (int round = 0; round < ROUNDS; round++) {
		bool won;
		if (round % 20 == 0)
			pthread_barrier_wait(&start_line);
		won = me % 2 ? bide_task_try_fail(raced[round], 1 + me)
		             : bide_task_try_complete(raced[round], (bide_payload){ .i = 1 + me });
		if (won) {
			atomic_fetch_add(&winners[round], 1);
			atomic_store(&winner_of[round], 1 + me);
		}
	}
	return NULL;
}

TEST_SLOW(TCS_13_of_fifty_racing_threads_one_wins, 60)
{
	pthread_t threads[RACERS];
	value_task waits[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		raced[i] = task_create(0);
		waits[i] = await_it(raced[i], NULL, 0);
	}
	pthread_barrier_init(&start_line, NULL, RACERS);
	for (int i = 0; i < RACERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race, (void *)(intptr_t)i), 0);
	for (int i = 0; i < ROUNDS; i++) {
		int64_t got = 0;
		int error = wait_int(waits[i], &got);
		bide_payload seen = bide_task_result(raced[i]);
		while (atomic_load(&winner_of[i]) == 0)
			sched_yield();
		assert_int_equal(error ? error : got, atomic_load(&winner_of[i]));
		assert_int_equal(error != 0, atomic_load(&winner_of[i]) % 2 == 0);
		assert_int_equal(seen.i, got);
	}
	for (int i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start_line);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(atomic_load(&winners[i]), 1);
		task_unref(raced[i]);
	}
}

/* --- contexts and tokens around it do not cancel it */

static void try_cancel(void *argument)
{
	assert_false(bide_task_try_cancel(argument));
}

static void cancel_later(task *t)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_registration registration;

	assert_true(
		bide_cancel_token_register(bide_cancel_source_token(source), &registration, try_cancel, t));
	assert_true(bide_cancel_source_cancel(source));
	bide_cancel_source_unref(source);
}

TEST(TCS_14_a_result_stays_when_a_related_token_is_canceled_later)
{
	task *t = task_create(0);

	bide_task_complete_int(t, 42);
	cancel_later(t);
	assert_int_equal(bide_task_status(t), BIDE_SUCCEEDED);
	assert_int_equal(bide_task_error(t), 0);
	assert_int_equal(bide_task_result(t).i, 42);
	task_unref(t);
}

TEST(TCS_15_an_error_stays_when_a_related_token_is_canceled_later)
{
	task *t = task_create(0);

	task_fail(t, ENOSPC);
	cancel_later(t);
	assert_final(t, BIDE_FAILED, ENOSPC, 0);
	task_unref(t);
}

TEST(TCS_16_bad_error_numbers_are_refused_and_the_task_stays_pending)
{
	static const int bad[] = { 0, -1, -EIO, 4096, 1 << 16, INT32_MAX, INT32_MIN };
	task *t = task_create(0);

	catch_misuse();
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		task_fail(t, bad[i]);
		ASSERT_MISUSE("bide_task_fail");
		assert_non_null(strstr(misuse_text, "1 to 4095"));
		assert_false(bide_task_try_fail(t, bad[i]));
		ASSERT_MISUSE("bide_task_try_fail");
		assert_int_equal(bide_task_status(t), BIDE_PENDING);
	}
	task_fail(t, 4095);
	assert_int_equal(bide_task_error(t), 4095);
	task_unref(t);
}

TEST(TCS_17_the_context_in_which_a_task_was_made_does_not_cancel_it)
{
	bide_context *context = bide_context_create(NULL);
	task *t = bide_in_context(context, task_create(0));

	bide_context_cancel(context, ECANCELED);
	run_all();
	assert_int_equal(bide_task_status(t), BIDE_PENDING);
	bide_task_complete_int(t, 3);
	assert_int_equal(bide_task_result(t).i, 3);
	bide_context_unref(context);
	task_unref(t);
}

TEST(TCS_18_a_canceled_task_stays_canceled)
{
	task *t = task_create(0);

	task_cancel(t);
	assert_final(t, BIDE_CANCELED, ECANCELED, 0);
	task_unref(t);
}

struct completes_three {
	ASYNC_FRAME;
	struct {
		task **tasks;
	} in;
};

async(completes_three)
{
	async_begin;
	await(delay(MS));
	bide_task_complete_int(my->in.tasks[0], 0);
	await(bide_async_yield());
	bide_task_complete_int(my->in.tasks[1], 42);
	await(bide_async_yield());
	task_cancel(my->in.tasks[2]);
async_finally:
	async_end;
}

TEST(TCS_19_a_function_completes_three_sources_that_others_wait_for)
{
	task *tasks[] = { task_create(0), task_create(0), task_create(0) };
	bide_payload got = { .i = -1 };

	value_task_forget(async_start(completes_three, .tasks = tasks));
	assert_int_equal(bide_task_wait(tasks[0], NULL), 0);
	assert_int_equal(bide_task_wait(tasks[1], &got), 0);
	assert_int_equal(got.i, 42);
	assert_int_equal(bide_task_wait(tasks[2], NULL), ECANCELED);
	for (int i = 0; i < 3; i++)
		task_unref(tasks[i]);
}

TEST(TCS_22_a_second_reference_may_still_try_after_the_first_is_gone)
{
	task *t = task_create(0), *second = task_ref(t);

	bide_task_complete_int(t, 1);
	task_unref(t);
	assert_false(bide_task_try_complete(second, (bide_payload){ .i = 2 }));
	assert_false(bide_task_try_fail(second, EIO));
	assert_false(bide_task_try_cancel(second));
	task_unref(second);
}

TEST(TCS_23_a_completion_source_holds_no_context)
{
	static const int key;
	bide_context *context =
		bide_context_create(&(bide_context_options){ .key = &key, .value = &context });
	task *t = bide_in_context(context, task_create(0));

	bide_context_unref(context);
	assert_none(operation_count);
	bide_task_complete_int(t, 1);
	task_unref(t);
}

/* --- completing */

TEST(completing_null_is_misuse)
{
	catch_misuse();
	bide_task_complete_int(NULL, 1);
	ASSERT_MISUSE("bide_task_complete_int: task is NULL");
	task_fail(NULL, EIO);
	ASSERT_MISUSE("bide_task_fail: task is NULL");
	task_cancel(NULL);
	ASSERT_MISUSE("bide_task_cancel: task is NULL");
	assert_false(bide_task_try_complete(NULL, (bide_payload){ .i = 1 }));
	ASSERT_MISUSE("bide_task_try_complete: task is NULL");
}

TEST(results_of_each_kind_arrive)
{
	task *t = task_create(0), *p = task_create(0), *d = task_create(0);

	bide_task_complete_int(t, INT64_MIN);
	assert_true(bide_task_result(t).i == INT64_MIN);
	bide_task_complete_pointer(p, &t);
	assert_ptr_equal(bide_task_result(p).p, &t);
	task_complete(d, (bide_payload){ .d = 0.25 });
	assert_true(bide_task_result(d).d == 0.25);
	task_unref(t);
	task_unref(p);
	task_unref(d);
}

TEST(a_task_may_be_completed_through_its_last_reference)
{
	task *t = task_create(0);
	value_task v = await_it(t, NULL, 0);
	int64_t got;

	bide_task_complete_int(t, 6);
	task_unref(t);
	assert_int_equal(wait_int(v, &got), 0);
	assert_int_equal(got, 6);
	assert_none(task_count);
}

struct completes_and_drops {
	ASYNC_FRAME;
	struct {
		task *task;
		turn_log *log;
	} in;
};

async(completes_and_drops)
{
	async_begin;
	bide_task_complete_int(my->in.task, 1);
	turn(my->in.log, 50); /* still in this body: no awaiter has run */
	task_unref(my->in.task);
async_finally:
	async_end;
}

TEST(completing_inside_a_body_does_not_run_an_awaiter_there)
{
	turn_log log = { 0 };
	task *t;
	value_task v;

	one_worker();
	t = task_create(0);
	v = await_it(t, &log, 1);
	assert_int_equal(wait_int(async_start(completes_and_drops, .task = t, .log = &log), NULL), 0);
	assert_int_equal(wait_int(v, NULL), 0);
	ASSERT_TURNS(&log, 50, 1);
}

/* --- the forms that tasks, value tasks and user sources share --- */

TEST(a_task_reports_how_it_ended)
{
	task *t = task_create(NULL), *bad = bide_task_from_error(EIO);

	assert_false(bide_task_is_successful(t) || bide_task_is_failed(t) || bide_task_is_canceled(t));
	bide_task_complete_double(t, 0.5);
	assert_true(bide_task_is_successful(t));
	assert_true(bide_task_result(t).d == 0.5);
	assert_true(bide_task_is_failed(bad));
	assert_false(bide_task_is_canceled(bad));
	assert_int_equal(bide_task_error(bad), EIO);
	task_unref(bad);
	task_unref(t);
	t = task_create(NULL);
	task_cancel(t);
	assert_true(bide_task_is_canceled(t));
	assert_false(bide_task_is_failed(t));
	task_unref(t);
}

TEST(a_user_source_is_completed_as_a_task_is)
{
	bide_user_source source;
	bide_payload got;

	bide_user_source_init(&source, NULL);
	bide_user_source_complete_int(&source, -7);
	assert_int_equal(bide_value_task_take(bide_user_source_value_task(&source), &got), 0);
	assert_int_equal(got.i, -7);
	bide_user_source_reset(&source);
	bide_user_source_complete_double(&source, 0.25);
	assert_int_equal(bide_value_task_take(bide_user_source_value_task(&source), &got), 0);
	assert_true(got.d == 0.25);
	bide_user_source_reset(&source);
	bide_user_source_complete_pointer(&source, &got);
	assert_int_equal(bide_value_task_take(bide_user_source_value_task(&source), &got), 0);
	assert_ptr_equal(got.p, &got);
	bide_user_source_reset(&source);
	assert_true(bide_user_source_try_cancel(&source));
	assert_false(bide_user_source_try_cancel(&source));
	catch_misuse();
	bide_user_source_cancel(&source);
	ASSERT_MISUSE("bide_user_source_cancel: completed already");
	assert_int_equal(bide_value_task_take(bide_user_source_value_task(&source), &got), ECANCELED);
}
