/*
 * worker_schedule.h - makes a frame runnable on many workers.
 */
#ifndef BIDE_RUNTIME_WORKER_SCHEDULE_H
#define BIDE_RUNTIME_WORKER_SCHEDULE_H

#include "base/library.h"

/* bide_port_schedule_ for many workers. Any thread. */
BIDE_INTERNAL void bide_workers_schedule_(bide_frame *frame, bool next);
/*
 * The worker has pushed something, and found that another worker wants it. If it is all that the
 * worker has, it may hide it (tell.h).
 */
BIDE_INTERNAL void bide_workers_offer_(bide_thread_head *head);

#endif
