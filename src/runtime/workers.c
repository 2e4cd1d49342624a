/*
 * workers.c - see workers.h: the threads of the workers, their start and their end.
 */
#include "runtime/workers.h"

#include "async/deque.h"
#include "async/fork.h"
#include "async/frame.h"
#include "async/thread_init.h"
#include "base/assert.h"
#include "base/count.h"
#include "base/port.h"
#include "base/settings.h"
#include "base/spin.h"
#include "memory/allocator.h"
#include "memory/pool.h"
#include "os/os.h"
#include "runtime/fence.h"
#include "runtime/injector.h"
#include "runtime/monitor.h"
#include "runtime/monitor_take.h"
#include "runtime/prepare.h"
#include "runtime/ring.h"
#include "runtime/rounds.h"
#include "runtime/runtime.h"
#include "runtime/sleep.h"
#include "runtime/sleeper.h"
#include "runtime/thread.h"
#include "runtime/wheel.h"
#include "runtime/worker.h"
#include "runtime/worker_search.h"
#include "runtime/worker_valid.h"

enum { SEARCH_MAX_NS = 30000 };

/* --- a worker's thread --- */

static void run(bide_worker *w, uintptr_t entry)
{
	bide_frame *frame = (bide_frame *)(entry & ~(uintptr_t)BIDE_ENTRY_FRAME_);

	BIDE_STORE(&w->steps, w->steps + 1, RELAXED); /* read by the worker that monitors */
	if (entry & BIDE_ENTRY_FRAME_) {
		bide_prepare_frame_(frame);
		bide_frame_resume_(&w->thread.head, frame);
	} else {
		if (bide_debug_)
			bide_scribble_();
		w->thread.resumed = NULL; /* what the fork starts may get its memory */
		bide_fork_run_(&w->thread.head, (bide_fork *)entry);
	}
}

/*
 * The worker has slept, and is about to run a function, which may be long. It may have been the
 * monitor of the workers that run, or may have made rounds, so that they did not ask for one,
 * although they have hidden something.
 */
static void awake(bide_worker *w)
{
	if (w->sleeper.monitors)
		bide_sleep_monitor_end_(&w->sleeper);
	if (bide_sleep_others_run_())
		bide_sleep_ask_look_();
	else if (bide_worker_needs_monitor_(w))
		bide_sleep_ask_monitor_();
}

/* The worker has slept. Another thread may have woken it: then it learns what a wake costs. */
static void slept_until_now(bide_worker *w)
{
	BIDE_STORE(&w->steps, w->steps + 1, RELAXED); /* so the monitor sees that it slept */
	BIDE_STORE(&w->sleeps, w->sleeps + 1, RELAXED);
	bide_tell_slept_(&w->tell, w->steps);
	if (!w->sleeper.was_woken)
		return;
	BIDE_STORE(&bide_wake_ns_,
	           bide_wake_smoothed_(BIDE_LOAD(&bide_wake_ns_, RELAXED),
	                               bide_os_now_ns_() - w->woken_ns),
	           RELAXED);
}

/*
 * Returns for how long a worker searches: about as long as it takes to wake one. On a host where
 * that is long because its CPUs sleep deeply, it costs less than it lasts.
 */
static int64_t search_ns(void)
{
	int64_t wake_ns = BIDE_LOAD(&bide_wake_ns_, RELAXED);

	return wake_ns < SEARCH_MAX_NS ? wake_ns : SEARCH_MAX_NS;
}

static void *worker_main(void *argument);

/* bide_worker.ready: which thread the worker has. */
enum {
	NOT_READY, /* none yet: it is being started, or another thread takes its place */
	READY,     /* the thread of `handle` */
	JOINED     /* the same, and stop waits for that thread, so no other takes its place */
};

/*
 * A function ended the thread (pthread_exit, pthread_cancel). Another thread becomes the worker,
 * unless the workers are being stopped. The function never goes on.
 */
static void worker_died(void *argument)
{
	bide_worker *w = argument;
	uint32_t ready = READY;

	bide_thread_died_(&w->thread, "a worker's");
	bide_current_thread_ = NULL;
	if (!BIDE_CAS(&w->ready, &ready, NOT_READY, RELAXED, RELAXED))
		return;
	if (bide_os_thread_start_(worker_main, w) == 0)
		bide_os_thread_detach_self_();
	else
		BIDE_STORE(&w->ready, READY, RELEASE); /* one worker less; stop joins this thread */
}

static void *worker_main(void *argument)
{
	bide_worker *w = argument;
	uintptr_t entry;
	bool woken = false, slept = false;

	bide_os_thread_name_("bide-worker");
	w->thread.head.stack_limit = bide_thread_stack_limit_();
	bide_current_thread_ = &w->thread.head;
	w->handle = bide_os_thread_self_();
	(void)bide_os_at_thread_exit_(worker_died, w); /* if it fails, only a message is missing */
	BIDE_STORE(&w->ready, READY, RELEASE);         /* pairs with the load in stop */
	while (!bide_sleep_stops_()) {
		entry = woken ? 0 : bide_worker_take_(w);
		/* A worker that woke by itself looks once, at its timers and as the monitor. */
		if (!entry)
			entry = bide_worker_search_(w, woken, slept && !woken ? 0 : search_ns());
		if (slept && (!entry || entry & BIDE_ENTRY_FRAME_)) /* of a fork: bide_theft_weigh_ */
			bide_worker_report_(w, entry != 0);
		if (!entry && w->sleeper.monitors)
			entry = bide_monitor_take_(w);
		if (entry) {
			if (slept)
				awake(w);
			woken = slept = false;
			run(w, entry);
		} else if (bide_deque_owner_is_empty_(&w->thread.head)) {
			bide_count_(BIDE_COUNT_VAIN_WAKES_, woken && w->sleeper.was_woken);
			woken = bide_sleep_wait_(&w->sleeper, woken);
			slept_until_now(w);
			slept = true;
		} else {
			woken = false;
		}
	}
	if (BIDE_LOAD(&bide_runtime_.state, RELAXED) != BIDE_RUNTIME_OFF) /* OFF: the start failed */
		bide_runtime_check_child_();
	BIDE_ASSERT_IN_DEBUG_(bide_pool_is_valid_(&w->thread.head));
	bide_thread_forget_exit_();
	bide_current_thread_ = NULL;
	return NULL;
}

/* --- start and stop --- */

static void worker_free(bide_worker *w)
{
	bide_deque_free_(&w->thread.head);
	bide_counts_leave_(&w->thread);
	bide_deallocate_(w, sizeof *w);
}

/* Sets all members but the record of the thread and its deque. */
static void worker_init(bide_worker *w, unsigned index)
{
	w->index = index;
	w->turns = 0;
	w->turns_max = BIDE_TURNS_BETWEEN_POLLS_;
	w->has_next = w->hands_out = w->injector_first = false;
	w->random = index * 2654435761u + 1;
	w->wheel_lock = 0;
	w->due_ns = BIDE_FOREVER;
	w->sleeper = (bide_sleeper){ .state = BIDE_RUNS_, .round_ns = BIDE_FOREVER };
	w->probes = false;
	w->event_ns = w->share_ns = INT64_MIN / 2;
	w->steps_sum = w->empty_looks = w->sleeps = 0;
	w->round_ns = w->round_pause_ns = 0;
	w->seen_ns = BIDE_FOREVER;
	w->steps = w->steps_seen = w->left_seen = w->ready = 0;
	w->told = 0;
	bide_tell_start_(&w->tell);
	bide_batch_start_(&w->batch);
	w->waker = NULL;
	w->ring.head = w->ring.tail = 0;
	w->theft = (bide_theft){ .max = 1 };
	bide_wheel_init_(&w->wheel, bide_os_now_ns_());
}

static bide_worker *worker_new(unsigned index)
{
	bide_worker *w = bide_allocate_(sizeof *w, 64);

	if (!w)
		return NULL;
	bide_thread_init_(&w->thread, bide_thread_number_(), false);
	w->thread.home = index;
	worker_init(w, index);
	if (bide_deque_init_(&w->thread.head))
		return w;
	worker_free(w);
	return NULL;
}

/* Ends the threads of the workers before `started`; the others have none. */
static void stop(unsigned started)
{
	bide_sleep_stop_();
	for (unsigned i = 0; i < started; i++) {
		bide_worker *w = bide_workers_.worker[i];
		uint32_t ready;

		/* pairs with the store of READY */
		do {
			for (unsigned tries = 0; BIDE_LOAD(&w->ready, ACQUIRE) != READY; tries++)
				bide_os_pause_(tries);
			ready = READY; /* either this or worker_died succeeds */
		} while (!BIDE_CAS(&w->ready, &ready, JOINED, ACQUIRE, RELAXED));
		bide_sleep_wake_(&w->sleeper);
		bide_os_thread_join_(w->handle);
	}
}

/* Returns how many threads could be started. */
static unsigned start(void)
{
	unsigned started = 0;

	bide_sleep_start_();
	bide_rounds_start_();
	bide_monitor_ = (bide_monitor){ .window_ns = BIDE_MONITOR_NS_ };
	for (unsigned i = 0; i < bide_workers_.count; i++) {
		bide_workers_.worker[i]->ready = NOT_READY;
		bide_workers_.worker[i]->sleeper.monitors = 0;
	}
	while (started < bide_workers_.count &&
	       bide_os_thread_start_(worker_main, bide_workers_.worker[started]) == 0)
		started++;
	return started;
}

int bide_workers_start_(unsigned count)
{
	unsigned started;

	bide_injector_init_(
		&bide_workers_.injector); /* with its lock, which may have been held during a fork */
	bide_fence_start_();
	/* Workers look at each other, so all exist before the first runs. */
	for (bide_workers_.count = 0; bide_workers_.count < count; bide_workers_.count++)
		if (!(bide_workers_.worker[bide_workers_.count] = worker_new(bide_workers_.count))) {
			bide_workers_free_();
			return BIDE_ENOMEM_;
		}
	started = start();
	if (started == count)
		return 0;
	stop(started);
	bide_workers_free_();
	return BIDE_EAGAIN_;
}

void bide_workers_stop_(void)
{
	stop(bide_workers_.count);
	BIDE_ASSERT_IN_DEBUG_(bide_workers_are_valid_());
}

void bide_workers_restart_(void)
{
	if (start() == bide_workers_.count)
		return;
	bide_os_print_("bide: bide_shutdown gave up, and the workers cannot be started anew\n");
	bide_port_abort_();
}

void bide_workers_free_(void)
{
	for (unsigned i = 0; i < bide_workers_.count; i++)
		worker_free(bide_workers_.worker[i]);
	bide_workers_.count = 0;
}

uint32_t bide_workers_home_(void)
{
	return bide_workers_.homes++ % bide_workers_.count;
}

void bide_workers_count_stats_(bide_stats *stats)
{
	uint32_t asleep;

	stats->runnable_count = bide_injector_size_(&bide_workers_.injector);
	for (unsigned i = 0; i < bide_workers_.count; i++) {
		bide_worker *w = bide_workers_.worker[i];

		bide_spin_lock_(&w->wheel_lock);
		stats->timer_count += w->wheel.count;
		bide_spin_unlock_(&w->wheel_lock);
		stats->runnable_count += bide_ring_size_(&w->ring) + bide_deque_size_(&w->thread.head);
	}
	/* Last: a worker that took a timer or a frame before this is awake, so it is not counted. */
	asleep = BIDE_LOAD(&bide_sleep_.asleep, ACQUIRE);
	stats->idle_worker_count = asleep <= bide_workers_.count ? asleep : 0; /* wrapped: sleep.h */
}
