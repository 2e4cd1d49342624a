/*
 * Many workers: how many there are, how they start and stop, what a function that waits can rely on
 * (no running function keeps it from running), and what idle workers cost.
 *
 * The bounds on times must hold on a machine that does other work, too: each test tries several
 * times, and one try has to stay within the bound.
 */
/* threads */
#include "support/task_support.h"

#include <sys/resource.h>
#include <sys/wait.h>

enum { TRIES = 10 };

static void spin_until(int64_t moment_ns)
{
	while (bide_now_ns() < moment_ns)
		;
}

/* ---- how many */

static value_task answers(void *argument)
{
	return value_task_from(*(int *)argument);
}

static void start_and_stop(unsigned count, int times)
{
	for (int i = 0; i < times; i++) {
		int64_t got;

		use_workers(count);
		if (i % 2) {
			assert_int_equal(wait_int(bide_run(answers, &i), &got), 0);
			assert_int_equal(got, i);
		}
		assert_int_equal(shut_down(), 0);
		assert_int_equal(stats().live_bytes, 0);
	}
}

TEST_SLOW(two_workers_start_and_stop_100_times, 60)
{
	start_and_stop(2, 100);
}

TEST_SLOW(8_workers_start_and_stop, 60)
{
	start_and_stop(8, 10);
}

TEST_SLOW(64_workers_start_and_stop, 60)
{
	start_and_stop(64, 4);
}

TEST_SLOW(1000_workers_start_and_stop, 60)
{
	start_and_stop(1000, 2);
}

/* Returns the number of workers of a process with this environment. */
static unsigned workers_of(const char *value)
{
	int ends[2];
	unsigned count = 0;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		setenv("BIDE_WORKERS", value, 1);
		count = bide_worker_count();
		_exit(write(ends[1], &count, sizeof count) == sizeof count ? 0 : 1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &count, sizeof count), sizeof count);
	close(ends[0]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	return count;
}

TEST(the_environment_sets_the_number_of_workers)
{
	NOT_SEEDED("a seed in the environment makes a simulation, which has one worker");
	unsigned usual = bide_cpu_count() < 2 ? 2 : bide_cpu_count();

	assert_int_equal(workers_of("1"), 1);
	assert_int_equal(workers_of("3"), 3);
	assert_int_equal(workers_of("0"), usual);
	assert_int_equal(workers_of("many"), usual);
	assert_int_equal(workers_of(""), usual);
	assert_int_equal(workers_of("-4"), usual);
	assert_int_equal(workers_of("100000"), usual); /* 1024 is the maximum */
}

/* ---- calls that are not allowed on a worker */

struct stops_inside {
	ASYNC_FRAME;
	struct {
		int64_t *got;
	} in;
};

async(stops_inside)
{
	async_begin;
	await(bide_async_yield());
	*my->in.got = bide_shutdown(NULL);
async_finally:
	async_end;
}

TEST(a_shutdown_inside_an_async_function_is_misuse)
{
	int64_t got = 0;

	use_workers(2);
	catch_misuse();
	assert_int_equal(wait_int(async_start(stops_inside, .got = &got), NULL), 0);
	assert_int_equal(got, EDEADLK);
	ASSERT_MISUSE("bide_shutdown: called");
	assert_int_equal(wait_int(later_value(MS, 1), NULL), 0); /* the workers still run */
}

static int64_t stopped;
static int waited;

static void stops_in_a_callback(void *argument)
{
	stopped = bide_shutdown(NULL);
	waited = bide_value_task_wait(later_value(50 * MS, 1), NULL);
	bide_task_complete_int(argument, 1);
}

/* The time limit of the source passes on a worker, outside async functions. */
TEST(a_shutdown_and_a_wait_in_a_callback_on_a_worker_are_misuse)
{
	bide_cancel_source *source;
	bide_cancel_registration registration;
	task *done;

	use_workers(2);
	catch_misuse();
	done = task_create(0);
	source = bide_cancel_source_create();
	assert_true(bide_cancel_token_register(bide_cancel_source_token(source), &registration,
	                                       stops_in_a_callback, done));
	assert_int_equal(bide_cancel_source_cancel_after(source, MS), 0);
	assert_int_equal(task_wait(done, NULL), 0);
	assert_int_equal(stopped, EDEADLK);
	assert_int_equal(waited, EDEADLK);
	assert_int_equal(misuse_count, 2);
	bide_cancel_source_unref(source);
	task_unref(done);
	sleep_ms(60);
	run_all();
	leaks_expected = 1; /* the refused wait consumed nothing */
	skip_final_check = true;
	assert_int_equal(shut_down(), 1);
}

struct calls_in_a_callback {
	task *done, *pending;
	int error[4];
	int64_t stopped;
};

static void blocks_in_a_callback(void *argument)
{
	struct calls_in_a_callback *c = argument;

	c->error[0] = bide_drain(BIDE_FOREVER);
	c->error[1] = bide_drain(0);
	c->error[2] = bide_task_wait(c->pending, NULL);
	c->error[3] = bide_task_wait_for(c->pending, NULL, 0);
	c->stopped = bide_shutdown(NULL);
	bide_task_complete_int(c->done, 1);
}

/* The time limit of the source passes on a worker, outside async functions. */
TEST(a_drain_and_waits_for_tasks_in_a_callback_on_a_worker_are_misuse)
{
	struct calls_in_a_callback c = { .error = { 0 } };
	bide_cancel_registration registration;
	bide_cancel_source *source;

	use_workers(2);
	catch_misuse();
	c.done = task_create(0);
	c.pending = task_create(0);
	source = bide_cancel_source_create();
	assert_true(bide_cancel_token_register(bide_cancel_source_token(source), &registration,
	                                       blocks_in_a_callback, &c));
	assert_int_equal(bide_cancel_source_cancel_after(source, MS), 0);
	assert_int_equal(bide_task_wait_for(c.done, NULL, 10000 * MS), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(c.error[i], EDEADLK);
	assert_int_equal(c.stopped, EDEADLK);
	assert_int_equal(misuse_count, 5);
	bide_cancel_source_unref(source);
	task_unref(c.done);
	task_unref(c.pending);
	assert_int_equal(wait_int(later_value(MS, 1), NULL), 0); /* the workers still run */
}

struct ends_its_thread {
	ASYNC_FRAME;
};

async(ends_its_thread)
{
	async_begin;
	pthread_exit(NULL);
async_finally:
	async_end;
}

static void says_so_and_aborts(const char *message, void *argument)
{
	(void)argument;
	fprintf(stderr, "the hook was told: %s\n", message);
	abort();
}

/* Runs in a process of its own, because the workers start there. */
static void lose_a_worker(bool hook)
{
	if (hook)
		bide_misuse_hook_set(says_so_and_aborts, NULL);
	use_workers(2);
	value_task_forget(async_start_cold(ends_its_thread));
	sleep_ms(5000);
}

TEST(ending_the_thread_of_a_worker_is_misuse)
{
	EXPECT_ABORT(lose_a_worker(false), "ended a worker's thread");
	EXPECT_ABORT(lose_a_worker(true), "the hook was told: pthread_exit: the async function "
	                                  "ends_its_thread ended a worker's thread");
}

struct ends_its_thread_late {
	ASYNC_FRAME;
};

static atomic_bool late_one_runs;

async(ends_its_thread_late)
{
	async_begin;
	atomic_store(&late_one_runs, true);
	sleep_ms(20);
	pthread_exit(NULL);
async_finally:
	async_end;
}

TEST(a_function_may_end_the_thread_of_its_worker_while_a_shutdown_waits_for_it)
{
	uint64_t leaks;

	for (int i = 0; i < 5; i++) {
		use_workers(2);
		catch_misuse();
		atomic_store(&late_one_runs, false);
		value_task_forget(async_start_cold(ends_its_thread_late));
		while (!atomic_load(&late_one_runs))
			sleep_ms(1);
		assert_int_equal(bide_shutdown(&leaks), 0);
		ASSERT_MISUSE("ended a worker's thread");
		assert_int_equal(leaks, 1);
	}
}

struct waits_inside {
	ASYNC_FRAME;
};

async(waits_inside)
{
	async_begin;
	await(bide_async_yield());
	async_return(bide_value_task_wait(bide_async_yield(), NULL));
async_finally:
	async_end;
}

TEST(a_wait_inside_an_async_function_is_misuse)
{
	int64_t got;

	use_workers(2);
	catch_misuse();
	assert_int_equal(wait_int(async_start(waits_inside), &got), 0);
	assert_int_equal(got, EDEADLK);
	ASSERT_MISUSE("called inside the async function waits_inside");
}

/* ---- no running function keeps others from running */

static atomic_bool enough;
static atomic_ullong turns;

struct yields_for_ever {
	ASYNC_FRAME;
};

async(yields_for_ever)
{
	async_begin;
	while (!atomic_load_explicit(&enough, memory_order_relaxed)) {
		atomic_fetch_add_explicit(&turns, 1, memory_order_relaxed);
		await(bide_async_yield());
	}
async_finally:
	async_end;
}

static value_task leaf(atomic_int *begun);

struct leaf_fork {
	BIDE_ASYNC_FORK;
	struct {
		atomic_int *begun;
	} in;
};

bide_async_forked(leaf_fork)
{
	return leaf(my->in.begun);
}

struct leaf {
	ASYNC_FRAME;
	struct {
		atomic_int *begun;
	} in;
};

async(leaf)
{
	async_begin;
	atomic_fetch_add(my->in.begun, 1);
	await(delay(1000));
	async_return(1);
async_finally:
	async_end;
}

static value_task leaf(atomic_int *begun)
{
	return async_start(leaf, .begun = begun);
}

struct forks_two {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		int64_t spin_ns; /* between forks and joins */
		atomic_int *begun;
		int *begun_meanwhile;
	} in;
	int64_t a, b;
	struct leaf_fork one, other;
};

async(forks_two, one)
{
	async_begin;
	bide_async_fork(leaf_fork, my->one, .begun = my->in.begun);
	bide_async_fork(leaf_fork, my->other, .begun = my->in.begun);
	spin_until(bide_now_ns() + my->in.spin_ns);
	if (my->in.begun_meanwhile)
		*my->in.begun_meanwhile = atomic_load(my->in.begun);
	await(my->a, bide_async_join(leaf_fork, my->other));
	await(my->b, bide_async_join(leaf_fork, my->one));
	async_return(my->a + my->b);
async_finally:
	async_end;
}

static value_task turns_so_far(void *argument)
{
	(void)argument;
	return value_task_from((int64_t)atomic_load(&turns));
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void keeps_nothing_from_running(unsigned workers)
{
	enum { YIELDING = 16, SAMPLES = 101 };
	value_task yielding[YIELDING];
	int64_t samples[SAMPLES], began, got;
	atomic_int begun = 0;

	use_workers(workers);
	for (int i = 0; i < YIELDING; i++)
		yielding[i] = async_start_cold(yields_for_ever);
	while (atomic_load(&turns) < 1000)
		sched_yield();
	began = bide_now_ns();
	for (int i = 0; i < SAMPLES; i++) { /* starts from an external thread */
		int64_t before = (int64_t)atomic_load(&turns);
		assert_int_equal(wait_int(bide_run(turns_so_far, NULL), &got), 0);
		samples[i] = got - before;
	}
	qsort(samples, SAMPLES, sizeof samples[0], compare);
	printf("%u workers: a start waited for %lld turns (median), %lld at most\n", workers,
	       (long long)samples[SAMPLES / 2], (long long)samples[SAMPLES - 1]);
	/*
	 * After 61 of its own turns each worker looks for functions from elsewhere, and every other
	 * time it takes these first. The rest is margin.
	 */
	assert_true(samples[SAMPLES / 2] <= 61 * 2 * (int64_t)workers * 8);
	for (int i = 0; i < 20; i++) { /* timers and their continuations */
		assert_int_equal(wait_int(later_value(100000, i), &got), 0);
		assert_int_equal(got, i);
	}
	for (int i = 0; i < 20; i++) { /* forks and joins that wait */
		assert_int_equal(wait_int(async_start(forks_two, .begun = &begun), &got), 0);
		assert_int_equal(got, 2);
	}
	assert_int_equal(begun, 40);
	printf("all: %lld us\n", (long long)(bide_now_ns() - began) / 1000);
	atomic_store(&enough, true);
	for (int i = 0; i < YIELDING; i++)
		assert_int_equal(wait_int(yielding[i], NULL), 0);
}

TEST_SLOW(functions_that_yield_for_ever_keep_nothing_from_running_on_2_workers, 60)
{
	keeps_nothing_from_running(2);
}

TEST_SLOW(functions_that_yield_for_ever_keep_nothing_from_running_on_8_workers, 60)
{
	keeps_nothing_from_running(8);
}

TEST_SLOW(forks_of_a_function_that_computes_run_on_other_workers_meanwhile, 60)
{
	int best = 0;

	if (bide_cpu_count() < 2)
		SKIP("with one CPU nothing runs at the same time");
	use_workers(2);
	for (int i = 0; i < TRIES && best < 2; i++) {
		atomic_int begun = 0;
		int meanwhile = 0;

		assert_int_equal(wait_int(async_start(forks_two, .spin_ns = 20 * MS, .begun = &begun,
		                                      .begun_meanwhile = &meanwhile),
		                          NULL),
		                 0);
		best = meanwhile > best ? meanwhile : best;
	}
	assert_int_equal(best, 2);
}

/* Makes another function runnable or arms a timer, and then runs on for a while. */
struct long_one {
	ASYNC_FRAME;
	struct {
		task *first;        /* if set, it is completed, so its awaiter is the next function here */
		int64_t *other_ran; /* set by that awaiter or by a function that waits for 1 ms */
		int64_t *began, *ended;
	} in;
};

struct notes_the_time {
	ASYNC_FRAME;
	struct {
		task *after; /* if NULL, waits for 1 ms instead */
		int64_t *at_ns;
	} in;
};

async(notes_the_time)
{
	async_begin;
	if (my->in.after)
		await(task_await(my->in.after));
	else
		await(delay(MS));
	*my->in.at_ns = bide_now_ns();
async_finally:
	async_end;
}

enum { LONG_MS = 200 };

async(long_one)
{
	async_begin;
	await(bide_async_yield()); /* on a worker from here on */
	*my->in.began = bide_now_ns();
	if (my->in.first)
		bide_task_complete_int(my->in.first, 1);
	else
		value_task_forget(async_start(notes_the_time, .at_ns = my->in.other_ran));
	spin_until(*my->in.began + LONG_MS * MS);
	*my->in.ended = bide_now_ns();
async_finally:
	async_end;
}

TEST_SLOW(another_worker_takes_what_waits_behind_a_function_that_does_not_end, 60)
{
	int64_t best = INT64_MAX;

	if (bide_cpu_count() < 2)
		SKIP("with one CPU the other worker may not run");
	use_workers(2);
	for (int i = 0; i < TRIES && best > 30 * MS; i++) {
		int64_t ran = 0, began, ended;
		task *first = task_create(0);
		value_task v = async_start(notes_the_time, .after = first, .at_ns = &ran);

		assert_int_equal(
			wait_int(async_start(long_one, .first = first, .began = &began, .ended = &ended), NULL),
			0);
		assert_int_equal(wait_int(v, NULL), 0);
		task_unref(first);
		if (ran - began < best)
			best = ran - began;
	}
	printf("it ran after %lld us\n", (long long)best / 1000);
	assert_true(best <= 30 * MS); /* a worker checks for this every 10 ms */
}

static atomic_bool awake_enough;

struct stays_awake {
	ASYNC_FRAME;
};

async(stays_awake)
{
	async_begin;
	while (!atomic_load(&awake_enough))
		await(delay(500000));
async_finally:
	async_end;
}

TEST_SLOW(a_timer_of_a_stuck_worker_fires_on_another_that_is_awake, 60)
{
	int64_t best = INT64_MAX;
	value_task awake[4];

	if (bide_cpu_count() < 2)
		SKIP("with one CPU the other worker may not run");
	use_workers(2);
	for (int i = 0; i < 4; i++)
		awake[i] = async_start_cold(stays_awake);
	for (int i = 0; i < TRIES && best > 50 * MS; i++) {
		int64_t ran = 0, began, ended;

		assert_int_equal(wait_int(async_start(long_one, .other_ran = &ran, .began = &began,
		                                      .ended = &ended),
		                          NULL),
		                 0);
		assert_int_equal(wait_int(delay_ms(20), NULL), 0); /* by then it has run, too */
		if (ran && ran - began < best)
			best = ran - began;
	}
	printf("it ran after %lld us\n", (long long)best / 1000);
	assert_true(best <= 50 * MS);
	atomic_store(&awake_enough, true);
	for (int i = 0; i < 4; i++)
		assert_int_equal(wait_int(awake[i], NULL), 0);
}

/*
 * Returns when no worker checks on the others any more, because several checks have found that
 * nothing ran.
 */
static void all_asleep(void)
{
	run_all();
	sleep_ms(50);
	run_all();
}

struct long_after {
	ASYNC_FRAME;
	struct {
		task *first;
		int64_t *other_ran, *began;
		bool arms_a_timer;
	} in;
};

async(long_after)
{
	async_begin;
	*my->in.began = bide_now_ns();
	if (my->in.first)
		bide_task_complete_int(my->in.first, 1);
	if (my->in.arms_a_timer)
		value_task_forget(async_start(notes_the_time, .at_ns = my->in.other_ran));
	spin_until(*my->in.began + LONG_MS * MS);
async_finally:
	async_end;
}

enum behind { A_TIMER, OLDER_TIMERS, A_CONTINUATION };

/* Timers that external threads arm go to the workers in turn. */
static void *arms_a_timer(void *value)
{
	*(value_task *)value = later_value(80 * MS, 0);
	return NULL;
}

/* Returns the time from the beginning of the long function until what is behind it ran. */
static int64_t ran_behind_a_long_one_ns(enum behind what)
{
	task *first = what == A_CONTINUATION ? task_create(0) : NULL;
	int64_t ran = 0, began = 0;
	value_task others[2] = { value_task_from(0), value_task_from(0) }, long_one;
	struct timespec a_little = { .tv_nsec = 30 * MS };
	pthread_t thread;

	if (what == A_CONTINUATION)
		others[0] = async_start(notes_the_time, .after = first, .at_ns = &ran);
	for (int i = 0; i < 2 && what == OLDER_TIMERS; i++) { /* one timer for each worker */
		assert_int_equal(pthread_create(&thread, NULL, arms_a_timer, &others[i]), 0);
		pthread_join(thread, NULL);
	}
	all_asleep();
	long_one = async_start_cold(long_after, .first = first, .other_ran = &ran, .began = &began,
	                            .arms_a_timer = what == A_TIMER);
	for (int i = 0; i < 2; i++)
		assert_int_equal(bide_value_task_wait(others[i], NULL), 0);
	if (what == OLDER_TIMERS)
		ran = bide_now_ns();
	assert_int_equal(bide_value_task_wait(long_one, NULL), 0);
	nanosleep(&a_little, NULL); /* by then it has run, too */
	run_all();
	task_unref(first);
	assert_true(ran > 0);
	return ran - began;
}

static void what_is_behind_runs(enum behind what)
{
	int64_t best = INT64_MAX;

	if (bide_cpu_count() < 2)
		SKIP("with one CPU the other worker may not run");
	use_workers(2);
	for (int i = 0; i < TRIES && best > 50 * MS; i++) {
		int64_t took = ran_behind_a_long_one_ns(what);
		best = took < best ? took : best;
	}
	printf("it ran after %lld us\n", (long long)best / 1000);
	assert_true(best <= 50 * MS);
}

TEST_SLOW(a_timer_of_a_function_that_computes_fires_though_all_workers_were_asleep, 60)
{
	what_is_behind_runs(A_TIMER);
}

TEST_SLOW(timers_behind_a_function_that_computes_fire_though_all_workers_were_asleep, 60)
{
	what_is_behind_runs(OLDER_TIMERS);
}

TEST_SLOW(a_continuation_behind_a_function_that_computes_runs_though_all_workers_were_asleep, 60)
{
	what_is_behind_runs(A_CONTINUATION);
}

/* ---- a longer chain of awaits than one worker completes without a pause */

struct awaits_the_next {
	ASYNC_FRAME;
	struct {
		int64_t depth;
	} in;
	int64_t got;
};

static value_task awaits_the_next(int64_t depth);

async(awaits_the_next)
{
	async_begin;
	if (my->in.depth == 0)
		await(delay(MS));
	else
		await(my->got, awaits_the_next(my->in.depth - 1));
	async_return(my->got + 1);
async_finally:
	async_end;
}

static value_task awaits_the_next(int64_t depth)
{
	return async_start(awaits_the_next, .depth = depth);
}

static void a_chain_ends(unsigned workers)
{
	static const int64_t depths[] = { 62, 63, 64, 65, 127, 128, 129, 1000, 1000, 1000 };
	bide_payload got;

	use_workers(workers);
	for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++) {
		assert_int_equal(bide_value_task_wait_for(awaits_the_next(depths[i]), &got, 10000 * MS), 0);
		assert_int_equal(got.i, depths[i] + 1);
	}
}

TEST_SLOW(a_chain_of_a_thousand_functions_ends_on_2_workers, 60)
{
	a_chain_ends(2);
}

TEST_SLOW(a_chain_of_a_thousand_functions_ends_on_8_workers, 60)
{
	a_chain_ends(8);
}

/* ---- what idle workers cost */

static int64_t cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000000) +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * INT64_C(1000);
}

static int64_t waits_of_threads(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw;
}

TEST_SLOW(idle_workers_use_no_cpu, 60)
{
	enum { COUNT = 2000 };
	static value_task v[COUNT];
	int64_t best = INT64_MAX;

	use_workers(8);
	for (int i = 0; i < COUNT; i++)
		v[i] = later_value(i * 1000, i);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(wait_int(v[i], NULL), 0);
	run_all();
	for (int i = 0; i < 3 && best >= 10 * MS; i++) {
		int64_t before = cpu_ns();
		sleep_ms(500);
		if (cpu_ns() - before < best)
			best = cpu_ns() - before;
	}
	printf("%lld us in 500 ms\n", (long long)best / 1000);
	assert_true(best < 10 * MS);
}

struct one_chain {
	ASYNC_FRAME;
	struct {
		int count;
	} in;
	int i;
};

async(one_chain)
{
	async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++)
		await(bide_async_yield());
async_finally:
	async_end;
}

/*
 * One worker looks every 5 ms at those that run. When it wakes, it may take the chain over; then
 * the worker of the chain falls asleep, and a third one is woken to look. No other worker has a
 * reason to wake.
 */
TEST_SLOW(no_worker_is_woken_without_work, 60)
{
	int64_t best = INT64_MAX;

	use_workers(8);
	for (int i = 0; i < TRIES && best > 50; i++) {
		int64_t before, began;

		run_all();
		before = waits_of_threads();
		began = bide_now_ns();
		assert_int_equal(wait_int(async_start(one_chain, .count = 200000), NULL), 0);
		before = waits_of_threads() - before - 3 * (bide_now_ns() - began) / (5 * MS);
		best = before < best ? before : best;
	}
	printf("%lld more waits than those of the watching worker\n", (long long)best);
	assert_true(best <= 50); /* of 200000 steps */
}

/* ---- each function runs exactly once */

#ifdef __SANITIZE_THREAD__
enum { STARTS = 100000 };
#else
enum { STARTS = 1000000 };
#endif
enum { STARTERS = 4 };
static _Atomic(uint8_t) *ran_times;

struct counts_itself {
	ASYNC_FRAME;
	struct {
		int index;
	} in;
};

async(counts_itself)
{
	async_begin;
	if (my->in.index % 3 == 0)
		await(bide_async_yield());
	atomic_fetch_add_explicit(&ran_times[my->in.index], 1, memory_order_relaxed);
async_finally:
	async_end;
}

static void *starts_many(void *argument)
{
	int first = *(int *)argument;

	for (int i = first; i < first + STARTS / STARTERS; i++)
		value_task_forget(i % 2 ? async_start(counts_itself, .index = i)
		                        : async_start_cold(counts_itself, .index = i));
	return NULL;
}

TEST_SLOW(a_million_functions_of_four_external_threads_each_run_once, 120)
{
	pthread_t threads[STARTERS];
	int first[STARTERS];

	use_workers(2);
	ran_times = calloc(STARTS, sizeof *ran_times);
	assert_non_null(ran_times);
	for (int i = 0; i < STARTERS; i++) {
		first[i] = i * (STARTS / STARTERS);
		assert_int_equal(pthread_create(&threads[i], NULL, starts_many, &first[i]), 0);
	}
	for (int i = 0; i < STARTERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	run_all();
	for (int i = 0; i < STARTS; i++)
		assert_int_equal(ran_times[i], 1);
	free(ran_times);
	assert_none(frame_count);
}

static void some_of_everything(void)
{
	value_task v[50];
	atomic_int begun = 0;

	for (int i = 0; i < 50; i++)
		v[i] = i % 2 ? later_value(i * 100, i) : async_start(forks_two, .begun = &begun);
	for (int i = 0; i < 50; i++)
		assert_int_equal(wait_int(v[i], NULL), 0);
	run_all();
}

/*
 * The pools of each worker fill once it has had its share of the work. After that, nothing is
 * allocated.
 */
TEST_SLOW(in_the_steady_state_nothing_is_allocated, 60)
{
	uint64_t before;
	int tries = 0;

	if (getenv("BIDE_POOL"))
		SKIP("without the pools each object is an allocation");
	use_workers(2);
	do {
		before = stats().allocation_count;
		for (int i = 0; i < 100; i++)
			some_of_everything();
	} while (stats().allocation_count != before && ++tries < TRIES);
	printf("after %d rounds of 100\n", tries);
	assert_int_equal(stats().allocation_count, before);
}

/* ---- a fork that another worker runs */

struct begins_elsewhere {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		atomic_int *begun;
		int *suspended;
	} in;
	int64_t got;
	value_task joined;
	struct leaf_fork slot;
};

async(begins_elsewhere, slot)
{
	async_begin;
	await(bide_async_yield());
	bide_async_fork(leaf_fork, my->slot, .begun = my->in.begun);
	for (int64_t end = bide_now_ns() + 5000 * MS;
	     atomic_load(my->in.begun) == 0 && bide_now_ns() < end;)
		;
	my->joined = bide_async_join(leaf_fork, my->slot);
	*my->in.suspended += my->joined.state > BIDE_ERROR_MAX;
	await(my->got, my->joined);
	async_return(my->got);
async_finally:
	async_end;
}

TEST_SLOW(the_parent_of_a_stolen_fork_suspends_until_the_fork_has_ended, 60)
{
	int suspended = 0, i;

	use_workers(2);
	for (i = 0; test_round(i, 200); i++) {
		atomic_int begun = 0;
		int64_t got = 0;

		assert_int_equal(
			wait_int(async_start(begins_elsewhere, .begun = &begun, .suspended = &suspended), &got),
			0);
		assert_int_equal(got, 1);
		assert_int_equal(begun, 1);
	}
	printf("%d of %d suspended\n", suspended, i);
	assert_true(suspended > 0);
}
