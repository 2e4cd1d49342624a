/*
 * parallel_lane.c - starting lanes, and keeping what went wrong in them.
 *
 * Lanes are members of the group of the loop and never fail. The loop keeps the errors itself,
 * because its rules are not those of a group: the ambient cancellation has priority, and a body
 * that fails with ECANCELED of its own accord counts as a failure.
 */
#include "context/context.h"
#include "ops/first_error.h"
#include "ops/parallel_loop.h"

bool bide_loop_keep_error_(parallel_loop *loop, int error, bide_trace trace)
{
	if (!bide_first_error_keep_(&loop->error, error))
		return error == BIDE_ECANCELED_;
	if (error != BIDE_ECANCELED_)
		loop->trace = trace;
	return true;
}

void bide_loop_failed_(parallel_loop *loop, bide_value_task by)
{
	if (!bide_loop_keep_error_(loop, (int)by.state, by.payload.trace))
		bide_lost_(by, loop->group.context_);
	if (!loop->keep_going)
		bide_context_cancel(loop->group.context_, BIDE_ECANCELED_);
}

bool bide_lane_reserve_(parallel_loop *loop, size_t most)
{
	size_t seen = BIDE_LOAD(&loop->lanes, RELAXED);

	while (seen < most)
		if (BIDE_CAS(&loop->lanes, &seen, seen + 1, RELAXED, RELAXED))
			return true;
	return false;
}

/* Makes a lane runnable, for any worker to take. */
static bide_value_task start_cold(parallel_loop *loop, const bide_function_info *async)
{
	bide_thread_head *head = bide_thread_();
	bide_frame *frame = bide_frame_new_(head, async->frame_bytes, async, NULL);

	if (!frame)
		return bide_start_failed_();
	bide_frame_fill_(frame, async->frame_bytes, &loop, offsetof(struct bide_lane_head_, in),
	                 sizeof loop);
	return bide_start_cold_(head, frame);
}

bool bide_lane_add_(parallel_loop *loop, bide_value_task started)
{
	if (started.state == BIDE_ENOFRAME) {
		BIDE_SUB(&loop->lanes, 1, RELAXED);
		return false;
	}
	bide_group_add(&loop->group, started);
	return true;
}

static void lane_start_cold(parallel_loop *loop, const bide_function_info *async, size_t most)
{
	if (bide_lane_reserve_(loop, most))
		(void)bide_lane_add_(loop, start_cold(loop, async));
}

void bide_lane_more_(parallel_loop *loop, const bide_function_info *async)
{
	if (loop->launching)
		loop->go_on = true;
	else
		lane_start_cold(loop, async, loop->limit);
}

static bool has_work(const parallel_loop *loop)
{
	return loop->kind == LOOP_ITEMS ? !BIDE_LOAD(&loop->ended, RELAXED)
	                                : bide_loop_has_indexes_(loop);
}

void bide_lane_spread_(parallel_loop *loop, const bide_function_info *async)
{
	for (int i = 0; loop->shared && i < 2; i++)
		if (has_work(loop))
			lane_start_cold(loop, async, loop->spread);
}
