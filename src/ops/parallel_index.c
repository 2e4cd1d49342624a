/*
 * parallel_index.c - lanes over the parts and the indexes of a range.
 *
 * Lanes take parts of a range from a counter, as they take indexes, rather than halve the range
 * over forks. Any worker may take a fork, whatever the limit is, and a lane that yields after each
 * part would suspend the whole spine of halves. A part is large, so the counter is no bottleneck.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/misuse.h"
#include "base/own.h"
#include "ops/parallel_loop.h"
#include "source/source.h"

/*
 * Takes the next part or index, in a lane. Returns false if there is none, or after a cancellation.
 */
static bool take(parallel_loop *loop, uint64_t *number)
{
	int error;

	if (!bide_loop_has_indexes_(loop))
		return false;
	error = bide_context_current_error();
	if (error) {
		/* A failure that canceled the loop is kept already. */
		(void)bide_loop_keep_error_(loop, error, 0);
		return false;
	}
	if (!loop->shared) {
		*number = loop->taken++;
		return true;
	}
	/* RELAXED: what a number leads to was there before the lanes. */
	*number = BIDE_ADD(&loop->taken, 1, RELAXED);
	return *number < loop->count;
}

static bide_value_task call_part(const parallel_loop *loop, uint64_t number)
{
	uint64_t offset = number * loop->grain, left = loop->index_count - offset;
	/* Unsigned, because a range may be longer than INT64_MAX. */
	uint64_t begin = (uint64_t)loop->begin + offset;
	uint64_t end = begin + (left < loop->grain ? left : loop->grain);
	int error = loop->body.part((int64_t)begin, (int64_t)end, loop->argument);

	if (error == 0)
		return bide_value_task_completed();
	return bide_value_task_from_error(
		bide_check_error_(error, "the body of bide_parallel_for") ? error : BIDE_EINVAL_);
}

struct bide_parallel_lane {
	BIDE_ASYNC_FRAME;
	struct {
		parallel_loop *loop;
	} in;
	uint64_t number;
	unsigned ready_count; /* bodies in a row that were ready */
};
BIDE_STATIC_ASSERT(offsetof(struct bide_parallel_lane, in) == offsetof(struct bide_lane_head_, in),
                   "a cold start fills it in");

static bide_value_task lane_call(struct bide_parallel_lane *my)
{
	parallel_loop *loop = my->in.loop;
	bide_value_task called;

	my->ready_count++;
	if (loop->kind == LOOP_PARTS)
		return call_part(loop, my->number);
	called = loop->body.index((int64_t)((uint64_t)loop->begin + my->number), loop->argument);
	if (bide_is_pending_(called)) {
		my->ready_count = 0;
		if (bide_loop_has_indexes_(loop))
			bide_lane_more_(loop, my->BIDE_FRAME_MEMBER_.async);
	}
	return called;
}

static bool lane_gives_way(struct bide_parallel_lane *my)
{
	if (my->in.loop->kind != LOOP_PARTS && my->ready_count < BIDE_BODIES_READY_MAX_)
		return false;
	my->ready_count = 0;
	return bide_loop_has_indexes_(my->in.loop);
}

static const bide_own_ bide_parallel_lane_own_ = {
	.name = "bide_for_each", /* a part of bide_parallel_for never waits */
	.kind = BIDE_OWN_BODY_
};

bide_async(bide_parallel_lane)
{
	bide_async_begin;
	bide_lane_spread_(my->in.loop, my->BIDE_FRAME_MEMBER_.async);
	while (take(my->in.loop, &my->number)) {
		bide_await_or(lane_call(my), bide_loop_failed_(my->in.loop, bide_await_failure));
		if (lane_gives_way(my))
			bide_await(bide_async_yield());
	}
bide_async_finally:
	bide_async_end;
}

bide_value_task bide_index_lane_start_(parallel_loop *loop)
{
	return bide_async_start(bide_parallel_lane, .loop = loop);
}
