/*
 * Streams over files: lines, print and copy work on them.
 */
/* threads */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "support/file_support.h"
#include "support/limits_of_tools.h"

static bide_stream *stream_of(const char *path, int flags, int64_t offset)
{
	bide_stream *s = NULL;

	assert_int_equal(bide_stream_take_file(&s, open_it(path, flags), offset), 0);
	assert_non_null(s);
	return s;
}

static const char *line_of(bide_stream *s)
{
	bide_payload got = { .p = NULL };

	assert_int_equal(bide_value_task_wait(bide_stream_read_line(s).untyped, &got), 0);
	return got.p;
}

TEST(lines_are_read_from_the_offset)
{
	bide_stream *s = stream_of(make_file("a", "first\nsecond\nthird"), O_RDONLY, 6);

	assert_string_equal(line_of(s), "second");
	assert_string_equal(line_of(s), "third");
	assert_null(line_of(s));
	assert_null(line_of(s));
	bide_stream_close(s);
}

TEST(reading_and_writing_have_a_position_each)
{
	const char *path = make_file("a", "0123456789");
	bide_stream *s = stream_of(path, O_RDWR, 2);
	char got[3] = "";

	assert_int_equal(result_of(bide_stream_read(s, got, 2)), 2);
	assert_string_equal(got, "23");
	assert_int_equal(result_of(bide_stream_write(s, "abcd", 4)), 4);
	assert_file(path, "01abcd6789");
	assert_int_equal(error_of(bide_stream_print(s, "%d", 42)), 0);
	assert_int_equal(error_of(bide_stream_flush(s)), 0);
	assert_file(path, "01abcd4289");
	bide_stream_close(s);
}

TEST(appended_text_goes_to_the_end)
{
	const char *path = make_file("a", "0123");
	bide_stream *s = stream_of(path, O_WRONLY | O_APPEND, 0);

	assert_int_equal(error_of(bide_stream_print(s, "%s", "45")), 0);
	assert_int_equal(error_of(bide_stream_flush(s)), 0);
	assert_int_equal(result_of(bide_stream_write(s, "67", 2)), 2);
	assert_file(path, "01234567");
	bide_stream_close(s);
}

TEST(a_file_is_copied_to_another)
{
	enum { SIZE = 300000 };
	static char text[SIZE], got[SIZE];
	bide_stream *from, *to;
	int fd;

	for (int i = 0; i < SIZE; i++)
		text[i] = (char)('a' + i % 26);
	fd = open(path_of("a"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, text, SIZE), SIZE);
	close(fd);
	from = stream_of(path_of("a"), O_RDONLY, 0);
	to = stream_of(path_of("b"), O_WRONLY | O_CREAT, 0);
	assert_int_equal(result_of(bide_stream_copy(from, to, INT64_MAX)), SIZE);
	assert_int_equal(error_of(bide_stream_flush(to)), 0);
	bide_stream_close(from);
	bide_stream_close(to);
	fd = open(path_of("b"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, got, SIZE), SIZE);
	close(fd);
	assert_memory_equal(got, text, SIZE);
}

TEST(errors_come_through)
{
	bide_stream *s = stream_of("/dev/full", O_WRONLY, 0);

	assert_int_equal(error_of(bide_stream_write(s, "x", 1)), ENOSPC);
	bide_stream_close(s);
	s = stream_of(make_file("a", "x"), O_WRONLY, 0);
	assert_int_equal(error_of(bide_stream_read(s, &(char){ 0 }, 1)), EBADF);
	bide_stream_close(s);
}

TEST(a_write_that_fails_when_a_part_has_gone_breaks_its_side)
{
	enum { LIMIT = 100, SIZE = 150 };
	struct rlimit limit = { LIMIT, LIMIT };
	const char *path = path_of("a");
	bide_stream *s = stream_of(path, O_RDWR | O_CREAT, 0);
	char text[SIZE], got[SIZE];

	memset(text, 'x', SIZE);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(error_of(bide_stream_write(s, text, SIZE)), EFBIG);
	assert_int_equal(bide_stream_written(s), LIMIT);
	assert_int_equal(error_of(bide_stream_write(s, "y", 1)), EPIPE);
	assert_int_equal(result_of(bide_stream_read(s, got, SIZE)), LIMIT);
	bide_stream_close(s);
}

TEST(a_canceled_context_is_met)
{
	bide_context *scope = bide_context_create(NULL);
	bide_stream *s = stream_of(make_file("a", "first\nsecond\n"), O_RDONLY, 0);

	(void)bide_context_cancel(scope, ECANCELED);
	assert_int_equal(error_of(bide_in_context(scope, bide_stream_read_line(s).untyped)), ECANCELED);
	assert_string_equal(line_of(s), "first");
	bide_context_unref(scope);
	bide_stream_close(s);
}

TEST(arguments_that_are_wrong)
{
	bide_file *f = open_it(make_file("a", "x"), O_RDONLY);
	bide_stream *s;

	expect_misuse();
	MISUSE((void)!bide_stream_take_file(NULL, f, 0), "bide_stream_take_file", "NULL");
	MISUSE((void)!bide_stream_take_file(&s, NULL, 0), "bide_stream_take_file", "NULL");
	MISUSE((void)!bide_stream_take_file(&s, f, -1), "bide_stream_take_file", "the offset is -1");
	bide_file_close(f);
	MISUSE(assert_int_equal(bide_stream_take_file(&s, f, 0), EBADF), "bide_stream_take_file",
	       "it is closed");
}

/* --- streams of before --- */

/* Its memory stays, so this is done in a process of its own. */
TEST(a_stream_of_before_a_shutdown_closes_its_descriptor)
{
	const char *path = make_file("a", "x");
	int status;
	pid_t pid;

	CHILD_STARTS_THREADS();
	pid = fork();
	if (pid == 0) {
		bide_file *f = open_it(path, O_RDONLY);
		bide_stream *s;
		int fd;

		if (bide_file_fd(f, &fd) || bide_stream_take_file(&s, f, 0) || bide_shutdown(NULL) ||
		    fcntl(fd, F_GETFD) < 0)
			_exit(1);
		bide_stream_close(s);
		(void)bide_drain(BIDE_FOREVER); /* it may be closed on another thread */
		_exit(fcntl(fd, F_GETFD) < 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

TEST(a_child_of_a_fork_closes_the_descriptor_of_a_stream)
{
	bide_file *f = open_it(make_file("a", "x"), O_RDONLY);
	bide_stream *s;
	int fd, status;
	pid_t pid;

	FORKS_WITH_THREADS();
	assert_int_equal(bide_file_fd(f, &fd), 0);
	assert_int_equal(bide_stream_take_file(&s, f, 0), 0);
	pid = fork();
	if (pid == 0) {
		bide_stream_close(s);
		_exit(fcntl(fd, F_GETFD) < 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	bide_stream_close(s);
}
