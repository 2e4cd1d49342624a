/*
 * select_now.c - the first look of bide_select, without an object: a case that can happen at once
 * does. Nothing knows of the select yet, so a case is what a call on its object alone would be.
 */
#include "sync/select.h"

#include "source/source.h"
#include "sync/channel.h"

/* What the look at a case tells. */
typedef enum look {
	HAPPENED,
	FAILED, /* the channel was closed with an error */
	MUST_WAIT,
	IS_NO_CASE, /* the channel is closed */
	UNKNOWN     /* the selection finds out */
} look;

/* Nothing was read or written. Under the lock. */
static look look_at_error(const bide_channel *c, int *error)
{
	*error = c->error;
	return !c->error ? MUST_WAIT : c->error == BIDE_EEND ? IS_NO_CASE : FAILED;
}

/* A select that is forgotten gives the element to the hook, so it needs an object then. */
static look read(bide_channel *c, void *to, int *error)
{
	bide_channel_turn_ turn;
	size_t count;
	look seen;

	if (c->dropped)
		return UNKNOWN;
	bide_channel_lock_(c);
	if (bide_channel_take_word_(c, to)) {
		bide_channel_unlock_(c);
		return HAPPENED;
	}
	bide_channel_turn_init_(&turn);
	count = bide_channel_take_(c, to, 1, &turn);
	seen = count ? HAPPENED : look_at_error(c, error);
	bide_channel_unlock_(c);
	bide_channel_turn_end_(&turn, c);
	return seen;
}

static look write(bide_channel *c, const void *from, int *error)
{
	bide_channel_turn_ turn;
	size_t count;
	look seen;

	bide_channel_lock_(c);
	if (bide_channel_put_word_(c, from)) {
		bide_channel_unlock_(c);
		return HAPPENED;
	}
	bide_channel_turn_init_(&turn);
	count = bide_channel_put_(c, from, 1, &turn);
	seen = count ? HAPPENED : look_at_error(c, error);
	if (seen == MUST_WAIT && bide_channel_is_unbounded_(c))
		seen = UNKNOWN; /* it has to grow */
	bide_channel_unlock_(c);
	bide_channel_turn_end_(&turn, c);
	return seen;
}

static bool is_over(bide_value_task v)
{
	return !bide_is_pending_(v) ||
	       BIDE_LOAD(&((bide_source *)v.state)->word, ACQUIRE) == BIDE_WORD_DONE_;
}

static look if_true(bool happened)
{
	return happened ? HAPPENED : MUST_WAIT;
}

static look look_at(const bide_select_case *c, int *error)
{
	switch (c->kind_) {
	case BIDE_SELECT_READ_:
		return read(c->channel_, c->to_, error);
	case BIDE_SELECT_WRITE_:
		return write(c->channel_, c->from_, error);
	case BIDE_SELECT_VALUE_TASK_:
		return if_true(is_over(c->value_task_));
	case BIDE_SELECT_MUTEX_:
		return if_true(bide_mutex_select_now_(c->mutex_, c->hold_));
	case BIDE_SELECT_SEMAPHORE_:
		return if_true(
			bide_semaphore_select_now_(c->permits_.semaphore, c->permits_.count, c->hold_));
	case BIDE_SELECT_EVENT_:
		return if_true(bide_event_select_now_(c->event_));
	case BIDE_SELECT_TASK_:
		return if_true(bide_task_is_ready(c->task_));
	case BIDE_SELECT_TOKEN_:
		return bide_cancel_token_is_canceled(c->token_) ? HAPPENED : IS_NO_CASE;
	default:
		return IS_NO_CASE; /* a delay comes last */
	}
}

bool bide_select_now_(const bide_select_case *cases, size_t count, size_t start, size_t delay,
                      bide_value_task *v)
{
	bool waits = false;
	int error = 0;
	size_t i = start;

	for (size_t n = 0; n < count; n++) {
		switch (look_at(&cases[i], &error)) {
		case HAPPENED:
			*v = bide_value_task_from_int((int64_t)i);
			return true;
		case FAILED:
			*v = bide_value_task_from_error(error);
			return true;
		case UNKNOWN:
			return false;
		case MUST_WAIT:
			waits = true;
			break;
		default:
			break;
		}
		i = i + 1 == count ? 0 : i + 1;
	}
	/* Without an object to wait for, the selection knows whether a delay counts. */
	if (!waits || delay == count || cases[delay].delay_ns_ != 0)
		return false;
	*v = bide_value_task_from_int((int64_t)delay);
	return true;
}
