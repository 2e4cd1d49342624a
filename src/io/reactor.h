/*
 * reactor.h - one reactor for each worker, opened when the first operation has to wait.
 *
 * A descriptor has a *home*: the number of the worker in whose reactor it is registered. Homes are
 * dealt round the workers, so that no worker handles all events.
 *
 * With one worker all of this is for its thread. With many workers any thread may call it.
 */
#ifndef BIDE_IO_REACTOR_H
#define BIDE_IO_REACTOR_H

#include "base/library.h"

/*
 * Another number after a shutdown and in the child of a fork. What is registered belongs to the
 * number at that time, and no event comes for it any more when the number has changed.
 */
extern BIDE_INTERNAL uint32_t bide_reactor_life_;

/* Deals the next home; 0 with one worker. The runtime is on. */
BIDE_INTERNAL unsigned bide_reactor_home_(void);
/*
 * Registers a descriptor, and opens the reactor if it is the first. `events` are those of
 * epoll_ctl, with EPOLLET or EPOLLONESHOT. `key` is for bide_io_event_; its highest 2048 values are
 * reserved. If the reactor cannot be opened, or only with the last descriptors, another worker's
 * takes its place. Returns 0, the error of epoll_ctl (EPERM: a file that is always ready; EEXIST;
 * EBADF; ENOSPC; ENOMEM), the error of the open (EMFILE, ENFILE, ENOMEM), or ENOTSUP in a
 * simulation.
 */
BIDE_INTERNAL int bide_reactor_add_(unsigned home, int fd, uint32_t events, uint64_t key);
/* EPOLL_CTL_MOD, as for a one-shot that has fired. Returns 0 or its error (ENOENT). */
BIDE_INTERNAL int bide_reactor_change_(unsigned home, int fd, uint32_t events, uint64_t key);
/*
 * EPOLL_CTL_DEL, before the close of a registered descriptor. It does nothing where there is no
 * such reactor: after a shutdown, and in the child of a fork, whose registrations are the parent's.
 */
BIDE_INTERNAL void bide_reactor_remove_(unsigned home, int fd);
/* An operation waits now. If all that could look for its worker sleep, this wakes one. */
BIDE_INTERNAL void bide_reactor_expects_(unsigned home);

/* Whether the engine does requests; set with the first reactor. Atomic. */
extern BIDE_INTERNAL bool bide_reactor_has_requests_;

struct bide_reactor;

/* Returns the reactor that serves a place, or NULL. */
BIDE_INTERNAL struct bide_reactor *bide_reactor_of_(unsigned place);
/* Returns the reactor of this worker; NULL if it has none, or the thread is no worker. */
BIDE_INTERNAL struct bide_reactor *bide_reactor_mine_(void);

/* Fills in the counts of reactors. Any thread. */
BIDE_INTERNAL void bide_reactor_stats_(bide_io_stats *stats);

#endif
