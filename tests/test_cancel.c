/*
 * Cancellation: sources, tokens, callbacks, linked sources, cancellation after a time.
 *
 * Each test must give everything back: no object is in use, and no byte is live after the shutdown.
 */
/* threads */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "support/cancel_support.h"
#include "support/library.h"
#include "support/small_stack.h"
#include "support/virtual_clock.h"

#include <bide/short.h>

void test_after_each(void)
{
	assert_nothing_in_use();
}

/* ---- the flag and the callbacks */

TEST(CT_01_the_flag_is_false_until_canceled_and_true_for_good)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_token token = bide_cancel_source_token(source);

	for (int i = 0; i < 3; i++) {
		assert_false(bide_cancel_token_is_canceled(token));
		assert_false(bide_cancel_source_is_canceled(source));
	}
	assert_true(bide_cancel_token_can_be_canceled(token));
	assert_true(bide_cancel_source_cancel(source));
	for (int i = 0; i < 3; i++) {
		assert_true(bide_cancel_token_is_canceled(token));
		assert_true(bide_cancel_source_is_canceled(source));
	}
	assert_true(bide_cancel_token_can_be_canceled(token));
	bide_cancel_source_unref(source);
}

TEST(CT_01_the_token_of_nothing_is_never_canceled)
{
	bide_cancel_token none = bide_cancel_token_none();
	bide_cancel_registration registration;

	assert_false(bide_cancel_token_is_canceled(none));
	assert_false(bide_cancel_token_can_be_canceled(none));
	assert_false(bide_cancel_token_register(none, &registration, note_letter, &letters[0]));
	assert_false(bide_cancel_registration_unregister(&registration));
	assert_string_equal(ran, "");
}

TEST(CT_03_only_the_registrations_that_remain_run)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_registration registrations[3];

	for (int i = 0; i < 3; i++)
		assert_true(bide_cancel_token_register(bide_cancel_source_token(source), &registrations[i],
		                                       note_letter, &letters[i]));
	assert_true(bide_cancel_registration_unregister(&registrations[1]));
	bide_cancel_source_cancel(source);
	assert_string_equal(ran, "ca");
	bide_cancel_source_unref(source);
}

TEST(CT_03_each_of_three_can_be_the_one_that_is_removed)
{
	static const char *const rest[] = { "cb", "ca", "ba" };

	for (int without = 0; without < 3; without++) {
		bide_cancel_source *source = bide_cancel_source_create();
		bide_cancel_registration registrations[3];

		ran[0] = '\0';
		for (int i = 0; i < 3; i++)
			bide_cancel_token_register(bide_cancel_source_token(source), &registrations[i],
			                           note_letter, &letters[i]);
		assert_true(bide_cancel_registration_unregister(&registrations[without]));
		bide_cancel_source_cancel(source);
		assert_string_equal(ran, rest[without]);
		bide_cancel_source_unref(source);
	}
}

TEST(CT_11_registered_before_it_runs_at_the_cancel_and_after_it_at_once)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_token token = bide_cancel_source_token(source);
	bide_cancel_registration early, late;

	assert_true(bide_cancel_token_register(token, &early, note_letter, &letters[0]));
	assert_string_equal(ran, "");
	assert_true(bide_cancel_source_cancel(source));
	assert_string_equal(ran, "a");
	assert_false(bide_cancel_token_register(token, &late, note_letter, &letters[1]));
	assert_string_equal(ran, "ab");
	assert_false(bide_cancel_registration_unregister(&early));
	assert_false(bide_cancel_registration_unregister(&late));
	bide_cancel_source_unref(source);
}

TEST(CT_13_all_callbacks_run_newest_first)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_registration registrations[5];

	for (int i = 0; i < 5; i++)
		bide_cancel_token_register(bide_cancel_source_token(source), &registrations[i], note_letter,
		                           &letters[i]);
	bide_cancel_source_cancel(source);
	assert_string_equal(ran, "edcba");
	bide_cancel_source_unref(source);
}

TEST(only_the_first_cancel_counts)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_registration registration;

	bide_cancel_token_register(bide_cancel_source_token(source), &registration, note_letter,
	                           &letters[0]);
	assert_true(bide_cancel_source_cancel(source));
	assert_false(bide_cancel_source_cancel(source));
	assert_false(bide_cancel_source_cancel(source));
	assert_string_equal(ran, "a");
	bide_cancel_source_unref(source);
}

TEST(exactly_one_of_racing_cancels_is_the_first)
{
	for (int round = 0; test_round(round, 200); round++) {
		bide_cancel_source *source = bide_cancel_source_create();
		bide_cancel_registration registration;
		atomic_int count = 0;
		pthread_t threads[3];
		int winners = 0;

		bide_cancel_token_register(bide_cancel_source_token(source), &registration, count_up,
		                           &count);
		for (int i = 0; i < 3; i++)
			pthread_create(&threads[i], NULL, cancel_on_thread, source);
		for (int i = 0; i < 3; i++) {
			void *won;
			pthread_join(threads[i], &won);
			winners += won != NULL;
		}
		assert_int_equal(winners, 1);
		assert_int_equal(count, 1);
		bide_cancel_source_unref(source);
	}
}

TEST(a_registration_allocates_nothing)
{
	enum { COUNT = 10000 };
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_registration *registrations = calloc(COUNT, sizeof *registrations);
	bide_stats before, after;
	atomic_int count = 0;

	bide_stats_get(&before);
	for (int i = 0; i < COUNT; i++)
		bide_cancel_token_register(bide_cancel_source_token(source), &registrations[i], count_up,
		                           &count);
	for (int i = 0; i < COUNT; i += 2)
		assert_true(bide_cancel_registration_unregister(&registrations[i]));
	bide_cancel_source_cancel(source);
	bide_stats_get(&after);
	assert_int_equal(count, COUNT / 2);
	assert_int_equal(after.allocation_count, before.allocation_count);
	assert_int_equal(after.operation_count, before.operation_count);
	bide_cancel_source_unref(source);
	free(registrations);
}

TEST(sources_come_from_the_pool)
{
	if (getenv("BIDE_POOL"))
		SKIP("without the pools each object is an allocation");
	bide_stats before, after;

	bide_cancel_source_unref(bide_cancel_source_create());
	bide_stats_get(&before);
	for (int i = 0; i < 10000; i++) {
		bide_cancel_source *source = bide_cancel_source_create();
		bide_cancel_token token = bide_cancel_source_token(source);
		bide_cancel_source *linked = bide_cancel_source_create_linked(&token, 1);

		bide_cancel_source_cancel(source);
		bide_cancel_source_unref(source);
		bide_cancel_source_unref(linked);
	}
	bide_stats_get(&after);
	assert_true(after.allocation_count - before.allocation_count <= 4);
}

/* ---- linked sources */

TEST(CT_07_a_linked_source_is_canceled_by_any_of_its_tokens)
{
	enum { COUNT = 20 };

	for (int which = 0; which < COUNT; which++) {
		bide_cancel_source *sources[COUNT], *linked;
		bide_cancel_token tokens[COUNT];
		bide_cancel_registration registration;

		ran[0] = '\0';
		for (int i = 0; i < COUNT; i++) {
			sources[i] = bide_cancel_source_create();
			tokens[i] = bide_cancel_source_token(sources[i]);
		}
		linked = bide_cancel_source_create_linked(tokens, COUNT);
		bide_cancel_token_register(bide_cancel_source_token(linked), &registration, note_letter,
		                           &letters[0]);
		assert_false(bide_cancel_source_is_canceled(linked));
		bide_cancel_source_cancel(sources[which]);
		assert_true(bide_cancel_source_is_canceled(linked));
		assert_string_equal(ran, "a");
		for (int i = 0; i < COUNT; i++) {
			assert_true(bide_cancel_source_is_canceled(sources[i]) == (i == which));
			bide_cancel_source_unref(sources[i]);
		}
		assert_false(bide_cancel_source_cancel(linked));
		bide_cancel_source_unref(linked);
	}
}

TEST(CT_08_a_source_linked_to_a_canceled_token_is_created_canceled)
{
	bide_cancel_source *canceled = bide_cancel_source_create(),
					   *other = bide_cancel_source_create();
	bide_cancel_token tokens[2];
	bide_cancel_source *linked;

	bide_cancel_source_cancel(canceled);
	for (int order = 0; order < 2; order++) {
		tokens[order] = bide_cancel_source_token(canceled);
		tokens[1 - order] = bide_cancel_source_token(other);
		linked = bide_cancel_source_create_linked(tokens, 2);
		assert_true(bide_cancel_source_is_canceled(linked));
		assert_false(bide_cancel_source_is_canceled(other));
		bide_cancel_source_unref(linked);
	}
	bide_cancel_source_unref(canceled);
	bide_cancel_source_unref(other);
}

TEST(canceling_a_linked_source_leaves_its_parents_alone)
{
	bide_cancel_source *parent = bide_cancel_source_create(), *linked;
	bide_cancel_token token = bide_cancel_source_token(parent);

	linked = bide_cancel_source_create_linked(&token, 1);
	assert_true(bide_cancel_source_cancel(linked));
	assert_false(bide_cancel_source_is_canceled(parent));
	bide_cancel_source_unref(linked);
	assert_true(bide_cancel_source_cancel(parent));
	bide_cancel_source_unref(parent);
}

TEST(a_source_linked_to_no_token_is_a_plain_source)
{
	bide_cancel_source *source = bide_cancel_source_create_linked(NULL, 0);

	assert_non_null(source);
	assert_true(bide_cancel_source_cancel(source));
	bide_cancel_source_unref(source);
}

TEST(CT_17_a_linked_source_outlives_its_parents)
{
	bide_cancel_source *parent = bide_cancel_source_create(), *linked;
	bide_cancel_token token = bide_cancel_source_token(parent);

	linked = bide_cancel_source_create_linked(&token, 1);
	bide_cancel_source_cancel(parent);
	bide_cancel_source_unref(parent);
	assert_true(bide_cancel_source_is_canceled(linked));
	bide_cancel_source_unref(linked);

	/* If the parent goes without having been canceled, the source never is. */
	parent = bide_cancel_source_create();
	token = bide_cancel_source_token(parent);
	linked = bide_cancel_source_create_linked(&token, 1);
	bide_cancel_source_unref(parent);
	assert_false(bide_cancel_source_is_canceled(linked));
	assert_true(bide_cancel_source_cancel(linked));
	bide_cancel_source_unref(linked);
}

TEST(linked_sources_100000_deep_are_canceled_in_bounded_stack)
{
	enum { DEPTH = 100000 };
	bide_cancel_source **sources = calloc(DEPTH, sizeof *sources);
	bide_cancel_registration last, middle;

	sources[0] = bide_cancel_source_create();
	for (int i = 1; i < DEPTH; i++) {
		bide_cancel_token token = bide_cancel_source_token(sources[i - 1]);
		sources[i] = bide_cancel_source_create_linked(&token, 1);
		assert_non_null(sources[i]);
	}
	bide_cancel_token_register(bide_cancel_source_token(sources[DEPTH - 1]), &last, note_letter,
	                           &letters[1]);
	bide_cancel_token_register(bide_cancel_source_token(sources[DEPTH / 2]), &middle, note_letter,
	                           &letters[0]);
	on_small_stack(cancel_on_thread, sources[0]);
	assert_string_equal(ran, "ab");
	for (int i = 0; i < DEPTH; i++)
		assert_true(bide_cancel_source_is_canceled(sources[i]));
	for (int i = 0; i < DEPTH; i++)
		bide_cancel_source_unref(sources[i]);
	free(sources);
}

TEST(a_source_cancels_all_of_100000_linked_sources)
{
	enum { COUNT = 100000 };
	bide_cancel_source **sources = calloc(COUNT, sizeof *sources),
					   *parent = bide_cancel_source_create();
	bide_cancel_token token = bide_cancel_source_token(parent);

	for (int i = 0; i < COUNT; i++)
		sources[i] = bide_cancel_source_create_linked(&token, 1);
	on_small_stack(cancel_on_thread, parent);
	for (int i = 0; i < COUNT; i++) {
		assert_true(bide_cancel_source_is_canceled(sources[i]));
		bide_cancel_source_unref(sources[i]);
	}
	bide_cancel_source_unref(parent);
	free(sources);
}

/* A linked source is freed on one thread while its parent is canceled on another. */
typedef struct link_race {
	gate start, end;
	bool over; /* set between start and end */
	bide_cancel_source *parent;
} link_race;

static void *cancel_parents(void *argument)
{
	link_race *r = argument;

	for (int round = 1;; round++) {
		gate_pass(&r->start, round);
		if (r->over)
			return NULL;
		bide_cancel_source_cancel(r->parent);
		gate_pass(&r->end, round);
	}
}

TEST_SLOW(linked_sources_may_be_freed_while_their_parent_is_canceled, 60)
{
	link_race r = { .start = { .count = 2 }, .end = { .count = 2 } };
	pthread_t canceler;
	int round;

	pthread_create(&canceler, NULL, cancel_parents, &r);
	for (round = 1; test_round(round, RACES); round++) {
		bide_cancel_source *linked[4];
		bide_cancel_token token;

		r.parent = bide_cancel_source_create();
		token = bide_cancel_source_token(r.parent);
		for (int i = 0; i < 4; i++)
			linked[i] = bide_cancel_source_create_linked(&token, 1);
		gate_pass(&r.start, round);
		for (int i = 0; i < 4; i++)
			bide_cancel_source_unref(linked[i]);
		gate_pass(&r.end, round);
		bide_cancel_source_unref(r.parent);
	}
	r.over = true;
	gate_pass(&r.start, round);
	pthread_join(canceler, NULL);
}

/* ---- tokens whose source is gone */

TEST(CT_20_a_token_of_a_freed_source_stays_as_it_was)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_token token = bide_cancel_source_token(source);

	bide_cancel_source_cancel(source);
	assert_true(bide_cancel_token_is_canceled(token));
	bide_cancel_source_unref(source);
	assert_true(bide_cancel_token_is_canceled(token));
	assert_true(bide_cancel_token_can_be_canceled(token));
}

TEST(CT_21_a_stale_token_can_be_registered_and_linked_and_nothing_happens)
{
	bide_cancel_source *source = bide_cancel_source_create(), *linked;
	bide_cancel_token token = bide_cancel_source_token(source);
	bide_cancel_registration registration;

	bide_cancel_source_unref(source);
	assert_false(bide_cancel_token_register(token, &registration, note_letter, &letters[0]));
	assert_false(bide_cancel_registration_unregister(&registration));
	linked = bide_cancel_source_create_linked(&token, 1);
	assert_false(bide_cancel_source_is_canceled(linked));
	assert_string_equal(ran, "");
	bide_cancel_source_unref(linked);
}

TEST(stale_tokens_never_fire_whatever_their_memory_is_used_for)
{
	enum { COUNT = 64 };
	bide_cancel_token stale[COUNT];
	bide_cancel_source *sources[COUNT];
	bide_cancel_registration registration;

	for (int i = 0; i < COUNT; i++) {
		sources[i] = bide_cancel_source_create();
		stale[i] = bide_cancel_source_token(sources[i]);
	}
	for (int i = 0; i < COUNT; i++)
		bide_cancel_source_unref(sources[i]);
	/* Takes the same memory for sources that are canceled. */
	for (int i = 0; i < COUNT; i++) {
		sources[i] = bide_cancel_source_create();
		bide_cancel_source_cancel(sources[i]);
	}
	for (int i = 0; i < COUNT; i++) {
		assert_false(bide_cancel_token_is_canceled(stale[i]));
		assert_false(bide_cancel_token_can_be_canceled(stale[i]));
		assert_false(bide_cancel_token_register(stale[i], &registration, note_letter, &letters[0]));
	}
	assert_string_equal(ran, "");
	for (int i = 0; i < COUNT; i++)
		bide_cancel_source_unref(sources[i]);
}

TEST(a_registration_may_outlive_its_source)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_registration registration;

	assert_true(bide_cancel_token_register(bide_cancel_source_token(source), &registration,
	                                       note_letter, &letters[0]));
	bide_cancel_source_unref(source);
	assert_false(bide_cancel_registration_unregister(&registration));
	assert_string_equal(ran, "");
}

TEST(references_keep_a_source)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_token token = bide_cancel_source_token(source);

	assert_ptr_equal(bide_cancel_source_ref(source), source);
	bide_cancel_source_unref(source);
	assert_true(bide_cancel_token_can_be_canceled(token));
	assert_true(bide_cancel_source_cancel(source));
	assert_true(bide_cancel_token_is_canceled(token));
	bide_cancel_source_unref(source);
	assert_true(bide_cancel_token_is_canceled(token));
	bide_cancel_source_unref(NULL);
}

/* ---- after a time */

TEST(CT_23_forever_means_never_and_a_later_call_replaces_the_time)
{
	bide_cancel_source *source;
	bide_cancel_registration registration;

	use_virtual_clock();
	source = bide_cancel_source_create();
	bide_cancel_token_register(bide_cancel_source_token(source), &registration, note_letter,
	                           &letters[0]);
	assert_int_equal(bide_cancel_source_cancel_after(source, BIDE_FOREVER), 0);
	pass_ns((int64_t)1 << 58);
	assert_false(bide_cancel_source_is_canceled(source));
	assert_int_equal(bide_cancel_source_cancel_after(source, (int64_t)1 << 60), 0);
	assert_int_equal(bide_cancel_source_cancel_after(source, BIDE_MS(1)), 0);
	pass_ns(999999);
	assert_false(bide_cancel_source_is_canceled(source));
	pass_ns(2);
	assert_true(bide_cancel_source_is_canceled(source));
	assert_string_equal(ran, "a");
	bide_cancel_source_unref(source);
}

TEST(a_longer_time_replaces_a_shorter_one)
{
	bide_cancel_source *source;
	bide_stats stats;

	use_virtual_clock();
	source = bide_cancel_source_create();
	assert_int_equal(bide_cancel_source_cancel_after(source, 1000), 0);
	assert_int_equal(bide_cancel_source_cancel_after(source, 5000), 0);
	bide_stats_get(&stats);
	assert_int_equal(stats.timer_count, 1);
	pass_ns(4999);
	assert_false(bide_cancel_source_is_canceled(source));
	pass_ns(2);
	assert_true(bide_cancel_source_is_canceled(source));
	bide_cancel_source_unref(source);
}

TEST(a_time_of_forever_removes_the_timer)
{
	bide_cancel_source *source;
	bide_stats stats;

	use_virtual_clock();
	source = bide_cancel_source_create();
	assert_int_equal(bide_cancel_source_cancel_after(source, 1000), 0);
	assert_int_equal(bide_cancel_source_cancel_after(source, BIDE_FOREVER), 0);
	bide_stats_get(&stats);
	assert_int_equal(stats.timer_count, 0);
	pass_ns(BIDE_MS(1));
	assert_false(bide_cancel_source_is_canceled(source));
	bide_cancel_source_unref(source);
}

TEST(the_timer_of_a_source_is_freed_with_it)
{
	bide_cancel_source *source;
	bide_stats stats;

	use_virtual_clock();
	source = bide_cancel_source_create();
	assert_int_equal(bide_cancel_source_cancel_after(source, 1000), 0);
	bide_cancel_source_unref(source);
	bide_stats_get(&stats);
	assert_int_equal(stats.timer_count, 0);
	pass_ns(2000);
}

TEST(after_a_time_of_zero_it_is_canceled_inside_the_call)
{
	bide_cancel_source *source = bide_cancel_source_create();

	assert_int_equal(bide_cancel_source_cancel_after(source, 0), 0);
	assert_true(bide_cancel_source_is_canceled(source));
	/* It is already canceled, so nothing is left to do. */
	assert_int_equal(bide_cancel_source_cancel_after(source, 1000), 0);
	bide_cancel_source_unref(source);
}

TEST(on_the_real_clock_it_is_never_canceled_early)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_context *context;
	int64_t start_ns = bide_now_ns();

	assert_int_equal(bide_cancel_source_cancel_after(source, BIDE_MS(20)), 0);
	context =
		bide_context_create(&(bide_context_options){ .token = bide_cancel_source_token(source) });
	assert_int_equal(bide_value_task_wait(bide_in_context(context, bide_delay(BIDE_FOREVER)), NULL),
	                 ECANCELED);
	assert_true(bide_now_ns() - start_ns >= BIDE_MS(20));
	bide_context_unref(context);
	bide_cancel_source_unref(source);
}

static void *hurry(void *source)
{
	for (int i = 0; i < 100; i++)
		assert_int_equal(bide_cancel_source_cancel_after(source, BIDE_SECONDS(3600) + i), 0);
	assert_int_equal(bide_cancel_source_cancel_after(source, BIDE_MS(5)), 0);
	return NULL;
}

TEST(another_thread_replaces_the_time)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_context *context;
	pthread_t thread;
	int64_t start_ns = bide_now_ns();

	assert_int_equal(bide_cancel_source_cancel_after(source, BIDE_SECONDS(3600)), 0);
	context =
		bide_context_create(&(bide_context_options){ .token = bide_cancel_source_token(source) });
	pthread_create(&thread, NULL, hurry, source);
	assert_int_equal(bide_value_task_wait(bide_in_context(context, bide_delay(BIDE_FOREVER)), NULL),
	                 ECANCELED);
	assert_true(bide_now_ns() - start_ns >= BIDE_MS(5));
	pthread_join(thread, NULL);
	bide_context_unref(context);
	bide_cancel_source_unref(source);
}

static void *cancel_after_and_cancel(void *source)
{
	assert_int_equal(bide_cancel_source_cancel_after(source, BIDE_SECONDS(3600)), 0);
	bide_cancel_source_cancel(source);
	assert_int_equal(bide_cancel_source_cancel_after(source, BIDE_SECONDS(3600)), 0);
	return NULL;
}

TEST(cancel_and_cancel_after_of_another_thread_leave_no_timer)
{
	for (int round = 0; test_round(round, 300); round++) {
		bide_cancel_source *source = bide_cancel_source_create();
		pthread_t thread;
		bide_stats stats;

		assert_int_equal(bide_cancel_source_cancel_after(source, BIDE_SECONDS(3600)), 0);
		pthread_create(&thread, NULL, cancel_after_and_cancel, source);
		while (!bide_cancel_source_is_canceled(source))
			settle(0);
		pthread_join(thread, NULL);
		settle(0);
		bide_cancel_source_unref(source);
		bide_stats_get(&stats);
		assert_int_equal(stats.timer_count, 0);
	}
}

/* Another thread drops the last reference at the moment when the timer is due. */
typedef struct expiry_race {
	_Atomic(bide_cancel_source *) source;
	_Atomic int64_t due_ns;
	atomic_bool over;
} expiry_race;

static void *drop_when_due(void *argument)
{
	expiry_race *r = argument;
	bide_cancel_source *source;
	unsigned round = 0;

	while (!atomic_load(&r->over)) {
		int64_t drop_ns;

		source = atomic_load(&r->source);
		if (!source) {
			sched_yield();
			continue;
		}
		drop_ns = atomic_load(&r->due_ns) + (int64_t)(round++ % 100) * 1000;
		while (bide_now_ns() < drop_ns)
			;
		bide_cancel_source_unref(source);
		atomic_store(&r->source, NULL);
	}
	return NULL;
}

TEST_SLOW(another_thread_may_drop_the_last_reference_while_the_timer_is_due, 60)
{
	expiry_race r = { .due_ns = 0 };
	pthread_t dropper;

	pthread_create(&dropper, NULL, drop_when_due, &r);
	for (int round = 0; test_round(round, 4000); round++) {
		bide_cancel_source *source = bide_cancel_source_create();
		int64_t start_ns = bide_now_ns();

		assert_int_equal(bide_cancel_source_cancel_after(source, 20000), 0);
		atomic_store(&r.due_ns, start_ns + 20000);
		atomic_store(&r.source, source);
		while (atomic_load(&r.source))
			settle(0);
	}
	atomic_store(&r.over, true);
	pthread_join(dropper, NULL);
	settle(0);
}

/* ---- reset */

TEST(CT_27_a_canceled_source_cannot_be_reset)
{
	bide_cancel_source *source = bide_cancel_source_create();

	bide_cancel_source_cancel(source);
	assert_false(bide_cancel_source_try_reset(source));
	assert_true(bide_cancel_source_is_canceled(source));
	bide_cancel_source_unref(source);
}

TEST(CT_27_a_source_whose_timer_has_fired_cannot_be_reset)
{
	bide_cancel_source *source;

	use_virtual_clock();
	source = bide_cancel_source_create();
	assert_int_equal(bide_cancel_source_cancel_after(source, 1000), 0);
	pass_ns(2000);
	assert_false(bide_cancel_source_try_reset(source));
	bide_cancel_source_unref(source);
}

TEST(CT_28_reset_removes_the_timer_and_the_registrations_and_the_source_is_usable_again)
{
	bide_cancel_source *source;
	bide_cancel_registration before, after;
	bide_cancel_token token;
	bide_stats stats;

	use_virtual_clock();
	source = bide_cancel_source_create();
	token = bide_cancel_source_token(source);
	assert_true(bide_cancel_source_try_reset(source));
	assert_int_equal(bide_cancel_source_cancel_after(source, 1000), 0);
	bide_cancel_token_register(token, &before, note_letter, &letters[0]);
	assert_true(bide_cancel_source_try_reset(source));
	bide_stats_get(&stats);
	assert_int_equal(stats.timer_count, 0);
	assert_false(bide_cancel_registration_unregister(&before));
	pass_ns(2000);
	assert_false(bide_cancel_source_is_canceled(source));
	/* The token remains valid. */
	bide_cancel_token_register(token, &after, note_letter, &letters[1]);
	assert_true(bide_cancel_source_cancel(source));
	assert_string_equal(ran, "b");
	bide_cancel_source_unref(source);
}

TEST(reset_detaches_linked_sources_but_not_the_parents)
{
	bide_cancel_source *parent = bide_cancel_source_create(), *source, *below;
	bide_cancel_token token = bide_cancel_source_token(parent);

	source = bide_cancel_source_create_linked(&token, 1);
	token = bide_cancel_source_token(source);
	below = bide_cancel_source_create_linked(&token, 1);
	assert_true(bide_cancel_source_try_reset(source));
	assert_true(bide_cancel_source_cancel(parent));
	assert_true(bide_cancel_source_is_canceled(source));
	assert_false(bide_cancel_source_is_canceled(below));
	bide_cancel_source_unref(parent);
	bide_cancel_source_unref(source);
	bide_cancel_source_unref(below);
}

/* ---- what cancellation does to operations */

struct sleeper {
	ASYNC_FRAME;
	struct {
		atomic_int *ended_count;
	} in;
};

async(sleeper)
{
	async_begin;
	await(delay(BIDE_FOREVER));
	async_return(1);
async_finally:
	if (async_error == ECANCELED)
		atomic_fetch_add(my->in.ended_count, 1);
	async_end;
}

TEST(a_cancel_from_another_thread_ends_operations_on_the_worker)
{
	for (int round = 0; test_round(round, 200); round++) {
		enum { COUNT = 8 };
		bide_cancel_source *source = bide_cancel_source_create();
		bide_context *context = bide_context_create(
			&(bide_context_options){ .token = bide_cancel_source_token(source) });
		value_task sleepers[COUNT];
		atomic_int ended_count = 0;
		pthread_t thread;

		for (int i = 0; i < COUNT; i++)
			sleepers[i] =
				bide_in_context(context, async_start(sleeper, .ended_count = &ended_count));
		pthread_create(&thread, NULL, cancel_on_thread, source);
		for (int i = 0; i < COUNT; i++)
			assert_int_equal(bide_value_task_wait(sleepers[i], NULL), ECANCELED);
		assert_int_equal(ended_count, COUNT);
		pthread_join(thread, NULL);
		bide_context_unref(context);
		bide_cancel_source_unref(source);
	}
}

/* Operations end by themselves while another thread cancels them. */
TEST_SLOW(operations_that_end_race_a_cancel_from_another_thread, 60)
{
	int canceled_count = 0, round;

	for (round = 0; test_round(round, 500); round++) {
		enum { COUNT = 8 };
		bide_cancel_source *source = bide_cancel_source_create();
		bide_context *context = bide_context_create(
			&(bide_context_options){ .token = bide_cancel_source_token(source) });
		value_task delays[COUNT];
		pthread_t thread;

		for (int i = 0; i < COUNT; i++)
			delays[i] = bide_in_context(context, bide_delay(10000 + i * 10000));
		pthread_create(&thread, NULL, cancel_on_thread, source);
		for (int i = 0; i < COUNT; i++) {
			int error = bide_value_task_wait(delays[i], NULL);
			assert_true(error == 0 || error == ECANCELED);
			canceled_count += error == ECANCELED;
		}
		pthread_join(thread, NULL);
		bide_context_unref(context);
		bide_cancel_source_unref(source);
	}
	print_message("%d of %d were canceled\n", canceled_count, round * 8);
}

/* An external thread starts operations in a context that is canceled meanwhile. */
static void *delays_of_an_external_thread(void *argument)
{
	bide_context *context = argument;
	intptr_t wrong = 0;

	for (int i = 0; i < 20; i++) {
		int error =
			bide_value_task_wait(bide_in_context(context, bide_delay(BIDE_SECONDS(3600))), NULL);
		wrong += error != ECANCELED;
	}
	return (void *)wrong;
}

TEST_SLOW(delays_that_an_external_thread_starts_are_canceled_too, 60)
{
	for (int round = 0; test_round(round, 300); round++) {
		bide_context *context = bide_context_create(NULL);
		pthread_t external;
		void *wrong;

		pthread_create(&external, NULL, delays_of_an_external_thread, context);
		for (int i = 0; i < round % 50; i++)
			settle(0);
		bide_context_cancel(context, ECANCELED);
		for (int i = 0; i < 20; i++) {
			settle(0);
			sched_yield();
		}
		assert_int_equal(bide_value_task_wait(bide_delay(BIDE_MS(1)), NULL), 0);
		pthread_join(external, &wrong);
		settle(0);
		assert_null(wrong);
		bide_context_unref(context);
	}
}

/* ---- bad input */

TEST(null_and_negative_times_are_misuse)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_token token = bide_cancel_source_token(source);
	bide_cancel_registration registration;

	expect_misuse();
	assert_false(bide_cancel_source_cancel(NULL));
	assert_non_null(strstr(misuse_text, "bide_cancel_source_cancel: source is NULL"));
	assert_int_equal(bide_cancel_source_cancel_after(NULL, 1), EINVAL);
	assert_int_equal(bide_cancel_source_cancel_after(source, -1), EINVAL);
	assert_non_null(strstr(misuse_text, "bide_cancel_source_cancel_after"));
	assert_int_equal(bide_cancel_source_cancel_after(source, INT64_MIN), EINVAL);
	assert_false(bide_cancel_source_try_reset(NULL));
	assert_false(bide_cancel_source_is_canceled(NULL));
	assert_null(bide_cancel_source_ref(NULL));
	assert_null(bide_cancel_source_token(NULL).cell_);
	assert_null(bide_cancel_source_create_linked(NULL, 2));
	assert_null(bide_cancel_source_create_linked(&token, 65536));
	assert_false(bide_cancel_token_register(token, NULL, note_letter, &letters[0]));
	assert_false(bide_cancel_token_register(token, &registration, NULL, NULL));
	assert_false(bide_cancel_registration_unregister(NULL));
	assert_false(bide_cancel_registration_unregister_wait(NULL));
	assert_int_equal(misuse_count, 14);
	assert_false(bide_cancel_source_is_canceled(source));
	bide_cancel_source_unref(source);
}

TEST(by_default_misuse_aborts_and_names_the_function)
{
	EXPECT_ABORT(bide_cancel_source_cancel(NULL), "bide_cancel_source_cancel: source is NULL");
}

/* ---- what a callback sees */

static const char value_key;

static void note_value(void *seen)
{
	*(void **)seen = bide_context_get(&value_key);
}

TEST(CT_38_a_callback_sees_the_values_of_the_canceling_function)
{
	int registering, canceling;
	bide_context *one =
		bide_context_create(&(bide_context_options){ .key = &value_key, .value = &registering });
	bide_context *other =
		bide_context_create(&(bide_context_options){ .key = &value_key, .value = &canceling });
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_registration registration;
	void *seen = NULL;

	assert_true(bide_in_context(one, bide_cancel_token_register(bide_cancel_source_token(source),
	                                                            &registration, note_value, &seen)));
	assert_true(bide_in_context(other, bide_cancel_source_cancel(source)));
	assert_ptr_equal(seen, &canceling);
	bide_cancel_source_unref(source);
	bide_context_unref(one);
	bide_context_unref(other);
}
