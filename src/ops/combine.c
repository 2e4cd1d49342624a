/*
 * combine.c - the items of a combinator: asking whether they are over, registering, settling.
 */
#include "ops/combine.h"

#include "ops/first_error.h"
#include "source/source.h"

bool bide_pending_item_ready_(bide_value_task *item, const bide_place *by)
{
	if (bide_is_yield_(*item))
		return false;
	if (bide_check_fresh_(*item, by->function, NULL))
		return bide_is_done_(bide_source_of_(*item));
	*item = bide_value_task_from_error(BIDE_ESTALE);
	return true;
}

bool bide_item_listen_(const bide_operation *operation, bide_observer *listener, size_t *parties,
                       bide_value_task *item, const bide_place *by)
{
	*item = bide_yield_to_operation_(*item);
	if (!bide_is_pending_(*item))
		return false;
	bide_combine_join_(operation, parties);
	switch (bide_listen_(*item, listener, by->function, NULL)) {
	case BIDE_REGISTERED_:
		return true;
	case BIDE_ALREADY_DONE_:
		*item = bide_consume_(bide_source_of_(*item), by);
		break;
	default:
		*item = bide_value_task_from_error(BIDE_ESTALE);
	}
	bide_combine_leave_(operation, parties);
	return false;
}

bool bide_registrations_are_valid_(const size_t *parties, const bide_observer *listener,
                                   const bide_value_task *items, size_t count)
{
	/* Loaded before the items are counted: both numbers fall, that of the parties last. */
	size_t left = BIDE_LOAD(parties, ACQUIRE);

	BIDE_INVARIANT_(left > 0);
	left--;
	for (size_t i = 0; i < count; i++)
		if (bide_is_pending_(items[i]) && BIDE_LOAD(&bide_source_of_(items[i])->word, RELAXED) ==
		                                      bide_word_of_listener_(listener)) {
			BIDE_INVARIANT_(left > 0);
			left--;
		}
	return true;
}

size_t bide_items_index_(const bide_value_task *items, size_t count, const bide_source *source)
{
	for (size_t i = 0; i < count; i++)
		if (items[i].state == (uintptr_t)source)
			return i;
	return SIZE_MAX;
}

void bide_pending_item_settle_(bide_value_task *item, const bide_place *by)
{
	bide_source *source = bide_source_of_(*item);
	bool yield = bide_is_yield_(*item);
	bool fresh = yield || BIDE_LOAD(&source->generation, RELAXED) == item->payload.generation;

	if (fresh && !yield && bide_is_done_(source)) {
		*item = bide_consume_(source, by);
		return;
	}
	bide_misuse_(
		"%s: an item has changed before the await returned; until then the array must live, "
		"as a member of the frame, and nothing else may consume or replace an item (a local "
		"array of an async function is lost at the await)",
		by->function);
	*item = bide_value_task_from_error(fresh ? BIDE_EINVAL_ : BIDE_ESTALE);
}

int bide_items_gather_(bide_value_task *items, size_t count, const bide_place *by)
{
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		bide_item_settle_(&items[i], by);
		bide_first_error_add_(&error, (int)items[i].state);
	}
	return error;
}

bool bide_tasks_valid_(bide_task *const *tasks, size_t count, const char *what, bool *pending)
{
	if (!tasks && count > 0) {
		bide_misuse_("%s: tasks is NULL, an array of count tasks is needed", what);
		return false;
	}
	*pending = false;
	for (size_t i = 0; i < count; i++) {
		if (!tasks[i]) {
			bide_misuse_("%s: tasks[%zu] is NULL, each must be a task", what, i);
			return false;
		}
		*pending |= !bide_task_is_ready(tasks[i]);
	}
	return true;
}
