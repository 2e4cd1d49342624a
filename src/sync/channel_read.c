/*
 * channel_read.c - the calls of readers.
 *
 * A read of a small element that succeeds at once is its result, and no object knows of it. So if
 * the channel has a hook for what is dropped, each read has an object, which can be forgotten.
 */
#include "base/misuse.h"
#include "context/context.h"
#include "source/source.h"
#include "sync/channel.h"

/* A read has succeeded, and its value task was forgotten. The second call does nothing. */
static void dropped(bide_operation *operation)
{
	bide_channel_load_ *load = ((bide_waiter_ *)operation)->link.wants.to;

	for (uint32_t i = 0; load && load->dropped && i < load->count; i++)
		load->dropped(load->elements + (size_t)i * load->element_bytes, load->argument);
	if (load)
		load->count = 0;
}

/*
 * Afterwards the waiter is in no list, and what it got is written. The party that delivers may be
 * another thread, and late: what the hook uses may be gone then. So the hook runs here.
 */
static void leave(bide_operation *operation)
{
	bide_waiter_leave_(operation);
	dropped(operation);
}

/* On the consumer's thread: its await resumes. */
static bide_payload take_many(bide_operation *operation)
{
	bide_channel_load_ *load = ((bide_waiter_ *)operation)->link.wants.to;

	__builtin_memcpy(load->to, load->elements, (size_t)load->count * load->element_bytes);
	return (bide_payload){ .i = load->count };
}

static const bide_wait_kind_ read_kind = { .type = { .name = "bide_channel_read",
	                                                 .describe = bide_channel_describe_read_,
	                                                 .leave = leave,
	                                                 .dropped = dropped } };
static const bide_wait_kind_ read_large_kind = { .type = { .name = "bide_channel_read",
	                                                       .describe = bide_channel_describe_read_,
	                                                       .leave = leave,
	                                                       .has_result_inside = true,
	                                                       .dropped = dropped } };
static const bide_wait_kind_ read_many_kind = { .type = { .name = "bide_channel_read_many",
	                                                      .describe = bide_channel_describe_read_,
	                                                      .leave = leave,
	                                                      .has_result_inside = true,
	                                                      .take = take_many,
	                                                      .dropped = dropped } };

/* The read has succeeded at once. Returns the value task of its object. */
static bide_value_task ready_in(const bide_channel *c, bide_waiter_ *w, bide_value_task v)
{
	bide_channel_load_ *load = w->link.wants.to;
	bide_source *source = &w->operation.source;

	load->count = 1;
	if (c->element_bytes <= BIDE_CHANNEL_SMALL_BYTES_) {
		source->payload = bide_channel_small_(load->elements, c->element_bytes);
	} else {
		source->payload.p = load->elements;
		bide_flags_add_(source, BIDE_FLAG_LARGE_);
	}
	source->word = BIDE_WORD_DONE_;
	return v;
}

/* Reads, or waits. `small` is where the element goes if the waiter carries none. */
static bide_value_task read_with(bide_channel *c, bide_waiter_ *w)
{
	bide_value_task v = bide_source_value_(&w->operation.source);
	bide_channel_load_ *load = w->link.wants.to;
	_Alignas(8) char small[BIDE_CHANNEL_SMALL_BYTES_];
	bide_channel_turn_ turn;
	bool waits = false;
	size_t count;
	int error = 0;

	bide_channel_turn_init_(&turn);
	bide_channel_lock_(c);
	count = bide_channel_take_(c, load ? load->elements : small, load ? load->room : 1, &turn);
	if (count == 0) {
		error = bide_channel_read_error_(c);
		waits = error == BIDE_CHANNEL_MUST_WAIT_;
		if (waits)
			error = bide_waiter_append_to_(c->lists, BIDE_CHANNEL_READERS_, w);
	}
	bide_channel_unlock_(c);
	bide_channel_turn_end_(&turn, c);
	if (waits && !error)
		return v;
	if (!error && load && !load->is_many)
		return ready_in(c, w, v);
	if (error)
		v = bide_value_task_from_error(error);
	else if (!load)
		v = (bide_value_task){ .payload = bide_channel_small_(small, c->element_bytes) };
	else
		v = bide_value_task_from_int((int64_t)count);
	if (!error && load)
		__builtin_memcpy(load->to, load->elements, count * c->element_bytes);
	bide_waiter_discard_(w);
	return v;
}

static __attribute__((noinline)) bide_value_task read_in_object(bide_channel *c)
{
	bide_waiter_ *w = c->element_bytes > BIDE_CHANNEL_SMALL_BYTES_
	                      ? bide_channel_waiter_new_(c, &read_large_kind, 1, NULL)
	                      : bide_channel_waiter_new_(c, &read_kind, 1, NULL);

	return w ? read_with(c, w) : bide_value_task_from_error(BIDE_ENOMEM_);
}

/* Reads a small element, or waits. Under the lock, which it gives back. */
static __attribute__((noinline)) bide_value_task read_small(bide_channel *c)
{
	_Alignas(8) char small[BIDE_CHANNEL_SMALL_BYTES_];
	bide_channel_turn_ turn;
	bide_waiter_ *w;
	size_t count;
	int error;

	bide_channel_turn_init_(&turn);
	count = bide_channel_take_(c, small, 1, &turn);
	error = count ? 0 : bide_channel_read_error_(c);
	bide_channel_unlock_(c);
	bide_channel_turn_end_(&turn, c);
	if (count)
		return (bide_value_task){ .payload = bide_channel_small_(small, c->element_bytes) };
	if (error != BIDE_CHANNEL_MUST_WAIT_)
		return bide_value_task_from_error(error);
	w = BIDE_UNLIKELY(bide_debug_) ? bide_channel_waiter_new_(c, &read_kind, 1, NULL)
	                               : bide_waiter_new_(&read_kind, 0); /* a smaller one */
	return w ? read_with(c, w) : bide_value_task_from_error(BIDE_ENOMEM_);
}

bide_value_task bide_channel_read(bide_channel *c)
{
	bide_payload element;
	int error;

	if (BIDE_UNLIKELY(!bide_channel_check_(c, "bide_channel_read")))
		return bide_value_task_from_error(BIDE_EINVAL_);
	error = bide_context_error_now_();
	if (BIDE_UNLIKELY(error))
		return bide_value_task_from_error(error);
	if (BIDE_UNLIKELY(c->reads_in_object))
		return read_in_object(c);
	bide_channel_lock_(c);
	if (BIDE_UNLIKELY(!bide_channel_take_word_(c, &element)))
		return read_small(c);
	bide_channel_unlock_(c);
	return (bide_value_task){ .payload = element };
}

/* Reads what there is, a piece for each hold of the lock. Stores the error if it is nothing. */
static size_t read_now(bide_channel *c, void *to, size_t max_count, int *error)
{
	bide_channel_turn_ turn;
	size_t total = 0, count;

	*error = 0;
	do {
		bide_channel_turn_init_(&turn);
		bide_channel_lock_(c);
		count =
			bide_channel_take_(c, (char *)to + total * c->element_bytes, max_count - total, &turn);
		if (total + count == 0)
			*error = bide_channel_read_error_(c);
		bide_channel_unlock_(c);
		bide_channel_turn_end_(&turn, c);
		total += count;
	} while (count > 0 && total < max_count);
	return total;
}

static bool read_check(const bide_channel *c, const void *to, size_t max_count, const char *what)
{
	if (BIDE_UNLIKELY(!bide_channel_check_(c, what)))
		return false;
	if (BIDE_LIKELY(to && max_count > 0))
		return true;
	if (!to)
		bide_misuse_("%s: the place for the elements is NULL", what);
	else
		bide_misuse_("%s: max_count is 0; 1 or more is allowed", what);
	return false;
}

bool bide_channel_try_read(bide_channel *c, void *element)
{
	int error;

	return read_check(c, element, 1, "bide_channel_try_read") &&
	       read_now(c, element, 1, &error) == 1;
}

bool bide_channel_try_read_many(bide_channel *c, void *elements, size_t max_count, size_t *count)
{
	size_t read = 0;
	int error;

	if (read_check(c, elements, max_count, "bide_channel_try_read_many"))
		read = read_now(c, elements, max_count, &error);
	if (count)
		*count = read;
	return read > 0;
}

bide_value_task bide_channel_read_many(bide_channel *c, void *elements, size_t max_count)
{
	bide_waiter_ *w;
	size_t count, room;
	int error;

	if (!read_check(c, elements, max_count, "bide_channel_read_many"))
		return bide_value_task_from_error(BIDE_EINVAL_);
	error = bide_context_error_now_();
	if (BIDE_UNLIKELY(error))
		return bide_value_task_from_error(error);
	count = read_now(c, elements, max_count, &error);
	if (count > 0)
		return bide_value_task_from_int((int64_t)count);
	if (error != BIDE_CHANNEL_MUST_WAIT_)
		return bide_value_task_from_error(error);
	room = BIDE_CHANNEL_CARRIED_BYTES_ / c->element_bytes;
	w = bide_channel_waiter_new_(c, &read_many_kind, max_count < room ? max_count : room, elements);
	if (w)
		((bide_channel_load_ *)w->link.wants.to)->is_many = true;
	return w ? read_with(c, w) : bide_value_task_from_error(BIDE_ENOMEM_);
}

bide_value_task bide_channel_read_to_(bide_channel *c, void *element, size_t element_bytes)
{
	if (BIDE_UNLIKELY(!bide_channel_check_(c, "bide_channel_read")))
		return bide_value_task_from_error(BIDE_EINVAL_);
	if (BIDE_LIKELY(element_bytes == c->element_bytes))
		return bide_channel_read_many(c, element, 1);
	bide_misuse_("bide_await_each: the variable has %zu bytes; the elements of the channel have %u",
	             element_bytes, (unsigned)c->element_bytes);
	return bide_value_task_from_error(BIDE_EINVAL_);
}
