/*
 * exhausted.h - listeners whose last accept found no descriptor or no memory, or that no reactor
 * could take for that reason.
 *
 * The connection is still in the kernel's queue, and no event tells of it. So the accept is tried
 * anew when this process has closed a stream or a listener, and every 100 ms.
 */
#ifndef BIDE_IO_EXHAUSTED_H
#define BIDE_IO_EXHAUSTED_H

#include "io/listener.h"

/*
 * Called while the reading side is busy. Returns EAGAIN, and then the attempt comes again; or
 * ENOMEM if there is no memory to see to that. Reports the error, once a minute.
 */
BIDE_INTERNAL int bide_exhausted_add_(bide_listener *listener, int error);
/* The listener is closed. */
BIDE_INTERNAL void bide_exhausted_remove_(bide_listener *listener);

/* Tries all of them anew. */
BIDE_INTERNAL void bide_exhausted_retry_(void);

/* Only tests write it: how long until the next attempt. */
extern BIDE_INTERNAL int64_t bide_exhausted_pause_ns_;

#endif
