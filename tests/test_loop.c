/*
 * Loops, which a thread of the user runs. No test assumes which worker runs a function.
 */
/* threads */
#include <poll.h>
#include <semaphore.h>

#include "support/executor_support.h"

struct flag {
	ASYNC_FRAME;
	struct {
		task *when;
		bool *set;
	} in;
};

async(flag)
{
	async_begin;
	await(task_await(my->in.when));
	*my->in.set = true;
async_finally:
	async_end;
}

static bool readable(bide_executor *l, int timeout_ms)
{
	struct pollfd p = { fd_of_loop(l), POLLIN, 0 };

	return poll(&p, 1, timeout_ms) == 1;
}

/*
 * Runs the loop of this thread as a program's own loop would, with only the descriptor and the
 * call.
 */
static void turn_until(bide_executor *l, const bool *done)
{
	while (!*done) {
		assert_true(readable(l, 15000));
		run_loop_once(l, 0);
	}
}

/* Runs on the loop's thread at all times, whatever it awaits. */
struct resident {
	ASYNC_FRAME;
	struct {
		bide_executor *loop;
		pthread_t thread;
		bool *done;
	} in;
	value_task elsewhere;
	int64_t value;
};

static void assert_at_home(const struct resident *my)
{
	assert_true(pthread_equal(my->in.thread, pthread_self()));
	assert_ptr_equal(bide_executor_current(), my->in.loop);
}

static value_task block(void *argument)
{
	(void)argument;
	return value_task_from(5);
}

async(resident)
{
	async_begin;
	assert_at_home(my);
	await(bide_async_yield());
	assert_at_home(my);
	await(delay_ms(2));
	assert_at_home(my);
	await(my->value, run_blocking(block, NULL));
	assert_int_equal(my->value, 5);
	assert_at_home(my);
	await(with_executor(bide_executor_workers(), async_start(where, .expected = NULL)));
	assert_at_home(my);
	await(async_start(where, .expected = my->in.loop));
	assert_at_home(my);
	async_switch_to(bide_executor_workers());
	assert_null(bide_executor_current());
	await(delay(1000));
	async_switch_back;
	assert_at_home(my);
	await(delay_ms(1));
	async_return(9);
async_finally:
	assert_at_home(my);
	await(bide_async_yield());
	assert_at_home(my);
	if (my->in.done)
		*my->in.done = true;
	async_end;
}

TEST(functions_of_a_loop_run_on_its_thread_only)
{
	NOT_SEEDED("it needs the real clock");
	bide_executor *l = loop();
	bool done = false;
	int64_t value;
	value_task v =
		with_executor(l, async_start(resident, .loop = l, .thread = pthread_self(), .done = &done));

	turn_until(l, &done);
	assert_int_equal(wait_int(v, &value), 0);
	assert_int_equal(value, 9);
	bide_executor_unref(l);
}

/*
 * Runs the loop until nothing that the test started is runnable. After that, only the test itself
 * can make it ready.
 */
static void finish_all(bide_executor *l)
{
	while (readable(l, 5))
		run_loop_once(l, 0);
	assert_int_equal(run_loop_once(l, 0), BIDE_FOREVER);
}

TEST(AW_01_an_await_takes_one_turn_of_its_own_executor_and_none_of_others)
{
	bide_executor *l = loop();
	task *t = task_create(0);
	turn_log log = { 0 };
	value_task here, there;

	here = with_executor(l, await_it(t, &log, 1));
	there = with_executor(l, with_executor(bide_executor_workers(), await_it(t, NULL, 2)));
	finish_all(l);
	task_complete_int(t, 7);
	assert_int_equal(bide_value_task_wait(there, NULL), 0); /* done, whatever the loop does */
	while (log.count == 0) {
		assert_true(readable(l, 15000));
		run_loop_once(l, 1);
	}
	ASSERT_TURNS(&log, 1);
	finish_all(l);
	assert_int_equal(bide_value_task_wait(here, NULL), 0);
	task_unref(t);
	bide_executor_unref(l);
}

struct source_reader {
	ASYNC_FRAME;
	struct {
		bide_user_source *source;
		bide_executor *expected;
	} in;
	int64_t value;
};

async(source_reader)
{
	async_begin;
	await(my->value, bide_user_source_value_task(my->in.source));
	assert_ptr_equal(bide_executor_current(), my->in.expected);
	async_return(my->value);
async_finally:
	async_end;
}

TEST(VS_18_a_function_that_awaits_a_source_resumes_on_its_executor)
{
	bide_executor *s = strand();
	bide_user_source source;
	value_task v;
	int64_t value;

	bide_user_source_init(&source, NULL);
	v = with_executor(s, async_start(source_reader, .source = &source, .expected = s));
	assert_int_equal(bide_value_task_wait_for(v, NULL, MS), ETIMEDOUT);
	bide_user_source_complete(&source, (bide_payload){ .i = 6 });
	assert_int_equal(wait_int(v, &value), 0);
	assert_int_equal(value, 6);
	bide_executor_unref(s);
}

TEST(VT_34_an_await_of_a_value_task_resumes_on_the_executor_of_its_context_only)
{
	bide_executor *l = loop();
	bide_user_source sources[2];
	value_task here, there;
	int64_t value;

	for (int i = 0; i < 2; i++)
		bide_user_source_init(&sources[i], NULL);
	here = with_executor(l, async_start(source_reader, .source = &sources[0], .expected = l));
	there = with_executor(l, with_executor(bide_executor_workers(),
	                                       async_start(source_reader, .source = &sources[1])));
	finish_all(l);
	for (int i = 0; i < 2; i++)
		bide_user_source_complete(&sources[i], (bide_payload){ .i = i });
	assert_int_equal(wait_int(there, &value), 0); /* done, whatever the loop does */
	assert_int_equal(value, 1);
	if (many_workers()) { /* a wait of the one worker runs its loops */
		assert_true(readable(l, 15000));
		assert_false(value_task_is_ready(here));
	}
	finish_all(l);
	assert_int_equal(wait_int(here, &value), 0);
	assert_int_equal(value, 0);
	bide_executor_unref(l);
}

TEST(on_the_loops_thread_a_function_starts_at_once)
{
	bide_executor *l = loop();
	turn_log log = { 0 };

	assert_true(value_task_is_ready(with_executor(l, async_start(noter, .log = &log, .id = 1))));
	ASSERT_TURNS(&log, 1);
	bide_executor_unref(l);
}

TEST(the_descriptor_is_readable_when_something_is_ready_and_only_then)
{
	bide_executor *l = loop();
	task *t = task_create(0);
	bool set = false;
	value_task v = with_executor(l, async_start(flag, .when = t, .set = &set));
	int fd = fd_of_loop(l);

	finish_all(l);
	assert_false(readable(l, 5));
	task_complete_int(t, 1); /* on this very thread, outside any loop */
	assert_false(set);
	assert_true(readable(l, 10000));
	assert_true(readable(l, 0)); /* until it has run */
	turn_until(l, &set);
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	assert_int_equal(fd_of_loop(l), fd);
	task_unref(t);
	bide_executor_unref(l);
}

static void *complete_later(void *argument)
{
	sleep_ms(10);
	task_complete_int(argument, 1);
	return NULL;
}

TEST(another_thread_makes_the_descriptor_readable)
{
	bide_executor *l = loop();
	task *t = task_create(0);
	pthread_t thread;
	bool set = false;
	value_task v = with_executor(l, async_start(flag, .when = t, .set = &set));

	assert_int_equal(pthread_create(&thread, NULL, complete_later, t), 0);
	turn_until(l, &set);
	pthread_join(thread, NULL);
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	task_unref(t);
	bide_executor_unref(l);
}

TEST(a_timer_makes_the_descriptor_readable)
{
	NOT_SEEDED("it needs the real clock");
	bide_executor *l = loop();
	bool done = false;
	int64_t start_ns = bide_now_ns();
	value_task v;

	v = with_executor(l, async_start(resident, .loop = l, .thread = pthread_self(), .done = &done));
	turn_until(l, &done);
	assert_true(bide_now_ns() - start_ns >= 3 * MS);
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	bide_executor_unref(l);
}

TEST(a_loop_runs_no_more_functions_than_asked)
{
	bide_executor *l = loop();
	bide_context *scope = context_of((bide_context_options){ .executor = l });
	turn_log log = { 0 };
	value_task all[5];
	int before;

	for (int i = 0; i < 5; i++)
		all[i] = bide_in_context(scope, async_start(rounds, .log = &log, .id = i, .times = 2));
	assert_int_equal(log.count, 5); /* on the loop's thread each starts at once */
	while (log.count < 10) {
		before = log.count;
		assert_true(readable(l, 10000));
		run_loop_once(l, 1);
		assert_true(log.count <= before + 1);
	}
	while (run_loop_once(l, 0) == 0)
		;
	for (int i = 0; i < 5; i++)
		assert_int_equal(bide_value_task_wait(all[i], NULL), 0);
	ASSERT_TURNS(&log, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4);
	bide_context_unref(scope);
	bide_executor_unref(l);
}

/* A thread that runs a loop of its own until it is told to stop. */
typedef struct host {
	pthread_t thread;
	sem_t ready;
	bide_executor *loop, *given; /* if `given` is set, the thread adopts it */
	bool stop;                   /* set on the thread */
	int runs;
} host;

static void *host_thread(void *argument)
{
	host *h = argument;

	if (h->given) {
		assert_int_equal(bide_loop_adopt(h->given), 0);
		h->loop = h->given;
	} else {
		h->loop = loop();
	}
	sem_post(&h->ready);
	while (!h->stop) {
		assert_true(readable(h->loop, 15000));
		run_loop_once(h->loop, 3);
		h->runs++;
	}
	return NULL;
}

static void host_start(host *h)
{
	bide_now_ns(); /* makes this thread the first that uses bide */
	sem_init(&h->ready, 0, 0);
	assert_int_equal(pthread_create(&h->thread, NULL, host_thread, h), 0);
	sem_wait(&h->ready);
}

struct stopper {
	ASYNC_FRAME;
	struct {
		host *host;
	} in;
};

async(stopper)
{
	async_begin;
	assert_true(pthread_equal(my->in.host->thread, pthread_self()));
	my->in.host->stop = true;
async_finally:
	async_end;
}

static void host_stop(host *h)
{
	assert_int_equal(bide_value_task_wait(with_executor(h->loop, async_start(stopper, .host = h)),
	                                      NULL),
	                 0);
	pthread_join(h->thread, NULL);
	sem_destroy(&h->ready);
}

TEST(a_loop_on_a_second_thread_serves_the_first)
{
	host h = { 0 };
	int64_t value;
	value_task v;

	host_start(&h);
	for (int i = 0; i < 20; i++) {
		v = with_executor(h.loop, async_start(resident, .loop = h.loop, .thread = h.thread));
		assert_int_equal(wait_int(v, &value), 0);
		assert_int_equal(value, 9);
	}
	host_stop(&h);
	bide_executor_unref(h.loop);
}

/* Switches to another thread and back, with awaits on both sides. */
struct commuter {
	ASYNC_FRAME;
	struct {
		host *host;
		int times;
	} in;
	value_task there[3];
	int64_t value;
	int i;
};

async(commuter)
{
	async_begin;
	for (my->i = 0; my->i < my->in.times; my->i++) {
		await(delay(100));
		async_switch_to(my->in.host->loop);
		assert_true(pthread_equal(pthread_self(), my->in.host->thread));
		await(my->value, later_value(1000, my->i));
		assert_int_equal(my->value, my->i);
		assert_true(pthread_equal(pthread_self(), my->in.host->thread));
		async_switch_back;
		assert_null(bide_executor_current());
		/* A combinator learns of functions that end on the other thread. */
		for (int k = 0; k < 3; k++)
			my->there[k] =
				with_executor(my->in.host->loop,
			                  async_start(where, .expected = my->in.host->loop, .depth = 0));
		await(when_all(my->there, 3));
	}
async_finally:
	async_end;
}

TEST_SLOW(functions_commute_between_threads, 60)
{
	enum { COUNT = 16 };
	host h = { 0 };
	value_task all[COUNT];
	task *shared;

	host_start(&h);
	for (int i = 0; i < COUNT; i++)
		all[i] = async_start(commuter, .host = &h, .times = 30);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(bide_value_task_wait(all[i], NULL), 0);
	shared = value_task_as_task(with_executor(h.loop, async_start(where, .expected = h.loop)));
	assert_int_equal(task_wait(shared, NULL), 0);
	task_unref(shared);
	host_stop(&h);
	bide_executor_unref(h.loop);
}

/* Parallel loops in an executor: everything that they call runs there. */
typedef struct loop_bodies {
	host *host;
	int called, items; /* used on the host's thread only */
} loop_bodies;

static void called_there(loop_bodies *b)
{
	assert_true(pthread_equal(pthread_self(), b->host->thread));
	assert_ptr_equal(bide_executor_current(), b->host->loop);
	b->called++;
}

static int part_body(int64_t begin, int64_t end, void *argument)
{
	(void)begin, (void)end;
	called_there(argument);
	return 0;
}

static value_task index_body(int64_t index, void *argument)
{
	called_there(argument);
	return later_value(1000, index);
}

static value_task next_item(void *argument)
{
	loop_bodies *b = argument;

	called_there(b);
	return b->items-- > 0 ? later_value(1000, b->items) : value_task_from_error(BIDE_EEND);
}

static value_task item_body(bide_payload item, void *argument)
{
	return index_body(item.i, argument);
}

TEST(PF_07_parallel_loops_enumerate_and_call_on_the_executor_of_their_context)
{
	const bide_parallel_options parts = { .limit = 4, .grain = 1 };
	host h = { 0 };
	loop_bodies b = { .host = &h, .items = 10 };

	host_start(&h);
	assert_int_equal(bide_value_task_wait(with_executor(h.loop, bide_parallel_for(0, 10, part_body,
	                                                                              &b, &parts)),
	                                      NULL),
	                 0);
	assert_int_equal(bide_value_task_wait(
						 with_executor(h.loop, bide_for_each(0, 10, index_body, &b, &parts)), NULL),
	                 0);
	assert_int_equal(bide_value_task_wait(
						 with_executor(h.loop, bide_for_each_of(next_item, item_body, &b, &parts)),
						 NULL),
	                 0);
	host_stop(&h);
	assert_int_equal(b.called, 10 + 10 + 11 + 10);
	bide_executor_unref(h.loop);
}

TEST(a_canceled_function_cleans_up_on_its_loop)
{
	host h = { 0 };
	room r;
	bide_context *scope;
	atomic_int cleaned = 0;
	value_task all[10];

	host_start(&h);
	r = (room){ h.loop, 0, 0 };
	scope = context_of((bide_context_options){ .executor = h.loop });
	for (int i = 0; i < 10; i++)
		all[i] = bide_in_context(scope, async_start(sleeper, .room = &r, .cleaned = &cleaned));
	assert_int_equal(bide_value_task_wait_for(all[9], NULL, 5 * MS), ETIMEDOUT);
	bide_context_cancel(scope, ECANCELED);
	for (int i = 0; i < 10; i++)
		assert_int_equal(bide_value_task_wait(all[i], NULL), ECANCELED);
	assert_int_equal(cleaned, 10);
	bide_context_unref(scope);
	host_stop(&h);
	bide_executor_unref(h.loop);
}

TEST(a_loop_whose_thread_has_ended_keeps_ready_functions_for_its_adopter)
{
	host first = { 0 }, second = { 0 };
	turn_log log = { 0 };
	value_task v;

	host_start(&first);
	host_stop(&first);
	v = with_executor(first.loop, async_start(noter, .log = &log, .id = 1));
	assert_int_equal(bide_value_task_wait_for(v, NULL, 5 * MS), ETIMEDOUT);
	second.given = first.loop;
	host_start(&second);
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	ASSERT_TURNS(&log, 1);
	host_stop(&second);
	bide_executor_unref(first.loop);
}

TEST(a_loop_without_references_lives_as_long_as_its_functions)
{
	host h = { 0 };
	value_task v;

	host_start(&h);
	v = with_executor(h.loop, async_start(where, .expected = h.loop, .depth = 1));
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	v = with_executor(h.loop, async_start(stopper, .host = &h));
	bide_executor_ref(h.loop); /* a reference for the thread that runs it */
	bide_executor_unref(h.loop);
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	pthread_join(h.thread, NULL);
	bide_executor_unref(h.loop);
}

static void *run_anothers(void *argument)
{
	assert_int_equal(bide_loop_run(argument, 0, NULL), EDEADLK);
	return NULL;
}

TEST(only_its_own_thread_can_run_a_loop)
{
	bide_executor *l = loop();
	pthread_t thread;

	catch_misuse();
	assert_int_equal(pthread_create(&thread, NULL, run_anothers, l), 0);
	pthread_join(thread, NULL);
	ASSERT_MISUSE("bide_loop_run: called on another thread than the one that made the loop");
	bide_executor_unref(l);
}

struct runner {
	ASYNC_FRAME;
	struct {
		bide_executor *loop;
		bool *done;
	} in;
};

async(runner)
{
	async_begin;
	await(bide_async_yield());
	assert_int_equal(bide_loop_run(my->in.loop, 0, NULL), EDEADLK);
	*my->in.done = true;
async_finally:
	async_end;
}

TEST(a_loop_cannot_be_run_inside_its_functions)
{
	bide_executor *l = loop();
	bool done = false;
	value_task v;

	catch_misuse();
	v = with_executor(l, async_start(runner, .loop = l, .done = &done));
	turn_until(l, &done);
	ASSERT_MISUSE("the async function runner");
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	bide_executor_unref(l);
}

TEST(a_wait_between_two_polls_loses_nothing)
{
	bide_executor *l = loop();
	task *t = task_create(0);
	bool set = false;
	value_task v = with_executor(l, async_start(flag, .when = t, .set = &set));
	pthread_t thread;

	while (readable(l, 2))
		run_loop_once(l, 0);
	assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, complete_later, t), 0);
	turn_until(l, &set);
	pthread_join(thread, NULL);
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	task_unref(t);
	bide_executor_unref(l);
}

/* Many threads start functions in one loop as fast as they can. */
typedef struct flood {
	bide_executor *loop;
	int arrived; /* used on the loop's thread only */
	bool done;
	int expected;
} flood;

struct drop {
	ASYNC_FRAME;
	struct {
		flood *flood;
	} in;
};

async(drop)
{
	async_begin;
	if (++my->in.flood->arrived == my->in.flood->expected)
		my->in.flood->done = true;
async_finally:
	async_end;
}

enum { THREADS = 4, DROPS = 2000 };

static void *pour(void *argument)
{
	flood *f = argument;
	bide_context *scope = context_of((bide_context_options){ .executor = f->loop });

	for (int i = 0; i < DROPS; i++)
		value_task_forget(bide_in_context(scope, async_start(drop, .flood = f)));
	bide_context_unref(scope);
	return NULL;
}

TEST_SLOW(a_loop_receives_functions_from_many_threads, 60)
{
	flood f = { loop(), 0, false, THREADS * DROPS };
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pour, &f), 0);
	turn_until(f.loop, &f.done);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	while (run_loop_once(f.loop, 0) == 0)
		;
	assert_int_equal(f.arrived, THREADS * DROPS);
	bide_executor_unref(f.loop);
}

TEST(several_loops_of_one_thread_are_distinguished)
{
	NOT_SEEDED("it needs the real clock");
	bide_executor *one = loop(), *two = loop();
	bool first = false, second = false;
	value_task a, b;

	a = with_executor(one,
	                  async_start(resident, .loop = one, .thread = pthread_self(), .done = &first));
	b = with_executor(two, async_start(resident, .loop = two, .thread = pthread_self(),
	                                   .done = &second));
	while (!first || !second) {
		struct pollfd p[2] = { { fd_of_loop(one), POLLIN, 0 }, { fd_of_loop(two), POLLIN, 0 } };
		assert_true(poll(p, 2, 15000) > 0);
		if (p[0].revents)
			run_loop_once(one, 0);
		if (p[1].revents)
			run_loop_once(two, 0);
	}
	assert_int_equal(bide_value_task_wait(a, NULL), 0);
	assert_int_equal(bide_value_task_wait(b, NULL), 0);
	bide_executor_unref(one);
	bide_executor_unref(two);
}
