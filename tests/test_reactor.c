/*
 * The reactors of workers: when they are opened, which worker looks at them and when, how a worker
 * that sleeps in one is woken, and what a loop of the program sees of them.
 */
/* threads */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "support/io_support.h"

enum { MANY = 16 };

/* The memory of a descriptor that a leaked operation waits for stays. */
static bool has_leaked;

void test_after_each(void)
{
	if (!has_leaked)
		assert_nothing_in_use();
}

static bide_io_stats io_stats_now(void)
{
	bide_io_stats s;

	bide_io_stats_get(&s);
	return s;
}

static int counter_open(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

static void counter_add(int fd)
{
	assert_int_equal(eventfd_write(fd, 1), 0);
}

/* Waits for the descriptor a number of times, and takes what came. */
struct take {
	BIDE_ASYNC_FRAME;
	struct {
		int fd;
		int times;
		int *left; /* counted down at the end; atomic */
	} in;
	int i;
	int64_t events;
};

bide_async(take)
{
	eventfd_t value;

	bide_async_begin;
	for (my->i = 0; my->i < my->in.times; my->i++) {
		bide_await(my->events, bide_fd_wait(my->in.fd, BIDE_FD_IN));
		assert_int_equal(eventfd_read(my->in.fd, &value), 0);
	}
	if (my->in.left)
		__atomic_sub_fetch(my->in.left, 1, __ATOMIC_RELEASE);
bide_async_finally:
	bide_async_end;
}

static bide_value_task takes(int fd, int times)
{
	return bide_async_start(take, .fd = fd, .times = times);
}

/* --- programs without it --- */

struct work {
	BIDE_ASYNC_FRAME;
	int i;
};

bide_async(work)
{
	bide_async_begin;
	for (my->i = 0; my->i < 20; my->i++) {
		bide_await(bide_async_yield());
		bide_await(bide_delay(100000));
	}
bide_async_finally:
	bide_async_end;
}

TEST(a_program_that_does_not_wait_for_descriptors_has_no_reactor)
{
	bide_value_task v[MANY];
	int fd[2];
	size_t before;

	(void)bide_worker_count();
	before = descriptor_count();
	for (int i = 0; i < MANY; i++)
		v[i] = bide_async_start(work);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(error_of(v[i]), 0);
	make_pair(fd);
	assert_int_equal(result_of(bide_fd_wait(fd[0], BIDE_FD_OUT)), BIDE_FD_OUT); /* at once */
	assert_int_equal(descriptor_count(), before + 2);
	close_pair(fd);
	assert_int_equal(io_stats_now().reactor_count, 0);
	assert_int_equal(io_stats_now().wait_count, 0);
}

TEST(the_first_wait_opens_two_descriptors_and_a_shutdown_closes_them)
{
	size_t before = descriptor_count();
	int fd = counter_open();

	NEEDS_IO();
	for (int life = 0; life < 3; life++) {
		bide_value_task v = takes(fd, 1);

		assert_pending(v);
		assert_int_equal(descriptor_count(), before + 1 + 2);
		assert_int_equal(io_stats_now().reactor_count, 1);
		counter_add(fd);
		assert_int_equal(error_of(v), 0);
		assert_int_equal(bide_shutdown(NULL), 0);
		assert_int_equal(descriptor_count(), before + 1);
	}
	close(fd);
}

TEST(homes_are_dealt_round_the_workers)
{
	bide_value_task v[MANY];
	int fd[MANY];
	unsigned workers = bide_worker_count();

	NEEDS_IO();
	for (int i = 0; i < MANY; i++)
		v[i] = takes(fd[i] = counter_open(), 1);
	assert_int_equal(io_stats_now().reactor_count, workers < MANY ? workers : MANY);
	for (int i = 0; i < MANY; i++)
		counter_add(fd[i]);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(error_of(v[i]), 0);
		close(fd[i]);
	}
	assert_true(io_stats_now().event_count >= MANY);
	assert_true(io_stats_now().wait_count > 0);
}

/* --- sleeping and waking --- */

TEST_SLOW(events_and_calls_of_other_threads_wake_a_worker_that_sleeps, 60)
{
	int fd = counter_open(), back = counter_open();
	bide_value_task v;

	NEEDS_IO();
	enum { TIMES = 2000 };
	v = takes(fd, TIMES);
	for (int i = 0; i < TIMES; i++) {
		bide_value_task other = i % 3 == 0 ? bide_async_start(work) : bide_value_task_from_int(0);

		if (i % 4 == 0)
			settle(0); /* with many workers all sleep now */
		counter_add(fd);
		if (i % 5 == 0 || i % 3 == 0)
			assert_int_equal(error_of(i % 3 ? takes(back, 0) : other), 0);
		if (i % 100 == 0) /* until it was taken */
			while (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) > 0)
				settle(0);
		else
			while (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) > 0)
				assert_int_equal(error_of(bide_delay(1000)), 0);
	}
	assert_int_equal(error_of(v), 0);
	close(fd);
	close(back);
}

TEST(timers_are_due_while_the_workers_sleep_in_their_reactors)
{
	bide_value_task v[MANY];
	int fd[MANY];

	NEEDS_IO();
	for (int i = 0; i < MANY; i++)
		v[i] = takes(fd[i] = counter_open(), 1);
	for (int i = 0; i < 20; i++) {
		int64_t before_ns = bide_now_ns();

		assert_int_equal(error_of(bide_delay(1500000)), 0);
		assert_true(bide_now_ns() - before_ns >= 1500000);
	}
	for (int i = 0; i < MANY; i++) {
		counter_add(fd[i]);
		assert_int_equal(error_of(v[i]), 0);
		close(fd[i]);
	}
}

static void *complete_soon(void *task)
{
	usleep(2000);
	bide_task_complete_int(task, 5);
	bide_task_unref(task);
	return NULL;
}

TEST(another_thread_wakes_a_worker_that_sleeps_in_its_reactor)
{
	int fd = counter_open();
	bide_value_task v = takes(fd, 1);

	NEEDS_IO();
	for (int i = 0; i < 20; i++) {
		bide_task *task = bide_task_create(NULL);
		bide_payload got;
		pthread_t thread;

		bide_task_ref(task);
		assert_int_equal(pthread_create(&thread, NULL, complete_soon, task), 0);
		assert_int_equal(bide_task_wait(task, &got), 0);
		assert_int_equal(got.i, 5);
		pthread_join(thread, NULL);
		bide_task_unref(task);
	}
	counter_add(fd);
	assert_int_equal(error_of(v), 0);
	close(fd);
}

/* --- which worker looks, and when --- */

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
		while (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) > 0)
			if (!many_workers())
				run_what_is_ready(100);
	}
	assert_int_equal(error_of(waits), 0);
	for (int i = 0; i < BUSY; i++)
		assert_int_equal(error_of(v[i]), 0);
	close(fd);
}

/* Runs on one worker until functions on the others have done their work. */
struct hog {
	BIDE_ASYNC_FRAME;
	struct {
		const int *fd;
		int count;
		int *left;
	} in;
};

bide_async(hog)
{
	bide_async_begin;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < my->in.count; i++)
			counter_add(my->in.fd[i]);
		for (int i = 0; i < my->in.count; i++)
			while (poll(&(struct pollfd){ .fd = my->in.fd[i], .events = POLLIN }, 1, 0) > 0)
				;
	}
	while (__atomic_load_n(my->in.left, __ATOMIC_ACQUIRE) > 0)
		;
bide_async_finally:
	bide_async_end;
}

static void run_with_a_hog(unsigned workers, int count)
{
	bide_value_task v[MANY];
	int fd[MANY], left = count;

	NEEDS_IO();
	needs_threads();
	assert_int_equal(bide_configure(&(bide_config){ .workers = workers }), 0);
	for (int i = 0; i < count; i++) {
		fd[i] = counter_open();
		v[i] = bide_async_start(take, .fd = fd[i], .times = 3, .left = &left);
	}
	settle(0);
	assert_int_equal(error_of(bide_async_start_cold(hog, .fd = fd, .count = count, .left = &left)),
	                 0);
	for (int i = 0; i < count; i++) {
		assert_int_equal(error_of(v[i]), 0);
		close(fd[i]);
	}
}

TEST_SLOW(a_function_that_runs_for_long_does_not_keep_the_events_of_its_worker, 60)
{
	run_with_a_hog(2, MANY);
	assert_true(io_stats_now().rescued_count > 0);
}

TEST_SLOW(the_same_if_only_one_worker_has_a_reactor, 60)
{
	run_with_a_hog(2, 1);
}

TEST_SLOW(the_same_with_three_workers, 60)
{
	run_with_a_hog(3, MANY);
}

TEST_SLOW(the_same_with_eight_workers, 60)
{
	run_with_a_hog(8, MANY);
}

/* A function of 1 ms that is always running goes from worker to worker. */
struct jumper {
	BIDE_ASYNC_FRAME;
	struct {
		const int *left;
	} in;
	int64_t until_ns;
};

bide_async(jumper)
{
	bide_async_begin;
	while (__atomic_load_n(my->in.left, __ATOMIC_ACQUIRE) > 0) {
		my->until_ns = bide_now_ns() + 1000000;
		while (bide_now_ns() < my->until_ns)
			;
		bide_await(bide_async_yield());
	}
bide_async_finally:
	bide_async_end;
}

TEST_SLOW(events_come_while_a_long_function_goes_from_worker_to_worker, 60)
{
	enum { TIMES = 200 };
	bide_value_task v[MANY], busy;
	int fd[MANY], left = MANY;

	NEEDS_IO();
	needs_threads();
	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	for (int i = 0; i < MANY; i++) {
		fd[i] = counter_open();
		v[i] = bide_async_start(take, .fd = fd[i], .times = TIMES / MANY, .left = &left);
	}
	busy = bide_async_start_cold(jumper, .left = &left);
	for (int i = 0; i < TIMES / MANY * MANY; i++) {
		counter_add(fd[i % MANY]);
		while (poll(&(struct pollfd){ .fd = fd[i % MANY], .events = POLLIN }, 1, 0) > 0)
			sched_yield();
	}
	assert_int_equal(error_of(busy), 0);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(error_of(v[i]), 0);
		close(fd[i]);
	}
}

/* The limits are those of a busy machine: without the monitors there would be a wake for each. */
TEST_SLOW(events_that_come_one_by_one_wake_no_other_worker, 60)
{
	enum { TIMES = 300 };
	bide_io_stats before;
	bide_value_task v;
	int fd = counter_open();

	NEEDS_IO();
	v = takes(fd, TIMES);
	settle(0);
	before = io_stats_now();
	for (int i = 0; i < TIMES; i++) {
		counter_add(fd);
		while (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) > 0)
			settle(0);
		usleep(300);
	}
	assert_int_equal(error_of(v), 0);
	assert_int_equal(io_stats_now().event_count - before.event_count, TIMES);
	assert_in_range(io_stats_now().wake_count - before.wake_count, 0, TIMES / 2);
	close(fd);
}

/* --- one worker --- */

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

static bool is_readable(int fd, int timeout_ms)
{
	return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, timeout_ms) > 0;
}

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

/* --- what is missing, and the end --- */

static void allow_descriptors(rlim_t count)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = count;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* Returns the lowest number that is free. */
static int next_descriptor(void)
{
	int fd = dup(0);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

TEST(without_descriptors_for_a_reactor_a_wait_fails_and_may_be_tried_again)
{
	int fd = counter_open();
	bide_value_task v;
	struct rlimit before;

	NEEDS_IO();
	(void)bide_worker_count();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (int spare = 0; spare < 2; spare++) {
		allow_descriptors((rlim_t)(next_descriptor() + spare));
		assert_int_equal(error_of(bide_fd_wait(fd, BIDE_FD_IN)), EMFILE);
		allow_descriptors(before.rlim_cur);
	}
	v = takes(fd, 1);
	counter_add(fd);
	assert_int_equal(error_of(v), 0);
	close(fd);
}

TEST(another_worker_s_reactor_takes_the_place_of_one_that_cannot_be_opened)
{
	bide_value_task v[MANY];
	int fd[MANY];
	struct rlimit before;

	NEEDS_IO();
	for (int i = 0; i < MANY; i++)
		fd[i] = counter_open();
	v[0] = takes(fd[0], 2);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	allow_descriptors((rlim_t)next_descriptor());
	for (int i = 1; i < MANY; i++)
		v[i] = takes(fd[i], 2);
	allow_descriptors(before.rlim_cur);
	for (int times = 0; times < 2; times++)
		for (int i = 0; i < MANY; i++) {
			counter_add(fd[i]);
			while (is_readable(fd[i], 0))
				settle(0);
		}
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(error_of(v[i]), 0);
		close(fd[i]);
	}
	assert_int_equal(io_stats_now().reactor_count, 1);
}

static void no_line(const char *line, void *argument)
{
	(void)line, (void)argument;
}

TEST(an_operation_that_is_pending_at_a_shutdown_is_a_leak_and_its_reactor_is_closed)
{
	size_t before = descriptor_count();
	int fd = counter_open();
	uint64_t leaks;

	NEEDS_IO();
	bide_report_hook_set(no_line, NULL);
	has_leaked = true;
	for (int life = 0; life < 3; life++) {
		bide_value_task v = takes(fd, 1);

		assert_pending(v);
		settle(0);
		assert_int_equal(bide_shutdown(&leaks), 0);
		assert_int_equal(leaks, 1);
		assert_int_equal(descriptor_count(), before + 1);
		counter_add(fd); /* nothing is there to be told */
		v = takes(fd, 1);
		assert_int_equal(error_of(v), 0);
		assert_int_equal(bide_shutdown(&leaks), 0);
		assert_int_equal(leaks, 0);
	}
	close(fd);
}

TEST(in_a_simulation_what_has_to_wait_is_refused)
{
	int fd = counter_open();

	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	assert_int_equal(bide_io_engine_used(), BIDE_IO_NONE);
	assert_non_null(strstr(bide_io_engine_reason(), "not simulated"));
	assert_int_equal(error_of(bide_fd_wait(fd, BIDE_FD_IN)), ENOTSUP);
	counter_add(fd);
	assert_int_equal(result_of(bide_fd_wait(fd, BIDE_FD_IN)), BIDE_FD_IN);
	close(fd);
}

TEST(the_engine_has_a_reason)
{
	NEEDS_IO();
	assert_int_equal(bide_io_engine_used(), BIDE_IO_EPOLL);
	assert_int_equal(unsetenv("BIDE_IO"), 0);
	assert_string_equal(bide_io_engine_reason(), "epoll: this version has no other engine");
	assert_int_equal(setenv("BIDE_IO", "epoll", 1), 0);
	assert_string_equal(bide_io_engine_reason(), "epoll: BIDE_IO asks for it");
	assert_int_equal(setenv("BIDE_IO", "uring", 1), 0);
	assert_non_null(strstr(bide_io_engine_reason(), "uring"));
	assert_int_equal(setenv("BIDE_IO", "fire", 1), 0);
	assert_non_null(strstr(bide_io_engine_reason(), "does not exist"));
	expect_misuse();
	MISUSE(bide_io_stats_get(NULL), "bide_io_stats_get", "NULL");
}
