/*
 * Many workers: what ends an operation may come from any thread. In each scenario the threads that
 * an operation concerns meet: those that start, complete, cancel and expire it.
 */
#include "explore.h"

#include <string.h>

#include "bide/async.h"
#include "cancel/cancel_cell.h"
#include "cancel/cancel_source.h"
#include "context/context.h"
#include "context/executor.h"

enum { RESULT = 42, LATER_NS = 1000, TIMER_CLASS = 0 };

static struct {
	bide_context *context;
	bide_cancel_source *cancel;
	bide_task *task;
	bide_value_task wait;
	bide_observer listener;
	unsigned ended, ran;
	int error;
	int64_t result;
	bide_user_source source;
	bide_value_task item; /* in memory that outlives the wait */
	bide_executor *strand;
	unsigned running; /* plain: two at the same time would race */
} m;

#define MANY(name_, setup_, threads_, check_, ...) \
	SCENARIO(many_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

/* --- the waiter --- */

/* Runs once, on any thread. */
static void ended(bide_observer *listener, bide_source *done)
{
	bide_value_task v = bide_consume_(done, NULL);

	EXPLORE_CHECK(listener == &m.listener);
	m.ended++;
	m.error = (int)v.state;
	m.result = v.payload.i;
}

static void ready(bide_value_task v)
{
	m.ended++;
	m.error = (int)v.state;
	m.result = v.payload.i;
}

/* Notes the outcome if it is ready; otherwise registers the listener. */
static void listen_to(bide_value_task v)
{
	m.listener.run = ended;
	if (!bide_is_pending_(v)) {
		ready(v);
		return;
	}
	explore_watch((void *)v.state);
	if (bide_listen_(v, &m.listener, "explore", NULL) == BIDE_ALREADY_DONE_)
		ready(bide_consume_((bide_source *)v.state, NULL));
}

static void setup_context(void)
{
	memset(&m, 0, sizeof m);
	m.context = bide_context_create(NULL);
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(m.context, BIDE_ECANCELED_);
}

static void expire_thread(void)
{
	(void)explore_expire();
}

static void expire_all(void)
{
	while (explore_expire())
		;
}

static void check_ended(void)
{
	expire_all();
	EXPLORE_CHECK(m.ended == 1);
	EXPLORE_CHECK(bide_context_is_valid_(m.context));
	bide_context_unref(m.context);
	expire_all();
}

/* --- a delay --- */

static bide_value_task in_context(bide_value_task (*start)(void))
{
	uintptr_t saved = bide_context_push_(m.context);
	bide_value_task v = start();

	bide_context_pop_(saved);
	return v;
}

static bide_value_task delay(void)
{
	return bide_delay(LATER_NS);
}

static bide_value_task endless(void)
{
	return bide_delay(BIDE_FOREVER);
}

static void setup_delay(void)
{
	setup_context();
	listen_to(in_context(delay));
}

static void delay_thread(void)
{
	listen_to(in_context(delay));
}

static void endless_thread(void)
{
	listen_to(in_context(endless));
}

static void check_delay(void)
{
	check_ended();
	EXPLORE_CHECK(m.error == 0 || m.error == BIDE_ECANCELED_);
}

/* It must have ended at once, not only when it was due. */
static void check_canceled(void)
{
	EXPLORE_CHECK(m.ended == 1);
	check_ended();
	EXPLORE_CHECK(m.error == BIDE_ECANCELED_);
}

MANY(delay_due_against_cancel, setup_delay, (expire_thread, cancel_thread), check_delay,
     .external = 0)
MANY(delay_started_against_cancel, setup_context, (delay_thread, cancel_thread), check_canceled,
     .external = 0)
MANY(delay_started_against_cancel_and_due, setup_context,
     (delay_thread, cancel_thread, expire_thread), check_delay, .newest_only = true,
     .switches_max = 3)
MANY(endless_delay_started_against_cancel, setup_context, (endless_thread, cancel_thread),
     check_canceled, .external = 0)

/* --- a wait for a task --- */

static bide_value_task wait_for_task(void)
{
	return bide_task_await_for(m.task, LATER_NS);
}

static bide_value_task wait_long_for_task(void)
{
	return bide_task_await(m.task);
}

static void setup_task(void)
{
	setup_context();
	m.task = bide_task_create(0);
}

static void setup_wait(void)
{
	setup_task();
	listen_to(in_context(wait_for_task));
}

static void setup_long_wait(void)
{
	setup_task();
	listen_to(in_context(wait_long_for_task));
}

static void wait_thread(void)
{
	listen_to(in_context(wait_for_task));
}

static void wait_long_thread(void)
{
	listen_to(in_context(wait_long_for_task));
}

static void complete_thread(void)
{
	bide_task_complete_int(m.task, RESULT);
}

static void check_wait(void)
{
	if (!bide_task_is_ready(m.task))
		complete_thread();
	check_ended();
	EXPLORE_CHECK(m.error || m.result == RESULT);
	bide_task_unref(m.task);
	EXPLORE_CHECK(explore_is_released(m.task));
}

MANY(wait_completed_against_canceled, setup_long_wait, (complete_thread, cancel_thread), check_wait,
     .external = 0)
MANY(wait_completed_against_expired, setup_wait, (complete_thread, expire_thread), check_wait,
     .external = 0)
MANY(wait_canceled_against_expired, setup_wait, (cancel_thread, expire_thread), check_wait,
     .external = 0)
MANY(wait_completed_canceled_expired, setup_wait, (complete_thread, cancel_thread, expire_thread),
     check_wait, .newest_only = true, .switches_max = 2)
MANY(wait_registered_against_completed, setup_task, (wait_thread, complete_thread), check_wait,
     .external = 0)
MANY(wait_registered_against_canceled, setup_task, (wait_long_thread, cancel_thread), check_wait,
     .external = 0)
MANY(wait_registered_against_expired, setup_task, (wait_thread, expire_thread), check_wait,
     .external = 0)
MANY(wait_registered_completed_canceled, setup_task,
     (wait_long_thread, complete_thread, cancel_thread), check_wait, .newest_only = true,
     .switches_max = 3)
MANY(wait_registered_canceled_expired, setup_task, (wait_thread, cancel_thread, expire_thread),
     check_wait, .newest_only = true, .switches_max = 3)

/* --- alarms: the deadline of a context, and of a cancel source --- */

static void setup_deadline(void)
{
	memset(&m, 0, sizeof m);
	m.context = bide_context_create(&(bide_context_options){ .timeout_ns = LATER_NS });
	explore_watch(m.context);
}

static void unref_thread(void)
{
	bide_context_unref(m.context);
}

static void check_context_gone(void)
{
	EXPLORE_CHECK(explore_freed(m.context) == 1);
}

MANY(context_end_against_deadline, setup_deadline, (unref_thread, expire_thread),
     check_context_gone, .external = 0)

/* The timer will be the next free object of its class of this thread. */
static void source_after(int64_t delay_ns)
{
	const bide_source *timer = bide_current_thread_->pool[TIMER_CLASS].free;

	(void)!bide_cancel_source_cancel_after(m.cancel, delay_ns);
	explore_watch(timer);
}

static void setup_source(void)
{
	memset(&m, 0, sizeof m);
	m.cancel = bide_cancel_source_create();
	explore_watch(m.cancel);
	source_after(LATER_NS);
}

static void source_unref_thread(void)
{
	bide_cancel_source_unref(m.cancel);
}

static void source_later_thread(void)
{
	(void)!bide_cancel_source_cancel_after(m.cancel, 2 * LATER_NS);
}

static void source_never_unref_thread(void)
{
	(void)!bide_cancel_source_cancel_after(m.cancel, BIDE_FOREVER);
	bide_cancel_source_unref(m.cancel);
}

static void source_later_unref_thread(void)
{
	source_later_thread();
	bide_cancel_source_unref(m.cancel);
}

static void check_source_gone(void)
{
	expire_all();
	EXPLORE_CHECK(explore_freed(m.cancel) == 1);
}

static void check_source_canceled(void)
{
	expire_all();
	EXPLORE_CHECK(bide_cancel_source_is_canceled(m.cancel));
	bide_cancel_source_unref(m.cancel);
}

MANY(source_end_against_alarm, setup_source, (source_unref_thread, expire_thread),
     check_source_gone, .external = 0)
MANY(alarm_set_against_alarm, setup_source, (source_later_thread, expire_thread),
     check_source_canceled, .external = 0)
MANY(alarm_set_against_set, setup_source, (source_later_thread, source_later_thread),
     check_source_canceled, .external = 0)
MANY(alarm_stopped_and_end_against_alarm, setup_source, (source_never_unref_thread, expire_thread),
     check_source_gone, .external = 0)
MANY(alarm_set_and_end_against_alarm, setup_source, (source_later_unref_thread, expire_thread),
     check_source_gone, .newest_only = true, .switches_max = 4)

/* A limit that was withdrawn does not cancel afterwards, even if it was just expiring. */
static bool canceled_before;

static void source_never_thread(void)
{
	(void)!bide_cancel_source_cancel_after(m.cancel, BIDE_FOREVER);
	canceled_before = bide_cancel_source_is_canceled(m.cancel);
}

static void source_reset_thread(void)
{
	canceled_before = !bide_cancel_source_try_reset(m.cancel);
}

static void check_source_as_before(void)
{
	explore_finish();
	expire_all();
	EXPLORE_CHECK(bide_cancel_source_is_canceled(m.cancel) == canceled_before);
	bide_cancel_source_unref(m.cancel);
}

MANY(limit_taken_back_against_alarm, setup_source, (source_never_thread, expire_thread),
     check_source_as_before, .external = 0)
MANY(limit_reset_against_alarm, setup_source, (source_reset_thread, expire_thread),
     check_source_as_before, .external = 0)

/* With one worker, another thread invalidates the limit and posts the new one. */
static void expire_and_run_thread(void)
{
	(void)explore_expire();
	explore_run();
}

#define ONE(name_, setup_, threads_, check_, ...) \
	SCENARIO(one_##name_, setup_, THREADS threads_, check_, .one_worker = true, __VA_ARGS__)

ONE(limit_taken_back_against_alarm, setup_source, (expire_and_run_thread, source_never_thread),
    check_source_as_before, .external = 2)
ONE(limit_reset_against_alarm, setup_source, (expire_and_run_thread, source_reset_thread),
    check_source_as_before, .external = 2)

/* --- tokens: a cell that another source has taken meanwhile --- */

static bide_cancel_token old_token;
static bide_cancel_registration registration;
static bool old_was_canceled;

static void count_callback(void *argument)
{
	(void)argument;
	m.ran++;
}

static void setup_old_token(void)
{
	bide_cancel_source *old = bide_cancel_source_create();

	memset(&m, 0, sizeof m);
	memset(&registration, 0, sizeof registration);
	old_token = bide_cancel_source_token(old);
	bide_cancel_source_unref(old);
}

/*
 * The token has the last number of a block, so the next source gets another block of the same cell.
 */
static void setup_old_token_of_a_block(void)
{
	do
		setup_old_token();
	while (old_token.number_ % 64 != 63);
}

static void new_source_thread(void)
{
	m.cancel = bide_cancel_source_create();
}

static void new_source_cancel_thread(void)
{
	new_source_thread();
	(void)bide_cancel_source_cancel(m.cancel);
}

static void register_old_thread(void)
{
	EXPLORE_CHECK(!bide_cancel_token_register(old_token, &registration, count_callback, NULL));
}

static void ask_old_thread(void)
{
	old_was_canceled = bide_cancel_token_is_canceled(old_token);
}

static void check_old_token(void)
{
	(void)bide_cancel_source_cancel(m.cancel);
	EXPLORE_CHECK(m.ran == 0 && !bide_cancel_token_is_canceled(old_token) && !old_was_canceled);
	EXPLORE_CHECK(bide_cancel_source_is_valid_(m.cancel));
	bide_cancel_source_unref(m.cancel);
	EXPLORE_CHECK(bide_cancel_cells_are_valid_());
}

MANY(old_token_registered_against_new_source, setup_old_token,
     (new_source_thread, register_old_thread), check_old_token, .external = 0)
MANY(old_token_asked_against_new_source, setup_old_token_of_a_block,
     (new_source_cancel_thread, ask_old_thread), check_old_token, .external = 0)

/* --- when_any with a node --- */

static bide_value_task any_of_source(void)
{
	m.item = bide_user_source_value_task(&m.source);
	return bide_when_any(&m.item, 1);
}

static void setup_any(void)
{
	setup_context();
	bide_user_source_init(&m.source, NULL);
	listen_to(in_context(any_of_source));
}

static void setup_source_for_any(void)
{
	setup_context();
	bide_user_source_init(&m.source, NULL);
}

static void any_thread(void)
{
	listen_to(in_context(any_of_source));
}

static void source_complete_thread(void)
{
	(void)bide_user_source_try_complete(&m.source, bide_payload_int_(RESULT));
}

static void check_any(void)
{
	check_ended();
	EXPLORE_CHECK(m.error == 0 || m.error == BIDE_ECANCELED_);
}

MANY(any_completed_against_canceled, setup_any, (source_complete_thread, cancel_thread), check_any,
     .external = 0)
MANY(any_registered_completed_canceled, setup_source_for_any,
     (any_thread, source_complete_thread, cancel_thread), check_any, .newest_only = true,
     .switches_max = 3)

/*
 * --- when_any over tasks: it holds no reference to them, and does not use the array after the call
 * ---
 */

static bide_task *other_task;

static void setup_any_tasks(void)
{
	bide_task *tasks[2];

	setup_task();
	tasks[0] = m.task;
	tasks[1] = other_task = bide_task_create(NULL);
	listen_to(bide_when_any_tasks(tasks, 2));
}

static void complete_and_unref_thread(void)
{
	bide_task_complete_int(m.task, RESULT);
	bide_task_unref(m.task);
}

static void complete_and_unref_other_thread(void)
{
	bide_task_complete_int(other_task, RESULT);
	bide_task_unref(other_task);
}

static void check_any_tasks(void)
{
	EXPLORE_CHECK(m.ended == 1 && m.error == 0 && m.result <= 1);
	EXPLORE_CHECK(explore_is_released(m.task) && explore_is_released(other_task));
	bide_context_unref(m.context);
}

MANY(any_tasks_that_go_at_their_ends, setup_any_tasks,
     (complete_and_unref_thread, complete_and_unref_other_thread), check_any_tasks, .external = 0)

/* --- when_each: the pushing threads, the waiting function, and its end --- */

static bide_when_each each;
static bide_user_source each_sources[2];
static bide_value_task each_items[2];

static void setup_each(void)
{
	memset(&m, 0, sizeof m);
	for (int i = 0; i < 2; i++) {
		bide_user_source_init(&each_sources[i], NULL);
		each_items[i] = bide_user_source_value_task(&each_sources[i]);
	}
	EXPLORE_CHECK(bide_when_each_init(&each, each_items, 2) == 0);
}

static void setup_each_waits(void)
{
	setup_each();
	listen_to(bide_when_each_next(&each));
}

static void each_next_thread(void)
{
	listen_to(bide_when_each_next(&each));
}

static void each_end_thread(void)
{
	listen_to(bide_when_each_end(&each));
}

static void each_complete_thread(void)
{
	bide_user_source_complete_int(&each_sources[0], RESULT);
}

static void each_complete_other_thread(void)
{
	bide_user_source_complete_int(&each_sources[1], RESULT + 1);
}

/* The first item was returned before; the other one is ready. */
static void check_each(void)
{
	bide_value_task v;

	EXPLORE_CHECK(m.ended == 1 && m.error == 0 && m.result <= 1);
	v = bide_when_each_next(&each);
	EXPLORE_CHECK(v.state == 0 && v.payload.i == 1 - m.result);
	v = bide_when_each_next(&each);
	EXPLORE_CHECK(v.state == BIDE_EEND);
	for (int i = 0; i < 2; i++)
		EXPLORE_CHECK(each_items[i].state == 0 && each_items[i].payload.i == RESULT + i);
}

/* The caller owns the items again. */
static void check_each_ended(void)
{
	bide_payload result;

	EXPLORE_CHECK(m.ended == 1 && m.error == 0);
	for (int i = 0; i < 2; i++) {
		EXPLORE_CHECK(bide_value_task_take(each_items[i], &result) == 0);
		EXPLORE_CHECK(result.i == RESULT + i);
	}
}

MANY(each_waits_against_two, setup_each_waits, (each_complete_thread, each_complete_other_thread),
     check_each, .external = 0)
MANY(each_next_against_two, setup_each,
     (each_next_thread, each_complete_thread, each_complete_other_thread), check_each,
     .newest_only = true, .switches_max = 3)
MANY(each_end_against_two, setup_each,
     (each_end_thread, each_complete_thread, each_complete_other_thread), check_each_ended,
     .newest_only = true, .switches_max = 3)

/* --- a group --- */

static bide_group group;

static void setup_group(void)
{
	memset(&m, 0, sizeof m);
	bide_user_source_init(&m.source, NULL);
	EXPLORE_CHECK(bide_group_init(&group, NULL) == 0);
	bide_group_add(&group, bide_user_source_value_task(&m.source));
}

static void group_wait_thread(void)
{
	listen_to(bide_group_wait(&group));
}

static void source_fail_thread(void)
{
	(void)bide_user_source_try_fail(&m.source, 5);
}

static void check_group(void)
{
	EXPLORE_CHECK(m.ended == 1 && m.error == 5);
}

MANY(group_wait_against_failure, setup_group, (group_wait_thread, source_fail_thread), check_group,
     .external = 0)

/* --- a strand: pushes against a resting turn --- */

struct step {
	BIDE_ASYNC_FRAME;
};

bide_async(step)
{
	bide_async_begin;
	m.running++; /* plain */
bide_async_finally:
	bide_async_end;
}

static void setup_strand(void)
{
	memset(&m, 0, sizeof m);
	m.strand = bide_strand_create();
	m.context = bide_context_create(&(bide_context_options){ .executor = m.strand });
}

static bide_value_task start_step(void)
{
	return bide_async_start(step);
}

/* The turn ends though it knows of more functions. */
static void setup_strand_of_short_turns(void)
{
	setup_strand();
	m.strand->batch = 1;
}

static void strand_thread(void)
{
	bide_value_task_forget(in_context(start_step));
}

static void run_thread(void)
{
	explore_run();
}

static void run_both_thread(void)
{
	strand_thread();
	(void)explore_run_now();
	(void)explore_run_now();
}

static void check_strand(void)
{
	explore_finish();
	EXPLORE_CHECK(m.running == 2);
	EXPLORE_CHECK(bide_executor_is_valid_(m.strand));
	bide_context_unref(m.context);
	bide_executor_unref(m.strand);
}

MANY(strand_push_against_push, setup_strand, (strand_thread, strand_thread), check_strand,
     .external = 0)
MANY(strand_push_against_turn, setup_strand, (strand_thread, strand_thread, run_thread),
     check_strand, .newest_only = true, .switches_max = 3)
MANY(strand_turns_against_turns, setup_strand, (run_both_thread, run_both_thread), check_strand,
     .newest_only = true, .switches_max = 4)

MANY(strand_push_against_short_turn, setup_strand_of_short_turns,
     (strand_thread, strand_thread, run_thread), check_strand, .newest_only = true,
     .switches_max = 2)

/* --- a loop over items: lanes on two workers pass on the turn to ask for the next item --- */

enum { ITEMS = 4 };

static struct {
	unsigned asked; /* plain: two that ask at the same time would race */
	uint32_t running;
	unsigned ran[ITEMS]; /* plain */
} loop;

static bide_value_task ask(void)
{
	EXPLORE_CHECK(loop.asked <= ITEMS); /* never asked again after the end */
	if (loop.asked++ == ITEMS)
		return bide_value_task_from_error(BIDE_EEND);
	return bide_value_task_from(loop.asked - 1);
}

static bide_value_task next_item(void *argument)
{
	(void)argument;
	return ask();
}

struct slow_item {
	BIDE_ASYNC_FRAME;
	int64_t item;
};

/* Suspends, so that a lane waits for the turn. */
bide_async(slow_item)
{
	bide_async_begin;
	bide_await(bide_async_yield());
	bide_await_or(my->item, ask(), bide_async_fail(bide_await_error));
	bide_async_return(my->item);
bide_async_finally:
	bide_async_end;
}

static bide_value_task next_slow_item(void *argument)
{
	(void)argument;
	return bide_async_start(slow_item);
}

struct item_body {
	BIDE_ASYNC_FRAME;
	struct {
		int64_t item;
	} in;
};

/* Suspends for a turn, so that another lane is started. */
bide_async(item_body)
{
	bide_async_begin;
	EXPLORE_CHECK(BIDE_ADD(&loop.running, 1u, RELAXED) < 2);
	bide_await(bide_async_yield());
	loop.ran[my->in.item]++;
bide_async_finally:
	(void)BIDE_SUB(&loop.running, 1u, RELAXED);
	bide_async_end;
}

static bide_value_task body_of_item(bide_payload item, void *argument)
{
	(void)argument;
	return bide_async_start(item_body, .item = item.i);
}

/* The check runs what is left. */
static void run_items_thread(void)
{
	for (int i = 0; i < ITEMS; i++)
		(void)explore_run_now();
}

static void start_items(bide_next_function *next)
{
	memset(&m, 0, sizeof m);
	memset(&loop, 0, sizeof loop);
	listen_to(bide_for_each_of(next, body_of_item, NULL, &(bide_parallel_options){ .limit = 2 }));
}

/* The first lane is in its first body, the second one is runnable. */
static void setup_items(void)
{
	start_items(next_item);
}

/* The first lane has the turn. */
static void setup_slow_items(void)
{
	start_items(next_slow_item);
	while (loop.asked < 1)
		EXPLORE_CHECK(explore_run_now());
}

static void check_items(void)
{
	explore_finish();
	EXPLORE_CHECK(m.ended == 1 && m.error == 0 && loop.asked == ITEMS + 1);
	for (unsigned i = 0; i < ITEMS; i++)
		EXPLORE_CHECK(loop.ran[i] == 1);
}

MANY(slow_items_of_two_lanes, setup_slow_items, (run_items_thread, run_items_thread), check_items,
     .newest_only = true, .switches_max = 2)
MANY(items_of_two_lanes, setup_items, (run_items_thread, run_items_thread), check_items,
     .newest_only = true, .switches_max = 2)

/* --- pools: one thread gives back a batch that another takes --- */

enum { BATCH_CLASS = 5 };

static bide_source *object, *taken, *kept[2];
static intptr_t rooms[2];

static bide_pool *pool_of(int thread)
{
	return &explore_head(thread)->pool[BATCH_CLASS];
}

/* Thread 0 has given back as much as it may keep; thread 1 has no object left. */
static void setup_pools(void)
{
	object = bide_pool_take_(explore_head(0), BATCH_CLASS, NULL);
	object->kind = BIDE_KIND_OPERATION_ | BATCH_CLASS;
	for (int i = 0; i < 2; i++) {
		kept[i] = pool_of(i)->free;
		rooms[i] = pool_of(i)->room;
		pool_of(i)->free = NULL;
	}
	pool_of(0)->room = 0;
}

static void give_thread(void)
{
	object->payload.i = 1; /* plain: a thread that takes it from the depot must come later */
	bide_pool_give_(explore_head(0), object, BATCH_CLASS);
}

static void take_thread(void)
{
	taken = bide_pool_take_(explore_head(1), BATCH_CLASS, NULL);
	taken->payload.i = 2;
}

static void check_pools(void)
{
	bide_pool *pool = pool_of(1);
	bide_source *last = taken;

	pool->room -= 1;
	taken->next_free = (uint64_t)(uintptr_t)pool->free;
	while (last->next_free)
		last = (bide_source *)(uintptr_t)last->next_free;
	last->next_free = (uint64_t)(uintptr_t)kept[1];
	pool->free = taken;
	pool_of(0)->free = kept[0];
	pool_of(0)->room = rooms[0] - 1;
	pool->room = rooms[1];
}

MANY(pools_give_against_take, setup_pools, (give_thread, take_thread), check_pools, .external = 0)
