/*
 * delay.c - delays. A delay is a timer from the pool: 48 bytes, or 96 if it can be canceled.
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

/* The only timer that is larger than a bide_timer, so its size class tells them apart. */
typedef struct cancelable_delay {
	bide_timer timer;
	bide_cancel_node node;
	uint32_t parties; /* the wheel, the node */
	uint32_t error;   /* the error it was canceled with; 0: none */
} cancelable_delay;

BIDE_STATIC_ASSERT(sizeof(cancelable_delay) > 80 && sizeof(cancelable_delay) <= 96,
                   "its size class");

int64_t bide_now_ns(void)
{
	bide_thread_(); /* sets up the runtime, and with it the clock */
	return bide_port_now_();
}

/* `count` of the parties are through with the delay. The last one completes it. */
static void delay_leave(cancelable_delay *delay, uint32_t count)
{
	bide_source *source = &delay->timer.source;

	if (!bide_party_leave_(source, &delay->parties, count))
		return;
	bide_cancel_node_unref_(&delay->node);
	/* stored before the canceling party left */
	bide_source_complete_(source, bide_payload_int_(0), (int)BIDE_LOAD(&delay->error, RELAXED));
}

void bide_delay_due_(bide_timer *timer)
{
	cancelable_delay *delay = (cancelable_delay *)timer;

	delay_leave(delay, bide_cancel_unlink_(&delay->node) ? 2 : 1);
}

/* Runs on the worker. Another thread made the delay, which may have been canceled since. */
static void arm_posted(bide_post *post)
{
	bide_timer *timer = BIDE_CONTAINER_(post, bide_timer, next);

	if (!((cancelable_delay *)timer)->error) {
		bide_timer_arm_posted_(post);
		return;
	}
	timer->next = timer->previous = NULL;
	bide_delay_due_(timer);
}

/*
 * Stores the error before it asks the wheel, so that a thread which arms the timer later finds the
 * error. With one worker the links of the timer may be a post on its way: then the delay ends when
 * the post arrives.
 */
static void delay_canceled(bide_cancel_node *node, int error)
{
	cancelable_delay *delay = BIDE_CONTAINER_(node, cancelable_delay, node);
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
 * The delay is linked before it is armed. With many workers it may be canceled in between: then the
 * wheel did not have it yet, and this function takes it out.
 */
static bide_value_task cancelable_start(cancelable_delay *delay, bide_cancel_core *core)
{
	bide_timer *timer = &delay->timer;
	bool for_ever = timer->source.payload.i == BIDE_FOREVER;
	bide_value_task v;
	int error;

	delay->parties = 2;
	error = bide_cancel_link_(core, &delay->node, delay_canceled);
	if (error) { /* canceled by another thread just now */
		bide_operation_discard_(&timer->source);
		return bide_value_task_from_error(error);
	}
	v = bide_timer_start_(timer, for_ever);
	/* The object lives, whatever happens to it, because the value task is not handed out yet. */
	if (bide_shared_ && !for_ever && BIDE_LOAD(&delay->error, RELAXED) && bide_port_disarm_(timer))
		delay_leave(delay, 1);
	return v;
}

/* deadline_ns is in the future. A moment ago the context was not canceled. */
static bide_value_task delay_start(int64_t deadline_ns)
{
	bide_cancel_core *core = bide_context_core_();
	bide_timer *timer = bide_timer_new_(core ? sizeof(cancelable_delay) : sizeof *timer);

	if (!timer)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	bide_timer_mark_posted_(timer, core ? arm_posted : bide_timer_arm_posted_);
	timer->source.payload.i = deadline_ns;
	return core ? cancelable_start((cancelable_delay *)timer, core)
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
