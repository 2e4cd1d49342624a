/*
 * theft.c - see theft.h.
 */
#include "runtime/theft.h"

#include "async/deque.h"
#include "base/assert.h"
#include "os/os.h"
#include "runtime/fence.h"
#include "runtime/worker_schedule.h"

enum {
	ASK_NS = 1000,         /* about what an answer takes: some cache lines go back and forth */
	WORTH = 4,             /* a theft pays if its loot ran four times as long as the theft took */
	PAUSE_MAX_NS = 250000, /* so long may something wait because of thefts that did not pay */
	FORGET_NS = 1000000    /* after this time a vain theft is the first one again */
};

/* How often the thief looks for the answer before it looks for other work. */
#ifndef BIDE_THEFT_LOOKS
#define BIDE_THEFT_LOOKS 48
#endif

/* --- what a theft was worth --- */

static void vain(bide_theft *theft, int64_t now_ns)
{
	int64_t pause_ns = 2 * theft->pause_ns;

	if (pause_ns == 0 || now_ns - theft->next_ns > FORGET_NS)
		pause_ns = theft->cost_ns < ASK_NS ? ASK_NS : theft->cost_ns;
	theft->pause_ns = pause_ns < PAUSE_MAX_NS ? pause_ns : PAUSE_MAX_NS;
	theft->next_ns = now_ns + theft->pause_ns;
	theft->silent = NULL;
}

void bide_theft_weigh_(bide_worker *thief, int64_t now_ns)
{
	bide_theft *theft = &thief->theft;
	int64_t ran_ns = now_ns - theft->got_ns;

	if (theft->got_ns == 0)
		return;
	theft->got_ns = 0;
	/* A fork that ran for less than its theft took would have ended sooner where it was. */
	bide_worker_report_(thief, ran_ns >= theft->cost_ns);
	if (ran_ns >= WORTH * theft->cost_ns) {
		theft->pause_ns = 0;
		if (ran_ns >= (int64_t)WORTH * WORTH * theft->cost_ns)
			theft->max = 1;
	} else if (theft->had_more && theft->max < BIDE_DEQUE_GIVEN_) {
		theft->max = 2 * theft->max < BIDE_DEQUE_GIVEN_ ? 2 * theft->max : BIDE_DEQUE_GIVEN_;
	} else {
		vain(theft, now_ns);
	}
}

/* --- a theft --- */

/* Puts an entry where this worker comes to it, and where others can take it. */
static void keep(bide_worker *thief, uintptr_t entry)
{
	bool kept;

	if (entry & BIDE_ENTRY_FRAME_) {
		bide_workers_schedule_((bide_frame *)(entry & ~(uintptr_t)BIDE_ENTRY_FRAME_), false);
		return;
	}
	kept = bide_deque_owner_keep_(&thief->thread.head, entry);
	BIDE_ASSERT_(kept); /* a worker that searches has an empty deque */
	(void)kept;
}

/* The theft has ended. Returns the first entry of the loot, and keeps the others. */
static uintptr_t bring(bide_worker *thief, bide_worker *victim, const bide_deque_loot *loot,
                       unsigned max, bool lone)
{
	bide_theft *theft = &thief->theft;
	int64_t now_ns = bide_os_now_ns_();

	theft->victim = NULL;
	theft->cost_ns = now_ns - theft->asked_ns;
	if (loot->count == 0) {
		vain(theft, now_ns);
		return 0;
	}
	theft->got_ns = now_ns;
	theft->had_more = loot->count == max;
	bide_worker_count_theft_(victim, lone);
	for (unsigned i = 1; i < loot->count; i++)
		keep(thief, loot->entry[i]);
	if (loot->count > 1)
		BIDE_STORE(&thief->told, 1u, RELAXED); /* of the last one, as moved in worker_search.c */
	return loot->entry[0];
}

/*
 * Takes with the heavy fence, and as much as it can: the owner is in a long function. Notes that,
 * so that the thief does not ask it again before it has pushed or popped.
 */
static uintptr_t take_by_force(bide_worker *thief, bide_worker *victim)
{
	bide_theft *theft = &thief->theft;
	bide_thread_head *head = &victim->thread.head;
	bool lone = bide_deque_size_(head) == 1;
	bide_deque_loot loot;

	theft->silent = victim;
	theft->silent_bottom = BIDE_LOAD(&head->deque.bottom, RELAXED);
	(void)bide_deque_thief_steal_some_(head, BIDE_DEQUE_GIVEN_, &loot);
	return bring(thief, victim, &loot, BIDE_DEQUE_GIVEN_, lone);
}

/* Returns true if asking is not worth the time. */
static bool is_silent(const bide_theft *theft, const bide_worker *victim)
{
	const bide_deque *deque = &victim->thread.head.deque;

	return bide_fence_cost_() < ASK_NS ||
	       (theft->silent == victim && BIDE_LOAD(&deque->bottom, RELAXED) == theft->silent_bottom);
}

uintptr_t bide_theft_try_(bide_worker *thief, bide_worker *victim, int64_t now_ns)
{
	bide_theft *theft = &thief->theft;
	bide_deque_loot loot;

	if (theft->victim || now_ns < theft->next_ns || !bide_deque_size_(&victim->thread.head))
		return 0;
	theft->asked_ns = now_ns;
	if (is_silent(theft, victim))
		return take_by_force(thief, victim);
	if (!bide_deque_thief_ask_(&victim->thread.head, theft->max))
		return 0;
	theft->victim = victim;
	for (unsigned looks = 0; looks < BIDE_THEFT_LOOKS; looks++) {
		if (bide_deque_thief_look_(&victim->thread.head, &loot))
			return bring(thief, victim, &loot, theft->max, false);
		BIDE_RELAX();
	}
	return 0;
}

uintptr_t bide_theft_go_on_(bide_worker *thief, int64_t now_ns)
{
	bide_theft *theft = &thief->theft;
	bide_worker *victim = theft->victim;
	bide_deque_loot loot;
	bool is_late;

	if (!victim)
		return 0;
	if (bide_deque_thief_look_(&victim->thread.head, &loot))
		return bring(thief, victim, &loot, theft->max, false);
	is_late = now_ns - theft->asked_ns > 2 * bide_fence_cost_() + ASK_NS;
	if (!is_late && bide_worker_has_work_(victim))
		return 0;
	if (bide_deque_thief_take_back_(&victim->thread.head, &loot))
		return bring(thief, victim, &loot, theft->max, false);
	theft->victim = NULL;
	return bide_worker_has_work_(victim) ? take_by_force(thief, victim) : 0;
}

void bide_theft_end_(bide_worker *thief)
{
	bide_theft *theft = &thief->theft;
	bide_worker *victim = theft->victim;
	bide_deque_loot loot;
	uintptr_t entry;

	theft->victim = NULL;
	if (!victim || !bide_deque_thief_take_back_(&victim->thread.head, &loot))
		return;
	entry = bring(thief, victim, &loot, theft->max, false);
	if (entry)
		keep(thief, entry);
}
