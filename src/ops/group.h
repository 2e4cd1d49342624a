/*
 * group.h - what keeps a group from its end, and what reports ask of a group.
 *
 * `holds_` of a group counts its members, and has a flag for each other party that may still touch
 * it. A group ends when nothing is left but CLOSED. The party that takes the last hold away ends
 * it, and then nothing touches the memory of the group any more.
 *
 *     UNWAITED   from bide_group_init to bide_group_wait
 *     MEMBER     counts members that have not reported, and threads that are about to add one, or
 *                that cancel an open group
 *     LINKED     an open group: the node in the operations of its context, which closes the group.
 *                The node drops it when it has fired; the thread that takes the node out drops it
 *     CLOSING    an open group: from the call that closes it until that has taken the node out
 *
 * CLOSED is no hold. It is set once, and no member comes after it. So a member comes only while the
 * group has LINKED or CLOSING, or before CLOSING: the group can not end under the thread that adds.
 * A group that is not open has neither; there the caller knows that it has not ended.
 */
#ifndef BIDE_OPS_GROUP_H
#define BIDE_OPS_GROUP_H

#include "cancel/cancel_core.h"
#include "source/operation.h"

enum {
	BIDE_GROUP_UNWAITED_ = 1,
	BIDE_GROUP_LINKED_ = 2,
	BIDE_GROUP_CLOSING_ = 4,
	BIDE_GROUP_CLOSED_ = 8,
	BIDE_GROUP_MEMBER_ = 16
};

/* What the wait returns. */
typedef struct bide_group_idle_ {
	bide_operation operation;
	bide_group *group;
	const bide_place *place; /* of bide_group_init, in debug mode; otherwise NULL */
} bide_group_idle_;

/* The same of a group that is open or tells failures. */
typedef struct bide_group_service_ {
	bide_group_idle_ idle;
	bide_cancel_node node;
	/* With one worker, the way of a close and of the end to the worker, one after the other. */
	bide_post post;
	void (*failed)(int error, void *argument);
	void *argument;
} bide_group_service_;

static inline bide_group_service_ *bide_group_service_of_(const bide_group *group)
{
	return (bide_group_service_ *)(void *)group->idle_;
}

/* Returns the number of members in a value of holds_. */
static inline unsigned long long bide_group_members_(uint64_t holds)
{
	return holds / BIDE_GROUP_MEMBER_;
}

static inline bool bide_group_is_sync_(const bide_group *group)
{
	return bide_is_sync_(&group->idle_->source);
}

/* --- members report, and the group ends --- */

/* The listener of a group: a member is over. */
BIDE_INTERNAL void bide_group_run_(bide_observer *listener, bide_source *done);
/* Records the outcome of a source that is DONE, and recycles it. The caller has a hold. */
BIDE_INTERNAL void bide_group_take_over_(bide_group *group, bide_source *done,
                                         const bide_place *by);
/*
 * Keeps the first error that is no cancellation, else the cancellation; or tells it. Returns false
 * if it did neither, and the group was not canceled with that error. The caller has a hold.
 */
BIDE_INTERNAL bool bide_group_record_(bide_group *group, int error, bide_payload trace);
/* Drops holds, and ends the group if they were the last. */
BIDE_INTERNAL void bide_group_leave_(bide_group *group, uint64_t holds);
/*
 * Drops holds. Returns true if they were the last: then the caller ends the group. Releases what
 * was recorded; the last one acquires it.
 */
BIDE_INTERNAL bool bide_group_take_away_(bide_group *group, uint64_t holds);
/* Ends the group, and returns its error. The object that idle_ was is the caller's. */
BIDE_INTERNAL int bide_group_end_(bide_group *group);

/* --- whether it is there --- */

/* Returns true if the group was initialised in this life of the runtime, and has not ended. */
BIDE_INTERNAL bool bide_group_is_live_(const bide_group *group);
/* Returns true if the group was initialised; otherwise reports misuse of `what`. */
BIDE_INTERNAL bool bide_group_is_known_(const bide_group *group, const char *what);
/* Returns true if the group has not ended; otherwise reports misuse of `what`. */
BIDE_INTERNAL bool bide_group_check_(const bide_group *group, const char *what,
                                     const bide_place *place);

/* --- open groups --- */

/* Initialises the rest of an open group. */
BIDE_INTERNAL void bide_group_open_(bide_group *group);
/* Counts a member that is about to be added. Returns false if the group is closed. Any thread. */
BIDE_INTERNAL bool bide_group_try_enter_(bide_group *group);
/* Does the same, though the group may be closed. Returns false if it has ended. */
BIDE_INTERNAL bool bide_group_try_hold_(bide_group *group);
/* Closes the group. Returns false if it was closed. Any thread. */
BIDE_INTERNAL bool bide_group_close_(bide_group *group);
/* Returns true if it is open and not closed yet. */
static inline bool bide_group_is_taking_(const bide_group *group)
{
	return group->is_open_ && !(BIDE_LOAD(&group->holds_, RELAXED) & BIDE_GROUP_CLOSED_);
}
/* Returns true if the group was made open, even if it is closed or has ended. Any thread. */
BIDE_INTERNAL bool bide_group_was_opened_(const bide_group *group);

/* --- what reports ask --- */

/*
 * Returns true if a group that is not waited for yet is whole. Called by the thread that may add to
 * it.
 */
BIDE_INTERNAL bool bide_group_is_valid_(const bide_group *group);
/* The type of the object of a group that is not waited for yet. */
extern BIDE_INTERNAL const bide_operation_type bide_group_open_type_;

#endif
