/*
 * The list of listeners that have found no descriptor (io/exhausted.h): accepts, closes of
 * descriptors, the timer, and the close of a listener. The system has some free descriptors.
 */
#include "explore.h"

#include <string.h>

#include "io/exhausted.c"

#define EXHAUSTED(name_, setup_, threads_, check_, ...) \
	SCENARIO(exhausted_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

enum { LISTENERS = 2 };

static struct {
	bide_listener listeners[LISTENERS];
	uint32_t free;                /* descriptors of the system; atomic */
	uint32_t accepted[LISTENERS]; /* atomic */
	uint32_t removed[LISTENERS];  /* atomic */
	uint32_t lock;                /* of attempts: the side of a listener is busy meanwhile */
} m;

/* --- what stands for the rest --- */

void (*bide_handle_ended_)(void);

void bide_at_end_add_(bide_at_end *entry)
{
	(void)entry;
}

bool bide_handle_is_valid_(const bide_handle *handle)
{
	return handle != NULL;
}

/* An accept: one connection waits at each listener. */
static void attempt(bide_listener *listener)
{
	unsigned index = (unsigned)(listener - m.listeners);
	uint32_t seen = BIDE_LOAD(&m.free, SEQ_CST);

	if (BIDE_LOAD(&m.removed[index], RELAXED) || BIDE_LOAD(&m.accepted[index], RELAXED))
		return;
	while (seen > 0)
		if (BIDE_CAS(&m.free, &seen, seen - 1, SEQ_CST, SEQ_CST)) {
			EXPLORE_CHECK(!BIDE_SWAP(&m.accepted[index], 1u, ACQ_REL));
			return;
		}
	EXPLORE_CHECK(bide_exhausted_add_(listener, EMFILE) == EAGAIN);
}

void bide_handle_kick_(bide_handle *handle, uint32_t generation, unsigned side)
{
	(void)generation;
	EXPLORE_CHECK(side == BIDE_IO_IN_);
	bide_spin_lock_(&m.lock);
	attempt(bide_listener_of_(handle));
	bide_spin_unlock_(&m.lock);
}

/* --- the threads --- */

static void accept_at(unsigned index)
{
	bide_spin_lock_(&m.lock);
	attempt(&m.listeners[index]);
	bide_spin_unlock_(&m.lock);
}

static void accept_first(void)
{
	accept_at(0);
}

static void accept_second(void)
{
	accept_at(1);
}

/* A descriptor of this process is closed. */
static void free_one(void)
{
	void (*ended)(void);

	(void)BIDE_ADD(&m.free, 1u, SEQ_CST);
	ended = BIDE_LOAD(&bide_handle_ended_, RELAXED);
	if (ended)
		ended();
}

/* Another process has closed one, and the timer is due. */
static void free_and_expire(void)
{
	(void)BIDE_ADD(&m.free, 1u, SEQ_CST);
	(void)explore_expire();
}

static void remove_first(void)
{
	bide_spin_lock_(&m.lock); /* an accept is over before the listener is closed */
	BIDE_STORE(&m.removed[0], 1u, RELAXED);
	bide_spin_unlock_(&m.lock);
	bide_exhausted_remove_(&m.listeners[0]);
}

/* --- before and after --- */

static void setup(void)
{
	memset(&m, 0, sizeof m);
	end();
	s.lock = 0;
	for (unsigned i = 0; i < LISTENERS; i++)
		m.listeners[i].handle.state = BIDE_HANDLE_OPEN_;
	s.has_reported = true;
	s.reported_ns = bide_port_now_();
}

static void setup_listed(void)
{
	setup();
	accept_first();
	EXPLORE_CHECK(s.count == 1 && s.timer);
}

/* The timer finds what waits, however the threads met: each listener has accepted or is closed. */
static void check(void)
{
	(void)BIDE_ADD(&m.free, 2u, RELAXED);
	EXPLORE_CHECK(s.count == 0 || s.timer);
	while (explore_expire())
		;
	EXPLORE_CHECK(s.count == 0 && !s.first && !s.last && !s.timer && !bide_handle_ended_);
	EXPLORE_CHECK(m.accepted[0] || m.removed[0]);
	for (unsigned i = 0; i < LISTENERS; i++)
		EXPLORE_CHECK(!m.listeners[i].is_exhausted);
}

static void check_both(void)
{
	check();
	EXPLORE_CHECK(m.accepted[1]);
}

EXHAUSTED(accept_against_close, setup, (accept_first, free_one), check, .newest_only = true)
EXHAUSTED(accept_against_timer, setup_listed, (accept_second, free_and_expire), check_both,
          .newest_only = true)
EXHAUSTED(close_against_timer, setup_listed, (free_one, free_and_expire), check,
          .newest_only = true)
EXHAUSTED(remove_against_timer, setup_listed, (remove_first, free_and_expire), check,
          .newest_only = true)
EXHAUSTED(remove_against_close, setup_listed, (remove_first, free_one), check, .newest_only = true)
EXHAUSTED(two_accepts_and_a_close, setup, (accept_first, accept_second, free_one), check_both,
          .newest_only = true, .switches_max = 3)
EXHAUSTED(accept_close_and_timer, setup_listed, (accept_second, free_one, free_and_expire),
          check_both, .newest_only = true, .switches_max = 3)
EXHAUSTED(accept_remove_and_timer, setup_listed, (accept_second, remove_first, free_and_expire),
          check_both, .newest_only = true, .switches_max = 3)
