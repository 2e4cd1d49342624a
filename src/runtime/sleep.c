/*
 * sleep.c - the protocol of sleep.h.
 */
#include "runtime/sleep.h"

#include "base/assert.h"
#include "base/count.h"
#include "base/port.h"
#include "os/os.h"
#include "runtime/reactor.h"
#include "runtime/work.h"

bide_sleep bide_sleep_;

void bide_sleep_start_(void)
{
	bide_sleep_ = (bide_sleep){ 0 };
}

void bide_sleep_stop_(void)
{
	BIDE_STORE(&bide_sleep_.stopping, 1u, SEQ_CST); /* pairs with the load before a worker sleeps */
}

/* --- waking --- */

bool bide_sleep_wake_(bide_sleeper *sleeper)
{
	uint32_t seen = BIDE_SLEEPS_;
	struct bide_reactor *reactor;

	if (BIDE_LOAD(&sleeper->state, SEQ_CST) != BIDE_SLEEPS_ ||
	    !BIDE_CAS(&sleeper->state, &seen, (uint32_t)BIDE_WAKES_, SEQ_CST, RELAXED))
		return false;
	BIDE_SUB(&bide_sleep_.asleep, 1u, SEQ_CST);
	/* The sleeper does not go on before RUNS, so this is how it sleeps. */
	reactor =
		BIDE_LOAD(&sleeper->in_reactor, RELAXED) ? BIDE_LOAD(&sleeper->reactor, RELAXED) : NULL;
	bide_workers_woken_(sleeper);
	BIDE_STORE(&sleeper->state, (uint32_t)BIDE_RUNS_, RELEASE); /* pairs with is_woken */
	bide_count_(BIDE_COUNT_WAKES_, 1);
	bide_count_(BIDE_COUNT_CALLS_, 1);
	if (reactor)
		bide_reactor_hooks_->wake(reactor);
	else
		bide_os_wake_(&sleeper->state, 1);
	return true;
}

/*
 * Ends a sleep. Returns true if another thread woke the worker. The worker goes on only after its
 * waker has decremented `asleep`.
 */
static bool is_woken(bide_sleeper *sleeper)
{
	uint32_t seen = BIDE_SLEEPS_;

	if (BIDE_CAS(&sleeper->state, &seen, (uint32_t)BIDE_RUNS_, SEQ_CST, RELAXED)) {
		BIDE_SUB(&bide_sleep_.asleep, 1u, SEQ_CST);
		return false;
	}
	for (unsigned tries = 0; BIDE_LOAD(&sleeper->state, ACQUIRE) != BIDE_RUNS_; tries++)
		bide_port_wait_a_moment_(tries);
	return true;
}

/*
 * The sleeper that the caller meant to wake is already awake: undoes the increment of `searching`.
 * Returns true if another worker must be woken instead, because a thread that published meanwhile
 * left its work to that searcher. A worker that is awake now sees the work before it sleeps.
 */
static bool is_left(void)
{
	uint32_t before = BIDE_SUB(&bide_sleep_.searching, 1u, SEQ_CST);

	BIDE_ASSERT_(before > 0);
	if (before != 1)
		return false;
	BIDE_FENCE(SEQ_CST); /* pairs with the publisher's SEQ_CST load of `searching` */
	if (!bide_workers_have_work_())
		return false;
	for (unsigned i = 0; i < bide_workers_count_(); i++)
		if (BIDE_LOAD(&bide_workers_sleeper_(i)->state, SEQ_CST) == BIDE_SLEEPS_)
			return true;
	return false;
}

/* Wakes a worker. The monitor comes last, so that another one need not be woken to monitor. */
static bool wake_any(void)
{
	for (unsigned i = bide_workers_count_(); i-- > 0;)
		if (!BIDE_LOAD(&bide_workers_sleeper_(i)->monitors, RELAXED) &&
		    bide_sleep_wake_(bide_workers_sleeper_(i)))
			return true;
	for (unsigned i = bide_workers_count_(); i-- > 0;)
		if (bide_sleep_wake_(bide_workers_sleeper_(i)))
			return true;
	return false;
}

/*
 * If a worker is searching, it will see the work, because it looks again after it has left the
 * searching state.
 */
void bide_sleep_wake_one_(void)
{
	uint32_t none;

	do {
		none = 0;
		if (BIDE_LOAD(&bide_sleep_.searching, SEQ_CST) ||
		    !BIDE_LOAD(&bide_sleep_.asleep, SEQ_CST) ||
		    !BIDE_CAS(&bide_sleep_.searching, &none, 1u, SEQ_CST, RELAXED))
			return;
		if (wake_any())
			return;
	} while (is_left()); /* all were awake, and each of them looks before it sleeps */
}

void bide_sleep_offer_(uint32_t *wanted)
{
	BIDE_STORE(wanted, 0u, RELAXED);
	BIDE_FENCE(SEQ_CST); /* orders what was published before the loads of wake_one */
	bide_sleep_wake_one_();
}

/*
 * A worker reads the time of its first timer after it has announced that it sleeps. So either it is
 * woken here, or it has seen the new time.
 */
void bide_sleep_rearm_(bide_sleeper *sleeper)
{
	if (BIDE_LOAD(&sleeper->state, SEQ_CST) != BIDE_SLEEPS_)
		return;
	BIDE_ADD(&bide_sleep_.searching, 1u, SEQ_CST); /* for the worker that it wakes, as wake_one */
	if (!bide_sleep_wake_(sleeper) && is_left())
		bide_sleep_wake_one_();
}

void bide_sleep_ask_look_(void)
{
	if (BIDE_LOAD(&bide_sleep_.monitored, SEQ_CST) || !BIDE_LOAD(&bide_sleep_.asleep, SEQ_CST))
		return;
	if (!BIDE_LOAD(&bide_sleep_.rounds, SEQ_CST) || !bide_workers_round_is_soon_())
		bide_sleep_wake_one_();
}

/* --- searching --- */

bool bide_sleep_search_begin_(void)
{
	if (BIDE_LOAD(&bide_sleep_.searching, RELAXED) * 2 >= bide_workers_count_())
		return false;
	(void)BIDE_ADD(&bide_sleep_.searching, 1u, SEQ_CST);
	return true;
}

/*
 * The last searcher that finds work wakes another worker to look for more. It takes the steps of a
 * worker that falls asleep, on behalf of the workers that sleep already: a later push finds
 * `wanted` set, and an earlier push is seen by the second look. A worker that hid something, and
 * asked for a monitor meanwhile, has left that to this searcher. So has a sender its work, also if
 * the searcher hides what it has itself: `hider`, or NULL.
 */
static void search_end(bool found, const bide_sleeper *hider)
{
	uint32_t before = BIDE_SUB(&bide_sleep_.searching, 1u, SEQ_CST);

	BIDE_ASSERT_(before > 0);
	if (before != 1 || !found || !BIDE_LOAD(&bide_sleep_.asleep, SEQ_CST))
		return;
	if (!bide_workers_others_have_work_(hider)) {
		bide_workers_want_();
		BIDE_FENCE(SEQ_CST); /* pairs with a sender's; a pusher may be missed (sleep.h) */
		if (!bide_workers_others_have_work_(hider)) {
			if (bide_sleep_others_run_())
				bide_sleep_ask_look_();
			return;
		}
	}
	bide_sleep_wake_one_();
}

void bide_sleep_search_end_(bool found)
{
	search_end(found, NULL);
}

void bide_sleep_search_hide_(const bide_sleeper *sleeper)
{
	search_end(true, sleeper);
}

/* --- sleeping --- */

/*
 * Returns how many events it has fetched. A reactor that comes after the worker has announced how
 * it sleeps does not let it sleep: the thread that opened it may have read `state` before.
 */
static unsigned sleep_until(bide_sleeper *sleeper, int64_t until_ns)
{
	if (!sleeper->in_reactor && BIDE_LOAD(&sleeper->reactor, SEQ_CST)) /* bide_reactor_place_ */
		return 0;
	bide_count_(BIDE_COUNT_CALLS_, 1);
	if (sleeper->in_reactor)
		return bide_reactor_hooks_->fetch(BIDE_LOAD(&sleeper->reactor, RELAXED), until_ns);
	bide_os_wait_(&sleeper->state, BIDE_SLEEPS_, until_ns);
	return 0;
}

/*
 * Returns true if a worker runs, and too few sleepers make rounds. The first reactor may have been
 * opened after this worker had fallen asleep. Or those that made rounds may be awake.
 */
static bool rounds_are_wanted(bide_sleeper *sleeper)
{
	return BIDE_LOAD(&bide_sleep_.asleep, RELAXED) < bide_workers_count_() &&
	       BIDE_LOAD(&bide_sleep_.rounds, RELAXED) < bide_workers_rounds_max_(sleeper, true);
}

/*
 * The monitor looks at the others in its sleep. So it disturbs none of them, unless there is
 * something that it should take. It wakes if it should make rounds, and does not: they begin when
 * it falls asleep anew. Returns how many events it has fetched.
 */
static unsigned sleep_and_look(bide_sleeper *sleeper, int64_t until_ns, bool rounds)
{
	unsigned fetched;

	do {
		int64_t look_ns = bide_workers_look_time_(sleeper);

		fetched = sleep_until(sleeper, look_ns < until_ns ? look_ns : until_ns);
	} while (!fetched && sleeper->monitors && BIDE_LOAD(&sleeper->state, RELAXED) == BIDE_SLEEPS_ &&
	         (sleeper->in_reactor || !BIDE_LOAD(&sleeper->reactor, RELAXED)) &&
	         (rounds || !rounds_are_wanted(sleeper)) && bide_workers_sleep_on_(sleeper, until_ns));
	return fetched;
}

/* Returns true if this worker makes rounds from now on: fewer than `max` do. */
static bool begin_rounds(uint32_t max)
{
	uint32_t seen = BIDE_LOAD(&bide_sleep_.rounds, RELAXED);

	while (seen < max)
		if (BIDE_CAS(&bide_sleep_.rounds, &seen, seen + 1, SEQ_CST, RELAXED))
			return true;
	return false;
}

/* Returns until when the sleeper sleeps. If it makes rounds, bide_sleep_ask_look_ reads that. */
static int64_t sleeps_until(bide_sleeper *sleeper, bool rounds, bool others_run)
{
	int64_t until_ns = bide_workers_wake_time_(sleeper, rounds, others_run && !sleeper->monitors);

	if (rounds)
		BIDE_STORE(&sleeper->round_ns, until_ns, RELAXED);
	return until_ns;
}

bool bide_sleep_wait_(bide_sleeper *sleeper, bool asked)
{
	uint32_t none = 0, others;
	unsigned fetched = 0;
	bool others_run, rounds, woken;

	/*
	 * In this order: if this worker counts another as asleep, it does not monitor it. If that one
	 * is woken, and then asks for a monitor, it finds this `state`, and wakes this worker.
	 */
	BIDE_STORE(&sleeper->in_reactor, BIDE_LOAD(&sleeper->reactor, ACQUIRE) != NULL, RELAXED);
	BIDE_STORE(&sleeper->state, (uint32_t)BIDE_SLEEPS_, RELEASE); /* pairs with bide_sleep_wake_ */
	others = BIDE_ADD(&bide_sleep_.asleep, 1u, SEQ_CST);
	others_run = others + 1 < bide_workers_count_();
	/* While other workers run, one sleeping worker monitors them. It may be this one already. */
	if ((asked || others_run) && !sleeper->monitors &&
	    BIDE_CAS(&bide_sleep_.monitored, &none, 1u, SEQ_CST, RELAXED)) {
		BIDE_STORE(&sleeper->monitors, 1u, RELAXED); /* a hint for wakers */
		bide_workers_monitor_(others_run);
	} else if (others_run && sleeper->monitors) {
		bide_workers_monitor_(true); /* others may have slept when it planned its look */
	}
	rounds = begin_rounds(bide_workers_rounds_max_(sleeper, others_run));
	bide_workers_want_();
	BIDE_FENCE(SEQ_CST); /* pairs with a sender's; a pusher may be missed (sleep.h) */
	/* An active searcher takes this work, and wakes another worker if more remains: sleep. */
	if ((!bide_workers_have_work_() || BIDE_LOAD(&bide_sleep_.searching, SEQ_CST)) &&
	    !BIDE_LOAD(&bide_sleep_.stopping, SEQ_CST))
		fetched = sleep_and_look(sleeper, sleeps_until(sleeper, rounds, others_run), rounds);
	if (rounds) {
		BIDE_STORE(&sleeper->round_ns, BIDE_FOREVER, RELAXED);
		(void)BIDE_SUB(&bide_sleep_.rounds, 1u, SEQ_CST);
	}
	woken = sleeper->was_woken = is_woken(sleeper);
	BIDE_STORE(&sleeper->in_reactor, 0u, RELAXED);
	if (fetched && !woken) {
		(void)BIDE_ADD(&bide_sleep_.searching, 1u,
		               SEQ_CST); /* it looks for what the events bring */
		woken = true;
	}
	return woken;
}

void bide_sleep_monitor_end_(bide_sleeper *sleeper)
{
	BIDE_ASSERT_(sleeper->monitors && BIDE_LOAD(&bide_sleep_.monitored, RELAXED));
	BIDE_STORE(&sleeper->monitors, 0u, RELAXED);
	BIDE_STORE(&bide_sleep_.monitored, 0u, SEQ_CST);
}

bool bide_sleep_others_run_(void)
{
	return BIDE_LOAD(&bide_sleep_.asleep, SEQ_CST) + 1 < bide_workers_count_();
}

bool bide_sleep_is_valid_(void)
{
	uint32_t asleep = 0, monitors = 0;

	for (unsigned i = 0; i < bide_workers_count_(); i++) {
		uint32_t state = BIDE_LOAD(&bide_workers_sleeper_(i)->state, RELAXED);

		BIDE_INVARIANT_(state == BIDE_RUNS_ || state == BIDE_SLEEPS_);
		asleep += state == BIDE_SLEEPS_;
		monitors += BIDE_LOAD(&bide_workers_sleeper_(i)->monitors, RELAXED);
	}
	BIDE_INVARIANT_(BIDE_LOAD(&bide_sleep_.asleep, RELAXED) == asleep);
	BIDE_INVARIANT_(asleep + BIDE_LOAD(&bide_sleep_.searching, RELAXED) <= bide_workers_count_());
	BIDE_INVARIANT_(BIDE_LOAD(&bide_sleep_.monitored, RELAXED) == monitors && monitors <= 1);
	BIDE_INVARIANT_(BIDE_LOAD(&bide_sleep_.rounds, RELAXED) <= asleep);
	return true;
}
