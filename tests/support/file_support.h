/*
 * file_support.h - shared by the tests of files: a folder for each test, which is removed after it.
 */
#ifndef FILE_SUPPORT_H
#define FILE_SUPPORT_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <bide/bide.h>

#include "io_support.h"

static char folder[64];

/* Removes a tree, as far as it is there. */
BIDE_UNUSED static void remove_tree(const char *path)
{
	DIR *names = opendir(path);
	struct dirent *each;

	while (names && (each = readdir(names)) != NULL) {
		char below[512];

		if (strcmp(each->d_name, ".") == 0 || strcmp(each->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof below, "%s/%s", path, each->d_name);
		if (unlink(below) != 0)
			remove_tree(below);
	}
	if (names)
		closedir(names);
	rmdir(path);
}

/*
 * Returns the path of a name in the test's folder, which it makes first. Four paths last at a time.
 */
BIDE_UNUSED static const char *path_of(const char *name)
{
	static char paths[4][512];
	static unsigned next;
	char *path = paths[next++ % 4];

	if (!*folder) {
		strcpy(folder, "/tmp/bide_test_XXXXXX");
		assert_non_null(mkdtemp(folder));
	}
	snprintf(path, sizeof paths[0], "%s/%s", folder, name);
	return path;
}

/* Makes a file with this text in it. Returns its path. */
BIDE_UNUSED static const char *make_file(const char *name, const char *text)
{
	const char *path = path_of(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

/* Compares a whole file. */
BIDE_UNUSED static void assert_file(const char *path, const char *text)
{
	char got[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size;

	assert_true(fd >= 0);
	size = read(fd, got, sizeof got - 1);
	assert_true(size >= 0);
	got[size] = '\0';
	close(fd);
	assert_string_equal(got, text);
}

/*
 * Returns true if the system can read what is in memory, and tells whether a read would wait. Some
 * file systems cannot, and no program that qemu runs. The readiness of an operation does not tell
 * it: a thread may have ended the operation by then.
 */
BIDE_UNUSED static bool reads_without_wait(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char byte;
	struct iovec part = { &byte, 1 };
	long done;

	assert_true(fd >= 0);
	done = syscall(SYS_preadv2, fd, &part, 1L, 0L, 0L, 8L /* RWF_NOWAIT */);
	if (done < 0 && errno == EAGAIN)
		done = 0;
	close(fd);
	return done >= 0;
}

BIDE_UNUSED static bide_file *opened(bide_file_task v)
{
	bide_payload got = { .p = NULL };

	assert_int_equal(bide_value_task_wait(v.untyped, &got), 0);
	assert_non_null(got.p);
	return got.p;
}

BIDE_UNUSED static bide_file *open_it(const char *path, int flags)
{
	return opened(bide_file_open(path, flags, 0644));
}

/* Waits until `count` descriptors are open: a file may be closed on another thread. */
BIDE_UNUSED static void await_descriptors(size_t count)
{
	while (descriptor_count() != count)
		settle(0);
}

void test_after_each(void)
{
	assert_int_equal(bide_drain(BIDE_FOREVER), 0); /* files that are closed on other threads */
	assert_nothing_in_use();
	if (*folder)
		remove_tree(folder);
}

#endif
