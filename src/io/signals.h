/*
 * signals.h - opening signals for another function of the library's.
 */
#ifndef BIDE_IO_SIGNALS_H
#define BIDE_IO_SIGNALS_H

#include <bide/signals.h>

#include "base/library.h"

/*
 * As bide_signals_open, but messages of misuse name `what`. After an error *signals is unchanged.
 */
BIDE_INTERNAL int bide_signals_open_named_(bide_signals **signals, const int *numbers, size_t count,
                                           const char *what);

#endif
