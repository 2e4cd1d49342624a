/*
 * port.c - the port (base/port.h): what the rooms below ask of the system and of the runtime, each
 * given to the part of the runtime that does it. bide_thread_attach_ is in start.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "async/deque.h"
#include "base/port.h"
#include "base/settings.h"
#include "os/os.h"
#include "runtime/blocking.h"
#include "runtime/fence.h"
#include "runtime/mailbox.h"
#include "runtime/poll.h"
#include "runtime/runtime.h"
#include "runtime/simulation.h"
#include "runtime/wheel.h"
#include "runtime/worker_schedule.h"
#include "runtime/worker_timers.h"
#include "runtime/workers.h"
#include "source/run_queue.h"
#include "source/timer.h"

/* The rooms below and the public headers do not include <errno.h>. */
BIDE_STATIC_ASSERT(BIDE_ECANCELED_ == ECANCELED && BIDE_ENOMEM_ == ENOMEM &&
                       BIDE_EINVAL_ == EINVAL && BIDE_ETIMEDOUT_ == ETIMEDOUT,
                   "the numbers of base/library.h are those of the system");
BIDE_STATIC_ASSERT(BIDE_EINPROGRESS_ == EINPROGRESS && BIDE_EBUSY_ == EBUSY &&
                       BIDE_EDEADLK_ == EDEADLK && BIDE_EAGAIN_ == EAGAIN && BIDE_EPIPE_ == EPIPE &&
                       BIDE_EOVERFLOW_ == EOVERFLOW,
                   "the numbers of base/library.h are those of the system");

void *bide_port_allocate_(size_t size_bytes, size_t alignment)
{
	return bide_os_allocate_(size_bytes, alignment);
}

void bide_port_release_(void *memory, size_t size_bytes)
{
	(void)size_bytes;
	bide_os_release_(memory);
}

void bide_port_schedule_(bide_frame *frame, bool next)
{
	bide_thread_head *head = &bide_runtime_.main.head;

	if (bide_shared_) {
		bide_workers_schedule_(frame, next);
		return;
	}
	if (BIDE_UNLIKELY(!bide_runtime_on_worker_())) {
		bide_mailbox_send_frame_(frame);
		return;
	}
	bide_queue_schedule_(head, frame, next);
	if (BIDE_UNLIKELY(bide_runtime_.main.by_port))
		bide_poll_signal_();
}

void bide_port_post_(bide_post *post)
{
	if (bide_shared_)
		post->run(post);
	else
		bide_mailbox_send_post_(post);
}

bool bide_port_on_worker_(void)
{
	return bide_shared_ || bide_runtime_on_worker_();
}

unsigned bide_port_worker_count_(void)
{
	return bide_worker_count();
}

int64_t bide_port_now_(void)
{
	return bide_runtime_now_ns_();
}

/* splitmix64: the steps of a counter, mixed; the clock makes processes differ. */
uint64_t bide_port_random_(void)
{
	static uint64_t counter;
	uint64_t x;

	if (bide_simulating_)
		return bide_simulation_random();
	x = BIDE_ADD(&counter, UINT64_C(0x9E3779B97F4A7C15), RELAXED) ^ (uint64_t)bide_port_now_();
	x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
	return x ^ (x >> 31);
}

/* A linear congruence, whose upper bits are even. It begins elsewhere on each thread. */
uint32_t bide_port_choice_(uint32_t count)
{
	static BIDE_THREAD_LOCAL_ uint64_t state;

	if (bide_simulating_)
		return (uint32_t)(bide_simulation_random() % count);
	if (BIDE_UNLIKELY(state == 0))
		state = bide_port_random_();
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(((state >> 32) * count) >> 32);
}

void bide_port_arm_(bide_timer *timer)
{
	if (bide_shared_) {
		bide_workers_arm_(timer);
		return;
	}
	bide_wheel_insert_(&bide_runtime_.wheel, timer);
	if (BIDE_UNLIKELY(bide_runtime_.main.by_port))
		bide_poll_signal_();
}

bool bide_port_disarm_(bide_timer *timer)
{
	bool held;

	if (bide_shared_)
		return bide_workers_disarm_(timer);
	held = bide_wheel_holds_(timer);
	if (held)
		bide_wheel_remove_(&bide_runtime_.wheel, timer);
	return held;
}

void bide_port_stats_(bide_stats *stats)
{
	const bide_thread_head *head = &bide_runtime_.main.head;

	bide_blocking_stats_(stats);
	if (bide_shared_) {
		bide_workers_count_stats_(stats);
	} else if (bide_runtime_on_worker_()) {
		stats->timer_count = bide_runtime_.wheel.count;
		stats->runnable_count = head->queue_count + (head->next != NULL) + bide_deque_size_(head);
	}
}

const void *bide_port_thread_(void)
{
	return bide_os_thread_id_();
}

/* With one worker there are no thieves. */
bool bide_port_heavy_fence_(void)
{
	return bide_fence_heavy_() || !bide_shared_;
}

void bide_port_offer_(bide_thread_head *head)
{
	if (bide_shared_)
		bide_workers_offer_(head);
}

void bide_port_print_(const char *text)
{
	bide_os_print_(text);
}

void bide_port_format_(char *to, size_t size_bytes, const char *format, va_list arguments)
{
	vsnprintf(to, size_bytes, format, arguments);
}

const char *bide_port_error_text_(int error)
{
	return strerror(error);
}

void bide_port_abort_(void)
{
	abort();
}

void bide_port_wait_a_moment_(unsigned tries)
{
	bide_os_pause_(tries);
}
