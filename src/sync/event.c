/*
 * event.c - the state of an event: SET, AUTO, WAITERS and ENDED (wait_call.h). WAITERS implies that
 * it is not set.
 */
#include "base/clock.h"
#include "base/misuse.h"
#include "base/text.h"
#include "context/context.h"
#include "sync/grant.h"
#include "sync/select.h"
#include "sync/wait_call.h"

enum { SET = 4, AUTO = 8, BUSY = BIDE_STATE_WAITERS_ | BIDE_STATE_ENDED_ };

static bide_event *event_of(bide_wait_queue_ *queue)
{
	return BIDE_CONTAINER_(queue, bide_event, queue_);
}

/* Under the lock. */
static bool is_valid(bide_event *event)
{
	uint64_t state = BIDE_LOAD(&event->state_, RELAXED);

	BIDE_INVARIANT_(!(state & BIDE_STATE_WAITERS_) == !event->queue_.first);
	BIDE_INVARIANT_(!(state & BIDE_STATE_WAITERS_) || !(state & (SET | BIDE_STATE_ENDED_)));
	return true;
}

/* A waiter has left. Under the lock. */
static void withdrawn(bide_wait_queue_ *queue, bide_wait_link_ *link, bide_granted_ *granted)
{
	bide_event *event = event_of(queue);
	uint64_t state = BIDE_LOAD(&event->state_, RELAXED);

	(void)link;
	(void)granted; /* The others wait on. */
	/* With WAITERS only the holder of the lock changes the state. */
	if (!queue->first)
		BIDE_STORE(&event->state_, state & ~(uint64_t)BIDE_STATE_WAITERS_, RELEASE);
	BIDE_ASSERT_UNEXPLORED_(is_valid(event));
}

static void describe(const void *copy, char *to, size_t size_bytes)
{
	const bide_waiter_ *waiter = copy;
	uintptr_t queue = waiter->link.queue & ~(uintptr_t)BIDE_LINK_TAGS_;

	if (queue)
		bide_put_(to, size_bytes, "event %p", (void *)(queue - offsetof(bide_event, queue_)));
	else
		bide_put_(to, size_bytes, "event, which was set");
}

static const bide_wait_kind_ event_kind = {
	.type = { .name = "bide_event_wait", .describe = describe, .leave = bide_waiter_leave_ },
	.withdrawn = withdrawn
};

/* Returns true if the event was set, and lets this call pass. Pairs with the releases of set. */
static bool try_pass(bide_event *event)
{
	uint64_t seen = BIDE_LOAD(&event->state_, ACQUIRE);

	do
		if ((seen & (SET | BIDE_STATE_ENDED_)) != SET)
			return false;
	while (seen & AUTO && !BIDE_CAS(&event->state_, &seen, seen - SET, ACQ_REL, ACQUIRE));
	return true;
}

/* Under the lock. Returns false if the waiter must wait; then WAITERS is set. */
static bool enter(bide_wait_queue_ *queue, bide_hold *hold)
{
	bide_event *event = event_of(queue);
	uint64_t seen = BIDE_LOAD(&event->state_, ACQUIRE), next;

	(void)hold;
	do
		next = !(seen & SET) ? seen | BIDE_STATE_WAITERS_ : seen & AUTO ? seen - SET : seen;
	while (!BIDE_CAS(&event->state_, &seen, next, ACQ_REL, ACQUIRE));
	return seen & SET;
}

static bool check(const bide_event *event, const char *what)
{
	if (BIDE_LIKELY(event != NULL))
		return true;
	bide_misuse_("%s: event is NULL", what);
	return false;
}

static int init(bide_event *event, bide_event value, const char *what)
{
	if (!check(event, what))
		return BIDE_EINVAL_;
	*event = value;
	return 0;
}

int bide_event_init(bide_event *event, bool set)
{
	return init(event, (bide_event)BIDE_EVENT(set), "bide_event_init");
}

int bide_event_init_auto(bide_event *event, bool set)
{
	return init(event, (bide_event)BIDE_AUTO_EVENT(set), "bide_event_init_auto");
}

/* Under the lock. Returns false if another case of its selection has won. */
static bool let_first_pass(bide_wait_queue_ *queue, bide_granted_ *granted)
{
	bide_wait_link_ *link = queue->first;
	bool passes = bide_wait_claim_(link);

	if (passes)
		bide_wait_outcome_(link, (bide_payload){ .i = 1 }, 0);
	bide_grant_(queue, link, granted);
	return passes;
}

/* Functions may wait. Returns false if the event was ended. */
static BIDE_COLD bool set_slowly(bide_event *event)
{
	bide_wait_queue_ *queue = &event->queue_;
	bide_granted_ granted;
	uint64_t state;
	bool is_auto, ended, passed = false;

	bide_granted_init_(&granted);
	bide_wait_lock_(queue);
	state = BIDE_LOAD(&event->state_, RELAXED);
	ended = state & BIDE_STATE_ENDED_;
	is_auto = state & AUTO;
	while (is_auto && queue->first && !passed)
		passed = let_first_pass(queue, &granted);
	if (!ended && !passed) {
		bide_waiters_take_all_(queue, (bide_payload){ .i = 1 }, 0, &granted);
		(void)BIDE_OR(&event->state_, (uint64_t)SET, RELEASE); /* pairs with try_pass */
	}
	if (!queue->first)
		(void)BIDE_SUB(&event->state_,
		               BIDE_LOAD(&event->state_, RELAXED) & (uint64_t)BIDE_STATE_WAITERS_, RELEASE);
	BIDE_ASSERT_UNEXPLORED_(is_valid(event));
	bide_wait_unlock_(queue);
	bide_granted_end_(&granted);
	return !ended;
}

void bide_event_set(bide_event *event)
{
	static const char what[] = "bide_event_set";
	uint64_t seen;

	if (!check(event, what))
		return;
	seen = BIDE_LOAD(&event->state_, RELAXED);
	do
		if (seen & BUSY) {
			if (!set_slowly(event))
				(void)bide_wait_call_ended_(what);
			return;
		}
	/* A store also if it is set already: what this thread did before is seen by those that pass. */
	while (!BIDE_CAS(&event->state_, &seen, seen | SET, RELEASE, RELAXED));
}

void bide_event_reset(bide_event *event)
{
	static const char what[] = "bide_event_reset";
	uint64_t seen;

	if (!check(event, what))
		return;
	seen = BIDE_LOAD(&event->state_, RELAXED);
	while (seen & SET && !BIDE_CAS(&event->state_, &seen, seen - SET, ACQ_REL, RELAXED))
		;
	if (seen & BIDE_STATE_ENDED_)
		(void)bide_wait_call_ended_(what);
}

bool bide_event_is_set(const bide_event *event)
{
	if (!check(event, "bide_event_is_set"))
		return false;
	if (!(BIDE_LOAD(&event->state_, ACQUIRE) & SET))
		return false;
	bide_wait_settle_((bide_wait_queue_ *)(uintptr_t)&event->queue_);
	return true;
}

bool bide_event_select_now_(bide_event *event)
{
	if (!try_pass(event))
		return false;
	/* The caller may free the event, so the call that set it must be through with it. */
	bide_wait_settle_(&event->queue_);
	return true;
}

static bide_value_task wait_for(bide_event *event, int64_t timeout_ns, const char *what)
{
	int64_t limit_ns = timeout_ns == 0 ? BIDE_FOREVER : timeout_ns;
	bide_wait_call_ call = { &event_kind, &event->queue_, &event->state_, what, limit_ns, enter };
	int error = bide_context_error_now_();

	if (BIDE_UNLIKELY(error))
		return bide_value_task_from_error(error);
	if (bide_event_select_now_(event))
		return bide_value_task_from_int(1);
	if (timeout_ns == 0 && !(BIDE_LOAD(&event->state_, RELAXED) & BIDE_STATE_ENDED_))
		return bide_value_task_from_int(0);
	return bide_wait_call_begin_(&call, NULL);
}

bide_value_task bide_event_wait(bide_event *event)
{
	static const char what[] = "bide_event_wait";

	if (!check(event, what))
		return bide_value_task_from_error(BIDE_EINVAL_);
	return wait_for(event, BIDE_FOREVER, what);
}

bide_value_task bide_event_try_wait_for(bide_event *event, int64_t timeout_ns)
{
	static const char what[] = "bide_event_try_wait_for";

	if (!check(event, what) || !bide_time_allowed_(timeout_ns, what, "timeout_ns", NULL))
		return bide_value_task_from_error(BIDE_EINVAL_);
	return wait_for(event, timeout_ns, what);
}

bool bide_event_select_(bide_event *event, bide_selection_ *s, uint32_t number)
{
	bide_wait_call_ call = { &event_kind, &event->queue_, &event->state_, NULL, 0, enter };

	return bide_wait_call_select_(&call, NULL, s, number);
}

void bide_event_end(bide_event *event)
{
	static const char what[] = "bide_event_end";

	if (check(event, what))
		bide_wait_call_end_(&event->queue_, &event->state_, what, NULL);
}
