/*
 * handle_end.c - what comes to a handle from outside: events, interrupts, aborts, and its close.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/misuse.h"
#include "base/port.h"
#include "io/handle.h"
#include "io/handle_parts.h"
#include "io/owned.h"
#include "io/request.h"
#include "io/upcalls.h"
#include "simulated_net/net.h"

enum { REQUEST_ABORT = 1, REQUEST_CLOSE = 2 };

/* --- events --- */

/* The events that come with data, or with room for it. */
enum { PLAIN = EPOLLIN | EPOLLOUT };

/* Returns the bits of what an event tells that is not PLAIN. */
static BIDE_COLD uint32_t bits_of_rare(uint32_t events)
{
	uint32_t bits = 0;

	if (events & EPOLLRDHUP)
		bits |= BIDE_HANDLE_RDHUP_ | BIDE_HANDLE_READY_IN_;
	if (events & (EPOLLHUP | EPOLLERR))
		bits |= BIDE_HANDLE_HUP_ | BIDE_HANDLE_READY_IN_ | BIDE_HANDLE_READY_OUT_;
	if (events & EPOLLPRI)
		bits |= BIDE_HANDLE_PRI_;
	return bits;
}

static inline uint32_t bits_of(uint32_t events)
{
	uint32_t bits = (events & EPOLLIN ? (uint32_t)BIDE_HANDLE_READY_IN_ : 0) |
	                (events & EPOLLOUT ? (uint32_t)BIDE_HANDLE_READY_OUT_ : 0);

	return BIDE_LIKELY(!(events & ~(uint32_t)PLAIN)) ? bits : bits | bits_of_rare(events);
}

void bide_io_event_(uint64_t key, uint32_t events)
{
	bide_handle *handle = bide_handle_of_key_(key);
	uint32_t bits = bits_of(events);
	bide_io *in, *out;

	if (!handle)
		return;
	if (handle->flags & BIDE_HANDLE_LEVEL_) {
		bits |= BIDE_HANDLE_READY_IN_;
		handle->seen |= (uint16_t)events;
	}
	handle->state |= bits;
	in = bits & BIDE_HANDLE_READY_IN_ ? bide_io_begin_try_(handle, BIDE_IO_IN_) : NULL;
	out = bits & BIDE_HANDLE_READY_OUT_ ? bide_io_begin_try_(handle, BIDE_IO_OUT_) : NULL;
	bide_handle_unlock_(handle);
	if (in)
		bide_io_settle_(in, bide_io_attempt_(in));
	if (out)
		bide_io_settle_(out, bide_io_attempt_(out));
}

void bide_handle_interrupt_(bide_handle *handle, unsigned side, int error)
{
	bide_io *io;
	bide_io_asked asked;

	bide_handle_lock_(handle);
	io = bide_io_take_over_(handle, side, error);
	asked = bide_io_ask_(handle->io[side]);
	bide_handle_unlock_(handle);
	bide_io_cancel_request_(asked);
	if (io)
		bide_io_end_(io, error, 1);
}

/* --- aborts and closes --- */

/* What is pending, by side: it waits, or the engine has it. */
typedef struct pending {
	bide_io *io[2];
	bide_io_asked asked[2];
} pending;

/*
 * Under the lock. Ends what waits, with this error, and all that comes later. The caller unlocks
 * the handle and calls end_all.
 */
static void abort_locked(bide_handle *handle, int error, pending *p)
{
	handle->abort_error = (uint16_t)error;
	for (unsigned side = 0; side < 2; side++) {
		p->io[side] = bide_io_take_over_(handle, side, error);
		p->asked[side] = bide_io_ask_(handle->io[side]);
	}
}

static void end_all(const pending *p, int error)
{
	for (unsigned side = 0; side < 2; side++) {
		bide_io_cancel_request_(p->asked[side]);
		if (p->io[side])
			bide_io_end_(p->io[side], error, 1);
	}
}

/* The pin ABORTING keeps the descriptor from being closed, and its number from being used anew. */
static void shut_down(bide_handle *handle)
{
	bool ends;

	if (BIDE_LIKELY(handle->flags & BIDE_HANDLE_IS_SOCKET_))
		(void)shutdown(handle->fd, SHUT_RDWR);
	else
		(void)bide_net_shutdown_(handle->fd);
	bide_handle_lock_(handle);
	handle->state &= ~(uint32_t)BIDE_HANDLE_ABORTING_;
	ends = bide_handle_ends_(handle);
	bide_handle_unlock_(handle);
	if (ends)
		bide_handle_end_(handle);
}

static void abort_now(bide_handle *handle, int error)
{
	pending p = { .io = { NULL, NULL } };
	bool shuts = false;

	bide_handle_lock_(handle);
	if (handle->state & BIDE_HANDLE_OPEN_ && !handle->abort_error) {
		abort_locked(handle, error, &p);
		shuts = handle->flags & (BIDE_HANDLE_IS_SOCKET_ | BIDE_HANDLE_SIMULATED_);
		if (shuts)
			handle->state |= BIDE_HANDLE_ABORTING_;
	}
	bide_handle_unlock_(handle);
	if (shuts)
		shut_down(handle);
	end_all(&p, error);
}

static void close_now(bide_handle *handle)
{
	pending p;
	bool ends;

	bide_handle_lock_(handle);
	handle->generation++; /* An event that was fetched already finds another one. */
	abort_locked(handle, EBADF, &p);
	handle->state |= BIDE_HANDLE_CLOSING_;
	ends = bide_handle_ends_(handle);
	bide_handle_unlock_(handle);
	if (ends)
		bide_handle_end_(handle);
	end_all(&p, EBADF);
}

/* --- from another thread to the one worker --- */

static void requested(bide_post *post)
{
	bide_handle *handle = BIDE_CONTAINER_(post, bide_handle, post);
	/* Pairs with the OR of `request`. From now on the post may be sent anew. */
	uint32_t requests = BIDE_SWAP(&handle->requests, 0u, ACQ_REL);

	if (requests & REQUEST_ABORT)
		abort_now(handle, BIDE_LOAD(&handle->asked_error, RELAXED));
	if (requests & REQUEST_CLOSE)
		close_now(handle);
}

/* Returns true if the post was on its way already. */
static bool request(bide_handle *handle, uint32_t what)
{
	return BIDE_OR(&handle->requests, what, ACQ_REL) != 0;
}

static void request_and_post(bide_handle *handle, uint32_t what)
{
	if (request(handle, what))
		return;
	handle->post.run = requested;
	bide_port_post_(&handle->post);
}

void bide_handle_abort_(bide_handle *handle, int error)
{
	uint16_t none = 0;

	BIDE_ASSERT_(error > 0 && error <= BIDE_ERROR_MAX);
	if (bide_port_on_worker_()) {
		abort_now(handle, error);
		return;
	}
	/* See bide_stream_abort_. */
	if (BIDE_CAS(&handle->asked_error, &none, (uint16_t)error, SEQ_CST, RELAXED))
		request_and_post(handle, REQUEST_ABORT);
}

uint32_t bide_handle_take_(bide_handle *handle, const char *what, const char *object)
{
	uint32_t era = BIDE_SWAP(&handle->era, 0u, RELAXED); /* one of two closes at a time gets it */

	if (era == 0)
		bide_misuse_("%s: the %s is closed", what, object);
	else
		(void)bide_thread_(); /* In the child of a fork, this leaves the parent's runtime. */
	return era;
}

void bide_handle_close_(bide_handle *handle, void (*closed)(bide_handle *handle))
{
	uint32_t era = BIDE_SWAP(&handle->era, 0u, RELAXED);

	BIDE_ASSERT_(era != 0);
	bide_handle_close_taken_(handle, era, closed);
}

void bide_handle_close_taken_(bide_handle *handle, uint32_t era,
                              void (*closed)(bide_handle *handle))
{
	BIDE_ASSERT_(era != 0 && BIDE_LOAD(&handle->era, RELAXED) == 0);
	if (era != bide_handle_era_()) { /* Its memory may be in any state. */
		if (!(handle->flags & BIDE_HANDLE_KEEPS_FD_)) {
			bide_owned_end_(handle->fd);
			close(handle->fd);
		}
		return;
	}
	handle->closed = closed;
	if (!bide_port_on_worker_())
		request_and_post(handle, REQUEST_CLOSE);
	else if (bide_shared_ || !request(handle, REQUEST_CLOSE))
		close_now(handle); /* Otherwise the post that is on its way will close it. */
}
