/*
 * The states of a generator (generator/generator.h), in all orders: a step that arrives on another
 * worker, against a next, its cancel, its forget, and the end. No element is lost or comes twice,
 * the cleanup runs once, and nothing touches the frame after it was given back.
 */
#include "explore.h"

#include <string.h>

#include "bide/async.h"
#include "bide/generator.h"
#include "context/context.h"
#include "generator/generator.h"

enum { FIRST = 10 };

static struct {
	bide_generator *generator;
	bide_user_source gates[2]; /* each element waits for one */
	bide_context *context;     /* of the consumer */
	bide_value_task next, end;
	unsigned emitted, cleanups; /* plain: two steps at a time would race */
	int64_t got[3];             /* what the consumer got, in order */
	unsigned count;
	int error; /* of the next that failed */
	bool ended;
} g;

struct steps {
	BIDE_ASYNC_GENERATOR;
	unsigned i;
};

bide_async_generator(steps)
{
	bide_async_begin;
	for (my->i = 0; my->i < 2; my->i++) {
		bide_await(bide_user_source_value_task(&g.gates[my->i]));
		g.emitted++;
		bide_async_emit((int64_t)FIRST + my->i);
	}
bide_async_finally:
	g.cleanups++;
	bide_async_end;
}

static void setup(void)
{
	memset(&g, 0, sizeof g);
	for (int i = 0; i < 2; i++)
		bide_user_source_init(&g.gates[i], NULL);
	g.context = bide_context_create(NULL);
	g.generator = bide_generator_start(steps);
	explore_watch(g.generator);
}

static bide_value_task next_in_context(void)
{
	uintptr_t saved = bide_context_push_(g.context);
	bide_value_task next = bide_generator_next(g.generator);

	bide_context_pop_(saved);
	return next;
}

/* The first step waits, and so does a next. */
static void setup_waiting(void)
{
	setup();
	g.next = next_in_context();
	EXPLORE_CHECK(bide_is_pending_(g.next));
	explore_watch((void *)g.next.state);
}

/* A next that no context cancels. */
static void setup_waiting_plainly(void)
{
	setup();
	g.next = bide_generator_next(g.generator);
	EXPLORE_CHECK(bide_is_pending_(g.next));
	explore_watch((void *)g.next.state);
}

/* The first step waits, and nothing waits for it. */
static void setup_left(void)
{
	setup_waiting_plainly();
	bide_value_task_forget(g.next);
	g.next = bide_value_task_from_error_(BIDE_ECANCELED_);
}

/* A pump brings the elements (generator/funnel.c). Nothing has been asked for yet. */
static void setup_buffer(void)
{
	setup();
	g.generator = bide_generator_buffer(g.generator, 1);
	EXPLORE_CHECK(g.generator != NULL);
}

/* The pump waits for the first step, the body for the pump, and a next for the body. */
static void setup_buffer_waiting(void)
{
	setup_buffer();
	g.next = bide_generator_next(g.generator);
	EXPLORE_CHECK(bide_is_pending_(g.next));
}

/* --- threads --- */

/* Another worker: the first step goes on, and arrives. */
static void arrive(void)
{
	bide_user_source_complete_int(&g.gates[0], 0);
	(void)explore_run_now();
}

/* Runs the step, the pump, the body. */
static void arrive_through(void)
{
	bide_user_source_complete_int(&g.gates[0], 0);
	while (explore_run_now())
		;
}

static void cancel(void)
{
	(void)bide_context_cancel(g.context, BIDE_ECANCELED_);
}

static void ask(void)
{
	g.next = bide_generator_next(g.generator);
}

static void ask_in_context(void)
{
	g.next = next_in_context();
}

static void end(void)
{
	g.end = bide_generator_end(g.generator);
	g.ended = true;
}

static void ask_and_end(void)
{
	ask_in_context();
	end();
}

static void forget(void)
{
	bide_value_task_forget(g.next);
	g.next = bide_value_task_from_error_(BIDE_ECANCELED_);
}

static void forget_and_ask(void)
{
	bide_value_task_forget(g.next);
	ask();
}

static void forget_and_end(void)
{
	forget();
	end();
}

/* --- afterwards --- */

static void take(bide_value_task value)
{
	if (bide_is_pending_(value)) {
		EXPLORE_CHECK(bide_is_done_((bide_source *)value.state));
		value = bide_consume_((bide_source *)value.state, NULL);
	}
	if (value.state)
		g.error = (int)value.state;
	else
		g.got[g.count++] = value.payload.i;
}

/* Lets all gates open, takes what comes, and ends the generator. */
static void finish(void)
{
	for (int i = 0; i < 2; i++) {
		(void)bide_user_source_try_complete(&g.gates[i], bide_payload_int_(0));
		explore_finish();
	}
	take(g.next);
	while (!g.ended && g.error != BIDE_EEND) {
		bide_value_task value = bide_generator_next(g.generator);

		explore_finish();
		take(value);
	}
	if (!g.ended)
		g.end = bide_generator_end(g.generator);
	explore_finish();
	if (bide_is_pending_(g.end)) {
		EXPLORE_CHECK(bide_is_done_((bide_source *)g.end.state));
		g.end = bide_consume_((bide_source *)g.end.state, NULL);
	}
	EXPLORE_CHECK(g.end.state == 0);
	EXPLORE_CHECK(g.cleanups == 1);
	EXPLORE_CHECK(explore_unobserved() == 0);
	bide_context_unref(g.context);
}

/* Both elements have come, in order, whatever became of the first next. */
static void check_none_lost(void)
{
	finish();
	EXPLORE_CHECK(g.count == 2 && g.got[0] == FIRST && g.got[1] == FIRST + 1);
}

/* The cancel has ended the next, and not the element that came later. */
static void check_canceled(void)
{
	EXPLORE_CHECK(!bide_is_pending_(g.next) || bide_is_done_((bide_source *)g.next.state));
	check_none_lost();
}

/* The element that had come was lost with the next that was forgotten. */
static void check_in_order(void)
{
	finish();
	EXPLORE_CHECK(g.count >= 1 && g.got[g.count - 1] == FIRST + 1);
	EXPLORE_CHECK(g.count == 1 || (g.count == 2 && g.got[0] == FIRST));
}

static void check_ended(void)
{
	finish();
	EXPLORE_CHECK(g.count <= 1);
	EXPLORE_CHECK(g.count == 0 || g.got[0] == FIRST);
	EXPLORE_CHECK(g.count == 1 || g.error == BIDE_ECANCELED_);
}

#define GENERATOR(name_, setup_, threads_, check_, ...) \
	SCENARIO(generator_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

/* An emit on another worker while next returns. */
GENERATOR(next_against_arrive, setup, (ask, arrive), check_none_lost, .external = 0)
GENERATOR(next_in_context_against_arrive, setup, (ask_in_context, arrive), check_none_lost,
          .switches_max = 3)
GENERATOR(next_left_against_arrive, setup_left, (ask, arrive), check_none_lost, .external = 0)
/* The deadline of the consumer ends a next. */
GENERATOR(cancel_against_arrive, setup_waiting, (cancel, arrive), check_none_lost,
          .switches_max = 3)
GENERATOR(next_against_cancel, setup, (ask_in_context, cancel), check_canceled, .switches_max = 3)
GENERATOR(next_against_cancel_and_arrive, setup, (ask_in_context, cancel, arrive), check_none_lost,
          .newest_only = true, .switches_max = 2)
GENERATOR(next_left_against_cancel_and_arrive, setup_left, (ask_in_context, cancel, arrive),
          check_none_lost, .newest_only = true, .switches_max = 2)
/* The consumer gives a next up. */
GENERATOR(forget_against_arrive, setup_waiting_plainly, (forget_and_ask, arrive), check_in_order,
          .external = 0)
GENERATOR(forget_against_cancel_and_arrive, setup_waiting, (forget_and_ask, cancel, arrive),
          check_in_order, .newest_only = true, .switches_max = 2)
/* The end while a next is pending. */
GENERATOR(end_against_arrive, setup_waiting_plainly, (end, arrive), check_ended, .external = 0)
GENERATOR(end_against_cancel, setup_waiting, (end, cancel), check_ended, .switches_max = 2)
GENERATOR(end_against_cancel_and_arrive, setup_waiting, (end, cancel, arrive), check_ended,
          .newest_only = true, .switches_max = 2)
GENERATOR(end_left_against_arrive, setup_left, (end, arrive), check_ended, .external = 0)
GENERATOR(next_and_end_against_arrive, setup, (ask_and_end, arrive), check_ended, .switches_max = 2)
GENERATOR(next_and_end_against_cancel_and_arrive, setup, (ask_and_end, cancel, arrive), check_ended,
          .newest_only = true, .switches_max = 2)
GENERATOR(forget_and_end_against_cancel_and_arrive, setup_waiting, (forget_and_end, cancel, arrive),
          check_ended, .newest_only = true, .switches_max = 2)
/* A pump and the body of a buffer, on two workers. */
GENERATOR(buffer_next_against_arrive, setup_buffer, (ask, arrive_through), check_none_lost,
          .newest_only = true, .switches_max = 3)
GENERATOR(buffer_end_against_arrive, setup_buffer_waiting, (end, arrive_through), check_ended,
          .newest_only = true, .switches_max = 2)
GENERATOR(buffer_runs_on_two_workers, setup_buffer_waiting, (arrive_through, explore_run),
          check_none_lost, .newest_only = true, .switches_max = 3)
