/*
 * A stream that has failed says so at once, at each call, with the same error: by an abort, by a
 * peer that has gone, by a write of which a part went.
 */
/* threads */
#include "support/failed_stream.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

static char room[4096];

static const char *line_of(bide_stream *stream)
{
	bide_payload line = { .p = NULL };

	assert_int_equal(bide_value_task_wait(bide_stream_read_line(stream), &line), 0);
	return line.p;
}

TEST(a_stream_that_was_aborted_says_so_at_each_call)
{
	NEEDS_IO();
	for (int is_tcp = 0; is_tcp < 2; is_tcp++) {
		int peer;
		bide_stream *s = is_tcp ? make_tcp_stream(&peer) : make_stream(&peer);

		put_bytes(peer, "one\ntwo\nthree\n", 14);
		assert_string_equal(line_of(s), "one");
		assert_int_equal(result_of(bide_stream_print(s, "text")), 4);
		bide_stream_abort(s, EIO);
		bide_stream_abort(s, ENXIO); /* the first one counts */
		assert_true(bide_stream_available(s) > 0);
		assert_each_entry_fails(s, EIO);
		bide_stream_close(s);
		close(peer);
	}
}

TEST(a_stream_of_ones_own_that_was_aborted_says_so_at_each_call)
{
	static const bide_stream_type type = { .name = "own", .read = no_read };
	bide_stream *s = bide_stream_create(&type, NULL);

	NEEDS_IO();
	bide_stream_abort(s, EIO);
	assert_each_entry_fails(s, EIO);
	bide_stream_close(s);
}

TEST(a_write_that_is_refused_has_written_nothing)
{
	struct iovec part = { (void *)(uintptr_t) "x", 1 };
	int peer;
	bide_stream *s = make_stream(&peer);

	NEEDS_IO();
	assert_int_equal(result_of(bide_stream_write(s, "abc", 3)), 3);
	bide_stream_abort(s, EIO);
	settle(0);
	assert_int_equal(error_of(bide_stream_write(s, "d", 1)), EIO);
	assert_int_equal(bide_stream_written(s), 0);
	assert_int_equal(error_of(bide_stream_write_vector(s, &part, 1)), EIO);
	assert_int_equal(bide_stream_written(s), 0);
	bide_stream_close(s);
	close(peer);
}

TEST(a_copy_whose_second_write_is_refused_keeps_what_it_read)
{
	int from_peer, to_peer;
	bide_stream *from = make_stream(&from_peer), *to = make_stream(&to_peer);
	bide_value_task v;
	bide_payload text = { .p = NULL };

	NEEDS_IO();
	v = bide_stream_copy(from, to, SIZE_MAX);
	put_bytes(from_peer, "abc", 3);
	settle(0);
	take_bytes(to_peer, 3);
	settle(0);
	bide_stream_abort(to, EIO);
	settle(0);
	put_bytes(from_peer, "d", 1);
	assert_int_equal(error_of(v), EIO);
	assert_int_equal(bide_value_task_wait(bide_stream_peek(from, 1), &text), 0);
	assert_memory_equal(text.p, "d", 1);
	bide_stream_close(to);
	bide_stream_close(from);
	close(from_peer);
	close(to_peer);
}

TEST(after_a_write_of_a_part_nothing_can_be_put)
{
	bide_context *scope;
	bide_value_task v;
	int peer;
	bide_stream *s = make_stream(&peer);
	static char many[1 << 22];

	NEEDS_IO();
	v = IN_SCOPE(scope, bide_stream_write(s, many, sizeof many));
	settle(0);
	assert_pending(v);
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	assert_true(bide_stream_written(s) > 0);
	assert_writes_fail(s, EPIPE);
	put_bytes(peer, "line\n", 5);
	assert_string_equal(line_of(s), "line"); /* the other side goes on */
	bide_stream_close(s);
	close(peer);
}

TEST(a_write_to_a_peer_that_has_gone_fails_what_is_put_later)
{
	int peer;
	bide_stream *s = make_stream(&peer);

	NEEDS_IO();
	put_bytes(peer, "line\n", 5);
	close(peer);
	assert_int_equal(error_of(bide_stream_write(s, "x", 1)), EPIPE);
	assert_writes_fail(s, EPIPE);
	assert_string_equal(line_of(s), "line");
	bide_stream_close(s);
}

TEST(a_read_that_was_reset_fails_what_is_put_later)
{
	struct linger linger = { .l_onoff = 1 };
	int peer;
	bide_stream *s = make_tcp_stream(&peer);

	NEEDS_IO();
	assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
	close(peer);
	assert_int_equal(error_of(bide_stream_read(s, room, 1)), ECONNRESET);
	assert_writes_fail(s, ECONNRESET);
	bide_stream_close(s);
}

/* The buffer has room for the second text when the send of the first one fails. */
TEST(a_send_that_fails_fails_the_next_put_though_there_is_room)
{
	int peer;
	bide_stream *s = make_stream(&peer);
	bide_value_task sent;

	NEEDS_IO();
	fill(s);
	assert_int_equal(result_of(bide_stream_put(s, "one", 3)), 3);
	sent = bide_stream_flush(s);
	assert_pending(sent);
	bide_value_task_forget(sent);
	settle(0);
	close(peer);
	while (error_of(bide_stream_put(s, "two", 3)) == 0)
		settle(0);
	assert_writes_fail(s, EPIPE);
	bide_stream_close(s);
}

/* A FIFO may get another reader. */
TEST(a_pipe_that_nothing_reads_fails_by_its_sends)
{
	bide_stream *ends[2];

	NEEDS_IO();
	assert_int_equal(bide_stream_pipe(&ends[0], &ends[1]), 0);
	bide_stream_close(ends[0]);
	settle(0);
	assert_int_equal(error_of(bide_stream_write(ends[1], "x", 1)), EPIPE);
	assert_int_equal(result_of(bide_stream_put(ends[1], "x", 1)), 1);
	assert_int_equal(error_of(bide_stream_flush(ends[1])), EPIPE);
	assert_writes_fail(ends[1], EPIPE);
	bide_stream_close(ends[1]);
}

static bide_value_task garbled(void *object, void *to, size_t size_bytes)
{
	(void)to;
	(void)size_bytes;
	return bide_value_task_from_error(*(int *)object);
}

static bide_value_task unwritable(void *object, const struct iovec *parts, size_t count)
{
	(void)parts;
	(void)count;
	return bide_value_task_from_error(*(int *)object);
}

TEST(a_stream_of_ones_own_that_fails_for_good_takes_nothing_more)
{
	static const bide_stream_type type = { .name = "own", .read = garbled, .write = unwritable };
	static int errors[] = { ECONNRESET, EPROTO, EPIPE };

	NEEDS_IO();
	for (int i = 0; i < 5; i++) {
		int *error = &errors[i % 3];
		bide_stream *s = bide_stream_create(&type, error);

		if (i < 2)
			assert_int_equal(error_of(i ? bide_stream_read_line(s).untyped
			                            : bide_stream_read(s, room, 1)),
			                 *error);
		else
			assert_int_equal(error_of(bide_stream_write(s, "x", 1)), *error);
		assert_writes_fail(s, *error);
		bide_stream_close(s);
	}
}

static int no_more_writes(void *object)
{
	return *(int *)object;
}

/* It is asked after a write that failed with an error which says nothing of later ones. */
TEST(the_type_says_whether_a_failed_write_has_ended_the_writes)
{
	static const bide_stream_type type = { .name = "own",
		                                   .write = unwritable,
		                                   .write_error = no_more_writes };
	static const bide_stream_type silent = { .name = "own", .write = unwritable };
	int error = ENOBUFS;
	bide_stream *s = bide_stream_create(&type, &error);

	NEEDS_IO();
	assert_int_equal(error_of(bide_stream_write(s, "x", 1)), ENOBUFS);
	assert_writes_fail(s, ENOBUFS);
	bide_stream_close(s);
	s = bide_stream_create(&silent, &error);
	assert_int_equal(error_of(bide_stream_write(s, "x", 1)), ENOBUFS);
	assert_int_equal(result_of(bide_stream_print(s, "x")), 1);
	bide_stream_close(s);
}
