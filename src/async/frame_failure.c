/*
 * frame_failure.c - what a failure does to a frame.
 */
#include "async/frame.h"

#include "base/misuse.h"
#include "context/context.h"
#include "source/source.h"
#include "source/trace.h"

uint16_t bide_frame_error_(uintptr_t error)
{
	return (uint16_t)(error == BIDE_ENOFRAME ? BIDE_ENOMEM_ : error);
}

/* What fails so in this function, with one entry more. line 0: none. */
static bide_value_task noted(const bide_frame *frame, bide_value_task failed, uint32_t line,
                             bool awaited)
{
	const bide_function_info *async = frame->async;

	failed.state = bide_frame_error_(failed.state);
	if (line == BIDE_LINE_OF_FRAME_)
		line = async->points_are_lines ? bide_line_(&frame->source) : async->line;
	if (line)
		failed.payload.trace =
			bide_trace_add_(failed.payload.trace, async, line, (int)failed.state, awaited);
	return failed;
}

static void fail(bide_frame *frame, bide_value_task failed)
{
	frame->source.payload = failed.payload;
	frame->source.error = (uint16_t)failed.state;
}

bool bide_await_failed_(bide_frame *frame, bide_value_task failed, uint32_t line)
{
	bool finishing = frame->source.flags & BIDE_FLAG_FINISHING_;

	if (finishing) {
		if (frame->source.error != 0) {
			bide_lost_(failed, (const bide_context *)(frame->context & ~BIDE_CONTEXT_TAGS_));
			return false;
		}
		if (frame->source.flags & BIDE_FLAG_OWNED_)
			((bide_owned_frame *)(void *)frame)->drop(frame->source.payload.p);
		bide_flags_drop_(&frame->source, BIDE_FLAG_LARGE_ | BIDE_FLAG_OWNED_);
	}
	fail(frame, noted(frame, failed, line, true));
	return !finishing;
}

bool bide_async_fail_(bide_frame *frame, int error, uint32_t line)
{
	if (frame->source.flags & BIDE_FLAG_FINISHING_)
		return false;
	if (error <= 0 || error > BIDE_ERROR_MAX) {
		bide_misuse_in_(frame, line, "bide_async_fail: error is %d; 1 to %d are allowed", error,
		                BIDE_ERROR_MAX);
		error = BIDE_EINVAL_;
	}
	fail(frame, noted(frame, bide_value_task_from_error_(error), line, false));
	return true;
}
