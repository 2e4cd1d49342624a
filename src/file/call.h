/*
 * call.h - a system call on files that may have to wait: its record, and how it begins.
 *
 * Here it is decided where such a call is made: on a thread for blocking calls. An engine that
 * makes it elsewhere begins it in bide_file_call_begin_.
 */
#ifndef BIDE_FILE_CALL_H
#define BIDE_FILE_CALL_H

#include <sys/types.h>

#include "context/context.h"
#include "file/descriptor.h"
#include "runtime/blocking_call.h"
#include "source/operation.h"

/* The record begins with it, and has the arguments behind it. */
typedef struct bide_file_call {
	bide_blocking_record record;
	bide_descriptor *descriptor; /* the call is a party of it; or NULL */
} bide_file_call;

/* The initialiser of a bide_operation_type for calls. */
#define BIDE_FILE_CALL_TYPE_(function)                   \
	{                                                    \
		.name = function, .describe = bide_job_describe_ \
	}

/*
 * Returns 0 if a call may begin now, on this thread: the runtime is there, and the context is not
 * canceled. Otherwise it returns the error.
 */
BIDE_INTERNAL int bide_file_call_error_(void);
/* The same for a call with this path. NULL is misuse of `what`, and EINVAL. */
BIDE_INTERNAL int bide_file_path_error_(const char *path, const char *what);
/* Opens a path. Returns the descriptor, or -1 and errno. It may wait. */
BIDE_INTERNAL int bide_file_open_now_(const char *path, int flags, mode_t mode);
/*
 * Returns a record of size_bytes, zeroed behind its head, or NULL if there is no memory. The caller
 * is a party of the descriptor, if that is not NULL; from now on the call is that party.
 */
BIDE_INTERNAL bide_file_call *bide_file_call_new_(size_t size_bytes,
                                                  const bide_operation_type *type,
                                                  bide_descriptor *descriptor);
/* Has function(call) run where it may wait, and returns the value task of the call. */
BIDE_INTERNAL bide_value_task bide_file_call_begin_(bide_file_call *call,
                                                    bide_blocking_function *function);

/* Returns a ready value task: the result, or an error if that is not 0. */
static inline bide_value_task bide_file_outcome_(int64_t result, int error)
{
	bide_payload payload;

	if (error)
		return bide_value_task_from_error(error);
	payload.i = result;
	return (bide_value_task){ .payload = payload };
}

#endif
