/*
 * sleep.c - the protocol of sleep.h.
 */
#include "runtime/sleep.h"

#include "base/port.h"
#include "os/os.h"
#include "runtime/work.h"

bide_sleep bide_sleep_;

void bide_sleep_start_(void)
{
	bide_sleep_ = (bide_sleep){ 0 };
}

void bide_sleep_stop_(void)
{
	BIDE_STORE(&bide_sleep_.stopping, 1u, SEQ_CST); /* pairs with the look of a falling sleeper */
}

/*
 * Orders the stores of the caller so far. The heavy fence pairs with the light fence of a worker
 * that pushes. If all other workers sleep, none of them pushes, and the heavy fence is left out:
 * each set its own `wanted` before it slept, so it reports what it pushes later; and the caller
 * sees what it pushed before, since it read `asleep`. This saves a system call after a wake-up.
 */
static void heavy_fence(uint32_t asleep)
{
	BIDE_FENCE(SEQ_CST);
	if (asleep + 1 < bide_workers_count_())
		(void)bide_port_heavy_fence_();
}

/* --- waking --- */

bool bide_sleep_wake_(bide_sleeper *sleeper)
{
	uint32_t seen = BIDE_SLEEPS_;

	if (BIDE_LOAD(&sleeper->state, SEQ_CST) != BIDE_SLEEPS_ ||
	    !BIDE_CAS(&sleeper->state, &seen, (uint32_t)BIDE_WAKES_, SEQ_CST, RELAXED))
		return false;
	BIDE_SUB(&bide_sleep_.asleep, 1u, SEQ_CST);
	BIDE_STORE(&sleeper->state, (uint32_t)BIDE_RUNS_, RELEASE); /* pairs with is_woken */
	bide_os_wake_(&sleeper->state, 1);
	return true;
}

/* Ends a sleep. The sleeper does not run before its waker has taken it out of `asleep`. */
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
 * Returns true if another worker has to be woken instead, because a thread that published meanwhile
 * left its work to that searcher. A worker that is awake now sees the work before it sleeps.
 */
static bool is_left(void)
{
	if (BIDE_SUB(&bide_sleep_.searching, 1u, SEQ_CST) != 1)
		return false;
	BIDE_FENCE(SEQ_CST); /* pairs with the publisher's SEQ_CST load of `searching` */
	if (!bide_workers_have_work_())
		return false;
	for (unsigned i = 0; i < bide_workers_count_(); i++)
		if (BIDE_LOAD(&bide_workers_sleeper_(i)->state, SEQ_CST) == BIDE_SLEEPS_)
			return true;
	return false;
}

/*
 * If a worker is searching, it will see the work: it looks again after it has left the searching
 * state.
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
		for (unsigned i = bide_workers_count_(); i-- > 0;)
			if (bide_sleep_wake_(bide_workers_sleeper_(i)))
				return;
	} while (is_left()); /* all were awake: each looks before it sleeps */
}

void bide_sleep_offer_(uint32_t *wanted)
{
	BIDE_STORE(wanted, 0u, RELAXED);
	BIDE_FENCE(SEQ_CST); /* what was published, then the looks of wake_one */
	bide_sleep_wake_one_();
}

/* A sleeper looks at its first timer after it has said that it sleeps: it is woken, or saw this. */
void bide_sleep_rearm_(bide_sleeper *sleeper)
{
	if (BIDE_LOAD(&sleeper->state, SEQ_CST) != BIDE_SLEEPS_)
		return;
	BIDE_ADD(&bide_sleep_.searching, 1u, SEQ_CST); /* as wake_one counts the worker it wakes */
	if (!bide_sleep_wake_(sleeper) && is_left())
		bide_sleep_wake_one_();
}

/* --- searching --- */

bool bide_sleep_search_(void)
{
	if (BIDE_LOAD(&bide_sleep_.searching, RELAXED) * 2 >= bide_workers_count_())
		return false;
	(void)BIDE_ADD(&bide_sleep_.searching, 1u, SEQ_CST);
	return true;
}

/*
 * The last searcher that finds work wakes another worker to look for more. It takes the steps of a
 * worker that falls asleep, for the workers that sleep already: a push from here on sees `wanted`,
 * and this look sees an earlier push.
 */
void bide_sleep_searched_(bool found)
{
	uint32_t asleep;

	if (BIDE_SUB(&bide_sleep_.searching, 1u, SEQ_CST) != 1 || !found ||
	    !(asleep = BIDE_LOAD(&bide_sleep_.asleep, SEQ_CST)))
		return;
	if (!bide_workers_have_work_()) {
		bide_workers_want_();
		heavy_fence(asleep);
		if (!bide_workers_have_work_())
			return;
	}
	bide_sleep_wake_one_();
}

/* --- sleeping --- */

bool bide_sleep_fall_(bide_sleeper *sleeper)
{
	uint32_t none = 0, others;
	bool monitors = false;

	BIDE_STORE(&sleeper->state, (uint32_t)BIDE_SLEEPS_, RELAXED); /* the fence below orders it */
	/* While others run, one sleeping worker monitors them. */
	others = BIDE_ADD(&bide_sleep_.asleep, 1u, SEQ_CST);
	if (others + 1 < bide_workers_count_())
		monitors = BIDE_CAS(&bide_sleep_.monitored, &none, 1u, SEQ_CST, RELAXED);
	bide_workers_want_();
	heavy_fence(others);
	/* An active searcher takes this work, and wakes another worker if more remains: sleep. */
	if ((!bide_workers_have_work_() || BIDE_LOAD(&bide_sleep_.searching, SEQ_CST)) &&
	    !BIDE_LOAD(&bide_sleep_.stopping, SEQ_CST))
		bide_os_wait_(&sleeper->state, BIDE_SLEEPS_, bide_workers_wake_time_(sleeper, monitors));
	if (monitors)
		BIDE_STORE(&bide_sleep_.monitored, 0u, SEQ_CST);
	return is_woken(sleeper);
}
