/*
 * dump.h - the part of a dump that is a group's.
 */
#ifndef BIDE_DEBUG_DUMP_H
#define BIDE_DEBUG_DUMP_H

#include "base/library.h"

/*
 * As bide_dump, of what keeps a group waiting: the pending functions below its context, but for one
 * kind of them, and what else was added to it. The group's memory and the context live.
 */
BIDE_INTERNAL size_t bide_dump_group_(const bide_group *group, const bide_context *context,
                                      bide_body_result (*but)(bide_frame *frame),
                                      bide_report_hook *write, void *argument);

#endif
