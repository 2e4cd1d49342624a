/*
 * group_open.c - open groups: any thread adds, until the group is closed. group.h has the holds.
 *
 * A thread that adds counts itself in the same step that finds the group not closed. So it cannot
 * come after the end, and the group cannot end under it.
 *
 * What cancels the context of the group closes it, through a node in the operations of that
 * context. Otherwise a wait for a group that was canceled would last until a call closes it.
 */
#include "base/assert.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/settings.h"
#include "context/context.h"
#include "ops/group.h"

/* Runs as an operation that is canceled: with one worker, on the worker. */
static void canceled(bide_cancel_node *node, int error)
{
	bide_group *group = BIDE_CONTAINER_(node, bide_group_service_, node)->idle.group;

	(void)error;
	/* RELAXED: the step below orders it before the end. */
	(void)BIDE_OR(&group->holds_, (uint64_t)BIDE_GROUP_CLOSED_, RELAXED);
	bide_group_leave_(group, BIDE_GROUP_LINKED_);
}

void bide_group_open_(bide_group *group)
{
	bide_group_service_ *service = bide_group_service_of_(group);

	bide_flags_add_(&group->idle_->source, BIDE_FLAG_SYNC_);
	group->holds_ |= BIDE_GROUP_LINKED_; /* before the node may fire */
	if (bide_cancel_link_(&group->context_->core, &service->node, canceled))
		group->holds_ = BIDE_GROUP_UNWAITED_ | BIDE_GROUP_CLOSED_;
}

bool bide_group_was_opened_(const bide_group *group)
{
	const void *self = group ? BIDE_LOAD(&group->self_, RELAXED) : NULL;

	return self && (self == group ? group->life_ == bide_era_() : self == &group->self_) &&
	       group->is_open_;
}

bool bide_group_try_enter_(bide_group *group)
{
	uint64_t seen = BIDE_LOAD(&group->holds_, RELAXED);

	/* RELAXED: a member orders what it did when it leaves. */
	while (!(seen & BIDE_GROUP_CLOSED_))
		if (BIDE_CAS(&group->holds_, &seen, seen + BIDE_GROUP_MEMBER_, RELAXED, RELAXED))
			return true;
	return false;
}

bool bide_group_try_hold_(bide_group *group)
{
	uint64_t seen = BIDE_LOAD(&group->holds_, RELAXED);

	while (seen & ~(uint64_t)BIDE_GROUP_CLOSED_)
		if (BIDE_CAS(&group->holds_, &seen, seen + BIDE_GROUP_MEMBER_, RELAXED, RELAXED))
			return true;
	return false;
}

/* If the node has fired, or fires now, that drops its own hold. */
static void close_here(bide_post *post)
{
	bide_group_service_ *service = BIDE_CONTAINER_(post, bide_group_service_, post);
	bool was_linked = bide_cancel_unlink_(&service->node);

	bide_group_leave_(service->idle.group,
	                  BIDE_GROUP_CLOSING_ + (was_linked ? (uint64_t)BIDE_GROUP_LINKED_ : 0));
}

bool bide_group_close_(bide_group *group)
{
	bide_group_service_ *service;
	uint64_t seen = BIDE_LOAD(&group->holds_, RELAXED);

	do {
		if (seen & BIDE_GROUP_CLOSED_)
			return false;
	} while (!BIDE_CAS(&group->holds_, &seen, seen | BIDE_GROUP_CLOSED_ | BIDE_GROUP_CLOSING_,
	                   RELAXED, RELAXED));
	service = bide_group_service_of_(group);
	if (bide_port_on_worker_()) {
		close_here(&service->post);
		return true;
	}
	service->post.run = close_here;
	bide_port_post_(&service->post);
	return true;
}

bool bide_group_close(bide_group *group)
{
	if (bide_group_was_opened_(group))
		return bide_group_close_(group);
	if (bide_group_check_(group, "bide_group_close", NULL))
		bide_misuse_("bide_group_close: the group is not open; the option `open` of "
		             "bide_group_init makes it so");
	return false;
}
