/*
 * race.c - the first item that ends wins: it cancels a scope, and the race waits for all items.
 *
 * The party that sets RACE_WON first writes the winner and cancels. The party that brings `parties`
 * to zero gathers all items.
 */
#include "base/assert.h"
#include "base/party.h"
#include "base/text.h"
#include "ops/combine.h"
#include "source/operation.h"
#include "source/source.h"

enum { RACE_WON = 1 };

typedef struct race {
	bide_operation operation;
	bide_observer listener;
	size_t parties;
	bide_value_task *items;
	size_t count;
	size_t winner; /* written by the party that sets RACE_WON; ordered by `parties` */
	bide_context *scope;
	uint32_t decided; /* 0, or RACE_WON */
} race;

static void describe_race(const void *copy, char *to, size_t size_bytes)
{
	const race *r = copy;

	bide_put_(to, size_bytes, "bide_race (%zu of %zu pending%s)", r->parties, r->count,
	          r->decided & RACE_WON ? ", one has won" : "");
}

static const bide_operation_type race_type = { .name = "bide_race", .describe = describe_race };
static const bide_place race_by = { __FILE__, __LINE__, "bide_race" };

/* All items have reported. Returns the winner, whatever the outcomes are. */
static bide_payload race_end(race *r)
{
	BIDE_ASSERT_(r->decided == RACE_WON && r->winner < r->count);
	bide_items_gather_(r->items, r->count, &race_by);
	bide_context_unref(r->scope);
	return bide_payload_int_((int64_t)r->winner);
}

/*
 * Cancels the scope. The caller holds a party, so what the cancellation completes cannot end the
 * race.
 */
static void race_won(race *r, size_t winner)
{
	r->winner = winner;
	if (r->scope)
		bide_context_cancel(r->scope, BIDE_ECANCELED_);
}

static void race_run(bide_observer *listener, bide_source *done)
{
	race *r = BIDE_CONTAINER_(listener, race, listener);
	bide_payload winner;

	if (!(bide_party_mark_(&r->operation.source, &r->decided, RACE_WON) & RACE_WON))
		race_won(r, bide_items_index_(r->items, r->count, done));
	if (bide_combine_leave_(&r->operation, &r->parties) != 0)
		return;
	winner = race_end(r);
	bide_operation_complete_(&r->operation, winner, 0);
}

/* Returns the lowest index of an item that is ready, or SIZE_MAX. */
static size_t lowest_ready(bide_value_task *items, size_t count, const bide_place *by)
{
	for (size_t i = 0; i < count; i++)
		if (bide_item_ready_(&items[i], by))
			return i;
	return SIZE_MAX;
}

/* An item that turns out to be ready while it is registered may win, too. */
static void race_listen(race *r)
{
	for (size_t i = 0; i < r->count; i++) {
		if (!bide_is_pending_(r->items[i]))
			continue;
		if (!bide_item_listen_(&r->operation, &r->listener, &r->parties, &r->items[i], &race_by) &&
		    !(bide_party_mark_(&r->operation.source, &r->decided, RACE_WON) & RACE_WON))
			race_won(r, i);
	}
}

bide_value_task bide_race(bide_context *scope, bide_value_task *items, size_t count)
{
	bide_value_task value;
	size_t winner;
	race *r;

	if (!items || count == 0) {
		bide_misuse_("bide_race: %s", !items
		                                  ? "items is NULL, an array of count value tasks is needed"
		                                  : "count is 0, a winner needs at least one item");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	winner = lowest_ready(items, count, &race_by);
	if (winner == 0 && bide_items_ready_(items, count, &race_by)) {
		bide_items_gather_(items, count, &race_by);
		if (scope)
			bide_context_cancel(scope, BIDE_ECANCELED_);
		return bide_value_task_from_int(0);
	}
	r = (race *)(void *)bide_operation_new_(sizeof *r, &race_type);
	if (!r)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	value = bide_source_value_(&r->operation.source);
	r->listener.run = race_run;
	r->parties = 1;
	r->items = items;
	r->count = count;
	r->scope = scope ? bide_context_ref(scope) : NULL;
	if (winner != SIZE_MAX) {
		r->decided = RACE_WON;
		race_won(r, winner); /* most of the others are over when they are registered */
	}
	race_listen(r);
	BIDE_ASSERT_UNEXPLORED_(bide_registrations_are_valid_(&r->parties, &r->listener, items, count));
	if (bide_combine_leave_(&r->operation, &r->parties) != 0)
		return value;
	value = bide_value_task_from_int(race_end(r).i);
	bide_operation_discard_(&r->operation.source);
	return value;
}
