/*
 * group.c - groups: one listener and one counter, whatever the number of members. group.h has what
 * is counted; group_open.c has what is special to open groups.
 *
 * The party that takes the last hold away ends the group, and then nothing touches the memory of
 * the group any more. bide_group_init makes the object that the wait returns, so neither adding nor
 * waiting can fail.
 *
 * Relies on: a listener runs once for each registration, on any thread; to cancel a context is only
 * a request, so a member that reports may do it.
 */
#include "ops/group.h"

#include "base/assert.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/settings.h"
#include "base/text.h"
#include "context/context.h"
#include "memory/allocator.h"
#include "memory/pool.h"
#include "ops/first_error.h"
#include "source/source.h"

/* Reads the group only if it lies in a frame, whose memory lasts. */
BIDE_UNCHECKED_ static void describe_group(const void *copy, char *to, size_t size_bytes)
{
	const bide_group *group = ((const bide_group_idle_ *)copy)->group;
	uint64_t holds;

	if (!bide_pools_hold_(group)) {
		bide_put_(to, size_bytes, "bide_group_wait");
		return;
	}
	holds = *(const volatile uint64_t *)&group->holds_;
	bide_put_(to, size_bytes, "bide_group_wait (%llu pending%s)", bide_group_members_(holds),
	          group->is_open_ && !(holds & BIDE_GROUP_CLOSED_) ? ", open" : "");
}

/* The type until the wait: a group of this type that bide_shutdown finds was never waited for. */
static void describe_open(const void *copy, char *to, size_t size_bytes)
{
	const bide_place *place = ((const bide_group_idle_ *)copy)->place;

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

/*
 * Returns true if these holds were the last, which ends the group. Releases what was recorded; the
 * last one acquires it.
 */
static bool take_away(bide_group *group, uint64_t holds)
{
	uint64_t left;

	if (is_sync(group))
		left = BIDE_SUB(&group->holds_, holds, ACQ_REL) - holds;
	else
		left = group->holds_ -= holds;
	BIDE_ASSERT_(left < (uint64_t)1 << 63);
	return (left & ~(uint64_t)BIDE_GROUP_CLOSED_) == 0;
}

/* Ends the group, and returns its error. The object that idle_ was is the caller's. */
static int group_end(bide_group *group)
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

static void take_over(bide_group *group, bide_source *done, const bide_place *by)
{
	if (BIDE_UNLIKELY(!record(group, done->error, done->payload)))
		bide_unobserved_(done->error, done);
	if (BIDE_UNLIKELY(!bide_kind_is_frame_(done->kind)))
		bide_result_dropped_(done);
	bide_recycle_(done, by);
}

static void complete(bide_group *group)
{
	bide_operation *idle = group->idle_;

	bide_operation_complete_(idle, idle->source.payload, group_end(group));
}

static void complete_posted(bide_post *post)
{
	complete(BIDE_CONTAINER_(post, bide_group_service_, post)->idle.group);
}

/* What waits for the group may be a listener, which runs on the worker. */
void bide_group_leave_(bide_group *group, uint64_t holds)
{
	bide_group_service_ *service = bide_group_service_of_(group);

	if (!take_away(group, holds))
		return;
	if (!group->is_open_ || bide_port_on_worker_()) {
		complete(group);
		return;
	}
	service->post.run = complete_posted;
	bide_port_post_(&service->post);
}

static void group_run(bide_observer *listener, bide_source *done)
{
	bide_group *group = BIDE_CONTAINER_(listener, bide_group, listener_);

	take_over(group, done, &group_by);
	bide_group_leave_(group, BIDE_GROUP_MEMBER_);
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
	BIDE_INVARIANT_(BIDE_LOAD(&group->holds_, RELAXED) & BIDE_GROUP_UNWAITED_);
	BIDE_INVARIANT_(group->is_open_ ||
	                !(BIDE_LOAD(&group->holds_, RELAXED) &
	                  (BIDE_GROUP_LINKED_ | BIDE_GROUP_CLOSING_ | BIDE_GROUP_CLOSED_)));
	BIDE_INVARIANT_(error >= 0 && error <= BIDE_ERROR_MAX);
	BIDE_INVARIANT_(group->context_ &&
	                bide_context_check_(group->context_, "bide_group_is_valid_"));
	BIDE_INVARIANT_(group->idle_->type == &bide_group_open_type_);
	BIDE_INVARIANT_(((const bide_group_idle_ *)group->idle_)->group == group);
	BIDE_INVARIANT_(!bide_is_done_(&group->idle_->source));
	return true;
}

int bide_group_init(bide_group *group, const bide_group_options *options)
{
	bide_group_options wanted = { .keep_going = false };

	if (options)
		wanted = *options;
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
		                   .holds_ = BIDE_GROUP_UNWAITED_,
		                   .life_ = bide_life_,
		                   .keep_going_ = wanted.keep_going,
		                   .is_open_ = wanted.open,
		                   .tells_failures_ = wanted.failed != NULL };
	group->context_ = bide_context_create(NULL);
	if (!group->context_)
		return BIDE_ENOMEM_;
	group->idle_ = bide_operation_new_(wanted.open || wanted.failed ? sizeof(bide_group_service_)
	                                                                : sizeof(bide_group_idle_),
	                                   &bide_group_open_type_);
	if (!group->idle_) {
		bide_context_unref(group->context_);
		group->context_ = NULL;
		return BIDE_ENOMEM_;
	}
	((bide_group_idle_ *)group->idle_)->group = group;
	((bide_group_idle_ *)group->idle_)->place = BIDE_CALLED_AT_("bide_group_init");
	if (wanted.failed) {
		bide_group_service_of_(group)->failed = wanted.failed;
		bide_group_service_of_(group)->argument = wanted.argument;
	}
	if (wanted.open)
		bide_group_open_(group);
	group->self_ = group;
	return 0;
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

/* Counts a member to be. Returns 0, or why the group does not take it. */
static int enter(bide_group *group, const char *what, const bide_place *place)
{
	if (bide_group_was_opened_(group))
		return bide_group_try_enter_(group) ? 0 : BIDE_EPIPE_;
	if (!bide_group_check_(group, what, place))
		return BIDE_EINVAL_;
	/* Before the registration, which may report at once. RELAXED: there is a hold. */
	if (is_sync(group))
		BIDE_ADD(&group->holds_, (uint64_t)BIDE_GROUP_MEMBER_, RELAXED);
	else
		group->holds_ += BIDE_GROUP_MEMBER_;
	return 0;
}

/* Adds a member that was counted. */
static void add(bide_group *group, bide_value_task value_task, const bide_place *place)
{
	bide_value_task outcome;

	value_task = bide_yield_to_operation_(value_task);
	outcome = value_task;
	if (bide_is_pending_(value_task)) {
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
	}
	if (!record(group, (int)outcome.state, outcome.payload))
		bide_lost_(outcome, NULL);
	bide_group_leave_(group, BIDE_GROUP_MEMBER_);
}

int bide_group_add_at_(bide_group *group, bide_value_task value_task, const bide_place *place)
{
	int error = enter(group, "bide_group_add", place);

	if (error)
		bide_value_task_forget_at_(value_task, place);
	else
		add(group, value_task, place);
	return error;
}

uintptr_t bide_group_enter_(bide_group *group, const bide_place *place)
{
	int error = enter(group, "bide_group_start", place);

	return error ? (uintptr_t)-error : bide_context_push_(group->context_);
}

int bide_group_entered_(bide_group *group, uintptr_t saved, bide_value_task value_task,
                        const bide_place *place)
{
	if (saved >= BIDE_GROUP_REFUSED_)
		return -(int)saved;
	bide_context_pop_(saved);
	add(group, value_task, place);
	return 0;
}

uint64_t bide_group_pending(const bide_group *group)
{
	if (!is_known(group, "bide_group_pending"))
		return 0;
	return bide_group_members_(BIDE_LOAD(&group->holds_, RELAXED));
}

void bide_group_cancel(bide_group *group)
{
	bide_context *context;

	if (bide_group_was_opened_(group)) {
		if (!bide_group_try_hold_(group))
			return;
		(void)bide_group_close_(group); /* at once, while the node may have to be posted */
		bide_context_cancel(group->context_, BIDE_ECANCELED_);
		bide_group_leave_(group, BIDE_GROUP_MEMBER_);
		return;
	}
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
	if (!take_away(group, BIDE_GROUP_UNWAITED_))
		return value;
	value.payload = idle->source.payload;
	value.state = (uintptr_t)group_end(group);
	bide_operation_discard_(&idle->source);
	return value;
}
