/*
 * worker.c - see worker.h: the table of all workers; and the times of the monitor.
 */
#include "runtime/worker.h"
#include "runtime/monitor.h"

bide_worker_table bide_workers_;
int64_t bide_wake_ns_ = BIDE_WAKE_NS_;
bide_monitor bide_monitor_;
