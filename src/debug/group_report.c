/*
 * group_report.c - a wait for a group that names what it waits for after a limit, and goes on.
 *
 * Two async functions do it: the wait, and a reporter that sleeps until the limit or until the wait
 * is over. The wait ends after the reporter, so the memory of the group is valid for both. The wait
 * takes what they need before it begins; if there is no memory for it, nothing is reported.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/clock.h"
#include "base/misuse.h"
#include "base/own.h"
#include "debug/describe.h"
#include "debug/dump.h"
#include "memory/pool.h"
#include "ops/group.h"

struct bide_group_reporter {
	BIDE_ASYNC_FRAME;
	struct {
		const bide_group *group;
		const bide_context *context; /* the group's */
		int64_t delay_ns;
		const bide_place *place;
		bide_body_result (*waits)(bide_frame *frame);
	} in;
};

static void write_line(const char *line, void *argument)
{
	(void)argument;
	bide_report_("stuck", line);
}

static void report(const struct bide_group_reporter *my)
{
	unsigned long long pending = bide_group_pending(my->in.group);
	char line[512];
	bide_text text = { line, sizeof line, 0 };

	if (pending == 0 && !bide_group_is_taking_(my->in.group))
		return;
	bide_text_add_(&text, "bide_group_wait_reporting");
	if (my->in.place)
		bide_text_place_(&text, my->in.place);
	bide_text_add_(&text, ": not over after %lld ms: %llu member%s",
	               (long long)(my->in.delay_ns / 1000000), pending, pending == 1 ? "" : "s");
	if (bide_group_is_taking_(my->in.group))
		bide_text_add_(&text, ", and the group is open");
	bide_report_("stuck", line);
	(void)bide_dump_group_(my->in.group, my->in.context, my->in.waits, write_line, NULL);
}

static const bide_own_ bide_group_reporter_own_ = { .kind = BIDE_OWN_HIDDEN_ };

bide_async(bide_group_reporter)
{
	bide_async_begin;
	bide_await(bide_delay(my->in.delay_ns));
	report(my);
bide_async_finally:
	bide_async_end;
}

struct bide_group_waiter {
	BIDE_ASYNC_FRAME;
	struct {
		bide_group *group;
		int64_t delay_ns;
		const bide_place *place;
		bide_body_result (*waits)(bide_frame *frame);
	} in;
	bide_context *context, *until_over;
	bide_value_task reporter;
	int error;
};

/* Detached from the context of the caller, because a report matters most when that is canceled. */
static void start_reporter(struct bide_group_waiter *my)
{
	my->until_over = bide_in_detached(bide_context_create(NULL));
	if (my->until_over)
		my->reporter =
			bide_in_context(my->until_over,
		                    bide_async_start(bide_group_reporter, .group = my->in.group,
		                                     .context = my->context, .delay_ns = my->in.delay_ns,
		                                     .place = my->in.place, .waits = my->in.waits));
}

/* Reads the group only if it lies in a frame, whose memory lasts. */
BIDE_UNCHECKED_ static void describe_wait(const void *copy, char *to, size_t size_bytes)
{
	const struct bide_group_waiter *my = copy;
	bide_text text = { to, size_bytes, 0 };

	bide_text_add_(&text, "bide_group_wait_reporting");
	if (my->in.place)
		bide_text_place_(&text, my->in.place);
	if (bide_pools_hold_(my->in.group))
		bide_text_add_(&text, " (%llu pending)",
		               bide_group_members_(*(const volatile uint64_t *)&my->in.group->holds_));
}

static const bide_own_ bide_group_waiter_own_ = { .name = "bide_group_wait_reporting",
	                                              .describe = describe_wait };

bide_async(bide_group_waiter)
{
	bide_async_begin;
	my->context = bide_context_ref(bide_group_context(my->in.group));
	start_reporter(my);
	bide_await_or(bide_group_wait(my->in.group), my->error = bide_await_error);
	if (my->until_over)
		(void)bide_context_cancel(my->until_over, BIDE_ECANCELED_);
	bide_await_or(my->reporter, (void)bide_await_error);
	if (my->error)
		bide_async_fail(my->error);
bide_async_finally:
	bide_context_unref(my->until_over);
	bide_context_unref(my->context);
	bide_async_end;
}

bide_value_task bide_group_wait_reporting_at_(bide_group *group, int64_t delay_ns,
                                              const bide_place *place)
{
	bide_value_task started;

	if (!bide_time_allowed_(delay_ns, "bide_group_wait_reporting", "delay_ns", place) ||
	    !bide_group_check_(group, "bide_group_wait_reporting", place))
		return bide_value_task_from_error(BIDE_EINVAL_);
	if (delay_ns == BIDE_FOREVER ||
	    (bide_group_pending(group) == 0 && !bide_group_is_taking_(group)))
		return bide_group_wait(group);
	if (delay_ns == 0) { /* reports at once */
		report(&(struct bide_group_reporter){ .in = { .group = group,
		                                              .context = bide_group_context(group),
		                                              .place = place,
		                                              .waits = bide_group_waiter_async_.resume } });
		return bide_group_wait(group);
	}
	started = bide_async_start(bide_group_waiter, .group = group, .delay_ns = delay_ns,
	                           .place = place, .waits = bide_group_waiter_async_.resume);
	/* Without a frame, nothing waits yet. A member may have failed with the same error. */
	return started.state == BIDE_ENOFRAME && !group->waited_ ? bide_group_wait(group) : started;
}
