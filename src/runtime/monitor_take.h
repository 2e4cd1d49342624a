/*
 * monitor_take.h - the monitor takes what its look has found (monitor.h).
 */
#ifndef BIDE_RUNTIME_MONITOR_TAKE_H
#define BIDE_RUNTIME_MONITOR_TAKE_H

#include "runtime/worker.h"

/*
 * The monitor has ended its sleep. Looks, if the time has come. Returns what it took from a worker
 * that is stuck, or 0. The caller may not be the monitor any more afterwards.
 */
BIDE_INTERNAL uintptr_t bide_monitor_take_(bide_worker *monitor);

#endif
