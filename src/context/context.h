/*
 * context.h - the context of a frame and of a thread.
 */
#ifndef BIDE_CONTEXT_CONTEXT_H
#define BIDE_CONTEXT_CONTEXT_H

#include "cancel/cancel_core.h"

/* What cancels the operations that are started now; NULL: nothing. */
BIDE_INTERNAL bide_cancel_core *bide_context_core_(void);

/* The current context as a frame has it, with a reference: for a call that another thread runs. */
BIDE_INTERNAL uintptr_t bide_context_take_(void);
BIDE_INTERNAL void bide_context_give_back_(uintptr_t word);
BIDE_INTERNAL uintptr_t bide_context_swap_(uintptr_t word); /* returns the one that was current */

/*
 * Tells the hook for unobserved errors of an outcome that the library drops because another one has
 * priority. The error that `context` (may be NULL) was canceled with counts as a cancellation, of
 * which the hook is not told.
 */
BIDE_INTERNAL void bide_lost_(bide_value_task outcome, const bide_context *context);

/* NULL, or in use; else false, and misuse of `what` was reported. */
BIDE_INTERNAL bool bide_context_check_(const bide_context *context, const char *what);

/*
 * The context in a frame's word, as it was read, is `above` or below it. In a visit of the pools;
 * contexts may come and go meanwhile.
 */
BIDE_INTERNAL bool bide_context_is_below_(uintptr_t word, const bide_context *above);
/* Enters, wherever its executor is; the function must suspend before it starts anything. */
BIDE_INTERNAL void bide_context_move_(bide_frame *frame, bide_context *context);
/* The same for leaving. false: it is in no context. */
BIDE_INTERNAL bool bide_context_move_back_(bide_frame *frame);

#endif
