/*
 * user_source.h - sources that the user's code completes.
 */
#ifndef BIDE_SOURCE_USER_SOURCE_H
#define BIDE_SOURCE_USER_SOURCE_H

#include "base/library.h"

/* Its value task is awaited. Of memory that may be anything. */
BIDE_INTERNAL bool bide_user_source_is_awaited_(const bide_user_source *user);
/* The value task of the source has been consumed. */
BIDE_INTERNAL void bide_user_source_release_(bide_source *source);

#endif
