/*
 * runtime.h - what runs async functions: configuration, waiting from ordinary code, blocking calls,
 * shutdown.
 *
 * The runtime exists by default on first use. It has many workers, or one.
 *
 * Many, the default: threads of the library's own. What any other thread starts runs hot on its own
 * stack up to the first await that is not ready; from there on workers run it, on whatever thread
 * each time. Different functions run at the same time. Any thread may await, wait for and forget
 * value tasks.
 *
 * One: the thread that uses bide first is the worker, until bide_shutdown; functions run only while
 * it is inside bide_value_task_wait, bide_drain or bide_run_ready. Other threads may start async functions
 * (queued for the worker), use tasks, cancel, and wait; a value task belongs to the thread that
 * made it, and what crosses threads is a task.
 *
 * After fork(2) the child has a runtime of its own, from its first use on: bide_threads(7).
 */
#ifndef BIDE_RUNTIME_H
#define BIDE_RUNTIME_H

#include "misuse.h"
#include "task.h"

typedef struct bide_config {
	/*
	 * 1: the thread that calls is the worker. 2..1024: so many threads of the library's own. 0:
	 * what the environment's BIDE_WORKERS says, else one for each CPU (bide_cpu_count), at least 2.
	 */
	unsigned workers;
	/*
	 * 1..1024; 0: 64. Threads for bide_run_blocking, started when all others are busy. A call that
	 * blocks needs no CPU, so the default is not the number of those.
	 */
	unsigned blocking_threads_max;
	/* so many stay once they are started; the others end after 10 idle seconds */
	unsigned blocking_threads_min;
	/* simulation: time jumps to the next timer when nothing is runnable */
	bool virtual_clock;
	/* simulation: not 0: the order of runnable functions is drawn with this seed */
	uint64_t seed;
	/* as BIDE_DEBUG=1: records where frames were started and consumed; slower */
	bool debug;
} bide_config;

BIDE_BEGIN_DECLS

/* BIDE_VERSION_NUMBER of the library that runs; the macro is that of the headers. Any thread. */
BIDE_API unsigned bide_version(void);

/*
 * Sets the runtime up. Only before bide is used; the child of a fork may anew. 0; EBUSY: already in
 * use (or not shut down); EINVAL (misuse): out of range, or more than one worker in a simulation;
 * ENOMEM, EAGAIN: the workers could not be started.
 */
BIDE_API int bide_configure(const bide_config *config);

/*
 * The configuration in force, as it was asked for and completed: with the number of workers, the
 * limits, and what the environment added. Sets the runtime up if it was not in use. 0; EINVAL
 * (misuse): config is NULL; ENOMEM, EAGAIN: the workers could not be started. Any thread.
 */
BIDE_API int bide_config_get(bide_config *config);

/*
 * How many workers there are. Sets the runtime up if it was not in use; 0: that failed. Any thread.
 */
BIDE_API unsigned bide_worker_count(void);

/*
 * How many CPUs this process may use, at least 1: what the default number of workers is made from.
 * Those of the calling thread's affinity mask; but not more than the CPU quota of the process's
 * cgroups (versions 1 and 2, with those above) is worth, rounded up: with 1.5 CPUs it is 2. Cost:
 * it looks each time, in files of /proc and /sys: tens of microseconds. Any thread.
 */
BIDE_API unsigned bide_cpu_count(void);

/*
 * Waits for a value task from ordinary code and consumes it; *result (may be NULL) gets its result.
 * On the thread of the one worker it runs what is runnable meanwhile; elsewhere it blocks. Returns
 * 0 or the operation's error. Inside an async function, or on one of many workers, it is misuse:
 * EDEADLK, not consumed. In a simulation, if nothing can ever happen: EDEADLK, not consumed. Once
 * the thread of the one worker has ended: misuse, EDEADLK.
 */
BIDE_API int bide_value_task_wait_at_(bide_value_task value_task, bide_payload *result,
                                      int64_t timeout_ns, const bide_place *place);
#define bide_value_task_wait(value_task, result)                                                   \
	bide_value_task_wait_at_(bide_untyped_value_(value_task,                                       \
	                                             "bide_value_task_wait takes a value task; for a " \
	                                             "bide_task * use bide_task_wait"),                \
	                         (result), BIDE_FOREVER, BIDE_HERE_)
/*
 * With a limit: ETIMEDOUT, and the value task is not consumed. timeout_ns >= 0. 0: looks; the one
 * worker runs what is ready before.
 */
#define bide_value_task_wait_for(value_task, result, timeout_ns)                              \
	bide_value_task_wait_at_(                                                                 \
		bide_untyped_value_(value_task, "bide_value_task_wait_for takes a value task; for a " \
	                                    "bide_task * use bide_task_wait_for"),                \
		(result), (timeout_ns), BIDE_HERE_)

/* The same for a task, which is not consumed. Errors count as seen. */
BIDE_API int bide_task_wait(bide_task *task, bide_payload *result);
BIDE_API int bide_task_wait_for(bide_task *task, bide_payload *result, int64_t timeout_ns);

/*
 * For a loop of your own: runs what is runnable and due, at most max_count steps, and returns at
 * once. max_count 0: some thousands of steps, so that functions that only yield do not keep it. As
 * in a wait, after 61 functions it looks at timers and at what other threads sent. In a simulation,
 * when nothing is runnable, it goes on to the next timer: the virtual clock advances. *next_ns (may be NULL) gets the nanoseconds to the next timer, 0 if something is
 * runnable still, BIDE_FOREVER if there is no timer. With one worker, on its thread, outside of
 * async functions. 0; EDEADLK: another place (misuse), and *next_ns is BIDE_FOREVER. Beside many
 * workers a loop of yours is an executor: executor.h.
 */
BIDE_API int bide_run_ready(size_t max_count, int64_t *next_ns);

/*
 * A function that may block. The value task that it returns must be ready: a result or an error
 * (bide_value_task_from, bide_value_task_from_error). A pending one is misuse: it is forgotten, and
 * the call fails with EINVAL. A call that needs an async function waits for it. To end the thread
 * (pthread_exit, pthread_cancel) is misuse too, and has the call fail with EINVAL.
 */
typedef bide_value_task bide_blocking_function(void *argument);

/*
 * Runs function(argument) on a thread where it may block. What it returns becomes the outcome of the
 * value task. Nothing interrupts a function that runs; canceled before, it never runs. It runs in
 * the context of the call: with its values, and bide_context_current_error() tells whether it was
 * canceled meanwhile. The queue has no limit: a program that makes many calls sets one
 * (bide_for_each). Cost: an object from the pool, a hand-over between threads each way (tens of
 * microseconds when they sleep).
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_run_blocking(bide_blocking_function *function,
                                                           void *argument);

/*
 * The same on a thread of its own, which ends with the function: it never waits for other calls,
 * takes no place of theirs, and no limit counts it. For what takes long or never ends by itself; a
 * shutdown waits for it. The value task fails with EAGAIN if no thread can be started. Cost:
 * starting a thread (tens of microseconds). In a simulation, which is one thread, it is misuse, and
 * fails with EINVAL.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_run_on_new_thread(bide_blocking_function *function,
                                                                void *argument);

/*
 * Waits from ordinary code until no async function is pending, neither runnable nor waiting, and no
 * blocking call queued or running: before a shutdown, for what was started and forgotten. Nothing is stopped or refused; what is started
 * meanwhile is waited for too. The one worker runs what is runnable meanwhile.
 * timeout_ns >= 0, or BIDE_FOREVER. 0; ETIMEDOUT: some are pending still (bide_dump names them);
 * EINVAL (misuse): a timeout below zero; EDEADLK: inside an async function, on one of many workers,
 * or once the thread of the one worker has ended (misuse), or in a simulation in which nothing can
 * ever happen. Cost: looks at all pools, at once and then after 1 ms to 20 ms.
 */
BIDE_API int bide_drain(int64_t timeout_ns);

/*
 * Ends the runtime and gives all memory back, so that bide can be configured anew; a start without
 * that sets it up again with the defaults. Outside of async functions, and of callbacks, hooks and
 * other code that the library calls, when no other thread uses bide; with one worker on its thread,
 * with many on any but theirs. Waits for running blocking calls, for which the one worker runs what
 * is runnable; queued ones are canceled; each of many workers finishes the function that it runs. Frames that are still pending, or
 * finished and not consumed, are leaks, and so are queued blocking calls that were forgotten: the
 * report hook (misuse.h) gets a line for each, and
 * *leak_count (may be NULL) their number. 0, also if there are leaks; EDEADLK: called from the wrong
 * place (misuse); EBUSY: other threads that used bide still run, or one came while it waited for
 * the workers (misuse; queued blocking calls have been canceled then, and all else goes on);
 * ENOMEM. After an error *leak_count is 0.
 */
BIDE_API int bide_shutdown(uint64_t *leak_count);

/*
 * In a simulation: a hash over all that ran, in order; equal seeds give equal hashes. 0 without
 * one.
 */
BIDE_API uint64_t bide_simulation_hash(void);
/* In a simulation: a number drawn from the seed. Without one: misuse, 0. */
BIDE_API uint64_t bide_simulation_random(void);

/*
 * Names every async function that is pending: where it stands (file:line of its await), and what
 * it waits for. Of the library's own functions it names the call that you made, if no async
 * function waits for it. One line each, to `write`, as text without a newline; NULL: to the report
 * hook, which by default prints to standard error (misuse.h). Returns how many it named. In debug
 * mode lines follow for the completion sources that are pending, with the place of their
 * bide_task_create and their references; otherwise one line counts them.
 *
 * It never follows pointers of yours. Any thread: what goes on meanwhile may be named or not.
 * `write` is called while no lock is held. It must not call bide.
 */
BIDE_API size_t bide_dump(bide_report_hook *write, void *argument);

BIDE_END_DECLS
#endif
