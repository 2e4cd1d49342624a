/*
 * executor.h - where functions run: one after the other (a strand), or on a thread of yours (a
 * loop).
 *
 * An executor is a property of a context. A function that is started in the context, or in a
 * context made in it, runs on that executor, from its first instruction to the last of its
 * cleanup, whatever it awaits. Without an executor, functions run on the workers.
 *
 *     bide_executor *ledger = bide_strand_create();
 *     bide_await(bide_with_executor(ledger, book(entry))); // never two of them at a time
 *
 *     bide_async_switch_to(gui);  // in an async function: go on there
 *     label_set(my->label, my->text);
 *     bide_async_switch_back;     // and back to where it was
 *
 * A strand has no thread. Any worker runs its functions, never two at the same time, in the
 * order in which they became runnable. A function that awaits what is not ready lets the others
 * run, so two functions of a strand may await each other's work. A function that is started in
 * its starter's own strand runs at once, inside the starter.
 *
 * A loop belongs to the thread that made it, which has a loop of its own (a GUI, an event loop).
 * Watch the descriptor of bide_loop_fd, and call bide_loop_run when it is readable.
 *
 * Ownership: executors are reference counted; contexts hold references of their own. Making
 * something runnable on an executor allocates nothing and never fails.
 */
#ifndef BIDE_EXECUTOR_H
#define BIDE_EXECUTOR_H

#include "frame.h"

typedef struct bide_executor bide_executor;

struct bide_context;

BIDE_BEGIN_DECLS

/*
 * Returns a new strand, or NULL if there is no memory. Cost: about 200 bytes from the pool. Any
 * thread.
 */
BIDE_API BIDE_USE_RESULT bide_executor *bide_strand_create(void);

/*
 * Returns a new loop of the calling thread, or NULL if there is no memory. Call it outside of
 * async functions; inside one it is misuse and returns NULL. On the own thread of the one worker
 * a loop needs three file descriptors. All loops of that thread share them, and they stay open
 * until bide_shutdown. Returns NULL also if no descriptor is left.
 */
BIDE_API BIDE_USE_RESULT bide_executor *bide_loop_create(void);

/*
 * Sets *fd to a file descriptor, which is readable while something of the loop is ready. Poll it,
 * and never read from it. The first call opens it, and later calls return the same one. It may be
 * readable right after that, though nothing is ready. A thread that calls bide_loop_run again and
 * again needs no descriptor: without one, a thread that makes something ready in the loop makes no
 * system call. Returns 0; EMFILE, ENFILE or ENOMEM if no descriptor is left; EINVAL (misuse) if it
 * is no loop or fd is NULL. After an error *fd is -1. Any thread.
 */
BIDE_API BIDE_USE_RESULT int bide_loop_fd(bide_executor *loop, int *fd);

/*
 * Runs what is ready in the loop, at most max_count functions, and returns at once. A max_count
 * of 0 stands for some thousands. *next_ns (may be NULL) is set to the nanoseconds until the
 * next timer that this thread must run. It is 0 if something is still ready, and BIDE_FOREVER if
 * there is no timer. A program that watches the descriptor need not look at it, because the
 * descriptor becomes readable when the timer is due.
 *
 * Call it on the loop's thread, outside of async functions. On the own thread of the one worker
 * it is bide_run_ready: it also runs what the worker has to do. Returns 0. Errors: EINVAL
 * (misuse) if it is no loop; EDEADLK (misuse) on another thread or inside an async function;
 * ENOMEM. After an error *next_ns is BIDE_FOREVER.
 */
BIDE_API int bide_loop_run(bide_executor *loop, size_t max_count, int64_t *next_ns);

/*
 * Makes the calling thread the owner of the loop. Call it once the previous owner has ended, or
 * will never run the loop again. Functions that were ready stay ready. Returns 0. Errors: EINVAL
 * (misuse) if it is no loop, or a loop of the own thread of the one worker; EDEADLK (misuse) on the
 * thread of the one worker, which runs only loops that it made, or inside an async function;
 * ENOMEM.
 */
BIDE_API BIDE_USE_RESULT int bide_loop_adopt(bide_executor *loop);

/*
 * Returns the executor that stands for the workers. In a context it replaces the executor that
 * the context would inherit.
 */
BIDE_API bide_executor *bide_executor_workers(void);

/*
 * Returns the executor of the current context, and NULL if it has none: functions run on the
 * workers. It does not take a reference for you.
 */
BIDE_API bide_executor *bide_executor_current(void);

/*
 * Takes one more reference and returns its argument. NULL stands for the workers and returns
 * NULL.
 */
BIDE_API bide_executor *bide_executor_ref(bide_executor *executor);
/* Drops a reference. NULL does nothing. */
BIDE_API void bide_executor_unref(bide_executor *executor);

/* Used by the macros below. */
BIDE_API struct bide_context *bide_context_on_(bide_executor *executor, uintptr_t *error);
BIDE_API bide_value_task bide_switch_(bide_frame *frame, struct bide_context *context);
BIDE_API bide_value_task bide_switch_to_(bide_frame *frame, bide_executor *executor);
BIDE_API bide_value_task bide_switch_back_(bide_frame *frame);

BIDE_END_DECLS

#ifndef __cplusplus
/*
 * bide_with_executor(executor, call) makes a context for one call, as bide_with_timeout does.
 * What the call starts runs on that executor; NULL stands for the workers. If there is no memory
 * for the context, the call is not made, and the value task fails with ENOMEM.
 */
#define bide_with_executor(executor, call) \
	BIDE_WITH_((BIDE_NOTE_(bide_with_executor), bide_context_on_), (executor), call, BIDE_NESTED_)

/*
 * In async functions: from here on the function runs elsewhere. Each of these is an await. The
 * function goes to the end of the queue there, even if it is there already. None of them can be
 * canceled.
 *
 * - bide_async_switch_to(executor) goes to that executor (NULL: the workers), by a context made
 *   for it. It fails with ENOMEM if there is no memory for the context.
 * - bide_async_switch(context) enters the context (NULL: no context) and goes to its executor.
 * - bide_async_switch_back does what bide_async_leave does, and goes to the executor of the
 *   context that is current then. After a bide_async_switch_to that is where the function was
 *   before.
 */
#define bide_async_switch_to(executor) \
	bide_await((BIDE_NOTE_(bide_async_switch_to), bide_switch_to_(frame_, (executor))))
#define bide_async_switch(context) \
	bide_await((BIDE_NOTE_(bide_async_switch), bide_switch_(frame_, (context))))
#define bide_async_switch_back \
	bide_await((BIDE_NOTE_(bide_async_switch_back), bide_switch_back_(frame_)))
#endif
#endif
