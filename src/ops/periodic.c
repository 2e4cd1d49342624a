/*
 * periodic.c - the periodic timer: it has one consumer, and ticks that were missed merge into one.
 *
 * With many workers the lock of the timer protects all of it. A thread gives the lock up before it
 * completes a tick. It takes the lock of the wheel, and that of the operations of a cancellation,
 * under it, never the other way round: `due` and `tick_canceled` are called without any lock.
 *
 * What can still touch the timer holds a reference: its owner, the wheel (also while `due` is on
 * its way), and a tick that waits. So
 *
 *     references == 1 until it is destroyed + (timer != NULL) + 1 while a tick waits or is answered
 */
#include "base/assert.h"
#include "base/clock.h"
#include "base/party.h"
#include "base/port.h"
#include "base/settings.h"
#include "base/spin.h"
#include "cancel/cancel_core.h"
#include "context/context.h"
#include "memory/allocator.h"
#include "source/operation.h"
#include "source/source.h"
#include "source/timer.h"

/*
 * A wait for a tick. An answer (a tick, a stop) or its cancellation ends it. The party that takes
 * it out of `waiting` decides the outcome; the last of the two parties completes it.
 */
typedef struct tick {
	bide_operation operation;
	bide_cancel_node node;
	bide_periodic_timer *timer;
	int64_t result;
	uint32_t parties; /* the answer, the node */
	int error;
} tick;

struct bide_periodic_timer {
	bide_observer due;
	bide_post stop;
	bide_timer *timer; /* reused, so that no tick needs memory; NULL once stopped */
	tick *waiting;
	int64_t period_ns, next_ns;
	uint32_t lock;
	uint32_t references;
	uint32_t alive; /* alive_now() until it is destroyed; atomic */
	uint32_t asked; /* to stop, to go; atomic. Not 0: `stop` is posted */
	bool armed;     /* the timer is in the wheel, or on its way to `due` */
	bool moved;     /* the period was set anew while `due` was on its way, which is no tick then */
	bool missed;    /* a tick has passed that was not taken */
	bool stopped;
};

enum { ASKED_TO_STOP = 1, ASKED_TO_GO = 2, ALIVE = 0x7133A11F };

static const bide_operation_type tick_type = { .name = "a tick of a periodic timer" };

/* A timer of another era is not alive: its bide_timer went with the pools, or is the parent's. */
static uint32_t alive_now(void)
{
	return ALIVE + bide_era_();
}

static void lock(bide_periodic_timer *p)
{
	if (bide_shared_)
		bide_spin_lock_(&p->lock);
}

/* Under the lock. */
static bool is_valid(const bide_periodic_timer *p)
{
	BIDE_INVARIANT_(p->references >= (p->timer ? 1u : 0u) + (p->waiting ? 1u : 0u));
	BIDE_INVARIANT_(p->timer || p->stopped);
	BIDE_INVARIANT_(!p->missed || !p->armed || p->stopped);
	BIDE_INVARIANT_(!p->waiting || (p->waiting->timer == p && !p->stopped));
	BIDE_INVARIANT_(p->period_ns > 0);
	return true;
}

static void unlock(bide_periodic_timer *p)
{
	BIDE_ASSERT_(is_valid(p));
	if (bide_shared_)
		bide_spin_unlock_(&p->lock);
}

/* Unlocks, and frees the timer with the last reference. */
static void unlock_and_leave(bide_periodic_timer *p, uint32_t references)
{
	bool last = (p->references -= references) == 0;

	unlock(p);
	if (last)
		bide_retire_(p, sizeof *p);
}

static bool period_valid(int64_t period_ns, const char *what)
{
	if (period_ns > 0)
		return true;
	bide_misuse_("%s: period_ns is %lld; 1 or more and BIDE_FOREVER are allowed", what,
	             (long long)period_ns);
	return false;
}

/* `count` of the parties are through with the tick. Called without a lock. */
static void tick_leave(tick *t, uint32_t count)
{
	bide_periodic_timer *p = t->timer;

	if (!bide_party_leave_(&t->operation.source, &t->parties, count))
		return;
	bide_cancel_node_unref_(&t->node);
	/* Before the tick is completed, because its consumer may destroy the timer. */
	lock(p);
	unlock_and_leave(p, 1);
	bide_operation_complete_(&t->operation, bide_payload_int_(t->result), t->error);
}

/*
 * Takes the pending wait, which the caller answers. Returns NULL if there is none. Under the lock.
 */
static tick *take_waiting(bide_periodic_timer *p)
{
	tick *t = p->waiting;

	p->waiting = NULL;
	return t;
}

static void answer(tick *t, int64_t result)
{
	t->result = result;
	tick_leave(t, bide_cancel_unlink_(&t->node) ? 2 : 1);
}

/* Under the lock. The timer is in no wheel, so no other thread looks at it. */
static void arm(bide_periodic_timer *p)
{
	BIDE_STORE(&p->timer->source.word, (uintptr_t)&p->due | BIDE_WORD_LISTENER_, RELAXED);
	p->timer->source.payload.i = p->next_ns;
	p->armed = true;
	bide_port_arm_(p->timer);
}

/*
 * Arms the timer after the tick at next_ns. Ticks that have passed meanwhile merge into that one. A
 * tick beyond the end of time never comes.
 */
static void arm_next(bide_periodic_timer *p)
{
	int64_t now_ns = bide_port_now_();

	p->next_ns = bide_time_add_(p->next_ns, p->period_ns);
	if (p->next_ns <= now_ns)
		p->next_ns = bide_time_add_(now_ns - (now_ns - p->next_ns) % p->period_ns, p->period_ns);
	arm(p);
}

/*
 * Returns true if the timer is not NULL and not destroyed; otherwise reports misuse of `what`. The
 * memory of a freed timer says so until it is used again.
 */
static bool is_timer(const bide_periodic_timer *p, const char *what)
{
	uint32_t alive = p ? BIDE_LOAD(&p->alive, RELAXED) : 0;

	if (p && alive == alive_now())
		return true;
	bide_misuse_("%s: timer %s", what,
	             p ? bide_why_before_(alive - ALIVE, "was destroyed") : "is NULL");
	return false;
}

static bool here(const char *what)
{
	if (bide_port_on_worker_())
		return true;
	bide_misuse_("%s: called on another thread than the worker's", what);
	return false;
}

/* Under the lock. The timer is not armed. The caller drops the reference of the wheel. */
static void drop_timer(bide_periodic_timer *p)
{
	bide_operation_discard_(&p->timer->source);
	p->timer = NULL;
}

/*
 * With one worker: returns true if another thread has stopped or destroyed the timer, and its post
 * is on the way. Nothing counts as a tick from then on.
 */
static bool is_asked(const bide_periodic_timer *p)
{
	return BIDE_LOAD(&p->asked, ACQUIRE) != 0; /* pairs with ask */
}

static void due(bide_observer *listener, bide_source *done)
{
	bide_periodic_timer *p = BIDE_CONTAINER_(listener, bide_periodic_timer, due);
	tick *t = NULL;

	(void)done;
	lock(p);
	p->armed = false;
	if (is_asked(p)) { /* the post does the rest */
		unlock(p);
		return;
	}
	if (p->stopped) {
		drop_timer(p);
		unlock_and_leave(p, 1);
		return;
	}
	if (p->moved) {
		p->moved = false;
		arm(p);
	} else if (p->waiting) {
		arm_next(p);
		t = take_waiting(p);
	} else {
		/* It is armed again when this tick is taken, so that an unread timer costs no wake-ups. */
		p->missed = true;
	}
	unlock(p);
	if (t)
		answer(t, 1);
}

bide_periodic_timer *bide_periodic_timer_create(int64_t period_ns)
{
	bide_periodic_timer *p;

	if (!period_valid(period_ns, "bide_periodic_timer_create") || !bide_thread_())
		return NULL;
	if (!here("bide_periodic_timer_create"))
		return NULL;
	p = bide_allocate_(sizeof *p, 16);
	if (!p)
		return NULL;
	*p = (bide_periodic_timer){
		.due = { due }, .period_ns = period_ns, .references = 2, .alive = alive_now()
	};
	p->timer = bide_timer_new_(sizeof *p->timer);
	if (!p->timer) {
		bide_deallocate_(p, sizeof *p);
		return NULL;
	}
	p->next_ns = bide_deadline_after_(period_ns);
	lock(p); /* it may be due before this returns */
	arm(p);
	unlock(p);
	return p;
}

/* Stops the timer. owners: 1 to drop the reference of the owner too, otherwise 0. */
static void timer_stop(bide_periodic_timer *p, uint32_t owners)
{
	uint32_t references = owners;
	tick *t;

	lock(p);
	p->stopped = true;
	t = take_waiting(p);
	/* If `due` is on its way, it drops the timer. */
	if (p->timer && (!p->armed || bide_port_disarm_(p->timer))) {
		drop_timer(p);
		references++;
	}
	unlock_and_leave(p, references);
	if (t)
		answer(t, 0); /* the tick holds a reference */
}

int bide_periodic_timer_set_period(bide_periodic_timer *p, int64_t period_ns)
{
	if (!is_timer(p, "bide_periodic_timer_set_period") || !here("bide_periodic_timer_set_period") ||
	    !period_valid(period_ns, "bide_periodic_timer_set_period"))
		return BIDE_EINVAL_;
	lock(p);
	p->period_ns = period_ns;
	if (p->missed)
		p->next_ns = bide_port_now_();
	if (p->armed && !p->stopped) {
		p->next_ns = bide_deadline_after_(period_ns);
		if (bide_port_disarm_(p->timer))
			arm(p);
		else
			p->moved = true;
	}
	unlock(p);
	return 0;
}

static void tick_canceled(bide_cancel_node *node, int error)
{
	tick *t = BIDE_CONTAINER_(node, tick, node);
	bide_periodic_timer *p = t->timer;
	bool first;

	lock(p);
	first = p->waiting == t;
	if (first) {
		p->waiting = NULL;
		t->error = error;
	}
	unlock(p);
	tick_leave(t, first ? 2 : 1);
}

/* Returns false if the consumer has to wait. Under the lock. */
static bool ready_now(bide_periodic_timer *p, int canceled, bide_value_task *v)
{
	if (p->stopped || is_asked(p)) {
		*v = bide_value_task_from_int(0);
	} else if (canceled) {
		*v = bide_value_task_from_error(canceled);
	} else if (p->missed) {
		p->missed = false;
		arm_next(p);
		*v = bide_value_task_from_int(1);
	} else {
		return false;
	}
	return true;
}

/* Waits with a new tick, or recycles the tick if there is nothing to wait for. */
static bide_value_task wait_with(bide_periodic_timer *p, tick *t)
{
	bide_value_task v = bide_source_value_(&t->operation.source);
	bool ready;
	int error = 0;

	t->timer = p;
	t->parties = 2;
	lock(p);
	ready = ready_now(p, 0, &v);
	if (!ready) {
		/* A cancellation that fires at once waits for the lock. */
		error = bide_cancel_link_(bide_context_core_(), &t->node, tick_canceled);
		if (!error) {
			p->waiting = t;
			p->references++;
		}
	}
	unlock(p);
	if (ready || error)
		bide_operation_discard_(&t->operation.source);
	return error ? bide_value_task_from_error(error) : v;
}

bide_value_task bide_periodic_timer_next(bide_periodic_timer *p)
{
	bide_value_task v;
	bool waits, ready = false;
	tick *t;
	int error = bide_context_current_error();

	if (!is_timer(p, "bide_periodic_timer_next") || !here("bide_periodic_timer_next"))
		return bide_value_task_from_error(BIDE_EINVAL_);
	lock(p);
	waits = p->waiting != NULL;
	if (!waits)
		ready = ready_now(p, error, &v);
	unlock(p);
	if (waits) {
		bide_misuse_(
			"bide_periodic_timer_next: a wait is pending already; a timer has one consumer");
		return bide_value_task_from_error(BIDE_EBUSY_);
	}
	if (ready)
		return v;
	t = (tick *)(void *)bide_operation_new_(sizeof *t, &tick_type);
	return t ? wait_with(p, t) : bide_value_task_from_error(BIDE_ENOMEM_);
}

static void stop_posted(bide_post *post)
{
	bide_periodic_timer *p = BIDE_CONTAINER_(post, bide_periodic_timer, stop);
	/* pairs with ask: from here on it may be posted again */
	uint32_t asked = BIDE_SWAP(&p->asked, 0u, ACQ_REL);

	timer_stop(p, asked & ASKED_TO_GO ? 1 : 0);
}

/*
 * Stops or destroys the timer. On a thread that is not the one worker, it posts that once for any
 * number of calls. The worker sees what was added before it runs the post.
 */
static void ask(bide_periodic_timer *p, uint32_t what)
{
	bool here_now = bide_port_on_worker_();

	/* Here a pending wait is answered before this returns. A post on its way does the rest. */
	if (here_now && (bide_shared_ || BIDE_LOAD(&p->asked, ACQUIRE) == 0)) {
		timer_stop(p, what & ASKED_TO_GO ? 1 : 0);
		return;
	}
	if (here_now)
		timer_stop(p, 0);
	if (BIDE_OR(&p->asked, what, ACQ_REL) != 0) /* pairs with stop_posted */
		return;
	p->stop.run = stop_posted;
	bide_port_post_(&p->stop);
}

void bide_periodic_timer_stop(bide_periodic_timer *p)
{
	if (p && is_timer(p, "bide_periodic_timer_stop"))
		ask(p, ASKED_TO_STOP);
}

void bide_periodic_timer_destroy(bide_periodic_timer *p)
{
	if (!p || !is_timer(p, "bide_periodic_timer_destroy"))
		return;
	BIDE_STORE(&p->alive, 0u, RELAXED);
	ask(p, ASKED_TO_GO);
}
