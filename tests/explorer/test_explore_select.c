/*
 * Selections (src/sync/selection.h), in all orders: one case decides, what was given is taken once,
 * and no link stays in a queue.
 *
 * A meeting is the simplest object with two sides: what one side gives, the other side takes.
 */
#include "explore.h"

#include <string.h>

#include "context/context.h"
#include "memory/allocator.h"
#include "sync/grant.h"

typedef struct meeting {
	bide_wait_queue_ queue; /* all give, or all take */
	uint32_t withdrawn;
} meeting;

enum { GIVES = 1, TAKES = 2, VALUE = 40, LATER_NS = 1000 };

typedef struct plan {
	meeting *at;
	int64_t side;
} plan;

static struct {
	meeting *a, *b, *c;
	bide_selection_ *first, *second;
	bide_value_task one, two;
	bide_context *context;
	bide_task *task;
	uint32_t given, taken; /* atomic; by those that do not wait */
} s;

static void withdrawn(bide_wait_queue_ *queue, bide_wait_link_ *link, bide_granted_ *granted)
{
	(void)link;
	(void)granted;
	BIDE_CONTAINER_(queue, meeting, queue)->withdrawn++;
}

static const bide_wait_kind_ meeting_kind = { .type = { .name = "meeting" },
	                                          .withdrawn = withdrawn };
static const bide_operation_type select_type = { .name = "select", .leave = bide_selection_leave_ };

/* Meets the next one of the other side, without a wait. Returns false if there is none. */
static bool meet(meeting *m, int64_t side)
{
	bide_granted_ granted;
	bide_wait_link_ *link;
	bool met = false;

	bide_granted_init_(&granted);
	bide_wait_lock_(&m->queue);
	while (!met && (link = m->queue.first) != NULL && link->wants.count != side) {
		met = bide_wait_claim_(link);
		if (met)
			bide_wait_outcome_(link, (bide_payload){ .i = VALUE + side }, 0);
		bide_grant_(&m->queue, link, &granted);
	}
	bide_wait_unlock_(&m->queue);
	bide_granted_end_(&granted);
	return met;
}

/* Registers one case. Returns true if that has claimed the selection. */
static bool enter(bide_selection_ *selection, uint32_t number, meeting *m, int64_t side)
{
	bide_granted_ granted;
	bide_wait_link_ *link;
	bide_claimed_ claimed = BIDE_CLAIM_GONE_;

	bide_granted_init_(&granted);
	bide_wait_lock_(&m->queue);
	while (claimed == BIDE_CLAIM_GONE_ && !bide_selection_is_decided_(selection) &&
	       (link = m->queue.first) != NULL && link->wants.count != side) {
		claimed = bide_selection_claim_two_(link, selection, number);
		if (claimed == BIDE_CLAIM_SELF_GONE_)
			break;
		if (claimed == BIDE_CLAIMED_) {
			bide_wait_outcome_(link, (bide_payload){ .i = VALUE }, 0);
			bide_selection_outcome_(selection, number, 0);
		}
		bide_grant_(&m->queue, link, &granted);
	}
	if (claimed == BIDE_CLAIM_GONE_ && !bide_selection_is_decided_(selection)) {
		selection->cases[number - 1].link.wants.count = side;
		bide_selection_append_to_(&m->queue, 0, selection, number, &meeting_kind);
	}
	bide_wait_unlock_(&m->queue);
	bide_granted_end_(&granted);
	return claimed == BIDE_CLAIMED_;
}

static void select_two(bide_selection_ *selection, plan first, plan second)
{
	bool claimed;

	EXPLORE_CHECK(bide_selection_begin_(selection) == 0);
	claimed =
		enter(selection, 1, first.at, first.side) || enter(selection, 2, second.at, second.side);
	bide_selection_end_(selection, claimed);
}

static bide_value_task watched(bide_selection_ *selection)
{
	explore_watch(selection);
	return bide_source_value_(&selection->operation.source);
}

static meeting *new_meeting(void)
{
	meeting *m = bide_allocate_(sizeof *m, 16);

	memset(m, 0, sizeof *m);
	return m;
}

static void setup(void)
{
	memset(&s, 0, sizeof s);
	s.a = new_meeting();
	s.b = new_meeting();
	s.c = new_meeting();
	s.context = bide_context_create(NULL);
	s.first = bide_selection_new_(&select_type, 2, 8);
	s.one = watched(s.first);
}

/* The order of the claims is that of the addresses, which must be the same in each execution. */
static void setup_two(bool first_is_lower)
{
	bide_selection_ *other;

	setup();
	s.second = bide_selection_new_(&select_type, 2, 8);
	if (((uintptr_t)s.first < (uintptr_t)s.second) != first_is_lower) {
		other = s.first;
		s.first = s.second;
		s.second = other;
	}
	s.one = watched(s.first);
	s.two = watched(s.second);
}

static void setup_lower_first(void)
{
	setup_two(true);
}

static void setup_higher_first(void)
{
	setup_two(false);
}

/* The first one waits, in the context. */
static void setup_waiting(void)
{
	uintptr_t saved;

	setup();
	saved = bide_context_push_(s.context);
	select_two(s.first, (plan){ s.a, GIVES }, (plan){ s.b, TAKES });
	bide_context_pop_(saved);
}

static void first_thread(void)
{
	select_two(s.first, (plan){ s.a, GIVES }, (plan){ s.b, TAKES });
}

static void second_thread(void)
{
	select_two(s.second, (plan){ s.b, GIVES }, (plan){ s.a, TAKES });
}

/* Meets the other selection at one object only. */
static void second_alone_thread(void)
{
	select_two(s.second, (plan){ s.a, TAKES }, (plan){ s.a, TAKES });
}

/* May be decided at c while it claims the other selection at a. */
static void second_elsewhere_thread(void)
{
	select_two(s.second, (plan){ s.c, GIVES }, (plan){ s.a, TAKES });
}

static void take_from_c_thread(void)
{
	s.taken += meet(s.c, TAKES);
}

static void give_to_b_thread(void)
{
	s.given += meet(s.b, GIVES);
}

static void take_from_a_thread(void)
{
	s.taken += meet(s.a, TAKES);
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(s.context, BIDE_ECANCELED_);
}

static void free_meetings(void)
{
	bide_deallocate_(s.a, sizeof *s.a);
	bide_deallocate_(s.b, sizeof *s.b);
	bide_deallocate_(s.c, sizeof *s.c);
}

static void forget_and_free_thread(void)
{
	bide_value_task_forget(s.one);
	free_meetings();
}

static void forget_thread(void)
{
	bide_value_task_forget(s.one);
}

static bool is_done(const bide_selection_ *selection)
{
	return bide_word_is_done_(selection->operation.source.word);
}

/* Returns the case that a selection ended with, or -1. */
static int outcome_of(bide_selection_ *selection, bide_value_task value)
{
	const bide_source *source = &selection->operation.source;
	int index = -1;

	if (is_done(selection) && source->error == 0) {
		index = (int)source->payload.i;
		EXPLORE_CHECK(index < 2);
	}
	bide_value_task_forget(value);
	return index;
}

/* --- one worker, and another thread that drops the select, which is a task --- */

/* It gives to a, or a delay is over. */
static void setup_task(void)
{
	bide_timer *timer = bide_timer_new_(sizeof *timer);

	setup();
	timer->source.payload.i = LATER_NS;
	EXPLORE_CHECK(bide_selection_begin_(s.first) == 0);
	EXPLORE_CHECK(!enter(s.first, 1, s.a, GIVES));
	bide_selection_set_alarm_(s.first, 2, timer, false);
	bide_selection_end_(s.first, false);
	s.task = bide_value_task_as_task(s.one);
}

static void unref_thread(void)
{
	bide_task_unref(s.task);
}

static void take_from_a_and_run_thread(void)
{
	take_from_a_thread();
	(void)explore_expire();
	explore_run();
}

/* All links of what is over are out. What waits can still be met. */
static void check_conserved(void)
{
	bool waits = !is_done(s.first);
	int first, second;

	/* Case 2 of the second one is to take from a, where the first one gives. */
	EXPLORE_CHECK(!(waits && !is_done(s.second)));
	EXPLORE_CHECK(!waits || s.a->queue.count == 1);
	EXPLORE_CHECK(!waits || s.b->queue.count == 1);
	first = outcome_of(s.first, s.one);
	second = outcome_of(s.second, s.two);
	/* Each end of a meeting has another one. */
	EXPLORE_CHECK((first == 0) + (uint32_t)0 == (second == 1) + s.taken);
	EXPLORE_CHECK((first == 1) + (uint32_t)0 == (second == 0) + s.given);
	EXPLORE_CHECK(s.a->queue.count == 0 && s.b->queue.count == 0);
	free_meetings();
	bide_context_unref(s.context);
}

/* The second one is to take from a. */
static void check_three(void)
{
	int first = outcome_of(s.first, s.one), second;
	bool second_waits = !is_done(s.second);

	EXPLORE_CHECK(first >= 0);
	EXPLORE_CHECK(first == 1 || !second_waits);
	EXPLORE_CHECK((first == 1) == (s.given == 1));
	second = outcome_of(s.second, s.two);
	EXPLORE_CHECK((second >= 0) == (first == 0));
	EXPLORE_CHECK(s.a->queue.count == 0 && s.b->queue.count == 0);
	free_meetings();
	bide_context_unref(s.context);
}

/* BUSY is not decided: if the first one waits, it is in both queues. */
static void check_busy(void)
{
	bool waits = !is_done(s.first);
	int first, second;

	EXPLORE_CHECK(!waits || (s.a->queue.count == 1 && s.b->queue.count == 1));
	first = outcome_of(s.first, s.one);
	second = outcome_of(s.second, s.two);
	EXPLORE_CHECK(waits == (first < 0));
	EXPLORE_CHECK(second == (waits ? 0 : 1));
	EXPLORE_CHECK((second == 0) == (s.taken == 1));
	EXPLORE_CHECK(s.a->queue.count == 0 && s.b->queue.count == 0 && s.c->queue.count == 0);
	free_meetings();
	bide_context_unref(s.context);
}

/* The first one was forgotten, and perhaps met before. */
static void check_forgotten(void)
{
	EXPLORE_CHECK(explore_freed(s.first) == 1);
	bide_context_unref(s.context);
}

static void check_forgotten_objects(void)
{
	EXPLORE_CHECK(s.a->queue.count == 0 && s.b->queue.count == 0);
	EXPLORE_CHECK(s.given + s.taken <= 1);
	free_meetings();
	check_forgotten();
}

/* The first one met once, or was canceled, and its links are out. */
static void check_decided(void)
{
	int first = outcome_of(s.first, s.one);

	EXPLORE_CHECK(s.given + s.taken <= 1);
	EXPLORE_CHECK((first == 0) == (s.taken == 1));
	EXPLORE_CHECK((first == 1) == (s.given == 1));
	EXPLORE_CHECK(s.a->queue.count == 0 && s.b->queue.count == 0);
	free_meetings();
	bide_context_unref(s.context);
}

#define SELECT(name_, setup_, threads_, check_, ...) \
	SCENARIO(select_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

SELECT(decided_while_it_registers, setup, (first_thread, give_to_b_thread, take_from_a_thread),
       check_decided, .newest_only = true, .switches_max = 2)
SELECT(two_meet_crosswise, setup_lower_first, (first_thread, second_thread), check_conserved,
       .newest_only = true, .switches_max = 3)
SELECT(two_meet_while_a_third_decides, setup_lower_first,
       (first_thread, second_alone_thread, give_to_b_thread), check_three, .newest_only = true,
       .switches_max = 2)
SELECT(two_meet_while_a_third_decides_2, setup_higher_first,
       (first_thread, second_alone_thread, give_to_b_thread), check_three, .newest_only = true,
       .switches_max = 2)
SELECT(busy_is_not_decided, setup_lower_first,
       (first_thread, second_elsewhere_thread, take_from_c_thread), check_busy, .newest_only = true,
       .switches_max = 2)
SELECT(decided_against_canceled, setup_waiting,
       (take_from_a_thread, give_to_b_thread, cancel_thread), check_decided, .newest_only = true,
       .switches_max = 2)
SELECT(forgotten_against_decided, setup_waiting,
       (forget_thread, take_from_a_thread, give_to_b_thread), check_forgotten_objects,
       .newest_only = true, .switches_max = 2)
SELECT(forgotten_and_freed_against_canceled, setup_waiting, (cancel_thread, forget_and_free_thread),
       check_forgotten, .newest_only = true, .switches_max = 5)
SCENARIO(select_dropped_on_another_thread, setup_task,
         THREADS(take_from_a_and_run_thread, unref_thread), check_forgotten_objects,
         .one_worker = true, .external = 2, .newest_only = true, .switches_max = 3)
