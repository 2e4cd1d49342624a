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

#include "library.h"
#include "limited_memory.h"

/* The engine does not work in a simulation. */
#define NEEDS_IO() NOT_SEEDED("input and output are not simulated")

#define assert_pending(value_task) assert_false(bide_value_task_is_ready(value_task))

/* --- descriptors --- */

BIDE_UNUSED static void make_pair(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
}

/* A connection over the loopback interface. */
BIDE_UNUSED static void make_tcp_pair(int fd[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(listening >= 0);
	assert_int_equal(bind(listening, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd[0], (struct sockaddr *)&address, size), 0);
	fd[1] = accept(listening, NULL, NULL);
	assert_true(fd[1] >= 0);
	close(listening);
}

BIDE_UNUSED static void close_pair(const int fd[2])
{
	close(fd[0]);
	close(fd[1]);
}

BIDE_UNUSED static void put_bytes(int fd, const void *from, size_t size_bytes)
{
	assert_int_equal(write(fd, from, size_bytes), (ssize_t)size_bytes);
}

BIDE_UNUSED static void put_byte(int fd, char byte)
{
	put_bytes(fd, &byte, 1);
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

BIDE_UNUSED static bide_stream *take(int fd)
{
	bide_stream *stream = NULL;

	assert_int_equal(bide_stream_take_fd(&stream, fd), 0);
	assert_non_null(stream);
	return stream;
}

/* A stream, and the descriptor of the other end, which is blocking. */
BIDE_UNUSED static bide_stream *make_stream(int *peer)
{
	int fd[2];

	make_pair(fd);
	*peer = fd[1];
	return take(fd[0]);
}

BIDE_UNUSED static bide_stream *make_tcp_stream(int *peer)
{
	int fd[2];

	make_tcp_pair(fd);
	*peer = fd[1];
	return take(fd[0]);
}

/* Fills the socket's buffers, so that a write has to wait. Returns how many bytes went. */
BIDE_UNUSED static size_t fill(bide_stream *stream)
{
	static char zeroes[65536];
	size_t count = 0;
	ssize_t now;
	int fd;

	assert_int_equal(bide_stream_fd(stream, &fd), 0);
	while ((now = write(fd, zeroes, sizeof zeroes)) > 0)
		count += (size_t)now;
	while ((now = write(fd, zeroes, 1)) > 0)
		count++;
	assert_int_equal(errno, EAGAIN);
	return count;
}

/* Reads this number of bytes from a blocking descriptor. */
BIDE_UNUSED static void take_bytes(int fd, size_t count)
{
	static char room[65536];

	while (count > 0) {
		ssize_t now = read(fd, room, count < sizeof room ? count : sizeof room);

		assert_true(now > 0);
		count -= (size_t)now;
	}
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
