/*
 * side.h - keeps a side of a handle busy for longer than an attempt, for an async function that
 * does the work of an operation of the stream.
 */
#ifndef BIDE_IO_SIDE_H
#define BIDE_IO_SIDE_H

#include "io/handle.h"

/*
 * Makes the side busy. Returns 0; the error of an abort; or EBUSY, which it reports as misuse of
 * `what`. Until bide_side_end_ the handle does not go away, even if it is closed. On a thread that
 * may touch operations (bide_port_on_worker_).
 */
BIDE_INTERNAL int bide_side_begin_(bide_handle *handle, unsigned side, const char *what);
BIDE_INTERNAL void bide_side_end_(bide_handle *handle, unsigned side);
/*
 * Returns true if a side is busy, or if that cannot be told: with one worker, on another thread.
 */
BIDE_INTERNAL bool bide_side_may_be_busy_(bide_handle *handle);
/* Returns the error of an abort or a close, or 0. */
BIDE_INTERNAL int bide_side_error_(bide_handle *handle);

#endif
