/*
 * bide_select over mutexes, semaphores, events, tokens and tasks: a case that loses leaves its
 * object as it was.
 */
/* threads */
#include "support/sync_support.h"

#include <pthread.h>
#include <sched.h>

static mutex m;
static semaphore s = BIDE_SEMAPHORE(2, 4);
static event manual = BIDE_EVENT(false);
static event automatic = BIDE_AUTO_EVENT(false);

#define select_two(first, second) bide_select((select_case[]){ first, second }, 2)

static void assert_free(void)
{
	hold mine = { 0 };

	assert_true(mutex_try_hold(&m, &mine));
	hold_release(&mine);
}

TEST(a_case_that_can_have_its_object_has_it_at_once)
{
	hold first = { 0 }, mine = { 0 }, permits = { 0 };

	begin_test();
	assert_true(mutex_try_hold(&m, &first));
	assert_int_equal(result_of(
						 select_two(select_mutex(&m, &mine), select_semaphore(&s, 2, &permits))),
	                 1);
	assert_false(hold_is_held(&mine));
	assert_int_equal(semaphore_count(&s), 0);
	hold_release(&first);
	assert_int_equal(result_of(
						 select_two(select_mutex(&m, &mine), select_semaphore(&s, 2, &first))),
	                 0);
	assert_true(hold_is_held(&mine));
	hold_release(&mine);
	hold_release(&permits);
	assert_int_equal(semaphore_count(&s), 2);
	assert_free();
}

TEST(a_select_that_waits_gets_the_object_that_comes_first_and_leaves_the_other)
{
	hold first = { 0 }, all = { 0 }, mine = { 0 }, permits = { 0 };
	value_task v;

	begin_test();
	for (int winner = 0; winner < 2; winner++) {
		assert_true(mutex_try_hold(&m, &first));
		assert_true(semaphore_try_hold(&s, 2, &all));
		v = select_two(select_mutex(&m, &mine), select_semaphore(&s, 1, &permits));
		assert_false(value_task_is_ready(v));
		hold_release(winner ? &all : &first);
		assert_int_equal(result_of(v), winner);
		assert_int_equal(hold_is_held(&mine), winner == 0);
		assert_int_equal(hold_is_held(&permits), winner == 1);
		hold_release(&first);
		hold_release(&all);
		hold_release(&mine);
		hold_release(&permits);
		assert_int_equal(semaphore_count(&s), 2);
		assert_free();
	}
}

TEST(the_permits_of_a_case_that_lost_go_to_the_next_in_line)
{
	hold all = { 0 }, mine = { 0 }, next = { 0 };
	value_task v, behind;

	begin_test();
	assert_true(semaphore_try_hold(&s, 2, &all));
	v = select_two(select_event(&manual), select_semaphore(&s, 2, &mine));
	behind = semaphore_hold(&s, 1, &next);
	event_set(&manual);
	hold_release(&all);
	assert_int_equal(result_of(v), 0);
	assert_int_equal(result_of(behind), 1);
	assert_false(hold_is_held(&mine));
	assert_int_equal(semaphore_count(&s), 1);
	hold_release(&next);
	event_reset(&manual);
	assert_int_equal(semaphore_count(&s), 2);
}

TEST(a_select_that_leaves_the_head_of_a_semaphore_lets_smaller_requests_pass)
{
	hold one = { 0 }, mine = { 0 }, next = { 0 };
	value_task v, behind;

	begin_test();
	assert_true(semaphore_try_hold(&s, 1, &one));
	v = select_two(select_event(&manual), select_semaphore(&s, 2, &mine));
	behind = semaphore_hold(&s, 1, &next);
	assert_false(value_task_is_ready(behind));
	value_task_forget(v);
	assert_int_equal(result_of(behind), 1);
	hold_release(&next);
	hold_release(&one);
	assert_int_equal(semaphore_count(&s), 2);
}

TEST(an_event_lets_a_select_pass_and_an_automatic_one_is_used_up_only_by_the_case_that_wins)
{
	hold mine = { 0 };
	value_task v;

	begin_test();
	event_set(&automatic);
	assert_int_equal(result_of(select_two(select_event(&automatic), select_event(&manual))), 0);
	assert_false(event_is_set(&automatic));
	v = select_two(select_event(&automatic), select_event(&manual));
	event_set(&manual);
	event_set(&automatic); /* the select has passed by the other one */
	assert_int_equal(result_of(v), 1);
	assert_true(event_is_set(&automatic));
	event_reset(&automatic);
	event_reset(&manual);
	v = select_two(select_event(&automatic), select_mutex(&m, &mine));
	assert_int_equal(result_of(v), 1);
	hold_release(&mine);
	event_set(&automatic);
	assert_true(event_is_set(&automatic));
	event_reset(&automatic);
}

TEST(a_token_is_a_case)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_token token = bide_cancel_source_token(source);
	value_task v;

	begin_test();
	v = select_two(select_event(&manual), select_cancel_token(token));
	assert_false(value_task_is_ready(v));
	event_set(&manual);
	assert_int_equal(result_of(v), 0);
	event_reset(&manual);
	v = select_two(select_event(&manual), select_cancel_token(token));
	assert_true(bide_cancel_source_cancel(source));
	assert_int_equal(result_of(v), 1);
	assert_int_equal(result_of(select_two(select_event(&manual), select_cancel_token(token))), 1);
	bide_cancel_source_unref(source);
	assert_int_equal(result_of(select_two(select_event(&manual), select_cancel_token(token))), 1);
}

TEST(a_token_that_is_never_canceled_is_no_case)
{
	channel *c = channel_create(&(channel_options){ .capacity = 1 });
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_token gone = bide_cancel_source_token(source);
	select_case one = select_cancel_token(bide_cancel_token_none());
	int64_t x;

	begin_test();
	bide_cancel_source_unref(source);
	assert_int_equal(error_of(bide_select(&one, 1)), BIDE_EEND);
	assert_int_equal(result_of(select_two(select_cancel_token(gone), select_delay(0))), 1);
	/* Neither keeps a select alive whose channels have ended. */
	source = bide_cancel_source_create();
	channel_close(c, 0);
	assert_int_equal(error_of(select_two(select_read(c, &x),
	                                     select_cancel_token(bide_cancel_source_token(source)))),
	                 BIDE_EEND);
	bide_cancel_source_unref(source);
	channel_unref(c);
}

TEST(a_task_is_a_case_however_it_ends_and_its_error_stays_with_it)
{
	bide_task *t = bide_task_create(NULL);
	value_task v;

	begin_test();
	assert_non_null(t);
	v = select_two(select_event(&manual), select_task(t));
	assert_false(value_task_is_ready(v));
	event_set(&manual);
	assert_int_equal(result_of(v), 0);
	event_reset(&manual);
	value_task_forget(select_two(select_event(&manual), select_task(t)));
	v = select_two(select_task(t), select_task(t));
	bide_task_fail(t, EIO);
	assert_in_range(result_of(v), 0, 1);
	assert_int_equal(result_of(select_two(select_event(&manual), select_task(t))), 1);
	assert_int_equal(bide_task_error(t), EIO);
	bide_task_unref(t);
}

static value_task select_all(hold *mine, hold *permits, bide_task *t, bide_cancel_token token)
{
	select_case cases[] = { select_mutex(&m, mine), select_semaphore(&s, 1, permits),
		                    select_event(&automatic), select_task(t), select_cancel_token(token) };

	return bide_select(cases, 5);
}

/* Ends a select over all of them in which nothing has happened: how it ended is in *error. */
static value_task cut_off(int how, value_task v, bide_context *context)
{
	if (how == 0)
		assert_true(bide_context_cancel(context, ECANCELED));
	if (how == 1)
		semaphore_end(&s);
	if (how == 2)
		event_end(&automatic);
	if (how == 3)
		value_task_forget(v);
	return how == 3 ? value_task_from_error(ECANCELED) : v;
}

TEST(a_select_that_is_canceled_or_forgotten_or_whose_object_ends_has_nothing)
{
	static const int errors[] = { ECANCELED, BIDE_EBROKEN, BIDE_EBROKEN, ECANCELED };
	bide_cancel_source *source = bide_cancel_source_create();
	hold first = { 0 }, all = { 0 }, mine = { 0 }, permits = { 0 };
	bide_task *t = bide_task_create(NULL);
	bide_context *context;
	value_task v;

	begin_test();
	for (int how = 0; how < 4; how++) {
		assert_int_equal(semaphore_init(&s, 2, 4), 0);
		assert_int_equal(event_init_auto(&automatic, false), 0);
		assert_true(mutex_try_hold(&m, &first));
		assert_true(semaphore_try_hold(&s, 2, &all));
		context = cancelable();
		v = in_context(context, select_all(&mine, &permits, t, bide_cancel_source_token(source)));
		assert_false(value_task_is_ready(v));
		assert_int_equal(error_of(cut_off(how, v, context)), errors[how]);
		hold_release(&first);
		hold_release(&all);
		assert_false(hold_is_held(&mine) || hold_is_held(&permits));
		assert_free();
		assert_true(mutex_try_hold(&m, &mine)); /* the hold is as new */
		hold_release(&mine);
		bide_context_unref(context);
	}
	bide_task_complete_int(t, 1);
	bide_task_unref(t);
	bide_cancel_source_unref(source);
}

TEST(the_deadline_of_the_context_ends_a_select)
{
	hold first = { 0 }, mine = { 0 };
	bide_context *context = bide_context_create(&(context_options){ .timeout_ns = BIDE_MS(2) });
	value_task v;

	begin_test();
	assert_true(mutex_try_hold(&m, &first));
	v = in_context(context, select_two(select_mutex(&m, &mine), select_event(&manual)));
	assert_int_equal(error_of(v), ETIMEDOUT);
	hold_release(&first);
	assert_free();
	bide_context_unref(context);
}

TEST(what_a_forgotten_select_had_got_is_in_the_hold)
{
	hold first = { 0 }, mine = { 0 };
	value_task v;

	begin_test();
	assert_true(mutex_try_hold(&m, &first));
	v = select_two(select_mutex(&m, &mine), select_event(&manual));
	hold_release(&first);
	value_task_forget(v);
	assert_true(hold_is_held(&mine));
	hold_release(&mine);
	assert_free();
}

TEST(without_memory_for_a_select_nothing_is_held)
{
	hold first = { 0 }, mine = { 0 }, permits = { 0 };
	bide_cancel_source *source;
	bide_task *t;
	value_task v;

	limit_objects();
	begin_test();
	source = bide_cancel_source_create();
	t = bide_task_create(NULL);
	assert_true(mutex_try_hold(&m, &first));
	for (int allowed = 0; allowed < 2; allowed++) { /* the select, and the wait for the task */
		hold all = { 0 };
		assert_true(semaphore_try_hold(&s, 2, &all));
		allowed_allocations = allowed;
		v = select_all(&mine, &permits, t, bide_cancel_source_token(source));
		allowed_allocations = -1;
		assert_int_equal(error_of(v), ENOMEM);
		hold_release(&all);
		assert_false(hold_is_held(&mine) || hold_is_held(&permits));
	}
	hold_release(&first);
	assert_free();
	bide_task_complete_int(t, 1);
	bide_task_unref(t);
	bide_cancel_source_unref(source);
}

TEST(misuse_of_the_cases_is_named)
{
	hold mine = { 0 }, other = { 0 };
	event ended = BIDE_EVENT(false);

	begin_test();
	expect_misuse();
	MISUSE(assert_int_equal(error_of(select_two(select_mutex(&m, &mine),
	                                            select_semaphore(&s, 1, &mine))),
	                        EBUSY),
	       "bide_select", "case 1 has the hold of case 0; each needs one of its own");
	MISUSE(assert_int_equal(error_of(select_two(select_delay(1), select_mutex(NULL, &mine))),
	                        EINVAL),
	       "bide_select", "case 1: mutex is NULL");
	MISUSE(assert_int_equal(error_of(select_two(select_mutex(&m, NULL), select_delay(1))), EINVAL),
	       "bide_select", "case 0: hold is NULL");
	MISUSE(assert_int_equal(error_of(select_two(select_event(NULL), select_delay(1))), EINVAL),
	       "bide_select", "case 0: event is NULL");
	MISUSE(assert_int_equal(error_of(select_two(select_task(NULL), select_delay(1))), EINVAL),
	       "bide_select", "case 0: ");
	MISUSE(assert_int_equal(error_of(select_two(select_semaphore(&s, 5, &mine), select_delay(1))),
	                        EINVAL),
	       "bide_select", "case 0: count is 5; 1 to 4 are allowed");
	assert_true(mutex_try_hold(&m, &other));
	MISUSE(assert_int_equal(error_of(select_two(select_mutex(&m, &other), select_delay(1))),
	                        EDEADLK),
	       "bide_select", "case 0: hold holds this mutex already, since " __FILE__);
	hold_release(&other);
	event_end(&ended);
	MISUSE(assert_int_equal(error_of(select_two(select_event(&ended), select_delay(1))),
	                        BIDE_EBROKEN),
	       "bide_select", "case 0: the event was ended");
	assert_free();
	assert_int_equal(semaphore_count(&s), 2);
}

TEST(a_value_task_that_was_consumed_or_has_a_consumer_is_no_case)
{
	user_source source;
	value_task w, v;

	begin_test();
	user_source_init(&source, NULL);
	w = user_source_value_task(&source);
	expect_misuse();
	assert_int_equal(error_of(select_two(select_value_task(w), select_value_task(w))), BIDE_ESTALE);
	assert_int_equal(misuse_count, 1);
	v = select_two(select_value_task(w), select_event(&manual));
	user_source_complete_int(&source, 7);
	assert_int_equal(result_of(v), 0);
	assert_int_equal(result_of(w), 7);
	misuse_count = 0;
	assert_int_equal(error_of(select_two(select_value_task(w), select_event(&manual))),
	                 BIDE_ESTALE);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "bide_select: case 0: "));
}

/* --- many at once: one holder at a time, and no permit, set or token is lost --- */

enum { USERS = 6, EACH = 200 };

static atomic_int inside, turns[4];

struct user {
	ASYNC_FRAME;
	struct {
		bide_task *task;
		bide_cancel_token token;
	} in;
	hold mutex, permits;
	int64_t which;
	int i;
};

async(user)
{
	async_begin;
	for (my->i = 0; my->i < EACH; my->i++) {
		await(my->which, select_all(&my->mutex, &my->permits, my->in.task, my->in.token));
		atomic_fetch_add(&turns[my->which], 1);
		if (my->which == 0) {
			assert_int_equal(atomic_fetch_add(&inside, 1), 0);
			await(async_yield());
			assert_int_equal(atomic_fetch_sub(&inside, 1), 1);
		} else if (my->which == 1) {
			await(async_yield());
		} else {
			event_set(&automatic); /* hands the set on */
		}
		hold_release(&my->mutex);
		hold_release(&my->permits);
	}
	async_return(0);
async_finally:
	hold_release(&my->mutex);
	hold_release(&my->permits);
	async_end;
}

TEST(selects_that_meet_lose_nothing)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_task *t = bide_task_create(NULL);
	value_task users[USERS];

	begin_test();
	assert_int_equal(semaphore_init(&s, 1, 1), 0);
	event_set(&automatic);
	for (int i = 0; i < USERS; i++)
		users[i] = async_start(user, .task = t, .token = bide_cancel_source_token(source));
	for (int i = 0; i < USERS; i++)
		assert_int_equal(error_of(users[i]), 0);
	assert_int_equal(turns[0] + turns[1] + turns[2], USERS * EACH);
	assert_true(event_is_set(&automatic));
	assert_int_equal(semaphore_count(&s), 1);
	assert_free();
	bide_task_complete_int(t, 1);
	bide_task_unref(t);
	bide_cancel_source_unref(source);
}

/* A token is canceled, and a task completed, on another thread while selects wait for them. */
static bide_cancel_source *shared_source;
static bide_task *shared_task;
static atomic_int round_now, round_done;

static void *fire(void *argument)
{
	for (int i = 1; (i = round_now) >= 0;) {
		if (i == round_done) {
			sched_yield();
			continue;
		}
		if (i % 2)
			(void)bide_cancel_source_cancel(shared_source);
		bide_task_complete_int(shared_task, 1);
		if (i % 2 == 0)
			(void)bide_cancel_source_cancel(shared_source);
		round_done = i;
	}
	return argument;
}

TEST(tokens_and_tasks_that_fire_on_another_thread_decide_once)
{
	hold first = { 0 }, mine = { 0 }, permits = { 0 }, all = { 0 };
	pthread_t thread;

	begin_test();
	assert_int_equal(semaphore_init(&s, 1, 1), 0);
	assert_true(mutex_try_hold(&m, &first));
	assert_true(semaphore_try_hold(&s, 1, &all));
	assert_int_equal(pthread_create(&thread, NULL, fire, NULL), 0);
	for (int i = 1; test_round(i, 300); i++) {
		shared_source = bide_cancel_source_create();
		shared_task = bide_task_create(NULL);
		value_task v = i % 3 ? select_all(&mine, &permits, shared_task,
		                                  bide_cancel_source_token(shared_source))
		                     : value_task_completed();
		round_now = i;
		if (i % 3 == 1)
			value_task_forget(v);
		else if (i % 3 == 2)
			assert_in_range(result_of(v), 3, 4);
		while (round_done != i)
			settle(0);
		settle(0);
		bide_task_unref(shared_task);
		bide_cancel_source_unref(shared_source);
		assert_false(hold_is_held(&mine) || hold_is_held(&permits));
	}
	round_now = -1;
	pthread_join(thread, NULL);
	hold_release(&first);
	hold_release(&all);
	assert_free();
}
