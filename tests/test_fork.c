/*
 * Fork and join: the fast path, joins out of turn, forks that a function leaves unjoined, contexts,
 * full deques, misuse. With one worker there are no thieves; its loop takes forks while their
 * parents are suspended. A test that holds only then calls one_worker().
 */
/* threads */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "async/deque.h"
#include "base/settings.h"
#include "support/library.h"
#include "support/limited_memory.h"

#include <bide/short.h>

static atomic_int ran; /* children that have run; `order` has their order */
static int order[64];

static value_task child(int64_t value, int64_t delay_ns, int error);

struct child_fork {
	BIDE_ASYNC_FORK;
	struct {
		int64_t value, delay_ns;
		int error;
	} in;
};

bide_async_forked(child_fork)
{
	return child(my->in.value, my->in.delay_ns, my->in.error);
}

struct child {
	ASYNC_FRAME;
	struct {
		int64_t value, delay_ns;
		int error;
	} in;
	int turn;
};

async(child)
{
	async_begin;
	my->turn = atomic_fetch_add(&ran, 1);
	if (my->turn < 64)
		order[my->turn] = (int)my->in.value;
	if (my->in.delay_ns)
		await(delay(my->in.delay_ns));
	if (my->in.error)
		async_fail(my->in.error);
	async_return(my->in.value);
async_finally:
	async_end;
}

static value_task child(int64_t value, int64_t delay, int error)
{
	return async_start(child, .value = value, .delay_ns = delay, .error = error);
}

static void virtual_clock(void)
{
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
}

static int64_t wait_for(value_task v)
{
	bide_payload payload = { .i = 0 };

	assert_int_equal(bide_value_task_wait(v, &payload), 0);
	return payload.i;
}

static void expect_failure(value_task v, int error)
{
	bide_payload payload;

	assert_int_equal(bide_value_task_wait(v, &payload), error);
}

/* --- results --- */

static value_task fib(int64_t n);

struct fib_fork {
	BIDE_ASYNC_FORK;
	struct {
		int64_t n;
	} in;
};

bide_async_forked(fib_fork)
{
	return fib(my->in.n);
}

struct fib {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		int64_t n;
	} in;
	int64_t a, b;
	struct fib_fork left;
};

async(fib, left)
{
	async_begin;
	bide_async_fork(fib_fork, my->left, .n = my->in.n - 1);
	await(my->b, fib(my->in.n - 2));
	await(my->a, bide_async_join(fib_fork, my->left));
	async_return(my->a + my->b);
async_finally:
	async_end;
}

static value_task fib(int64_t n)
{
	if (n < 2)
		return value_task_from(n);
	return async_start(fib, .n = n);
}

TEST(nested_forks_give_their_results)
{
	assert_int_equal(wait_for(fib(20)), 6765);
	assert_nothing_in_use();
}

TEST(an_untaken_fork_is_called_by_its_join)
{
	value_task v;

	one_worker();
	/*
	 * The result is ready at once because nothing suspended: with one worker no loop ran that could
	 * have taken a fork.
	 */
	v = fib(12);
	assert_int_equal(v.state, 0);
	assert_int_equal(v.payload.i, 144);
	assert_nothing_in_use();
}

TEST(steady_state_allocates_nothing)
{
	uint64_t before;
	int tries = 0;

	assert_int_equal(wait_for(fib(18)), 2584);
	/* Each worker has pools of its own, which fill once it has had its share of the work. */
	do {
		before = stats().allocation_count;
		for (int i = 0; i < 10; i++)
			assert_int_equal(wait_for(fib(18)), 2584);
	} while (many_workers() && stats().allocation_count != before && ++tries < 50);
	if (!bide_debug_ && bide_pooling_)
		assert_int_equal(stats().allocation_count, before);
	assert_nothing_in_use();
}

TEST(programs_that_never_fork_have_no_deque)
{
	uint64_t before;

	one_worker();
	(void)wait_for(child(1, 0, 0));
	before = stats().live_bytes;
	assert_int_equal(bide_thread_()->deque.mask, 0);
	assert_int_equal(wait_for(fib(2)), 1);
	assert_true(stats().live_bytes >= before + BIDE_DEQUE_ENTRIES_ * sizeof(uintptr_t));
	assert_nothing_in_use();
}

/* --- joins in any order --- */

enum { SLOTS = 6 };

struct many {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		const int *joins; /* array of SLOTS */
		bool suspend;     /* between the forks and the joins, so that the loop runs the forks */
		int64_t delay_ns;
	} in;
	int i;
	int64_t x, sum;
	struct child_fork slots[SLOTS];
};

async(many, slots)
{
	async_begin;
	for (my->i = 0; my->i < SLOTS; my->i++)
		bide_async_fork(child_fork, my->slots[my->i], .value = my->i, .delay_ns = my->in.delay_ns);
	if (my->in.suspend)
		await(delay(1)); /* nothing is runnable, so the loop takes forks */
	for (my->i = 0; my->i < SLOTS; my->i++) {
		await(my->x, bide_async_join(child_fork, my->slots[my->in.joins[my->i]]));
		assert_int_equal(my->x, my->in.joins[my->i]);
		my->sum = my->sum * 10 + my->x;
	}
	async_return(my->sum);
async_finally:
	async_end;
}

static const int orders[][SLOTS] = {
	{ 5, 4, 3, 2, 1, 0 }, { 0, 1, 2, 3, 4, 5 }, { 3, 0, 5, 1, 4, 2 }, { 4, 5, 2, 3, 0, 1 }
};

static void join_in_all_orders(bool suspend, int64_t delay)
{
	for (size_t o = 0; o < sizeof orders / sizeof orders[0]; o++) {
		int64_t want = 0;

		for (int i = 0; i < SLOTS; i++)
			want = want * 10 + orders[o][i];
		ran = 0;
		assert_int_equal(wait_for(async_start(many, .joins = orders[o], .suspend = suspend,
		                                      .delay_ns = delay)),
		                 want);
		assert_int_equal(ran, SLOTS);
		for (int i = 0; i < SLOTS && !suspend && !delay; i++)
			assert_int_equal(order[i], orders[o][i]); /* each ran when it was joined */
		assert_int_equal(bide_deque_owner_pop_(bide_thread_()), 0);
	}
	assert_nothing_in_use();
}

TEST(joins_in_any_order_call_the_child)
{
	one_worker();
	join_in_all_orders(false, 0);
}

TEST(joins_in_any_order_of_children_that_any_worker_may_take)
{
	assert_int_equal(bide_configure(&(bide_config){ .workers = 4 }), 0);
	for (size_t round = 0; round < 200; round++)
		for (size_t o = 0; o < sizeof orders / sizeof orders[0]; o++) {
			int64_t want = 0;

			for (int i = 0; i < SLOTS; i++)
				want = want * 10 + orders[o][i];
			ran = 0;
			assert_int_equal(wait_for(async_start(many, .joins = orders[o],
			                                      .suspend = round % 2 == 0,
			                                      .delay_ns = round % 3 == 0 ? 1000 : 0)),
			                 want);
			assert_int_equal(ran, SLOTS);
		}
	assert_nothing_in_use();
}

TEST(joins_in_any_order_of_children_that_suspend)
{
	virtual_clock();
	join_in_all_orders(false, 1000);
}

TEST(while_the_parent_is_suspended_the_loop_runs_its_forks)
{
	join_in_all_orders(true, 0);
}

TEST(joins_wait_for_what_the_loop_has_started)
{
	virtual_clock();
	join_in_all_orders(true, 1000000);
}

/* --- the cost of joining in another order --- */

struct in_order {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		struct child_fork *slots;
		int count;
	} in;
	int i;
	int64_t x, sum;
};

async(in_order)
{
	async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++)
		bide_async_fork(child_fork, my->in.slots[my->i], .value = my->i);
	for (my->i = 0; my->i < my->in.count; my->i++) {
		await(my->x, bide_async_join(child_fork, my->in.slots[my->i]));
		my->sum += my->x == my->i;
	}
	async_return(my->sum);
async_finally:
	async_end;
}

static int64_t cpu_to_join_in_order_ns(int count)
{
	struct child_fork *slots = calloc((size_t)count, sizeof *slots);
	struct timespec before, after;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	assert_int_equal(wait_for(async_start(in_order, .slots = slots, .count = count)), count);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	free(slots);
	return (after.tv_sec - before.tv_sec) * INT64_C(1000000000) + after.tv_nsec - before.tv_nsec;
}

TEST(the_cost_of_joining_in_the_order_of_forking_is_not_quadratic)
{
	int64_t few_ns = INT64_MAX, many_ns = INT64_MAX, took_ns;

	if (getenv("BIDE_DEBUG"))
		SKIP("in debug mode each fork checks all slots");
	for (int i = 0; i < 3; i++) {
		took_ns = cpu_to_join_in_order_ns(5000);
		few_ns = took_ns < few_ns ? took_ns : few_ns;
		took_ns = cpu_to_join_in_order_ns(40000);
		many_ns = took_ns < many_ns ? took_ns : many_ns;
	}
	/*
	 * For eight times as many joins, a square would take 64 times as long. A clock that counts the
	 * CPU time in ticks may show nothing for a few.
	 */
	few_ns = few_ns > BIDE_MS(4) ? few_ns : BIDE_MS(4);
	assert_true(many_ns / few_ns < 32);
	assert_nothing_in_use();
}

/* --- reuse, other consumers --- */

struct reuse {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		int times;
		bool suspend;
		int64_t delay_ns;
	} in;
	int i;
	int64_t x, sum;
	struct child_fork slot;
};

async(reuse, slot)
{
	async_begin;
	for (my->i = 0; my->i < my->in.times; my->i++) {
		bide_async_fork(child_fork, my->slot, .value = my->i, .delay_ns = my->in.delay_ns);
		if (my->in.suspend)
			await(delay(1));
		await(my->x, bide_async_join(child_fork, my->slot));
		my->sum += my->x;
	}
	async_return(my->sum);
async_finally:
	assert_int_equal(my->BIDE_FRAME_MEMBER_.newest, 0);
	async_end;
}

TEST(a_slot_can_be_forked_again_after_its_join)
{
	virtual_clock();
	assert_int_equal(wait_for(async_start(reuse, .times = 100)), 4950);
	assert_int_equal(wait_for(async_start(reuse, .times = 100, .delay_ns = 5)), 4950);
	assert_int_equal(wait_for(async_start(reuse, .times = 100, .suspend = true)), 4950);
	assert_int_equal(wait_for(async_start(reuse, .times = 100, .suspend = true, .delay_ns = 5)),
	                 4950);
	assert_nothing_in_use();
}

struct combined {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		int how;
	} in;
	value_task items[3];
	int64_t x, sum;
	int i;
	task *shared;
	struct child_fork slots[3];
};

async(combined, slots)
{
	async_begin;
	for (int i = 0; i < 3; i++)
		bide_async_fork(child_fork, my->slots[i], .value = i + 1, .delay_ns = 1000 * (i + 1));
	await(delay(1)); /* the loop starts all three */
	if (my->in.how == 0) {
		for (int i = 0; i < 3; i++)
			my->items[i] = bide_async_join(child_fork, my->slots[i]);
		await(when_all(my->items, 3));
		for (int i = 0; i < 3; i++)
			my->sum += my->items[i].payload.i;
	} else if (my->in.how == 1) {
		for (my->i = 0; my->i < 3; my->i++) {
			my->shared = value_task_as_task(bide_async_join(child_fork, my->slots[my->i]));
			await(my->x, task_await(my->shared));
			task_unref(my->shared);
			my->sum += my->x;
		}
	} else {
		for (int i = 0; i < 3; i++)
			my->items[i] = bide_async_join(child_fork, my->slots[i]);
		async_return(16); /* drops the join value tasks, so the end waits for them */
	}
	bide_async_fork(child_fork, my->slots[0], .value = 10);
	await(my->x, bide_async_join(child_fork, my->slots[0]));
	async_return(my->sum + my->x);
async_finally:
	async_end;
}

TEST(combinators_take_the_value_task_of_a_join)
{
	virtual_clock();
	assert_int_equal(wait_for(async_start(combined, .how = 0)), 16);
	assert_nothing_in_use();
}

TEST(the_value_task_of_a_join_can_become_a_task)
{
	virtual_clock();
	assert_int_equal(wait_for(async_start(combined, .how = 1)), 16);
	assert_nothing_in_use();
}

struct joined_by_return {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		bool suspend;
	} in;
	struct child_fork slot;
};

async(joined_by_return, slot)
{
	async_begin;
	bide_async_fork(child_fork, my->slot, .value = 7, .delay_ns = 10);
	if (my->in.suspend)
		await(delay(1)); /* nothing is runnable, so the loop takes forks */
	async_return(bide_async_join(child_fork, my->slot));
async_finally:
	async_end;
}

TEST(a_join_can_be_returned)
{
	virtual_clock();
	assert_int_equal(wait_for(async_start(joined_by_return)), 7);
	assert_int_equal(wait_for(async_start(joined_by_return, .suspend = true)), 7);
	assert_nothing_in_use();
}

/* --- the end of a function --- */

struct leaver {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		int error, child_error;
		int64_t delay_ns;
		bool suspend, in_cleanup;
		int *outcome; /* the error that the cleanup sees */
	} in;
	int64_t x;
	struct child_fork first, second;
};

async(leaver, first)
{
	async_begin;
	if (!my->in.in_cleanup) {
		bide_async_fork(child_fork, my->first, .value = 1, .delay_ns = my->in.delay_ns);
		bide_async_fork(child_fork, my->second, .value = 2, .delay_ns = my->in.delay_ns,
		                .error = my->in.child_error);
	}
	if (my->in.suspend)
		await(delay(1)); /* nothing is runnable, so the loop takes forks */
	if (my->in.error)
		async_fail(my->in.error);
	async_return(77);
async_finally:
	if (my->in.outcome)
		*my->in.outcome = async_error;
	if (my->in.in_cleanup) {
		bide_async_fork(child_fork, my->first, .value = 1, .delay_ns = my->in.delay_ns);
		bide_async_fork(child_fork, my->second, .value = 2, .delay_ns = my->in.delay_ns,
		                .error = my->in.child_error);
		await(my->x, bide_async_join(child_fork, my->first));
		assert_int_equal(my->x, 1);
	}
	async_end;
}

TEST(untaken_forks_run_at_the_end_of_a_function_that_succeeded)
{
	int outcome = -1;

	virtual_clock();
	for (int64_t delay = 0; delay <= 1000; delay += 1000) {
		ran = 0;
		assert_int_equal(wait_for(async_start(leaver, .delay_ns = delay, .outcome = &outcome)), 77);
		assert_int_equal(ran, 2);
		assert_int_equal(outcome, 0);
	}
	assert_nothing_in_use();
}

TEST(a_function_that_failed_drops_its_untaken_forks)
{
	one_worker();
	ran = 0;
	expect_failure(async_start(leaver, .error = EIO), EIO);
	assert_int_equal(ran, 0);
	assert_int_equal(bide_deque_size_(bide_thread_()), 0);
	assert_nothing_in_use();
}

TEST(the_failure_of_an_unjoined_fork_replaces_a_success_before_the_cleanup)
{
	int outcome = -1;

	virtual_clock();
	for (int suspend = 0; suspend <= 1; suspend++)
		for (int64_t delay = 0; delay <= 1000; delay += 1000) {
			expect_failure(async_start(leaver, .child_error = ENOENT, .delay_ns = delay,
			                           .suspend = suspend, .outcome = &outcome),
			               ENOENT);
			assert_int_equal(outcome, ENOENT);
			expect_failure(async_start(leaver, .error = EIO, .child_error = ENOENT,
			                           .delay_ns = delay, .suspend = suspend, .outcome = &outcome),
			               EIO);
			assert_int_equal(outcome, EIO);
		}
	assert_nothing_in_use();
}

TEST(a_function_that_failed_waits_for_forks_that_were_taken)
{
	virtual_clock();
	ran = 0;
	expect_failure(async_start(leaver, .error = EIO, .suspend = true, .delay_ns = 5000), EIO);
	assert_true(ran > 0);
	assert_true(bide_now_ns() >= 5000);
	assert_nothing_in_use();
}

TEST(forks_of_the_cleanup_run_at_its_end_however_the_function_ended)
{
	virtual_clock();
	for (int64_t delay = 0; delay <= 1000; delay += 1000) {
		ran = 0;
		expect_failure(async_start(leaver, .error = EIO, .in_cleanup = true, .delay_ns = delay),
		               EIO);
		assert_int_equal(ran, 2);
		expect_failure(async_start(leaver, .child_error = ENOENT, .in_cleanup = true,
		                           .delay_ns = delay),
		               ENOENT);
		assert_int_equal(wait_for(async_start(leaver, .in_cleanup = true, .delay_ns = delay)), 77);
		assert_int_equal(ran, 6);
	}
	assert_nothing_in_use();
}

TEST(the_end_waits_for_join_value_tasks_that_were_dropped)
{
	virtual_clock();
	assert_int_equal(wait_for(async_start(combined, .how = 2)), 16);
	assert_nothing_in_use();
}

TEST(the_first_failure_drops_the_untaken_forks)
{
	virtual_clock();
	for (int suspend = 0; suspend <= 1; suspend++) {
		ran = 0;
		expect_failure(async_start(leaver, .child_error = EPERM, .suspend = suspend), EPERM);
		assert_int_equal(ran, suspend ? 2 : 1); /* suspended: the loop took both */
	}
	assert_nothing_in_use();
}

struct handler {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		int64_t delay_ns;
		bool suspend;
	} in;
	int64_t x, error;
	struct child_fork slot;
};

async(handler, slot)
{
	async_begin;
	bide_async_fork(child_fork, my->slot, .error = ENODEV, .delay_ns = my->in.delay_ns);
	if (my->in.suspend)
		await(delay(1)); /* nothing is runnable, so the loop takes forks */
	await_or(my->x, bide_async_join(child_fork, my->slot), my->error = await_error);
	async_return(my->error);
async_finally:
	async_end;
}

TEST(a_failed_join_can_be_handled_on_the_spot)
{
	virtual_clock();
	for (int suspend = 0; suspend <= 1; suspend++)
		for (int64_t delay = 0; delay <= 1000; delay += 1000)
			assert_int_equal(wait_for(async_start(handler, .suspend = suspend, .delay_ns = delay)),
			                 ENODEV);
	assert_nothing_in_use();
}

/* --- contexts --- */

static const char key;

static value_task seen(void)
{
	return value_task_from((int64_t)(intptr_t)bide_context_get(&key));
}

struct seen_fork {
	BIDE_ASYNC_FORK;
};

bide_async_forked(seen_fork)
{
	return seen();
}

struct contexts {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		bool suspend;
	} in;
	bide_context *one, *two;
	int64_t a, b, c;
	struct seen_fork outside, in_one, in_two;
};

async(contexts, outside)
{
	async_begin;
	my->one = bide_context_create(&(bide_context_options){ .key = &key, .value = (void *)1 });
	my->two = bide_context_create(&(bide_context_options){ .key = &key, .value = (void *)2 });
	bide_async_fork(seen_fork, my->outside);
	async_enter(my->one);
	bide_async_fork(seen_fork, my->in_one);
	async_leave;
	async_enter(my->two);
	bide_async_fork(seen_fork, my->in_two);
	bide_context_unref(my->one); /* the fork has a reference of its own */
	my->one = NULL;
	if (my->in.suspend)
		await(delay(1)); /* nothing is runnable, so the loop takes forks */
	await(my->c, bide_async_join(seen_fork, my->in_two));
	await(my->b, bide_async_join(seen_fork, my->in_one));
	await(my->a, bide_async_join(seen_fork, my->outside));
	async_leave;
	async_return(my->a * 100 + my->b * 10 + my->c);
async_finally:
	bide_context_unref(my->two);
	async_end;
}

TEST(a_child_has_the_context_that_was_current_at_the_fork)
{
	assert_int_equal(wait_for(async_start(contexts)), 12);
	assert_int_equal(wait_for(async_start(contexts, .suspend = true)), 12);
	assert_nothing_in_use();
}

TEST(canceling_the_context_of_a_fork_cancels_the_child)
{
	virtual_clock();
	expect_failure(with_timeout_ms(5, async_start(leaver, .delay_ns = BIDE_MS(50))), ETIMEDOUT);
	assert_true(bide_now_ns() < BIDE_MS(50));
	expect_failure(with_timeout_ms(5,
	                               async_start(leaver, .delay_ns = BIDE_MS(50), .suspend = true)),
	               ETIMEDOUT);
	assert_true(bide_now_ns() < BIDE_MS(50));
	assert_nothing_in_use();
}

TEST(dropped_forks_release_their_context)
{
	bide_context *context;

	one_worker();
	ran = 0;
	context = bide_context_create(NULL);
	expect_failure(bide_in_context(context, async_start(leaver, .error = EIO)), EIO);
	assert_int_equal(ran, 0);
	bide_context_unref(context);
	assert_nothing_in_use();
}

/* --- bounds --- */

static value_task deep(int64_t depth);

struct deep_fork {
	BIDE_ASYNC_FORK;
	struct {
		int64_t depth;
	} in;
};

bide_async_forked(deep_fork)
{
	return deep(my->in.depth);
}

struct deep {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		int64_t depth;
	} in;
	int64_t a, b;
	struct deep_fork other, leaf;
};

async(deep, other)
{
	async_begin;
	bide_async_fork(deep_fork, my->leaf, .depth = 0);
	bide_async_fork(deep_fork, my->other, .depth = my->in.depth - 1);
	await(my->a, bide_async_join(deep_fork, my->other));
	await(my->b, bide_async_join(deep_fork, my->leaf));
	async_return(my->a + my->b);
async_finally:
	async_end;
}

static value_task deep(int64_t depth)
{
	if (depth == 0)
		return value_task_from(1);
	return async_start(deep, .depth = depth);
}

#if defined(__SANITIZE_THREAD__)
enum { DEEP = 10000 }; /* the sanitizer keeps a stack of 65536 calls */
#else
enum { DEEP = 100000 };
#endif

TEST_SLOW(forks_and_joins_nest_100000_deep, 60)
{
	int64_t depth = test_seeded() ? 1000 : DEEP;

	assert_int_equal(wait_for(deep(depth)), depth + 1);
	assert_nothing_in_use();
}

enum { MANY = 3000 };

struct full {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		struct child_fork *slots; /* array of MANY, more than the deque holds */
		bool suspend;
		int64_t delay_ns;
		int error;
	} in;
	int i;
	int64_t x, sum;
};

async(full)
{
	async_begin;
	for (my->i = 0; my->i < MANY; my->i++)
		bide_async_fork(child_fork, my->in.slots[my->i], .value = my->i,
		                .delay_ns = my->in.delay_ns);
	if (my->in.suspend)
		await(delay(1)); /* nothing is runnable, so the loop takes forks */
	if (my->in.error)
		async_fail(my->in.error);
	while (my->i-- > 0) {
		await(my->x, bide_async_join(child_fork, my->in.slots[my->i]));
		my->sum += my->x;
	}
	async_return(my->sum);
async_finally:
	async_end;
}

TEST(if_the_deque_is_full_the_child_runs_at_once)
{
	static struct child_fork slots[MANY];
	const int64_t want = (int64_t)MANY * (MANY - 1) / 2;

	virtual_clock();
	ran = 0;
	expect_failure(async_start(full, .slots = slots, .error = EIO), EIO);
	assert_int_equal(ran, MANY - (BIDE_DEQUE_ENTRIES_ - 1));
	for (int suspend = 0; suspend <= 1; suspend++)
		for (int64_t delay = 0; delay <= 1000; delay += 1000) {
			assert_int_equal(wait_for(async_start(full, .slots = slots, .suspend = suspend,
			                                      .delay_ns = delay)),
			                 want);
			expect_failure(async_start(full, .slots = slots, .suspend = suspend, .delay_ns = delay,
			                           .error = EIO),
			               EIO);
		}
	assert_nothing_in_use();
}

TEST(without_memory_children_fail_or_run_at_once_and_nothing_is_lost)
{
	int failures = 0;

	for (int limit = 0; limit < 12; limit++) {
		bide_payload p;
		int error;

		limit_memory();
		allowed_allocations = limit;
		error = bide_value_task_wait(fib(8), &p);
		failures += error != 0;
		assert_true(error == 0 ? p.i == 21 : error == BIDE_ENOFRAME || error == ENOMEM);
		allowed_allocations = -1;
		assert_nothing_in_use();
	}
	assert_true(failures > 0);
}

/* --- misuse --- */

struct wrong {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		int how;
	} in;
	int64_t x;
	struct child_fork a, b;
};

async(wrong)
{
	async_begin;
	switch (my->in.how) {
	case 0: /* join without a fork */
		(void)bide_async_join(child_fork, my->a).state;
		break;
	case 1: /* join twice */
		bide_async_fork(child_fork, my->a, .value = 1);
		(void)bide_async_join(child_fork, my->a).state;
		(void)bide_async_join(child_fork, my->a).state;
		break;
	case 2: /* fork a live slot */
		bide_async_fork(child_fork, my->a, .value = 1);
		bide_async_fork(child_fork, my->a, .value = 2);
		break;
	case 3: /* fork a live slot that is not the newest */
		bide_async_fork(child_fork, my->a, .value = 1);
		bide_async_fork(child_fork, my->b, .value = 1);
		if (bide_debug_)
			bide_async_fork(child_fork, my->a, .value = 2);
		break;
	default:
		break;
	}
	if (my->in.how == 4) { /* join again while the join is pending */
		bide_async_fork(child_fork, my->a, .value = 1, .delay_ns = 1000);
		await(delay(1));
		(void)bide_async_join(child_fork, my->a).state;
		(void)bide_async_join(child_fork, my->a).state;
	}
async_finally:
	if (my->in.how == 5) {
		bide_async_fork(child_fork, my->a, .value = 1, .delay_ns = 1000);
		async_return(5); /* bide-check: ignore */
	}
	async_end;
}

static void expect_one_misuse(int how, const char *text)
{
	bide_payload p;

	expect_misuse();
	ran = 0;
	assert_int_equal(bide_value_task_wait(async_start(wrong, .how = how), &p), 0);
	assert_int_equal(misuse_count, 1);
	if (!strstr(misuse_text, text))
		fprintf(stderr, "\"%s\" expected: %s\n", text, misuse_text);
	assert_non_null(strstr(misuse_text, text));
	assert_nothing_in_use();
}

TEST(joining_a_slot_that_was_never_forked_is_misuse)
{
	expect_one_misuse(0, "bide_async_join: ");
}

TEST(joining_twice_is_misuse)
{
	/* Another worker may have taken the fork and may still be running it. */
	expect_one_misuse(1, many_workers() ? "bide_async_join: "
	                                    : "nothing was forked into the slot since");
	assert_int_equal(ran, 1);
}

TEST(joining_again_while_the_first_is_pending_is_misuse)
{
	virtual_clock();
	expect_one_misuse(4, "joined already");
}

TEST(forking_a_live_slot_is_misuse)
{
	one_worker(); /* a thief might be reading its parameters */
	expect_one_misuse(2, "the slot is live");
	assert_int_equal(ran, 1);
}

TEST(debug_mode_finds_every_live_slot_that_is_forked)
{
	assert_int_equal(bide_configure(&(bide_config){ .workers = 1, .debug = true }), 0);
	expect_one_misuse(3, "the slot is live");
}

TEST(a_return_in_the_cleanup_still_waits_for_forks)
{
	virtual_clock();
	expect_one_misuse(5, "a return belongs before");
	assert_int_equal(ran, 1);
}

/* --- modes --- */

TEST(debug_mode_gives_the_same_results)
{
	assert_int_equal(bide_configure(&(bide_config){ .debug = true, .virtual_clock = true }), 0);
	assert_int_equal(wait_for(fib(15)), 610);
	assert_int_equal(wait_for(async_start(contexts, .suspend = true)), 12);
	join_in_all_orders(true, 1000);
}

static uint64_t simulate(uint64_t seed)
{
	uint64_t hash;

	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true, .seed = seed }), 0);
	assert_int_equal(wait_for(
						 async_start(many, .joins = orders[2], .suspend = true, .delay_ns = 1000)),
	                 305142);
	assert_int_equal(wait_for(fib(10)), 55);
	hash = bide_simulation_hash();
	assert_nothing_in_use();
	return hash;
}

TEST(a_seed_repeats_the_order_of_forks)
{
	unsigned different = 0;

	for (uint64_t seed = 1; seed <= 10; seed++) {
		uint64_t hash = simulate(seed);

		assert_int_equal(simulate(seed), hash);
		different += hash != simulate(seed + 100);
	}
	assert_true(different > 0);
}

static atomic_bool stop_ticking;

struct ticker {
	ASYNC_FRAME;
	struct {
		int unused;
	} in;
};

async(ticker)
{
	async_begin;
	while (!stop_ticking)
		await(bide_async_yield());
async_finally:
	async_end;
}

struct patient {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		int unused;
	} in;
	value_task ticking;
	task *never;
	int i;
	struct child_fork slot;
};

async(patient, slot)
{
	async_begin;
	stop_ticking = false;
	my->ticking = async_start(ticker);
	bide_async_fork(child_fork, my->slot, .value = 1);
	for (my->i = 0; my->i < 1000 && ran == 0; my->i++)
		await(bide_async_yield());
	stop_ticking = true;
	await(my->ticking);
	async_return(my->i);
async_finally:
	async_end;
}

TEST(forks_are_taken_although_a_function_is_always_runnable)
{
	ran = 0;
	assert_true(wait_for(async_start(patient)) < 1000);
	assert_int_equal(ran, 1);
	assert_nothing_in_use();
}
