/*
 * reactor_support.h - shared by the tests of reactors: counters (eventfd) and a function that waits
 * for one of them.
 */
#ifndef REACTOR_SUPPORT_H
#define REACTOR_SUPPORT_H

#include <poll.h>
#include <sys/eventfd.h>

#include "io_support.h"

enum { MANY = 16 };

BIDE_UNUSED static bide_io_stats io_stats_now(void)
{
	bide_io_stats s;

	bide_io_stats_get(&s);
	return s;
}

/* How many descriptors a reactor has. */
BIDE_UNUSED static size_t reactor_descriptors(void)
{
	return bide_io_engine_used() == BIDE_IO_URING ? 3 : 2;
}

BIDE_UNUSED static int counter_open(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

BIDE_UNUSED static void counter_add(int fd)
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

BIDE_UNUSED static bide_value_task takes(int fd, int times)
{
	return bide_async_start(take, .fd = fd, .times = times);
}

/* Whether a poll finds something to read within the time; -1 waits without a limit. */
BIDE_UNUSED static bool is_readable(int fd, int timeout_ms)
{
	return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, timeout_ms) > 0;
}

#endif
