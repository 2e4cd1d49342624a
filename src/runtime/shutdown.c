/*
 * shutdown.c - bide_shutdown.
 */
#include <errno.h>
#include <stdio.h>

#include "async/deque.h"
#include "base/assert.h"
#include "base/count.h"
#include "base/misuse.h"
#include "base/settings.h"
#include "base/thread.h"
#include "cancel/cancel_cell.h"
#include "cancel/cancel_source.h"
#include "debug/leak.h"
#include "memory/allocator.h"
#include "memory/pool.h"
#include "os/os.h"
#include "runtime/at_end.h"
#include "runtime/atfork.h"
#include "runtime/blocking.h"
#include "runtime/caller.h"
#include "runtime/external.h"
#include "runtime/loop.h"
#include "runtime/one_worker.h"
#include "runtime/orphan.h"
#include "runtime/poll.h"
#include "runtime/reactor.h"
#include "runtime/runtime.h"
#include "runtime/simulation.h"
#include "runtime/workers.h"
#include "source/operation.h"
#include "source/source.h"
#include "tasks/subscription.h"

/* Before the pools go: cuts the links from objects that live on to objects in the pools. */
static void let_go(bide_source *source, void *argument)
{
	(void)argument;
	if (bide_kind_of_(source->kind) == BIDE_KIND_OPERATION_) {
		bide_subscription_detach_(source);
		bide_cancel_leak_(source);
		bide_loop_leak_(source);
	}
}

/*
 * Lists the operations that have succeeded with a result that no consumer took. They are over, so
 * their links are free. What a task has handed out (observed) belongs to the consumers of the task.
 */
static void find_unwanted(bide_source *source, void *argument)
{
	bide_operation *operation = (bide_operation *)(void *)source, **first = argument;

	if (bide_kind_of_(source->kind) != BIDE_KIND_OPERATION_ || !bide_is_done_(source) ||
	    source->marks & BIDE_MARK_OBSERVED_ || !bide_result_can_be_dropped_(source))
		return;
	operation->link = *first;
	*first = operation;
}

/* The value tasks of what is in use now end. Outside of the lock of the pools. */
static void drop_unwanted(void)
{
	bide_operation *first = NULL;

	bide_pools_visit_(find_unwanted, &first);
	for (; first; first = first->link)
		bide_result_dropped_(&first->source);
}

/* No other thread runs any more. Frees everything. Returns the number of leaks. */
static uint64_t release_all(bide_runtime *r)
{
	uint64_t leaks = bide_leaks_report_();

	drop_unwanted();
	bide_at_end_last_();
	bide_orphan_end_();
	bide_pools_visit_(let_go, NULL);
	bide_pools_free_();
	bide_cancel_cells_free_();
	if (bide_reactor_hooks_)
		bide_reactor_hooks_->close();
	bide_at_end_run_();
	if (bide_shared_) {
		bide_workers_free_();
	} else {
		bide_deque_free_(&r->main.head);
		bide_counts_leave_(&r->main);
	}
	bide_current_thread_ = NULL; /* its record may be one of those that are freed */
	bide_os_no_thread_exit_();
	bide_external_release_();
	bide_poll_close_();
	r->mailbox = 0;
	bide_blocking_configure_(0, 0);
	bide_at_end_restart_();
	bide_simulating_ = bide_shared_ = false;
	r->simulating = false;
	r->config = (bide_config){ 0 };
	BIDE_STORE(&r->state, (uint32_t)BIDE_RUNTIME_OFF, RELEASE);
	return leaks;
}

/* In a child that has not used bide: frees the copy of the parent's objects, which are no leaks. */
static void release_copy(bide_runtime *r)
{
	bide_os_lock_(&r->setup);
	if (r->state == BIDE_RUNTIME_CHILD) {
		bide_atfork_leave_();
		bide_pools_free_();
		bide_cancel_cells_free_();
		bide_blocking_configure_(0, 0);
		r->config = (bide_config){ 0 };
	}
	bide_os_unlock_(&r->setup);
}

/*
 * Reports misuse and returns true in code that the library calls: its own calls are below that code
 * on the stack.
 */
static bool is_inside(void)
{
	bide_thread_head *head = bide_current_thread_;

	if (!bide_inside_ || (head && bide_thread_is_inside_(head)))
		return false; /* in an async function there is a better message */
	bide_misuse_("bide_shutdown: called inside %s; only ordinary code may, outside of all calls of "
	             "the library",
	             bide_inside_);
	return true;
}

/* Reports the calls that were forgotten, and then canceled while they were queued. */
static void report_lost_calls(size_t count)
{
	char line[128];

	snprintf(line, sizeof line,
	         "%zu forgotten blocking calls were queued and never ran (bide_drain waits for them)",
	         count);
	if (count)
		bide_report_("leak", line);
}

int bide_shutdown(uint64_t *leak_count)
{
	bide_runtime *r = &bide_runtime_;
	uint64_t count = 0;
	unsigned others;
	size_t lost;

	if (leak_count)
		*leak_count = 0;
	if (is_inside())
		return EDEADLK;
	release_copy(r);
	if (BIDE_LOAD(&r->state, ACQUIRE) == BIDE_RUNTIME_OFF) {
		bide_retired_free_();
		return 0;
	}
	if (!bide_thread_() && BIDE_LOAD(&r->state, ACQUIRE) == BIDE_RUNTIME_ON)
		return ENOMEM; /* for this thread's record */
	if (bide_shared_ ? !bide_caller_is_outside_("bide_shutdown")
	                 : !bide_caller_is_one_worker_("bide_shutdown"))
		return EDEADLK;
	lost = bide_blocking_stop_();
	bide_at_end_stop_();
	report_lost_calls(lost);
	if (!bide_shared_) {
		bide_one_worker_poll_(); /* takes what other threads sent last */
		BIDE_ASSERT_IN_DEBUG_(bide_one_worker_is_valid_());
		BIDE_ASSERT_IN_DEBUG_(bide_pool_is_valid_(&r->main.head));
	}
	bide_os_lock_(&r->setup);
	BIDE_ASSERT_IN_DEBUG_(bide_external_is_valid_());
	others = bide_external_others_();
	if (!others && bide_shared_) {
		/* Without the lock, because a function may wait for a thread that has to attach. */
		bide_os_unlock_(&r->setup);
		bide_workers_stop_();
		bide_os_lock_(&r->setup);
		others = bide_external_others_();
		if (others)
			bide_workers_restart_();
	}
	if (!others)
		count = release_all(r) + lost;
	bide_os_unlock_(&r->setup);
	if (leak_count)
		*leak_count = count;
	if (!others)
		return 0;
	bide_blocking_restart_();
	bide_at_end_restart_();
	bide_misuse_("bide_shutdown: %u other threads that used bide still run; let them end first",
	             others);
	return EBUSY;
}
