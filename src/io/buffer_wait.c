/*
 * buffer_wait.c - see buffer_wait.h.
 */
#include "io/buffer_wait.h"

#include "base/assert.h"
#include "base/party.h"
#include "base/spin.h"
#include "cancel/cancel_core.h"
#include "context/context.h"
#include "io/stream.h"
#include "source/source.h"

static void forgotten(bide_operation *operation);

static const bide_operation_type wait_type = { .name = "a send of what was put in a stream",
	                                           .leave = forgotten };

/* `count` of the parties are through with it. Called without a lock. */
static void wait_leave(bide_buffer_wait *w, uint32_t count)
{
	if (!bide_party_leave_(&w->operation.source, &w->parties, count))
		return;
	bide_cancel_node_unref_(&w->node);
	bide_buffer_unpin_(w->stream, BIDE_BUFFER_PIN_);
	bide_operation_complete_(&w->operation, bide_payload_int_(0), w->error);
}

static bool is_met(const bide_stream_buffer *b, size_t unsent_max)
{
	/* The next operation of the side begins when the send is over, not when nothing is left. */
	return b->queued_bytes <= unsent_max && (unsent_max > 0 || !b->sending);
}

bide_buffer_wait *bide_buffer_wait_met_(bide_stream_buffer *b)
{
	bide_buffer_wait *w = b->waiter;

	if (!w || !is_met(b, w->unsent_max))
		return NULL;
	b->waiter = NULL;
	return w;
}

void bide_buffer_wait_answer_(bide_buffer_wait *w, int error)
{
	if (!w)
		return;
	w->error = error;
	wait_leave(w, bide_cancel_unlink_(&w->node) ? 2 : 1);
}

/* Takes it out, if it is still there, so that it ends with the error. Returns true if it was. */
static bool give_up(bide_buffer_wait *w, int error)
{
	bide_stream_buffer *b = &w->stream->buffer;
	bool first;

	bide_spin_lock_(&b->lock);
	first = b->waiter == w;
	if (first) {
		b->waiter = NULL;
		w->error = error;
	}
	bide_spin_unlock_(&b->lock);
	return first;
}

static void canceled(bide_cancel_node *node, int error)
{
	bide_buffer_wait *w = BIDE_CONTAINER_(node, bide_buffer_wait, node);

	wait_leave(w, give_up(w, error) ? 2 : 1);
}

static void forgotten(bide_operation *operation)
{
	bide_buffer_wait *w = (bide_buffer_wait *)operation;

	uint32_t count = 1;

	/*
	 * With one worker, the list of the context is the worker's. Then the wait ends with the send.
	 * As a party it keeps the stream, whose memory would else be in use anew.
	 */
	if (!bide_port_on_worker_() || !bide_party_try_join_(&w->operation.source, &w->parties))
		return;
	if (give_up(w, BIDE_ECANCELED_))
		count += bide_cancel_unlink_(&w->node) ? 2 : 1;
	wait_leave(w, count);
}

bide_value_task bide_buffer_wait_(bide_stream *stream, size_t unsent_max)
{
	bide_stream_buffer *b = &stream->buffer;
	bide_buffer_wait *w = (bide_buffer_wait *)(void *)bide_operation_new_(sizeof *w, &wait_type);
	bide_value_task v;
	bool met;
	int error = 0;

	if (!w)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	w->stream = stream;
	w->unsent_max = (uint32_t)unsent_max;
	w->parties = 2;
	v = bide_source_value_(&w->operation.source);
	bide_spin_lock_(&b->lock);
	met = is_met(b, unsent_max);
	if (met) {
		error = bide_stream_failed_(stream, BIDE_IO_OUT_);
	} else if (!b->sending) {
		/* Since the caller looked, the send has ended, and kept what it could not send. */
		error = b->kept_error;
		BIDE_ASSERT_(error);
	} else {
		/* A cancellation that fires at once waits for the lock. */
		error = bide_cancel_link_(bide_context_core_(), &w->node, canceled);
		if (!error) {
			b->waiter = w;
			bide_buffer_pin_(stream);
		}
	}
	bide_spin_unlock_(&b->lock);
	if (!met && !error)
		return v;
	bide_operation_discard_(&w->operation.source);
	return error ? bide_value_task_from_error(error) : bide_value_task_completed();
}
