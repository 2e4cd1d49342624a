/*
 * upcalls.h - the arrows up from source: what the rooms above it do with a source of theirs.
 *
 * This room completes and recycles sources, below all rooms whose objects have one. These functions
 * do the rest for the kinds, and for the tags of a word, that belong to a room above. They are
 * ordinary functions, so a call costs no more than a call within this room. None is on a hot path
 * of fork and join, of an await or of a start.
 *
 *     function                        defined in           called when
 *     bide_executor_push_             context/placement.c  a frame with an executor is runnable
 *     bide_watched_finish_            context/watch.c      the awaiter of a source is on a loop
 *     bide_fork_consumed_             async/fork.c         the value task of a join was consumed
 *     bide_task_deliver_              tasks/task.c         a task that is pending completes
 *     bide_subscription_unref_task_   tasks/task.c         a large result of a task was consumed
 *     bide_delay_due_                 ops/delay.c          a delay that can be canceled is due
 *
 * None of them fails.
 */
#ifndef BIDE_SOURCE_UPCALLS_H
#define BIDE_SOURCE_UPCALLS_H

#include "base/library.h"

struct bide_timer;

/* Makes a frame runnable on its executor, which it has. Any thread. */
BIDE_INTERNAL void bide_executor_push_(bide_frame *frame, bool next);
/*
 * Finishes a source whose word is `seen`, with the tag WATCHED, for its producer. Returns false if
 * the word has changed: then a frame waits. Any thread.
 */
BIDE_INTERNAL bool bide_watched_finish_(bide_source *source, uintptr_t seen);
/* Marks the slot of a fork as consumed, for the frame that forked it. Any thread. */
BIDE_INTERNAL void bide_fork_consumed_(bide_source *source);
/*
 * Delivers the outcome of a task to its subscriptions, a list of which `newest` is the head, and
 * drops the producer's reference.
 */
BIDE_INTERNAL void bide_task_deliver_(bide_source *source, uintptr_t newest);
/* Drops the reference that a delivered subscription has on a task with a large result. */
BIDE_INTERNAL void bide_subscription_unref_task_(bide_source *source);
/* One of the parties of a delay that can be canceled, the wheel, is through with it. */
BIDE_INTERNAL void bide_delay_due_(struct bide_timer *timer);

#endif
