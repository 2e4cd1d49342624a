/*
 * semaphore.c - the state of a semaphore: the available permits times 4, WAITERS and ENDED
 * (wait_call.h). With WAITERS, the permits that are available are too few for the first waiter.
 */
#include "base/clock.h"
#include "base/misuse.h"
#include "context/context.h"
#include "sync/holder.h"
#include "sync/select.h"

enum { PERMIT = 4, FLAGS = BIDE_STATE_WAITERS_ | BIDE_STATE_ENDED_ };

static bide_semaphore *semaphore_of(bide_wait_queue_ *queue)
{
	return BIDE_CONTAINER_(queue, bide_semaphore, queue_);
}

static uintptr_t object_of(const bide_semaphore *semaphore)
{
	return (uintptr_t)semaphore | BIDE_HELD_SEMAPHORE_;
}

static int64_t available(uint64_t state)
{
	return (int64_t)(state / PERMIT);
}

/* Under the lock. */
static bool is_valid(bide_semaphore *s)
{
	uint64_t state = BIDE_LOAD(&s->state_, RELAXED);
	const bide_wait_link_ *first = s->queue_.first;

	BIDE_INVARIANT_(!(state & BIDE_STATE_WAITERS_) == !first);
	BIDE_INVARIANT_(!first || available(state) < bide_hold_wants_(first->wants.hold));
	BIDE_INVARIANT_(!first || !(state & BIDE_STATE_ENDED_));
	return bide_holds_are_valid_(&s->queue_);
}

/*
 * Gives permits to the first waiters, as long as they last. Under the lock. While WAITERS is set,
 * no other thread changes the state.
 */
static void grant(bide_wait_queue_ *queue, bide_granted_ *granted)
{
	bide_semaphore *s = semaphore_of(queue);
	uint64_t state = BIDE_LOAD(&s->state_, RELAXED);
	int64_t count;

	if (!(state & BIDE_STATE_WAITERS_))
		return;
	while (queue->first) {
		count = bide_hold_wants_(queue->first->wants.hold);
		if (available(state) < count)
			break;
		if (bide_holder_grant_(queue, object_of(s), granted))
			state -= (uint64_t)count * PERMIT;
	}
	if (!queue->first)
		state &= ~(uint64_t)BIDE_STATE_WAITERS_;
	BIDE_STORE(&s->state_, state, RELEASE); /* pairs with try_fast */
	BIDE_ASSERT_UNEXPLORED_(is_valid(s));
}

static void withdrawn(bide_wait_queue_ *queue, bide_wait_link_ *link, bide_granted_ *granted)
{
	bide_hold_refuse_(link->wants.hold);
	grant(queue, granted);
}

static void describe(const void *copy, char *to, size_t size_bytes)
{
	bide_holder_describe_(copy, offsetof(bide_semaphore, queue_), "permits of semaphore", to,
	                      size_bytes);
}

static const bide_wait_kind_ semaphore_kind = {
	.type = { .name = "bide_semaphore_hold", .describe = describe, .leave = bide_waiter_leave_ },
	.withdrawn = withdrawn
};

static bool try_fast(bide_semaphore *s, int64_t count)
{
	uint64_t seen = BIDE_LOAD(&s->state_, RELAXED);

	do
		if (seen & FLAGS || available(seen) < count)
			return false;
	while (!BIDE_CAS(&s->state_, &seen, seen - (uint64_t)count * PERMIT, ACQUIRE, RELAXED));
	return true;
}

/* Under the lock. Returns false if the waiter must wait; then WAITERS is set. */
static bool enter(bide_wait_queue_ *queue, bide_hold *hold)
{
	bide_semaphore *s = semaphore_of(queue);
	uint64_t seen = BIDE_LOAD(&s->state_, RELAXED), next;
	bool enough = false;

	if (!queue->first) /* otherwise WAITERS is set, and only the holder of the lock changes it */
		do {
			enough = available(seen) >= hold->count_;
			next = enough
			           ? (seen - (uint64_t)hold->count_ * PERMIT) & ~(uint64_t)BIDE_STATE_WAITERS_
			           : seen | BIDE_STATE_WAITERS_;
		} while (!BIDE_CAS(&s->state_, &seen, next, ACQUIRE, RELAXED));
	if (!enough)
		bide_hold_claim_(hold, object_of(s));
	return enough;
}

/* The numbers of BIDE_SEMAPHORE. Until they are right, no call changes them. */
static bool is_initialised(const bide_semaphore *s, const char *what)
{
	int64_t max = bide_semaphore_max_(s), total = BIDE_LOAD(&s->total_, RELAXED);

	if (max < 1 || max > BIDE_SEMAPHORE_MAX)
		bide_misuse_("%s: the semaphore was initialised with the maximum %lld; 1 to %lld are "
		             "allowed",
		             what, (long long)max, (long long)BIDE_SEMAPHORE_MAX);
	else if (total < 0 || total > max)
		bide_misuse_("%s: the semaphore was initialised with the count %lld; 0 to %lld are allowed",
		             what, (long long)total, (long long)max);
	else
		return true;
	return false;
}

int bide_semaphore_count_check_(const bide_semaphore *s, int64_t count, const char *what)
{
	if (BIDE_LIKELY(bide_semaphore_can_have_(s, count)))
		return 0;
	if (is_initialised(s, what))
		bide_misuse_("%s: count is %lld; 1 to %lld are allowed", what, (long long)count,
		             (long long)bide_semaphore_max_(s));
	return BIDE_EINVAL_;
}

static int hold_check(const bide_semaphore *s, int64_t count, const bide_hold *hold,
                      const char *what)
{
	int error = bide_hold_check_(hold, object_of(s), what);

	return BIDE_UNLIKELY(error) ? error : bide_semaphore_count_check_(s, count, what);
}

int bide_semaphore_init(bide_semaphore *s, int64_t count, int64_t max)
{
	static const char what[] = "bide_semaphore_init";

	if (!s) {
		bide_misuse_("%s: semaphore is NULL", what);
	} else if (max < 1 || max > BIDE_SEMAPHORE_MAX) {
		bide_misuse_("%s: max is %lld; 1 to %lld are allowed", what, (long long)max,
		             (long long)BIDE_SEMAPHORE_MAX);
	} else if (count < 0 || count > max) {
		bide_misuse_("%s: count is %lld; 0 to %lld are allowed", what, (long long)count,
		             (long long)max);
	} else {
		*s = (bide_semaphore)BIDE_SEMAPHORE(count, max);
		return 0;
	}
	return BIDE_EINVAL_;
}

static bool try_once(bide_semaphore *s, int64_t count, bide_hold *hold, const char *what)
{
	if (!try_fast(s, count)) {
		if (BIDE_LOAD(&s->state_, RELAXED) & BIDE_STATE_ENDED_)
			(void)bide_wait_call_ended_(what);
		return false;
	}
	bide_hold_begin_(hold, count, what);
	bide_hold_fill_(hold, object_of(s));
	return true;
}

static bide_value_task wait_for(bide_semaphore *s, bide_hold *hold, int64_t timeout_ns,
                                const char *what)
{
	bide_wait_call_ call = { &semaphore_kind, &s->queue_, &s->state_, what, timeout_ns, enter };
	bide_value_task v = bide_wait_call_begin_(&call, hold);

	if (v.state == 0)
		bide_hold_fill_(hold, object_of(s));
	return v;
}

bide_value_task bide_semaphore_hold(bide_semaphore *s, int64_t count, bide_hold *hold)
{
	static const char what[] = "bide_semaphore_hold";
	int error = hold_check(s, count, hold, what);

	if (BIDE_LIKELY(!error))
		error = bide_context_error_now_();
	if (BIDE_UNLIKELY(error))
		return bide_value_task_from_error(error);
	bide_hold_begin_(hold, count, what);
	if (!try_fast(s, count))
		return wait_for(s, hold, BIDE_FOREVER, what);
	bide_hold_fill_(hold, object_of(s));
	return bide_value_task_from_int(1);
}

bide_value_task bide_semaphore_try_hold_for(bide_semaphore *s, int64_t count, bide_hold *hold,
                                            int64_t timeout_ns)
{
	static const char what[] = "bide_semaphore_try_hold_for";
	int error = hold_check(s, count, hold, what);

	if (!error && !bide_time_allowed_(timeout_ns, what, "timeout_ns", NULL))
		error = BIDE_EINVAL_;
	if (!error)
		error = bide_context_error_now_();
	if (error)
		return bide_value_task_from_error(error);
	if (timeout_ns == 0)
		return bide_value_task_from_int(try_once(s, count, hold, what));
	bide_hold_begin_(hold, count, what);
	if (!try_fast(s, count))
		return wait_for(s, hold, timeout_ns, what);
	bide_hold_fill_(hold, object_of(s));
	return bide_value_task_from_int(1);
}

bool bide_semaphore_try_hold(bide_semaphore *s, int64_t count, bide_hold *hold)
{
	static const char what[] = "bide_semaphore_try_hold";

	return !hold_check(s, count, hold, what) && try_once(s, count, hold, what);
}

bool bide_semaphore_select_now_(bide_semaphore *s, int64_t count, bide_hold *hold)
{
	if (!try_fast(s, count))
		return false;
	bide_hold_begin_(hold, count, "bide_select");
	bide_hold_fill_(hold, object_of(s));
	return true;
}

bool bide_semaphore_select_(bide_semaphore *s, int64_t count, bide_hold *hold,
                            bide_selection_ *selection, uint32_t number)
{
	bide_wait_call_ call = { &semaphore_kind, &s->queue_, &s->state_, NULL, 0, enter };

	bide_hold_begin_(hold, count, "bide_select");
	if (!bide_wait_call_select_(&call, hold, selection, number))
		return false;
	if (selection->operation.source.error == 0)
		bide_hold_fill_(hold, object_of(s));
	return true;
}

/* Under the lock. */
static void give(bide_wait_queue_ *queue, int64_t count, bide_granted_ *granted)
{
	(void)BIDE_ADD(&semaphore_of(queue)->state_, (uint64_t)count * PERMIT, RELEASE);
	grant(queue, granted);
}

void bide_semaphore_give_back_(bide_semaphore *s, int64_t count)
{
	uint64_t seen;

	/* Afterwards it may be gone, so what granted the permits must be through with it. */
	bide_wait_settle_(&s->queue_);
	seen = BIDE_LOAD(&s->state_, RELAXED);
	do
		if (seen & FLAGS) {
			bide_wait_call_give_(&s->queue_, count, give);
			return;
		}
	while (!BIDE_CAS(&s->state_, &seen, seen + (uint64_t)count * PERMIT, RELEASE, RELAXED));
}

void bide_semaphore_use_up_(bide_semaphore *s, int64_t count)
{
	bide_wait_settle_(&s->queue_);
	(void)BIDE_SUB(&s->total_, count, RELEASE);
}

int bide_semaphore_add(bide_semaphore *s, int64_t count)
{
	static const char what[] = "bide_semaphore_add";
	int64_t total;
	int error;

	if (!s) {
		bide_misuse_("%s: semaphore is NULL", what);
		return BIDE_EINVAL_;
	}
	error = bide_semaphore_count_check_(s, count, what);
	if (!error && BIDE_LOAD(&s->state_, RELAXED) & BIDE_STATE_ENDED_)
		error = bide_wait_call_ended_(what);
	if (error)
		return error;
	total = BIDE_LOAD(&s->total_, RELAXED);
	do
		if (total > bide_semaphore_max_(s) - count)
			return BIDE_EOVERFLOW_;
	while (!BIDE_CAS(&s->total_, &total, total + count, RELAXED, RELAXED));
	bide_semaphore_give_back_(s, count);
	return 0;
}

int64_t bide_semaphore_count(const bide_semaphore *s)
{
	static const char what[] = "bide_semaphore_count";

	if (!s)
		bide_misuse_("%s: semaphore is NULL", what);
	else if (is_initialised(s, what))
		return available(BIDE_LOAD(&s->state_, RELAXED));
	return 0;
}

void bide_semaphore_end(bide_semaphore *s)
{
	static const char what[] = "bide_semaphore_end";

	if (!s)
		bide_misuse_("%s: semaphore is NULL", what);
	else
		bide_wait_call_end_(&s->queue_, &s->state_, what, bide_holder_refuse_);
}
