/*
 * periodic.c - the periodic timer: one consumer; ticks that were missed merge into one.
 *
 * With many workers all of it is under the timer's lock, which is given up before a tick is
 * completed. The wheel's lock and the one of a cancellation's operations are taken under it, never
 * the other way round: what is due, and what fires, comes without any lock.
 *
 * Who can still touch the timer holds a reference: its owner, the wheel (also while `due` is on its
 * way), a tick that waits. The last one frees it.
 */
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
 * Ended by an answer (a tick, a stop) or by its cancellation: the party that takes it out of
 * `waiting` decides the outcome; the last of the two that lets go of it completes it.
 */
typedef struct tick {
	bide_operation operation;
	bide_cancel_node node;
	bide_periodic_timer *timer;
	int64_t result;
	uint32_t live; /* parties: the answer, the node */
	int error;
} tick;

struct bide_periodic_timer {
	bide_listener due;
	bide_post stop;
	bide_timer *timer; /* the same one for ever, so that no tick needs memory; NULL: stopped */
	tick *waiting;
	int64_t period_ns, next_ns;
	uint32_t lock;
	uint32_t references;
	uint32_t alive; /* alive_now() until it is destroyed */
	uint32_t asked; /* to stop, to go; atomic. Not 0: the post is in the inbox */
	bool armed;     /* in the wheel, or on its way to `due` */
	bool moved;     /* it was on its way when the period was set anew: it is no tick */
	bool missed, stopped;
};

enum { ASKED_TO_STOP = 1, ASKED_TO_GO = 2, ALIVE = 0x7133A11F };

static const bide_operation_type tick_type = { .name = "a tick of a periodic timer" };

/* Its tick went with the pools of the life that it was made in. */
static uint32_t alive_now(void)
{
	return ALIVE + bide_life_;
}

static void lock(bide_periodic_timer *p)
{
	if (bide_shared_)
		bide_spin_lock_(&p->lock);
}

static void unlock(bide_periodic_timer *p)
{
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

/* So many of its parties are through with it; without a lock. */
static void tick_leave(tick *t, uint32_t count)
{
	bide_periodic_timer *p = t->timer;

	if (!bide_party_leave_(&t->operation.source, &t->live, count))
		return;
	bide_cancel_node_unref_(&t->node);
	/* Before it is completed: its consumer may destroy the timer. */
	lock(p);
	unlock_and_leave(p, 1);
	bide_operation_complete_(&t->operation, bide_payload_int_(t->result), t->error);
}

/* Under the lock: takes the pending wait, for the caller to answer; NULL: there is none. */
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

/* Under the lock. It is in no wheel, so no other thread looks at it. */
static void arm(bide_periodic_timer *p)
{
	BIDE_STORE(&p->timer->source.word, (uintptr_t)&p->due | BIDE_WORD_NOTIFY_, RELAXED);
	p->timer->source.payload.i = p->next_ns;
	p->armed = true;
	bide_port_arm_(p->timer);
}

/*
 * After the tick at next_ns; those that have gone by meanwhile merge into it. What is beyond the
 * end of time is never due.
 */
static void arm_next(bide_periodic_timer *p)
{
	int64_t now_ns = bide_port_now_();

	p->next_ns = bide_time_add_(p->next_ns, p->period_ns);
	if (p->next_ns <= now_ns)
		p->next_ns = bide_time_add_(now_ns - (now_ns - p->next_ns) % p->period_ns, p->period_ns);
	arm(p);
}

/* Not NULL and not destroyed. What is freed says so while its memory is not used again. */
static bool is_timer(const bide_periodic_timer *p, const char *what)
{
	uint32_t alive = p ? BIDE_LOAD(&p->alive, RELAXED) : 0;

	if (p && alive == alive_now())
		return true;
	bide_misuse_("%s: timer %s", what,
	             !p                               ? "is NULL"
	             : alive - ALIVE - 1 < bide_life_ ? BIDE_OF_BEFORE_
	                                              : "was destroyed");
	return false;
}

static bool here(const char *what)
{
	if (bide_port_on_worker_())
		return true;
	bide_misuse_("%s: called on another thread than the worker's", what);
	return false;
}

/* Under the lock: nothing is armed any more. Its reference is the caller's to give up. */
static void drop_timer(bide_periodic_timer *p)
{
	bide_operation_discard_(&p->timer->source);
	p->timer = NULL;
}

/*
 * With one worker: another thread has stopped it or destroyed it, and the post of that is on its
 * way. From then on nothing is a tick.
 */
static bool is_asked(const bide_periodic_timer *p)
{
	return BIDE_LOAD(&p->asked, ACQUIRE) != 0; /* pairs with ask */
}

static void due(bide_listener *listener, bide_source *done)
{
	bide_periodic_timer *p = BIDE_CONTAINER_(listener, bide_periodic_timer, due);
	tick *t = NULL;

	(void)done;
	lock(p);
	p->armed = false;
	if (is_asked(p)) { /* the post ends the rest */
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
		p->missed = true; /* armed again when it is taken: an unread timer costs no wake-ups */
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

/* owners: 1: the owner's reference goes too. */
static void timer_stop(bide_periodic_timer *p, uint32_t owners)
{
	uint32_t references = owners;
	tick *t;

	lock(p);
	p->stopped = true;
	t = take_waiting(p);
	/* On its way it goes with its call. */
	if (p->timer && (!p->armed || bide_port_disarm_(p->timer))) {
		drop_timer(p);
		references++;
	}
	unlock_and_leave(p, references);
	if (t)
		answer(t, 0); /* which holds a reference */
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

/* Under the lock. false: there is nothing to tell yet. */
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

/* With a tick, which waits from then on or is given back. */
static bide_value_task wait_with(bide_periodic_timer *p, tick *t)
{
	bide_value_task v = bide_source_value_(&t->operation.source);
	bool ready;
	int error = 0;

	t->timer = p;
	t->live = 2;
	lock(p);
	ready = ready_now(p, 0, &v);
	if (!ready) {
		/* What fires at once waits for the lock. */
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
 * With one worker, from another thread: the post is sent once, for any number of calls. The
 * worker that runs it sees what was added meanwhile.
 */
static void ask(bide_periodic_timer *p, uint32_t what)
{
	bool here_now = bide_port_on_worker_();

	/* At once: a pending wait is answered before this returns. A post on its way ends the rest. */
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
