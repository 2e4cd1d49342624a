/*
 * The many workers (runtime/work.c, worker_*.c and workers.c, with the real ring, wheel and
 * protocol of sleep.c) in all orders. A runnable function runs once, on whichever worker takes it,
 * and does not wait behind a function that runs for ever while another worker could take it. A
 * timer ends once or is removed. Workers start and stop.
 *
 * Those sources are included in this file, so that their parts can meet one by one and their state
 * can be read. The ring has four places, the inbox one. Reading the clock advances it. Some lines
 * here replace the operating system.
 */
#define BIDE_RING_SIZE 4u
#define BIDE_INJECTOR_SIZE 1u
#define BIDE_THEFT_LOOKS 1
#include "explore.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "async/deque.h"
#include "os/os.h"
#include "runtime/prepare.h"
#include "runtime/ring.h"
#include "runtime/runtime.h"
#include "runtime/sleep.h"
#include "runtime/thread.h"
#include "runtime/wheel.h"
#include "source/run_queue.h"

enum { BALLS = 6, TIMERS = 2, START_NS = 1000000000 };

typedef struct ball { /* a runnable function */
	bide_frame frame;
	unsigned payload; /* plain: written by the thread that schedules it */
	unsigned ran;
	void (*then)(void);
} ball;

static struct {
	bide_thread_head *heads[EXPLORE_THREADS]; /* of the worker that the thread is, or NULL */
	int64_t now_ns[EXPLORE_THREADS];
	jmp_buf out[EXPLORE_THREADS]; /* out of a function that never returns */
	ball balls[BALLS];
	unsigned made;
	bide_fork fork;
	bide_timer *timers[TIMERS];
	bide_observer due[TIMERS];
	unsigned ended[TIMERS];
	bool disarmed[TIMERS];
	unsigned threads; /* number of threads that the workers started */
	uint32_t over[EXPLORE_THREADS];
} p;

static int this_thread(void)
{
	int thread = 0;

	while (thread < EXPLORE_THREADS - 1 && bide_current_thread_ != explore_head(thread))
		thread++;
	return thread;
}

/* --- the operating system --- */

int64_t bide_os_now_ns_(void)
{
	return p.now_ns[this_thread()] += 30000; /* the duration of a search */
}

void bide_os_lock_(bide_os_mutex *mutex)
{
	while (explore_newest(&mutex->state) || BIDE_SWAP(&mutex->state, 1u, ACQUIRE) != 0)
		explore_relax(); /* without a write, so that two that wait do not wake each other */
}

void bide_os_unlock_(bide_os_mutex *mutex)
{
	BIDE_STORE(&mutex->state, 0u, RELEASE);
}

/* A thread of the scenario runs the worker. */
int bide_os_thread_start_(void *(*run)(void *argument), void *argument)
{
	(void)run;
	(void)argument;
	p.threads++;
	return 0;
}

bide_os_thread bide_os_thread_self_(void)
{
	return (bide_os_thread)this_thread();
}

void bide_os_thread_join_(bide_os_thread thread)
{
	explore_await_word(&p.over[thread]);
}

void bide_os_thread_name_(const char *name)
{
	(void)name;
}

int bide_os_at_thread_exit_(void (*run)(void *argument), void *argument)
{
	(void)run;
	(void)argument;
	return 0;
}

/* A theft begins by asking. */
enum { ASKS_NS = 10000 };
int64_t bide_fence_cost_ns_;

void bide_fence_start_(void)
{
}

void bide_os_pause_(unsigned tries)
{
	(void)tries;
	explore_relax();
}

void bide_os_print_(const char *text)
{
	(void)text;
}

void bide_runtime_end_child_(void)
{
	abort(); /* this code does not fork */
}

bide_runtime bide_runtime_ = { .state = BIDE_RUNTIME_ON };

uintptr_t bide_thread_stack_limit_(void)
{
	return 0;
}

uint32_t bide_thread_number_(void)
{
	return EXPLORE_THREADS + 1;
}

void bide_thread_forget_exit_(void)
{
}

void bide_scribble_(void)
{
}

/* --- the workers --- */

static bide_thread_head **current_head(void)
{
	return &p.heads[this_thread()];
}

static bool stops(void)
{
	return bide_sleep_stops_() || explore_is_over();
}

/* The explorer's threads have records of their own. */
#undef bide_current_thread_
#define bide_current_thread_ (*current_head())
#define bide_sleep_stops_ stops
#define BIDE_MONITOR_TRIES 1u
/* A search does not wait for a single word. */
#undef BIDE_RELAX
#define BIDE_RELAX() ((void)0)
/* clang-format off: each uses those before it */
#include "runtime/monitor.c"
#include "runtime/monitor_take.c"
#include "runtime/theft.c"
#define bide_workers_sleep_on_ sleep_on
#include "runtime/work.c"
#undef bide_workers_sleep_on_
#include "runtime/worker_schedule.c"
#include "runtime/worker_search.c"
#include "runtime/worker_timers.c"
#include "runtime/worker_valid.c"
#include "runtime/workers.c"
/* clang-format on */

enum { LATER_NS = START_NS + BIDE_STUCK_NS_ / 2 };

BIDE_INTERNAL bool bide_workers_sleep_on_(bide_sleeper *sleeper, int64_t until_ns);

bool bide_workers_sleep_on_(bide_sleeper *sleeper, int64_t until_ns)
{
	return !explore_is_over() && sleep_on(sleeper, until_ns);
}

/* Makes this logical thread, or the main one, the worker from here on. */
static bide_worker *become(unsigned index)
{
	bide_worker *w = bide_workers_.worker[index];

	p.heads[this_thread()] = &w->thread.head;
	return w;
}

/* --- the functions that run --- */

static bide_body_result ball_run(bide_frame *frame)
{
	ball *b = (ball *)(void *)frame;

	EXPLORE_CHECK(b->payload == 7u + (unsigned)(b - p.balls));
	b->ran++;
	if (b->then)
		b->then();
	return (bide_body_result){ .state = BIDE_SUSPENDED_ };
}

static const bide_function_info ball_async = { .resume = ball_run,
	                                           .name = "ball",
	                                           .file = __FILE__ };

/* On the thread of a worker, or on an external one. */
static void schedule(unsigned index, bool next)
{
	ball *b = &p.balls[index];

	b->payload = 7u + index;
	b->frame.async = &ball_async;
	b->frame.awaiting = &b->frame.source; /* not a valid link: linking it must set the link */
	bide_flags_add_(&b->frame.source, BIDE_FLAG_PUBLISHED_ | BIDE_FLAG_SELF_LINKED_);
	bide_workers_schedule_(&b->frame, next);
}

static void run_entry(bide_worker *w, uintptr_t entry)
{
	if (entry)
		run(w, entry);
}

static void run_all(bide_worker *w, uintptr_t entry)
{
	for (; entry; entry = bide_worker_take_(w))
		run(w, entry);
}

/* The worker does not get to anything else. */
static void for_ever(void)
{
	longjmp(p.out[this_thread()], 1);
}

static void next_for_ever(void)
{
	schedule(p.made++, true);
	for_ever();
}

static void work(unsigned index)
{
	if (setjmp(p.out[this_thread()]) == 0)
		(void)worker_main(bide_workers_.worker[index]);
	BIDE_STORE(&p.over[this_thread()], 1u, RELEASE); /* pairs with the join */
}

static void worker_0(void)
{
	work(0);
}

static void worker_1(void)
{
	work(1);
}

/* --- setups and checks --- */

static void reset(unsigned workers)
{
	memset(&p, 0, sizeof p);
	for (int i = 0; i < EXPLORE_THREADS; i++)
		p.now_ns[i] = START_NS;
	if (bide_workers_.count == 0) {
		EXPLORE_CHECK(bide_workers_start_(workers) == 0);
		return;
	}
	/* Restores the state after the start; the memory is used again. */
	bide_sleep_start_();
	bide_monitor_ = (bide_monitor){ .window_ns = BIDE_MONITOR_NS_ };
	bide_wake_ns_ = BIDE_WAKE_NS_;
	bide_injector_init_(&bide_workers_.injector);
	for (unsigned i = 0; i < workers; i++) {
		bide_deque *deque = &bide_workers_.worker[i]->thread.head.deque;

		worker_init(bide_workers_.worker[i], i);
		deque->top = deque->bottom = deque->limit = deque->wanted = deque->stealing = 0;
		deque->asked = 0;
		bide_fence_cost_ns_ = ASKS_NS;
		bide_workers_.worker[i]->thread.head.handovers = 0;
	}
}

static void setup(void)
{
	reset(2);
}

/* Everything that a thread or the setup made runnable runs in the end. */
static void check(void)
{
	for (unsigned i = 0; i < bide_workers_.count; i++) {
		bide_worker *w = become(i);

		EXPLORE_CHECK(bide_worker_is_valid_(w));
		run_all(w, bide_worker_take_(w));
		run_all(w, bide_entry_of_(take_share(w)));
	}
	EXPLORE_CHECK(bide_injector_is_valid_(&bide_workers_.injector));
	EXPLORE_CHECK(!bide_workers_.injector.first &&
	              bide_injector_size_(&bide_workers_.injector) == 0);
	for (unsigned i = 0; i < p.made; i++)
		EXPLORE_CHECK(p.balls[i].ran == 1);
}

#define PARTS(name_, setup_, threads_, ...)                                    \
	SCENARIO(workers_##name_, setup_, THREADS threads_, check, .shared = true, \
	         .offered = bide_workers_offer_, __VA_ARGS__)

/* --- the inbox --- */

static void send_0(void)
{
	schedule(0, false);
}

static void send_1(void)
{
	schedule(1, false);
}

static void send_0_1(void)
{
	send_0();
	send_1();
}

static void send_2_3(void)
{
	schedule(2, false);
	schedule(3, false);
}

static void take_inbox(unsigned index)
{
	bide_worker *w = become(index);

	run_all(w, bide_entry_of_(take_share(w)));
}

static void steal_all(void)
{
	bide_worker *w = become(1);

	run_all(w, take_from_others(w, START_NS, true));
}

/* Steals from the ring only. */
static void steal_ring(void)
{
	bide_worker *w = become(1);

	run_all(w, steal(w, bide_workers_.worker[0], START_NS));
}

static void steal_ring_twice(void)
{
	steal_ring();
	steal_ring();
}

static void take_inbox_0(void)
{
	take_inbox(0);
}

static void take_inbox_1(void)
{
	take_inbox(1);
}

static void take_inbox_twice(void)
{
	take_inbox(0);
	take_inbox(0);
}

static void setup_sends(void)
{
	setup();
	p.made = 2;
}

static void setup_sent(void)
{
	setup();
	p.made = 2;
	send_0_1();
}

/* The inbox was empty before, so its one place is the first one again. */
static void setup_sends_to_a_used_inbox(void)
{
	setup_sent();
	take_inbox_0();
	p.heads[0] = NULL;
	p.made = 4;
}

static void setup_sent_2_3(void)
{
	setup();
	p.made = 4;
	send_2_3();
}

PARTS(inbox_sent_against_taken, setup_sends, (send_0_1, take_inbox_twice), .external = 0)
PARTS(inbox_used_before_sent_against_taken, setup_sends_to_a_used_inbox,
      (send_2_3, take_inbox_twice), .external = 0)
PARTS(inbox_senders_against_taker, setup_sends, (send_0, send_1, take_inbox_0), .newest_only = true)
PARTS(inbox_taken_by_two, setup_sent_2_3, (send_0_1, take_inbox_0, take_inbox_1),
      .newest_only = true, .switches_max = 2)

PARTS(inbox_taken_against_steal, setup_sent, (take_inbox_0, steal_ring), .external = 0)

/* The worker has no room for any, so it takes one to run. */
static void setup_sent_to_a_full_worker(void)
{
	setup();
	p.made = BALLS;
	become(0);
	for (unsigned i = 0; i < BIDE_RING_SIZE; i++)
		schedule(i, false);
	p.heads[0] = NULL;
	for (unsigned i = BIDE_RING_SIZE; i < BALLS; i++)
		schedule(i, false);
}

PARTS(inbox_taken_into_a_full_ring_against_steal, setup_sent_to_a_full_worker,
      (take_inbox_0, steal_all), .switches_max = 1)

/* --- a full ring: its older half goes to the inbox --- */

static void setup_full_ring(void)
{
	setup();
	p.made = 1 + BIDE_RING_SIZE;
	become(0);
	for (unsigned i = 1; i < 1 + BIDE_RING_SIZE; i++)
		schedule(i, false);
	p.heads[0] = NULL;
	EXPLORE_CHECK(bide_ring_size_(&bide_workers_.worker[0]->ring) == BIDE_RING_SIZE);
}

static void overflow(void)
{
	become(0);
	send_0();
}

static void overflow_and_run(void)
{
	overflow();
	run_all(bide_workers_.worker[0], bide_worker_take_(bide_workers_.worker[0]));
}

PARTS(overflow_against_steal, setup_full_ring, (overflow, steal_ring_twice), .switches_max = 2)
PARTS(overflow_against_taker_of_the_inbox, setup_full_ring, (overflow_and_run, take_inbox_1),
      .switches_max = 3)

/* --- the next step: a continuation that is the only entry of the deque --- */

/* The functions that the worker runs end, so it gets to its next step itself. */
static void setup_lone(void)
{
	bide_worker *w;

	setup();
	p.made = 3;
	w = become(0);
	schedule(2, false);
	run_all(w, bide_worker_take_(w));
	p.heads[0] = NULL;
}

static void lone_steps(void)
{
	bide_worker *w = become(0);

	schedule(0, true);
	run_all(w, bide_worker_take_(w));
	schedule(1, true);
	EXPLORE_CHECK(w->has_next);
}

static void steal_nothing(void)
{
	bide_worker *w = become(1);

	EXPLORE_CHECK(!steal(w, bide_workers_.worker[0], START_NS));
	EXPLORE_CHECK(!steal(w, bide_workers_.worker[0], START_NS));
}

/* Worker 1 is the monitor. The other has a next step, and its time goes by. */
static void setup_monitored(void)
{
	setup_lone();
	become(0);
	schedule(0, true);
	p.heads[0] = NULL;
	bide_sleep_.monitored = bide_workers_.worker[1]->sleeper.monitors = 1;
	bide_workers_monitor_(true);
	for (int i = 0; i < EXPLORE_THREADS; i++)
		p.now_ns[i] = bide_monitor_.look_ns;
}

/* The worker has been inside one function since another worker looked. */
static void setup_stuck(void)
{
	setup_monitored();
}

/* The same; only ball 0 runs from here on. */
static void setup_stuck_alone(void)
{
	setup_monitored();
	p.made = 1;
}

/* The worker has begun another function since. */
static void setup_stepped(void)
{
	setup_stuck_alone();
	bide_workers_.worker[0]->steps++;
}

/* The worker sleeps, and has a next step only because this test says so. */
static void setup_stuck_asleep(void)
{
	setup_stuck_alone();
	bide_workers_.worker[0]->sleeper.state = BIDE_SLEEPS_;
}

/* The time of the monitor has not come. */
static void setup_stuck_early(void)
{
	setup_stuck_alone();
	for (int i = 0; i < EXPLORE_THREADS; i++)
		p.now_ns[i] -= BIDE_STUCK_NS_ / 2;
}

/* All had slept, so the monitor sleeps for long. Worker 0 is the first to run. */
static void setup_monitor_that_looks_late(void)
{
	setup_stuck_alone();
	bide_workers_.worker[1]->sleeper.state = BIDE_SLEEPS_;
	bide_sleep_.asleep = 1;
	bide_monitor_.look_ns = START_NS + BIDE_MONITOR_LONGEST_NS_;
	bide_wake_ns_ = BIDE_WAKE_MAX_NS_;
}

static void hide(void)
{
	bide_worker *w = become(0);

	w->tell.last_ns = bide_os_now_ns_();
	EXPLORE_CHECK(!tells(w));
	EXPLORE_CHECK(bide_workers_.worker[1]->sleeper.state == BIDE_RUNS_);
	bide_workers_monitor_(true); /* it sleeps again */
	EXPLORE_CHECK(bide_monitor_.look_ns <= p.now_ns[0] + BIDE_STUCK_NS_);
	EXPLORE_CHECK(bide_monitor_.window_ns <= 2 * BIDE_MONITOR_NS_);
}

/* No worker monitors. The sleeping one makes a round, but not soon. */
static void setup_round_late(void)
{
	setup_monitor_that_looks_late();
	bide_sleep_.monitored = bide_workers_.worker[1]->sleeper.monitors = 0;
	bide_sleep_.rounds = 1;
	bide_workers_.worker[1]->sleeper.round_ns = START_NS + BIDE_ROUND_MAX_NS_;
}

/* The same, but its round comes soon. */
static void setup_round_soon(void)
{
	setup_round_late();
	bide_workers_.worker[1]->sleeper.round_ns = START_NS + BIDE_ROUND_MIN_NS_;
}

static void hide_from_a_late_round(void)
{
	bide_worker *w = become(0);

	w->tell.last_ns = bide_os_now_ns_();
	EXPLORE_CHECK(!tells(w));
	EXPLORE_CHECK(bide_workers_.worker[1]->sleeper.state == BIDE_RUNS_);
}

static void hide_from_a_soon_round(void)
{
	bide_worker *w = become(0);

	w->tell.last_ns = bide_os_now_ns_();
	EXPLORE_CHECK(!tells(w));
	EXPLORE_CHECK(bide_workers_.worker[1]->sleeper.state == BIDE_SLEEPS_);
}

static void send_1_as_worker(void)
{
	become(0);
	send_1();
}

static void do_nothing(void)
{
}

/*
 * Worker 1 sleeps, and no worker is or becomes the monitor. So what worker 0 makes runnable runs
 * elsewhere only if worker 0 tells of it. Worker 0 is inside a function that does not end.
 */
static void tell_1(void)
{
	bide_worker *w = bide_workers_.worker[0];

	w->tell.last_ns = p.now_ns[this_thread()] - bide_wake_ns_; /* the functions before were slow */
	schedule(1, true);
	EXPLORE_CHECK(BIDE_LOAD(&bide_workers_.worker[1]->sleeper.state, RELAXED) == BIDE_RUNS_);
	for_ever();
}

static void setup_unmonitored(void)
{
	setup();
	p.made = 2;
	p.balls[0].then = tell_1;
	become(0);
	send_0();
	p.heads[0] = NULL;
	bide_sleep_.monitored = bide_sleep_.asleep = 1;
	bide_workers_.worker[1]->sleeper.state = BIDE_SLEEPS_;
	bide_workers_want_();
}

static void run_0_for_ever(void)
{
	work(0);
}

/* The sleeper, woken by hand: it searches as worker_main does. */
static void search_when_woken(void)
{
	bide_worker *w = become(1);

	while (explore_newest(&w->sleeper.state) != BIDE_RUNS_)
		explore_relax();
	run_entry(w, bide_worker_search_(w, true, BIDE_WAKE_NS_));
}

/* Worker 0 has nothing left: the woken one has run the entry. */
static void check_told(void)
{
	EXPLORE_CHECK(p.balls[1].ran == 1);
	check();
}

SCENARIO(workers_entry_behind_slow_functions_is_told, setup_unmonitored,
         THREADS(run_0_for_ever, search_when_woken), check_told, .shared = true,
         .offered = bide_workers_offer_, .newest_only = true, .switches_max = 2)

PARTS(monitor_that_looks_late_is_woken, setup_monitor_that_looks_late, (hide, do_nothing))
PARTS(worker_that_makes_a_late_round_is_woken, setup_round_late,
      (hide_from_a_late_round, do_nothing))
PARTS(worker_that_makes_a_round_soon_is_not_woken, setup_round_soon,
      (hide_from_a_soon_round, do_nothing))

static void look_and_rescue(void)
{
	bide_worker *w = become(1);
	uintptr_t entry = bide_monitor_take_(w);

	EXPLORE_CHECK(entry);
	run_all(w, entry);
}

static void look_for_nothing(void)
{
	EXPLORE_CHECK(!bide_monitor_take_(become(1)));
}

/* A worker runs short functions, and none has been stuck for a second. */
static void setup_calm(void)
{
	setup();
	bide_sleep_.monitored = bide_workers_.worker[1]->sleeper.monitors = 1;
	bide_workers_monitor_(true);
	bide_workers_.worker[0]->steps++;
	for (int i = 0; i < EXPLORE_THREADS; i++)
		p.now_ns[i] = bide_monitor_.look_ns;
	bide_monitor_.stuck_ns = START_NS - 1000000000;
}

static void look_calmly(void)
{
	look_for_nothing();
	EXPLORE_CHECK(bide_monitor_.look_ns == p.now_ns[this_thread()] + BIDE_MONITOR_CALM_NS_);
}

/* A worker with a reactor is in the step in which the monitor saw it last. */
static void setup_slow(void)
{
	setup_calm();
	bide_workers_.worker[0]->steps--;
	bide_workers_.worker[0]->sleeper.reactor =
		(struct bide_reactor *)(void *)&p; /* not looked into */
}

/* The events of the worker may wait, so the next look comes soon, and then a round. */
static void look_at_slow(void)
{
	bide_worker *w = become(1);
	int64_t now_ns = p.now_ns[this_thread()];

	w->round_ns = BIDE_FOREVER;
	EXPLORE_CHECK(!bide_monitor_finds_(w, now_ns));
	EXPLORE_CHECK(bide_monitor_.look_ns == now_ns + BIDE_SLOW_NS_);
	now_ns = bide_monitor_.look_ns;
	EXPLORE_CHECK(bide_monitor_finds_(w, now_ns));
	EXPLORE_CHECK(w->round_ns == now_ns);
	bide_workers_.worker[0]->sleeper.reactor = NULL;
}

/* The worker has forked and joined since, in the same function. */
static void setup_forked(void)
{
	setup_stuck_alone();
	bide_workers_.worker[0]->tell.left++;
}

/* Any worker may take a fork at once that its worker has told of. */
static void setup_fork(void)
{
	setup_lone();
	p.made = 1;              /* from here on only ball 0 runs */
	bide_fence_cost_ns_ = 0; /* so the thief does not ask */
	bide_workers_.worker[0]->told = 1;
	EXPLORE_CHECK(
		bide_deque_owner_push_quietly_(&bide_workers_.worker[0]->thread.head, (uintptr_t)&p.fork));
}

static void next_step(void)
{
	become(0);
	schedule(0, true);
}

static void steal_the_fork(void)
{
	EXPLORE_CHECK(steal(become(1), bide_workers_.worker[0], START_NS) == (uintptr_t)&p.fork);
}

/* The same for a frame of the ring. */
static void setup_told(void)
{
	setup_lone();
	p.made = 2;
	become(0);
	send_0();
	p.heads[0] = NULL;
	bide_workers_.worker[0]->told = 1;
}

static void run_and_send_1(void)
{
	bide_worker *w = become(0);

	run_entry(w, bide_worker_take_(w));
	send_1();
}

/*
 * Any worker may take a next step if there is an older entry in the ring, or if a function before
 * it does not end.
 */
static void setup_next(void)
{
	setup();
	p.made = 2;
}

static void next_and_run(void)
{
	bide_worker *w = become(0);

	send_0();
	schedule(1, true);
	run_all(w, bide_worker_take_(w));
}

/* The owner pushes, and answers then or when it takes from its deque; or it is too late. */
static void push_0_1_and_run(void)
{
	bide_worker *w = become(0);

	for (unsigned i = 0; i < 2; i++) {
		ball *b = &p.balls[i];

		b->payload = 7u + i;
		b->frame.async = &ball_async;
		bide_flags_add_(&b->frame.source, BIDE_FLAG_PUBLISHED_ | BIDE_FLAG_SELF_LINKED_);
		EXPLORE_CHECK(bide_deque_owner_push_(&w->thread.head, bide_entry_of_(&b->frame)));
	}
	run_all(w, bide_worker_take_(w));
}

static void search_and_run(void)
{
	bide_worker *w = become(1);

	run_all(w, bide_worker_search_(w, false, ASKS_NS));
	EXPLORE_CHECK(!w->theft.victim);
}

PARTS(pushes_against_a_thief_that_asks, setup_next, (push_0_1_and_run, search_and_run),
      .switches_max = 2)
PARTS(lone_step_is_its_owners, setup_lone, (lone_steps, steal_nothing), .newest_only = true)
PARTS(step_of_one_that_is_stuck_is_the_monitors, setup_stuck, (send_1_as_worker, look_and_rescue),
      .switches_max = 3)
PARTS(step_of_one_that_makes_steps_is_its_owners, setup_stepped, (look_for_nothing), .external = 0)
PARTS(step_of_one_that_forks_is_its_owners, setup_forked, (look_for_nothing), .external = 0)
PARTS(told_entry_against_its_owner, setup_told, (run_and_send_1, steal_all), .switches_max = 3)
PARTS(worker_asleep_is_never_stuck, setup_stuck_asleep, (look_for_nothing), .external = 0)
PARTS(monitor_of_short_functions_looks_rarely, setup_calm, (look_calmly), .external = 0)
PARTS(monitor_makes_a_round_for_one_that_does_not_come_to_its_events, setup_slow, (look_at_slow),
      .external = 0)
PARTS(monitor_waits_for_its_time, setup_stuck_early, (look_for_nothing), .external = 0)
PARTS(step_of_one_that_is_stuck_is_not_a_thiefs, setup_stuck_alone, (steal_nothing), .external = 0)
PARTS(fork_is_anybodys, setup_fork, (next_step, steal_the_fork), .switches_max = 3)
PARTS(next_step_against_thief, setup_next, (next_and_run, steal_all), .switches_max = 2)

/* --- whole workers: nothing waits for ever --- */

/* The worker's due time is not after its first timer, unless it has already passed. */
static bool is_in_time(const bide_worker *w)
{
	return w->due_ns <= START_NS || w->due_ns <= bide_wheel_next_ns_(&w->wheel);
}

/* Returns true if some thread sleeps until then or less. */
static bool wakes_until(int64_t latest_ns)
{
	int64_t until_ns;

	for (int i = 0; i < EXPLORE_THREADS; i++)
		if (explore_sleeps(i, &until_ns) && until_ns <= latest_ns)
			return true;
	return false;
}

/*
 * A sleeping worker has no entries, and sleeps at most until its first timer. If a worker does not
 * sleep, another one watches it.
 */
static void worker_waits(const bide_worker *w, int64_t watch_ns)
{
	int64_t until_ns;

	EXPLORE_CHECK(is_in_time(w));
	for (int i = 0; i < EXPLORE_THREADS; i++)
		if (p.heads[i] == &w->thread.head && explore_sleeps(i, &until_ns)) {
			EXPLORE_CHECK(until_ns <= w->due_ns && bide_worker_entries_(w) == 0);
			EXPLORE_CHECK(until_ns > START_NS || w->wheel.count > 0); /* not again and again */
			return;
		}
	/* A hidden entry, or one whose push and a worker that fell asleep missed each other. */
	EXPLORE_CHECK(bide_worker_entries_(w) <= 1);
	if (w->wheel.count > 0 || bide_worker_entries_(w) > 0)
		EXPLORE_CHECK(wakes_until(watch_ns));
}

/* All workers sleep, or are inside a function for ever. */
static void nothing_waits(void)
{
	int64_t watch_ns = START_NS + 1000 * 30000 + BIDE_STUCK_NS_;

	EXPLORE_CHECK(bide_injector_size_(&bide_workers_.injector) == 0 && bide_sleep_.searching == 0);
	EXPLORE_CHECK(bide_sleep_is_valid_());
	for (unsigned i = 0; i < bide_workers_.count; i++)
		worker_waits(bide_workers_.worker[i], watch_ns);
}

#define WORKERS(name_, setup_, threads_, ...) \
	PARTS(name_, setup_, threads_, .quiet = nothing_waits, .newest_only = true, __VA_ARGS__)

static void setup_send(void)
{
	setup();
	p.made = 1;
}

/* The workers have just taken shares, so they let more frames come before they take them. */
static void setup_send_gathered(void)
{
	setup_send();
	for (unsigned i = 0; i < bide_workers_.count; i++)
		bide_workers_.worker[i]->share_ns = INT64_MAX / 2;
}

/* The worker that sends hides what is all that it has. */
static void setup_send_hidden(void)
{
	setup_send();
	bide_workers_.worker[0]->tell.left = 5;
}

/* A worker that takes both does not get to the second. */
static void setup_sends_for_ever(void)
{
	setup_sends();
	p.balls[0].then = for_ever;
}

/* A worker is inside a function for ever, which it did not know of when it slept. */
static void setup_send_next_for_ever(void)
{
	setup();
	p.made = 1;
	p.balls[0].then = next_for_ever;
}

/* The worker is inside functions that do not end. */
static void two_next_thread(void)
{
	next_step();
	schedule(1, true);
}

static void forward_thread(void)
{
	become(0);
	schedule(0, false);
}

/* With old values the worker sleeps; if it is woken, it searches once more. */
static void sleep_once(unsigned index)
{
	bide_worker *w = become(index);

	run_entry(w, bide_worker_search_(w, bide_sleep_wait_(&w->sleeper, false), BIDE_WAKE_NS_));
}

static void sleep_once_0(void)
{
	sleep_once(0);
}

static void sleep_once_1(void)
{
	sleep_once(1);
}

PARTS(sleeper_against_sender, setup_send, (sleep_once_0, send_0), .quiet = nothing_waits,
      .switches_max = 2)
PARTS(sleeper_against_what_a_function_schedules, setup_send, (forward_thread, sleep_once_1),
      .quiet = nothing_waits, .switches_max = 2)
PARTS(fenced_sleeper_against_what_a_function_schedules, setup_send, (forward_thread, sleep_once_1),
      .quiet = nothing_waits, .switches_max = 2, .no_membarrier = true)
WORKERS(worker_against_sender, setup_send, (worker_0, send_0), .switches_max = 2)
WORKERS(worker_that_gathers_against_sender, setup_send_gathered, (worker_0, send_0),
        .switches_max = 2)
WORKERS(workers_that_gather_against_sender, setup_send_gathered, (worker_0, worker_1, send_0),
        .switches_max = 1)
WORKERS(workers_against_sender, setup_send, (worker_0, worker_1, send_0), .switches_max = 1)
WORKERS(workers_against_two_sent, setup_sends_for_ever, (worker_0, worker_1, send_0_1),
        .switches_max = 1)
WORKERS(worker_beside_what_a_function_schedules, setup_send, (forward_thread, worker_1),
        .switches_max = 2)
WORKERS(worker_beside_what_a_function_hides, setup_send_hidden, (forward_thread, worker_1),
        .switches_max = 2)
WORKERS(worker_beside_a_next_step, setup_send, (next_step, worker_1), .switches_max = 2)
WORKERS(worker_beside_two_next_steps, setup_next, (two_next_thread, worker_1), .switches_max = 2)
WORKERS(workers_and_a_next_step_in_a_function_for_ever, setup_send_next_for_ever,
        (worker_0, worker_1, send_0), .switches_max = 1)

/* --- timers --- */

/* Does not free the timer, because another thread may still read it; the check does. */
static void timer_due(bide_observer *listener, bide_source *done)
{
	EXPLORE_CHECK(bide_is_done_(done));
	p.ended[listener - p.due]++;
}

static void make_timer(unsigned index, int64_t deadline_ns)
{
	bide_timer *timer = bide_timer_new_(sizeof *timer);

	explore_watch(timer);
	timer->source.payload.i = deadline_ns;
	p.timers[index] = timer;
	p.due[index].run = timer_due;
	EXPLORE_CHECK(bide_listen_(bide_source_value_(&timer->source), &p.due[index], "workers",
	                           NULL) == BIDE_REGISTERED_);
}

static void arm(unsigned index)
{
	bide_workers_arm_(p.timers[index]);
}

static void arm_0(void)
{
	arm(0);
}

static void arm_1(void)
{
	arm(1);
}

static void disarm_0(void)
{
	p.disarmed[0] = bide_workers_disarm_(p.timers[0]);
}

static void arm_disarm_0(void)
{
	arm_0();
	disarm_0();
}

static void expire_0(void)
{
	(void)bide_worker_expire_(become(0), bide_os_now_ns_());
}

static void expire_by_thief(void)
{
	(void)take_from_others(become(1), bide_os_now_ns_(), true);
}

static void setup_timer(void)
{
	setup();
	make_timer(0, 1);
}

static void setup_timers(void)
{
	setup_timer();
	make_timer(1, LATER_NS);
}

static void setup_armed(void)
{
	setup_timer();
	arm_0();
}

static void setup_one_armed(void)
{
	setup_timers();
	arm_0();
}

static void setup_both_armed(void)
{
	setup_one_armed();
	arm_1();
}

/* Each timer has ended, was removed, or is still armed; an armed one is there when it is due. */
static void check_timers(void)
{
	for (unsigned i = 0; i < bide_workers_.count; i++)
		EXPLORE_CHECK(is_in_time(bide_workers_.worker[i]));
	for (unsigned i = 0; i < TIMERS && p.timers[i]; i++) {
		bool left = bide_wheel_holds_(p.timers[i]);

		EXPLORE_CHECK(p.ended[i] + p.disarmed[i] + left == 1);
		EXPLORE_CHECK(!left || bide_workers_disarm_(p.timers[i]));
		bide_operation_discard_(&p.timers[i]->source);
	}
	for (unsigned i = 0; i < bide_workers_.count; i++)
		EXPLORE_CHECK(bide_workers_.worker[i]->wheel.count == 0);
	check();
}

/* The worker does not get to the first timer. */
static void check_late(void)
{
	EXPLORE_CHECK(p.ended[0] == 1 && p.ended[1] == 0);
	check_timers();
}

SCENARIO(workers_timer_late_against_armed, setup_one_armed, THREADS(arm_1, expire_by_thief),
         check_late, .shared = true)

#define TIMER(name_, setup_, threads_, ...)                                                 \
	SCENARIO(workers_timer_##name_, setup_, THREADS threads_, check_timers, .shared = true, \
	         __VA_ARGS__)

TIMER(armed_against_expire, setup_timer, (arm_0, expire_0), .external = 0)
TIMER(armed_against_armed, setup_timers, (arm_0, arm_1), .external = 0)
TIMER(armed_against_expire_of_another, setup_one_armed, (arm_1, expire_0), .external = 0)
TIMER(disarmed_against_expire, setup_both_armed, (disarm_0, expire_0), .external = 0)
TIMER(armed_and_disarmed_against_expire, setup_timer, (arm_disarm_0, expire_0), .external = 0)
TIMER(expire_against_thief, setup_both_armed, (expire_0, expire_by_thief), .switches_max = 3)
TIMER(disarmed_against_expire_and_thief, setup_armed, (disarm_0, expire_0, expire_by_thief),
      .newest_only = true, .switches_max = 2)

/* The worker of the timer falls asleep, or runs another function for ever. */
static void setup_worker_and_timer(void)
{
	setup();
	make_timer(0, LATER_NS);
}

static void setup_worker_with_timer(void)
{
	setup();
	make_timer(0, START_NS * (int64_t)2);
	arm_0();
	p.made = 1;
	p.balls[0].then = for_ever;
}

static void arm_for_ever(void)
{
	become(0);
	arm_0();
}

static void arm_0_for_ever(void)
{
	arm_0();
	for_ever();
}

/* The worker that is woken arms a timer of its own. */
static void setup_send_arm_for_ever(void)
{
	setup_worker_and_timer();
	p.timers[0]->source.line = 1u << BIDE_HOME_SHIFT_;
	p.made = 1;
	p.balls[0].then = arm_0_for_ever;
}

#define TIMED(name_, setup_, threads_, ...)                                                \
	TIMER(name_, setup_, threads_, .quiet = nothing_waits, .offered = bide_workers_offer_, \
	      .newest_only = true, __VA_ARGS__)

TIMER(armed_against_sleeper, setup_worker_and_timer, (sleep_once_0, arm_0), .quiet = nothing_waits,
      .switches_max = 2)
TIMED(due_against_its_worker, setup_timer, (worker_0, arm_0), .switches_max = 2)
TIMED(armed_against_its_worker, setup_worker_and_timer, (worker_0, arm_0), .switches_max = 2)
TIMED(late_in_a_function_for_ever, setup_timer, (arm_for_ever, worker_1), .switches_max = 2)
TIMED(armed_in_a_function_for_ever, setup_worker_and_timer, (arm_for_ever, worker_1),
      .switches_max = 2)
TIMED(armed_when_all_slept_in_a_function_for_ever, setup_send_arm_for_ever,
      (worker_0, worker_1, send_0), .switches_max = 1)
TIMED(behind_a_function_for_ever, setup_worker_with_timer, (worker_0, worker_1, send_0),
      .switches_max = 1)

/* --- start and stop --- */

static void setup_start(void)
{
	memset(&p, 0, sizeof p);
	EXPLORE_CHECK(bide_workers_start_(1) == 0 && p.threads == 1);
}

static void stop_thread(void)
{
	bide_workers_stop_();
	bide_workers_free_();
}

static void send_stop_thread(void)
{
	send_0();
	stop_thread();
}

static void check_stopped(void)
{
	EXPLORE_CHECK(bide_workers_.count == 0);
}

SCENARIO(workers_stop_against_worker, setup_start, THREADS(worker_0, stop_thread), check_stopped,
         .shared = true, .newest_only = true, .switches_max = 2)
SCENARIO(workers_send_and_stop_against_worker, setup_start, THREADS(worker_0, send_stop_thread),
         check_stopped, .shared = true, .newest_only = true, .switches_max = 2)
