/*
 * loop.h - loops of the program's: what a shutdown asks of them.
 */
#ifndef BIDE_RUNTIME_LOOP_H
#define BIDE_RUNTIME_LOOP_H

#include "base/library.h"

/* At a shutdown: if the source is a loop, which was never dropped, closes its descriptor. */
BIDE_INTERNAL void bide_loop_leak_(bide_source *source);

#endif
