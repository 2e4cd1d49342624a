/*
 * parallel.h - the same body for many indexes or items, several at once, and at most so many.
 *
 *     static bide_value_task fetch(int64_t i, void *urls);       // one async call for each index
 *     bide_parallel_options eight = { .limit = 8 };
 *     bide_await(bide_for_each(0, count, fetch, urls, &eight));
 *
 *     // plain C, a part at a time, on all workers
 *     static int brighten(int64_t begin, int64_t end, void *picture);
 *     bide_await(bide_parallel_for(0, height, brighten, &picture, NULL));
 *
 * The bodies run in a context of their own, below the current one. The first failure cancels it:
 * bodies that are pending end as they react, and no further index is given out (unless keep_going).
 * Nothing is left behind: the value task is ready when every body has ended.
 *
 * How it ends: 0, if everything was given out and all bodies succeeded. Otherwise, if the context
 * of the caller was canceled: its error, whatever the bodies said. Otherwise the first failure of a
 * body that was no cancellation. Otherwise ECANCELED: a body failed with it though nobody had
 * canceled it, which is a failure as any other, only that error numbers do not tell the two apart.
 *
 * Indexes are given out once each, in ascending order; with one worker bodies are called in that
 * order. The first bodies are called inside the call: a loop whose bodies are all ready gives a
 * ready value task and has allocated nothing. So that others are not kept waiting, what runs bodies
 * gives way after each part of a bide_parallel_for, and after 64 bodies in a row that were ready.
 *
 * Parameters: `argument`, and what it points at, is borrowed until the value task has been awaited;
 * options are copied. Threads: any; bodies are called on workers, several at once if there are
 * several, so what they share they must protect; the first few may run on the caller's thread.
 * Uninterruptible: cancellation reaches the bodies, and the wait for them goes on.
 * Errors of all three: EINVAL (misuse: a null body, a number below zero); ENOMEM: no memory to
 * begin; no body was called. Where memory is short later, fewer run at once.
 * Cost: two small objects from pools (context, wait) and a frame each for the loop and for what is
 * pending at once; nothing for each body or index but the call and a counter.
 */
#ifndef BIDE_PARALLEL_H
#define BIDE_PARALLEL_H

#include "value_task.h"

#define BIDE_UNLIMITED SIZE_MAX

typedef struct bide_parallel_options {
	/*
	 * Bodies that may run or be pending at once. 0: as many as there are workers, which is for
	 * bodies that compute; those that wait want a number, or BIDE_UNLIMITED.
	 */
	size_t limit;
	int64_t grain;   /* bide_parallel_for: indexes in a part; 0: chosen, see there */
	bool keep_going; /* a failure cancels nobody, and handing out goes on */
} bide_parallel_options;

/*
 * A part [begin, end) of the range, never empty. Plain C, it does not await, and should look at
 * bide_context_current_error() if a part takes long. 0, or an error, 1..4095; else misuse and EINVAL.
 */
typedef int bide_parallel_body(int64_t begin, int64_t end, void *argument);
/* What it returns is awaited; a result is dropped. */
typedef bide_value_task bide_each_body(int64_t index, void *argument);
typedef bide_value_task bide_each_item_body(bide_payload item, void *argument);
/* Its result is the next item; BIDE_EEND: there is none. */
typedef bide_value_task bide_next_function(void *argument);

BIDE_BEGIN_DECLS

/*
 * Calls body for all parts of [begin, end), on at most min(limit, workers) workers; of an empty
 * range (end <= begin) none. A worker is kept from other work for one part at a time, so the grain
 * bounds how late timers are. grain 0: an eighth of the range for each worker, at most 16384
 * indexes, at least 1. options may be NULL.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_parallel_for(int64_t begin, int64_t end,
                                                           bide_parallel_body *body, void *argument,
                                                           const bide_parallel_options *options);
/*
 * Calls body once for each index of [begin, end) and awaits what it returns; at most limit of them
 * are running or pending. As many as that are started at once, not more than there are indexes.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_for_each(int64_t begin, int64_t end,
                                                       bide_each_body *body, void *argument,
                                                       const bide_parallel_options *options);
/*
 * The same for each item that next gives: for what has no index (a channel, a list, a page of
 * results). next and body get the same argument. next is awaited before it is called again, never
 * called by two at once, and never after it has failed: with BIDE_EEND that is the end, with another
 * error a failure, also if keep_going.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_for_each_of(bide_next_function *next,
                                                          bide_each_item_body *body, void *argument,
                                                          const bide_parallel_options *options);

BIDE_END_DECLS
#endif
