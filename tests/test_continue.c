/*
 * bide_task_continue_with and bide_task_unwrap: which continuations run, when, and with what
 * outcome; and chains in constant stack.
 */
/* threads */
#include "support/small_stack.h"
#include "support/task_support.h"

/* The facts that a continuation noted. */
typedef struct seen {
	int calls;
	int error;
	int64_t value;
} seen;

static value_task note_it(task *ended, void *argument)
{
	seen *s = argument;

	s->calls++;
	s->error = bide_task_error(ended);
	s->value = bide_task_result(ended).i;
	return value_task_from(s->value * 2);
}

static value_task add_one(task *ended, void *argument)
{
	(void)argument;
	if (bide_task_error(ended))
		return value_task_from_error(bide_task_error(ended));
	return value_task_from(bide_task_result(ended).i + 1);
}

TEST(a_continuation_gets_the_task_and_gives_the_result)
{
	task *t = task_create(0), *next;
	seen s = { 0 };
	bide_payload got;

	next = task_continue_with(t, note_it, &s, NULL);
	assert_int_equal(bide_task_status(next), BIDE_PENDING);
	bide_task_complete_int(t, 21);
	if (!many_workers())
		assert_int_equal(s.calls, 0); /* not inside complete */
	assert_int_equal(bide_task_wait(next, &got), 0);
	assert_int_equal(got.i, 42);
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.value, 21);
	task_unref(next);
	task_unref(t);
}

TEST(CW_01_a_continuation_is_canceled_at_once_though_the_task_goes_on)
{
	task *t = task_create(0), *next;
	bide_context *context = canceled_context();
	seen s = { 0 };

	next = bide_in_context(context, task_continue_with(t, note_it, &s, 0));
	assert_int_equal(bide_task_status(next), BIDE_CANCELED);
	assert_int_equal(bide_task_status(t), BIDE_PENDING);
	bide_task_complete_int(t, 1);
	run_all();
	assert_int_equal(s.calls, 0);
	bide_context_unref(context);
	task_unref(next);
	task_unref(t);
	assert_none(operation_count);
}

TEST(a_continuation_canceled_while_it_waits_never_runs)
{
	task *t = task_create(0), *next;
	bide_context *context = bide_context_create(NULL);
	seen s = { 0 };

	next = bide_in_context(context, task_continue_with(t, note_it, &s, 0));
	bide_context_cancel(context, ECANCELED);
	assert_int_equal(bide_task_wait(next, NULL), ECANCELED);
	bide_task_complete_int(t, 1);
	run_all();
	assert_int_equal(s.calls, 0);
	bide_context_unref(context);
	task_unref(next);
	task_unref(t);
}

static value_task cancels_its_context(task *ended, void *argument)
{
	(void)ended;
	assert_true(bide_context_cancel(argument, ECANCELED));
	return value_task_from(66);
}

TEST(CW_03_a_continuation_canceled_after_its_body_began_runs_to_its_end)
{
	task *t = task_create(0), *next;
	bide_context *context = bide_context_create(NULL);
	bide_payload got;

	next = bide_in_context(context, task_continue_with(t, cancels_its_context, context, 0));
	bide_task_complete_int(t, 1);
	assert_int_equal(bide_task_wait(next, &got), 0);
	assert_int_equal(got.i, 66);
	bide_context_unref(context);
	task_unref(next);
	task_unref(t);
}

TEST(CW_05_filtered_out_continuations_are_canceled_and_the_others_run)
{
	static const int errors[] = { 0, EIO, ECANCELED };

	for (int ready = 0; ready < 2; ready++)
		for (int outcome = 0; outcome < 3; outcome++)
			for (unsigned excluded_bits = 0; excluded_bits < 7; excluded_bits++) {
				task *t = task_create(0), *next;
				seen s = { 0 };
				bide_continue_options options = { .not_on_success = excluded_bits & 1,
					                              .not_on_failure = excluded_bits & 2,
					                              .not_on_canceled = excluded_bits & 4 };
				bool excluded = excluded_bits & 1u << outcome;
				if (!ready)
					next = task_continue_with(t, note_it, &s, &options);
				if (errors[outcome])
					assert_true(bide_task_try_fail(t, errors[outcome]));
				else
					bide_task_complete_int(t, 100);
				if (ready)
					next = task_continue_with(t, note_it, &s, &options);
				assert_int_equal(bide_task_wait(next, NULL), excluded ? ECANCELED : 0);
				assert_int_equal(s.calls, !excluded);
				if (!excluded)
					assert_int_equal(s.error, errors[outcome]);
				task_unref(next);
				(void)bide_task_error(t);
				task_unref(t);
			}
}

/* --- chains */

static int order[8], order_count;

static value_task plain(task *ended, void *argument)
{
	order[order_count++] = (int)(intptr_t)argument;
	return value_task_from(bide_task_result(ended).i);
}

static value_task gives_pending(task *ended, void *argument)
{
	order[order_count++] = (int)(intptr_t)argument;
	return later_value(MS, bide_task_result(ended).i * 10);
}

static value_task gives_task(task *ended, void *argument)
{
	task *inner = value_task_as_task(later_value(MS, bide_task_result(ended).i + 7));

	order[order_count++] = (int)(intptr_t)argument;
	return value_task_from(inner);
}

TEST(CW_06_a_chain_of_five_of_all_kinds)
{
	task *t = task_create(0), *c[5], *flat;
	bide_payload got;

	c[0] = task_continue_with(t, plain, (void *)1, 0);
	c[1] = task_continue_with(c[0], add_one, NULL, 0);
	c[2] = task_continue_with(c[1], gives_pending, (void *)2, 0);
	c[3] = task_continue_with(c[2], gives_task, (void *)3, 0);
	flat = bide_task_unwrap(c[3]);
	c[4] = task_continue_with(flat, plain, (void *)4, 0);
	bide_task_complete_int(t, 4);
	assert_int_equal(bide_task_wait(c[4], &got), 0);
	assert_int_equal(got.i, (4 + 1) * 10 + 7);
	assert_int_equal(order_count, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(order[i], i + 1);
	for (int i = 0; i < 5; i++)
		task_unref(c[i]);
	task_unref(flat);
	task_unref(t);
}

TEST(CW_08_excluding_all_outcomes_is_refused)
{
	static const bide_continue_options all = { true, true, true };
	task *t = bide_task_from_int(50);
	seen s = { 0 };

	catch_misuse();
	assert_null(task_continue_with(t, note_it, &s, &all));
	ASSERT_MISUSE("bide_task_continue_with: options: all three outcomes are excluded");
	assert_int_equal(s.calls, 0);
	task_unref(t);
}

TEST(CW_09_null_arguments_are_refused)
{
	task *t = bide_task_from_int(50);

	catch_misuse();
	assert_null(task_continue_with(t, NULL, NULL, 0));
	ASSERT_MISUSE("continuation is NULL");
	assert_null(task_continue_with(NULL, add_one, NULL, 0));
	ASSERT_MISUSE("task is NULL");
	task_unref(t);
	assert_none(frame_count);
}

static value_task fails_with(task *ended, void *argument)
{
	(void)ended;
	return value_task_from_error((int)(intptr_t)argument);
}

static value_task fails_later(task *ended, void *argument)
{
	(void)ended;
	return later_error(MS, (int)(intptr_t)argument);
}

TEST(CW_10_the_task_of_a_continuation_has_its_error)
{
	task *t = task_create(0), *a = task_continue_with(t, fails_with, (void *)EIO, 0),
		 *b = task_continue_with(t, fails_later, (void *)ENOSPC, 0), *c;

	bide_task_complete_int(t, 1);
	c = task_continue_with(t, fails_with, (void *)EPIPE, 0);
	assert_int_equal(bide_task_wait(a, NULL), EIO);
	assert_int_equal(bide_task_status(a), BIDE_FAILED);
	assert_int_equal(bide_task_wait(b, NULL), ENOSPC);
	assert_int_equal(bide_task_wait(c, NULL), EPIPE);
	task_unref(a);
	task_unref(b);
	task_unref(c);
	task_unref(t);
}

/*
 * BIDE_ENOFRAME says that no part of a function ran. The continuation did run, so its task fails
 * with ENOMEM.
 */
TEST(a_continuation_that_fails_without_a_frame_fails_with_ENOMEM)
{
	task *t = bide_task_from_int(50),
		 *next = task_continue_with(t, fails_with, (void *)BIDE_ENOFRAME, 0);

	assert_non_null(next);
	assert_int_equal(bide_task_wait(next, NULL), ENOMEM);
	task_unref(next);
	assert_int_equal(bide_task_result(t).i, 50); /* the test still owns it */
	task_unref(t);
	assert_none(task_count);
}

static void chain_of(int length)
{
	task *first = task_create(0), *last = task_ref(first);
	bide_payload got;

	for (int i = 0; i < length; i++) {
		task *next = task_continue_with(last, add_one, NULL, 0);
		assert_non_null(next);
		task_unref(last);
		last = next;
	}
	bide_task_complete_int(first, 0);
	assert_int_equal(bide_task_wait(last, &got), 0);
	assert_int_equal(got.i, length);
	task_unref(last);
	task_unref(first);
	run_all(); /* a worker may still be releasing the last objects */
	assert_none(frame_count);
	assert_none(operation_count);
}

TEST(CW_11_a_chain_of_twelve_thousand)
{
	chain_of(12000);
}

TEST_SLOW(CW_11_a_chain_of_a_hundred_thousand, 60)
{
	chain_of(test_seeded() ? 1000 : 100000);
}

struct chain_job {
	int length;
};

static void *chain_on_a_small_stack(void *argument)
{
	chain_of(((struct chain_job *)argument)->length);
	assert_int_equal(shut_down(), 0);
	return NULL;
}

TEST_SLOW(CW_11_a_chain_of_a_hundred_thousand_on_a_stack_of_256_KiB, 60)
{
	struct chain_job job = { 100000 };

	on_small_stack(chain_on_a_small_stack, &job);
}

/* --- where continuations stand in the queue */

/*
 * A waits for the source, directly or through a proxy. B is runnable before the source is
 * completed. Without the option the waiter is next; with it B is first.
 */
typedef task *make_proxy(task *t);

static task *proxy_none(task *t)
{
	return task_ref(t);
}

static task *proxy_continue(task *t)
{
	return task_continue_with(t, add_one, NULL, 0);
}

static task *proxy_all(task *t)
{
	static task *tasks[1];
	tasks[0] = t;
	return value_task_as_task(bide_when_all_tasks(tasks, 1));
}

static task *proxy_any(task *t)
{
	static task *tasks[1];
	tasks[0] = t;
	return value_task_as_task(bide_when_any_tasks(tasks, 1));
}

static task *inner_task;

static task *proxy_unwrap_outer(task *t)
{
	return bide_task_unwrap(t);
}

static void queue_rule(make_proxy *make, bool queue, int first, int second)
{
	turn_log log = { 0 };
	task *t, *proxy;
	value_task a, b;

	one_worker();
	t = task_create(&(bide_task_options){ .queue_continuations = queue });
	proxy = make(t);
	a = await_it(proxy, &log, 1);
	b = async_start(yielder, .log = &log, .id = 2);
	if (make == proxy_unwrap_outer) {
		inner_task = bide_task_from_int(77);
		bide_task_complete_pointer(t, inner_task);
	} else {
		bide_task_complete_int(t, 1);
	}
	run_all();
	ASSERT_TURNS(&log, first, second);
	assert_int_equal(wait_int(a, NULL), 0);
	assert_int_equal(wait_int(b, NULL), 0);
	task_unref(proxy);
	task_unref(t);
	assert_int_equal(shut_down(), 0);
}

TEST(CW_16_the_option_decides_whether_an_awaiter_is_next_or_queued)
{
	NOT_SEEDED("the order is that of a runtime without a seed");
	queue_rule(proxy_none, false, 1, 2);
	queue_rule(proxy_none, true, 2, 1);
	queue_rule(proxy_continue, false, 1, 2);
	queue_rule(proxy_continue, true, 2, 1);
}

TEST(CW_17_the_option_holds_through_unwrap)
{
	NOT_SEEDED("the order is that of a runtime without a seed");
	queue_rule(proxy_unwrap_outer, false, 1, 2);
	queue_rule(proxy_unwrap_outer, true, 2, 1);
}

TEST(CW_18_the_option_holds_through_when_all)
{
	NOT_SEEDED("the order is that of a runtime without a seed");
	queue_rule(proxy_all, false, 1, 2);
	queue_rule(proxy_all, true, 2, 1);
}

TEST(CW_19_the_option_holds_through_when_any)
{
	NOT_SEEDED("the order is that of a runtime without a seed");
	queue_rule(proxy_any, false, 1, 2);
	queue_rule(proxy_any, true, 2, 1);
}

TEST(CW_20_continuing_with_all_refuses_bad_arrays)
{
	task *with_null[] = { bide_task_completed(), NULL }, *t;

	catch_misuse();
	t = value_task_as_task(bide_when_all_tasks(NULL, 2));
	ASSERT_MISUSE("bide_when_all_tasks");
	assert_int_equal(bide_task_error(t), EINVAL);
	task_unref(t);
	t = value_task_as_task(bide_when_all_tasks(with_null, 2));
	assert_true(misuse_count > 0);
	assert_int_equal(bide_task_error(t), EINVAL);
	task_unref(t);
	/* With no tasks there is nothing to wait for. The reference refuses an empty array. */
	assert_int_equal(wait_int(bide_when_all_tasks(with_null, 0), NULL), 0);
}

TEST(CW_21_continuing_with_any_gets_the_first_task_once)
{
	task *tasks[3] = { task_create(0), task_create(0), task_create(0) }, *any, *next;
	seen s = { 0 };

	any = value_task_as_task(bide_when_any_tasks(tasks, 3));
	next = task_continue_with(any, note_it, &s, 0);
	bide_task_complete_int(tasks[2], 5);
	run_all();
	bide_task_complete_int(tasks[0], 6);
	bide_task_complete_int(tasks[1], 7);
	run_all();
	assert_int_equal(bide_task_status(next), BIDE_SUCCEEDED);
	assert_int_equal(s.calls, 1);
	assert_int_equal(s.value, 2);
	task_unref(any);
	task_unref(next);
	for (int i = 0; i < 3; i++)
		task_unref(tasks[i]);
}

static void *cancels(void *argument)
{
	task_cancel(argument);
	return NULL;
}

TEST(a_source_completed_by_another_thread_continues_on_the_worker)
{
	task *t = task_create(0), *next = task_continue_with(t, add_one, NULL, 0);
	pthread_t other;
	bide_payload got;

	assert_int_equal(pthread_create(&other, NULL, cancels, t), 0);
	pthread_join(other, NULL);
	assert_int_equal(bide_task_status(t), BIDE_CANCELED);
	if (!many_workers())
		assert_int_equal(bide_task_status(next), BIDE_PENDING); /* this thread is the worker */
	assert_int_equal(bide_task_wait(next, &got), ECANCELED);
	task_unref(next);
	task_unref(t);
}

/* --- unwrap */

TEST(UW_01_null_is_misuse)
{
	catch_misuse();
	assert_null(bide_task_unwrap(NULL));
	ASSERT_MISUSE("bide_task_unwrap: outer is NULL");
}

TEST(UW_03_unwrapping_a_ready_outer_task_returns_the_inner_one_itself)
{
	task *inner = task_create(0), *outer = bide_task_from_pointer(task_ref(inner)), *flat;

	flat = bide_task_unwrap(outer);
	assert_ptr_equal(flat, inner);
	bide_task_complete_int(inner, 3);
	assert_int_equal(bide_task_result(flat).i, 3);
	task_unref(flat);
	task_unref(outer);
	task_unref(inner);
	assert_none(task_count);
}

TEST(UW_04_the_outer_task_ends_last)
{
	static const int errors[] = { 0, EIO, ECANCELED };

	for (int i = 0; i < 3; i++) {
		task *inner = errors[i] ? bide_task_from_error(errors[i]) : bide_task_from_int(456),
			 *outer = task_create(0);
		task *flat = bide_task_unwrap(outer);
		bide_payload got = { .i = 0 };
		assert_int_equal(bide_task_status(flat), BIDE_PENDING);
		bide_task_complete_pointer(outer, inner); /* passes the reference on */
		assert_int_equal(bide_task_wait(flat, &got), errors[i]);
		assert_int_equal(got.i, errors[i] ? 0 : 456);
		task_unref(flat);
		task_unref(outer);
	}
	assert_none(task_count);
	assert_int_equal(stats().unobserved_count, 0);
}

TEST(UW_06_both_tasks_are_pending)
{
	for (int inner_first = 0; inner_first < 2; inner_first++) {
		task *inner = task_create(0), *outer = task_create(0), *flat = bide_task_unwrap(outer);
		bide_payload got;
		if (inner_first)
			bide_task_complete_int(inner, 9);
		else
			bide_task_complete_pointer(outer, task_ref(inner));
		run_all();
		assert_int_equal(bide_task_status(flat), BIDE_PENDING);
		if (inner_first)
			bide_task_complete_pointer(outer, task_ref(inner));
		else
			bide_task_complete_int(inner, 9);
		assert_int_equal(bide_task_wait(flat, &got), 0);
		assert_int_equal(got.i, 9);
		task_unref(inner);
		task_unref(outer);
		task_unref(flat);
	}
	assert_none(task_count);
}

TEST(UW_07_the_outer_task_failed_was_canceled_or_has_no_inner_task)
{
	static const int errors[] = { EIO, ECANCELED, 0, BIDE_ENOFRAME };
	static const int expected[] = { EIO, ECANCELED, ECANCELED, ENOMEM };

	for (int ready = 0; ready < 2; ready++)
		for (int i = 0; i < 4; i++) {
			task *outer = task_create(0), *flat = ready ? NULL : bide_task_unwrap(outer);
			if (errors[i])
				bide_task_fail(outer, errors[i]);
			else
				bide_task_complete_pointer(outer, NULL);
			if (ready)
				flat = bide_task_unwrap(outer);
			assert_non_null(flat);
			assert_int_equal(bide_task_wait(flat, NULL), expected[i]);
			task_unref(flat);
			task_unref(outer);
		}
	assert_none(task_count);
}
