/*
 * placement.h - changes the current context, and where functions run with it.
 *
 * The public half is in bide/context.h and bide/executor.h: bide_in_context, bide_with_...,
 * bide_async_enter, _leave, _switch, _switch_to, _switch_back.
 */
#ifndef BIDE_CONTEXT_PLACEMENT_H
#define BIDE_CONTEXT_PLACEMENT_H

#include "base/library.h"

/* Makes the context of a word the current one. Returns the word that was current. */
BIDE_INTERNAL uintptr_t bide_context_swap_(uintptr_t word);
/*
 * Called before a frame, which only this thread has used, goes to its executor for the first time:
 * a loop runs on a thread that is no worker, so its frames need locked instructions.
 */
BIDE_INTERNAL void bide_executor_admit_(bide_frame *frame);

#endif
