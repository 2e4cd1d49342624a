/*
 * path.c - calls with one or two paths. See bide/path.h.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/misuse.h"
#include "file/call.h"

typedef struct path_call {
	bide_file_call call;
	const char *path, *other; /* behind it; other: or NULL */
	void *to;                 /* of the caller */
	size_t size_bytes;
	unsigned number; /* a mode, or flags */
	bool has_times;
	struct timespec times[2];
	char texts[];
} path_call;

/*
 * Returns a call with copies of the paths, or NULL; then *failed is what the function returns. With
 * a count of 1, `other` is not looked at.
 */
static path_call *prepare(const bide_operation_type *type, unsigned count, const char *path,
                          const char *other, bide_value_task *failed)
{
	size_t path_bytes, other_bytes;
	path_call *c;
	int error;

	if (!path || (count > 1 && !other)) {
		bide_misuse_("%s: the %s path is NULL", type->name, path ? "second" : "first");
		*failed = bide_value_task_from_error(EINVAL);
		return NULL;
	}
	error = bide_file_call_error_();
	path_bytes = strlen(path) + 1;
	other_bytes = count > 1 ? strlen(other) + 1 : 0;
	c = error ? NULL
	          : (path_call *)(void *)bide_file_call_new_(sizeof *c + path_bytes + other_bytes, type,
	                                                     NULL);
	if (!c) {
		*failed = bide_value_task_from_error(error ? error : ENOMEM);
		return NULL;
	}
	c->path = memcpy(c->texts, path, path_bytes);
	if (count > 1)
		c->other = memcpy(c->texts + path_bytes, other, other_bytes);
	return c;
}

static bide_value_task outcome_of(long result)
{
	return bide_file_outcome_(0, result < 0 ? errno : 0);
}

/* other: the second path, with a count of 2. */
static bide_value_task begin_paths(const bide_operation_type *type,
                                   bide_blocking_function *function, unsigned count,
                                   const char *path, const char *other, unsigned number)
{
	bide_value_task failed;
	path_call *c = prepare(type, count, path, other, &failed);

	if (!c)
		return failed;
	c->number = number;
	return bide_file_call_begin_(&c->call, function);
}

static bide_value_task begin(const bide_operation_type *type, bide_blocking_function *function,
                             const char *path, unsigned number)
{
	return begin_paths(type, function, 1, path, NULL, number);
}

static bide_value_task begin_to(const bide_operation_type *type, bide_blocking_function *function,
                                const char *path, void *to, size_t size_bytes)
{
	bide_value_task failed;
	path_call *c;

	if (!to) {
		bide_misuse_("%s: the memory for the result is NULL", type->name);
		return bide_value_task_from_error(EINVAL);
	}
	c = prepare(type, 1, path, NULL, &failed);
	if (!c)
		return failed;
	c->to = to;
	c->size_bytes = size_bytes;
	return bide_file_call_begin_(&c->call, function);
}

/* --- names --- */

static bide_value_task rename_now(void *argument)
{
	const path_call *c = argument;

	return outcome_of(c->number
	                      ? syscall(SYS_renameat2, AT_FDCWD, c->path, AT_FDCWD, c->other, c->number)
	                      : rename(c->path, c->other));
}

bide_value_task bide_path_rename(const char *path, const char *to, unsigned flags)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_path_rename");

	return begin_paths(&type, rename_now, 2, path, to, flags);
}

static bide_value_task unlink_now(void *argument)
{
	return outcome_of(unlink(((path_call *)argument)->path));
}

bide_value_task bide_path_unlink(const char *path)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_path_unlink");

	return begin(&type, unlink_now, path, 0);
}

static bide_value_task make_directory_now(void *argument)
{
	const path_call *c = argument;

	return outcome_of(mkdir(c->path, (mode_t)c->number));
}

bide_value_task bide_path_make_directory(const char *path, unsigned mode)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_path_make_directory");

	return begin(&type, make_directory_now, path, mode);
}

static bide_value_task remove_directory_now(void *argument)
{
	return outcome_of(rmdir(((path_call *)argument)->path));
}

bide_value_task bide_path_remove_directory(const char *path)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_path_remove_directory");

	return begin(&type, remove_directory_now, path, 0);
}

/* --- links --- */

static bide_value_task link_now(void *argument)
{
	const path_call *c = argument;

	return outcome_of(link(c->path, c->other));
}

bide_value_task bide_path_link(const char *path, const char *to)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_path_link");

	return begin_paths(&type, link_now, 2, path, to, 0);
}

static bide_value_task symlink_now(void *argument)
{
	const path_call *c = argument;

	return outcome_of(symlink(c->path, c->other));
}

bide_value_task bide_path_symlink(const char *path, const char *to)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_path_symlink");

	return begin_paths(&type, symlink_now, 2, path, to, 0);
}

static bide_value_task read_link_now(void *argument)
{
	const path_call *c = argument;
	ssize_t size = c->size_bytes > 0 ? readlink(c->path, c->to, c->size_bytes) : 0;

	if (size < 0)
		return bide_value_task_from_error(errno);
	if ((size_t)size >= c->size_bytes)
		return bide_value_task_from_error(ERANGE);
	((char *)c->to)[size] = '\0';
	return bide_file_outcome_(size, 0);
}

bide_value_task bide_path_read_link(const char *path, char *to, size_t size_bytes)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_path_read_link");

	return begin_to(&type, read_link_now, path, to, size_bytes);
}

static bide_value_task real_now(void *argument)
{
	const path_call *c = argument;
	char real[PATH_MAX];
	size_t size;

	if (!realpath(c->path, real))
		return bide_value_task_from_error(errno);
	size = strlen(real);
	if (size >= c->size_bytes)
		return bide_value_task_from_error(ERANGE);
	memcpy(c->to, real, size + 1);
	return bide_file_outcome_((int64_t)size, 0);
}

bide_value_task bide_path_real(const char *path, char *to, size_t size_bytes)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_path_real");

	return begin_to(&type, real_now, path, to, size_bytes);
}

/* --- what is known of a file --- */

static bide_value_task stat_now(void *argument)
{
	const path_call *c = argument;

	return outcome_of(stat(c->path, c->to));
}

bide_value_task bide_path_stat(const char *path, struct stat *status)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_path_stat");

	return begin_to(&type, stat_now, path, status, 0);
}

static bide_value_task stat_link_now(void *argument)
{
	const path_call *c = argument;

	return outcome_of(lstat(c->path, c->to));
}

bide_value_task bide_path_stat_link(const char *path, struct stat *status)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_path_stat_link");

	return begin_to(&type, stat_link_now, path, status, 0);
}

static bide_value_task set_mode_now(void *argument)
{
	const path_call *c = argument;

	return outcome_of(chmod(c->path, (mode_t)c->number));
}

bide_value_task bide_path_set_mode(const char *path, unsigned mode)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_path_set_mode");

	return begin(&type, set_mode_now, path, mode);
}

static bide_value_task set_times_now(void *argument)
{
	const path_call *c = argument;

	return outcome_of(utimensat(AT_FDCWD, c->path, c->has_times ? c->times : NULL, 0));
}

bide_value_task bide_path_set_times(const char *path, const struct timespec *times)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_path_set_times");
	bide_value_task failed;
	path_call *c = prepare(&type, 1, path, NULL, &failed);

	if (!c)
		return failed;
	c->has_times = times != NULL;
	if (times)
		memcpy(c->times, times, sizeof c->times);
	return bide_file_call_begin_(&c->call, set_times_now);
}
