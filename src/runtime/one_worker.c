/*
 * one_worker.c - see one_worker.h.
 */
#include "runtime/one_worker.h"

#include "async/deque.h"
#include "async/fork.h"
#include "async/frame.h"
#include "async/thread_init.h"
#include "base/assert.h"
#include "base/misuse.h"
#include "base/settings.h"
#include "base/thread.h"
#include "os/os.h"
#include "runtime/mailbox.h"
#include "runtime/poll.h"
#include "runtime/prepare.h"
#include "runtime/reactor.h"
#include "runtime/runtime.h"
#include "runtime/simulation.h"
#include "runtime/thread.h"
#include "runtime/wheel.h"
#include "source/run_queue.h"
#include "source/timer.h"

enum {
	TURNS_BETWEEN_POLLS = 61, /* frames run at most, before it looks at mailbox and timers */
	CHECKED_MAX = 256,        /* frames of a queue that debug mode looks through */
	SPINS = 200               /* looks at the mailbox before it sleeps: about 5 us */
};

void bide_one_worker_start_(void)
{
	bide_runtime *r = &bide_runtime_;

	bide_wheel_init_(&r->wheel, r->simulating ? 0 : bide_os_now_ns_());
	bide_thread_init_(&r->main, bide_thread_number_(), false);
	r->main.head.stack_limit = bide_thread_stack_limit_();
	bide_current_thread_ = &r->main.head;
	r->worker_gone = 0;
}

/* Looks at the mailbox and the timers. Returns true if something became runnable or ran. */
static bool take_arrivals(void)
{
	bide_runtime *r = &bide_runtime_;
	bool any = bide_mailbox_take_();
	bide_timer *timer;
	int64_t now;

	bide_runtime_check_child_();
	if (r->wheel.count == 0)
		return any;
	now = bide_runtime_now_ns_();
	while ((timer = bide_wheel_expire_(&r->wheel, now, r->simulating)) != NULL) {
		bide_timer_due_(timer);
		any = true;
	}
	return any;
}

bool bide_one_worker_poll_(void)
{
	bide_runtime *r = &bide_runtime_;
	bool any = take_arrivals();

	/* A long queue is not looked at, because each look walks all of it. */
	BIDE_ASSERT_IN_DEBUG_(r->main.head.queue_count > CHECKED_MAX ||
	                      bide_run_queue_is_valid_(&r->main.head));
	r->turn = 0;
	return bide_reactor_look_(r->reactor) || any;
}

static inline bide_frame *take_next(bide_runtime *r)
{
	bide_thread_head *head = &r->main.head;
	bide_frame *frame = head->next;

	if (BIDE_UNLIKELY(r->seeded)) {
		if (frame)
			bide_queue_push_(head, frame);
		head->next = NULL;
		size_t count = head->queue_count < 16 ? head->queue_count : 16;
		size_t choice = bide_simulation_choose_(count + (bide_deque_size_(head) > 0));
		return choice < count ? bide_queue_pop_at_(head, choice) : NULL;
	}
	if (BIDE_UNLIKELY(!frame || (head->handovers >= BIDE_HANDOVERS_MAX_ && head->queue_head))) {
		head->handovers = 0;
		return bide_queue_pop_(head);
	}
	/* If no other frame waits, the chain may hand over again, after a look at the rest. */
	if (BIDE_UNLIKELY(head->handovers >= BIDE_HANDOVERS_MAX_)) {
		head->handovers = 0;
		r->turn = TURNS_BETWEEN_POLLS;
	}
	head->handovers++;
	head->next = NULL;
	return frame;
}

static bool run_fork(bide_runtime *r, uintptr_t entry)
{
	if (!entry)
		return false;
	if (r->simulating)
		bide_simulation_note_fork_(bide_runtime_now_ns_());
	if (bide_debug_)
		bide_scribble_();
	bide_fork_run_(&r->main.head, (bide_fork *)entry);
	return true;
}

static inline bool step(void)
{
	bide_runtime *r = &bide_runtime_;
	bide_frame *frame = take_next(r);

	if (!frame && run_fork(r, bide_deque_owner_pop_(&r->main.head)))
		return true;
	if (!frame && !(frame = take_next(r)))
		return false;
	bide_prepare_frame_(frame);
	if (BIDE_UNLIKELY(r->checks_each_step)) {
		if (r->simulating)
			bide_simulation_note_(frame, bide_runtime_now_ns_());
		r->main.head.handovers =
			BIDE_HANDOVERS_MAX_; /* so that each frame comes back to this loop */
	}
	bide_frame_resume_(&r->main.head, frame);
	if (BIDE_UNLIKELY(r->checks_each_step))
		r->main.head.handovers = 0;
	return true;
}

bool bide_one_worker_turn_(void)
{
	bide_runtime *r = &bide_runtime_;

	if (r->turn++ < TURNS_BETWEEN_POLLS)
		return step() || bide_one_worker_poll_();
	bide_one_worker_poll_();
	run_fork(r, bide_deque_owner_pop_oldest_(&r->main.head));
	return true;
}

/*
 * The same as park, in the reactor. `parked` is 0 while events are handed out, so that a sender
 * does not signal a worker that is awake.
 */
static void park_in_reactor(int64_t deadline_ns)
{
	bide_runtime *r = &bide_runtime_;
	unsigned fetched = 0;

	BIDE_STORE(&r->parked, (uint32_t)BIDE_PARKED_IN_REACTOR, SEQ_CST);
	if (!BIDE_LOAD(&r->mailbox, SEQ_CST)) /* the order of mailbox.h */
		fetched = bide_reactor_hooks_->fetch(r->reactor, deadline_ns);
	BIDE_STORE(&r->parked, 0u, RELAXED);
	if (fetched)
		bide_reactor_hooks_->hand_out(r->reactor);
}

/* Sleeps until something is sent, a timer is due, an event comes, or the deadline. */
static void park(int64_t deadline_ns)
{
	bide_runtime *r = &bide_runtime_;
	int64_t timer_ns = bide_wheel_next_ns_(&r->wheel);

	if (timer_ns < deadline_ns)
		deadline_ns = timer_ns;
	if (r->reactor) {
		park_in_reactor(deadline_ns);
		return;
	}
	for (unsigned i = 0; i < SPINS; i++) {
		if (BIDE_LOAD(&r->mailbox, RELAXED))
			return;
		BIDE_RELAX();
	}
	BIDE_STORE(&r->parked, (uint32_t)BIDE_PARKED_FUTEX, SEQ_CST);
	if (!BIDE_LOAD(&r->mailbox, SEQ_CST)) /* the order of mailbox.h */
		bide_os_wait_(&r->parked, BIDE_PARKED_FUTEX, deadline_ns);
	BIDE_STORE(&r->parked, 0u, RELAXED);
}

/* Nothing is runnable: virtual time goes on to the next timer, or to the deadline. */
static int simulate_idle(int64_t deadline_ns)
{
	bide_runtime *r = &bide_runtime_;
	int64_t first_ns = bide_wheel_first_exact_ns_(&r->wheel);

	if (first_ns == BIDE_FOREVER && deadline_ns == BIDE_FOREVER)
		return BIDE_EDEADLK_;
	if (first_ns > deadline_ns)
		first_ns = deadline_ns;
	if (first_ns > r->virtual_now_ns)
		BIDE_STORE(&r->virtual_now_ns, first_ns, RELAXED);
	return 0;
}

void bide_one_worker_advance_(void)
{
	if (simulate_idle(BIDE_FOREVER) == 0)
		bide_one_worker_poll_();
}

static bool is_over(int64_t deadline_ns)
{
	return deadline_ns != BIDE_FOREVER && bide_runtime_now_ns_() >= deadline_ns;
}

/* Returns how often it looks around until what is ready now has run. */
static size_t looks_until_run(const bide_thread_head *head)
{
	size_t ready = head->queue_count + bide_deque_size_(head) + (head->next ? 1 : 0);

	return 1 + (ready < BIDE_RUN_READY_MAX_ ? ready : BIDE_RUN_READY_MAX_) / TURNS_BETWEEN_POLLS;
}

/*
 * Without work it does not look at the reactor, because park does; but it looks after so many
 * functions in any case. After the deadline it looks a few times more, for what is ready. A first
 * look that is late already may have come before anything ran: what is ready then runs.
 */
int bide_one_worker_run_(const bool *done, int64_t deadline_ns)
{
	bide_runtime *r = &bide_runtime_;
	size_t looks = 0, looks_min = 0;
	unsigned late = 0;
	int error;

	while (!*done) {
		if (r->turn++ >= TURNS_BETWEEN_POLLS) {
			bide_one_worker_poll_();
			run_fork(r, bide_deque_owner_pop_oldest_(&r->main.head));
			if (!*done && is_over(deadline_ns)) {
				if (looks == 0)
					looks_min = looks_until_run(&r->main.head);
				if (looks >= looks_min)
					return BIDE_ETIMEDOUT_;
			}
			looks++;
			continue;
		}
		if (step() || take_arrivals())
			continue;
		if (is_over(deadline_ns)) {
			if (late++ < TURNS_BETWEEN_POLLS && bide_reactor_look_(r->reactor))
				continue;
			return BIDE_ETIMEDOUT_;
		}
		if (!r->simulating)
			park(deadline_ns);
		else if ((error = simulate_idle(deadline_ns)) != 0)
			return error;
	}
	bide_runtime_check_child_();
	return 0;
}

int bide_one_worker_run_inside_(const bool *done, int64_t deadline_ns, const char *what)
{
	uintptr_t saved = bide_context_push_(NULL);
	const char *before = bide_inside_enter_(what);
	int error;

	bide_poll_pause_if_polled_();
	error = bide_one_worker_run_(done, deadline_ns);
	bide_poll_resume_if_polled_();
	bide_inside_ = before;
	bide_context_pop_(saved);
	return error;
}

bool bide_one_worker_is_valid_(void)
{
	const bide_thread_head *head = &bide_runtime_.main.head;
	size_t count = 0;

	for (const bide_frame *frame = head->queue_head; frame; frame = bide_queue_link_(frame)) {
		BIDE_INVARIANT_(++count <= head->queue_count);
		BIDE_INVARIANT_(bide_queue_link_(frame) || frame == head->queue_tail);
	}
	BIDE_INVARIANT_(count == head->queue_count);
	BIDE_INVARIANT_(count > 0 || !head->queue_tail);
	BIDE_INVARIANT_(bide_runtime_.turn <= TURNS_BETWEEN_POLLS);
	return bide_wheel_is_valid_(&bide_runtime_.wheel) &&
	       bide_reactor_is_valid_(bide_runtime_.reactor);
}
