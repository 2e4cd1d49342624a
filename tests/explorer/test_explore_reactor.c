/*
 * Sleeping in a reactor (runtime/sleep.c), and looking after the reactor of another worker
 * (io/rescue.c), in all orders. No wake-up and no event is lost: a worker that sleeps in its
 * reactor is woken by what is sent to it, although another worker fetches from that reactor at the
 * same time.
 *
 * An epoll is a word here: the edges that were not fetched yet. A thread that waits sleeps on that
 * word. An edge is fetched once, by whichever thread comes first.
 */
#include "explore.h"

#include <string.h>

#include "io/engine.h"
#include "io/rescue.h"
#include "io/upcalls.h"
#include "os/os.h"
#include "runtime/reactor.h"
#include "runtime/reactor_place.h"
#include "runtime/sleep.h"
#include "runtime/work.h"

enum { WAKE = 1, EVENT = 2, PART = 4 }; /* edges */
enum { OWNER = 0, OTHER = 1, THIRD = 2, WORKERS = 3 };

static struct {
	bide_sleeper sleepers[WORKERS];
	bide_reactor reactors[WORKERS];
	uint32_t edges[WORKERS];
	uint32_t whole[WORKERS]; /* of this epoll: 1 + the number of the one that it is part of, or 0 */
	uint32_t inbox;
	uint32_t handled; /* events */
	uint32_t sent;
	unsigned workers;
	uint32_t no_room; /* 1 + the number of an epoll that takes no other in */
} r;

/* --- the kernel --- */

static void edge(unsigned place, uint32_t what)
{
	uint32_t whole;

	(void)BIDE_OR(&r.edges[place], what, SEQ_CST);
	bide_os_wake_(&r.edges[place], 1);
	whole = BIDE_LOAD(&r.whole[place], SEQ_CST);
	if (whole)
		edge(whole - 1, PART);
}

static unsigned epoll_fetch(bide_reactor *reactor, bide_reactor_event *to, unsigned max,
                            int64_t deadline_ns, bool *woken)
{
	unsigned place = reactor->place, count = 0;
	uint32_t edges = BIDE_SWAP(&r.edges[place], 0u, SEQ_CST);

	(void)max;
	if (!edges && deadline_ns > 0) {
		bide_os_wait_(&r.edges[place], 0, deadline_ns);
		edges = BIDE_SWAP(&r.edges[place], 0u, SEQ_CST);
	}
	if (edges & WAKE && woken)
		*woken = true;
	if (edges & EVENT)
		to[count++] = (bide_reactor_event){ .key = 1, .events = 1 };
	if (edges & PART)
		to[count++] = (bide_reactor_event){ .key = BIDE_RESCUE_KEYS_ + OWNER, .events = 1 };
	return count;
}

/* The kernel tells of what is there already. */
static int epoll_join(bide_reactor *whole, bide_reactor *part, uint64_t key)
{
	EXPLORE_CHECK(key == BIDE_RESCUE_KEYS_ + part->place);
	if (r.no_room == 1 + whole->place)
		return 1;
	BIDE_STORE(&r.whole[part->place], 1 + whole->place, SEQ_CST);
	if (BIDE_LOAD(&r.edges[part->place], SEQ_CST))
		edge(whole->place, PART);
	return 0;
}

static void epoll_leave(bide_reactor *whole, bide_reactor *part)
{
	uint32_t mine = 1 + whole->place;

	(void)BIDE_CAS(&r.whole[part->place], &mine, 0u, SEQ_CST, SEQ_CST);
}

static void epoll_wake(bide_reactor *reactor)
{
	edge(reactor->place, WAKE);
}

static const bide_engine epoll = { .name = "explored",
	                               .fetch = epoll_fetch,
	                               .join = epoll_join,
	                               .leave = epoll_leave,
	                               .wake = epoll_wake };

/* --- what the rooms need --- */

void bide_io_event_(uint64_t key, uint32_t events)
{
	EXPLORE_CHECK(key == 1 && events == 1);
	(void)BIDE_ADD(&r.handled, 1u, SEQ_CST);
}

void bide_io_done_(const bide_reactor_event *event)
{
	(void)event;
	explore_fail("there are no requests");
}

unsigned bide_workers_count_(void)
{
	return r.workers;
}

bide_sleeper *bide_workers_sleeper_(unsigned index)
{
	return &r.sleepers[index];
}

bool bide_workers_have_work_(void)
{
	return BIDE_LOAD(&r.inbox, RELAXED) != 0;
}

bool bide_workers_others_have_work_(const bide_sleeper *sleeper)
{
	(void)sleeper;
	return bide_workers_have_work_();
}

void bide_workers_want_(void)
{
}

void bide_workers_woken_(bide_sleeper *sleeper)
{
	(void)sleeper;
}

void bide_workers_monitor_(bool others_run)
{
	(void)others_run;
}

int64_t bide_workers_look_time_(bide_sleeper *sleeper)
{
	(void)sleeper;
	return INT64_MAX;
}

bool bide_workers_sleep_on_(bide_sleeper *sleeper, int64_t until_ns)
{
	(void)sleeper;
	(void)until_ns;
	return false;
}

uint32_t bide_workers_rounds_max_(bide_sleeper *sleeper, bool others_run)
{
	(void)sleeper;
	(void)others_run;
	return 0;
}

bool bide_workers_round_is_soon_(void)
{
	return true;
}

int64_t bide_workers_wake_time_(bide_sleeper *sleeper, bool rounds, bool soon)
{
	(void)soon;
	(void)sleeper;
	(void)rounds;
	return INT64_MAX;
}

bool bide_reactor_is_slept_in_(unsigned place)
{
	return BIDE_LOAD(&r.sleepers[place].in_reactor, ACQUIRE) != 0;
}

/* As the hooks of io/reactor.c. */
static unsigned fetch(bide_reactor *reactor, int64_t deadline_ns)
{
	if (deadline_ns > 0)
		bide_rescue_end_(reactor);
	reactor->next = 0;
	reactor->count =
		reactor->engine->fetch(reactor, reactor->fetched, BIDE_REACTOR_BATCH_, deadline_ns, NULL);
	BIDE_STORE(&reactor->wait_count, reactor->wait_count + 1, RELAXED);
	return reactor->count;
}

static unsigned hand_out(bide_reactor *reactor)
{
	unsigned count = 0;

	for (; reactor->next < reactor->count; count++) {
		const bide_reactor_event *event = &reactor->fetched[reactor->next++];

		if (event->key >= BIDE_RESCUE_KEYS_)
			(void)bide_rescue_(&r.reactors[event->key - BIDE_RESCUE_KEYS_]);
		else
			bide_io_event_(event->key, event->events);
	}
	return count;
}

static void wake(bide_reactor *reactor)
{
	reactor->engine->wake(reactor);
}

static const bide_reactor_hooks hooks = { .fetch = fetch, .hand_out = hand_out, .wake = wake };

/* --- threads --- */

static void take(void)
{
	uint32_t seen = BIDE_LOAD(&r.inbox, RELAXED);

	while (seen != 0)
		if (BIDE_CAS(&r.inbox, &seen, seen - 1, ACQ_REL, RELAXED))
			return;
}

/* A worker that sleeps until the scenario is over, but for what wakes it. */
static void go_on_sleeping(unsigned index)
{
	bide_sleeper *sleeper = &r.sleepers[index];
	bide_reactor *reactor;
	bool woken = false;

	while (!explore_is_over()) {
		reactor = BIDE_LOAD(&sleeper->reactor, ACQUIRE);
		if (reactor)
			(void)hand_out(reactor);
		take();
		if (woken)
			bide_sleep_search_end_(false);
		woken = bide_sleep_wait_(sleeper, false);
	}
}

static void owner_thread(void)
{
	go_on_sleeping(OWNER);
}

/* Another worker, which does not sleep, hands out what the owner's reactor has. */
static void rescue_thread(void)
{
	(void)bide_rescue_(&r.reactors[OWNER]);
}

static void look_after_thread(void)
{
	(void)bide_rescue_look_after_(&r.reactors[OTHER], &r.reactors[OWNER], 0, true);
}

static void third_looks_after_thread(void)
{
	(void)bide_rescue_look_after_(&r.reactors[THIRD], &r.reactors[OWNER], 0, true);
}

static void end_thread(void)
{
	bide_rescue_end_(&r.reactors[OWNER]);
}

/* The other worker looks after the owner, which runs for ever, and then sleeps. */
static void look_after_and_sleep_thread(void)
{
	look_after_thread();
	go_on_sleeping(OTHER);
}

static void look_at_all_thread(void)
{
	(void)bide_rescue_look_after_(&r.reactors[OTHER], &r.reactors[OWNER], 0, false);
}

static void send_thread(void)
{
	(void)BIDE_ADD(&r.inbox, 1u, SEQ_CST);
	bide_sleep_wake_one_();
}

static void event_thread(void)
{
	(void)BIDE_ADD(&r.sent, 1u, SEQ_CST);
	edge(OWNER, EVENT);
}

static void event_and_send_thread(void)
{
	event_thread();
	send_thread();
}

/* As bide_reactor_place_. */
static void place_thread(void)
{
	BIDE_STORE(&r.sleepers[OWNER].reactor, &r.reactors[OWNER], SEQ_CST);
	bide_sleep_rearm_(&r.sleepers[OWNER]);
}

static void place_and_event_thread(void)
{
	place_thread();
	event_thread();
}

/* --- setups and checks --- */

static void setup_none(void)
{
	memset(&r, 0, sizeof r);
	r.workers = 1;
	for (unsigned i = 0; i < WORKERS; i++) {
		r.reactors[i].engine = &epoll;
		r.reactors[i].place = i;
	}
	bide_reactor_hooks_ = &hooks;
	bide_sleep_start_();
}

/* The owner has a reactor. The other worker never sleeps, and does not count. */
static void setup_owner(void)
{
	setup_none();
	r.sleepers[OWNER].reactor = &r.reactors[OWNER];
}

/* The owner runs for ever. */
static void setup_both(void)
{
	setup_owner();
	r.workers = 2;
	r.sleepers[OTHER].reactor = &r.reactors[OTHER];
}

static void setup_part(void)
{
	setup_owner();
	look_after_thread();
	EXPLORE_CHECK(r.reactors[OWNER].part_of == &r.reactors[OTHER]);
}

static void setup_join_fails(void)
{
	setup_owner();
	r.no_room = 1 + OTHER;
}

/* What the kernel has is what part_of says. */
static void parts_are_right(void)
{
	const bide_reactor *whole = r.reactors[OWNER].part_of;

	EXPLORE_CHECK(r.whole[OWNER] == (whole ? 1 + whole->place : 0));
}

static void nothing_is_left(void)
{
	EXPLORE_CHECK(r.inbox == 0 && bide_sleep_.searching == 0);
	EXPLORE_CHECK(r.handled == r.sent);
	EXPLORE_CHECK(bide_sleep_is_valid_());
	parts_are_right();
}

/* The owner sleeps, so its reactor is part of no other. */
static void nothing_is_left_of_the_owner(void)
{
	nothing_is_left();
	EXPLORE_CHECK(!r.reactors[OWNER].part_of);
}

static void check(void)
{
	EXPLORE_CHECK(r.handled == r.sent || explore_is_over());
}

#define REACTOR(name_, setup_, threads_, quiet_, ...)                                           \
	SCENARIO(reactor_##name_, setup_, THREADS threads_, check, .shared = true, .quiet = quiet_, \
	         .newest_only = true, __VA_ARGS__)

REACTOR(sleep_against_sender, setup_owner, (owner_thread, send_thread),
        nothing_is_left_of_the_owner, .switches_max = 4)
REACTOR(sleep_against_event_and_sender, setup_owner, (owner_thread, event_and_send_thread),
        nothing_is_left_of_the_owner, .switches_max = 4)
REACTOR(sleep_against_sender_and_rescue, setup_owner, (owner_thread, send_thread, rescue_thread),
        nothing_is_left_of_the_owner, .switches_max = 3)
REACTOR(sleep_against_events_and_rescue, setup_owner,
        (owner_thread, event_and_send_thread, rescue_thread), nothing_is_left_of_the_owner,
        .switches_max = 2)
REACTOR(sleep_against_two_rescues, setup_owner, (owner_thread, rescue_thread, send_thread),
        nothing_is_left_of_the_owner, .switches_max = 3)
REACTOR(sleep_against_one_that_looks_after_it, setup_owner, (owner_thread, look_after_thread),
        nothing_is_left_of_the_owner, .switches_max = 4)
REACTOR(sleep_of_a_part_against_sender, setup_part, (owner_thread, send_thread),
        nothing_is_left_of_the_owner, .switches_max = 3)
REACTOR(sleep_of_a_part_against_one_that_ends_it, setup_part,
        (owner_thread, send_thread, look_at_all_thread), nothing_is_left_of_the_owner,
        .switches_max = 2)
REACTOR(events_of_one_that_runs, setup_both, (look_after_and_sleep_thread, event_thread),
        nothing_is_left, .switches_max = 4)
REACTOR(reactor_opened_against_sleep, setup_none, (owner_thread, place_and_event_thread),
        nothing_is_left_of_the_owner, .switches_max = 4)
REACTOR(join_that_fails_against_sleep, setup_join_fails,
        (owner_thread, look_after_thread, send_thread), nothing_is_left_of_the_owner,
        .switches_max = 2)
SCENARIO(reactor_join_that_fails_against_another, setup_join_fails,
         THREADS(look_after_thread, end_thread, third_looks_after_thread), parts_are_right,
         .shared = true, .newest_only = true)
