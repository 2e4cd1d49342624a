/*
 * group.h - what reports ask of a group.
 */
#ifndef BIDE_OPS_GROUP_H
#define BIDE_OPS_GROUP_H

#include "source/operation.h"

/* Returns true if the group has not ended; otherwise reports misuse of `what`. */
BIDE_INTERNAL bool bide_group_check_(const bide_group *group, const char *what,
                                     const bide_place *place);
/*
 * Returns true if a group that is not waited for yet is whole. Called by the thread that may add to
 * it.
 */
BIDE_INTERNAL bool bide_group_is_valid_(const bide_group *group);
/* The type of the object of a group that is not waited for yet. */
extern BIDE_INTERNAL const bide_operation_type bide_group_open_type_;

#endif
