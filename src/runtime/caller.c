/*
 * caller.c - see caller.h.
 */
#include "runtime/caller.h"

#include "async/frame.h"
#include "base/settings.h"
#include "base/thread.h"
#include "runtime/blocking.h"
#include "runtime/runtime.h"
#include "runtime/workers.h"

bool bide_caller_is_outside_(const char *what)
{
	bide_thread_head *head = bide_thread_();

	if (head && bide_thread_is_inside_(head))
		bide_misuse_("%s: called inside the async function %s; only ordinary code may, functions "
		             "await instead",
		             what, bide_function_name_(head->current));
	else if (bide_workers_include_this_())
		bide_misuse_("%s: called on a worker; only other threads may", what);
	else if (bide_shared_ && bide_blocking_is_thread_())
		bide_misuse_("%s: called on a thread of blocking calls; only other threads may", what);
	else
		return true;
	return false;
}

bool bide_caller_is_one_worker_(const char *what)
{
	bide_thread_head *head = bide_thread_();

	if (head && bide_thread_of_(head)->is_nowhere)
		bide_runtime_refuse_child_();
	else if (bide_shared_)
		bide_misuse_("%s: there are many workers, which run by themselves; this is for a runtime "
		             "with one (bide_config.workers = 1)",
		             what);
	else if (!bide_runtime_on_worker_())
		bide_misuse_(
			"%s: called on another thread than the worker's, which is the first that used bide",
			what);
	else
		return bide_caller_is_outside_(what);
	return false;
}
