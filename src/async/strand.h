/*
 * strand.h - the turn of an executor, which a worker runs.
 */
#ifndef BIDE_ASYNC_STRAND_H
#define BIDE_ASYNC_STRAND_H

#include "base/library.h"

/* For bide_executor_new_. */
extern BIDE_INTERNAL const bide_function_info bide_strand_turn_;

/*
 * Returns the frame that the worker runs first if it runs `frame`: that of a turn's executor, and
 * else `frame` itself. For the record of a simulation.
 */
BIDE_INTERNAL const bide_frame *bide_strand_first_(const bide_frame *frame);

#endif
