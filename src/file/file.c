/*
 * file.c - opening and closing files.
 */
#define _GNU_SOURCE
#include "file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/misuse.h"
#include "file/call.h"
#include "io/owned.h"
#include "runtime/runtime.h"

static bide_slab slab = BIDE_SLAB_OF_(bide_file);

static void freed(bide_descriptor *descriptor)
{
	bide_slab_give_(&slab, BIDE_CONTAINER_(descriptor, bide_file, descriptor));
}

static void is_open(bide_file *file, int fd, int flags)
{
	BIDE_STORE(&file->is_taken, 0u, RELAXED);
	bide_descriptor_open_(&file->descriptor, fd, flags, "bide_file_close", freed);
}

/* --- opening --- */

typedef struct opening {
	bide_file_call call;
	bide_file *file; /* given back if it was not opened */
	int flags;
	mode_t mode;
	char path[];
} opening;

static void unwanted(bide_payload result)
{
	bide_file_close(result.p);
}

static const bide_operation_type open_type = { .name = "bide_file_open",
	                                           .describe = bide_job_describe_,
	                                           .unwanted = unwanted };

static bide_value_task open_now(void *argument)
{
	opening *o = argument;
	bide_payload result;
	int fd = bide_file_open_now_(o->path, o->flags, o->mode);

	if (fd < 0)
		return bide_value_task_from_error(errno);
	is_open(o->file, fd, o->flags);
	result.p = o->file;
	return (bide_value_task){ .payload = result };
}

static void opening_over(bide_job *job)
{
	const opening *o = BIDE_CONTAINER_(job, const opening, call.record.job);

	if (job->outcome.state != 0)
		bide_slab_give_(&slab, o->file);
}

static bide_value_task open_file(const char *path, int flags, unsigned mode)
{
	bide_file *file;
	opening *o;
	size_t path_bytes;
	int error = bide_file_path_error_(path, open_type.name);

	if (error)
		return bide_value_task_from_error(error);
	path_bytes = strlen(path) + 1;
	file = bide_slab_take_(&slab);
	o = file ? (opening *)(void *)bide_file_call_new_(sizeof *o + path_bytes, &open_type, NULL)
	         : NULL;
	if (!o) {
		if (file)
			bide_slab_give_(&slab, file);
		return bide_value_task_from_error(ENOMEM);
	}
	o->call.record.job.over = opening_over;
	o->file = file;
	o->flags = flags;
	o->mode = (mode_t)mode;
	memcpy(o->path, path, path_bytes);
	return bide_file_call_begin_(&o->call, open_now);
}

bide_file_task bide_file_open(const char *path, int flags, unsigned mode)
{
	return BIDE_TYPED(bide_file_task, open_file(path, flags, mode));
}

int bide_file_take_fd(bide_file **file, int fd)
{
	int flags, error;

	if (!file) {
		bide_misuse_("bide_file_take_fd: file is NULL");
		return EINVAL;
	}
	*file = NULL;
	if (!bide_thread_())
		return bide_runtime_missing_();
	flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return errno;
	error = bide_owned_take_(fd, "bide_file_take_fd");
	if (error)
		return error;
	*file = bide_slab_take_(&slab);
	if (!*file) {
		bide_owned_end_(fd);
		return ENOMEM;
	}
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	is_open(*file, fd, flags);
	return 0;
}

int bide_file_fd(const bide_file *file, int *fd)
{
	int error = bide_descriptor_check_(file ? &file->descriptor : NULL, "bide_file_fd");

	if (!error && !fd) {
		bide_misuse_("bide_file_fd: fd is NULL");
		error = EINVAL;
	}
	if (fd) /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): NULL is an error */
		*fd = error ? -1 : file->descriptor.fd;
	return error;
}

void bide_file_close(bide_file *file)
{
	if (!file)
		return;
	if (BIDE_LOAD(&file->descriptor.era, RELAXED) != 0 && BIDE_LOAD(&file->is_taken, RELAXED)) {
		bide_misuse_("bide_file_close: the file belongs to a stream, which closes it");
		return;
	}
	bide_descriptor_close_(&file->descriptor);
}
