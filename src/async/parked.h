/*
 * parked.h - an async function that begins when a value task is over, and never inside the call
 * that made it.
 *
 * The call makes and publishes the frame, so nothing can fail later. A listener in the frame is the
 * waiter of the value task, and makes the frame runnable.
 */
#ifndef BIDE_ASYNC_PARKED_H
#define BIDE_ASYNC_PARKED_H

#include "base/library.h"

/* The first members of the struct of such a frame. */
typedef struct bide_parked {
	bide_frame frame;
	bide_observer listener;
} bide_parked;
/* The same for the struct of an async function, in place of BIDE_ASYNC_FRAME. */
#define BIDE_PARKED_FRAME_         \
	bide_frame BIDE_FRAME_MEMBER_; \
	bide_observer parked_listener_

/* Returns a published frame in the current context, zeroed, or NULL if there is no memory. */
BIDE_INTERNAL bide_parked *bide_parked_new_(size_t size_bytes, const bide_function_info *async,
                                            const bide_place *place);
/*
 * Makes the frame begin when the value task is over. owned: the frame consumes the value task.
 * Otherwise another party may consume it, as soon as it is over.
 *
 * Returns false after misuse of `what`, which was reported; the frame will not begin. If it returns
 * true, the frame may have ended already.
 */
BIDE_INTERNAL bool bide_parked_until_(bide_parked *parked, bide_value_task value_task, bool owned,
                                      const char *what, const bide_place *place);
/* Recycles a frame that will not begin. */
BIDE_INTERNAL void bide_parked_drop_(bide_parked *parked);

#endif
