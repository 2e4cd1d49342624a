/*
 * external.h - the records of external threads: threads that use bide and are no workers.
 *
 * A thread gets a record at its first use of bide and gives it back when it ends. A record that is
 * not in use waits for the next thread, with its object pools and its generations.
 */
#ifndef BIDE_RUNTIME_EXTERNAL_H
#define BIDE_RUNTIME_EXTERNAL_H

#include "base/library.h"

/*
 * Gives this thread a record. Returns NULL if there is no memory. Sets *gone, and returns NULL, if
 * the runtime is not ON: a shutdown came in between, and the runtime has to be set up anew.
 */
BIDE_INTERNAL bide_thread_head *bide_external_attach_(bool *gone);
/*
 * Gives the record of this thread back, if it has one that is not a worker's, as if the thread
 * ended. A later use of bide attaches it anew. Outside of async functions.
 */
BIDE_INTERNAL void bide_external_detach_(void);
/* Returns how many external threads beside this one have a record in use. Under setup. */
BIDE_INTERNAL unsigned bide_external_others_(void);
/* Frees all records, which no thread uses any more. Under setup. */
BIDE_INTERNAL void bide_external_release_(void);

/* Returns true if the list is right. Under setup. */
BIDE_INTERNAL bool bide_external_is_valid_(void);

#endif
