/*
 * value_task.c - the queries of pending value tasks, and what consumes one without awaiting it.
 */
#include "base/misuse.h"
#include "base/port.h"
#include "base/thread.h"
#include "source/operation.h"
#include "source/source.h"
#include "source/stale.h"
#include "source/trace.h"

BIDE_STATIC_ASSERT(sizeof(bide_value_task) == 16, "two registers");

bide_value_task bide_value_task_failed_at_(int error, const bide_place *place)
{
	bide_value_task v = bide_value_task_from_error_(error);

	error = (int)v.state; /* EINVAL, if the number was no error */
	v.payload = bide_trace_made_(error, place);
	return v;
}

/*
 * Looks at a value task that points at a source. STALE_: this is misuse, which has been reported.
 */
typedef enum look { PENDING_, OVER_, STALE_ } look;

static look look_at(bide_value_task value_task, const char *what, const bide_place *place)
{
	const bide_source *source = (const bide_source *)value_task.state;

	if (!bide_check_fresh_(value_task, what, place))
		return STALE_;
	if (BIDE_UNLIKELY(BIDE_LOAD(&source->word, RELAXED) == BIDE_WORD_ABANDONED_)) {
		bide_report_stale_(value_task, what, place, NULL);
		return STALE_;
	}
	return bide_is_done_(source) ? OVER_ : PENDING_;
}

static void report_pending(const char *what, const bide_place *place)
{
	bide_misuse_at_(place,
	                "%s: the value task is pending; one that is over is needed: await it, or ask "
	                "bide_value_task_is_ready",
	                what);
}

int bide_value_task_error_pending_(bide_value_task value_task)
{
	static const char what[] = "bide_value_task_error";

	switch (look_at(value_task, what, NULL)) {
	case OVER_:
		return ((const bide_source *)value_task.state)->error;
	case PENDING_:
		report_pending(what, NULL);
		return BIDE_EINPROGRESS_;
	default:
		return BIDE_ESTALE;
	}
}

bide_payload bide_value_task_result_pending_(bide_value_task value_task)
{
	static const char what[] = "bide_value_task_result";
	const bide_source *source = (const bide_source *)value_task.state;
	look found = look_at(value_task, what, NULL);

	if (found == OVER_ && source->error == 0)
		return source->payload;
	if (found == PENDING_)
		report_pending(what, NULL);
	return bide_payload_int_(0);
}

bide_status bide_value_task_status_pending_(bide_value_task value_task)
{
	const bide_source *source = (const bide_source *)value_task.state;

	switch (look_at(value_task, "bide_value_task_status", NULL)) {
	case PENDING_:
		return BIDE_PENDING;
	case STALE_:
		return BIDE_FAILED;
	default:
		return source->error == 0                 ? BIDE_SUCCEEDED
		       : source->error == BIDE_ECANCELED_ ? BIDE_CANCELED
		                                          : BIDE_FAILED;
	}
}

bide_trace bide_value_task_trace(bide_value_task value_task)
{
	const bide_source *source = (const bide_source *)value_task.state;

	if (!bide_is_pending_(value_task))
		return value_task.state ? value_task.payload.trace : 0;
	if (!bide_check_fresh_(value_task, "bide_value_task_trace", NULL))
		return 0;
	return bide_is_done_(source) && source->error ? source->payload.trace : 0;
}

bool bide_belongs_here_(const bide_source *source, const char *what, const bide_place *place)
{
	if (bide_is_sync_(source) || bide_port_on_worker_())
		return true;
	bide_misuse_at_(
		place,
		"%s: this value task belongs to the worker's thread; to use it on another, make "
		"it a task there (bide_value_task_as_task)",
		what);
	return false;
}

/*
 * Consumes a value task that is over, and replaces it by a ready one. Returns 0, or the error of a
 * misuse; the value task is not consumed then.
 */
static int take_over(bide_value_task *value_task, const bide_place *place)
{
	static const char what[] = "bide_value_task_take";
	bide_source *source = (bide_source *)value_task->state;

	switch (look_at(*value_task, what, place)) {
	case PENDING_:
		report_pending(what, place);
		return BIDE_EINPROGRESS_;
	case STALE_:
		return BIDE_ESTALE;
	default:
		break;
	}
	if (!bide_belongs_here_(source, what, place))
		return BIDE_EINVAL_;
	/* Another word than DONE: a frame waited for it, and is about to consume it. */
	if (BIDE_LOAD(&source->word, RELAXED) != BIDE_WORD_DONE_) {
		bide_report_stale_(*value_task, what, place, NULL);
		return BIDE_ESTALE;
	}
	if (source->flags & BIDE_FLAG_LARGE_ && source->error == 0 &&
	    !bide_large_result_is_taken_(source)) {
		bide_misuse_at_(place,
		                "%s: the result is larger than 8 bytes; bide_await_large, or a task "
		                "(bide_value_task_as_task), takes it",
		                what);
		return BIDE_EINVAL_;
	}
	*value_task = bide_consume_(source, place);
	return 0;
}

int bide_value_task_take_at_(bide_value_task value_task, bide_payload *result,
                             const bide_place *place)
{
	bide_thread_head *head = bide_thread_();
	int error = 0;

	if (value_task.state == (uintptr_t)&bide_yield_source_)
		value_task = bide_value_task_completed();
	else if (bide_is_pending_(value_task))
		error = take_over(&value_task, place);
	if (error)
		value_task = bide_value_task_from_error(error);
	if (result)
		*result = bide_value_task_result(value_task);
	if (head && value_task.state)
		bide_thread_of_(head)->wait_trace = value_task.payload.trace;
	return (int)value_task.state;
}

static void forget_done(bide_observer *listener, bide_source *done)
{
	(void)listener;
	bide_unobserved_(done->error, done);
	(void)bide_consume_(done, NULL).state;
}

/* A source that is from no pool cannot be abandoned: a listener consumes it when it is done. */
static void forget_user(bide_source *source, const bide_place *place)
{
	static bide_observer dropped = { forget_done };

	if (bide_listen_(bide_source_value_(source), &dropped, "bide_value_task_forget", place) ==
	    BIDE_ALREADY_DONE_)
		forget_done(&dropped, source);
}

void bide_value_task_forget_at_(bide_value_task value_task, const bide_place *place)
{
	bide_source *source = (bide_source *)value_task.state;
	uintptr_t seen = BIDE_WORD_PENDING_;

	if (!bide_is_pending_(
			value_task)) { /* Operations whose results hold something are never ready. */
		bide_unobserved_value_(value_task);
		return;
	}
	if (source == &bide_yield_source_ ||
	    !bide_check_fresh_(value_task, "bide_value_task_forget", place) ||
	    !bide_belongs_here_(source, "bide_value_task_forget", place))
		return;
	if (!bide_kind_is_pooled_(source->kind)) {
		forget_user(source, place);
		return;
	}
	/* Before the source is abandoned, because afterwards the producer may recycle it. */
	if (BIDE_LOAD(&source->word, RELAXED) == BIDE_WORD_PENDING_)
		bide_operation_leave_(source);
	/* Races with the producer's swap to DONE: one of the two recycles the source. */
	if (!bide_is_sync_(source)) {
		seen = source->word;
		if (seen == BIDE_WORD_PENDING_)
			source->word = BIDE_WORD_ABANDONED_;
	} else if (!BIDE_CAS(&source->word, &seen, (uintptr_t)BIDE_WORD_ABANDONED_, ACQ_REL, ACQUIRE)) {
		;
	}
	if (seen == BIDE_WORD_PENDING_)
		return;
	if (seen != BIDE_WORD_DONE_) { /* A frame or a listener waits, or a frame waited. */
		bide_report_stale_(value_task, "bide_value_task_forget", place, NULL);
		return;
	}
	bide_outcome_dropped_(source);
	bide_recycle_(source, place);
}
