/*
 * frame.h - running frames, and what is known of one.
 *
 * The words of this room; source/source.h has those of sources:
 *
 *     frame        the memory of an async function that has begun: a source, the function, what it
 *                  waits for, its context, and the members of the user's struct
 *     body         the function that the user wrote; it runs to the next await that is not ready
 *     point        where a body goes on: the line of an await, or an offset
 *     start        to make a frame and run its body at once, on the stack of the caller
 *     cold start   to make a frame and queue it
 *     publish      to give a frame a word and a generation, so that others may see it; this happens
 *                  at the first suspension, or at a cold start
 *     suspend      to return from the body because the result of an await is not there
 *     resume       to run the body of a frame that was suspended or queued
 *     hand over    to resume a frame right after the frame that it waited for has ended, and not
 *                  through the queue
 *     cleanup      the part of a body behind bide_async_finally
 *     kept         of a frame whose large result lies in the frame: it lives until it is consumed
 *     fork, join   to offer the call of a child to other workers, and to get its result (fork.h)
 *     slot         the memory of one fork, in the frame of the parent
 *     thief        a worker that takes an entry from the deque of another, the owner
 *     parked       of a frame that begins when a value task is over (parked.h)
 *
 * The life of a frame:
 *
 *     new           no word, no generation; its thread alone knows it
 *     published     PUBLISHED is set. It has two owners: its producer, which runs it, and its
 *                   consumer, which has the value task.
 *     runnable      it is in one queue or deque, or in head->next, or about to be resumed
 *     running       head->current on one thread
 *     waiting       the word of what it awaits is the frame. It belongs to the producer of that.
 *     done          the word of the frame is DONE: the consumer owns it, and recycles it
 */
#ifndef BIDE_ASYNC_FRAME_H
#define BIDE_ASYNC_FRAME_H

#include "base/thread.h"
#include "source/operation.h"

/*
 * Resumes a frame, and hands over to the frames that waited for it, one after the other, at most
 * BIDE_HANDOVERS_MAX_ times.
 */
BIDE_INTERNAL void bide_frame_resume_(bide_thread_head *head, bide_frame *frame);
/* Resumes a frame alone, for its executor. A frame that waited for it becomes runnable. */
BIDE_INTERNAL void bide_frame_run_(bide_thread_head *head, bide_frame *frame);

/*
 * Returns true if the frame is one that a worker may resume: it is published, in no queue, and what
 * it waited for is done. Otherwise names the invariant that is broken.
 */
BIDE_INTERNAL bool bide_frame_is_runnable_(const bide_frame *frame);

/*
 * Returns the name of the async function for the user. In place of a function of the library's,
 * that is the call that it stands for.
 */
static inline const char *bide_function_name_(const bide_frame *frame)
{
	return frame->async->own && frame->async->own->name ? frame->async->own->name
	                                                    : frame->async->name;
}

/*
 * Returns the error that a function fails with if it passes this one on: ENOMEM for BIDE_ENOFRAME,
 * which only the start itself fails with.
 */
BIDE_INTERNAL uint16_t bide_frame_error_(uintptr_t error);

#endif
