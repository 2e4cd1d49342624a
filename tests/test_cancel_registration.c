/*
 * Registrations: taking callbacks out, inside of callbacks and while another thread cancels.
 *
 * Each test must give everything back: no object is in use, and no byte is live after the shutdown.
 */
/* threads */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "support/cancel_support.h"
#include "support/library.h"

#define BIDE_NO_SHORT_race 1 /* a struct of this file */
#include <bide/short.h>

void test_after_each(void)
{
	assert_nothing_in_use();
}

/* ---- unregistering */

TEST(CT_14_unregistering_twice_is_harmless)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_registration registration;

	bide_cancel_token_register(bide_cancel_source_token(source), &registration, note_letter,
	                           &letters[0]);
	assert_true(bide_cancel_registration_unregister(&registration));
	assert_false(bide_cancel_registration_unregister(&registration));
	assert_false(bide_cancel_registration_unregister_wait(&registration));
	bide_cancel_source_cancel(source);
	assert_string_equal(ran, "");
	bide_cancel_source_unref(source);
}

TEST(CT_33_the_first_unregister_returns_true_the_second_false_and_nothing_runs)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_registration registration;

	bide_cancel_token_register(bide_cancel_source_token(source), &registration, note_letter,
	                           &letters[0]);
	assert_true(bide_cancel_registration_unregister_wait(&registration));
	assert_false(bide_cancel_registration_unregister_wait(&registration));
	bide_cancel_source_cancel(source);
	assert_string_equal(ran, "");
	/* The memory of the registration can be used again. */
	bide_cancel_source_unref(source);
	source = bide_cancel_source_create();
	assert_true(bide_cancel_token_register(bide_cancel_source_token(source), &registration,
	                                       note_letter, &letters[1]));
	bide_cancel_source_cancel(source);
	assert_string_equal(ran, "b");
	bide_cancel_source_unref(source);
}

/* A callback that does not return until it is allowed to end. */
typedef struct slow {
	bide_cancel_source *source;
	bide_cancel_registration registration;
	atomic_bool entered, may_end, ended;
} slow;

static void run_slowly(void *argument)
{
	slow *s = argument;

	atomic_store(&s->entered, true);
	while (!atomic_load(&s->may_end))
		sched_yield();
	atomic_store(&s->ended, true);
}

static void *end_in_a_while(void *argument)
{
	slow *s = argument;

	for (int i = 0; i < 200; i++)
		sched_yield();
	nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	atomic_store(&s->may_end, true);
	return NULL;
}

TEST(CT_34_unregister_does_not_wait_for_a_callback_on_another_thread)
{
	slow s = { .source = bide_cancel_source_create() };
	pthread_t canceler;

	bide_cancel_token_register(bide_cancel_source_token(s.source), &s.registration, run_slowly, &s);
	pthread_create(&canceler, NULL, cancel_on_thread, s.source);
	while (!atomic_load(&s.entered))
		sched_yield();
	/* If it waited it would hang, because may_end is false. */
	assert_false(bide_cancel_registration_unregister(&s.registration));
	assert_false(atomic_load(&s.ended));
	atomic_store(&s.may_end, true);
	pthread_join(canceler, NULL);
	assert_true(atomic_load(&s.ended));
	bide_cancel_source_unref(s.source);
}

TEST(CT_35_unregister_wait_returns_only_after_the_callback)
{
	slow s = { .source = bide_cancel_source_create() };
	pthread_t canceler, ender;

	bide_cancel_token_register(bide_cancel_source_token(s.source), &s.registration, run_slowly, &s);
	pthread_create(&canceler, NULL, cancel_on_thread, s.source);
	while (!atomic_load(&s.entered))
		sched_yield();
	pthread_create(&ender, NULL, end_in_a_while, &s);
	assert_false(bide_cancel_registration_unregister_wait(&s.registration));
	assert_true(atomic_load(&s.ended));
	pthread_join(canceler, NULL);
	pthread_join(ender, NULL);
	bide_cancel_source_unref(s.source);
}

TEST(unregister_wait_does_not_wait_for_other_callbacks)
{
	slow s = { .source = bide_cancel_source_create() };
	bide_cancel_registration first;
	pthread_t canceler;

	/* Registered first, so it runs last and can be removed while the slow callback runs. */
	bide_cancel_token_register(bide_cancel_source_token(s.source), &first, note_letter,
	                           &letters[0]);
	bide_cancel_token_register(bide_cancel_source_token(s.source), &s.registration, run_slowly, &s);
	pthread_create(&canceler, NULL, cancel_on_thread, s.source);
	while (!atomic_load(&s.entered))
		sched_yield();
	assert_true(bide_cancel_registration_unregister_wait(&first)); /* would hang if it waited */
	atomic_store(&s.may_end, true);
	pthread_join(canceler, NULL);
	assert_string_equal(ran, "");
	bide_cancel_source_unref(s.source);
}

typedef struct pair {
	bide_cancel_registration mine, other;
	bool removed_other, removed_mine;
} pair;

static void remove_other(void *argument)
{
	pair *p = argument;

	p->removed_other = bide_cancel_registration_unregister(&p->other);
	note_letter(&letters[1]);
}

TEST(CT_36_a_callback_removes_one_that_has_not_run_yet)
{
	bide_cancel_source *source = bide_cancel_source_create();
	pair p = { 0 };

	bide_cancel_token_register(bide_cancel_source_token(source), &p.other, note_letter,
	                           &letters[0]);
	bide_cancel_token_register(bide_cancel_source_token(source), &p.mine, remove_other, &p);
	bide_cancel_source_cancel(source);
	assert_true(p.removed_other);
	assert_string_equal(ran, "b");
	bide_cancel_source_unref(source);
}

static void remove_mine(void *argument)
{
	pair *p = argument;

	p->removed_mine = bide_cancel_registration_unregister(&p->mine) ||
	                  bide_cancel_registration_unregister_wait(&p->mine);
	note_letter(&letters[0]);
}

TEST(a_callback_can_unregister_itself_and_gets_false)
{
	bide_cancel_source *source = bide_cancel_source_create();
	pair p = { .removed_mine = true };

	bide_cancel_token_register(bide_cancel_source_token(source), &p.mine, remove_mine, &p);
	bide_cancel_source_cancel(source);
	assert_false(p.removed_mine);
	assert_string_equal(ran, "a");
	bide_cancel_source_unref(source);
}

static void drop_source(void *source)
{
	bide_cancel_source_unref(source);
}

TEST(a_callback_can_drop_the_last_reference)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_token token = bide_cancel_source_token(source);
	bide_cancel_registration first, second;

	bide_cancel_token_register(token, &first, note_letter, &letters[0]);
	bide_cancel_token_register(token, &second, drop_source, source);
	assert_true(bide_cancel_source_cancel(source));
	assert_string_equal(ran, "a"); /* the callbacks after it run nevertheless */
	assert_true(bide_cancel_token_is_canceled(token));
}

typedef struct again {
	bide_cancel_token token;
	bide_cancel_registration registration;
	bool registered;
} again;

static void register_again(void *argument)
{
	again *a = argument;

	a->registered =
		bide_cancel_token_register(a->token, &a->registration, note_letter, &letters[2]);
	note_letter(&letters[1]);
}

TEST(a_registration_made_in_a_callback_runs_at_once)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_registration first, second;
	again a = { .token = bide_cancel_source_token(source), .registered = true };

	bide_cancel_token_register(a.token, &first, note_letter, &letters[0]);
	bide_cancel_token_register(a.token, &second, register_again, &a);
	bide_cancel_source_cancel(source);
	assert_false(a.registered);
	assert_string_equal(ran, "cba");
	bide_cancel_source_unref(source);
}

/* ---- cancel against unregister */

typedef struct race {
	gate start, end;
	bool over; /* set between start and end */
	bide_cancel_source *source;
	bide_cancel_registration registration;
	atomic_int count;
} race;

static void *cancel_many_times(void *argument)
{
	race *r = argument;

	for (int round = 1;; round++) {
		gate_pass(&r->start, round);
		if (r->over)
			return NULL;
		dawdle((unsigned)round);
		bide_cancel_source_cancel(r->source);
		gate_pass(&r->end, round);
	}
}

TEST_SLOW(CT_37_when_cancel_races_unregister_the_callback_runs_or_unregister_is_true, 60)
{
	race r = { .start = { .count = 2 }, .end = { .count = 2 } };
	pthread_t canceler;
	int removed_count = 0, round;

	pthread_create(&canceler, NULL, cancel_many_times, &r);
	for (round = 1; test_round(round, RACES); round++) {
		bool removed;

		r.source = bide_cancel_source_create();
		atomic_store(&r.count, 0);
		bide_cancel_token_register(bide_cancel_source_token(r.source), &r.registration, count_up,
		                           &r.count);
		gate_pass(&r.start, round);
		dawdle((unsigned)round + 2);
		removed = bide_cancel_registration_unregister(&r.registration);
		gate_pass(&r.end, round);
		assert_int_equal(atomic_load(&r.count) + removed, 1);
		removed_count += removed;
		bide_cancel_source_unref(r.source);
	}
	r.over = true;
	gate_pass(&r.start, round);
	pthread_join(canceler, NULL);
	print_message("unregister won %d of %d races\n", removed_count, round - 1);
	assert_true(removed_count > 0);
	assert_true(removed_count < round - 1);
}

/* The test frees the callback's data as soon as unregister_wait has returned. */
typedef struct short_lived {
	bide_cancel_registration registration;
	int touched;
} short_lived;

static void touch(void *argument)
{
	((short_lived *)argument)->touched++;
	sched_yield();
	((short_lived *)argument)->touched++;
}

TEST_SLOW(memory_may_be_freed_after_unregister_wait, 60)
{
	race r = { .start = { .count = 2 }, .end = { .count = 2 } };
	pthread_t canceler;
	int round;

	pthread_create(&canceler, NULL, cancel_many_times, &r);
	for (round = 1; test_round(round, RACES); round++) {
		short_lived *s = calloc(1, sizeof *s);
		bool removed;

		r.source = bide_cancel_source_create();
		bide_cancel_token_register(bide_cancel_source_token(r.source), &s->registration, touch, s);
		gate_pass(&r.start, round);
		removed = bide_cancel_registration_unregister_wait(&s->registration);
		assert_int_equal(s->touched, removed ? 0 : 2);
		free(s);
		gate_pass(&r.end, round);
		bide_cancel_source_unref(r.source);
	}
	r.over = true;
	gate_pass(&r.start, round);
	pthread_join(canceler, NULL);
}
