/*
 * poll.h - the one worker under a loop of the program's: how it sleeps in the program's poll.
 *
 * It does so while a loop exists that was made on the worker's own thread. The worker is inside
 * bide (bide_value_task_wait, bide_run_ready), which pauses this; or it is in the program's code
 * and its poll, which resumes it. In the second case `parked` is BIDE_PARKED_POLLING, and a thread
 * that wakes the worker signals a descriptor. The descriptor is an epoll of an eventfd, a timerfd
 * and the worker's reactor, and speaks for all that the worker has to do. `by_port` of the worker's
 * record has the worker's own thread signal it too, when the program's code makes something
 * runnable between two polls.
 */
#ifndef BIDE_RUNTIME_POLL_H
#define BIDE_RUNTIME_POLL_H

#include "runtime/runtime.h"

/* Returns the descriptor, which it opens at the first call, or -1. On the worker. */
BIDE_INTERNAL int bide_poll_open_(void);
/* Has the descriptor, if there is one, speak for the reactor, too. Returns 0, ENOMEM or ENOSPC. */
BIDE_INTERNAL int bide_poll_add_(const struct bide_reactor *reactor);
/* At a shutdown. */
BIDE_INTERNAL void bide_poll_close_(void);
/* In the child of a fork: the descriptors are the parent's, or the program has closed them. */
BIDE_INTERNAL void bide_poll_fork_(void);
/* Something came while the worker is in the program's poll. Any thread. */
BIDE_INTERNAL void bide_poll_signal_(void);
/* On the worker, around all that runs it. One test each, where there is no such loop. */
BIDE_INTERNAL void bide_poll_pause_(void);
BIDE_INTERNAL void bide_poll_resume_(void);

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
