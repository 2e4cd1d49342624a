/*
 * exhausted.c - see exhausted.h.
 *
 * One timer serves all listeners. It is armed while the list is not empty.
 */
#include "io/exhausted.h"

#include <errno.h>

#include "base/clock.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/spin.h"
#include "base/text.h"
#include "io/handle_parts.h"
#include "runtime/at_end.h"
#include "source/source.h"
#include "source/timer.h"

int64_t bide_exhausted_pause_ns_ = 100000000;
static const int64_t report_pause_ns = (int64_t)60 * 1000000000;

static void due(bide_observer *observer, bide_source *timer);

static struct {
	uint32_t lock;
	bide_listener *first, *last; /* the longest wait first */
	unsigned count;
	bide_timer *timer; /* armed, or about to run `due`; or NULL */
	bool has_reported;
	int64_t reported_ns;
	bide_observer due;
} s = { .due = { due } };

static void end(void)
{
	s.first = s.last = NULL;
	s.count = 0;
	s.timer = NULL;
	s.has_reported = false;
	bide_handle_ended_ = NULL;
}

static void in_child(void)
{
	s.lock = 0;
	end();
}

static bide_at_end ends = { .end = end, .fork = in_child };

/* Returns a timer that is not armed, or NULL. */
static bide_timer *make_timer(void)
{
	bide_timer *timer = bide_timer_new_(sizeof *timer);

	if (!timer)
		return NULL;
	timer->source.word = (uintptr_t)&s.due | BIDE_WORD_LISTENER_;
	timer->source.payload.i = bide_deadline_after_(bide_exhausted_pause_ns_);
	return timer;
}

static void discard(bide_timer *timer)
{
	if (timer)
		bide_operation_discard_(&timer->source);
}

static void report(int error)
{
	char line[200];

	bide_put_(line, sizeof line,
	          "bide_accept: %s; connections wait until this process closes a stream",
	          bide_strerror(error));
	bide_report_("stuck", line);
}

/* --- the list, under the lock --- */

static void append(bide_listener *listener)
{
	listener->is_exhausted = true;
	listener->next_exhausted = NULL;
	*(s.last ? &s.last->next_exhausted : &s.first) = listener;
	s.last = listener;
	s.count++;
	/* Relaxed: a close that does not see it leaves the listener to the timer. */
	BIDE_STORE(&bide_handle_ended_, bide_exhausted_retry_, RELAXED);
}

/*
 * If the list is empty then, returns the timer, which the caller discards without the lock.
 * Otherwise returns NULL, and also if the timer is about to run `due`.
 */
static bide_timer *take_out(bide_listener *listener)
{
	bide_listener **at = &s.first, *before = NULL;
	bide_timer *timer = s.timer;

	for (; *at != listener; at = &(*at)->next_exhausted)
		before = *at;
	*at = listener->next_exhausted;
	if (s.last == listener)
		s.last = before;
	listener->is_exhausted = false;
	if (--s.count > 0)
		return NULL;
	BIDE_STORE(&bide_handle_ended_, NULL, RELAXED);
	if (!timer || !bide_port_disarm_(timer))
		return NULL;
	s.timer = NULL;
	return timer;
}

/* --- the listeners --- */

int bide_exhausted_add_(bide_listener *listener, int error)
{
	bide_timer *timer = make_timer();
	int64_t now_ns = bide_port_now_();
	bool reports, arms;

	if (!timer)
		return ENOMEM;
	bide_at_end_add_(&ends);
	bide_spin_lock_(&s.lock);
	if (!listener->is_exhausted)
		append(listener);
	arms = !s.timer;
	if (arms)
		s.timer = timer;
	reports = !s.has_reported || now_ns - s.reported_ns >= report_pause_ns;
	if (reports) {
		s.has_reported = true;
		s.reported_ns = now_ns;
	}
	bide_spin_unlock_(&s.lock);
	/* Another thread may find it unarmed and leave it alone. Then `due` finds nothing to do. */
	if (arms)
		bide_port_arm_(timer);
	else
		discard(timer);
	if (reports)
		report(error);
	return EAGAIN;
}

void bide_exhausted_remove_(bide_listener *listener)
{
	bide_timer *timer = NULL;

	bide_spin_lock_(&s.lock);
	if (listener->is_exhausted)
		timer = take_out(listener);
	bide_spin_unlock_(&s.lock);
	discard(timer);
}

/*
 * Tries the accept of the listener that has waited longest. The listener may be closed by then, or
 * its memory be that of another one: then the attempt does no harm.
 */
static void retry_first(void)
{
	bide_listener *listener;
	bide_timer *timer = NULL;
	uint32_t generation;

	bide_spin_lock_(&s.lock);
	listener = s.first;
	if (listener)
		timer = take_out(listener);
	bide_spin_unlock_(&s.lock);
	discard(timer);
	if (!listener)
		return;
	bide_handle_lock_(&listener->handle);
	generation = listener->handle.generation;
	/* An attempt that found no descriptor has cleared it, but the queue is not empty. */
	if (listener->handle.state & BIDE_HANDLE_OPEN_)
		listener->handle.state |= BIDE_HANDLE_READY_IN_;
	bide_handle_unlock_(&listener->handle);
	bide_handle_kick_(&listener->handle, generation, BIDE_IO_IN_);
}

void bide_exhausted_retry_(void)
{
	unsigned count;

	bide_spin_lock_(&s.lock);
	count = s.count;
	bide_spin_unlock_(&s.lock);
	for (; count > 0; count--)
		retry_first();
}

/* On the worker that has the timer. */
static void due(bide_observer *observer, bide_source *timer)
{
	(void)observer;
	bide_spin_lock_(&s.lock);
	s.timer = NULL;
	bide_spin_unlock_(&s.lock);
	bide_recycle_(timer, NULL);
	bide_exhausted_retry_();
}
