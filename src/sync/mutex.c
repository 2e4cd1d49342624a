/*
 * mutex.c - the state of a mutex: HELD, WAITERS and ENDED (wait_call.h). WAITERS implies HELD: a
 * release hands the mutex to the first waiter, and HELD stays set.
 */
#include "base/clock.h"
#include "base/misuse.h"
#include "context/context.h"
#include "sync/holder.h"
#include "sync/select.h"

enum { HELD = 4 };

static bide_mutex *mutex_of(bide_wait_queue_ *queue)
{
	return BIDE_CONTAINER_(queue, bide_mutex, queue_);
}

static uintptr_t object_of(const bide_mutex *mutex)
{
	return (uintptr_t)mutex | BIDE_HELD_MUTEX_;
}

/* Under the lock. */
static bool is_valid(bide_mutex *mutex)
{
	uint64_t state = BIDE_LOAD(&mutex->state_, RELAXED);

	BIDE_INVARIANT_(!(state & BIDE_STATE_WAITERS_) == !mutex->queue_.first);
	BIDE_INVARIANT_(!(state & BIDE_STATE_WAITERS_) || state == (HELD | BIDE_STATE_WAITERS_));
	return bide_holds_are_valid_(&mutex->queue_);
}

/* A waiter has left. Under the lock. */
static void withdrawn(bide_wait_queue_ *queue, bide_wait_link_ *link, bide_granted_ *granted)
{
	bide_mutex *mutex = mutex_of(queue);

	(void)granted; /* The others get the mutex when it is released. */
	bide_hold_refuse_(link->wants.hold);
	/* With WAITERS only the holder of the lock changes the state. */
	if (!queue->first)
		BIDE_STORE(&mutex->state_, (uint64_t)HELD, RELEASE);
	BIDE_ASSERT_UNEXPLORED_(is_valid(mutex));
}

static void describe(const void *copy, char *to, size_t size_bytes)
{
	bide_holder_describe_(copy, offsetof(bide_mutex, queue_), "mutex", to, size_bytes);
}

static const bide_wait_kind_ mutex_kind = {
	.type = { .name = "bide_mutex_hold", .describe = describe, .leave = bide_waiter_leave_ },
	.withdrawn = withdrawn
};

static bool try_fast(bide_mutex *mutex)
{
	uint64_t seen = BIDE_LOAD(&mutex->state_, RELAXED);

	/* Pairs with the releases of bide_mutex_give_back_ and give. */
	return seen == 0 && BIDE_CAS(&mutex->state_, &seen, (uint64_t)HELD, ACQUIRE, RELAXED);
}

/* Under the lock. Returns false if the mutex is held; then WAITERS is set. */
static bool enter(bide_wait_queue_ *queue, bide_hold *hold)
{
	bide_mutex *mutex = mutex_of(queue);
	uint64_t seen = BIDE_LOAD(&mutex->state_, RELAXED);
	bool free = false;

	if (!(seen & BIDE_STATE_WAITERS_)) /* otherwise only the holder of the lock changes it */
		do
			free = !(seen & HELD);
		while (!BIDE_CAS(&mutex->state_, &seen, seen | (free ? HELD : BIDE_STATE_WAITERS_), ACQUIRE,
		                 RELAXED));
	if (!free)
		bide_hold_claim_(hold, object_of(mutex));
	return free;
}

int bide_mutex_init(bide_mutex *mutex)
{
	if (!mutex) {
		bide_misuse_("bide_mutex_init: mutex is NULL");
		return BIDE_EINVAL_;
	}
	*mutex = (bide_mutex){ 0 };
	return 0;
}

static bool try_once(bide_mutex *mutex, bide_hold *hold, const char *what)
{
	if (!try_fast(mutex)) {
		if (BIDE_LOAD(&mutex->state_, RELAXED) & BIDE_STATE_ENDED_)
			(void)bide_wait_call_ended_(what);
		return false;
	}
	bide_hold_begin_(hold, 1, what);
	bide_hold_fill_(hold, object_of(mutex));
	return true;
}

static bide_value_task wait_for(bide_mutex *mutex, bide_hold *hold, int64_t timeout_ns,
                                const char *what)
{
	bide_wait_call_ call = { &mutex_kind, &mutex->queue_, &mutex->state_, what, timeout_ns, enter };
	bide_value_task v = bide_wait_call_begin_(&call, hold);

	if (v.state == 0)
		bide_hold_fill_(hold, object_of(mutex));
	return v;
}

/* Returns 0 if the call may go on. */
static inline int hold_check(const bide_mutex *mutex, const bide_hold *hold, const char *what)
{
	int error = bide_hold_check_(hold, object_of(mutex), what);

	return BIDE_UNLIKELY(error) ? error : bide_context_error_now_();
}

bide_value_task bide_mutex_hold(bide_mutex *mutex, bide_hold *hold)
{
	static const char what[] = "bide_mutex_hold";
	int error = hold_check(mutex, hold, what);

	if (BIDE_UNLIKELY(error))
		return bide_value_task_from_error(error);
	bide_hold_begin_(hold, 1, what);
	if (!try_fast(mutex))
		return wait_for(mutex, hold, BIDE_FOREVER, what);
	bide_hold_fill_(hold, object_of(mutex));
	return bide_value_task_from_int(1);
}

bide_value_task bide_mutex_try_hold_for(bide_mutex *mutex, bide_hold *hold, int64_t timeout_ns)
{
	static const char what[] = "bide_mutex_try_hold_for";
	int error = hold_check(mutex, hold, what);

	if (!error && !bide_time_allowed_(timeout_ns, what, "timeout_ns", NULL))
		error = BIDE_EINVAL_;
	if (error)
		return bide_value_task_from_error(error);
	if (timeout_ns == 0)
		return bide_value_task_from_int(try_once(mutex, hold, what));
	bide_hold_begin_(hold, 1, what);
	if (!try_fast(mutex))
		return wait_for(mutex, hold, timeout_ns, what);
	bide_hold_fill_(hold, object_of(mutex));
	return bide_value_task_from_int(1);
}

bool bide_mutex_try_hold(bide_mutex *mutex, bide_hold *hold)
{
	static const char what[] = "bide_mutex_try_hold";

	return !bide_hold_check_(hold, object_of(mutex), what) && try_once(mutex, hold, what);
}

bool bide_mutex_select_now_(bide_mutex *mutex, bide_hold *hold)
{
	if (!try_fast(mutex))
		return false;
	bide_hold_begin_(hold, 1, "bide_select");
	bide_hold_fill_(hold, object_of(mutex));
	return true;
}

bool bide_mutex_select_(bide_mutex *mutex, bide_hold *hold, bide_selection_ *s, uint32_t number)
{
	bide_wait_call_ call = { &mutex_kind, &mutex->queue_, &mutex->state_, NULL, 0, enter };

	bide_hold_begin_(hold, 1, "bide_select");
	if (!bide_wait_call_select_(&call, hold, s, number))
		return false;
	if (s->operation.source.error == 0)
		bide_hold_fill_(hold, object_of(mutex));
	return true;
}

/* Under the lock. Only this thread changes the state, since it has the lock and the mutex. */
static void give(bide_wait_queue_ *queue, int64_t count, bide_granted_ *granted)
{
	bide_mutex *mutex = mutex_of(queue);
	uint64_t ended = BIDE_LOAD(&mutex->state_, RELAXED) & BIDE_STATE_ENDED_;
	bool is_held = false;

	(void)count;
	BIDE_ASSERT_(BIDE_LOAD(&mutex->state_, RELAXED) & HELD);
	while (queue->first && !is_held)
		is_held = bide_holder_grant_(queue, object_of(mutex), granted);
	/* Pairs with try_fast. */
	BIDE_STORE(&mutex->state_,
	           ended | (is_held ? HELD : 0u) | (queue->first ? BIDE_STATE_WAITERS_ : 0u), RELEASE);
	BIDE_ASSERT_UNEXPLORED_(is_valid(mutex));
}

void bide_mutex_give_back_(bide_mutex *mutex)
{
	uint64_t seen;

	/* Afterwards the mutex may be gone, so what granted it to this hold must be through with it. */
	bide_wait_settle_(&mutex->queue_);
	seen = BIDE_LOAD(&mutex->state_, RELAXED);
	/* Pairs with try_fast. */
	if (seen != HELD || !BIDE_CAS(&mutex->state_, &seen, (uint64_t)0, RELEASE, RELAXED))
		bide_wait_call_give_(&mutex->queue_, 1, give);
}

void bide_mutex_end(bide_mutex *mutex)
{
	static const char what[] = "bide_mutex_end";

	if (!mutex)
		bide_misuse_("%s: mutex is NULL", what);
	else
		bide_wait_call_end_(&mutex->queue_, &mutex->state_, what, bide_holder_refuse_);
}
