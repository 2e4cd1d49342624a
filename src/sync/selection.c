/*
 * selection.c - see selection.h.
 */
#include "sync/selection.h"

#include "base/party.h"
#include "cancel/cancel_core.h"
#include "cancel/cancel_token.h"
#include "context/context.h"
#include "source/source.h"
#include "tasks/task_await.h"

enum { DECIDED = 1, REGISTERED = 2 };
enum { LISTENING = 1, WITHDRAWING };

const bide_wait_kind_ bide_selection_task_ = { .type = { .name = "bide_select" } };

bide_selection_ *bide_selection_of_(bide_wait_link_ *link)
{
	bide_selection_case_ *c = BIDE_CONTAINER_(link, bide_selection_case_, link);

	BIDE_ASSERT_(link->number > 0);
	return BIDE_CONTAINER_(c - (link->number - 1), bide_selection_, cases);
}

bide_selection_ *bide_selection_new_(const bide_operation_type *type, uint32_t count,
                                     size_t extra_bytes)
{
	bide_selection_ *s = (bide_selection_ *)(void *)
		bide_operation_new_(sizeof *s + count * sizeof s->cases[0] + extra_bytes, type);

	if (!s)
		return NULL;
	s->count = count;
	for (uint32_t i = 0; i < count; i++)
		s->cases[i].link.number = i + 1;
	return s;
}

/* --- claims --- */

/* Returns the value when it is not BUSY. */
static uint32_t decided_of(const bide_selection_ *s)
{
	uint32_t seen;

	for (unsigned tries = 0; (seen = BIDE_LOAD(&s->decided, ACQUIRE)) == BIDE_SELECTION_BUSY_;
	     tries++)
		bide_port_wait_a_moment_(tries);
	return seen;
}

bool bide_selection_is_decided_(const bide_selection_ *s)
{
	return decided_of(s) != 0;
}

static bool claim(bide_selection_ *s, uint32_t value)
{
	uint32_t seen = decided_of(s);

	while (seen == 0) {
		if (BIDE_CAS(&s->decided, &seen, value, ACQ_REL, ACQUIRE))
			return true;
		seen = decided_of(s);
	}
	return false;
}

bool bide_selection_claim_self_(bide_selection_ *s, uint32_t number)
{
	return claim(s, number);
}

bool bide_selection_claim_begin_(bide_selection_ *s)
{
	return claim(s, BIDE_SELECTION_BUSY_);
}

void bide_selection_claim_end_(bide_selection_ *s, uint32_t number)
{
	BIDE_STORE(&s->decided, number, RELEASE); /* pairs with decided_of */
}

bool bide_selection_claim_(bide_wait_link_ *link)
{
	return claim(bide_selection_of_(link), link->number);
}

bide_claimed_ bide_selection_claim_two_(bide_wait_link_ *link, bide_selection_ *s, uint32_t number)
{
	bide_selection_ *other;
	bool is_lower, both;

	if (link->number == 0)
		return claim(s, number) ? BIDE_CLAIMED_ : BIDE_CLAIM_SELF_GONE_;
	other = bide_selection_of_(link);
	BIDE_ASSERT_(other != s);
	is_lower = (uintptr_t)s < (uintptr_t)other;
	if (!claim(is_lower ? s : other, BIDE_SELECTION_BUSY_))
		return is_lower ? BIDE_CLAIM_SELF_GONE_ : BIDE_CLAIM_GONE_;
	both = claim(is_lower ? other : s, is_lower ? link->number : number);
	/* Pairs with the loads of those that wait for the end of BUSY. */
	BIDE_STORE(&(is_lower ? s : other)->decided,
	           !both      ? 0u
	           : is_lower ? number
	                      : link->number,
	           RELEASE);
	if (both)
		return BIDE_CLAIMED_;
	return is_lower ? BIDE_CLAIM_GONE_ : BIDE_CLAIM_SELF_GONE_;
}

/* --- outcomes --- */

void bide_selection_outcome_(bide_selection_ *s, uint32_t number, int error)
{
	s->operation.source.payload.i = error ? 0 : number - 1;
	s->operation.source.error = (uint16_t)error;
}

void bide_selection_refuse_(bide_wait_link_ *link)
{
	bide_selection_ *s = bide_selection_of_(link);

	/* Pairs with itself: the last one sees what the others did. */
	if (BIDE_SUB(&s->open, 1u, ACQ_REL) == 1 && claim(s, link->number))
		bide_selection_outcome_(s, 0, BIDE_EEND);
}

/* --- parties --- */

/*
 * All parties have left, and so all waits for tasks have reported. They were kept until now,
 * because a party that takes others out looks at them.
 */
static void release(bide_selection_ *s)
{
	bide_selection_case_ *c;
	bide_value_task v;

	bide_cancel_node_unref_(&s->node);
	for (bide_selection_token_ *token = s->tokens; token; token = token->next)
		bide_cancel_node_unref_(&token->node);
	for (uint32_t i = 0; i < s->count && s->has_tasks; i++) {
		c = &s->cases[i];
		if (c->kind != &bide_selection_task_)
			continue;
		v = bide_consume_(c->source, NULL);
		if (v.state == 0)
			bide_task_unref(v.payload.p); /* the wait had its task */
	}
}

/* `count` of the parties are through with the selection. The last one delivers. */
static void leave(bide_selection_ *s, uint32_t count)
{
	bide_source *source = &s->operation.source;

	if (count == 0 || !bide_party_leave_(source, &s->parties, count))
		return;
	release(s);
	if (source->error == 0 && s->operation.type->has_result_inside)
		bide_flags_add_(source, BIDE_FLAG_LARGE_);
	bide_operation_complete_(&s->operation, source->payload, source->error);
}

/* Takes a link out, if it is in its queue, and grants what others can have now. Any thread. */
static uint32_t withdraw_link(bide_selection_case_ *c)
{
	bide_wait_queue_ *queue = bide_wait_withdraw_(&c->link);
	bide_granted_ granted;

	if (!queue)
		return 0;
	bide_granted_init_(&granted);
	if (c->kind->withdrawn)
		c->kind->withdrawn(queue, &c->link, &granted);
	bide_wait_unlock_(queue);
	bide_wait_withdrawn_(&c->link);
	bide_granted_end_(&granted);
	return 1;
}

/*
 * Takes the listeners out of the value tasks that are borrowed. Their consumer may recycle them as
 * soon as it has forgotten the selection, and a party that decides may be here at the same time. So
 * the first caller does it for all, and the others wait for it, which takes a few instructions.
 */
static uint32_t withdraw_listeners(bide_selection_ *s)
{
	bool is_sync = bide_is_sync_(&s->operation.source);
	uint32_t before = LISTENING, out = 0;

	if (is_sync) {
		if (!BIDE_CAS(&s->listening, &before, WITHDRAWING, ACQ_REL, ACQUIRE)) {
			for (unsigned tries = 0; before == WITHDRAWING; tries++) {
				bide_port_wait_a_moment_(tries);
				before = BIDE_LOAD(&s->listening, ACQUIRE);
			}
			return 0;
		}
	} else if (s->listening != LISTENING) {
		return 0;
	}
	for (uint32_t i = 0; i < s->count; i++)
		if (!s->cases[i].kind && s->cases[i].source)
			out += bide_unlisten_(s->cases[i].source, &s->cases[i].listener);
	BIDE_STORE(&s->listening, 0u, RELEASE); /* pairs with the loads above */
	return out;
}

/*
 * The sources that it listens to belong to the worker, if there is one. A wait for a task that is
 * given up reports that to its listener.
 */
static uint32_t withdraw_sources(bide_selection_ *s)
{
	uint32_t out = BIDE_LOAD(&s->listening, ACQUIRE) ? withdraw_listeners(s) : 0;

	for (uint32_t i = 0; i < s->count && s->has_tasks; i++)
		if (s->cases[i].kind == &bide_selection_task_)
			bide_subscription_cancel_(s->cases[i].source, BIDE_ECANCELED_);
	for (bide_selection_token_ *token = s->tokens; token; token = token->next)
		out += token->node.core && bide_cancel_unlink_(&token->node) ? 1 : 0;
	return out;
}

static uint32_t withdraw_links(bide_selection_ *s)
{
	uint32_t out = 0;

	for (uint32_t i = 0; i < s->count; i++)
		out += withdraw_link(&s->cases[i]);
	return out;
}

/*
 * It is decided, and all are registered: takes out what is left of the parties, and returns how
 * many these were. The caller is a party. Called once.
 */
static uint32_t take_out(bide_selection_ *s)
{
	uint32_t out = s->node.core && bide_cancel_unlink_(&s->node) ? 1 : 0;

	if (s->alarm_number && bide_alarm_stop_(&s->alarm))
		out++;
	return out + withdraw_links(s) + withdraw_sources(s);
}

/* The caller, a party, has claimed the selection, and has stored the outcome. */
static uint32_t decide(bide_selection_ *s)
{
	uint32_t before = bide_party_mark_(&s->operation.source, &s->progress, DECIDED);

	return before & REGISTERED ? take_out(s) : 0;
}

static void canceled(bide_cancel_node *node, int error)
{
	bide_selection_ *s = BIDE_CONTAINER_(node, bide_selection_, node);
	uint32_t out = 0;

	if (claim(s, BIDE_SELECTION_ENDED_)) {
		bide_selection_outcome_(s, 0, error);
		out = decide(s);
	}
	leave(s, 1 + out);
}

static void end_here(bide_wait_link_ *link)
{
	bide_selection_ *s = bide_selection_of_(link);

	leave(s, 1 + (decided_of(s) == link->number ? decide(s) : 0));
}

static void end_posted(bide_post *post)
{
	end_here(BIDE_CONTAINER_(post, bide_wait_link_, post));
}

void bide_selection_link_end_(bide_wait_link_ *link)
{
	if (BIDE_LIKELY(bide_port_on_worker_())) {
		end_here(link);
		return;
	}
	link->post.run = end_posted;
	bide_port_post_(&link->post);
}

static void left_posted(bide_post *post)
{
	bide_selection_ *s = BIDE_CONTAINER_(post, bide_selection_, post);
	uint32_t out = s->left + (s->left_claimed ? decide(s) : 0);

	leave(s, 1 + out + withdraw_sources(s));
}

/*
 * The links are withdrawn even if another thread decides: it may not have come to them, and this
 * consumer may free their objects as soon as this returns.
 */
void bide_selection_leave_(bide_operation *operation)
{
	bide_selection_ *s = (bide_selection_ *)operation;
	bool claimed;
	uint32_t out;

	if (!bide_party_try_join_(&s->operation.source, &s->parties))
		return;
	claimed = claim(s, BIDE_SELECTION_ENDED_);
	if (claimed)
		bide_selection_outcome_(s, 0, BIDE_ECANCELED_);
	out = withdraw_links(s);
	if (!bide_port_on_worker_()) { /* it is still a party */
		s->left = out;
		s->left_claimed = claimed;
		s->post.run = left_posted;
		bide_port_post_(&s->post);
		return;
	}
	if (claimed)
		out += decide(s);
	leave(s, 1 + out + withdraw_sources(s));
}

/* --- registering --- */

int bide_selection_begin_(bide_selection_ *s)
{
	bide_cancel_core *core = bide_context_core_();
	int error;

	s->parties = core ? 2 : 1; /* this function, the node */
	s->open = 1;
	error = bide_cancel_link_(core, &s->node, canceled);
	if (error)
		bide_operation_discard_(&s->operation.source);
	return error;
}

void bide_selection_append_to_(bide_wait_queue_ *queue, unsigned list, bide_selection_ *s,
                               uint32_t number, const bide_wait_kind_ *kind)
{
	bide_selection_case_ *c = &s->cases[number - 1];

	c->kind = kind;
	bide_party_join_(&s->operation.source, &s->parties);
	(void)BIDE_ADD(&s->open, 1u, RELAXED);
	bide_wait_append_to_(queue, list, &c->link);
}

/* A party that is no link: it has claimed the selection, or another one had. */
static void party_end(bide_selection_ *s, uint32_t number, bool wins)
{
	uint32_t out = 0;

	if (wins && claim(s, number)) {
		bide_selection_outcome_(s, number, 0);
		out = decide(s);
	}
	leave(s, 1 + out);
}

static void source_done(bide_observer *listener, bide_source *source)
{
	bide_selection_case_ *c = BIDE_CONTAINER_(listener, bide_selection_case_, listener);

	/* A value task is borrowed. A wait for a task fails only if it was given up. */
	party_end(bide_selection_of_(&c->link), c->link.number,
	          c->kind != &bide_selection_task_ || source->error == 0);
}

static void alarm_due(bide_observer *listener, bide_source *timer)
{
	bide_selection_ *s = BIDE_CONTAINER_(listener, bide_selection_, alarm.due);

	party_end(s, s->alarm_number, bide_alarm_fired_(&s->alarm, timer));
}

bool bide_selection_listen_(bide_selection_ *s, uint32_t number, bide_value_task v)
{
	bide_selection_case_ *c = &s->cases[number - 1];
	bide_registered registered = BIDE_ALREADY_DONE_;

	if (bide_is_pending_(v)) {
		c->listener.run = source_done;
		bide_party_join_(&s->operation.source, &s->parties);
		(void)BIDE_ADD(&s->open, 1u, RELAXED);
		c->source = (bide_source *)v.state;
		s->listening = LISTENING; /* a party that looks at it sees REGISTERED first */
		registered = bide_listen_(v, &c->listener, "bide_select", NULL);
		if (registered == BIDE_REGISTERED_)
			return false;
		c->source = NULL;
		(void)BIDE_SUB(&s->open, 1u, RELAXED);
		leave(s, 1); /* the registrar remains */
	}
	if (!claim(s, number))
		return false;
	bide_selection_outcome_(s, number, registered == BIDE_ALREADY_TAKEN_ ? BIDE_ESTALE : 0);
	return true;
}

bool bide_selection_await_(bide_selection_ *s, uint32_t number, bide_task *task)
{
	bide_selection_case_ *c = &s->cases[number - 1];
	bide_value_task v = bide_task_ended_(task);
	bide_registered registered;

	if (bide_is_pending_(v)) {
		c->kind = &bide_selection_task_;
		c->source = (bide_source *)v.state;
		c->listener.run = source_done;
		s->has_tasks = true;
		bide_party_join_(&s->operation.source, &s->parties);
		(void)BIDE_ADD(&s->open, 1u, RELAXED);
		registered = bide_listen_(v, &c->listener, "bide_select", NULL);
		if (registered == BIDE_REGISTERED_)
			return false;
		BIDE_ASSERT_(registered == BIDE_ALREADY_DONE_);
		leave(s, 1); /* the registrar remains */
		v.state = c->source->error;
	} else if (v.state == 0) {
		bide_task_unref(v.payload.p);
	}
	if (!claim(s, number))
		return false;
	bide_selection_outcome_(s, number, (int)v.state);
	return true;
}

static void token_canceled(bide_cancel_node *node, int error)
{
	bide_selection_token_ *token = BIDE_CONTAINER_(node, bide_selection_token_, node);

	(void)error;
	party_end(bide_selection_of_(&token->of->link), token->of->link.number, true);
}

bool bide_selection_watch_(bide_selection_ *s, uint32_t number, bide_cancel_token source,
                           bide_selection_token_ *token, bool counts)
{
	int error;

	token->of = &s->cases[number - 1];
	bide_party_join_(&s->operation.source, &s->parties);
	if (counts)
		(void)BIDE_ADD(&s->open, 1u, RELAXED);
	if (bide_cancel_token_link_(source, &token->node, token_canceled, &error)) {
		token->next = s->tokens;
		s->tokens = token;
		return false;
	}
	if (counts)
		(void)BIDE_SUB(&s->open, 1u, RELAXED);
	leave(s, 1); /* the registrar remains */
	if (!error || !claim(s, number))
		return false;
	bide_selection_outcome_(s, number, 0);
	return true;
}

void bide_selection_set_alarm_(bide_selection_ *s, uint32_t number, bide_timer *timer, bool counts)
{
	s->alarm_number = number;
	bide_alarm_init_(&s->alarm, alarm_due);
	bide_party_join_(&s->operation.source, &s->parties);
	if (counts)
		(void)BIDE_ADD(&s->open, 1u, RELAXED);
	bide_alarm_set_(&s->alarm, timer, timer->source.payload.i);
}

void bide_selection_end_(bide_selection_ *s, bool has_claimed)
{
	uint32_t before, out = 0;

	/* Pairs with bide_selection_refuse_. */
	if (BIDE_SUB(&s->open, 1u, ACQ_REL) == 1 && !has_claimed && claim(s, BIDE_SELECTION_ENDED_)) {
		bide_selection_outcome_(s, 0, BIDE_EEND);
		has_claimed = true;
	}
	before = bide_party_mark_(&s->operation.source, &s->progress,
	                          REGISTERED | (has_claimed ? DECIDED : 0u));
	if (has_claimed || before & DECIDED)
		out = take_out(s);
	leave(s, 1 + out);
}
