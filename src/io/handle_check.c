/*
 * handle_check.c - what calls say of a handle that they must not use.
 */
#include <errno.h>

#include "base/misuse.h"
#include "io/handle.h"
#include "runtime/runtime.h"

int bide_handle_check_(const bide_handle *handle, const char *what, const char *object)
{
	if (!bide_thread_())
		return bide_runtime_missing_();
	if (BIDE_LIKELY(handle && bide_handle_is_live_(handle)))
		return 0;
	bide_misuse_("%s: the %s %s", what, object,
	             !handle ? "is NULL"
	             : BIDE_LOAD(&handle->era, RELAXED) == 0
	                 ? "is closed"
	                 : "is of the process that forked this one, or of before bide_shutdown");
	return handle ? EBADF : EINVAL;
}
