/*
 * dump.h - a dump of what a group waits for.
 */
#ifndef BIDE_DEBUG_DUMP_H
#define BIDE_DEBUG_DUMP_H

#include "base/library.h"

/*
 * Dumps, as bide_dump does, what a group waits for: the pending functions below its context, except
 * those with the body `but`, and what else was added to the group. The memory of the group and the
 * context must be valid. Returns the number of lines.
 */
BIDE_INTERNAL size_t bide_dump_group_(const bide_group *group, const bide_context *context,
                                      bide_body_result (*but)(bide_frame *frame),
                                      bide_report_hook *write, void *argument);

#endif
