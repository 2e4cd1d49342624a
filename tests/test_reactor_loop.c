/*
 * When a worker looks at its reactor: functions that are always runnable, waits with a limit, and
 * loops of the program.
 */
/* threads */
#include "support/reactor_support.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

struct yields {
	BIDE_ASYNC_FRAME;
	struct {
		const int *left;
	} in;
};

bide_async(yields)
{
	bide_async_begin;
	while (__atomic_load_n(my->in.left, __ATOMIC_ACQUIRE) > 0)
		bide_await(bide_async_yield());
bide_async_finally:
	bide_async_end;
}

TEST(functions_that_are_always_runnable_do_not_keep_events_waiting)
{
	enum { BUSY = 10 };
	bide_value_task v[BUSY], waits;
	int fd = counter_open(), left = 1;

	NEEDS_IO();
	waits = bide_async_start(take, .fd = fd, .times = 5, .left = &left);
	for (int i = 0; i < BUSY; i++)
		v[i] = bide_async_start(yields, .left = &left);
	for (int i = 0; i < 5; i++) {
		counter_add(fd);
		while (is_readable(fd, 0))
			if (!many_workers())
				run_what_is_ready(100);
	}
	assert_int_equal(error_of(waits), 0);
	for (int i = 0; i < BUSY; i++)
		assert_int_equal(error_of(v[i]), 0);
	close(fd);
}

/* Two of them keep each other busy with events. */
struct player {
	BIDE_ASYNC_FRAME;
	struct {
		int mine, other;
		const int *left;
	} in;
	int64_t events;
};

bide_async(player)
{
	eventfd_t value;

	bide_async_begin;
	while (__atomic_load_n(my->in.left, __ATOMIC_ACQUIRE) > 0) {
		counter_add(my->in.other);
		bide_await(my->events, bide_fd_wait(my->in.mine, BIDE_FD_IN));
		(void)eventfd_read(my->in.mine, &value);
	}
	counter_add(my->in.other);
bide_async_finally:
	bide_async_end;
}

TEST(a_wait_with_a_limit_ends_although_events_come_without_end)
{
	int a = counter_open(), b = counter_open(), left = 1;
	bide_value_task first = bide_async_start(player, .mine = a, .other = b, .left = &left);
	bide_value_task second = bide_async_start(player, .mine = b, .other = a, .left = &left);
	bide_task *never = bide_task_create(NULL);

	NEEDS_IO();
	for (int i = 0; i < 20; i++)
		assert_int_equal(bide_task_wait_for(never, NULL, i * 100000), ETIMEDOUT);
	assert_int_equal(bide_drain(2000000), ETIMEDOUT);
	__atomic_store_n(&left, 0, __ATOMIC_RELEASE);
	assert_int_equal(error_of(first), 0);
	assert_int_equal(error_of(second), 0);
	bide_task_complete_int(never, 0);
	bide_task_unref(never);
	close(a);
	close(b);
}

TEST(a_wait_without_a_limit_of_time_takes_what_is_ready)
{
	int fd = counter_open();
	bide_value_task v;

	one_worker();
	v = takes(fd, 1);
	assert_int_equal(bide_value_task_wait_for(v, NULL, 0), ETIMEDOUT);
	counter_add(fd);
	assert_int_equal(bide_value_task_wait_for(v, NULL, 0), 0);
	close(fd);
}

/* --- a loop of the program --- */

static void poll_until_ready(bide_executor *loop, bide_value_task v)
{
	while (!bide_value_task_is_ready(v)) {
		assert_true(is_readable(fd_of_loop(loop), -1));
		run_loop_once(loop, 0);
	}
}

/* opened_first: the descriptor of the loop exists before the reactor does. */
static void poll_a_loop(bool opened_first)
{
	int fd = counter_open();
	bide_executor *loop = NULL;
	bide_value_task v;

	one_worker();
	if (opened_first)
		assert_non_null(loop = bide_loop_create());
	v = takes(fd, 3);
	if (!opened_first)
		assert_non_null(loop = bide_loop_create());
	while (is_readable(fd_of_loop(loop), 0))
		run_loop_once(loop, 0);
	for (int i = 0; i < 3; i++) {
		assert_false(is_readable(fd_of_loop(loop), 5));
		counter_add(fd);
		while (is_readable(fd, 0)) {
			assert_true(is_readable(fd_of_loop(loop), -1));
			run_loop_once(loop, 0);
		}
		while (is_readable(fd_of_loop(loop), 0))
			run_loop_once(loop, 0);
	}
	poll_until_ready(loop, v);
	assert_int_equal(error_of(v), 0);
	bide_executor_unref(loop);
	close(fd);
}

TEST(the_descriptor_of_a_loop_is_readable_when_an_event_comes)
{
	poll_a_loop(true);
}

TEST(the_descriptor_of_a_loop_tells_of_a_reactor_that_was_there_before)
{
	poll_a_loop(false);
}

/* The program's code starts an operation between two polls. */
TEST(what_the_code_of_a_loop_starts_between_polls_is_told_by_the_next)
{
	int fd = counter_open();
	bide_executor *loop;
	bide_value_task v;

	one_worker();
	loop = bide_loop_create();
	assert_non_null(loop);
	for (int i = 0; i < 5; i++) {
		v = takes(fd, 1);
		counter_add(fd);
		poll_until_ready(loop, v);
		assert_int_equal(error_of(v), 0);
	}
	v = takes(fd, 1);
	assert_int_equal(bide_value_task_wait_for(bide_delay(1000000), NULL, BIDE_FOREVER), 0);
	counter_add(fd);
	poll_until_ready(loop, v);
	assert_int_equal(error_of(v), 0);
	bide_executor_unref(loop);
	close(fd);
}
