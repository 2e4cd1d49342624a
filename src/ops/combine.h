/*
 * combine.h (core) - what the combinators share: a count of registrations, and the caller's items.
 *
 * A combinator is an object with one listener that watches many sources. It is completed, and so
 * given to its consumer, only when nothing can call its listener any more: `live` counts the
 * registrations that have neither reported nor been taken out, and one more for the function that
 * still registers. Whoever brings it to zero completes.
 *
 * Relies on: a listener is run once for each registration that bide_unlisten_ did not take out, on
 * any thread; an object made without SYNC and all that report to it belong to one thread.
 */
#ifndef BIDE_CORE_COMBINE_H
#define BIDE_CORE_COMBINE_H

#include "ops/first_error.h"
#include "source/source.h"

/* --- the count: as that of bide_party_join_, but as wide as an array is long --- */

/* The count of the party that registers keeps the others from reaching zero: no order is needed. */
static inline void bide_live_up_(const bide_operation *operation, size_t *live)
{
	if (bide_is_sync_(&operation->source))
		BIDE_ADD(live, 1, RELAXED);
	else
		++*live;
}

/* What is left. Releases what this party wrote; the party that gets zero acquires all of it. */
static inline size_t bide_live_down_(const bide_operation *operation, size_t *live)
{
	return bide_is_sync_(&operation->source) ? BIDE_SUB(live, 1, ACQ_REL) - 1 : --*live;
}

/* A task that has its awaiters queued has those of its combinators queued too. */
static inline void bide_inherit_queueing_(bide_operation *operation, const bide_source *done)
{
	if (done->flags & BIDE_FLAG_RESUME_LATER_)
		bide_flags_add_(&operation->source, BIDE_FLAG_RESUME_LATER_);
}

/* --- outcomes --- */

static inline bide_value_task bide_outcome_(int64_t result, int error)
{
	return error ? bide_value_task_from_error(error) : bide_value_task_from_int(result);
}

/* --- items: `by` is the caller for reports of misuse; its function is the public name --- */

static inline bide_source *bide_source_of_(bide_value_task pending)
{
	return (bide_source *)pending.state;
}

static inline bool bide_is_yield_(bide_value_task value_task)
{
	return value_task.state == (uintptr_t)&bide_yield_source_;
}

/* One that was consumed before has been reported, and has failed. */
BIDE_INTERNAL bool bide_pending_item_ready_(bide_value_task *item, const bide_place *by);

static inline bool bide_item_ready_(bide_value_task *item, const bide_place *by)
{
	return !bide_is_pending_(*item) || bide_pending_item_ready_(item, by);
}

/* Inlined: a combinator over what is ready is little else. */
static inline bool bide_items_ready_(bide_value_task *items, size_t count, const bide_place *by)
{
	for (size_t i = 0; i < count; i++)
		if (!bide_item_ready_(&items[i], by))
			return false;
	return true;
}

/*
 * Has the listener report an item. false: the item is a ready value task now. The count goes up
 * before, because another thread may report at once.
 */
BIDE_INTERNAL bool bide_item_listen_(const bide_operation *operation, bide_listener *listener,
                                     size_t *live, bide_value_task *item, const bide_place *by);
/* SIZE_MAX: it is none of them. */
BIDE_INTERNAL size_t bide_items_index_(const bide_value_task *items, size_t count,
                                       const bide_source *source);
/* Consumes what is over. The caller's array is trusted only as far as it can be checked. */
BIDE_INTERNAL void bide_pending_item_settle_(bide_value_task *item, const bide_place *by);

static inline void bide_item_settle_(bide_value_task *item, const bide_place *by)
{
	if (bide_is_pending_(*item))
		bide_pending_item_settle_(item, by);
}

/* Once, at the end, so that no item has to be searched for. The error that all give together. */
BIDE_INTERNAL int bide_items_gather_(bide_value_task *items, size_t count, const bide_place *by);
/* Looks for what is not there. count and tasks are checked; *pending: one has to be waited for. */
BIDE_INTERNAL bool bide_tasks_valid_(bide_task *const *tasks, size_t count, const char *what,
                                     bool *pending);

#endif
