/*
 * blocking_call.h - how a call that may block begins, also one of the library's own: a read of a
 * file, for example.
 *
 * The caller makes the record, which begins with a bide_blocking_record. The function of the call
 * gets the record, and finds its arguments behind it. So the call takes one object of a pool.
 */
#ifndef BIDE_RUNTIME_BLOCKING_CALL_H
#define BIDE_RUNTIME_BLOCKING_CALL_H

#include "runtime/blocking_simulated.h"

/* Outside of simulations only the job in it is used. */
typedef bide_simulated_job bide_blocking_record;

/*
 * Begins the call function(argument) in the current context, and returns its value task. job->over
 * is called once, when job->outcome is decided, also if the call fails at once; it may change it. A
 * cancellation takes the call out of the queue. Once the function runs, the call lasts until the
 * function returns. A forgotten call goes on.
 *
 * In a simulation the job is that of a bide_blocking_record; a call by another thread than the
 * worker's is misuse.
 */
BIDE_INTERNAL bide_value_task bide_blocking_begin_(bide_job *job, bide_blocking_function *function,
                                                   void *argument);
/* The same on a thread of its own. Not in a simulation. */
BIDE_INTERNAL bide_value_task bide_blocking_begin_long_(bide_job *job,
                                                        bide_blocking_function *function,
                                                        void *argument);
/*
 * The same in no context, and forgotten. The function runs in every case: if the call fails, by a
 * shutdown or because no thread can be started, the thread that fails it calls the function. On a
 * thread that may touch operations, if this is a simulation.
 */
BIDE_INTERNAL void bide_blocking_begin_detached_(bide_job *job, bide_blocking_function *function,
                                                 void *argument);

#endif
