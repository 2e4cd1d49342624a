/*
 * leak.h - reports what is pending, or over and not consumed, when the runtime or the process ends.
 */
#ifndef BIDE_DEBUG_LEAK_H
#define BIDE_DEBUG_LEAK_H

#include "base/library.h"

/*
 * Names each leak to the report hook, and returns their number. A leak is an async function of the
 * user's that is pending, or over and not consumed; a call of the library that is made of async
 * functions (bide_run, bide_for_each), if no async function waits for it; and a group that was
 * never waited for.
 */
BIDE_INTERNAL size_t bide_leaks_report_(void);
/*
 * Does the same at the end of the process, to standard error. Other threads run meanwhile, so it
 * only reads, and waits for none of them: if the lock of the pools is not free within a second, it
 * says nothing.
 */
BIDE_INTERNAL void bide_leaks_at_exit_(void);

#endif
