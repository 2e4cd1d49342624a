/*
 * select.c - bide_select: registers the cases with one selection. Before, select_check.c checks
 * them, and select_now.c tries them.
 *
 * What a selection carries behind its cases:
 *
 *     where each case that reads puts its element      chosen[count]
 *     the element of the case that has read            a load of the largest size
 *     the element of each case that writes             a load for each
 *     the node of each case that is a token
 */
#include "sync/select.h"

#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/port.h"
#include "base/text.h"
#include "base/thread.h"
#include "context/context.h"
#include "source/source.h"
#include "source/timer.h"
#include "sync/channel.h"

/* Of a case that reads. */
typedef struct chosen {
	void *to; /* NULL if it does not read */
	size_t element_bytes;
	bide_channel_dropped *dropped;
	void *argument;
} chosen;

enum { TOKEN_BYTES = (sizeof(bide_selection_token_) + 15) & ~15u };

static char *aligned(void *at)
{
	return (char *)(((uintptr_t)at + 15) & ~(uintptr_t)15);
}

static size_t load_bytes(size_t element_bytes)
{
	return sizeof(bide_channel_load_) + ((element_bytes + 15) & ~(size_t)15);
}

static bide_channel_load_ *read_load_of(bide_selection_ *s)
{
	chosen *all = bide_selection_extra_(s);

	return (bide_channel_load_ *)(void *)aligned(all + s->count);
}

/* Returns the case if it reads, or NULL. */
static const chosen *reader_of(bide_selection_ *s, int64_t index)
{
	const chosen *all = bide_selection_extra_(s);

	return all[index].to ? &all[index] : NULL;
}

/* On the consumer's thread: its await resumes. */
static bide_payload take(bide_operation *operation)
{
	bide_selection_ *s = (bide_selection_ *)operation;
	const chosen *reader = reader_of(s, operation->source.payload.i);
	const bide_channel_load_ *load = read_load_of(s);

	if (reader)
		__builtin_memcpy(reader->to, load->elements, reader->element_bytes);
	return operation->source.payload;
}

/* The select was forgotten. The second call does nothing. */
static void drop(bide_selection_ *s, int64_t index)
{
	const chosen *reader = reader_of(s, index);
	bide_channel_load_ *load = read_load_of(s);

	if (load->count > 0 && reader && reader->dropped)
		reader->dropped(load->elements, reader->argument);
	load->count = 0;
}

static void dropped(bide_operation *operation)
{
	drop((bide_selection_ *)operation, operation->source.payload.i);
}

/*
 * Afterwards it is decided, its links are in no queue, and what it got is written. The party that
 * delivers may be another thread, and late: what the hook uses may be gone then. So the hook runs
 * here.
 */
static void leave(bide_operation *operation)
{
	bide_selection_ *s = (bide_selection_ *)operation;
	uint32_t decided;

	bide_selection_leave_(operation);
	decided = BIDE_LOAD(&s->decided, ACQUIRE);
	BIDE_ASSERT_(decided != 0 && decided != BIDE_SELECTION_BUSY_);
	if (decided <= s->count)
		drop(s, decided - 1);
}

/* The wait of a case is named as one that is no case of a select. */
static void describe_case(const bide_selection_ *copy, uint32_t index, char *to, size_t size_bytes)
{
	const bide_selection_case_ *c = &copy->cases[index];
	const bide_waiter_ alone = { .link = c->link };

	if (c->kind && c->kind->type.describe)
		c->kind->type.describe(&alone, to, size_bytes);
	else if (c->kind || c->source)
		bide_put_(to, size_bytes, c->kind ? "a task" : "a value task");
	else
		bide_put_(to, size_bytes, copy->alarm_number == index + 1 ? "a delay" : "a token");
}

static void describe(const void *copy, char *to, size_t size_bytes)
{
	enum { COPIED = (BIDE_COPY_BYTES_ - sizeof(bide_selection_)) / sizeof(bide_selection_case_) };
	const bide_selection_ *s = copy;
	size_t length = 0;

	bide_put_(to, size_bytes, "bide_select of %u", (unsigned)s->count);
	for (uint32_t i = 0; i < s->count && i <= COPIED; i++) {
		length += strlen(to + length);
		bide_put_(to + length, size_bytes - length, i == 0 ? ": " : "; ");
		length += strlen(to + length);
		if (i < COPIED)
			describe_case(s, i, to + length, size_bytes - length);
		else
			bide_put_(to + length, size_bytes - length, "...");
	}
}

static const bide_operation_type select_type = { .name = "bide_select",
	                                             .describe = describe,
	                                             .leave = leave,
	                                             .has_result_inside = true,
	                                             .take = take,
	                                             .dropped = dropped };

static void load_init(bide_channel_load_ *load, size_t element_bytes)
{
	load->element_bytes = (uint32_t)element_bytes;
	load->room = load->count = 1;
}

/* Returns a selection with room for the elements, or NULL. */
static bide_selection_ *make(const bide_select_case *cases, size_t count)
{
	size_t read_bytes = 0, more_bytes = 0;
	bide_selection_ *s;
	chosen *all;

	for (size_t i = 0; i < count; i++) {
		if (cases[i].kind_ == BIDE_SELECT_READ_ && cases[i].element_bytes_ > read_bytes)
			read_bytes = cases[i].element_bytes_;
		if (cases[i].kind_ == BIDE_SELECT_WRITE_)
			more_bytes += load_bytes(cases[i].element_bytes_);
		if (cases[i].kind_ == BIDE_SELECT_TOKEN_)
			more_bytes += TOKEN_BYTES;
	}
	s = bide_selection_new_(&select_type, (uint32_t)count,
	                        count * sizeof *all + 15 + load_bytes(read_bytes) + more_bytes);
	if (!s)
		return NULL;
	all = bide_selection_extra_(s);
	for (size_t i = 0; i < count; i++)
		if (cases[i].kind_ == BIDE_SELECT_READ_)
			all[i] = (chosen){ cases[i].to_, cases[i].element_bytes_, cases[i].channel_->dropped,
				               cases[i].channel_->argument };
	load_init(read_load_of(s), read_bytes);
	read_load_of(s)->count = 0; /* until a case has read */
	return s;
}

/*
 * Returns true if the case has claimed the selection. `place` is where a write keeps its element,
 * and a token its node. `token_counts`: a token keeps the selection from failing.
 */
static bool enter(bide_selection_ *s, const bide_select_case *c, uint32_t number, char **place,
                  bool token_counts)
{
	bide_channel_load_ *load = (bide_channel_load_ *)(void *)*place;

	switch (c->kind_) {
	case BIDE_SELECT_READ_:
		return bide_channel_select_read_(c->channel_, s, number, read_load_of(s));
	case BIDE_SELECT_WRITE_:
		*place += load_bytes(c->element_bytes_);
		load_init(load, c->element_bytes_);
		__builtin_memcpy(load->elements, c->from_, c->element_bytes_);
		return bide_channel_select_write_(c->channel_, s, number, load);
	case BIDE_SELECT_VALUE_TASK_:
		return bide_selection_listen_(s, number, c->value_task_);
	case BIDE_SELECT_MUTEX_:
		return bide_mutex_select_(c->mutex_, c->hold_, s, number);
	case BIDE_SELECT_SEMAPHORE_:
		return bide_semaphore_select_(c->permits_.semaphore, c->permits_.count, c->hold_, s,
		                              number);
	case BIDE_SELECT_EVENT_:
		return bide_event_select_(c->event_, s, number);
	case BIDE_SELECT_TASK_:
		return bide_selection_await_(s, number, c->task_);
	case BIDE_SELECT_TOKEN_:
		*place += TOKEN_BYTES;
		return bide_selection_watch_(s, number, c->token_, (bide_selection_token_ *)(void *)load,
		                             token_counts);
	default:
		return false; /* a delay comes last */
	}
}

/* Returns true if it is over: 0 is now. */
static bool enter_delay(bide_selection_ *s, int64_t delay_ns, uint32_t number, bide_timer *timer,
                        bool counts)
{
	if (delay_ns == 0 && bide_selection_claim_self_(s, number)) {
		bide_selection_outcome_(s, number, 0);
		return true;
	}
	if (timer)
		bide_selection_set_alarm_(s, number, timer, counts);
	return false;
}

/* Returns true if all cases are a delay and tokens, which do not wait for one that ends. */
static bool is_without_objects(const bide_select_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (cases[i].kind_ != BIDE_SELECT_DELAY_ && cases[i].kind_ != BIDE_SELECT_TOKEN_)
			return false;
	return true;
}

static void register_all(bide_selection_ *s, const bide_select_case *cases, size_t start,
                         size_t delay, bide_timer *timer)
{
	size_t count = s->count, i;
	size_t read_bytes = read_load_of(s)->element_bytes;
	char *place = (char *)read_load_of(s) + load_bytes(read_bytes);
	bool claimed = false, alone = is_without_objects(cases, count);

	for (size_t n = 0; n < count && !claimed && !bide_selection_is_decided_(s); n++) {
		i = start + n < count ? start + n : start + n - count;
		claimed = enter(s, &cases[i], (uint32_t)i + 1, &place, alone);
	}
	/* If all channels have ended, bide_selection_end_ says so. */
	if (delay < count && !claimed && (alone || BIDE_LOAD(&s->open, RELAXED) > 1) &&
	    !bide_selection_is_decided_(s))
		claimed = enter_delay(s, cases[delay].delay_ns_, (uint32_t)delay + 1, timer, alone);
	if (timer && !s->alarm_number)
		bide_operation_discard_(&timer->source);
	bide_selection_end_(s, claimed);
}

bide_value_task bide_select(const bide_select_case *cases, size_t count)
{
	bide_timer *timer = NULL;
	bide_selection_ *s;
	bide_value_task v;
	size_t delay, start;
	int error;

	bide_leave_parent_();
	error = bide_select_check_(cases, count, &delay);
	if (!error)
		error = bide_context_error_now_();
	if (error)
		return bide_value_task_from_error(error);
	start = count > 1 ? bide_port_choice_((uint32_t)count) : 0;
	if (bide_select_now_(cases, count, start, delay, &v))
		return v;
	s = make(cases, count);
	if (s && delay < count && cases[delay].delay_ns_ > 0 &&
	    cases[delay].delay_ns_ != BIDE_FOREVER) {
		timer = bide_timer_new_(sizeof *timer);
		if (!timer) {
			bide_operation_discard_(&s->operation.source);
			s = NULL;
		} else {
			timer->source.payload.i = bide_deadline_after_(cases[delay].delay_ns_);
		}
	}
	if (!s)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	v = bide_source_value_(&s->operation.source);
	error = bide_selection_begin_(s);
	if (error) {
		if (timer)
			bide_operation_discard_(&timer->source);
		return bide_value_task_from_error(error);
	}
	register_all(s, cases, start, delay, timer);
	return v;
}
