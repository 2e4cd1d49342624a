/*
 * watch.h - a loop looks at a source itself, so that a completion by another thread and the look of
 * the loop touch one cache line: that of the source.
 *
 * Only a loop without a descriptor watches, because its thread runs it again and again, and needs
 * no wake-up. It watches one frame, the last one that began to await a source of the user's. In
 * place of the frame, the word of the source is the executor, with the tag WATCHED.
 *
 *     frame that waits      watched: WATCHED | the executor          executor->watched is the frame
 *     owner drops it        the frame                                the producer will queue it
 *     producer gives it up  the frame                                it does queue it
 *     producer finishes it  DONE | CONSUMED | the executor           the owner will find it
 *
 * Order: the functions of a loop run in the order in which they became runnable. A producer
 * finishes a watched source only while the inbox is IDLE. So all that was queued before has begun
 * to run, and what the owner finds there after it took the inbox comes before what it took.
 * Otherwise the producer gives the watch up, and queues the frame.
 *
 * Pairs:
 *
 * - The word: the CAS of the owner (release) publishes `watched` and the frame to the producer. The
 *   CAS of the producer (release) publishes the result to the owner.
 * - `watched`: the owner changes it by a release after it has changed the word. A producer that
 *   reads the new value (acquire) fails with its CAS of the word.
 * - `watches`: the owner sets it before it reads `fd` for the first time; bide_loop_fd sets `fd`
 *   before it reads `watches`. Both have a SEQ_CST fence between the two. So either the owner does
 *   not watch, or the descriptor becomes readable, and the next run drops the watch.
 *
 * Cost: a producer writes the line of the source, and reads the inbox, which nothing writes while
 * all completions go this way. The owner reads both. A producer that sees the frame in the word
 * reads the frame and writes the inbox and the references as well.
 */
#ifndef BIDE_CONTEXT_WATCH_H
#define BIDE_CONTEXT_WATCH_H

#include "context/executor.h"

/*
 * All for the thread of the loop. If the source of the watched frame is DONE, takes the frame out
 * of the watch and returns it, ready to be run. Otherwise returns NULL.
 */
BIDE_INTERNAL bide_frame *bide_watch_take_(bide_executor *executor);
/* Returns true if bide_watch_take_ would do something. */
BIDE_INTERNAL bool bide_watch_is_over_(const bide_executor *executor);
/* Ends the watch. The frame is queued when its source is DONE, which it may be already. */
BIDE_INTERNAL void bide_watch_drop_(bide_executor *executor);

#endif
