/*
 * runtime.c - setting the runtime up and ending it.
 */
#include <errno.h>
#include <stdio.h>

#include "async/deque.h"
#include "cancel/cancel_cell.h"
#include "debug/layout.h"
#include "debug/leak.h"
#include "runtime/atfork.h"
#include "runtime/blocking.h"
#include "runtime/loop.h"
#include "runtime/orphan.h"
#include "runtime/runtime.h"
#include "runtime/simulation.h"
#include "runtime/workers.h"
#include "tasks/subscription.h"

/* So that the table for gdb is part of every program that is linked with the static library. */
__attribute__((used)) static const struct bide_layout *const layout = &bide_layout_;

int bide_configure(const bide_config *config)
{
	bide_runtime *r = &bide_runtime_;
	unsigned threads_max;
	int error = 0;

	if (!config || config->blocking_threads_max > 1024) {
		bide_misuse_("bide_configure: %s",
		             !config ? "config is NULL" : "blocking_threads_max: 0 (64 threads) to 1024");
		return EINVAL;
	}
	if (config->workers > BIDE_WORKERS_MAX || (config->virtual_clock && config->workers > 1)) {
		bide_misuse_("bide_configure: workers is %u; %s", config->workers,
		             config->virtual_clock ? "a simulation (virtual_clock) has one"
		                                   : "1 to 1024 are allowed, or 0 for the default");
		return EINVAL;
	}
	threads_max = config->blocking_threads_max ? config->blocking_threads_max
	                                           : BIDE_BLOCKING_THREADS_MAX_DEFAULT_;
	if (config->blocking_threads_min > threads_max) {
		bide_misuse_("bide_configure: blocking_threads_min (%u) is above blocking_threads_max (%u)",
		             config->blocking_threads_min, threads_max);
		return EINVAL;
	}
	bide_os_lock_(&r->setup);
	bide_atfork_leave_();
	if (r->state != BIDE_RUNTIME_OFF) {
		error = EBUSY;
	} else {
		bide_blocking_configure_(config->blocking_threads_min, config->blocking_threads_max);
		error = bide_runtime_start_(config);
		if (!error)
			r->config = *config;
	}
	bide_os_unlock_(&r->setup);
	return error;
}

unsigned bide_version(void)
{
	return BIDE_VERSION_NUMBER;
}

int bide_config_get(bide_config *config)
{
	bide_runtime *r = &bide_runtime_;

	if (!config) {
		bide_misuse_("bide_config_get: config is NULL");
		return EINVAL;
	}
	*config = (bide_config){ 0 };
	if (!bide_thread_())
		return bide_runtime_missing_();
	bide_os_lock_(&r->setup);
	config->workers = bide_shared_ ? bide_workers_count_() : 1;
	bide_blocking_limits_(&config->blocking_threads_min, &config->blocking_threads_max);
	config->virtual_clock = r->simulating;
	config->seed = r->simulating ? bide_simulation_seed_() : 0;
	config->debug = bide_debug_;
	bide_os_unlock_(&r->setup);
	return 0;
}

int bide_runtime_missing_(void)
{
	bide_runtime *r = &bide_runtime_;
	int error;

	bide_os_lock_(&r->setup);
	error = r->state == BIDE_RUNTIME_OFF && r->start_error ? r->start_error : ENOMEM;
	bide_os_unlock_(&r->setup);
	return error;
}

unsigned bide_worker_count(void)
{
	if (!bide_thread_() && BIDE_LOAD(&bide_runtime_.state, ACQUIRE) == BIDE_RUNTIME_OFF)
		return 0;
	return bide_shared_ ? bide_workers_count_() : 1;
}

unsigned bide_cpu_count(void)
{
	return bide_os_cpu_count_();
}

/* What lives on, or is the user's, does not point into the pools any more. */
static void let_go(bide_source *source, void *argument)
{
	(void)argument;
	if ((source->kind & 0xE0u) == BIDE_KIND_OPERATION_) {
		bide_subscription_leave_(source);
		bide_cancel_leak_(source);
		bide_loop_leak_(source);
	}
}

/* How many threads beside this one, and the workers, still have a record in use. */
static unsigned others_in_use(void)
{
	unsigned count = 0;

	for (const bide_thread *g = bide_runtime_.externals; g; g = g->next)
		count += g->in_use && &g->head != bide_current_thread_;
	return count;
}

void bide_runtime_release_externals_(void)
{
	bide_runtime *r = &bide_runtime_;

	while (r->externals) {
		bide_thread *next = r->externals->next;
		bide_counts_leave_(r->externals);
		bide_deallocate_(r->externals, sizeof *r->externals);
		r->externals = next;
	}
}

/* Nobody runs any more. Gives all back and returns the number of leaks. */
static uint64_t release_all(bide_runtime *r)
{
	uint64_t leaks = bide_leaks_report_();

	bide_orphan_end_();
	bide_pools_visit_(let_go, NULL);
	bide_pools_release_();
	bide_cancel_cells_free_();
	if (bide_shared_) {
		bide_workers_free_();
	} else {
		bide_deque_free_(&r->main.head);
		bide_counts_leave_(&r->main);
	}
	bide_current_thread_ = NULL; /* which may be one of those that go */
	bide_os_no_thread_exit_();
	bide_runtime_release_externals_();
	bide_poll_close_();
	r->inbox = 0;
	bide_blocking_configure_(0, 0);
	bide_simulating_ = bide_shared_ = false;
	r->simulating = false;
	r->config = (bide_config){ 0 };
	BIDE_STORE(&r->state, (uint32_t)BIDE_RUNTIME_OFF, RELEASE);
	return leaks;
}

/*
 * In debug mode a process that ends without a shutdown hears of its leaks too. A destructor, which
 * comes after all that the program has registered with atexit; here, because this file is part of
 * every program that is linked with the static library.
 */
__attribute__((destructor)) static void at_exit(void)
{
	if (bide_debug_ && BIDE_LOAD(&bide_runtime_.state, ACQUIRE) == BIDE_RUNTIME_ON)
		bide_leaks_at_exit_();
}

/* Before the first use in a child: what the parent's copy takes up goes, and is no leak. */
static void release_copy(bide_runtime *r)
{
	bide_os_lock_(&r->setup);
	if (r->state == BIDE_RUNTIME_CHILD) {
		bide_atfork_leave_();
		bide_pools_release_();
		bide_cancel_cells_free_();
		bide_blocking_configure_(0, 0);
		r->config = (bide_config){ 0 };
	}
	bide_os_unlock_(&r->setup);
}

/* Code that the library calls, with its own calls below it on the stack. */
static bool is_inside(void)
{
	bide_thread_head *head = bide_current_thread_;

	if (!bide_inside_ || (head && head->current != &bide_thread_of_(head)->root))
		return false; /* an async function: it has a better message */
	bide_misuse_("bide_shutdown: called inside %s; only ordinary code may, outside of all calls of "
	             "the library",
	             bide_inside_);
	return true;
}

/* Calls that were canceled while they were queued, and had been forgotten. */
static void report_lost_calls(size_t count)
{
	char line[128];

	snprintf(line, sizeof line,
	         "%zu forgotten calls of bide_run_blocking were queued and never ran (bide_drain waits "
	         "for them)",
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
		bide_retired_release_();
		return 0;
	}
	if (!bide_thread_() && BIDE_LOAD(&r->state, ACQUIRE) == BIDE_RUNTIME_ON)
		return ENOMEM; /* for this thread's record */
	if (bide_shared_ ? !bide_runtime_outside_("bide_shutdown")
	                 : !bide_one_worker_allowed_("bide_shutdown"))
		return EDEADLK;
	lost = bide_blocking_stop_();
	report_lost_calls(lost);
	if (!bide_shared_)
		bide_one_worker_poll_(); /* what others sent last */
	bide_os_lock_(&r->setup);
	others = others_in_use();
	if (!others && bide_shared_) {
		/* Unlocked: a function may be waiting for a thread that uses bide for the first time. */
		bide_os_unlock_(&r->setup);
		bide_workers_stop_();
		bide_os_lock_(&r->setup);
		others = others_in_use();
		if (others)
			bide_workers_go_on_();
	}
	if (!others)
		count = release_all(r) + lost;
	bide_os_unlock_(&r->setup);
	if (leak_count)
		*leak_count = count;
	if (!others)
		return 0;
	bide_blocking_go_on_();
	bide_misuse_("bide_shutdown: %u other threads that used bide still run; let them end first",
	             others);
	return EBUSY;
}
