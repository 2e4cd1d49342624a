/*
 * caller.h - from where a call may be made.
 */
#ifndef BIDE_RUNTIME_CALLER_H
#define BIDE_RUNTIME_CALLER_H

#include "base/library.h"

/*
 * Returns true in ordinary code on a thread that is not the library's own. Otherwise reports misuse
 * in the name of `what`.
 */
BIDE_INTERNAL bool bide_caller_is_outside_(const char *what);
/* The same, on the thread of the one worker only. */
BIDE_INTERNAL bool bide_caller_is_one_worker_(const char *what);

#endif
