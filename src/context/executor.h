/*
 * executor.h - the queue of an executor. Any thread pushes; one at a time takes.
 *
 * The inbox is a stack of frames, linked as the run queue is, pushed by CAS and emptied by one
 * swap. Its word also says whether to wake the executor: IDLE means that no thread runs it or is
 * about to, so the first push wakes it. The thread that sets it back to IDLE does not touch it
 * afterwards.
 */
#ifndef BIDE_CORE_EXECUTOR_H
#define BIDE_CORE_EXECUTOR_H

#include "base/everything.h"

enum {
	BIDE_EXECUTOR_IDLE_ = 0,
	BIDE_EXECUTOR_BUSY_ = 1 /* being run, or about to be; the stack is empty */
};

struct bide_executor {
	bide_operation operation;
	bide_frame turn;    /* what is queued on a worker: its body runs functions of this executor */
	uintptr_t inbox;    /* of the above, or the newest frame */
	bide_frame *oldest; /* taken out of the inbox, in order; the runner's */
	uint32_t references;
	uint32_t batch;     /* functions run in one turn */
	const void *thread; /* a loop's, of bide_port_thread_; atomic. NULL: a strand */
	/* a loop that its thread runs: something has come. NULL: its turn is queued on a worker. */
	void (*wake)(bide_executor *executor);
	void (*destroy)(bide_executor *executor); /* may be NULL */
	int fd;
};

/* With one reference; batch functions in a row at most. NULL: no memory. */
BIDE_INTERNAL bide_executor *bide_executor_new_(const bide_operation_type *type, uint32_t batch);
/* For the thread that runs the executor: the oldest, ready to be run; NULL: nothing is there. */
BIDE_INTERNAL bide_frame *bide_executor_take_(bide_executor *executor);
/* true: nothing is left and the executor is idle; another thread may run it at once. */
BIDE_INTERNAL bool bide_executor_rest_(bide_executor *executor);
/* The frame that the turn would run first, for the record of a simulation. */
BIDE_INTERNAL const bide_frame *bide_executor_first_(const bide_frame *frame);

#endif
