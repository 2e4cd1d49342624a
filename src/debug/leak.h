/*
 * leak.h - what is pending, or over and not consumed, when the runtime ends.
 */
#ifndef BIDE_DEBUG_LEAK_H
#define BIDE_DEBUG_LEAK_H

#include "../core/core.h"

/* Names each leak to the report hook, unless quiet. No other thread runs. Returns their number. */
BIDE_INTERNAL size_t bide_leaks_report_(bool quiet);

#endif
