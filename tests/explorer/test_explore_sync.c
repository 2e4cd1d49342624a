/*
 * Mutexes and semaphores in all orders of acquiring, releasing, canceling, forgetting, ending and
 * freeing: one holder at a time, nothing lost, and no thread touches the object once its owner may
 * free it.
 */
#include "explore.h"

#include <string.h>

#include "context/context.h"
#include "memory/allocator.h"
#include "sync/holder.h"

static struct {
	bide_mutex *mutex;
	bide_semaphore *semaphore;
	bide_event *event;
	bide_hold first, second, third;
	bide_value_task wait, other;
	bide_context *context;
	int uses;
	bool freed;
} w;

static void setup(void)
{
	memset(&w, 0, sizeof w);
	w.mutex = bide_allocate_(sizeof *w.mutex, 16);
	memset(w.mutex, 0, sizeof *w.mutex);
	w.semaphore = bide_allocate_(sizeof *w.semaphore, 16);
	EXPLORE_CHECK(bide_semaphore_init(w.semaphore, 2, 2) == 0);
	w.context = bide_context_create(NULL);
}

static void setup_held(void)
{
	setup();
	EXPLORE_CHECK(bide_mutex_try_hold(w.mutex, &w.first));
}

/* The mutex is held; a wait in the context is pending. */
static void setup_waiting(void)
{
	uintptr_t saved;

	setup_held();
	saved = bide_context_push_(w.context);
	w.wait = bide_mutex_hold(w.mutex, &w.second);
	bide_context_pop_(saved);
}

static void free_mutex(void)
{
	bide_deallocate_(w.mutex, sizeof *w.mutex);
	w.mutex = NULL;
}

static void free_semaphore(void)
{
	bide_deallocate_(w.semaphore, sizeof *w.semaphore);
	w.semaphore = NULL;
}

static void free_event(void)
{
	bide_deallocate_(w.event, sizeof *w.event);
	w.event = NULL;
}

/* At the end of each check. */
static void tear_down(void)
{
	if (w.mutex)
		free_mutex();
	if (w.semaphore)
		free_semaphore();
	if (w.event)
		free_event();
	bide_context_unref(w.context);
}

static void release_first(void)
{
	bide_hold_release(&w.first);
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(w.context, BIDE_ECANCELED_);
}

/* Waits until a value task is over, and returns its error. */
static int outcome_of(bide_value_task wait)
{
	bide_source *source = (bide_source *)wait.state;

	if (wait.state <= BIDE_ERROR_MAX)
		return (int)wait.state;
	while (!bide_word_is_done_((uintptr_t)BIDE_LOAD(&source->word, ACQUIRE)))
		bide_port_wait_a_moment_(0);
	return (int)bide_consume_(source, NULL).state;
}

/* --- a mutex --- */

static void use_by(bide_hold *hold)
{
	EXPLORE_CHECK(outcome_of(bide_mutex_hold(w.mutex, hold)) == 0);
	EXPLORE_CHECK(w.uses++ % 2 == 0); /* a plain access: the explorer sees a race */
	w.uses++;
	bide_hold_release(hold);
}

static void use_first(void)
{
	use_by(&w.first);
}

static void use_second(void)
{
	use_by(&w.second);
}

static void check_used(void)
{
	EXPLORE_CHECK(w.uses == 4);
	EXPLORE_CHECK(bide_mutex_try_hold(w.mutex, &w.third));
	tear_down();
}

/* The last user of the mutex frees it, as an object that counts its users under its mutex does. */
static void leave_last(bide_hold *hold)
{
	bool last;

	EXPLORE_CHECK(outcome_of(bide_mutex_hold(w.mutex, hold)) == 0);
	last = ++w.uses == 2;
	bide_hold_release(hold);
	if (last)
		free_mutex();
}

static void leave_last_first(void)
{
	leave_last(&w.first);
}

static void leave_last_second(void)
{
	leave_last(&w.second);
}

static void check_freed(void)
{
	EXPLORE_CHECK(!w.mutex);
	tear_down();
}

/* Gives the wait up. If it got the mutex nevertheless, releases and frees it. */
static void forget_and_free(void)
{
	bide_value_task_forget(w.wait);
	if (!bide_hold_is_held(&w.second))
		return;
	bide_hold_release(&w.second);
	free_mutex();
}

static void check_forgotten(void)
{
	EXPLORE_CHECK(!w.mutex || bide_mutex_try_hold(w.mutex, &w.second));
	tear_down();
}

/* After a cancellation the mutex is free again, or the wait has it. */
static void check_canceled(void)
{
	int error = outcome_of(w.wait);

	EXPLORE_CHECK(error == 0 || error == BIDE_ECANCELED_);
	EXPLORE_CHECK(bide_hold_is_held(&w.second) == (error == 0));
	bide_hold_release(&w.second);
	EXPLORE_CHECK(bide_mutex_try_hold(w.mutex, &w.second));
	tear_down();
}

static void end_and_free(void)
{
	bide_hold_release(&w.first);
	bide_mutex_end(w.mutex);
	/* If the wait got the mutex before, it has to be released first. */
	if (outcome_of(w.wait) == 0)
		bide_hold_release(&w.second);
	free_mutex();
}

static void check_ended(void)
{
	EXPLORE_CHECK(!bide_hold_is_held(&w.second));
	tear_down();
}

#define SYNC(name_, setup_, threads_, check_, ...) \
	SCENARIO(sync_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

SYNC(mutex_used_by_two, setup, (use_first, use_second), check_used, .newest_only = true)
SYNC(mutex_freed_by_the_last_of_two, setup, (leave_last_first, leave_last_second), check_freed,
     .newest_only = true)
SYNC(mutex_released_against_canceled, setup_waiting, (release_first, cancel_thread), check_canceled,
     .newest_only = true)
SYNC(mutex_released_against_forget_and_free, setup_waiting, (release_first, forget_and_free),
     check_forgotten, .external = 0)
SYNC(mutex_ended_and_freed_against_canceled, setup_waiting, (end_and_free, cancel_thread),
     check_ended, .newest_only = true, .switches_max = 3)

/* --- a semaphore: both permits are held; two are wanted at the head, and one behind it --- */

static void setup_permits(void)
{
	uintptr_t saved;

	setup();
	EXPLORE_CHECK(bide_semaphore_try_hold(w.semaphore, 2, &w.first));
	saved = bide_context_push_(w.context);
	w.wait = bide_semaphore_hold(w.semaphore, 2, &w.second);
	bide_context_pop_(saved);
	w.other = bide_semaphore_hold(w.semaphore, 1, &w.third);
}

static void check_permits(void)
{
	int error = outcome_of(w.wait);

	EXPLORE_CHECK(bide_hold_is_held(&w.second) == (error == 0));
	bide_hold_release(&w.second);
	EXPLORE_CHECK(outcome_of(w.other) == 0);
	EXPLORE_CHECK(bide_semaphore_count(w.semaphore) == 1);
	bide_hold_release(&w.third);
	EXPLORE_CHECK(bide_semaphore_count(w.semaphore) == 2);
	EXPLORE_CHECK(bide_semaphore_try_hold(w.semaphore, 2, &w.first));
	tear_down();
}

/* A signal: the first function adds a permit, the second one takes it and frees the semaphore. */
static void setup_signal(void)
{
	setup();
	EXPLORE_CHECK(bide_semaphore_init(w.semaphore, 0, 1) == 0);
}

static void signal_thread(void)
{
	EXPLORE_CHECK(bide_semaphore_add(w.semaphore, 1) == 0);
}

static void take_and_free(void)
{
	bide_value_task wait = bide_semaphore_hold(w.semaphore, 1, &w.first);

	EXPLORE_CHECK(outcome_of(wait) == 0);
	bide_hold_use_up(&w.first);
	free_semaphore();
}

/* It gives up first, so that the signal may come with the waiter gone and its bit still set. */
static void forget_take_and_free(void)
{
	bide_value_task_forget(bide_semaphore_hold(w.semaphore, 1, &w.first));
	if (!bide_hold_is_held(&w.first))
		EXPLORE_CHECK(outcome_of(bide_semaphore_hold(w.semaphore, 1, &w.first)) == 0);
	bide_hold_use_up(&w.first);
	free_semaphore();
}

static void check_signal(void)
{
	EXPLORE_CHECK(!w.semaphore);
	tear_down();
}

SYNC(permits_released_against_the_head_canceled, setup_permits, (release_first, cancel_thread),
     check_permits, .newest_only = true)
SYNC(signal_against_take_and_free, setup_signal, (signal_thread, take_and_free), check_signal,
     .newest_only = true)
SYNC(signal_against_forget_take_and_free, setup_signal, (signal_thread, forget_take_and_free),
     check_signal, .newest_only = true, .switches_max = 3)

/* --- a time limit: it meets the grant, a cancellation, the end --- */

static void setup_limited(void)
{
	uintptr_t saved;

	setup_held();
	saved = bide_context_push_(w.context);
	w.wait = bide_mutex_try_hold_for(w.mutex, &w.second, BIDE_SECONDS(1));
	bide_context_pop_(saved);
}

static void expire_thread(void)
{
	(void)explore_expire();
}

static void check_limited(void)
{
	bide_source *source = (bide_source *)w.wait.state;
	bide_value_task outcome;

	if (!bide_word_is_done_(source->word))
		release_first();
	EXPLORE_CHECK(bide_word_is_done_(source->word));
	outcome = bide_consume_(source, NULL);
	EXPLORE_CHECK(outcome.state == 0 || outcome.state == BIDE_ECANCELED_);
	EXPLORE_CHECK(bide_hold_is_held(&w.second) == (outcome.state == 0 && outcome.payload.i == 1));
	bide_hold_release(&w.first);
	bide_hold_release(&w.second);
	EXPLORE_CHECK(bide_mutex_try_hold(w.mutex, &w.second));
	tear_down();
}

/* The wait is made while the mutex is released and the time may be up. */
static void hold_for_thread(void)
{
	w.wait = bide_mutex_try_hold_for(w.mutex, &w.second, BIDE_SECONDS(1));
}

static void check_made(void)
{
	if (w.wait.state <= BIDE_ERROR_MAX) {
		EXPLORE_CHECK(w.wait.state == 0 && w.wait.payload.i == 1);
		bide_hold_release(&w.second);
		EXPLORE_CHECK(bide_mutex_try_hold(w.mutex, &w.third));
		tear_down();
	} else {
		check_limited();
	}
}

SYNC(limit_against_grant, setup_limited, (release_first, expire_thread), check_limited,
     .newest_only = true)
SYNC(limit_against_grant_and_canceled, setup_limited, (release_first, expire_thread, cancel_thread),
     check_limited, .newest_only = true, .switches_max = 2)
SYNC(limited_wait_made_against_grant, setup_held, (hold_for_thread, release_first), check_made,
     .newest_only = true)
SYNC(limited_wait_made_against_grant_and_limit, setup_held,
     (hold_for_thread, release_first, expire_thread), check_made, .newest_only = true,
     .switches_max = 2)

/* --- events --- */

static void setup_event(void)
{
	setup();
	w.event = bide_allocate_(sizeof *w.event, 16);
	EXPLORE_CHECK(bide_event_init(w.event, false) == 0);
	w.other = bide_event_wait(w.event);
}

static void set_thread(void)
{
	bide_event_set(w.event);
}

/* Gives up a first wait, so that the event may be set with the lock while this thread has none. */
static void pass_and_free(void)
{
	bide_value_task_forget(w.other);
	EXPLORE_CHECK(outcome_of(bide_event_wait(w.event)) == 0);
	free_event();
}

static void check_passed(void)
{
	EXPLORE_CHECK(!w.event);
	tear_down();
}

/* An automatic event; a wait in the context is the first, another one is behind it. */
static void setup_auto(void)
{
	uintptr_t saved;

	setup();
	w.event = bide_allocate_(sizeof *w.event, 16);
	EXPLORE_CHECK(bide_event_init_auto(w.event, false) == 0);
	saved = bide_context_push_(w.context);
	w.wait = bide_event_wait(w.event);
	bide_context_pop_(saved);
	w.other = bide_event_wait(w.event);
}

/* One of the two has passed. */
static void check_one_passed(void)
{
	bool first = outcome_of(w.wait) == 0;
	bide_source *other = (bide_source *)w.other.state;

	EXPLORE_CHECK(bide_word_is_done_(other->word) == !first);
	bide_value_task_forget(w.other);
	EXPLORE_CHECK(!bide_event_is_set(w.event));
	tear_down();
}

SYNC(event_set_against_pass_and_free, setup_event, (set_thread, pass_and_free), check_passed,
     .newest_only = true)
SYNC(auto_event_set_against_canceled, setup_auto, (set_thread, cancel_thread), check_one_passed,
     .newest_only = true)
