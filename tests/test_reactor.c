/*
 * The reactors of workers: when they are opened, how a worker that sleeps in one is woken, what
 * happens without descriptors, and what a shutdown does.
 */
/* threads */
#define _GNU_SOURCE
#include <sys/resource.h>

#include "support/filter.h"
#include "support/reactor_support.h"

/* The memory of a descriptor that a leaked operation waits for stays. */
static bool has_leaked;

void test_after_each(void)
{
	if (!has_leaked)
		assert_nothing_in_use();
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

TEST(the_first_wait_opens_a_reactor_s_descriptors_and_a_shutdown_closes_them)
{
	size_t before = descriptor_count();
	int fd = counter_open();

	NEEDS_IO();
	for (int life = 0; life < 3; life++) {
		bide_value_task v = takes(fd, 1);

		assert_pending(v);
		assert_int_equal(descriptor_count(), before + 1 + reactor_descriptors());
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
			while (is_readable(fd, 0))
				settle(0);
		else
			while (is_readable(fd, 0))
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

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

/* From now on the kernel has no such call, or refuses it. */
static void wait_without_pwait2(int error)
{
	int fd = counter_open();
	bide_value_task v;

	NEEDS_IO();
	deny_call(SYS_epoll_pwait2, error);
	v = takes(fd, 2);
	for (int i = 0; i < 10; i++) {
		int64_t before_ns = bide_now_ns();

		assert_int_equal(error_of(bide_delay(1200000)), 0);
		assert_true(bide_now_ns() - before_ns >= 1200000);
	}
	counter_add(fd);
	while (is_readable(fd, 0))
		settle(0);
	counter_add(fd);
	assert_int_equal(error_of(v), 0);
	close(fd);
}

TEST(an_older_kernel_waits_in_milliseconds)
{
	wait_without_pwait2(ENOSYS);
}

TEST(a_filter_that_refuses_a_call_is_like_an_older_kernel)
{
	wait_without_pwait2(EPERM);
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
	for (unsigned spare = 0; spare < reactor_descriptors(); spare++) {
		allow_descriptors((rlim_t)next_descriptor() + spare);
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

static void close_what_is_not_mine(void)
{
	int fd = counter_open();
	bide_value_task v = takes(fd, 1);

	for (int other = 3; other < 1024; other++)
		if (other != fd)
			close(other);
	counter_add(fd);
	(void)bide_value_task_wait(v, NULL);
	(void)bide_value_task_wait(bide_delay(BIDE_SECONDS(1000)), NULL);
}

TEST(a_program_that_closes_a_reactor_is_told)
{
	NEEDS_IO();
	needs_threads();
	EXPECT_ABORT(close_what_is_not_mine(), "closed a descriptor of the library's");
}

TEST(in_a_simulation_what_has_to_wait_is_refused)
{
	int fd = counter_open();

	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	assert_int_equal(bide_io_engine_used(), BIDE_IO_SIMULATED);
	assert_non_null(strstr(bide_io_engine_reason(), "simulation"));
	assert_int_equal(error_of(bide_fd_wait(fd, BIDE_FD_IN)), ENOTSUP);
	counter_add(fd);
	assert_int_equal(result_of(bide_fd_wait(fd, BIDE_FD_IN)), BIDE_FD_IN);
	close(fd);
}

TEST(the_counters_need_a_place)
{
	expect_misuse();
	MISUSE(assert_int_equal(bide_io_stats_get(NULL), EINVAL), "bide_io_stats_get", "NULL");
}
