/*
 * event.h - descriptors that a thread can poll, for loops of the program (runtime/poll.h, loop.c).
 * The functions that open one return -1 if no descriptor is left.
 */
#ifndef BIDE_OS_EVENT_H
#define BIDE_OS_EVENT_H

#include <bide/abi.h>

/* A descriptor that is readable after a signal, until it is cleared. */
BIDE_INTERNAL int bide_os_event_open_(void);
/* Any thread. The thread that polls the descriptor sees what was stored before the signal. */
BIDE_INTERNAL void bide_os_event_signal_(int fd);
BIDE_INTERNAL void bide_os_event_clear_(int fd);

/* A descriptor that is readable once its deadline (bide_os_now_ns_) has passed. */
BIDE_INTERNAL int bide_os_alarm_open_(void);
/* INT64_MAX: never. */
BIDE_INTERNAL void bide_os_alarm_set_(int fd, int64_t deadline_ns);

/* A descriptor that is readable while one of the two is. */
BIDE_INTERNAL int bide_os_either_open_(int first, int second);
/* From now on it is readable while `another` is, too. Returns 0 or ENOMEM or ENOSPC. */
BIDE_INTERNAL int bide_os_either_add_(int fd, int another);
BIDE_INTERNAL void bide_os_close_(int fd); /* -1 does nothing */

#endif
