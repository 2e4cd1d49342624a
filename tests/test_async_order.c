/*
 * The order and the threads in which the parts of async functions run.
 */
/* threads */
#include <pthread.h>
#include <string.h>

#include "support/library.h"

#include <bide/short.h>

async_declare(pong);

struct ping {
	ASYNC_FRAME;
	struct {
		int n;
	} in;
	int64_t got;
};

struct pong {
	ASYNC_FRAME;
	struct {
		int n;
	} in;
	int64_t got;
};

async(ping)
{
	async_begin;
	if (my->in.n == 0)
		async_return(0);
	await(my->got, async_start(pong, .n = my->in.n - 1));
	async_return(my->got + 1);
async_finally:
	async_end;
}

async(pong)
{
	async_begin;
	await(async_yield());
	if (my->in.n == 0)
		async_return(0);
	await(my->got, async_start(ping, .n = my->in.n - 1));
	async_return(my->got + 1);
async_finally:
	async_end;
}

TEST(functions_that_start_each_other)
{
	assert_int_equal(result_of(async_start(ping, .n = 31)), 31);
	assert_int_equal(result_of(async_start(ping, .n = 1000)), 1000);
}

static char log_text[64];

struct writes {
	ASYNC_FRAME;
	struct {
		char letter;
	} in;
	int i;
};

async(writes)
{
	async_begin;
	for (my->i = 0; my->i < 3; my->i++) {
		log_text[strlen(log_text)] = my->in.letter;
		await(async_yield());
	}
async_finally:
	async_end;
}

TEST(a_start_runs_up_to_the_first_await_and_yields_take_turns)
{
	value_task a, b;

	NOT_SEEDED("the order is that of a runtime without a seed");

	one_worker();
	a = async_start(writes, .letter = 'a');
	assert_string_equal(log_text, "a");
	b = async_start(writes, .letter = 'b');
	assert_string_equal(log_text, "ab");
	assert_int_equal(error_of(a), 0);
	assert_int_equal(error_of(b), 0);
	assert_string_equal(log_text, "ababab");
}

struct runs_where {
	ASYNC_FRAME;
	struct {
		pthread_t *first, *second;
	} in;
};

async(runs_where)
{
	async_begin;
	*my->in.first = pthread_self();
	await(async_yield());
	*my->in.second = pthread_self();
async_finally:
	async_end;
}

TEST(with_many_workers_a_function_starts_on_the_caller_and_resumes_on_a_worker)
{
	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	for (int i = 0; i < 100; i++) {
		pthread_t first, second;

		assert_int_equal(error_of(async_start(runs_where, .first = &first, .second = &second)), 0);
		assert_true(pthread_equal(first, pthread_self()));
		assert_false(pthread_equal(second, pthread_self()));
	}
}

/* The order in which the waiter and the completer run; completing never runs the waiter inside. */
static int order_at;

struct waits {
	ASYNC_FRAME;
	struct {
		task *t;
		int *when;
	} in;
};

async(waits)
{
	async_begin;
	await(my->in.t);
	*my->in.when = ++order_at;
async_finally:
	async_end;
}

struct completes {
	ASYNC_FRAME;
	struct {
		task *t;
		int *when;
	} in;
};

async(completes)
{
	async_begin;
	bide_task_complete_int(my->in.t, 1);
	*my->in.when = ++order_at;
	await(async_yield());
async_finally:
	async_end;
}

TEST(completing_in_a_body_does_not_run_the_waiter_there)
{
	task *t;
	int waited = 0, completed = 0;
	value_task w, c;

	one_worker();
	t = task_create(0);
	w = async_start(waits, .t = t, .when = &waited);
	c = async_start(completes, .t = t, .when = &completed);
	assert_int_equal(error_of(w), 0);
	assert_int_equal(error_of(c), 0);
	assert_true(completed < waited);
	task_unref(t);
}
