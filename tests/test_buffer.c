/*
 * The buffers of streams: lines, texts, bytes that wait for more, and what is put.
 *
 * Each test must leave nothing in use: no stream, no chunk, no descriptor.
 */
/* threads */
#define _GNU_SOURCE
#include "support/buffer_support.h"

/* --- lines --- */

TEST(lines_come_without_their_ends)
{
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	send_text(peer, "one\ntwo\r\n\nlast");
	end_peer(peer);
	assert_string_equal(text_of(bide_stream_read_line(stream)), "one");
	assert_int_equal(bide_stream_taken(stream), 3);
	assert_string_equal(text_of(bide_stream_read_line(stream)), "two");
	assert_int_equal(bide_stream_taken(stream), 3);
	assert_string_equal(text_of(bide_stream_read_line(stream)), "");
	assert_int_equal(bide_stream_taken(stream), 0);
	assert_string_equal(text_of(bide_stream_read_line(stream)), "last");
	assert_null(text_of(bide_stream_read_line(stream)));
	assert_null(text_of(bide_stream_read_line(stream)));
	close_both(stream, peer);
}

TEST(a_line_that_is_there_is_ready_and_allocates_nothing)
{
	bide_text_task line;
	uint64_t before;
	int peer;
	bide_stream *stream;

	calls_move_all();
	stream = make_stream(&peer);
	send_text(peer, "one\ntwo\nthree\n");
	assert_string_equal(text_of(bide_stream_read_line(stream)), "one");
	before = stats().allocation_count;
	for (int i = 0; i < 2; i++) {
		line = bide_stream_read_line(stream);
		assert_int_equal(line.state, 0);
	}
	assert_string_equal(line.payload.p, "three");
	assert_int_equal(stats().allocation_count, before);
	assert_int_equal(bide_stream_available(stream), 0);
	close_both(stream, peer);
}

TEST(a_line_waits_for_its_end)
{
	bide_text_task line;
	int peer;
	bide_stream *stream;

	calls_move_all();
	stream = make_stream(&peer);
	line = bide_stream_read_line(stream);
	assert_pending(line.untyped);
	send_text(peer, "half ");
	send_text(peer, "a line\nx");
	assert_string_equal(text_of(line), "half a line");
	assert_int_equal(bide_stream_available(stream), 1);
	close_both(stream, peer);
}

TEST(a_line_may_hold_zeroes)
{
	char *line;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	put_bytes(peer, "a\0b\n", 4);
	line = text_of(bide_stream_read_line(stream));
	assert_int_equal(bide_stream_taken(stream), 3);
	assert_memory_equal(line, "a\0b", 4);
	close_both(stream, peer);
}

TEST(a_line_up_to_the_limit_is_read_and_a_longer_one_stays)
{
	enum { LIMIT = 65536 };
	static char line[LIMIT + 4];
	int peer;
	bide_stream *stream;
	char *got;

	for (int extra = 0; extra < 2; extra++) {
		stream = make_stream(&peer);
		memset(line, 'x', sizeof line);
		memcpy(line + LIMIT + extra, "\r\n", 2);
		put_bytes(peer, line, LIMIT + 2 + (size_t)extra);
		if (extra == 0) {
			got = text_of(bide_stream_read_line(stream));
			assert_int_equal(bide_stream_taken(stream), LIMIT);
			assert_int_equal(got[LIMIT - 1], 'x');
			assert_int_equal(got[LIMIT], 0);
		} else {
			assert_int_equal(error_of_text(bide_stream_read_line(stream)), EMSGSIZE);
			assert_int_equal(error_of_text(bide_stream_read_line(stream)), EMSGSIZE);
			assert_true(bide_stream_available(stream) >= LIMIT);
		}
		close_both(stream, peer);
	}
}

TEST(a_limit_of_the_program_counts)
{
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	assert_int_equal(bide_stream_set_limits(stream, 10, 0), 0);
	send_text(peer, "0123456789\n0123456789abcdef\n");
	assert_string_equal(text_of(bide_stream_read_line(stream)), "0123456789");
	assert_int_equal(error_of_text(bide_stream_read_line(stream)), EMSGSIZE);
	assert_int_equal(error_of_text(bide_stream_peek(stream, 13)), EMSGSIZE);
	assert_int_equal(bide_stream_set_limits(stream, 16, 0), 0);
	assert_string_equal(text_of(bide_stream_read_line(stream)), "0123456789abcdef");
	close_both(stream, peer);
}

TEST(texts_end_at_a_mark_of_one_or_two_bytes)
{
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	send_text(peer, "a,b\rc\r\nd;;e");
	end_peer(peer);
	assert_string_equal(text_of(bide_stream_read_until(stream, ",", 1)), "a");
	assert_string_equal(text_of(bide_stream_read_until(stream, "\r\n", 2)), "b\rc");
	assert_string_equal(text_of(bide_stream_read_until(stream, ";", 1)), "d");
	assert_string_equal(text_of(bide_stream_read_until(stream, ";;", 2)), ";e");
	assert_null(text_of(bide_stream_read_until(stream, ";", 1)));
	expect_misuse();
	assert_int_equal(error_of_text(bide_stream_read_until(stream, ";", 3)), EINVAL);
	assert_int_equal(error_of_text(bide_stream_read_until(stream, ";", 0)), EINVAL);
	assert_int_equal(error_of_text(bide_stream_read_until(stream, NULL, 1)), EINVAL);
	assert_int_equal(misuse_count, 3);
	close_both(stream, peer);
}

/* The same exchange, in two pieces cut at each byte. */
TEST(an_exchange_may_be_cut_at_each_byte)
{
	static const char all[] = "GET /x HTTP/1.0\r\n\r\nab;;c\n\nend";
	size_t size = sizeof all - 1;
	char body[2];

	for (size_t cut = 0; cut <= size; cut++) {
		int peer;
		bide_stream *stream = make_stream(&peer);
		bide_text_task first;

		put_bytes(peer, all, cut);
		first = bide_stream_read_line(stream);
		settle(0);
		put_bytes(peer, all + cut, size - cut);
		end_peer(peer);
		assert_string_equal(text_of(first), "GET /x HTTP/1.0");
		assert_string_equal(text_of(bide_stream_read_until(stream, "\r\n", 2)), "");
		assert_int_equal(result_of(bide_stream_read_exactly(stream, body, 2)), 2);
		assert_memory_equal(body, "ab", 2);
		assert_string_equal(text_of(bide_stream_read_until(stream, ";;", 2)), "");
		assert_string_equal(text_of(bide_stream_read_line(stream)), "c");
		assert_string_equal(text_of(bide_stream_read_line(stream)), "");
		assert_memory_equal(text_of(bide_stream_peek(stream, 10)), "end", 3);
		assert_int_equal(bide_stream_available(stream), 3);
		bide_stream_consume(stream, 3);
		assert_null(text_of(bide_stream_peek(stream, 1)));
		close_both(stream, peer);
	}
}

TEST(an_exchange_may_come_byte_by_byte)
{
	static const char all[] = "one\r\ntwo\n\r\nx";
	int peer;
	bide_stream *stream;
	static const char *const lines[] = { "one", "two", "", "x" };
	size_t at = 0;

	stream = make_tcp_stream(&peer);
	for (int i = 0; i < 4; i++) {
		bide_text_task line = bide_stream_read_line(stream);

		while (!bide_value_task_is_ready(line.untyped)) {
			if (at < sizeof all - 1)
				put_byte(peer, all[at++]);
			else
				end_peer(peer);
			settle(0);
		}
		assert_string_equal(text_of(line), lines[i]);
	}
	assert_null(text_of(bide_stream_read_line(stream)));
	close_both(stream, peer);
}

/* Reads lines to the end. Returns how many bytes were in them and their ends; *error: the end. */
static size_t read_to_the_end(bide_stream *stream, const char *all, int *error)
{
	bide_payload line = { .p = NULL };
	size_t at = 0;

	for (;;) {
		*error = bide_value_task_wait(bide_stream_read_line(stream), &line);
		if (*error || !line.p)
			return at;
		assert_memory_equal(line.p, all + at, bide_stream_taken(stream));
		at += bide_stream_taken(stream);
		at += all[at] == '\r' ? 2 : all[at] == '\n';
	}
}

TEST(the_peer_may_end_or_reset_at_each_byte)
{
	static const char all[] = "ab\r\nc\n\nlast\n";
	size_t got;
	int error;

	for (size_t cut = 0; cut < sizeof all; cut++) {
		for (int resets = 0; resets < 2; resets++) {
			int peer;
			bide_stream *stream = make_tcp_stream(&peer);
			bide_text_task first = bide_stream_read_line(stream);

			settle(0);
			put_bytes(peer, all, cut);
			settle(0);
			if (resets)
				reset_peer(peer);
			else
				close_peer(peer);
			if (cut < 4) {
				bide_payload line = { .p = NULL };

				error = bide_value_task_wait(first, &line);
				if (resets)
					assert_int_equal(error, ECONNRESET);
				else
					assert_int_equal(error, 0);
				assert_true(resets || !line.p || bide_stream_taken(stream) == cut);
			} else {
				assert_string_equal(text_of(first), "ab");
				got = read_to_the_end(stream, all + 4, &error);
				assert_int_equal(error, resets ? ECONNRESET : 0);
				assert_true(resets ? got <= cut - 4 : got >= cut - 4);
			}
			bide_stream_close(stream);
		}
	}
}

/* --- peek, consume, read --- */

TEST(peek_takes_nothing_and_consume_takes)
{
	int peer;
	bide_stream *stream;

	calls_move_all();
	stream = make_stream(&peer);
	send_text(peer, "abc");
	assert_memory_equal(text_of(bide_stream_peek(stream, 1)), "abc", 3);
	assert_int_equal(bide_stream_available(stream), 3);
	bide_stream_consume(stream, 1);
	assert_memory_equal(text_of(bide_stream_peek(stream, 2)), "bc", 2);
	bide_stream_consume(stream, 2);
	assert_int_equal(bide_stream_available(stream), 0);
	assert_int_equal(bide_chunks_bytes_(), 0); /* nothing is left, so the buffer goes back */
	close_both(stream, peer);
}

TEST(to_consume_more_than_there_is_is_misuse_and_takes_nothing)
{
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	send_text(peer, "abc");
	assert_non_null(text_of(bide_stream_peek(stream, 3)));
	expect_misuse();
	bide_stream_consume(stream, 4);
	assert_non_null(strstr(misuse_text, "has 3"));
	assert_int_equal(bide_stream_available(stream), 3);
	bide_stream_consume(stream, 3);
	bide_stream_consume(stream, 1);
	assert_non_null(strstr(misuse_text, "has 0"));
	assert_int_equal(misuse_count, 2);
	bide_stream_consume(stream, 0);
	close_both(stream, peer);
}

TEST(read_takes_from_the_buffer_first)
{
	char got[8] = "";
	int peer;
	bide_stream *stream;

	calls_move_all();
	stream = make_stream(&peer);
	send_text(peer, "line\nrest");
	assert_string_equal(text_of(bide_stream_read_line(stream)), "line");
	assert_int_equal(result_of(bide_stream_read(stream, got, 2)), 2);
	assert_memory_equal(got, "re", 2);
	send_text(peer, "more");
	assert_int_equal(result_of(bide_stream_read(stream, got, sizeof got)), 2);
	assert_memory_equal(got, "st", 2);
	assert_int_equal(result_of(bide_stream_read(stream, got, sizeof got)), 4);
	assert_memory_equal(got, "more", 4);
	close_both(stream, peer);
}

TEST(read_exactly_takes_all_or_leaves_what_came)
{
	char got[8];
	bide_value_task v;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	send_text(peer, "abcd");
	v = bide_stream_read_exactly(stream, got, 6);
	assert_pending(v);
	send_text(peer, "efgh");
	assert_int_equal(result_of(v), 6);
	assert_memory_equal(got, "abcdef", 6);
	v = bide_stream_read_exactly(stream, got, 6);
	end_peer(peer);
	assert_int_equal(error_of(v), BIDE_EEND);
	assert_int_equal(bide_stream_available(stream), 2);
	assert_int_equal(result_of(bide_stream_read_exactly(stream, got, 2)), 2);
	assert_memory_equal(got, "gh", 2);
	assert_int_equal(error_of(bide_stream_read_exactly(stream, got, 1)), BIDE_EEND);
	close_both(stream, peer);
}

TEST(a_large_read_exactly_goes_straight_to_memory)
{
	enum { SIZE = 300000 };
	static char sent[SIZE], got[SIZE];
	bide_value_task v;
	int peer;
	bide_stream *stream;
	size_t done = 0;

	for (size_t i = 0; i < SIZE; i++)
		sent[i] = (char)(i * 7 >> 3);
	stream = make_stream(&peer);
	v = bide_stream_read_exactly(stream, got, SIZE);
	while (done < SIZE) {
		ssize_t now = try_write_peer(peer, sent + done, SIZE - done);

		if (now > 0)
			done += (size_t)now;
		run_on();
	}
	assert_int_equal(result_of(v), SIZE);
	assert_memory_equal(got, sent, SIZE);
	v = bide_stream_read_exactly(stream, got, SIZE);
	put_bytes(peer, "xyz", 3);
	end_peer(peer);
	assert_int_equal(error_of(v), BIDE_EEND);
	assert_int_equal(bide_stream_taken(stream), 3);
	assert_memory_equal(got, "xyz", 3);
	close_both(stream, peer);
}

/* --- one call at a time --- */

TEST(a_second_reading_call_is_misuse)
{
	char got[4];
	bide_text_task line;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	send_text(peer, "abc");
	assert_non_null(text_of(bide_stream_peek(stream, 3)));
	line = bide_stream_read_line(stream);
	settle(0);
	assert_int_equal(bide_stream_available(stream), 0); /* hidden, while a call is pending */
	expect_misuse();
	assert_int_equal(error_of_text(bide_stream_read_line(stream)), EBUSY);
	assert_int_equal(error_of_text(bide_stream_peek(stream, 1)), EBUSY);
	assert_int_equal(error_of(bide_stream_read(stream, got, 4)), EBUSY);
	bide_stream_consume(stream, 1);
	assert_int_equal(misuse_count, 4);
	send_text(peer, "d\n");
	assert_string_equal(text_of(line), "abcd");
	close_both(stream, peer);
}

/* --- cancellation --- */

TEST(a_canceled_call_loses_no_byte)
{
	bide_context *scope;
	bide_value_task v;
	char got[8];
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	v = IN_SCOPE(scope, bide_stream_read_line(stream)).untyped;
	send_text(peer, "abc");
	settle(0);
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	v = IN_SCOPE(scope, bide_stream_read_exactly(stream, got, 6));
	send_text(peer, "de");
	settle(0);
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	v = IN_SCOPE(scope, bide_stream_peek(stream, 100)).untyped;
	settle(0);
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	bide_value_task_forget(bide_stream_read_line(stream).untyped);
	settle(0);
	send_text(peer, "f\n");
	assert_string_equal(text_of(bide_stream_read_line(stream)), "abcdef");
	close_both(stream, peer);
}

TEST(in_a_canceled_context_a_slow_call_fails_and_reads_nothing)
{
	bide_context *scope;
	bide_text_task line;
	int peer;
	bide_stream *stream;

	calls_move_all();
	stream = make_stream(&peer);
	send_text(peer, "one\ntwo\nthr");
	assert_string_equal(text_of(bide_stream_read_line(stream)), "one");
	scope = bide_context_create(NULL);
	(void)bide_context_cancel(scope, ECANCELED);
	line = bide_in_context(scope, bide_stream_read_line(stream));
	assert_string_equal(text_of(line), "two"); /* it is there */
	send_text(peer, "ee\n");
	line = bide_in_context(scope, bide_stream_read_line(stream));
	assert_int_equal(error_of_text(line), ECANCELED);
	assert_string_equal(text_of(bide_stream_read_line(stream)), "three");
	bide_context_unref(scope);
	close_both(stream, peer);
}

TEST(a_reset_does_not_take_what_is_in_the_buffer)
{
	int peer;
	bide_stream *stream;

	calls_move_all();
	stream = make_tcp_stream(&peer);
	send_text(peer, "one\ntwo");
	assert_string_equal(text_of(bide_stream_read_line(stream)), "one");
	assert_int_equal(bide_stream_available(stream), 3);
	reset_peer(peer);
	assert_int_equal(error_of_text(bide_stream_read_line(stream)), ECONNRESET);
	assert_memory_equal(text_of(bide_stream_peek(stream, 3)), "two", 3);
	bide_stream_close(stream);
}

/* The kernel tells the send of the reset, and the receive behind it of an end. */
TEST(a_reset_that_a_send_has_met_is_no_end)
{
	for (int how = 0; how < 2; how++) {
		int peer, fd;
		bide_stream *stream = make_tcp_stream(&peer);

		reset_peer(peer);
		if (!test_seeded()) {
			assert_int_equal(bide_stream_fd(stream, &fd), 0);
			assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, -1), 1);
		}
		if (how == 0)
			assert_int_equal(error_of(bide_stream_print(stream, "hello\n")), 0);
		else
			assert_int_equal(error_of(bide_stream_write(stream, "hello\n", 6)), ECONNRESET);
		for (int i = 0; i < 3; i++)
			assert_int_equal(error_of_text(bide_stream_read_line(stream)), ECONNRESET);
		bide_stream_close(stream);
	}
}

TEST(close_ends_a_pending_call)
{
	bide_text_task line;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	send_text(peer, "abc");
	line = bide_stream_read_line(stream);
	settle(0);
	bide_stream_close(stream);
	assert_int_equal(error_of_text(line), EBADF);
	close_peer(peer);
}

/* --- put --- */

TEST(what_was_put_goes_when_a_read_has_to_wait)
{
	bide_text_task line;
	int peer;
	bide_stream *stream;

	calls_move_all();
	stream = make_stream(&peer);
	send_text(peer, "a\nb\n");
	assert_string_equal(text_of(bide_stream_read_line(stream)), "a");
	assert_int_equal(result_of(bide_stream_put(stream, "one ", 4)), 4);
	assert_int_equal(result_of(bide_stream_print(stream, "%d ", 2)), 2);
	assert_string_equal(text_of(bide_stream_read_line(stream)), "b");
	assert_false(has_bytes(peer)); /* the request was there, so nothing has waited */
	line = bide_stream_read_line(stream);
	expect_bytes(peer, "one 2 ");
	settle(0);
	assert_int_equal(bide_chunks_bytes_(), 0);
	send_text(peer, "c\n");
	assert_string_equal(text_of(line), "c");
	close_both(stream, peer);
}

TEST(flush_sends_what_was_put_in_order)
{
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	assert_int_equal(result_of(bide_stream_flush(stream)), 0);
	assert_int_equal(result_of(bide_stream_put(stream, "abc", 3)), 3);
	assert_int_equal(result_of(bide_stream_put(stream, "", 0)), 0);
	assert_int_equal(result_of(bide_stream_print(stream, "%s", "")), 0);
	assert_int_equal(result_of(bide_stream_write(stream, "def", 3)), 3);
	expect_bytes(peer, "abcdef");
	assert_int_equal(result_of(bide_stream_print(stream, "%s-%d", "ghi", 7)), 5);
	assert_int_equal(result_of(bide_stream_flush(stream)), 0);
	expect_bytes(peer, "ghi-7");
	assert_int_equal(bide_chunks_bytes_(), 0);
	close_both(stream, peer);
}

TEST(put_waits_when_too_much_is_unsent)
{
	static char data[20000];
	bide_value_task v = bide_value_task_completed();
	size_t filled, put = 0;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	filled = fill(stream);
	memset(data, 'x', sizeof data);
	while (put < 1000000) {
		v = bide_stream_put(stream, data, sizeof data);
		if (!bide_value_task_is_ready(v))
			break;
		put += sizeof data;
	}
	assert_pending(v);
	assert_int_equal(put, 60000);
	assert_in_range(bide_chunks_bytes_(), 1, 200000);
	take_away(peer, filled);
	assert_int_equal(result_of(v), (int64_t)sizeof data);
	v = bide_stream_flush(stream);
	take_away(peer, 4 * sizeof data);
	assert_int_equal(result_of(v), 0);
	close_both(stream, peer);
}

/* Misuse may be a race of threads; with one worker it is none. */
TEST(a_second_writing_call_is_misuse)
{
	static char data[60000];
	bide_value_task v;
	size_t filled;
	int peer;
	bide_stream *stream;

	if (!test_seeded())
		one_worker();
	stream = make_stream(&peer);
	filled = fill(stream);
	assert_int_equal(result_of(bide_stream_put(stream, data, sizeof data)), (int64_t)sizeof data);
	v = bide_stream_put(stream, data, sizeof data);
	assert_pending(v);
	expect_misuse();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(error_of(bide_stream_put(stream, "x", 1)), EBUSY);
		assert_int_equal(error_of(bide_stream_print(stream, "x")), EBUSY);
		assert_int_equal(error_of(bide_stream_flush(stream)), EBUSY);
		assert_int_equal(error_of(bide_stream_write(stream, "x", 1)), EBUSY);
		assert_int_equal(error_of(bide_stream_finish(stream)), EBUSY);
		assert_int_equal(misuse_count, 5 * (i + 1));
		if (i == 0) {
			take_away(peer, filled);
			assert_int_equal(result_of(v), (int64_t)sizeof data);
			filled = sizeof data;
			take_away(peer, filled);
			filled = fill(stream);
			v = bide_stream_flush(stream);
			assert_pending(v);
		}
	}
	take_away(peer, filled + sizeof data);
	assert_int_equal(result_of(v), 0);
	close_both(stream, peer);
}

TEST(a_put_that_is_canceled_has_put_nothing)
{
	static char data[60000];
	bide_context *scope;
	bide_value_task v;
	size_t filled;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	filled = fill(stream);
	memset(data, 'x', sizeof data);
	assert_int_equal(result_of(bide_stream_put(stream, data, sizeof data)), (int64_t)sizeof data);
	v = IN_SCOPE(scope, bide_stream_put(stream, data, sizeof data));
	assert_pending(v);
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	v = IN_SCOPE(scope, bide_stream_print(stream, "%60000d", 1));
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	/* The way of what was put is not canceled. */
	v = IN_SCOPE(scope, bide_stream_flush(stream));
	assert_pending(v);
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	take_away(peer, filled);
	v = bide_stream_flush(stream);
	take_away(peer, sizeof data);
	assert_int_equal(result_of(v), 0);
	assert_false(has_bytes(peer));
	close_both(stream, peer);
}

/* The first one finds a stream without room. A sanitizer sees a copy to where there is none. */
TEST(to_put_nothing_is_ready)
{
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	assert_int_equal(result_of(bide_stream_put(stream, "x", 0)), 0);
	assert_int_equal(result_of(bide_stream_put(stream, NULL, 0)), 0);
	assert_int_equal(result_of(bide_stream_put(stream, "x", 1)), 1);
	assert_int_equal(result_of(bide_stream_put(stream, "y", 0)), 0);
	assert_int_equal(result_of(bide_stream_flush(stream)), 0);
	close_both(stream, peer);
}

TEST(a_put_above_the_limit_is_refused)
{
	static char data[70000];
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	assert_int_equal(error_of(bide_stream_put(stream, data, 65537)), EMSGSIZE);
	assert_int_equal(error_of(bide_stream_print(stream, "%65537d", 1)), EMSGSIZE);
	assert_int_equal(bide_stream_set_limits(stream, 0, 10), 0);
	assert_int_equal(error_of(bide_stream_put(stream, data, 11)), EMSGSIZE);
	assert_int_equal(result_of(bide_stream_put(stream, "0123456789", 10)), 10);
	assert_int_equal(result_of(bide_stream_print(stream, "%s", "abcdefghij")), 10);
	assert_int_equal(result_of(bide_stream_flush(stream)), 0);
	expect_bytes(peer, "0123456789abcdefghij");
	close_both(stream, peer);
}

TEST(a_write_goes_behind_what_was_put)
{
	static char data[50000], got[50000];
	struct iovec parts[2] = { { "cd", 2 }, { "ef", 2 } };
	bide_value_task v;
	size_t filled;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	filled = fill(stream);
	memset(data, 'p', sizeof data);
	assert_int_equal(result_of(bide_stream_put(stream, data, sizeof data)), (int64_t)sizeof data);
	v = bide_stream_write(stream, "ab", 2);
	assert_pending(v);
	take_away(peer, filled);
	receive_all(peer, got, sizeof got);
	assert_memory_equal(got, data, sizeof got);
	assert_int_equal(result_of(v), 2);
	filled = fill(stream);
	assert_int_equal(result_of(bide_stream_put(stream, "xy", 2)), 2);
	v = bide_stream_write_vector(stream, parts, 2);
	expect_bytes(peer, "ab");
	take_away(peer, filled);
	expect_bytes(peer, "xycdef");
	assert_int_equal(result_of(v), 4);
	close_both(stream, peer);
}

TEST(a_send_that_failed_is_the_outcome_of_the_next_writing_call)
{
	bide_text_task line;
	int peer;
	bide_stream *stream;

	NEEDS_SYSTEM("a UNIX socket, where a send to a closed peer fails at once");
	stream = make_stream(&peer);
	assert_int_equal(result_of(bide_stream_put(stream, "abc", 3)), 3);
	close_peer(peer);
	line = bide_stream_read_line(stream);
	settle(0);
	assert_null(text_of(line));
	assert_int_equal(error_of(bide_stream_put(stream, "x", 1)), EPIPE);
	assert_int_equal(error_of(bide_stream_print(stream, "x")), EPIPE);
	assert_int_equal(error_of(bide_stream_flush(stream)), EPIPE);
	assert_int_equal(error_of(bide_stream_write(stream, "x", 1)), EPIPE);
	assert_int_equal(error_of(bide_stream_finish(stream)), EPIPE);
	bide_stream_close(stream);
}

TEST(finish_flushes_and_ends_one_direction)
{
	int peer;
	bide_stream *stream;
	char byte;

	stream = make_stream(&peer);
	assert_int_equal(result_of(bide_stream_put(stream, "bye", 3)), 3);
	assert_int_equal(result_of(bide_stream_finish(stream)), 0);
	expect_bytes(peer, "bye");
	assert_int_equal(read_peer(peer, &byte, 1), 0);
	send_text(peer, "still\n");
	assert_string_equal(text_of(bide_stream_read_line(stream)), "still");
	close_both(stream, peer);
}

TEST(finish_waits_for_a_peer_that_reads_late)
{
	bide_value_task v;
	size_t filled;
	int peer;
	bide_stream *stream;
	char byte;

	stream = make_stream(&peer);
	filled = fill(stream);
	assert_int_equal(result_of(bide_stream_put(stream, "bye", 3)), 3);
	v = bide_stream_finish(stream);
	settle(0);
	assert_pending(v);
	take_away(peer, filled);
	expect_bytes(peer, "bye");
	assert_int_equal(result_of(v), 0);
	assert_int_equal(read_peer(peer, &byte, 1), 0);
	close_both(stream, peer);
}

TEST(a_split_stream_does_not_flush_before_a_read)
{
	bide_text_task line;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	bide_stream_split(stream);
	line = bide_stream_read_line(stream);
	assert_int_equal(result_of(bide_stream_put(stream, "abc", 3)), 3);
	settle(0);
	assert_false(has_bytes(peer));
	assert_int_equal(result_of(bide_stream_flush(stream)), 0);
	expect_bytes(peer, "abc");
	send_text(peer, "x\n");
	assert_string_equal(text_of(line), "x");
	close_both(stream, peer);
}

TEST(close_drops_what_was_put)
{
	int peer;
	bide_stream *stream;
	char byte;

	stream = make_stream(&peer);
	assert_int_equal(result_of(bide_stream_put(stream, "abc", 3)), 3);
	bide_stream_close(stream);
	assert_int_equal(read_peer(peer, &byte, 1), 0);
	close_peer(peer);
	/* And while it is on its way. */
	stream = make_stream(&peer);
	(void)fill(stream);
	assert_int_equal(result_of(bide_stream_put(stream, "abc", 3)), 3);
	bide_value_task_forget(bide_stream_flush(stream));
	settle(0);
	bide_stream_close(stream);
	close_peer(peer);
}
