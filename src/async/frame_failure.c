/*
 * frame_failure.c - what a failure does to a frame, and misuse inside a body.
 */
#include "async/frame.h"

#include "base/misuse.h"
#include "base/port.h"
#include "context/context.h"
#include "source/source.h"
#include "source/trace.h"

uint16_t bide_frame_error_(uintptr_t error)
{
	return (uint16_t)(error == BIDE_ENOFRAME ? BIDE_ENOMEM_ : error);
}

/*
 * Returns the failure as this function fails with it: its trace has one more entry. line 0: it has
 * not.
 */
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

/* Makes the failure the outcome of the function. */
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
			bide_lost_(failed, bide_context_of_(frame->context));
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

/* --- misuse inside a body --- */

void bide_async_bad_resume_(bide_frame *frame)
{
	bide_misuse_("%s: resumed at line %u, where it does not wait: its frame was overwritten, or an "
	             "await stands inside a switch of its own",
	             frame->async->name, bide_line_(&frame->source));
	bide_port_abort_();
}

/* If the hook returns, the cleanup ends here with the outcome it had. */
bide_body_result bide_async_late_return_(bide_frame *frame)
{
	bide_misuse_in_(frame, 0,
	                "bide_async_return: it stands in the cleanup of %s; a return belongs before "
	                "bide_async_finally",
	                frame->async->name);
	return bide_frame_step_slow_(frame);
}

bide_value_task bide_async_bad_pointer_(bide_frame *frame, const void *result)
{
	bide_misuse_in_(
		frame, 0,
		"bide_async_return: %p points into the frame, which ends with the function; use "
		"bide_async_return_large, or memory of the caller's",
		result);
	return bide_value_task_from_error_(BIDE_EINVAL_);
}

void bide_async_bad_large_(bide_frame *frame, const void *result)
{
	bide_misuse_in_(
		frame, 0,
		"bide_async_return_large: %p is outside of the frame; the result must be a member "
		"of it",
		result);
	frame->source.payload.i = 0;
	frame->source.error = BIDE_EINVAL_;
}
