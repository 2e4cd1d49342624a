/*
 * group.h - owns what is started in it: leaving waits for all; the first failure cancels the rest.
 *
 *     bide_group_init(&my->group, NULL);
 *     for (...) bide_group_start(&my->group, fetch(url[i])); // each counts, none is forgotten
 *     bide_await(bide_group_wait(&my->group));               // all are over; the first error
 *
 * A group is one continuation and a counter: adding and waiting allocate nothing and cannot fail.
 * Its members run in its context. Memory: yours (in the frame), until the value task of
 * bide_group_wait has been awaited; every group that was initialised must be waited for. Threads:
 * the calls come from one function, or one thread; members may add to it while they run, and end on
 * any thread. Others cancel the group's context, of which they hold a reference.
 */
#ifndef BIDE_GROUP_H
#define BIDE_GROUP_H

#include "context.h"
#include "task.h"

typedef struct bide_group_options {
	bool keep_going; /* true: a failure does not cancel the other members */
} bide_group_options;

struct bide_operation;
typedef struct bide_group {
	bide_notify notify_;
	bide_context *context_;
	struct bide_operation *idle_; /* what the wait hands out; NULL: not initialised, or ended */
	uint64_t pending_;            /* members that are not over, and 1 until the wait */
	int first_error_;
	bool keep_going_;
	bool waited_;
	const void *self_; /* its own address, once it is initialised */
} bide_group;

BIDE_BEGIN_DECLS

/*
 * Makes the group's context, a child of the current one. options may be NULL: the defaults. Returns
 * 0; ENOMEM; EINVAL (misuse: group is NULL, or a group that has not ended). Cost: two objects from
 * the pool.
 */
BIDE_API int bide_group_init(bide_group *group, const bide_group_options *options);
/*
 * Consumes the value task: it is the group's from now on. A failure (not a cancellation) cancels
 * the other members, unless keep_going is set. A member may add members while the group is
 * waited for. After its end: misuse, and the value task is forgotten.
 */
BIDE_API void bide_group_add_at_(bide_group *group, bide_value_task value_task,
                                 const bide_place *place);
#define bide_group_add(group, value_task)                                                        \
	bide_group_add_at_((group),                                                                  \
	                   bide_untyped_value_(value_task, "a group takes value tasks; for a "       \
	                                                   "bide_task * add bide_task_await(task)"), \
	                   BIDE_HERE_)
/* How many are not over yet. */
BIDE_API uint64_t bide_group_pending(const bide_group *group);
/* Cancels all members, and what is started in the group later. The group waits for their end. */
BIDE_API void bide_group_cancel(bide_group *group);
/* No reference is given. NULL: the group has ended. */
BIDE_API bide_context *bide_group_context(bide_group *group);
/*
 * Ready when all members are over: 0, or the first error that was no cancellation, else ECANCELED
 * if one was canceled. Ends the group; its memory may go afterwards, or be initialised again.
 * Uninterruptible: cancel the group to end it sooner. Waiting twice is misuse: EINVAL.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_group_wait(bide_group *group);
/*
 * The same; and if members are not over delay_ns after this call, says once what it waits for, to
 * the report hook (misuse.h; by default on standard error): how many members, each pending function
 * that was started in the group or below, with its file and line and what it awaits, as bide_dump
 * does; and what else was added. Nothing is ended by it: the wait goes on. delay_ns: 0: at
 * once; BIDE_FOREVER: never; below zero: misuse, EINVAL, and the group is not waited for. Cost: four objects from the pools
 * more than bide_group_wait, if members are pending; the report looks at all pools. Without memory
 * for them it is as bide_group_wait.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_group_wait_reporting_at_(bide_group *group,
                                                                       int64_t delay_ns,
                                                                       const bide_place *place);
#define bide_group_wait_reporting(group, delay_ns) \
	bide_group_wait_reporting_at_((group), (delay_ns), BIDE_HERE_)

BIDE_END_DECLS

#ifndef __cplusplus
/* Evaluates call in the group's context and adds it. */
#define bide_group_start(group, call) \
	bide_group_add((group), bide_in_context(bide_group_context(group), (call)))
#endif
#endif
