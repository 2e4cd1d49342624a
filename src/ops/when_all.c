/*
 * when_all.c - ends when all items have ended: value tasks, which it consumes, or tasks.
 *
 * The party that brings `parties` to zero gathers all items. Before that, only the function that
 * registers writes to the array of the caller. Tasks are borrowed only during the call. Each has an
 * ended wait, whose result is the task, and which may fail before (canceled, or no memory).
 */
#include "base/assert.h"
#include "base/text.h"
#include "ops/combine.h"
#include "ops/first_error.h"
#include "source/operation.h"
#include "source/source.h"
#include "tasks/task_await.h"

typedef struct when_all {
	bide_operation operation;
	bide_observer listener;
	size_t parties;
	bide_value_task *items;
	size_t count;
} when_all;

static void describe_all(const void *copy, char *to, size_t size_bytes)
{
	const when_all *all = copy;

	bide_put_(to, size_bytes, "bide_when_all (%zu of %zu pending)", all->parties, all->count);
}

static const bide_operation_type all_type = { .name = "bide_when_all", .describe = describe_all };
static const bide_place all_by = { __FILE__, __LINE__, "bide_when_all" };

/*
 * Returns the outcome of all: the first item that failed with their error, whose payload is its
 * trace.
 */
static bide_value_task outcome_of(const bide_value_task *items, size_t count, int error)
{
	for (size_t i = 0; error && i < count; i++)
		if (items[i].state == (uintptr_t)error)
			return items[i];
	return bide_outcome_(0, error);
}

static void all_run(bide_observer *listener, bide_source *done)
{
	when_all *all = BIDE_CONTAINER_(listener, when_all, listener);

	bide_inherit_queueing_(&all->operation, done);
	if (bide_combine_leave_(&all->operation, &all->parties) == 0) {
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
	all->listener.run = all_run;
	all->parties = 1;
	all->items = items;
	all->count = count;
	for (size_t i = 0; i < count; i++)
		if (bide_is_pending_(items[i]))
			bide_item_listen_(&all->operation, &all->listener, &all->parties, &items[i], &all_by);
	BIDE_ASSERT_UNEXPLORED_(
		bide_registrations_are_valid_(&all->parties, &all->listener, items, count));
	if (bide_combine_leave_(&all->operation, &all->parties) != 0)
		return value;
	bide_operation_discard_(&all->operation.source);
	return outcome_of(items, count, bide_items_gather_(items, count, &all_by));
}

/* --- over tasks --- */

typedef struct when_all_tasks {
	bide_operation operation;
	bide_observer listener;
	size_t parties;
	size_t count;
	bide_value_task waits[]; /* an ended wait for each task */
} when_all_tasks;

static const bide_place all_tasks_by = { __FILE__, __LINE__, "bide_when_all_tasks" };

static bide_source *ended_task(const when_all_tasks *all, size_t i)
{
	return all->waits[i].state == 0 ? all->waits[i].payload.p : NULL;
}

/* The error of a wait that failed stands for that of its task. */
static int error_of(const when_all_tasks *all, size_t i)
{
	const bide_source *task = ended_task(all, i);

	return task ? task->error : (int)all->waits[i].state;
}

/*
 * All waits have reported. Returns the error of all, with its trace, and drops the references. The
 * task whose trace it is has been observed; the others have not.
 */
static bide_value_task all_tasks_end(when_all_tasks *all)
{
	bide_value_task outcome;
	int error = 0;

	for (size_t i = 0; i < all->count; i++) {
		if (bide_is_pending_(all->waits[i]))
			all->waits[i] = bide_consume_(bide_source_of_(all->waits[i]), &all_tasks_by);
		bide_first_error_add_(&error, error_of(all, i));
	}
	outcome = bide_outcome_(0, error);
	for (size_t i = 0; error && i < all->count; i++)
		if (error_of(all, i) == error) {
			if (ended_task(all, i))
				outcome.payload.trace = bide_task_trace(all->waits[i].payload.p);
			break;
		}
	for (size_t i = 0; i < all->count; i++)
		bide_task_unref((bide_task *)ended_task(all, i));
	return outcome;
}

static void all_tasks_run(bide_observer *listener, bide_source *done)
{
	when_all_tasks *all = BIDE_CONTAINER_(listener, when_all_tasks, listener);
	bide_value_task outcome;

	bide_inherit_queueing_(&all->operation, done);
	if (bide_combine_leave_(&all->operation, &all->parties) != 0)
		return;
	outcome = all_tasks_end(all);
	bide_operation_complete_(&all->operation, outcome.payload, (int)outcome.state);
}

static bide_value_task outcome_of_tasks(bide_task *const *tasks, size_t count)
{
	bide_value_task outcome;
	int error = 0;

	for (size_t i = 0; i < count; i++)
		bide_first_error_add_(&error, ((const bide_source *)tasks[i])->error);
	outcome = bide_outcome_(0, error);
	for (size_t i = 0; error && i < count; i++)
		if (((const bide_source *)tasks[i])->error == error) {
			outcome.payload.trace = bide_task_trace(tasks[i]);
			break;
		}
	return outcome;
}

bide_value_task bide_when_all_tasks(bide_task *const *tasks, size_t count)
{
	bide_value_task value;
	when_all_tasks *all = NULL;
	bool pending;

	if (!bide_tasks_valid_(tasks, count, "bide_when_all_tasks", &pending))
		return bide_value_task_from_error(BIDE_EINVAL_);
	if (!pending)
		return outcome_of_tasks(tasks, count);
	if (count <= (SIZE_MAX - sizeof *all) / sizeof all->waits[0])
		all = (when_all_tasks *)(void *)bide_operation_new_(sizeof *all +
		                                                        count * sizeof all->waits[0],
		                                                    &all_type);
	if (!all)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	value = bide_source_value_(&all->operation.source);
	all->listener.run = all_tasks_run;
	all->parties = 1;
	all->count = count;
	for (size_t i = 0; i < count; i++) {
		all->waits[i] = bide_task_ended_(tasks[i]);
		bide_item_listen_(&all->operation, &all->listener, &all->parties, &all->waits[i],
		                  &all_tasks_by);
	}
	BIDE_ASSERT_UNEXPLORED_(
		bide_registrations_are_valid_(&all->parties, &all->listener, all->waits, count));
	if (bide_combine_leave_(&all->operation, &all->parties) != 0)
		return value;
	value = all_tasks_end(all);
	bide_operation_discard_(&all->operation.source);
	return value;
}
