/*
 * A wait on an object (src/sync), in all orders of granting, canceling, forgetting and freeing the
 * object: one outcome, delivered once. No thread touches the object once its owner may free it (the
 * rule of lifetime).
 */
#include "explore.h"

#include <string.h>

#include "context/context.h"
#include "memory/allocator.h"
#include "sync/grant.h"

enum { RESULT = 42 };

/* The simplest object. It counts the grants for which nothing waited. */
typedef struct thing {
	bide_wait_queue_ queue;
	uint32_t kept, withdrawn;
} thing;

static struct {
	thing *thing;
	bide_waiter_ *waiter, *second;
	bide_value_task value, other;
	bide_context *context;
} w;

/* Counts: this thread was at the object. */
static void thing_withdrawn(bide_wait_queue_ *queue, bide_wait_link_ *link, bide_granted_ *granted)
{
	(void)link;
	(void)granted;
	BIDE_CONTAINER_(queue, thing, queue)->withdrawn++;
}

static const bide_wait_kind_ thing_kind = {
	.type = { .name = "thing", .leave = bide_waiter_leave_ }, .withdrawn = thing_withdrawn
};

static bide_waiter_ *wait_for_thing(bide_value_task *value)
{
	bide_waiter_ *waiter = bide_waiter_new_(&thing_kind, 0);

	bide_wait_lock_(&w.thing->queue);
	EXPLORE_CHECK(bide_waiter_append_(&w.thing->queue, waiter) == 0);
	bide_wait_unlock_(&w.thing->queue);
	*value = bide_source_value_(&waiter->operation.source);
	explore_watch(waiter);
	return waiter;
}

static void setup(void)
{
	uintptr_t saved;

	memset(&w, 0, sizeof w);
	w.thing = bide_allocate_(sizeof *w.thing, 16);
	memset(w.thing, 0, sizeof *w.thing);
	w.context = bide_context_create(NULL);
	saved = bide_context_push_(w.context);
	w.waiter = wait_for_thing(&w.value);
	bide_context_pop_(saved);
}

static void setup_two(void)
{
	setup();
	w.second = wait_for_thing(&w.other);
}

static void free_thing(void)
{
	bide_deallocate_(w.thing, sizeof *w.thing);
	w.thing = NULL;
}

/* Grants the first one. */
static void give(thing *to)
{
	bide_granted_ granted;
	bide_wait_link_ *link;

	bide_granted_init_(&granted);
	bide_wait_lock_(&to->queue);
	link = to->queue.first;
	if (link) {
		bide_waiter_outcome_(bide_waiter_of_(link), (bide_payload){ .i = RESULT }, 0);
		bide_wait_take_(&to->queue, link);
		bide_granted_add_(&granted, link);
	} else {
		to->kept++;
	}
	bide_wait_unlock_(&to->queue);
	bide_granted_end_(&granted);
}

static void grant_thread(void)
{
	give(w.thing);
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(w.context, BIDE_ECANCELED_);
}

static void forget_thread(void)
{
	bide_value_task_forget(w.value);
}

/* The owner of the object forgets its only wait, and frees the object. */
static void forget_and_free_thread(void)
{
	bide_value_task_forget(w.value);
	free_thing();
}

/* The owner ends the object: all that wait fail. Then it frees the object. */
static void end_and_free_thread(void)
{
	bide_granted_ granted;

	bide_granted_init_(&granted);
	bide_wait_lock_(&w.thing->queue);
	bide_waiters_take_all_(&w.thing->queue, (bide_payload){ .i = 0 }, BIDE_EBROKEN, &granted);
	bide_wait_unlock_(&w.thing->queue);
	free_thing();
	bide_granted_end_(&granted);
}

/*
 * The function that waits takes its outcome. If it has the grant, no call on the object will come,
 * and it frees the object; the call that granted may still be on its way out.
 */
static void consume_and_free_thread(void)
{
	bide_source *source = &w.waiter->operation.source;
	bide_value_task outcome;

	while (!bide_word_is_done_((uintptr_t)BIDE_LOAD(&source->word, ACQUIRE)))
		bide_port_wait_a_moment_(0);
	outcome = bide_consume_(source, NULL);
	EXPLORE_CHECK(outcome.state == BIDE_ECANCELED_ ||
	              (outcome.state == 0 && outcome.payload.i == RESULT));
	if (outcome.state == 0)
		free_thing();
}

static void check_ended(void)
{
	EXPLORE_CHECK(explore_freed(w.waiter) == 1);
	bide_context_unref(w.context);
	if (w.thing)
		free_thing();
}

static void check_outcome(void)
{
	bide_value_task outcome = bide_consume_(&w.waiter->operation.source, NULL);

	EXPLORE_CHECK(outcome.state == BIDE_EBROKEN || outcome.state == BIDE_ECANCELED_);
	bide_context_unref(w.context);
}

/*
 * The grant went to the first one, or to the second, because the first was withdrawn before. None
 * was lost.
 */
static void check_two(void)
{
	bool second = bide_word_is_done_(w.second->operation.source.word);

	EXPLORE_CHECK(w.thing->kept == 0);
	EXPLORE_CHECK(second == (w.thing->withdrawn == 1));
	bide_value_task_forget(w.other);
	check_ended();
}

#define WAITER(name_, setup_, threads_, check_, ...) \
	SCENARIO(waiter_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

WAITER(canceled_against_forget_and_free, setup, (cancel_thread, forget_and_free_thread),
       check_ended, .external = 0)
WAITER(canceled_against_end_and_free, setup, (cancel_thread, end_and_free_thread), check_outcome,
       .external = 0)
WAITER(granted_against_canceled_and_free, setup,
       (grant_thread, cancel_thread, consume_and_free_thread), check_ended, .newest_only = true,
       .switches_max = 3)
WAITER(granted_against_forget, setup, (grant_thread, forget_thread), check_ended, .external = 0)
WAITER(two_granted_canceled_forgotten, setup_two, (grant_thread, cancel_thread, forget_thread),
       check_two, .newest_only = true, .switches_max = 2)
