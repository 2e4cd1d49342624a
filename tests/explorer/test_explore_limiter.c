/*
 * Limiters in all orders of a grant, the clock, a cancellation and a forget: no token is lost, none
 * is given twice, a wait that was forgotten before its tokens were there takes none, and no call
 * overtakes.
 */
#include "explore.h"

#include <string.h>

#include "bide/limiter.h"
#include "context/context.h"

enum { TOKEN_NS = 10, BURST = 2 };

static struct {
	bide_limiter limiter;
	bide_context *context;
	bide_value_task first, second;
	uint32_t is_forgotten; /* atomic */
	bool was_forgotten;    /* before time passed */
	bool tried;
} m;

/* --- threads --- */

static void acquire_first(void)
{
	m.first = bide_limiter_acquire(&m.limiter, 1);
}

static void acquire_second(void)
{
	m.second = bide_limiter_acquire(&m.limiter, 1);
}

static void try_thread(void)
{
	m.tried = bide_limiter_try_acquire(&m.limiter, 1);
}

/* A worker: time passes, and it runs the functions that wait. */
static void pass_and_run_for(int64_t passed_ns)
{
	m.was_forgotten = BIDE_LOAD(&m.is_forgotten, SEQ_CST);
	explore_pass(passed_ns);
	explore_run();
}

static void pass_and_run(void)
{
	pass_and_run_for(TOKEN_NS);
}

static void pass_two_and_run(void)
{
	pass_and_run_for(2 * TOKEN_NS);
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(m.context, BIDE_ECANCELED_);
}

static void forget(bide_value_task wait)
{
	bide_value_task_forget(wait);
	BIDE_STORE(&m.is_forgotten, 1u, SEQ_CST);
}

static void forget_first(void)
{
	forget(m.first);
}

static void forget_second(void)
{
	forget(m.second);
}

/* --- setups --- */

static void setup_tokens(int64_t count)
{
	memset(&m, 0, sizeof m);
	m.context = bide_context_create(NULL);
	EXPLORE_CHECK(bide_limiter_init(&m.limiter, 1, TOKEN_NS, BURST) == 0);
	if (count < BURST)
		EXPLORE_CHECK(bide_limiter_try_acquire(&m.limiter, BURST - count));
}

static void setup_one_token(void)
{
	setup_tokens(1);
}

/* A wait for `count` tokens, in the context. There are none. */
static void setup_waiting_for(int64_t count)
{
	uintptr_t saved;

	setup_tokens(0);
	saved = bide_context_push_(m.context);
	m.first = bide_limiter_acquire(&m.limiter, count);
	bide_context_pop_(saved);
	EXPLORE_CHECK(bide_is_pending_(m.first));
}

static void setup_waiting(void)
{
	setup_waiting_for(1);
}

/* Another wait is behind it. */
static void setup_two_waiting(void)
{
	setup_waiting();
	acquire_second();
}

static void setup_one_behind_a_large_one(void)
{
	setup_waiting_for(2);
	acquire_second();
}

/* --- checks --- */

/* Ends what is due now, and runs what that makes runnable. */
static void settle(void)
{
	do
		explore_finish();
	while (explore_pass(0));
}

static void pass(void)
{
	explore_pass(TOKEN_NS);
	settle();
}

static bool is_over(bide_value_task wait)
{
	return !bide_is_pending_(wait) || bide_is_done_((bide_source *)wait.state);
}

static int outcome_of(bide_value_task wait)
{
	EXPLORE_CHECK(is_over(wait));
	if (!bide_is_pending_(wait))
		return (int)wait.state;
	return (int)bide_consume_((bide_source *)wait.state, NULL).state;
}

/* The limiter has `count` tokens, and nothing waits for it. */
static void check_left(int count)
{
	for (int i = 0; i < count; i++)
		EXPLORE_CHECK(bide_limiter_try_acquire(&m.limiter, 1));
	EXPLORE_CHECK(!bide_limiter_try_acquire(&m.limiter, 1));
	explore_pass(TOKEN_NS);
	EXPLORE_CHECK(bide_limiter_try_acquire(&m.limiter, 1));
	bide_context_unref(m.context);
}

/* The token was taken, or is left. */
static void check_taken_or_canceled(void)
{
	int error;

	settle();
	error = outcome_of(m.first);
	EXPLORE_CHECK(error == 0 || error == BIDE_ECANCELED_);
	check_left(error != 0);
}

/* If the wait was not forgotten before its token was there, it may have taken it. */
static void check_forgotten(void)
{
	bool left;

	settle();
	left = bide_limiter_try_acquire(&m.limiter, 1);
	EXPLORE_CHECK(left || !m.was_forgotten);
	check_left(0);
}

/* The first one has the token that came; the next one comes after the forget. */
static void check_forgotten_second(void)
{
	settle();
	EXPLORE_CHECK(outcome_of(m.first) == 0);
	pass();
	check_left(1);
}

/* There was a token for each of them. */
static void check_forgotten_second_with_token(void)
{
	settle();
	EXPLORE_CHECK(outcome_of(m.first) == 0);
	check_forgotten();
}

/* The first one was forgotten, and did not keep the second one from its token. */
static void check_second_after_forgotten(void)
{
	settle();
	if (m.was_forgotten)
		EXPLORE_CHECK(is_over(m.second));
	else if (!is_over(m.second))
		pass();
	EXPLORE_CHECK(outcome_of(m.second) == 0);
	check_left(0);
}

/* The one behind has the token, because the head has given up. */
static void check_second_has_it(void)
{
	settle();
	EXPLORE_CHECK(outcome_of(m.first) == BIDE_ECANCELED_);
	EXPLORE_CHECK(outcome_of(m.second) == 0);
	check_left(0);
}

/* Only one token was there. */
static void check_one_of_two(void)
{
	bide_value_task later;
	bool first;

	settle();
	first = is_over(m.first);
	EXPLORE_CHECK(first == !is_over(m.second));
	EXPLORE_CHECK(outcome_of(first ? m.first : m.second) == 0);
	later = first ? m.second : m.first;
	pass();
	EXPLORE_CHECK(outcome_of(later) == 0);
	check_left(0);
}

/* What waits is not overtaken. */
static void check_not_overtaken(void)
{
	settle();
	EXPLORE_CHECK(outcome_of(m.first) == 0 && !m.tried);
	check_left(0);
}

/* The first one has the token of the first period, the second one that of the next. */
static void check_in_order(void)
{
	settle();
	EXPLORE_CHECK(outcome_of(m.first) == 0 && !is_over(m.second));
	pass();
	EXPLORE_CHECK(outcome_of(m.second) == 0);
	check_left(0);
}

#define LIMITER(name_, setup_, threads_, check_, ...)                                              \
	SCENARIO(limiter_##name_, setup_, THREADS threads_, check_, .shared = true, .has_clock = true, \
	         __VA_ARGS__)

LIMITER(two_for_one_token, setup_one_token, (acquire_first, acquire_second), check_one_of_two,
        .external = 0)
LIMITER(grant_against_try, setup_waiting, (pass_and_run, try_thread), check_not_overtaken,
        .switches_max = 3)
LIMITER(grant_against_acquire, setup_waiting, (pass_and_run, acquire_second), check_in_order,
        .newest_only = true, .switches_max = 2)
LIMITER(grant_against_cancel, setup_waiting, (pass_and_run, cancel_thread), check_taken_or_canceled,
        .newest_only = true, .switches_max = 3)
LIMITER(grant_against_forget, setup_waiting, (pass_and_run, forget_first), check_forgotten,
        .switches_max = 3)
LIMITER(grant_against_cancel_and_forget, setup_waiting, (pass_and_run, cancel_thread, forget_first),
        check_forgotten, .newest_only = true, .switches_max = 2)
LIMITER(turn_against_forget, setup_two_waiting, (pass_and_run, forget_second),
        check_forgotten_second, .newest_only = true, .switches_max = 3)
LIMITER(turn_with_token_against_forget, setup_two_waiting, (pass_two_and_run, forget_second),
        check_forgotten_second_with_token, .newest_only = true, .switches_max = 3)
LIMITER(forgotten_head_against_clock, setup_two_waiting, (pass_and_run, forget_first),
        check_second_after_forgotten, .newest_only = true, .switches_max = 3)
LIMITER(canceled_head_against_clock, setup_one_behind_a_large_one, (pass_and_run, cancel_thread),
        check_second_has_it, .newest_only = true, .switches_max = 3)
