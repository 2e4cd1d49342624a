/*
 * waiter.h - a wait for one object: a pooled operation with one link. wait_queue.h comes first.
 *
 * The life of a waiter:
 *
 *     bide_waiter_new_      it is in no queue; the caller says what it wants
 *     bide_waiter_append_   under the lock: it is in the queue, and in the list of the context
 *     bide_waiter_arm_      without the lock: its time runs
 *     a grant               under the lock; after unlocking bide_granted_end_ (grant.h)
 *     or a stray            cancels it, forgets it, or its time is up: it withdraws the link, and
 *                           stores the outcome
 *     the end               the outcome is delivered when all parties have left
 *
 * The parties of a waiter are the one that takes it out of the queue, the node in the list of its
 * context, and its alarm, if it has these. The first stores the outcome and takes the others out;
 * if one of them fires at that moment, it is that thread which delivers. So after the delivery no
 * thread touches the waiter, and none is on its way to the object.
 *
 * The alarm is set when the lock was given back. Until then its party is the thread that made the
 * waiter. A thread that takes the waiter out before finds no timer to stop; then the thread that
 * sets the alarm sees that the link is in no queue, and stops it itself.
 *
 * With one worker, another thread that takes a waiter out posts it, and the worker ends it.
 */
#ifndef BIDE_SYNC_WAITER_H
#define BIDE_SYNC_WAITER_H

#include "cancel/alarm.h"
#include "source/operation.h"
#include "sync/upcalls.h"
#include "sync/wait_queue.h"

/*
 * What a kind of object does. `type` comes first: the type of an operation of the kind points at
 * it. Its `leave` is bide_waiter_leave_.
 */
typedef struct bide_wait_kind_ {
	bide_operation_type type;
	/*
	 * A stray has taken a link out, and holds the lock. The function empties the hold of the link,
	 * and grants what others can have now, such as those behind the head of a semaphore. If NULL,
	 * there is nothing to do.
	 */
	void (*withdrawn)(bide_wait_queue_ *queue, bide_wait_link_ *link, bide_granted_ *granted);
} bide_wait_kind_;

typedef struct bide_waiter_ {
	bide_operation operation;
	bide_wait_link_ link;
	uint32_t parties;
	/* Bytes of this head, with the node if there is one. What the kind adds comes behind. */
	uint32_t head_bytes;
} bide_waiter_;
BIDE_STATIC_ASSERT(sizeof(bide_waiter_) == 96, "a waiter that nothing cancels");

/* A waiter that was made in a context which can be canceled. */
typedef struct bide_canceled_waiter_ {
	bide_waiter_ base;
	bide_cancel_node node;
} bide_canceled_waiter_;

/* A waiter with a time limit, in any context. Then it succeeds with the result 0. */
typedef struct bide_timed_waiter_ {
	bide_canceled_waiter_ base;
	bide_alarm alarm;
	bide_timer *timer; /* until the alarm is set */
	bide_post arm;     /* to the one worker, to set the alarm */
} bide_timed_waiter_;

/*
 * Returns a waiter of this thread's context with extra_bytes behind it, or NULL if there is no
 * memory. Without a lock.
 */
BIDE_INTERNAL bide_waiter_ *bide_waiter_new_(const bide_wait_kind_ *kind, size_t extra_bytes);
/* Does the same, with a time limit that is more than 0. BIDE_FOREVER: it has none. */
BIDE_INTERNAL bide_waiter_ *bide_waiter_new_timed_(const bide_wait_kind_ *kind, size_t extra_bytes,
                                                   int64_t timeout_ns);
/*
 * Appends the waiter to a list of the object. Returns 0; or the error of its context, which was
 * canceled: then the waiter is in no queue. Under the lock.
 */
BIDE_INTERNAL int bide_waiter_append_to_(bide_wait_queue_ *queue, unsigned list,
                                         bide_waiter_ *waiter);
static inline int bide_waiter_append_(bide_wait_queue_ *queue, bide_waiter_ *waiter)
{
	return bide_waiter_append_to_(queue, 0, waiter);
}
/*
 * Lets the time limit of a waiter run, if it has one. The caller has appended the waiter, and has
 * given the lock back. It has not handed out the value task yet.
 */
BIDE_INTERNAL void bide_waiter_arm_(bide_waiter_ *waiter);
/* Gives a waiter back that was never handed out and is in no queue. */
BIDE_INTERNAL void bide_waiter_discard_(bide_waiter_ *waiter);
/* For bide_wait_kind_.type.leave. */
BIDE_INTERNAL void bide_waiter_leave_(bide_operation *operation);

/*
 * Returns what the kind adds, in a copy of a waiter for a dump; or NULL if the waiter is not made
 * yet.
 */
static inline const void *bide_waiter_copied_extra_(const bide_waiter_ *copy)
{
	return copy->head_bytes < sizeof *copy ? NULL
	                                       : (const char *)(const void *)copy + copy->head_bytes;
}
/*
 * Writes what a dump says of a wait: `what` of the object, and where that was created. Both may be
 * NULL.
 */
BIDE_INTERNAL void bide_waiter_describe_(const char *what, const void *object,
                                         const bide_call *created, char *to, size_t size_bytes);

static inline bide_waiter_ *bide_waiter_of_(bide_wait_link_ *link)
{
	BIDE_ASSERT_(link->number == 0);
	return BIDE_CONTAINER_(link, bide_waiter_, link);
}

static inline void *bide_waiter_extra_(bide_waiter_ *waiter)
{
	return (char *)waiter + waiter->head_bytes;
}

/* Stores what the waiter ends with, before it is taken out of the queue. Under the lock. */
static inline void bide_waiter_outcome_(bide_waiter_ *waiter, bide_payload payload, int error)
{
	waiter->operation.source.payload = payload;
	waiter->operation.source.error = (uint16_t)error;
}

static inline bide_granted_ *bide_granted_init_(bide_granted_ *granted)
{
	granted->first = NULL;
	granted->tail = &granted->first;
	return granted;
}

/* The link was taken out. Under the lock. */
static inline void bide_granted_add_(bide_granted_ *granted, bide_wait_link_ *link)
{
	link->next = NULL;
	*granted->tail = link;
	granted->tail = &link->next;
}

/* Ends a waiter that was taken out, with the outcome that was stored. Without a lock. */
BIDE_INTERNAL void bide_waiter_end_(bide_waiter_ *waiter);

#endif
