/*
 * orphan.h - the process goes on after its main thread has ended by pthread_exit.
 *
 * The library's own threads block signals, so that handlers run on the program's threads. When the
 * last of those ends and the library's go on, nothing could take SIGTERM or SIGINT any more. Then a
 * thread is started that leaves open what the ending thread left open; it does nothing else.
 */
#ifndef BIDE_RUNTIME_ORPHAN_H
#define BIDE_RUNTIME_ORPHAN_H

#include "base/library.h"

/*
 * At the end of a thread of the program's. is_last: no other has a record. Under setup, so that a
 * shutdown comes before it or after it.
 */
BIDE_INTERNAL void bide_orphan_check_(bool is_last);
/* At a shutdown, under setup: ends and joins that thread. */
BIDE_INTERNAL void bide_orphan_end_(void);
/* In the child of a fork: the thread does not exist there. */
BIDE_INTERNAL void bide_orphan_fork_(void);

#endif
