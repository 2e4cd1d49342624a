/*
 * wheel.c - fuzzes the timing wheel (src/runtime/wheel.c) against a list sorted by deadline.
 *
 * An input is a sequence of insertions, removals, steps of the clock, and rounds that take out due
 * timers. Spans are drawn by their number of bits, so that each level of the wheel is used.
 */
#include "fuzz.h"

#include "runtime/wheel.h"

enum { TIMERS_MAX = 128 };

#define DEADLINE(e) ((e)->timer.source.payload.i)

typedef struct entry entry;
struct entry {
	bide_timer timer; /* first: the wheel returns it */
	entry *next, *previous;
	bool live;
	bool due; /* found by the first call of the current round */
};

static struct {
	bide_wheel wheel;
	entry entries[TIMERS_MAX];
	entry list; /* circular; sorted by deadline, then by insertion */
	size_t count;
	int64_t now_ns, newest_tick;
	bool exact;
} s;

static int64_t tick_of(int64_t deadline_ns)
{
	return deadline_ns >> BIDE_WHEEL_TICK_BITS;
}

/* --- the model --- */

static void model_insert(entry *e)
{
	entry *before = s.list.previous;

	while (before != &s.list && DEADLINE(before) > DEADLINE(e))
		before = before->previous;
	e->previous = before;
	e->next = before->next;
	before->next->previous = e;
	before->next = e;
	e->live = true;
	e->due = false;
	s.count++;
}

static void model_remove(entry *e)
{
	e->previous->next = e->next;
	e->next->previous = e->previous;
	e->live = false;
	s.count--;
}

/* A tick that the wheel has passed is over, even if the clock steps back. */
static bool model_is_due(const entry *e)
{
	int64_t now_tick = tick_of(s.now_ns);

	if (tick_of(DEADLINE(e)) < s.newest_tick)
		return true;
	return s.exact && now_tick >= s.newest_tick && DEADLINE(e) <= s.now_ns;
}

/* --- the actions of an input --- */

static int64_t take_span_ns(fuzz_input *input)
{
	unsigned bits = fuzz_below(input, 64);
	uint64_t span = fuzz_take(input, 8) & (((uint64_t)1 << bits) - 1);

	switch (fuzz_below(input, 4)) {
	case 0: /* whole ticks */
		span = span >> BIDE_WHEEL_TICK_BITS << BIDE_WHEEL_TICK_BITS;
		break;
	case 1: /* the edge of a level */
		span = (uint64_t)1 << bits >> 1;
		break;
	default:
		break;
	}
	return (int64_t)(span & INT64_MAX);
}

static int64_t plus(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static int64_t take_deadline(fuzz_input *input)
{
	const entry *other = &s.entries[fuzz_below(input, TIMERS_MAX)];

	switch (fuzz_below(input, 8)) {
	case 0: /* in the past */
		return s.now_ns - take_span_ns(input);
	case 1:
	case 2:
		return other->live ? DEADLINE(other) : s.now_ns;
	case 3:
		return INT64_MAX - (int64_t)fuzz_take(input, 3);
	default:
		return plus(s.now_ns, take_span_ns(input));
	}
}

/* Inserts the timer, or removes it if it is inserted. */
static void toggle(fuzz_input *input)
{
	entry *e = &s.entries[fuzz_below(input, TIMERS_MAX)];

	if (e->live) {
		bide_wheel_remove_(&s.wheel, &e->timer);
		model_remove(e);
	} else {
		e->timer.source.payload.i = take_deadline(input);
		bide_wheel_insert_(&s.wheel, &e->timer);
		model_insert(e);
	}
	FUZZ_CHECK(bide_wheel_holds_(&e->timer) == e->live);
}

/* Takes out due timers; now and then inserts or removes one meanwhile. */
static void expire(fuzz_input *input)
{
	entry *next;
	bide_timer *timer;
	unsigned toggles = 8;

	if (tick_of(s.now_ns) > s.newest_tick)
		s.newest_tick = tick_of(s.now_ns);
	for (entry *e = s.list.next; e != &s.list; e = e->next)
		e->due = model_is_due(e);
	for (;;) {
		for (next = s.list.next; next != &s.list && !next->due; next = next->next)
			;
		timer = bide_wheel_expire_(&s.wheel, s.now_ns, s.exact);
		FUZZ_CHECK(timer == (next == &s.list ? NULL : &next->timer));
		if (!timer)
			return;
		FUZZ_CHECK(!bide_wheel_holds_(timer));
		model_remove(next);
		while (toggles > 0 && fuzz_below(input, 8) == 1) {
			toggles--;
			toggle(input);
		}
	}
}

static void check(void)
{
	const entry *first = s.list.next;
	int64_t next_ns = bide_wheel_next_ns_(&s.wheel), tick;

	FUZZ_CHECK(bide_wheel_is_valid_(&s.wheel) && s.wheel.count == s.count);
	if (s.count == 0) {
		FUZZ_CHECK(next_ns == BIDE_FOREVER && bide_wheel_first_exact_ns_(&s.wheel) == BIDE_FOREVER);
		return;
	}
	FUZZ_CHECK(bide_wheel_first_exact_ns_(&s.wheel) == DEADLINE(first));
	tick = tick_of(DEADLINE(first));
	FUZZ_CHECK((next_ns == 0) == (tick < s.wheel.tick));
	if (tick < tick_of(INT64_MAX))
		FUZZ_CHECK(next_ns == 0 || next_ns <= (tick + 1) << BIDE_WHEEL_TICK_BITS);
}

/*
 * Wakes whenever the wheel asks for it. The first timer must come at the end of its tick, after few
 * wakes.
 */
static void sleep_until_due(fuzz_input *input)
{
	size_t before = s.count;

	if (before == 0 || tick_of(DEADLINE(s.list.next)) >= tick_of(INT64_MAX))
		return;
	for (unsigned wakes = 0; s.count == before; wakes++) {
		int64_t next_ns = bide_wheel_next_ns_(&s.wheel);

		FUZZ_CHECK(wakes <= BIDE_WHEEL_LEVELS);
		if (next_ns > s.now_ns)
			s.now_ns = next_ns;
		if (model_is_due(s.list.next) || tick_of(DEADLINE(s.list.next)) < tick_of(s.now_ns)) {
			expire(input);
			return;
		}
		FUZZ_CHECK(!bide_wheel_expire_(&s.wheel, s.now_ns, s.exact));
		if (tick_of(s.now_ns) > s.newest_tick)
			s.newest_tick = tick_of(s.now_ns);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	fuzz_input input = { bytes, bytes + size_bytes };

	memset(&s, 0, sizeof s);
	memset(&s.wheel, 0xA5, sizeof s.wheel); /* the wheel must not rely on zeroes */
	s.list.next = s.list.previous = &s.list;
	s.exact = fuzz_below(&input, 2);
	s.now_ns = take_span_ns(&input);
	s.newest_tick = tick_of(s.now_ns);
	bide_wheel_init_(&s.wheel, s.now_ns);
	while (input.at < input.end) {
		switch (fuzz_below(&input, 16)) {
		case 0:
		case 1:
			s.now_ns = plus(s.now_ns, take_span_ns(&input));
			break;
		case 2:
			s.now_ns -= take_span_ns(&input);
			s.now_ns = s.now_ns < 0 ? 0 : s.now_ns;
			break;
		case 3:
		case 4:
			expire(&input);
			break;
		case 5:
			sleep_until_due(&input);
			break;
		case 6:
			check();
			break;
		default:
			toggle(&input);
		}
	}
	check();
	return 0;
}
