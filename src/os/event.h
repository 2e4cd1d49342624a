/*
 * event.h - descriptors that a thread can poll: what runs under a loop of the user's stands on
 * these.
 */
#ifndef BIDE_OS_EVENT_H
#define BIDE_OS_EVENT_H

#include "os/os.h"

/* Readable after a signal, until it is cleared. -1: no descriptor is left. */
BIDE_INTERNAL int bide_os_event_open_(void);
/* Any thread. The thread that polls the descriptor sees what was stored before. */
BIDE_INTERNAL void bide_os_event_signal_(int fd);
BIDE_INTERNAL void bide_os_event_clear_(int fd);

/* Readable once the deadline, of bide_os_now_ns_, has passed. INT64_MAX: never. -1: as above. */
BIDE_INTERNAL int bide_os_alarm_open_(void);
BIDE_INTERNAL void bide_os_alarm_set_(int fd, int64_t deadline_ns);

/* Readable while one of the two is. -1: as above. */
BIDE_INTERNAL int bide_os_either_open_(int first, int second);
BIDE_INTERNAL void bide_os_close_(int fd); /* -1 does nothing */

#endif
