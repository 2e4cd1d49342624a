/*
 * when_any.c - ends when the first item does, and leaves the others as they were.
 *
 * The party that sets ANY_DECIDED first writes the outcome. The losers are taken out once: by this
 * party, or by the function that registers if the decision came before it was through. The object
 * ends when all that could not be taken out have reported. Beside the registrations, `parties`
 * counts the function that registers, the decision, and the node of the ambient cancellation.
 */
#include "base/assert.h"
#include "base/party.h"
#include "base/port.h"
#include "base/text.h"
#include "cancel/cancel_core.h"
#include "context/context.h"
#include "ops/combine.h"
#include "source/operation.h"
#include "source/source.h"
#include "tasks/task_await.h"

enum {
	ANY_DECIDED = 1,    /* the party that set it writes winner and error */
	ANY_REGISTERED = 2, /* all items are registered, so the decision takes the others out */
	/* The function that registers, and the decision, until its losers are out. */
	ANY_PARTIES_AT_START = 2
};

typedef struct when_any {
	bide_operation operation;
	bide_observer listener;
	bide_cancel_node node;
	size_t parties;
	const bide_value_task *items; /* those of the caller, or `waits` */
	size_t count;
	size_t listened;       /* this many items may be registered; written before ANY_REGISTERED */
	size_t winner;         /* written by the party that decides; ordered by `parties` */
	int error;             /* the same */
	uint32_t progress;     /* ANY_DECIDED, ANY_REGISTERED */
	bide_value_task yield; /* the first yield of the items, as an operation of its own */
	size_t yield_index;
	bide_value_task waits[]; /* over tasks: an ended wait for each */
} when_any;

static void describe_any(const void *copy, char *to, size_t size_bytes)
{
	bide_put_(to, size_bytes, "bide_when_any (%zu items)", ((const when_any *)copy)->count);
}

static const bide_operation_type any_type = { .name = "bide_when_any", .describe = describe_any };
static const bide_place any_by = { __FILE__, __LINE__, "bide_when_any" };

static bool any_is_over_tasks(const when_any *any)
{
	return any->items == any->waits;
}

/*
 * Takes the losers out. An item of the caller is then as it was before. A wait for a task is
 * canceled, and reports that as it would any other end.
 */
static void any_take_out(when_any *any)
{
	if (any->node.core && bide_cancel_unlink_(&any->node))
		bide_combine_leave_(&any->operation, &any->parties);
	for (size_t i = 0; i < any->listened; i++) {
		bide_value_task item = any->items[i];

		if (!bide_is_pending_(item) || bide_is_yield_(item))
			continue;
		if (any_is_over_tasks(any))
			bide_subscription_cancel_(bide_source_of_(item), BIDE_ECANCELED_);
		else if (bide_unlisten_(bide_source_of_(item), &any->listener))
			bide_combine_leave_(&any->operation, &any->parties);
	}
	if (bide_is_pending_(any->yield) && bide_unlisten_(bide_source_of_(any->yield), &any->listener))
		bide_combine_leave_(&any->operation, &any->parties);
}

/* Recycles what the combinator owns. All parties have left. */
static void any_release(when_any *any)
{
	BIDE_ASSERT_(any->progress == (ANY_DECIDED | ANY_REGISTERED));
	BIDE_ASSERT_(any->error || any->winner < any->count);
	bide_cancel_node_unref_(&any->node);
	if (bide_is_pending_(any->yield)) {
		if (bide_is_done_(bide_source_of_(any->yield)))
			bide_recycle_(bide_source_of_(any->yield), &any_by);
		else
			bide_value_task_forget_at_(any->yield, &any_by);
	}
	if (!any_is_over_tasks(any))
		return;
	for (size_t i = 0; i < any->listened; i++) {
		if (bide_is_pending_(any->waits[i]))
			any->waits[i] = bide_consume_(bide_source_of_(any->waits[i]), &any_by);
		if (any->waits[i].state == 0)
			bide_task_unref(any->waits[i].payload.p); /* the wait had its task */
	}
}

static void any_leave(when_any *any)
{
	if (bide_combine_leave_(&any->operation, &any->parties) != 0)
		return;
	any_release(any);
	bide_operation_complete_(&any->operation,
	                         bide_payload_int_(any->error ? 0 : (int64_t)any->winner), any->error);
}

/*
 * The first decision counts. The object may be gone afterwards, unless the caller is a party
 * itself.
 */
static void any_decide(when_any *any, size_t winner, int error)
{
	uint32_t before = bide_party_mark_(&any->operation.source, &any->progress, ANY_DECIDED);

	if (before & ANY_DECIDED)
		return;
	any->winner = winner;
	any->error = error;
	if (before & ANY_REGISTERED)
		any_take_out(any);
	any_leave(any);
}

static void any_run(bide_observer *listener, bide_source *done)
{
	when_any *any = BIDE_CONTAINER_(listener, when_any, listener);

	bide_inherit_queueing_(&any->operation, done);
	if (!(BIDE_LOAD(&any->progress, RELAXED) & ANY_DECIDED)) { /* a hint, which saves the search */
		if (any->yield.state == (uintptr_t)done)
			any_decide(any, any->yield_index, 0);
		else
			any_decide(any, bide_items_index_(any->items, any->count, done), 0);
	}
	any_leave(any);
}

static void any_canceled(bide_cancel_node *node, int error)
{
	when_any *any = BIDE_CONTAINER_(node, when_any, node);

	any_decide(any, SIZE_MAX, error);
	any_leave(any);
}

/* The object cannot end meanwhile, because the function that registers is a party. */
static void any_listen(when_any *any, bide_value_task item, size_t index)
{
	bide_combine_join_(&any->operation, &any->parties);
	switch (bide_listen_(item, &any->listener, any_by.function, NULL)) {
	case BIDE_REGISTERED_:
		return;
	case BIDE_ALREADY_DONE_:
		any_decide(any, index, 0);
		break;
	default:
		any_decide(any, index, BIDE_ESTALE);
	}
	bide_combine_leave_(&any->operation, &any->parties);
}

static void any_listen_to_items(when_any *any)
{
	uintptr_t mine = (uintptr_t)&any->listener | BIDE_WORD_LISTENER_;

	for (size_t i = 0; i < any->count; i++) {
		bide_value_task item = any->items[i];

		if (BIDE_LOAD(&any->progress, RELAXED) & ANY_DECIDED)
			return;
		any->listened = i + 1;
		if (bide_is_yield_(item)) {
			if (any->yield.state)
				continue; /* one stands for all, because they would end together */
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
			any_listen(any, item, i);
	}
}

/*
 * Starts the waits with the ambient cancellation masked, because the node of the combinator stands
 * for all. A wait that did not begin is a failure.
 */
static void any_listen_to_tasks(when_any *any, bide_task *const *tasks)
{
	bide_frame *current = bide_thread_()->current;
	uintptr_t context = current->context;

	if (context)
		current->context = context | BIDE_CONTEXT_MASKED_;
	for (size_t i = 0; i < any->count; i++) {
		if (BIDE_LOAD(&any->progress, RELAXED) & ANY_DECIDED)
			break;
		any->waits[i] = bide_task_ended_(tasks[i]);
		any->listened = i + 1;
		if (bide_is_pending_(any->waits[i]))
			any_listen(any, any->waits[i], i);
		else
			any_decide(any, i, (int)any->waits[i].state);
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
	any->parties = ANY_PARTIES_AT_START;
	any->items = items;
	any->count = count;
	/*
	 * With one worker, only that worker cancels operations: on another thread the ambient
	 * cancellation is not obeyed.
	 */
	core = bide_port_on_worker_() ? bide_context_core_() : NULL;
	if (core)
		any->parties++; /* for the node, before it can fire */
	error = bide_cancel_link_(core, &any->node, any_canceled);
	if (error) {
		bide_operation_discard_(&any->operation.source);
		return bide_value_task_from_error(error);
	}
	if (tasks)
		any_listen_to_tasks(any, tasks);
	else
		any_listen_to_items(any);
	if (bide_party_mark_(&any->operation.source, &any->progress, ANY_REGISTERED) & ANY_DECIDED)
		any_take_out(any);
	if (bide_combine_leave_(&any->operation, &any->parties) != 0)
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
	if (count <= (SIZE_MAX - sizeof *any) / sizeof any->waits[0])
		any = (when_any *)(void *)bide_operation_new_(sizeof *any + count * sizeof any->waits[0],
		                                              &any_type);
	return any ? any_start(any, any->waits, tasks, count)
	           : bide_value_task_from_error(BIDE_ENOMEM_);
}
