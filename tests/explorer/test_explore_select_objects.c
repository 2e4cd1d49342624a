/*
 * Selections over semaphores, mutexes, events, tokens and tasks (src/sync/select.h), in all orders:
 * one case decides, and what another case would have got goes to the next in line.
 */
#include "explore.h"

#include <string.h>

#include <bide/select.h>

#include "context/context.h"
#include "memory/allocator.h"
#include "sync/holder.h"

static struct {
	bide_semaphore *permits;
	bide_mutex mutex;
	bide_event automatic, manual;
	bide_hold held, mine, other, next;
	bide_value_task select, behind;
	bide_cancel_source *source;
	bide_task *task;
	bide_user_source borrowed;
	uintptr_t word;
	bide_context *context;
	bool tried;
} w;

static void tear_down(void)
{
	if (w.permits)
		bide_deallocate_(w.permits, sizeof *w.permits);
	bide_context_unref(w.context);
	bide_cancel_source_unref(w.source);
	(void)bide_task_try_complete(w.task, (bide_payload){ .i = 0 });
	bide_task_unref(w.task);
}

static bool is_pending(bide_value_task v)
{
	return v.state > BIDE_ERROR_MAX &&
	       !bide_word_is_done_((uintptr_t)BIDE_LOAD(&((bide_source *)v.state)->word, ACQUIRE));
}

/* Returns the case that the select ended with, or -1 for an error or none. Consumes it. */
static int64_t which(void)
{
	bide_value_task v = w.select;

	if (is_pending(v)) {
		bide_value_task_forget(v);
		return -1;
	}
	if (v.state > BIDE_ERROR_MAX)
		v = bide_consume_((bide_source *)v.state, NULL);
	return v.state ? -1 : v.payload.i;
}

static void select_two(bide_select_case first, bide_select_case second)
{
	bide_select_case cases[2];
	uintptr_t saved = bide_context_push_(w.context);

	cases[0] = first;
	cases[1] = second;
	w.select = bide_select(cases, 2);
	bide_context_pop_(saved);
}

static void setup(void)
{
	memset(&w, 0, sizeof w);
	w.permits = bide_allocate_(sizeof *w.permits, 16);
	EXPLORE_CHECK(bide_semaphore_init(w.permits, 2, 2) == 0);
	EXPLORE_CHECK(bide_event_init_auto(&w.automatic, false) == 0);
	w.context = bide_context_create(NULL);
	w.source = bide_cancel_source_create();
	w.task = bide_task_create(NULL);
	/* What the threads take from the pool was there before, in each execution. */
	select_two(bide_select_task(w.task), bide_select_event(&w.manual));
	bide_value_task_forget(w.select);
	select_two(bide_select_cancel_token(bide_cancel_source_token(w.source)),
	           bide_select_event(&w.manual));
	bide_value_task_forget(w.select);
}

/* --- permits: the select at the head wants two, the one behind it wants one --- */

static void select_permits_thread(void)
{
	select_two(bide_select_semaphore(w.permits, 2, &w.mine), bide_select_event(&w.manual));
}

static void setup_permits(void)
{
	setup();
	EXPLORE_CHECK(bide_semaphore_try_hold(w.permits, 1, &w.held));
	select_permits_thread();
	w.behind = bide_semaphore_hold(w.permits, 1, &w.next);
	EXPLORE_CHECK(is_pending(w.behind));
}

static void release_thread(void)
{
	bide_hold_release(&w.held);
}

static void set_manual_thread(void)
{
	bide_event_set(&w.manual);
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(w.context, BIDE_ECANCELED_);
}

/* It is over. If it has not got the permits, the next in line has got one. */
static void check_permits(void)
{
	int64_t won;

	EXPLORE_CHECK(!is_pending(w.select));
	won = which();
	EXPLORE_CHECK(bide_hold_is_held(&w.mine) == (won == 0));
	EXPLORE_CHECK(is_pending(w.behind) == (won == 0));
	bide_hold_release(&w.mine);
	EXPLORE_CHECK(!is_pending(w.behind));
	bide_value_task_forget(w.behind);
	bide_hold_release(&w.next);
	bide_hold_release(&w.held);
	EXPLORE_CHECK(bide_semaphore_try_hold(w.permits, 2, &w.mine));
	tear_down();
}

/* --- a select that registers while its objects are used by calls that take no lock --- */

static void try_thread(void)
{
	w.tried = bide_semaphore_try_hold(w.permits, 1, &w.other);
}

/* A try that fails has met a select that has both permits. */
static void check_registered(void)
{
	int64_t won;

	EXPLORE_CHECK(w.tried || bide_hold_is_held(&w.mine) || !is_pending(w.select));
	bide_hold_release(&w.other);
	EXPLORE_CHECK(!is_pending(w.select));
	won = which();
	EXPLORE_CHECK(w.tried || won == 0);
	EXPLORE_CHECK(bide_hold_is_held(&w.mine) == (won == 0));
	bide_hold_release(&w.mine);
	EXPLORE_CHECK(bide_semaphore_try_hold(w.permits, 2, &w.mine));
	tear_down();
}

/* --- a set of an automatic event; a wait is behind the select --- */

static void setup_events(void)
{
	setup();
	select_two(bide_select_event(&w.automatic), bide_select_event(&w.manual));
	w.behind = bide_event_wait(&w.automatic);
}

static void set_automatic_thread(void)
{
	bide_event_set(&w.automatic);
}

/* One of the two has used the set up. */
static void check_events(void)
{
	EXPLORE_CHECK(is_pending(w.behind) == (which() == 0));
	bide_value_task_forget(w.behind);
	EXPLORE_CHECK(!bide_event_is_set(&w.automatic));
	tear_down();
}

/* --- tokens and tasks --- */

static void select_token_thread(void)
{
	select_two(bide_select_cancel_token(bide_cancel_source_token(w.source)),
	           bide_select_event(&w.automatic));
}

static void setup_token(void)
{
	setup();
	select_token_thread();
}

static void cancel_source_thread(void)
{
	(void)bide_cancel_source_cancel(w.source);
}

/* A set that the select has not used up is still there. */
static void check_token(void)
{
	int64_t won;

	EXPLORE_CHECK(!is_pending(w.select));
	won = which();
	EXPLORE_CHECK(won >= 0);
	EXPLORE_CHECK(bide_event_is_set(&w.automatic) == (won == 0));
	tear_down();
}

static void select_task_thread(void)
{
	select_two(bide_select_task(w.task), bide_select_event(&w.automatic));
}

static void setup_task(void)
{
	setup();
	select_task_thread();
}

static void complete_task_thread(void)
{
	bide_task_complete_int(w.task, 1);
}

/* --- forgotten, and what it waited for is freed at once --- */

static void setup_held_permits(void)
{
	setup();
	EXPLORE_CHECK(bide_semaphore_try_hold(w.permits, 2, &w.held));
	select_two(bide_select_semaphore(w.permits, 1, &w.mine),
	           bide_select_cancel_token(bide_cancel_source_token(w.source)));
}

static void forget_and_free_thread(void)
{
	bide_value_task_forget(w.select);
	bide_hold_release(&w.held);
	bide_hold_release(&w.mine);
	bide_deallocate_(w.permits, sizeof *w.permits);
	w.permits = NULL;
}

static void check_forgotten(void)
{
	EXPLORE_CHECK(!bide_hold_is_held(&w.mine));
	/* No thread has marked it since. */
	EXPLORE_CHECK(bide_mutex_try_hold(&w.mutex, &w.mine));
	tear_down();
}

/* --- forgotten, and the memory of a value task that it has borrowed is used again --- */

static void setup_borrowed(void)
{
	setup();
	bide_user_source_init(&w.borrowed, NULL);
	select_two(bide_select_event(&w.automatic),
	           bide_select_value_task(bide_user_source_value_task(&w.borrowed)));
	w.word = BIDE_LOAD(&w.borrowed.source.word, RELAXED);
}

/* What is there now looks like the listener. */
static void forget_and_reuse_thread(void)
{
	bide_value_task_forget(w.select);
	BIDE_STORE(&w.borrowed.source.word, w.word, RELAXED);
}

static void check_reused(void)
{
	EXPLORE_CHECK(BIDE_LOAD(&w.borrowed.source.word, RELAXED) == w.word);
	tear_down();
}

#define SELECT(name_, setup_, threads_, check_, ...)                                   \
	SCENARIO(select_objects_##name_, setup_, THREADS threads_, check_, .shared = true, \
	         .newest_only = true, __VA_ARGS__)

SELECT(permits_released_against_another_case, setup_permits, (release_thread, set_manual_thread),
       check_permits, .switches_max = 3)
SELECT(permits_released_against_canceled, setup_permits, (release_thread, cancel_thread),
       check_permits, .switches_max = 3)
SELECT(another_case_against_canceled, setup_permits,
       (release_thread, set_manual_thread, cancel_thread), check_permits, .switches_max = 2)
/* A permit is there, for the next in line. */
SELECT(another_case_against_canceled_without_a_release, setup_permits,
       (set_manual_thread, cancel_thread), check_permits, .switches_max = 3)
SELECT(registered_against_a_try_and_another_case, setup,
       (select_permits_thread, try_thread, set_manual_thread), check_registered, .switches_max = 2)
SELECT(automatic_event_against_another_case, setup_events,
       (set_automatic_thread, set_manual_thread), check_events, .switches_max = 3)
SELECT(token_against_another_case, setup_token, (cancel_source_thread, set_automatic_thread),
       check_token, .switches_max = 3)
SELECT(token_registered_while_it_is_canceled, setup,
       (select_token_thread, cancel_source_thread, set_automatic_thread), check_token,
       .switches_max = 2)
SELECT(task_against_another_case, setup_task, (complete_task_thread, set_automatic_thread),
       check_token, .switches_max = 3)
SELECT(task_registered_while_it_completes, setup,
       (select_task_thread, complete_task_thread, set_automatic_thread), check_token,
       .switches_max = 2)
SELECT(forgotten_and_freed_against_token, setup_held_permits,
       (forget_and_free_thread, cancel_source_thread), check_forgotten, .switches_max = 3)
SELECT(forgotten_and_borrowed_reused_while_it_is_decided, setup_borrowed,
       (forget_and_reuse_thread, set_automatic_thread), check_reused, .switches_max = 3)
SELECT(forgotten_and_borrowed_reused_while_it_is_canceled, setup_borrowed,
       (forget_and_reuse_thread, cancel_thread), check_reused, .switches_max = 3)
