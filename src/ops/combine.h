/*
 * combine.h - what the combinators share: a count of parties, and the items.
 *
 * The words of these sources:
 *
 *   combinator    an operation over several items: when_all, when_any, when_each, race
 *   item          a value task of the caller's array, or the combinator's own wait for a task
 *   registration  the listener of the combinator, as the waiter of one item
 *   to settle     to replace a pending item by a ready value task with its outcome
 *   to gather     to settle all items, at the end
 *   to take out   to undo a registration, so that it will not report
 *   party         what can still touch the combinator: a registration that has neither reported nor
 *                 been taken out, the function that registers, and what a combinator adds
 *   by            the public function, for reports of misuse
 *
 * A combinator is an object with one listener, which is registered with many sources. It completes,
 * and then belongs to its consumer, only when nothing can call the listener any more. The party
 * that brings `parties` to zero completes it. So at any time:
 *
 *     parties == registrations + 1 while a function registers + what the combinator adds
 *
 * Relies on: a listener runs once for each registration that bide_unlisten_ did not take out, on
 * any thread; an object made without SYNC and all that report to it belong to one thread.
 */
#ifndef BIDE_OPS_COMBINE_H
#define BIDE_OPS_COMBINE_H

#include "base/assert.h"
#include "base/library.h"
#include "source/operation.h"
#include "source/source.h"

/* --- the count: as that of bide_party_join_, but as wide as an array is long --- */

/*
 * Adds a party. The function that registers is a party too, so the others do not reach zero
 * meanwhile, and no order is needed.
 */
static inline void bide_combine_join_(const bide_operation *operation, size_t *parties)
{
	if (bide_is_sync_(&operation->source))
		BIDE_ADD(parties, 1, RELAXED);
	else
		++*parties;
}

/*
 * Removes a party, and returns how many are left. Releases what this party wrote; the party that
 * gets zero acquires all of it.
 */
static inline size_t bide_combine_leave_(const bide_operation *operation, size_t *parties)
{
	size_t before =
		bide_is_sync_(&operation->source) ? BIDE_SUB(parties, 1, ACQ_REL) : (*parties)--;

	BIDE_ASSERT_(before > 0);
	return before - 1;
}

/* A task that has its awaiters queued has those of its combinators queued too. */
static inline void bide_inherit_queueing_(bide_operation *operation, const bide_source *done)
{
	if (done->flags & BIDE_FLAG_RESUME_LATER_)
		bide_flags_add_(&operation->source, BIDE_FLAG_RESUME_LATER_);
}

static inline bide_value_task bide_outcome_(int64_t result, int error)
{
	return error ? bide_value_task_from_error(error) : bide_value_task_from_int(result);
}

/* --- items --- */

static inline bide_source *bide_source_of_(bide_value_task pending)
{
	return (bide_source *)pending.state;
}

static inline bool bide_is_yield_(bide_value_task value_task)
{
	return value_task.state == (uintptr_t)&bide_yield_source_;
}

/*
 * Returns true if a pending item is over. An item that was consumed before counts as over: it is
 * reported, and has failed.
 */
BIDE_INTERNAL bool bide_pending_item_ready_(bide_value_task *item, const bide_place *by);

static inline bool bide_item_ready_(bide_value_task *item, const bide_place *by)
{
	return !bide_is_pending_(*item) || bide_pending_item_ready_(item, by);
}

/* It is inlined, because a combinator over ready items is little else. */
static inline bool bide_items_ready_(bide_value_task *items, size_t count, const bide_place *by)
{
	for (size_t i = 0; i < count; i++)
		if (!bide_item_ready_(&items[i], by))
			return false;
	return true;
}

/*
 * Registers the listener with an item. Returns false if the item is a ready value task now. The
 * count goes up before, because another thread may report at once.
 */
BIDE_INTERNAL bool bide_item_listen_(const bide_operation *operation, bide_observer *listener,
                                     size_t *parties, bide_value_task *item, const bide_place *by);
/*
 * A walker, for the function that registers, once it is through. Returns true if it and each item
 * that is registered are the parties. No item may be in the array twice.
 */
BIDE_INTERNAL bool bide_registrations_are_valid_(const size_t *parties,
                                                 const bide_observer *listener,
                                                 const bide_value_task *items, size_t count);
/* Returns the index of the item with this source, or SIZE_MAX if it is none of them. */
BIDE_INTERNAL size_t bide_items_index_(const bide_value_task *items, size_t count,
                                       const bide_source *source);
/*
 * Settles an item that is over. It trusts the array of the caller only as far as it can check it.
 */
BIDE_INTERNAL void bide_pending_item_settle_(bide_value_task *item, const bide_place *by);

static inline void bide_item_settle_(bide_value_task *item, const bide_place *by)
{
	if (bide_is_pending_(*item))
		bide_pending_item_settle_(item, by);
}

/*
 * Settles all items, and returns the error that they have together. A combinator calls it once, at
 * the end, so that no item has to be searched for.
 */
BIDE_INTERNAL int bide_items_gather_(bide_value_task *items, size_t count, const bide_place *by);
/*
 * Returns false, and reports misuse, if the array or a task in it is NULL. Stores true in *pending
 * if a task is not over.
 */
BIDE_INTERNAL bool bide_tasks_valid_(bide_task *const *tasks, size_t count, const char *what,
                                     bool *pending);

#endif
