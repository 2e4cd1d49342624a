/*
 * strand.c - strands: executors whose functions run one after the other on the workers.
 *
 * A strand in which something is runnable is runnable itself. Its turn is a frame of no async
 * function, whose body runs some functions of the strand, and then goes to the end of the worker's
 * queue if there are more. So a worker does not have to know of strands, and a strand keeps no
 * worker from other work. A loop of the worker's own thread has its turn, too.
 */
#include "async/strand.h"

#include "async/frame.h"
#include "base/assert.h"
#include "base/port.h"
#include "base/thread.h"
#include "context/context.h"
#include "context/executor.h"

enum { STRAND_BATCH = 32 };

static bide_body_result turn_run(bide_frame *turn)
{
	bide_executor *executor = BIDE_CONTAINER_(turn, bide_executor, turn), *outer;
	bide_thread_head *head = bide_current_thread_;
	bide_thread *thread = bide_thread_of_(head);
	/* A watched run looks at each function. */
	unsigned left = head->handovers >= BIDE_HANDOVERS_MAX_ ? 1 : executor->batch;
	bide_frame *frame;

	outer = thread->executor;
	thread->executor = executor;
	while (left-- > 0 && (frame = bide_executor_take_(executor)) != NULL) {
		BIDE_ASSERT_(bide_context_executor_(frame->context) == executor);
		bide_frame_run_(head, frame);
	}
	thread->executor = outer;
	if (bide_executor_rest_(executor)) {
		bide_executor_unref(executor); /* The turn's reference. */
	} else {
		bide_flags_add_(&turn->source, BIDE_FLAG_SELF_LINKED_);
		bide_port_schedule_(turn, false); /* Another worker may run it at once. */
	}
	return (bide_body_result){ .state = BIDE_SUSPENDED_ };
}

const bide_function_info bide_strand_turn_ = { .resume = turn_run,
	                                           .name = "bide_strand",
	                                           .file = __FILE__,
	                                           .line = __LINE__,
	                                           .frame_bytes = sizeof(bide_frame) };

bide_executor *bide_strand_create(void)
{
	return bide_executor_new_(&bide_strand_type_, &bide_strand_turn_, STRAND_BATCH);
}

const bide_frame *bide_strand_first_(const bide_frame *frame)
{
	if (frame->async != &bide_strand_turn_)
		return frame;
	return bide_executor_first_(BIDE_CONTAINER_(frame, bide_executor, turn));
}
