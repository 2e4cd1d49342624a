/*
 * thread.h - what workers and external threads have in common: their number, the limit of their
 * stack, and their end.
 */
#ifndef BIDE_RUNTIME_THREAD_H
#define BIDE_RUNTIME_THREAD_H

#include "base/thread.h"

/* Returns a number for a new thread's record. The caller holds the lock of the setup. */
BIDE_INTERNAL uint32_t bide_thread_number_(void);
/* Returns the limit of this thread's stack: a start below it is queued. */
BIDE_INTERNAL uintptr_t bide_thread_stack_limit_(void);
/*
 * This thread ends. If it ends inside an async function, that is misuse; then its record is made
 * fit for the next thread. `whose` is part of the message.
 */
BIDE_INTERNAL void bide_thread_died_(bide_thread *thread, const char *whose);
/* The record of this thread is gone, so nothing will be done when the thread ends. */
BIDE_INTERNAL void bide_thread_forget_exit_(void);

#endif
