/*
 * combine.h - several operations at once.
 *
 * The items are an array of value tasks of yours, which must live, and not be changed, until the
 * await of the combinator returns (a member of the frame). Tasks join through bide_task_await, or
 * the _tasks forms, which borrow. All errors are kept: each item ends as a ready value task with
 * its own outcome. A result larger than 8 bytes cannot be an item.
 *
 * Cost: nothing if all are ready; else one object from the pool a combinator, whatever the count,
 * and over tasks one for each that is pending. Where there is no memory for it the combinator has
 * failed with ENOMEM: then no item was consumed and nothing was canceled, all are still the
 * caller's. A null array is misuse: EINVAL.
 *
 * Threads: any; with one worker the one the items belong to. What is awaited may complete on any.
 */
#ifndef BIDE_COMBINE_H
#define BIDE_COMBINE_H

#include "context.h"
#include "task.h"

BIDE_BEGIN_DECLS

/*
 * Waits for all. Consumes: items[i] is afterwards a ready value task with that outcome. Fails with
 * the first error in the order of the items that is no cancellation, else with ECANCELED if one was
 * canceled. count 0: completed. Uninterruptible: it ends when the items do; cancel their context.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_when_all(bide_value_task *items, size_t count);
/*
 * The same over tasks. It has no reference on a pending task: one whose last reference goes fails
 * with BIDE_EBROKEN. The array is not used after the call. The error that it hands on counts as
 * seen, others do not. Obeys the ambient cancellation: its waits end and count as failed with the
 * context's error, the tasks go on. A task for whose wait there was no memory counts as failed with
 * ENOMEM.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_when_all_tasks(bide_task *const *tasks, size_t count);

/*
 * Waits for the first; its result is the index of an item that is ready (the lowest, if several are
 * at once). Borrows: no item is consumed; the others stay pending and yours. Succeeds also if that
 * item failed. count 0: misuse, EINVAL. Obeys the ambient cancellation (the items stay yours); an
 * item that is ready at the call wins over it. A bide_async_yield among the items is ready soon, after
 * what is runnable now. Over tasks: no error counts as seen, not even the winner's, and the array is
 * not used after the call.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_when_any(const bide_value_task *items, size_t count);
BIDE_API BIDE_USE_RESULT bide_value_task bide_when_any_tasks(bide_task *const *tasks, size_t count);

/*
 * The first one to end wins, however it ended: cancels `scope`, in which all the items were
 * started, waits for all, and gives the index of the winner; never an item's error. Consumes, as
 * when_all; uninterruptible. scope may be NULL: then it only waits. count 0: misuse, EINVAL.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_race(bide_context *scope, bide_value_task *items,
                                                   size_t count);

/*
 * The items in the order in which they complete; ready ones first, in their order:
 *
 *     if (bide_when_each_init(&my->each, my->items, 8) != 0)
 *             bide_async_fail(ENOMEM);
 *     for (;;) {
 *             bide_await_or(my->i, bide_when_each_next(&my->each), break); // BIDE_EEND: the end
 *             use(my->items[my->i]); // consumed: ready, its own outcome
 *     }
 *
 * Memory: the items live until it has given BIDE_EEND, or the value task of bide_when_each_end was
 * awaited; each is when_each's until it was given. The struct is yours to place. Uninterruptible,
 * as when_all. Cost of next: an object from the pool if it has to wait; and a search among the
 * items, which is short when they complete in some order, and takes log(count) steps when they do
 * not: until an item was given the library uses its payload for that.
 */
struct bide_each_;
typedef struct bide_when_each {
	struct bide_each_ *core_; /* NULL: all were ready, or it has ended */
	bide_value_task *items_;
	size_t count_, next_;
	bool failed_; /* bide_when_each_init has failed */
	bool ended_;  /* bide_when_each_end was called */
} bide_when_each;

/* 0; ENOMEM, and no item was consumed; EINVAL (misuse): null. */
BIDE_API BIDE_USE_RESULT int bide_when_each_init(bide_when_each *each, bide_value_task *items,
                                                 size_t count);
/*
 * The index of the next; BIDE_EEND after the last, and ever after. ENOMEM: the call may be repeated.
 * EINVAL (misuse): null, init has failed, or after bide_when_each_end. EBUSY (misuse): the value task
 * of the call before is pending.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_when_each_next(bide_when_each *each);
/*
 * Gives up the rest: those that were not given are yours again, pending or ready. Await it before
 * you touch them: it is ready at once unless another thread completes one of them at this moment.
 * Nothing if BIDE_EEND was given. Allocates nothing, cannot fail; EINVAL (misuse): null.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_when_each_end(bide_when_each *each);

BIDE_END_DECLS
#endif
