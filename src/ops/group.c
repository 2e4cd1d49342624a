/*
 * group.c - groups: one listener and one counter, whatever the number of members. group.h has what
 * is counted, group_end.c how members report, group_open.c what is special to open groups.
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
#include "base/settings.h"
#include "base/text.h"
#include "context/context.h"
#include "memory/allocator.h"
#include "memory/pool.h"
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

bool bide_group_is_valid_(const bide_group *group)
{
	int error = BIDE_LOAD(&group->first_error_, RELAXED);

	BIDE_INVARIANT_(bide_group_is_live_(group));
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
	if (bide_group_is_live_(group)) {
		bide_misuse_("bide_group_init: the group has not ended, or its memory ended before it did; "
		             "each group is waited for (bide_group_wait) before its memory goes");
		return BIDE_EINVAL_;
	}
	*group = (bide_group){ .listener_ = { bide_group_run_ },
		                   .holds_ = BIDE_GROUP_UNWAITED_,
		                   .life_ = bide_era_(),
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

/*
 * Counts a member that is about to be added. Returns 0, or the error with which the group refuses
 * it.
 */
static int enter(bide_group *group, const char *what, const bide_place *place)
{
	if (bide_group_was_opened_(group))
		return bide_group_try_enter_(group) ? 0 : BIDE_EPIPE_;
	if (!bide_group_check_(group, what, place))
		return BIDE_EINVAL_;
	/* Before the registration, which may report at once. RELAXED: there is a hold. */
	if (bide_group_is_sync_(group))
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
			bide_group_take_over_(group, (bide_source *)value_task.state, place);
			outcome = bide_value_task_completed();
			break;
		default:
			outcome = bide_value_task_from_error(BIDE_ESTALE);
		}
	}
	if (!bide_group_record_(group, (int)outcome.state, outcome.payload))
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
	if (!bide_group_is_known_(group, "bide_group_pending"))
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
	return bide_group_is_known_(group, "bide_group_context") ? group->context_ : NULL;
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
	if (!bide_group_take_away_(group, BIDE_GROUP_UNWAITED_))
		return value;
	value.payload = idle->source.payload;
	value.state = (uintptr_t)bide_group_end_(group);
	bide_operation_discard_(&idle->source);
	return value;
}
