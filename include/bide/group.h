/*
 * group.h - owns what is started in it. Leaving a group waits for all members; the first
 * failure cancels the rest.
 *
 *     bide_group_init(&my->group, NULL);
 *     for (...) bide_group_start(&my->group, fetch(url[i])); // each counts, none is forgotten
 *     bide_await(bide_group_wait(&my->group));               // all are over; the first error
 *
 * A group is one continuation and a counter: adding and waiting allocate nothing and cannot fail.
 * Its members run in its context. Memory: the group is yours (in the frame) until the value task of
 * bide_group_wait has been awaited. You must wait for every group that you initialise;
 * bide_shutdown names one that you did not wait for. The errors that the wait does not return go to
 * the unobserved hook (misuse.h). Threads: one function, or one thread, makes the calls. Members
 * may add to the group while they run, and may end on any thread. To cancel a group from elsewhere,
 * hold a reference to its context and cancel that.
 */
#ifndef BIDE_GROUP_H
#define BIDE_GROUP_H

#include "context.h"
#include "task.h"

typedef struct bide_group_options {
	/* true: a failure does not cancel the other members. */
	bool keep_going;
} bide_group_options;

struct bide_operation;
typedef struct bide_group {
	bide_observer listener_;
	bide_context *context_;
	/* What the wait returns. NULL: the group is not initialised, or has ended. */
	struct bide_operation *idle_;
	/* Members that are not over, plus 1 until the wait. */
	uint64_t pending_;
	int first_error_;
	/* The life of the runtime in which it was initialised. */
	uint32_t life_;
	bool keep_going_;
	bool waited_;
	/* The address of the group, once it is initialised; that of this member after the end. */
	const void *self_;
} bide_group;

BIDE_BEGIN_DECLS

/*
 * Initialises a group and makes its context, a child of the current one. options may be NULL:
 * the defaults. Returns 0, ENOMEM, or EINVAL (misuse) if group is NULL or has not ended. Cost:
 * two objects from the pool.
 */
BIDE_API int bide_group_init(bide_group *group, const bide_group_options *options);
/*
 * Adds a member: consumes the value task, which belongs to the group from now on. A failure that
 * is no cancellation cancels the other members, unless keep_going is set. A member may add
 * members while the group is waited for. Adding to a group that has ended is misuse, and the
 * value task is forgotten.
 */
BIDE_API void bide_group_add_at_(bide_group *group, bide_value_task value_task,
                                 const bide_place *place);
#define bide_group_add(group, value_task)                                                        \
	bide_group_add_at_((group),                                                                  \
	                   bide_untyped_value_(value_task, "a group takes value tasks; for a "       \
	                                                   "bide_task * add bide_task_await(task)"), \
	                   BIDE_HERE_)
/*
 * Returns the number of members that are not over; 0 after the end. A group that was never
 * initialised is misuse: 0.
 */
BIDE_API uint64_t bide_group_pending(const bide_group *group);
/*
 * Cancels all members, and what is started in the group later. The group still waits for their
 * end.
 */
BIDE_API void bide_group_cancel(bide_group *group);
/*
 * Returns the group's context, and NULL if the group has ended. It does not take a reference for
 * you. A group that was never initialised is misuse: NULL.
 */
BIDE_API bide_context *bide_group_context(bide_group *group);
/*
 * Ends the group: returns a value task that is ready when all members are over. It succeeds, or
 * fails with the first error that was no cancellation, or else with ECANCELED if a member was
 * canceled. Once you have awaited it, you may free the group or initialise it again. It is
 * uninterruptible: cancel the group to end it sooner. Waiting twice is misuse: EINVAL.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_group_wait(bide_group *group);
/*
 * Does the same, and reports once what the group waits for, if members are not over delay_ns
 * nanoseconds after this call. The report goes to the report hook (misuse.h; by default to
 * standard error). It tells how many members are pending, and what else was added. It names each
 * pending function that was started in the group or below, with its file and line and what it
 * awaits, as bide_dump does. The report ends nothing: the wait continues.
 *
 * delay_ns: 0 reports at once, BIDE_FOREVER never. A number below zero is misuse: EINVAL, and
 * the group is not waited for. Cost: if members are pending, four objects from the pools more
 * than bide_group_wait; the report looks at all pools. If there is no memory for them, it does
 * what bide_group_wait does.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_group_wait_reporting_at_(bide_group *group,
                                                                       int64_t delay_ns,
                                                                       const bide_place *place);
#define bide_group_wait_reporting(group, delay_ns) \
	bide_group_wait_reporting_at_((group), (delay_ns), BIDE_HERE_)

BIDE_END_DECLS

#ifndef __cplusplus
/* Evaluates call in the group's context and adds its value task. */
#define bide_group_start(group, call) \
	bide_group_add((group), bide_in_context(bide_group_context(group), (call)))
#endif
#endif
