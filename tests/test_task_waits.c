/*
 * Waiting for a task: a wait holds no reference that could complete the task, does not observe an
 * outcome that it drops, and starts no function inside the call or in a canceled context.
 */
/* threads */
#include "support/task_support.h"

static value_task note_error(task *ended, void *argument)
{
	*(int *)argument = bide_task_error(ended);
	return value_task_from(1);
}

static value_task note_call(task *ended, void *argument)
{
	(void)ended;
	atomic_fetch_add((atomic_int *)argument, 1);
	return value_task_from(1);
}

static value_task note_run(void *argument)
{
	atomic_fetch_add((atomic_int *)argument, 1);
	return value_task_from(1);
}

/* --- a broken promise --- */

TEST(a_continuation_learns_that_its_task_is_broken)
{
	task *t = task_create(NULL), *next;
	int error = 0;

	next = task_continue_with(t, note_error, &error, NULL);
	task_unref(t);
	assert_int_equal(bide_task_wait(next, NULL), 0);
	assert_int_equal(error, BIDE_EBROKEN);
	task_unref(next);
}

TEST(unwrap_of_a_broken_outer_or_inner_task_is_broken)
{
	task *outer = task_create(NULL), *inner = task_create(NULL), *flat = bide_task_unwrap(outer);

	task_unref(outer);
	assert_int_equal(bide_task_wait(flat, NULL), BIDE_EBROKEN);
	task_unref(flat);
	outer = task_create(NULL);
	flat = bide_task_unwrap(outer);
	bide_task_complete_pointer(outer, inner); /* passes on the last reference */
	assert_int_equal(bide_task_wait(flat, NULL), BIDE_EBROKEN);
	task_unref(flat);
	task_unref(outer);
}

TEST(combinators_and_awaits_of_a_broken_task_are_broken)
{
	task *tasks[2] = { task_create(NULL), task_create(NULL) };
	value_task all = when_all_tasks(tasks, 2), any = when_any_tasks(tasks, 2);
	value_task plain = task_await(tasks[0]),
			   limited = bide_task_await_for(tasks[0], 3600 * 1000 * MS);
	task *shared = value_task_as_task(task_await(tasks[0]));
	int64_t winner = -1;

	task_unref(tasks[0]);
	assert_int_equal(wait_int(plain, NULL), BIDE_EBROKEN);
	assert_int_equal(wait_int(limited, NULL), BIDE_EBROKEN);
	assert_int_equal(bide_task_wait(shared, NULL), BIDE_EBROKEN);
	assert_int_equal(wait_int(any, &winner), 0);
	assert_int_equal(winner, 0);
	task_unref(shared);
	task_unref(tasks[1]);
	assert_int_equal(wait_int(all, NULL), BIDE_EBROKEN);
}

TEST(all_waiters_of_a_broken_task_learn_of_it)
{
	enum { COUNT = 20 };
	task *t = task_create(NULL), *next[COUNT];
	value_task waits[COUNT];
	int errors[COUNT] = { 0 };
	bide_context *context = bide_context_create(NULL);

	for (int i = 0; i < COUNT; i++) {
		next[i] =
			i % 2 ? task_continue_with(t, note_error, &errors[i], NULL)
				  : bide_in_context(context, task_continue_with(t, note_error, &errors[i], NULL));
		waits[i] = await_it(t, NULL, i);
	}
	task_unref(t);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(bide_task_wait(next[i], NULL), 0);
		assert_int_equal(errors[i], BIDE_EBROKEN);
		assert_int_equal(wait_int(waits[i], NULL), BIDE_EBROKEN);
		task_unref(next[i]);
	}
	bide_context_unref(context);
}

TEST(a_task_with_a_reference_is_not_broken_while_others_wait)
{
	task *t = task_create(NULL), *next;
	int error = -1;

	next = task_continue_with(t, note_error, &error, NULL);
	bide_task_ref(t);
	task_unref(t);
	assert_int_equal(bide_task_wait_for(next, NULL, 5 * MS), ETIMEDOUT);
	bide_task_complete_int(t, 1);
	assert_int_equal(bide_task_wait(next, NULL), 0);
	assert_int_equal(error, 0);
	task_unref(next);
	task_unref(t);
}

/* --- an outcome that was dropped is not observed --- */

static void assert_told_once(int error)
{
	settle(0);
	assert_int_equal(atomic_load(&unobserved_count), 1);
	assert_int_equal(unobserved_error, error);
	atomic_store(&unobserved_count, 0);
}

static task *failed(int pending, int error)
{
	return pending ? value_task_as_task(later_error(2 * MS, error)) : bide_task_from_error(error);
}

TEST(an_error_is_reported_if_its_continuation_is_filtered_out_or_does_not_read_it)
{
	static const bide_continue_options not_on_failure = { .not_on_failure = true };
	atomic_int calls;

	atomic_init(&calls, 0);
	catch_unobserved();
	for (int pending = 0; pending < 2; pending++)
		for (int filtered = 0; filtered < 2; filtered++) {
			task *t = failed(pending, EIO);
			task *next =
				task_continue_with(t, note_call, &calls, filtered ? &not_on_failure : NULL);
			task_unref(t);
			assert_int_equal(bide_task_wait(next, NULL), filtered ? ECANCELED : 0);
			task_unref(next);
			assert_told_once(EIO);
		}
}

TEST(an_error_that_a_continuation_reads_is_not_reported)
{
	catch_unobserved();
	for (int pending = 0; pending < 2; pending++) {
		task *t = failed(pending, EIO);
		int error = 0;
		task *next = task_continue_with(t, note_error, &error, NULL);
		task_unref(t);
		assert_int_equal(bide_task_wait(next, NULL), 0);
		assert_int_equal(error, EIO);
		task_unref(next);
	}
	settle(0);
	assert_int_equal(atomic_load(&unobserved_count), 0);
}

TEST(when_any_tasks_observes_neither_the_winner_nor_the_losers)
{
	catch_unobserved();
	for (int pending = 0; pending < 2; pending++) {
		task *tasks[2] = { failed(pending, EIO), task_create(NULL) };
		int64_t winner = -1;

		assert_int_equal(wait_int(when_any_tasks(tasks, 2), &winner), 0);
		assert_int_equal(winner, 0);
		bide_task_fail(tasks[1], EPIPE);
		task_unref(tasks[0]);
		assert_told_once(EIO);
		task_unref(tasks[1]);
		assert_told_once(EPIPE);
	}
}

TEST(when_all_tasks_observes_only_the_error_that_it_returns)
{
	catch_unobserved();
	for (int pending = 0; pending < 2; pending++) {
		task *tasks[3] = { bide_task_from_int(1), failed(pending, EIO), failed(pending, EPIPE) };

		assert_int_equal(wait_int(when_all_tasks(tasks, 3), NULL), EIO);
		task_unref(tasks[1]);
		settle(0);
		assert_int_equal(atomic_load(&unobserved_count), 0);
		task_unref(tasks[2]);
		assert_told_once(EPIPE);
	}
}

TEST(a_try_complete_from_that_loses_observes_nothing)
{
	task *t = bide_task_create(NULL), *bad = bide_task_from_error(EIO);

	catch_unobserved();
	bide_task_complete_int(t, 100);
	assert_false(bide_task_try_complete_from(t, bad));
	task_unref(bad);
	assert_told_once(EIO);
	task_unref(t);
}

TEST(an_outcome_that_is_passed_on_is_reported_once)
{
	task *t = bide_task_create(NULL), *bad = bide_task_from_error(EIO), *outer, *flat;

	catch_unobserved();
	bide_task_complete_from(t, bad);
	task_unref(bad);
	task_unref(t);
	assert_told_once(EIO);
	outer = failed(1, EPIPE);
	flat = bide_task_unwrap(outer);
	task_unref(outer);
	bide_drain(BIDE_FOREVER);
	task_unref(flat);
	assert_told_once(EPIPE);
}

TEST(a_wait_that_timed_out_observes_nothing)
{
	task *t = bide_task_create(NULL);
	value_task v;

	catch_unobserved();
	assert_int_equal(bide_task_wait_for(t, NULL, 2 * MS), ETIMEDOUT);
	v = bide_task_await_for(t, 2 * MS);
	assert_int_equal(wait_int(v, NULL), ETIMEDOUT);
	bide_task_fail(t, EIO);
	task_unref(t);
	assert_told_once(EIO);
}

/* --- the context is checked before the function starts --- */

TEST(nothing_starts_in_a_context_that_has_been_canceled)
{
	bide_context *context = bide_context_create(NULL);
	task *over = bide_task_from_int(50), *pending = task_create(NULL), *made[3];
	atomic_int calls;

	atomic_init(&calls, 0);
	bide_context_cancel(context, ETIMEDOUT);
	made[0] = bide_in_context(context, task_continue_with(over, note_call, &calls, NULL));
	made[1] = bide_in_context(context, task_continue_with(pending, note_call, &calls, NULL));
	made[2] = bide_in_context(context, task_run(note_run, &calls));
	bide_task_complete_int(pending, 5);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bide_task_wait(made[i], NULL), ETIMEDOUT);
		task_unref(made[i]);
	}
	assert_int_equal(atomic_load(&calls), 0);
	task_unref(over);
	task_unref(pending);
	bide_context_unref(context);
}

TEST(a_function_canceled_while_it_is_queued_does_not_start)
{
	task *t, *over, *made[3];
	bide_context *context;
	atomic_int calls;

	one_worker(); /* runs nothing before the wait */
	context = bide_context_create(NULL);
	t = task_create(NULL);
	over = bide_task_from_int(50);
	atomic_init(&calls, 0);
	made[0] = bide_in_context(context, task_continue_with(t, note_call, &calls, NULL));
	made[1] = bide_in_context(context, task_run(note_run, &calls));
	made[2] = bide_in_context(context, task_continue_with(over, note_call, &calls, NULL));
	bide_task_complete_int(t, 5);
	bide_context_cancel(context, ECANCELED);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bide_task_wait(made[i], NULL), ECANCELED);
		task_unref(made[i]);
	}
	assert_int_equal(atomic_load(&calls), 0);
	task_unref(over);
	task_unref(t);
	bide_context_unref(context);
}

/* --- never inside the call --- */

static value_task takes_lock(task *ended, void *argument)
{
	(void)ended;
	pthread_mutex_lock(argument);
	pthread_mutex_unlock(argument);
	return value_task_from(1);
}

struct continues_with {
	ASYNC_FRAME;
	pthread_mutex_t lock;
	task *over;
	task *next;
};

async(continues_with)
{
	async_begin;
	pthread_mutex_init(&my->lock, NULL);
	my->over = bide_task_from_int(50);
	pthread_mutex_lock(&my->lock);
	my->next = task_continue_with(my->over, takes_lock, &my->lock, NULL);
	pthread_mutex_unlock(&my->lock);
	await(my->next);
async_finally:
	task_unref(my->next);
	task_unref(my->over);
	pthread_mutex_destroy(&my->lock);
	async_end;
}

TEST(a_continuation_never_runs_inside_the_call)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	for (int i = 0; i < 200; i++) {
		task *t = i % 2 ? bide_task_from_int(50) : value_task_as_task(later_value(i * 1000, 50));
		task *next;

		pthread_mutex_lock(&lock);
		next = task_continue_with(t, takes_lock, &lock, NULL);
		pthread_mutex_unlock(&lock);
		assert_int_equal(bide_task_wait(next, NULL), 0);
		task_unref(next);
		task_unref(t);
	}
	assert_int_equal(bide_value_task_wait(async_start(continues_with), NULL), 0);
}
