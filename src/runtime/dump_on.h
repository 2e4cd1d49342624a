/*
 * dump_on.h - BIDE_DUMP_ON=SIGQUIT in the environment asks for a dump at each such signal.
 */
#ifndef BIDE_RUNTIME_DUMP_ON_H
#define BIDE_RUNTIME_DUMP_ON_H

#include "base/library.h"

/*
 * At each start of the runtime. The first that finds the variable set starts a thread, which stays
 * until the process ends.
 */
BIDE_INTERNAL void bide_dump_on_start_(void);
/* In the child of a fork, which does not have the thread. */
BIDE_INTERNAL void bide_dump_on_fork_(void);

#endif
