/*
 * combine.h - several operations at once.
 *
 * The items are an array of your value tasks. The array must live, and not change, until the
 * await of the combinator returns (a member of the frame). A task joins through bide_task_await.
 * The _tasks forms take tasks and borrow them. No error is lost: each item ends as a ready value
 * task with its own outcome. A result larger than 8 bytes cannot be an item.
 *
 * Cost: nothing if all items are ready. Otherwise one object from the pool for each combinator,
 * whatever the count, and over tasks one for each pending task. If there is no memory for it,
 * the combinator fails with ENOMEM. It has consumed and canceled nothing then: the caller still
 * owns all items. A NULL array is misuse: EINVAL.
 *
 * Threads: any thread may call them; with one worker, the thread that the items belong to. The
 * operations may complete on any thread.
 */
#ifndef BIDE_COMBINE_H
#define BIDE_COMBINE_H

#include "context.h"
#include "task.h"

BIDE_BEGIN_DECLS

/*
 * Waits for all items. Consumes them: items[i] is afterwards a ready value task with the outcome
 * of that item. It fails with the error of the first item, in the order of the array, that
 * failed and was not canceled; otherwise with ECANCELED if an item was canceled. With count 0 it
 * has succeeded. It is uninterruptible and ends when the items do: cancel their context to end
 * it sooner.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_when_all(bide_value_task *items, size_t count);
/*
 * Does the same over tasks. It has no reference to a pending task: a task whose last reference is
 * dropped fails with BIDE_EBROKEN. It does not use the array after the call. The error with which
 * it fails counts as seen; other errors do not. It obeys the ambient cancellation: each wait ends
 * and counts as failed with the context's error, and the tasks go on. If there was no memory to
 * wait for a task, that task counts as failed with ENOMEM.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_when_all_tasks(bide_task *const *tasks, size_t count);

/*
 * Waits for the first item. Its result is the index of an item that is ready, the lowest if
 * several are. It succeeds even if that item failed. It borrows: no item is consumed, and the
 * others stay pending and yours. count 0 is misuse: EINVAL. It obeys the ambient cancellation,
 * and the items stay yours; an item that is ready at the call wins over the cancellation. A
 * bide_async_yield among the items is ready soon, after what is runnable now.
 * bide_when_any_tasks counts no error as seen, not even the winner's, and does not use the array
 * after the call.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_when_any(const bide_value_task *items, size_t count);
BIDE_API BIDE_USE_RESULT bide_value_task bide_when_any_tasks(bide_task *const *tasks, size_t count);

/*
 * Waits until the first item ends, successful or not: that item wins. It then cancels `scope`,
 * in which you have started all the items, and waits for all of them. Its result is the index of
 * the winner; it never fails with an item's error. It consumes the items, as bide_when_all does,
 * and is uninterruptible. If scope is NULL, it only waits. count 0 is misuse: EINVAL. There is no
 * form over tasks: a task is shared, so a race may not end it. Use bide_when_any_tasks.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_race(bide_context *scope, bide_value_task *items,
                                                   size_t count);

/*
 * Returns the items in the order in which they complete. Items that are ready come first, in the
 * order of the array:
 *
 *     if (bide_when_each_init(&my->each, my->items, 8) != 0)
 *             bide_async_fail(ENOMEM);
 *     for (;;) {
 *             bide_await_or(my->i, bide_when_each_next(&my->each), break); // BIDE_EEND: the end
 *             use(my->items[my->i]); // consumed: ready, its own outcome
 *     }
 *
 * Memory: the struct is yours to place. The items must live until bide_when_each_next has failed
 * with BIDE_EEND, or until the value task of bide_when_each_end was awaited. bide_when_each owns
 * an item until it has returned it. It is uninterruptible, as bide_when_all is.
 *
 * Cost of bide_when_each_next: an object from the pool if it has to wait, and a search among the
 * items. The search is short if items that are neighbours in the array complete one after the
 * other. Otherwise it takes log(count) steps; the library then uses the payload of an item until it
 * has returned the item.
 */
struct bide_each_;
typedef struct bide_when_each {
	/* NULL: all were ready, or it has ended. */
	struct bide_each_ *core_;
	bide_value_task *items_;
	size_t count_, next_;
	/* The life of the runtime at bide_when_each_init. */
	uint32_t life_;
	/* true: bide_when_each_init has failed. */
	bool failed_;
	/* true: bide_when_each_end was called. */
	bool ended_;
} bide_when_each;

/*
 * Consumes the items. Returns 0; ENOMEM, and no item was consumed; or EINVAL (misuse) if a
 * pointer is NULL.
 */
BIDE_API BIDE_USE_RESULT int bide_when_each_init(bide_when_each *each, bide_value_task *items,
                                                 size_t count);
/*
 * Returns a value task whose result is the index of the next item. After the last item it fails
 * with BIDE_EEND, each time. It fails with ENOMEM if there is no memory; you may repeat the
 * call. Misuse: EINVAL if each is NULL, if bide_when_each_init has failed, or after
 * bide_when_each_end; EBUSY if the value task of the last call is still pending.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_when_each_next(bide_when_each *each);
/*
 * Ends the iteration early: the items that were not returned yet are yours again, pending or
 * ready. Await the value task before you touch them. It is ready at once unless another thread
 * completes one of the items at this moment. After BIDE_EEND it does nothing. It allocates nothing
 * and cannot fail. A NULL is misuse: EINVAL.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_when_each_end(bide_when_each *each);

BIDE_END_DECLS
#endif
