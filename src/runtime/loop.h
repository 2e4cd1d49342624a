/*
 * loop.h - loops of the program (loop.c): what a shutdown does with them.
 */
#ifndef BIDE_RUNTIME_LOOP_H
#define BIDE_RUNTIME_LOOP_H

#include "base/library.h"

/* At a shutdown: if the source is a loop that still has references, closes its descriptor. */
BIDE_INTERNAL void bide_loop_leak_(bide_source *source);

#endif
