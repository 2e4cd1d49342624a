/*
 * when_all.c - ends when all have; over value tasks, which it consumes, and over tasks.
 *
 * Items are consumed together by who brings `live` to zero: before that only the registering
 * writes to the caller's array. Tasks are borrowed: each that is pending has a wait of its own,
 * which is consumed as it reports, and may end before its task (a cancellation, no memory).
 */
#include "combine.h"

typedef struct when_all {
	bide_operation operation;
	bide_notify notify;
	size_t live;
	bide_value_task *items;
	size_t count;
} when_all;

static void describe_all(const void *copy, char *to, size_t size_bytes)
{
	const when_all *all = copy;

	bide_put_(to, size_bytes, "bide_when_all (%zu of %zu pending)", all->live, all->count);
}

static const bide_operation_type all_type = { .name = "bide_when_all", .describe = describe_all };
static const bide_place all_by = { __FILE__, __LINE__, "bide_when_all" };

/* The first item that failed with the error of all: its payload is its trace. */
static bide_value_task outcome_of(const bide_value_task *items, size_t count, int error)
{
	for (size_t i = 0; error && i < count; i++)
		if (items[i].state == (uintptr_t)error)
			return items[i];
	return bide_outcome_(0, error);
}

static void all_run(bide_notify *notify, bide_source *done)
{
	when_all *all = BIDE_CONTAINER_(notify, when_all, notify);

	bide_inherit_queueing_(&all->operation, done);
	if (bide_live_down_(&all->operation, &all->live) == 0) {
		int error = bide_items_gather_(all->items, all->count, &all_by);
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
	if (bide_items_ready_(items, count, &all_by))
		return outcome_of(items, count, bide_items_gather_(items, count, &all_by));
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
			bide_item_watch_(&all->operation, &all->notify, &all->live, &items[i], &all_by);
	if (bide_live_down_(&all->operation, &all->live) != 0)
		return value;
	bide_operation_drop_(&all->operation.source);
	return outcome_of(items, count, bide_items_gather_(items, count, &all_by));
}

/* --- over tasks --- */

typedef struct when_all_tasks {
	bide_operation operation;
	bide_notify notify;
	size_t live;
	bide_task *const *tasks;
	size_t count;
	int refused; /* why a wait did not begin */
	int ended;   /* the last error that a wait gave */
} when_all_tasks;

static const bide_place all_tasks_by = { __FILE__, __LINE__, "bide_when_all_tasks" };

/* A task that is pending at the end has failed nobody: it is the wait for it that ended. */
static int look_at_all(bide_task *const *tasks, size_t count, int wait_error)
{
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		bool over = bide_task_is_ready(tasks[i]);
		bide_prefer_error_(&error, over ? bide_task_error(tasks[i]) : wait_error);
	}
	return error;
}

static bide_value_task outcome_of_tasks(bide_task *const *tasks, size_t count, int error)
{
	bide_value_task v = bide_outcome_(0, error);

	for (size_t i = 0; error && i < count; i++)
		if (bide_task_is_ready(tasks[i]) && bide_task_error(tasks[i]) == error) {
			v.payload.trace = bide_task_trace(tasks[i]);
			break;
		}
	return v;
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

	bide_inherit_queueing_(&all->operation, done);
	if (done->error)
		BIDE_STORE(&all->ended, (int)done->error, RELAXED); /* ordered by `live` */
	bide_release_(done, &all_tasks_by);
	if (bide_live_down_(&all->operation, &all->live) == 0) {
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
		if (!bide_item_watch_(&all->operation, &all->notify, &all->live, &wait, &all_tasks_by) &&
		    !bide_task_is_ready(all->tasks[i]))
			all->refused = (int)wait.state;
	}
}

bide_value_task bide_when_all_tasks(bide_task *const *tasks, size_t count)
{
	bide_value_task value;
	when_all_tasks *all;
	bool pending;
	int error;

	if (!bide_tasks_valid_(tasks, count, "bide_when_all_tasks", &pending))
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
	if (bide_live_down_(&all->operation, &all->live) != 0)
		return value;
	error = all_tasks_error(all);
	bide_operation_drop_(&all->operation.source);
	return outcome_of_tasks(tasks, count, error);
}
