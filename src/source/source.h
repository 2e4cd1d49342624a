/*
 * source.h - the source that every value task points at: completing it, listening to it, consuming
 * it.
 */
#ifndef BIDE_SOURCE_SOURCE_H
#define BIDE_SOURCE_SOURCE_H

#include "base/generation.h"
#include "base/library.h"

/* bide_source.line of everything that is no running frame. */
enum {
	BIDE_MARK_CLAIMED_ = 1u,  /* a producer completes it or has */
	BIDE_MARK_OBSERVED_ = 2u, /* its error was seen */
	BIDE_MARK_CONSTANT_ = 4u, /* a shared constant: not counted */
	/* a wait for a task: its result is the task itself, with a reference (bide_task_ended_) */
	BIDE_MARK_ENDED_ = 8u,
	/* of a timer: from this bit on, the number of the worker in whose wheel it is */
	BIDE_HOME_SHIFT_ = 8
};

#define BIDE_OF_BEFORE_ "was made before bide_shutdown, which ended it"
/* Why an object that is not NULL and not live is none. */
static inline const char *bide_why_gone_(const bide_source *source, const char *otherwise)
{
	return BIDE_LOAD(&source->generation, RELAXED) == BIDE_GENERATION_ENDED_ ? BIDE_OF_BEFORE_
	                                                                         : otherwise;
}

static inline bide_value_task bide_source_value_(bide_source *source)
{
	bide_value_task v;
	v.payload.generation = source->generation;
	v.state = (uintptr_t)source;
	return v;
}

/*
 * Stores the result, says DONE, and makes the waiter runnable. For sources without a link, such as
 * timers and the user's sources, and for callers that are no listener; other callers complete an
 * operation with bide_operation_complete_.
 */
BIDE_INTERNAL void bide_source_complete_(bide_source *source, bide_payload payload, int error);
/* Hands on what bide_source_finish_ returned. */
BIDE_INTERNAL void bide_source_deliver_(bide_source *source, uintptr_t seen);

/* --- consuming, for the library's own consumers --- */

/*
 * Registers a listener as the one waiter of a pending value task. BIDE_ALREADY_DONE_: it did not
 * register; consume it now. BIDE_ALREADY_TAKEN_: misuse, which has been reported with `what` and
 * `place`; treat it as failed with BIDE_ESTALE. The value task must have been through
 * bide_yield_to_operation_. Afterwards listener->run gets the source, DONE and the consumer's, when
 * it completes: call bide_consume_, unless it only borrows.
 */
BIDE_INTERNAL bide_registered bide_listen_(bide_value_task value_task, bide_listener *listener,
                                           const char *what, const bide_place *place);
/* true: the listener was taken out and will not run. false: it runs, or has. */
BIDE_INTERNAL bool bide_unlisten_(bide_source *source, bide_listener *listener);
/*
 * Takes the result out of a source that is DONE and gives it back: a ready value task. place may be
 * NULL.
 */
BIDE_INTERNAL bide_value_task bide_consume_(bide_source *source, const bide_place *place);
/* Gives back a source that is DONE and whose result is not needed, or has been copied. */
BIDE_INTERNAL void bide_release_(bide_source *source, const bide_place *place);
/* A yield becomes an operation that has an end of its own; everything else stays as it is. */
BIDE_INTERNAL bide_value_task bide_yield_to_operation_(bide_value_task value_task);
/* false: stale, and misuse was reported with `what` and `place`. */
BIDE_INTERNAL bool bide_check_fresh_(bide_value_task value_task, const char *what,
                                     const bide_place *place);
/*
 * Returns true if this thread may consume the source. Otherwise it reports misuse of `what`: with
 * one worker a frame belongs to the thread of the worker.
 */
BIDE_INTERNAL bool bide_belongs_here_(const bide_source *source, const char *what,
                                      const bide_place *place);

/* The source line where a frame waits; the mark of a return's own await is left out. */
static inline unsigned bide_line_(const bide_source *source)
{
	return source->line & 0x3fffffffu;
}
static inline bool bide_is_pending_(bide_value_task value_task)
{
	return value_task.state > BIDE_ERROR_MAX;
}
static inline bool bide_is_done_(const bide_source *source)
{
	/* pairs with finish */
	return bide_word_is_done_(BIDE_LOAD(&source->word, ACQUIRE));
}
static inline bide_payload bide_payload_int_(int64_t i)
{
	bide_payload payload;
	payload.i = i;
	return payload;
}

#endif
