/*
 * run_ready.c - bide_run_ready: a limited run of the one worker, for a loop of the program.
 */
#include "base/misuse.h"
#include "base/port.h"
#include "runtime/caller.h"
#include "runtime/one_worker.h"
#include "runtime/poll.h"
#include "runtime/runtime.h"
#include "runtime/wheel.h"

static int64_t time_to_next_ns(bide_runtime *r)
{
	int64_t timer_ns;

	if (bide_runtime_has_work_() || (r->simulating && r->wheel.count > 0))
		return 0; /* in a simulation the next call advances the clock to the timer */
	timer_ns = bide_wheel_next_ns_(&r->wheel);
	if (timer_ns == BIDE_FOREVER)
		return BIDE_FOREVER;
	timer_ns -= bide_port_now_();
	return timer_ns > 0 ? timer_ns : 0;
}

int bide_run_ready(size_t max_count, int64_t *next_ns)
{
	uintptr_t saved;
	const char *before;

	if (next_ns)
		*next_ns = BIDE_FOREVER;
	if (!bide_caller_is_one_worker_("bide_run_ready"))
		return BIDE_EDEADLK_;
	saved = bide_context_push_(NULL); /* not in the scope of the caller */
	before = bide_inside_enter_("bide_run_ready");
	bide_poll_pause_if_polled_();
	bide_one_worker_poll_();
	if (bide_runtime_.simulating && !bide_runtime_has_work_())
		bide_one_worker_advance_();
	if (max_count == 0)
		max_count = BIDE_RUN_READY_MAX_;
	for (size_t count = 0; count < max_count && bide_one_worker_turn_(); count++)
		;
	bide_runtime_check_child_();
	bide_poll_resume_if_polled_();
	bide_inside_ = before;
	bide_context_pop_(saved);
	if (next_ns)
		*next_ns = time_to_next_ns(&bide_runtime_);
	return 0;
}
