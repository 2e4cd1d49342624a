/*
 * group.c - groups: one listener and one counter, whatever the number of members.
 *
 *     pending_ == members that have not reported + 1 until bide_group_wait
 *
 * The party that brings the counter to zero ends the group, and then nothing touches the memory of
 * the group any more. bide_group_init makes the object that the wait returns, so neither adding nor
 * waiting can fail.
 *
 * Relies on: a listener runs once for each registration, on any thread; to cancel a context is only
 * a request, so a member that reports may do it.
 */
#include "ops/group.h"

#include "base/assert.h"
#include "base/misuse.h"
#include "base/settings.h"
#include "base/text.h"
#include "context/context.h"
#include "memory/allocator.h"
#include "memory/pool.h"
#include "ops/first_error.h"
#include "source/source.h"

/* What the wait returns. */
typedef struct group_idle {
	bide_operation operation;
	const bide_group *group;
	const bide_place *place; /* of bide_group_init, in debug mode; otherwise NULL */
} group_idle;

/* Reads the group only if it lies in a frame, whose memory lasts. */
BIDE_UNCHECKED_ static void describe_group(const void *copy, char *to, size_t size_bytes)
{
	const bide_group *group = ((const group_idle *)copy)->group;
	unsigned long long pending;

	if (!bide_pools_hold_(group)) {
		bide_put_(to, size_bytes, "bide_group_wait");
		return;
	}
	pending = *(const volatile uint64_t *)&group->pending_;
	bide_put_(to, size_bytes, "bide_group_wait (%llu pending)", pending);
}

/* The type until the wait: a group of this type that bide_shutdown finds was never waited for. */
static void describe_open(const void *copy, char *to, size_t size_bytes)
{
	const bide_place *place = ((const group_idle *)copy)->place;

	if (place)
		bide_put_(to, size_bytes, "group, initialised at %s:%u in %s", place->file,
		          (unsigned)place->line, place->function);
	else
		bide_put_(to, size_bytes, "group (BIDE_DEBUG=1 tells where it was initialised)");
}

const bide_operation_type bide_group_open_type_ = { .name = "group", .describe = describe_open };
static const bide_operation_type group_type = { .name = "bide_group_wait",
	                                            .describe = describe_group };
static const bide_place group_by = { __FILE__, __LINE__, "bide_group" };

static bool is_sync(const bide_group *group)
{
	return group->idle_->source.flags & BIDE_FLAG_SYNC_;
}

/*
 * Keeps the first error that is no cancellation, else the cancellation. Returns false if it did not
 * keep the error, and the group was not canceled with that error.
 */
static bool record(bide_group *group, int error, bide_payload trace)
{
	bool kept = error == BIDE_ECANCELED_;

	if (error == 0)
		return true;
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

/*
 * Returns true if this was the last, which ends the group. Releases what was recorded; the last one
 * acquires it.
 */
static bool count_down(bide_group *group)
{
	if (is_sync(group))
		return BIDE_SUB(&group->pending_, 1, ACQ_REL) == 1;
	return --group->pending_ == 0;
}

/* Ends the group, and returns its error. The object that idle_ was is the caller's. */
static int group_end(bide_group *group)
{
	bide_context *context = group->context_;

	group->context_ = NULL;
	/* Atomic, because a member or a report may ask meanwhile whether the group is there. */
	BIDE_STORE(&group->idle_, (bide_operation *)NULL, RELAXED);
	BIDE_STORE(&group->self_, (const void *)&group->self_, RELAXED); /* it has ended */
	bide_context_unref(context);
	return group->first_error_;
}

static void take_over(bide_group *group, bide_source *done, const bide_place *by)
{
	if (BIDE_UNLIKELY(!record(group, done->error, done->payload)))
		bide_unobserved_(done->error, done);
	if (BIDE_UNLIKELY(!bide_kind_is_frame_(done->kind)))
		bide_result_dropped_(done);
	bide_recycle_(done, by);
}

static void group_run(bide_observer *listener, bide_source *done)
{
	bide_group *group = BIDE_CONTAINER_(listener, bide_group, listener_);
	bide_operation *idle = group->idle_;

	take_over(group, done, &group_by);
	if (count_down(group))
		bide_operation_complete_(idle, idle->source.payload, group_end(group));
}

static bool is_initialised(const bide_group *group)
{
	return BIDE_LOAD(&group->self_, RELAXED) == group && group->listener_.run == group_run &&
	       BIDE_LOAD(&group->idle_, RELAXED);
}

static bool is_live(const bide_group *group)
{
	return is_initialised(group) && group->life_ == bide_life_;
}

bool bide_group_is_valid_(const bide_group *group)
{
	int error = BIDE_LOAD(&group->first_error_, RELAXED);

	BIDE_INVARIANT_(is_live(group));
	BIDE_INVARIANT_(!group->waited_);
	BIDE_INVARIANT_(BIDE_LOAD(&group->pending_, RELAXED) > 0);
	BIDE_INVARIANT_(error >= 0 && error <= BIDE_ERROR_MAX);
	BIDE_INVARIANT_(group->context_ &&
	                bide_context_check_(group->context_, "bide_group_is_valid_"));
	BIDE_INVARIANT_(group->idle_->type == &bide_group_open_type_);
	BIDE_INVARIANT_(((const group_idle *)group->idle_)->group == group);
	BIDE_INVARIANT_(!bide_is_done_(&group->idle_->source));
	return true;
}

int bide_group_init(bide_group *group, const bide_group_options *options)
{
	if (!group) {
		bide_misuse_("bide_group_init: group is NULL");
		return BIDE_EINVAL_;
	}
	bide_memory_known_(group, sizeof *group);
	if (is_live(group)) {
		bide_misuse_("bide_group_init: the group has not ended, or its memory ended before it did; "
		             "each group is waited for (bide_group_wait) before its memory goes");
		return BIDE_EINVAL_;
	}
	*group = (bide_group){ .listener_ = { group_run },
		                   .pending_ = 1,
		                   .life_ = bide_life_,
		                   .keep_going_ = options && options->keep_going };
	group->context_ = bide_context_create(NULL);
	if (!group->context_)
		return BIDE_ENOMEM_;
	group->idle_ = bide_operation_new_(sizeof(group_idle), &bide_group_open_type_);
	if (group->idle_) {
		((group_idle *)group->idle_)->group = group;
		((group_idle *)group->idle_)->place = BIDE_CALLED_AT_("bide_group_init");
		group->self_ = group;
		return 0;
	}
	bide_context_unref(group->context_);
	group->context_ = NULL;
	return BIDE_ENOMEM_;
}

static bool has_ended(const bide_group *group)
{
	return BIDE_LOAD(&group->self_, RELAXED) == &group->self_ && group->listener_.run == group_run;
}

/*
 * Returns true if the group was initialised; otherwise reports misuse of `what`. The group may have
 * ended, or end now, so one load of self_ decides.
 */
static bool is_known(const bide_group *group, const char *what)
{
	const void *self;

	if (group) {
		bide_memory_known_((void *)(uintptr_t)group, sizeof *group);
		self = BIDE_LOAD(&group->self_, RELAXED);
		if (((self == group && group->life_ == bide_life_) || self == &group->self_) &&
		    group->listener_.run == group_run)
			return true;
	}
	bide_misuse_("%s: %s", what,
	             !group ? "group is NULL"
	             : is_initialised(group)
	                 ? "the group " BIDE_OF_BEFORE_
	                 : "the group is not initialised; bide_group_init comes first");
	return false;
}

bool bide_group_check_(const bide_group *group, const char *what, const bide_place *place)
{
	if (group && is_live(group))
		return true;
	bide_misuse_at_(place, "%s: %s", what,
	                !group                  ? "group is NULL"
	                : has_ended(group)      ? "the group has ended; bide_group_init begins it anew"
	                : is_initialised(group) ? "the group " BIDE_OF_BEFORE_
	                                        : "the group is not initialised; bide_group_init "
	                                          "comes first");
	return false;
}

void bide_group_add_at_(bide_group *group, bide_value_task value_task, const bide_place *place)
{
	bide_value_task outcome;

	if (!bide_group_check_(group, "bide_group_add", place)) {
		bide_value_task_forget_at_(value_task, place);
		return;
	}
	value_task = bide_yield_to_operation_(value_task);
	outcome = value_task;
	if (bide_is_pending_(value_task)) {
		/* Before the registration, which may report at once. RELAXED: the count is above zero. */
		if (is_sync(group))
			BIDE_ADD(&group->pending_, 1, RELAXED);
		else
			group->pending_++;
		switch (bide_listen_(value_task, &group->listener_, "bide_group_add", place)) {
		case BIDE_REGISTERED_:
			return;
		case BIDE_ALREADY_DONE_:
			take_over(group, (bide_source *)value_task.state, place);
			outcome = bide_value_task_completed();
			break;
		default:
			outcome = bide_value_task_from_error(BIDE_ESTALE);
		}
		count_down(group); /* not the last: that of the wait, or of the member that adds, is left */
	}
	if (!record(group, (int)outcome.state, outcome.payload))
		bide_lost_(outcome, NULL);
}

uint64_t bide_group_pending(const bide_group *group)
{
	uint64_t pending;

	if (!is_known(group, "bide_group_pending"))
		return 0;
	pending = BIDE_LOAD(&group->pending_, RELAXED);
	return BIDE_LOAD(&group->waited_, RELAXED) || pending == 0 ? pending : pending - 1;
}

void bide_group_cancel(bide_group *group)
{
	bide_context *context;

	if (!bide_group_check_(group, "bide_group_cancel", NULL))
		return;
	/* The last member may end the group meanwhile. */
	context = bide_context_ref(group->context_);
	bide_context_cancel(context, BIDE_ECANCELED_);
	bide_context_unref(context);
}

bide_context *bide_group_context(bide_group *group)
{
	return is_known(group, "bide_group_context") ? group->context_ : NULL;
}

bide_value_task bide_group_wait(bide_group *group)
{
	bide_operation *idle;
	bide_value_task value;

	if (!bide_group_check_(group, "bide_group_wait", NULL))
		return bide_value_task_from_error(BIDE_EINVAL_);
	if (group->waited_) {
		bide_misuse_("bide_group_wait: this group is waited for already; each is waited for once");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	BIDE_ASSERT_UNEXPLORED_(bide_group_is_valid_(group));
	BIDE_STORE(&group->waited_, true, RELAXED); /* a report may read it */
	idle = group->idle_;
	idle->type = &group_type;
	value = bide_source_value_(&idle->source);
	if (!count_down(group))
		return value;
	value.payload = idle->source.payload;
	value.state = (uintptr_t)group_end(group);
	bide_operation_discard_(&idle->source);
	return value;
}
