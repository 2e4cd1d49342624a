/*
 * executor.h - where functions run: one after the other (a strand), or on a thread of yours (a
 * loop).
 *
 * An executor is a property of a context: what is started in the context, and in contexts made in
 * it, runs there, from the first instruction to the last of its cleanup, whatever it awaits.
 * Without one, functions run on the workers.
 *
 *     bide_executor *ledger = bide_strand_create();
 *     bide_await(bide_with_executor(ledger, book(entry))); // never two of them at a time
 *
 *     bide_async_switch_to(gui);  // in an async function: go on there
 *     label_set(my->label, my->text);
 *     bide_async_switch_back;     // and back to where it was
 *
 * A strand has no thread: any worker runs its functions, never two at the same time, in the order
 * in which they became runnable. One that awaits what is not ready lets the others run; so two
 * functions of a strand may await each other's work. What a function starts in its own strand runs
 * at once, inside it.
 *
 * A loop belongs to the thread that made it, which has a loop of its own (a GUI, an event loop):
 * watch bide_loop_fd, and when it is readable call bide_loop_run.
 *
 * Ownership: reference counted; contexts hold references of their own. Making something runnable
 * on an executor allocates nothing and never fails.
 */
#ifndef BIDE_EXECUTOR_H
#define BIDE_EXECUTOR_H

#include "frame.h"

typedef struct bide_executor bide_executor;

struct bide_context;

BIDE_BEGIN_DECLS

/* A new strand. From the pool, about 200 bytes. NULL: no memory. Any thread. */
BIDE_API BIDE_USE_RESULT bide_executor *bide_strand_create(void);

/*
 * A new loop, of the calling thread. Outside of async functions; else misuse, NULL. NULL: no
 * memory. On the own thread of the one worker it needs three file descriptors, which all loops of
 * that thread share and which stay until bide_shutdown; NULL also if there are none.
 */
BIDE_API BIDE_USE_RESULT bide_executor *bide_loop_create(void);

/*
 * *fd gets what to poll for reading: readable while something of the loop is ready. Only to be
 * polled, never to be read. The first call opens it; afterwards it stays the same. A thread that
 * calls bide_loop_run again and again needs none, and a thread that makes something ready there then
 * pays no system call. 0; EMFILE, ENFILE, ENOMEM: no descriptor is left; EINVAL: no loop, or fd is
 * NULL (misuse). After an error *fd is -1. Any thread.
 */
BIDE_API int bide_loop_fd(bide_executor *loop, int *fd);

/*
 * Runs what is ready in the loop, at most max_count functions (0: some thousands), and returns at
 * once.
 * *next_ns (may be NULL) gets the nanoseconds to the next timer that this thread must run for,
 * BIDE_FOREVER if there is none, 0 if something is ready still. A program that watches the
 * descriptor need not look at it: the descriptor becomes readable then. On the loop's thread,
 * outside of async functions. On the one worker's own thread it is bide_run_ready: it runs what the
 * worker has to do, too. 0; EINVAL: no loop; EDEADLK: another thread, or inside an async function
 * (all misuse); ENOMEM. After an error *next_ns is BIDE_FOREVER.
 */
BIDE_API int bide_loop_run(bide_executor *loop, size_t max_count, int64_t *next_ns);

/*
 * Makes the calling thread the loop's, once the thread that had it has ended or will never run it
 * again: what was ready stays ready. 0; EINVAL (misuse): no loop, or one of the own thread of the
 * one worker.
 */
BIDE_API int bide_loop_adopt(bide_executor *loop);

/* Stands for the workers: in a context it undoes the executor that would be inherited. */
BIDE_API bide_executor *bide_executor_workers(void);

/* The one that the current context has; NULL: none, the workers. It gives no reference. */
BIDE_API bide_executor *bide_executor_current(void);

/* NULL, the workers, gives NULL. */
BIDE_API bide_executor *bide_executor_ref(bide_executor *executor);
BIDE_API void bide_executor_unref(bide_executor *executor); /* NULL does nothing */

/* Used by the macros below. */
BIDE_API struct bide_context *bide_context_on_(bide_executor *executor, uintptr_t *error);
BIDE_API bide_value_task bide_switch_(bide_frame *frame, struct bide_context *context);
BIDE_API bide_value_task bide_switch_to_(bide_frame *frame, bide_executor *executor);
BIDE_API bide_value_task bide_switch_back_(bide_frame *frame);

BIDE_END_DECLS

#ifndef __cplusplus
/*
 * bide_with_executor(executor, call): a context for one call, as bide_with_timeout; what it starts
 * runs there. NULL: on the workers. Without memory for it the call is not made and the value task has failed with
 * ENOMEM.
 */
#define bide_with_executor(executor, call) \
	BIDE_WITH_((BIDE_NOTE_(bide_with_executor), bide_context_on_), (executor), call, __COUNTER__)

/*
 * In async functions: from here on the function runs elsewhere. switch_to: on that executor (NULL:
 * the workers), by a context made for it; ENOMEM. switch: enters the context (NULL: none), and goes
 * to its executor. switch_back:
 * as bide_async_leave, and goes to the executor of the context that is current then: after a
 * switch_to that is where the function was. Each is an await that goes to the end of the queue
 * there, even if the function is there already; it cannot be canceled.
 */
#define bide_async_switch_to(executor) \
	bide_await((BIDE_NOTE_(bide_async_switch_to), bide_switch_to_(frame_, (executor))))
#define bide_async_switch(context) \
	bide_await((BIDE_NOTE_(bide_async_switch), bide_switch_(frame_, (context))))
#define bide_async_switch_back \
	bide_await((BIDE_NOTE_(bide_async_switch_back), bide_switch_back_(frame_)))
#endif
#endif
