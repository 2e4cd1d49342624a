/*
 * Open groups: threads that add, close, cancel and wait, and members that end, meet. The group ends
 * once, after every member that it took, and no thread touches its memory afterwards.
 */
#include "explore.h"

#include <string.h>

#include "base/port.h"
#include "context/context.h"
#include "memory/allocator.h"
#include "ops/group.h"

static struct {
	bide_group *group;
	bool is_released; /* with the end of the wait */
	bide_context *context;
	bide_observer listener;
	bide_user_source source; /* a member that is there from the start */
	bide_user_source added;
	unsigned ended;
	int error;
	bool closed[EXPLORE_THREADS]; /* what bide_group_close returned */
	int refused;                  /* what bide_group_add returned */
} m;

#define MANY(name_, setup_, threads_, check_, ...) \
	SCENARIO(group_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

static void over(bide_value_task v)
{
	m.ended++;
	m.error = (int)v.state;
	if (m.is_released)
		bide_deallocate_(m.group, sizeof *m.group);
}

static void ended(bide_observer *listener, bide_source *done)
{
	EXPLORE_CHECK(listener == &m.listener && bide_port_on_worker_());
	over(bide_consume_(done, NULL));
}

static void wait_for_it(void)
{
	bide_value_task v = bide_group_wait(m.group);

	m.listener.run = ended;
	if (!bide_is_pending_(v)) {
		over(v);
		return;
	}
	explore_watch((void *)v.state);
	if (bide_listen_(v, &m.listener, "explore", NULL) == BIDE_ALREADY_DONE_)
		over(bide_consume_((bide_source *)v.state, NULL));
}

static void setup(void)
{
	memset(&m, 0, sizeof m);
	m.group = bide_allocate_(sizeof *m.group, 16);
	memset(m.group, 0, sizeof *m.group);
	EXPLORE_CHECK(bide_group_init(m.group, &(bide_group_options){ .open = true }) == 0);
	m.context = bide_context_ref(m.group->context_);
	m.refused = -1;
	bide_user_source_init(&m.source, NULL);
	bide_user_source_init(&m.added, NULL);
}

/* The memory of the group goes with the end of the wait. */
static void setup_member(void)
{
	setup();
	m.is_released = true;
	EXPLORE_CHECK(bide_group_add(m.group, bide_user_source_value_task(&m.source)) == 0);
}

static void setup_waited(void)
{
	setup_member();
	wait_for_it();
}

static void close_thread(void)
{
	m.closed[0] = bide_group_close(m.group);
}

static void close_too_thread(void)
{
	m.closed[1] = bide_group_close(m.group);
}

static void close_and_wait_thread(void)
{
	m.closed[0] = bide_group_close(m.group);
	wait_for_it();
}

static void wait_thread(void)
{
	wait_for_it();
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(m.context, BIDE_ECANCELED_);
}

static void end_member_thread(void)
{
	(void)bide_user_source_try_complete(&m.source, (bide_payload){ .i = 1 });
}

static void fail_member_thread(void)
{
	(void)bide_user_source_try_fail(&m.source, 5);
}

static void add_thread(void)
{
	m.refused = bide_group_add(m.group, bide_user_source_value_task(&m.added));
	EXPLORE_CHECK(m.refused == 0 || m.refused == BIDE_EPIPE_);
}

static void add_ready_thread(void)
{
	m.refused = bide_group_add(m.group, bide_value_task_from_error(5));
}

static void clean_up(void)
{
	bide_context_unref(m.context);
	if (!m.is_released)
		bide_deallocate_(m.group, sizeof *m.group);
}

static void check_ended(void)
{
	EXPLORE_CHECK(m.ended == 1 && m.error == 0);
	clean_up();
}

static void check_failed(void)
{
	EXPLORE_CHECK(m.ended == 1 && m.error == 5);
	clean_up();
}

/* The group waits for the member that it took, and for no other. */
static void check_added(void)
{
	EXPLORE_CHECK(m.closed[0] && m.ended == (m.refused != 0));
	(void)bide_user_source_try_complete(&m.added, (bide_payload){ .i = 1 });
	EXPLORE_CHECK(m.ended == 1 && m.error == 0);
	EXPLORE_CHECK(bide_group_add(m.group, bide_value_task_completed()) == BIDE_EPIPE_);
	EXPLORE_CHECK(!bide_group_close(m.group));
	bide_group_cancel(m.group);
	clean_up();
}

static void check_added_ready(void)
{
	EXPLORE_CHECK(m.ended == 1 && m.error == (m.refused ? 0 : 5));
	EXPLORE_CHECK(m.closed[0] || m.refused == 0);
	clean_up();
}

static void check_closed_once(void)
{
	EXPLORE_CHECK(m.closed[0] != m.closed[1]);
	wait_for_it();
	check_ended();
}

MANY(close_against_close, setup, (close_thread, close_too_thread), check_closed_once, .external = 0)
MANY(add_against_close_and_wait, setup, (close_and_wait_thread, add_thread), check_added,
     .external = 0)
MANY(ready_failure_against_close_and_wait, setup, (close_and_wait_thread, add_ready_thread),
     check_added_ready, .external = 0)
MANY(end_against_close_and_wait, setup_member, (close_and_wait_thread, end_member_thread),
     check_ended, .external = 0)
MANY(end_against_close_while_waited_for, setup_waited, (close_thread, end_member_thread),
     check_ended, .external = 0)
MANY(failure_against_wait, setup_member, (wait_thread, fail_member_thread), check_failed,
     .external = 0)
MANY(add_against_close_against_wait, setup, (close_thread, add_thread, wait_thread), check_added,
     .newest_only = true, .switches_max = 3)
MANY(cancel_against_close_and_wait_against_end, setup_member,
     (close_and_wait_thread, cancel_thread, end_member_thread), check_ended, .newest_only = true,
     .switches_max = 2)
MANY(cancel_against_wait_against_end, setup_member, (wait_thread, cancel_thread, end_member_thread),
     check_ended, .newest_only = true, .switches_max = 2)

/* --- one worker, and another thread --- */

static void run_thread(void)
{
	explore_run();
}

static void wait_and_run_thread(void)
{
	wait_for_it();
	explore_run();
}

static void check_closed_by_cancel(void)
{
	EXPLORE_CHECK(!bide_group_close(m.group));
	wait_for_it();
	end_member_thread();
	check_ended();
}

SCENARIO(group_close_elsewhere, setup, THREADS(wait_and_run_thread, close_thread), check_ended,
         .one_worker = true, .external = 2)
SCENARIO(group_add_and_close_elsewhere, setup,
         THREADS(wait_and_run_thread, close_thread, add_ready_thread), check_added_ready,
         .one_worker = true, .external = 6, .newest_only = true, .switches_max = 3)
SCENARIO(group_cancel_elsewhere, setup_member, THREADS(run_thread, cancel_thread),
         check_closed_by_cancel, .one_worker = true, .external = 2)
