/*
 * net_support.h - shared by the tests of connections: listeners on this machine, and their peers.
 */
#ifndef NET_SUPPORT_H
#define NET_SUPPORT_H

#define _GNU_SOURCE
#include <bide/bide.h>

#include <bide/short.h>

#include "io_support.h"

BIDE_UNUSED static bide_listener *listen_here(const bide_tcp_options *options)
{
	bide_listener *listener;
	bide_address address;

	assert_int_equal(bide_address_parse(&address, "127.0.0.1:0", NULL), 0);
	assert_int_equal(bide_tcp_listen_address(&listener, &address, options), 0);
	return listener;
}

BIDE_UNUSED static bide_address address_of(const bide_listener *listener)
{
	bide_address address = { 0 };

	assert_int_equal(bide_listener_address(listener, &address), 0);
	return address;
}

BIDE_UNUSED static int connect_plain(const bide_address *address)
{
	return connect_peer(address, 0);
}

/*
 * Opens the reactors of all workers, so that descriptors can be counted. Homes are dealt round, and
 * each listener waits once.
 */
BIDE_UNUSED static void open_reactors(void)
{
	bide_listener *listener;

	for (unsigned i = 0; i < bide_worker_count(); i++) {
		listener = listen_here(NULL);
		bide_value_task_forget(bide_accept(listener).untyped);
		settle_workers();
		bide_listener_close(listener);
	}
	settle_workers();
}

/* Runs what is ready, where this thread has to. */
BIDE_UNUSED static void run_a_moment(void)
{
	if (test_seeded())
		wait_a_moment();
	else if (bide_worker_count() == 1)
		(void)bide_run_ready(0, NULL);
	sched_yield();
}

/* Waits until the peer has closed the connection, while the one worker runs. */
BIDE_UNUSED static void wait_for_end(int fd)
{
	ssize_t got;
	char byte;

	while ((got = try_read_peer(fd, &byte, 1)) < 0 && errno == EAGAIN)
		run_a_moment();
	assert_true(got == 0 || errno == ECONNRESET);
}

/* The peer has closed the connection, or is about to. */
BIDE_UNUSED static void expect_end(int fd)
{
	char byte;

	assert_true(read_peer(fd, &byte, 1) <= 0);
	close_peer(fd);
}

BIDE_UNUSED static bide_stream *wait_stream(bide_value_task task)
{
	bide_payload payload = { .p = NULL };
	int error = bide_value_task_wait(task, &payload);

	if (error)
		fail_msg("error %d: %s", error, bide_strerror(error));
	assert_non_null(payload.p);
	return payload.p;
}

BIDE_UNUSED static int option_of_fd(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof value;

	assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

BIDE_UNUSED static int option_of(const bide_stream *stream, int level, int name)
{
	int fd;

	assert_int_equal(bide_stream_fd(stream, &fd), 0);
	return option_of_fd(fd, level, name);
}

BIDE_UNUSED static int option_of_listener(const bide_listener *listener, int level, int name)
{
	int fd;

	assert_int_equal(bide_listener_fd(listener, &fd), 0);
	return option_of_fd(fd, level, name);
}

#endif
