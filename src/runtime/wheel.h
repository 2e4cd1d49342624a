/*
 * wheel.h - a hierarchical timing wheel: which timer is due next. A pure data structure: no clock,
 * no memory, no threads.
 *
 * Time is cut into ticks of 2^16 ns (65.6 us). A timer lies in the level of the highest base-64
 * digit in which its tick differs from the wheel's, in the slot of that digit; 8 levels hold every
 * int64_t deadline. Insert and remove are O(1); a timer moves down at most 7 times in its life. A
 * bitmap a level tells which slots are occupied, so that empty time costs nothing. One thread at a
 * time; a wheel never moves.
 *
 * Never early. With exact, a timer runs as soon as its deadline has come; without, when its tick is
 * over.
 */
#ifndef BIDE_WHEEL_H
#define BIDE_WHEEL_H

#include "source/timer.h"

enum {
	BIDE_WHEEL_TICK_BITS = 16,
	BIDE_WHEEL_DIGIT_BITS = 6,
	BIDE_WHEEL_LEVELS = 8,
	BIDE_WHEEL_SLOTS = 64,                                  /* a level: one bit each of a bitmap */
	BIDE_WHEEL_LATE = BIDE_WHEEL_LEVELS * BIDE_WHEEL_SLOTS, /* inserted when its tick was over */
	BIDE_WHEEL_DUE,                                         /* being handed out */
	BIDE_WHEEL_LISTS
};

typedef struct bide_wheel {
	int64_t tick;         /* all before it are over */
	int64_t ordered_tick; /* the slot of this one is kept in order of deadlines; -1: none */
	size_t count;         /* of all timers in it */
	bool handing_out;
	uint64_t occupied[BIDE_WHEEL_LEVELS + 1]; /* the last one: LATE and DUE */
	bide_timer heads[BIDE_WHEEL_LISTS]; /* of circular lists; valid only where the bit is set */
} bide_wheel;

/* now_ns >= 0. */
BIDE_INTERNAL void bide_wheel_init_(bide_wheel *wheel, int64_t now_ns);

/*
 * timer->source.payload.i is the deadline; one in the past is due at once. It must not be in a
 * wheel. About 40 instructions.
 */
BIDE_INTERNAL void bide_wheel_insert_(bide_wheel *wheel, bide_timer *timer);

/*
 * Takes it out, also one that is due and not yet handed out; afterwards next is NULL. About 10
 * instructions.
 */
BIDE_INTERNAL void bide_wheel_remove_(bide_wheel *wheel, bide_timer *timer);

static inline bool bide_wheel_holds(const bide_timer *timer)
{
	return timer->next != NULL;
}

/*
 * When to call expire next: 0 if a timer is due already, BIDE_FOREVER if the wheel is empty. Never
 * later than the first deadline. May be earlier if that timer shares a coarse slot with others,
 * which must then be moved to finer slots: at most 7 times.
 */
BIDE_INTERNAL int64_t bide_wheel_next_ns_(const bide_wheel *wheel);

/*
 * The earliest deadline, to the nanosecond; BIDE_FOREVER if the wheel is empty. May look at every
 * timer of one slot, once a slot.
 */
BIDE_INTERNAL int64_t bide_wheel_first_exact_ns_(const bide_wheel *wheel);

/*
 * Takes out one timer that is due; NULL: no more. Call it until it says NULL:
 *
 *     while ((timer = bide_wheel_expire_(wheel, now_ns, exact)))
 *             ...
 *
 * They come by deadline, equal deadlines by insertion. What is due is found by the first call of
 * such a loop; so timers inserted meanwhile, even in the past, wait for the next loop, which
 * therefore ends. Those not yet handed out are still in the wheel and can be removed. A deadline of
 * INT64_MAX never comes unless exact. now_ns before an earlier one: nothing.
 */
BIDE_INTERNAL bide_timer *bide_wheel_expire_(bide_wheel *wheel, int64_t now_ns, bool exact);

#endif
