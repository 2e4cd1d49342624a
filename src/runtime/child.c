/*
 * child.c - see child.h.
 *
 * What the child reads of its copy, the lists of the pools and of the threads' records, is locked
 * during the fork, so that it is whole. All other locks may be held for ever, by threads that the
 * child does not have: those of the process are made anew, those in objects go with the objects.
 */
#include "child.h"

#include "../core/deque.h"
#include "../core/task_list.h"
#include "blocking.h"
#include "dump_on.h"
#include "loop.h"
#include "orphan.h"
#include "pool.h"
#include "simulation.h"
#include "sleep.h"

/* --- the fork --- */

/* The record of a thread that is INSIDE. It is in a function that never ends, by the checks. */
static bide_thread nowhere;
static bide_frame nowhere_function;
static const bide_async nowhere_async = {
	.name = "that called fork, in the child, which may only exec or _exit there", .file = __FILE__
};

static void before_fork(void)
{
	bide_os_lock(&bide_runtime_.setup);
	bide_pools_lock_();
	bide_task_list_lock_();
	bide_counts_lock_();
}

static void after_fork(void)
{
	bide_counts_unlock_();
	bide_task_list_unlock_();
	bide_pools_unlock_();
	bide_os_unlock(&bide_runtime_.setup);
}

/* The loops below on the stack find nothing to run, and come to where they look at the state. */
static void enter_nowhere(bide_worker *worker)
{
	bide_runtime *r = &bide_runtime_;

	worker->handovers = BIDE_HANDOVERS_MAX_;
	r->main.worker.next = r->main.worker.queue_head = r->main.worker.queue_tail = NULL;
	r->main.worker.queue_count = 0;
	bide_deque_none_(&r->main.worker);
	bide_sleep_stop_();

	bide_thread_init_(&nowhere, bide_runtime_number_(), true);
	nowhere.is_nowhere = true;
	nowhere.worker.stack_limit = UINTPTR_MAX;
	nowhere_function.async = &nowhere_async;
	nowhere.worker.current = &nowhere_function;
	bide_current_worker_ = &nowhere.worker;
	r->state = BIDE_RUNTIME_INSIDE;
}

static void in_child(void)
{
	bide_runtime *r = &bide_runtime_;
	bide_worker *worker = bide_current_worker_;
	bool inside =
		bide_pool_is_worker_() || (worker && worker->current != &bide_thread_of_(worker)->root);

	after_fork();
	if (r->state != BIDE_RUNTIME_ON)
		return;
	r->state = BIDE_RUNTIME_CHILD;
	/* What is made runnable has nowhere to go from now on: worker.c drops it. */
	bide_shared_ = bide_simulating_ = r->simulating = false;
	bide_pools_disown_();
	bide_dump_on_fork_();
	bide_blocking_fork_();
	bide_orphan_fork_();
	bide_current_worker_ = NULL;
	bide_runtime_forget_thread_();
	if (inside)
		enter_nowhere(worker);
}

int bide_child_watch_(void)
{
	static bool watches;
	int error = 0;

	if (!watches)
		error = bide_os_at_fork(before_fork, after_fork, in_child);
	watches = watches || !error;
	return error;
}

/* --- the first use in the child --- */

/*
 * What stands for something pending ends here: a task has failed; a value task is caught by its
 * generation. What is over stays. The waiters of completion sources are taken out.
 */
static void inherit(bide_source *source, void *argument)
{
	(void)argument;
	if ((source->kind & 0xE0u) == BIDE_KIND_OPERATION_)
		bide_subscription_inherit_(source);
	if ((source->kind & 0xE0u) == BIDE_KIND_TIMER_)
		((bide_timer *)(void *)source)->next = NULL;
	if (source->generation < BIDE_COUNT_BASE_) {
		source->generation = BIDE_GENERATION_PARENT_;
	} else if ((source->word & BIDE_WORD_TAGS_) != BIDE_WORD_DONE_) {
		source->payload = bide_payload_int_(0);
		source->error = BIDE_EBROKEN;
		source->line = BIDE_LINE_CLAIMED_;
		source->word = BIDE_WORD_DONE_;
	}
}

void bide_child_leave_(void)
{
	bide_runtime *r = &bide_runtime_;

	if (r->state != BIDE_RUNTIME_CHILD)
		return;
	bide_pools_inherit_(inherit);
	bide_cancel_fork_();
	bide_poll_fork_();
	if (bide_pool_count_() > 0) {
		bide_pool_free_();
	} else {
		bide_deque_free_(&r->main.worker);
		bide_counts_leave_(&r->main);
	}
	bide_runtime_release_guests_();
	r->inbox = 0;
	BIDE_STORE(&r->state, (uint32_t)BIDE_RUNTIME_OFF, RELEASE); /* pairs with the attach */
}

void bide_child_refuse_(void)
{
	bide_misuse_(
		"fork: in the child of a fork that was made inside an async function bide cannot be "
		"used; it may only exec or _exit");
}

void bide_child_end_(void)
{
	bide_misuse_("fork: in the child the function that called it, of an async function or of "
	             "bide_run_blocking, went on to its end or to an await; it may only exec or _exit");
	bide_port_abort();
}
