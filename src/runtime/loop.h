/*
 * loop.h - the worker under a loop of the program: how it sleeps in the program's poll.
 *
 * While a loop exists that was made on the worker's own thread, the worker is either inside bide
 * (bide_value_task_wait, bide_run_ready: entered), or asleep in the user's poll (left). Then
 * `parked` is BIDE_PARKED_POLLING, and a thread that wakes it signals a descriptor instead;
 * `by_port` of its record says the same to the worker's own thread, for what the user's code makes
 * runnable between two polls.
 */
#ifndef BIDE_RUNTIME_LOOP_H
#define BIDE_RUNTIME_LOOP_H

#include "runtime/runtime.h"

/*
 * So many functions run where the caller gave no limit: some milliseconds. Functions that only
 * yield would keep it for ever.
 */
enum { BIDE_RUN_READY_MAX_ = 10000 };

/* On the worker, around whatever runs its loop. One test each, where there is no such loop. */
BIDE_INTERNAL void bide_poll_pause_(void);
BIDE_INTERNAL void bide_poll_resume_(void);
/* At a shutdown. */
BIDE_INTERNAL void bide_poll_close_(void);
/* In the child of a fork: the descriptors are the parent's, or the program's, which closed them. */
BIDE_INTERNAL void bide_poll_fork_(void);
/* A loop that was never dropped, at a shutdown: closes its descriptor. */
BIDE_INTERNAL void bide_loop_leak_(bide_source *source);

static inline void bide_poll_pause_if_polled_(void)
{
	if (BIDE_UNLIKELY(bide_runtime_.polled))
		bide_poll_pause_();
}
static inline void bide_poll_resume_if_polled_(void)
{
	if (BIDE_UNLIKELY(bide_runtime_.polled))
		bide_poll_resume_();
}

#endif
