/*
 * settings.c - see settings.h.
 */
#include "base/settings.h"

struct bide_settings_ bide_settings_ = {
	.pooling = true, .life = 1 /* not 0, which zeroed memory would match */
};
