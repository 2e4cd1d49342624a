/*
 * parallel.h - the same body for many indexes or items, several at once, up to a limit.
 *
 *     static bide_value_task fetch(int64_t i, void *urls);       // one async call for each index
 *     bide_parallel_options eight = { .limit = 8 };
 *     bide_await(bide_for_each(0, count, fetch, urls, &eight));
 *
 *     // plain C, a part at a time, on all workers
 *     static int brighten(int64_t begin, int64_t end, void *picture);
 *     bide_await(bide_parallel_for(0, height, brighten, &picture, NULL));
 *
 * The bodies run in a context of their own, below the current one. The first failure cancels
 * that context: pending bodies end as soon as they react, and no body is called for further
 * indexes (unless keep_going is set). The value task is ready when every body has ended, so
 * nothing is left behind.
 *
 * The outcome is the first of these that applies:
 *
 * - Success, if every index had its body and all bodies succeeded.
 * - The error of the caller's context, if that was canceled, whatever the bodies returned.
 * - The first failure of a body that was no cancellation.
 * - ECANCELED: a body failed with that error although nothing was canceled. It is a failure as
 *   any other, but the error number does not tell the two apart.
 *
 * The other errors go to the unobserved hook (misuse.h).
 *
 * Each index is used once. The indexes are taken in ascending order. With one worker the bodies
 * are called in that order. The first bodies are called inside the call. If all bodies of a loop
 * are ready, the value task is ready at once and the loop has allocated nothing. So that other
 * functions need not wait, a worker that runs bodies yields after each part of a
 * bide_parallel_for, and after 64 bodies in a row that were ready.
 *
 * Parameters: `argument`, and what it points at, is borrowed until the value task has been
 * awaited. The options are copied. Threads: any. Bodies are called on workers, and the first few
 * may run on the caller's thread. With several workers several bodies run at once, so they must
 * protect what they share. It is uninterruptible: cancellation reaches the bodies, and the wait
 * for them goes on.
 *
 * Errors of all three functions: EINVAL (misuse) for a NULL body or a number below zero; ENOMEM
 * if there is no memory to begin, in which case no body was called. If memory is short later,
 * fewer bodies run at once.
 *
 * Cost: a context and a small object for the wait, from pools; a frame for the loop; and a frame
 * for each body that is pending at once. A body or index costs no more than the call and a counter.
 */
#ifndef BIDE_PARALLEL_H
#define BIDE_PARALLEL_H

#include "value_task.h"

#define BIDE_UNLIMITED SIZE_MAX

typedef struct bide_parallel_options {
	/*
	 * The number of bodies that may run or be pending at once. 0 stands for the number of
	 * workers, which suits bodies that compute. For bodies that wait set a number, or
	 * BIDE_UNLIMITED.
	 */
	size_t limit;
	/* For bide_parallel_for: the number of indexes in a part. 0: bide_parallel_for chooses it. */
	int64_t grain;
	/* true: a failure cancels nothing, and the loop goes on to further indexes. */
	bool keep_going;
} bide_parallel_options;

/*
 * Takes a part [begin, end) of the range, which is never empty. It is plain C and does not
 * await. It should look at bide_context_current_error() if a part takes long. It returns 0, or
 * an error of 1 to 4095. Any other number is misuse, and counts as EINVAL.
 */
typedef int bide_parallel_body(int64_t begin, int64_t end, void *argument);
/* The value task that it returns is awaited. Its result is dropped. */
typedef bide_value_task bide_each_body(int64_t index, void *argument);
typedef bide_value_task bide_each_item_body(bide_payload item, void *argument);
/*
 * Returns a value task whose result is the next item. It fails with BIDE_EEND if there is no
 * further item.
 */
typedef bide_value_task bide_next_function(void *argument);

BIDE_BEGIN_DECLS

/*
 * Calls body for all parts of [begin, end), on at most min(limit, workers) workers. If the range
 * is empty (end <= begin), it calls none. A worker does no other work during one part, so the
 * grain bounds how late timers are. A grain of 0 stands for an eighth of the range for each
 * worker, at least 1 index and at most 16384. options may be NULL.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_parallel_for(int64_t begin, int64_t end,
                                                           bide_parallel_body *body, void *argument,
                                                           const bide_parallel_options *options);
/*
 * Calls body once for each index of [begin, end) and awaits what it returns. At most `limit`
 * bodies are running or pending. It starts that number at once, but not more than there are
 * indexes.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_for_each(int64_t begin, int64_t end,
                                                       bide_each_body *body, void *argument,
                                                       const bide_parallel_options *options);
/*
 * Does the same for each item that next returns. It is for items without an index (a channel, a
 * list, a page of results). next and body take the same argument. next is awaited before it is
 * called again, and is never called by two threads at once. It is not called again after it has
 * failed: BIDE_EEND is the end, and any other error is a failure, even with keep_going.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_for_each_of(bide_next_function *next,
                                                          bide_each_item_body *body, void *argument,
                                                          const bide_parallel_options *options);

BIDE_END_DECLS
#endif
