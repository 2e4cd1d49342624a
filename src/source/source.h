/*
 * source.h - the source that a pending value task points at: completing it, listening to it,
 * consuming it.
 *
 * The words of this room:
 *
 *     source       the head of every object that a value task can point at (bide/source.h)
 *     word         its first member, the state: what waits, or that the result is there
 *     generation   the number of one use of the memory, which a value task carries
 *     producer     what completes the source, once
 *     consumer     what holds the value task; it takes the result, once
 *     complete     the producer stores the result, finishes and delivers
 *     finish       the producer swaps DONE into the word, and gets what the word held before
 *     deliver      the producer hands the source to what the word held: it makes a frame runnable,
 *                  runs a listener, or goes through the subscriptions of a task
 *     listener     a function of the library's that runs when the source is done
 *     listen       to put a listener into the word, as the one waiter; unlisten takes it out again
 *     consume      to take the result, which ends the value task; the object goes back
 *     recycle      to put an object back where it came from: into its pool, or to its owner
 *     discard      to recycle an object whose value task was never handed out
 *     forget       to give up a value task: its source is recycled when it is done
 *     stale        of a value task that was consumed: its source has another generation now
 *     operation    a source of the library's that is no frame and no timer (operation.h)
 *     task         a source with several consumers, each of which has a subscription (src/tasks)
 *
 * The states of a word, and what moves it. "sync" is BIDE_FLAG_SYNC_: several threads may.
 *
 *     PENDING    --consumer--> the frame that waits, a listener, ABANDONED, or LOCKED
 *     LOCKED     --consumer--> SHARED, with the newest subscription. A frame became a task.
 *     listener   --consumer--> PENDING. It was taken out, and will not run.
 *     SHARED     --consumer--> LOCKED, then SHARED again, for each subscription that comes or goes
 *     PENDING, listener, SHARED           --producer--> DONE
 *     frame that waits, ABANDONED, if sync --producer--> DONE and CONSUMED
 *     frame that waits, ABANDONED, if not  --producer--> DONE
 *     DONE       --consumer--> DONE, with the link of a run queue above the tag (run_queue.h)
 *     DONE       --consumer--> ABANDONED, in a source of the user's: it may be reset to PENDING
 *     DONE       --consumer--> free memory, or in use again: the word means nothing
 *
 * So at any time a source has at most one waiter, a waiter is delivered at most once, and after
 * DONE only the consumer touches the source. If sync, each step before DONE is a compare-and-swap,
 * since another thread may take another one. There are two exceptions, which are stores. The
 * consumer that has set LOCKED replaces it, and the producer waits for that. A frame that waits is
 * never taken out, so the producer that sees it stores DONE.
 */
#ifndef BIDE_SOURCE_SOURCE_H
#define BIDE_SOURCE_SOURCE_H

#include "base/generation.h"
#include "base/library.h"
#include "base/settings.h"
#include "source/upcalls.h"

/* The bits of bide_source.marks. */
enum {
	/* A producer has begun to complete the source. */
	BIDE_MARK_CLAIMED_ = 1u,
	/* The error of the source was looked at. */
	BIDE_MARK_OBSERVED_ = 2u,
	/* A constant that all share. Its references are not counted. */
	BIDE_MARK_CONSTANT_ = 4u,
	/* A wait for a task whose result is the task itself, with a reference (bide_task_ended_). */
	BIDE_MARK_ENDED_ = 8u,
	/* A task of the library's own, which bide_stats_get and dumps do not count. */
	BIDE_MARK_OWN_ = 16u
};
/* From this bit on, bide_source.home is the number of the worker in whose wheel a timer is. */
enum { BIDE_HOME_SHIFT_ = 8 };

#define BIDE_OF_BEFORE_ "was made before bide_shutdown, which ended it"
#define BIDE_OF_PARENT_ "was made before the fork, and goes on in the parent only"
/* Returns why an object is not live: a shutdown or a fork ended it, or `otherwise`. */
static inline const char *bide_why_gone_(const bide_source *source, const char *otherwise)
{
	uint64_t generation = BIDE_LOAD(&source->generation, RELAXED);

	return generation == BIDE_GENERATION_ENDED_    ? BIDE_OF_BEFORE_
	       : generation == BIDE_GENERATION_PARENT_ ? BIDE_OF_PARENT_
	                                               : otherwise;
}
/* The same of an object of that era, which may be none. */
static inline const char *bide_why_before_(uint32_t era, const char *otherwise)
{
	uint32_t life = era & ((UINT32_C(1) << BIDE_ERA_LIFE_BITS_) - 1);
	uint32_t forks = era >> BIDE_ERA_LIFE_BITS_;

	if (life - 1 >= bide_life_ || forks > bide_fork_count_)
		return otherwise;
	return forks < bide_fork_count_ ? BIDE_OF_PARENT_ : BIDE_OF_BEFORE_;
}

/* Returns the value task of the present generation. */
static inline bide_value_task bide_source_value_(bide_source *source)
{
	bide_value_task v;
	v.payload.generation = source->generation;
	v.state = (uintptr_t)source;
	return v;
}

/*
 * The producer's side of the handshake. Returns the word that DONE replaced, or PENDING if a loop
 * will find the source DONE: then the source may be in use again.
 */
static inline uintptr_t bide_source_finish_(bide_source *source)
{
	uintptr_t seen = BIDE_LOAD(&source->word, ACQUIRE); /* pairs with the registration's release */
	uintptr_t done;

	if (!bide_is_sync_(source)) {
		BIDE_STORE(&source->word, BIDE_WORD_DONE_, RELAXED);
		return seen;
	}
	for (;;) {
		if (bide_word_has_frame_(seen)) {
			/* A waiting frame stays, and no other thread writes the word. */
			BIDE_STORE(&source->word, BIDE_WORD_DONE_ | BIDE_WORD_CONSUMED_, RELEASE);
			return seen;
		}
		if (bide_word_tag_(seen) >= BIDE_WORD_WATCHED_) {
			if (bide_word_tag_(seen) == BIDE_WORD_LOCKED_)
				BIDE_RELAX();
			else if (bide_watched_finish_(source, seen))
				return BIDE_WORD_PENDING_;
			seen = BIDE_LOAD(&source->word, ACQUIRE);
			continue;
		}
		/* A source that was forgotten belongs to the producer. */
		done = BIDE_WORD_DONE_ | (seen == BIDE_WORD_ABANDONED_ ? BIDE_WORD_CONSUMED_ : 0);
		if (BIDE_CAS(&source->word, &seen, done, ACQ_REL, ACQUIRE))
			return seen;
	}
}

/*
 * Stores the result, finishes and delivers. For sources without a link, such as timers and the
 * user's sources, and for callers that are no listener. Other callers use bide_operation_complete_,
 * which bounds the depth of the stack.
 */
BIDE_INTERNAL void bide_source_complete_(bide_source *source, bide_payload payload, int error);
/*
 * Delivers the source to what its word held before it was finished: `before` is what
 * bide_source_finish_ returned.
 */
BIDE_INTERNAL void bide_source_deliver_(bide_source *source, uintptr_t before);

/* --- consuming, for the library's own consumers --- */

/*
 * Registers a listener as the one waiter of a pending value task, which must have been through
 * bide_yield_to_operation_. When the source completes, listener->run gets it; the source is DONE
 * and belongs to the listener, which calls bide_consume_, unless it only borrows.
 *
 * BIDE_ALREADY_DONE_: it did not register, and the caller consumes the source now.
 * BIDE_ALREADY_TAKEN_: this is misuse, which was reported with `what` and `place`. The caller
 * treats the value task as failed with BIDE_ESTALE.
 */
BIDE_INTERNAL bide_registered bide_listen_(bide_value_task value_task, bide_observer *listener,
                                           const char *what, const bide_place *place);
/* Returns true if the listener was taken out and will not run, false if it runs or has run. */
BIDE_INTERNAL bool bide_unlisten_(bide_source *source, bide_observer *listener);
/*
 * Consumes a source that is DONE, and returns a ready value task with its result. place: what a
 * report of a second use names as the first; may be NULL.
 */
BIDE_INTERNAL bide_value_task bide_consume_(bide_source *source, const bide_place *place);
/* Recycles a source that is DONE and whose result has been copied or is not needed. */
BIDE_INTERNAL void bide_recycle_(bide_source *source, const bide_place *place);
/*
 * Returns an operation in place of a yield, because a yield has no end that could be listened to.
 * Any other value task is returned as it is.
 */
BIDE_INTERNAL bide_value_task bide_yield_to_operation_(bide_value_task value_task);
/* Returns false if the value task is stale. Then misuse was reported with `what` and `place`. */
BIDE_INTERNAL bool bide_check_fresh_(bide_value_task value_task, const char *what,
                                     const bide_place *place);
/*
 * Returns true if this thread may consume the source. Otherwise reports misuse of `what`. With one
 * worker a frame belongs to the thread of the worker, because its handshake has no locked
 * instructions.
 */
BIDE_INTERNAL bool bide_belongs_here_(const bide_source *source, const char *what,
                                      const bide_place *place);

/* Returns the source line where a frame waits, without the mark of a return's own await. */
static inline unsigned bide_line_(const bide_source *source)
{
	return source->line & (BIDE_LINE_IS_RETURN_ - 1);
}
static inline bool bide_is_pending_(bide_value_task value_task)
{
	return value_task.state > BIDE_ERROR_MAX;
}
static inline bool bide_is_done_(const bide_source *source)
{
	/* Pairs with bide_source_finish_. */
	return bide_word_is_done_(BIDE_LOAD(&source->word, ACQUIRE));
}
static inline bide_payload bide_payload_int_(int64_t i)
{
	bide_payload payload;
	payload.i = i;
	return payload;
}

#endif
