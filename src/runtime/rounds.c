/*
 * rounds.c - see rounds.h.
 */
#include "runtime/rounds.h"

#include "runtime/reactor.h"

enum {
	EAGER_FOR_NS = 100000000, /* rounds are eager for so long after a worker was slow */
	SOON_NS = 1000000         /* between eager rounds, and between the two looks at a worker */
};

/* Atomic; a hint. */
static int64_t eager_until_ns;

/* What a round has found. */
typedef struct findings {
	bool runs; /* a worker with a reactor runs */
	bool slow; /* one of them is slow */
	bool any;  /* events were handed out */
} findings;

void bide_rounds_start_(void)
{
	eager_until_ns = 0;
}

static void look_after(bide_worker *w, bide_worker *other, int64_t now_ns, bool eager, findings *f)
{
	struct bide_reactor *reactor = BIDE_LOAD(&other->sleeper.reactor, ACQUIRE);
	unsigned found;

	if (other == w || !reactor || BIDE_LOAD(&other->sleeper.state, RELAXED) != BIDE_RUNS_)
		return;
	found = bide_reactor_hooks_->look_after(BIDE_LOAD(&w->sleeper.reactor, ACQUIRE), reactor,
	                                        now_ns, eager);
	f->runs = true;
	f->slow |= (found & BIDE_REACTOR_SLOW_) != 0;
	f->any |= (found & BIDE_REACTOR_ANY_) != 0;
}

/*
 * A worker that has looked since the last round may be slow all the same: whether it is, a second
 * look tells soon afterwards.
 */
static void plan_next(bide_worker *w, int64_t now_ns, const findings *f)
{
	bool second_look = w->probes;

	if (f->slow || !w->round_pause_ns)
		w->round_pause_ns = BIDE_ROUND_MIN_NS_;
	else if (!f->runs || second_look)
		w->round_pause_ns *= w->round_pause_ns < BIDE_ROUND_MAX_NS_ ? 2 : 1;
	w->probes = f->runs && !f->slow && !second_look;
	w->round_ns = now_ns + (w->probes ? SOON_NS : w->round_pause_ns);
}

bool bide_rounds_make_(bide_worker *w, int64_t now_ns)
{
	findings f = { 0 };
	bool had_next = w->has_next, eager = BIDE_LOAD(&eager_until_ns, RELAXED) > now_ns;

	if (now_ns < w->round_ns && !eager)
		return false;
	w->has_next = true; /* see look in worker_search.c */
	for (unsigned i = 0; i < bide_workers_.count; i++)
		look_after(w, bide_workers_.worker[i], now_ns, eager, &f);
	w->has_next = had_next;
	if (f.slow)
		BIDE_STORE(&eager_until_ns, now_ns + EAGER_FOR_NS, RELAXED);
	plan_next(w, now_ns, &f);
	if (f.slow || eager)
		w->round_ns = now_ns + SOON_NS;
	return f.any;
}

/*
 * A worker that handles an event now and then makes its round when it has done so, if that is soon
 * after the round is due. So it does not wake for it.
 */
int64_t bide_rounds_next_ns_(bide_worker *w, int64_t now_ns)
{
	if (!w->round_pause_ns)
		w->round_pause_ns = BIDE_ROUND_MIN_NS_;
	if (w->round_ns <= now_ns)
		w->round_ns = now_ns + w->round_pause_ns;
	return w->round_ns + (w->round_pause_ns > BIDE_ROUND_MIN_NS_ ? w->round_pause_ns / 4 : 0);
}

bool bide_rounds_are_useful_(bide_worker *w)
{
	uint32_t steps = 0, before = w->steps_sum;

	for (unsigned i = 0; i < bide_workers_.count; i++)
		steps += BIDE_LOAD(&bide_workers_.worker[i]->steps, RELAXED) -
		         BIDE_LOAD(&bide_workers_.worker[i]->sleeps, RELAXED);
	w->steps_sum = steps;
	return steps != before;
}
