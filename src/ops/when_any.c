/*
 * when_any.c - ends when the first does, and leaves the others as they were.
 *
 * The party that sets ANY_DECIDED first writes the outcome. The losers are taken out once: by this
 * party, or by the registering if the decision came before it was through. The object ends when
 * all that could not be taken out have reported; `live` has a count for the registering, one for
 * the decision, and one for the ambient cancellation.
 */
#include "base/misuse.h"
#include "base/party.h"
#include "base/port.h"
#include "cancel/cancel_core.h"
#include "context/context.h"
#include "ops/combine.h"
#include "source/operation.h"
#include "source/source.h"
#include "tasks/task_await.h"

enum {
	ANY_DECIDED = 1,  /* winner or error belong to the party that set it */
	ANY_WATCHING = 2, /* the registering is over: the decision takes the others out */
	ANY_HOLDS = 2     /* of `live`: the registering, and the decision until its losers are out */
};

typedef struct when_any {
	bide_operation operation;
	bide_listener listener;
	bide_cancel_node node;
	size_t live;
	const bide_value_task *items; /* the caller's, or own */
	size_t count;
	size_t listened; /* so many of the items may be registered; written before ANY_WATCHING */
	size_t winner;   /* written by the party that decides; ordered by `live` */
	int error;       /* the same */
	uint32_t bits;
	bide_value_task yield; /* the first yield of the items, made an operation of its own */
	size_t yield_index;
	bide_value_task own[]; /* over tasks: the subscriptions */
} when_any;

static void describe_any(const void *copy, char *to, size_t size_bytes)
{
	bide_put_(to, size_bytes, "bide_when_any (%zu items)", ((const when_any *)copy)->count);
}

static const bide_operation_type any_type = { .name = "bide_when_any", .describe = describe_any };
static const bide_place any_by = { __FILE__, __LINE__, "bide_when_any" };

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
		bide_live_down_(&any->operation, &any->live);
	for (size_t i = 0; i < any->listened; i++) {
		bide_value_task item = any->items[i];

		if (!bide_is_pending_(item) || bide_is_yield_(item))
			continue;
		if (any_has_subscriptions(any))
			bide_subscription_cancel_(bide_source_of_(item), BIDE_ECANCELED_);
		else if (bide_unlisten_(bide_source_of_(item), &any->listener))
			bide_live_down_(&any->operation, &any->live);
	}
	if (bide_is_pending_(any->yield) && bide_unlisten_(bide_source_of_(any->yield), &any->listener))
		bide_live_down_(&any->operation, &any->live);
}

/* Nobody reports any more: gives back what is its own. */
static void any_release(when_any *any)
{
	bide_cancel_node_unref_(&any->node);
	if (bide_is_pending_(any->yield)) {
		if (bide_is_done_(bide_source_of_(any->yield)))
			bide_release_(bide_source_of_(any->yield), &any_by);
		else
			bide_value_task_forget_at_(any->yield, &any_by);
	}
	if (!any_has_subscriptions(any))
		return;
	for (size_t i = 0; i < any->listened; i++) {
		if (bide_is_pending_(any->own[i]))
			any->own[i] = bide_consume_(bide_source_of_(any->own[i]), &any_by);
		if (any->own[i].state == 0)
			bide_task_unref(any->own[i].payload.p); /* of one that was over */
	}
}

static void any_less(when_any *any)
{
	if (bide_live_down_(&any->operation, &any->live) != 0)
		return;
	any_release(any);
	bide_operation_complete_(&any->operation,
	                         bide_payload_int_(any->error ? 0 : (int64_t)any->winner), any->error);
}

/* The first decision counts. The object may be gone afterwards, unless the caller holds a count. */
static void any_decide(when_any *any, size_t winner, int error)
{
	uint32_t before = bide_party_mark_(&any->operation.source, &any->bits, ANY_DECIDED);

	if (before & ANY_DECIDED)
		return;
	any->winner = winner;
	any->error = error;
	if (before & ANY_WATCHING)
		any_take_out(any);
	any_less(any);
}

static void any_run(bide_listener *listener, bide_source *done)
{
	when_any *any = BIDE_CONTAINER_(listener, when_any, listener);

	bide_inherit_queueing_(&any->operation, done);
	if (!(BIDE_LOAD(&any->bits, RELAXED) & ANY_DECIDED)) { /* a hint, to save the search */
		if (any->yield.state == (uintptr_t)done)
			any_decide(any, any->yield_index, 0);
		else
			any_decide(any, bide_items_index_(any->items, any->count, done), 0);
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
	bide_live_up_(&any->operation, &any->live);
	switch (bide_listen_(item, &any->listener, any_by.function, NULL)) {
	case BIDE_REGISTERED_:
		return;
	case BIDE_ALREADY_DONE_:
		any_decide(any, index, 0);
		break;
	default:
		any_decide(any, index, BIDE_ESTALE);
	}
	bide_live_down_(&any->operation, &any->live);
}

static void any_watch_items(when_any *any)
{
	uintptr_t mine = (uintptr_t)&any->listener | BIDE_WORD_NOTIFY_;

	for (size_t i = 0; i < any->count; i++) {
		bide_value_task item = any->items[i];

		if (BIDE_LOAD(&any->bits, RELAXED) & ANY_DECIDED)
			return;
		any->listened = i + 1;
		if (bide_is_yield_(item)) {
			if (any->yield.state)
				continue; /* one stands for all: they would end together */
			item = bide_yield_to_operation_(item);
			if (!bide_is_pending_(item)) {
				any_decide(any, i, (int)item.state);
				return;
			}
			any->yield = item;
			any->yield_index = i;
		}
		/* The same item twice is harmless, because nothing is consumed. */
		if (BIDE_LOAD(&bide_source_of_(item)->word, RELAXED) != mine)
			any_watch(any, item, i);
	}
}

/*
 * Subscribes with the ambient cancellation hidden: the node of when_any itself stands for all. A
 * wait that did not begin is a failure.
 */
static void any_watch_tasks(when_any *any, bide_task *const *tasks)
{
	bide_frame *current = bide_thread_()->current;
	uintptr_t context = current->context;

	if (context)
		current->context = context | BIDE_CONTEXT_MASKED_;
	for (size_t i = 0; i < any->count; i++) {
		if (BIDE_LOAD(&any->bits, RELAXED) & ANY_DECIDED)
			break;
		any->own[i] = bide_task_ended_(tasks[i]);
		any->listened = i + 1;
		if (bide_is_pending_(any->own[i]))
			any_watch(any, any->own[i], i);
		else
			any_decide(any, i, (int)any->own[i].state);
	}
	current->context = context;
}

static bide_value_task any_start(when_any *any, const bide_value_task *items,
                                 bide_task *const *tasks, size_t count)
{
	bide_value_task value = bide_source_value_(&any->operation.source);
	bide_cancel_core *core;
	int error;

	any->listener.run = any_run;
	any->live = ANY_HOLDS;
	any->items = items;
	any->count = count;
	/*
	 * With one worker what is canceled is its own: elsewhere the ambient cancellation is not
	 * obeyed.
	 */
	core = bide_port_on_worker_() ? bide_context_core_() : NULL;
	if (core)
		any->live++; /* the node's, before it can fire */
	error = bide_cancel_link_(core, &any->node, any_canceled);
	if (error) {
		bide_operation_discard_(&any->operation.source);
		return bide_value_task_from_error(error);
	}
	if (tasks)
		any_watch_tasks(any, tasks);
	else
		any_watch_items(any);
	if (bide_party_mark_(&any->operation.source, &any->bits, ANY_WATCHING) & ANY_DECIDED)
		any_take_out(any);
	if (bide_live_down_(&any->operation, &any->live) != 0)
		return value;
	any_release(any);
	value = bide_outcome_((int64_t)any->winner, any->error);
	bide_operation_discard_(&any->operation.source);
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
		if (bide_is_yield_(items[i]))
			continue;
		if (!bide_check_fresh_(items[i], any_by.function, NULL))
			return bide_value_task_from_error(BIDE_ESTALE);
		if (bide_is_done_(bide_source_of_(items[i])))
			return bide_value_task_from_int((int64_t)i);
	}
	any = (when_any *)(void *)bide_operation_new_(sizeof *any, &any_type);
	return any ? any_start(any, items, NULL, count) : bide_value_task_from_error(BIDE_ENOMEM_);
}

bide_value_task bide_when_any_tasks(bide_task *const *tasks, size_t count)
{
	when_any *any = NULL;
	bool pending;

	if (!bide_tasks_valid_(tasks, count, "bide_when_any_tasks", &pending))
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
