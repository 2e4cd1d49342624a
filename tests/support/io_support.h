/*
 * io_support.h - shared by the tests of input and output: pairs of descriptors and streams, and
 * checks that nothing is left: no descriptor (the runner counts them), no object, no memory.
 */
#ifndef IO_SUPPORT_H
#define IO_SUPPORT_H

#include <bide/bide.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/stream.h"
#include "library.h"
#include "limited_memory.h"
#include "peer.h"

#define NEEDS_IO() NEEDS_SYSTEM("descriptors, which are not simulated")

#define assert_pending(value_task) assert_false(bide_value_task_is_ready(value_task))

/* --- descriptors --- */

BIDE_UNUSED static void make_pair(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
}

BIDE_UNUSED static void close_pair(const int fd[2])
{
	close(fd[0]);
	close(fd[1]);
}

/* How many descriptors the process has. */
BIDE_UNUSED static size_t descriptor_count(void)
{
	size_t count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* --- streams --- */

/* A stream, and its peer; by a pair of UNIX sockets, where there is a system. */
BIDE_UNUSED static bide_stream *make_stream(int *peer)
{
	int fd[2];

	if (test_seeded())
		return make_simulated_stream(peer);
	make_pair(fd);
	*peer = fd[1];
	return take(fd[0]);
}

/* Two streams that are connected with each other, by UNIX sockets or by TCP. */
BIDE_UNUSED static void connect_streams(bide_stream *ends[2], bool tcp)
{
	bide_payload payload = { .p = NULL };
	bide_listener *listener;
	bide_address address;
	int fd[2];

	if (test_seeded()) {
		use_simulated_link();
		listener = listen_simulated(&address);
		assert_int_equal(bide_value_task_wait(bide_tcp_connect_address(&address, NULL), &payload),
		                 0);
		ends[0] = payload.p;
		ends[1] = accept_simulated(listener);
		return;
	}
	if (tcp)
		make_tcp_pair(fd);
	else
		make_pair(fd);
	ends[0] = take(fd[0]);
	ends[1] = take(fd[1]);
}

/* Puts as much as there is room for. */
static size_t fill_simulated(int number)
{
	static char zeroes[65536];
	struct iovec part = { zeroes, sizeof zeroes };
	size_t count = 0, before;
	ssize_t now;

	do { /* a short write lets no other follow at once */
		before = count;
		while ((now = bide_net_send_(number, &part, 1)) > 0)
			count += (size_t)now;
		assert_int_equal(errno, EAGAIN);
		wait_a_moment();
	} while (count > before);
	return count;
}

/* Fills the socket's buffers, so that a write has to wait. Returns how many bytes went. */
BIDE_UNUSED static size_t fill(bide_stream *stream)
{
	static char zeroes[65536];
	size_t count = 0;
	ssize_t now;
	int fd;

	if (test_seeded())
		return fill_simulated(bide_stream_bottom_(stream)->handle.fd);
	assert_int_equal(bide_stream_fd(stream, &fd), 0);
	while ((now = write(fd, zeroes, sizeof zeroes)) > 0)
		count += (size_t)now;
	while ((now = write(fd, zeroes, 1)) > 0)
		count++;
	assert_int_equal(errno, EAGAIN);
	return count;
}

/* --- contexts --- */

/* Starts the call in a context of its own, which `scope` is set to. */
#define IN_SCOPE(scope, call) ((scope) = bide_context_create(NULL), bide_in_context((scope), call))

BIDE_UNUSED static int cancel_and_wait(bide_context *scope, bide_value_task v)
{
	(void)bide_context_cancel(scope, ECANCELED);
	bide_context_unref(scope);
	return error_of(v);
}

#endif
