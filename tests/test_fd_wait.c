/*
 * bide_fd_wait: events of descriptors that another library owns.
 */
/* threads */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "support/io_support.h"
#include "support/limits_of_tools.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

TEST(a_ready_descriptor_is_ready_at_once_and_allocates_nothing)
{
	int fd[2];
	uint64_t before;

	make_pair(fd);
	assert_int_equal(result_of(bide_fd_wait(fd[0], BIDE_FD_OUT)), BIDE_FD_OUT);
	before = stats().allocation_count;
	for (int i = 0; i < 10; i++)
		assert_int_equal(result_of(bide_fd_wait(fd[0], BIDE_FD_OUT | BIDE_FD_IN)), BIDE_FD_OUT);
	assert_int_equal(stats().allocation_count, before);
	close_pair(fd);
}

TEST(it_waits_until_data_comes)
{
	int fd[2];
	bide_value_task v;

	NEEDS_IO();
	make_pair(fd);
	v = bide_fd_wait(fd[0], BIDE_FD_IN);
	assert_pending(v);
	put_byte(fd[1], 'x');
	assert_int_equal(result_of(v), BIDE_FD_IN);
	assert_int_equal(result_of(bide_fd_wait(fd[0], BIDE_FD_IN)), BIDE_FD_IN);
	close_pair(fd);
}

TEST(it_tells_that_the_peer_has_ended_its_side)
{
	int fd[2];
	bide_value_task v;

	NEEDS_IO();
	make_pair(fd);
	v = bide_fd_wait(fd[0], BIDE_FD_RDHUP);
	put_byte(fd[1], 'x'); /* not asked for */
	settle(0);
	assert_pending(v);
	assert_int_equal(shutdown(fd[1], SHUT_WR), 0);
	assert_int_equal(result_of(v), BIDE_FD_RDHUP);
	assert_int_equal(result_of(bide_fd_wait(fd[0], BIDE_FD_RDHUP | BIDE_FD_IN)),
	                 BIDE_FD_RDHUP | BIDE_FD_IN);
	close_pair(fd);
}

TEST(error_and_hup_come_without_being_asked_for)
{
	int fd[2];
	bide_value_task v;

	NEEDS_IO();
	assert_int_equal(pipe(fd), 0);
	v = bide_fd_wait(fd[0], 0);
	assert_pending(v);
	close(fd[1]);
	assert_int_equal(result_of(v), BIDE_FD_HUP);
	close(fd[0]);
	assert_int_equal(pipe(fd), 0);
	v = bide_fd_wait(fd[1], 0);
	assert_pending(v);
	close(fd[0]);
	assert_int_equal(result_of(v), BIDE_FD_ERROR);
	close(fd[1]);
}

TEST(it_waits_for_urgent_data)
{
	int fd[2];
	bide_value_task v;

	NEEDS_IO();
	make_tcp_pair(fd);
	v = bide_fd_wait(fd[0], BIDE_FD_PRI);
	assert_pending(v);
	assert_int_equal(send(fd[1], "u", 1, MSG_OOB), 1);
	assert_int_equal(result_of(v), BIDE_FD_PRI);
	close_pair(fd);
}

TEST(it_waits_for_timers_and_counters_of_the_kernel)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1000000 };
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	int counter = eventfd(0, EFD_CLOEXEC);
	bide_value_task v;

	NEEDS_IO();
	assert_int_equal(timerfd_settime(timer, 0, &soon, NULL), 0);
	assert_int_equal(result_of(bide_fd_wait(timer, BIDE_FD_IN)), BIDE_FD_IN);
	v = bide_fd_wait(counter, BIDE_FD_IN);
	assert_pending(v);
	assert_int_equal(eventfd_write(counter, 1), 0);
	assert_int_equal(result_of(v), BIDE_FD_IN);
	close(timer);
	close(counter);
}

TEST(a_file_is_always_ready)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(result_of(bide_fd_wait(fd, BIDE_FD_IN | BIDE_FD_OUT)),
	                 BIDE_FD_IN | BIDE_FD_OUT);
	if (!test_seeded())
		assert_int_equal(error_of(bide_fd_wait(fd, BIDE_FD_PRI)), EPERM);
	close(fd);
}

struct often {
	BIDE_ASYNC_FRAME;
	struct {
		int fd;
	} in;
	int i;
	int64_t seen;
};

bide_async(often)
{
	bide_async_in(fd);
	bide_await(bide_async_yield()); /* a worker runs it from here on */
	for (my->i = 0; my->i < 1000; my->i++)
		bide_await(my->seen, bide_fd_wait(fd, BIDE_FD_IN));
	bide_async_return(my->seen);
bide_async_finally:
	bide_async_end;
}

TEST(a_file_is_ready_however_often_it_is_asked)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	NEEDS_IO();
	assert_true(fd >= 0);
	assert_int_equal(result_of(bide_async_start(often, .fd = fd)), BIDE_FD_IN);
	close(fd);
}

TEST(a_descriptor_that_is_closed_is_EBADF)
{
	int fd[2];

	make_pair(fd);
	close_pair(fd);
	assert_int_equal(error_of(bide_fd_wait(fd[0], BIDE_FD_IN)), EBADF);
}

TEST(wrong_arguments_are_misuse)
{
	bide_value_task v;

	expect_misuse();
	MISUSE(v = bide_fd_wait(-1, BIDE_FD_IN), "bide_fd_wait", "negative");
	assert_int_equal(error_of(v), EINVAL);
	MISUSE(v = bide_fd_wait(0, 0x400), "bide_fd_wait", "bits");
	assert_int_equal(error_of(v), EINVAL);
}

/* epoll allows one registration of a descriptor. */
TEST(several_waits_for_one_descriptor_are_independent)
{
	int fd[2];
	bide_value_task in[3], out;
	size_t count;
	bide_context *scope;

	NEEDS_IO();
	make_pair(fd);
	assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	while (write(fd[0], "0123456789abcdef", 16) > 0)
		;
	in[0] = bide_fd_wait(fd[0], BIDE_FD_IN);
	count = descriptor_count();
	in[1] = IN_SCOPE(scope, bide_fd_wait(fd[0], BIDE_FD_IN));
	in[2] = bide_fd_wait(fd[0], BIDE_FD_IN);
	out = bide_fd_wait(fd[0], BIDE_FD_OUT);
	for (int i = 0; i < 3; i++)
		assert_pending(in[i]);
	assert_pending(out);
	assert_int_equal(cancel_and_wait(scope, in[1]), ECANCELED);
	put_byte(fd[1], 'x');
	assert_int_equal(result_of(in[0]), BIDE_FD_IN);
	assert_int_equal(result_of(in[2]), BIDE_FD_IN);
	assert_pending(out);
	assert_int_equal(fcntl(fd[1], F_SETFL, O_NONBLOCK), 0);
	for (char room[4096]; read(fd[1], room, sizeof room) > 0;)
		;
	assert_int_equal(result_of(out), BIDE_FD_OUT);
	settle_workers();
	/* Each further worker may have opened its reactor since. */
	assert_in_range(descriptor_count(), count, count + 2 * bide_worker_count());
	close_pair(fd);
}

TEST(the_number_may_mean_another_file_at_the_next_wait)
{
	int fd[2], other[2];
	bide_value_task v;

	NEEDS_IO();
	for (int round = 0; round < 20; round++) {
		make_pair(fd);
		v = bide_fd_wait(fd[0], BIDE_FD_IN);
		assert_pending(v);
		put_byte(fd[1], 'x');
		assert_int_equal(result_of(v), BIDE_FD_IN);
		make_pair(other);
		assert_int_equal(dup2(other[0], fd[0]), fd[0]); /* closes it, and opens the number anew */
		close(other[0]);
		v = bide_fd_wait(fd[0], BIDE_FD_IN);
		assert_pending(v);
		put_byte(other[1], 'x');
		assert_int_equal(result_of(v), BIDE_FD_IN);
		close_pair(fd);
		close(other[1]);
	}
}

TEST(it_can_be_canceled_and_has_a_deadline)
{
	int fd[2];
	bide_value_task v;
	bide_context *scope;

	NEEDS_IO();
	make_pair(fd);
	v = IN_SCOPE(scope, bide_fd_wait(fd[0], BIDE_FD_IN));
	assert_pending(v);
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	v = bide_with_timeout_ms(2, bide_fd_wait(fd[0], BIDE_FD_IN));
	assert_int_equal(error_of(v), ETIMEDOUT);
	scope = bide_context_create(NULL);
	(void)bide_context_cancel(scope, ECANCELED);
	v = bide_in_context(scope, bide_fd_wait(fd[0], BIDE_FD_OUT));
	assert_int_equal(error_of(v), ECANCELED);
	bide_context_unref(scope);
	put_byte(fd[1], 'x');
	assert_int_equal(result_of(bide_fd_wait(fd[0], BIDE_FD_IN)), BIDE_FD_IN);
	close_pair(fd);
}

TEST(a_wait_that_is_forgotten_is_over)
{
	int fd[2];

	NEEDS_IO();
	make_pair(fd);
	for (int i = 0; i < 10; i++)
		bide_value_task_forget(bide_fd_wait(fd[0], BIDE_FD_IN));
	settle_workers();
	assert_none(operation_count);
	close_pair(fd);
}

TEST(it_is_an_item_of_combinators_and_a_task)
{
	int fd[2];
	bide_value_task items[2];
	bide_task *task;
	bide_payload got;
	bide_context *scope;

	NEEDS_IO();
	make_pair(fd);
	items[0] = bide_fd_wait(fd[0], BIDE_FD_IN);
	items[1] = bide_fd_wait(fd[1], BIDE_FD_IN);
	put_byte(fd[0], 'x');
	assert_int_equal(result_of(bide_when_any(items, 2)), 1);
	assert_pending(items[0]);
	task = bide_value_task_as_task(items[0]);
	put_byte(fd[1], 'x');
	assert_int_equal(bide_task_wait(task, &got), 0);
	assert_int_equal(got.i, BIDE_FD_IN);
	bide_task_unref(task);
	assert_int_equal(result_of(items[1]), BIDE_FD_IN);
	take_bytes(fd[0], 1);
	scope = bide_context_create(NULL);
	items[0] = bide_in_context(scope, bide_fd_wait(fd[0], BIDE_FD_IN));
	items[1] = bide_in_context(scope, bide_fd_wait(fd[1], BIDE_FD_IN)); /* ready */
	assert_int_equal(result_of(bide_race(scope, items, 2)), 1);
	assert_int_equal(error_of(items[0]), ECANCELED);
	bide_context_unref(scope);
	close_pair(fd);
}

static size_t dump_lines;

static void note_line(const char *line, void *argument)
{
	dump_lines += strstr(line, argument) != NULL;
}

struct waiter {
	BIDE_ASYNC_FRAME;
	struct {
		int fd;
	} in;
	int64_t seen;
};

bide_async(waiter)
{
	bide_async_begin;
	bide_await(my->seen, bide_fd_wait(my->in.fd, BIDE_FD_IN));
	bide_async_return(my->seen);
bide_async_finally:
	bide_async_end;
}

TEST(a_dump_names_the_function_and_the_descriptor)
{
	int fd[2];
	char expected[64];
	bide_value_task v;

	NEEDS_IO();
	make_pair(fd);
	v = bide_async_start(waiter, .fd = fd[0]);
	settle(0);
	snprintf(expected, sizeof expected, "bide_fd_wait of descriptor %d", fd[0]);
	bide_dump(note_line, expected);
	assert_int_equal(dump_lines, 1);
	put_byte(fd[1], 'x');
	assert_int_equal(result_of(v), BIDE_FD_IN);
	close_pair(fd);
}

/* --- threads --- */

static void *wait_elsewhere(void *argument)
{
	const int *fd = argument;

	assert_int_equal(result_of(bide_fd_wait(*fd, BIDE_FD_IN)), BIDE_FD_IN);
	return NULL;
}

struct sleeper {
	BIDE_ASYNC_FRAME;
	struct {
		int fd;
	} in;
};

/* Lets another thread wait for data, which it sends after a while. */
bide_async(sleeper)
{
	bide_async_begin;
	bide_await(bide_delay_ms(5));
	put_byte(my->in.fd, 'x');
	bide_await(bide_delay_ms(5));
bide_async_finally:
	bide_async_end;
}

TEST(any_thread_may_wait)
{
	pthread_t thread;
	int fd[2];

	NEEDS_IO();
	make_pair(fd);
	(void)bide_worker_count(); /* with one worker, this thread is it */
	pthread_create(&thread, NULL, wait_elsewhere, &fd[0]);
	for (int i = 0; i < 4; i++)
		assert_int_equal(error_of(bide_async_start(sleeper, .fd = fd[1])), 0);
	pthread_join(thread, NULL);
	close_pair(fd);
}

static void *cancel_elsewhere(void *scope)
{
	(void)bide_context_cancel(scope, ECANCELED);
	return NULL;
}

/* The event and the cancellation come at the same time: each outcome is right, none is lost. */
TEST(a_race_of_event_and_cancellation_has_one_outcome)
{
	pthread_t thread;
	bide_context *scope;
	bide_value_task v;
	bide_payload got;
	int fd[2], error;

	NEEDS_IO();
	make_pair(fd);
	for (int round = 0; test_round(round, 300); round++) {
		v = IN_SCOPE(scope, bide_fd_wait(fd[0], BIDE_FD_IN));
		pthread_create(&thread, NULL, cancel_elsewhere, scope);
		put_byte(fd[1], 'x');
		error = bide_value_task_wait(v, &got);
		assert_true(error == ECANCELED || (error == 0 && got.i == BIDE_FD_IN));
		pthread_join(thread, NULL);
		bide_context_unref(scope);
		take_bytes(fd[0], 1);
	}
	settle(0); /* with one worker, a cancellation of another thread may be on its way */
	close_pair(fd);
}

TEST(the_child_of_a_fork_has_waits_of_its_own)
{
	int fd[2], status;
	bide_value_task v;
	pid_t child;

	NEEDS_IO();
	FORKS_WITH_THREADS();
	CHILD_STARTS_THREADS();
	if (UNDER_TSAN && many_workers())
		SKIP("ThreadSanitizer lets no child of a fork start threads");
	make_pair(fd);
	v = bide_fd_wait(fd[0], BIDE_FD_IN);
	assert_pending(v);
	child = fork();
	if (child == 0) {
		bide_value_task mine = bide_fd_wait(fd[1], BIDE_FD_IN);
		bide_payload got;

		if (write(fd[0], "y", 1) != 1 || bide_value_task_wait(mine, &got) || got.i != BIDE_FD_IN)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_pending(v);
	put_byte(fd[1], 'x');
	assert_int_equal(result_of(v), BIDE_FD_IN);
	close_pair(fd);
}

TEST(without_memory_it_fails_and_leaves_nothing)
{
	int fd[2], error = ENOMEM;
	bide_value_task v;

	NEEDS_IO();
	limit_objects();
	make_pair(fd);
	assert_int_equal(result_of(bide_fd_wait(fd[0], BIDE_FD_OUT)), BIDE_FD_OUT);
	settle_workers();
	for (long allowed = 0; error; allowed++) {
		allowed_allocations = allowed;
		v = bide_fd_wait(fd[0], BIDE_FD_IN);
		allowed_allocations = -1;
		if (bide_value_task_is_ready(v)) {
			error = error_of(v);
			assert_int_equal(error, ENOMEM);
		} else {
			error = 0;
			put_byte(fd[1], 'x');
			assert_int_equal(result_of(v), BIDE_FD_IN);
			assert_true(allowed > 0);
		}
	}
	close_pair(fd);
}
