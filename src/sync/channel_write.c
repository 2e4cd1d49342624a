/*
 * channel_write.c - the calls of writers. A writer that waits carries a copy of its elements.
 */
#include "base/misuse.h"
#include "context/context.h"
#include "source/source.h"
#include "sync/channel.h"

static const bide_wait_kind_ write_kind = { .type = { .name = "bide_channel_write",
	                                                  .describe = bide_channel_describe_write_,
	                                                  .leave = bide_waiter_leave_ } };
static const bide_wait_kind_ write_many_kind = { .type = { .name = "bide_channel_write_many",
	                                                       .describe = bide_channel_describe_write_,
	                                                       .leave = bide_waiter_leave_ } };

static bide_waiter_ *loaded(const bide_channel *c, const bide_wait_kind_ *kind,
                            const void *elements, size_t count)
{
	size_t room = BIDE_CHANNEL_CARRIED_BYTES_ / c->element_bytes;
	bide_channel_load_ *load;
	bide_waiter_ *w;

	if (count > room)
		count = room;
	w = bide_channel_waiter_new_(c, kind, count, NULL);
	if (!w)
		return NULL;
	load = w->link.wants.to;
	load->count = (uint32_t)count;
	load->is_many = kind == &write_many_kind;
	__builtin_memcpy(load->elements, elements, count * c->element_bytes);
	return w;
}

/*
 * Writes what there is room for, within a piece. Stores the error if it is nothing. Under the lock,
 * which it gives back.
 */
static __attribute__((noinline)) size_t write_piece(bide_channel *c, const void *elements,
                                                    size_t count, int *error)
{
	bide_channel_turn_ turn;
	size_t written;

	for (;;) {
		bide_channel_turn_init_(&turn);
		written = bide_channel_put_(c, elements, count, &turn);
		*error = written ? 0 : bide_channel_write_error_(c);
		bide_channel_unlock_(c);
		bide_channel_turn_end_(&turn, c);
		if (BIDE_LIKELY(*error != BIDE_CHANNEL_MUST_GROW_))
			return written;
		*error = bide_channel_grow_(c);
		if (*error)
			return 0;
		bide_channel_lock_(c);
	}
}

/* A piece for each hold of the lock. */
static size_t write_now(bide_channel *c, const void *elements, size_t count, int *error)
{
	size_t total = 0, written;
	int ignored;

	do {
		bide_channel_lock_(c);
		written = write_piece(c, (const char *)elements + total * c->element_bytes, count - total,
		                      total ? &ignored : error);
		total += written;
	} while (written > 0 && total < count);
	return total;
}

/* There was no room. */
static bide_value_task wait_to_write(bide_channel *c, const bide_wait_kind_ *kind,
                                     const void *elements, size_t count)
{
	bide_waiter_ *w = loaded(c, kind, elements, count);
	bide_channel_turn_ turn;
	bide_value_task v;
	size_t written;
	int error = 0;
	bool waits = false;

	if (!w)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	v = bide_source_value_(&w->operation.source);
	bide_channel_turn_init_(&turn);
	bide_channel_lock_(c);
	written = bide_channel_put_(c, elements, count, &turn);
	if (written == 0) {
		error = bide_channel_write_error_(c);
		waits = error == BIDE_CHANNEL_MUST_WAIT_;
		if (waits)
			error = bide_waiter_append_to_(c->lists, BIDE_CHANNEL_WRITERS_, w);
	}
	bide_channel_unlock_(c);
	bide_channel_turn_end_(&turn, c);
	if (waits && !error)
		return v;
	bide_waiter_discard_(w);
	return error ? bide_value_task_from_error(error)
	             : bide_value_task_from_int(kind == &write_many_kind ? (int64_t)written : 0);
}

/* Writes an element, or waits. Under the lock, which it gives back. */
static bide_value_task write_one(bide_channel *c, const void *element)
{
	int error;

	if (BIDE_LIKELY(write_piece(c, element, 1, &error) == 1))
		return bide_value_task_completed();
	return error == BIDE_CHANNEL_MUST_WAIT_ ? wait_to_write(c, &write_kind, element, 1)
	                                        : bide_value_task_from_error(error);
}

static bool element_check(const bide_channel *c, size_t element_bytes, const char *what)
{
	if (BIDE_UNLIKELY(!bide_channel_check_(c, what)))
		return false;
	if (BIDE_LIKELY(element_bytes == c->element_bytes))
		return true;
	bide_misuse_("%s: the element has %zu bytes; those of the channel have %u", what, element_bytes,
	             (unsigned)c->element_bytes);
	return false;
}

bide_value_task bide_channel_write_(bide_channel *c, const void *element, size_t element_bytes)
{
	int error;

	if (BIDE_UNLIKELY(!element_check(c, element_bytes, "bide_channel_write")))
		return bide_value_task_from_error(BIDE_EINVAL_);
	error = bide_context_error_now_();
	if (BIDE_UNLIKELY(error))
		return bide_value_task_from_error(error);
	bide_channel_lock_(c);
	if (BIDE_UNLIKELY(!bide_channel_put_word_(c, element)))
		return write_one(c, element);
	bide_channel_unlock_(c);
	return bide_value_task_completed();
}

bool bide_channel_try_write_(bide_channel *c, const void *element, size_t element_bytes)
{
	int error;

	if (BIDE_UNLIKELY(!element_check(c, element_bytes, "bide_channel_try_write")))
		return false;
	bide_channel_lock_(c);
	return write_piece(c, element, 1, &error) == 1;
}

static bool many_check(const bide_channel *c, const void *elements, size_t count, const char *what)
{
	if (BIDE_UNLIKELY(!bide_channel_check_(c, what)))
		return false;
	if (BIDE_LIKELY(elements || count == 0))
		return true;
	bide_misuse_("%s: elements is NULL, but count is %zu", what, count);
	return false;
}

bool bide_channel_try_write_many(bide_channel *c, const void *elements, size_t count,
                                 size_t *written)
{
	bool valid = many_check(c, elements, count, "bide_channel_try_write_many");
	size_t total = 0;
	int error;

	if (valid && count > 0)
		total = write_now(c, elements, count, &error);
	if (written)
		*written = total;
	return valid && (total > 0 || count == 0);
}

bide_value_task bide_channel_write_many(bide_channel *c, const void *elements, size_t count)
{
	size_t written;
	int error;

	if (!many_check(c, elements, count, "bide_channel_write_many"))
		return bide_value_task_from_error(BIDE_EINVAL_);
	error = bide_context_error_now_();
	if (BIDE_UNLIKELY(error))
		return bide_value_task_from_error(error);
	if (count == 0)
		return bide_value_task_completed();
	written = write_now(c, elements, count, &error);
	if (written > 0)
		return bide_value_task_from_int((int64_t)written);
	return error == BIDE_CHANNEL_MUST_WAIT_ ? wait_to_write(c, &write_many_kind, elements, count)
	                                        : bide_value_task_from_error(error);
}
