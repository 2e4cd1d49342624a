/*
 * one_worker.h - the loop of the one worker. All of this is for its thread, outside of async
 * functions.
 */
#ifndef BIDE_RUNTIME_ONE_WORKER_H
#define BIDE_RUNTIME_ONE_WORKER_H

#include "base/library.h"

/*
 * How many functions run where the caller gave no limit: some milliseconds. Without a limit,
 * functions that only yield would keep the caller for ever.
 */
enum { BIDE_RUN_READY_MAX_ = 10000 };

/* Makes this thread the worker. The caller sets what is to be done when the thread ends. */
BIDE_INTERNAL void bide_one_worker_start_(void);
/*
 * Runs what is runnable until *done. Returns 0; ETIMEDOUT if deadline_ns has passed; EDEADLK in a
 * simulation in which nothing can ever happen.
 */
BIDE_INTERNAL int bide_one_worker_run_(const bool *done, int64_t deadline_ns);
/*
 * The same inside of `what`, a call of the program's. What runs meanwhile is not in the scope of
 * the caller.
 */
BIDE_INTERNAL int bide_one_worker_run_inside_(const bool *done, int64_t deadline_ns,
                                              const char *what);
/*
 * Looks at the mailbox, the timers and the reactor once. Returns true if something became runnable
 * or ran.
 */
BIDE_INTERNAL bool bide_one_worker_poll_(void);
/*
 * Runs one runnable frame, or looks at the mailbox and the timers; it looks in any case after so
 * many frames. Returns false if there was nothing to do.
 */
BIDE_INTERNAL bool bide_one_worker_turn_(void);
/* In a simulation in which nothing is runnable: the clock goes on to the next timer. */
BIDE_INTERNAL void bide_one_worker_advance_(void);

/* Returns true if the run queue and the timers are right. */
BIDE_INTERNAL bool bide_one_worker_is_valid_(void);

#endif
