/*
 * operation.c - records: how they wait, and how they end. See operation.h.
 */
#include "io/operation.h"

#include <errno.h>

#include "base/assert.h"
#include "base/party.h"
#include "cancel/cancel_core.h"
#include "io/handle.h"
#include "io/handle_parts.h"
#include "io/reactor.h"
#include "io/request.h"
#include "io/upcalls.h"
#include "source/source.h"

void bide_io_leave_party_(bide_io *io, uint32_t count)
{
	bide_source *source = &io->operation.source;

	if (!bide_party_leave_(source, &io->parties, count))
		return;
	BIDE_ASSERT_(io->state == BIDE_IO_OVER_);
	bide_cancel_node_unref_(&io->node);
	bide_operation_complete_(&io->operation, source->payload, source->error);
}

/* The record has left its slot. */
static inline __attribute__((always_inline)) void conclude(bide_io *io, int error, uint32_t parties)
{
	bide_source *source = &io->operation.source;

	source->error = (uint16_t)error; /* ordered by `parties` */
	if (error)
		source->payload.i = 0;
	bide_io_leave_party_(io, parties + (bide_cancel_unlink_(&io->node) ? 1 : 0));
}

void bide_io_end_(bide_io *io, int error, uint32_t parties)
{
	bide_handle *handle = io->handle;

	bide_io_hooks_(io, error);
	bide_handle_lock_(handle);
	bide_io_release_and_unlock_(handle, io);
	conclude(io, error, parties);
}

void bide_io_fail_unstarted_(bide_io *io, int error, bool is_there)
{
	io->state = BIDE_IO_OVER_;
	if (is_there || bide_io_kind_(io)->is_pinned)
		bide_io_hooks_(io, error);
	conclude(io, error, 2);
}

bide_io *bide_io_take_over_(bide_handle *handle, unsigned side, int error)
{
	bide_io *io = handle->io[side];

	if (!io)
		return NULL;
	if (io->state != BIDE_IO_WAITING_) {
		if (!io->canceled)
			io->canceled = (uint16_t)error;
		return NULL;
	}
	io->state = BIDE_IO_OVER_;
	handle->state |= bide_busy_bit_(side);
	return io;
}

/* The handle may have been closed meanwhile. */
static bide_io *begin_again(bide_handle *handle, uint32_t generation, unsigned side)
{
	bide_io *io = NULL;

	bide_handle_lock_(handle);
	if (handle->generation == generation && handle->state & BIDE_HANDLE_OPEN_)
		io = bide_io_begin_try_(handle, side);
	bide_handle_unlock_(handle);
	return io;
}

/* Under the lock. */
static bool waits_unwatched(const bide_io *io)
{
	return io && io->state == BIDE_IO_WAITING_ && bide_io_kind_(io)->unwatched;
}

/* The side is busy. Returns AGAIN or the error. */
static int unwatched(bide_io *io, int error)
{
	error = bide_io_kind_(io)->unwatched(io, error);
	io->is_unwatched = error == EAGAIN;
	return error == EAGAIN ? BIDE_IO_AGAIN_ : error;
}

/*
 * Tells the reactor, and once more if what it was told is used up already. Returns 0 or the error,
 * with the lock held.
 */
static int tell_reactor(bide_handle *handle, uint64_t key, bool again)
{
	for (;; again = true) {
		int error = bide_handle_register_(handle, key, again);
		bool once_more;

		bide_handle_lock_(handle);
		once_more = handle->state & BIDE_HANDLE_AGAIN_;
		handle->state &= ~(uint32_t)BIDE_HANDLE_AGAIN_;
		if (error || !once_more)
			return error;
		bide_handle_unlock_(handle);
	}
}

/*
 * The record waits from now on, and so does that of the other side if there is one. If the reactor
 * does not take the descriptor, both end with the error; but if the kind of this side has an
 * `unwatched`, its record is returned as one that is tried, and *error tells why.
 */
static bide_io *register_handle(bide_handle *handle, unsigned side, uint64_t key, bool again,
                                int *error)
{
	bide_io *failed[2] = { NULL, NULL }, *kept = NULL;
	bool ends;

	*error = tell_reactor(handle, key, again);
	handle->state &= ~(uint32_t)BIDE_HANDLE_REGISTERING_;
	if (*error) {
		handle->state &= ~(uint32_t)BIDE_HANDLE_REGISTERED_;
		if (waits_unwatched(handle->io[side]))
			kept = bide_io_begin_try_(handle, side);
		for (unsigned each = 0; each < 2; each++)
			failed[each] = bide_io_take_over_(handle, each, 0);
	}
	ends = bide_handle_ends_(handle);
	bide_handle_unlock_(handle);
	if (ends)
		bide_handle_end_(handle);
	for (unsigned each = 0; each < 2; each++)
		if (failed[each])
			bide_io_end_(failed[each], *error, 1);
	return kept;
}

/* The same as `wait`, for a record that may have to be registered, or tried without an event. */
static BIDE_COLD bide_io *wait_rarely(bide_handle *handle, bide_io *io, int *result)
{
	unsigned side = bide_io_kind_(io)->side;
	bool is_known = handle->state & BIDE_HANDLE_REGISTERED_, is_later = io->is_later;
	bool registers =
		!is_later && !io->is_unwatched && (!is_known || handle->flags & BIDE_HANDLE_LEVEL_);
	uint64_t key = bide_handle_key_(handle);
	uint32_t generation = handle->generation;
	unsigned home = handle->home;

	BIDE_ASSERT_(!io->is_unwatched || bide_io_kind_(io)->unwatched);
	if (!is_later && !io->is_starved)
		handle->state &= ~bide_ready_bit_(side);
	if (BIDE_UNLIKELY(registers && handle->state & BIDE_HANDLE_REGISTERING_)) {
		handle->state |= BIDE_HANDLE_AGAIN_;
		registers = false;
	}
	if (registers)
		handle->state |= BIDE_HANDLE_REGISTERED_ | BIDE_HANDLE_REGISTERING_;
	bide_handle_unlock_(handle);
	if (is_later) {
		io = bide_turn_later_(handle, generation, side) ? NULL
		                                                : begin_again(handle, generation, side);
		if (io)
			*result = bide_io_attempt_(io);
		return io;
	}
	io = registers ? register_handle(handle, side, key, is_known, result) : NULL;
	if (io)
		*result = unwatched(io, *result);
	else
		bide_reactor_expects_(home);
	return io;
}

/*
 * Under the lock, which it gives back. The record belongs to the slot from then on. Returns NULL;
 * or the record of the side, if it is in this thread's hands again, with the *result of its
 * attempt: it was to let others run first, and there is no memory for that, or the reactor does not
 * take the descriptor.
 */
static inline __attribute__((always_inline)) bide_io *wait(bide_handle *handle, bide_io *io,
                                                           int *result)
{
	unsigned side = bide_io_kind_(io)->side;
	unsigned home = handle->home;

	io->state = BIDE_IO_WAITING_;
	handle->io[side] = io;
	handle->state &= ~(bide_busy_bit_(side) | bide_event_bit_(side));
	if (BIDE_UNLIKELY(!(handle->state & BIDE_HANDLE_REGISTERED_) ||
	                  handle->flags & BIDE_HANDLE_LEVEL_ || io->is_later || io->is_starved))
		return wait_rarely(handle, io, result);
	handle->state &= ~bide_ready_bit_(side);
	bide_handle_unlock_(handle);
	bide_reactor_expects_(home);
	return NULL;
}

void bide_handle_kick_(bide_handle *handle, uint32_t generation, unsigned side)
{
	bide_io *io = begin_again(handle, generation, side);

	if (io)
		bide_io_settle_(io, bide_io_attempt_(io));
}

/* Under the lock, which it gives back. The outcome is decided. */
static inline __attribute__((always_inline)) void over(bide_handle *handle, bide_io *io, int result)
{
	io->state = BIDE_IO_OVER_;
	if (BIDE_UNLIKELY(bide_io_has_hooks_(io, result))) {
		bide_handle_unlock_(handle);
		bide_io_end_(io, result, 1);
		return;
	}
	bide_io_release_and_unlock_(handle, io);
	conclude(io, result, 1);
}

/*
 * Under the lock, which it gives back if it returns NULL: the record waits, or another thread has
 * it. Otherwise returns the record, whose outcome is *result.
 */
static inline __attribute__((always_inline)) bide_io *wait_or_end(bide_handle *handle, bide_io *io,
                                                                  int *result)
{
	unsigned side = bide_io_kind_(io)->side;
	uint32_t event = bide_event_bit_(side);

	for (*result = BIDE_IO_AGAIN_; *result == BIDE_IO_AGAIN_; bide_handle_lock_(handle)) {
		if (handle->abort_error || io->canceled) {
			*result = io->canceled ? io->canceled : handle->abort_error;
			break;
		}
		bool waits = !(handle->state & event) || io->is_later;

		if (waits && bide_io_requests_on_() && bide_io_request_(io))
			return NULL;
		if (BIDE_LIKELY(waits && !io->joins)) {
			io = wait(handle, io, result);
			if (BIDE_LIKELY(!io))
				return NULL;
		} else {
			io->joins = false;
			handle->state &= ~event;
			bide_handle_unlock_(handle);
			*result = bide_io_attempt_(io);
		}
	}
	return io;
}

/* Under the lock, which it gives back. It is out of line for what ends at once. */
static __attribute__((noinline)) void settle_waiting(bide_handle *handle, bide_io *io)
{
	int result;

	io = wait_or_end(handle, io, &result);
	if (io)
		over(handle, io, result);
}

static inline __attribute__((always_inline)) void settle(bide_handle *handle, bide_io *io,
                                                         int result)
{
	if (result == BIDE_IO_AGAIN_)
		settle_waiting(handle, io);
	else
		over(handle, io, result);
}

void bide_io_settle_(bide_io *io, int result)
{
	bide_handle *handle = io->handle;

	bide_handle_lock_(handle);
	settle(handle, io, result);
}

BIDE_COLD void bide_io_settle_locked_(bide_io *io, int result)
{
	settle(io->handle, io, result);
}
