/*
 * group_end.c - how the members of a group report, how it ends, and whether a group is there.
 */
#include "base/assert.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/settings.h"
#include "base/text.h"
#include "context/context.h"
#include "memory/allocator.h"
#include "ops/first_error.h"
#include "ops/group.h"
#include "source/source.h"

static const bide_place group_by = { __FILE__, __LINE__, "bide_group" };

bool bide_group_record_(bide_group *group, int error, bide_payload trace)
{
	bool kept = error == BIDE_ECANCELED_;

	if (error == 0)
		return true;
	if (group->tells_failures_ && error != BIDE_ECANCELED_ &&
	    error != bide_context_error(group->context_)) {
		bide_group_service_of_(group)->failed(error, bide_group_service_of_(group)->argument);
		return true;
	}
	if (bide_first_error_keep_(&group->first_error_, error)) {
		if (error != BIDE_ECANCELED_) /* only one member does this */
			group->idle_->source.payload = trace;
		kept = true;
	}
	kept |= error == bide_context_error(group->context_);
	if (error != BIDE_ECANCELED_ && !group->keep_going_)
		bide_context_cancel(group->context_, BIDE_ECANCELED_);
	return kept;
}

bool bide_group_take_away_(bide_group *group, uint64_t holds)
{
	uint64_t left;

	if (bide_group_is_sync_(group))
		left = BIDE_SUB(&group->holds_, holds, ACQ_REL) - holds;
	else
		left = group->holds_ -= holds;
	BIDE_ASSERT_(left < (uint64_t)1 << 63);
	return (left & ~(uint64_t)BIDE_GROUP_CLOSED_) == 0;
}

int bide_group_end_(bide_group *group)
{
	bide_context *context = group->context_;

	if (group->is_open_)
		bide_cancel_node_unref_(&bide_group_service_of_(group)->node);
	group->context_ = NULL;
	/* Atomic, because a member or a report may ask meanwhile whether the group is there. */
	BIDE_STORE(&group->idle_, (bide_operation *)NULL, RELAXED);
	BIDE_STORE(&group->self_, (const void *)&group->self_, RELAXED); /* it has ended */
	bide_context_unref(context);
	return group->first_error_;
}

void bide_group_take_over_(bide_group *group, bide_source *done, const bide_place *by)
{
	if (BIDE_UNLIKELY(!bide_group_record_(group, done->error, done->payload)))
		bide_unobserved_(done->error, done);
	if (BIDE_UNLIKELY(!bide_kind_is_frame_(done->kind)))
		bide_result_dropped_(done);
	bide_recycle_(done, by);
}

static void complete(bide_group *group)
{
	bide_operation *idle = group->idle_;

	bide_operation_complete_(idle, idle->source.payload, bide_group_end_(group));
}

static void complete_posted(bide_post *post)
{
	complete(BIDE_CONTAINER_(post, bide_group_service_, post)->idle.group);
}

/* What waits for the group may be a listener, which runs on the worker. */
void bide_group_leave_(bide_group *group, uint64_t holds)
{
	bide_group_service_ *service = bide_group_service_of_(group);

	if (!bide_group_take_away_(group, holds))
		return;
	if (!group->is_open_ || bide_port_on_worker_()) {
		complete(group);
		return;
	}
	service->post.run = complete_posted;
	bide_port_post_(&service->post);
}

void bide_group_run_(bide_observer *listener, bide_source *done)
{
	bide_group *group = BIDE_CONTAINER_(listener, bide_group, listener_);

	bide_group_take_over_(group, done, &group_by);
	bide_group_leave_(group, BIDE_GROUP_MEMBER_);
}

static bool is_initialised(const bide_group *group)
{
	return BIDE_LOAD(&group->self_, RELAXED) == group && group->listener_.run == bide_group_run_ &&
	       BIDE_LOAD(&group->idle_, RELAXED);
}

bool bide_group_is_live_(const bide_group *group)
{
	return is_initialised(group) && group->life_ == bide_era_();
}

static bool has_ended(const bide_group *group)
{
	return BIDE_LOAD(&group->self_, RELAXED) == &group->self_ &&
	       group->listener_.run == bide_group_run_;
}

/* The group may be of before a shutdown or a fork, but its object, which has the place, stays. */
static BIDE_COLD void report_before(const bide_group *group, const char *what,
                                    const bide_place *place)
{
	const char *why = bide_why_before_(group->life_, BIDE_OF_BEFORE_);
	const bide_place *made = group->life_ >> BIDE_ERA_LIFE_BITS_ != bide_fork_count_
	                             ? ((const bide_group_idle_ *)group->idle_)->place
	                             : NULL;

	if (made)
		bide_misuse_at_(place, "%s: the group %s (initialised at %s:%u in %.*s)", what, why,
		                made->file, (unsigned)made->line, bide_name_length_(made->function),
		                made->function);
	else
		bide_misuse_at_(place, "%s: the group %s", what, why);
}

/* The group may have ended, or end now, so one load of self_ decides. */
bool bide_group_is_known_(const bide_group *group, const char *what)
{
	const void *self;

	if (group) {
		bide_memory_known_((void *)(uintptr_t)group, sizeof *group);
		self = BIDE_LOAD(&group->self_, RELAXED);
		if (((self == group && group->life_ == bide_era_()) || self == &group->self_) &&
		    group->listener_.run == bide_group_run_)
			return true;
	}
	if (group && is_initialised(group))
		report_before(group, what, NULL);
	else
		bide_misuse_("%s: %s", what,
		             group ? "the group is not initialised; bide_group_init comes first"
		                   : "group is NULL");
	return false;
}

bool bide_group_check_(const bide_group *group, const char *what, const bide_place *place)
{
	if (group && bide_group_is_live_(group))
		return true;
	if (group && is_initialised(group))
		report_before(group, what, place);
	else
		bide_misuse_at_(place, "%s: %s", what,
		                !group             ? "group is NULL"
		                : has_ended(group) ? "the group has ended; bide_group_init begins it anew"
		                                   : "the group is not initialised; bide_group_init "
		                                     "comes first");
	return false;
}
