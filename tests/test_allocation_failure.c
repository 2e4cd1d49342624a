/*
 * Running out of memory. A scenario that uses every part of the library runs once to count its
 * allocations, N. Then it runs N times with one of them failing, and N times with all of them
 * failing from one on. Each run must return the documented errors, must not hang (under the virtual
 * clock a hang is EDEADLK), and must give everything back in the end.
 *
 * With BIDE_POOL=malloc each object is an allocation of its own. One run uses the normal pools.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/settle.h"

#include <bide/bide.h>

#include <bide/short.h>

static const int64_t ms = 1000000;

/* ---- the allocator */

/* The counters are atomic because workers and threads of blocking calls allocate, too. */
static struct {
	atomic_uint_fast64_t count, fail_at; /* 0: never */
	atomic_bool all_from_there;
	atomic_int_fast64_t live_count;
} heap;

static void *heap_allocate(size_t size_bytes, size_t alignment, void *argument)
{
	size_t rounded_bytes = (size_bytes + alignment - 1) / alignment * alignment;
	uint64_t number, fail_at;
	void *memory;

	assert_ptr_equal(argument, &heap);
	number = ++heap.count;
	fail_at = heap.fail_at;
	if (fail_at && (number == fail_at || (heap.all_from_there && number > fail_at)))
		return NULL;
	memory = aligned_alloc(alignment < sizeof(void *) ? sizeof(void *) : alignment, rounded_bytes);
	assert_non_null(memory);
	memset(memory, 0xA5, rounded_bytes);
	heap.live_count++;
	return memory;
}

static void heap_release(void *memory, size_t size_bytes, void *argument)
{
	assert_ptr_equal(argument, &heap);
	assert_non_null(memory);
	memset(memory, 0x5A, size_bytes);
	heap.live_count--;
	free(memory);
}

/* ---- what is allowed */

static bool by_virtual_clock;

static bool failing(void)
{
	return heap.fail_at != 0;
}

/* Checks an operation that succeeds if there is memory. Returns true if it did. */
static bool succeeded(int error)
{
	if (error == 0)
		return true;
	if (!failing() || (error != ENOMEM && error != BIDE_ENOFRAME))
		print_message("error %d (%s), failing at %d\n", error, bide_strerror(error),
		              (int)heap.fail_at);
	assert_true(failing());
	assert_true(error == ENOMEM || error == BIDE_ENOFRAME);
	return false;
}

/* Checks an operation that ends with `wanted` if there is memory. */
static void ended(int error, int wanted)
{
	if (error != wanted)
		succeeded(error == 0 ? -1 : error);
}

static bool made(const void *object)
{
	assert_true(object != NULL || failing());
	return object != NULL;
}

/* ---- async functions */

struct nap {
	ASYNC_FRAME;
	struct {
		int64_t time_ns, result;
	} in;
};

async(nap)
{
	async_begin;
	await(delay(my->in.time_ns));
	async_return(my->in.result);
async_finally:
	async_end;
}

static value_task start_nap(int64_t time_ns, int64_t result)
{
	return async_start(nap, .time_ns = time_ns, .result = result);
}

struct family {
	ASYNC_FRAME;
	int64_t first, second;
	bool *cleaned;
};

/* Awaits others before, between and in its cleanup. */
async(family)
{
	async_begin;
	await(my->first, start_nap(2 * ms, 30));
	await(bide_async_yield());
	await(my->second, start_nap(3 * ms, 12));
	async_return(my->first + my->second);
async_finally:
	await(start_nap(ms, 0));
	async_end;
}

struct big_frame {
	ASYNC_FRAME;
	char buffer[6000];
};

async(big_frame, buffer)
{
	async_begin;
	memset(my->buffer, 1, sizeof my->buffer);
	await(delay(ms));
	assert_int_equal(my->buffer[5999], 1);
	async_return(5);
async_finally:
	async_end;
}

struct large {
	int64_t numbers[20];
};

struct large_maker {
	ASYNC_FRAME;
	struct {
		int64_t pause_ns;
	} in;
	struct large result;
};

async(large_maker)
{
	async_begin;
	await(delay(my->in.pause_ns));
	my->result.numbers[19] = 77;
	async_return_large(&my->result);
async_finally:
	async_end;
}

struct large_user {
	ASYNC_FRAME;
	struct large got;
};

async(large_user)
{
	async_begin;
	await_large(my->got, async_start(large_maker, .pause_ns = 0));
	assert_int_equal(my->got.numbers[19], 77);
	my->got.numbers[19] = 0;
	await_large(my->got, async_start(large_maker, .pause_ns = ms));
	assert_int_equal(my->got.numbers[19], 77);
	async_return(1);
async_finally:
	async_end;
}

static int owned_count;

static void drop_owned(void *memory)
{
	owned_count--;
	free(memory);
}

struct owner {
	ASYNC_FRAME_OWNED;
};

async(owner)
{
	async_begin;
	await(delay(ms));
	owned_count++;
	async_return_owned(malloc(16), drop_owned);
async_finally:
	await(start_nap(ms, 0)); /* if this fails, the owned result is dropped */
	async_end;
}

struct task_user {
	ASYNC_FRAME;
	struct {
		bide_task *task;
	} in;
	int64_t first, second;
};

async(task_user)
{
	async_begin;
	await(my->first, my->in.task);
	await(my->second, my->in.task);
	assert_int_equal(my->first, my->second);
	async_return(my->first);
async_finally:
	async_end;
}

/* ---- the scenario, part by part; each part leaves nothing behind */

static void use_functions(void)
{
	bide_payload result;
	value_task pending;
	int error;

	if (succeeded(bide_value_task_wait(start_nap(ms, 5), &result)))
		assert_int_equal(result.i, 5);
	if (succeeded(bide_value_task_wait(async_start(family), &result)))
		assert_int_equal(result.i, 42);
	if (succeeded(bide_value_task_wait(async_start(big_frame), &result)))
		assert_int_equal(result.i, 5);
	if (succeeded(bide_value_task_wait(async_start(large_user), &result)))
		assert_int_equal(result.i, 1);
	if (succeeded(bide_value_task_wait(async_start(owner), &result)))
		drop_owned(result.p);
	assert_int_equal(owned_count, 0);
	value_task_forget(start_nap(2 * ms, 5));
	pending = start_nap(4 * ms, 5);
	if (bide_value_task_is_ready(pending)) {
		succeeded(bide_value_task_wait(pending, NULL));
	} else {
		error = bide_value_task_wait_for(pending, NULL, ms);
		if (error == ETIMEDOUT)
			succeeded(bide_value_task_wait(pending, NULL));
		else /* with a real clock, this thread may have slept until the function ended */
			assert_true(!by_virtual_clock && succeeded(error));
	}
	succeeded(bide_value_task_wait(bide_async_yield(), NULL));
}

static void use_tasks(void)
{
	bide_task *shared = bide_task_from_int(1000);
	bide_payload result;

	if (made(shared)) {
		assert_int_equal(bide_task_wait(shared, &result), 0);
		assert_int_equal(result.i, 1000);
		task_unref(shared);
	}
	shared = bide_task_from_error(EIO);
	if (made(shared)) {
		assert_int_equal(bide_task_error(shared), EIO);
		task_unref(shared);
	}
	shared = value_task_as_task(bide_value_task_from_int(123456));
	if (made(shared))
		task_unref(shared);
	shared = value_task_as_task(start_nap(2 * ms, 1001));
	if (made(shared)) {
		value_task users[2];

		for (int i = 0; i < 2; i++)
			users[i] = async_start(task_user, .task = shared);
		for (int i = 0; i < 2; i++)
			if (succeeded(bide_value_task_wait(users[i], &result)))
				assert_int_equal(result.i, 1001);
		ended(bide_task_wait(shared, NULL), 0);
		task_unref(shared);
	}
	shared = value_task_as_task(start_nap(20 * ms, 1002));
	if (made(shared)) {
		if (!bide_task_is_ready(shared)) {
			ended(bide_task_wait_for(shared, NULL, ms), ETIMEDOUT);
			ended(bide_value_task_wait(task_await_for(shared, ms), NULL), ETIMEDOUT);
			ended(bide_value_task_wait(with_timeout_ms(1, task_await(shared)), NULL), ETIMEDOUT);
		}
		task_unref(shared);
	}
	shared = value_task_as_task(bide_async_yield());
	if (made(shared)) {
		succeeded(bide_task_wait(shared, NULL));
		task_unref(shared);
	}
	succeeded(bide_value_task_wait(delay(30 * ms), NULL)); /* forgotten operations end meanwhile */
}

static void use_completion_sources(void)
{
	bide_task *shared = task_create(0);
	bide_payload result;
	value_task users[2];

	if (made(shared)) {
		for (int i = 0; i < 2; i++)
			users[i] = async_start(task_user, .task = shared);
		bide_task_complete_int(shared, 9);
		assert_false(bide_task_try_fail(shared, EIO));
		for (int i = 0; i < 2; i++)
			if (succeeded(bide_value_task_wait(users[i], &result)))
				assert_int_equal(result.i, 9);
		task_unref(shared);
	}
	shared = task_create(&(bide_task_options){ .queue_continuations = true });
	if (made(shared)) {
		users[0] = async_start(task_user, .task = shared);
		task_unref(shared); /* nothing can complete it any more */
		ended(bide_value_task_wait(users[0], NULL), BIDE_EBROKEN);
	}
}

static void use_user_source(void)
{
	bide_user_source source;
	value_task next;
	bide_task *shared;
	bide_payload result;

	bide_user_source_init(&source, NULL);
	next = bide_user_source_value_task(&source);
	bide_user_source_complete(&source, (bide_payload){ .i = 3 });
	assert_int_equal(bide_value_task_wait(next, &result), 0);
	assert_int_equal(result.i, 3);
	bide_user_source_reset(&source);
	shared = value_task_as_task(bide_user_source_value_task(&source));
	bide_user_source_fail(&source, EIO);
	if (made(shared)) {
		assert_int_equal(bide_task_wait(shared, NULL), EIO);
		task_unref(shared);
	}
}

static void start_naps(value_task *naps, int count)
{
	for (int i = 0; i < count; i++)
		naps[i] = start_nap((count - i) * ms, i);
}

/* The caller still owns all of them and can wait for each. */
static void wait_each(value_task *items, int count)
{
	for (int i = 0; i < count; i++)
		succeeded(bide_value_task_wait(items[i], NULL));
}

struct collector {
	ASYNC_FRAME;
	value_task items[3];
	bide_when_each each;
	int64_t index;
	int given_count, i, error;
	bool given[3];
};

async(collector)
{
	async_begin;
	start_naps(my->items, 3);
	my->error = bide_when_each_init(&my->each, my->items, 3);
	while (my->error == 0) {
		await_or(my->index, when_each_next(&my->each), {
			my->error = await_error;
			break;
		});
		assert_false(my->given[my->index]);
		my->given[my->index] = true;
		succeeded(bide_value_task_error(my->items[my->index]));
		my->given_count++;
		my->items[my->index] = bide_value_task_completed();
	}
	if (my->error != BIDE_EEND)
		succeeded(my->error);
	else
		assert_int_equal(my->given_count, 3);
	await(bide_when_each_end(&my->each));
	for (my->i = 0; my->i < 3; my->i++)
		await_or(my->index, my->items[my->i], succeeded(await_error));
	async_return(my->given_count);
async_finally:
	async_end;
}

static void use_combinators(void)
{
	value_task naps[3];
	bide_task *tasks[2];
	bide_context *scope;
	bide_payload winner;
	int error;

	start_naps(naps, 3);
	error = bide_value_task_wait(when_all(naps, 3), NULL);
	succeeded(error);
	wait_each(naps, 3);

	start_naps(naps, 3);
	succeeded(bide_value_task_wait(when_any(naps, 3), &winner));
	wait_each(naps, 3);

	scope = bide_context_create(NULL);
	if (made(scope)) {
		for (int i = 0; i < 3; i++)
			naps[i] = bide_in_context(scope, start_nap((3 - i) * ms, i));
		error = bide_value_task_wait(bide_race(scope, naps, 3), &winner);
		for (int i = 0; i < 3; i++) {
			int item_error = bide_value_task_wait(naps[i], NULL);
			if (item_error != ECANCELED)
				succeeded(item_error);
		}
		if (succeeded(error))
			assert_in_range(winner.i, 0, 2);
		bide_context_unref(scope);
	}

	for (int i = 0; i < 2; i++)
		tasks[i] = value_task_as_task(start_nap((2 - i) * ms, i + 100));
	if (made(tasks[0]) && made(tasks[1])) {
		succeeded(bide_value_task_wait(bide_when_any_tasks(tasks, 2), &winner));
		succeeded(bide_value_task_wait(bide_when_all_tasks(tasks, 2), NULL));
	}
	for (int i = 0; i < 2; i++)
		task_unref(tasks[i]);

	succeeded(bide_value_task_wait(async_start(collector), NULL));
	/* If the collector failed half way, its naps end meanwhile. */
	succeeded(bide_value_task_wait(delay(10 * ms), NULL));
}

static void use_group(bool keep_going)
{
	bide_group group;
	int error = bide_group_init(&group, &(bide_group_options){ .keep_going = keep_going });

	if (!succeeded(error))
		return;
	for (int i = 0; i < 3; i++)
		bide_group_start(&group, start_nap((i + 1) * ms, i));
	bide_group_add(&group, bide_async_yield());
	error = bide_value_task_wait(bide_group_wait(&group), NULL);
	succeeded(error);
}

static void note_call(void *count)
{
	++*(int *)count;
}

static void use_cancellation(void)
{
	bide_cancel_source *source = bide_cancel_source_create(), *linked;
	bide_cancel_registration registration;
	bide_cancel_token token;
	int call_count = 0, error;

	if (!made(source))
		return;
	token = bide_cancel_source_token(source);
	linked = bide_cancel_source_create_linked(&token, 1);
	if (made(linked)) {
		bide_cancel_token_register(bide_cancel_source_token(linked), &registration, note_call,
		                           &call_count);
		ended(bide_value_task_wait(with_token(bide_cancel_source_token(linked), start_nap(ms, 0)),
		                           NULL),
		      0);
	}
	error = bide_cancel_source_cancel_after(source, 3 * ms);
	succeeded(error);
	ended(bide_value_task_wait(with_token(token, start_nap(9 * ms, 0)), NULL),
	      error ? 0 : ECANCELED);
	bide_cancel_source_cancel(source);
	assert_int_equal(call_count, linked != NULL);
	bide_cancel_source_unref(linked);
	bide_cancel_source_unref(source);
}

static const char key;

struct scoped {
	ASYNC_FRAME;
	bide_context *limits;
	int error;
};

async(scoped)
{
	async_begin;
	my->limits = bide_context_create(
		&(bide_context_options){ .timeout_ns = ms, .key = &key, .value = &heap });
	if (!my->limits)
		async_fail(ENOMEM);
	async_enter(my->limits);
	assert_ptr_equal(bide_context_get(&key), &heap);
	await_or(my->error, start_nap(9 * ms, 0), my->error = await_error);
	ended(my->error, ETIMEDOUT);
	async_leave;
	await(delay(ms));
	async_return(1);
async_finally:
	bide_context_unref(my->limits);
	async_end;
}

static void use_contexts(void)
{
	bide_context *outer = bide_context_create(&(bide_context_options){ .timeout_ns = 100 * ms });

	if (made(outer)) {
		succeeded(bide_value_task_wait(bide_in_context(outer, async_start(scoped)), NULL));
		succeeded(bide_value_task_wait(bide_in_context(outer, delay(ms)), NULL));
		bide_context_unref(outer);
	}
	ended(bide_value_task_wait(with_timeout_ms(1, start_nap(9 * ms, 0)), NULL), ETIMEDOUT);
}

static void use_periodic_timer(void)
{
	bide_periodic_timer *timer = bide_periodic_timer_create(ms);
	bide_payload result;

	if (!made(timer))
		return;
	for (int i = 0; i < 3; i++)
		if (succeeded(bide_value_task_wait(bide_periodic_timer_next(timer), &result)))
			assert_int_equal(result.i, 1);
	assert_int_equal(bide_periodic_timer_set_period(timer, 2 * ms), 0);
	ended(bide_value_task_wait(with_timeout_ms(1, bide_periodic_timer_next(timer)), NULL),
	      ETIMEDOUT);
	bide_periodic_timer_stop(timer);
	assert_int_equal(bide_value_task_wait(bide_periodic_timer_next(timer), &result), 0);
	assert_int_equal(result.i, 0);
	bide_periodic_timer_destroy(timer);
}

static value_task after_it(bide_task *before, void *argument)
{
	(void)argument;
	return start_nap(ms, bide_task_result(before).i + 1);
}

static void use_continuations(void)
{
	bide_payload result;

	for (int ready = 0; ready < 2; ready++) {
		bide_task *first = value_task_as_task(ready ? bide_value_task_from_int(3000)
		                                            : start_nap(ms, 3000)),
				  *second = NULL;

		if (!made(first))
			continue;
		if (!bide_task_is_ready(first) || bide_task_error(first) == 0) {
			second = bide_task_continue_with(first, after_it, NULL,
			                                 &(bide_continue_options){ .not_on_failure = true });
			made(second);
		}
		if (second) {
			int error = bide_task_wait(second, &result);

			if (error == 0)
				assert_int_equal(result.i, 3001);
			/*
			 * The continuation is canceled if the first task failed: not_on_failure filters it out.
			 */
			else if (error != ECANCELED || !failing())
				succeeded(error);
			task_unref(second);
		}
		if (bide_task_is_ready(first))
			(void)bide_task_error(first);
		task_unref(first);
	}
	succeeded(bide_value_task_wait(delay(10 * ms), NULL));
}

static void count_call(void *argument)
{
	++*(int *)argument;
}

static void use_on_completed(void)
{
	static int calls;
	value_task ready = value_task_from(3);
	int error;

	calls = 0;
	error = bide_value_task_on_completed(ready, count_call, &calls);
	succeeded(error);
	succeeded(bide_value_task_wait(delay(10 * ms), NULL));
	bide_drain(BIDE_FOREVER);
	assert_int_equal(calls, error == 0);
}

static value_task block(void *argument)
{
	return *(value_task *)argument;
}

static void use_blocking(void)
{
	value_task good = value_task_from(8), bad = bide_value_task_from_error(EIO);
	bide_payload result;

	if (succeeded(bide_value_task_wait(bide_run_blocking(block, &good), &result)))
		assert_int_equal(result.i, 8);
	ended(bide_value_task_wait(bide_run_blocking(block, &bad), NULL), EIO);
	if (bide_simulation_hash() != 0)
		return; /* a simulation has a single thread */
	if (succeeded(bide_value_task_wait(bide_run_on_new_thread(block, &good), &result)))
		assert_int_equal(result.i, 8);
	ended(bide_value_task_wait(bide_run_on_new_thread(block, &bad), NULL), EIO);
}

static value_task run_on_a_worker(void *argument)
{
	return *(int *)argument ? value_task_from_error(*(int *)argument) : delay(ms);
}

static void use_run(void)
{
	static int good = 0, bad = EIO;
	task *t = bide_task_run(run_on_a_worker, &good);

	made(t);
	succeeded(bide_value_task_wait(bide_run(run_on_a_worker, &good), NULL));
	ended(bide_value_task_wait(bide_run(run_on_a_worker, &bad), NULL), EIO);
	if (t) {
		succeeded(bide_task_wait(t, NULL));
		task_unref(t);
	}
}

static void scenario(void)
{
	use_functions();
	use_tasks();
	use_completion_sources();
	use_user_source();
	use_combinators();
	use_group(false);
	use_group(true);
	use_cancellation();
	use_contexts();
	use_periodic_timer();
	use_continuations();
	use_on_completed();
	use_blocking();
	use_run();
}

/* Runs the part once, then checks that everything is given back. */
static void run_once(void (*part)(void), uint64_t fail_at, bool all_from_there, bool virtual_clock)
{
	static const bide_allocator allocator = { heap_allocate, heap_release, &heap };
	bide_stats stats;
	int64_t end_ns;

	heap.count = heap.fail_at = 0;
	heap.all_from_there = false;
	heap.live_count = 0;
	assert_int_equal(bide_allocator_set(&allocator), 0);
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = virtual_clock }), 0);
	by_virtual_clock = virtual_clock;
	heap.all_from_there = all_from_there;
	heap.fail_at = fail_at;
	part();
	heap.fail_at = 0;
	/* What failed half way may have left operations that end by themselves. */
	end_ns = bide_now_ns() + 200 * ms;
	do {
		bide_stats_get(&stats);
		if (stats.frame_count + stats.operation_count + stats.task_count == 0)
			break;
		assert_int_equal(bide_value_task_wait(delay(ms), NULL), 0);
	} while (bide_now_ns() < end_ns);
	if (stats.frame_count + stats.operation_count + stats.task_count != 0)
		print_message("left: %d frames, %d operations, %d tasks; failed at %d%s\n",
		              (int)stats.frame_count, (int)stats.operation_count, (int)stats.task_count,
		              (int)fail_at, all_from_there ? " and on" : "");
	assert_int_equal(stats.frame_count, 0);
	assert_int_equal(stats.operation_count, 0);
	assert_int_equal(stats.task_count, 0);
	assert_int_equal(stats.unconsumed_count, 0);
	assert_int_equal(stats.misuse_count, 0);
	assert_int_equal(shut_down(), 0);
	bide_stats_get(&stats);
	assert_int_equal(stats.live_bytes, 0);
	assert_int_equal(heap.live_count, 0);
}

static void fail_each(void (*part)(void), bool virtual_clock, uint64_t count_min)
{
	uint64_t count;

	run_once(part, 0, false, virtual_clock);
	count = heap.count;
	print_message("%d allocations\n", (int)count);
	assert_true(count >= count_min);
	for (uint64_t i = 1; i <= count; i++)
		run_once(part, i, false, virtual_clock);
	for (uint64_t i = 1; i <= count; i++)
		run_once(part, i, true, virtual_clock);
	run_once(part, 0, false, virtual_clock);
	/* With a real clock, timing decides whether an idle thread is reused or another one begins. */
	if (virtual_clock)
		assert_int_equal(heap.count, count);
	else
		assert_true(heap.count >= count_min);
}

#define EACH_ALLOCATION_FAILS(part)                            \
	TEST_SLOW(each_allocation_fails_in_##part, 60)             \
	{                                                          \
		assert_int_equal(setenv("BIDE_POOL", "malloc", 1), 0); \
		fail_each(part, true, 1);                              \
	}

EACH_ALLOCATION_FAILS(use_functions)
EACH_ALLOCATION_FAILS(use_tasks)
EACH_ALLOCATION_FAILS(use_completion_sources)
EACH_ALLOCATION_FAILS(use_user_source)
EACH_ALLOCATION_FAILS(use_combinators)
EACH_ALLOCATION_FAILS(use_cancellation)
EACH_ALLOCATION_FAILS(use_contexts)
EACH_ALLOCATION_FAILS(use_periodic_timer)
EACH_ALLOCATION_FAILS(use_continuations)
EACH_ALLOCATION_FAILS(use_on_completed)
EACH_ALLOCATION_FAILS(use_blocking)

static void use_both_groups(void)
{
	use_group(false);
	use_group(true);
}
EACH_ALLOCATION_FAILS(use_both_groups)

TEST_SLOW(each_allocation_fails_in_the_whole_scenario, 120)
{
	assert_int_equal(setenv("BIDE_POOL", "malloc", 1), 0);
	fail_each(scenario, true, 100);
}

TEST_SLOW(each_chunk_fails_with_normal_pools, 120)
{
	unsetenv("BIDE_POOL");
	fail_each(scenario, true, 10);
}

static void use_threads(void)
{
	use_blocking();
	use_functions();
}

TEST_SLOW(each_allocation_fails_on_the_real_clock_with_a_blocking_thread, 120)
{
	assert_int_equal(setenv("BIDE_POOL", "malloc", 1), 0);
	fail_each(use_threads, false, 5);
}

/* ---- a start without a frame differs from a missing frame further in */

static value_task without_a_frame(bide_task *before, void *argument)
{
	(void)before;
	(void)argument;
	return bide_value_task_from_error(BIDE_ENOFRAME);
}

TEST(a_continuation_that_ends_without_a_frame_leaves_its_task_alone)
{
	for (int pending = 0; pending < 2; pending++) {
		bide_task *first = pending ? task_create(0) : bide_task_from_int(3000), *second;
		bide_stats stats;

		second = bide_task_continue_with(first, without_a_frame, NULL, 0);
		if (pending)
			bide_task_complete_int(first, 3000);
		if (second)
			assert_true(bide_task_wait(second, NULL) != 0);
		bide_stats_get(&stats);
		assert_true(stats.task_count >= 1); /* the first task */
		assert_int_equal(bide_task_result(first).i, 3000);
		task_unref(second);
		task_unref(first);
	}
	assert_int_equal(shut_down(), 0);
}

TEST(unwrapping_a_task_that_failed_without_a_frame_leaves_it_alone)
{
	bide_task *outer = bide_task_from_error(BIDE_ENOFRAME), *both = bide_task_unwrap(outer);
	bide_stats stats;

	if (both)
		assert_true(bide_task_wait(both, NULL) != 0);
	assert_true(bide_task_error(outer) == BIDE_ENOFRAME);
	task_unref(both);
	bide_stats_get(&stats);
	assert_int_equal(stats.task_count, 1); /* the outer task */
	task_unref(outer);
	bide_stats_get(&stats);
	assert_int_equal(stats.task_count, 0);
	assert_int_equal(shut_down(), 0);
}

struct outermost {
	ASYNC_FRAME;
	int64_t got;
};

async(outermost)
{
	async_begin;
	await(my->got, async_start(nap, .time_ns = ms, .result = 1));
	async_return(my->got);
async_finally:
	async_end;
}

/* BIDE_ENOFRAME promises that no part of the function ran. */
TEST(a_start_without_memory_is_ENOFRAME_and_one_inside_is_ENOMEM)
{
	static const bide_allocator allocator = { heap_allocate, heap_release, &heap };

	assert_int_equal(setenv("BIDE_POOL", "malloc", 1), 0);
	assert_int_equal(bide_allocator_set(&allocator), 0);
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	heap.fail_at = 1;
	assert_int_equal(bide_value_task_wait(async_start(outermost), NULL), BIDE_ENOFRAME);
	heap.fail_at = heap.count + 2;
	assert_int_equal(bide_value_task_wait(async_start(outermost), NULL), ENOMEM);
	heap.fail_at = heap.count + 3; /* fails the timer */
	assert_int_equal(bide_value_task_wait(async_start(outermost), NULL), ENOMEM);
	assert_int_equal(shut_down(), 0);
	assert_int_equal(heap.live_count, 0);
}
