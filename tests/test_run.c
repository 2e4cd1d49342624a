/*
 * bide_run, bide_task_run and bide_async_start_cold: the function begins later, on a worker, and
 * never inside the call.
 */
/* threads */
#include "support/task_support.h"

static value_task doubles(void *argument)
{
	return value_task_from((int64_t)(intptr_t)argument * 2);
}

TEST(the_result_of_the_function_is_the_outcome)
{
	int64_t got;
	task *t;

	assert_int_equal(wait_int(bide_run(doubles, (void *)21), &got), 0);
	assert_int_equal(got, 42);
	t = task_run(doubles, (void *)4);
	assert_int_equal(task_wait(t, NULL), 0);
	assert_int_equal(task_result(t).i, 8);
	task_unref(t);
}

static value_task fails(void *argument)
{
	return value_task_from_error((int)(intptr_t)argument);
}

TEST(the_error_of_the_function_is_the_outcome)
{
	task *t = task_run(fails, (void *)EIO);

	assert_int_equal(wait_int(bide_run(fails, (void *)ENOENT), NULL), ENOENT);
	assert_int_equal(wait_int(bide_run(fails, (void *)ECANCELED), NULL), ECANCELED);
	/* BIDE_ENOFRAME would say that the function never ran. */
	assert_int_equal(wait_int(bide_run(fails, (void *)BIDE_ENOFRAME), NULL), ENOMEM);
	assert_int_equal(task_wait(t, NULL), EIO);
	task_unref(t);
}

static value_task counts_later(void *argument)
{
	++*(int *)argument;
	return later_value(2 * MS, 77);
}

TEST(a_value_task_that_the_function_returns_is_awaited)
{
	int count = 0;
	int64_t got;

	assert_int_equal(wait_int(bide_run(counts_later, &count), &got), 0);
	assert_int_equal(got, 77);
	assert_int_equal(count, 1);
}

static value_task takes_its_turn(void *argument)
{
	turn(argument, 2);
	return value_task_from(0);
}

TEST(nothing_runs_inside_the_call)
{
	turn_log log = { 0 };
	value_task v;

	one_worker(); /* it runs nothing before this thread waits */
	v = bide_run(takes_its_turn, &log);
	turn(&log, 1);
	assert_false(value_task_is_ready(v));
	assert_int_equal(wait_int(v, NULL), 0);
	ASSERT_TURNS(&log, 1, 2);
	log.count = 0;
	v = bide_in_detached(async_start_cold(yielder, .log = &log, .id = 5));
	turn(&log, 4);
	assert_false(value_task_is_ready(v));
	assert_int_equal(wait_int(v, NULL), 0);
	ASSERT_TURNS(&log, 4, 5);
}

struct no_parameters {
	ASYNC_FRAME;
	int zeroed[10];
};

async(no_parameters)
{
	async_begin;
	for (int i = 0; i < 10; i++)
		if (my->zeroed[i])
			async_fail(EIO);
	async_return(6);
async_finally:
	async_end;
}

TEST(a_cold_start_without_parameters)
{
	value_task v[20];
	int64_t got;

	for (int i = 0; i < 20; i++)
		v[i] = async_start_cold(no_parameters);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(wait_int(v[i], &got), 0);
		assert_int_equal(got, 6);
	}
	settle_workers();
	assert_none(frame_count);
}

/* --- contexts and cancellation */

static int key;

static value_task reads_the_context(void *argument)
{
	*(const void **)argument = bide_context_get(&key);
	return value_task_from(0);
}

TEST(the_context_is_inherited)
{
	const void *found = NULL;
	int value;
	bide_context *context =
		bide_context_create(&(bide_context_options){ .key = &key, .value = &value });

	assert_int_equal(wait_int(bide_in_context(context, bide_run(reads_the_context, &found)), NULL),
	                 0);
	assert_true(found == &value);
	bide_context_unref(context);
}

static value_task must_not_run(void *argument)
{
	*(bool *)argument = true;
	return value_task_from(0);
}

TEST(a_function_canceled_before_it_began_never_runs)
{
	bide_context *context;
	bool ran = false;
	value_task v;
	task *t;

	one_worker(); /* it can be canceled between the call and its beginning */
	context = canceled_context();
	v = bide_in_context(context, bide_run(must_not_run, &ran));
	t = bide_in_context(context, bide_task_run(must_not_run, &ran));
	assert_int_equal(bide_value_task_status(v), BIDE_CANCELED);
	assert_int_equal(wait_int(v, NULL), ECANCELED);
	assert_int_equal(task_wait(t, NULL), ECANCELED);
	task_unref(t);
	bide_context_unref(context);
	context = bide_context_create(NULL);
	v = bide_in_context(context, bide_run(must_not_run, &ran));
	bide_context_cancel(context, ECANCELED);
	assert_int_equal(wait_int(v, NULL), ECANCELED);
	bide_context_unref(context);
	assert_false(ran);
}

/* --- threads */

static value_task notes_its_thread(void *argument)
{
	*(pthread_t *)argument = pthread_self();
	return value_task_from(0);
}

TEST(with_many_workers_the_function_never_runs_on_the_calling_thread)
{
	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	for (int i = 0; i < 100; i++) {
		pthread_t where = pthread_self();
		assert_int_equal(wait_int(bide_run(notes_its_thread, &where), NULL), 0);
		assert_false(pthread_equal(where, pthread_self()));
	}
}

TEST(with_many_workers_a_canceled_function_never_runs_either)
{
	bide_context *context;
	bool ran = false;
	task *t;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	context = canceled_context();
	assert_int_equal(wait_int(bide_in_context(context, bide_run(must_not_run, &ran)), NULL),
	                 ECANCELED);
	t = bide_in_context(context, bide_task_run(must_not_run, &ran));
	assert_int_equal(task_wait(t, NULL), ECANCELED);
	task_unref(t);
	bide_context_unref(context);
	assert_false(ran);
}

static value_task its_thread(void *argument)
{
	*(pthread_t *)argument = pthread_self();
	return value_task_from(1);
}

static void *runs_from_another(void *argument)
{
	pthread_t where = pthread_self();
	task *t = task_run(its_thread, &where);

	assert_int_equal(task_wait(t, NULL), 0);
	task_unref(t);
	assert_false(pthread_equal(where, pthread_self()));
	atomic_store((atomic_bool *)argument, true);
	return NULL;
}

TEST(a_call_from_another_thread_runs_on_a_worker)
{
	pthread_t thread;
	atomic_bool done = false;

	run_all();
	assert_int_equal(pthread_create(&thread, NULL, runs_from_another, &done), 0);
	while (!atomic_load(&done))
		run_all();
	pthread_join(thread, NULL);
}

/* --- bad input, no memory */

TEST(a_null_function_is_misuse)
{
	catch_misuse();
	assert_int_equal(wait_int(bide_run(NULL, NULL), NULL), EINVAL);
	ASSERT_MISUSE("bide_run: function is NULL");
	assert_null(bide_task_run(NULL, NULL));
	ASSERT_MISUSE("bide_task_run: function is NULL");
}

static bool no_memory;

static void *allocate(size_t size_bytes, size_t alignment, void *argument)
{
	void *memory = NULL;

	(void)argument;
	if (no_memory || posix_memalign(&memory, alignment, size_bytes) != 0)
		return NULL;
	return memory;
}

static void release(void *memory, size_t size_bytes, void *argument)
{
	(void)size_bytes;
	(void)argument;
	free(memory);
}

TEST(without_memory_nothing_runs_and_the_call_fails)
{
	bide_allocator refusing = { allocate, release, NULL };
	bool ran = false;
	value_task v;

	NOT_SEEDED("the pools may have room");
	assert_int_equal(bide_allocator_set(&refusing), 0);
	run_all();
	no_memory = true;
	v = bide_run(must_not_run, &ran);
	assert_int_equal(bide_value_task_error(v), ENOMEM);
	assert_null(bide_task_run(must_not_run, &ran));
	no_memory = false;
	run_all();
	assert_false(ran);
	assert_int_equal(wait_int(bide_run(doubles, (void *)1), NULL), 0);
}
