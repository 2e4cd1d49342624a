/*
 * Copies of a file to a socket, which send what is in memory by sendfile, and read the rest. Where
 * a test needs that sendfile is called, or not called, a filter has the call fail.
 */
/* threads */
#define _GNU_SOURCE
#include "support/file_support.h"
#include "support/filter.h"

enum { SIZE = 700001 };

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

static char content[SIZE + 1000], got[SIZE + 1000];

/* Makes the file "a" of `size` bytes of the content. */
static const char *make_content(size_t size)
{
	int fd = open(path_of("a"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (char)(i * 7 + i / 251);
	assert_int_equal(write(fd, content, size), (ssize_t)size);
	close(fd);
	return path_of("a");
}

static bide_stream *file_stream(const char *path, int flags, int64_t offset)
{
	bide_stream *s = NULL;

	assert_int_equal(bide_stream_take_file(&s, open_it(path, flags), offset), 0);
	return s;
}

/* A socket that takes little at a time. */
static bide_stream *small_socket(bool is_tcp, int *peer)
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

static void receive(int fd, char *to, size_t size_bytes)
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

static void drop(int fd, size_t size_bytes)
{
	for (size_t now; size_bytes > 0; size_bytes -= now) {
		now = size_bytes < sizeof got ? size_bytes : sizeof got;
		receive(fd, got, now);
	}
}

static void expect_content(int fd, size_t from, size_t size_bytes)
{
	receive(fd, got, size_bytes);
	assert_memory_equal(got, content + from, size_bytes);
}

static void close_stream_and_peer(bide_stream *stream, int peer)
{
	bide_stream_close(stream);
	close(peer);
}

static void expect_nothing(int fd)
{
	char byte;

	settle(0);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

/* Skips the test if this system cannot tell what of the file is in memory. */
static void needs_sendfile(const char *path)
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
	assert_int_equal(result_of(v), SIZE);
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

/* --- which way it goes --- */

/* Copies with the filter of the caller. Returns the error. */
static int copy_below_a_filter(int flags, size_t size, bool is_tcp)
{
	bide_stream *from = file_stream(make_content(size), flags, 0);
	bide_value_task v;
	bide_stream *to;
	int peer, error;

	NEEDS_IO();
	to = small_socket(is_tcp, &peer);
	v = bide_stream_copy(from, to, SIZE_MAX);
	for (size_t done = 0; done < size && !bide_value_task_is_ready(v);) {
		ssize_t now = recv(peer, got + done, size - done, MSG_DONTWAIT);

		if (now > 0)
			done += (size_t)now;
		else
			settle(0);
		if (done == size)
			assert_memory_equal(got, content, size);
	}
	error = error_of(v);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
	return error;
}

TEST(what_is_in_memory_is_sent)
{
	needs_sendfile(make_content(SIZE));
	deny_call(SYS_sendfile, EIO);
	assert_int_equal(copy_below_a_filter(O_RDONLY, SIZE, true), EIO);
	assert_int_equal(copy_below_a_filter(O_RDONLY, SIZE, false), EIO);
}

/* A descriptor that is written, too, and a small file. */
TEST(some_files_are_read)
{
	deny_call(SYS_sendfile, EIO);
	assert_int_equal(copy_below_a_filter(O_RDWR, SIZE, true), 0);
	assert_int_equal(copy_below_a_filter(O_RDONLY, 65535, true), 0);
}

TEST(what_is_not_in_memory_is_read)
{
	deny_call(SYS_sendfile, EIO);
	deny_call(SYS_preadv2, EAGAIN);
	assert_int_equal(copy_below_a_filter(O_RDONLY, SIZE, true), 0);
}

TEST(a_file_that_cannot_tell_is_read)
{
	deny_call(SYS_sendfile, EIO);
	deny_call(SYS_preadv2, EOPNOTSUPP);
	assert_int_equal(copy_below_a_filter(O_RDONLY, SIZE, true), 0);
}

TEST(a_system_without_cachestat_reads)
{
	deny_call(SYS_sendfile, EIO);
	deny_call(SYS_cachestat, ENOSYS);
	assert_int_equal(copy_below_a_filter(O_RDONLY, SIZE, true), 0);
}

TEST(a_file_of_another_user_is_read)
{
	deny_call(SYS_sendfile, EIO);
	deny_call(SYS_cachestat, EPERM);
	assert_int_equal(copy_below_a_filter(O_RDONLY, SIZE, true), 0);
}

TEST(a_system_that_refuses_sendfile_reads)
{
	static const int errors[] = { EINVAL, ENOSYS, EPERM, EOPNOTSUPP };

	for (size_t i = 0; i < 4; i++) {
		deny_call(SYS_sendfile, errors[i]);
		assert_int_equal(copy_below_a_filter(O_RDONLY, SIZE, true), 0);
	}
}

TEST(a_copy_to_a_pipe_reads)
{
	bide_stream *from = file_stream(make_content(SIZE), O_RDONLY, 0), *to, *other;
	bide_value_task v, reads;

	NEEDS_IO();
	deny_call(SYS_sendfile, EIO);
	assert_int_equal(bide_stream_pipe(&other, &to), 0);
	v = bide_stream_copy(from, to, SIZE_MAX);
	reads = bide_stream_read_exactly(other, got, SIZE);
	assert_int_equal(result_of(reads), SIZE);
	assert_int_equal(result_of(v), SIZE);
	assert_memory_equal(got, content, SIZE);
	bide_stream_close(from);
	bide_stream_close(to);
	bide_stream_close(other);
}

/* A stream below counts what comes, as a layer would change it. */
static size_t layer_bytes;

static bide_value_task layer_write(void *object, const struct iovec *parts, size_t count)
{
	(void)object;
	(void)count;
	assert_memory_equal(parts->iov_base, content + layer_bytes, parts->iov_len);
	layer_bytes += parts->iov_len;
	return bide_value_task_from_int((int64_t)parts->iov_len);
}

static void layer_close(void *object)
{
	bide_stream_close(*(bide_stream **)object);
}

TEST(a_copy_to_a_layer_reads)
{
	static const bide_stream_type type = { .name = "layer",
		                                   .write = layer_write,
		                                   .close = layer_close };
	bide_stream *from = file_stream(make_content(SIZE), O_RDONLY, 0), *to, *below;
	int peer;

	NEEDS_IO();
	deny_call(SYS_sendfile, EIO);
	to = make_stream(&peer);
	assert_int_equal(error_of(bide_stream_layer(to, &type, &below, &below)), 0);
	assert_int_equal(result_of(bide_stream_copy(from, to, SIZE_MAX)), SIZE);
	assert_int_equal(layer_bytes, SIZE);
	bide_stream_close(from);
	close_stream_and_peer(to, peer);
}

/* --- memory --- */

static int open_and_copy(int *peer)
{
	bide_payload file = { .p = NULL };
	bide_stream *from = NULL, *to = NULL;
	int fd[2], error;

	make_pair(fd);
	*peer = fd[1];
	error = bide_value_task_wait(bide_file_open(path_of("a"), O_RDONLY, 0).untyped, &file);
	if (!error)
		error = bide_stream_take_file(&from, file.p, 0);
	if (error)
		bide_file_close(file.p);
	if (!error)
		error = bide_stream_take_fd(&to, fd[0]);
	if (error || !to)
		close(fd[0]);
	if (!error)
		error = error_of(bide_stream_copy(from, to, SIZE_MAX));
	bide_stream_close(from);
	bide_stream_close(to);
	return error;
}

TEST(each_allocation_may_fail)
{
	enum { COUNT = 70000 };
	bool done = false;
	int peer;

	NEEDS_IO();
	make_content(COUNT);
	limit_objects();
	for (long count = 0; !done; count++) {
		int error;

		allowed_allocations = count;
		error = open_and_copy(&peer);
		allowed_allocations = -1;
		done = error == 0;
		if (!done)
			assert_int_equal(error, ENOMEM);
		close(peer);
		(void)bide_drain(BIDE_FOREVER);
		assert_nothing_in_use();
		assert_true(count < 1000);
	}
}
