/*
 * The runtime as a whole: configuration, shutdown, memory, dump, counters.
 */
#include "support/task_support.h"

/* --- configuration */

TEST(configuring_refuses_numbers_out_of_range)
{
	catch_misuse();
	assert_int_equal(bide_configure(NULL), EINVAL);
	ASSERT_MISUSE("bide_configure: config is NULL");
	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 1025 }), EINVAL);
	ASSERT_MISUSE("blocking_threads_max");
	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = UINT32_MAX }), EINVAL);
	ASSERT_MISUSE("blocking_threads_max");
	assert_int_equal(bide_configure(&(bide_config){ .workers = 1025 }), EINVAL);
	ASSERT_MISUSE("workers is 1025; 1 to 1024 are allowed, or 0 for the default");
	assert_int_equal(bide_configure(&(bide_config){ .workers = UINT32_MAX }), EINVAL);
	ASSERT_MISUSE("workers is 4294967295");
	assert_int_equal(bide_configure(&(bide_config){ .workers = 2, .virtual_clock = true }), EINVAL);
	ASSERT_MISUSE("a simulation (virtual_clock) has one");
	/* The refused calls have started nothing. */
	assert_int_equal(bide_configure(&(bide_config){ .workers = 1, .blocking_threads_max = 1024 }),
	                 0);
}

TEST(configuring_twice_is_refused_until_the_shutdown)
{
	assert_int_equal(bide_configure(&(bide_config){ 0 }), 0);
	assert_int_equal(bide_configure(&(bide_config){ 0 }), EBUSY);
	assert_int_equal(shut_down(), 0);
	assert_int_equal(bide_configure(&(bide_config){ 0 }), 0);
}

TEST(configuring_after_the_first_use_is_refused)
{
	task_unref(bide_task_from_int(100));
	assert_int_equal(bide_configure(&(bide_config){ 0 }), EBUSY);
}

static int configured_inside;

struct configures {
	ASYNC_FRAME;
};

async(configures)
{
	async_begin;
	await(bide_async_yield());
	configured_inside = bide_configure(&(bide_config){ .virtual_clock = true });
async_finally:
	async_end;
}

TEST(configuring_inside_an_async_function_is_refused)
{
	NOT_SEEDED("it is about a runtime that is no simulation");
	assert_int_equal(wait_int(async_start(configures), NULL), 0);
	assert_int_equal(configured_inside, EBUSY);
	assert_true(bide_simulation_hash() == 0);
}

TEST(shutting_down_a_runtime_that_never_started_does_nothing)
{
	assert_int_equal(shut_down(), 0);
	assert_int_equal(shut_down(), 0);
}

TEST(a_hundred_lives_one_after_the_other)
{
	for (int life = 0; life < 100; life++) {
		task *t;
		int64_t got;
		if (life % 3)
			assert_int_equal(bide_configure(&(bide_config){
								 .virtual_clock = life % 3 == 1, .seed = 5, .debug = life % 2 }),
			                 0);
		t = value_task_as_task(later_value(100000, life));
		assert_int_equal(wait_int(await_it(t, NULL, 0), &got), 0);
		assert_int_equal(got, life);
		task_unref(t);
		assert_int_equal(shut_down(), 0);
		assert_int_equal(stats().live_bytes, 0);
		assert_none(task_count);
	}
}

/* Every generation contains the worker's number, in 15 bits. */
TEST_SLOW(there_can_be_more_lives_than_numbers_for_workers, 120)
{
	NOT_SEEDED("it takes seconds, and does not depend on the order");
	if (test_time_factor() > 1)
		SKIP("a tool would need long for %d lives, and finds as much in a hundred", 2 * 32768 + 3);
	for (int life = 0; life < 2 * 32768 + 3; life++) {
		task *t;
		int64_t got;
		one_worker();
		if (life % 32768 > 2 && life % 32768 < 32765) {
			assert_int_equal(shut_down(), 0);
			continue;
		}
		t = task_create(0);
		value_task v = await_it(t, NULL, 0);
		assert_int_equal(stats().frame_count, 1);
		assert_int_equal(stats().operation_count, 1);
		bide_task_complete_int(t, 5);
		assert_int_equal(wait_int(v, &got), 0);
		assert_int_equal(got, 5);
		task_unref(t);
		assert_int_equal(shut_down(), 0);
	}
}

TEST(many_workers_start_and_stop_many_times)
{
	for (int life = 0; life < 300; life++) {
		value_task waits[5];
		task *t;
		int64_t got;

		assert_int_equal(bide_configure(&(bide_config){ .workers = 2 + (unsigned)life % 3 }), 0);
		assert_int_equal(bide_worker_count(), 2 + life % 3);
		t = task_create(0);
		for (int i = 0; i < 5; i++)
			waits[i] = await_it(t, NULL, 0);
		assert_int_equal(stats().frame_count, 5);
		assert_int_equal(stats().operation_count, 5);
		bide_task_complete_int(t, life);
		for (int i = 0; i < 5; i++) {
			assert_int_equal(wait_int(waits[i], &got), 0);
			assert_int_equal(got, life);
		}
		task_unref(t);
		assert_int_equal(shut_down(), 0);
	}
}

/* --- shutdown */

struct shuts_down {
	ASYNC_FRAME;
};

async(shuts_down)
{
	async_begin;
	async_return(bide_shutdown(NULL));
async_finally:
	async_end;
}

static void *shut_down_elsewhere(void *argument)
{
	*(int64_t *)argument = bide_shutdown(NULL);
	return NULL;
}

TEST(shutdown_in_the_wrong_place_is_misuse)
{
	pthread_t thread;
	int64_t got = 0;

	run_all();
	catch_misuse();
	assert_int_equal(wait_int(async_start(shuts_down), &got), 0);
	assert_int_equal(got, EDEADLK);
	ASSERT_MISUSE("bide_shutdown: called inside the async function shuts_down");
	assert_int_equal(pthread_create(&thread, NULL, shut_down_elsewhere, &got), 0);
	pthread_join(thread, NULL);
	assert_int_equal(got, many_workers() ? EBUSY : EDEADLK);
	ASSERT_MISUSE(many_workers() ? "bide_shutdown: 1 other threads that used bide still run"
	                             : "bide_shutdown: called on another thread");
	assert_int_equal(wait_int(later_value(1000, 3), &got), 0); /* the runtime goes on */
}

static atomic_int stage;

static void *stays_attached(void *argument)
{
	(void)argument;
	task_unref(bide_task_from_int(100));
	atomic_store(&stage, 1);
	while (atomic_load(&stage) == 1)
		sched_yield();
	return NULL;
}

TEST(shutdown_while_other_threads_are_attached_is_misuse_and_can_be_repeated)
{
	pthread_t thread;
	int64_t got;

	run_all();
	assert_int_equal(pthread_create(&thread, NULL, stays_attached, NULL), 0);
	while (atomic_load(&stage) != 1)
		sched_yield();
	catch_misuse();
	assert_int_equal(bide_shutdown(NULL), EBUSY);
	ASSERT_MISUSE("1 other threads that used bide still run");
	assert_int_equal(wait_int(later_value(1000, 3), &got), 0);
	assert_int_equal(got, 3);
	atomic_store(&stage, 2);
	pthread_join(thread, NULL);
	assert_int_equal(shut_down(), 0);
}

static void *uses_bide_once(void *argument)
{
	task_unref(bide_task_from_int(100));
	return argument;
}

static void *uses_bide_once_and_says_so(void *argument)
{
	task_unref(bide_task_from_int(100));
	atomic_fetch_add(&stage, 1);
	return argument;
}

/* The end of a thread and the shutdown exclude each other. */
TEST(a_shutdown_may_follow_threads_that_are_about_to_end)
{
	pthread_t thread;

	for (int round = 0; round < 50; round++) {
		atomic_store(&stage, 0);
		run_all();
		for (int i = 0; i < 3; i++) {
			assert_int_equal(pthread_create(&thread, NULL, uses_bide_once_and_says_so, NULL), 0);
			pthread_detach(thread);
		}
		while (atomic_load(&stage) != 3)
			sched_yield();
		catch_misuse(); /* the threads have not ended yet */
		while (bide_shutdown(NULL) != 0)
			sched_yield();
	}
}

/* Starts a thread once the shutdown waits for this function's worker. */
struct waits_for_a_newcomer {
	ASYNC_FRAME;
	struct {
		void *(*newcomer)(void *argument);
		pthread_t *thread;
		bool joins;
	} in;
};

async(waits_for_a_newcomer)
{
	async_begin;
	await(bide_async_yield());
	atomic_store(&stage, 1);
	while (atomic_load(&stage) == 1)
		sched_yield();
	sleep_ms(20);
	assert_int_equal(pthread_create(my->in.thread, NULL, my->in.newcomer, NULL), 0);
	if (my->in.joins)
		pthread_join(*my->in.thread, NULL);
	while (!my->in.joins && atomic_load(&stage) != 1)
		sched_yield();
async_finally:
	async_end;
}

static value_task newcomer_during_the_shutdown(void *(*run)(void *), pthread_t *thread, bool joins)
{
	value_task v =
		async_start(waits_for_a_newcomer, .newcomer = run, .thread = thread, .joins = joins);

	while (atomic_load(&stage) != 1)
		sched_yield();
	atomic_store(&stage, 2);
	return v;
}

TEST(a_function_may_wait_for_a_newcomer_while_the_shutdown_waits_for_its_worker)
{
	pthread_t thread;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	value_task_forget(newcomer_during_the_shutdown(uses_bide_once, &thread, true));
	assert_int_equal(shut_down(), 0);
}

TEST(a_newcomer_that_stays_makes_the_shutdown_fail_and_the_runtime_go_on)
{
	pthread_t thread;
	value_task v, waits;
	task *t;
	int64_t got;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	t = task_create(0);
	waits = await_it(t, NULL, 7);
	v = newcomer_during_the_shutdown(stays_attached, &thread, false);
	catch_misuse();
	assert_int_equal(bide_shutdown(NULL), EBUSY);
	ASSERT_MISUSE("1 other threads that used bide still run");
	assert_int_equal(wait_int(v, NULL), 0);
	assert_int_equal(wait_int(later_value(3 * MS, 3), &got), 0); /* needs a timer and a worker */
	assert_int_equal(got, 3);
	bide_task_complete_int(t, 5);
	assert_int_equal(wait_int(waits, &got), 0);
	assert_int_equal(got, 5);
	task_unref(t);
	atomic_store(&stage, 3);
	pthread_join(thread, NULL);
	assert_int_equal(shut_down(), 0);
}

TEST(after_a_shutdown_another_thread_may_use_the_runtime)
{
	pthread_t thread;
	int64_t got = -5;

	task_unref(bide_task_from_int(100));
	assert_int_equal(shut_down(), 0);
	assert_int_equal(pthread_create(&thread, NULL, shut_down_elsewhere, &got), 0);
	pthread_join(thread, NULL);
	assert_int_equal(got, 0);
}

static void leak_three(void)
{
	task *gate = task_create(0), *t = value_task_as_task(await_it(gate, NULL, 0));
	bide_value_task dropped = await_it(gate, NULL, 0), waiting = later_value(100000 * MS, 4);

	(void)waiting.state;
	bide_task_complete_int(gate, 3);
	task_unref(gate);
	while (!bide_task_is_ready(t) || !bide_value_task_is_ready(dropped))
		run_all();
	assert_int_equal(shut_down(), 3);
	fflush(NULL);
	abort();
}

TEST(leaks_are_counted)
{
	NOT_SEEDED("it needs the real clock");
	task *gate = task_create(0), *t = value_task_as_task(await_it(gate, NULL, 0));
	bide_value_task dropped = await_it(gate, NULL, 0), waiting = later_value(100000 * MS, 4);

	(void)waiting.state;
	bide_task_complete_int(gate, 3);
	task_unref(gate);
	while (!bide_task_is_ready(t) || !bide_value_task_is_ready(dropped))
		run_all();
	assert_int_equal(stats().frame_count, 3);
	assert_int_equal(stats().unconsumed_count, 1);
	assert_int_equal(shut_down(), 3);
	assert_int_equal(stats().live_bytes, 0);
	assert_none(frame_count);
}

TEST(leaks_are_named)
{
	NOT_SEEDED("it needs the real clock");
	EXPECT_ABORT(leak_three(), "leak: async function later, ");
	EXPECT_ABORT(leak_three(), " at tests/support/task_support.h:");
	EXPECT_ABORT(leak_three(), "its value task was not consumed");
	EXPECT_ABORT(leak_three(), "a task that has references still");
#ifdef BIDE_COMPUTED_GOTO /* there the resume point is not a line number */
	EXPECT_ABORT(leak_three(), "still waiting");
#else
	EXPECT_ABORT(leak_three(), "still waiting at line ");
#endif
	setenv("BIDE_DEBUG", "1", 1);
	EXPECT_ABORT(leak_three(), "started at tests/support/task_support.h:");
	unsetenv("BIDE_DEBUG");
}

TEST(completion_sources_outlive_a_shutdown)
{
	task *t = task_create(0);

	assert_int_equal(shut_down(), 0);
	assert_int_equal(stats().task_count, 1);
	assert_true(stats().live_bytes > 0);
	bide_task_complete_int(t, 5);
	assert_int_equal(bide_task_result(t).i, 5);
	task_unref(t);
	assert_int_equal(stats().live_bytes, 0);
}

/* --- memory */

typedef struct ledger {
	_Atomic int64_t live, allocations, releases;
	_Atomic int64_t fail_after; /* negative: never fails */
} ledger;

static void *ledger_allocate(size_t size_bytes, size_t alignment, void *argument)
{
	ledger *l = argument;
	void *memory = NULL;

	assert_true(size_bytes > 0 && alignment >= sizeof(void *) &&
	            (alignment & (alignment - 1)) == 0);
	for (int64_t left = l->fail_after; left >= 0;) {
		if (left == 0)
			return NULL;
		if (atomic_compare_exchange_weak(&l->fail_after, &left, left - 1))
			break;
	}
	if (posix_memalign(&memory, alignment, size_bytes))
		return NULL;
	memset(memory, 0xDB, size_bytes); /* so that no code relies on zeros */
	l->live += (int64_t)size_bytes;
	l->allocations++;
	return memory;
}

static void ledger_release(void *memory, size_t size_bytes, void *argument)
{
	ledger *l = argument;

	memset(memory, 0xDE, size_bytes);
	l->live -= (int64_t)size_bytes;
	l->releases++;
	free(memory);
}

/*
 * Returns what many workers and this thread hold until the shutdown. With one worker that is
 * nothing.
 */
static int64_t held_by_threads(const ledger *l)
{
	if (!many_workers())
		return 0;
	(void)wait_int(delay(0), NULL);
	(void)wait_int(later_value(1, 0), NULL);
	run_all();
	return l->live;
}

static void use_a_little_of_everything(void)
{
	task *tasks[4];
	value_task waits[4];

	for (int i = 0; i < 4; i++) {
		tasks[i] = i % 2 ? task_create(0) : value_task_as_task(later_value(1000 * i + 1, i));
		waits[i] = await_it(tasks[i], NULL, i);
	}
	bide_task_complete_int(tasks[1], 1);
	bide_task_fail(tasks[3], EIO);
	assert_int_equal(wait_int(with_timeout_ms(1000, bide_when_all_tasks(tasks, 4)), NULL), EIO);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(wait_int(waits[i], NULL), i == 3 ? EIO : 0);
		task_unref(tasks[i]);
	}
}

TEST(a_custom_allocator_gets_every_byte_back)
{
	ledger l = { .fail_after = -1 };
	bide_allocator mine = { ledger_allocate, ledger_release, &l };

	assert_int_equal(bide_allocator_set(&mine), 0);
	for (int life = 0; life < 3; life++) {
		task *keep;
		use_a_little_of_everything();
		keep = bide_task_from_int(100);
		run_all();
		assert_true(l.live > 0);
		assert_int_equal(l.live, stats().live_bytes);
		assert_int_equal(l.allocations, stats().allocation_count);
		assert_int_equal(l.releases, stats().release_count);
		assert_int_equal(bide_allocator_set(&mine), EBUSY);
		task_unref(keep);
		assert_int_equal(shut_down(), 0);
		assert_int_equal(l.live, 0);
		assert_int_equal(l.allocations, l.releases);
	}
	assert_int_equal(bide_allocator_set(&mine), 0);
}

TEST(without_pools_every_byte_is_returned_too)
{
	ledger l = { .fail_after = -1 };
	bide_allocator mine = { ledger_allocate, ledger_release, &l };
	int64_t held;

	setenv("BIDE_POOL", "malloc", 1);
	assert_int_equal(bide_allocator_set(&mine), 0);
	held = held_by_threads(&l);
	use_a_little_of_everything();
	run_all();
	assert_int_equal(l.live, held); /* even before the shutdown */
	assert_int_equal(stats().live_bytes, held);
	assert_true(l.allocations >= 12);
	assert_int_equal(shut_down(), 0);
	assert_int_equal(l.live, 0);
}

TEST(an_allocator_needs_both_functions)
{
	ledger l = { 0 };

	catch_misuse();
	assert_int_equal(bide_allocator_set(NULL), EINVAL);
	ASSERT_MISUSE("bide_allocator_set: the allocator is NULL");
	assert_int_equal(bide_allocator_set(&(bide_allocator){ NULL, ledger_release, &l }), EINVAL);
	ASSERT_MISUSE("allocate is NULL");
	assert_int_equal(bide_allocator_set(&(bide_allocator){ ledger_allocate, NULL, &l }), EINVAL);
	ASSERT_MISUSE("release is NULL");
}

static value_task add_one(task *ended, void *argument)
{
	(void)argument;
	return value_task_from(bide_task_result(ended).i + 1);
}

static void use_without_memory(bool pooled)
{
	ledger l = { .fail_after = -1 };
	bide_allocator mine = { ledger_allocate, ledger_release, &l };
	int64_t held;
	task *next;

	assert_int_equal(bide_allocator_set(&mine), 0);
	held = pooled ? 0 : held_by_threads(&l); /* with pools, what they hold counts as free */
	l.fail_after = 0;
	assert_null(task_create(0));
	assert_null(bide_task_from_int(9));
	assert_non_null(bide_task_from_int(8));
	assert_null(bide_task_from_error(EIO));
	assert_null(value_task_as_task(value_task_from(12345)));
	assert_int_equal(wait_int(later_value(MS, 1), NULL), BIDE_ENOFRAME);
	assert_int_equal(wait_int(delay_ms(1), NULL), ENOMEM);
	assert_null(task_continue_with(bide_task_from_int(1), add_one, NULL, 0));
	assert_true(stats().failed_count >= 5);
	assert_int_equal(stats().live_bytes, held);
	l.fail_after = -1;
	next = task_create(0);
	assert_non_null(next);
	task_unref(next);
	assert_int_equal(shut_down(), 0);
	assert_int_equal(l.live, 0);
}

TEST(without_memory_calls_fail_as_documented)
{
	setenv("BIDE_POOL", "malloc", 1);
	use_without_memory(false);
}

TEST(without_memory_one_worker_starts_and_calls_fail_as_documented)
{
	setenv("BIDE_WORKERS", "1", 1);
	use_without_memory(true);
}

TEST(without_memory_many_workers_do_not_start)
{
	ledger l = { .fail_after = 0 };
	bide_allocator mine = { ledger_allocate, ledger_release, &l };

	assert_int_equal(bide_allocator_set(&mine), 0);
	for (int64_t n = 0; n < 6; n++) {
		l.fail_after = n;
		assert_int_equal(bide_configure(&(bide_config){ .workers = 3 }), ENOMEM);
		assert_int_equal(l.live, 0);
	}
	l.fail_after = 6;
	assert_int_equal(bide_configure(&(bide_config){ .workers = 3 }), 0);
	assert_int_equal(wait_int(later_value(MS, 1), NULL), ENOMEM); /* no memory for a record */
	l.fail_after = -1;
	assert_int_equal(wait_int(later_value(MS, 1), NULL), 0);
	assert_int_equal(shut_down(), 0);
	assert_int_equal(l.live, 0);
}

/* Each allocation fails once. Nothing leaks and nothing crashes. */
TEST(each_allocation_may_fail)
{
	ledger l = { .fail_after = -1 };
	bide_allocator mine = { ledger_allocate, ledger_release, &l };
	int64_t needed = -1, held;

	setenv("BIDE_POOL", "malloc", 1);
	assert_int_equal(bide_allocator_set(&mine), 0);
	held = held_by_threads(&l);
	for (int64_t n = -1; n < 0 || n <= needed; n++) {
		task *t, *outer, *next = NULL, *flat = NULL;
		value_task v, w;
		l.fail_after = n;
		l.allocations = 0;
		t = task_create(0);
		outer = task_create(0);
		if (t && outer) {
			v = await_it(t, NULL, 0);
			w = task_await_for(t, 100000 * MS);
			next = task_continue_with(t, add_one, NULL, 0);
			flat = bide_task_unwrap(outer);
			bide_task_complete_int(t, 20);
			bide_task_complete_pointer(outer, flat ? task_ref(t) : NULL);
			if (n < 0 && !many_workers())
				assert_false(bide_value_task_is_ready(v) && bide_value_task_is_ready(w));
			(void)wait_int(v, NULL);
			(void)wait_int(w, NULL);
			if (flat)
				(void)bide_task_wait(flat, NULL);
			if (next)
				(void)bide_task_wait(next, NULL);
			if (n < 0)
				assert_true(next && flat);
		}
		task_unref(flat);
		task_unref(next);
		task_unref(outer);
		task_unref(t);
		run_all();
		assert_none(frame_count);
		assert_none(operation_count);
		assert_int_equal(l.live, held);
		if (n < 0)
			needed = l.allocations;
	}
	assert_true(needed >= 9);
	l.fail_after = -1;
	assert_int_equal(shut_down(), 0);
	assert_int_equal(l.live, 0);
}

/* --- dump and counters */

static char dumped[16][256];
static int dumped_count;

static void keep_line(const char *line, void *argument)
{
	assert_ptr_equal(argument, &dumped_count);
	assert_null(strchr(line, '\n'));
	if (dumped_count < 16)
		snprintf(dumped[dumped_count], sizeof dumped[0], "%s", line);
	dumped_count++;
}

static const char *line_of(const char *name)
{
	for (int i = 0; i < dumped_count && i < 16; i++)
		if (strncmp(dumped[i], name, strlen(name)) == 0 && dumped[i][strlen(name)] == ':')
			return dumped[i];
	return NULL;
}

struct waits_for_frame {
	ASYNC_FRAME;
	struct {
		value_task what;
	} in;
};

enum { WAITS_FOR_FRAME_LINE = __LINE__ + 5 };

async(waits_for_frame)
{
	async_begin;
	await(my->in.what);
async_finally:
	async_end;
}

TEST(a_dump_names_each_function_its_place_and_what_it_waits_for)
{
	bide_user_source user;
	bide_context *context = bide_context_create(NULL);
	task *t = task_create(0);
	value_task outer, waits, yields, uses;
	char place[64];
	size_t count;

	bide_user_source_init(&user, NULL);
	assert_int_equal(bide_dump(keep_line, &dumped_count), 0);
	dumped_count = 0;
	outer =
		async_start(waits_for_frame, .what = bide_in_context(context, later_value(100000 * MS, 1)));
	waits = await_it(t, NULL, 0);
	yields = async_start(yielder);
	count = bide_dump(keep_line, &dumped_count);
	assert_true(count == 4 || (many_workers() && count == 3)); /* the last one may be over */
	assert_int_equal(dumped_count, count + 1);                 /* one line more for the tasks */
	snprintf(place, sizeof place, "tests/test_runtime.c:%d", WAITS_FOR_FRAME_LINE);
	assert_non_null(line_of("waits_for_frame"));
#ifndef BIDE_COMPUTED_GOTO /* there the resume point is not a line number */
	assert_non_null(strstr(line_of("waits_for_frame"), place));
#endif
	assert_non_null(strstr(line_of("waits_for_frame"), "for later"));
	assert_non_null(strstr(line_of("later"), "for a delay"));
	assert_non_null(strstr(line_of("awaiter"), "for task"));
	assert_non_null(strstr(line_of("awaiter"), "tests/support/task_support.h:"));
	if (count == 4)
		assert_non_null(strstr(line_of("yielder"), "its turn"));

	bide_task_complete_int(t, 1);
	bide_context_cancel(context, ECANCELED);
	bide_context_unref(context);
	assert_int_equal(wait_int(outer, NULL), ECANCELED);
	assert_int_equal(wait_int(waits, NULL), 0);
	assert_int_equal(wait_int(yields, NULL), 0);
	dumped_count = 0;
	uses = async_start(waits_for_frame, .what = bide_user_source_value_task(&user));
	assert_int_equal(bide_dump(keep_line, &dumped_count), 1);
	assert_non_null(strstr(dumped[0], "a source of the program's own"));
	bide_user_source_complete(&user, (bide_payload){ .i = 1 });
	assert_int_equal(wait_int(uses, NULL), 0);
	task_unref(t);
	assert_int_equal(bide_dump(keep_line, &dumped_count), 0);
}

/* --- RA (docs/behaviours.tsv): pending functions are tracked, and no entry is left behind */

enum { TRACKED_RUNS = 1000, TRACKED_DEPTH = 3 };
typedef enum ending { ENDS_WELL, FAILS, IS_HANDLED, IS_CANCELED } ending;

struct tracked {
	ASYNC_FRAME;
	struct {
		int depth;
		ending how;
	} in;
	int error;
};

async(tracked)
{
	async_begin;
	if (my->in.depth > 0 && my->in.how == IS_HANDLED) {
		await_or(async_start(tracked, .depth = my->in.depth - 1, .how = FAILS),
		         my->error = await_error);
		await(bide_async_yield()); /* continues after the error */
		async_return(my->error);
	}
	if (my->in.depth > 0)
		await(async_start(tracked, .depth = my->in.depth - 1, .how = my->in.how));
	else if (my->in.how == IS_CANCELED)
		await(delay_ms(60 * 1000));
	else
		await(bide_async_yield());
	if (my->in.how == FAILS && my->in.depth == 0)
		async_fail(EIO);
async_finally:
	async_end;
}

static void assert_nothing_is_tracked(void)
{
	dumped_count = 0;
	assert_int_equal(bide_dump(keep_line, &dumped_count), 0);
	assert_none(frame_count);
	assert_int_equal(stats().unconsumed_count, 0);
}

static void run_tracked(ending how, int error, int64_t result)
{
	for (int i = 0; i < TRACKED_RUNS; i++) {
		bide_payload got = { .i = 0 };

		assert_int_equal(
			bide_value_task_wait(async_start(tracked, .depth = TRACKED_DEPTH, .how = how), &got),
			error);
		assert_int_equal(got.i, result);
	}
	assert_nothing_is_tracked();
}

TEST(RA_01_functions_that_end_normally_leave_no_entry)
{
	run_tracked(ENDS_WELL, 0, 0);
}

TEST(RA_02_functions_that_an_error_ends_through_three_frames_leave_no_entry)
{
	run_tracked(FAILS, EIO, 0);
}

TEST(RA_03_no_entry_is_left_if_an_outer_function_handles_the_error_and_suspends)
{
	run_tracked(IS_HANDLED, 0, EIO);
}

TEST(RA_04_functions_that_are_canceled_leave_no_entry)
{
	for (int i = 0; i < TRACKED_RUNS; i++) {
		bide_context *context = bide_context_create(NULL);
		value_task v = bide_in_context(context, async_start(tracked, .depth = TRACKED_DEPTH,
		                                                    .how = IS_CANCELED));

		assert_true(bide_context_cancel(context, ECANCELED));
		assert_int_equal(bide_value_task_wait(v, NULL), ECANCELED);
		bide_context_unref(context);
	}
	assert_nothing_is_tracked();
}

TEST(RA_05_a_pending_function_is_listed_until_it_ends)
{
	task *t = task_create(0);
	value_task waits = await_it(t, NULL, 0);

	assert_int_equal(bide_dump(keep_line, &dumped_count), 1);
	assert_non_null(line_of("awaiter"));
	assert_int_equal(stats().frame_count, 1);
	bide_task_complete_int(t, 1);
	assert_int_equal(wait_int(waits, NULL), 0);
	task_unref(t);
	assert_nothing_is_tracked();
}

TEST(a_dump_without_a_writer_goes_to_the_report_hook)
{
	task *t = task_create(0);
	value_task waits = await_it(t, NULL, 0);

	bide_report_hook_set(keep_line, &dumped_count);
	assert_int_equal(bide_dump(NULL, NULL), 1);
	assert_true(dumped_count >= 1);
	assert_int_equal(strncmp(dumped[0], "dump: awaiter: awaiting", 23), 0);
	bide_task_complete_int(t, 1);
	assert_int_equal(wait_int(waits, NULL), 0);
	task_unref(t);
}

static void dump_and_abort(void)
{
	task *t = task_create(0);
	value_task waits = await_it(t, NULL, 0);

	(void)waits;
	(void)bide_dump(NULL, NULL);
	abort();
}

TEST(a_dump_without_a_writer_or_a_hook_goes_to_standard_error)
{
	EXPECT_ABORT(dump_and_abort(), "bide: dump: awaiter: awaiting");
}

TEST(asking_for_the_counters_without_a_place_is_misuse)
{
	catch_misuse();
	bide_stats_get(NULL);
	ASSERT_MISUSE("bide_stats_get: stats is NULL");
	assert_int_equal(stats().misuse_count, 1);
}

TEST(the_counters_count_what_is_in_use)
{
	task *t = task_create(0);
	value_task v = await_it(t, NULL, 0), d = delay_ms(50), y = async_start(yielder);
	bide_stats s = stats();

	assert_int_equal(s.task_count, 1);
	assert_int_equal(s.frame_count, 2);
	assert_int_equal(s.operation_count, 2); /* the wait and the timer */
	assert_int_equal(s.timer_count, 1);
	if (!many_workers()) { /* with many, y may have run by itself */
		assert_int_equal(s.runnable_count, 1);
		assert_int_equal(s.unconsumed_count, 0);
	}
	assert_true(s.live_bytes > 0);
	assert_int_equal(s.allocation_count > s.release_count, 1);
	run_all();
	assert_int_equal(stats().unconsumed_count, 1); /* of y */
	assert_int_equal(wait_int(y, NULL), 0);
	bide_task_complete_int(t, 1);
	assert_int_equal(wait_int(v, NULL), 0);
	assert_int_equal(wait_int(d, NULL), 0);
	task_unref(t);
	s = stats();
	assert_int_equal(s.task_count + s.frame_count + s.operation_count + s.timer_count +
	                     s.runnable_count,
	                 0);
}

/* --- simulation */

static uint64_t simulate(uint64_t seed)
{
	turn_log log = { 0 };
	value_task v[12];
	uint64_t hash;

	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true, .seed = seed }), 0);
	for (int i = 0; i < 12; i++)
		v[i] = async_start(yielder, .log = &log, .id = i);
	for (int i = 0; i < 12; i++)
		assert_int_equal(wait_int(v[i], NULL), 0);
	assert_int_equal(log.count, 12);
	hash = bide_simulation_hash();
	for (int i = 0; i < 12; i++)
		hash = hash * 31 + (uint64_t)log.ids[i];
	assert_int_equal(shut_down(), 0);
	return hash;
}

TEST(equal_seeds_give_equal_runs_and_others_differ)
{
	uint64_t first = simulate(1);
	int different = 0;

	assert_true(simulate(1) == first);
	for (uint64_t seed = 2; seed < 12; seed++)
		different += simulate(seed) != first;
	assert_true(different >= 9);
}

TEST(a_virtual_hour_takes_no_time)
{
	struct timespec began, ended;
	int64_t virtual_began;

	virtual_clock();
	virtual_began = bide_now_ns();
	clock_gettime(CLOCK_MONOTONIC, &began);
	assert_int_equal(wait_int(delay_ms(3600 * 1000), NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	assert_true(bide_now_ns() - virtual_began == 3600 * 1000 * MS);
	assert_true(ended.tv_sec - began.tv_sec < 5);
}

TEST(without_a_simulation_there_is_no_seed)
{
	catch_misuse();
	assert_int_equal(bide_simulation_hash(), 0);
	assert_int_equal(bide_simulation_random(), 0);
	ASSERT_MISUSE("bide_simulation_random");
}
