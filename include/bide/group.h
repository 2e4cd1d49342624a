/*
 * group.h - owns what is started in it. Leaving a group waits for all members; the first
 * failure cancels the rest. An open group takes members on any thread until it is closed.
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
 *
 * An open group is for a service that lives long: any function on any thread starts its jobs there.
 *
 *     static bide_group jobs;
 *     bide_group_init(&jobs, &(bide_group_options){ .open = true, .failed = note_failure });
 *     bide_group_start(&jobs, send_mail(to));     // anywhere; EPIPE once the group is closed
 *     ...
 *     bide_group_close(&jobs);                    // refuses more
 *     bide_await(bide_group_wait(&jobs));         // until it is closed and all members are over
 *
 * bide_group_close closes it. So does each cancellation of its context: by bide_group_cancel, by
 * the first failure, by a cancellation or deadline of a context above. A closed group refuses
 * members: bide_group_start does not evaluate the call, and bide_group_add forgets the value task;
 * both return EPIPE. Members that are over leave nothing behind, however many there were. A
 * function that is no member may call these functions as long as the memory of the group lives. So
 * let the memory be static, or end those functions before it.
 */
#ifndef BIDE_GROUP_H
#define BIDE_GROUP_H

#include "context.h"
#include "task.h"

typedef struct bide_group_options {
	/* true: a failure does not cancel the other members. */
	bool keep_going;
	/* true: any thread may add members, until the group is closed. */
	bool open;
	/*
	 * Takes the failures of members. A failure that goes there has no other effect: the other
	 * members go on, and the wait does not return the error. A cancellation is no failure, nor is
	 * the error that the group was canceled with. It is called on the thread that ends the member,
	 * and may be called on several threads at a time. It may start and complete things, and must
	 * not wait. May be NULL.
	 */
	void (*failed)(int error, void *argument);
	void *argument; /* of failed */
} bide_group_options;

struct bide_operation;
typedef struct bide_group {
	bide_observer listener_;
	bide_context *context_;
	/* What the wait returns. NULL: the group is not initialised, or has ended. */
	struct bide_operation *idle_;
	/* What keeps the group from its end: members that are not over, and flags (src/ops/group.h). */
	uint64_t holds_;
	int first_error_;
	/* The life of the runtime in which it was initialised. */
	uint32_t life_;
	bool keep_going_;
	bool waited_;
	bool is_open_;
	bool tells_failures_;
	/* The address of the group, once it is initialised; that of this member after the end. */
	const void *self_;
} bide_group;

BIDE_BEGIN_DECLS

/*
 * Initialises a group and makes its context, a child of the current one. options may be NULL:
 * the defaults. Returns 0, ENOMEM, or EINVAL (misuse) if group is NULL or has not ended. If the
 * current context is canceled, an open group is closed from the start. Cost: two objects from the
 * pool.
 */
BIDE_API BIDE_USE_RESULT int bide_group_init(bide_group *group, const bide_group_options *options);
/*
 * Adds a member: consumes the value task, which belongs to the group from now on. A failure that is
 * no cancellation cancels the other members, unless keep_going or failed is set. A member may add
 * members while the group is waited for. Returns 0; EPIPE if an open group is closed, or has ended;
 * EINVAL (misuse) if a group that is not open has ended. A value task that was not added is
 * forgotten (bide_value_task_forget): its operation goes on, in no group. Where a group may be
 * closed, use bide_group_start, which starts nothing then.
 */
BIDE_API int bide_group_add_at_(bide_group *group, bide_value_task value_task,
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
 * Closes an open group: from now on it refuses members. The members that it has go on. Returns true
 * for the call that closed it, and false if it was closed already. A group that is not open is
 * misuse: false. Any thread.
 */
BIDE_API bool bide_group_close(bide_group *group);
/*
 * Cancels all members, and what is started in the group later. The group still waits for their
 * end. It closes an open group; any thread may do that, and an open group that has ended is no
 * misuse.
 */
BIDE_API void bide_group_cancel(bide_group *group);
/*
 * Returns the group's context, and NULL if the group has ended. It does not take a reference for
 * you. A group that was never initialised is misuse: NULL.
 */
BIDE_API bide_context *bide_group_context(bide_group *group);
/*
 * Ends the group: returns a value task that is ready when all members are over. That of an open
 * group also waits until the group is closed. It succeeds, or fails with the first error that was
 * no cancellation, or else with ECANCELED if a member was canceled. Once you have awaited it, you
 * may free the group or initialise it again. It is uninterruptible: cancel the group to end it
 * sooner. Waiting twice is misuse: EINVAL.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_group_wait(bide_group *group);
/*
 * Does the same, and reports once what the group waits for, if members are not over delay_ns
 * nanoseconds after this call. The report goes to the report hook (misuse.h; by default to
 * standard error). It tells how many members are pending, and what else was added. It names each
 * pending function that was started in the group or below, with its file and line and what it
 * awaits, as bide_dump does. The report ends nothing: the wait continues.
 *
 * delay_ns: 0 reports at once, BIDE_FOREVER never. A number below zero is misuse: EINVAL, and the
 * group is not waited for. Cost: if members are pending, four objects from the pools more than
 * bide_group_wait; the report looks at all pools. If there is no memory for these objects, it does
 * what bide_group_wait does.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_group_wait_reporting_at_(bide_group *group,
                                                                       int64_t delay_ns,
                                                                       const bide_place *place);
#define bide_group_wait_reporting(group, delay_ns) \
	bide_group_wait_reporting_at_((group), (delay_ns), BIDE_HERE_)

BIDE_END_DECLS

#ifndef __cplusplus
/*
 * bide_group_start(group, call) evaluates call in the group's context and adds its value task.
 * Returns what bide_group_add returns. If that is not 0, the call was not evaluated, and nothing
 * was started.
 */
#define bide_group_start(group, call) BIDE_GROUP_START_(group, call, BIDE_NESTED_)
#define BIDE_GROUP_START_(group, call, n) \
	BIDE_GROUP_START2_(group, call, BIDE_CAT_(bide_group_, n), BIDE_CAT_(bide_saved_, n))
#define BIDE_GROUP_START2_(group, call, to, saved)                                              \
	__extension__({                                                                             \
		BIDE_NESTED_BEGIN_                                                                      \
		bide_group *to = (group);                                                               \
		uintptr_t saved = bide_group_enter_(to, BIDE_HERE_);                                    \
		BIDE_NESTED_END_                                                                        \
		bide_group_entered_(                                                                    \
			to, saved,                                                                          \
			saved >= BIDE_GROUP_REFUSED_                                                        \
				? bide_value_task_completed()                                                   \
				: bide_untyped_value_(call, "a group takes value tasks; for a bide_task * add " \
		                                    "bide_task_await(task)"),                           \
			BIDE_HERE_);                                                                        \
	})
#endif

BIDE_BEGIN_DECLS
/*
 * Makes the group's context the current one, in which a member is started. Returns the context
 * before it, or BIDE_GROUP_REFUSED_ and more if the group takes no member.
 */
BIDE_API uintptr_t bide_group_enter_(bide_group *group, const bide_place *place);
#define BIDE_GROUP_REFUSED_ ((uintptr_t)-BIDE_ERROR_MAX)
/* Makes that context the current one again, and adds the member. */
BIDE_API int bide_group_entered_(bide_group *group, uintptr_t saved, bide_value_task value_task,
                                 const bide_place *place);
BIDE_END_DECLS
#endif
