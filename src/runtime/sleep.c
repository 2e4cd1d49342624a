/*
 * sleep.c - the protocol of sleep.h.
 */
#include "sleep.h"

#include "../os/os.h"
#include "pool.h"

bide_sleep bide_sleep_;

void bide_sleep_start_(void)
{
	bide_sleep_ = (bide_sleep){ 0 };
}

void bide_sleep_stop_(void)
{
	BIDE_STORE(&bide_sleep_.stopping, 1u, SEQ_CST); /* pairs with the look of who falls asleep */
}

/*
 * Orders what was stored here before; the heavy one pairs with the light one of who pushes. With
 * nobody but the caller awake, nobody pushes: who slept at that moment has set his own `wanted`
 * before he did, so what he pushes later is told, and what he pushed before, the look at `asleep`
 * has brought along. Saves a system call on the way from a wake-up to what it is for.
 */
static void heavy_fence(uint32_t asleep)
{
	BIDE_FENCE(SEQ_CST);
	if (asleep + 1 < bide_pool_count_())
		(void)bide_port_heavy_fence();
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
	bide_os_wake(&sleeper->state, 1);
	return true;
}

/* Ends a sleep. It does not run before who wakes it has taken it out of `asleep`. */
static bool is_woken(bide_sleeper *sleeper)
{
	uint32_t seen = BIDE_SLEEPS_;

	if (BIDE_CAS(&sleeper->state, &seen, (uint32_t)BIDE_RUNS_, SEQ_CST, RELAXED)) {
		BIDE_SUB(&bide_sleep_.asleep, 1u, SEQ_CST);
		return false;
	}
	for (unsigned tries = 0; BIDE_LOAD(&sleeper->state, ACQUIRE) != BIDE_RUNS_; tries++)
		bide_port_wait_a_moment(tries);
	return true;
}

/*
 * Whom the caller counted among those who search was awake already. true: somebody has to be woken
 * after all, because who published meanwhile left it to that searcher. Who is awake now sees it
 * before he sleeps.
 */
static bool is_left(void)
{
	if (BIDE_SUB(&bide_sleep_.searching, 1u, SEQ_CST) != 1)
		return false;
	BIDE_FENCE(SEQ_CST); /* pairs with the SEQ_CST look at `searching` of who published */
	if (!bide_pool_has_work_())
		return false;
	for (unsigned i = 0; i < bide_pool_count_(); i++)
		if (BIDE_LOAD(&bide_pool_sleeper_(i)->state, SEQ_CST) == BIDE_SLEEPS_)
			return true;
	return false;
}

/*
 * One who searches already will find it: it looks again after it has said that it does not search
 * any more.
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
		for (unsigned i = bide_pool_count_(); i-- > 0;)
			if (bide_sleep_wake_(bide_pool_sleeper_(i)))
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
	BIDE_ADD(&bide_sleep_.searching, 1u, SEQ_CST); /* as wake_one does for whom it wakes */
	if (!bide_sleep_wake_(sleeper) && is_left())
		bide_sleep_wake_one_();
}

/* --- searching --- */

bool bide_sleep_search_(void)
{
	if (BIDE_LOAD(&bide_sleep_.searching, RELAXED) * 2 >= bide_pool_count_())
		return false;
	(void)BIDE_ADD(&bide_sleep_.searching, 1u, SEQ_CST);
	return true;
}

/*
 * The last one to find something has somebody look for more. It does as one who falls asleep does,
 * on behalf of those who sleep already: what is pushed from here on is told, what was is seen.
 */
void bide_sleep_searched_(bool found)
{
	uint32_t asleep;

	if (BIDE_SUB(&bide_sleep_.searching, 1u, SEQ_CST) != 1 || !found ||
	    !(asleep = BIDE_LOAD(&bide_sleep_.asleep, SEQ_CST)))
		return;
	if (!bide_pool_has_work_()) {
		bide_pool_want_();
		heavy_fence(asleep);
		if (!bide_pool_has_work_())
			return;
	}
	bide_sleep_wake_one_();
}

/* --- sleeping --- */

bool bide_sleep_fall_(bide_sleeper *sleeper)
{
	uint32_t nobody = 0, others;
	bool watches = false;

	BIDE_STORE(&sleeper->state, (uint32_t)BIDE_SLEEPS_, RELAXED); /* the fence below orders it */
	/* While others run, one of those who sleep watches them. */
	others = BIDE_ADD(&bide_sleep_.asleep, 1u, SEQ_CST);
	if (others + 1 < bide_pool_count_())
		watches = BIDE_CAS(&bide_sleep_.watched, &nobody, 1u, SEQ_CST, RELAXED);
	bide_pool_want_();
	heavy_fence(others);
	/* What a searcher is about to find is his, and so is what is left when he has. */
	if ((!bide_pool_has_work_() || BIDE_LOAD(&bide_sleep_.searching, SEQ_CST)) &&
	    !BIDE_LOAD(&bide_sleep_.stopping, SEQ_CST))
		bide_os_wait(&sleeper->state, BIDE_SLEEPS_, bide_pool_wake_time_(sleeper, watches));
	if (watches)
		BIDE_STORE(&bide_sleep_.watched, 0u, SEQ_CST);
	return is_woken(sleeper);
}
