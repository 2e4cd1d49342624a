/*
 * Copies of a file to a socket, which send what is in memory by sendfile, and read the rest: what
 * arrives, and how they end.
 */
/* threads */
#define _GNU_SOURCE
#include "support/send_file_support.h"

/* --- what arrives --- */

static void copy_all(bool is_tcp)
{
	bide_stream *from = file_stream(make_content(SIZE), O_RDONLY, 123), *to;
	bide_value_task v;
	int peer;

	NEEDS_IO();
	to = small_socket(is_tcp, &peer);
	v = bide_stream_copy(from, to, SIZE_MAX);
	expect_content(peer, 123, SIZE - 123);
	assert_int_equal(result_of(v), SIZE - 123);
	expect_nothing(peer);
	assert_int_equal(result_of(bide_stream_read(from, got, 1)), 0);
	assert_int_equal(result_of(bide_stream_copy(from, to, SIZE_MAX)), 0);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
}

TEST(a_file_goes_to_a_connection)
{
	copy_all(true);
}

TEST(a_file_goes_to_a_local_socket)
{
	copy_all(false);
}

TEST(the_limit_ends_a_copy_and_the_next_one_goes_on)
{
	static const size_t limits[] = { 1, 65536, 100000, 262145, 0, 200000 };
	bide_stream *from = file_stream(make_content(SIZE), O_RDONLY, 0), *to;
	size_t at = 0;
	int peer;

	NEEDS_IO();
	to = small_socket(true, &peer);
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		bide_value_task v = bide_stream_copy(from, to, limits[i]);

		expect_content(peer, at, limits[i]);
		assert_int_equal(result_of(v), limits[i]);
		at += limits[i];
	}
	expect_nothing(peer);
	assert_int_equal(result_of(bide_stream_read(from, got, 10)), 10);
	assert_memory_equal(got, content + at, 10);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
}

TEST(what_was_put_and_what_was_read_ahead_go_first)
{
	bide_stream *from = file_stream(make_content(SIZE), O_RDONLY, 0), *to;
	bide_value_task v;
	int peer;

	NEEDS_IO();
	to = small_socket(true, &peer);
	assert_int_equal(error_of(bide_stream_peek(from, 1).untyped), 0);
	bide_stream_consume(from, 1);
	assert_int_equal(result_of(bide_stream_print(to, "%s", "head")), 4);
	v = bide_stream_copy(from, to, SIZE_MAX);
	receive(peer, got, 4);
	assert_memory_equal(got, "head", 4);
	expect_content(peer, 1, SIZE - 1);
	assert_int_equal(result_of(v), SIZE - 1);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
}

TEST(two_copies_of_one_file_at_once)
{
	const char *path = make_content(SIZE);
	bide_stream *from[2], *to[2];
	bide_value_task v[2];
	int peer[2];

	NEEDS_IO();
	for (int i = 0; i < 2; i++) {
		from[i] = file_stream(path, O_RDONLY, i);
		to[i] = small_socket(i, &peer[i]);
		v[i] = bide_stream_copy(from[i], to[i], SIZE_MAX);
	}
	for (int i = 0; i < 2; i++) {
		expect_content(peer[i], (size_t)i, (size_t)(SIZE - i));
		assert_int_equal(result_of(v[i]), SIZE - i);
		bide_stream_close(from[i]);
		close_stream_and_peer(to[i], peer[i]);
	}
}

TEST(what_the_program_writes_to_its_file_after_a_copy_is_not_sent)
{
	enum { COUNT = 100000 };
	bide_file *f;
	bide_stream *from, *to;
	int peer, fd;

	NEEDS_IO();
	make_content(COUNT);
	f = open_it(path_of("a"), O_RDWR);
	assert_int_equal(bide_file_fd(f, &fd), 0);
	assert_int_equal(bide_stream_take_file(&from, f, 0), 0);
	to = make_tcp_stream(&peer);
	assert_int_equal(result_of(bide_stream_copy(from, to, SIZE_MAX)), COUNT);
	memset(got, 'x', COUNT);
	assert_int_equal(pwrite(fd, got, COUNT, 0), COUNT);
	expect_content(peer, 0, COUNT);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
}

/* --- a file that changes --- */

TEST(a_file_that_is_cut_short_ends_the_copy)
{
	bide_stream *from = file_stream(make_content(SIZE), O_RDONLY, 0), *to;
	bide_value_task v;
	int64_t count;
	int peer;

	NEEDS_IO();
	to = small_socket(false, &peer);
	v = bide_stream_copy(from, to, SIZE_MAX);
	settle(0);
	assert_pending(v);
	assert_int_equal(truncate(path_of("a"), 1), 0);
	while (!bide_value_task_is_ready(v)) {
		if (recv(peer, got, sizeof got, MSG_DONTWAIT) < 0)
			settle(0);
	}
	count = result_of(v);
	assert_in_range(count, 1, SIZE - 1);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
}

TEST(a_file_that_grows_is_copied_to_its_new_end)
{
	bide_stream *from = file_stream(make_content(SIZE), O_RDONLY, 0), *to;
	bide_value_task v;
	int peer, fd;

	NEEDS_IO();
	to = small_socket(false, &peer);
	v = bide_stream_copy(from, to, SIZE_MAX);
	settle(0);
	assert_pending(v);
	fd = open(path_of("a"), O_WRONLY | O_APPEND | O_CLOEXEC);
	put_bytes(fd, content + SIZE, 1000);
	close(fd);
	expect_content(peer, 0, SIZE + 1000);
	assert_int_equal(result_of(v), SIZE + 1000);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
}

/* --- how a copy ends sooner --- */

/* Starts a copy that waits for a full socket. */
static bide_value_task waiting_copy(bide_stream **from, bide_stream **to, int *peer, size_t *filled,
                                    bide_context *scope)
{
	bide_value_task v;

	NEEDS_IO();
	*from = file_stream(make_content(SIZE), O_RDONLY, 0);
	*to = small_socket(true, peer);
	*filled = fill(*to);
	v = bide_in_context(scope, bide_stream_copy(*from, *to, SIZE_MAX));
	settle(0);
	assert_pending(v);
	return v;
}

TEST(a_canceled_copy_loses_nothing_and_goes_on)
{
	bide_context *scope = bide_context_create(NULL);
	bide_stream *from, *to;
	bide_value_task v;
	size_t filled;
	int peer;

	needs_sendfile(make_content(SIZE));
	v = waiting_copy(&from, &to, &peer, &filled, scope);
	(void)bide_context_cancel(scope, ECANCELED);
	assert_int_equal(error_of(v), ECANCELED);
	bide_context_unref(scope);
	v = bide_with_timeout_ms(1, bide_stream_copy(from, to, SIZE_MAX));
	assert_int_equal(error_of(v), ETIMEDOUT);
	receive(peer, got, 1);
	v = bide_stream_copy(from, to, SIZE_MAX);
	drop(peer, filled - 1);
	expect_content(peer, 0, SIZE);
	/* The copies before may have sent some, where the kernel found room in a full socket. */
	assert_in_range(result_of(v), 1, SIZE);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
}

TEST(a_copy_that_is_canceled_in_the_middle_goes_on_where_it_stopped)
{
	bide_stream *from = file_stream(make_content(SIZE), O_RDONLY, 0), *to;
	bide_context *scope;
	bide_value_task v;
	size_t at = 0;
	int peer, count = 0;

	needs_sendfile(path_of("a"));
	to = small_socket(true, &peer);
	do {
		v = IN_SCOPE(scope, bide_stream_copy(from, to, SIZE_MAX));
		for (size_t end = at + 50000; at < end && at < SIZE;) { /* far less than all */
			ssize_t now =
				recv(peer, got + at, SIZE - at < end - at ? SIZE - at : end - at, MSG_DONTWAIT);

			if (now < 0)
				settle(0);
			else
				at += (size_t)now;
		}
		count++;
	} while (cancel_and_wait(scope, v) != 0);
	receive(peer, got + at, SIZE - at);
	assert_memory_equal(got, content, SIZE);
	assert_true(count > 1);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
}

TEST(a_forgotten_copy_goes_on)
{
	bide_stream *from, *to;
	size_t filled;
	int peer;

	bide_value_task_forget(waiting_copy(&from, &to, &peer, &filled, NULL));
	drop(peer, filled);
	expect_content(peer, 0, SIZE);
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
}

TEST(an_idle_limit_ends_a_copy)
{
	bide_stream *from, *to;
	bide_value_task v;
	size_t filled;
	int peer;

	NEEDS_IO();
	from = file_stream(make_content(SIZE), O_RDONLY, 0);
	to = small_socket(true, &peer);
	filled = fill(to);
	assert_true(filled > 0);
	bide_stream_set_idle(to, BIDE_MS(20));
	v = bide_stream_copy(from, to, SIZE_MAX);
	assert_int_equal(error_of(v), BIDE_EIDLE);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
}

TEST(aborts_of_both_streams_end_a_copy)
{
	bide_stream *from, *to;
	bide_value_task v;
	size_t filled;
	int peer;

	v = waiting_copy(&from, &to, &peer, &filled, NULL);
	bide_stream_abort(from, ENOTCONN); /* the next piece finds it */
	drop(peer, filled);
	while (!bide_value_task_is_ready(v))
		(void)recv(peer, got, sizeof got, MSG_DONTWAIT), settle(0);
	assert_int_equal(error_of(v), ENOTCONN);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
	v = waiting_copy(&from, &to, &peer, &filled, NULL);
	bide_stream_abort(to, ECONNABORTED);
	assert_int_equal(error_of(v), ECONNABORTED);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
}

/* A program must not do that. It is told by EBADF, and no descriptor is used that is closed. */
TEST(closes_of_both_streams_end_a_copy)
{
	bide_stream *from, *to;
	bide_value_task v;
	size_t filled;
	int peer;

	needs_sendfile(make_content(SIZE));
	v = waiting_copy(&from, &to, &peer, &filled, NULL);
	bide_stream_close(to);
	assert_int_equal(error_of(v), EBADF);
	bide_stream_close(from);
	close(peer);
	v = waiting_copy(&from, &to, &peer, &filled, NULL);
	bide_stream_close(from);
	drop(peer, filled);
	while (!bide_value_task_is_ready(v))
		(void)recv(peer, got, sizeof got, MSG_DONTWAIT), settle(0);
	assert_int_equal(error_of(v), EBADF);
	close_stream_and_peer(to, peer);
}

/* Without a signal, on any thread. */
TEST(a_peer_that_goes_away_ends_a_copy)
{
	static const struct linger at_once = { 1, 0 };
	bide_stream *from, *to;
	bide_value_task v;
	size_t filled;
	int peer, error;

	v = waiting_copy(&from, &to, &peer, &filled, NULL);
	assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
	close(peer);
	error = error_of(v);
	assert_true(error == ECONNRESET || error == EPIPE);
	assert_int_equal(error_of(bide_stream_copy(from, to, SIZE_MAX)), error);
	bide_stream_close(to);
	to = make_stream(&peer);
	close(peer);
	assert_int_equal(error_of(bide_stream_copy(from, to, SIZE_MAX)), EPIPE);
	bide_stream_close(to);
	bide_stream_close(from);
}

TEST(another_use_of_the_streams_is_misuse)
{
	bide_context *scope = bide_context_create(NULL);
	bide_stream *from, *to;
	bide_value_task v;
	size_t filled;
	int peer;

	needs_sendfile(make_content(SIZE));
	v = waiting_copy(&from, &to, &peer, &filled, scope);
	expect_misuse();
	MISUSE(assert_int_equal(error_of(bide_stream_read(from, got, 1)), EBUSY), "bide_stream_read",
	       "reads from the same stream");
	misuse_count = 0;
	assert_int_equal(error_of(bide_stream_peek(from, 1).untyped), EBUSY);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "reads from the same stream"));
	misuse_count = 0;
	MISUSE(assert_int_equal(error_of(bide_stream_write(to, got, 1)), EBUSY), "bide_stream_write",
	       "writes to the same stream");
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
}
