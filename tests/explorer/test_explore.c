/*
 * Two or three threads meet at one handshake of src/async, in all orders; explore.h says what that
 * means and what it leaves out. The check of each scenario has its expectations. The engine itself
 * makes sure that nothing is touched after it was given back, nothing races, no frame is scheduled
 * twice, nothing hangs and nothing is left over.
 *
 * BIDE_EXPLORE_COUNTS=file appends the number of orders that each test explored.
 * BIDE_EXPLORE_ORDERS=n ends each test after n orders.
 */
#include "explore.h"

#include <string.h>

#include "async/frame.h"
#include "base/thread.h"
#include "bide/async.h"
#include "cancel/cancel_cell.h"
#include "cancel/cancel_core.h"
#include "cancel/cancel_source.h"
#include "context/context.h"
#include "support/test.h"

enum { RESULT = 42, ERROR = 5 };

/* ---- the parts of the scenarios */

/* Completes when its thread resumes it. */
struct producer {
	BIDE_ASYNC_FRAME;
	struct {
		int error;
	} in;
};

bide_async(producer)
{
	bide_async_begin;
	bide_await(bide_async_yield());
	if (my->in.error)
		bide_async_fail(my->in.error);
	bide_async_return(RESULT);
bide_async_finally:
	bide_async_end;
}

struct seen {
	unsigned count;
	int error;
	int64_t result;
};

/* Awaits, then stores the outcome. */
struct consumer {
	BIDE_ASYNC_FRAME;
	struct {
		bide_value_task from;
		struct seen *seen;
	} in;
	int64_t got;
};

bide_async(consumer)
{
	bide_async_begin;
	bide_await(my->got, my->in.from);
bide_async_finally:
	my->in.seen->count++;
	my->in.seen->error = bide_async_error;
	my->in.seen->result = my->got;
	bide_async_end;
}

static struct {
	bide_value_task value, items[2], subscription;
	bide_frame *frame;
	bide_value_task consumers[2];
	struct seen seen[2];
	bide_task *task;
	bide_user_source sources[2];
	bide_observer listener;
	unsigned notified;
	bool taken, won[2];
	uint32_t flag;
	bide_cancel_source *cancel, *child;
	bide_cancel_token token, child_token;
	bide_cancel_registration registration;
	bide_cancel_core *core;
	bide_cancel_node node;
	unsigned fired;
	bool after, told;
	int error;
} s;

/*
 * Takes the frame that the yield scheduled out of the queue at once, because the scenario resumes
 * it itself.
 */
static bide_frame *start_producer(int error)
{
	s.value = bide_async_start(producer, .error = error);
	s.frame = (bide_frame *)s.value.state;
	explore_unschedule();
	explore_watch(s.frame);
	return s.frame;
}

/* The same thread resumes its awaiter. */
static void produce(void)
{
	bide_flags_drop_(&s.frame->source, BIDE_FLAG_SELF_LINKED_);
	bide_thread_()->handovers = 0;
	bide_frame_resume_(bide_thread_(), s.frame);
}

/* The thread that runs what is runnable resumes its awaiter. */
static void produce_and_hand_on(void)
{
	bide_flags_drop_(&s.frame->source, BIDE_FLAG_SELF_LINKED_);
	bide_thread_()->handovers = BIDE_HANDOVERS_MAX_;
	bide_frame_resume_(bide_thread_(), s.frame);
	explore_hand_on();
}

static void consume(int index, bide_value_task from)
{
	s.consumers[index] = bide_async_start(consumer, .from = from, .seen = &s.seen[index]);
	if (bide_is_pending_(s.consumers[index]))
		explore_watch((void *)s.consumers[index].state);
}

static void consumed(int index, int64_t result, int error)
{
	EXPLORE_CHECK(s.seen[index].count == 1);
	EXPLORE_CHECK(s.seen[index].error == error);
	EXPLORE_CHECK(error || s.seen[index].result == result);
	if (!bide_is_pending_(s.consumers[index]))
		return;
	EXPLORE_CHECK(bide_is_done_((bide_source *)s.consumers[index].state));
	(void)bide_consume_((bide_source *)s.consumers[index].state, NULL).state;
}

static void reset(void)
{
	memset(&s, 0, sizeof s);
}

static void setup_producer(void)
{
	reset();
	start_producer(0);
}

static void setup_failing(void)
{
	reset();
	start_producer(ERROR);
}

static void setup_task(void)
{
	reset();
	s.task = bide_task_create(0);
}

static void check_freed_once(void)
{
	EXPLORE_CHECK(explore_freed(s.frame) == 1);
}

/* ---- a frame: its consumer against its producer */

static void await_thread(void)
{
	consume(0, s.value);
	explore_run();
}

static void await_check(void)
{
	consumed(0, RESULT, 0);
	check_freed_once();
}

SCENARIO(await_against_complete, setup_producer, THREADS(await_thread, produce), await_check,
         .external = 0)
SCENARIO(await_against_complete_handed_on, setup_producer,
         THREADS(await_thread, produce_and_hand_on), await_check, .external = 0)

static void await_failed_check(void)
{
	consumed(0, 0, ERROR);
	check_freed_once();
	EXPLORE_CHECK(explore_unobserved() == 0);
}

SCENARIO(await_against_failure, setup_failing, THREADS(await_thread, produce), await_failed_check,
         .external = 0)

/* The continuation runs on a third worker while the first two are still active. */
static void await_only(void)
{
	consume(0, s.value);
}

SCENARIO(await_against_complete_resumed_elsewhere, setup_producer,
         THREADS(await_only, produce_and_hand_on, explore_run), await_check, .external = 0)

static void forget_thread(void)
{
	bide_value_task_forget(s.value);
}

static void forget_check(void)
{
	check_freed_once();
	EXPLORE_CHECK(explore_unobserved() == 1);
}

SCENARIO(forget_against_complete, setup_failing, THREADS(forget_thread, produce), forget_check,
         .external = 0)

static void look_thread(void)
{
	bide_status status = bide_value_task_status(s.value);

	EXPLORE_CHECK(status == BIDE_PENDING || status == BIDE_FAILED);
	if (status == BIDE_FAILED || bide_value_task_is_ready(s.value))
		EXPLORE_CHECK(bide_value_task_error(s.value) == ERROR);
	bide_value_task_forget(s.value);
}

SCENARIO(status_and_forget_against_complete, setup_failing, THREADS(look_thread, produce),
         forget_check, .external = 0)

static void as_task_thread(void)
{
	s.task = bide_value_task_as_task(s.value);
	EXPLORE_CHECK((bide_frame *)(void *)s.task == s.frame);
	if (bide_task_is_ready(s.task))
		EXPLORE_CHECK(bide_task_result(s.task).i == RESULT);
}

static void as_task_check(void)
{
	EXPLORE_CHECK(explore_freed(s.frame) == 0);
	EXPLORE_CHECK(bide_task_status(s.task) == BIDE_SUCCEEDED &&
	              bide_task_result(s.task).i == RESULT);
	bide_task_unref(s.task);
}

SCENARIO(as_task_against_complete, setup_producer, THREADS(as_task_thread, produce), as_task_check,
         .external = 0)

static void as_task_unref_thread(void)
{
	bide_task_unref(bide_value_task_as_task(s.value));
}

SCENARIO(as_task_unref_against_complete, setup_failing, THREADS(as_task_unref_thread, produce),
         forget_check, .external = 0)

static void as_task_await_thread(void)
{
	s.task = bide_value_task_as_task(s.value);
	s.subscription = bide_task_await(s.task);
	if (bide_is_pending_(s.subscription))
		explore_watch((void *)s.subscription.state);
	bide_task_unref(s.task);
	consume(0, s.subscription);
	explore_run();
}

SCENARIO(as_task_await_unref_against_complete, setup_producer,
         THREADS(as_task_await_thread, produce), await_check, .external = 0)

/* ---- deregistration */

static void notified(bide_observer *listener, bide_source *done)
{
	EXPLORE_CHECK(listener == &s.listener && bide_is_done_(done));
	s.notified++;
	BIDE_STORE(&s.flag, 1u, RELEASE);
}

static void setup_listened_to(void)
{
	setup_failing();
	s.listener.run = notified;
	EXPLORE_CHECK(bide_listen_(s.value, &s.listener, "explore", NULL) == BIDE_REGISTERED_);
}

static void unlisten_thread(void)
{
	s.taken = bide_unlisten_(&s.frame->source, &s.listener);
	if (!s.taken) { /* it is running or has run; then the frame is ours */
		explore_await_word(&s.flag);
		EXPLORE_CHECK(s.notified == 1);
		EXPLORE_CHECK(bide_consume_(&s.frame->source, NULL).state == ERROR);
	} else {
		s.listener.run = NULL;
		bide_value_task_forget(s.value);
	}
}

static void unlisten_check(void)
{
	check_freed_once();
	EXPLORE_CHECK(s.notified == !s.taken && explore_unobserved() == s.taken);
}

SCENARIO(unlisten_against_complete, setup_listened_to, THREADS(unlisten_thread, produce),
         unlisten_check, .external = 0)

static void setup_listener(void)
{
	setup_failing();
	s.listener.run = notified;
}

static void listen_unlisten_thread(void)
{
	switch (bide_listen_(s.value, &s.listener, "explore", NULL)) {
	case BIDE_REGISTERED_:
		unlisten_thread();
		break;
	case BIDE_ALREADY_DONE_:
		s.notified++;
		EXPLORE_CHECK(bide_consume_(&s.frame->source, NULL).state == ERROR);
		break;
	default:
		EXPLORE_CHECK(false);
	}
}

SCENARIO(listen_unlisten_against_complete, setup_listener, THREADS(listen_unlisten_thread, produce),
         unlisten_check, .external = 0)

/* Like an item that lost when_any, the value task is awaited again. */
static void unlisten_await_thread(void)
{
	s.taken = bide_unlisten_(&s.frame->source, &s.listener);
	if (!s.taken)
		explore_await_word(&s.flag);
	consume(0, s.value);
	explore_run();
}

static void unlisten_await_check(void)
{
	consumed(0, 0, ERROR);
	EXPLORE_CHECK(s.notified == !s.taken);
	check_freed_once();
}

SCENARIO(unlisten_await_against_complete, setup_listened_to,
         THREADS(unlisten_await_thread, produce), unlisten_await_check, .external = 0)

/* ---- a task: subscriptions */

static void subscribe(int index)
{
	bide_value_task subscription = bide_task_await(s.task);

	if (bide_is_pending_(subscription))
		explore_watch((void *)subscription.state);
	consume(index, subscription);
}

static void task_await_thread(void)
{
	subscribe(0);
	explore_run();
}

static void task_complete_thread(void)
{
	bide_task_complete_int(s.task, RESULT);
}

static void task_await_check(void)
{
	consumed(0, RESULT, 0);
	EXPLORE_CHECK(bide_task_result(s.task).i == RESULT);
	bide_task_unref(s.task);
	EXPLORE_CHECK(explore_is_released(s.task));
}

SCENARIO(task_await_against_complete, setup_task, THREADS(task_await_thread, task_complete_thread),
         task_await_check, .external = 0)
SCENARIO(task_await_against_external_complete, setup_task,
         THREADS(task_await_thread, task_complete_thread), task_await_check, .external = 2,
         .one_worker = true)

static void check_subscriptions(size_t expected)
{
	size_t count;

	EXPLORE_CHECK(bide_subscriptions_are_valid_((bide_source *)s.task, &count));
	EXPLORE_CHECK(count == expected);
}

static void setup_subscribed(void)
{
	setup_task();
	s.subscription = bide_task_await(s.task);
	explore_watch((void *)s.subscription.state);
	consume(0, s.subscription);
}

static void cancel_subscription_thread(void)
{
	bide_subscription_cancel_((bide_source *)s.subscription.state, BIDE_ECANCELED_);
	explore_run();
}

static void cancel_subscription_check(void)
{
	consumed(0, RESULT, s.seen[0].error == BIDE_ECANCELED_ ? BIDE_ECANCELED_ : 0);
	EXPLORE_CHECK(bide_task_status(s.task) == BIDE_SUCCEEDED);
	bide_task_unref(s.task);
	EXPLORE_CHECK(explore_is_released(s.task));
}

/*
 * With one worker, the awaiters of an external completion are woken where subscriptions are
 * canceled.
 */
SCENARIO(subscription_cancel_against_external_complete, setup_subscribed,
         THREADS(cancel_subscription_thread, task_complete_thread), cancel_subscription_check,
         .external = 2)

/*
 * A thread cancels a wait and drops the last reference. The task may be freed as soon as the list
 * is unlocked.
 */
static void cancel_subscription_unref_thread(void)
{
	bide_subscription_cancel_((bide_source *)s.subscription.state, BIDE_ECANCELED_);
	bide_task_unref(s.task);
	explore_run();
}

static void complete_unref_thread(void)
{
	bide_task_complete_int(s.task, RESULT);
	bide_task_unref(s.task);
}

static void setup_subscribed_twice_referred(void)
{
	setup_subscribed();
	(void)bide_task_ref(s.task);
}

static void cancel_subscription_unref_check(void)
{
	consumed(0, RESULT, s.seen[0].error == BIDE_ECANCELED_ ? BIDE_ECANCELED_ : 0);
	EXPLORE_CHECK(explore_is_released(s.task));
}

SCENARIO(subscription_cancel_unref_against_external_complete_unref, setup_subscribed_twice_referred,
         THREADS(cancel_subscription_unref_thread, complete_unref_thread),
         cancel_subscription_unref_check, .external = 2)

/* The second wait begins while the task completes; the first is already registered. */
static void second_subscriber_thread(void)
{
	subscribe(1);
	explore_run();
}

static void two_subscribers_check(void)
{
	consumed(1, RESULT, 0);
	task_await_check();
}

SCENARIO(two_subscribers_against_complete, setup_subscribed,
         THREADS(second_subscriber_thread, task_complete_thread), two_subscribers_check,
         .external = 0)
SCENARIO(two_subscribers_against_external_complete, setup_subscribed,
         THREADS(second_subscriber_thread, task_complete_thread), two_subscribers_check,
         .external = 2)

/* Both waits begin at once. */
static void subscribe_only_thread(void)
{
	subscribe(1);
}

static void subscribe_check(void)
{
	check_subscriptions(2);
	bide_task_complete_int(s.task, RESULT);
	explore_finish();
	two_subscribers_check();
}

SCENARIO(subscribe_against_subscribe, setup_task, THREADS(task_await_thread, subscribe_only_thread),
         subscribe_check, .external = 0)

/* A wait begins while another one is canceled. */
static void subscribe_and_cancel_check(void)
{
	check_subscriptions(1);
	bide_task_complete_int(s.task, RESULT);
	explore_finish();
	consumed(1, RESULT, 0);
	cancel_subscription_check();
}

SCENARIO(subscribe_against_subscription_cancel, setup_subscribed,
         THREADS(cancel_subscription_thread, subscribe_only_thread), subscribe_and_cancel_check,
         .external = 2)

static void cancel_and_subscribe_thread(void)
{
	bide_subscription_cancel_((bide_source *)s.subscription.state, BIDE_ECANCELED_);
	second_subscriber_thread();
}

static void cancel_and_subscribe_check(void)
{
	consumed(1, RESULT, 0);
	cancel_subscription_check();
}

SCENARIO(subscription_cancel_and_subscribe_against_external_complete, setup_subscribed,
         THREADS(cancel_and_subscribe_thread, task_complete_thread), cancel_and_subscribe_check,
         .external = 2)

/* ---- completion sources */

static void try_complete_thread(void)
{
	s.won[0] = bide_task_try_complete(s.task, bide_payload_int_(RESULT));
}

static void try_fail_thread(void)
{
	s.won[1] = bide_task_try_fail(s.task, ERROR);
}

static void run_thread(void)
{
	explore_run();
}

static void one_winner_check(void)
{
	EXPLORE_CHECK(s.won[0] != s.won[1]);
	consumed(0, RESULT, s.won[0] ? 0 : ERROR);
	EXPLORE_CHECK(bide_task_error(s.task) == (s.won[0] ? 0 : ERROR));
	bide_task_unref(s.task);
	EXPLORE_CHECK(explore_is_released(s.task));
}

SCENARIO(try_complete_against_try_fail_with_waiter, setup_subscribed,
         THREADS(run_thread, try_complete_thread, try_fail_thread), one_winner_check, .external = 6)
SCENARIO(try_complete_against_try_fail_and_await, setup_task,
         THREADS(task_await_thread, try_complete_thread, try_fail_thread), one_winner_check,
         .newest_only = true)

static void setup_two_references(void)
{
	setup_task();
	(void)bide_task_ref(s.task);
}

static void unref_thread(void)
{
	bide_task_unref(s.task);
}

static void released_check(void)
{
	EXPLORE_CHECK(explore_is_released(s.task));
}

SCENARIO(last_unref_against_complete, setup_two_references,
         THREADS(unref_thread, complete_unref_thread), released_check, .external = 0)

static void unref_run_thread(void)
{
	bide_task_unref(s.task);
	explore_run();
}

static void waiter_of_released_check(void)
{
	consumed(0, RESULT, 0);
	released_check();
}

SCENARIO(last_unref_with_waiter_against_complete, setup_subscribed_twice_referred,
         THREADS(unref_run_thread, complete_unref_thread), waiter_of_released_check, .external = 2)

/* The task is never completed, so the last reference fails the waits. */
static void broken_check(void)
{
	consumed(0, 0, BIDE_EBROKEN);
	released_check();
	EXPLORE_CHECK(explore_unobserved() == 0);
}

SCENARIO(last_unref_against_last_unref, setup_subscribed_twice_referred,
         THREADS(unref_run_thread, unref_thread), broken_check, .external = 2)

/* The task is a frame: its last reference is dropped while the function ends. */
static void setup_frame_task(void)
{
	setup_failing();
	s.task = bide_value_task_as_task(s.value);
}

SCENARIO(frame_task_unref_against_complete, setup_frame_task, THREADS(unref_thread, produce),
         forget_check, .external = 0)

static void setup_frame_task_two_references(void)
{
	setup_frame_task();
	(void)bide_task_ref(s.task);
}

SCENARIO(frame_task_two_unrefs_against_complete, setup_frame_task_two_references,
         THREADS(unref_thread, produce, unref_thread), forget_check, .external = 0)

/* ---- sources of the user */

static void setup_user(void)
{
	reset();
	for (int i = 0; i < 2; i++)
		bide_user_source_init(&s.sources[i], NULL);
	s.value = bide_user_source_value_task(&s.sources[0]);
	s.items[0] = s.value;
	s.items[1] = bide_user_source_value_task(&s.sources[1]);
}

static void user_complete_thread(void)
{
	s.won[0] = bide_user_source_try_complete(&s.sources[0], bide_payload_int_(RESULT));
}

static void user_fail_thread(void)
{
	s.won[1] = bide_user_source_try_fail(&s.sources[0], ERROR);
}

static void user_check(void)
{
	EXPLORE_CHECK(s.won[0]);
	consumed(0, RESULT, 0);
	bide_user_source_reset(&s.sources[0]);
	EXPLORE_CHECK(s.sources[0].source.word == BIDE_WORD_PENDING_);
}

SCENARIO(user_source_register_against_complete, setup_user,
         THREADS(await_thread, user_complete_thread), user_check, .external = 0)
SCENARIO(user_source_register_against_external_complete, setup_user,
         THREADS(await_thread, user_complete_thread), user_check, .external = 2, .one_worker = true)

static void user_winner_check(void)
{
	EXPLORE_CHECK(s.won[0] != s.won[1]);
	consumed(0, RESULT, s.won[0] ? 0 : ERROR);
}

SCENARIO(user_source_register_against_two_completions, setup_user,
         THREADS(await_thread, user_complete_thread, user_fail_thread), user_winner_check,
         .external = 6)

/* A new generation begins while another thread tries to complete it, perhaps too early. */
static void setup_consumed(void)
{
	setup_user();
	EXPLORE_CHECK(bide_user_source_try_complete(&s.sources[0], bide_payload_int_(0)));
	(void)bide_consume_(&s.sources[0].source, NULL).state;
}

static void user_reset_thread(void)
{
	bide_user_source_reset(&s.sources[0]);
	consume(0, bide_user_source_value_task(&s.sources[0]));
	explore_run();
}

static void user_reset_check(void)
{
	if (!s.won[0])
		user_complete_thread();
	explore_finish();
	user_check();
}

SCENARIO(user_source_reset_against_complete, setup_consumed,
         THREADS(user_reset_thread, user_complete_thread), user_reset_check, .external = 2)

static void user_as_task_thread(void)
{
	s.task = bide_value_task_as_task(s.value);
	subscribe(0);
	explore_run();
}

SCENARIO(user_source_as_task_against_external_complete, setup_user,
         THREADS(user_as_task_thread, user_complete_thread), task_await_check, .external = 2)
SCENARIO(user_source_as_task_against_complete, setup_user,
         THREADS(user_as_task_thread, user_complete_thread), task_await_check, .external = 0)

/* ---- a continuation that listens to two sources and is removed from one */

static void when_any_thread(void)
{
	s.subscription = bide_when_any(s.items, 2);
	if (bide_is_pending_(s.subscription))
		explore_watch((void *)s.subscription.state);
	consume(0, s.subscription);
	while (s.seen[0].count == 0)
		explore_run_once();
	/* The winner is complete. The loser is unchanged or complete, too. */
	EXPLORE_CHECK(s.seen[0].result == 0 || s.seen[0].result == 1);
	EXPLORE_CHECK(bide_is_done_(&s.sources[s.seen[0].result].source));
	explore_run();
}

static void user_other_thread(void)
{
	s.won[1] = bide_user_source_try_fail(&s.sources[1], ERROR);
}

static void when_any_check(void)
{
	EXPLORE_CHECK(s.won[0] && s.won[1]);
	consumed(0, s.seen[0].result, 0);
	for (int i = 0; i < 2; i++) {
		EXPLORE_CHECK(bide_is_done_(&s.sources[i].source));
		EXPLORE_CHECK(bide_consume_(&s.sources[i].source, NULL).state == (i ? ERROR : 0));
	}
}

static void setup_when_any(void)
{
	setup_user();
	s.subscription = bide_when_any(s.items, 2);
	explore_watch((void *)s.subscription.state);
	consume(0, s.subscription);
}

SCENARIO(when_any_against_two_completions, setup_when_any,
         THREADS(user_complete_thread, user_other_thread), when_any_check, .external = 0)
SCENARIO(when_any_against_two_external_completions, setup_user,
         THREADS(when_any_thread, user_complete_thread, user_other_thread), when_any_check,
         .external = 6, .one_worker = true)

/* ---- cancellation */

static void callback(void *argument)
{
	(void)argument;
	EXPLORE_CHECK(!s.after);
	s.fired++;
}

static void setup_cancel(void)
{
	reset();
	s.cancel = bide_cancel_source_create();
	s.token = bide_cancel_source_token(s.cancel);
	explore_watch(s.cancel);
}

static void register_thread(void)
{
	s.told = bide_cancel_token_register(s.token, &s.registration, callback, NULL);
}

static void cancel_thread(void)
{
	EXPLORE_CHECK(bide_cancel_source_cancel(s.cancel));
}

static void register_check(void)
{
	EXPLORE_CHECK(s.fired == 1);
	EXPLORE_CHECK(bide_cancel_source_is_canceled(s.cancel));
	EXPLORE_CHECK(bide_cancel_source_is_valid_(s.cancel));
	bide_cancel_source_unref(s.cancel);
	EXPLORE_CHECK(explore_freed(s.cancel) == 0); /* counted only while the threads run */
}

SCENARIO(cancel_against_register, setup_cancel, THREADS(register_thread, cancel_thread),
         register_check, .external = 0)

static void setup_registered(void)
{
	setup_cancel();
	EXPLORE_CHECK(bide_cancel_token_register(s.token, &s.registration, callback, NULL));
}

static void unregister_thread(void)
{
	s.taken = bide_cancel_registration_unregister_wait(&s.registration);
	s.after = true; /* plain: the callback has returned or will never run */
	EXPLORE_CHECK(s.fired == !s.taken);
}

static void unregister_check(void)
{
	EXPLORE_CHECK(s.fired == !s.taken);
	EXPLORE_CHECK(bide_cancel_source_is_valid_(s.cancel));
	bide_cancel_source_unref(s.cancel);
}

SCENARIO(cancel_against_unregister, setup_registered, THREADS(unregister_thread, cancel_thread),
         unregister_check, .external = 0)

static void register_unregister_thread(void)
{
	register_thread();
	s.taken = bide_cancel_registration_unregister_wait(&s.registration);
	s.after = true;
	EXPLORE_CHECK(s.fired == !s.taken);
}

SCENARIO(cancel_against_register_unregister, setup_cancel,
         THREADS(register_unregister_thread, cancel_thread), unregister_check, .external = 0)

static void cancel_again_thread(void)
{
	s.won[1] = bide_cancel_source_cancel(s.cancel);
}

static void cancel_first_thread(void)
{
	s.won[0] = bide_cancel_source_cancel(s.cancel);
}

static void cancel_twice_check(void)
{
	EXPLORE_CHECK(s.won[0] != s.won[1] && s.fired == 1);
	EXPLORE_CHECK(bide_cancel_source_is_valid_(s.cancel));
	bide_cancel_source_unref(s.cancel);
}

SCENARIO(cancel_against_cancel, setup_registered, THREADS(cancel_first_thread, cancel_again_thread),
         cancel_twice_check, .external = 0)

/* A token registers a callback while the last reference to its source is dropped. */
static void cancel_unref_thread(void)
{
	bide_cancel_source_unref(s.cancel);
}

static void register_dead_check(void)
{
	EXPLORE_CHECK(s.fired == 0 && explore_freed(s.cancel) == 1);
	EXPLORE_CHECK(!bide_cancel_token_is_canceled(s.token));
	EXPLORE_CHECK(bide_cancel_cells_are_valid_());
}

static void register_dead_thread(void)
{
	register_thread();
	(void)bide_cancel_registration_unregister(&s.registration);
}

SCENARIO(register_against_last_unref, setup_cancel,
         THREADS(register_dead_thread, cancel_unref_thread), register_dead_check, .external = 0)

/* An operation of the worker is in a context that another thread cancels. */
static bide_context *context;

static void operation_canceled(bide_cancel_node *node, int error)
{
	EXPLORE_CHECK(node == &s.node && error == BIDE_ECANCELED_ && !s.after);
	EXPLORE_CHECK(bide_port_on_worker_());
	s.fired++;
}

static bide_cancel_core *core_of_context(void)
{
	uintptr_t saved = bide_context_push_(context);
	bide_cancel_core *core = bide_context_core_();

	bide_context_pop_(saved);
	return core;
}

static void setup_context(void)
{
	reset();
	context = bide_context_create(NULL);
	explore_watch(context);
	s.core = core_of_context();
}

static void link_thread(void)
{
	s.error = bide_cancel_link_(s.core, &s.node, operation_canceled);
	EXPLORE_CHECK(s.error == 0 || s.error == BIDE_ECANCELED_);
	explore_run();
	EXPLORE_CHECK(s.fired == (s.error == 0));
	bide_cancel_unlink_(&s.node);
	bide_cancel_node_unref_(&s.node);
}

static void context_cancel_thread(void)
{
	EXPLORE_CHECK(bide_context_cancel(context, BIDE_ECANCELED_));
}

static void context_check(void)
{
	EXPLORE_CHECK(bide_context_error(context) == BIDE_ECANCELED_);
	EXPLORE_CHECK(bide_context_is_valid_(context));
	bide_context_unref(context);
}

SCENARIO(cancel_against_link, setup_context, THREADS(link_thread, context_cancel_thread),
         context_check, .external = 2)

static void link_unlink_thread(void)
{
	s.error = bide_cancel_link_(s.core, &s.node, operation_canceled);
	bide_cancel_unlink_(&s.node); /* the operation has ended */
	bide_cancel_node_unref_(&s.node);
	s.after = true;
	explore_run();
	EXPLORE_CHECK(s.fired == 0);
}

SCENARIO(cancel_against_link_unlink, setup_context,
         THREADS(link_unlink_thread, context_cancel_thread), context_check, .external = 2)

/* The operation holds the context, and may be the last to do so. */
static void link_unref_thread(void)
{
	s.error = bide_cancel_link_(s.core, &s.node, operation_canceled);
	bide_context_unref(context);
	explore_run();
	bide_cancel_unlink_(&s.node);
	bide_cancel_node_unref_(&s.node);
}

static void setup_context_two_references(void)
{
	setup_context();
	(void)bide_context_ref(context);
}

static void context_cancel_unref_thread(void)
{
	EXPLORE_CHECK(bide_context_cancel(context, BIDE_ECANCELED_));
	bide_context_unref(context);
}

static void context_freed_check(void)
{
	EXPLORE_CHECK(explore_freed(context) == 1);
	EXPLORE_CHECK(s.fired == (s.error == 0));
}

SCENARIO(cancel_unref_against_link_unref, setup_context_two_references,
         THREADS(link_unref_thread, context_cancel_unref_thread), context_freed_check,
         .external = 2)

/* A task is awaited in a context that a second thread cancels while a third completes the task. */
static void setup_cancellable(void)
{
	uintptr_t saved;

	setup_context();
	s.task = bide_task_create(0);
	saved = bide_context_push_(context);
	s.subscription = bide_task_await(s.task);
	bide_context_pop_(saved);
	explore_watch((void *)s.subscription.state);
	consume(0, s.subscription);
}

static void cancellable_check(void)
{
	consumed(0, RESULT, s.seen[0].error == BIDE_ECANCELED_ ? BIDE_ECANCELED_ : 0);
	bide_task_unref(s.task);
	context_check();
}

static void cancel_complete_thread(void)
{
	context_cancel_thread();
	task_complete_thread();
}

static void cancel_run_thread(void)
{
	context_cancel_thread();
	explore_run();
}

SCENARIO(context_cancel_and_task_complete_against_worker, setup_cancellable,
         THREADS(run_thread, cancel_complete_thread), cancellable_check, .external = 2)
SCENARIO(context_cancel_against_task_complete, setup_cancellable,
         THREADS(cancel_run_thread, task_complete_thread), cancellable_check, .external = 2)

/* ---- linked sources */

static void attach_thread(void)
{
	s.child = bide_cancel_source_create_linked(&s.token, 1);
	explore_watch(s.child);
	(void)bide_cancel_source_is_canceled(s.child);
}

static void attach_check(void)
{
	EXPLORE_CHECK(bide_cancel_source_is_canceled(s.child));
	EXPLORE_CHECK(bide_cancel_source_is_valid_(s.child));
	EXPLORE_CHECK(bide_cancel_source_is_valid_(s.cancel));
	bide_cancel_source_unref(s.child);
	bide_cancel_source_unref(s.cancel);
}

SCENARIO(attach_against_cancel_of_parent, setup_cancel, THREADS(attach_thread, cancel_thread),
         attach_check, .external = 0)

static void attach_register_thread(void)
{
	attach_thread();
	s.child_token = bide_cancel_source_token(s.child);
	s.told = bide_cancel_token_register(s.child_token, &s.registration, callback, NULL);
}

static void attach_register_check(void)
{
	EXPLORE_CHECK(s.fired == 1);
	attach_check();
}

SCENARIO(attach_register_against_cancel_of_parent, setup_cancel,
         THREADS(attach_register_thread, cancel_thread), attach_register_check, .external = 0)

static void setup_child(void)
{
	setup_cancel();
	s.child = bide_cancel_source_create_linked(&s.token, 1);
	explore_watch(s.child);
}

static void child_unref_thread(void)
{
	bide_cancel_source_unref(s.child);
}

static void child_gone_check(void)
{
	EXPLORE_CHECK(explore_freed(s.child) == 1);
	EXPLORE_CHECK(bide_cancel_source_is_valid_(s.cancel));
	bide_cancel_source_unref(s.cancel);
}

SCENARIO(last_unref_of_child_against_cancel_of_parent, setup_child,
         THREADS(child_unref_thread, cancel_thread), child_gone_check, .external = 0)

static void child_and_parent_gone_check(void)
{
	EXPLORE_CHECK(explore_freed(s.child) == 1 && explore_freed(s.cancel) == 1);
	EXPLORE_CHECK(bide_cancel_cells_are_valid_());
}

SCENARIO(last_unref_of_child_against_last_unref_of_parent, setup_child,
         THREADS(child_unref_thread, cancel_unref_thread), child_and_parent_gone_check,
         .external = 0)
