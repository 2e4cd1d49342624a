/*
 * wheel.h - a hierarchical timing wheel: which timer is due next. A pure data structure: no clock,
 * no memory, no threads.
 *
 * Time is cut into ticks of 2^16 ns (65.6 us). A timer lies in the level of the highest base-64
 * digit in which its tick differs from the wheel's, in the slot of that digit. 8 levels hold every
 * int64_t deadline. Insert and remove are O(1); a timer moves down at most 7 times in its life. A
 * bitmap for each level tells which slots are occupied, so empty time costs nothing. Only one
 * thread at a time may use a wheel, and a wheel never moves in memory.
 *
 * No timer runs early. With `exact`, a timer runs as soon as its deadline has come; without, when
 * its tick is over.
 */
#ifndef BIDE_WHEEL_H
#define BIDE_WHEEL_H

#include "source/timer.h"

enum {
	BIDE_WHEEL_TICK_BITS = 16,
	BIDE_WHEEL_DIGIT_BITS = 6,
	BIDE_WHEEL_LEVELS = 8,
	BIDE_WHEEL_SLOTS = 64, /* of a level: each has a bit in the bitmap of the level */
	/* The list of timers whose tick was over when they were inserted. */
	BIDE_WHEEL_LATE = BIDE_WHEEL_LEVELS * BIDE_WHEEL_SLOTS,
	BIDE_WHEEL_DUE, /* the list of timers that are being handed out */
	BIDE_WHEEL_LISTS
};

typedef struct bide_wheel {
	int64_t tick;         /* all ticks before it are over */
	int64_t ordered_tick; /* the slot of this tick is kept in order of deadlines; -1: no slot is */
	size_t count;         /* of all timers in all lists */
	bool handing_out;     /* a loop over bide_wheel_expire_ is under way */
	uint64_t occupied[BIDE_WHEEL_LEVELS + 1]; /* the last word: LATE and DUE */
	bide_timer heads[BIDE_WHEEL_LISTS]; /* of circular lists; valid only where the bit is set */
} bide_wheel;

/* now_ns >= 0. */
BIDE_INTERNAL void bide_wheel_init_(bide_wheel *wheel, int64_t now_ns);

/*
 * Puts a timer in, which must not be in a wheel. timer->source.payload.i is the deadline; one in
 * the past is due at once. Cost: about 40 instructions.
 */
BIDE_INTERNAL void bide_wheel_insert_(bide_wheel *wheel, bide_timer *timer);

/*
 * Takes a timer out, which must be in the wheel; it may be due and not yet handed out. Its `next`
 * is NULL afterwards. Cost: about 10 instructions.
 */
BIDE_INTERNAL void bide_wheel_remove_(bide_wheel *wheel, bide_timer *timer);

/* Returns true if the timer is in a wheel. */
static inline bool bide_wheel_holds_(const bide_timer *timer)
{
	return timer->next != NULL;
}

/*
 * Returns when to call expire next: 0 if a timer is due already, BIDE_FOREVER if the wheel is
 * empty. Never later than the end of the first timer's tick. May be earlier if that timer shares a
 * coarse slot with many others, which must then be moved to finer slots: at most 7 times.
 */
BIDE_INTERNAL int64_t bide_wheel_next_ns_(const bide_wheel *wheel);

/*
 * Returns the earliest deadline, to the nanosecond, or BIDE_FOREVER if the wheel is empty. Cost: it
 * may look at every timer of one slot.
 */
BIDE_INTERNAL int64_t bide_wheel_first_exact_ns_(const bide_wheel *wheel);

/*
 * Takes out and returns one timer that is due, or NULL if no more are. Call it until it returns
 * NULL:
 *
 *     while ((timer = bide_wheel_expire_(wheel, now_ns, exact)))
 *             ...
 *
 * Timers come in order of their deadlines, and with equal deadlines in order of insertion. The
 * first call of such a loop finds what is due. So a timer that is inserted meanwhile, even in the
 * past, waits for the next loop, and the loop ends. Timers that are not yet handed out are still in
 * the wheel and can be removed. A deadline of INT64_MAX comes only with `exact`. If now_ns is
 * before that of an earlier call, nothing is due.
 */
BIDE_INTERNAL bide_timer *bide_wheel_expire_(bide_wheel *wheel, int64_t now_ns, bool exact);

/*
 * Returns true if every timer is in the list that its deadline says, the bitmap and the count are
 * those of the lists, and the lists that are kept in order are in order.
 */
BIDE_INTERNAL bool bide_wheel_is_valid_(const bide_wheel *wheel);

#endif
