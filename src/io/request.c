/*
 * request.c - see request.h.
 */
#include "io/request.h"

#include <errno.h>

#include "base/assert.h"
#include "base/count.h"
#include "base/party.h"
#include "base/port.h"
#include "base/settings.h"
#include "base/thread.h"
#include "io/engine.h"
#include "io/handle_parts.h"
#include "io/rescue.h"
#include "io/upcalls.h"
#include "runtime/reactor.h"
#include "runtime/runtime.h"
#include "runtime/worker.h"

enum { PLACE_SHIFT = 32 };

/* Returns true if functions are runnable on this worker, besides the one that runs. */
static bool others_are_runnable(void)
{
	const bide_thread_head *head = bide_current_thread_;
	const bide_worker *worker;

	if (!bide_shared_)
		return head->next || head->queue_head;
	worker = bide_worker_this_();
	return worker && (worker->has_next || bide_worker_entries_(worker) > 0);
}

/* Returns the reactor whose engine may take an operation of this kind, or NULL. */
static bide_reactor *taker(const bide_handle *handle, const bide_io_kind *kind)
{
	if (!kind->request || !(handle->flags & BIDE_HANDLE_IS_SOCKET_))
		return NULL;
	return bide_reactor_mine_();
}

bool bide_io_joins_(const bide_io *copy)
{
	bide_reactor *reactor = taker(copy->handle, bide_io_kind_(copy));

	return reactor && (others_are_runnable() || reactor->engine->has_batch(reactor));
}

/*
 * All that another thread may come to see is stored before the request starts: the thread that
 * takes its completion waits for the lock.
 */
bool bide_io_request_(bide_io *io)
{
	bide_handle *handle = io->handle;
	const bide_io_kind *kind = bide_io_kind_(io);
	bide_reactor *reactor = taker(handle, kind);
	bide_io_request request = { .fd = handle->fd, .key = (uintptr_t)io, .is_ready = io->joins };

	if (!reactor || io->is_later || io->is_starved || io->is_unwatched)
		return false;
	kind->request(io, &request);
	if (!reactor->engine->start(reactor, &request))
		return false;
	bide_count_(BIDE_COUNT_IO_REQUESTED_, 1);
	if (!io->joins)
		handle->state &= ~bide_ready_bit_(kind->side);
	io->joins = false;
	io->state = BIDE_IO_REQUESTED_;
	io->operation.source.payload.i = handle->fd | (int64_t)reactor->place << PLACE_SHIFT;
	handle->io[kind->side] = io;
	bide_handle_unlock_(handle);
	/* Code outside of functions may not come back to the worker for long. */
	reactor->engine->submit(reactor, !bide_thread_is_inside_(bide_current_thread_));
	bide_reactor_expects_(reactor->place);
	return true;
}

/*
 * Under the lock. Returns what an attempt would. A request that ended without anything done goes on
 * as an attempt that has to wait: if it is to end, it ends with that error, and otherwise it is
 * requested anew. That happens if the thread has ended that submitted it. An abort shuts the socket
 * down, so the end of the input or EPIPE comes by it, too; then its error counts.
 */
static int result_of(bide_handle *handle, bide_io *io, const bide_reactor_event *event)
{
	const bide_io_kind *kind = bide_io_kind_(io);
	int result;

	if (event->result == -ECANCELED || event->result == -EAGAIN || event->result == -EINTR)
		return BIDE_IO_AGAIN_;
	if (event->result <= 0 && (io->canceled || handle->abort_error))
		return BIDE_IO_AGAIN_;
	io->is_short = false;
	result = kind->done(io, event->result);
	if (event->events & BIDE_EVENT_MORE_)
		io->is_short = false;
	if (result == 0 && (kind->side == BIDE_IO_OUT_ || event->events & BIDE_EVENT_MORE_))
		handle->state |= bide_ready_bit_(kind->side);
	return result == EAGAIN ? BIDE_IO_AGAIN_ : result;
}

void bide_io_done_(const bide_reactor_event *event)
{
	bide_io *io = (bide_io *)(uintptr_t)event->key;
	bide_handle *handle = io->handle;

	bide_handle_lock_(handle);
	BIDE_ASSERT_(io->state == BIDE_IO_REQUESTED_);
	io->state = BIDE_IO_TRYING_;
	bide_io_settle_locked_(io, result_of(handle, io, event));
}

/* --- cancellation --- */

/*
 * An operation that was forgotten has its side busy until the kernel has given it up. The kernel
 * does that as soon as the thread that submitted it enters the kernel, or at the next tick.
 */
bool bide_io_reap_(bide_handle *handle, unsigned side, unsigned *tries)
{
	bide_reactor *reactor = NULL;
	const bide_io *io;

	bide_handle_lock_(handle);
	io = handle->io[side];
	if (io && io->state == BIDE_IO_REQUESTED_ && io->canceled)
		reactor = bide_reactor_of_((unsigned)(io->operation.source.payload.i >> PLACE_SHIFT));
	bide_handle_unlock_(handle);
	if (!reactor)
		return false;
	if (reactor == bide_reactor_mine_())
		(void)bide_reactor_look_(reactor);
	else
		(void)bide_rescue_(reactor);
	if (*tries > 0)
		bide_port_wait_a_moment_(*tries);
	++*tries;
	return true;
}

bide_io_asked bide_io_ask_slow_(bide_io *io)
{
	bide_party_join_(&io->operation.source, &io->parties);
	return (bide_io_asked){ io, (unsigned)(io->operation.source.payload.i >> PLACE_SHIFT) };
}

void bide_io_cancel_request_slow_(bide_io_asked asked)
{
	bide_reactor *reactor = bide_reactor_of_(asked.place);

	/* A reactor stays until the shutdown, which ends what is left. */
	if (reactor)
		reactor->engine->cancel(reactor, (uintptr_t)asked.io);
	bide_io_leave_party_(asked.io, 1);
}
