/*
 * select_check.c - what bide_select refuses. Each message names the index of the case.
 */
#include "sync/select.h"

#include "base/clock.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/text.h"
#include "source/source.h"
#include "sync/channel.h"
#include "sync/holder.h"
#include "tasks/task.h"

static const char what[] = "bide_select";

/* The name of the function with the case, for messages. */
static void put_case(char *to, size_t size_bytes, size_t index)
{
	bide_put_(to, size_bytes, "%s: case %zu", what, index);
}

static int channel_check(const bide_select_case *c, size_t index)
{
	char here[32];

	if (BIDE_UNLIKELY(!c->channel_)) {
		put_case(here, sizeof here, index);
		(void)bide_channel_check_(c->channel_, here);
		return BIDE_EINVAL_;
	}
	if (!bide_channel_check_(c->channel_, what))
		return BIDE_EINVAL_;
	if (c->to_ && c->element_bytes_ == c->channel_->element_bytes)
		return 0;
	if (!c->to_)
		bide_misuse_("%s: case %zu has no place for the element: it is NULL", what, index);
	else
		bide_misuse_("%s: the element of case %zu has %u bytes; those of the channel have %u", what,
		             index, (unsigned)c->element_bytes_, (unsigned)c->channel_->element_bytes);
	return BIDE_EINVAL_;
}

static int ended_check(const uint64_t *state, const char *kind, size_t index)
{
	if (!(BIDE_LOAD(state, RELAXED) & BIDE_STATE_ENDED_))
		return 0;
	bide_misuse_("%s: case %zu: the %s was ended", what, index, kind);
	return BIDE_EBROKEN;
}

static bool has_hold(const bide_select_case *c)
{
	return c->kind_ == BIDE_SELECT_MUTEX_ || c->kind_ == BIDE_SELECT_SEMAPHORE_;
}

/* The hold or its object is not as it should be: says so. */
static BIDE_COLD int hold_refused(const bide_select_case *c, uintptr_t object, size_t index)
{
	char here[32];

	put_case(here, sizeof here, index);
	return bide_hold_check_(c->hold_, object, here);
}

static BIDE_COLD int count_refused(const bide_select_case *c, size_t index)
{
	char here[32];

	put_case(here, sizeof here, index);
	return bide_semaphore_count_check_(c->permits_.semaphore, c->permits_.count, here);
}

/* Of a case that is a mutex or a semaphore. */
static int hold_check(const bide_select_case *cases, size_t index)
{
	const bide_select_case *c = &cases[index];
	const bide_semaphore *s = c->permits_.semaphore;
	bool is_mutex = c->kind_ == BIDE_SELECT_MUTEX_;
	uintptr_t object =
		is_mutex ? (uintptr_t)c->mutex_ | BIDE_HELD_MUTEX_ : (uintptr_t)s | BIDE_HELD_SEMAPHORE_;
	int error = 0;

	if (BIDE_UNLIKELY(!bide_hold_can_take_(c->hold_, object)))
		return hold_refused(c, object, index);
	if (!is_mutex && BIDE_UNLIKELY(!bide_semaphore_can_have_(s, c->permits_.count)))
		error = count_refused(c, index);
	if (!error)
		error = is_mutex ? ended_check(&c->mutex_->state_, "mutex", index)
		                 : ended_check(&s->state_, "semaphore", index);
	for (size_t i = 0; i < index && !error; i++)
		if (has_hold(&cases[i]) && cases[i].hold_ == c->hold_) {
			bide_misuse_("%s: case %zu has the hold of case %zu; each needs one of its own", what,
			             index, i);
			error = BIDE_EBUSY_;
		}
	return error;
}

static int delay_check(const bide_select_case *c, size_t index, bool is_second)
{
	if (is_second)
		bide_misuse_("%s: case %zu is a second delay; one is allowed", what, index);
	else if (!bide_port_on_worker_())
		bide_misuse_("%s: case %zu is a delay, on another thread than the worker's", what, index);
	else if (bide_time_allowed_(c->delay_ns_, what, "delay_ns", NULL))
		return 0;
	return BIDE_EINVAL_;
}

static int value_task_check(const bide_select_case *c, size_t index)
{
	bide_source *source = (bide_source *)c->value_task_.state;
	bool is_fresh;
	char here[32];

	if (!bide_is_pending_(c->value_task_))
		return 0;
	if (source == &bide_yield_source_) {
		bide_misuse_("%s: case %zu is a bide_async_yield, which has no end to wait for", what,
		             index);
		return BIDE_EINVAL_;
	}
	is_fresh = BIDE_LOAD(&source->generation, RELAXED) == c->value_task_.payload.generation;
	if (is_fresh && (bide_is_sync_(source) || bide_port_on_worker_()))
		return 0;
	put_case(here, sizeof here, index);
	return bide_check_fresh_(c->value_task_, here, NULL) && bide_belongs_here_(source, here, NULL)
	           ? 0
	       : is_fresh ? BIDE_EINVAL_
	                  : BIDE_ESTALE;
}

static int event_check(const bide_event *event, size_t index)
{
	if (!event)
		bide_misuse_("%s: case %zu: event is NULL", what, index);
	return event ? ended_check(&event->state_, "event", index) : BIDE_EINVAL_;
}

static int task_check(const bide_task *task, size_t index)
{
	char here[32] = "bide_select";

	if (BIDE_UNLIKELY(!task))
		put_case(here, sizeof here, index);
	return bide_task_check_(task, here) ? 0 : BIDE_EINVAL_;
}

static int case_check(const bide_select_case *cases, size_t index)
{
	const bide_select_case *c = &cases[index];

	switch (c->kind_) {
	case BIDE_SELECT_READ_:
	case BIDE_SELECT_WRITE_:
		return channel_check(c, index);
	case BIDE_SELECT_VALUE_TASK_:
		return value_task_check(c, index);
	case BIDE_SELECT_MUTEX_:
	case BIDE_SELECT_SEMAPHORE_:
		return hold_check(cases, index);
	case BIDE_SELECT_EVENT_:
		return event_check(c->event_, index);
	case BIDE_SELECT_TASK_:
		return task_check(c->task_, index);
	case BIDE_SELECT_TOKEN_:
		return 0;
	default:
		bide_misuse_("%s: case %zu is not initialised", what, index);
		return BIDE_EINVAL_;
	}
}

int bide_select_check_(const bide_select_case *cases, size_t count, size_t *delay)
{
	int error = 0;

	*delay = count;
	if (!cases || count == 0 || count > BIDE_SELECT_COUNT_MAX) {
		if (cases)
			bide_misuse_("%s: count is %zu; 1 to %d are allowed", what, count,
			             BIDE_SELECT_COUNT_MAX);
		else
			bide_misuse_("%s: cases is NULL", what);
		return BIDE_EINVAL_;
	}
	for (size_t i = 0; i < count && !error; i++) {
		if (cases[i].kind_ != BIDE_SELECT_DELAY_) {
			error = case_check(cases, i);
			continue;
		}
		error = delay_check(&cases[i], i, *delay < count);
		*delay = i;
	}
	return error;
}
