/*
 * Files: misuse and its places, the child of a fork, every allocation that fails, and how much is
 * allocated.
 */
/* threads */
#define _GNU_SOURCE
#include <sys/wait.h>

#include "support/file_support.h"
#include "support/limits_of_tools.h"

static char room[64];

TEST(arguments_that_are_wrong)
{
	bide_file *f = open_it(make_file("a", "0123"), O_RDWR);
	struct iovec part = { NULL, 1 };
	int fd;

	expect_misuse();
	MISUSE(error_of(bide_file_open(NULL, 0, 0).untyped), "bide_file_open", "path is NULL");
	MISUSE((void)!bide_file_take_fd(NULL, 0), "bide_file_take_fd", "file is NULL");
	MISUSE(error_of(bide_file_read_at(NULL, room, 1, 0)), "bide_file_read_at", "NULL");
	MISUSE(error_of(bide_file_read_at(f, NULL, 1, 0)), "bide_file_read_at", "the memory is NULL");
	MISUSE(error_of(bide_file_read_at(f, room, 1, -1)), "bide_file_read_at", "the offset is -1");
	MISUSE(error_of(bide_file_read_at(f, room, SIZE_MAX, 0)), "bide_file_read_at", "INT64_MAX");
	MISUSE(error_of(bide_file_write_at(f, room, 1, INT64_MIN)), "bide_file_write_at", "offset");
	MISUSE(error_of(bide_file_read_vector_at(f, NULL, 1, 0)), "bide_file_read_vector_at",
	       "parts is NULL");
	MISUSE(error_of(bide_file_write_vector_at(f, &part, 1, 0)), "bide_file_write_vector_at",
	       "a part is NULL");
	MISUSE(error_of(bide_file_resize(f, -1)), "bide_file_resize", "size_bytes is -1");
	MISUSE(error_of(bide_file_stat(f, NULL)), "bide_file_stat", "status is NULL");
	MISUSE(error_of(bide_file_sync(NULL)), "bide_file_sync", "NULL");
	MISUSE((void)!bide_file_fd(NULL, &fd), "bide_file_fd", "NULL");
	assert_int_equal(fd, -1);
	assert_int_equal(error_of(bide_file_read_at(f, room, 4, 0)), 0);
	bide_file_close(f);
}

TEST(a_closed_file_is_refused)
{
	bide_file *f = open_it(make_file("a", "0123"), O_RDONLY);
	int fd;

	bide_file_close(f);
	expect_misuse();
	MISUSE(assert_int_equal(error_of(bide_file_read_at(f, room, 1, 0)), EBADF), "bide_file_read_at",
	       "it is closed, by bide_file_close");
	MISUSE(assert_int_equal(error_of(bide_file_write_at(f, room, 1, 0)), EBADF),
	       "bide_file_write_at", "it is closed");
	MISUSE(assert_int_equal(error_of(bide_file_size(f)), EBADF), "bide_file_size", "it is closed");
	MISUSE(assert_int_equal(bide_file_fd(f, &fd), EBADF), "bide_file_fd", "it is closed");
	MISUSE(bide_file_close(f), "bide_file_close", "it is closed");
}

TEST(in_debug_mode_the_message_says_where_it_was_closed)
{
	char place[256];
	bide_file *f;
	int line;

	setenv("BIDE_DEBUG", "1", 1);
	f = open_it(make_file("a", "0123"), O_RDONLY);
	line = __LINE__ + 1;
	bide_file_close(f);
	snprintf(place, sizeof place, "by bide_file_close at %s:%d in %s", __FILE__, line, __func__);
	expect_misuse();
	MISUSE(error_of(bide_file_read_at(f, room, 1, 0)), "bide_file_read_at", place);
}

TEST(a_file_of_before_a_shutdown_is_refused_and_may_be_closed)
{
	bide_file *f = open_it(make_file("a", "0123"), O_RDONLY);
	size_t before = descriptor_count();

	assert_int_equal(shut_down(), 0);
	expect_misuse();
	MISUSE(error_of(bide_file_read_at(f, room, 1, 0)), "bide_file_read_at", "of before");
	bide_file_close(f);
	assert_int_equal(misuse_count, 1);
	assert_int_equal(bide_drain(BIDE_FOREVER), 0); /* it is closed on another thread */
	assert_true(descriptor_count() < before);
}

TEST(a_child_of_fork_opens_its_own_files)
{
	bide_file *f;
	int status;
	pid_t child;

	FORKS_WITH_THREADS();
	CHILD_STARTS_THREADS();
	NOT_SEEDED("it is about the child of a process with threads");
	f = open_it(make_file("a", "0123"), O_RDONLY);
	assert_int_equal(error_of(bide_file_read_at(f, room, 1, 0)), 0);
	child = fork();
	if (child == 0) {
		bide_file *own;
		bide_payload got;

		expect_misuse();
		if (error_of(bide_file_read_at(f, room, 1, 0)) != EBADF || misuse_count != 1 ||
		    !strstr(misuse_text, "of the process that forked this one"))
			_exit(1);
		bide_file_close(f);
		if (bide_value_task_wait(bide_file_open(path_of("a"), O_RDONLY, 0).untyped, &got))
			_exit(2);
		own = got.p;
		if (error_of(bide_file_read_at(own, room, 4, 0)) || memcmp(room, "0123", 4) != 0)
			_exit(3);
		bide_file_close(own);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(result_of(bide_file_read_at(f, room, 4, 0)), 4);
	bide_file_close(f);
}

/* --- memory --- */

static int use_a_file(void)
{
	static const char text[] = "0123";
	bide_payload got = { .p = NULL };
	int error =
		bide_value_task_wait(bide_file_open(path_of("a"), O_RDWR | O_CREAT, 0600).untyped, &got);
	struct stat status;

	if (error)
		return error;
	error = error_of(bide_file_write_at(got.p, text, 4, 0));
	if (!error)
		error = error_of(bide_file_stat(got.p, &status));
	if (!error)
		error = error_of(bide_file_sync_data(got.p));
	if (!error)
		error = error_of(bide_file_read_at(got.p, room, 4, 0));
	bide_file_close(got.p);
	return error;
}

TEST(each_allocation_may_fail)
{
	bool done = false;

	(void)path_of("a");
	limit_objects();
	for (long count = 0; !done; count++) {
		int error;

		allowed_allocations = count;
		error = use_a_file();
		allowed_allocations = -1;
		done = error == 0;
		if (!done)
			assert_int_equal(error, ENOMEM);
		(void)bide_drain(BIDE_FOREVER);
		assert_nothing_in_use();
		assert_true(count < 1000);
	}
}

/* What is queued for a thread takes its memory from pools. */
TEST(in_steady_state_nothing_is_allocated)
{
	uint64_t before = 0;
	const char *pooling = getenv("BIDE_POOL");

	if (pooling && strcmp(pooling, "malloc") == 0)
		SKIP("without the pools each object is an allocation");
	(void)path_of("a");
	for (int i = 0; i < 300; i++) {
		if (i == 200) {
			assert_int_equal(bide_drain(BIDE_FOREVER), 0);
			before = stats().allocation_count;
		}
		assert_int_equal(use_a_file(), 0);
	}
	/* Threads that start late take memory for their pools. An allocation a call would make 500. */
	assert_in_range(stats().allocation_count - before, 0, 100);
}
