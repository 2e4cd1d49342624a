/*
 * drain.c - bide_drain: waits until no async function and no blocking call is pending.
 *
 * It looks at all frames in the pools, at intervals that grow from 1 to 20 ms. Meanwhile functions
 * start and end on other threads. A function that it has not yet looked at may start another one,
 * in a place that it has passed, and end. So a look that finds nothing is valid only if nothing has
 * become pending meanwhile. The generations of the threads tell that, because every published frame
 * takes one.
 */
#include "async/frame.h"
#include "base/clock.h"
#include "base/count.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/thread.h"
#include "memory/pool.h"
#include "os/os.h"
#include "runtime/blocking.h"
#include "runtime/one_worker.h"
#include "runtime/runtime.h"
#include "runtime/wheel.h"
#include "runtime/workers.h"

static const int64_t first_interval_ns = 1000000, last_interval_ns = 20000000;

/* Counts a frame that is pending. Its thread may be writing it, so this is a snapshot. */
__attribute__((no_sanitize_thread)) static void look_at(bide_source *source, void *argument)
{
	uintptr_t word = *(volatile uintptr_t *)&source->word;

	if (*(volatile uint8_t *)&source->kind < BIDE_KIND_TIMER_ && !bide_word_is_done_(word))
		++*(size_t *)argument;
}

/* The locks of both order the second reading of the generations after the look. */
static bool is_drained(void)
{
	uint64_t before = bide_generations_();
	size_t pending = 0;

	bide_pools_visit_(look_at, &pending);
	BIDE_FENCE(ACQUIRE); /* pairs with the releases of the words and generations that it has read */
	/*
	 * Jobs after the frames: a job that has ended meanwhile may have started a function, whose
	 * generation counts.
	 */
	if (pending > 0 || bide_blocking_pending_() > 0 || bide_generations_() != before)
		return false;
	/* A job that has ended was sent to the one worker before. Pairs with the sender. */
	return BIDE_LOAD(&bide_runtime_.mailbox, ACQUIRE) == 0;
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

/* On the one worker, which runs its loop meanwhile. An interval of 0 runs what is ready. */
static int drain_on_one_worker(int64_t deadline_ns)
{
	static const bool never = false;
	int64_t interval_ns = 0, until_ns;
	int error;

	while (!is_drained()) {
		if (interval_ns > 0 && bide_port_now_() >= deadline_ns)
			return BIDE_ETIMEDOUT_;
		until_ns = bide_deadline_after_(interval_ns);
		if (interval_ns > 0 && bide_runtime_.simulating) /* only to the next timer */
			until_ns = bide_wheel_first_exact_ns_(&bide_runtime_.wheel);
		error = bide_one_worker_run_(&never, earlier(until_ns, deadline_ns));
		if (error != BIDE_ETIMEDOUT_)
			return is_drained() ? 0 : error; /* a simulation in which nothing is left to happen */
		interval_ns = interval_ns ? earlier(interval_ns * 2, last_interval_ns) : first_interval_ns;
	}
	return 0;
}

/* On other threads: the workers run by themselves. */
static int drain_on_other_thread(int64_t timeout_ns)
{
	int64_t interval_ns = first_interval_ns, now_ns = bide_os_now_ns_();
	int64_t deadline_ns = bide_time_add_(now_ns, timeout_ns);
	uint32_t never_woken = 0;

	while (!is_drained()) {
		now_ns = bide_os_now_ns_();
		if (now_ns >= deadline_ns)
			return BIDE_ETIMEDOUT_;
		if (BIDE_LOAD(&bide_runtime_.worker_gone,
		              ACQUIRE)) { /* pairs with the store when it ends */
			bide_misuse_("bide_drain: the worker's thread has ended; it is the first that used "
			             "bide, and has to outlive what others wait for");
			return BIDE_EDEADLK_;
		}
		bide_os_wait_(&never_woken, 0, earlier(now_ns + interval_ns, deadline_ns));
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
	state = BIDE_LOAD(&bide_runtime_.state, ACQUIRE); /* pairs with the store in start */
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
		bide_misuse_("bide_drain: called on a worker; only other threads may");
		return BIDE_EDEADLK_;
	}
	if (!bide_runtime_on_worker_())
		return drain_on_other_thread(timeout_ns);
	before = bide_inside_enter_("bide_drain");
	error = drain_on_one_worker(bide_deadline_after_(timeout_ns));
	bide_inside_ = before;
	return error;
}
