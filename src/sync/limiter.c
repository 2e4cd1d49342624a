/*
 * limiter.c - limiters: a bucket of tokens, and those that wait for them.
 *
 * `waiting_` counts the functions that wait. While it is above 0, no call takes tokens but theirs.
 * They take turns by the mutex, in order; the one that has the turn sleeps until its tokens are
 * there. So one timer is armed, and the end of a turn, whatever it is, has the next one look.
 *
 * A wait that is forgotten goes on until its tokens are there, and then takes none.
 *
 * The level and the count are under the lock. A token is period_ns of the level, and each
 * nanosecond adds `tokens` to it, so nothing is rounded.
 *
 * After a shutdown, and in the child of a fork, what waited before does not wait any more. The lock
 * is the key of wait_queue.h, so one that was held at the fork is free in the child; and the first
 * call there sees by life_ that it has to drop the count and the turns.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/misuse.h"
#include "base/own.h"
#include "base/port.h"
#include "base/text.h"
#include "base/thread.h"
#include "context/context.h"
#include "sync/wait_queue.h"

static void lock(bide_limiter *l)
{
	uint32_t key = bide_wait_key_();

	for (unsigned tries = 0; BIDE_SWAP(&l->lock_, key, ACQUIRE) == key; tries++)
		bide_port_wait_a_moment_(tries); /* the swap pairs with unlock */
	if (BIDE_UNLIKELY(l->life_ != key)) {
		l->life_ = key;
		if (l->at_ns_ > bide_port_now_()) /* the clock of another simulation */
			l->at_ns_ = bide_port_now_();
		l->waiting_ = 0;
		l->turn_ = (bide_mutex){ 0 };
	}
}

static void unlock(bide_limiter *l)
{
	BIDE_STORE(&l->lock_, 0u, RELEASE);
}

/* --- the bucket; all under the lock --- */

static void refill(bide_limiter *l, int64_t now_ns)
{
	int64_t passed_ns = now_ns - l->at_ns_, room = l->level_max_ - l->level_;
	/* A wait ends at a whole nanosecond. What came in that one too much is kept, for the rate. */
	int64_t spare_ns = l->tokens_ <= l->period_ns_;

	if (passed_ns <= 0) /* another thread was later */
		return;
	l->at_ns_ = now_ns;
	if (room <= 0)
		return;
	/* Compared so that the product fits. */
	if (passed_ns > room / l->tokens_ + spare_ns)
		l->level_ = l->level_max_;
	else
		l->level_ += passed_ns * l->tokens_;
}

/* Takes tokens. Returns 0, or how long it takes until they are there. */
static int64_t take(bide_limiter *l, int64_t count)
{
	int64_t missing;

	refill(l, bide_port_now_());
	missing = count * l->period_ns_ - l->level_;
	if (missing > 0)
		return (missing - 1) / l->tokens_ + 1;
	l->level_ -= count * l->period_ns_;
	return 0;
}

/* Returns true if the tokens were taken. Otherwise, if `waits`, counts a function that waits. */
static bool try_take(bide_limiter *l, int64_t count, bool waits)
{
	bool taken;

	lock(l);
	taken = l->waiting_ == 0 && take(l, count) == 0;
	if (!taken && waits)
		l->waiting_++;
	unlock(l);
	return taken;
}

/* For the function that has the turn. If it returns 0, that function waits no more. */
static int64_t take_in_turn(bide_limiter *l, int64_t count)
{
	int64_t delay_ns;

	lock(l);
	delay_ns = take(l, count);
	if (delay_ns == 0)
		l->waiting_--;
	unlock(l);
	return delay_ns;
}

static void give_up(bide_limiter *l)
{
	lock(l);
	l->waiting_--;
	unlock(l);
}

/* --- the wait --- */

struct bide_limiter_acquire { /* messages and dumps show the name */
	BIDE_ASYNC_FRAME;
	struct {
		bide_limiter *limiter;
		int64_t count;
	} in;
	bide_hold turn;
	int64_t delay_ns;
	bool has_taken;
};

BIDE_UNCHECKED_ static void describe(const void *copy, char *to, size_t size_bytes)
{
	const struct bide_limiter_acquire *my = copy;

	bide_put_(to, size_bytes, "bide_limiter_acquire (%lld tokens%s)", (long long)my->in.count,
	          bide_hold_is_held(&my->turn) ? ", first" : "");
}

/*
 * Pairs with bide_value_task_forget: a forget that comes later comes too late. A frame that is not
 * published has no word yet, and nothing can forget it.
 */
static bool is_forgotten(const struct bide_limiter_acquire *my)
{
	const bide_source *source = &my->BIDE_FRAME_MEMBER_.source;

	return (source->flags & BIDE_FLAG_PUBLISHED_) &&
	       BIDE_LOAD(&source->word, ACQUIRE) == BIDE_WORD_ABANDONED_;
}

static const bide_own_ bide_limiter_acquire_own_ = { .name = "bide_limiter_acquire",
	                                                 .describe = describe };

bide_async(bide_limiter_acquire)
{
	bide_async_begin;
	bide_await(bide_mutex_hold(&my->in.limiter->turn_, &my->turn));
	while (!is_forgotten(my)) {
		my->delay_ns = take_in_turn(my->in.limiter, my->in.count);
		my->has_taken = my->delay_ns == 0;
		if (my->has_taken)
			break;
		bide_await(bide_delay(my->delay_ns));
	}
bide_async_finally:
	if (!my->has_taken)
		give_up(my->in.limiter);
	bide_hold_release(&my->turn);
	bide_async_end;
}

static bool is_allowed(const bide_limiter *l, int64_t count, const char *what)
{
	int64_t burst;

	if (!l || l->tokens_ == 0 || l->period_ns_ <= 0) {
		bide_misuse_("%s: %s", what,
		             l ? "the limiter is not initialised; bide_limiter_init comes first"
		               : "limiter is NULL");
		return false;
	}
	burst = l->level_max_ / l->period_ns_;
	if (count > 0 && count <= burst)
		return true;
	bide_misuse_("%s: count is %lld; 1 to %lld are allowed, the burst of the limiter", what,
	             (long long)count, (long long)burst);
	return false;
}

bide_value_task bide_limiter_acquire(bide_limiter *limiter, int64_t count)
{
	bide_value_task started;
	int error;

	if (!is_allowed(limiter, count, "bide_limiter_acquire"))
		return bide_value_task_from_error(BIDE_EINVAL_);
	if (!bide_thread_()) /* which sets up the runtime, and with it the clock */
		return bide_value_task_from_error(BIDE_ENOMEM_);
	error = bide_context_error_now_();
	if (error)
		return bide_value_task_from_error(error);
	if (try_take(limiter, count, true))
		return bide_value_task_completed();
	started = bide_async_start(bide_limiter_acquire, .limiter = limiter, .count = count);
	if (BIDE_LIKELY(started.state != BIDE_ENOFRAME))
		return started;
	give_up(limiter);
	return bide_value_task_from_error(BIDE_ENOMEM_);
}

bool bide_limiter_try_acquire(bide_limiter *limiter, int64_t count)
{
	return is_allowed(limiter, count, "bide_limiter_try_acquire") && bide_thread_() &&
	       try_take(limiter, count, false);
}

int bide_limiter_init(bide_limiter *limiter, int64_t tokens, int64_t period_ns, int64_t burst)
{
	static const char what[] = "bide_limiter_init";
	int64_t period_max_ns = burst > 0 ? INT64_MAX / 2 / burst : INT64_MAX;

	if (!limiter) {
		bide_misuse_("%s: limiter is NULL", what);
	} else if (tokens < 1 || burst < 1) {
		bide_misuse_("%s: %s is %lld; 1 or more is allowed", what, tokens < 1 ? "tokens" : "burst",
		             (long long)(tokens < 1 ? tokens : burst));
	} else if (period_ns < 1 || period_ns > period_max_ns) {
		bide_misuse_("%s: period_ns is %lld; with a burst of %lld, 1 to %lld are allowed", what,
		             (long long)period_ns, (long long)burst, (long long)period_max_ns);
	} else {
		*limiter = (bide_limiter){ .tokens_ = tokens,
			                       .period_ns_ = period_ns,
			                       .level_ = burst * period_ns,
			                       .level_max_ = burst * period_ns };
		return 0;
	}
	return BIDE_EINVAL_;
}
