/*
 * Whole files: reading all of one, and replacing one in one step. Nothing is left behind: no
 * temporary file, no descriptor, no memory.
 */
/* threads */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "support/file_support.h"
#include "support/filter.h"

static char block[3 << 20];

static bide_file_content *content_of(bide_file_content_task v)
{
	bide_payload got = { .p = NULL };

	assert_int_equal(bide_value_task_wait(v.untyped, &got), 0);
	assert_non_null(got.p);
	return got.p;
}

static void assert_content(const char *path, size_t max_bytes, const char *text, size_t size_bytes)
{
	bide_file_content *c = content_of(bide_file_read_all(path, max_bytes));

	assert_int_equal(c->size_bytes, size_bytes);
	assert_memory_equal(c->bytes, text, size_bytes);
	assert_int_equal(c->bytes[size_bytes], 0);
	bide_file_content_free(c);
}

/* The folder has this many names. */
static void assert_names(size_t count)
{
	DIR *names = opendir(folder);
	size_t seen = 0;

	assert_non_null(names);
	while (readdir(names))
		seen++;
	closedir(names);
	assert_int_equal(seen, count + 2);
}

static int replace(const char *path, const char *text, const bide_file_replace_options *options)
{
	return error_of(bide_file_replace(path, text, strlen(text), options));
}

/* --- reading --- */

TEST(a_file_is_read_to_its_end)
{
	static const size_t sizes[] = { 0, 1, 4094, 4095, 4096, 100000, sizeof block };

	for (size_t i = 0; i < sizeof block; i++)
		block[i] = (char)(i * 7);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		int fd = open(path_of("a"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

		assert_int_equal(write(fd, block, sizes[i]), (ssize_t)sizes[i]);
		close(fd);
		assert_content(path_of("a"), 0, block, sizes[i]);
	}
}

TEST(a_file_that_does_not_know_its_size)
{
	bide_file_content *c = content_of(bide_file_read_all("/proc/self/maps", 0));

	assert_true(c->size_bytes > 0);
	assert_int_equal(strlen(c->bytes), c->size_bytes);
	assert_non_null(strstr(c->bytes, "\n"));
	bide_file_content_free(c);
	assert_content("/dev/null", 1, "", 0);
	assert_int_equal(error_of(bide_file_read_all("/dev/zero", 100000).untyped), EMSGSIZE);
}

TEST(the_limit_is_the_last_size_that_fits)
{
	make_file("a", "0123456789");
	assert_content(path_of("a"), 10, "0123456789", 10);
	assert_int_equal(error_of(bide_file_read_all(path_of("a"), 9).untyped), EMSGSIZE);
	assert_int_equal(truncate(path_of("a"), 16 << 20), 0);
	bide_file_content_free(content_of(bide_file_read_all(path_of("a"), 0)));
	assert_int_equal(truncate(path_of("a"), (16 << 20) + 1), 0);
	assert_int_equal(error_of(bide_file_read_all(path_of("a"), 0).untyped), EMSGSIZE);
}

TEST(errors_of_reading)
{
	assert_int_equal(error_of(bide_file_read_all(path_of("none"), 0).untyped), ENOENT);
	assert_int_equal(error_of(bide_file_read_all(folder, 0).untyped), EISDIR);
	bide_file_content_free(NULL);
}

TEST(a_content_that_nobody_takes_is_freed)
{
	make_file("a", "text");
	for (int i = 0; i < 20; i++)
		bide_value_task_forget(bide_file_read_all(path_of("a"), 0).untyped);
}

static void *write_for_ever(void *fd)
{
	char bytes[4096] = "";

	while (write(*(int *)fd, bytes, sizeof bytes) > 0)
		;
	return NULL;
}

/* From a pipe that never ends. */
TEST(a_cancellation_ends_a_read_that_runs)
{
	bide_context *scope = bide_context_create(NULL);
	bide_value_task v;
	pthread_t writer;
	int fd;

	NOT_SEEDED("a simulation has no other thread");
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	v = bide_in_context(scope, bide_file_read_all(path_of("fifo"), SIZE_MAX / 4).untyped);
	fd = open(path_of("fifo"), O_WRONLY | O_CLOEXEC);
	assert_int_equal(pthread_create(&writer, NULL, write_for_ever, &fd), 0);
	assert_true(bide_context_cancel(scope, ECANCELED));
	assert_int_equal(error_of(v), ECANCELED);
	pthread_join(writer, NULL);
	close(fd);
	bide_context_unref(scope);
}

/* --- replacing --- */

TEST(a_file_is_made_and_replaced)
{
	struct stat status;
	mode_t mask = umask(027);

	assert_int_equal(replace(path_of("a"), "one", NULL), 0);
	assert_file(path_of("a"), "one");
	assert_int_equal(stat(path_of("a"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	assert_int_equal(chmod(path_of("a"), 0604), 0);
	assert_int_equal(replace(path_of("a"), "two", NULL), 0); /* it keeps the mode */
	assert_file(path_of("a"), "two");
	assert_int_equal(stat(path_of("a"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0604);
	/* It is not the content that was to run as its owner. */
	assert_int_equal(chmod(path_of("a"), 07605), 0);
	assert_int_equal(replace(path_of("a"), "two", NULL), 0);
	assert_int_equal(stat(path_of("a"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0605);
	assert_int_equal(replace(path_of("a"), "two", &(bide_file_replace_options){ .mode = 04700 }),
	                 0);
	assert_int_equal(stat(path_of("a"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 04700);
	assert_int_equal(replace(path_of("a"), "", &(bide_file_replace_options){ .mode = 0600 }), 0);
	assert_file(path_of("a"), "");
	assert_int_equal(stat(path_of("a"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(error_of(bide_file_replace(path_of("a"), block, sizeof block,
	                                            &(bide_file_replace_options){ .no_sync = true })),
	                 0);
	assert_content(path_of("a"), 0, block, sizeof block);
	assert_names(1);
	(void)umask(mask);
}

/* The permissions with which the temporary file is made are those that it has if it keeps them. */
TEST(a_replacement_can_be_read_by_no_one_else_before_it_is_filled)
{
	mode_t mask = umask(0);
	struct stat status;

	make_file("a", "old");
	assert_int_equal(chmod(path_of("a"), 0600), 0);
	deny_call(SYS_fchmod, 0);
	assert_int_equal(replace(path_of("a"), "new", NULL), 0);
	assert_int_equal(stat(path_of("a"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(replace(path_of("b"), "new", &(bide_file_replace_options){ .mode = 0640 }), 0);
	assert_int_equal(stat(path_of("b"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	(void)umask(mask);
}

TEST(a_path_without_a_directory_is_one_of_the_working_directory)
{
	(void)path_of("a");
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(replace("a", "text", NULL), 0);
	assert_file("a", "text");
	assert_names(1);
	assert_int_equal(chdir("/"), 0);
}

TEST(a_symbolic_link_is_replaced_itself)
{
	struct stat status;

	make_file("a", "old");
	assert_int_equal(symlink("a", path_of("b")), 0);
	assert_int_equal(replace(path_of("b"), "new", NULL), 0);
	assert_file(path_of("a"), "old");
	assert_file(path_of("b"), "new");
	assert_int_equal(lstat(path_of("b"), &status), 0);
	assert_true(S_ISREG(status.st_mode));
}

TEST(what_is_no_file_is_not_replaced)
{
	struct stat status;

	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	assert_int_equal(symlink("fifo", path_of("link")), 0);
	assert_int_equal(symlink("none", path_of("to_none")), 0);
	assert_int_equal(replace(path_of("fifo"), "x", NULL), EINVAL);
	assert_int_equal(replace(path_of("link"), "x", &(bide_file_replace_options){ .mode = 0600 }),
	                 EINVAL);
	assert_int_equal(lstat(path_of("fifo"), &status), 0);
	assert_true(S_ISFIFO(status.st_mode));
	assert_int_equal(lstat(path_of("link"), &status), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_int_equal(replace(path_of("to_none"), "x", NULL), 0);
	assert_file(path_of("to_none"), "x");
	assert_names(3);
}

TEST(a_replacement_that_fails_leaves_the_old_file_and_nothing_else)
{
	struct rlimit limit, small;

	NOT_SEEDED("the limit holds for the process");
	make_file("a", "old");
	assert_int_equal(mkdir(path_of("d"), 0700), 0);
	assert_int_equal(replace(path_of("d"), "x", NULL), EISDIR);
	assert_int_equal(replace(path_of("none/a"), "x", NULL), ENOENT);
	assert_int_equal(replace(path_of("a/b"), "x", NULL), ENOTDIR);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = limit;
	small.rlim_cur = sizeof block / 2;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(error_of(bide_file_replace(path_of("a"), block, sizeof block, NULL)), EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_file(path_of("a"), "old");
	assert_names(2);
}

static void *cancel_it(void *context)
{
	(void)bide_context_cancel(context, ECANCELED);
	return NULL;
}

/* Whatever the moment is. */
TEST(a_replacement_that_is_canceled_leaves_one_of_the_two)
{
	make_file("a", "old");
	for (int i = 0; test_round(i, 50); i++) {
		bide_context *scope = bide_context_create(NULL);
		bide_value_task v =
			bide_in_context(scope,
		                    bide_file_replace(path_of("a"), block, sizeof block,
		                                      &(bide_file_replace_options){ .no_sync = i % 4 }));
		struct stat status;
		pthread_t thread;
		int error;

		assert_int_equal(pthread_create(&thread, NULL, cancel_it, scope), 0);
		error = error_of(v);
		pthread_join(thread, NULL);
		assert_int_equal(stat(path_of("a"), &status), 0);
		assert_true(error == 0 || error == ECANCELED);
		assert_int_equal(status.st_size, error ? 3 : (off_t)sizeof block);
		assert_names(1);
		make_file("a", "old");
		bide_context_unref(scope);
	}
}

static void *read_it(void *path)
{
	for (int i = 0; i < 300; i++) {
		char got[64];
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		assert_true(fd >= 0);
		assert_int_equal(read(fd, got, sizeof got), 20);
		for (int at = 1; at < 20; at++)
			assert_int_equal(got[at], got[0]);
		close(fd);
	}
	return NULL;
}

TEST(a_reader_finds_a_whole_file)
{
	char text[21], path[512];
	pthread_t reader;

	memset(text, 'a', 20);
	text[20] = '\0';
	strcpy(path, make_file("a", text));
	assert_int_equal(pthread_create(&reader, NULL, read_it, path), 0);
	for (int i = 0; i < 100; i++) {
		memset(text, 'a' + i % 26, 20);
		assert_int_equal(replace(path_of("a"), text,
		                         &(bide_file_replace_options){ .no_sync = true }),
		                 0);
	}
	pthread_join(reader, NULL);
}

TEST(misuse)
{
	bide_file_content *c;

	make_file("a", "x");
	expect_misuse();
	MISUSE(assert_int_equal(error_of(bide_file_read_all(NULL, 0).untyped), EINVAL),
	       "bide_file_read_all", "path is NULL");
	MISUSE(assert_int_equal(error_of(bide_file_replace(NULL, "", 0, NULL)), EINVAL),
	       "bide_file_replace", "path is NULL");
	MISUSE(assert_int_equal(error_of(bide_file_replace("x", NULL, 1, NULL)), EINVAL),
	       "bide_file_replace", "from is NULL");
	MISUSE(assert_int_equal(error_of(bide_file_replace("x", "", (size_t)INT64_MAX + 1, NULL)),
	                        EINVAL),
	       "bide_file_replace", "size_bytes is above INT64_MAX");
	MISUSE(assert_int_equal(error_of(bide_file_replace(
								"x", "", 0, &(bide_file_replace_options){ .mode = 010000 })),
	                        EINVAL),
	       "bide_file_replace", "0 to 07777 are allowed");
	c = content_of(bide_file_read_all(path_of("a"), 0));
	bide_file_content_free(c);
	MISUSE(bide_file_content_free(c), "bide_file_content_free", "is freed already");
}

static int use_both(void)
{
	bide_payload got = { .p = NULL };
	int error = replace(path_of("a"), "text", NULL);

	if (!error)
		error = bide_value_task_wait(bide_file_read_all(path_of("a"), 0).untyped, &got);
	bide_file_content_free(got.p);
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
		error = use_both();
		allowed_allocations = -1;
		done = error == 0;
		if (!done)
			assert_true(error == ENOMEM || error == EAGAIN);
		(void)bide_drain(BIDE_FOREVER);
		assert_nothing_in_use();
		assert_true(count < 1000);
	}
}
