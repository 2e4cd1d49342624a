/*
 * time.c - delays and yields. A delay is a timer from the pool: 48 bytes, or 96 where something can
 * cancel it.
 */
#include "base/clock.h"
#include "base/party.h"
#include "base/port.h"
#include "base/settings.h"
#include "cancel/cancel_core.h"
#include "context/context.h"
#include "source/operation.h"
#include "source/source.h"
#include "source/timer.h"
#include "source/upcalls.h"

/* The only timer that is larger than a bide_timer: its size class tells them apart. */
typedef struct cancellable_delay {
	bide_timer timer;
	bide_cancel_node node;
	uint32_t live;  /* parties: the wheel, the node */
	uint32_t error; /* it was canceled with */
} cancellable_delay;

BIDE_STATIC_ASSERT(sizeof(cancellable_delay) > 80 && sizeof(cancellable_delay) <= 96,
                   "its size class");

int64_t bide_now_ns(void)
{
	bide_thread_(); /* the clock is there once the runtime is */
	return bide_port_now_();
}

/* So many of its parties are through with it. The last one ends it. */
static void delay_leave(cancellable_delay *delay, uint32_t count)
{
	bide_source *source = &delay->timer.source;

	if (!bide_party_leave_(source, &delay->live, count))
		return;
	bide_cancel_node_unref_(&delay->node);
	/* stored before the canceling party left */
	bide_source_complete_(source, bide_payload_int_(0), (int)BIDE_LOAD(&delay->error, RELAXED));
}

void bide_delay_due_(bide_timer *timer)
{
	cancellable_delay *delay = (cancellable_delay *)timer;

	delay_leave(delay, bide_cancel_unlink_(&delay->node) ? 2 : 1);
}

/* On the worker: the delay was made on another thread, and may have been canceled since. */
static void arm_posted(bide_post *post)
{
	bide_timer *timer = BIDE_CONTAINER_(post, bide_timer, next);

	if (!((cancellable_delay *)timer)->error) {
		bide_timer_arm_posted_(post);
		return;
	}
	timer->next = timer->previous = NULL;
	bide_delay_due_(timer);
}

/*
 * The error is stored before the wheel is asked: whoever arms the timer later finds it there. With
 * one worker the inbox may hold its links, or will: then it ends when it arrives.
 */
static void delay_canceled(bide_cancel_node *node, int error)
{
	cancellable_delay *delay = BIDE_CONTAINER_(node, cancellable_delay, node);
	bide_timer *timer = &delay->timer;
	bool out;

	BIDE_STORE(&delay->error, (uint32_t)error, RELAXED); /* ordered by the wheel's lock */
	if (!bide_shared_ && bide_timer_post_(timer)->run == arm_posted)
		out = false;
	else
		out = bide_port_disarm_(timer) || timer->source.payload.i == BIDE_FOREVER;
	delay_leave(delay, out ? 2 : 1);
}

/*
 * Linked before it is armed, so with many workers it may be canceled in between: then the wheel did
 * not have it yet, and it is taken out here.
 */
static bide_value_task cancellable_start(cancellable_delay *delay, bide_cancel_core *core)
{
	bide_timer *timer = &delay->timer;
	bool for_ever = timer->source.payload.i == BIDE_FOREVER;
	bide_value_task v;
	int error;

	delay->live = 2;
	error = bide_cancel_link_(core, &delay->node, delay_canceled);
	if (error) { /* canceled by another thread just now */
		bide_operation_discard_(&timer->source);
		return bide_value_task_from_error(error);
	}
	v = bide_timer_start_(timer, for_ever);
	/* Nobody has the value task yet: the object is there, whatever happens to it. */
	if (bide_shared_ && !for_ever && BIDE_LOAD(&delay->error, RELAXED) && bide_port_disarm_(timer))
		delay_leave(delay, 1);
	return v;
}

/* deadline_ns is in the future, and the context was not canceled a moment ago. */
static bide_value_task delay_start(int64_t deadline_ns)
{
	bide_cancel_core *core = bide_context_core_();
	bide_timer *timer = bide_timer_new_(core ? sizeof(cancellable_delay) : sizeof *timer);

	if (!timer)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	bide_timer_mark_posted_(timer, core ? arm_posted : bide_timer_arm_posted_);
	timer->source.payload.i = deadline_ns;
	return core ? cancellable_start((cancellable_delay *)timer, core)
	            : bide_timer_start_(timer, deadline_ns == BIDE_FOREVER);
}

bide_value_task bide_delay_until(int64_t deadline_ns)
{
	int error;

	if (!bide_time_allowed_(deadline_ns, "bide_delay_until", "deadline_ns", NULL))
		return bide_value_task_from_error(BIDE_EINVAL_);
	if (!bide_thread_())
		return bide_value_task_from_error(BIDE_ENOMEM_);
	error = bide_context_current_error();
	if (error)
		return bide_value_task_from_error(error);
	return deadline_ns <= bide_port_now_() ? bide_value_task_completed() : delay_start(deadline_ns);
}

static bide_value_task delay(int64_t delay_ns)
{
	int error;

	if (!bide_thread_())
		return bide_value_task_from_error(BIDE_ENOMEM_);
	error = bide_context_current_error();
	if (error)
		return bide_value_task_from_error(error);
	return delay_ns == 0 ? bide_value_task_completed()
	                     : delay_start(bide_deadline_after_(delay_ns));
}

bide_value_task bide_delay(int64_t delay_ns)
{
	return bide_time_allowed_(delay_ns, "bide_delay", "delay_ns", NULL)
	           ? delay(delay_ns)
	           : bide_value_task_from_error(BIDE_EINVAL_);
}

bide_value_task bide_delay_ms(int64_t delay_ms)
{
	return bide_time_allowed_(delay_ms, "bide_delay_ms", "delay_ms", NULL)
	           ? delay(BIDE_MS(delay_ms))
	           : bide_value_task_from_error(BIDE_EINVAL_);
}
