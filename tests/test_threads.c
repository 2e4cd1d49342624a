/*
 * External threads: they start async functions, complete and await tasks, cancel, forget, turn what
 * they started into tasks, drop last references, and end while functions that they started still
 * run.
 */
/* threads */
#include "support/task_support.h"

typedef struct helper {
	pthread_t thread;
	void *(*run)(void *argument);
	void *argument;
	atomic_bool done;
} helper;

static void *helper_run(void *argument)
{
	helper *h = argument;
	void *result = h->run(h->argument);

	atomic_store(&h->done, true);
	return result;
}

static void helper_start(helper *h, void *(*run)(void *), void *argument)
{
	h->run = run;
	h->argument = argument;
	atomic_store(&h->done, false);
	assert_int_equal(pthread_create(&h->thread, NULL, helper_run, h), 0);
}

/* Runs the worker's loop until the helper thread has ended. */
static void helper_end(helper *h)
{
	while (!atomic_load(&h->done)) {
		run_all();
		sched_yield();
	}
	pthread_join(h->thread, NULL);
}

static void on_helper(void *(*run)(void *), void *argument)
{
	helper h;

	run_all(); /* with one worker, makes this thread the worker */
	helper_start(&h, run, argument);
	helper_end(&h);
	run_all();
}

/* Stores the threads that it ran on. */
struct where {
	ASYNC_FRAME;
	struct {
		pthread_t *threads; /* before and after the await */
		int64_t ns;
	} in;
};

async(where)
{
	async_begin;
	my->in.threads[0] = pthread_self();
	await(delay(my->in.ns));
	my->in.threads[1] = pthread_self();
	async_return(5);
async_finally:
	async_end;
}

/* The second delay is long enough to be pending still when it is awaited. */
static void *starts_and_waits(void *argument)
{
	pthread_t *threads = argument;
	int64_t got = 0;

	threads[4] = pthread_self();
	assert_int_equal(wait_int(async_start(where, .threads = threads, .ns = 0), &got), 0);
	assert_int_equal(got, 5);
	assert_int_equal(wait_int(async_start(where, .threads = threads + 2, .ns = 500 * MS), &got), 0);
	assert_int_equal(got, 5);
	return NULL;
}

TEST(functions_that_another_thread_starts_run_on_the_worker)
{
	pthread_t ran_on[5];

	one_worker();
	on_helper(starts_and_waits, ran_on);
	for (int i = 0; i < 4; i++)
		assert_true(pthread_equal(ran_on[i], pthread_self()));
	settle_workers();
	assert_none(frame_count);
}

TEST(with_many_workers_a_function_starts_on_the_external_thread_and_resumes_on_a_worker)
{
	pthread_t ran_on[5];

	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	on_helper(starts_and_waits, ran_on);
	for (int i = 0; i < 3; i++) /* the first function does not suspend */
		assert_true(pthread_equal(ran_on[i], ran_on[4]));
	assert_false(pthread_equal(ran_on[3], ran_on[4]));
	assert_false(pthread_equal(ran_on[3], pthread_self()));
	run_all();
	assert_none(frame_count);
}

static void *makes_tasks(void *argument)
{
	task **out = argument;

	out[0] = value_task_as_task(later_value(0, 10));
	out[1] = value_task_as_task(later_value(2 * MS, 11));
	out[2] = value_task_as_task(delay_ms(1));
	out[3] = value_task_as_task(later_error(MS, EIO));
	out[4] = bide_task_from_int(14);
	out[5] = task_continue_with(out[1], NULL, NULL, 0);
	return NULL;
}

TEST(tasks_that_another_thread_made_outlive_it)
{
	task *made[6];
	bide_payload got;

	catch_misuse();
	on_helper(makes_tasks, made);
	misuse_count = 0;
	assert_null(made[5]);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(bide_task_wait(made[i], &got), i == 3 ? EIO : 0);
		if (i != 2 && i != 3)
			assert_int_equal(got.i, 10 + i);
		task_unref(made[i]);
	}
	settle_workers();
	assert_none(frame_count);
	assert_none(operation_count);
}

static void *leaves_in_flight(void *argument)
{
	(void)argument;
	value_task_forget(later_value(2 * MS, 10));
	value_task_forget(later_error(2 * MS, EROFS));
	task_unref(value_task_as_task(later_value(2 * MS, 10)));
	value_task_forget(delay_ms(1));
	return NULL;
}

TEST(a_thread_may_end_while_functions_that_it_forgot_run_on)
{
	catch_unobserved();
	for (int i = 0; i < 5; i++)
		on_helper(leaves_in_flight, NULL);
	assert_int_equal(wait_int(delay_ms(10), NULL), 0);
	run_all();
	assert_none(frame_count);
	assert_none(operation_count);
	assert_int_equal(unobserved_count, 5);
}

static void *uses_a_little(void *argument)
{
	(void)argument;
	assert_int_equal(wait_int(later_value(0, 1), NULL), 0);
	return NULL;
}

TEST_SLOW(the_records_of_threads_that_ended_are_used_again, 60)
{
	uint64_t before = 0;

	for (int i = 0; i < 300; i++) {
		on_helper(uses_a_little, NULL);
		if (i == 3)
			before = stats().live_bytes;
	}
	assert_int_equal(stats().live_bytes, before);
}

static void *completes_after_a_while(void *argument)
{
	sleep_ms(20);
	bide_task_complete_int(argument, 9);
	return NULL;
}

TEST(a_completion_wakes_the_sleeping_worker)
{
	for (int i = 0; i < 3; i++) {
		task *t = task_create(0);
		value_task v = await_it(t, NULL, 0);
		helper h;
		int64_t got, began = bide_now_ns();
		helper_start(&h, completes_after_a_while, t);
		assert_int_equal(wait_int(v, &got), 0); /* without a timer the worker sleeps without end */
		assert_int_equal(got, 9);
		assert_true(bide_now_ns() - began >= 20 * MS);
		helper_end(&h);
		task_unref(t);
	}
}

struct busy {
	ASYNC_FRAME;
	struct {
		turn_log *until; /* not empty once the awaiter has run */
	} in;
	int64_t turns;
};

async(busy)
{
	async_begin;
	while (my->in.until->count == 0) {
		my->turns++;
		await(bide_async_yield());
	}
	async_return(my->turns);
async_finally:
	async_end;
}

TEST(a_completion_arrives_while_the_worker_is_busy)
{
	turn_log log = { 0 };
	task *t = task_create(0);
	value_task v = await_it(t, &log, 1), b = async_start(busy, .until = &log);
	helper h;
	int64_t got;

	helper_start(&h, completes_after_a_while, t);
	assert_int_equal(wait_int(v, &got), 0); /* though a function is always runnable */
	assert_int_equal(got, 9);
	assert_int_equal(wait_int(b, &got), 0);
	assert_true(got > 0);
	helper_end(&h);
	task_unref(t);
}

static void *drops_the_last(void *argument)
{
	task_unref(argument);
	return NULL;
}

TEST(the_last_reference_may_be_dropped_on_another_thread)
{
	NOT_SEEDED("it needs threads");
	task *t = value_task_as_task(later_value(1000, 1)), *source = task_create(0),
		 *failed = value_task_as_task(later_error(1000, EIO));
	value_task v = await_it(source, NULL, 0);

	catch_unobserved();
	while (!bide_task_is_ready(t) || !bide_task_is_ready(failed))
		run_all();
	on_helper(drops_the_last, t);
	on_helper(drops_the_last, source);
	on_helper(drops_the_last, failed);
	assert_int_equal(wait_int(v, NULL), BIDE_EBROKEN);
	assert_int_equal(unobserved_count, 1);
	assert_int_equal(unobserved_error, EIO);
	settle_workers();
	assert_none(frame_count);
	assert_none(task_count);
}

static void *cancels_context(void *argument)
{
	sleep_ms(5);
	assert_true(bide_context_cancel(argument, ECANCELED));
	return NULL;
}

TEST(another_thread_cancels_a_wait_of_the_worker)
{
	bide_context *context = bide_context_create(NULL);
	task *t = task_create(0);
	value_task a = bide_in_context(context, later_value(100000 * MS, 1)),
			   b = bide_in_context(context, await_it(t, NULL, 0)),
			   c = bide_in_context(context, task_await_for(t, 100000 * MS));
	helper h;

	helper_start(&h, cancels_context, context);
	assert_int_equal(wait_int(a, NULL), ECANCELED);
	assert_int_equal(wait_int(b, NULL), ECANCELED);
	assert_int_equal(wait_int(c, NULL), ECANCELED);
	helper_end(&h);
	bide_context_unref(context);
	task_unref(t);
	settle_workers();
	assert_none(timer_count);
	assert_none(operation_count);
}

static void *waits_in_a_context(void *argument)
{
	task *t = argument;
	bide_context *limited = bide_context_create(&(bide_context_options){ .timeout_ns = 3 * MS }),
				 *canceled;

	assert_int_equal(bide_in_context(limited, bide_task_wait(t, NULL)), ETIMEDOUT);
	assert_int_equal(wait_int(bide_in_context(limited, delay_ms(100000)), NULL), ETIMEDOUT);
	bide_context_unref(limited);
	canceled = bide_context_create(NULL);
	assert_int_equal(bide_in_context(canceled, bide_task_wait_for(t, NULL, MS)), ETIMEDOUT);
	bide_context_cancel(canceled, ECANCELED);
	assert_int_equal(bide_in_context(canceled, bide_task_wait(t, NULL)), ECANCELED);
	bide_context_unref(canceled);
	return NULL;
}

TEST(another_thread_waits_in_contexts_of_its_own)
{
	task *t = task_create(0);

	on_helper(waits_in_a_context, t);
	assert_int_equal(bide_task_status(t), BIDE_PENDING);
	task_unref(t);
	settle_workers();
	assert_none(operation_count);
	assert_none(timer_count);
}

/*
 * A cancellation that comes while another thread begins to wait is never lost, and touches nothing
 * that was freed.
 */
typedef struct cancel_race {
	bide_context *context;
	task *task;
	atomic_int round, ready; /* round -1 ends the thread */
} cancel_race;

static void *begins_waits(void *argument)
{
	cancel_race *r = argument;

	for (int round = 1;; round++) {
		int error, begun;
		while ((begun = atomic_load(&r->round)) != round && begun >= 0)
			sched_yield();
		if (begun < 0)
			return NULL;
		switch (round % 3) {
		case 0:
			error = wait_int(bide_in_context(r->context, delay_ms(100000)), NULL);
			break;
		case 1:
			error = bide_in_context(r->context, bide_task_wait(r->task, NULL));
			break;
		default:
			error =
				wait_int(bide_in_context(r->context, task_await_for(r->task, 100000 * MS)), NULL);
		}
		assert_int_equal(error, ECANCELED);
		atomic_store(&r->ready, round);
	}
}

TEST_SLOW(a_cancellation_that_races_with_a_wait_of_another_thread_is_not_lost, 60)
{
	cancel_race r = { .task = task_create(0) };
	helper h;

	helper_start(&h, begins_waits, &r);
	for (int round = 1; test_round(round, 1500); round++) {
		r.context = bide_context_create(NULL);
		atomic_store(&r.round, round);
		for (volatile int i = 0; i < round % 50 * 15; i++)
			;
		bide_context_cancel(r.context, ECANCELED);
		while (atomic_load(&r.ready) != round)
			run_all();
		bide_context_unref(r.context);
	}
	atomic_store(&r.round, -1);
	helper_end(&h);
	task_unref(r.task);
	run_all();
	assert_none(operation_count);
	assert_none(timer_count);
}

/* --- all at once */

enum { STORM_THREADS = 6, SHARED = 8 };
static task *shared_tasks[SHARED]; /* each is completed at some time by some thread */
static atomic_bool storm_over;
static atomic_ullong storm_count;

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void storm_step(uint64_t r, task **mine)
{
	int64_t ns = (int64_t)(r >> 40) % 100000, got = 0;
	task *t;
	bide_payload payload = { .i = 0 };
	bide_context *context;
	int error;

	switch ((r >> 8) % 12) {
	case 0:
		assert_int_equal(wait_int(later_value(ns, (int64_t)(r & 255)), &got), 0);
		assert_int_equal(got, (int64_t)(r & 255));
		break;
	case 1:
		value_task_forget(later_value(ns, 1));
		break;
	case 2:
		t = value_task_as_task(later_value(ns, 33));
		assert_int_equal(bide_task_wait(t, &payload), 0);
		assert_int_equal(payload.i, 33);
		task_unref(t);
		break;
	case 3:
		task_unref(value_task_as_task(later_value(ns, 1)));
		break;
	case 4: /* keep a task for later steps */
		if (*mine)
			task_unref(*mine);
		*mine = value_task_as_task(later_value(ns, 44));
		break;
	case 5:
		if (*mine) {
			assert_int_equal(bide_task_wait(*mine, &payload), 0);
			assert_int_equal(payload.i, 44);
		}
		break;
	case 6: {
		bool won = bide_task_try_complete(shared_tasks[r % SHARED], (bide_payload){ .i = 66 });
		(void)won;
		break;
	}
	case 7:
		error = bide_task_wait_for(shared_tasks[r % SHARED], &payload, ns);
		assert_true(error == ETIMEDOUT || (error == 0 && payload.i == 66));
		break;
	case 8:
		value_task_forget(task_await(shared_tasks[r % SHARED]));
		break;
	case 9:
		context = bide_context_create(NULL);
		t = value_task_as_task(bide_in_context(context, later_value(100000 * MS, 1)));
		bide_context_cancel(context, ECANCELED);
		assert_int_equal(bide_task_wait(t, NULL), ECANCELED);
		task_unref(t);
		bide_context_unref(context);
		break;
	case 10: /* wait for a task that nothing can complete */
		t = task_create(0);
		{
			value_task v = task_await(t);
			task_unref(t);
			assert_int_equal(wait_int(v, NULL), BIDE_EBROKEN);
		}
		break;
	default:
		t = value_task_as_task(await_it(shared_tasks[r % SHARED], NULL, 0));
		error = bide_task_wait_for(t, NULL, ns);
		assert_true(error == ETIMEDOUT || error == 0);
		task_unref(t);
	}
}

static void *storm(void *argument)
{
	uint64_t state = (uint64_t)(uintptr_t)argument;
	task *mine = NULL;

	while (!atomic_load(&storm_over)) {
		storm_step(next_random(&state), &mine);
		atomic_fetch_add(&storm_count, 1);
	}
	task_unref(mine);
	return NULL;
}

TEST_SLOW(many_threads_do_everything_at_once, 60)
{
	helper h[STORM_THREADS];
	const char *wanted = getenv("BIDE_TEST_SEED");
	uint64_t seed = wanted ? strtoull(wanted, NULL, 0) : (uint64_t)bide_now_ns() & 0xFFFFFF;
	int64_t end = bide_now_ns() + 1000 * MS;
	bool over;

	printf("BIDE_TEST_SEED=%llu\n", (unsigned long long)seed);
	for (int i = 0; i < SHARED; i++)
		shared_tasks[i] = task_create(&(bide_task_options){ .queue_continuations = i % 2 });
	for (uintptr_t i = 0; i < STORM_THREADS; i++)
		helper_start(&h[i], storm, (void *)(uintptr_t)(seed * 1000 + i));
	while (bide_now_ns() < end)
		assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0);
	atomic_store(&storm_over, true);
	do {
		run_all();
		over = true;
		for (int i = 0; i < STORM_THREADS; i++)
			over &= atomic_load(&h[i].done);
	} while (!over);
	for (int i = 0; i < STORM_THREADS; i++)
		helper_end(&h[i]);
	for (int i = 0; i < SHARED; i++) {
		(void)bide_task_try_complete(shared_tasks[i], (bide_payload){ .i = 66 });
		task_unref(shared_tasks[i]);
	}
	assert_int_equal(wait_int(delay_ms(2), NULL), 0); /* longer than any forgotten delay */
	run_all();
	printf("%llu steps\n", (unsigned long long)atomic_load(&storm_count));
	assert_true(atomic_load(&storm_count) > 100);
	/* On a busy machine a forgotten delay may end late. */
	while (stats().operation_count != 0)
		assert_int_equal(wait_int(delay_ms(1), NULL), 0);
	settle_workers();
	assert_none(frame_count);
	assert_none(operation_count);
	assert_none(task_count);
	assert_int_equal(stats().unconsumed_count, 0);
}
