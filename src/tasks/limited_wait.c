/*
 * limited_wait.c - a wait for a task that a cancellation or a deadline may end sooner.
 *
 * Its parties are the list of the task, the node of the cancellation, the alarm, and the function
 * that registers these three. The first that decides stores the outcome and takes the others out.
 * Each party counts down for itself and for those that it took out; the last one completes the
 * wait.
 *
 * A wait has no reference to its task, because its consumer must learn that all references are
 * dropped. While a thread takes the wait out of the list, `lock` stops the delivery, and so keeps
 * the task alive.
 */
#include "tasks/limited_wait.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/party.h"
#include "base/port.h"
#include "base/spin.h"
#include "cancel/alarm.h"
#include "source/operation.h"
#include "source/source.h"
#include "source/timer.h"
#include "tasks/task.h"

typedef struct limited_wait {
	bide_subscription_ base;
	bide_cancel_node node;
	bide_alarm alarm;
	uint32_t parties;
	uint32_t progress; /* the flags below */
	uint32_t lock;     /* of base.task, if several threads take part */
	bool has_alarm;
} limited_wait;

enum {
	WAIT_DECIDED = 1,   /* the party that set it stores the outcome */
	WAIT_REGISTERED = 2 /* all are registered, so the decision takes the others out */
};

/*
 * A wait that another thread makes for the one worker. That worker owns the lists of cancellations
 * and of timers, so the wait begins there, and is given up there.
 */
typedef struct sent_wait {
	limited_wait base;
	bide_post begin, give_up;
	bide_timer *timer;
	bide_source *task;      /* a reference, until the wait has begun */
	bide_cancel_core *core; /* the same */
} sent_wait;

/* `count` of the parties are through with the wait. The last one completes it. */
static void wait_left(limited_wait *w, uint32_t count)
{
	bide_source *source = &w->base.operation.source;

	if (!bide_party_leave_(source, &w->parties, count))
		return;
	BIDE_ASSERT_(w->progress == (WAIT_DECIDED | WAIT_REGISTERED));
	bide_cancel_node_unref_(&w->node);
	bide_operation_complete_(&w->base.operation, source->payload, source->error);
}

static void wait_lock(limited_wait *w)
{
	if (bide_is_sync_(&w->base.operation.source))
		bide_spin_lock_(&w->lock);
}

static void wait_unlock(limited_wait *w)
{
	if (bide_is_sync_(&w->base.operation.source))
		bide_spin_unlock_(&w->lock);
}

/*
 * Takes the wait out of the list. Returns false if it is not there any more: then it will be
 * delivered, or was.
 */
static bool wait_leave_list(limited_wait *w)
{
	bide_source *lonely = NULL;
	bool left;

	wait_lock(w);
	left = w->base.task && bide_subscription_unlink_(&w->base, w->base.task, &lonely);
	if (left)
		w->base.task = NULL;
	wait_unlock(w);
	if (lonely)
		bide_task_leave_(lonely);
	return left;
}

/* Returns how many parties will not report any more. A party that reports now is out already. */
static uint32_t wait_take_out(limited_wait *w)
{
	uint32_t count = 0;

	if (w->node.core && bide_cancel_unlink_(&w->node))
		count++;
	if (w->has_alarm && bide_alarm_stop_(&w->alarm))
		count++;
	if (wait_leave_list(w))
		count++;
	return count;
}

/*
 * Called by a party, which holds a count. Returns true if this is the first decision, which counts.
 * Stores in *out how many parties it took out.
 */
static bool wait_decide(limited_wait *w, bide_payload payload, int error, unsigned flags,
                        uint32_t *out)
{
	bide_source *source = &w->base.operation.source;
	uint32_t before = bide_party_mark_(source, &w->progress, WAIT_DECIDED);

	*out = 0;
	if (before & WAIT_DECIDED)
		return false;
	source->payload = payload; /* ordered by `parties` */
	source->error = (uint16_t)error;
	bide_flags_add_(source, flags);
	if (before & WAIT_REGISTERED)
		*out = wait_take_out(w);
	return true;
}

/* Decides that the wait fails, and returns how many parties that took out. */
static uint32_t wait_fail(limited_wait *w, int error)
{
	uint32_t out;

	(void)wait_decide(w, bide_payload_int_(0), error, 0, &out);
	return out;
}

/* Delivers the wait. The consumer of a large result has a reference to the task. */
static void wait_deliver(bide_subscription_ *s, bide_source *task, unsigned flags)
{
	limited_wait *w = (limited_wait *)s;
	bool ended = bide_subscription_is_ended_wait_(s), decided;
	bide_payload payload = task->payload;
	uint32_t out;

	wait_lock(w);
	w->base.task = NULL;
	wait_unlock(w);
	if (ended)
		payload.p = bide_task_ref((bide_task *)task);
	decided = wait_decide(w, payload, ended ? 0 : task->error, flags, &out);
	if (ended && !decided)
		bide_task_unref((bide_task *)task);
	else if (decided && !ended)
		bide_task_observe_(task);
	if (decided && flags & BIDE_FLAG_LARGE_) {
		wait_lock(w);
		w->base.result_of = (bide_source *)bide_task_ref((bide_task *)task);
		wait_unlock(w);
	}
	wait_left(w, 1 + out);
}

static void wait_canceled(bide_cancel_node *node, int error)
{
	limited_wait *w = BIDE_CONTAINER_(node, limited_wait, node);

	wait_left(w, 1 + wait_fail(w, error));
}

static void wait_expired(bide_observer *listener, bide_source *timer)
{
	limited_wait *w = BIDE_CONTAINER_(listener, limited_wait, alarm.due);

	(void)bide_alarm_fired_(&w->alarm, timer); /* the first decision counts */
	wait_left(w, 1 + wait_fail(w, BIDE_ETIMEDOUT_));
}

/*
 * Registers a wait for which the caller holds a count, and gives that count up. The wait may be
 * over then.
 */
static void wait_register(limited_wait *w, bide_source *task, bide_cancel_core *core,
                          bide_timer *timer)
{
	const bide_source *source = &w->base.operation.source;
	int error;

	bide_party_join_(source, &w->parties);
	if (!bide_subscription_link_(task, &w->base))
		bide_subscription_deliver_(&w->base, task, false); /* as if it had been in the list */
	if (core) {
		bide_party_join_(source, &w->parties);
		error = bide_cancel_link_(core, &w->node, wait_canceled);
		if (error)
			wait_left(w, 1 + wait_fail(w, error));
	}
	if (timer) {
		bide_party_join_(source, &w->parties);
		bide_alarm_set_(&w->alarm, timer, timer->source.payload.i);
	}
	if (bide_party_mark_(source, &w->progress, WAIT_REGISTERED) & WAIT_DECIDED)
		wait_left(w, 1 + wait_take_out(w));
	else
		wait_left(w, 1);
}

static void begin_posted(bide_post *post)
{
	sent_wait *sent = BIDE_CONTAINER_(post, sent_wait, begin);
	bide_source *task = sent->task;
	bide_cancel_core *core = sent->core;

	wait_register(&sent->base, task, core, sent->timer);
	if (core)
		bide_cancel_core_unref_(core);
	bide_task_unref((bide_task *)task);
}

/* Sends the wait to the one worker. */
static void wait_send(limited_wait *w, bide_source *task, bide_cancel_core *core, bide_timer *timer)
{
	sent_wait *sent = (sent_wait *)w;

	sent->task = (bide_source *)bide_task_ref((bide_task *)task);
	sent->core = core;
	sent->timer = timer;
	if (core)
		bide_cancel_core_ref_(core);
	sent->begin.run = begin_posted;
	bide_port_post_(&sent->begin);
}

static const bide_subscription_limit_ limit = { .deliver = wait_deliver,
	                                            .cancel = bide_limited_wait_cancel_ };

bide_value_task bide_limited_wait_start_(bide_source *task, bide_cancel_core *core,
                                         int64_t timeout_ns, bool ended)
{
	bool on_worker = bide_port_on_worker_();
	limited_wait *w =
		(limited_wait *)(void *)bide_operation_new_(on_worker ? sizeof *w : sizeof(sent_wait),
	                                                &bide_subscription_type_);
	bide_timer *timer = NULL;
	bide_value_task v;
	int64_t deadline_ns;

	if (!w)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	w->base.limit = &limit;
	w->base.operation.source.marks = ended ? BIDE_MARK_ENDED_ : 0;
	deadline_ns = timeout_ns == BIDE_FOREVER ? BIDE_FOREVER : bide_deadline_after_(timeout_ns);
	if (deadline_ns != BIDE_FOREVER) {
		timer = bide_timer_new_(sizeof *timer);
		if (!timer) {
			bide_operation_discard_(&w->base.operation.source);
			return bide_value_task_from_error(BIDE_ENOMEM_);
		}
		timer->source.payload.i = deadline_ns;
		w->has_alarm = true;
	}
	bide_alarm_init_(&w->alarm, wait_expired);
	w->parties = 1;
	/* The wait may be over as soon as it is sent or registered. */
	v = bide_source_value_(&w->base.operation.source);
	if (on_worker)
		wait_register(w, task, core, timer);
	else
		wait_send(w, task, core, timer);
	return v;
}

void bide_limited_wait_cancel_(bide_subscription_ *s, int error)
{
	limited_wait *w = (limited_wait *)s;

	/* As a party, so that the wait cannot complete between the decision and its outcome. */
	if (bide_party_try_join_(&w->base.operation.source, &w->parties))
		wait_left(w, 1 + wait_fail(w, error));
}

/* Either this ends the wait, or its completion is on the way. Both leave it to be forgotten. */
static void give_up(bide_subscription_ *s)
{
	bide_limited_wait_cancel_(s, BIDE_ECANCELED_);
	bide_value_task_forget_at_(bide_source_value_(&s->operation.source), NULL);
}

static void give_up_posted(bide_post *post)
{
	give_up(&BIDE_CONTAINER_(post, sent_wait, give_up)->base.base);
}

void bide_limited_wait_give_up_(bide_subscription_ *s)
{
	sent_wait *sent = (sent_wait *)s;

	if (bide_port_on_worker_()) {
		give_up(s);
		return;
	}
	sent->give_up.run = give_up_posted;
	bide_port_post_(&sent->give_up); /* arrives after its beginning */
}
