/*
 * combine.c - when_all, when_any, race, when_each: one notify that watches many sources.
 *
 * A combinator's object is completed, and so given to its consumer, only when nothing can call its
 * notify any more: `live` counts the registrations that have neither reported nor been taken out,
 * and one more for the function that still registers. Whoever brings it to zero completes.
 *
 * Relies on: a notify is run once for each registration that bide_unwatch_ did not take out, on
 * any thread; an object made without SYNC and all that report to it belong to one thread.
 */
#include "core.h"
#include "task.h"

/* Who reports misuse and who consumed; the function is the public name. */
#define BY(name)                 \
	{                            \
		__FILE__, __LINE__, name \
	}

/* --- what they share --- */

/* Locked instructions only where several threads take part. */
static bool is_shared(const bide_operation *operation)
{
	return bide_is_sync_(&operation->source);
}

/* By whoever registers, whose own count keeps the others from reaching zero: no order is needed. */
static void count_up(const bide_operation *operation, size_t *live)
{
	if (is_shared(operation))
		BIDE_ADD(live, 1, RELAXED);
	else
		++*live;
}

/* What is left. Releases what this party wrote; the one who gets zero acquires all of it. */
static size_t count_down(const bide_operation *operation, size_t *live)
{
	return is_shared(operation) ? BIDE_SUB(live, 1, ACQ_REL) - 1 : --*live;
}

/* The bits before. Pairs with itself: who comes second sees what the first wrote before. */
static uint32_t set_bits(const bide_operation *operation, uint32_t *bits, uint32_t more)
{
	uint32_t before;

	if (is_shared(operation))
		return BIDE_OR(bits, more, ACQ_REL);
	before = *bits;
	*bits = before | more;
	return before;
}

static bide_value_task outcome(int64_t result, int error)
{
	return error ? bide_value_task_from_error(error) : bide_value_task_from_int(result);
}

/* One error out of many: the first that is no cancellation, else the cancellation. */
static void prefer(int *error, int other)
{
	if (other != 0 && (*error == 0 || *error == BIDE_ECANCELED_))
		*error = other;
}

/* The same with what has failed: the payload is its trace. */
static bide_value_task outcome_of(const bide_value_task *items, size_t count, int error)
{
	bide_value_task v = outcome(0, error);

	for (size_t i = 0; error && i < count; i++)
		if (items[i].state == (uintptr_t)error)
			return items[i];
	return v;
}

static bide_value_task outcome_of_tasks(bide_task *const *tasks, size_t count, int error)
{
	bide_value_task v = outcome(0, error);

	for (size_t i = 0; error && i < count; i++)
		if (bide_task_error(tasks[i]) == error) {
			v.payload.trace = bide_task_trace(tasks[i]);
			break;
		}
	return v;
}

static bide_source *source_of(bide_value_task pending)
{
	return (bide_source *)pending.state;
}

static bool is_yield(bide_value_task value_task)
{
	return value_task.state == (uintptr_t)&bide_yield_source_;
}

/* One that was consumed before has been reported, and has failed. */
static bool item_is_ready(bide_value_task *item, const bide_place *by)
{
	if (!bide_is_pending_(*item))
		return true;
	if (is_yield(*item))
		return false;
	if (bide_check_fresh_(*item, by->function, NULL))
		return bide_is_done_(source_of(*item));
	*item = bide_value_task_from_error(BIDE_ESTALE);
	return true;
}

static bool all_are_ready(bide_value_task *items, size_t count, const bide_place *by)
{
	for (size_t i = 0; i < count; i++)
		if (!item_is_ready(&items[i], by))
			return false;
	return true;
}

/*
 * Has the notify report an item. false: the item is a ready value task now. The count goes up
 * before, because another thread may report at once.
 */
static bool watch_item(const bide_operation *operation, bide_notify *notify, size_t *live,
                       bide_value_task *item, const bide_place *by)
{
	*item = bide_materialise_(*item);
	if (!bide_is_pending_(*item))
		return false;
	count_up(operation, live);
	switch (bide_watch_(*item, notify, by->function, NULL)) {
	case BIDE_REGISTERED_:
		return true;
	case BIDE_ALREADY_DONE_:
		*item = bide_consume_(source_of(*item), by);
		break;
	default:
		*item = bide_value_task_from_error(BIDE_ESTALE);
	}
	count_down(operation, live);
	return false;
}

static size_t index_of(const bide_value_task *items, size_t count, const bide_source *source)
{
	for (size_t i = 0; i < count; i++)
		if (items[i].state == (uintptr_t)source)
			return i;
	return SIZE_MAX;
}

/* Consumes what is over. The caller's array is trusted only as far as it can be checked. */
static void settle_item(bide_value_task *item, const bide_place *by)
{
	if (!bide_is_pending_(*item))
		return;
	if (item_is_ready(item, by)) {
		if (bide_is_pending_(*item))
			*item = bide_consume_(source_of(*item), by);
		return;
	}
	bide_misuse_("%s: an item was replaced by another pending value task before the await returned",
	             by->function);
	*item = bide_value_task_from_error(BIDE_EINVAL_);
}

/* Once, at the end, so that no item has to be searched for. The error that all give together. */
static int gather(bide_value_task *items, size_t count, const bide_place *by)
{
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		settle_item(&items[i], by);
		prefer(&error, (int)items[i].state);
	}
	return error;
}

/* --- when_all --- */

typedef struct when_all {
	bide_operation operation;
	bide_notify notify;
	size_t live;
	bide_value_task *items;
	size_t count;
} when_all;

static const bide_operation_type all_type = { .name = "when_all" };
static const bide_place all_by = BY("bide_when_all");

/* A task that has its awaiters queued has those of its combinators queued too. */
static void inherit_queueing(bide_operation *operation, const bide_source *done)
{
	if (done->flags & BIDE_FLAG_QUEUE_)
		bide_flags_add_(&operation->source, BIDE_FLAG_QUEUE_);
}

static void all_run(bide_notify *notify, bide_source *done)
{
	when_all *all = BIDE_CONTAINER_(notify, when_all, notify);

	inherit_queueing(&all->operation, done);
	if (count_down(&all->operation, &all->live) == 0) {
		int error = gather(all->items, all->count, &all_by);
		bide_payload trace = outcome_of(all->items, all->count, error).payload;
		bide_operation_complete_(&all->operation, trace, error);
	}
}

bide_value_task bide_when_all(bide_value_task *items, size_t count)
{
	bide_value_task value;
	when_all *all;

	if (!items && count > 0) {
		bide_misuse_("bide_when_all: items is NULL, an array of count value tasks is needed");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	if (all_are_ready(items, count, &all_by))
		return outcome_of(items, count, gather(items, count, &all_by));
	all = (when_all *)(void *)bide_operation_new_(sizeof *all, &all_type);
	if (!all)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	value = bide_source_value_(&all->operation.source);
	all->notify.run = all_run;
	all->live = 1;
	all->items = items;
	all->count = count;
	for (size_t i = 0; i < count; i++)
		if (bide_is_pending_(items[i]))
			watch_item(&all->operation, &all->notify, &all->live, &items[i], &all_by);
	if (count_down(&all->operation, &all->live) != 0)
		return value;
	bide_operation_drop_(&all->operation.source);
	return outcome_of(items, count, gather(items, count, &all_by));
}

/* --- when_all over tasks --- */

typedef struct when_all_tasks {
	bide_operation operation;
	bide_notify notify;
	size_t live;
	bide_task *const *tasks;
	size_t count;
	int refused; /* why a wait did not begin */
	int ended;   /* the last error that a wait gave */
} when_all_tasks;

static const bide_place all_tasks_by = BY("bide_when_all_tasks");

/* A task that is pending at the end has failed nobody: it is the wait for it that ended. */
static int look_at_all(bide_task *const *tasks, size_t count, int wait_error)
{
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		int one = bide_task_error(tasks[i]);
		prefer(&error, one == -1 ? wait_error : one);
	}
	return error;
}

static int all_tasks_error(when_all_tasks *all)
{
	/* Cancellation comes last of all errors, so `ended` is its error if there was one. */
	int ended = BIDE_LOAD(&all->ended, RELAXED); /* ordered by `live` */

	return look_at_all(all->tasks, all->count, all->refused ? all->refused : ended);
}

static void all_tasks_run(bide_notify *notify, bide_source *done)
{
	when_all_tasks *all = BIDE_CONTAINER_(notify, when_all_tasks, notify);

	inherit_queueing(&all->operation, done);
	if (done->error)
		BIDE_STORE(&all->ended, (int)done->error, RELAXED); /* ordered by `live` */
	bide_release_(done, &all_tasks_by);
	if (count_down(&all->operation, &all->live) == 0) {
		int error = all_tasks_error(all);
		bide_payload trace = outcome_of_tasks(all->tasks, all->count, error).payload;
		bide_operation_complete_(&all->operation, trace, error);
	}
}

static void all_tasks_watch(when_all_tasks *all)
{
	for (size_t i = 0; i < all->count; i++) {
		bide_value_task wait;

		if (bide_task_is_ready(all->tasks[i]))
			continue;
		wait = bide_task_await(all->tasks[i]);
		if (!watch_item(&all->operation, &all->notify, &all->live, &wait, &all_tasks_by) &&
		    !bide_task_is_ready(all->tasks[i]))
			all->refused = (int)wait.state;
	}
}

/* Looks for what is not there. count and tasks are checked; *pending: somebody has to wait. */
static bool tasks_are_valid(bide_task *const *tasks, size_t count, const char *what, bool *pending)
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

bide_value_task bide_when_all_tasks(bide_task *const *tasks, size_t count)
{
	bide_value_task value;
	when_all_tasks *all;
	bool pending;
	int error;

	if (!tasks_are_valid(tasks, count, "bide_when_all_tasks", &pending))
		return bide_value_task_from_error(BIDE_EINVAL_);
	if (!pending)
		return outcome_of_tasks(tasks, count, look_at_all(tasks, count, 0));
	all = (when_all_tasks *)(void *)bide_operation_new_(sizeof *all, &all_type);
	if (!all)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	value = bide_source_value_(&all->operation.source);
	all->notify.run = all_tasks_run;
	all->live = 1;
	all->tasks = tasks;
	all->count = count;
	all_tasks_watch(all);
	if (count_down(&all->operation, &all->live) != 0)
		return value;
	error = all_tasks_error(all);
	bide_operation_drop_(&all->operation.source);
	return outcome_of_tasks(tasks, count, error);
}

/* --- race --- */

enum { RACE_WON = 1 };

typedef struct race {
	bide_operation operation;
	bide_notify notify;
	size_t live;
	bide_value_task *items;
	size_t count;
	size_t winner; /* written by who set RACE_WON; ordered by `live` */
	bide_context *scope;
	uint32_t bits;
} race;

static const bide_operation_type race_type = { .name = "race" };
static const bide_place race_by = BY("bide_race");

/* All have reported: the result is the winner, whatever the outcomes are. */
static bide_payload race_end(race *r)
{
	gather(r->items, r->count, &race_by);
	bide_context_unref(r->scope);
	return bide_payload_int_((int64_t)r->winner);
}

/* Cancels under a registration of the winner's own: what that completes cannot end the race. */
static void race_won(race *r, size_t winner)
{
	r->winner = winner;
	if (r->scope)
		bide_context_cancel(r->scope, BIDE_ECANCELED_);
}

static void race_run(bide_notify *notify, bide_source *done)
{
	race *r = BIDE_CONTAINER_(notify, race, notify);
	bide_payload winner;

	if (!(set_bits(&r->operation, &r->bits, RACE_WON) & RACE_WON))
		race_won(r, index_of(r->items, r->count, done));
	if (count_down(&r->operation, &r->live) != 0)
		return;
	winner = race_end(r);
	bide_operation_complete_(&r->operation, winner, 0);
}

/* The lowest item that is ready; SIZE_MAX: none. */
static size_t lowest_ready(bide_value_task *items, size_t count, const bide_place *by)
{
	for (size_t i = 0; i < count; i++)
		if (item_is_ready(&items[i], by))
			return i;
	return SIZE_MAX;
}

/* An item that turns out to be ready while it is registered may win too. */
static void race_watch(race *r)
{
	for (size_t i = 0; i < r->count; i++) {
		if (!bide_is_pending_(r->items[i]))
			continue;
		if (!watch_item(&r->operation, &r->notify, &r->live, &r->items[i], &race_by) &&
		    !(set_bits(&r->operation, &r->bits, RACE_WON) & RACE_WON))
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
	if (winner == 0 && all_are_ready(items, count, &race_by)) {
		gather(items, count, &race_by);
		if (scope)
			bide_context_cancel(scope, BIDE_ECANCELED_);
		return bide_value_task_from_int(0);
	}
	r = (race *)(void *)bide_operation_new_(sizeof *r, &race_type);
	if (!r)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	value = bide_source_value_(&r->operation.source);
	r->notify.run = race_run;
	r->live = 1;
	r->items = items;
	r->count = count;
	r->scope = scope ? bide_context_ref(scope) : NULL;
	if (winner != SIZE_MAX) {
		r->bits = RACE_WON;
		race_won(r, winner); /* before the others are watched: most are over then */
	}
	race_watch(r);
	if (count_down(&r->operation, &r->live) != 0)
		return value;
	value = bide_value_task_from_int(race_end(r).i);
	bide_operation_drop_(&r->operation.source);
	return value;
}

/* --- when_any --- */

enum {
	ANY_DECIDED = 1,  /* winner or error belong to who set it */
	ANY_WATCHING = 2, /* the registering is over: who decides takes the others out */
	ANY_HOLDS = 2     /* of `live`: the registering, and the decision until its losers are out */
};

typedef struct when_any {
	bide_operation operation;
	bide_notify notify;
	bide_cancel_node node;
	size_t live;
	const bide_value_task *items; /* the caller's, or own */
	size_t count;
	size_t watched; /* so many of the items may be registered; written before ANY_WATCHING */
	size_t winner;  /* written by who set ANY_DECIDED; ordered by `live` */
	int error;      /* the same */
	uint32_t bits;
	bide_value_task yield; /* the first yield of the items, made an operation of its own */
	size_t yield_index;
	bide_value_task own[]; /* over tasks: the subscriptions */
} when_any;

static const bide_operation_type any_type = { .name = "when_any" };
static const bide_place any_by = BY("bide_when_any");

static bool any_has_subscriptions(const when_any *any)
{
	return any->items == any->own;
}

/*
 * Deregisters the losers. An item of the caller's is as it was before; a subscription ends, and
 * reports that as it would any other end.
 */
static void any_take_out(when_any *any)
{
	if (any->node.core && bide_cancel_unlink_(&any->node))
		count_down(&any->operation, &any->live);
	for (size_t i = 0; i < any->watched; i++) {
		bide_value_task item = any->items[i];

		if (!bide_is_pending_(item) || is_yield(item))
			continue;
		if (any_has_subscriptions(any))
			bide_subscription_cancel_(source_of(item), BIDE_ECANCELED_);
		else if (bide_unwatch_(source_of(item), &any->notify))
			count_down(&any->operation, &any->live);
	}
	if (bide_is_pending_(any->yield) && bide_unwatch_(source_of(any->yield), &any->notify))
		count_down(&any->operation, &any->live);
}

/* Nobody reports any more: gives back what is its own. */
static void any_release(when_any *any)
{
	bide_cancel_drop_(&any->node);
	if (bide_is_pending_(any->yield)) {
		if (bide_is_done_(source_of(any->yield)))
			bide_release_(source_of(any->yield), &any_by);
		else
			bide_forget_at_(any->yield, &any_by);
	}
	if (!any_has_subscriptions(any))
		return;
	for (size_t i = 0; i < any->watched; i++)
		if (bide_is_pending_(any->own[i]))
			bide_release_(source_of(any->own[i]), &any_by);
}

static void any_less(when_any *any)
{
	if (count_down(&any->operation, &any->live) != 0)
		return;
	any_release(any);
	bide_operation_complete_(&any->operation,
	                         bide_payload_int_(any->error ? 0 : (int64_t)any->winner), any->error);
}

/* The first decision counts. The object may be gone afterwards, unless the caller holds a count. */
static void any_decide(when_any *any, size_t winner, int error)
{
	uint32_t before = set_bits(&any->operation, &any->bits, ANY_DECIDED);

	if (before & ANY_DECIDED)
		return;
	any->winner = winner;
	any->error = error;
	if (before & ANY_WATCHING)
		any_take_out(any);
	any_less(any);
}

static void any_run(bide_notify *notify, bide_source *done)
{
	when_any *any = BIDE_CONTAINER_(notify, when_any, notify);

	inherit_queueing(&any->operation, done);
	if (!(BIDE_LOAD(&any->bits, RELAXED) & ANY_DECIDED)) { /* a hint, to save the search */
		if (any->yield.state == (uintptr_t)done)
			any_decide(any, any->yield_index, 0);
		else
			any_decide(any, index_of(any->items, any->count, done), 0);
	}
	any_less(any);
}

static void any_canceled(bide_cancel_node *node, int error)
{
	when_any *any = BIDE_CONTAINER_(node, when_any, node);

	any_decide(any, SIZE_MAX, error);
	any_less(any);
}

/* While it registers the counts of the registering and of the decision are held: nothing ends. */
static void any_watch(when_any *any, bide_value_task item, size_t index)
{
	count_up(&any->operation, &any->live);
	switch (bide_watch_(item, &any->notify, any_by.function, NULL)) {
	case BIDE_REGISTERED_:
		return;
	case BIDE_ALREADY_DONE_:
		any_decide(any, index, 0);
		break;
	default:
		any_decide(any, index, BIDE_ESTALE);
	}
	count_down(&any->operation, &any->live);
}

static void any_watch_items(when_any *any)
{
	uintptr_t mine = (uintptr_t)&any->notify | BIDE_WORD_NOTIFY_;

	for (size_t i = 0; i < any->count; i++) {
		bide_value_task item = any->items[i];

		if (BIDE_LOAD(&any->bits, RELAXED) & ANY_DECIDED)
			return;
		any->watched = i + 1;
		if (is_yield(item)) {
			if (any->yield.state)
				continue; /* one stands for all: they would end together */
			item = bide_materialise_(item);
			if (!bide_is_pending_(item)) {
				any_decide(any, i, (int)item.state);
				return;
			}
			any->yield = item;
			any->yield_index = i;
		}
		/* The same item twice is harmless to one who borrows. */
		if (BIDE_LOAD(&source_of(item)->word, RELAXED) != mine)
			any_watch(any, item, i);
	}
}

/*
 * Subscribes with the ambient cancellation hidden: the node of when_any itself stands for all. A
 * wait that did not begin is a failure, unless the task has ended meanwhile.
 */
static void any_watch_tasks(when_any *any, bide_task *const *tasks)
{
	bide_frame *current = bide_worker_()->current;
	uintptr_t context = current->context;

	if (context)
		current->context = context | BIDE_CONTEXT_MASKED_;
	for (size_t i = 0; i < any->count; i++) {
		if (BIDE_LOAD(&any->bits, RELAXED) & ANY_DECIDED)
			break;
		any->own[i] = bide_task_await(tasks[i]);
		any->watched = i + 1;
		if (bide_is_pending_(any->own[i]))
			any_watch(any, any->own[i], i);
		else
			any_decide(any, i, bide_task_is_ready(tasks[i]) ? 0 : (int)any->own[i].state);
	}
	current->context = context;
}

static bide_value_task any_start(when_any *any, const bide_value_task *items,
                                 bide_task *const *tasks, size_t count)
{
	bide_value_task value = bide_source_value_(&any->operation.source);
	bide_cancel_core *core;
	int error;

	any->notify.run = any_run;
	any->live = ANY_HOLDS;
	any->items = items;
	any->count = count;
	/*
	 * With one worker what is canceled is its own: elsewhere the ambient cancellation is not
	 * obeyed.
	 */
	core = bide_port_on_worker() ? bide_context_core_() : NULL;
	if (core)
		any->live++; /* the node's, before it can fire */
	error = bide_cancel_link_(core, &any->node, any_canceled);
	if (error) {
		bide_operation_drop_(&any->operation.source);
		return bide_value_task_from_error(error);
	}
	if (tasks)
		any_watch_tasks(any, tasks);
	else
		any_watch_items(any);
	if (set_bits(&any->operation, &any->bits, ANY_WATCHING) & ANY_DECIDED)
		any_take_out(any);
	if (count_down(&any->operation, &any->live) != 0)
		return value;
	any_release(any);
	value = outcome((int64_t)any->winner, any->error);
	bide_operation_drop_(&any->operation.source);
	return value;
}

bide_value_task bide_when_any(const bide_value_task *items, size_t count)
{
	when_any *any;

	if (!items || count == 0) {
		bide_misuse_("bide_when_any: %s",
		             !items ? "items is NULL, an array of count value tasks is needed"
		                    : "count is 0, nothing could ever be the first");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	for (size_t i = 0; i < count; i++) {
		if (!bide_is_pending_(items[i]))
			return bide_value_task_from_int((int64_t)i);
		if (is_yield(items[i]))
			continue;
		if (!bide_check_fresh_(items[i], any_by.function, NULL))
			return bide_value_task_from_error(BIDE_ESTALE);
		if (bide_is_done_(source_of(items[i])))
			return bide_value_task_from_int((int64_t)i);
	}
	any = (when_any *)(void *)bide_operation_new_(sizeof *any, &any_type);
	return any ? any_start(any, items, NULL, count) : bide_value_task_from_error(BIDE_ENOMEM_);
}

bide_value_task bide_when_any_tasks(bide_task *const *tasks, size_t count)
{
	when_any *any = NULL;
	bool pending;

	if (!tasks_are_valid(tasks, count, "bide_when_any_tasks", &pending))
		return bide_value_task_from_error(BIDE_EINVAL_);
	if (count == 0) {
		bide_misuse_("bide_when_any_tasks: count is 0, nothing could ever be the first");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	for (size_t i = 0; i < count; i++)
		if (bide_task_is_ready(tasks[i]))
			return bide_value_task_from_int((int64_t)i);
	if (count <= (SIZE_MAX - sizeof *any) / sizeof any->own[0])
		any = (when_any *)(void *)bide_operation_new_(sizeof *any + count * sizeof any->own[0],
		                                              &any_type);
	return any ? any_start(any, any->own, tasks, count) : bide_value_task_from_error(BIDE_ENOMEM_);
}

/* --- when_each --- */

/*
 * The part that the items' sources know. It outlives the caller's struct where it has to: it goes
 * with the last registration, or as the value task of bide_when_each_end.
 */
struct bide_each_ {
	bide_operation operation;
	bide_notify notify;
	size_t live; /* registrations, and the caller's struct */
	bide_value_task *items;
	size_t count;
	size_t left;        /* registered and not given yet; as all below, the taker's */
	size_t last;        /* the item that was found last */
	bide_source *ready; /* oldest first */
	uintptr_t arrived;  /* a stack of sources, linked through their words; pushed by any thread */
	bide_operation *waiting; /* who takes it from here is the taker until it has completed it */
};

static const bide_operation_type each_type = { .name = "when_each" };
static const bide_operation_type next_type = { .name = "when_each_next" };
static const bide_place each_by = BY("bide_when_each_next");

static void each_push(struct bide_each_ *core, bide_source *done)
{
	uintptr_t newest = BIDE_LOAD(&core->arrived, RELAXED);

	if (!is_shared(&core->operation)) {
		done->word = newest | BIDE_WORD_DONE_;
		core->arrived = (uintptr_t)done;
		return;
	}
	/* Releases the source to each_take. In one order with `waiting`: see bide_when_each_next. */
	do
		BIDE_STORE(&done->word, newest | BIDE_WORD_DONE_, RELAXED);
	while (!BIDE_CAS(&core->arrived, &newest, (uintptr_t)done, SEQ_CST, RELAXED));
}

/* By the taker: the oldest that has arrived; NULL: none. */
static bide_source *each_take(struct bide_each_ *core)
{
	bide_source *source;
	uintptr_t newest;

	if (!core->ready && BIDE_LOAD(&core->arrived, RELAXED)) {
		newest = BIDE_SWAP(&core->arrived, (uintptr_t)0, ACQUIRE); /* pairs with each_push */
		while (newest) {
			source = (bide_source *)newest;
			newest = source->word & ~(uintptr_t)BIDE_WORD_TAGS_;
			source->word = (uintptr_t)core->ready | BIDE_WORD_DONE_;
			core->ready = source;
		}
	}
	source = core->ready;
	if (source) {
		core->ready = (bide_source *)(source->word & ~(uintptr_t)BIDE_WORD_TAGS_);
		source->word = BIDE_WORD_DONE_;
	}
	return source;
}

static bide_operation *each_take_waiting(struct bide_each_ *core)
{
	bide_operation *waiting;

	if (is_shared(&core->operation)) /* acquires what the taker before wrote */
		return BIDE_SWAP(&core->waiting, (bide_operation *)NULL, SEQ_CST);
	waiting = core->waiting;
	core->waiting = NULL;
	return waiting;
}

/* Looks outwards from where the last was found: completions tend to come in some order. */
static size_t each_find(const struct bide_each_ *core, const bide_source *source)
{
	for (size_t distance = 0; distance < core->count; distance++) {
		if (core->last + distance < core->count &&
		    core->items[core->last + distance].state == (uintptr_t)source)
			return core->last + distance;
		if (distance <= core->last && core->items[core->last - distance].state == (uintptr_t)source)
			return core->last - distance;
	}
	return 0; /* not reached while the caller leaves the items that were not given alone */
}

/* By the taker: consumes it into its item, whose index is the result. */
static int64_t each_give(struct bide_each_ *core, bide_source *source)
{
	core->last = each_find(core, source);
	core->items[core->last] = bide_consume_(source, &each_by);
	core->left--;
	return (int64_t)core->last;
}

/*
 * If somebody waits and something has arrived: that one's object, to be completed with *index. A
 * late one may find that what it pushed was given by an earlier call; then it puts the waiting one
 * back and looks again, as in each_wait, for what was pushed meanwhile.
 */
static bide_operation *each_serve(struct bide_each_ *core, int64_t *index)
{
	bide_operation *waiting;
	bide_source *source;

	while ((waiting = each_take_waiting(core)) != NULL) {
		source = each_take(core);
		if (source) {
			*index = each_give(core, source);
			return waiting;
		}
		BIDE_STORE(&core->waiting, waiting, SEQ_CST);
		if (!BIDE_LOAD(&core->arrived, SEQ_CST))
			break;
	}
	return NULL;
}

/* The caller has let go and all have reported: a wait that was forgotten ends too. */
static void each_close(struct bide_each_ *core)
{
	bide_operation *waiting = each_take_waiting(core);

	while (each_take(core)) /* the caller's again, whose next consumer finds no link in the word */
		;
	if (waiting)
		bide_operation_complete_(waiting, bide_payload_int_(0), BIDE_ECANCELED_);
}

static void each_run(bide_notify *notify, bide_source *done)
{
	struct bide_each_ *core = BIDE_CONTAINER_(notify, struct bide_each_, notify);
	bide_operation *waiting;
	int64_t index = 0;

	each_push(core, done);
	waiting = each_serve(core, &index);
	if (count_down(&core->operation, &core->live) == 0) {
		each_close(core);
		bide_operation_complete_(&core->operation, bide_payload_int_(0), 0);
	}
	if (waiting)
		bide_operation_complete_(waiting, bide_payload_int_(index), 0);
}

void bide_when_each_init(bide_when_each *each, bide_value_task *items, size_t count)
{
	struct bide_each_ *core;

	if (!each) {
		bide_misuse_("bide_when_each_init: each is NULL");
		return;
	}
	*each = (bide_when_each){ .items_ = items, .count_ = count };
	if (!items && count > 0) {
		bide_misuse_("bide_when_each_init: items is NULL, an array of count value tasks is needed");
		each->error_ = BIDE_EINVAL_;
		return;
	}
	if (all_are_ready(items, count, &each_by))
		return;
	core = (struct bide_each_ *)(void *)bide_operation_new_(sizeof *core, &each_type);
	if (!core) {
		each->error_ = BIDE_ENOMEM_;
		return;
	}
	each->core_ = core;
	core->notify.run = each_run;
	core->live = 1;
	core->items = items;
	core->count = count;
	for (size_t i = 0; i < count; i++)
		if (bide_is_pending_(items[i]) &&
		    watch_item(&core->operation, &core->notify, &core->live, &items[i], &each_by))
			core->left++; /* only a taker looks at it, and nobody waits yet */
}

/* The caller's struct lets go of the core; what reports still gives it back. */
static void each_let_go(bide_when_each *each)
{
	struct bide_each_ *core = each->core_;
	bide_value_task value;

	each->core_ = NULL;
	if (!core)
		return;
	value = bide_source_value_(&core->operation.source);
	if (count_down(&core->operation, &core->live) == 0)
		bide_operation_drop_(&core->operation.source);
	else
		bide_forget_at_(value, &each_by);
}

/* Nothing has arrived: the value task that the next arrival completes. */
static bide_value_task each_wait(struct bide_each_ *core)
{
	bide_operation *waiting = bide_operation_new_(sizeof *waiting, &next_type);
	bide_value_task value;
	int64_t index;

	if (!waiting)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	value = bide_source_value_(&waiting->source);
	if (!is_shared(&core->operation)) {
		core->waiting = waiting;
		return value;
	}
	/*
	 * Either who pushes sees `waiting`, or this sees what was pushed: all four accesses are in one
	 * order (SEQ_CST). If both see, the swap of `waiting` decides who takes.
	 */
	BIDE_STORE(&core->waiting, waiting, SEQ_CST);
	if (!BIDE_LOAD(&core->arrived, SEQ_CST) || !each_serve(core, &index))
		return value;
	bide_operation_drop_(&waiting->source);
	return bide_value_task_from_int(index);
}

bide_value_task bide_when_each_next(bide_when_each *each)
{
	struct bide_each_ *core;
	bide_source *source;

	if (!each || each->error_) {
		if (!each)
			bide_misuse_("bide_when_each_next: each is NULL");
		return bide_value_task_from_error(each ? each->error_ : BIDE_EINVAL_);
	}
	core = each->core_;
	if (core && BIDE_LOAD(&core->waiting, ACQUIRE)) { /* pairs with the taker's swap */
		bide_misuse_(
			"bide_when_each_next: the value task of the call before is pending still, one at a "
			"time is allowed");
		return bide_value_task_from_error(BIDE_EBUSY_);
	}
	/* What was ready at the start, in its order; what is registered is pending until given. */
	while (each->next_ < each->count_) {
		size_t i = each->next_++;
		if (core && bide_is_pending_(each->items_[i]))
			continue;
		settle_item(&each->items_[i], &each_by);
		return bide_value_task_from_int((int64_t)i);
	}
	if (!core || core->left == 0) {
		each_let_go(each);
		return bide_value_task_from_error(BIDE_END);
	}
	source = each_take(core);
	return source ? bide_value_task_from_int(each_give(core, source)) : each_wait(core);
}

bide_value_task bide_when_each_end(bide_when_each *each)
{
	struct bide_each_ *core = each ? each->core_ : NULL;
	bide_value_task value;

	if (!each) {
		bide_misuse_("bide_when_each_end: each is NULL");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	each->next_ = each->count_;
	each->core_ = NULL;
	if (!core)
		return bide_value_task_completed();
	value = bide_source_value_(&core->operation.source);
	for (size_t i = 0; i < core->count; i++)
		if (bide_is_pending_(core->items[i]) &&
		    bide_unwatch_(source_of(core->items[i]), &core->notify))
			count_down(&core->operation, &core->live);
	if (count_down(&core->operation, &core->live) != 0)
		return value;
	each_close(core);
	bide_operation_drop_(&core->operation.source);
	return bide_value_task_completed();
}
