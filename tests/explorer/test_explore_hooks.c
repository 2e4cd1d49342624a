/*
 * What becomes of an operation that its consumer gives up (source/operation.h), in all orders: it
 * leaves or it ends, once, and a result that no consumer has taken is given back, once.
 */
#include "explore.h"

#include <string.h>

#include "base/misuse.h"
#include "context/context.h"
#include "source/operation.h"

enum { RESULT = 42, LATER_NS = 1000 };

static struct {
	bide_operation *opening;
	uint32_t waits; /* the party that swaps 0 in ends the operation */
	bide_value_task value, wait;
	bide_task *task;
	bide_context *context;
	uint32_t opened, closed; /* threads add */
	bide_payload got;
	int error;
} h;

static void opening_leave(bide_operation *operation)
{
	if (BIDE_SWAP(&h.waits, 0u, ACQ_REL))
		bide_operation_complete_(operation, (bide_payload){ .i = 0 }, BIDE_ECANCELED_);
}

static void opening_unwanted(bide_payload result)
{
	EXPLORE_CHECK(result.i == RESULT);
	(void)BIDE_ADD(&h.closed, 1u, RELAXED);
}

static const bide_operation_type opening_type = { .name = "opening",
	                                              .leave = opening_leave,
	                                              .unwanted = opening_unwanted };

static void setup_value(void)
{
	memset(&h, 0, sizeof h);
	h.opening = bide_operation_new_(sizeof *h.opening, &opening_type);
	h.waits = 1;
	h.value = bide_source_value_(&h.opening->source);
	explore_watch(h.opening);
}

static void succeed_thread(void)
{
	if (!BIDE_SWAP(&h.waits, 0u, ACQ_REL))
		return;
	(void)BIDE_ADD(&h.opened, 1u, RELAXED);
	bide_operation_complete_(h.opening, (bide_payload){ .i = RESULT }, 0);
}

static void forget_thread(void)
{
	bide_value_task_forget(h.value);
}

/* Either it left, or what was opened was closed. */
static void check_given_up(void)
{
	EXPLORE_CHECK(h.closed == h.opened);
	EXPLORE_CHECK(explore_freed(h.opening) == 1);
}

#define HOOKS(name_, setup_, threads_, check_, ...) \
	SCENARIO(hooks_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

/* --- a task --- */

static void setup_task(void)
{
	setup_value();
	h.task = bide_value_task_as_task(h.value);
}

static void unref_thread(void)
{
	bide_task_unref(h.task);
}

static void setup_two_references(void)
{
	setup_task();
	bide_task_ref(h.task);
}

/* A wait with a limit is the only consumer. */
static void setup_wait(void)
{
	setup_value();
	h.wait = bide_value_task_await_for(h.value, LATER_NS);
	explore_watch((void *)h.wait.state);
}

static void forget_wait_thread(void)
{
	bide_value_task_forget(h.wait);
}

static void expire_thread(void)
{
	(void)explore_expire();
}

static void check_wait_given_up(void)
{
	while (explore_expire())
		;
	check_given_up();
	EXPLORE_CHECK(explore_freed((void *)h.wait.state) == 1);
}

/* A reference and a wait are the last consumers. */
static void setup_reference_and_wait(void)
{
	setup_task();
	h.wait = bide_task_await_for(h.task, LATER_NS);
	explore_watch((void *)h.wait.state);
}

/* The operation left, because no consumer is left but the wait, which has timed out. */
static void check_wait_left(void)
{
	while (explore_expire())
		;
	EXPLORE_CHECK(explore_freed(h.opening) == 1);
	EXPLORE_CHECK(bide_consume_((bide_source *)h.wait.state, NULL).state == BIDE_ETIMEDOUT_);
}

/* The consumer takes the wait out, and takes its outcome in any case. */
static void setup_wait_in_context(void)
{
	uintptr_t saved;

	memset(&h, 0, sizeof h);
	h.context = bide_context_create(NULL);
	h.task = bide_task_create(NULL);
	saved = bide_context_push_(h.context);
	h.wait = bide_task_await(h.task);
	bide_context_pop_(saved);
}

static void take_out_thread(void)
{
	bide_subscription_cancel_((bide_source *)h.wait.state, BIDE_ECANCELED_);
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(h.context, BIDE_ECANCELED_);
}

static void complete_thread(void)
{
	bide_task_complete_int(h.task, RESULT);
}

static void check_outcome(void)
{
	bide_value_task outcome = bide_consume_((bide_source *)h.wait.state, NULL);

	EXPLORE_CHECK(outcome.state == BIDE_ECANCELED_ ||
	              (outcome.state == 0 && outcome.payload.i == RESULT));
	bide_task_unref(h.task);
	bide_context_unref(h.context);
}

HOOKS(forget_against_success, setup_value, (forget_thread, succeed_thread), check_given_up,
      .external = 0)
HOOKS(unref_against_success, setup_task, (unref_thread, succeed_thread), check_given_up,
      .external = 0)
HOOKS(two_unrefs_against_success, setup_two_references,
      (unref_thread, unref_thread, succeed_thread), check_given_up, .newest_only = true,
      .switches_max = 3)
HOOKS(wait_forgotten_against_success, setup_wait, (forget_wait_thread, succeed_thread),
      check_wait_given_up, .newest_only = true, .switches_max = 4)
HOOKS(wait_forgotten_against_limit_and_success, setup_wait,
      (forget_wait_thread, expire_thread, succeed_thread), check_wait_given_up, .newest_only = true,
      .switches_max = 3)
HOOKS(unref_against_limit, setup_reference_and_wait, (unref_thread, expire_thread), check_wait_left,
      .newest_only = true, .switches_max = 4)
HOOKS(wait_taken_out_completed_canceled, setup_wait_in_context,
      (take_out_thread, complete_thread, cancel_thread), check_outcome, .newest_only = true,
      .switches_max = 3)
