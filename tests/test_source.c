/*
 * Sources of the user: one producer, one consumer, generations. Covers the rows VS of the
 * reference.
 */
/* threads */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/settle.h"
#include "support/test.h"

#include <bide/bide.h>
#define BIDE_NO_SHORT_race 1 /* a function of this file */
#include <bide/short.h>

static char misuse_text[1024];
static int misuse_count;

static void note_misuse(const char *message, void *argument)
{
	(void)argument;
	misuse_count++;
	snprintf(misuse_text, sizeof misuse_text, "%s", message);
}

static bide_stats stats_now(void)
{
	bide_stats stats;

	bide_stats_get(&stats);
	return stats;
}

static bide_payload number(int64_t i)
{
	return (bide_payload){ .i = i };
}

/* Awaits one value task; returns its result, or its error negated. */
struct consume {
	ASYNC_FRAME;
	struct {
		value_task what;
	} in;
	int64_t got;
};

async(consume)
{
	async_begin;
	await_or(my->got, my->in.what, my->got = -(int64_t)await_error);
	async_return(my->got);
async_finally:
	async_end;
}

static value_task consume(value_task what)
{
	return async_start(consume, .what = what);
}

static int64_t result_of(value_task v)
{
	bide_payload result;

	assert_int_equal(bide_value_task_wait(v, &result), 0);
	return result.i;
}

TEST(VS_01_one_source_serves_any_number_of_uses)
{
	bide_user_source source;
	uint64_t before = 0;

	bide_user_source_init(&source, NULL);
	for (int i = 0; i < 10000; i++) {
		value_task v = bide_user_source_value_task(&source);

		if (i % 3 == 0) { /* complete, then await */
			bide_user_source_complete(&source, number(i));
			assert_int_equal(result_of(consume(v)), i);
		} else if (i % 3 == 1) { /* await, then complete */
			value_task waiting = consume(v);

			assert_false(value_task_is_ready(waiting));
			bide_user_source_complete(&source, number(i));
			assert_int_equal(result_of(waiting), i);
		} else { /* from ordinary code */
			bide_user_source_fail(&source, BIDE_EUSER + i % 1000);
			assert_int_equal(bide_value_task_wait(v, NULL), BIDE_EUSER + i % 1000);
		}
		bide_user_source_reset(&source);
		if (i == 100)
			before = stats_now().allocation_count;
	}
	if (!getenv("BIDE_POOL"))
		assert_int_equal(stats_now().allocation_count, before);
	assert_int_equal(stats_now().frame_count, 0);
	assert_int_equal(stats_now().misuse_count, 0);
}

TEST(VS_02_another_generation_is_misuse_in_every_call)
{
	bide_user_source source;
	value_task v, wrong;
	task *t;
	int expected = 0;

	bide_user_source_init(&source, NULL);
	v = bide_user_source_value_task(&source);
	bide_misuse_hook_set(note_misuse, NULL);
	for (int done = 0; done < 2; done++) {
		for (int difference = -1; difference <= 1; difference += 2) {
			wrong = v;
			wrong.payload.generation += (uint64_t)(int64_t)difference;
			assert_int_equal(bide_value_task_status(wrong), BIDE_FAILED);
			assert_int_equal(misuse_count, ++expected);
			assert_int_equal(bide_value_task_error(wrong), BIDE_ESTALE);
			assert_int_equal(misuse_count, ++expected);
			assert_int_equal(bide_value_task_wait(wrong, NULL), BIDE_ESTALE);
			assert_int_equal(misuse_count, ++expected);
			assert_int_equal(result_of(consume(wrong)), -BIDE_ESTALE);
			assert_int_equal(misuse_count, ++expected);
			t = value_task_as_task(wrong);
			assert_int_equal(misuse_count, ++expected);
			assert_int_equal(bide_task_error(t), BIDE_ESTALE);
			task_unref(t);
			value_task_forget(wrong);
			assert_int_equal(misuse_count, ++expected);
		}
		if (!done)
			bide_user_source_complete(&source, number(3));
	}
	assert_int_equal(result_of(consume(v)), 3); /* the valid value task is untouched */
	assert_int_equal(misuse_count, expected);
}

TEST(VS_03_completing_twice_is_misuse_until_it_is_reset)
{
	bide_user_source source;
	value_task v;

	bide_user_source_init(&source, NULL);
	v = bide_user_source_value_task(&source);
	bide_misuse_hook_set(note_misuse, NULL);
	bide_user_source_complete(&source, number(1));
	assert_int_equal(misuse_count, 0);
	bide_user_source_complete(&source, number(2));
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "bide_user_source_complete"));
	assert_non_null(strstr(misuse_text, "bide_user_source_reset"));
	bide_user_source_fail(&source, EIO);
	assert_int_equal(misuse_count, 2);
	assert_non_null(strstr(misuse_text, "bide_user_source_fail"));
	assert_false(bide_user_source_try_complete(&source, number(2)));
	assert_false(bide_user_source_try_fail(&source, EIO));
	assert_int_equal(misuse_count, 2);
	assert_int_equal(result_of(v), 1);
	/* It was consumed, but not reset yet. */
	assert_false(bide_user_source_try_complete(&source, number(2)));
	bide_user_source_reset(&source);
	v = bide_user_source_value_task(&source);
	assert_true(bide_user_source_try_fail(&source, EIO));
	assert_int_equal(bide_value_task_wait(v, NULL), EIO);
	assert_int_equal(misuse_count, 2);
}

TEST(VS_05_a_source_completed_before_the_await_is_ready_at_once)
{
	bide_user_source source;
	value_task v, waiting;

	bide_user_source_init(&source, NULL);
	bide_user_source_complete(&source, number(8));
	v = bide_user_source_value_task(&source);
	assert_int_equal(bide_value_task_status(v), BIDE_SUCCEEDED);
	waiting = consume(v);
	assert_int_equal(waiting.state, 0); /* did not suspend */
	assert_int_equal(waiting.payload.i, 8);
}

TEST(VS_07_a_source_that_failed_before_the_await_fails_it_at_once)
{
	bide_user_source source;
	value_task v;

	bide_user_source_init(&source, NULL);
	bide_user_source_fail(&source, EPIPE);
	v = bide_user_source_value_task(&source);
	assert_int_equal(bide_value_task_status(v), BIDE_FAILED);
	assert_int_equal(bide_value_task_error(v), EPIPE);
	assert_int_equal(consume(v).payload.i, -EPIPE);
}

TEST(VS_08_the_waiter_of_a_source_that_fails_later_gets_the_error)
{
	bide_user_source source;
	value_task waiting;

	bide_user_source_init(&source, NULL);
	waiting = consume(bide_user_source_value_task(&source));
	bide_user_source_fail(&source, EPIPE);
	assert_int_equal(result_of(waiting), -EPIPE);
}

/* Unlike in the reference, a waiter always keeps the context it was started in, without a flag. */
static const char key[1];

struct sees {
	ASYNC_FRAME;
	struct {
		value_task what;
	} in;
	void *before;
};

async(sees)
{
	async_begin;
	my->before = bide_context_get(key);
	await(my->in.what);
	async_return(bide_context_get(key) == my->before ? my->before : NULL);
async_finally:
	async_end;
}

struct completes {
	ASYNC_FRAME;
	struct {
		bide_user_source *source;
	} in;
};

async(completes)
{
	async_begin;
	await(async_yield());
	bide_user_source_complete(my->in.source, number(0));
async_finally:
	async_end;
}

static void context_after_await(bool early)
{
	int mine = 0, other = 0;
	bide_context *context =
		bide_context_create(&(bide_context_options){ .key = key, .value = &mine });
	bide_context *producer =
		bide_context_create(&(bide_context_options){ .key = key, .value = &other });
	bide_user_source source;
	bide_payload result;
	value_task waiting, working;

	bide_user_source_init(&source, NULL);
	if (early)
		bide_user_source_complete(&source, number(0));
	waiting =
		bide_in_context(context, async_start(sees, .what = bide_user_source_value_task(&source)));
	if (!early) {
		working = bide_in_context(producer, async_start(completes, .source = &source));
		assert_int_equal(bide_value_task_wait(working, NULL), 0);
	}
	assert_int_equal(bide_value_task_wait(waiting, &result), 0);
	assert_ptr_equal(result.p, &mine);
	bide_context_unref(context);
	bide_context_unref(producer);
	assert_int_equal(stats_now().operation_count, 0);
}

TEST(VS_10_the_waiter_of_a_source_completed_before_sees_its_own_context)
{
	context_after_await(true);
}

TEST(VS_11_the_waiter_of_a_source_completed_later_sees_its_own_context)
{
	context_after_await(false);
}

TEST(VS_13_a_second_waiter_is_misuse)
{
	bide_user_source source;
	value_task v, first;
	task *t;
	int expected = 0;

	bide_user_source_init(&source, NULL);
	v = bide_user_source_value_task(&source);
	first = consume(v);
	bide_misuse_hook_set(note_misuse, NULL);
	assert_int_equal(result_of(consume(v)), -BIDE_ESTALE);
	assert_int_equal(misuse_count, ++expected);
	assert_int_equal(bide_value_task_wait(v, NULL), BIDE_ESTALE);
	assert_int_equal(misuse_count, ++expected);
	t = value_task_as_task(v);
	assert_int_equal(misuse_count, ++expected);
	assert_int_equal(bide_task_error(t), BIDE_ESTALE);
	task_unref(t);
	value_task_forget(v);
	assert_int_equal(misuse_count, ++expected);
	bide_user_source_complete(&source, number(6));
	assert_int_equal(result_of(first), 6); /* the first waiter is not disturbed */
	assert_int_equal(misuse_count, expected);
}

/* A function that waits for a source never runs inside the call that completes it. */
struct marks {
	ASYNC_FRAME;
	struct {
		value_task what;
		int *mark;
	} in;
};

async(marks)
{
	async_begin;
	await(my->in.what);
	++*my->in.mark;
async_finally:
	async_end;
}

TEST(VS_15_completing_never_runs_the_waiter_inside_the_call)
{
	bide_user_source source;
	value_task waiting;
	int mark = 0;

	one_worker();
	bide_user_source_init(&source, NULL);
	waiting = async_start(marks, .what = bide_user_source_value_task(&source), .mark = &mark);
	bide_user_source_complete(&source, number(0));
	assert_int_equal(mark, 0);
	assert_false(value_task_is_ready(waiting));
	assert_int_equal(stats_now().runnable_count, 1);
	assert_int_equal(bide_value_task_wait(waiting, NULL), 0);
	assert_int_equal(mark, 1);
}

/* --- beyond the rows --- */

static int releases;

static void released(bide_source *source)
{
	releases++;
	(void)source;
}

static void released_and_reset(bide_source *source)
{
	releases++;
	bide_user_source_reset((bide_user_source *)(void *)source);
}

TEST(release_is_called_once_for_each_result_that_was_consumed)
{
	static const bide_source_operations operations = { released };
	bide_user_source source;
	task *t;

	bide_user_source_init(&source, &operations);
	bide_user_source_complete(&source, number(1));
	assert_int_equal(releases, 0);
	assert_int_equal(result_of(bide_user_source_value_task(&source)), 1);
	assert_int_equal(releases, 1);
	bide_user_source_reset(&source);
	t = value_task_as_task(bide_user_source_value_task(&source));
	assert_int_equal(releases, 1);
	bide_user_source_complete(&source, number(2));
	assert_int_equal(releases, 2);
	assert_int_equal(bide_task_result(t).i, 2);
	task_unref(t);
	bide_user_source_reset(&source);
	value_task_forget(bide_user_source_value_task(&source));
	assert_int_equal(releases, 2);
	bide_user_source_complete(&source, number(3));
	assert_int_equal(releases, 3);
	assert_int_equal(stats_now().task_count, 0);
}

TEST(release_may_reset_the_source_for_its_next_use)
{
	static const bide_source_operations operations = { released_and_reset };
	bide_user_source source;

	bide_user_source_init(&source, &operations);
	for (int i = 0; i < 100; i++) {
		value_task waiting = consume(bide_user_source_value_task(&source));

		bide_user_source_complete(&source, number(i));
		assert_int_equal(result_of(waiting), i);
		assert_int_equal(releases, i + 1);
	}
	assert_int_equal(stats_now().misuse_count, 0);
}

TEST(reset_is_misuse_while_a_value_task_is_awaited_or_unconsumed)
{
	bide_user_source source;
	value_task v, waiting;

	bide_user_source_init(&source, NULL);
	bide_user_source_reset(&source); /* allowed while no value task is handed out */
	v = bide_user_source_value_task(&source);
	waiting = consume(v);
	bide_misuse_hook_set(note_misuse, NULL);
	bide_user_source_reset(&source);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "being awaited"));
	bide_user_source_complete(&source, number(1));
	assert_int_equal(result_of(waiting), 1);
	bide_user_source_reset(&source);
	assert_int_equal(misuse_count, 1);
	v = bide_user_source_value_task(&source);
	bide_user_source_complete(&source, number(2));
	bide_user_source_reset(&source);
	assert_int_equal(misuse_count, 2);
	assert_non_null(strstr(misuse_text, "not been consumed"));
	assert_int_equal(result_of(v), 2);
}

TEST(a_reset_invalidates_value_tasks_of_earlier_generations)
{
	bide_user_source source;
	value_task old, new;

	bide_user_source_init(&source, NULL);
	old = bide_user_source_value_task(&source);
	bide_user_source_reset(&source);
	new = bide_user_source_value_task(&source);
	bide_user_source_complete(&source, number(9));
	bide_misuse_hook_set(note_misuse, NULL);
	assert_int_equal(bide_value_task_wait(old, NULL), BIDE_ESTALE);
	assert_int_equal(misuse_count, 1);
	assert_int_equal(result_of(new), 9);
	assert_int_equal(bide_value_task_wait(new, NULL), BIDE_ESTALE);
	assert_int_equal(misuse_count, 2);
}

static int unobserved_error;

static void note_unobserved(int error, const char *function, bide_trace trace, void *argument)
{
	(void)function;
	(void)trace;
	(void)argument;
	unobserved_error = error;
}

TEST(a_forgotten_source_reports_its_error_and_can_be_reset)
{
	bide_user_source source;

	bide_user_source_init(&source, NULL);
	bide_unobserved_hook_set(note_unobserved, NULL);
	value_task_forget(bide_user_source_value_task(&source));
	bide_user_source_fail(&source, EPIPE);
	assert_int_equal(unobserved_error, EPIPE);
	bide_user_source_reset(&source);
	bide_user_source_fail(&source, EIO);
	value_task_forget(bide_user_source_value_task(&source)); /* it has already failed */
	assert_int_equal(unobserved_error, EIO);
	bide_user_source_reset(&source);
	assert_int_equal(stats_now().unobserved_count, 2);
	assert_int_equal(stats_now().misuse_count, 0);
}

static void *complete_local(void *argument)
{
	assert_false(bide_user_source_try_complete(argument, number(5)));
	return NULL;
}

static void *complete_local_first(void *argument)
{
	assert_true(bide_user_source_try_complete(argument, number(5)));
	assert_false(bide_user_source_try_complete(argument, number(6)));
	return NULL;
}

TEST(a_local_source_belongs_to_the_thread_that_runs_its_consumer)
{
	bide_user_source source;
	pthread_t thread;
	value_task waiting;

	one_worker();
	bide_user_source_init_local(&source, NULL);
	for (int i = 0; i < 100; i++) {
		waiting = consume(bide_user_source_value_task(&source));
		assert_true(bide_user_source_try_complete(&source, number(i)));
		assert_false(bide_user_source_try_complete(&source, number(i)));
		assert_int_equal(result_of(waiting), i);
		bide_user_source_reset(&source);
	}
	bide_user_source_fail(&source, EIO);
	assert_int_equal(bide_value_task_wait(bide_user_source_value_task(&source), NULL), EIO);
	bide_user_source_reset(&source);
	bide_misuse_hook_set(note_misuse, NULL);
	assert_int_equal(pthread_create(&thread, NULL, complete_local, &source), 0);
	pthread_join(thread, NULL);
	assert_int_equal(misuse_count, 1);
	assert_int_equal(bide_value_task_status(bide_user_source_value_task(&source)), BIDE_PENDING);
}

/*
 * Only one thread uses the source at a time. The test checks only that the identity of the caller
 * does not matter.
 */
TEST(with_many_workers_a_local_source_may_pass_from_thread_to_thread)
{
	bide_user_source source;
	pthread_t thread;
	value_task v;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	bide_misuse_hook_set(note_misuse, NULL);
	bide_user_source_init_local(&source, NULL);
	v = bide_user_source_value_task(&source);
	assert_int_equal(pthread_create(&thread, NULL, complete_local_first, &source), 0);
	pthread_join(thread, NULL);
	assert_int_equal(result_of(v), 5);
	bide_user_source_reset(&source);
	assert_int_equal(misuse_count, 0);
}

/* --- other threads --- */

struct producer {
	bide_user_source *source;
	int64_t value;
	uint64_t wins;
	pthread_barrier_t *barrier;
};

static void *produce(void *argument)
{
	struct producer *p = argument;

	bide_user_source_complete(p->source, number(p->value));
	return NULL;
}

TEST(another_thread_may_complete)
{
	bide_user_source source;

	bide_user_source_init(&source, NULL);
	for (int i = 0; i < 100; i++) {
		struct producer p = { .source = &source, .value = i };
		pthread_t thread;
		value_task v = bide_user_source_value_task(&source);
		task *t = NULL;

		if (i % 4 == 1)
			v = consume(v);
		if (i % 4 == 2)
			t = value_task_as_task(v);
		if (i % 4 == 3)
			value_task_forget(v);
		assert_int_equal(pthread_create(&thread, NULL, produce, &p), 0);
		if (i % 4 < 2)
			assert_int_equal(result_of(v), i);
		if (t) {
			assert_int_equal(result_of(task_await(t)), i);
			task_unref(t);
		}
		pthread_join(thread, NULL);
		settle(0);
		bide_user_source_reset(&source);
	}
	assert_int_equal(stats_now().misuse_count, 0);
}

static void *race(void *argument)
{
	struct producer *p = argument;

	for (int i = 0; i < 200; i++) {
		pthread_barrier_wait(p->barrier);
		if (p->value % 2 ? bide_user_source_try_complete(p->source, number(p->value))
		                 : bide_user_source_try_fail(p->source, BIDE_EUSER + (int)p->value))
			__atomic_fetch_add(&p->wins, 1, __ATOMIC_RELAXED);
		pthread_barrier_wait(p->barrier);
	}
	return NULL;
}

TEST(exactly_one_of_racing_threads_completes)
{
	enum { THREADS = 4 };
	struct producer p[THREADS];
	pthread_t threads[THREADS];
	pthread_barrier_t barrier;
	bide_user_source source;
	uint64_t wins = 0;

	bide_user_source_init(&source, NULL);
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++) {
		p[i] = (struct producer){ .source = &source, .value = i, .barrier = &barrier };
		assert_int_equal(pthread_create(&threads[i], NULL, race, &p[i]), 0);
	}
	for (int i = 0; i < 200; i++) {
		bide_payload result;
		value_task waiting;
		int error;

		waiting = consume(bide_user_source_value_task(&source));
		pthread_barrier_wait(&barrier);
		error = bide_value_task_wait(waiting, &result);
		assert_int_equal(error, 0);
		assert_true(result.i == 1 || result.i == 3 || result.i == -BIDE_EUSER ||
		            result.i == -BIDE_EUSER - 2);
		pthread_barrier_wait(&barrier);
		bide_user_source_reset(&source);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		wins += p[i].wins;
	}
	pthread_barrier_destroy(&barrier);
	assert_int_equal(wins, 200);
	assert_int_equal(stats_now().misuse_count, 0);
}

/* --- local sources with many workers: completer and waiter are on different threads */

enum { TURNS = 100000 };

static atomic_bool enough;

struct takes_turns {
	ASYNC_FRAME;
	struct {
		bide_user_source *source;
	} in;
	int64_t i, got, until_ns;
};

/* A turn takes microseconds, or a thread switch if there are more threads than CPUs. */

async(takes_turns)
{
	async_begin;
	my->until_ns = bide_now_ns() + BIDE_SECONDS(2);
	for (my->i = 0; my->i < TURNS && bide_now_ns() < my->until_ns; my->i++) {
		await(my->got, bide_user_source_value_task(my->in.source));
		if (my->got != my->i)
			async_fail(EPROTO);
		bide_user_source_reset(my->in.source);
	}
async_finally:
	atomic_store(&enough, true);
	async_end;
}

struct gives_turns {
	ASYNC_FRAME;
	struct {
		bide_user_source *source;
	} in;
	int64_t i, tries;
};

/* Yields only now and then, so that it mostly completes at the very moment of the await. */
async(gives_turns)
{
	async_begin;
	while (!atomic_load(&enough)) {
		if (bide_user_source_try_complete(my->in.source, number(my->i)))
			my->i++;
		else if (my->tries++ % 64 == 0)
			await(bide_async_yield());
	}
async_finally:
	async_end;
}

static void *gives_turns_elsewhere(void *argument)
{
	for (int64_t i = 0, tries = 0; !atomic_load(&enough);) {
		if (bide_user_source_try_complete(argument, number(i)))
			i++;
		else if (tries++ % 64 == 0)
			sched_yield();
	}
	return NULL;
}

/* Returns false if a wake-up was lost. */
static bool all_turns_taken(value_task taker)
{
	int error = bide_value_task_wait_for(taker, NULL, BIDE_SECONDS(20));

	assert_true(error == 0 || error == ETIMEDOUT);
	return error == 0;
}

static void local_source_between_workers(unsigned workers)
{
	bide_user_source source;
	value_task taker, giver;

	needs_threads();
	assert_int_equal(bide_configure(&(bide_config){ .workers = workers }), 0);
	atomic_store(&enough, false);
	bide_user_source_init_local(&source, NULL);
	taker = async_start_cold(takes_turns, .source = &source);
	giver = async_start_cold(gives_turns, .source = &source);
	assert_true(all_turns_taken(taker));
	assert_int_equal(bide_value_task_wait(giver, NULL), 0);
	assert_int_equal(stats_now().misuse_count, 0);
}

TEST_SLOW(a_local_source_that_another_worker_completes_wakes_its_waiter_with_2_workers, 60)
{
	local_source_between_workers(2);
}

TEST_SLOW(a_local_source_that_another_worker_completes_wakes_its_waiter_with_8_workers, 60)
{
	local_source_between_workers(8);
}

TEST_SLOW(a_local_source_that_an_external_thread_completes_wakes_its_waiter, 60)
{
	bide_user_source source;
	pthread_t thread;
	value_task taker;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	atomic_store(&enough, false);
	bide_user_source_init_local(&source, NULL);
	taker = async_start_cold(takes_turns, .source = &source);
	assert_int_equal(pthread_create(&thread, NULL, gives_turns_elsewhere, &source), 0);
	assert_true(all_turns_taken(taker));
	pthread_join(thread, NULL);
	assert_int_equal(stats_now().misuse_count, 0);
}

/* ---- several waiters become runnable on another thread, before the worker looks */

static void *completes_three(void *argument)
{
	bide_user_source *sources = argument;

	for (int64_t i = 0; i < 3; i++)
		bide_user_source_complete_int(&sources[i], i + 1);
	return NULL;
}

struct waits_for_source {
	ASYNC_FRAME;
	struct {
		bide_user_source *source;
	} in;
	int64_t got;
};

static int64_t order;

static value_task task_of_source(struct waits_for_source *my)
{
	return bide_user_source_value_task(my->in.source);
}

async(waits_for_source)
{
	async_begin;
	await(my->got, task_of_source(my));
	order = order * 10 + my->got;
	async_return(my->got);
async_finally:
	async_end;
}

/* With assertions this also shows that frames in the mailbox may be linked to each other. */
TEST(waiters_that_another_thread_completes_run_in_the_order_of_completion)
{
	bide_user_source sources[3];
	value_task waiters[3];
	pthread_t thread;

	one_worker();
	order = 0;
	for (int i = 0; i < 3; i++) {
		bide_user_source_init(&sources[i], NULL);
		waiters[i] = async_start(waits_for_source, .source = &sources[i]);
	}
	assert_int_equal(pthread_create(&thread, NULL, completes_three, sources), 0);
	pthread_join(thread, NULL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(bide_value_task_wait(waiters[i], NULL), 0);
	assert_int_equal(order, 123);
}
