/*
 * settings.c - see settings.h.
 */
#include "base/settings.h"

bool bide_debug_, bide_pooling_ = true, bide_shared_;
uint32_t bide_life_ = 1; /* not 0, which zeroed memory would match */
