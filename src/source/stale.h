/*
 * stale.h - the report that a value task was consumed already.
 */
#ifndef BIDE_SOURCE_STALE_H
#define BIDE_SOURCE_STALE_H

#include "base/library.h"

/*
 * Reports misuse of `what`: the value task was consumed, or is awaited. The message names the first
 * use and the place, which may be NULL. by: the frame that awaits it now, or NULL.
 */
BIDE_INTERNAL BIDE_COLD void bide_report_stale_(bide_value_task value_task, const char *what,
                                                const bide_place *place, const bide_frame *by);

/* Describes what consumed a source last, if its free memory still says so. */
BIDE_INTERNAL BIDE_COLD void bide_describe_consumer_(char *text, size_t size,
                                                     const bide_source *source);

#endif
