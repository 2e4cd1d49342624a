/*
 * A hold: what a cleanup gives back, whatever came before.
 */
/* threads */
#include "support/limits_of_tools.h"
#include "support/sync_support.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static mutex m;
static semaphore s = BIDE_SEMAPHORE(4, 4);

struct two {
	ASYNC_FRAME;
	struct {
		int fail_after;
	} in;
	hold mutex, permits;
};

async(two)
{
	async_begin;
	if (my->in.fail_after == 0)
		async_fail(EIO);
	await(mutex_hold(&m, &my->mutex));
	if (my->in.fail_after == 1)
		async_fail(EIO);
	await(semaphore_hold(&s, 3, &my->permits));
	if (my->in.fail_after == 2)
		async_fail(EIO);
	hold_release(&my->permits);
	if (my->in.fail_after == 3)
		async_fail(EIO);
async_finally:
	hold_release(&my->mutex);
	hold_release(&my->permits);
	async_end;
}

TEST(the_cleanup_gives_back_what_is_held_however_far_the_function_came)
{
	hold mine = { 0 };

	begin_test();
	for (int after = 0; after < 5; after++) {
		assert_int_equal(error_of(async_start(two, .fail_after = after)), after < 4 ? EIO : 0);
		assert_int_equal(semaphore_count(&s), 4);
		assert_true(mutex_try_hold(&m, &mine));
		hold_release(&mine);
	}
}

TEST(a_cleanup_runs_right_when_the_wait_itself_has_failed)
{
	hold mutex_held = { 0 }, permits = { 0 };
	bide_context *context = cancelable();
	value_task waits;

	begin_test();
	assert_true(semaphore_try_hold(&s, 4, &permits));
	waits = in_context(context, async_start(two, .fail_after = 9));
	settle_workers();
	assert_true(bide_context_cancel(context, ECANCELED));
	assert_int_equal(error_of(waits), ECANCELED);
	assert_true(mutex_try_hold(&m, &mutex_held));
	hold_release(&mutex_held);
	assert_int_equal(semaphore_count(&s), 0);
	hold_release(&permits);
	assert_int_equal(semaphore_count(&s), 4);
	bide_context_unref(context);
}

TEST(a_hold_may_be_filled_again_and_by_another_object)
{
	hold mine = { 0 };

	begin_test();
	for (int i = 0; i < 3; i++) {
		assert_true(mutex_try_hold(&m, &mine));
		hold_release(&mine);
		assert_true(semaphore_try_hold(&s, 4, &mine));
		hold_release(&mine);
	}
	assert_int_equal(semaphore_count(&s), 4);
}

/* --- debug mode --- */

struct forgetful {
	ASYNC_FRAME;
	struct {
		int yields;
	} in;
	hold hold, permits;
	int i;
};

async(forgetful)
{
	async_begin;
	await(mutex_hold(&m, &my->hold));
	for (my->i = 0; my->i < my->in.yields; my->i++)
		await(async_yield());
async_finally:
	async_end;
}

TEST(in_debug_mode_a_function_that_ends_with_a_hold_that_holds_is_named)
{
	setenv("BIDE_DEBUG", "1", 1);
	begin_test();
	for (int yields = 0; yields < 2; yields++) {
		expect_misuse();
		assert_int_equal(error_of(async_start(forgetful, .yields = yields)), 0);
		settle_workers();
		assert_int_equal(misuse_count, 1);
		assert_non_null(
			strstr(misuse_text,
		           "forgetful: the function ends, and its hold holds a mutex, since " __FILE__));
		assert_non_null(strstr(misuse_text, "(in the async function forgetful, " __FILE__));
		m = (mutex){ 0 };
	}
	assert_int_equal(error_of(async_start(two, .fail_after = 9)), 0);
	settle_workers();
	assert_int_equal(misuse_count, 1);
}

static char dumped[4096];

static void note_line(const char *line, void *unused)
{
	size_t length = strlen(dumped);

	(void)unused;
	snprintf(dumped + length, sizeof dumped - length, "%s\n", line);
}

TEST(in_debug_mode_a_dump_says_what_a_function_waits_for_and_what_holds_it)
{
	hold mine = { 0 }, permits = { 0 };
	value_task first, second;
	char wanted[128];

	setenv("BIDE_DEBUG", "1", 1);
	begin_test();
	assert_true(mutex_try_hold(&m, &mine));
	assert_true(semaphore_try_hold(&s, 4, &permits));
	first = async_start(holder, .mutex = &m);
	second = async_start(holder, .semaphore = &s, .count = 2);
	settle_workers();
	assert_int_equal(bide_dump(note_line, NULL), 2);
	snprintf(wanted, sizeof wanted, "for mutex %p, held since " __FILE__, (void *)&m);
	assert_non_null(strstr(dumped, wanted));
	snprintf(wanted, sizeof wanted, "for permits of semaphore %p, held since " __FILE__,
	         (void *)&s);
	assert_non_null(strstr(dumped, wanted));
	hold_release(&mine);
	hold_release(&permits);
	assert_int_equal(error_of(first), 0);
	assert_int_equal(error_of(second), 0);
}

TEST(misuse_of_a_hold_is_named)
{
	hold mine = { 0 };

	begin_test();
	expect_misuse();
	MISUSE(hold_release(NULL), "bide_hold_release", "hold is NULL");
	MISUSE(hold_use_up(NULL), "bide_hold_use_up", "hold is NULL");
	assert_true(mutex_try_hold(&m, &mine));
	MISUSE(hold_use_up(&mine), "bide_hold_use_up", "hold holds a mutex");
	assert_true(hold_is_held(&mine));
	hold_release(&mine);
	assert_true(semaphore_try_hold(&s, 1, &mine));
	MISUSE(assert_int_equal(error_of(mutex_hold(&m, &mine)), EBUSY), "bide_mutex_hold",
	       "hold holds a semaphore already, since " __FILE__);
	hold_release(&mine);
}

/* --- one wait at a time --- */

TEST(a_second_wait_for_a_hold_is_refused_and_the_first_gets_what_it_waits_for)
{
	hold first = { 0 }, all = { 0 }, mine = { 0 };
	char pending[256];
	value_task wait;

	begin_test();
	expect_misuse();
	assert_true(mutex_try_hold(&m, &first));
	assert_true(semaphore_try_hold(&s, 3, &all));
	for (int round = 0; round < 2; round++) {
		snprintf(pending, sizeof pending, "a wait for hold is pending already, since %s:%d in ",
		         __FILE__, __LINE__ + 1);
		wait = round ? semaphore_hold(&s, 2, &mine) : mutex_hold(&m, &mine);
		MISUSE(assert_int_equal(error_of(mutex_hold(&m, &mine)), EBUSY), "bide_mutex_hold",
		       pending);
		MISUSE(assert_int_equal(error_of(semaphore_hold(&s, 1, &mine)), EBUSY),
		       "bide_semaphore_hold", pending);
		MISUSE(assert_int_equal(error_of(mutex_try_hold_for(&m, &mine, BIDE_MS(1))), EBUSY),
		       "bide_mutex_try_hold_for", pending);
		MISUSE(assert_false(semaphore_try_hold(&s, 1, &mine)), "bide_semaphore_try_hold", pending);
		hold_release(round ? &all : &first);
		assert_int_equal(error_of(wait), 0);
		assert_true(hold_is_held(&mine));
		hold_release(&mine);
	}
	assert_int_equal(semaphore_count(&s), 4);
	assert_true(mutex_try_hold(&m, &first));
	hold_release(&first);
}

TEST(a_hold_for_which_a_wait_is_pending_is_not_released)
{
	hold first = { 0 }, mine = { 0 };
	value_task wait;

	begin_test();
	expect_misuse();
	assert_true(mutex_try_hold(&m, &first));
	wait = mutex_hold(&m, &mine);
	MISUSE(hold_release(&mine), "bide_hold_release", "a wait for hold is pending, since " __FILE__);
	MISUSE(hold_use_up(&mine), "bide_hold_use_up", "forget its value task first");
	hold_release(&first);
	assert_int_equal(error_of(wait), 0);
	hold_release(&mine);
	assert_true(mutex_try_hold(&m, &first));
	hold_release(&first);
}

/* Ends a wait in each of the ways in which nothing is granted. */
static void end_wait(int how, semaphore *permits, hold *mine, bide_context *context)
{
	value_task wait;

	allowed_allocations = how == 0 ? 0 : -1;
	wait = how == 1 ? semaphore_try_hold_for(permits, 1, mine, 1)
	                : in_context(context, semaphore_hold(permits, 1, mine));
	allowed_allocations = -1;
	if (how == 2)
		value_task_forget(wait);
	if (how == 3)
		assert_true(bide_context_cancel(context, ECANCELED));
	if (how == 4)
		semaphore_end(permits);
	if (how != 2)
		assert_int_equal(error_of(wait), ((int[]){ ENOMEM, 0, 0, ECANCELED, BIDE_EBROKEN })[how]);
}

TEST(a_hold_whose_wait_ended_without_a_grant_can_be_used_again)
{
	semaphore permits;
	hold mine = { 0 };
	bide_context *context;

	limit_objects();
	begin_test();
	for (int how = 0; how < 5; how++) {
		assert_int_equal(semaphore_init(&permits, 0, 4), 0);
		context = cancelable();
		end_wait(how, &permits, &mine, context);
		settle_workers();
		assert_true(mutex_try_hold(&m, &mine));
		hold_release(&mine);
		bide_context_unref(context);
	}
}

static value_task careless_wait;

struct careless {
	ASYNC_FRAME;
	hold hold;
};

async(careless)
{
	async_begin;
	careless_wait = mutex_hold(&m, &my->hold); /* bide-check: ignore */
async_finally:
	async_end;
}

/* The memory of the frame is still there. */
static void note_and_forget(const char *message, void *argument)
{
	note_misuse(message, argument);
	value_task_forget(careless_wait);
}

TEST(in_debug_mode_a_function_that_ends_while_a_wait_for_its_hold_is_pending_is_named)
{
	hold first = { 0 };

	setenv("BIDE_DEBUG", "1", 1);
	begin_test();
	bide_misuse_hook_set(note_and_forget, NULL);
	assert_true(mutex_try_hold(&m, &first));
	assert_int_equal(error_of(async_start(careless)), 0);
	settle_workers();
	assert_int_equal(misuse_count, 1);
	assert_non_null(
		strstr(misuse_text,
	           "careless: the function ends, and its hold waits for a mutex, since " __FILE__));
}

TEST(in_debug_mode_a_shutdown_that_cuts_a_wait_off_blames_no_function)
{
	hold first = { 0 };

	setenv("BIDE_DEBUG", "1", 1);
	begin_test();
	expect_misuse();
	assert_true(mutex_try_hold(&m, &first));
	value_task_forget(async_start(holder, .mutex = &m));
	settle_workers();
	assert_int_equal(bide_shutdown(NULL), 0);
	assert_int_equal(misuse_count, 0);
	hold_release(&first);
	assert_true(mutex_try_hold(&m, &first));
	hold_release(&first);
}

TEST(the_place_of_a_hold_is_that_of_its_call_also_if_an_argument_is_a_call)
{
	hold mine = { 0 };
	char since[256];

	begin_test();
	expect_misuse();
	snprintf(since, sizeof since, "hold holds a semaphore already, since %s:%d in ", __FILE__,
	         __LINE__ + 1);
	assert_true(semaphore_try_hold(&s, semaphore_count(&s), &mine));
	MISUSE(assert_false(mutex_try_hold(&m, &mine)), "bide_mutex_try_hold", since);
	hold_release(&mine);
}

/* --- fork --- */

/* In the child: what the parent's functions wait for, they wait for in the parent. */
static int use_in_child(hold *mine, hold *permits)
{
	hold other = { 0 };

	hold_release(mine);
	hold_release(permits);
	if (!mutex_try_hold(&m, &other))
		return 1;
	hold_release(&other);
	if (semaphore_count(&s) != 4 || !semaphore_try_hold(&s, 4, &other))
		return 2;
	hold_release(&other);
	return 0;
}

TEST(in_the_child_of_a_fork_what_the_parent_held_can_be_released_and_held_again)
{
	hold mine = { 0 }, permits = { 0 };
	value_task first, second;
	int status = -1;
	pid_t child;

	FORKS_WITH_THREADS();
	CHILD_STARTS_THREADS();
	if (UNDER_TSAN && many_workers())
		SKIP("tsan cannot follow a child that has threads");
	begin_test();
	assert_true(mutex_try_hold(&m, &mine));
	assert_true(semaphore_try_hold(&s, 4, &permits));
	first = async_start(holder, .mutex = &m);
	second = async_start(holder, .semaphore = &s, .count = 2);
	settle_workers();
	child = fork();
	if (child == 0)
		_exit(use_in_child(&mine, &permits));
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	hold_release(&mine);
	hold_release(&permits);
	assert_int_equal(error_of(first), 0);
	assert_int_equal(error_of(second), 0);
	assert_int_equal(semaphore_count(&s), 4);
}

/* --- the memory of an object, which its owner frees as early as it may --- */

typedef struct owned {
	mutex mutex;
	semaphore permits;
	event event;
} owned;

static bide_context *shared_context;
static atomic_int turn_of_canceler; /* 1: it may cancel; 2: it has; 3: it ends */

static void *cancel_each(void *unused)
{
	int now;

	(void)unused;
	for (;;) {
		while ((now = turn_of_canceler) != 1 && now != 3)
			sched_yield();
		if (now == 3)
			return NULL;
		(void)bide_context_cancel(shared_context, ECANCELED);
		turn_of_canceler = 2;
	}
}

static void assert_ended(value_task wait)
{
	int error = error_of(wait);

	assert_true(error == ECANCELED || error == BIDE_EBROKEN);
}

/* All three are awaited; another thread cancels meanwhile; then they are forgotten, or ended. */
static void one_round(bool forget)
{
	hold first = { 0 }, second = { 0 }, one = { 0 }, two = { 0 };
	value_task waits[3];
	owned *o = calloc(1, sizeof *o);

	assert_non_null(o);
	shared_context = cancelable();
	assert_int_equal(semaphore_init(&o->permits, 1, 1), 0);
	assert_true(mutex_try_hold(&o->mutex, &first));
	assert_true(semaphore_try_hold(&o->permits, 1, &one));
	waits[0] = in_context(shared_context, mutex_hold(&o->mutex, &second));
	waits[1] = in_context(shared_context, semaphore_hold(&o->permits, 1, &two));
	waits[2] = in_context(shared_context, event_wait(&o->event));
	turn_of_canceler = 1;
	if (forget) {
		hold_release(&one);
		for (int i = 0; i < 3; i++)
			value_task_forget(waits[i]);
	} else {
		mutex_end(&o->mutex);
		semaphore_end(&o->permits);
		event_end(&o->event);
	}
	hold_release(&first);
	hold_release(&second);
	hold_release(&one);
	hold_release(&two);
	memset(o, 0x5A, sizeof *o); /* a later use finds no lock that it could take */
	free(o);
	for (int i = 0; i < 3 && !forget; i++)
		assert_ended(waits[i]);
	while (turn_of_canceler != 2)
		settle(0);
	settle(0); /* with one worker, the cancellation comes by a post, which has the context */
	bide_context_unref(shared_context);
}

TEST(an_object_is_not_touched_after_its_waits_were_forgotten_or_it_was_ended)
{
	pthread_t canceler;

	begin_test();
	assert_int_equal(pthread_create(&canceler, NULL, cancel_each, NULL), 0);
	for (int i = 0; test_round(i, 400); i++)
		one_round(i % 2 == 0);
	turn_of_canceler = 3;
	pthread_join(canceler, NULL);
}
