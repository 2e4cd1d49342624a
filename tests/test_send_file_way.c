/*
 * Copies of a file to a socket: what is sent by sendfile, and what is read. A filter has a call
 * fail, so that a test knows whether it was made.
 */
/* threads */
#define _GNU_SOURCE
#include "support/filter.h"
#include "support/send_file_support.h"

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
