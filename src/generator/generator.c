/*
 * generator.c - a generator begins, and its producer arrives. See generator.h.
 */
#include "generator/generator.h"

#include "async/frame.h"
#include "base/misuse.h"
#include "base/party.h"
#include "base/port.h"
#include "base/text.h"
#include "context/placement.h"
#include "source/schedule.h"
#include "source/source.h"
#include "source/stale.h"
#include "source/trace.h"

bide_generator *bide_generator_open_(bide_frame *frame, bide_body_result (*body)(bide_frame *frame))
{
	bide_generator *g = (bide_generator *)(void *)frame;
	bide_context *context = bide_context_create(NULL);

	if (!context) {
		bide_operation_discard_(&frame->source);
		return NULL;
	}
	frame->context = bide_context_word_(context);
	if (frame->context & BIDE_CONTEXT_EXECUTOR_)
		bide_executor_admit_(frame);
	bide_frame_publish_(bide_thread_(), frame);
	frame->awaiting = NULL;
	frame->source.payload.i = 0;
	g->body = body;
	g->context = context;
	g->taken = NULL;
	g->references = 1;
	g->error = BIDE_EEND;
	bide_generator_set_(g, BIDE_GENERATOR_IDLE_);
	BIDE_ASSERT_(bide_generator_is_valid_(g));
	return g;
}

bool bide_generator_fits_(const bide_thread_head *head, const bide_generator *g)
{
	uintptr_t here = head->current->context, there = g->frame.context;

	return bide_stack_pointer_() >= head->stack_limit &&
	       (BIDE_LIKELY(!((here | there) & BIDE_CONTEXT_EXECUTOR_)) ||
	        bide_context_executor_(here) == bide_context_executor_(there));
}

void bide_generator_queue_(bide_generator *g)
{
	g->frame.awaiting = NULL;
	bide_flags_add_(&g->frame.source, BIDE_FLAG_SELF_LINKED_);
	bide_schedule_(&g->frame, false);
}

void bide_generator_stop_(bide_generator *g)
{
	g->frame.source.payload.i = 0;
	g->frame.source.error = BIDE_ECANCELED_;
	g->frame.source.line = BIDE_POINT_STOPPED_;
}

void bide_generator_put_taken_(const bide_generator *g, char *to, size_t size_bytes)
{
	const bide_place *place = g->taken;

	if (place->line)
		bide_put_(to, size_bytes, "an operator consumes the generator (since %s:%u in %.*s)",
		          place->file, (unsigned)place->line, bide_name_length_(place->function),
		          place->function);
	else
		bide_put_(to, size_bytes, "an operator consumes the generator");
}

static BIDE_COLD void report_escaped(const bide_function_info *async)
{
	char line[256];

	bide_put_(
		line, sizeof line,
		"generator %s (%s:%u) fails with EPIPE: the BIDE_EEND of something that it awaits has "
		"left its body",
		async->name, async->file, (unsigned)async->line);
	bide_report_("misuse", line);
}

uint16_t bide_generator_outcome_(const bide_generator *g, bide_body_result step,
                                 bide_payload *payload)
{
	const bide_function_info *async = g->frame.async;

	BIDE_ASSERT_(step.state <= BIDE_ERROR_MAX || step.state == BIDE_RESULT_IN_FRAME_);
	payload->i = 0;
	if (step.state == 0 || step.state == BIDE_RESULT_IN_FRAME_)
		return BIDE_EEND;
	*payload = step.payload;
	if (step.state != BIDE_EEND)
		return (uint16_t)step.state;
	payload->trace = bide_trace_add_(payload->trace, async, async->line, BIDE_EPIPE_, true);
	if (BIDE_UNLIKELY(bide_debug_))
		report_escaped(async);
	return BIDE_EPIPE_;
}

/* --- a waiting ends --- */

void bide_generator_waiting_leave_(bide_generator_waiting_ *w, uint32_t count)
{
	bide_source *source = &w->operation.source;

	if (!bide_party_leave_(source, &w->parties, count))
		return;
	bide_cancel_node_unref_(&w->node);
	/* Before the waiting is completed, so that nothing but the end of it is left to do. */
	if (w->holds && bide_generator_unhold_(w->generator))
		bide_generator_finish_(w->generator);
	bide_operation_complete_(&w->operation, source->payload, source->error);
}

void bide_generator_answer_(bide_generator_waiting_ *w, bide_payload payload, int error)
{
	w->operation.source.payload = payload; /* ordered by `parties` */
	w->operation.source.error = (uint16_t)error;
	bide_generator_waiting_leave_(w, bide_cancel_unlink_(&w->node) ? 2 : 1);
}

/* --- the end --- */

void bide_generator_finish_(bide_generator *g)
{
	bide_source *source = &g->frame.source;

	bide_source_deliver_(source, bide_source_finish_(source));
}

void bide_generator_last_step_(bide_generator *g, bide_body_result step)
{
	bide_source *source = &g->frame.source;
	bide_value_task lost;
	uint16_t error = bide_generator_outcome_(g, step, &lost.payload);

	BIDE_ASSERT_(!(source->flags & BIDE_FLAG_HAS_CONTEXT_REF_));
	lost.state = error;
	if (error != BIDE_EEND && error != BIDE_ECANCELED_ && error != g->expected)
		bide_unobserved_value_(lost);
	bide_flags_drop_(source, BIDE_FLAG_LARGE_);
	source->payload.i = 0;
	source->error = 0;
	source->marks = BIDE_MARK_CLAIMED_;
}

/* --- the producer arrives --- */

/*
 * Outside of the function that has arrived: what the answer makes runnable is no part of its step,
 * and another worker may end and free the generator meanwhile.
 */
static void leave_step(bide_thread_head *head)
{
	bide_thread *thread = bide_thread_of_(head);

	head->current = &thread->root;
	thread->resumed = NULL;
}

/*
 * The step has brought an element or its end. Returns false if the consumer stops the generator
 * meanwhile. If it returns true, another thread may free the generator.
 */
static bool bring(bide_thread_head *head, bide_generator *g, bide_body_result step)
{
	bool emitted = step.state == BIDE_EMITTED_;
	uintptr_t seen = BIDE_LOAD(&g->state, ACQUIRE);
	bide_payload payload = step.payload;
	uint16_t error = 0;

	g->frame.awaiting = NULL;
	if (bide_generator_tag_(seen) == BIDE_GENERATOR_STOPPING_)
		return false;
	if (!emitted)
		error = bide_generator_outcome_(g, step, &payload);
	for (;;) {
		switch (bide_generator_tag_(seen)) {
		case BIDE_GENERATOR_LEFT_:
			g->element = payload;
			g->error = emitted ? BIDE_EEND : error;
			if (bide_generator_move_(g, &seen,
			                         emitted ? BIDE_GENERATOR_ELEMENT_ : BIDE_GENERATOR_ENDED_))
				return true;
			break;
		case BIDE_GENERATOR_ARMED_:
			g->error = BIDE_EEND;
			if (!bide_generator_move_(g, &seen,
			                          emitted ? BIDE_GENERATOR_IDLE_ : BIDE_GENERATOR_ENDED_))
				break;
			leave_step(head);
			bide_generator_answer_(bide_generator_waiting_of_(seen), payload, error);
			return true;
		default:
			BIDE_ASSERT_(seen == BIDE_GENERATOR_STOPPING_);
			return false;
		}
	}
}

/* A step that ended on the thread of a loop. Runs on the one worker. */
static void step_posted(bide_post *post)
{
	bide_generator *g = BIDE_CONTAINER_(post, bide_generator, post);
	bide_body_result step = { g->element, g->step };

	if (bring(bide_thread_(), g, step))
		return;
	if (step.state == BIDE_EMITTED_) {
		bide_generator_stop_(g);
		bide_generator_queue_(g);
		return;
	}
	bide_generator_last_step_(g, step);
	if (bide_generator_unhold_(g))
		bide_generator_finish_(g);
}

/*
 * What the runtime calls in place of the body, after a step that was not in place. SUSPENDED tells
 * it not to touch the frame.
 */
bide_body_result bide_generator_resumed_(bide_frame *frame, bide_body_result step)
{
	bide_generator *g = (bide_generator *)(void *)frame;
	bide_thread_head *head = bide_thread_();
	static const bide_body_result suspended = { .state = BIDE_SUSPENDED_ };

	if (step.state == BIDE_SUSPENDED_)
		return step;
	if (BIDE_UNLIKELY(!bide_port_on_worker_())) {
		g->element = step.payload;
		g->step = (uint16_t)step.state;
		g->post.run = step_posted;
		bide_port_post_(&g->post);
		return suspended;
	}
	while (!bring(head, g, step)) {
		if (step.state != BIDE_EMITTED_) {
			bide_generator_last_step_(g, step);
			if (!bide_generator_unhold_(g))
				return suspended;
			return (bide_body_result){ .state = 0 };
		}
		bide_generator_stop_(g);
		step = g->body(frame);
		if (step.state == BIDE_SUSPENDED_)
			return step;
	}
	return suspended;
}

/* --- misuse, checks --- */

void bide_generator_report_ended_(const bide_generator *g, const char *what)
{
	const bide_source *source = &g->frame.source;
	char first[256];

	if (!bide_generator_is_gone_(g) && !bide_is_in_use_(source)) {
		bide_misuse_("%s: the generator %s (%s:%u) %s", what, bide_function_name_(&g->frame),
		             g->frame.async->file, (unsigned)g->frame.async->line,
		             bide_why_gone_(source, ""));
		return;
	}
	if (!bide_generator_is_gone_(g)) {
		bide_misuse_("%s: the generator %s was ended before; its cleanup has not ended yet", what,
		             bide_function_name_(&g->frame));
		return;
	}
	if (!bide_kind_is_frame_(source->kind) || !g->frame.async->generates) {
		bide_misuse_("%s: the generator was ended before, which has freed it", what);
		return;
	}
	bide_describe_consumer_(first, sizeof first, source);
	bide_misuse_("%s: the generator %s was ended before (first end: %s); an end frees it: end it "
	             "once, in the cleanup of its consumer, or set the pointer to NULL",
	             what, bide_function_name_(&g->frame), first);
}

void bide_generator_bad_emit_(bide_frame *frame, uint32_t line)
{
	bide_misuse_in_(frame, line,
	                "bide_async_emit: it stands in the cleanup of %s, which no consumer waits for; "
	                "an emit belongs before bide_async_finally",
	                frame->async->name);
}

bool bide_generator_is_valid_(const bide_generator *g)
{
	uintptr_t state = BIDE_LOAD(&g->state, ACQUIRE); /* the flags are the producer's before */
	unsigned tag = bide_generator_tag_(state);

	BIDE_INVARIANT_(tag <= BIDE_GENERATOR_STOPPING_);
	BIDE_INVARIANT_((tag == BIDE_GENERATOR_ARMED_) == (state > 7));
	BIDE_INVARIANT_(g->body && g->frame.async);
	BIDE_INVARIANT_(BIDE_LOAD(&g->references, RELAXED) >= 1);
	if (tag == BIDE_GENERATOR_IDLE_ || tag == BIDE_GENERATOR_ELEMENT_) {
		BIDE_INVARIANT_(g->frame.source.flags & BIDE_FLAG_PUBLISHED_);
		BIDE_INVARIANT_(!(g->frame.source.flags & BIDE_FLAG_SELF_LINKED_));
	}
	return true;
}
