/*
 * waiter.c - see waiter.h.
 */
#include "sync/waiter.h"

#include "base/clock.h"
#include "base/party.h"
#include "base/text.h"
#include "cancel/cancel_core.h"
#include "context/context.h"
#include "source/source.h"
#include "source/timer.h"

/* Every waiter with an alarm has a node, too. */
static bide_cancel_node *node_of(bide_waiter_ *w)
{
	return w->head_bytes > sizeof *w ? &((bide_canceled_waiter_ *)w)->node : NULL;
}

static bide_timed_waiter_ *timed_of(bide_waiter_ *w)
{
	return w->head_bytes == sizeof(bide_timed_waiter_) ? (bide_timed_waiter_ *)w : NULL;
}

static const bide_wait_kind_ *kind_of(const bide_waiter_ *w)
{
	return BIDE_CONTAINER_(w->operation.type, const bide_wait_kind_, type);
}

static bide_waiter_ *make(const bide_wait_kind_ *kind, size_t head_bytes, size_t extra_bytes)
{
	bide_waiter_ *w =
		(bide_waiter_ *)(void *)bide_operation_new_(head_bytes + extra_bytes, &kind->type);

	if (w)
		w->head_bytes = (uint32_t)head_bytes;
	return w;
}

bide_waiter_ *bide_waiter_new_(const bide_wait_kind_ *kind, size_t extra_bytes)
{
	return make(kind, bide_context_core_() ? sizeof(bide_canceled_waiter_) : sizeof(bide_waiter_),
	            extra_bytes);
}

bide_waiter_ *bide_waiter_new_timed_(const bide_wait_kind_ *kind, size_t extra_bytes,
                                     int64_t timeout_ns)
{
	bide_timer *timer;
	bide_waiter_ *w;

	if (timeout_ns == BIDE_FOREVER || bide_deadline_after_(timeout_ns) == BIDE_FOREVER)
		return bide_waiter_new_(kind, extra_bytes);
	w = make(kind, sizeof(bide_timed_waiter_), extra_bytes);
	timer = w ? bide_timer_new_(sizeof *timer) : NULL;
	if (!timer) {
		if (w)
			bide_operation_discard_(&w->operation.source);
		return NULL;
	}
	timer->source.payload.i = bide_deadline_after_(timeout_ns);
	timed_of(w)->timer = timer;
	return w;
}

void bide_waiter_discard_(bide_waiter_ *w)
{
	bide_timed_waiter_ *timed = timed_of(w);

	BIDE_ASSERT_(BIDE_LOAD(&w->link.queue, RELAXED) == 0);
	if (timed)
		bide_operation_discard_(&timed->timer->source);
	bide_operation_discard_(&w->operation.source);
}

/* `count` of the parties are through with the waiter. The last one delivers. */
static void leave(bide_waiter_ *w, uint32_t count)
{
	bide_source *source = &w->operation.source;
	bide_cancel_node *node = node_of(w);

	if (node && !bide_party_leave_(source, &w->parties, count))
		return;
	if (node)
		bide_cancel_node_unref_(node);
	if (w->operation.type->has_result_inside && source->error == 0)
		bide_flags_add_(source, BIDE_FLAG_LARGE_);
	bide_operation_complete_(&w->operation, source->payload, source->error);
}

/* These take a party out. They return 1 if it will not come, else 0. */
static uint32_t take_node_out(bide_waiter_ *w)
{
	bide_cancel_node *node = node_of(w);

	return node && bide_cancel_unlink_(node) ? 1 : 0;
}

static uint32_t take_alarm_out(bide_waiter_ *w)
{
	bide_timed_waiter_ *timed = timed_of(w);

	return timed && bide_alarm_stop_(&timed->alarm) ? 1 : 0;
}

static void end_here(bide_waiter_ *w)
{
	uint32_t out = take_node_out(w);

	leave(w, 1 + out + take_alarm_out(w));
}

static void end_posted(bide_post *post)
{
	end_here(BIDE_CONTAINER_(post, bide_waiter_, link.post));
}

void bide_waiter_end_(bide_waiter_ *w)
{
	BIDE_ASSERT_(BIDE_LOAD(&w->link.queue, RELAXED) == 0);
	if (BIDE_LIKELY(bide_port_on_worker_())) {
		end_here(w);
		return;
	}
	w->link.post.run = end_posted;
	bide_port_post_(&w->link.post);
}

/*
 * Returns true if this thread took the waiter out, so that it ends with this error, or with the
 * result 0. Others are ended last: what they complete may forget this waiter.
 */
static bool withdraw(bide_waiter_ *w, int error)
{
	bide_wait_queue_ *queue = bide_wait_withdraw_(&w->link);
	const bide_wait_kind_ *kind = kind_of(w);
	bide_granted_ granted;

	if (!queue)
		return false;
	bide_waiter_outcome_(w, bide_payload_int_(0), error);
	bide_granted_init_(&granted);
	if (kind->withdrawn)
		kind->withdrawn(queue, &w->link, &granted);
	bide_wait_unlock_(queue);
	bide_wait_withdrawn_(&w->link);
	bide_granted_end_(&granted);
	return true;
}

/* The context is canceled. The waiter lasts, because the node is one of its parties. */
static void canceled(bide_cancel_node *node, int error)
{
	bide_waiter_ *w = &BIDE_CONTAINER_(node, bide_canceled_waiter_, node)->base;

	leave(w, withdraw(w, error) ? 2 + take_alarm_out(w) : 1);
}

/* The time is up. The waiter lasts, because the alarm is one of its parties. */
static void expired(bide_observer *listener, bide_source *timer)
{
	bide_timed_waiter_ *timed = BIDE_CONTAINER_(listener, bide_timed_waiter_, alarm.due);
	bide_waiter_ *w = &timed->base.base;

	(void)bide_alarm_fired_(&timed->alarm, timer); /* the thread that withdraws the link counts */
	leave(w, withdraw(w, 0) ? 2 + take_node_out(w) : 1);
}

void bide_waiter_leave_(bide_operation *operation)
{
	bide_waiter_ *w = (bide_waiter_ *)operation;

	if (withdraw(w, BIDE_ECANCELED_))
		bide_waiter_end_(w);
}

int bide_waiter_append_to_(bide_wait_queue_ *queue, unsigned list, bide_waiter_ *w)
{
	bide_cancel_node *node = node_of(w);
	bide_timed_waiter_ *timed = timed_of(w);
	int error = 0;

	w->parties = timed ? 3 : 2;
	if (timed)
		bide_alarm_init_(&timed->alarm, expired);
	/* A cancellation that fires at once waits until the queue is unlocked. */
	bide_wait_append_to_(queue, list, &w->link);
	if (node)
		error = bide_cancel_link_(bide_context_core_(), node, canceled);
	if (error)
		bide_wait_take_(queue + list, &w->link);
	return error;
}

/*
 * The acquire pairs with the store of the thread that took the link out. It did so before it tried
 * to stop the alarm, so it either finds the timer, or this thread finds the link in no queue.
 */
static void arm(bide_timed_waiter_ *timed)
{
	bide_waiter_ *w = &timed->base.base;

	bide_alarm_set_(&timed->alarm, timed->timer, timed->timer->source.payload.i);
	if (BIDE_LOAD(&w->link.queue, ACQUIRE) == 0 && take_alarm_out(w))
		leave(w, 1);
}

static void arm_posted(bide_post *post)
{
	arm(BIDE_CONTAINER_(post, bide_timed_waiter_, arm));
}

void bide_waiter_arm_(bide_waiter_ *w)
{
	bide_timed_waiter_ *timed = timed_of(w);

	if (!timed)
		return;
	if (bide_port_on_worker_()) {
		arm(timed);
		return;
	}
	timed->arm.run = arm_posted;
	bide_port_post_(&timed->arm);
}

void bide_waiter_describe_(const char *what, const void *object, const bide_call *created, char *to,
                           size_t size_bytes)
{
	if (!object)
		bide_put_(to, size_bytes, "%s, which is ending", what);
	else if (!created)
		bide_put_(to, size_bytes, "%s %p", what, object);
	else
		bide_put_(to, size_bytes, "%s %p, created at %s:%u in %.*s", what, object,
		          created->place.file, (unsigned)created->place.line,
		          bide_name_length_(created->place.function), created->place.function);
}
