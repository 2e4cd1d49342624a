/*
 * next.c - bide_generator_next: a step in place, or a waiting. See generator.h.
 */
#include "base/misuse.h"
#include "base/party.h"
#include "base/port.h"
#include "generator/generator.h"
#include "source/source.h"

static void forgotten(bide_operation *operation);

static const bide_operation_type waiting_type = { .name = "bide_generator_next",
	                                              .leave = forgotten };

static bide_value_task ready(bide_payload payload, int error)
{
	bide_value_task v;

	v.payload = payload;
	v.state = (uintptr_t)error;
	return v;
}

/* Returns what lies in the generator, an element or the end. Only the consumer touches it. */
static int take(bide_generator *g, bide_payload *payload)
{
	int error = g->error;

	BIDE_ASSERT_UNEXPLORED_(BIDE_LOAD(&g->state, RELAXED) == BIDE_GENERATOR_ELEMENT_ ||
	                        BIDE_LOAD(&g->state, RELAXED) == BIDE_GENERATOR_ENDED_);
	*payload = g->element;
	if (BIDE_LOAD(&g->state, RELAXED) == BIDE_GENERATOR_ELEMENT_) {
		bide_generator_set_(g, BIDE_GENERATOR_IDLE_);
		return 0;
	}
	g->error = BIDE_EEND;
	if (error == BIDE_EEND)
		payload->i = 0;
	return error;
}

/* --- a waiting leaves --- */

/*
 * A cancel, or a forget, takes the waiting out, if it is in the state still. It holds a party, and
 * leaves for the state as well if it took the waiting out.
 */
static void give_up(bide_generator_waiting_ *w, int error, uint32_t parties)
{
	uintptr_t seen = bide_generator_armed_(w);

	if (bide_generator_move_(w->generator, &seen, BIDE_GENERATOR_LEFT_)) {
		w->operation.source.error = (uint16_t)error; /* ordered by `parties` */
		parties++;
	}
	bide_generator_waiting_leave_(w, parties);
}

static void canceled(bide_cancel_node *node, int error)
{
	bide_generator_waiting_ *w = BIDE_CONTAINER_(node, bide_generator_waiting_, node);

	BIDE_STORE(&w->canceled, (uint32_t)error, SEQ_CST); /* see generator.h */
	give_up(w, error, 1);
}

/* The node is taken out, unless a cancel has it: then that ends the waiting. */
static void give_up_forgotten(bide_generator_waiting_ *w)
{
	uintptr_t seen = bide_generator_armed_(w);
	uint32_t parties = 1; /* this one */

	if (bide_generator_move_(w->generator, &seen, BIDE_GENERATOR_LEFT_)) {
		w->operation.source.error = BIDE_ECANCELED_;
		parties += bide_cancel_unlink_(&w->node) ? 2 : 1;
	}
	bide_generator_waiting_leave_(w, parties);
}

static void forgotten_posted(bide_post *post)
{
	give_up_forgotten(BIDE_CONTAINER_(post, bide_generator_waiting_, post));
}

/* The forget joins as a party, so that neither the waiting nor its generator ends meanwhile. */
static void forgotten(bide_operation *operation)
{
	bide_generator_waiting_ *w = (bide_generator_waiting_ *)(void *)operation;

	/* If it fails, the next call sees that the waiting is out of the state. */
	if (!bide_party_try_join_(&operation->source, &w->parties))
		return;
	if (bide_port_on_worker_()) {
		give_up_forgotten(w);
		return;
	}
	w->post.run = forgotten_posted;
	bide_port_post_(&w->post);
}

/* --- a waiting begins --- */

/*
 * Returns a waiting whose node is linked, or NULL; *error is then the reason. It may be canceled
 * already.
 */
static bide_generator_waiting_ *waiting_new(bide_generator *g, int *error)
{
	bide_cancel_core *core = bide_context_core_();
	bide_generator_waiting_ *w =
		(bide_generator_waiting_ *)(void *)bide_operation_new_(sizeof *w, &waiting_type);

	*error = BIDE_ENOMEM_;
	if (!w)
		return NULL;
	w->generator = g;
	w->parties = 2;
	w->canceled = 0;
	w->holds = core || !bide_shared_; /* else no other thread looks at the generator by it */
	if (w->holds)
		bide_generator_hold_(g);
	*error = bide_cancel_link_(core, &w->node, canceled);
	if (!*error)
		return w;
	if (w->holds)
		(void)bide_generator_unhold_(g); /* the consumer has one */
	bide_operation_discard_(&w->operation.source);
	return NULL;
}

/* The waiting is in the state. A cancel that came before has not found it there. */
static bide_value_task armed(bide_generator_waiting_ *w, bide_value_task v)
{
	uint32_t error = BIDE_LOAD(&w->canceled, SEQ_CST);
	uintptr_t seen = bide_generator_armed_(w);

	if (BIDE_UNLIKELY(error) && bide_generator_move_(w->generator, &seen, BIDE_GENERATOR_LEFT_)) {
		w->operation.source.error = (uint16_t)error;
		bide_generator_waiting_leave_(w, 1);
	}
	return v;
}

/* The step has suspended, or was left by an earlier next. It may have arrived meanwhile. */
static bide_value_task wait_for_step(bide_generator *g)
{
	uintptr_t seen = BIDE_LOAD(&g->state, ACQUIRE); /* pairs with the move of the producer */
	bide_generator_waiting_ *w;
	bide_payload payload;
	bide_value_task v;
	int error;

	if (seen != BIDE_GENERATOR_LEFT_) {
		error = take(g, &payload);
		return ready(payload, error);
	}
	w = waiting_new(g, &error);
	if (!w)
		return bide_value_task_from_error(error);
	v = bide_source_value_(&w->operation.source);
	if (bide_generator_move_(g, &seen, bide_generator_armed_(w)))
		return armed(w, v);
	error = take(g, &payload);
	w->operation.source.payload = payload;
	w->operation.source.error = (uint16_t)error;
	/* If a cancel has the node, it completes the waiting. */
	bide_generator_waiting_leave_(w, bide_cancel_unlink_(&w->node) ? 2 : 1);
	return v;
}

/* The step cannot run here. The waiting comes first, because without it nothing may begin. */
static bide_value_task queue_step(bide_generator *g)
{
	int error;
	bide_generator_waiting_ *w = waiting_new(g, &error);
	bide_value_task v;

	if (!w)
		return bide_value_task_from_error(error);
	v = bide_source_value_(&w->operation.source);
	BIDE_STORE(&g->state, bide_generator_armed_(w), SEQ_CST);
	bide_generator_queue_(g);
	return armed(w, v);
}

/* The step in place has not emitted. */
static bide_value_task stepped(bide_generator *g, bide_body_result step)
{
	bide_payload payload;
	uint16_t error;

	if (step.state == BIDE_SUSPENDED_)
		return wait_for_step(g);
	error = bide_generator_outcome_(g, step, &payload);
	bide_generator_set_(g, BIDE_GENERATOR_ENDED_);
	return ready(payload, error);
}

/* --- next --- */

static BIDE_COLD void report_armed(const bide_generator *g)
{
	char taken[300];

	if (g->taken) {
		bide_generator_put_taken_(g, taken, sizeof taken);
		bide_misuse_("bide_generator_next: %s", taken);
	} else {
		bide_misuse_("bide_generator_next: the value task of the call before is pending still; one "
		             "at a time is allowed");
	}
}

static bide_value_task next_slow(bide_generator *g)
{
	bide_payload payload;
	int error;

	if (!g)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	if (!bide_thread_())
		return bide_value_task_from_error(BIDE_ENOMEM_);
	if (!bide_port_on_worker_()) {
		bide_misuse_("bide_generator_next: called on another thread than the worker's");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	if (bide_generator_was_ended_(g)) {
		bide_generator_report_ended_(g, "bide_generator_next");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	if (bide_generator_tag_(BIDE_LOAD(&g->state, ACQUIRE)) == BIDE_GENERATOR_ARMED_) {
		report_armed(g);
		return bide_value_task_from_error(BIDE_EBUSY_);
	}
	if (&g->frame == bide_thread_()->current) {
		bide_misuse_("bide_generator_next: the generator asks itself for an element");
		return bide_value_task_from_error(BIDE_EDEADLK_);
	}
	error = bide_context_error_now_();
	if (error)
		return bide_value_task_from_error(error);
	switch (BIDE_LOAD(&g->state, ACQUIRE)) { /* pairs with the move of the producer */
	case BIDE_GENERATOR_IDLE_:
		return queue_step(g);
	case BIDE_GENERATOR_LEFT_:
		return wait_for_step(g);
	default:
		error = take(g, &payload);
		return ready(payload, error);
	}
}

bide_value_task bide_generator_next(bide_generator *g)
{
	bide_thread_head *head = bide_current_thread_;
	bide_body_result step;

	/* Acquire: pairs with the move of the producer. A thread without room is no worker's, too. */
	if (BIDE_UNLIKELY(!g || !head || !bide_is_in_use_(&g->frame.source) ||
	                  BIDE_LOAD(&g->state, ACQUIRE) != BIDE_GENERATOR_IDLE_ ||
	                  !bide_generator_fits_(head, g) || bide_context_error_now_()))
		return next_slow(g);
	BIDE_ASSERT_(bide_generator_is_valid_(g));
	BIDE_STORE(&g->state, BIDE_GENERATOR_LEFT_, RELAXED); /* no other thread has the frame */
	step = bide_generator_call_(head, g);
	if (BIDE_UNLIKELY(step.state != BIDE_EMITTED_))
		return stepped(g, step);
	BIDE_STORE(&g->state, BIDE_GENERATOR_IDLE_, RELAXED);
	return ready(step.payload, 0);
}
