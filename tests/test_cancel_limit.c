/*
 * The time limit of a cancel source. A limit that was withdrawn or replaced does not cancel, even
 * if it is just expiring.
 */
/* threads */
#include "support/task_support.h"

enum { ROUNDS = 1500, LIMIT_NS = 30000 };

static void spin_until(int64_t time_ns)
{
	while (bide_now_ns() < time_ns)
		;
}

/*
 * Returns around the moment when the limit passes. The work of other threads continues meanwhile.
 */
static void near_the_end(int64_t from_ns, int round)
{
	spin_until(from_ns + LIMIT_NS + round * 37 % 80000);
}

static int resets_that_failed;

static void *reset_rounds(void *argument)
{
	(void)argument;
	for (int i = 0; i < ROUNDS; i++) {
		bide_cancel_source *source = bide_cancel_source_create();
		int64_t from_ns = bide_now_ns();

		(void)!bide_cancel_source_cancel_after(source, LIMIT_NS);
		near_the_end(from_ns, i);
		if (bide_cancel_source_try_reset(source)) {
			spin_until(bide_now_ns() + LIMIT_NS);
			resets_that_failed += bide_cancel_source_is_canceled(source);
		} else {
			resets_that_failed += !bide_cancel_source_is_canceled(source);
		}
		bide_cancel_source_unref(source);
	}
	return NULL;
}

static int replacements_that_failed;

static void *replace_rounds(void *argument)
{
	(void)argument;
	for (int i = 0; i < ROUNDS; i++) {
		bide_cancel_source *source = bide_cancel_source_create();
		int64_t from_ns = bide_now_ns();

		(void)!bide_cancel_source_cancel_after(source, LIMIT_NS);
		near_the_end(from_ns, i);
		(void)!bide_cancel_source_cancel_after(source, i % 2 ? BIDE_FOREVER : 3600 * 1000 * MS);
		if (!bide_cancel_source_is_canceled(source)) {
			spin_until(bide_now_ns() + LIMIT_NS);
			replacements_that_failed += bide_cancel_source_is_canceled(source);
		}
		bide_cancel_source_unref(source);
	}
	return NULL;
}

/* With one worker, this thread is the worker and runs the loop meanwhile. */
static void on_another_thread(void *(*rounds)(void *argument))
{
	pthread_t thread;

	assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0); /* attaches this thread first */
	assert_int_equal(pthread_create(&thread, NULL, rounds, NULL), 0);
	for (int i = 0; i < 300; i++)
		assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	settle(0);
}

TEST(a_source_that_was_reset_is_not_canceled_by_its_old_limit)
{
	NOT_SEEDED("it is about real time");
	reset_rounds(NULL);
	assert_int_equal(resets_that_failed, 0);
}

TEST(a_source_that_another_thread_reset_is_not_canceled_by_its_old_limit)
{
	NOT_SEEDED("it is about real time");
	on_another_thread(reset_rounds);
	assert_int_equal(resets_that_failed, 0);
}

TEST(a_limit_that_was_replaced_does_not_cancel)
{
	NOT_SEEDED("it is about real time");
	replace_rounds(NULL);
	assert_int_equal(replacements_that_failed, 0);
}

TEST(a_limit_that_another_thread_replaced_does_not_cancel)
{
	NOT_SEEDED("it is about real time");
	on_another_thread(replace_rounds);
	assert_int_equal(replacements_that_failed, 0);
}

/* If the source was reset in time, its callbacks never run; otherwise they have run. */
static void note_canceled(void *argument)
{
	atomic_fetch_add((atomic_int *)argument, 1);
}

TEST(a_reset_and_the_end_of_the_limit_agree_about_the_callbacks)
{
	NOT_SEEDED("it is about real time");
	for (int i = 0; i < ROUNDS; i++) {
		bide_cancel_source *source = bide_cancel_source_create();
		bide_cancel_registration registration;
		int64_t from_ns = bide_now_ns();
		atomic_int calls;
		bool reset;

		atomic_init(&calls, 0);
		bide_cancel_token_register(bide_cancel_source_token(source), &registration, note_canceled,
		                           &calls);
		(void)!bide_cancel_source_cancel_after(source, LIMIT_NS);
		near_the_end(from_ns, i);
		reset = bide_cancel_source_try_reset(source);
		if (reset) {
			spin_until(bide_now_ns() + LIMIT_NS);
			assert_int_equal(atomic_load(&calls), 0);
		} else {
			for (int tries = 0; tries < 10000 && !atomic_load(&calls); tries++)
				sleep_ms(1);
			assert_int_equal(atomic_load(&calls), 1);
		}
		bide_cancel_registration_unregister_wait(&registration);
		bide_cancel_source_unref(source);
	}
}
