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
static void conclude(bide_io *io, int error, uint32_t parties)
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
	bool ends;

	bide_io_hooks_(io, error);
	bide_handle_lock_(handle);
	bide_io_release_(handle, io);
	ends = bide_handle_ends_(handle);
	bide_handle_unlock_(handle);
	if (ends)
		bide_handle_end_(handle);
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

/* The record waits from now on, and so does that of the other side if there is one. */
static void register_handle(bide_handle *handle, uint64_t key, bool again)
{
	int error = bide_handle_register_(handle, key, again);
	bide_io *failed[2] = { NULL, NULL };
	bool ends;

	bide_handle_lock_(handle);
	handle->state &= ~(uint32_t)BIDE_HANDLE_REGISTERING_;
	if (error) {
		handle->state &= ~(uint32_t)BIDE_HANDLE_REGISTERED_;
		for (unsigned side = 0; side < 2; side++)
			failed[side] = bide_io_take_over_(handle, side, 0);
	}
	ends = bide_handle_ends_(handle);
	bide_handle_unlock_(handle);
	if (ends)
		bide_handle_end_(handle);
	for (unsigned side = 0; side < 2; side++)
		if (failed[side])
			bide_io_end_(failed[side], error, 1);
}

/*
 * Under the lock, which it gives back. The record belongs to the slot from then on. Returns true if
 * it is to be tried anew, at once: it was to let others run first, and there is no memory for that.
 */
static bool wait(bide_handle *handle, bide_io *io)
{
	unsigned side = bide_io_kind_(io)->side;
	bool is_known = handle->state & BIDE_HANDLE_REGISTERED_, is_later = io->is_later;
	bool registers = !is_later && (!is_known || handle->flags & BIDE_HANDLE_LEVEL_);
	uint64_t key = bide_handle_key_(handle);
	uint32_t generation = handle->generation;
	unsigned home = handle->home;

	io->state = BIDE_IO_WAITING_;
	handle->io[side] = io;
	handle->state &= ~(bide_busy_bit_(side) | bide_event_bit_(side));
	if (!is_later && !io->is_starved)
		handle->state &= ~bide_ready_bit_(side);
	if (registers)
		handle->state |= BIDE_HANDLE_REGISTERED_ | BIDE_HANDLE_REGISTERING_;
	bide_handle_unlock_(handle);
	if (registers)
		register_handle(handle, key, is_known);
	if (is_later)
		return !bide_turn_later_(handle, generation, side);
	bide_reactor_expects_(home);
	return false;
}

bide_io *bide_io_begin_try_(bide_handle *handle, unsigned side)
{
	bide_io *io = handle->io[side];

	if (handle->state & bide_busy_bit_(side)) {
		handle->state |= bide_event_bit_(side);
		return NULL;
	}
	if (!io)
		return NULL;
	io->state = BIDE_IO_TRYING_;
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

void bide_handle_kick_(bide_handle *handle, uint32_t generation, unsigned side)
{
	bide_io *io = begin_again(handle, generation, side);

	if (io)
		bide_io_settle_(io, bide_io_attempt_(io));
}

void bide_io_settle_(bide_io *io, int result)
{
	bide_handle *handle = io->handle;
	unsigned side = bide_io_kind_(io)->side;
	uint32_t event = bide_event_bit_(side), generation;
	bool ends;

	for (;;) {
		bide_handle_lock_(handle);
		if (result == BIDE_IO_AGAIN_ && (handle->abort_error || io->canceled))
			result = handle->abort_error ? handle->abort_error : io->canceled;
		if (result != BIDE_IO_AGAIN_)
			break;
		if (!(handle->state & event) || io->is_later) {
			generation = handle->generation;
			if (!wait(handle, io))
				return;
			io = begin_again(handle, generation, side);
			if (!io)
				return;
			result = bide_io_attempt_(io);
			continue;
		}
		handle->state &= ~event;
		bide_handle_unlock_(handle);
		result = bide_io_attempt_(io);
	}
	io->state = BIDE_IO_OVER_;
	if (bide_io_has_hooks_(io, result)) {
		bide_handle_unlock_(handle);
		bide_io_end_(io, result, 1);
		return;
	}
	bide_io_release_(handle, io);
	ends = bide_handle_ends_(handle);
	bide_handle_unlock_(handle);
	if (ends)
		bide_handle_end_(handle);
	conclude(io, result, 1);
}
