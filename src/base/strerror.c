/*
 * strerror.c - the texts of error numbers.
 */
#include "base/port.h"

const char *bide_strerror(int error)
{
	switch (error) {
	case 0:
		return "success";
	case BIDE_ECANCELED_:
		return "canceled";
	case BIDE_ETIMEDOUT_: /* here it is a deadline, where the system speaks of a connection */
		return "timed out";
	case BIDE_ENOFRAME:
		return "no memory to start the async function";
	case BIDE_EBROKEN:
		return "what was awaited is gone, and left no outcome";
	case BIDE_EEND:
		return "no more items";
	case BIDE_ESTALE:
		return "the value task had been consumed already";
	case BIDE_EIDLE:
		return "the peer did nothing for as long as the idle limit allows";
	default:
		break;
	}
	if (error >= BIDE_EUSER && error <= BIDE_ERROR_MAX)
		return "an error of the program's own range";
	if (error > 0 && error < BIDE_ENOFRAME)
		return bide_port_error_text_(error);
	return "not an error number of bide: 1 to 4095 are";
}
