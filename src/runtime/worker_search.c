/*
 * worker_search.c - see worker_search.h.
 */
#include "runtime/worker_search.h"

#include "base/fetch.h"
#include "os/os.h"
#include "runtime/batch.h"
#include "runtime/injector.h"
#include "runtime/reactor.h"
#include "runtime/ring.h"
#include "runtime/rounds.h"
#include "runtime/sleep.h"
#include "runtime/theft.h"
#include "runtime/worker_timers.h"

enum {
	SHARE = 64, /* taken from the injector at a time */
	/*
	 * A worker that had events so lately searches once, because the kernel wakes it; or for
	 * WOKEN_NS if it was woken. What events make runnable is often short, and gone before it comes.
	 */
	EVENTS_NS = 1000000,
	WOKEN_NS = 2000,
	EMPTY_LOOKS_MAX = 4,
	ALONE_NS = 10000, /* of a search while all other workers sleep */
	/* If frames come fast, a worker waits for 32, or for 3 microseconds since its last share. */
	GATHERED = 32,
	GATHER_NS = 3000,
	LATE_NS = 1000000 /* a timer that is so late is ended by any worker */
};

/*
 * The worker has moved entries of others to its ring. The last of them was visible to all workers
 * before, so it stays visible: no push tells of it.
 */
static void moved(bide_worker *w, bool any)
{
	if (any)
		BIDE_STORE(&w->told, 1u, RELAXED);
}

/* Moves a share of the injector to this worker's ring. Returns the first frame of it. */
static bide_frame *take_share(bide_worker *w)
{
	bide_frame *share[SHARE];
	uint32_t room = BIDE_RING_SIZE + 1 - bide_ring_size_(&w->ring); /* at least; others only take */
	uint32_t max = room < SHARE ? room : SHARE;
	uint32_t count = bide_injector_take_(&bide_workers_.injector, share, max, bide_workers_.count);

	w->share_ns = count > 1 ? bide_os_now_ns_() : INT64_MIN / 2;
	for (uint32_t i = 1; i < count; i++)
		bide_fetch_to_write_(share[i]); /* another core wrote it */
	for (uint32_t i = 1; i < count; i++)
		(void)bide_ring_push_(&w->ring, share[i]);
	moved(w, count > 1);
	return count ? share[0] : NULL;
}

/*
 * Hands out what the worker has fetched from its reactor or, if that is nothing, what there is now.
 * What becomes runnable goes into the ring, where others see it, and not to the next step: so no
 * worker has to monitor this one for it.
 */
static bool look(bide_worker *w, bool has_fetched)
{
	struct bide_reactor *reactor = BIDE_LOAD(&w->sleeper.reactor, ACQUIRE);
	bool had_next = w->has_next, any;

	if (BIDE_LIKELY(!reactor))
		return false;
	w->has_next = w->hands_out = true;
	any = has_fetched ? bide_reactor_hooks_->hand_out(reactor) > 0 : bide_reactor_look_(reactor);
	w->has_next = had_next;
	w->hands_out = false;
	return any;
}

/* --- batches --- */

/*
 * Decides when the worker next looks, or checks what it has hidden: when it has run this many
 * functions, with the one that it comes to now.
 */
static void check_batch_after(bide_worker *w, uint32_t functions)
{
	w->batch.check = functions;
	w->turns_max = BIDE_TURNS_BETWEEN_POLLS_;
	if (functions != BIDE_BATCH_NO_CHECK_ && w->turns + functions - 1 < w->turns_max)
		w->turns_max = w->turns + functions - 1;
}

/*
 * The worker has a batch, and runs `functions` of it and the other things that it has. Returns true
 * if it hides the batch.
 */
static bool hides_batch(bide_worker *w, uint32_t functions)
{
	bool hidden;

	if (functions < 2)
		return false;
	hidden = bide_batch_is_short_(&w->batch, functions, BIDE_LOAD(&bide_wake_ns_, RELAXED));
	BIDE_STORE(&w->told, 1u, RELAXED); /* for those that search anyway, also if one is left */
	check_batch_after(w, hidden ? 1 : BIDE_BATCH_NO_CHECK_);
	return hidden;
}

/* Tells sleepers of a batch, if they want it. */
static void tell_batch(bide_worker *w)
{
	uint32_t *wanted = &w->thread.head.deque.wanted;

	if (bide_worker_entries_(w) > 1 && BIDE_LOAD(wanted, RELAXED))
		bide_sleep_offer_(wanted);
}

/* The worker has hidden a batch, and has run some of it. */
static void check_batch(bide_worker *w)
{
	uint32_t ran = w->batch.check;

	check_batch_after(w, BIDE_BATCH_NO_CHECK_);
	if (bide_worker_entries_(w) < 2)
		return;
	bide_batch_measure_(&w->batch, w->steps, bide_os_now_ns_());
	if (hides_batch(w, bide_worker_entries_(w)))
		check_batch_after(w, ran < BIDE_BATCH_CHECK_MAX_ ? 2 * ran : ran);
	else
		tell_batch(w);
}

uintptr_t bide_worker_take_rarely_(bide_worker *w)
{
	bool has_batch = w->batch.check != BIDE_BATCH_NO_CHECK_;
	int64_t now_ns;
	uintptr_t entry = 0;

	if (w->turns <= BIDE_TURNS_BETWEEN_POLLS_) {
		check_batch(w);
		return 0;
	}
	w->turns = 0;
	now_ns = bide_os_now_ns_();
	bide_worker_expire_(w, now_ns);
	check_batch_after(w, BIDE_BATCH_NO_CHECK_);
	bide_batch_measure_(&w->batch, w->steps, now_ns);
	bide_batch_begin_(&w->batch, w->steps, now_ns);
	if (look(w, false) || has_batch) {
		if (hides_batch(w, bide_worker_entries_(w)))
			bide_sleep_ask_monitor_();
		else
			tell_batch(w);
	}
	w->injector_first = !w->injector_first;
	if (w->injector_first)
		entry = bide_entry_of_(take_share(w));
	if (!entry)
		entry = bide_deque_owner_pop_oldest_(&w->thread.head);
	return entry ? entry : bide_entry_of_(take_share(w));
}

static uint32_t draw(bide_worker *w)
{
	uint32_t x = w->random; /* xorshift */

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return w->random = x;
}

/*
 * The thief leaves a lone entry to its owner, unless the owner has told of it. If the owner is
 * stuck, the monitor takes it.
 */
static uintptr_t steal(bide_worker *w, bide_worker *victim, int64_t now_ns)
{
	bool lone = bide_worker_entries_(victim) == 1;
	uintptr_t entry;

	if (!bide_worker_has_work_(victim))
		return 0;
	entry = bide_entry_of_(bide_ring_steal_(&victim->ring, &w->ring));
	moved(w, bide_ring_size_(&w->ring) > 0);
	if (!entry)
		return bide_theft_try_(w, victim, now_ns);
	bide_worker_count_theft_(victim, lone);
	return entry;
}

/*
 * Returns true if a thread puts frames into the injector faster than this worker, which searches,
 * runs them. To take each at once would have the injector and the frames go back and forth between
 * two cores, and both threads wait for that. So the worker lets some more come.
 */
static bool gathers(const bide_worker *w, int64_t now_ns)
{
	return now_ns - w->share_ns < GATHER_NS &&
	       bide_injector_size_(&bide_workers_.injector) < GATHERED;
}

/* Takes from the injector and from other workers. is_last: the time of the search is over. */
static uintptr_t take_from_others(bide_worker *w, int64_t now_ns, bool is_last)
{
	uintptr_t entry = bide_theft_go_on_(w, now_ns);
	unsigned start = draw(w) % bide_workers_.count;

	if (!entry && (is_last || !gathers(w, now_ns)))
		entry = bide_entry_of_(take_share(w));

	for (unsigned i = 0; i < bide_workers_.count && !entry; i++) {
		bide_worker *victim = bide_workers_.worker[(start + i) % bide_workers_.count];
		if (victim == w)
			continue;
		entry = steal(w, victim, now_ns);
		/* The owner is late, because it runs for long. */
		if (!entry && BIDE_LOAD(&victim->due_ns, RELAXED) <= now_ns - LATE_NS)
			bide_worker_expire_(victim, now_ns);
	}
	return entry ? entry : bide_worker_take_(w);
}

/*
 * The worker is about to sleep in its reactor, which is a look, too. If the looks before that have
 * found nothing for some time, as when events come one by one, it makes only one in 16.
 */
static bool look_if_it_pays(bide_worker *w)
{
	bool pays = w->empty_looks < EMPTY_LOOKS_MAX || w->empty_looks % 16 == 0;
	bool any = pays && look(w, false);

	w->empty_looks = any ? 0 : w->empty_looks + 1;
	return any;
}

/*
 * Ends a search. events: the worker has handed out events in it, which are not told yet.
 */
static void end_search(bide_worker *w, bool found, bool events, int64_t now_ns)
{
	if (events)
		w->event_ns = now_ns;
	check_batch_after(w, BIDE_BATCH_NO_CHECK_);
	bide_batch_begin_(&w->batch, w->steps, found ? now_ns : 0);
	if (!found || !events || !hides_batch(w, bide_worker_entries_(w) + 1)) {
		bide_sleep_search_end_(found);
		return;
	}
	bide_sleep_search_hide_(&w->sleeper);
	bide_sleep_ask_monitor_();
}

/*
 * The worker has nothing left: it ends what is due, and looks at its reactor and at those of
 * workers that run for long. It counts as a searcher meanwhile, so no other worker is woken for
 * what it will take itself.
 */
static uintptr_t take_arrivals(bide_worker *w, int64_t now_ns)
{
	uintptr_t entry;
	bool events;

	if (bide_worker_expire_(w, now_ns) && (entry = bide_worker_take_(w)) != 0)
		return entry;
	if (BIDE_LIKELY(!BIDE_LOAD(&bide_reactor_hooks_, ACQUIRE)))
		return 0;
	(void)BIDE_ADD(&bide_sleep_.searching, 1u, SEQ_CST);
	events = look_if_it_pays(w);
	if (bide_rounds_make_(w, now_ns))
		events = true;
	entry = bide_worker_take_(w);
	end_search(w, entry != 0, events, now_ns);
	return entry;
}

/*
 * While the worker searches, a worker that makes something runnable comes to decide whether it
 * tells of it (bide_workers_offer_). It wakes no other worker then.
 */
static void want_from_others(const bide_worker *w)
{
	for (unsigned i = 0; i < bide_workers_.count; i++) {
		uint32_t *wanted = &bide_workers_.worker[i]->thread.head.deque.wanted;

		if (bide_workers_.worker[i] != w && !BIDE_LOAD(wanted, RELAXED))
			BIDE_STORE(wanted, 1u, RELAXED);
	}
}

/*
 * Returns true if a search has lasted long enough. If no other worker runs, only an external thread
 * could make something for this one.
 */
static bool is_over(int64_t lasted_ns, int64_t for_ns)
{
	return lasted_ns >= for_ns || (lasted_ns >= ALONE_NS && !bide_sleep_others_run_());
}

uintptr_t bide_worker_search_(bide_worker *w, bool counted, int64_t for_ns)
{
	int64_t now_ns = bide_os_now_ns_(), began_ns;
	uintptr_t entry = 0;
	unsigned pauses = 1;
	bool events = false, is_last;

	bide_theft_weigh_(w, now_ns);
	if (counted) {
		events = look(w, true);
	} else {
		bide_batch_measure_(&w->batch, w->steps, now_ns);
		if ((entry = take_arrivals(w, now_ns)) != 0 || !bide_sleep_search_begin_())
			return entry;
	}
	if (BIDE_UNLIKELY(events || w->event_ns > now_ns - EVENTS_NS) && for_ns > 0)
		for_ns = counted ? WOKEN_NS : 0;
	began_ns = now_ns;
	want_from_others(w);
	while (!bide_sleep_stops_()) {
		bide_worker_expire_(w, now_ns);
		if ((entry = bide_worker_take_(w)) != 0)
			break;
		is_last = is_over(now_ns - began_ns, for_ns);
		if ((entry = take_from_others(w, now_ns, is_last)) != 0)
			break;
		if (is_last && !bide_theft_waits_(w, now_ns))
			break;
		for (unsigned i = 0; i < pauses; i++)
			BIDE_RELAX();
		if (pauses < 32)
			pauses *= 2;
		now_ns = bide_os_now_ns_();
	}
	bide_theft_end_(w);
	end_search(w, entry != 0, events, now_ns);
	return entry;
}
