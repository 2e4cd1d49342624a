/*
 * wheel.c - see wheel.h.
 *
 * Invariant: the tick of a timer in level n has the same digits as wheel->tick above digit n, and a
 * larger digit n (in level 0 the digit may be equal). So the first occupied slot of the lowest
 * occupied level holds the earliest timer, and no slot ever wraps around. When wheel->tick enters a
 * block of ticks, the slot of that block is moved down first. This keeps the invariant, and keeps
 * equal deadlines in order of insertion.
 *
 * The head of a list is a timer too. If a list has only one timer, that timer's next and previous
 * are both the head; the index of the head tells which bit to clear.
 */
#include "runtime/wheel.h"

#include "base/assert.h"
#include "source/timer.h"

#define DEADLINE(timer) ((timer)->source.payload.i)

enum {
	DIGIT_MASK = BIDE_WHEEL_SLOTS - 1,
	/*
	 * A far slot with at most this many timers is searched for the first one. This saves a wake-up
	 * that would only move them down.
	 */
	SEARCH_MAX = 8,
	BIN_COUNT = 40 /* runs of 2^n timers while sorting: memory ends long before */
};

static int64_t tick_of(int64_t deadline_ns)
{
	return deadline_ns >> BIDE_WHEEL_TICK_BITS; /* arithmetic: gcc and clang promise it */
}

/* ---- lists */

static void append(bide_wheel *wheel, unsigned list, bide_timer *first, bide_timer *last)
{
	bide_timer *head = &wheel->heads[list];
	uint64_t bit = (uint64_t)1 << (list & DIGIT_MASK);
	uint64_t *occupied = &wheel->occupied[list / BIDE_WHEEL_SLOTS];

	if (!(*occupied & bit)) {
		*occupied |= bit;
		head->next = head->previous = head;
	}
	first->previous = head->previous;
	head->previous->next = first;
	last->next = head;
	head->previous = last;
}

static void unlink_timer(bide_timer *timer)
{
	timer->next->previous = timer->previous;
	timer->previous->next = timer->next;
}

/* Empties a list, which must not be empty, and returns its first timer. They stay linked. */
static bide_timer *detach(bide_wheel *wheel, unsigned list, bide_timer **last)
{
	bide_timer *head = &wheel->heads[list];

	wheel->occupied[list / BIDE_WHEEL_SLOTS] &= ~((uint64_t)1 << (list & DIGIT_MASK));
	*last = head->previous;
	return head->next;
}

static bool list_occupied(const bide_wheel *wheel, unsigned list)
{
	return wheel->occupied[list / BIDE_WHEEL_SLOTS] >> (list & DIGIT_MASK) & 1;
}

/* ---- insert and remove */

void bide_wheel_init_(bide_wheel *wheel, int64_t now_ns)
{
	__builtin_memset(wheel->occupied, 0, sizeof wheel->occupied);
	wheel->tick = tick_of(now_ns);
	wheel->ordered_tick = -1;
	wheel->count = 0;
	wheel->handing_out = false;
}

/* Places a timer of the current tick, or of one before it. */
static BIDE_COLD void place_near(bide_wheel *wheel, bide_timer *timer, int64_t tick)
{
	unsigned list = tick < wheel->tick ? BIDE_WHEEL_LATE : (unsigned)tick & DIGIT_MASK;
	bide_timer *before;

	append(wheel, list, timer, timer);
	if (list == BIDE_WHEEL_LATE || tick != wheel->ordered_tick)
		return;
	for (before = timer->previous; before != &wheel->heads[list]; before = before->previous)
		if (DEADLINE(before) <= DEADLINE(timer))
			break;
	if (before != timer->previous) {
		unlink_timer(timer);
		timer->previous = before;
		timer->next = before->next;
		before->next->previous = timer;
		before->next = timer;
	}
}

static void place(bide_wheel *wheel, bide_timer *timer)
{
	int64_t tick = tick_of(DEADLINE(timer));
	unsigned level, digit;

	if (BIDE_UNLIKELY(tick <= wheel->tick)) {
		place_near(wheel, timer, tick);
		return;
	}
	/* With the mask, ticks that differ only in the last digit give level 0. */
	level =
		(63u - (unsigned)__builtin_clzll((unsigned long long)(tick ^ wheel->tick) | DIGIT_MASK)) /
		BIDE_WHEEL_DIGIT_BITS;
	digit = (unsigned)(tick >> level * BIDE_WHEEL_DIGIT_BITS) & DIGIT_MASK;
	append(wheel, level * BIDE_WHEEL_SLOTS + digit, timer, timer);
}

void bide_wheel_insert_(bide_wheel *wheel, bide_timer *timer)
{
	BIDE_ASSERT_(!bide_wheel_holds_(timer));
	wheel->count++;
	place(wheel, timer);
}

void bide_wheel_remove_(bide_wheel *wheel, bide_timer *timer)
{
	bide_timer *next = timer->next, *previous = timer->previous;

	BIDE_ASSERT_(bide_wheel_holds_(timer) && wheel->count > 0);
	BIDE_ASSERT_(next->previous == timer && previous->next == timer);
	unlink_timer(timer);
	timer->next = NULL;
	wheel->count--;
	if (next == previous) { /* both are the head: the list is empty now */
		unsigned list = (unsigned)(next - wheel->heads);

		wheel->occupied[list / BIDE_WHEEL_SLOTS] &= ~((uint64_t)1 << (list & DIGIT_MASK));
	}
}

/* ---- what comes first */

/* Stores the first occupied slot and its first tick. Returns false if all slots are empty. */
static bool first_slot(const bide_wheel *wheel, unsigned *list, int64_t *start)
{
	unsigned level, shift, digit;

	for (level = 0; level < BIDE_WHEEL_LEVELS; level++) {
		if (!wheel->occupied[level])
			continue;
		shift = level * BIDE_WHEEL_DIGIT_BITS;
		digit = (unsigned)__builtin_ctzll(wheel->occupied[level]);
		*list = level * BIDE_WHEEL_SLOTS + digit;
		*start = (wheel->tick >> shift >> BIDE_WHEEL_DIGIT_BITS << BIDE_WHEEL_DIGIT_BITS | digit)
		         << shift;
		return true;
	}
	return false;
}

/*
 * Returns the earliest deadline of a list, which must not be empty; or -1 if the list has more than
 * count_max timers.
 */
static int64_t earliest_ns(const bide_wheel *wheel, unsigned list, size_t count_max)
{
	const bide_timer *head = &wheel->heads[list], *timer;
	int64_t earliest = INT64_MAX;

	for (timer = head->next; timer != head; timer = timer->next) {
		if (count_max-- == 0)
			return -1;
		if (DEADLINE(timer) < earliest)
			earliest = DEADLINE(timer);
	}
	return earliest;
}

static int64_t tick_end_ns(int64_t tick)
{
	return tick >= tick_of(INT64_MAX) ? BIDE_FOREVER : (tick + 1) << BIDE_WHEEL_TICK_BITS;
}

int64_t bide_wheel_next_ns_(const bide_wheel *wheel)
{
	unsigned list;
	int64_t start, earliest;

	if (wheel->occupied[BIDE_WHEEL_LEVELS])
		return 0;
	if (!first_slot(wheel, &list, &start))
		return BIDE_FOREVER;
	if (list < BIDE_WHEEL_SLOTS)
		return tick_end_ns(start);
	earliest = earliest_ns(wheel, list, SEARCH_MAX);
	return tick_end_ns(earliest < 0 ? start : tick_of(earliest));
}

int64_t bide_wheel_first_exact_ns_(const bide_wheel *wheel)
{
	int64_t due = BIDE_FOREVER, late = BIDE_FOREVER, start;
	unsigned list;

	if (list_occupied(wheel, BIDE_WHEEL_DUE))
		due = DEADLINE(wheel->heads[BIDE_WHEEL_DUE].next);
	if (list_occupied(wheel, BIDE_WHEEL_LATE))
		late = earliest_ns(wheel, BIDE_WHEEL_LATE, SIZE_MAX);
	if (wheel->occupied[BIDE_WHEEL_LEVELS])
		return due < late ? due : late;
	if (!first_slot(wheel, &list, &start))
		return BIDE_FOREVER;
	if (list < BIDE_WHEEL_SLOTS && start == wheel->ordered_tick)
		return DEADLINE(wheel->heads[list].next);
	return earliest_ns(wheel, list, SIZE_MAX);
}

/* ---- order within a slot */

/*
 * Merges two ordered lists that end with NULL. Of equal deadlines those of `a` come first.
 */
static bide_timer *merge(bide_timer *a, bide_timer *b)
{
	bide_timer *first, **link = &first;

	while (a && b) {
		if (DEADLINE(b) < DEADLINE(a)) {
			*link = b;
			link = &b->next;
			b = b->next;
		} else {
			*link = a;
			link = &a->next;
			a = a->next;
		}
	}
	*link = a ? a : b;
	return first;
}

/*
 * Merge sort, bottom up. Bin n is empty or has an ordered run of 2^n timers, which were inserted
 * before those of lower bins.
 */
static bide_timer *merge_sort(bide_timer *list)
{
	bide_timer *bins[BIN_COUNT] = { NULL };
	bide_timer *run;
	unsigned n, used = 0;

	while (list) {
		run = list;
		list = list->next;
		run->next = NULL;
		for (n = 0; n < used && bins[n]; n++) {
			run = merge(bins[n], run);
			bins[n] = NULL;
		}
		if (n == used)
			used++;
		bins[n] = run;
	}
	for (n = 0, run = NULL; n < used; n++)
		run = merge(bins[n], run);
	return run;
}

/* Orders a list, which must not be empty. Most are in order already and are only read. */
static void order(bide_timer *head)
{
	bide_timer *timer = head->next, *previous;

	while (timer->next != head && DEADLINE(timer) <= DEADLINE(timer->next))
		timer = timer->next;
	if (timer->next == head)
		return;
	head->previous->next = NULL;
	head->next = merge_sort(head->next);
	for (previous = head, timer = head->next; timer; previous = timer, timer = timer->next)
		timer->previous = previous;
	previous->next = head;
	head->previous = previous;
}

/* ---- expiry */

static void move_to_due(bide_wheel *wheel, unsigned list)
{
	bide_timer *first, *last;

	order(&wheel->heads[list]);
	first = detach(wheel, list, &last);
	append(wheel, BIDE_WHEEL_DUE, first, last);
}

/*
 * Moves the timers of a slot to lower levels, in order. wheel->tick is the first tick of the slot.
 * Each timer is a cache miss, and only it names the next one. So the loop reads the second half
 * from its end at the same time.
 */
static void move_down(bide_wheel *wheel, unsigned list)
{
	bide_timer *last, *next, *timer = detach(wheel, list, &last), *ahead = last;

	for (; timer != ahead && timer->next != ahead; timer = next) {
		ahead = ahead->previous;
		next = timer->next;
		place(wheel, timer);
	}
	for (;; timer = next) {
		next = timer->next;
		place(wheel, timer);
		if (timer == last)
			return;
	}
}

/* Moves the timers of the current tick whose deadline has come to the list of DUE. */
static void collect_exact(bide_wheel *wheel, int64_t now_ns)
{
	unsigned list = (unsigned)wheel->tick & DIGIT_MASK;
	bide_timer *head = &wheel->heads[list], *first, *last, *rest;

	if (!list_occupied(wheel, list))
		return;
	/*
	 * Once in order, the slot is kept in order: the virtual clock may stop at each of a million
	 * timers of this tick.
	 */
	if (wheel->ordered_tick != wheel->tick)
		order(head);
	wheel->ordered_tick = wheel->tick;
	first = head->next;
	for (rest = first; rest != head && DEADLINE(rest) <= now_ns; rest = rest->next)
		;
	if (rest == head) {
		first = detach(wheel, list, &last);
		append(wheel, BIDE_WHEEL_DUE, first, last);
	} else if (rest != first) {
		last = rest->previous;
		head->next = rest;
		rest->previous = head;
		append(wheel, BIDE_WHEEL_DUE, first, last);
	}
}

/* Advances to now_ns and moves all that is due, in order, to the list of DUE. */
static void collect(bide_wheel *wheel, int64_t now_ns, bool exact)
{
	int64_t limit = tick_of(now_ns), start;
	unsigned list;

	if (list_occupied(wheel, BIDE_WHEEL_LATE))
		move_to_due(wheel, BIDE_WHEEL_LATE); /* first: their ticks were over already */
	if (limit < wheel->tick)
		return;
	while (first_slot(wheel, &list, &start)) {
		if (list < BIDE_WHEEL_SLOTS) {
			if (start >= limit)
				break;
			move_to_due(wheel, list);
		} else {
			if (start > limit)
				break;
			wheel->tick = start;
			move_down(wheel, list);
		}
	}
	wheel->tick = limit;
	if (exact)
		collect_exact(wheel, now_ns);
}

bide_timer *bide_wheel_expire_(bide_wheel *wheel, int64_t now_ns, bool exact)
{
	bide_timer *timer;

	if (!wheel->handing_out)
		collect(wheel, now_ns, exact);
	wheel->handing_out = list_occupied(wheel, BIDE_WHEEL_DUE);
	if (!wheel->handing_out)
		return NULL;
	timer = wheel->heads[BIDE_WHEEL_DUE].next;
	bide_wheel_remove_(wheel, timer);
	return timer;
}

/* ---- validity */

/* A timer in the list of a slot: its tick gives this slot, by the invariant above. */
static bool is_in_its_slot(const bide_wheel *wheel, unsigned list, const bide_timer *timer)
{
	unsigned shift = list / BIDE_WHEEL_SLOTS * BIDE_WHEEL_DIGIT_BITS;
	int64_t tick = tick_of(DEADLINE(timer));

	BIDE_INVARIANT_(tick >= wheel->tick);
	BIDE_INVARIANT_((tick >> shift & DIGIT_MASK) == (int64_t)(list & DIGIT_MASK));
	BIDE_INVARIANT_(tick >> shift >> BIDE_WHEEL_DIGIT_BITS ==
	                wheel->tick >> shift >> BIDE_WHEEL_DIGIT_BITS);
	BIDE_INVARIANT_(shift == 0 || tick >> shift > wheel->tick >> shift);
	return true;
}

static bool is_kept_in_order(const bide_wheel *wheel, unsigned list)
{
	return list == BIDE_WHEEL_DUE ||
	       (wheel->ordered_tick == wheel->tick && list == ((unsigned)wheel->tick & DIGIT_MASK));
}

/* Adds the length of a list to *count. */
static bool list_is_valid(const bide_wheel *wheel, unsigned list, size_t *count)
{
	const bide_timer *head = &wheel->heads[list], *timer;

	BIDE_INVARIANT_(head->next != head);
	for (timer = head->next; timer != head; timer = timer->next) {
		BIDE_INVARIANT_(++*count <= wheel->count);
		BIDE_INVARIANT_(timer->next->previous == timer && timer->previous->next == timer);
		if (list == BIDE_WHEEL_LATE)
			BIDE_INVARIANT_(tick_of(DEADLINE(timer)) < wheel->tick);
		if (list < BIDE_WHEEL_LATE && !is_in_its_slot(wheel, list, timer))
			return false;
		if (is_kept_in_order(wheel, list) && timer->next != head)
			BIDE_INVARIANT_(DEADLINE(timer) <= DEADLINE(timer->next));
	}
	return true;
}

bool bide_wheel_is_valid_(const bide_wheel *wheel)
{
	size_t count = 0;

	for (unsigned list = 0; list < BIDE_WHEEL_LISTS; list++)
		if (list_occupied(wheel, list) && !list_is_valid(wheel, list, &count))
			return false;
	BIDE_INVARIANT_(count == wheel->count);
	BIDE_INVARIANT_(wheel->occupied[BIDE_WHEEL_LEVELS] >> (BIDE_WHEEL_LISTS - BIDE_WHEEL_LATE) ==
	                0);
	BIDE_INVARIANT_(wheel->handing_out || !list_occupied(wheel, BIDE_WHEEL_DUE));
	return true;
}
