/*
 * call.c - see call.h.
 */
#define _GNU_SOURCE
#include "file/call.h"

#include <errno.h>
#include <fcntl.h>

#include "base/assert.h"
#include "base/misuse.h"
#include "runtime/runtime.h"

int bide_file_call_error_(void)
{
	if (!bide_thread_())
		return bide_runtime_missing_();
	return bide_context_error_now_();
}

int bide_file_path_error_(const char *path, const char *what)
{
	if (path)
		return bide_file_call_error_();
	bide_misuse_("%s: path is NULL", what);
	return EINVAL;
}

int bide_file_open_now_(const char *path, int flags, mode_t mode)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC | O_NOCTTY, mode);
	while (fd < 0 && errno == EINTR);
	return fd;
}

static void over(bide_job *job)
{
	const bide_file_call *call = BIDE_CONTAINER_(job, const bide_file_call, record.job);

	bide_descriptor_leave_(call->descriptor);
}

bide_file_call *bide_file_call_new_(size_t size_bytes, const bide_operation_type *type,
                                    bide_descriptor *descriptor)
{
	bide_file_call *call = (bide_file_call *)(void *)bide_operation_new_(size_bytes, type);

	BIDE_ASSERT_(size_bytes >= sizeof *call);
	if (!call)
		return NULL;
	call->descriptor = descriptor;
	if (descriptor)
		call->record.job.over = over;
	return call;
}

bide_value_task bide_file_call_begin_(bide_file_call *call, bide_blocking_function *function)
{
	return bide_blocking_begin_(&call->record.job, function, call);
}
