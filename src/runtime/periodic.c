/*
 * periodic.c - the periodic timer: one consumer, ticks that nobody waited for merge into one.
 */
#include "../os/os.h"
#include "runtime.h"

typedef struct tick {
	bide_operation operation;
	bide_cancel_node node;
	bide_periodic_timer *timer;
} tick;

struct bide_periodic_timer {
	bide_notify due;
	bide_post stop;
	bide_timer *timer; /* armed; NULL: stopped */
	tick *waiting;
	int64_t period_ns, next_ns;
	uint32_t asked; /* to stop, to go; atomic. Not 0: the post is in the inbox */
	bool missed, stopped;
};

enum { ASKED_TO_STOP = 1, ASKED_TO_GO = 2 };

static const bide_operation_type tick_type = { "periodic timer" };

static bool period_valid(int64_t period_ns, const char *what)
{
	if (period_ns >= 1 && period_ns <= BIDE_DELAY_MAX_NS)
		return true;
	bide_misuse_("%s: a period of %lld ns; 1 to %lld are allowed", what, (long long)period_ns,
	             (long long)BIDE_DELAY_MAX_NS);
	return false;
}

static void answer(bide_periodic_timer *p, int64_t result, int error)
{
	tick *t = p->waiting;

	p->waiting = NULL;
	bide_cancel_unlink_(&t->node);
	bide_cancel_drop_(&t->node);
	bide_operation_complete_(&t->operation, bide_payload_int_(result), error);
}

static void arm(bide_periodic_timer *p)
{
	p->timer->source.payload.i = p->next_ns;
	(void)bide_watch_(bide_source_value_(&p->timer->source), &p->due, "bide_periodic_timer", NULL);
	bide_port_arm(p->timer);
}

/* After the tick at next_ns; those that have gone by meanwhile merge into it. */
static void arm_next(bide_periodic_timer *p)
{
	int64_t now_ns = bide_port_now();

	p->next_ns += p->period_ns;
	if (p->next_ns <= now_ns)
		p->next_ns += (now_ns - p->next_ns) / p->period_ns * p->period_ns + p->period_ns;
	arm(p);
}

static bool here(const char *what)
{
	if (bide_port_on_worker())
		return true;
	bide_misuse_("%s: called on another thread than the worker's", what);
	return false;
}

/* The same timer object serves for ever: its word is put back before it is armed again. */
static void due(bide_notify *notify, bide_source *done)
{
	bide_periodic_timer *p = BIDE_CONTAINER_(notify, bide_periodic_timer, due);

	done->word = BIDE_WORD_PENDING_;
	if (p->waiting) {
		arm_next(p);
		answer(p, 1, 0);
	} else {
		p->missed = true; /* the next is armed when this one is taken: unread ticks wake nobody */
	}
}

bide_periodic_timer *bide_periodic_timer_create(int64_t period_ns)
{
	bide_periodic_timer *p;

	if (!period_valid(period_ns, "bide_periodic_timer_create") || !bide_worker_())
		return NULL;
	if (!here("bide_periodic_timer_create"))
		return NULL;
	p = bide_allocate_(sizeof *p, 16);
	if (!p)
		return NULL;
	*p = (bide_periodic_timer){ .due = { due }, .period_ns = period_ns };
	p->timer = bide_timer_new_(sizeof *p->timer);
	if (!p->timer) {
		bide_deallocate_(p, sizeof *p);
		return NULL;
	}
	p->next_ns = bide_deadline_after_(period_ns);
	arm(p);
	return p;
}

static void timer_stop(bide_periodic_timer *p)
{
	if (p->timer) {
		if (bide_unwatch_(&p->timer->source, &p->due)) /* else it is not armed: a tick was missed */
			bide_port_disarm(p->timer);
		bide_operation_drop_(&p->timer->source);
	}
	p->timer = NULL;
	p->stopped = true;
	if (p->waiting)
		answer(p, 0, 0);
}

int bide_periodic_timer_set_period(bide_periodic_timer *p, int64_t period_ns)
{
	if (!p)
		bide_misuse_("bide_periodic_timer_set_period: timer is NULL");
	if (!p || !here("bide_periodic_timer_set_period") ||
	    !period_valid(period_ns, "bide_periodic_timer_set_period"))
		return BIDE_EINVAL_;
	p->period_ns = period_ns;
	if (p->missed)
		p->next_ns = bide_port_now();
	if (p->timer && bide_unwatch_(&p->timer->source, &p->due)) {
		bide_port_disarm(p->timer);
		p->next_ns = bide_deadline_after_(period_ns);
		arm(p);
	}
	return 0;
}

static void tick_canceled(bide_cancel_node *node, int error)
{
	tick *t = BIDE_CONTAINER_(node, tick, node);

	t->timer->waiting = NULL;
	bide_cancel_drop_(node);
	bide_operation_complete_(&t->operation, bide_payload_int_(0), error);
}

bide_value_task bide_periodic_timer_next(bide_periodic_timer *p)
{
	bide_value_task v;
	tick *t;
	int error = bide_context_error(NULL);

	if (!p || p->waiting) {
		bide_misuse_("bide_periodic_timer_next: %s",
		             !p ? "timer is NULL" : "somebody waits already; a timer has one consumer");
		return bide_value_task_from_error(p ? BIDE_EBUSY_ : BIDE_EINVAL_);
	}
	if (!here("bide_periodic_timer_next"))
		return bide_value_task_from_error(BIDE_EINVAL_);
	if (p->stopped)
		return bide_value_task_from_int(0);
	if (error)
		return bide_value_task_from_error(error);
	if (p->missed) {
		p->missed = false;
		arm_next(p);
		return bide_value_task_from_int(1);
	}
	t = (tick *)(void *)bide_operation_new_(sizeof *t, &tick_type);
	if (!t)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	v = bide_source_value_(&t->operation.source);
	t->timer = p;
	error = bide_cancel_link_(bide_context_core_(), &t->node, tick_canceled);
	if (error) {
		bide_operation_drop_(&t->operation.source);
		return bide_value_task_from_error(error);
	}
	p->waiting = t;
	return v;
}

static void stop_posted(bide_post *post)
{
	bide_periodic_timer *p = BIDE_CONTAINER_(post, bide_periodic_timer, stop);
	/* pairs with ask: from here on it may be posted again */
	uint32_t asked = BIDE_SWAP(&p->asked, 0u, ACQ_REL);

	timer_stop(p);
	if (asked & ASKED_TO_GO)
		bide_deallocate_(p, sizeof *p);
}

/*
 * The post is sent once, whoever asks: then it is in the inbox, and whoever runs it sees what was
 * added meanwhile.
 */
static void ask(bide_periodic_timer *p, uint32_t what)
{
	bool on_worker = bide_port_on_worker();
	uint32_t before;

	if (on_worker)
		timer_stop(p); /* at once: a pending wait is answered before this returns */
	before = BIDE_OR(&p->asked, what, ACQ_REL); /* pairs with stop_posted */
	if (before != 0)
		return;
	p->stop.run = stop_posted;
	if (on_worker)
		stop_posted(&p->stop);
	else
		bide_port_post(&p->stop);
}

void bide_periodic_timer_stop(bide_periodic_timer *p)
{
	if (p)
		ask(p, ASKED_TO_STOP);
}

void bide_periodic_timer_destroy(bide_periodic_timer *p)
{
	if (p)
		ask(p, ASKED_TO_GO);
}
