/*
 * worker.c - see worker.h: the table of all workers.
 */
#include "runtime/worker.h"

bide_worker_table bide_workers_;
