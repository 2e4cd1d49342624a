/*
 * blocking_simulated.h - blocking jobs in a simulation: without threads. A job runs on the
 * worker, at a virtual time drawn from the seed. All of this is for the worker, so there is no
 * other thread to lock out.
 */
#ifndef BIDE_RUNTIME_BLOCKING_SIMULATED_H
#define BIDE_RUNTIME_BLOCKING_SIMULATED_H

#include "runtime/blocking_job.h"
#include "source/timer.h"

/* The timer has no value task. Its listener is in its word from the start. */
typedef struct bide_simulated_job {
	bide_job job;
	bide_timer timer;
	bide_observer due;
} bide_simulated_job;

BIDE_INTERNAL void bide_simulated_submit_(bide_simulated_job *job);
/* The function of its cancel node. */
BIDE_INTERNAL void bide_simulated_canceled_(bide_cancel_node *node, int error);
/* Disarms the timers of a list of jobs that were taken out of the queue. */
BIDE_INTERNAL void bide_simulated_disarm_(bide_job *list);

#endif
