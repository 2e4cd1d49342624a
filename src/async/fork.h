/*
 * fork.h - running a fork that was taken from a deque.
 */
#ifndef BIDE_ASYNC_FORK_H
#define BIDE_ASYNC_FORK_H

#include "base/library.h"

/*
 * On the worker, outside of async functions or inside: runs a fork that was taken from a deque; its
 * source is completed, now or when the child has ended.
 */
BIDE_INTERNAL void bide_fork_run_(bide_thread_head *head, bide_fork *fork);

#endif
