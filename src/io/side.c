/*
 * side.c - see side.h.
 */
#include "io/side.h"

#include <errno.h>

#include "base/misuse.h"
#include "base/port.h"
#include "io/handle_parts.h"
#include "io/request.h"

int bide_side_begin_(bide_handle *handle, unsigned side, const char *what)
{
	unsigned tries = 0;
	int error;
	bool is_busy;

	do {
		bide_handle_lock_(handle);
		error = handle->abort_error;
		is_busy = handle->state & bide_busy_bit_(side) || handle->io[side];
		if (!error && !is_busy)
			handle->state |= bide_busy_bit_(side);
		bide_handle_unlock_(handle);
	} while (is_busy && !error && bide_io_requests_on_() && bide_io_reap_(handle, side, &tries));
	if (error || !is_busy)
		return error;
	bide_misuse_("%s: another operation %s the same stream; wait until it is over", what,
	             side == BIDE_IO_IN_ ? "reads from" : "writes to");
	return EBUSY;
}

void bide_side_end_(bide_handle *handle, unsigned side)
{
	bool ends;

	bide_handle_lock_(handle);
	handle->state &= ~(bide_busy_bit_(side) | bide_event_bit_(side));
	ends = bide_handle_ends_(handle);
	bide_handle_unlock_(handle);
	if (ends)
		bide_handle_end_(handle);
}

bool bide_side_may_be_busy_(bide_handle *handle)
{
	bool is_busy;

	if (!bide_port_on_worker_())
		return true;
	bide_handle_lock_(handle);
	is_busy = handle->state & (BIDE_HANDLE_BUSY_IN_ | BIDE_HANDLE_BUSY_OUT_);
	bide_handle_unlock_(handle);
	return is_busy;
}

int bide_side_error_(bide_handle *handle)
{
	int error;

	bide_handle_lock_(handle);
	error = handle->abort_error;
	bide_handle_unlock_(handle);
	return error;
}
