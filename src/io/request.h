/*
 * request.h - operations that the engine does itself: how a record is handed to it, and canceled.
 * See operation.h.
 */
#ifndef BIDE_IO_REQUEST_H
#define BIDE_IO_REQUEST_H

#include "io/handle.h"
#include "io/reactor.h"

/* Returns true if there is an engine that does requests. */
static inline bool bide_io_requests_on_(void)
{
	return BIDE_UNLIKELY(BIDE_LOAD(&bide_reactor_has_requests_, RELAXED));
}

/*
 * Returns true if an operation that is ready does better to join the requests that will go out
 * together: others are queued, or other functions are runnable on this worker, and may queue some.
 */
BIDE_INTERNAL bool bide_io_joins_(const bide_io *copy);

/*
 * The side is busy. If an operation has it whose request was canceled, takes what completions there
 * are, and returns true: the caller looks again. `tries` begins with 0. Without a lock.
 */
BIDE_INTERNAL BIDE_COLD bool bide_io_reap_(bide_handle *handle, unsigned side, unsigned *tries);

/* A record whose request is to be canceled, and where. Its holder is a party of it. */
typedef struct bide_io_asked {
	bide_io *io; /* or NULL */
	unsigned place;
} bide_io_asked;

BIDE_INTERNAL BIDE_COLD bide_io_asked bide_io_ask_slow_(bide_io *io);
BIDE_INTERNAL BIDE_COLD void bide_io_cancel_request_slow_(bide_io_asked asked);

/* Under the lock of the handle. Its error is stored. io: a record of it, or NULL. */
static inline bide_io_asked bide_io_ask_(bide_io *io)
{
	return io && io->state == BIDE_IO_REQUESTED_ ? bide_io_ask_slow_(io)
	                                             : (bide_io_asked){ NULL, 0 };
}

/* Without a lock. The request ends soon with what it brings. */
static inline void bide_io_cancel_request_(bide_io_asked asked)
{
	if (asked.io)
		bide_io_cancel_request_slow_(asked);
}

#endif
