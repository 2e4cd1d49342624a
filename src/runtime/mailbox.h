/*
 * mailbox.h - what other threads send to the one worker: frames that are runnable, and posts, which
 * are functions to call.
 *
 * A stack of intrusive links, newest first. Senders push by compare-and-swap; the worker takes all
 * of it by one swap. A sender wakes the worker if it sleeps: the worker stores `parked`, then looks
 * at the mailbox again, then sleeps on `parked`. A sender pushes, then looks at `parked`. All four
 * are sequentially consistent, so one of the two sees the other's store.
 */
#ifndef BIDE_RUNTIME_MAILBOX_H
#define BIDE_RUNTIME_MAILBOX_H

#include "base/library.h"

/* Any thread. In a child they drop what they are given: it is the parent's. */
BIDE_INTERNAL void bide_mailbox_send_frame_(bide_frame *frame);
BIDE_INTERNAL void bide_mailbox_send_post_(bide_post *post);
/*
 * On the worker: makes the frames runnable and runs the posts, in the order in which they came.
 * Returns false if there was nothing.
 */
BIDE_INTERNAL bool bide_mailbox_take_(void);

#endif
