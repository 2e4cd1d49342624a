/*
 * Compares the timing wheel with a plain list that is searched for due timers, and tests its
 * boundaries one by one. Random tests print their seed; BIDE_TEST_SEED=n repeats one.
 */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/wheel.h"

enum { MODEL_MAX = 400 };
#define TICK_NS ((int64_t)1 << BIDE_WHEEL_TICK_BITS)

/* Static because it has 25 KB. Filled with garbage, because init must not rely on zeroes. */
static bide_wheel wheel;

static void start_at(int64_t now_ns)
{
	memset(&wheel, 0xA5, sizeof wheel);
	bide_wheel_init_(&wheel, now_ns);
}

static void insert(bide_timer *timer, int64_t deadline_ns)
{
	timer->source.payload.i = deadline_ns;
	bide_wheel_insert_(&wheel, timer);
	assert_true(bide_wheel_holds_(timer));
}

/* Asserts that exactly these timers are due, in this order. */
#define EXPECT_DUE(now_ns, exact, ...)                                                    \
	do {                                                                                  \
		bide_timer *expected_[] = { __VA_ARGS__ };                                        \
		expect_due((now_ns), (exact), expected_, sizeof expected_ / sizeof expected_[0]); \
	} while (0)
#define EXPECT_NONE(now_ns, exact) expect_due((now_ns), (exact), NULL, 0)

static void expect_due(int64_t now_ns, bool exact, bide_timer **expected, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(bide_wheel_expire_(&wheel, now_ns, exact), expected[i]);
		assert_false(bide_wheel_holds_(expected[i]));
	}
	assert_null(bide_wheel_expire_(&wheel, now_ns, exact));
	assert_true(bide_wheel_is_valid_(&wheel));
}

/* ---- single cases */

TEST(an_empty_wheel_returns_forever)
{
	start_at(12345);
	assert_int_equal(bide_wheel_next_ns_(&wheel), BIDE_FOREVER);
	assert_int_equal(bide_wheel_first_exact_ns_(&wheel), BIDE_FOREVER);
	EXPECT_NONE(INT64_MAX, false);
	EXPECT_NONE(INT64_MAX, true);
	assert_int_equal(wheel.count, 0);
}

TEST(the_wheel_runs_a_timer_at_the_end_of_its_tick_and_never_early)
{
	bide_timer timer = { 0 };

	start_at(10 * TICK_NS);
	insert(&timer, 12 * TICK_NS + 5);
	assert_int_equal(bide_wheel_next_ns_(&wheel), 13 * TICK_NS);
	assert_int_equal(bide_wheel_first_exact_ns_(&wheel), 12 * TICK_NS + 5);
	EXPECT_NONE(12 * TICK_NS + 6, false);
	EXPECT_NONE(13 * TICK_NS - 1, false);
	EXPECT_DUE(13 * TICK_NS, false, &timer);
	assert_int_equal(wheel.count, 0);
	assert_int_equal(bide_wheel_next_ns_(&wheel), BIDE_FOREVER);
}

TEST(the_exact_wheel_runs_a_timer_at_its_nanosecond)
{
	bide_timer a = { 0 }, b = { 0 }, c = { 0 };

	start_at(0);
	insert(&c, 3 * TICK_NS + 9);
	insert(&b, 3 * TICK_NS + 8);
	insert(&a, 3 * TICK_NS + 7);
	EXPECT_NONE(3 * TICK_NS + 6, true);
	EXPECT_DUE(3 * TICK_NS + 7, true, &a);
	assert_int_equal(bide_wheel_first_exact_ns_(&wheel), 3 * TICK_NS + 8);
	EXPECT_DUE(3 * TICK_NS + 9, true, &b, &c);
}

TEST(the_wheel_orders_timers_by_deadline_then_by_insertion)
{
	bide_timer timers[6] = { 0 };
	const int64_t base = 100 * TICK_NS;

	start_at(0);
	insert(&timers[0], base + 2);
	insert(&timers[1], base + 1);
	insert(&timers[2], base + 2);
	insert(&timers[3], base + 1);
	/* Moves the far timers to near slots; equal ones that are inserted later stay behind them. */
	EXPECT_NONE(base - TICK_NS, false);
	insert(&timers[4], base + 2);
	insert(&timers[5], base + 0);
	EXPECT_DUE(base + TICK_NS, false, &timers[5], &timers[1], &timers[3], &timers[0], &timers[2],
	           &timers[4]);
}

TEST(past_deadlines_are_due_at_once)
{
	bide_timer old = { 0 }, older = { 0 }, negative = { 0 }, soon = { 0 };

	start_at(1000 * TICK_NS);
	insert(&soon, 1000 * TICK_NS);
	insert(&old, 999 * TICK_NS);
	insert(&older, 5);
	insert(&negative, INT64_MIN);
	assert_int_equal(bide_wheel_next_ns_(&wheel), 0);
	assert_true(bide_wheel_first_exact_ns_(&wheel) == INT64_MIN);
	EXPECT_DUE(1000 * TICK_NS, false, &negative, &older, &old);
	EXPECT_DUE(1000 * TICK_NS, true, &soon);
}

TEST(a_timer_inserted_while_others_are_handed_out_waits_for_the_next_round)
{
	bide_timer a = { 0 }, b = { 0 }, late = { 0 };

	start_at(0);
	insert(&a, 1);
	insert(&b, 2);
	assert_ptr_equal(bide_wheel_expire_(&wheel, TICK_NS, false), &a);
	insert(&late, 0);
	insert(&a, 0);
	assert_int_equal(bide_wheel_next_ns_(&wheel), 0);
	EXPECT_DUE(TICK_NS, false, &b);
	EXPECT_DUE(TICK_NS, false, &late, &a);
	EXPECT_NONE(TICK_NS, false);
}

TEST(a_due_timer_can_be_removed_before_it_is_handed_out)
{
	bide_timer a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };

	start_at(0);
	insert(&a, 1);
	insert(&b, 2);
	insert(&c, 3);
	insert(&d, 4);
	assert_ptr_equal(bide_wheel_expire_(&wheel, TICK_NS, false), &a);
	bide_wheel_remove_(&wheel, &b);
	assert_false(bide_wheel_holds_(&b));
	assert_ptr_equal(bide_wheel_expire_(&wheel, TICK_NS, false), &c);
	bide_wheel_remove_(&wheel, &d);
	EXPECT_NONE(TICK_NS, false);
	assert_int_equal(wheel.count, 0);
	assert_int_equal(bide_wheel_next_ns_(&wheel), BIDE_FOREVER);
}

TEST(removing_a_timer_leaves_no_trace)
{
	bide_timer timers[3] = { 0 };
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		                              { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	start_at(0);
	for (size_t i = 0; i < 6; i++) {
		for (size_t k = 0; k < 3; k++)
			insert(&timers[k], 77 * TICK_NS);
		for (size_t k = 0; k < 3; k++) {
			assert_true(bide_wheel_next_ns_(&wheel) <= 78 * TICK_NS);
			bide_wheel_remove_(&wheel, &timers[orders[i][k]]);
		}
		assert_int_equal(bide_wheel_next_ns_(&wheel), BIDE_FOREVER);
	}
	EXPECT_NONE(100 * TICK_NS, false);
}

TEST(a_clock_that_steps_back_changes_nothing)
{
	bide_timer timer = { 0 };

	start_at(100 * TICK_NS);
	insert(&timer, 101 * TICK_NS);
	EXPECT_NONE(5, false);
	EXPECT_NONE(5, true);
	assert_int_equal(wheel.tick, 100);
	EXPECT_DUE(102 * TICK_NS, false, &timer);
}

/* ---- validity */

/* Breaks nothing itself. What the walker says about the wheel goes to `text`. */
static bool look_at_wheel(char *text, size_t text_bytes)
{
	FILE *file = tmpfile();
	int saved = dup(2);
	bool valid;

	assert_true(file && saved >= 0);
	dup2(fileno(file), 2);
	valid = bide_wheel_is_valid_(&wheel);
	dup2(saved, 2);
	close(saved);
	rewind(file);
	text[fread(text, 1, text_bytes - 1, file)] = '\0';
	fclose(file);
	return valid;
}

TEST(a_broken_wheel_is_named_with_its_place)
{
	bide_timer a = { 0 }, b = { 0 };
	char text[512];

	start_at(0);
	insert(&a, 5 * TICK_NS);
	insert(&b, 5 * TICK_NS);
	assert_true(look_at_wheel(text, sizeof text));
	assert_string_equal(text, "");

	wheel.count++;
	assert_false(look_at_wheel(text, sizeof text));
	assert_non_null(strstr(text, "wheel.c:"));
	assert_non_null(strstr(text, "bide_wheel_is_valid_: this must hold, and does not: "
	                             "count == wheel->count"));
	wheel.count--;

	b.source.payload.i = 70 * TICK_NS; /* of another slot */
	assert_false(look_at_wheel(text, sizeof text));
	assert_non_null(strstr(text, "is_in_its_slot: "));
	b.source.payload.i = 5 * TICK_NS;

	b.previous = &b;
	assert_false(look_at_wheel(text, sizeof text));
	assert_non_null(strstr(text, "timer->next->previous == timer"));
	b.previous = &a;
	assert_true(look_at_wheel(text, sizeof text));
}

/* ---- boundaries of each level */

/*
 * Wakes whenever the wheel asks for it. The timer must come at the end of its tick, after few
 * wakes.
 */
static void expect_on_time(bide_timer *timer, int64_t due_ns)
{
	bide_timer *got = NULL;
	int wakes = 0;

	while (!got) {
		int64_t now = bide_wheel_next_ns_(&wheel);

		assert_true(now <= due_ns);
		assert_true(++wakes <= BIDE_WHEEL_LEVELS);
		got = bide_wheel_expire_(&wheel, now, false);
		assert_true((now == due_ns) == (got != NULL));
	}
	assert_ptr_equal(got, timer);
	assert_null(bide_wheel_expire_(&wheel, due_ns, false));
}

TEST(timers_at_the_boundaries_of_each_level_are_on_time)
{
	for (unsigned level = 0; level < BIDE_WHEEL_LEVELS; level++) {
		for (int64_t digit = 1; digit <= 64; digit += 21) {
			int64_t boundary = digit << (level * BIDE_WHEEL_DIGIT_BITS);

			for (int64_t from = -1; from <= 1; from++) {
				for (int64_t to = -1; to <= 1; to++) {
					int64_t begin = boundary + from - (int64_t)(level + 1);
					int64_t tick = boundary + to;
					bide_timer timer = { 0 }, exact = { 0 };

					if (begin < 0 || begin > tick || tick >= INT64_MAX >> BIDE_WHEEL_TICK_BITS)
						continue;
					start_at(begin * TICK_NS);
					insert(&timer, tick * TICK_NS + 1);
					expect_on_time(&timer, (tick + 1) * TICK_NS);
					start_at(begin * TICK_NS);
					insert(&exact, tick * TICK_NS + 1);
					assert_int_equal(bide_wheel_first_exact_ns_(&wheel), tick * TICK_NS + 1);
					EXPECT_NONE(tick * TICK_NS, true);
					EXPECT_DUE(tick * TICK_NS + 1, true, &exact);
				}
			}
		}
	}
}

TEST(timers_from_zero_to_each_power_of_two_are_on_time)
{
	for (unsigned bit = 0; bit < 62; bit++) {
		bide_timer at = { 0 }, before = { 0 };
		int64_t deadline = (int64_t)1 << bit;

		start_at(0);
		insert(&at, deadline);
		insert(&before, deadline - 1);
		assert_int_equal(bide_wheel_first_exact_ns_(&wheel), deadline - 1);
		EXPECT_DUE(deadline - 1, true, &before);
		assert_int_equal(bide_wheel_first_exact_ns_(&wheel), deadline);
		expect_on_time(&at, ((deadline >> BIDE_WHEEL_TICK_BITS) + 1) * TICK_NS);
	}
}

TEST(a_crowded_far_slot_wakes_at_most_once_per_level)
{
	static bide_timer crowd[1000];
	const int64_t begin = (int64_t)3 << 40, deadline = begin + ((int64_t)7 << 45) + 99;
	int wakes = 0;

	start_at(begin);
	for (size_t i = 0; i < 1000; i++)
		insert(&crowd[i], deadline);
	while (wheel.count) {
		int64_t now = bide_wheel_next_ns_(&wheel);

		assert_true(++wakes <= BIDE_WHEEL_LEVELS);
		assert_true(now <= ((deadline >> BIDE_WHEEL_TICK_BITS) + 1) * TICK_NS);
		while (bide_wheel_expire_(&wheel, now, false))
			assert_true(now > deadline);
	}
}

TEST(timers_at_the_end_of_time_are_on_time)
{
	bide_timer never = { 0 }, last = { 0 }, next_to_last = { 0 };
	const int64_t last_tick = INT64_MAX >> BIDE_WHEEL_TICK_BITS;

	start_at(0);
	insert(&never, INT64_MAX);
	insert(&next_to_last, last_tick * TICK_NS - 1);
	insert(&last, last_tick * TICK_NS);
	assert_int_equal(bide_wheel_next_ns_(&wheel), last_tick * TICK_NS);
	EXPECT_DUE(INT64_MAX, false, &next_to_last);
	assert_int_equal(bide_wheel_next_ns_(&wheel), BIDE_FOREVER);
	EXPECT_DUE(INT64_MAX - 1, true, &last);
	assert_int_equal(bide_wheel_first_exact_ns_(&wheel), INT64_MAX);
	EXPECT_DUE(INT64_MAX, true, &never);
	insert(&never, INT64_MAX);
	assert_int_equal(wheel.count, 1);
	bide_wheel_remove_(&wheel, &never);
	assert_int_equal(bide_wheel_next_ns_(&wheel), BIDE_FOREVER);
}

TEST(jumps_of_years_do_not_loop_over_empty_ticks)
{
	const int64_t year_ns = (int64_t)365 * 86400 * 1000000000;
	bide_timer timer = { 0 };

	/*
	 * Each jump is 36 years or 10^13 ticks long, so this ends only if the cost does not grow with
	 * the distance.
	 */
	for (int i = 0; i < 100000; i++) {
		start_at(i);
		insert(&timer, 36 * year_ns + i);
		EXPECT_DUE(37 * year_ns, i & 1, &timer);
	}
}

/* ---- against the model */

static struct entry {
	bide_timer timer;
	uint64_t sequence;
	bool live;
} entries[MODEL_MAX];

static struct {
	uint64_t random, sequence;
	int64_t now_ns;
	size_t live_count;
} model;

static uint64_t draw(void)
{
	model.random ^= model.random << 13;
	model.random ^= model.random >> 7;
	model.random ^= model.random << 17;
	return model.random * 0x2545F4914F6CDD1DULL;
}

/* All orders of magnitude are equally likely, so that the boundaries are met. */
static int64_t draw_span_ns(unsigned bits_max)
{
	unsigned bits = 1 + (unsigned)(draw() % bits_max);
	int64_t span = (int64_t)(draw() >> (64 - bits));

	return draw() % 4 ? span : span & ~(int64_t)(TICK_NS - 1);
}

static int64_t plus(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static bool model_is_due(const struct entry *entry, bool exact)
{
	int64_t deadline = entry->timer.source.payload.i;

	return exact ? deadline <= model.now_ns
	             : deadline >> BIDE_WHEEL_TICK_BITS < model.now_ns >> BIDE_WHEEL_TICK_BITS;
}

/*
 * Returns the first entry by deadline, then by insertion, or NULL if there is none. With due_only
 * it must be due.
 */
static struct entry *model_first(bool due_only, bool exact)
{
	struct entry *first = NULL;

	for (size_t i = 0; i < MODEL_MAX; i++) {
		struct entry *entry = &entries[i];

		if (!entry->live || (due_only && !model_is_due(entry, exact)))
			continue;
		if (!first || entry->timer.source.payload.i < first->timer.source.payload.i ||
		    (entry->timer.source.payload.i == first->timer.source.payload.i &&
		     entry->sequence < first->sequence))
			first = entry;
	}
	return first;
}

static void model_toggle(bool exact)
{
	struct entry *entry = &entries[draw() % MODEL_MAX];
	int64_t deadline;

	if (entry->live) {
		bide_wheel_remove_(&wheel, &entry->timer);
		assert_false(bide_wheel_holds_(&entry->timer));
		model.live_count--;
	} else {
		deadline = plus(model.now_ns, draw_span_ns(draw() % 4 ? 32 : 63));
		/* Unless exact, a past deadline in the current tick is due only when the tick is over. */
		if (draw() % 8 == 0)
			deadline = model.now_ns - draw_span_ns(20);
		if (draw() % 4 == 0 && model_first(false, exact))
			deadline = model_first(false, exact)->timer.source.payload.i;
		entry->sequence = model.sequence++;
		insert(&entry->timer, deadline);
		model.live_count++;
	}
	entry->live = !entry->live;
}

static void model_expire(bool exact)
{
	struct entry *expected;
	bide_timer *timer;

	while ((expected = model_first(true, exact))) {
		/* Now and then removes a timer that is about to be handed out. */
		if (draw() % 16 == 0 && wheel.handing_out) {
			bide_wheel_remove_(&wheel, &expected->timer);
		} else {
			timer = bide_wheel_expire_(&wheel, model.now_ns, exact);
			assert_ptr_equal(timer, &expected->timer);
		}
		assert_false(bide_wheel_holds_(&expected->timer));
		expected->live = false;
		model.live_count--;
	}
	assert_null(bide_wheel_expire_(&wheel, model.now_ns, exact));
}

static void model_check(bool exact)
{
	struct entry *first = model_first(false, exact);
	int64_t next = bide_wheel_next_ns_(&wheel), tick;

	assert_int_equal(wheel.count, model.live_count);
	assert_true(bide_wheel_is_valid_(&wheel));
	if (!first) {
		assert_int_equal(next, BIDE_FOREVER);
		assert_int_equal(bide_wheel_first_exact_ns_(&wheel), BIDE_FOREVER);
		return;
	}
	assert_int_equal(bide_wheel_first_exact_ns_(&wheel), first->timer.source.payload.i);
	tick = first->timer.source.payload.i >> BIDE_WHEEL_TICK_BITS;
	if (tick < INT64_MAX >> BIDE_WHEEL_TICK_BITS)
		assert_true(next == 0 || next <= (tick + 1) * TICK_NS);
}

static void run_against_model(bool exact, unsigned round_count)
{
	const char *given = getenv("BIDE_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 2654435761U;

	for (unsigned round = 0; round < round_count; round++, seed++) {
		printf("seed %llu\n", (unsigned long long)seed);
		model.random = seed * 0x9E3779B97F4A7C15ULL + 1;
		model.now_ns = draw_span_ns(50);
		model.live_count = 0;
		memset(entries, 0, sizeof entries);
		start_at(model.now_ns);
		for (unsigned step = 0; step < 3000; step++) {
			uint64_t what = draw() % 100;

			if (what < 60)
				model_toggle(exact);
			else if (what < 75)
				model.now_ns = plus(model.now_ns, draw_span_ns(what < 61 ? 63 : 24));
			else if (what < 80 && model_first(false, exact))
				model.now_ns =
					exact && model_first(false, exact)->timer.source.payload.i > model.now_ns
						? model_first(false, exact)->timer.source.payload.i
						: model.now_ns;
			else if (what < 90)
				model_expire(exact);
			else if (what < 95 && bide_wheel_next_ns_(&wheel) > model.now_ns &&
			         bide_wheel_next_ns_(&wheel) != BIDE_FOREVER)
				model.now_ns = bide_wheel_next_ns_(&wheel);
			else
				model_check(exact);
		}
	}
}

TEST(the_wheel_behaves_like_a_sorted_list)
{
	run_against_model(false, 150);
}

TEST(the_exact_wheel_behaves_like_a_sorted_list)
{
	run_against_model(true, 150);
}
