/*
 * fork.h - running a fork that was taken from a deque.
 */
#ifndef BIDE_ASYNC_FORK_H
#define BIDE_ASYNC_FORK_H

#include "base/library.h"

/*
 * Runs the child of a fork that was taken from a deque, inside or outside of an async function. The
 * source of the fork completes now, or when the child has ended. Called by the worker that took the
 * fork.
 */
BIDE_INTERNAL void bide_fork_run_(bide_thread_head *head, bide_fork *fork);

#endif
