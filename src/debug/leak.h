/*
 * leak.h - what is pending, or over and not consumed, when the runtime or the process ends.
 */
#ifndef BIDE_DEBUG_LEAK_H
#define BIDE_DEBUG_LEAK_H

#include "base/library.h"

/*
 * Names each leak to the report hook. Returns their number. A leak is an async
 * function of the user's that is pending, or over and not consumed; and a call of the library that
 * is made of async functions (bide_run, bide_for_each), if no async function waits for it.
 */
BIDE_INTERNAL size_t bide_leaks_report_(void);
/*
 * The same at the end of the process, to standard error. Others run meanwhile: it only reads, and
 * waits for no thread; if the lock of the pools is not free within a second it says nothing.
 */
BIDE_INTERNAL void bide_leaks_at_exit_(void);

#endif
