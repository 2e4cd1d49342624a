/*
 * Falling asleep and waking (runtime/sleep.c) in all orders: if something is runnable and no worker
 * runs it, a worker is awake that will find it. The workers around it are a small model: an inbox,
 * one deque with a pushing owner, and workers that search once before they sleep.
 */
#include "explore.h"

#include <string.h>

#include "os/os.h"
#include "runtime/reactor.h"
#include "runtime/sleep.h"
#include "runtime/workers.h"

enum { DUE_NS = 500, WATCH_NS = 1000 };

static struct {
	unsigned workers;
	bide_sleeper sleepers[3];
	uint32_t inbox;        /* its number of entries */
	uint32_t head, bottom; /* indices of the deque */
	uint32_t wanted;       /* set by a worker that would steal */
	uint32_t found;        /* entries that workers found */
	int64_t due_ns;        /* first timer of worker 0 */
	unsigned monitors;     /* how often one began */
	bool no_membarrier;    /* as for the deque */
	bool round_is_soon;    /* of a worker that makes rounds */
	bool batch;            /* worker 1 has one, which it hides */
} w;

/* --- what sleep.h needs of the workers --- */

unsigned bide_workers_count_(void)
{
	return w.workers;
}

bide_sleeper *bide_workers_sleeper_(unsigned index)
{
	return &w.sleepers[index];
}

bool bide_workers_have_work_(void)
{
	return BIDE_LOAD(&w.inbox, RELAXED) != 0 ||
	       BIDE_LOAD(&w.bottom, RELAXED) != BIDE_LOAD(&w.head, RELAXED);
}

bool bide_workers_others_have_work_(const bide_sleeper *sleeper)
{
	return bide_workers_have_work_() || (w.batch && sleeper != &w.sleepers[1]);
}

void bide_workers_want_(void)
{
	BIDE_STORE(&w.wanted, 1u, RELAXED);
}

void bide_workers_woken_(bide_sleeper *sleeper)
{
	(void)sleeper;
}

void bide_workers_monitor_(bool others_run)
{
	(void)others_run;
	w.monitors++; /* plain: there is one monitor at a time */
}

uint32_t bide_workers_rounds_max_(bide_sleeper *sleeper, bool others_run)
{
	(void)sleeper;
	(void)others_run;
	return 0;
}

bool bide_workers_round_is_soon_(void)
{
	return w.round_is_soon;
}

int64_t bide_workers_wake_time_(bide_sleeper *sleeper, bool rounds, bool soon)
{
	(void)soon;
	(void)rounds;
	return sleeper == &w.sleepers[0] ? BIDE_LOAD(&w.due_ns, SEQ_CST) : INT64_MAX;
}

int64_t bide_workers_look_time_(bide_sleeper *sleeper)
{
	return sleeper->monitors ? WATCH_NS : INT64_MAX;
}

/* The look: of a thread that has something, or that the monitor's own time has come. */
bool bide_workers_sleep_on_(bide_sleeper *sleeper, int64_t until_ns)
{
	(void)sleeper;
	return until_ns > WATCH_NS && !bide_workers_have_work_() && !explore_is_over();
}

/* --- a reactor: what is signaled stays until it is fetched --- */

struct bide_reactor {
	uint32_t signaled; /* a futex */
	uint32_t events;
};

static struct bide_reactor reactor;

static unsigned reactor_fetch(struct bide_reactor *r, int64_t deadline_ns)
{
	if (!BIDE_SWAP(&r->signaled, 0u, ACQUIRE)) {
		bide_os_wait_(&r->signaled, 0, deadline_ns);
		(void)BIDE_SWAP(&r->signaled, 0u, ACQUIRE);
	}
	return BIDE_SWAP(&r->events, 0u, ACQUIRE);
}

static void reactor_wake(struct bide_reactor *r)
{
	BIDE_STORE(&r->signaled, 1u, RELEASE);
	bide_os_wake_(&r->signaled, 1);
}

static const bide_reactor_hooks reactor_hooks = { .fetch = reactor_fetch, .wake = reactor_wake };

/* --- the workers --- */

static bool take(void)
{
	uint32_t seen = BIDE_LOAD(&w.inbox, RELAXED);

	while (seen != 0)
		if (BIDE_CAS(&w.inbox, &seen, seen - 1, ACQ_REL, RELAXED))
			return true;
	seen = BIDE_LOAD(&w.head, ACQUIRE);
	while (BIDE_LOAD(&w.bottom, ACQUIRE) != seen)
		if (BIDE_CAS(&w.head, &seen, seen + 1, ACQ_REL, ACQUIRE))
			return true;
	return false;
}

/* A function begins. */
static void runs(unsigned index)
{
	if (!w.sleepers[index].monitors)
		return;
	w.monitors++;
	bide_sleep_monitor_end_(&w.sleepers[index]);
	if (bide_sleep_others_run_())
		bide_sleep_ask_look_();
}

/* The loop of workers.c. A busy worker runs what it has found for ever. */
static void work(unsigned index, bool busy)
{
	bool woken = false, found;

	while (!explore_is_over() && !bide_sleep_stops_()) {
		found = false;
		if (woken || bide_sleep_search_begin_()) {
			found = take();
			bide_sleep_search_end_(found);
			if (found)
				runs(index);
		} else if (bide_workers_have_work_()) {
			if (explore_newest(&bide_sleep_.searching) * 2 >= w.workers)
				explore_relax(); /* tries again until the searchers are through */
			continue;
		}
		if (!found)
			woken = bide_sleep_wait_(&w.sleepers[index], woken);
		else if (busy)
			return;
		else
			woken = false;
	}
}

BIDE_UNUSED static void worker_0(void)
{
	work(0, false);
}

BIDE_UNUSED static void worker_1(void)
{
	work(1, false);
}

/* These run what they find for ever. */
BIDE_UNUSED static void busy_worker_0(void)
{
	work(0, true);
}

BIDE_UNUSED static void busy_worker_1(void)
{
	work(1, true);
}

/* The worker goes on sleeping, and searches only if it was woken. */
static void go_on_sleeping(bool woken)
{
	bool found = false;

	while (!explore_is_over() && !found) {
		if (woken || bide_workers_have_work_())
			found = take();
		if (woken)
			bide_sleep_search_end_(found);
		if (found)
			runs(0);
		woken = !found && bide_sleep_wait_(&w.sleepers[0], woken);
	}
}

BIDE_UNUSED static void sleeper_thread(void)
{
	go_on_sleeping(false);
}

/* The pusher is a worker that runs on for ever, so it does not take what it has pushed. */
BIDE_UNUSED static void push_thread(void)
{
	BIDE_STORE(&w.bottom, w.bottom + 1, RELEASE);
	BIDE_LIGHT_FENCE();
	if (w.no_membarrier)
		BIDE_FENCE(SEQ_CST);
	if (BIDE_LOAD(&w.wanted, RELAXED))
		bide_sleep_offer_(&w.wanted);
}

BIDE_UNUSED static void push_twice_thread(void)
{
	push_thread();
	push_thread();
}

/*
 * Sleeps until it is woken, then pushes. A worker that falls asleep meanwhile may see no worker
 * awake.
 */
BIDE_UNUSED static void woken_pusher_1(void)
{
	bide_os_wait_(&w.sleepers[1].state, BIDE_SLEEPS_, INT64_MAX);
	while (BIDE_LOAD(&w.sleepers[1].state, ACQUIRE) != BIDE_RUNS_)
		explore_relax();
	bide_sleep_search_end_(take());
	push_thread();
	if (take()) /* its own entry, unless the other worker was quicker */
		push_thread();
}

/*
 * The sender is not a worker. It wakes one only if it finds the inbox empty. (The lock of the real
 * inbox orders the senders.)
 */
BIDE_UNUSED static void send_thread(void)
{
	if (BIDE_ADD(&w.inbox, 1u, SEQ_CST) == 0)
		bide_sleep_wake_one_();
}

BIDE_UNUSED static void send_twice_thread(void)
{
	send_thread();
	send_thread();
}

/* Gives worker 0 a reactor, as bide_reactor_place_ does. */
BIDE_UNUSED static void place_thread(void)
{
	BIDE_STORE(&w.sleepers[0].reactor, &reactor, SEQ_CST);
	bide_sleep_rearm_(&w.sleepers[0]);
}

/* The kernel reports an event. */
BIDE_UNUSED static void event_thread(void)
{
	BIDE_STORE(&reactor.events, 1u, RELEASE);
	reactor_wake(&reactor);
}

/*
 * Another worker takes what the reactor has, as bide_rescue_ does. If that is the signal for a
 * worker that sleeps, it passes it on.
 */
BIDE_UNUSED static void rescue_thread(void)
{
	if (BIDE_SWAP(&reactor.signaled, 0u, ACQ_REL) && BIDE_LOAD(&w.sleepers[0].in_reactor, ACQUIRE))
		reactor_wake(&reactor);
}

BIDE_UNUSED static void arm_thread(void)
{
	BIDE_STORE(&w.due_ns, (int64_t)DUE_NS, SEQ_CST);
	bide_sleep_rearm_(&w.sleepers[0]);
}

/*
 * The sleeping worker 0 wakes by itself, as at the end of bide_sleep_wait_, and runs a function for
 * ever; or it was woken, and searches.
 */
BIDE_UNUSED static void time_out_thread(void)
{
	uint32_t seen = BIDE_SLEEPS_;

	if (BIDE_CAS(&w.sleepers[0].state, &seen, (uint32_t)BIDE_RUNS_, SEQ_CST, RELAXED)) {
		(void)BIDE_SUB(&bide_sleep_.asleep, 1u, SEQ_CST);
		return;
	}
	while (BIDE_LOAD(&w.sleepers[0].state, ACQUIRE) != BIDE_RUNS_)
		explore_relax();
	go_on_sleeping(true);
}

/*
 * Worker 0 is the monitor, and its look has found that nothing runs, while worker 1 wakes by itself
 * and runs a function for ever. So another worker has to monitor it.
 */
BIDE_UNUSED static void monitor_that_ends(void)
{
	w.monitors++;
	bide_sleep_monitor_end_(&w.sleepers[0]);
	go_on_sleeping(false);
}

/* The monitor has found a function, which it runs for ever. Worker 2 sleeps. */
BIDE_UNUSED static void monitor_that_runs(void)
{
	runs(0);
}

BIDE_UNUSED static void wake_and_ask_thread(void)
{
	uint32_t seen = BIDE_SLEEPS_;

	if (!BIDE_CAS(&w.sleepers[1].state, &seen, (uint32_t)BIDE_RUNS_, SEQ_CST, RELAXED))
		return;
	(void)BIDE_SUB(&bide_sleep_.asleep, 1u, SEQ_CST);
	bide_sleep_ask_monitor_();
}

/* Worker 0, which makes rounds, wakes by itself, and runs a function for ever. Worker 2 sleeps. */
BIDE_UNUSED static void round_maker_that_runs(void)
{
	uint32_t seen = BIDE_SLEEPS_;

	(void)BIDE_SUB(&bide_sleep_.rounds, 1u, SEQ_CST);
	if (!BIDE_CAS(&w.sleepers[0].state, &seen, (uint32_t)BIDE_RUNS_, SEQ_CST, RELAXED))
		return;
	(void)BIDE_SUB(&bide_sleep_.asleep, 1u, SEQ_CST);
	if (bide_sleep_others_run_())
		bide_sleep_ask_look_();
}

/* Worker 1 wakes by itself, hides something, and runs on for ever. */
BIDE_UNUSED static void wake_and_hide_thread(void)
{
	uint32_t seen = BIDE_SLEEPS_;

	if (!BIDE_CAS(&w.sleepers[1].state, &seen, (uint32_t)BIDE_RUNS_, SEQ_CST, RELAXED))
		return;
	(void)BIDE_SUB(&bide_sleep_.asleep, 1u, SEQ_CST);
	bide_sleep_ask_look_();
}

/* The worker has found a function, which it runs for ever. */
BIDE_UNUSED static void found_thread(void)
{
	bide_sleep_search_end_(true);
}

/* Worker 1 has found a batch, hides it, and runs a function of it for ever. */
BIDE_UNUSED static void hide_thread(void)
{
	bide_sleep_search_hide_(&w.sleepers[1]);
}

/* A worker has hidden something. */
BIDE_UNUSED static void ask_thread(void)
{
	bide_sleep_ask_look_();
}

BIDE_UNUSED static void do_nothing(void)
{
}

BIDE_UNUSED static void stop_thread(void)
{
	bide_sleep_stop_();
	bide_sleep_wake_(&w.sleepers[0]);
}

/* --- setups and claims --- */

static void setup(unsigned workers)
{
	memset(&w, 0, sizeof w);
	w.workers = workers;
	w.due_ns = INT64_MAX;
	w.no_membarrier = !bide_port_heavy_fence_();
	bide_reactor_hooks_ = &reactor_hooks;
	memset(&reactor, 0, sizeof reactor);
	bide_sleep_start_();
}

/* Worker 0 has a reactor. */
BIDE_UNUSED static void setup_reactor(void)
{
	setup(2);
	w.sleepers[0].reactor = &reactor;
}

BIDE_UNUSED static void setup_alone(void)
{
	setup(1);
}

/* One of them may be the pusher. While it runs, one of the sleepers watches. */
BIDE_UNUSED static void setup_workers(void)
{
	setup(2);
}

/* Both sleep, and a third worker pushes. */
BIDE_UNUSED static void setup_asleep(void)
{
	setup(3);
	w.sleepers[0].state = w.sleepers[1].state = BIDE_SLEEPS_;
	bide_sleep_.asleep = 2;
	bide_workers_want_();
}

/*
 * Worker 0 sleeps and another worker searches, so the pusher need not wake one, and `wanted` has
 * been reset.
 */
BIDE_UNUSED static void setup_searched(void)
{
	setup(3);
	w.sleepers[0].state = BIDE_SLEEPS_;
	bide_sleep_.asleep = bide_sleep_.searching = 1;
}

/* The same, and worker 1, which searches, has a batch. */
BIDE_UNUSED static void setup_batch(void)
{
	setup_searched();
	w.batch = true;
}

/* There are no other workers. */
BIDE_UNUSED static void setup_batch_of_two(void)
{
	setup_batch();
	w.workers = 2;
}

/* Worker 1 already sleeps. */
BIDE_UNUSED static void setup_one_asleep(void)
{
	setup(2);
	w.sleepers[1].state = BIDE_SLEEPS_;
	w.wanted = bide_sleep_.asleep = 1;
}

/* Worker 0 is awake for its look; worker 1 sleeps. */
BIDE_UNUSED static void setup_monitor(void)
{
	setup_one_asleep();
	w.sleepers[0].monitors = bide_sleep_.monitored = 1;
}

/* The same, and worker 2 sleeps. */
BIDE_UNUSED static void setup_monitor_of_two(void)
{
	setup_monitor();
	w.workers = 3;
	w.sleepers[2].state = BIDE_SLEEPS_;
	bide_sleep_.asleep = 2;
}

/* All sleep, and one of them makes rounds: the next one comes soon, or late. */
static void setup_rounds(bool soon)
{
	setup(3);
	for (int i = 0; i < 3; i++)
		w.sleepers[i].state = BIDE_SLEEPS_;
	bide_sleep_.asleep = 3;
	bide_sleep_.rounds = 1;
	w.round_is_soon = soon;
}

BIDE_UNUSED static void setup_round_soon(void)
{
	setup_rounds(true);
}

/* The worker that makes them is 0, and becomes the monitor when it has found nothing. */
BIDE_UNUSED static void setup_round_late(void)
{
	setup_rounds(false);
}

BIDE_UNUSED static void one_is_woken(void)
{
	EXPLORE_CHECK(bide_sleep_.searching == 1 && bide_sleep_.asleep == 1);
}

BIDE_UNUSED static void none_is_woken(void)
{
	EXPLORE_CHECK(bide_sleep_.searching == 0 && bide_sleep_.asleep == 2);
}

/* Worker 1 runs for ever, so worker 0 sleeps as the monitor. */
BIDE_UNUSED static void is_monitored(void)
{
	EXPLORE_CHECK(w.sleepers[0].monitors || w.sleepers[0].state == BIDE_RUNS_);
	EXPLORE_CHECK(w.sleepers[1].state == BIDE_RUNS_);
}

/* Workers 0 and 1 run for ever, so worker 2 was woken: it is the monitor when it sleeps again. */
BIDE_UNUSED static void is_told_to_monitor(void)
{
	EXPLORE_CHECK(w.sleepers[2].state == BIDE_RUNS_);
}

BIDE_UNUSED static void setup_three(void)
{
	setup(3);
}

/*
 * A pusher and a sleeper may miss each other, unless the pusher passes a full fence. Then the
 * monitor has a time for its look, which finds what was pushed.
 */
static bool is_looked_for(void)
{
	int64_t until_ns;

	for (int i = 0; i < 2; i++)
		if (w.sleepers[i].monitors && explore_sleeps(i, &until_ns) && until_ns <= WATCH_NS)
			return !w.no_membarrier;
	return false;
}

static void nothing_is_left(void)
{
	int64_t until_ns;

	EXPLORE_CHECK(BIDE_LOAD(&w.inbox, RELAXED) == 0);
	EXPLORE_CHECK(!bide_workers_have_work_() || is_looked_for());
	EXPLORE_CHECK(bide_sleep_.searching == 0);
	EXPLORE_CHECK(bide_sleep_is_valid_());
	for (int i = 0; i < 2; i++)
		if (explore_sleeps(i, &until_ns) && i == 0)
			EXPLORE_CHECK(until_ns <= w.due_ns);
}

/* Workers 1 and 2 run for ever. */
BIDE_UNUSED static void is_told_to_monitor_both(void)
{
	EXPLORE_CHECK(w.sleepers[0].state == BIDE_RUNS_ && bide_sleep_.searching == 1);
}

/* Checks that worker 0 was woken if an entry is left; check_woken does so for worker 1. */
BIDE_UNUSED static void check_told(void)
{
	EXPLORE_CHECK(!bide_workers_have_work_() || w.sleepers[0].state == BIDE_RUNS_);
}

BIDE_UNUSED static void sleeps_on(void)
{
	EXPLORE_CHECK(w.sleepers[0].state == BIDE_SLEEPS_ && bide_sleep_.searching == 0);
}

BIDE_UNUSED static void check_woken(void)
{
	EXPLORE_CHECK(!bide_workers_have_work_() || w.sleepers[1].state == BIDE_RUNS_);
}

/* A worker that has a reactor sleeps in it, and no event is left. */
BIDE_UNUSED static void sleeps_in_reactor(void)
{
	EXPLORE_CHECK(w.sleepers[0].state == BIDE_RUNS_ || w.sleepers[0].in_reactor);
	EXPLORE_CHECK(!reactor.events);
	nothing_is_left();
}

static void check(void)
{
	EXPLORE_CHECK(bide_sleep_.searching == 0 || bide_sleep_.stopping);
}

#define SLEEP(name_, setup_, threads_, ...)                                         \
	SCENARIO(sleep_##name_, setup_, THREADS threads_, check, .shared = true,        \
	         .quiet = nothing_is_left, __VA_ARGS__)                                 \
	SCENARIO(sleep_fenced_##name_, setup_, THREADS threads_, check, .shared = true, \
	         .quiet = nothing_is_left, .no_membarrier = true, __VA_ARGS__)

#ifndef EXPLORE_SLOW
SLEEP(push, setup_workers, (worker_0, push_thread), .switches_max = 3)
SLEEP(two_pushes, setup_workers, (worker_0, push_twice_thread), .switches_max = 3,
      .newest_only = true)
SLEEP(push_and_two_busy_workers, setup_three, (busy_worker_0, busy_worker_1, push_twice_thread),
      .switches_max = 2, .newest_only = true)
SLEEP(sender, setup_alone, (worker_0, send_thread), .switches_max = 4)
SLEEP(two_sent, setup_workers, (worker_0, send_twice_thread), .switches_max = 3,
      .newest_only = true)
SLEEP(two_senders, setup_alone, (sleeper_thread, send_thread, send_thread), .switches_max = 3,
      .newest_only = true)
SLEEP(timer, setup_alone, (worker_0, arm_thread), .switches_max = 3)
/*
 * If the worker that a thread wants to wake has just woken by itself, the thread checks for work in
 * its place, and so finds what the pusher left to it.
 */
SCENARIO(sleep_push_left_to_who_wakes_nobody, setup_asleep,
         THREADS(time_out_thread, arm_thread, push_thread), check_woken, .shared = true,
         .quiet = check_woken, .switches_max = 2)
SCENARIO(sleep_fenced_push_as_a_searcher_finds, setup_searched, THREADS(found_thread, push_thread),
         check_told, .shared = true, .no_membarrier = true)
/* What others leave to a searcher is not hidden with its own batch. */
SCENARIO(sleep_fenced_push_as_a_searcher_hides, setup_batch, THREADS(hide_thread, push_thread),
         check_told, .shared = true, .no_membarrier = true)
SCENARIO(sleep_sent_as_a_searcher_hides, setup_batch, THREADS(hide_thread, send_thread), check_told,
         .shared = true)
SCENARIO(sleep_monitor_asked_for_as_a_searcher_hides, setup_batch, THREADS(hide_thread, ask_thread),
         is_told_to_monitor_both, .shared = true)
SCENARIO(sleep_hidden_batch_wakes_nobody, setup_batch_of_two, THREADS(hide_thread, do_nothing),
         sleeps_on, .shared = true)
/* --- in a reactor --- */
SCENARIO(sleep_in_reactor_and_sender, setup_reactor, THREADS(worker_0, send_thread), check,
         .shared = true, .quiet = sleeps_in_reactor, .switches_max = 3)
SCENARIO(sleep_in_reactor_and_event, setup_reactor, THREADS(worker_0, event_thread), check,
         .shared = true, .quiet = sleeps_in_reactor, .switches_max = 3)
SCENARIO(sleep_in_reactor_event_and_sender, setup_reactor,
         THREADS(sleeper_thread, event_thread, send_thread), check, .shared = true,
         .quiet = sleeps_in_reactor, .switches_max = 2, .newest_only = true)
SCENARIO(sleep_in_reactor_that_another_rescues_and_sender, setup_reactor,
         THREADS(sleeper_thread, rescue_thread, send_thread), check, .shared = true,
         .quiet = sleeps_in_reactor, .switches_max = 3, .newest_only = true)
SCENARIO(sleep_as_reactor_comes, setup_workers, THREADS(worker_0, place_thread), check,
         .shared = true, .quiet = sleeps_in_reactor, .switches_max = 3)
SCENARIO(sleep_fenced_as_reactor_comes, setup_workers, THREADS(worker_0, place_thread), check,
         .shared = true, .quiet = sleeps_in_reactor, .switches_max = 3, .no_membarrier = true)
SCENARIO(sleep_as_reactor_comes_and_sender, setup_workers,
         THREADS(sleeper_thread, place_thread, send_thread), check, .shared = true,
         .quiet = sleeps_in_reactor, .switches_max = 2, .newest_only = true)
SCENARIO(sleep_monitor_that_ends_against_one_that_begins, setup_monitor,
         THREADS(monitor_that_ends, wake_and_ask_thread), is_monitored, .shared = true,
         .quiet = is_monitored, .switches_max = 4)
SCENARIO(sleep_monitor_that_runs_against_one_that_begins, setup_monitor_of_two,
         THREADS(monitor_that_runs, wake_and_ask_thread), is_told_to_monitor, .shared = true)
SCENARIO(sleep_monitor_asked_for_as_a_searcher_finds, setup_searched,
         THREADS(found_thread, ask_thread), is_told_to_monitor_both, .shared = true)
SCENARIO(sleep_round_maker_that_runs_against_what_is_hidden, setup_round_soon,
         THREADS(round_maker_that_runs, wake_and_hide_thread), is_told_to_monitor, .shared = true)
SCENARIO(sleep_hidden_while_a_round_comes_late, setup_round_late,
         THREADS(wake_and_hide_thread, do_nothing), one_is_woken, .shared = true)
SCENARIO(sleep_hidden_while_a_round_comes_soon, setup_round_soon,
         THREADS(wake_and_hide_thread, do_nothing), none_is_woken, .shared = true)
SCENARIO(sleep_stop, setup_alone, THREADS(worker_0, stop_thread), check, .shared = true)
SCENARIO(sleep_fenced_stop, setup_alone, THREADS(worker_0, stop_thread), check, .shared = true,
         .no_membarrier = true)
#else
SLEEP(push_by_one_who_slept, setup_one_asleep, (sleeper_thread, woken_pusher_1, send_thread),
      .switches_max = 2)
SLEEP(two_pushes_and_two_workers, setup_three, (worker_0, worker_1, push_twice_thread),
      .switches_max = 2, .newest_only = true)
SLEEP(timer_and_sender, setup_workers, (sleeper_thread, arm_thread, send_thread), .switches_max = 4,
      .newest_only = true)
#endif
