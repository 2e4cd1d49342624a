/*
 * settings.h - what is decided before the first frame is made.
 */
#ifndef BIDE_BASE_SETTINGS_H
#define BIDE_BASE_SETTINGS_H

#include "base/library.h"

extern BIDE_INTERNAL bool bide_debug_, bide_pooling_; /* set before the first frame */
/* Many workers: everything may be touched by any thread. Set before the first frame. */
extern BIDE_INTERNAL bool bide_shared_;

#endif
