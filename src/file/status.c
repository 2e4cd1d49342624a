/*
 * status.c - what is known of a file, and what is done with all of it: its size, fsync(2).
 *
 * For a file of a local file system (descriptor.h) the system has the answers in memory. Elsewhere
 * it may ask a server.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/misuse.h"
#include "file/call.h"
#include "file/file.h"
#include "runtime/simulation.h"

typedef struct file_call {
	bide_file_call call;
	int64_t number;
	struct stat *status;
} file_call;

static bide_value_task begin(bide_file *file, const bide_operation_type *type,
                             bide_blocking_function *function, int64_t number, struct stat *status)
{
	bide_descriptor *descriptor = bide_file_descriptor_(file);
	int error = bide_descriptor_join_(descriptor, type->name);
	file_call *c;

	if (error)
		return bide_value_task_from_error(error);
	c = (file_call *)(void *)bide_file_call_new_(sizeof *c, type, descriptor);
	if (!c) {
		bide_descriptor_leave_(descriptor);
		return bide_value_task_from_error(ENOMEM);
	}
	c->number = number;
	c->status = status;
	return bide_file_call_begin_(&c->call, function);
}

static bide_value_task outcome_of(int result)
{
	return bide_file_outcome_(0, result ? errno : 0);
}

/* --- on a thread for blocking calls --- */

static bide_value_task sync_now(void *argument)
{
	return outcome_of(fsync(((file_call *)argument)->call.descriptor->fd));
}

static bide_value_task sync_data_now(void *argument)
{
	return outcome_of(fdatasync(((file_call *)argument)->call.descriptor->fd));
}

static bide_value_task resize_now(void *argument)
{
	const file_call *c = argument;
	int result;

	do
		result = ftruncate(c->call.descriptor->fd, (off_t)c->number);
	while (result && errno == EINTR);
	return outcome_of(result);
}

static bide_value_task stat_fd(int fd, struct stat *to)
{
	struct stat status;
	int error = fstat(fd, &status) ? errno : 0;

	if (!error && to)
		*to = status;
	return bide_file_outcome_(error || to ? 0 : (int64_t)status.st_size, error);
}

static bide_value_task stat_now(void *argument)
{
	const file_call *c = argument;

	return stat_fd(c->call.descriptor->fd, c->status);
}

/* --- the public functions --- */

bide_value_task bide_file_sync(bide_file *file)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_file_sync");

	return begin(file, &type, sync_now, 0, NULL);
}

bide_value_task bide_file_sync_data(bide_file *file)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_file_sync_data");

	return begin(file, &type, sync_data_now, 0, NULL);
}

bide_value_task bide_file_resize(bide_file *file, int64_t size_bytes)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_file_resize");

	if (size_bytes < 0) {
		bide_misuse_("bide_file_resize: size_bytes is %lld; it is 0 or more",
		             (long long)size_bytes);
		return bide_value_task_from_error(EINVAL);
	}
	return begin(file, &type, resize_now, size_bytes, NULL);
}

/* status: where it goes, or NULL: the result is the size. */
static bide_value_task look(bide_file *file, const bide_operation_type *type, struct stat *status)
{
	bide_descriptor *descriptor = bide_file_descriptor_(file);
	bide_value_task known;
	int error = bide_descriptor_join_(descriptor, type->name);

	if (error)
		return bide_value_task_from_error(error);
	if (bide_simulating_ || !BIDE_LOAD(&descriptor->is_local, RELAXED)) {
		known = begin(file, type, stat_now, 0, status);
	} else {
		error = bide_context_error_now_();
		known = error ? bide_value_task_from_error(error) : stat_fd(descriptor->fd, status);
	}
	bide_descriptor_leave_(descriptor);
	return known;
}

bide_value_task bide_file_size(bide_file *file)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_file_size");

	return look(file, &type, NULL);
}

bide_value_task bide_file_stat(bide_file *file, struct stat *status)
{
	static const bide_operation_type type = BIDE_FILE_CALL_TYPE_("bide_file_stat");

	if (!status) {
		bide_misuse_("bide_file_stat: status is NULL");
		return bide_value_task_from_error(EINVAL);
	}
	return look(file, &type, status);
}
