/*
 * group.h - what a dump asks of a group.
 */
#ifndef BIDE_OPS_GROUP_H
#define BIDE_OPS_GROUP_H

#include "source/operation.h"

/* It is initialised and has not ended; else misuse of `what` was reported. */
BIDE_INTERNAL bool bide_group_check_(const bide_group *group, const char *what,
                                     const bide_place *place);
/* Of a group that is not waited for yet (group.c). */
extern BIDE_INTERNAL const bide_operation_type bide_group_open_type_;

/* The group is initialised and has not ended. Of memory that may be anything. */
BIDE_INTERNAL bool bide_group_lives_(const bide_group *group);

#endif
