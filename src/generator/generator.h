/*
 * generator.h - the states of a generator, and what moves them.
 *
 * The words of this room:
 *   producer   the body of the generator, which emits elements
 *   consumer   what calls next and end, one call at a time
 *   step       a run of the body up to an emit, or up to its end; it may suspend in between
 *   in place   of a step that runs on the stack of the consumer
 *   arrive     a step that has suspended is over: the producer brings its element, or its end
 *   waiting    the operation of a next that is pending
 *   answer     to take a waiting out of the state, and to complete it
 *
 * `state` is one atomic word. The low three bits are the state; above them stands the waiting.
 *
 *     state      the producer                     the element             what may move it
 *     IDLE       is at an emit, or has not begun  was taken               consumer
 *     LEFT       runs or waits                    nothing waits for it    both
 *     ARMED      runs or waits                    the waiting gets it     both, a cancel, a forget
 *     ELEMENT    is at an emit                    lies in `element`       consumer
 *     ENDED      has ended                        `error` is the end      consumer
 *     STOPPING   runs or waits, or is about to    is dropped              producer
 *
 *     IDLE     --next, in place--> LEFT        --next, queued--> ARMED
 *     LEFT     --emit, in place--> IDLE        --end of the body, in place--> ENDED
 *     LEFT     --next--> ARMED                 the step has suspended, or an earlier next failed
 *     LEFT     --arrive--> ELEMENT or ENDED
 *     ARMED    --arrive--> IDLE or ENDED       the waiting gets the element, or the error
 *     ARMED    --cancel, forget--> LEFT        the waiting fails; the producer goes on
 *     ELEMENT  --next--> IDLE
 *     each     --end--> STOPPING               a waiting fails with ECANCELED
 *     STOPPING --arrive--> STOPPING, while it emits: it goes on at its cleanup. Then it is freed.
 *
 * In IDLE, ELEMENT and ENDED only the consumer touches the generator, so it stores the state. The
 * moves from LEFT and ARMED are compare-and-swaps: what takes a waiting out of the state decides
 * its outcome, once. A step in place is LEFT from the start, because it may suspend, and another
 * worker may bring its element before the call on this stack has returned.
 *
 * Lives. The value task of end is the frame itself, so end needs no memory. The frame is finished
 * when `references` is 0: one for the consumer, which the last step drops, and one for each waiting
 * that a cancel may be about to look at. So a thread that cancels may look at the state until it
 * leaves the waiting.
 *
 * A waiting has two parties: the state, and the node of the cancellation. What takes the waiting
 * out of the state leaves for both if it takes the node out, too. The node is linked before the
 * state is ARMED, so a cancel may come before. It stores `canceled`, then looks at the state; next
 * stores the state, then looks at `canceled`. All four are in one order (SEQ_CST), so one of them
 * sees the other.
 *
 * With one worker, all of this happens on its thread. A step that ends on the thread of a loop is
 * posted to it.
 */
#ifndef BIDE_GENERATOR_GENERATOR_H
#define BIDE_GENERATOR_GENERATOR_H

#include "base/assert.h"
#include "base/generation.h"
#include "base/settings.h"
#include "base/thread.h"
#include "context/context.h"
#include "source/operation.h"

enum {
	BIDE_GENERATOR_IDLE_,
	BIDE_GENERATOR_LEFT_,
	BIDE_GENERATOR_ARMED_,
	BIDE_GENERATOR_ELEMENT_,
	BIDE_GENERATOR_ENDED_,
	BIDE_GENERATOR_STOPPING_
};

/* A next that is pending. Its outcome lies in the payload and the error of its source. */
typedef struct bide_generator_waiting_ {
	bide_operation operation;
	bide_generator *generator;
	bide_cancel_node node;
	uint32_t parties;
	uint32_t canceled; /* the error of a cancel that has come; atomic */
	bool holds;        /* it has a reference of the generator */
	bide_post post;    /* of a forget on another thread than the one worker's */
} bide_generator_waiting_;

static inline uintptr_t bide_generator_armed_(const bide_generator_waiting_ *waiting)
{
	return (uintptr_t)waiting | BIDE_GENERATOR_ARMED_;
}
static inline unsigned bide_generator_tag_(uintptr_t state)
{
	return (unsigned)state & 7u;
}
static inline bide_generator_waiting_ *bide_generator_waiting_of_(uintptr_t state)
{
	return (bide_generator_waiting_ *)(state & ~(uintptr_t)7);
}

/*
 * Moves the state from *seen to another one. Returns false if it is not *seen any more, and stores
 * in *seen what it is. Releases what this thread has written, and acquires what the thread wrote
 * that moved it before.
 */
static inline bool bide_generator_move_(bide_generator *generator, uintptr_t *seen, uintptr_t to)
{
	uintptr_t expected = *seen;

	if (bide_shared_)
		return BIDE_CAS(&generator->state, seen, to, SEQ_CST, SEQ_CST);
	*seen = generator->state;
	if (*seen == expected)
		generator->state = to;
	return *seen == expected;
}

/* Stores the state, for the consumer in a state that only the consumer moves. */
static inline void bide_generator_set_(bide_generator *generator, uintptr_t state)
{
	BIDE_STORE(&generator->state, state, RELEASE);
}

/* Returns true if the step may run on this stack: there is room, and the executor is this one. */
BIDE_INTERNAL bool bide_generator_fits_(const bide_thread_head *head,
                                        const bide_generator *generator);
/* Runs the body on this stack. */
static inline bide_body_result bide_generator_call_(bide_thread_head *head,
                                                    bide_generator *generator)
{
	bide_frame *outer = head->current;
	bide_body_result step;

	head->current = &generator->frame;
	step = generator->body(&generator->frame);
	head->current = outer;
	return step;
}
/* Queues the step. The state is ARMED or STOPPING. */
BIDE_INTERNAL void bide_generator_queue_(bide_generator *generator);
/* Makes the next step go to the cleanup. */
BIDE_INTERNAL void bide_generator_stop_(bide_generator *generator);

/*
 * Turns the end of a body into the end of its generator: what next fails with. *payload becomes the
 * trace. BIDE_EEND: the body has ended without an error.
 */
BIDE_INTERNAL uint16_t bide_generator_outcome_(const bide_generator *generator,
                                               bide_body_result step, bide_payload *payload);
/* Completes a waiting that this thread has taken out of the state. */
BIDE_INTERNAL void bide_generator_answer_(bide_generator_waiting_ *waiting, bide_payload payload,
                                          int error);
/* `count` of the parties are through with the waiting. The last one completes it. */
BIDE_INTERNAL void bide_generator_waiting_leave_(bide_generator_waiting_ *waiting, uint32_t count);

static inline void bide_generator_hold_(bide_generator *generator)
{
	if (bide_shared_)
		(void)BIDE_ADD(&generator->references, 1u, RELAXED); /* the caller has one, or the state */
	else
		generator->references++;
}
/* Returns true if it was the last reference: then the caller finishes the frame. */
static inline bool bide_generator_unhold_(bide_generator *generator)
{
	if (bide_shared_)
		return BIDE_SUB(&generator->references, 1u, ACQ_REL) == 1; /* the last one sees it all */
	return --generator->references == 0;
}

/*
 * Takes the outcome of a body that was stopped: an error other than the one that stopped it goes to
 * the hook for unobserved errors. The frame is ready to be finished.
 */
BIDE_INTERNAL void bide_generator_last_step_(bide_generator *generator, bide_body_result step);
/*
 * Returns true if the memory is free, or in use for something else. It looks at the header only,
 * which stays readable. What a fork or a shutdown has marked does not count.
 */
static inline bool bide_generator_is_gone_(const bide_generator *generator)
{
	const bide_source *source = &generator->frame.source;
	uint64_t generation = BIDE_LOAD(&source->generation, RELAXED);

	return (generation >> 48 == 0 && generation != BIDE_GENERATION_PARENT_ &&
	        generation != BIDE_GENERATION_ENDED_) ||
	       !bide_kind_is_frame_(source->kind) || !generator->frame.async->generates;
}
/* Returns true if it was ended, also by a shutdown or a fork, as far as its memory says so. */
static inline bool bide_generator_was_ended_(const bide_generator *generator)
{
	return !bide_is_in_use_(&generator->frame.source) || bide_generator_is_gone_(generator) ||
	       BIDE_LOAD(&generator->state, RELAXED) == BIDE_GENERATOR_STOPPING_;
}
/* Reports misuse by `what` of a generator that was ended. */
BIDE_INTERNAL BIDE_COLD void bide_generator_report_ended_(const bide_generator *generator,
                                                          const char *what);

/* Writes why a generator that an operator has taken cannot be used otherwise, for messages. */
BIDE_INTERNAL void bide_generator_put_taken_(const bide_generator *generator, char *to,
                                             size_t size_bytes);
/* Finishes the frame, for which the value task of end stands. */
BIDE_INTERNAL void bide_generator_finish_(bide_generator *generator);

/* A walker, for the consumer: what the table says of the state. */
BIDE_INTERNAL bool bide_generator_is_valid_(const bide_generator *generator);

#endif
