/*
 * runtime.c - the object of runtime.h.
 */
#include "runtime/runtime.h"

#include <errno.h>

#include "base/port.h"

BIDE_STATIC_ASSERT(ECANCELED == BIDE_ECANCELED_ && EINVAL == BIDE_EINVAL_ &&
                       ETIMEDOUT == BIDE_ETIMEDOUT_ && EBUSY == BIDE_EBUSY_ &&
                       EDEADLK == BIDE_EDEADLK_ && ENOMEM == BIDE_ENOMEM_ &&
                       EAGAIN == BIDE_EAGAIN_ && EINPROGRESS == BIDE_EINPROGRESS_ &&
                       EPIPE == BIDE_EPIPE_,
                   "headers and the rooms below write these numbers out");

bide_runtime bide_runtime_;

int bide_runtime_missing_(void)
{
	bide_runtime *r = &bide_runtime_;
	int error;

	bide_os_lock_(&r->setup);
	error = r->state == BIDE_RUNTIME_OFF && r->start_error ? r->start_error : ENOMEM;
	bide_os_unlock_(&r->setup);
	return error;
}

void bide_runtime_refuse_child_(void)
{
	bide_misuse_(
		"fork: in the child of a fork that was made inside an async function bide cannot be "
		"used; it may only exec or _exit");
}

void bide_runtime_end_child_(void)
{
	bide_misuse_("fork: in the child the function that called it, of an async function or of "
	             "bide_run_blocking, went on to its end or to an await; it may only exec or _exit");
	bide_port_abort_();
}
