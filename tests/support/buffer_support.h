/*
 * buffer_support.h - shared by the tests of buffers: texts that its peer sends and gets, and
 * the check that no chunk is left.
 */
#ifndef BUFFER_SUPPORT_H
#define BUFFER_SUPPORT_H

#include <poll.h>
#include <stdio.h>

#include "io/chunk.h"
#include "io/stream.h"
#include "io_support.h"

void test_after_each(void)
{
	settle_workers();
	assert_int_equal(bide_chunks_bytes_(), 0);
	assert_true(bide_chunks_are_valid_());
	assert_nothing_in_use();
}

BIDE_UNUSED static char *text_of(bide_text_task text)
{
	bide_payload got = { .p = NULL };

	assert_int_equal(bide_value_task_wait(text, &got), 0);
	return got.p;
}

BIDE_UNUSED static int error_of_text(bide_text_task text)
{
	return bide_value_task_wait(text, NULL);
}

BIDE_UNUSED static void send_text(int fd, const char *text)
{
	put_bytes(fd, text, strlen(text));
}

/* Receives size_bytes bytes, which the stream has to send. */
BIDE_UNUSED static void receive_all(int fd, char *to, size_t size_bytes)
{
	for (size_t done = 0; done < size_bytes;) {
		ssize_t now = try_read_peer(fd, to + done, size_bytes - done);

		assert_true(now > 0 || (now < 0 && errno == EAGAIN));
		if (now > 0)
			done += (size_t)now;
		else
			run_on();
	}
}

BIDE_UNUSED static void expect_bytes(int fd, const char *text)
{
	char got[256];

	receive_all(fd, got, strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

BIDE_UNUSED static void take_away(int fd, size_t size_bytes)
{
	static char room[65536];

	while (size_bytes > 0) {
		size_t now = size_bytes < sizeof room ? size_bytes : sizeof room;

		receive_all(fd, room, now);
		size_bytes -= now;
	}
}

/* The stream has sent something, or has ended. Takes a byte of it. */
BIDE_UNUSED static bool has_bytes(int peer)
{
	char byte;

	let_arrive(peer);
	return try_read_peer(peer, &byte, 1) >= 0;
}

BIDE_UNUSED static void close_both(bide_stream *stream, int peer)
{
	assert_true(bide_buffer_is_valid_(stream));
	bide_stream_close(stream);
	close_peer(peer);
}

#endif
