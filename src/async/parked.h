/*
 * parked.h - an async function that begins when a value task is over: never inside the call that
 * made it.
 *
 * Its frame is made, and published, at the call, so nothing can fail later. A listener in the frame
 * is the waiter of the value task; it makes the frame runnable.
 */
#ifndef BIDE_CORE_PARKED_H
#define BIDE_CORE_PARKED_H

#include "base/library.h"

/* How the struct of such a frame begins. */
typedef struct bide_parked {
	bide_frame frame;
	bide_listener listener;
} bide_parked;
/* The first member of its struct, in place of BIDE_ASYNC_FRAME. */
#define BIDE_PARKED_FRAME_         \
	bide_frame BIDE_FRAME_MEMBER_; \
	bide_listener parked_notify_

/* A published frame in the current context, zeroed. NULL: no memory. */
BIDE_INTERNAL bide_parked *bide_parked_new_(size_t size_bytes, const bide_function_info *async,
                                            const bide_place *place);
/*
 * Begins it when the value task is over. owned: the frame consumes the value task. Otherwise
 * another party may, as soon as it is over. false: misuse of `what`, which has been reported; the
 * frame will not begin. If true is returned it may have ended already.
 */
BIDE_INTERNAL bool bide_parked_until_(bide_parked *parked, bide_value_task value_task, bool owned,
                                      const char *what, const bide_place *place);
/* Gives back one that will not begin. */
BIDE_INTERNAL void bide_parked_drop_(bide_parked *parked);

#endif
