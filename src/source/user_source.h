/*
 * user_source.h - sources that the user's code completes.
 */
#ifndef BIDE_SOURCE_USER_SOURCE_H
#define BIDE_SOURCE_USER_SOURCE_H

#include "base/library.h"

/* Returns true if the value task of the source is awaited. The memory may hold anything. */
BIDE_INTERNAL bool bide_user_source_is_awaited_(const bide_user_source *user);

#endif
