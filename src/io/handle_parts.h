/*
 * handle_parts.h - what the sources of operations and handles share. No other source includes it.
 */
#ifndef BIDE_IO_HANDLE_PARTS_H
#define BIDE_IO_HANDLE_PARTS_H

#include <errno.h>

#include "base/assert.h"
#include "base/settings.h"
#include "base/spin.h"
#include "io/handle.h"

/* The acquire and release of the lock order all of a handle, and the state of its records. */
static inline void bide_handle_lock_(bide_handle *handle)
{
	if (bide_shared_)
		bide_spin_lock_(&handle->lock);
}

/* A walker: what is true of a handle while its lock is held. */
BIDE_INTERNAL bool bide_handle_is_valid_(const bide_handle *handle);

static inline void bide_handle_unlock_(bide_handle *handle)
{
	BIDE_ASSERT_UNEXPLORED_(bide_handle_is_valid_(handle));
	if (bide_shared_)
		bide_spin_unlock_(&handle->lock);
}

/* The bits of a side. */
static inline uint32_t bide_ready_bit_(unsigned side)
{
	return (uint32_t)BIDE_HANDLE_READY_IN_ << side;
}
static inline uint32_t bide_event_bit_(unsigned side)
{
	return (uint32_t)BIDE_HANDLE_EVENT_IN_ << side;
}
static inline uint32_t bide_busy_bit_(unsigned side)
{
	return (uint32_t)BIDE_HANDLE_BUSY_IN_ << side;
}

/* Under the lock. Returns true if an attempt is worth it. */
static inline bool bide_handle_is_ready_(const bide_handle *handle, unsigned side)
{
	uint32_t bits = bide_ready_bit_(side) | BIDE_HANDLE_HUP_;

	if (side == BIDE_IO_IN_)
		bits |= BIDE_HANDLE_RDHUP_;
	return handle->state & bits;
}

/*
 * Under the lock, when a pin has gone. Returns true if that was the last pin of a handle that is
 * closing; then the caller unlocks it and calls bide_handle_end_. No other thread has it any more.
 */
static inline bool bide_handle_ends_(bide_handle *handle)
{
	bool ends = handle->state & BIDE_HANDLE_CLOSING_ && !(handle->state & BIDE_HANDLE_PINS_);

	if (ends)
		handle->state &= ~(uint32_t)(BIDE_HANDLE_OPEN_ | BIDE_HANDLE_CLOSING_);
	return ends;
}

/* Takes the descriptor from the reactor, closes it, and calls `closed`. Without a lock. */
BIDE_INTERNAL void bide_handle_end_(bide_handle *handle);
/*
 * A key is the address of the handle, whose lower 4 and upper 16 bits are zero, and 20 bits of its
 * generation in their place.
 */
enum { BIDE_KEY_LOW_BITS_ = 4, BIDE_KEY_ADDRESS_BITS_ = 48 };
#define BIDE_KEY_LOW_MASK_ ((UINT64_C(1) << BIDE_KEY_LOW_BITS_) - 1)
#define BIDE_KEY_ADDRESS_MASK_ (((UINT64_C(1) << BIDE_KEY_ADDRESS_BITS_) - 1) & ~BIDE_KEY_LOW_MASK_)

/* Returns the key of the present generation. */
static inline uint64_t bide_handle_key_(const bide_handle *handle)
{
	uint64_t generation = handle->generation;

	BIDE_ASSERT_(((uintptr_t)handle & ~BIDE_KEY_ADDRESS_MASK_) == 0);
	return (uintptr_t)handle | generation << BIDE_KEY_ADDRESS_BITS_ |
	       (generation >> (64 - BIDE_KEY_ADDRESS_BITS_) & BIDE_KEY_LOW_MASK_);
}

static inline bide_handle *bide_handle_at_(uint64_t key)
{
	return (bide_handle *)(uintptr_t)(key & BIDE_KEY_ADDRESS_MASK_);
}

/* Returns the handle of a key, locked; or NULL if the key is of an earlier generation. */
static inline bide_handle *bide_handle_of_key_(uint64_t key)
{
	bide_handle *handle = bide_handle_at_(key);

	bide_handle_lock_(handle);
	if (handle->state & BIDE_HANDLE_OPEN_ && bide_handle_key_(handle) == key)
		return handle;
	bide_handle_unlock_(handle);
	return NULL;
}

/*
 * Tells the reactor of the descriptor; `again`: of a one-shot that has fired. The caller has set
 * REGISTERING, and clears it. The key was made under the lock, because a close changes the
 * generation. Returns 0 or the error. Without a lock.
 */
BIDE_INTERNAL int bide_handle_register_(bide_handle *handle, uint64_t key, bool again);

/* --- records (operation.c) --- */

/*
 * Under the lock. Takes over the record of a side that WAITS, to end it: it is OVER, and the side
 * busy. The caller unlocks the handle and calls bide_io_end_. Returns NULL if none waits. If a
 * record is STARTING or TRYING, it ends with `error` unless its attempt succeeds; 0: it goes on.
 */
BIDE_INTERNAL bide_io *bide_io_take_over_(bide_handle *handle, unsigned side, int error);
/*
 * Ends a record that is OVER, with an error or, if it is 0, with the result that an attempt stored.
 * The caller gives up `parties`. Without a lock.
 */
BIDE_INTERNAL void bide_io_end_(bide_io *io, int error, uint32_t parties);
/*
 * The same for a record whose side was never made busy. The starter's party goes with it. is_there:
 * its handle is still open.
 */
BIDE_INTERNAL void bide_io_fail_unstarted_(bide_io *io, int error, bool is_there);
/* `count` of the parties are through with the record. The last one completes it. */
BIDE_INTERNAL void bide_io_leave_party_(bide_io *io, uint32_t count);
/* No error, but the outcome of an attempt that has to wait. An abort may have any error. */
enum { BIDE_IO_AGAIN_ = -1 };
/*
 * The side is busy, and the record STARTING or TRYING. result: of the last attempt; AGAIN if there
 * was none. Ends the record or lets it wait. The party of the slot goes with it. Without a lock.
 */
BIDE_INTERNAL void bide_io_settle_(bide_io *io, int result);
/* The same under the lock, which it gives back. */
BIDE_INTERNAL void bide_io_settle_locked_(bide_io *io, int result);
/*
 * Under the lock. Takes the record of a side that is to be tried: it is TRYING, and the side busy.
 * The caller unlocks the handle, makes an attempt and settles. Returns NULL if there is none.
 */
static inline bide_io *bide_io_begin_try_(bide_handle *handle, unsigned side)
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

/* Makes an attempt. Returns 0, AGAIN or the error. The side is busy. */
static inline int bide_io_attempt_(bide_io *io)
{
	int result;

	io->is_short = io->is_later = io->is_starved = io->is_unwatched = false;
	result = bide_io_kind_(io)->attempt(io);
	return result == EAGAIN ? BIDE_IO_AGAIN_ : result;
}

static inline bool bide_io_has_hooks_(const bide_io *io, int error)
{
	const bide_io_kind *kind = bide_io_kind_(io);

	return kind->over || (error && kind->failed);
}

/* Calls failed and over of the kind. */
static inline void bide_io_hooks_(bide_io *io, int error)
{
	const bide_io_kind *kind = bide_io_kind_(io);

	if (error && kind->failed)
		kind->failed(io, error);
	if (kind->over)
		kind->over(io);
}

/* Under the lock. An operation is over: what its last attempt tells of the readiness; not busy. */
static inline void bide_io_release_(bide_handle *handle, const bide_io *io)
{
	unsigned side = bide_io_kind_(io)->side;
	uint32_t state = handle->state;

	/* An event that came meanwhile is newer than what the attempt saw. */
	if (io->is_short && handle->flags & BIDE_HANDLE_SHORT_IS_EMPTY_ &&
	    !(state & (BIDE_HANDLE_STICKY_ | bide_event_bit_(side))))
		state &= ~bide_ready_bit_(side);
	handle->state = state & ~(bide_busy_bit_(side) | bide_event_bit_(side));
	handle->io[side] = NULL;
}

/*
 * The same, and unlocks the handle. The descriptor is closed if that was the last pin of a close.
 */
static inline void bide_io_release_and_unlock_(bide_handle *handle, const bide_io *io)
{
	bool ends;

	bide_io_release_(handle, io);
	ends = bide_handle_ends_(handle);
	bide_handle_unlock_(handle);
	if (BIDE_UNLIKELY(ends))
		bide_handle_end_(handle);
}

#endif
