/*
 * trace.h - error traces: what a failure carries.
 */
#ifndef BIDE_SOURCE_TRACE_H
#define BIDE_SOURCE_TRACE_H

#include "base/library.h"

/* What a failure that is made at this place has as payload. place: NULL, it is not known. */
BIDE_INTERNAL bide_payload bide_trace_made_(int error, const bide_place *place);
#ifdef BIDE_EXPLORE
BIDE_INTERNAL void bide_trace_reset_(void);
#endif

#endif
