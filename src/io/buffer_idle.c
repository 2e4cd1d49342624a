/*
 * buffer_idle.c - the idle limit of a stream: one timer, which looks when it fires, and goes on.
 *
 * An operation stores the time when it begins, and again when bytes come or go. The timer is armed
 * by the first operation that may wait. It fires when the oldest of the two times is too old, ends
 * what waits on that side, and is armed anew while something waits.
 *
 *     since_ns: 0 (nothing waits) --an operation--> the time --progress--> a later time
 *               the time --the timer, too old--> EXPIRING --interrupted--> 0
 *               the time --the operation is over--> 0, or it stays: then nothing is interrupted
 *
 * An operation that begins while the timer interrupts the one before waits until that is done, so
 * that the interruption does not meet it.
 *
 * A worker may be late for both, the timer and an event that came in time. So a read that has
 * waited too long is tried once more before it is interrupted. A write is not: the kernel takes
 * some bytes whenever it is asked, long before it tells of room, even if the peer reads nothing.
 */
#include "base/clock.h"
#include "base/port.h"
#include "io/buffer.h"
#include "io/handle_parts.h"
#include "io/stream.h"
#include "source/source.h"

enum { EXPIRING = -1 };

static void arm(bide_stream *stream);

/* As an event would. */
static void read_once_more(bide_stream *stream)
{
	uint32_t generation;

	bide_handle_lock_(&stream->handle);
	generation = stream->handle.generation;
	bide_handle_unlock_(&stream->handle);
	bide_handle_kick_(&stream->handle, generation, BIDE_IO_IN_);
}

/* Ends what has waited too long on a side. Returns when to look again. */
static int64_t look(bide_stream *stream, unsigned side, int64_t idle_ns, int64_t now_ns)
{
	/* Read before the time, which a layer that comes resets before it sets the type. */
	bool is_descriptor = !BIDE_LOAD(&stream->type, ACQUIRE);
	int64_t *at = &stream->buffer.since_ns[side], since_ns = BIDE_LOAD(at, RELAXED);

	if (since_ns <= 0)
		return BIDE_FOREVER;
	if (now_ns - since_ns < idle_ns)
		return bide_time_add_(since_ns, idle_ns);
	if (is_descriptor && side == BIDE_IO_IN_) {
		read_once_more(stream);
		since_ns = BIDE_LOAD(at, RELAXED);
		if (since_ns <= 0)
			return BIDE_FOREVER;
		if (now_ns - since_ns < idle_ns)
			return bide_time_add_(since_ns, idle_ns);
	}
	/* The release of 0 below pairs with the acquire in bide_buffer_progress_slow_. */
	if (!BIDE_CAS(at, &since_ns, (int64_t)EXPIRING, ACQ_REL, RELAXED))
		return bide_time_add_(now_ns, idle_ns);
	if (!is_descriptor) { /* It may do anything, so the next operation does not wait for it. */
		BIDE_STORE(at, 0, RELEASE);
		bide_stream_abort_(stream, BIDE_EIDLE); /* It has no operation of its own to end. */
		return BIDE_FOREVER;
	}
	bide_handle_interrupt_(&stream->handle, side, BIDE_EIDLE);
	BIDE_STORE(at, 0, RELEASE);
	return BIDE_FOREVER;
}

static bool is_closed(const bide_stream *stream)
{
	return BIDE_LOAD(&stream->buffer.pins, SEQ_CST) & BIDE_BUFFER_CLOSED_;
}

/* The timer is about to rest. Returns true if something has begun to wait meanwhile. */
static bool is_wanted(const bide_stream_buffer *b)
{
	/* With bide_buffer_progress_slow_: each stores first, and then looks at the other. */
	return BIDE_LOAD(&b->idle_ns, SEQ_CST) != 0 &&
	       (BIDE_LOAD(&b->since_ns[0], SEQ_CST) != 0 || BIDE_LOAD(&b->since_ns[1], SEQ_CST) != 0);
}

static void due(bide_observer *listener, bide_source *timer)
{
	bide_stream *stream = BIDE_CONTAINER_(listener, bide_stream, buffer.alarm.due);
	bide_stream_buffer *b = &stream->buffer;
	int64_t idle_ns = BIDE_LOAD(&b->idle_ns, RELAXED), now_ns = bide_port_now_();
	bool rests = true;

	if (bide_alarm_fired_(&b->alarm, timer) && idle_ns && !is_closed(stream)) {
		rests = look(stream, BIDE_IO_IN_, idle_ns, now_ns) == BIDE_FOREVER;
		rests &= look(stream, BIDE_IO_OUT_, idle_ns, now_ns) == BIDE_FOREVER;
	}
	BIDE_STORE(&b->armed, 0u, SEQ_CST);
	if (!is_closed(stream) && (!rests || is_wanted(b)))
		arm(stream);
	(void)bide_alarm_leave_(&b->alarm);
	bide_buffer_unpin_(stream, BIDE_BUFFER_PIN_);
}

/* Stops the timer, unless it is on its way. */
static bool stop(bide_stream *stream)
{
	bide_stream_buffer *b = &stream->buffer;

	if (!BIDE_LOAD(&b->armed, ACQUIRE) || !b->alarm.due.run || !bide_alarm_stop_(&b->alarm))
		return false;
	BIDE_STORE(&b->armed, 0u, RELEASE);
	return true;
}

/* On the worker. The stream is pinned for the timer, and `armed` is set. */
static void arm_here(bide_stream *stream)
{
	bide_stream_buffer *b = &stream->buffer;
	bide_timer *timer = bide_timer_new_(sizeof *timer);
	int64_t since_ns = INT64_MAX, idle_ns = BIDE_LOAD(&b->idle_ns, RELAXED);

	if (!timer) { /* Without memory the next operation tries again. */
		BIDE_STORE(&b->armed, 0u, RELEASE);
		bide_buffer_unpin_(stream, BIDE_BUFFER_PIN_);
		return;
	}
	for (unsigned side = 0; side < 2; side++) {
		int64_t ns = BIDE_LOAD(&b->since_ns[side], RELAXED);

		if (ns > 0 && ns < since_ns)
			since_ns = ns;
	}
	if (since_ns == INT64_MAX)
		since_ns = bide_port_now_();
	if (!b->alarm.due.run)
		bide_alarm_init_(&b->alarm, due);
	bide_buffer_pin_(stream); /* until this returns */
	bide_alarm_set_(&b->alarm, timer, bide_time_add_(since_ns, idle_ns));
	if (is_closed(stream) && stop(stream))
		bide_buffer_unpin_(stream, BIDE_BUFFER_PIN_);
	bide_buffer_unpin_(stream, BIDE_BUFFER_PIN_);
}

static void arm_posted(bide_post *post)
{
	arm_here(BIDE_CONTAINER_(post, bide_stream, buffer.arm));
}

static void arm(bide_stream *stream)
{
	bide_stream_buffer *b = &stream->buffer;

	if (BIDE_SWAP(&b->armed, 1u, SEQ_CST))
		return;
	bide_buffer_pin_(stream);
	if (bide_port_on_worker_()) {
		arm_here(stream);
		return;
	}
	b->arm.run = arm_posted;
	bide_port_post_(&b->arm);
}

void bide_buffer_progress_slow_(bide_stream *stream, unsigned side)
{
	int64_t *at = &stream->buffer.since_ns[side], now_ns = bide_port_now_();
	int64_t seen = BIDE_LOAD(at, ACQUIRE);

	if (now_ns == 0) /* a simulation begins at 0, which would mean that nothing waits */
		now_ns = 1;
	for (unsigned tries = 0; seen == EXPIRING || !BIDE_CAS(at, &seen, now_ns, SEQ_CST, ACQUIRE);) {
		if (seen != EXPIRING)
			continue;
		bide_port_wait_a_moment_(tries++);
		seen = BIDE_LOAD(at, ACQUIRE);
	}
	if (!BIDE_LOAD(&stream->buffer.armed, SEQ_CST))
		arm(stream);
}

void bide_buffer_idle_stop_(bide_stream *stream)
{
	if (bide_port_on_worker_() && stop(stream))
		bide_buffer_unpin_(stream, BIDE_BUFFER_PIN_);
}

void bide_buffer_idle_set_(bide_stream *stream, int64_t idle_ns)
{
	bide_stream_buffer *b = &stream->buffer;

	BIDE_STORE(&b->idle_ns, idle_ns, SEQ_CST);
	/* A timer that is armed for the earlier limit may be too late. */
	bide_buffer_idle_stop_(stream);
	if (is_wanted(b))
		arm(stream);
}
