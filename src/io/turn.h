/*
 * turn.h - how many operations in a row may be done at once, without suspending.
 *
 * A function whose streams are always ready would keep its worker for itself. So one operation in
 * 64 lets the other functions run first.
 */
#ifndef BIDE_IO_TURN_H
#define BIDE_IO_TURN_H

#include "io/handle.h"

enum { BIDE_TURN_MAX_ = 64 };

/*
 * Counts an operation that could be done at once. Returns false for the one that has to wait. The
 * count begins anew when the worker resumes a function.
 */
BIDE_INTERNAL bool bide_turn_goes_on_(void);
#endif
