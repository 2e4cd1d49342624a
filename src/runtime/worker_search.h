/*
 * worker_search.h - where one of many workers finds what it runs next: first what it has itself,
 * then the injector and what other workers have. All of this is for the worker itself. The
 * results are entries as in a deque (async/deque.h), or 0.
 */
#ifndef BIDE_RUNTIME_WORKER_SEARCH_H
#define BIDE_RUNTIME_WORKER_SEARCH_H

#include "async/deque.h"
#include "base/thread.h"
#include "runtime/ring.h"
#include "runtime/worker.h"

enum {
	/* So many functions run at most before the worker looks at the injector and the timers. */
	BIDE_TURNS_BETWEEN_POLLS_ = 61
};

/*
 * After BIDE_TURNS_BETWEEN_POLLS_: ends what is due, and takes the oldest entry of the injector or
 * of the deque, in turn. The ring needs no such look, because its frames are taken in order. Before
 * that, this only checks a hidden batch (batch.h).
 */
BIDE_INTERNAL uintptr_t bide_worker_take_rarely_(bide_worker *worker);
/*
 * Searches for `for_ns`, but at least once. `counted`: this worker already counts as a searcher.
 */
BIDE_INTERNAL uintptr_t bide_worker_search_(bide_worker *worker, bool counted, int64_t for_ns);

/* Takes what the worker itself has: its next step, the oldest frame of its ring, its deque. */
static inline uintptr_t bide_worker_take_(bide_worker *w)
{
	bide_thread_head *head = &w->thread.head;
	uintptr_t entry;

	if (BIDE_UNLIKELY(w->turns++ >= w->turns_max) && (entry = bide_worker_take_rarely_(w)) != 0)
		return entry;
	if (w->has_next && head->handovers++ < BIDE_HANDOVERS_MAX_) {
		w->has_next = false;
		if ((entry = bide_deque_owner_pop_(head)) != 0)
			return entry;
	}
	head->handovers = 0;
	entry = bide_entry_of_(bide_ring_take_(&w->ring));
	if (entry)
		return entry;
	w->has_next = false;
	if (BIDE_UNLIKELY(bide_deque_is_asked_(head)))
		bide_deque_owner_answer_(head);
	return bide_deque_owner_pop_(head);
}

#endif
