/*
 * reactor.h - what the runtime asks of input and output. The room io is above this one, so it gives
 * a table of functions, at the first operation that has to wait. Until then the table is NULL, no
 * worker has a reactor, and a program pays one test of a pointer where a worker looks for events.
 *
 *     reactor   What one worker waits in for events of descriptors. The room io makes it and closes
 *               it; here it is only a pointer.
 *     look      To fetch what has come, without waiting, and to hand it out.
 *     fetch     To take events from the kernel.
 *     hand out  To make runnable what waits for the events that were fetched.
 *
 * A worker looks when it has nothing runnable, before it searches elsewhere, and after 61
 * functions. A worker with a reactor sleeps in the reactor in place of the futex.
 */
#ifndef BIDE_RUNTIME_REACTOR_H
#define BIDE_RUNTIME_REACTOR_H

#include "base/library.h"

struct bide_reactor;

enum {
	BIDE_REACTOR_SLOW_ = 1, /* its worker has not looked for long */
	BIDE_REACTOR_ANY_ = 2   /* events were handed out */
};

typedef struct bide_reactor_hooks {
	/*
	 * Fetches events. Sleeps until there is one, until `wake`, or until deadline_ns; 0 does not
	 * sleep. Returns how many wait to be handed out. On the worker of the reactor.
	 */
	unsigned (*fetch)(struct bide_reactor *reactor, int64_t deadline_ns);
	/* Returns how many it has handed out. It runs no function. On the worker of the reactor. */
	unsigned (*hand_out)(struct bide_reactor *reactor);
	/* Ends the sleep in `fetch`, or the next one. Any thread. */
	void (*wake)(struct bide_reactor *reactor);
	/*
	 * Looks after the reactor of a worker that runs, if that is slow or the call is eager. Returns
	 * BIDE_REACTOR_ bits. `mine` is the reactor of the worker that calls, or NULL.
	 */
	unsigned (*look_after)(struct bide_reactor *mine, struct bide_reactor *other, int64_t now_ns,
	                       bool eager);
	/* The kernel begins with what is queued for it. On the worker of the reactor. */
	void (*submit)(struct bide_reactor *reactor);
	/*
	 * Stores descriptors of which one is readable while there is something to fetch; -1 if there is
	 * no second one.
	 */
	void (*descriptors)(const struct bide_reactor *reactor, int fd[2]);
	/*
	 * In the child of a fork, before any code of the program's: closes the copies of the
	 * descriptors, whose numbers the program may use for others later.
	 */
	void (*fork)(void);
	/*
	 * When no other thread of the library runs: closes all reactors. At a shutdown, and in a child
	 * that leaves the parent's runtime behind.
	 */
	void (*close)(void);
	/* A walker. */
	bool (*is_valid)(const struct bide_reactor *reactor);
} bide_reactor_hooks;

/* Atomic. Written under the lock of the setup, before the first reactor is published. */
extern BIDE_INTERNAL const bide_reactor_hooks *bide_reactor_hooks_;

/* Fetches and hands out. Returns true if there was an event. */
static inline bool bide_reactor_look_(struct bide_reactor *reactor)
{
	if (BIDE_LIKELY(!reactor))
		return false;
	return bide_reactor_hooks_->fetch(reactor, 0) > 0 && bide_reactor_hooks_->hand_out(reactor) > 0;
}

/* A walker. For a thread that may touch the reactor, or while no worker runs. NULL is valid. */
static inline bool bide_reactor_is_valid_(const struct bide_reactor *reactor)
{
	return !reactor || bide_reactor_hooks_->is_valid(reactor);
}

#endif
