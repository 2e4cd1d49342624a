/*
 * call.c - see call.h.
 */
#include "file/call.h"

#include "base/assert.h"
#include "runtime/runtime.h"

int bide_file_call_error_(void)
{
	if (!bide_thread_())
		return bide_runtime_missing_();
	return bide_context_error_now_();
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
