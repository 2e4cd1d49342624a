/*
 * Whole conversations: the end of one, copies, the idle limit, and streams of the user's own.
 */
/* threads */
#define _GNU_SOURCE
#include "support/buffer_support.h"

/* --- the end --- */

TEST(the_last_answer_arrives_although_bytes_of_the_request_are_unread)
{
	enum { SIZE = 60000 };
	static char data[SIZE];
	bide_value_task v;
	int peer;
	bide_stream *stream;

	stream = make_tcp_stream(&peer);
	put_bytes(peer, data, 1000);
	assert_int_equal(result_of(bide_stream_put(stream, data, SIZE)), SIZE);
	v = bide_stream_end(stream);
	settle(0);
	take_away(peer, SIZE);
	assert_int_equal(read_peer(peer, data, 1), 0);
	close_peer(peer);
	assert_int_equal(result_of(v), 0);
	bide_stream_close(stream);
}

TEST(an_end_drops_no_more_than_64_KiB)
{
	static char data[65536];
	bide_value_task v;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	v = bide_stream_end(stream);
	while (!bide_value_task_is_ready(v)) {
		(void)try_write_peer(peer, data, sizeof data);
		run_on();
	}
	assert_int_equal(result_of(v), 0);
	close_both(stream, peer);
}

TEST(an_end_waits_for_the_peer_for_a_second_at_most)
{
	int64_t before_ns;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	before_ns = bide_now_ns();
	assert_int_equal(result_of(bide_stream_end(stream)), 0);
	assert_true(bide_now_ns() - before_ns >= BIDE_MS(900));
	close_both(stream, peer);
}

TEST(an_end_after_both_sides_have_ended_succeeds)
{
	for (int finishes = 0; finishes < 2; finishes++) {
		char byte;
		int peer;
		bide_stream *stream = make_tcp_stream(&peer);

		assert_int_equal(result_of(bide_stream_write(stream, "a", 1)), 1);
		if (finishes)
			assert_int_equal(error_of(bide_stream_finish(stream)), 0);
		end_peer(peer);
		assert_int_equal(error_of(bide_stream_end(stream)), 0);
		assert_int_equal(error_of(bide_stream_finish(stream)), 0);
		assert_int_equal(error_of(bide_stream_end(stream)), 0);
		assert_int_equal(read_peer(peer, &byte, 1), 1);
		assert_int_equal(read_peer(peer, &byte, 1), 0);
		close_both(stream, peer);
	}
}

TEST(an_end_tells_that_something_was_not_sent)
{
	bide_value_task v;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	(void)fill(stream);
	assert_int_equal(result_of(bide_stream_put(stream, "abc", 3)), 3);
	v = bide_stream_end(stream);
	settle(0);
	close_peer(peer); /* with unread bytes, which makes TCP reset */
	assert_int_equal(error_of(v), test_seeded() ? ECONNRESET : EPIPE);
	bide_stream_close(stream);
}

/* --- copies --- */

TEST(copy_moves_all_or_up_to_a_limit)
{
	enum { SIZE = 200000 };
	static char sent[SIZE], got[SIZE];
	int from_peer, to_peer;
	bide_stream *from, *to;
	bide_value_task v;
	size_t done = 0, received = 0;

	for (size_t i = 0; i < SIZE; i++)
		sent[i] = (char)(i >> 4 ^ i);
	from = make_stream(&from_peer);
	to = make_stream(&to_peer);
	v = bide_stream_copy(from, to, SIZE_MAX);
	while (received < SIZE) {
		ssize_t now = 0;

		if (done < SIZE)
			now = try_write_peer(from_peer, sent + done, SIZE - done);
		if (now > 0)
			done += (size_t)now;
		if (now > 0 && done == SIZE)
			end_peer(from_peer);
		now = try_read_peer(to_peer, got + received, SIZE - received);
		if (now > 0)
			received += (size_t)now;
		run_on();
	}
	assert_int_equal(result_of(v), SIZE);
	assert_memory_equal(got, sent, SIZE);
	close_both(from, from_peer);
	from = make_stream(&from_peer);
	send_text(from_peer, "abcdef");
	assert_int_equal(result_of(bide_stream_copy(from, to, 4)), 4);
	expect_bytes(to_peer, "abcd");
	assert_int_equal(result_of(bide_stream_copy(from, to, 0)), 0);
	assert_memory_equal(text_of(bide_stream_peek(from, 2)), "ef", 2);
	close_both(from, from_peer);
	close_both(to, to_peer);
}

TEST(a_copy_that_fails_leaves_what_it_has_not_written)
{
	bide_context *scope;
	bide_value_task v;
	size_t filled;
	int from_peer, to_peer;
	bide_stream *from, *to;

	from = make_stream(&from_peer);
	to = make_stream(&to_peer);
	filled = fill(to);
	send_text(from_peer, "abc");
	v = IN_SCOPE(scope, bide_stream_copy(from, to, SIZE_MAX));
	settle(0);
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	assert_memory_equal(text_of(bide_stream_peek(from, 3)), "abc", 3);
	take_away(to_peer, filled);
	v = IN_SCOPE(scope, bide_stream_copy(from, to, SIZE_MAX));
	expect_bytes(to_peer, "abc");
	settle(0);
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	close_both(from, from_peer);
	close_both(to, to_peer);
}

/* --- the idle limit --- */

TEST(an_idle_limit_ends_a_line_that_does_not_come)
{
	bide_text_task line;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	bide_stream_set_idle(stream, BIDE_MS(20));
	for (int i = 0; i < 3; i++) {
		line = bide_stream_read_line(stream);
		send_text(peer, "a");
		assert_int_equal(error_of_text(line), BIDE_EIDLE);
	}
	send_text(peer, "b\n");
	assert_string_equal(text_of(bide_stream_read_line(stream)), "aaab");
	close_both(stream, peer);
}

TEST(what_came_in_time_counts_though_the_worker_is_late)
{
	bide_text_task line;
	int peer;
	bide_stream *stream;

	one_worker();
	stream = make_stream(&peer);
	bide_stream_set_idle(stream, BIDE_MS(5));
	line = bide_stream_read_line(stream);
	send_text(peer, "in time\n");
	usleep(50000); /* the one worker is this thread, so the limit passes before it looks */
	assert_string_equal(text_of(line), "in time");
	close_both(stream, peer);
}

TEST(an_idle_limit_ends_what_the_peer_does_not_read)
{
	static char data[60000];
	bide_value_task v;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	(void)fill(stream);
	bide_stream_set_idle(stream, BIDE_MS(20));
	assert_int_equal(result_of(bide_stream_put(stream, data, sizeof data)), (int64_t)sizeof data);
	v = bide_stream_put(stream, data, sizeof data);
	assert_int_equal(error_of(v), BIDE_EIDLE);
	assert_int_equal(error_of(bide_stream_flush(stream)), BIDE_EIDLE);
	close_both(stream, peer);
	/* And a write, and a send that nothing waits for. */
	stream = make_stream(&peer);
	(void)fill(stream);
	bide_stream_set_idle(stream, BIDE_MS(20));
	assert_int_equal(error_of(bide_stream_write(stream, data, 10)), BIDE_EIDLE);
	assert_int_equal(result_of(bide_stream_put(stream, data, 10)), 10);
	assert_int_equal(error_of(bide_stream_read(stream, data, 1)), BIDE_EIDLE);
	v = bide_stream_flush(stream);
	assert_int_equal(error_of(v), BIDE_EIDLE);
	close_both(stream, peer);
}

/* The kernel takes more whenever it is asked, until its buffer has grown to some megabytes. */
TEST(an_idle_limit_ends_what_a_peer_of_TCP_does_not_read)
{
	enum { WAITS_MAX = 2 };
	static char data[60000];
	unsigned waits = 0;
	int peer, error;
	bide_stream *stream;

	stream = make_tcp_stream(&peer);
	bide_stream_set_idle(stream, BIDE_MS(300));
	do {
		int64_t before_ns = bide_now_ns();

		error = error_of(bide_stream_put(stream, data, sizeof data));
		waits += bide_now_ns() - before_ns >= BIDE_MS(300);
	} while (!error);
	assert_int_equal(error, BIDE_EIDLE);
	assert_in_range(waits, 1, WAITS_MAX); /* a second, if this test got no CPU */
	close_both(stream, peer);
}

TEST(progress_puts_an_idle_limit_off)
{
	enum { ROUNDS = 30 };
	static char to[200000];
	bide_value_task v;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	bide_stream_set_idle(stream, BIDE_SECONDS(1));
	v = bide_stream_read_exactly(stream, to, sizeof to);
	for (int i = 0; i < ROUNDS; i++) {
		put_byte(peer, 'x');
		assert_int_equal(error_of(bide_delay_ms(50)), 0);
	}
	assert_pending(v);
	close_peer(peer);
	assert_int_equal(error_of(v), BIDE_EEND);
	bide_stream_close(stream);
}

TEST(a_shorter_idle_limit_counts_at_once)
{
	bide_text_task line;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	bide_stream_set_idle(stream, BIDE_SECONDS(1000));
	line = bide_stream_read_line(stream);
	settle_workers();
	bide_stream_set_idle(stream, BIDE_MS(20));
	assert_int_equal(error_of_text(line), BIDE_EIDLE);
	assert_int_equal(bide_stream_set_idle(stream, BIDE_FOREVER), 0);
	line = bide_stream_read_line(stream);
	send_text(peer, "x\n");
	assert_string_equal(text_of(line), "x");
	expect_misuse();
	assert_int_equal(bide_stream_set_idle(stream, 0), EINVAL);
	assert_int_equal(bide_stream_set_idle(stream, -1), EINVAL);
	assert_int_equal(misuse_count, 2);
	close_both(stream, peer);
}

TEST(close_stops_the_timer_of_an_idle_limit)
{
	bide_text_task line;
	int peer;
	bide_stream *stream;

	stream = make_stream(&peer);
	bide_stream_set_idle(stream, BIDE_SECONDS(1000));
	line = bide_stream_read_line(stream);
	settle(0);
	close_both(stream, peer);
	assert_int_equal(error_of_text(line), EBADF);
	settle_workers();
	assert_none(timer_count);
}

/* --- streams of the user's own --- */

/* What is written comes back, a piece of at most `piece` bytes at a time; sometimes it waits. */
struct loop_back {
	char bytes[100000];
	size_t at, end, piece;
	bool ended, waits, closed;
	int error; /* of the next call */
};

static bide_value_task outcome(struct loop_back *l, size_t count)
{
	int error = l->error;

	if (error) {
		l->error = 0;
		return bide_value_task_from_error(error);
	}
	return bide_value_task_from_int((int64_t)count);
}

struct late {
	BIDE_ASYNC_FRAME;
	struct {
		int64_t result;
	} in;
};

bide_async(late)
{
	bide_async_begin;
	bide_await(bide_async_yield());
	bide_async_return(my->in.result);
bide_async_finally:
	bide_async_end;
}

static bide_value_task maybe_late(struct loop_back *l, bide_value_task v)
{
	if (!l->waits || bide_value_task_error(v))
		return v;
	return bide_async_start(late, .result = bide_value_task_result(v).i);
}

static bide_value_task loop_read(void *object, void *to, size_t size_bytes)
{
	struct loop_back *l = object;
	size_t count = l->end - l->at;

	if (count > l->piece)
		count = l->piece;
	if (count > size_bytes)
		count = size_bytes;
	if (l->error)
		return outcome(l, 0);
	memcpy(to, l->bytes + l->at, count);
	l->at += count;
	return maybe_late(l, bide_value_task_from_int((int64_t)count));
}

static bide_value_task loop_write(void *object, const struct iovec *parts, size_t count)
{
	struct loop_back *l = object;
	size_t taken = parts->iov_len < l->piece ? parts->iov_len : l->piece;

	(void)count;
	if (l->error)
		return outcome(l, 0);
	memcpy(l->bytes + l->end, parts->iov_base, taken);
	l->end += taken;
	return maybe_late(l, bide_value_task_from_int((int64_t)taken));
}

static bide_value_task loop_finish(void *object)
{
	((struct loop_back *)object)->ended = true;
	return bide_value_task_completed();
}

static void loop_close(void *object)
{
	((struct loop_back *)object)->closed = true;
}

static const bide_stream_type loop_type = { .name = "loop",
	                                        .read = loop_read,
	                                        .write = loop_write,
	                                        .finish = loop_finish,
	                                        .close = loop_close };

TEST(streams_of_the_users_own_have_buffers_too)
{
	static struct loop_back l;
	char got[8];

	for (int round = 0; round < 4; round++) {
		bide_stream *stream;

		l = (struct loop_back){ .piece = round < 2 ? 1 : 1000, .waits = round % 2 };
		stream = bide_stream_create(&loop_type, &l);
		assert_non_null(stream);
		assert_int_equal(result_of(bide_stream_print(stream, "one\r\n%s", "two\n")), 9);
		assert_int_equal(result_of(bide_stream_put(stream, "abcdefg;h", 9)), 9);
		assert_int_equal(result_of(bide_stream_flush(stream)), 0);
		assert_string_equal(text_of(bide_stream_read_line(stream)), "one");
		assert_string_equal(text_of(bide_stream_read_line(stream)), "two");
		assert_int_equal(result_of(bide_stream_read_exactly(stream, got, 3)), 3);
		assert_memory_equal(got, "abc", 3);
		assert_memory_equal(text_of(bide_stream_peek(stream, 3)), "def", 3);
		assert_string_equal(text_of(bide_stream_read_until(stream, ";", 1)), "defg");
		assert_string_equal(text_of(bide_stream_read_line(stream)), "h");
		assert_null(text_of(bide_stream_read_line(stream)));
		assert_int_equal(result_of(bide_stream_finish(stream)), 0);
		assert_true(l.ended);
		bide_stream_close(stream);
		settle(0);
		assert_true(l.closed);
	}
}

TEST(a_write_to_a_stream_of_ones_own_goes_behind_what_was_put)
{
	static struct loop_back l;
	bide_stream *stream;

	l = (struct loop_back){ .piece = 3, .waits = true };
	stream = bide_stream_create(&loop_type, &l);
	assert_int_equal(result_of(bide_stream_put(stream, "abcd", 4)), 4);
	assert_int_equal(result_of(bide_stream_write(stream, "efgh", 4)), 4);
	assert_memory_equal(l.bytes, "abcdefgh", 8);
	l.error = EIO;
	assert_int_equal(result_of(bide_stream_put(stream, "x", 1)), 1);
	assert_int_equal(error_of(bide_stream_flush(stream)), EIO);
	assert_int_equal(error_of(bide_stream_put(stream, "x", 1)), EIO);
	bide_stream_close(stream);
}

TEST(a_read_of_a_stream_of_ones_own_that_fails_loses_nothing)
{
	static struct loop_back l;
	bide_stream *stream;

	l = (struct loop_back){ .piece = 1, .end = 3 };
	memcpy(l.bytes, "abc", 3);
	stream = bide_stream_create(&loop_type, &l);
	assert_memory_equal(text_of(bide_stream_peek(stream, 2)), "ab", 2);
	l.error = EIO;
	assert_int_equal(error_of_text(bide_stream_read_line(stream)), EIO);
	assert_string_equal(text_of(bide_stream_read_line(stream)), "abc");
	bide_stream_close(stream);
}

/* A user source: the read is pending until the test completes it. */
static bide_user_source pending_read;

static bide_value_task source_read(void *object, void *to, size_t size_bytes)
{
	assert_true(size_bytes > 2);
	memcpy(to, "x\n", 2);
	bide_user_source_init(object, NULL);
	return bide_user_source_value_task(object);
}

static const bide_stream_type source_type = { .name = "source", .read = source_read };

TEST(a_pending_read_of_a_stream_of_ones_own)
{
	bide_stream *stream = bide_stream_create(&source_type, &pending_read);
	bide_text_task line = bide_stream_read_line(stream);

	assert_pending(line.untyped);
	expect_misuse();
	assert_int_equal(error_of_text(bide_stream_peek(stream, 1)), EBUSY);
	assert_int_equal(misuse_count, 1);
	bide_user_source_complete_int(&pending_read, 2);
	assert_string_equal(text_of(line), "x");
	/* A close waits for what is pending. */
	line = bide_stream_read_line(stream);
	bide_stream_close(stream);
	settle_workers();
	bide_user_source_complete_int(&pending_read, 2);
	(void)error_of_text(line);
}
