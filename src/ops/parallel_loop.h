/*
 * parallel_loop.h - what the lanes of a parallel loop share.
 *
 * The words of these sources:
 *
 *   loop   one call of bide_parallel_for, bide_for_each or bide_for_each_of
 *   body   the user's function, called for each part, index or item
 *   lane   an async function that takes a part, index or item and runs its body to the end, again
 *          and again; there are never more bodies than lanes, and a body costs no object
 *   hot    started on the caller's stack; cold: made runnable, for any worker to take
 *   turn   the right to ask for the next item, which one lane has at a time
 */
#ifndef BIDE_OPS_PARALLEL_LOOP_H
#define BIDE_OPS_PARALLEL_LOOP_H

#include "base/library.h"

enum { BIDE_BODIES_READY_MAX_ = 64 }; /* bodies in a row that were ready, before a lane yields */

typedef enum loop_kind { LOOP_PARTS, LOOP_INDEXES, LOOP_ITEMS } loop_kind;

struct bide_parallel_item_lane;

/* It lies in the frame of the loop. */
typedef struct parallel_loop {
	loop_kind kind;
	bool keep_going;
	bool shared;    /* lanes run on several threads */
	bool launching; /* one worker: the loop still starts lanes; it starts another one... */
	bool go_on;     /* ...if this says that the last one has a pending body */
	union {
		bide_parallel_body *part;
		bide_each_body *index;
		bide_each_item_body *item;
	} body;
	bide_next_function *next;
	void *argument;
	int64_t begin;
	uint64_t index_count, grain; /* only for parts */
	uint64_t count;              /* parts or indexes; items: 0 */
	uint64_t taken;              /* it may pass count, by one for each lane */
	size_t limit;
	size_t spread; /* lanes that are wanted even if no body is pending */
	size_t lanes;  /* lanes <= limit */
	int error;
	bide_trace trace; /* of an error that is no cancellation */
	/* The turn; under the lock, if shared. */
	uint32_t lock;
	bool busy;  /* a lane has the turn */
	bool ended; /* there are no more items; atomic; written by the lane that has the turn */
	struct bide_parallel_item_lane *waiting, **waiting_tail; /* for the turn, oldest first */
	bide_group group;
} parallel_loop;

/* How the frame of a lane begins. */
struct bide_lane_head_ {
	BIDE_ASYNC_FRAME;
	struct {
		parallel_loop *loop;
	} in;
};

static inline bool bide_loop_has_indexes_(const parallel_loop *loop)
{
	return BIDE_LOAD(&loop->taken, RELAXED) < loop->count;
}

/*
 * Returns true if the counts fit and the lanes that wait for the turn are a list. Takes the lock.
 */
BIDE_INTERNAL bool bide_loop_is_valid_(parallel_loop *loop);

/*
 * Keeps the first error that is no cancellation, else the cancellation. Returns true if this one
 * was kept or is a cancellation.
 */
BIDE_INTERNAL bool bide_loop_keep_error_(parallel_loop *loop, int error, bide_trace trace);
/*
 * Keeps the failure of a body or of `next`. Called in a lane, which has the context of the group.
 */
BIDE_INTERNAL void bide_loop_failed_(parallel_loop *loop, bide_value_task by);

/* Reserves one more lane. Returns false if there are `most` already. */
BIDE_INTERNAL bool bide_lane_reserve_(parallel_loop *loop, size_t most);
/*
 * Adds what was started for a reserved lane. Returns false if there was no memory to start it: then
 * there is one lane less.
 */
BIDE_INTERNAL bool bide_lane_add_(parallel_loop *loop, bide_value_task started);
/*
 * Called by a lane whose body is pending while there is more to do: has another lane do it. async:
 * the function of the lanes.
 */
BIDE_INTERNAL void bide_lane_more_(parallel_loop *loop, const bide_function_info *async);
/*
 * Called at the beginning of a lane: starts two more lanes if there is work, so that the work
 * spreads over the workers. Items spread also while a lane asks for the next one, because a lane
 * begins only once.
 */
BIDE_INTERNAL void bide_lane_spread_(parallel_loop *loop, const bide_function_info *async);

/* Starts a lane over parts or indexes on this stack. */
BIDE_INTERNAL bide_value_task bide_index_lane_start_(parallel_loop *loop);
/* Starts a lane over items on this stack. */
BIDE_INTERNAL bide_value_task bide_item_lane_start_(parallel_loop *loop);
/* Returns true if no lane has the turn, though there may be more items. */
BIDE_INTERNAL bool bide_loop_turn_is_free_(parallel_loop *loop);

#endif
