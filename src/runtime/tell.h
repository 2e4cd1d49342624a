/*
 * tell.h - whether a worker tells others of a lone entry: one that is all that it has.
 *
 * A lone entry is what its own worker comes to next. If that is soon, waking another worker for it
 * only costs: the woken one comes too late, and finds nothing. If the function that runs goes on
 * for longer than a wake takes, the entry should run elsewhere meanwhile. So the worker predicts,
 * by what it did just before. All times are nanoseconds of the runtime's clock.
 *
 *     samples   The worker reads the clock at a lone entry: at each one, or at every second,
 *               fourth, ... 128th while they come fast. If they come slowly again, the next sample
 *               shows it. Lone entries are counted only while another worker has nothing to do. So
 *               the functions that ran since the last sample count, too: about one for each entry.
 *     rule      An entry is told if those before it came no faster than a worker wakes, or if the
 *               worker has just slept. All others stay hidden.
 *     yield     The function of this step that yields, with nothing else there, is not counted: its
 *               worker comes to it at once, however slowly its steps come (worker_schedule.c).
 *     outcome   A woken worker reports whether it found something; of a fork, whether that ran for
 *               longer than the theft took. If not, nothing is told for a while: at first as long
 *               as 20 wakes take, then twice as long each time, up to 16 ms. So wrong wakes cost a
 *               20th of the time at most. A wake that found something, or as much time without a
 *               wrong one, ends this.
 *
 * A wrong guess costs little on the other side, too: what is hidden behind a function that goes on
 * is found by the monitor (monitor.h), which makes the worker look at each entry from then on.
 *
 * The worker alone calls these functions and writes the members, but for `outcome`, which a woken
 * worker writes, and `left`, which the monitor writes and reads: it changes with each hidden entry,
 * so it shows that a worker makes progress inside of one step. Both are atomic, relaxed: hints.
 */
#ifndef BIDE_RUNTIME_TELL_H
#define BIDE_RUNTIME_TELL_H

#include "base/library.h"

enum {
	BIDE_TELL_PACE_MAX_ = 128,
	BIDE_TELL_HOLD_WAKES_ = 20,
	BIDE_TELL_HOLD_MAX_NS_ = 16000000,
	/* The cost of a wake before one was measured, and what a measured one is taken for at most. */
	BIDE_WAKE_NS_ = 30000,
	BIDE_WAKE_MIN_NS_ = 5000,
	BIDE_WAKE_MAX_NS_ = 200000
};

enum { BIDE_TELL_UNKNOWN_, BIDE_TELL_FOUND_, BIDE_TELL_VAIN_ };

typedef struct bide_tell {
	uint32_t left;    /* lone entries up to the next sample, that one included */
	uint32_t pace;    /* from sample to sample */
	uint32_t steps;   /* functions run up to the last sample, or up to the last sleep */
	uint32_t outcome; /* of the last wake: BIDE_TELL_UNKNOWN_, ... */
	int64_t last_ns;  /* the last sample */
	int64_t told_ns;  /* the last entry that was told */
	int64_t hold_ns;  /* how long after that nothing is told; 0 if the last wakes were right */
} bide_tell;

static inline void bide_tell_start_(bide_tell *tell)
{
	*tell = (bide_tell){ .left = 1, .pace = 1, .last_ns = INT64_MIN / 2, .told_ns = INT64_MIN / 2 };
}

/* The worker has slept. steps: how many functions it has run so far. */
static inline void bide_tell_slept_(bide_tell *tell, uint32_t steps)
{
	tell->pace = 1;
	tell->steps = steps;
	BIDE_STORE(&tell->left, 1u, RELAXED);
}

/* Counts a lone entry. Returns true if it is a sample. Cost: three instructions. */
static inline bool bide_tell_counts_(bide_tell *tell)
{
	uint32_t left = BIDE_LOAD(&tell->left, RELAXED) - 1;

	BIDE_STORE(&tell->left, left, RELAXED);
	return left == 0;
}

/* Takes the outcome of the last wake into account. */
static inline void bide_tell_learn_(bide_tell *tell, int64_t now_ns, int64_t wake_ns)
{
	uint32_t outcome = BIDE_LOAD(&tell->outcome, RELAXED);

	/* A hold that was over for as long as one may last is forgotten. */
	if (tell->told_ns + tell->hold_ns < now_ns - BIDE_TELL_HOLD_MAX_NS_)
		tell->hold_ns = 0;
	if (outcome == BIDE_TELL_UNKNOWN_)
		return;
	BIDE_STORE(&tell->outcome, (uint32_t)BIDE_TELL_UNKNOWN_, RELAXED);
	if (outcome == BIDE_TELL_FOUND_)
		tell->hold_ns = 0;
	else
		tell->hold_ns = tell->hold_ns ? 2 * tell->hold_ns : BIDE_TELL_HOLD_WAKES_ * wake_ns;
	if (tell->hold_ns > BIDE_TELL_HOLD_MAX_NS_)
		tell->hold_ns = BIDE_TELL_HOLD_MAX_NS_;
}

/*
 * Takes a sample. steps: how many functions the worker has run so far. wake_ns: the cost of a wake.
 * Returns true if the entry is to be told. The caller tells it.
 */
static inline bool bide_tell_sample_(bide_tell *tell, uint32_t steps, int64_t now_ns,
                                     int64_t wake_ns)
{
	int64_t gap_ns = now_ns - tell->last_ns;
	uint32_t pace = tell->pace, ran = steps - tell->steps;
	bool tells = false;

	tell->last_ns = now_ns;
	tell->steps = steps;
	if (gap_ns < wake_ns) {
		tell->pace = pace < BIDE_TELL_PACE_MAX_ ? 2 * pace : pace;
	} else {
		tell->pace = 1; /* one entry at least came slowly */
		tells = gap_ns / (pace > ran ? pace : ran) >= wake_ns;
	}
	BIDE_STORE(&tell->left, tell->pace, RELAXED);
	if (!tells)
		return false;
	bide_tell_learn_(tell, now_ns, wake_ns);
	if (now_ns - tell->told_ns < tell->hold_ns)
		return false;
	tell->told_ns = now_ns;
	return true;
}

/* Returns the smoothed cost of a wake after one that took `took_ns`. */
static inline int64_t bide_wake_smoothed_(int64_t wake_ns, int64_t took_ns)
{
	if (took_ns < BIDE_WAKE_MIN_NS_)
		took_ns = BIDE_WAKE_MIN_NS_;
	if (took_ns > BIDE_WAKE_MAX_NS_)
		took_ns = BIDE_WAKE_MAX_NS_;
	return wake_ns + (took_ns - wake_ns) / 8;
}

#endif
