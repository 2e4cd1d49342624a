/*
 * atfork.c - see atfork.h.
 *
 * The child reads the lists of the pools and of the threads' records in its copy. They are locked
 * during the fork, so the copy is consistent. All other locks may be held for ever, by threads that
 * the child does not have. Locks of the process are made anew; locks in objects are gone with the
 * objects.
 */
#include "runtime/atfork.h"

#include "async/deque.h"
#include "async/thread_init.h"
#include "base/count.h"
#include "base/generation.h"
#include "base/settings.h"
#include "base/thread.h"
#include "cancel/cancel_fire.h"
#include "memory/held.h"
#include "memory/pool.h"
#include "os/os.h"
#include "runtime/at_end.h"
#include "runtime/blocking.h"
#include "runtime/dump_on.h"
#include "runtime/external.h"
#include "runtime/orphan.h"
#include "runtime/poll.h"
#include "runtime/reactor.h"
#include "runtime/runtime.h"
#include "runtime/simulation.h"
#include "runtime/sleep.h"
#include "runtime/thread.h"
#include "runtime/work.h"
#include "runtime/workers.h"
#include "source/source.h"
#include "source/timer.h"
#include "sync/wait_queue.h"
#include "tasks/subscription.h"
#include "tasks/task_list.h"

/* --- the fork --- */

/*
 * The record of a thread that is INSIDE. The checks take it for a thread in a function that never
 * ends.
 */
static bide_thread nowhere;
static bide_frame nowhere_function;
static const bide_function_info nowhere_async = {
	.name = "that called fork, in the child, which may only exec or _exit there", .file = __FILE__
};

static void before_fork(void)
{
	bide_os_lock_(&bide_runtime_.setup);
	bide_pools_lock_();
	bide_task_list_lock_();
	bide_counts_lock_();
}

static void after_fork(void)
{
	bide_counts_unlock_();
	bide_task_list_unlock_();
	bide_pools_unlock_();
	bide_os_unlock_(&bide_runtime_.setup);
}

/*
 * Makes the worker's loop below on the stack find nothing to run, so that it comes to the check of
 * the state.
 */
static void enter_nowhere(bide_thread_head *head)
{
	bide_runtime *r = &bide_runtime_;

	head->handovers = BIDE_HANDOVERS_MAX_;
	r->main.head.next = r->main.head.queue_head = r->main.head.queue_tail = NULL;
	r->main.head.queue_count = 0;
	bide_deque_none_(&r->main.head);
	bide_sleep_stop_();

	bide_thread_init_(&nowhere, bide_thread_number_(), true);
	nowhere.is_nowhere = true;
	nowhere.head.stack_limit = UINTPTR_MAX;
	nowhere_function.async = &nowhere_async;
	nowhere.head.current = &nowhere_function;
	bide_current_thread_ = &nowhere.head;
	r->state = BIDE_RUNTIME_INSIDE;
}

static void in_child(void)
{
	bide_runtime *r = &bide_runtime_;
	bide_thread_head *head = bide_current_thread_;
	bool inside = bide_workers_include_this_() || (head && bide_thread_is_inside_(head));

	after_fork();
	bide_fork_count_++;
	bide_at_end_fork_();
	bide_wait_fork_();
	bide_held_fork_();
	if (r->state != BIDE_RUNTIME_ON)
		return;
	r->state = BIDE_RUNTIME_CHILD;
	bide_settings_.is_unused_child = true;
	/* From now on mailbox.c drops what is made runnable. */
	bide_shared_ = bide_simulating_ = r->simulating = false;
	bide_pools_disown_();
	bide_dump_on_fork_();
	bide_blocking_fork_();
	if (bide_reactor_hooks_)
		bide_reactor_hooks_->fork();
	bide_orphan_fork_();
	bide_current_thread_ = NULL;
	bide_thread_forget_exit_();
	if (inside)
		enter_nowhere(head);
}

int bide_atfork_install_(void)
{
	static bool installed;
	int error = 0;

	if (!installed)
		error = bide_os_at_fork_(before_fork, after_fork, in_child);
	installed = installed || !error;
	return error;
}

/* --- the first use in the child --- */

/*
 * Ends what was pending in the parent: a task fails with EBROKEN; a value task gets a generation by
 * which its use is recognised. What is done stays as it is. Subscriptions are taken out of the
 * sources that the program owns.
 */
static void inherit(bide_source *source, void *argument)
{
	(void)argument;
	if (bide_kind_of_(source->kind) == BIDE_KIND_OPERATION_)
		bide_subscription_inherit_(source);
	if (bide_kind_of_(source->kind) == BIDE_KIND_TIMER_)
		((bide_timer *)(void *)source)->next = NULL;
	if (source->generation < BIDE_COUNT_BASE_) {
		source->generation = BIDE_GENERATION_PARENT_;
	} else if (!bide_word_is_done_(source->word)) {
		source->payload = bide_payload_int_(0);
		source->error = BIDE_EBROKEN;
		source->marks = BIDE_MARK_CLAIMED_ | (source->marks & BIDE_MARK_OWN_);
		source->word = BIDE_WORD_DONE_;
	}
}

void bide_atfork_leave_(void)
{
	bide_runtime *r = &bide_runtime_;

	if (r->state != BIDE_RUNTIME_CHILD)
		return;
	bide_settings_.is_unused_child = false;
	bide_pools_inherit_(inherit);
	bide_cancel_fork_();
	bide_poll_fork_();
	if (bide_reactor_hooks_)
		bide_reactor_hooks_->close();
	if (bide_workers_count_() > 0) {
		bide_workers_free_();
	} else {
		bide_deque_free_(&r->main.head);
		bide_counts_leave_(&r->main);
	}
	bide_external_release_();
	r->mailbox = 0;
	BIDE_STORE(&r->state, (uint32_t)BIDE_RUNTIME_OFF,
	           RELEASE); /* pairs with the load in bide_thread_attach_ */
}
