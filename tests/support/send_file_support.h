/*
 * send_file_support.h - shared by the tests of copies from a file to a socket: files, and sockets
 * that take little at a time.
 */
#ifndef SEND_FILE_SUPPORT_H
#define SEND_FILE_SUPPORT_H

#include "file_support.h"

enum { SIZE = 700001 };

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

static char content[SIZE + 1000], got[SIZE + 1000];

/* Makes the file "a" of `size` bytes of the content. */
BIDE_UNUSED static const char *make_content(size_t size)
{
	int fd = open(path_of("a"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (char)(i * 7 + i / 251);
	assert_int_equal(write(fd, content, size), (ssize_t)size);
	close(fd);
	return path_of("a");
}

BIDE_UNUSED static bide_stream *file_stream(const char *path, int flags, int64_t offset)
{
	bide_stream *s = NULL;

	assert_int_equal(bide_stream_take_file(&s, open_it(path, flags), offset), 0);
	return s;
}

/* A socket that takes little at a time. */
BIDE_UNUSED static bide_stream *small_socket(bool is_tcp, int *peer)
{
	bide_stream *s = NULL;
	int fd[2], size = 32768;

	if (is_tcp)
		make_tcp_pair(fd);
	else
		make_pair(fd);
	assert_int_equal(setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
	assert_int_equal(setsockopt(fd[1], SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
	assert_int_equal(bide_stream_take_fd(&s, fd[0]), 0);
	*peer = fd[1];
	return s;
}

BIDE_UNUSED static void receive(int fd, char *to, size_t size_bytes)
{
	for (size_t done = 0; done < size_bytes;) {
		ssize_t now = recv(fd, to + done, size_bytes - done, MSG_DONTWAIT);

		assert_true(now > 0 || (now < 0 && errno == EAGAIN));
		if (now > 0)
			done += (size_t)now;
		else
			settle(0);
	}
}

BIDE_UNUSED static void drop(int fd, size_t size_bytes)
{
	for (size_t now; size_bytes > 0; size_bytes -= now) {
		now = size_bytes < sizeof got ? size_bytes : sizeof got;
		receive(fd, got, now);
	}
}

BIDE_UNUSED static void expect_content(int fd, size_t from, size_t size_bytes)
{
	receive(fd, got, size_bytes);
	assert_memory_equal(got, content + from, size_bytes);
}

BIDE_UNUSED static void close_stream_and_peer(bide_stream *stream, int peer)
{
	bide_stream_close(stream);
	close(peer);
}

BIDE_UNUSED static void expect_nothing(int fd)
{
	char byte;

	settle(0);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

/* Skips the test if this system cannot tell what of the file is in memory. */
BIDE_UNUSED static void needs_sendfile(const char *path)
{
	struct {
		uint64_t from, size_bytes;
	} range = { 0, SIZE };
	uint64_t status[5];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	long error = syscall(SYS_cachestat, fd, &range, status, 0U);

	close(fd);
	NEEDS_IO();
	if (error || !reads_without_wait(path))
		SKIP("the system does not tell what of a file is in memory");
}

#endif
