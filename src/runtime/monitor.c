/*
 * monitor.c - see monitor.h.
 */
#include "runtime/monitor.h"

#ifndef BIDE_MONITOR_TRIES
#define BIDE_MONITOR_TRIES 64u /* of a look at a worker that may be stuck; about 2 microseconds */
#endif

enum { OFTEN = 32 /* looks, where one finds a worker stuck */ };

/* --- one worker --- */

static bool moves(const bide_worker *w)
{
	for (unsigned i = 0; i < BIDE_MONITOR_TRIES && !bide_monitor_moved_(w); i++)
		BIDE_RELAX();
	return bide_monitor_moved_(w);
}

/*
 * Notes which step the worker is in. Returns true if it runs. Sets *any_made if it has made a step
 * since the last note.
 */
static bool note(bide_worker *w, int64_t now_ns, bool *any_made)
{
	bool runs = BIDE_LOAD(&w->sleeper.state, RELAXED) == BIDE_RUNS_, made = bide_monitor_moved_(w);

	if (made || !runs)
		w->seen_ns = runs ? now_ns : BIDE_FOREVER;
	else if (w->seen_ns == BIDE_FOREVER) /* it slept when it was seen last */
		w->seen_ns = now_ns;
	w->steps_seen = BIDE_LOAD(&w->steps, RELAXED);
	w->left_seen = BIDE_LOAD(&w->tell.left, RELAXED);
	*any_made |= made;
	return runs;
}

/* Returns true if the worker has something that waits until the function that it runs has ended. */
static bool something_waits(const bide_worker *w, int64_t now_ns)
{
	return bide_worker_entries_(w) > 0 || BIDE_LOAD(&w->due_ns, RELAXED) <= now_ns;
}

/* Returns true if it runs, and is in the step in which it was noted, for late_ns by now. */
static bool is_late(const bide_worker *w, int64_t now_ns, int64_t late_ns)
{
	return BIDE_LOAD(&w->sleeper.state, RELAXED) == BIDE_RUNS_ && !bide_monitor_moved_(w) &&
	       w->seen_ns <= now_ns - late_ns;
}

/* Returns true if events may wait that only its worker would fetch. */
static bool events_may_wait(const bide_worker *w)
{
	return BIDE_LOAD(&w->sleeper.reactor, RELAXED) != NULL;
}

/* --- the next look --- */

/* Returns the time between two looks while others run. */
static int64_t pause_ns(int64_t now_ns)
{
	const bide_monitor *m = &bide_monitor_;
	int64_t pause = now_ns - m->stuck_ns;

	if (pause < m->between_ns)
		pause = m->between_ns;
	pause /= OFTEN;
	if (pause > BIDE_MONITOR_CALM_NS_)
		return BIDE_MONITOR_CALM_NS_;
	return pause > INT64_C(2) * BIDE_STUCK_NS_ ? pause : INT64_C(2) * BIDE_STUCK_NS_;
}

static int64_t longer(int64_t window_ns)
{
	return 2 * window_ns <= BIDE_MONITOR_LONGEST_NS_ ? 2 * window_ns : window_ns;
}

/* Sets the time of the next look. soon_ns: a worker may be late; otherwise BIDE_FOREVER. */
static void plan(int64_t now_ns, bool others_run, int64_t soon_ns)
{
	bide_monitor *m = &bide_monitor_;

	if (!others_run) {
		if (m->busy == 0)
			m->window_ns = longer(m->window_ns);
		m->busy = 0;
		BIDE_STORE(&m->look_ns, now_ns + m->window_ns, SEQ_CST); /* pairs with hurry_monitor */
		return;
	}
	if (m->busy++ > 0) /* once may be by chance */
		m->window_ns = BIDE_MONITOR_NS_;
	if (soon_ns > pause_ns(now_ns))
		soon_ns = pause_ns(now_ns);
	BIDE_STORE(&m->look_ns, now_ns + soon_ns, RELAXED);
}

/*
 * If another monitor has just ended, its times hold, so that looks are made in time although no
 * worker sleeps for long. If one has ended a little before that, events come now and then: then the
 * window grows until it is longer than the time between two of them.
 */
void bide_monitor_begin_(int64_t now_ns, bool others_run)
{
	bide_monitor *m = &bide_monitor_;
	bool holds = m->look_ns > now_ns, any_made = false;

	m->stuck = NULL;
	m->ends = false;
	if (BIDE_LOAD(&m->hurried, RELAXED)) {
		BIDE_STORE(&m->hurried, 0u, RELAXED);
		m->window_ns = BIDE_MONITOR_NS_;
		holds = false;
	}
	if (!holds) {
		m->window_ns = m->look_ns > now_ns - BIDE_MONITOR_LONGEST_NS_ / 4 ? longer(m->window_ns)
		                                                                  : BIDE_MONITOR_NS_;
		m->busy = 0;
		BIDE_STORE(&m->look_ns, now_ns + m->window_ns, RELAXED);
	}
	if (others_run && m->look_ns > now_ns + BIDE_STUCK_NS_)
		BIDE_STORE(&m->look_ns, now_ns + BIDE_STUCK_NS_, RELAXED);
	for (unsigned i = 0; (!holds || others_run) && i < bide_workers_.count; i++)
		(void)note(bide_workers_.worker[i], now_ns, &any_made);
}

/* --- the look --- */

/* Returns true if another worker does not sleep. */
static bool any_runs(const bide_worker *monitor)
{
	for (unsigned i = 0; i < bide_workers_.count; i++)
		if (bide_workers_.worker[i] != monitor &&
		    BIDE_LOAD(&bide_workers_.worker[i]->sleeper.state, SEQ_CST) != BIDE_SLEEPS_)
			return true;
	return false;
}

/* Returns when the next look is due: soon_ns, or sooner if this worker makes no step. */
static int64_t sooner(const bide_worker *w, int64_t now_ns, int64_t soon_ns)
{
	int64_t this_ns = something_waits(w, now_ns) ? BIDE_STUCK_NS_
	                  : events_may_wait(w)       ? BIDE_SLOW_NS_
	                                             : BIDE_FOREVER;

	return this_ns < soon_ns && !moves(w) ? this_ns : soon_ns;
}

bool bide_monitor_finds_(bide_worker *monitor, int64_t now_ns)
{
	bide_monitor *m = &bide_monitor_;
	bool others_run = false, any_made = false, has_work = false, has_round = false;
	int64_t soon_ns = BIDE_FOREVER;

	if (now_ns < m->look_ns)
		return false;
	m->stuck = NULL;
	for (unsigned i = 0; i < bide_workers_.count; i++) {
		bide_worker *other = bide_workers_.worker[i];

		if (other == monitor)
			continue;
		if (something_waits(other, now_ns) && is_late(other, now_ns, BIDE_STUCK_NS_))
			m->stuck = other;
		has_round |= events_may_wait(other) && is_late(other, now_ns, BIDE_SLOW_NS_);
		has_work |= bide_worker_has_work_(other);
		if (!note(other, now_ns, &any_made))
			continue;
		others_run = true;
		soon_ns = sooner(other, now_ns, soon_ns);
	}
	if (has_round)
		monitor->round_ns = now_ns;
	plan(now_ns, others_run, soon_ns);
	if (!others_run && any_runs(monitor)) { /* it has woken meanwhile */
		others_run = true;
		plan(now_ns, true, BIDE_STUCK_NS_);
	}
	m->ends = !others_run && !any_made;
	return m->stuck || has_work || has_round || m->ends;
}
