/*
 * worker.c - see worker.h: the table of all workers; and the times of the monitor.
 */
#include "runtime/worker.h"
#include "runtime/monitor.h"

bide_worker_table bide_workers_;
bide_monitor bide_monitor_;
