/*
 * settings.h - what is decided before the first frame is made, and the life of the runtime.
 */
#ifndef BIDE_BASE_SETTINGS_H
#define BIDE_BASE_SETTINGS_H

#include "base/library.h"

/* BIDE_DEBUG=1, or a runtime that was configured so. Set before the first frame is made. */
extern BIDE_INTERNAL bool bide_debug_;
/* False with BIDE_POOL=malloc. Set before the first frame is made. */
extern BIDE_INTERNAL bool bide_pooling_;
/* There are many workers, so any thread may touch anything. Set before the first frame is made. */
extern BIDE_INTERNAL bool bide_shared_;

/*
 * The number of the runtime's life. It grows when all memory is given back. An object in the user's
 * memory holds the life that it was made in. What is left in the pools gets BIDE_GENERATION_ENDED_,
 * and its memory stays for a while (bide_keep_), so that a later use of it is reported.
 */
extern BIDE_INTERNAL uint32_t bide_life_;

#endif
