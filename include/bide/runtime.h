/*
 * runtime.h - the runtime that runs async functions: configuration, waiting from ordinary code,
 * blocking calls, shutdown.
 *
 * The runtime starts by default on first use. It has many workers, or one.
 *
 * Many workers are the default: they are threads of the library's own. An async function that
 * any other thread starts runs at once on the stack of that thread, up to the first await that
 * is not ready. From there on workers run it, each time on whichever thread is free. Different
 * functions run at the same time. Any thread may await, wait for and forget value tasks.
 *
 * With one worker, the thread that uses bide first is the worker, until bide_shutdown. Functions
 * run only while that thread is inside bide_value_task_wait, bide_drain or bide_run_ready. Other
 * threads may start async functions, which are queued for the worker; they may use tasks,
 * cancel, and wait. A value task belongs to the thread that made it. Pass a task to another
 * thread, not a value task.
 *
 * After fork(2) the child has a runtime of its own, from its first use on: bide_threads(7).
 */
#ifndef BIDE_RUNTIME_H
#define BIDE_RUNTIME_H

#include "io.h"
#include "misuse.h"
#include "task.h"

typedef struct bide_config {
	/*
	 * 1: the thread that calls is the worker. 2 to 1024: that number of threads of the library's
	 * own. 0: the number in the environment variable BIDE_WORKERS, and without it one for each
	 * CPU (bide_cpu_count), at least 2.
	 */
	unsigned workers;
	/*
	 * The largest number of threads for bide_run_blocking, 1 to 1024; 0 stands for 64. A thread
	 * is started when all others are busy. The default does not depend on the number of CPUs,
	 * because a call that blocks needs none.
	 */
	unsigned blocking_threads_max;
	/* Threads above this number exit after 10 s of idleness. */
	unsigned blocking_threads_min;
	/*
	 * The largest number of threads that look names up (resolve.h), 1 to 1024; 0 stands for 4. They
	 * are no threads of bide_run_blocking, so a look-up that hangs delays nothing but look-ups.
	 */
	unsigned resolver_threads_max;
	/* Simulation: time jumps to the next timer when nothing is runnable. */
	bool virtual_clock;
	/* Simulation: if not 0, this seed draws the order in which runnable functions run. */
	uint64_t seed;
	/*
	 * As BIDE_DEBUG=1 in the environment: records where frames were started and consumed.
	 * Slower.
	 */
	bool debug;
	/*
	 * How many bytes the buffers of streams may take, for each worker; 0 stands for 4 MiB. Each
	 * stream may have a small buffer (256 bytes) beyond that. buffer.h says what happens at the
	 * limit.
	 */
	uint64_t io_buffers_max_bytes;
	/*
	 * BIDE_IO_EPOLL or BIDE_IO_URING: how the workers wait for descriptors (io.h). 0: as the
	 * environment variable BIDE_IO says, and without it epoll.
	 */
	bide_io_engine io_engine;
} bide_config;

BIDE_BEGIN_DECLS

/*
 * Returns the BIDE_VERSION_NUMBER of the library that runs. The macro is the number of the
 * headers. Any thread.
 */
BIDE_API unsigned bide_version(void);

/*
 * Sets the runtime up. Call it before bide is used; the child of a fork may call it again.
 * Returns 0. Errors: EBUSY if bide is in use already, or was not shut down; EINVAL (misuse) if a
 * number is out of range, or a simulation has more than one worker; ENOMEM or EAGAIN if the
 * workers could not be started.
 */
BIDE_API BIDE_USE_RESULT int bide_configure(const bide_config *config);

/*
 * Stores the configuration in force in *config: what bide_configure was given, completed with
 * the number of workers, the limits, and what the environment added. Sets the runtime up if it
 * was not in use. Returns 0. Errors: EINVAL (misuse) if config is NULL; ENOMEM or EAGAIN if the
 * workers could not be started. Any thread.
 */
BIDE_API BIDE_USE_RESULT int bide_config_get(bide_config *config);

/*
 * Returns the number of workers. Sets the runtime up if it was not in use, and returns 0 if that
 * failed. Any thread.
 */
BIDE_API unsigned bide_worker_count(void);

/*
 * Returns the number of CPUs that this process may use, at least 1. The default number of
 * workers comes from it. It counts the CPUs in the calling thread's affinity mask. The CPU quota
 * of the process's cgroups (versions 1 and 2, parents included) limits the number, rounded up:
 * 1.5 CPUs count as 2. Cost: tens of microseconds, because each call reads files of /proc and
 * /sys. Any thread.
 */
BIDE_API unsigned bide_cpu_count(void);

/*
 * Waits for a value task from ordinary code, consumes it, and stores its result in *result (may
 * be NULL). Returns 0 or the operation's error. On the thread of the one worker it meanwhile
 * runs what is runnable; on any other thread it blocks.
 *
 * These return EDEADLK and do not consume the value task: a call inside an async function, a
 * call on one of many workers, and a call after the thread of the one worker has ended (all
 * misuse); and, in a simulation, a wait in which nothing can ever happen.
 */
BIDE_API int bide_value_task_wait_at_(bide_value_task value_task, bide_payload *result,
                                      int64_t timeout_ns, const bide_place *place);
#define bide_value_task_wait(value_task, result)                                                   \
	bide_value_task_wait_at_(bide_untyped_value_(value_task,                                       \
	                                             "bide_value_task_wait takes a value task; for a " \
	                                             "bide_task * use bide_task_wait"),                \
	                         (result), BIDE_FOREVER, BIDE_HERE_)
/*
 * Does the same with a limit. Returns ETIMEDOUT when timeout_ns has passed; the value task is
 * not consumed then. timeout_ns is 0 or more, or BIDE_FOREVER. 0 does not block; the one worker
 * runs what is ready before it looks.
 */
#ifdef __cplusplus
#define BIDE_RESULT_AND_LIMIT_(result, timeout_ns) (result), (timeout_ns)
#else
/* Class 5: a pointer. Swapped arguments are replaced, so that one message names the fault. */
#define BIDE_IS_POINTER_(x) (__builtin_classify_type(x) == 5)
#define BIDE_RESULT_AND_LIMIT_(result, timeout_ns)                       \
	__builtin_choose_expr(BIDE_IS_POINTER_(timeout_ns), NULL, (result)), \
		(__extension__({                                                 \
			 _Static_assert(!BIDE_IS_POINTER_(timeout_ns),               \
		                    "the result comes before the limit: "        \
		                    "..._wait_for(task, &result, timeout_ns)");  \
		 }),                                                             \
	     __builtin_choose_expr(BIDE_IS_POINTER_(timeout_ns), 0, (timeout_ns)))
#endif
#define bide_value_task_wait_for(value_task, result, timeout_ns)                              \
	bide_value_task_wait_at_(                                                                 \
		bide_untyped_value_(value_task, "bide_value_task_wait_for takes a value task; for a " \
	                                    "bide_task * use bide_task_wait_for"),                \
		BIDE_RESULT_AND_LIMIT_(result, timeout_ns), BIDE_HERE_)

/* The same for a task, which is not consumed. An error that they return counts as seen. */
BIDE_API int bide_task_wait(bide_task *task, bide_payload *result);
BIDE_API int bide_task_wait_for(bide_task *task, bide_payload *result, int64_t timeout_ns);

/*
 * Runs what is runnable and due, at most max_count steps, and returns at once. It is for a loop
 * of your own, with one worker, on the worker's thread, outside of async functions. With many
 * workers a loop of yours is an executor (executor.h).
 *
 * max_count: 0 stands for some thousands of steps, so that functions that only yield do not keep
 * the caller. As in a wait, it looks at timers and at what other threads sent after every 61
 * functions. In a simulation the virtual clock advances to the next timer when nothing is
 * runnable.
 *
 * *next_ns (may be NULL) is set to the nanoseconds until the next timer. It is 0 if something is
 * still runnable, and BIDE_FOREVER if there is no timer. Returns 0, or EDEADLK (misuse) if it is
 * called in another place; *next_ns is BIDE_FOREVER then.
 */
BIDE_API int bide_run_ready(size_t max_count, int64_t *next_ns);

/*
 * A function that may block. It must return a value task that is ready: a result or an error
 * (bide_value_task_from, bide_value_task_from_error). A pending value task is misuse: it is
 * forgotten, and the call fails with EINVAL. If the function needs an async function, it waits
 * for it. Ending the thread (pthread_exit, pthread_cancel) is misuse too, and the call fails
 * with EINVAL.
 */
typedef bide_value_task bide_blocking_function(void *argument);

/*
 * Runs function(argument) on a thread where it may block. The outcome of the function becomes
 * the outcome of the value task. Nothing interrupts a function that runs. If the context is
 * canceled before the function begins, the function never runs. It runs in the context of the
 * call: it sees its values, and bide_context_current_error() tells whether the context was
 * canceled meanwhile. The queue has no limit, so a program that makes many calls sets a limit
 * itself (bide_for_each). Cost: an object from the pool, and a hand-over between threads each
 * way (tens of microseconds when they sleep).
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_run_blocking(bide_blocking_function *function,
                                                           void *argument);

/*
 * Does the same on a thread of its own, which ends with the function. The call never waits for
 * other calls, takes no place of theirs, and counts for no limit. It is for calls that take long
 * or never end by themselves; a shutdown waits for them. The value task fails with EAGAIN if no
 * thread can be started. Cost: starting a thread (tens of microseconds). In a simulation, which
 * has one thread only, it is misuse and fails with EINVAL.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_run_on_new_thread(bide_blocking_function *function,
                                                                void *argument);

/*
 * Waits from ordinary code until no async function is pending, runnable or waiting, and no
 * blocking call is queued or running. Call it before a shutdown, for what was started and
 * forgotten. It stops and refuses nothing; it also waits for what is started meanwhile. The one
 * worker runs what is runnable meanwhile.
 *
 * timeout_ns is 0 or more, or BIDE_FOREVER. Returns 0, or ETIMEDOUT if some are still pending
 * (bide_dump names them). EINVAL (misuse): a timeout below zero. EDEADLK: a call inside an async
 * function, on one of many workers, or after the thread of the one worker has ended (all
 * misuse); or a simulation in which nothing can ever happen. Cost: it looks at all pools, at
 * once and then every 1 ms to 20 ms.
 */
BIDE_API int bide_drain(int64_t timeout_ns);

/*
 * Ends the runtime and returns all memory. You can configure bide anew afterwards; a start
 * without that sets it up again with the defaults.
 *
 * Call it when no other thread uses bide, outside of async functions, callbacks, hooks and other
 * code that the library calls. With one worker, call it on the worker's thread. With many, call
 * it on any thread that is not a worker.
 *
 * It waits for running blocking calls; the one worker meanwhile runs what is runnable. It
 * cancels queued blocking calls. Each of many workers finishes the function that it runs. These
 * are leaks: frames that are still pending, frames that are finished and not consumed, and
 * queued blocking calls that were forgotten. The report hook (misuse.h) is called with a line
 * for each, and *leak_count (may be NULL) is set to their number.
 *
 * Tasks of bide_task_create and bide_task_from outlive the runtime. Everything else ends with it,
 * whatever references you still have: contexts, cancel sources, executors, groups, periodic
 * timers, pending value tasks, and tasks of async functions. Return those references before: using
 * or returning one of them afterwards is misuse. To catch it, bide keeps the memory of what is
 * left: at most 8 MiB, and nothing if the program has set an allocator.
 *
 * Returns 0, also if there are leaks. EDEADLK (misuse): called from the wrong place. EBUSY
 * (misuse): other threads that used bide are still alive, including any that first used it
 * during the shutdown. The queued blocking calls have been canceled then, and all else goes on.
 * ENOMEM: no memory. After an error *leak_count is 0.
 */
BIDE_API int bide_shutdown(uint64_t *leak_count);

/*
 * In a simulation, returns a hash over all that ran, in order. Equal seeds give equal hashes.
 * Returns 0 outside a simulation.
 */
BIDE_API uint64_t bide_simulation_hash(void);
/* In a simulation, returns a number drawn from the seed. Outside one it is misuse and returns 0. */
BIDE_API uint64_t bide_simulation_random(void);

/*
 * Names every async function that is pending: where it stands (file:line of its await), and what
 * it waits for. For the library's own functions it names the call that you made, unless an async
 * function waits for it. It calls `write` with one line each, as text without a newline. If
 * write is NULL, the lines go to the report hook, which by default prints to standard error
 * (misuse.h). Returns the number of functions that it named. In debug mode it also names each
 * pending completion source, with the place of its bide_task_create and its references.
 * Otherwise one line counts them.
 *
 * It never follows pointers of yours. Any thread may call it; it may or may not name what begins
 * or ends meanwhile. `write` is called while no lock is held. It must not call bide.
 */
BIDE_API size_t bide_dump(bide_report_hook *write, void *argument);

BIDE_END_DECLS
#endif
