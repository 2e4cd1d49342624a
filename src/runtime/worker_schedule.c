/*
 * worker_schedule.c - see worker_schedule.h.
 *
 * On a worker, the newest continuation goes on its deque, as its next step; all else goes into its
 * ring. On an external thread it goes into the injector.
 */
#include "runtime/worker_schedule.h"

#include "async/deque.h"
#include "os/os.h"
#include "runtime/injector.h"
#include "runtime/monitor.h"
#include "runtime/ring.h"
#include "runtime/sleep.h"
#include "runtime/worker.h"

/* The worker has hidden an entry. If the monitor does not look soon, wakes it, and it does. */
static void hurry_monitor(int64_t now_ns)
{
	/* Pairs with bide_monitor_finds_. */
	if (BIDE_LIKELY(BIDE_LOAD(&bide_monitor_.look_ns, SEQ_CST) <= now_ns + BIDE_MONITOR_SOON_NS_))
		return;
	for (unsigned i = 0; i < bide_workers_.count; i++) {
		bide_sleeper *sleeper = &bide_workers_.worker[i]->sleeper;

		if (!BIDE_LOAD(&sleeper->monitors, RELAXED))
			continue;
		BIDE_STORE(&bide_monitor_.hurried, 1u, RELAXED);
		bide_sleep_rearm_(sleeper);
		return;
	}
}

/*
 * The worker has taken a sample of its lone entries. If it tells, a thief that searches, or is
 * woken, may take the entry. If not, a function that runs for long delays it, so another worker has
 * to monitor: until the next sample there is one, because a worker that falls asleep while this one
 * runs, or that was the monitor and runs a function, sees to that.
 */
static bool tells(bide_worker *w)
{
	int64_t now_ns = bide_os_now_ns_();
	bool told = bide_tell_sample_(&w->tell, w->steps, now_ns, BIDE_LOAD(&bide_wake_ns_, RELAXED));

	BIDE_STORE(&w->told, told, RELAXED);
	if (told)
		return true;
	if (BIDE_LOAD(&bide_sleep_.monitored, SEQ_CST))
		hurry_monitor(now_ns);
	else
		bide_sleep_ask_look_();
	return false;
}

void bide_workers_offer_(bide_thread_head *head)
{
	bide_worker *w = (bide_worker *)(void *)head;

	if (w->hands_out) {
		/* worker_search.c decides when all are there. */
	} else if (bide_worker_entries_(w) > 1) {
		/* Also if one is left when another worker comes. */
		BIDE_STORE(&w->told, 1u, RELAXED);
		bide_sleep_offer_(&head->deque.wanted);
	} else if (bide_thread_is_inside_(head) && bide_tell_counts_(&w->tell) && tells(w)) {
		/* Outside of functions, as for timers and events, the worker takes it itself at once. */
		bide_sleep_offer_(&head->deque.wanted);
	}
	/* If that has reset `wanted`, it has passed a full fence since. */
	if (BIDE_UNLIKELY(bide_deque_is_asked_(head)))
		bide_deque_owner_answer_(head);
}

/*
 * Returns true if the frame is the function of this step, which yields, and all that the worker
 * has: the step is at its end, and the worker comes to the frame at once.
 */
static bool yields_alone(const bide_worker *w, const bide_frame *frame)
{
	return frame == w->thread.resumed && bide_worker_entries_(w) == 1;
}

static void offer_if_wanted(bide_worker *w, const bide_frame *frame)
{
	bide_thread_head *head = &w->thread.head;

	BIDE_LIGHT_FENCE(); /* the load comes behind what was pushed; see sleep.h */
	if (BIDE_UNLIKELY(head->deque.no_membarrier))
		BIDE_FENCE(SEQ_CST);
	if (BIDE_LIKELY(!BIDE_LOAD(&head->deque.wanted, RELAXED)))
		return;
	if (!yields_alone(w, frame))
		bide_workers_offer_(head);
	else if (BIDE_UNLIKELY(bide_deque_is_asked_(head)))
		bide_deque_owner_answer_(head);
}

/* The ring is full: moves the older half of it to the injector, where all workers see it. */
static void ring_overflow(bide_worker *w, bide_frame *frame)
{
	bide_frame *half[BIDE_RING_SIZE / 2];
	uint32_t count = 0;
	bool wakes;

	while (count < BIDE_RING_SIZE / 2 && (half[count] = bide_ring_take_(&w->ring)) != NULL)
		count++;
	wakes = bide_injector_put_(&bide_workers_.injector, half, count);
	(void)bide_ring_push_(&w->ring, frame); /* there is room, since only the owner fills it */
	if (wakes)
		bide_sleep_wake_one_(); /* the injector's count was stored SEQ_CST */
}

/* Puts the next step of this worker on its deque. Returns false if the deque is full. */
static bool next_push(bide_worker *w, bide_frame *frame)
{
	return w->has_next = bide_deque_owner_push_quietly_(&w->thread.head,
	                                                    (uintptr_t)frame | BIDE_ENTRY_FRAME_);
}

void bide_workers_schedule_(bide_frame *frame, bool next)
{
	bide_worker *w = bide_worker_this_();

	if (!w) {
		if (bide_injector_put_(&bide_workers_.injector, &frame, 1))
			bide_sleep_wake_one_(); /* the count was stored SEQ_CST */
		return;
	}
	if (!(next && !w->has_next && next_push(w, frame)) &&
	    BIDE_UNLIKELY(!bide_ring_push_(&w->ring, frame)))
		ring_overflow(w, frame);
	offer_if_wanted(w, frame);
}
