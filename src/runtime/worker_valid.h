/*
 * worker_valid.h - checks of what many workers have (base/assert.h).
 */
#ifndef BIDE_RUNTIME_WORKER_VALID_H
#define BIDE_RUNTIME_WORKER_VALID_H

#include "runtime/worker.h"

/* By the worker itself, or while it does not run. */
BIDE_INTERNAL bool bide_worker_is_valid_(bide_worker *worker);
/* While no worker runs: all workers, the injector, and the counts of sleep.h. */
BIDE_INTERNAL bool bide_workers_are_valid_(void);

#endif
