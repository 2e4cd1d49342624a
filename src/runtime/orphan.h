/*
 * orphan.h - a process that goes on after its main thread has ended by pthread_exit.
 *
 * The library's own threads block signals, so that handlers run on threads of the program. When the
 * last thread of the program ends and the library's threads go on, no thread could take SIGTERM or
 * SIGINT any more. Then a thread is started with the signal mask of the ending thread. It only
 * waits for signals.
 */
#ifndef BIDE_RUNTIME_ORPHAN_H
#define BIDE_RUNTIME_ORPHAN_H

#include "base/library.h"

/*
 * A thread of the program ends. `is_last`: no other has a record. Under setup, so that a shutdown
 * comes either before this or after it.
 */
BIDE_INTERNAL void bide_orphan_check_(bool is_last);
/* At a shutdown, under setup: ends and joins that thread. */
BIDE_INTERNAL void bide_orphan_end_(void);
/* In the child of a fork: the thread does not exist there. */
BIDE_INTERNAL void bide_orphan_fork_(void);

#endif
