/*
 * Each allocation of the buffers fails once. The call that needs it fails with ENOMEM, and loses
 * nothing: made again, it goes on.
 */
/* threads */
#define _GNU_SOURCE
#include "support/buffer_support.h"

static bool has_failed;

/* Returns true if the outcome is ENOMEM. Then there is memory from now on. */
static bool failed(int error)
{
	if (error != ENOMEM)
		return false;
	assert_false(has_failed);
	has_failed = true;
	allowed_allocations = -1;
	return true;
}

/* Runs what is ready, and receives what has come, until the value task is ready. */
static int wait_and_receive(bide_value_task v, int peer, size_t *received, bide_payload *result)
{
	static char room[65536];

	while (!bide_value_task_is_ready(v)) {
		ssize_t now = recv(peer, room, sizeof room, MSG_DONTWAIT);

		if (now > 0)
			*received += (size_t)now;
		settle(0);
	}
	return bide_value_task_wait(v, result);
}

static void read_a_line(bide_stream *stream, int peer)
{
	bide_payload line = { .p = NULL };
	bide_text_task v = bide_stream_read_line(stream);
	int error;

	send_text(peer, "ab");
	settle(0);
	send_text(peer, "c\n");
	settle(0);
	error = bide_value_task_wait(v, &line);
	if (failed(error))
		error = bide_value_task_wait(bide_stream_read_line(stream), &line);
	assert_int_equal(error, 0);
	assert_string_equal(line.p, "abc");
}

static void read_a_long_line(bide_stream *stream, int peer)
{
	enum { SIZE = 40000 };
	static char data[SIZE];
	bide_payload line = { .p = NULL };
	bide_text_task v = bide_stream_read_line(stream);
	int error;

	memset(data, 'l', SIZE);
	put_bytes(peer, data, SIZE);
	settle(0);
	put_byte(peer, '\n');
	error = bide_value_task_wait(v, &line);
	if (failed(error))
		error = bide_value_task_wait(bide_stream_read_line(stream), &line);
	assert_int_equal(error, 0);
	assert_int_equal(strlen(line.p), SIZE);
}

/* Puts, prints, flushes to a peer that reads late. Returns how many bytes the peer got. */
static size_t write_much(bide_stream *stream, int peer, size_t *sent)
{
	static char data[30000];
	size_t received = 0;
	int error;

	for (int i = 0; i < 5; i++) {
		do {
			error = wait_and_receive(i % 2 ? bide_stream_print(stream, "%030000d", i)
			                               : bide_stream_put(stream, data, sizeof data),
			                         peer, &received, NULL);
		} while (failed(error));
		assert_int_equal(error, 0);
		*sent += sizeof data;
	}
	do
		error = wait_and_receive(bide_stream_write(stream, data, 10), peer, &received, NULL);
	while (failed(error));
	assert_int_equal(error, 0);
	*sent += 10;
	do
		error = wait_and_receive(bide_stream_print(stream, "bye"), peer, &received, NULL);
	while (failed(error));
	do
		error = wait_and_receive(bide_stream_flush(stream), peer, &received, NULL);
	while (failed(error));
	assert_int_equal(error, 0);
	*sent += 3;
	return received;
}

static bool one_round(long allowed)
{
	int peer;
	bide_stream *stream = make_stream(&peer);
	size_t sent = fill(stream), received;

	has_failed = false;
	allowed_allocations = allowed;
	read_a_line(stream, peer);
	read_a_long_line(stream, peer);
	received = write_much(stream, peer, &sent);
	allowed_allocations = -1;
	take_away(peer, sent - received);
	assert_false(has_bytes(peer));
	close_both(stream, peer);
	settle(0);
	assert_int_equal(bide_chunks_bytes_(), 0);
	test_note_schedule();
	assert_int_equal(shut_down(), 0);
	return has_failed;
}

TEST_SLOW(each_allocation_may_fail_and_nothing_is_lost, 60)
{
	long n = 0;
	bool fails = true;

	NEEDS_SYSTEM("memory that ends, and the network takes some");
	limit_objects();
	for (; fails; n++) {
		assert_int_equal(bide_configure(&(bide_config){ .workers = 1 }), 0);
		fails = one_round(n);
	}
	assert_true(n > 10);
}

/* A read that waits for an answer needs the request to be sent. */
TEST(a_read_fails_if_there_is_no_memory_to_send_what_was_put)
{
	bide_payload line = { .p = NULL };
	bide_text_task v;
	size_t filled;
	int peer, failures = 0;
	bide_stream *stream;

	NEEDS_SYSTEM("memory that ends, and the network takes some");
	limit_objects();
	for (long n = 0; n < 6; n++) {
		assert_int_equal(bide_configure(&(bide_config){ .workers = 1 }), 0);
		stream = make_stream(&peer);
		filled = fill(stream);
		assert_int_equal(result_of(bide_stream_put(stream, "question", 8)), 8);
		allowed_allocations = n;
		v = bide_stream_read_line(stream);
		settle(0);
		allowed_allocations = -1;
		if (bide_value_task_is_ready(v.untyped)) {
			assert_int_equal(error_of_text(v), ENOMEM);
			failures++;
			v = bide_stream_read_line(stream);
		}
		take_away(peer, filled);
		expect_bytes(peer, "question");
		send_text(peer, "answer\n");
		assert_int_equal(bide_value_task_wait(v, &line), 0);
		assert_string_equal(line.p, "answer");
		close_both(stream, peer);
		settle(0);
		assert_int_equal(shut_down(), 0);
	}
	assert_in_range(failures, 1, 5);
}
