/*
 * Files: what is read and written at which offset, and what the errors are.
 */
/* threads */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/resource.h>

#include "support/file_support.h"
#include "support/limits_of_tools.h"

static char room[600 * 1024];

TEST(a_read_returns_what_is_at_the_offset)
{
	bide_file *f = open_it(make_file("a", "0123456789"), O_RDONLY);

	assert_int_equal(result_of(bide_file_read_at(f, room, 4, 0)), 4);
	assert_memory_equal(room, "0123", 4);
	assert_int_equal(result_of(bide_file_read_at(f, room, 4, 5)), 4);
	assert_memory_equal(room, "5678", 4);
	bide_file_close(f);
}

TEST(a_read_is_short_only_at_the_end)
{
	bide_file *f = open_it(make_file("a", "0123456789"), O_RDONLY);

	assert_int_equal(result_of(bide_file_read_at(f, room, 100, 7)), 3);
	assert_memory_equal(room, "789", 3);
	assert_int_equal(result_of(bide_file_read_at(f, room, 100, 10)), 0);
	assert_int_equal(result_of(bide_file_read_at(f, room, 100, 1000000)), 0);
	assert_int_equal(result_of(bide_file_read_at(f, room, 100, (int64_t)1 << 40)), 0);
	bide_file_close(f);
}

/* Returns how many of 1,000 reads went to a thread, and how much was allocated. */
static uint64_t cost_of_reads(bide_file *f)
{
	uint64_t before = stats().allocation_count;
	bide_io_stats first, last;

	assert_int_equal(bide_io_stats_get(&first), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(result_of(bide_file_read_at(f, room, 20, 0)), 10); /* also at the end */
	assert_int_equal(bide_io_stats_get(&last), 0);
	assert_int_equal(last.at_once_count - first.at_once_count + last.waited_count -
	                     first.waited_count,
	                 1000);
	return last.waited_count - first.waited_count + stats().allocation_count - before;
}

TEST(what_is_in_memory_is_read_at_once_and_allocates_nothing)
{
	const char *path = make_file("a", "0123456789");
	unsigned rounds = 1;
	bide_file *f;

	NOT_SEEDED("a simulation draws a time for each operation");
	if (!reads_without_wait(path))
		SKIP("the system cannot tell whether a read would wait");
	f = open_it(path, O_RDONLY);
	/* A busy machine may drop what it has in memory, now and then. Then a thread reads it. */
	while (cost_of_reads(f) > 0)
		assert_true(++rounds <= 100);
	bide_file_close(f);
}

TEST(a_write_writes_all_of_it_at_the_offset)
{
	const char *path = make_file("a", "0123456789");
	bide_file *f = open_it(path, O_RDWR);

	assert_int_equal(result_of(bide_file_write_at(f, "abc", 3, 4)), 3);
	assert_file(path, "0123abc789");
	assert_int_equal(result_of(bide_file_write_at(f, "xyz", 3, 9)), 3);
	assert_file(path, "0123abc78xyz");
	assert_int_equal(result_of(bide_file_size(f)), 12);
	bide_file_close(f);
}

TEST(parts_are_filled_and_written_in_order)
{
	const char *path = path_of("a");
	bide_file *f = open_it(path, O_RDWR | O_CREAT | O_EXCL);
	struct iovec parts[40], some[3] = { { "ab", 2 }, { NULL, 0 }, { "cdefg", 5 } };

	assert_int_equal(result_of(bide_file_write_vector_at(f, some, 3, 0)), 7);
	assert_file(path, "abcdefg");
	for (int i = 0; i < 40; i++)
		parts[i] = (struct iovec){ room + 100 - 2 * i, 1 };
	assert_int_equal(result_of(bide_file_write_vector_at(f, parts, 40, 0)), 40);
	for (int i = 0; i < 40; i++)
		parts[i].iov_base = room + 1000 + i;
	memset(room + 1000, 'x', 50);
	memset(room, 0, 200);
	assert_int_equal(result_of(bide_file_read_vector_at(f, parts, 40, 0)), 40);
	assert_memory_equal(room + 1000, room, 40);
	assert_int_equal(room[1040], 'x');
	assert_int_equal(result_of(bide_file_read_vector_at(f, parts, 40, 30)), 10);
	assert_int_equal(result_of(bide_file_read_vector_at(f, parts, 0, 0)), 0);
	assert_int_equal(result_of(bide_file_read_vector_at(f, NULL, 0, 0)), 0);
	bide_file_close(f);
}

/* More than is tried at once, so that the end of it comes from a thread. */
TEST(large_transfers_are_whole)
{
	bide_file *f = open_it(path_of("a"), O_RDWR | O_CREAT | O_EXCL);
	struct iovec parts[3] = { { room, 300000 }, { room + 400000, 7 }, { room + 300000, 100000 } };

	for (size_t i = 0; i < sizeof room; i++)
		room[i] = (char)(i * 7 + i / 251);
	assert_int_equal(result_of(bide_file_write_at(f, room, sizeof room, 3)), sizeof room);
	assert_int_equal(result_of(bide_file_size(f)), sizeof room + 3);
	memset(room, 0, sizeof room);
	assert_int_equal(result_of(bide_file_read_at(f, room, sizeof room, 3)), sizeof room);
	for (size_t i = 0; i < sizeof room; i++)
		if (room[i] != (char)(i * 7 + i / 251))
			fail();
	assert_int_equal(result_of(bide_file_write_vector_at(f, parts, 3, 0)), 400007);
	memset(room, 0, sizeof room);
	assert_int_equal(result_of(bide_file_read_vector_at(f, parts, 3, 0)), 400007);
	for (size_t i = 0; i < 400007; i++)
		if (room[i] != (char)(i * 7 + i / 251))
			fail();
	assert_int_equal(result_of(bide_file_read_at(f, room, sizeof room, 300000)),
	                 sizeof room - 300000 + 3);
	bide_file_close(f);
}

TEST(offsets_beyond_32_bits)
{
	bide_file *f = open_it(path_of("sparse"), O_RDWR | O_CREAT | O_EXCL);
	int64_t at = ((int64_t)1 << 33) + 5;

	assert_int_equal(result_of(bide_file_write_at(f, "far", 3, at)), 3);
	assert_int_equal(result_of(bide_file_size(f)), at + 3);
	assert_int_equal(result_of(bide_file_read_at(f, room, 10, at - 2)), 5);
	assert_memory_equal(room, "\0\0far", 5);
	assert_int_equal(result_of(bide_file_read_at(f, room, 10, at & 0xffffffff)), 10);
	assert_memory_equal(room, "\0\0\0\0\0\0\0\0\0\0", 10);
	bide_file_close(f);
}

TEST(with_append_the_offset_does_not_count)
{
	const char *path = make_file("a", "0123");
	bide_file *f = open_it(path, O_WRONLY | O_APPEND);

	assert_int_equal(result_of(bide_file_write_at(f, "45", 2, 0)), 2);
	assert_int_equal(result_of(bide_file_write_at(f, "67", 2, 1)), 2);
	assert_file(path, "01234567");
	bide_file_close(f);
}

TEST(zero_bytes_are_ready)
{
	bide_file *f = open_it(make_file("a", "0123"), O_RDONLY);

	assert_int_equal(result_of(bide_file_read_at(f, NULL, 0, 0)), 0);
	assert_int_equal(result_of(bide_file_write_at(f, NULL, 0, 0)), 0); /* as write(2): no error */
	bide_file_close(f);
}

TEST(size_resize_stat_and_sync)
{
	const char *path = make_file("a", "0123456789");
	bide_file *f = open_it(path, O_RDWR);
	struct stat status;

	for (int i = 0; i < 2; i++) { /* before it is known that the file is local, and afterwards */
		assert_int_equal(result_of(bide_file_size(f)), 10);
		assert_int_equal(result_of(bide_file_stat(f, &status)), 0);
		assert_int_equal(status.st_size, 10);
		assert_true(S_ISREG(status.st_mode));
		assert_int_equal(result_of(bide_file_read_at(f, room, 1, 0)), 1);
	}
	assert_int_equal(result_of(bide_file_resize(f, 4)), 0);
	assert_file(path, "0123");
	assert_int_equal(result_of(bide_file_resize(f, 6)), 0);
	assert_int_equal(result_of(bide_file_read_at(f, room, 10, 0)), 6);
	assert_memory_equal(room, "0123\0\0", 6);
	assert_int_equal(result_of(bide_file_sync(f)), 0);
	assert_int_equal(result_of(bide_file_sync_data(f)), 0);
	bide_file_close(f);
}

/* --- errors --- */

static int open_error(const char *path, int flags)
{
	return error_of(bide_file_open(path, flags, 0644).untyped);
}

TEST(errors_of_open)
{
	char *long_path = malloc(5000);

	assert_int_equal(open_error(path_of("none"), O_RDONLY), ENOENT);
	assert_int_equal(open_error("", O_RDONLY), ENOENT);
	assert_int_equal(open_error(folder, O_WRONLY), EISDIR);
	assert_int_equal(open_error(make_file("a", ""), O_WRONLY | O_CREAT | O_EXCL), EEXIST);
	assert_int_equal(open_error(path_of("a/b"), O_RDONLY), ENOTDIR);
	memset(long_path, 'a', 4999);
	long_path[4999] = '\0';
	assert_int_equal(open_error(long_path, O_RDONLY), ENAMETOOLONG);
	free(long_path);
	assert_int_equal(symlink("loop", path_of("loop")), 0);
	assert_int_equal(open_error(path_of("loop"), O_RDONLY), ELOOP);
	assert_int_equal(open_error(path_of("a"), O_RDONLY | O_DIRECTORY), ENOTDIR);
}

TEST(a_file_without_permission_is_refused)
{
	const char *path;

	if (geteuid() == 0)
		SKIP("root may read everything");
	path = make_file("a", "");
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(open_error(path, O_RDONLY), EACCES);
}

TEST(when_descriptors_are_out_the_error_says_so)
{
	const char *path = make_file("a", "x");
	struct rlimit limit, before;
	bide_file *f;
	int fd;

	f = open_it(path, O_RDONLY); /* all that the library opens itself is there */
	bide_file_close(f);
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	limit.rlim_cur = (rlim_t)fd;
	close(fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(open_error(path, O_RDONLY), EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	f = open_it(path, O_RDONLY);
	bide_file_close(f);
}

TEST(errors_of_reading_and_writing)
{
	bide_file *f = open_it(make_file("a", "0123"), O_RDONLY);
	int fd[2];

	assert_int_equal(error_of(bide_file_write_at(f, "x", 1, 0)), EBADF);
	assert_int_equal(error_of(bide_file_resize(f, 0)), EINVAL);
	bide_file_close(f);
	f = open_it(path_of("a"), O_WRONLY);
	assert_int_equal(error_of(bide_file_read_at(f, room, 1, 0)), EBADF);
	bide_file_close(f);
	f = open_it(folder, O_RDONLY | O_DIRECTORY);
	assert_int_equal(error_of(bide_file_read_at(f, room, 1, 0)), EISDIR);
	bide_file_close(f);
	f = open_it("/dev/full", O_WRONLY);
	assert_int_equal(error_of(bide_file_write_at(f, "x", 1, 0)), ENOSPC);
	bide_file_close(f);
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(bide_file_take_fd(&f, fd[0]), 0);
	assert_int_equal(fcntl(fd[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(error_of(bide_file_read_at(f, room, 1, 0)), ESPIPE);
	bide_file_close(f);
	close(fd[1]);
}

TEST(a_file_over_the_limit_of_the_process_is_refused)
{
	bide_file *f = open_it(path_of("a"), O_RDWR | O_CREAT);
	struct rlimit limit = { 100, 100 };

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(error_of(bide_file_write_at(f, "x", 1, 100)), EFBIG);
	assert_int_equal(error_of(bide_file_write_at(f, room, 200, 0)), EFBIG);
	assert_int_equal(error_of(bide_file_resize(f, 101)), EFBIG);
	bide_file_close(f);
}

/* --- files that cannot tell whether a read would wait --- */

TEST(files_of_procfs_are_read_on_a_thread)
{
	bide_file *f = open_it("/proc/self/status", O_RDONLY);
	int64_t size = result_of(bide_file_read_at(f, room, sizeof room - 1, 0));

	assert_true(size > 0);
	room[size] = '\0';
	assert_non_null(strstr(room, "Pid:"));
	assert_int_equal(result_of(bide_file_read_at(f, room, 1, 1000000)), 0);
	bide_file_close(f);
}

TEST(a_fifo_that_is_opened_by_its_path_keeps_no_worker)
{
	const char *path = path_of("fifo");
	bide_value_task waits;
	bide_file *writer, *reader;

	NOT_SEEDED("a simulation has no other thread");
	assert_int_equal(mkfifo(path, 0600), 0);
	waits = bide_file_open(path, O_RDONLY, 0).untyped;
	for (int i = 0; i < 10; i++)
		assert_int_equal(error_of(bide_delay_ms(1)), 0);
	assert_pending(waits);
	writer = open_it(path, O_WRONLY);
	reader = opened((bide_file_task){ .untyped = waits });
	assert_int_equal(error_of(bide_file_read_at(reader, room, 1, 0)), ESPIPE);
	bide_file_close(reader);
	bide_file_close(writer);
}

/* --- descriptors --- */

TEST(a_file_has_its_descriptor)
{
	bide_file *f = open_it(make_file("a", "0123"), O_RDONLY);
	int fd = -1;

	assert_int_equal(bide_file_fd(f, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(lseek(fd, 0, SEEK_END), 4);
	bide_file_close(f);
	bide_file_close(NULL);
	assert_int_equal(bide_file_take_fd(&f, 12345), EBADF);
	assert_null(f);
}
