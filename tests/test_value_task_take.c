/*
 * A completed value task: its queries agree, it is consumed without waiting, and a function can be
 * called when it completes.
 */
/* threads */
#include "support/task_support.h"

/* --- completed, with the outcome in the source --- */

TEST(status_error_and_result_of_a_completed_value_task_agree)
{
	value_task ok = later_value(MS, 42), bad = later_error(MS, EIO);

	while (!value_task_is_ready(ok) || !value_task_is_ready(bad))
		assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0);
	assert_int_equal(bide_value_task_status(ok), BIDE_SUCCEEDED);
	assert_int_equal(value_task_error(ok), 0);
	assert_int_equal(value_task_result(ok).i, 42);
	assert_int_equal(bide_value_task_status(bad), BIDE_FAILED);
	assert_int_equal(value_task_error(bad), EIO);
	assert_int_equal(value_task_result(bad).i, 0);
	/* The queries consumed nothing. */
	assert_int_equal(wait_int(ok, NULL), 0);
	assert_int_equal(wait_int(bad, NULL), EIO);
}

static value_task is_over(value_task v)
{
	while (!value_task_is_ready(v))
		assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0);
	return v;
}

TEST(take_returns_the_outcome_of_a_completed_value_task_wherever_it_is)
{
	bide_user_source source;
	bide_payload got;

	assert_int_equal(bide_value_task_take(value_task_from(5), &got), 0);
	assert_int_equal(got.i, 5);
	assert_int_equal(bide_value_task_take(value_task_from_error(EPIPE), &got), EPIPE);
	assert_int_equal(got.i, 0);
	assert_int_equal(bide_value_task_take(is_over(later_value(MS, 42)), &got), 0);
	assert_int_equal(got.i, 42);
	assert_int_equal(bide_value_task_take(is_over(later_error(MS, EIO)), NULL), EIO);
	assert_int_not_equal(bide_trace_of_wait(), 0);
	assert_int_equal(bide_value_task_take(is_over(delay_ms(1)), &got), 0);
	bide_user_source_init(&source, NULL);
	bide_user_source_complete(&source, (bide_payload){ .i = 9 });
	assert_int_equal(bide_value_task_take(bide_user_source_value_task(&source), &got), 0);
	assert_int_equal(got.i, 9);
	bide_user_source_reset(&source);
}

TEST(take_of_a_pending_value_task_is_misuse_and_consumes_nothing)
{
	if (getenv("BIDE_POOL"))
		SKIP("a stale value task reads freed memory without the pools");
	task *gate = task_create(NULL);
	value_task v = task_await(gate);
	bide_payload got = { .i = 7 };

	catch_misuse();
	assert_int_equal(bide_value_task_take(v, &got), EINPROGRESS);
	assert_non_null(strstr(misuse_text, "(at tests/test_value_task_take.c:"));
	ASSERT_MISUSE("bide_value_task_take: the value task is pending");
	assert_int_equal(got.i, 0);
	bide_task_complete_int(gate, 3);
	assert_int_equal(bide_value_task_take(is_over(v), &got), 0);
	assert_int_equal(got.i, 3);
	assert_int_equal(bide_value_task_take(v, &got), BIDE_ESTALE);
	ASSERT_MISUSE("bide_value_task_take");
	task_unref(gate);
}

TEST(take_allocates_nothing)
{
	value_task v = is_over(later_value(MS, 42));
	uint64_t before = stats().allocation_count;

	assert_int_equal(bide_value_task_take(v, NULL), 0);
	assert_int_equal(stats().allocation_count, before);
}

/* Takes the result of the winner after when_any. */
struct takes_the_winner {
	ASYNC_FRAME;
	value_task items[2];
	int64_t first;
};

async(takes_the_winner)
{
	bide_payload got;

	async_begin;
	my->items[0] = later_value(50 * MS, 50);
	my->items[1] = later_value(MS, 1);
	await(my->first, when_any(my->items, 2));
	if (my->first != 1 || value_task_result(my->items[1]).i != 1)
		async_fail(EDOM);
	if (bide_value_task_take(my->items[1], &got) != 0 || got.i != 1)
		async_fail(ERANGE);
	await(my->items[0]);
async_finally:
	async_end;
}

TEST(an_async_function_takes_the_winner_of_when_any)
{
	assert_int_equal(bide_value_task_wait(async_start(takes_the_winner), NULL), 0);
}

struct large_one {
	ASYNC_FRAME;
	struct {
		task *gate;
	} in;
	char text[64];
};

async(large_one)
{
	async_begin;
	await(my->in.gate);
	snprintf(my->text, sizeof my->text, "a text of more than eight bytes");
	async_return_large(my->text);
async_finally:
	async_end;
}

TEST(a_large_result_can_be_read_and_not_taken)
{
	task *gate = task_create(NULL), *t;
	value_task v = async_start(large_one, .gate = gate);

	bide_task_complete_int(gate, 0);
	is_over(v);
	assert_string_equal(value_task_result(v).p, "a text of more than eight bytes");
	catch_misuse();
	assert_int_equal(bide_value_task_take(v, NULL), EINVAL);
	assert_non_null(strstr(misuse_text, "(at tests/test_value_task_take.c:"));
	ASSERT_MISUSE("bide_value_task_take: the result is larger");
	t = value_task_as_task(v);
	assert_string_equal(bide_task_result(t).p, "a text of more than eight bytes");
	task_unref(t);
	task_unref(gate);
}

/* --- a function called on completion --- */

typedef struct called {
	value_task what;
	atomic_int count;
	int error;
	int64_t result;
	pthread_t thread;
	bide_executor *executor;
	pthread_mutex_t *lock; /* the function takes it; the caller may hold it around the call */
} called;

static void on_called(void *argument)
{
	called *c = argument;
	bide_payload got;

	if (c->lock)
		pthread_mutex_lock(c->lock);
	c->error = bide_value_task_take(c->what, &got);
	c->result = got.i;
	c->thread = pthread_self();
	c->executor = bide_executor_current();
	if (c->lock)
		pthread_mutex_unlock(c->lock);
	atomic_fetch_add(&c->count, 1);
}

static void until_called(called *c)
{
	for (int i = 0; i < 10000 && !atomic_load(&c->count); i++)
		assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0);
	settle(0);
	assert_int_equal(atomic_load(&c->count), 1);
}

TEST(on_completed_calls_once_and_never_inside_the_call)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	for (int pending = 0; pending < 3; pending++) {
		called c = { .lock = &lock };

		c.what = pending == 0   ? value_task_from(42)
		         : pending == 1 ? is_over(later_value(MS, 42))
		                        : later_value(10 * MS, 42);
		pthread_mutex_lock(&lock);
		assert_int_equal(bide_value_task_on_completed(c.what, on_called, &c), 0);
		assert_int_equal(atomic_load(&c.count), 0);
		pthread_mutex_unlock(&lock);
		until_called(&c);
		assert_int_equal(c.error, 0);
		assert_int_equal(c.result, 42);
		if (many_workers())
			assert_false(pthread_equal(c.thread, pthread_self()));
	}
}

TEST(on_completed_reports_an_error_and_a_yield)
{
	called failed = { .what = later_error(MS, EIO) }, yields = { .what = bide_async_yield() };

	assert_int_equal(bide_value_task_on_completed(failed.what, on_called, &failed), 0);
	until_called(&failed);
	assert_int_equal(failed.error, EIO);
	assert_int_equal(bide_value_task_on_completed(yields.what, on_called, &yields), 0);
	until_called(&yields);
	assert_int_equal(yields.error, 0);
}

TEST(on_completed_calls_in_the_executor_of_the_context_even_if_that_is_canceled)
{
	bide_executor *strand = bide_strand_create();
	bide_context *context = bide_context_create(&(bide_context_options){ .executor = strand });
	task *gate = task_create(NULL);
	called c = { .what = task_await(gate) };

	assert_int_equal(bide_in_context(context, bide_value_task_on_completed(c.what, on_called, &c)),
	                 0);
	bide_context_cancel(context, ECANCELED);
	bide_task_complete_int(gate, 6);
	until_called(&c);
	assert_int_equal(c.error, 0);
	assert_int_equal(c.result, 6);
	assert_ptr_equal(c.executor, strand);
	bide_context_unref(context);
	bide_executor_unref(strand);
	task_unref(gate);
}

TEST(after_on_completed_a_second_consumer_is_misuse)
{
	if (getenv("BIDE_POOL"))
		SKIP("a stale value task reads freed memory without the pools");
	task *gate = task_create(NULL);
	called c = { .what = task_await(gate) }, second = { .what = c.what };

	catch_misuse();
	assert_int_equal(bide_value_task_on_completed(c.what, on_called, &c), 0);
	assert_int_equal(bide_value_task_on_completed(c.what, on_called, &second), BIDE_ESTALE);
	ASSERT_MISUSE("bide_value_task_on_completed");
	value_task_forget(c.what);
	ASSERT_MISUSE("bide_value_task_forget");
	assert_int_equal(bide_value_task_on_completed(c.what, NULL, NULL), EINVAL);
	ASSERT_MISUSE("bide_value_task_on_completed: function is NULL");
	bide_task_complete_int(gate, 1);
	until_called(&c);
	assert_int_equal(c.result, 1);
	assert_int_equal(atomic_load(&second.count), 0);
	assert_int_equal(bide_value_task_on_completed(c.what, on_called, &c), BIDE_ESTALE);
	ASSERT_MISUSE("bide_value_task_on_completed");
	task_unref(gate);
}

TEST(many_value_tasks_are_completed_and_their_functions_called_on_many_threads)
{
	enum { COUNT = 2000 };
	static called calls[COUNT];

	for (int i = 0; i < COUNT; i++) {
		calls[i] = (called){ .what = later_value(i % 7 * (MS / 10), i) };
		assert_int_equal(bide_value_task_on_completed(calls[i].what, on_called, &calls[i]), 0);
	}
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(atomic_load(&calls[i].count), 1);
		assert_int_equal(calls[i].error, 0);
		assert_int_equal(calls[i].result, i);
	}
}
