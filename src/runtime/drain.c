/*
 * drain.c - bide_drain: waits until no async function and no blocking call is pending.
 *
 * It looks at the frames in the pools, at intervals that grow from 1 to 20 ms. While it looks,
 * functions start and end on other threads; one that it has not come to yet may start another where
 * it has been, and end. So a look that finds nothing counts only if nothing became pending
 * meanwhile: the threads' generations tell, of which every published frame takes one.
 */
#include "async/frame.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/misuse.h"
#include "base/port.h"
#include "memory/pool.h"
#include "os/os.h"
#include "runtime/blocking.h"
#include "runtime/one_worker.h"
#include "runtime/runtime.h"
#include "runtime/thread.h"
#include "runtime/wheel.h"
#include "runtime/workers.h"

static const int64_t first_interval_ns = 1000000, last_interval_ns = 20000000;

/* Of a source that its thread may be writing: a snapshot, as for the counters. */
__attribute__((no_sanitize_thread)) static void look_at(bide_source *source, void *argument)
{
	uintptr_t word = *(volatile uintptr_t *)&source->word;

	if (*(volatile uint8_t *)&source->kind < BIDE_KIND_TIMER_ && !bide_word_is_done_(word))
		++*(size_t *)argument;
}

/* The locks of both order the second count behind the look. */
static bool is_drained(void)
{
	uint64_t before = bide_generations_();
	size_t pending = 0;

	bide_pools_visit_(look_at, &pending);
	BIDE_FENCE(ACQUIRE); /* pairs with the releases of the words and generations that were read */
	/* Calls after the frames: one that ended meanwhile may have made a frame, which counts. */
	if (pending > 0 || bide_blocking_pending_() > 0 || bide_generations_() != before)
		return false;
	/* A call that has ended was sent to the one worker before; pairs with the sending. */
	return BIDE_LOAD(&bide_runtime_.mailbox, ACQUIRE) == 0;
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

/* On the worker, whose loop runs meanwhile. An interval of 0: what is ready. */
static int drain_here(int64_t deadline_ns)
{
	static const bool never = false;
	int64_t interval_ns = 0, until_ns;
	int error;

	while (!is_drained()) {
		if (interval_ns > 0 && bide_port_now_() >= deadline_ns)
			return BIDE_ETIMEDOUT_;
		until_ns = bide_deadline_after_(interval_ns);
		if (interval_ns > 0 && bide_runtime_.simulating) /* no further than to the next event */
			until_ns = bide_wheel_first_exact_ns_(&bide_runtime_.wheel);
		error = bide_one_worker_run_(&never, earlier(until_ns, deadline_ns));
		if (error != BIDE_ETIMEDOUT_)
			return error;
		interval_ns = interval_ns ? earlier(interval_ns * 2, last_interval_ns) : first_interval_ns;
	}
	return 0;
}

/* Elsewhere: the workers go on by themselves. */
static int drain_there(int64_t timeout_ns)
{
	int64_t interval_ns = first_interval_ns, now_ns = bide_os_now_ns_();
	int64_t deadline_ns = bide_time_add_(now_ns, timeout_ns);
	uint32_t nobody_wakes = 0;

	while (!is_drained()) {
		now_ns = bide_os_now_ns_();
		if (now_ns >= deadline_ns)
			return BIDE_ETIMEDOUT_;
		if (BIDE_LOAD(&bide_runtime_.worker_gone, ACQUIRE)) { /* pairs with its end */
			bide_misuse_("bide_drain: the worker's thread has ended; it is the first that used "
			             "bide, and has to outlive what others wait for");
			return BIDE_EDEADLK_;
		}
		bide_os_wait_(&nobody_wakes, 0, earlier(now_ns + interval_ns, deadline_ns));
		interval_ns = earlier(interval_ns * 2, last_interval_ns);
	}
	return 0;
}

int bide_drain(int64_t timeout_ns)
{
	const char *before;
	bide_thread_head *head;
	uint32_t state;
	int error;

	if (!bide_time_allowed_(timeout_ns, "bide_drain", "timeout_ns", NULL))
		return BIDE_EINVAL_;
	state = BIDE_LOAD(&bide_runtime_.state, ACQUIRE); /* pairs with the start */
	if (state == BIDE_RUNTIME_OFF || state == BIDE_RUNTIME_CHILD)
		return 0;
	head = bide_thread_();
	if (!head)
		return bide_runtime_missing_();
	if (bide_thread_is_inside_(head)) {
		bide_misuse_("bide_drain: called inside the async function %s; only ordinary code may",
		             bide_function_name_(head->current));
		return BIDE_EDEADLK_;
	}
	if (bide_workers_include_this_()) {
		bide_misuse_("bide_drain: called on a worker of the pool's; only other threads may");
		return BIDE_EDEADLK_;
	}
	if (!bide_runtime_on_worker_())
		return drain_there(timeout_ns);
	before = bide_inside_enter_("bide_drain");
	error = drain_here(bide_deadline_after_(timeout_ns));
	bide_inside_ = before;
	return error;
}
