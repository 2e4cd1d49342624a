/*
 * thread_init.h - sets up the record of a thread.
 */
#ifndef BIDE_ASYNC_THREAD_INIT_H
#define BIDE_ASYNC_THREAD_INIT_H

#include "base/thread.h"

/*
 * Sets up a thread's record: its counters, pools, deque and root frame. The number becomes the top
 * 16 bits of its generations.
 */
BIDE_INTERNAL void bide_thread_init_(bide_thread *thread, uint32_t number, bool is_external);

#endif
