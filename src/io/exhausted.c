/*
 * exhausted.c - see exhausted.h.
 *
 * One timer serves all listeners. It exists while the list is not empty.
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
	bool is_armed; /* the timer exists */
	bool has_reported;
	int64_t reported_ns;
	bide_observer due;
} s = { .due = { due } };

static void end(void)
{
	s.first = s.last = NULL;
	s.count = 0;
	s.is_armed = s.has_reported = false;
	bide_handle_ended_ = NULL;
}

static void in_child(void)
{
	s.lock = 0;
	end();
}

static bide_at_end ends = { .end = end, .fork = in_child };

/* Arms the timer. Returns false if there is no memory. Without the lock; is_armed is set. */
static bool arm(void)
{
	bide_timer *timer = bide_timer_new_(sizeof *timer);

	if (!timer)
		return false;
	timer->source.word = (uintptr_t)&s.due | BIDE_WORD_LISTENER_;
	timer->source.payload.i = bide_deadline_after_(bide_exhausted_pause_ns_);
	bide_port_arm_(timer);
	return true;
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

static void take_out(bide_listener *listener)
{
	bide_listener **at = &s.first, *before = NULL;

	for (; *at != listener; at = &(*at)->next_exhausted)
		before = *at;
	*at = listener->next_exhausted;
	if (s.last == listener)
		s.last = before;
	listener->is_exhausted = false;
	if (--s.count == 0)
		BIDE_STORE(&bide_handle_ended_, NULL, RELAXED);
}

/* --- the listeners --- */

int bide_exhausted_add_(bide_listener *listener, int error)
{
	int64_t now_ns = bide_port_now_();
	bool arms, reports;

	bide_at_end_add_(&ends);
	bide_spin_lock_(&s.lock);
	if (!listener->is_exhausted)
		append(listener);
	arms = !s.is_armed;
	s.is_armed = true;
	reports = !s.has_reported || now_ns - s.reported_ns >= report_pause_ns;
	if (reports) {
		s.has_reported = true;
		s.reported_ns = now_ns;
	}
	bide_spin_unlock_(&s.lock);
	if (arms && !arm()) {
		bide_spin_lock_(&s.lock);
		s.is_armed = false;
		bide_spin_unlock_(&s.lock);
		bide_exhausted_remove_(listener);
		return error;
	}
	if (reports)
		report(error);
	return EAGAIN;
}

void bide_exhausted_remove_(bide_listener *listener)
{
	bide_spin_lock_(&s.lock);
	if (listener->is_exhausted)
		take_out(listener);
	bide_spin_unlock_(&s.lock);
}

/*
 * Tries the longest wait anew. The listener may be closed by then, or in use anew: it does no harm.
 */
static void retry_first(void)
{
	bide_listener *listener;
	uint32_t generation;

	bide_spin_lock_(&s.lock);
	listener = s.first;
	if (listener)
		take_out(listener);
	bide_spin_unlock_(&s.lock);
	if (!listener)
		return;
	bide_handle_lock_(&listener->handle);
	generation = listener->handle.generation;
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
	bide_recycle_(timer, NULL);
	bide_spin_lock_(&s.lock);
	s.is_armed = false;
	bide_spin_unlock_(&s.lock);
	bide_exhausted_retry_();
}
