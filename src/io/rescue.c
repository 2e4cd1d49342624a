/*
 * rescue.c - see rescue.h.
 */
#include "io/rescue.h"

#include "io/upcalls.h"
#include "runtime/reactor.h"
#include "runtime/reactor_place.h"

enum { SLOW_NS = 900000 /* a worker that runs and has not looked for so long is slow */ };

/* Of the threads that take a part out, the one that clears part_of does it. */
void bide_rescue_end_slow_(bide_reactor *reactor)
{
	bide_reactor *whole = BIDE_SWAP(&reactor->part_of, NULL, ACQ_REL);

	if (whole)
		whole->engine->leave(whole, reactor);
}

/* Fetches and hands out one batch. Returns how many events that were. */
static unsigned rescue_batch(bide_reactor *other, bool *woken)
{
	bide_reactor_event events[BIDE_REACTOR_BATCH_];
	unsigned count = other->engine->fetch(other, events, BIDE_REACTOR_BATCH_, 0, woken);

	for (unsigned i = 0; i < count; i++)
		if (events[i].events & BIDE_EVENT_DONE_)
			bide_io_done_(&events[i]);
		else if (events[i].key < BIDE_RESCUE_KEYS_) /* its parts can wait for the next round */
			bide_io_event_(events[i].key, events[i].events);
	return count;
}

/*
 * The signal that wakes the owner may be among what is fetched here. It is only meant for an owner
 * that sleeps. Such an owner has stored in_reactor before its waker signaled. It is taken out
 * before it is signaled anew, so that it alone gets the signal.
 */
unsigned bide_rescue_(bide_reactor *other)
{
	unsigned count, all = 0;
	bool woken = false;

	do {
		count = rescue_batch(other, &woken);
		all += count;
	} while (count == BIDE_REACTOR_BATCH_);
	if (woken && bide_reactor_is_slept_in_(other->place)) {
		bide_rescue_end_(other);
		other->engine->wake(other);
	}
	if (all)
		(void)BIDE_ADD(&other->rescued_count, all, RELAXED);
	return all;
}

/* Returns true if `mine`, or the reactor of another worker that sleeps, tells of its events. */
static bool join(bide_reactor *mine, bide_reactor *other)
{
	bide_reactor *whole = BIDE_LOAD(&other->part_of, ACQUIRE), *none = NULL;

	if (whole && (whole == mine || bide_reactor_is_slept_in_(whole->place)))
		return true;
	if (!mine)
		return false;
	bide_rescue_end_(other);
	if (!BIDE_CAS(&other->part_of, &none, mine, SEQ_CST, RELAXED))
		return true; /* another worker was faster */
	if (mine->engine->join(mine, other, BIDE_RESCUE_KEYS_ + other->place) != 0) {
		/* Another worker may have taken it out, and a third one may have it by now. */
		none = mine;
		(void)BIDE_CAS(&other->part_of, &none, NULL, RELEASE, RELAXED);
		return false;
	}
	/*
	 * A worker that falls asleep stores in_reactor, passes a full fence, and reads part_of. So it
	 * takes itself out, or is seen here.
	 */
	BIDE_FENCE(SEQ_CST);
	if (bide_reactor_is_slept_in_(other->place))
		bide_rescue_end_(other);
	/* It has been taken out meanwhile, perhaps before it was in. */
	if (BIDE_LOAD(&other->part_of, ACQUIRE) != mine)
		mine->engine->leave(mine, other);
	return true;
}

static bool is_slow(bide_reactor *other, int64_t now_ns)
{
	uint64_t looks = BIDE_LOAD(&other->wait_count, RELAXED);
	uint64_t seen = BIDE_LOAD(&other->seen_count, RELAXED);

	if (looks == seen)
		return now_ns - BIDE_LOAD(&other->seen_ns, RELAXED) >= SLOW_NS;
	BIDE_STORE(&other->seen_count, looks, RELAXED);
	BIDE_STORE(&other->seen_ns, now_ns, RELAXED);
	return false;
}

/* The worker of `mine` is about to sleep, so no other has to be told of its events. */
unsigned bide_rescue_look_after_(bide_reactor *mine, bide_reactor *other, int64_t now_ns,
                                 bool eager)
{
	bool slow = is_slow(other, now_ns);

	if (!slow && !eager) {
		bide_rescue_end_(other);
		return 0;
	}
	if (mine)
		bide_rescue_end_(mine); /* each cannot be part of the other */
	if (other->engine->submit)
		other->engine->submit(other,
		                      true); /* what its worker has queued, and would only submit later */
	if (join(mine, other))
		return slow ? BIDE_REACTOR_SLOW_ : 0; /* if it has events now, they come, too */
	return (slow ? BIDE_REACTOR_SLOW_ : 0) | (bide_rescue_(other) > 0 ? BIDE_REACTOR_ANY_ : 0);
}
