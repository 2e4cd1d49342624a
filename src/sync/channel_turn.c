/*
 * channel_turn.c - what is done to a channel under its lock: see channel.h.
 */
#include "sync/channel.h"

static void copy(const bide_channel *c, void *to, const void *from, size_t count)
{
	if (BIDE_LIKELY(c->element_bytes == sizeof(uint64_t) && count == 1))
		__builtin_memcpy(to, from, sizeof(uint64_t));
	else
		__builtin_memcpy(to, from, count * c->element_bytes);
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static char *place(bide_channel *c, size_t index)
{
	return c->ring + index * c->element_bytes;
}

size_t bide_channel_room_(const bide_channel *c)
{
	if (BIDE_LIKELY(!bide_channel_is_unbounded_(c)))
		return c->capacity - c->count;
	return (c->tail ? bide_channel_segment_count_(c) - c->end : 0) +
	       (c->spare ? bide_channel_segment_count_(c) : 0);
}

static void push_to_segments(bide_channel *c, const char *from, size_t count)
{
	size_t each = bide_channel_segment_count_(c), here;

	for (; count > 0; count -= here, from += here * c->element_bytes) {
		if (!c->tail || c->end == each) {
			*(c->tail ? &c->tail->next : &c->head) = c->spare;
			c->tail = c->spare;
			/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the room was counted */
			c->tail->next = NULL;
			c->spare = NULL;
			c->end = 0;
		}
		here = min(count, each - c->end);
		copy(c, c->tail->elements + c->end * c->element_bytes, from, here);
		c->end += (uint32_t)here;
		c->count += here;
	}
}

/* The first segment was read to its end. */
static void drain(bide_channel *c, bide_channel_turn_ *turn)
{
	bide_channel_segment_ *drained = c->head;

	c->first = 0;
	if (drained == c->tail) {
		c->end = 0;
		return;
	}
	c->head = drained->next;
	drained->next = c->spare ? turn->drained : NULL;
	*(c->spare ? &turn->drained : &c->spare) = drained;
}

static void pop_from_segments(bide_channel *c, char *to, size_t count, bide_channel_turn_ *turn)
{
	size_t each = bide_channel_segment_count_(c), here;

	for (; count > 0; count -= here, to += here * c->element_bytes) {
		here = min(count, (c->head == c->tail ? c->end : each) - c->first);
		copy(c, to, c->head->elements + c->first * c->element_bytes, here);
		c->first += (uint32_t)here;
		c->count -= here;
		if (c->first == (c->head == c->tail ? c->end : each))
			drain(c, turn);
	}
}

/* There is room for them. */
static void push(bide_channel *c, const void *from, size_t count)
{
	size_t end = c->first + c->count, here;

	if (BIDE_UNLIKELY(bide_channel_is_unbounded_(c))) {
		push_to_segments(c, from, count);
		return;
	}
	if (end >= c->capacity)
		end -= c->capacity;
	here = min(count, c->capacity - end);
	copy(c, place(c, end), from, here);
	if (here < count)
		copy(c, place(c, 0), (const char *)from + here * c->element_bytes, count - here);
	c->count += count;
}

/* There are so many. */
static void pop(bide_channel *c, void *to, size_t count, bide_channel_turn_ *turn)
{
	size_t here = min(count, c->capacity - c->first), first;

	if (BIDE_UNLIKELY(bide_channel_is_unbounded_(c))) {
		pop_from_segments(c, to, count, turn);
		return;
	}
	copy(c, to, place(c, c->first), here);
	if (here < count)
		copy(c, (char *)to + here * c->element_bytes, place(c, 0), count - here);
	first = c->first + count;
	c->first = (uint32_t)(first >= c->capacity ? first - c->capacity : first);
	c->count -= count;
}

/* The link was claimed. What it gets is there. */
static void grant(bide_channel *c, unsigned list, bide_wait_link_ *link, bide_payload result,
                  bide_channel_turn_ *turn)
{
	bide_wait_outcome_(link, result, 0);
	bide_grant_(&c->lists[list], link, &turn->granted);
}

size_t bide_channel_grant_reader_(bide_channel *c, bide_wait_link_ *link, const void *from,
                                  size_t count, bide_channel_turn_ *turn)
{
	bide_channel_load_ *load = link->wants.to;
	bide_payload result;

	if (!load) {
		count = 1;
		result = bide_channel_small_(from, c->element_bytes);
	} else {
		count = min(count, load->room);
		copy(c, load->elements, from, count);
		load->count = (uint32_t)count;
		if (!load->is_many && c->element_bytes <= BIDE_CHANNEL_SMALL_BYTES_)
			result = bide_channel_small_(from, c->element_bytes);
		else
			result.p = load->elements;
	}
	grant(c, BIDE_CHANNEL_READERS_, link, result, turn);
	return count;
}

void bide_channel_grant_writer_(bide_channel *c, bide_wait_link_ *link, size_t count,
                                bide_channel_turn_ *turn)
{
	const bide_channel_load_ *load = link->wants.from;
	bide_payload result = { .i = load->is_many ? (int64_t)count : 0 };

	grant(c, BIDE_CHANNEL_WRITERS_, link, result, turn);
}

/* There is room: the writers that wait come in. */
static void refill(bide_channel *c, bide_channel_turn_ *turn)
{
	const bide_channel_load_ *load;
	bide_wait_link_ *link;
	size_t count;

	while (c->count < c->capacity) {
		link = bide_channel_first_(c, BIDE_CHANNEL_WRITERS_, turn);
		if (!link)
			break;
		load = link->wants.from;
		count = min(load->count, c->capacity - c->count);
		push(c, load->elements, count);
		bide_channel_grant_writer_(c, link, count, turn);
	}
}

size_t bide_channel_take_(bide_channel *c, void *to, size_t max_count, bide_channel_turn_ *turn)
{
	size_t count = bide_channel_piece_(c, max_count);
	const bide_channel_load_ *load;
	bide_wait_link_ *link;

	if (c->count > 0) {
		count = min(count, c->count);
		pop(c, to, count, turn);
		if (c->lists[BIDE_CHANNEL_WRITERS_].first)
			refill(c, turn);
		else if (BIDE_UNLIKELY(c->error && c->count == 0))
			bide_channel_fail_(c, BIDE_CHANNEL_CLOSED_, c->error, turn);
		return count;
	}
	link = bide_channel_first_(c, BIDE_CHANNEL_WRITERS_, turn); /* a rendezvous */
	if (!link)
		return 0;
	load = link->wants.from;
	count = min(count, load->count);
	copy(c, to, load->elements, count);
	bide_channel_grant_writer_(c, link, count, turn);
	return count;
}

/* The channel is full, and drops. */
static void displace(bide_channel *c, const void *from, bide_channel_turn_ *turn)
{
	turn->has_dropped = true;
	if (c->full == BIDE_CHANNEL_DROP_WRITE || c->capacity == 0) {
		copy(c, turn->dropped, from, 1);
		return;
	}
	pop(c, turn->dropped, 1, turn);
	push(c, from, 1);
}

size_t bide_channel_put_(bide_channel *c, const void *from, size_t count, bide_channel_turn_ *turn)
{
	size_t done = 0, piece = bide_channel_piece_(c, count), fits;
	bide_wait_link_ *link;

	if (c->error)
		return 0;
	while (done < piece && c->lists[BIDE_CHANNEL_READERS_].first &&
	       (link = bide_channel_first_(c, BIDE_CHANNEL_READERS_, turn)) != NULL)
		done += bide_channel_grant_reader_(c, link, (const char *)from + done * c->element_bytes,
		                                   piece - done, turn);
	fits = min(piece - done, bide_channel_room_(c));
	if (fits > 0) {
		push(c, (const char *)from + done * c->element_bytes, fits);
		done += fits;
	}
	if (done == 0 && count > 0 && c->full != BIDE_CHANNEL_WAIT && !bide_channel_is_unbounded_(c)) {
		displace(c, from, turn);
		done = 1;
	}
	return done;
}

int bide_channel_write_error_(const bide_channel *c)
{
	if (!c->error)
		return bide_channel_is_unbounded_(c) ? BIDE_CHANNEL_MUST_GROW_ : BIDE_CHANNEL_MUST_WAIT_;
	return c->error == BIDE_EEND ? BIDE_EPIPE_ : c->error;
}

void bide_channel_fail_(bide_channel *c, unsigned list, int error, bide_channel_turn_ *turn)
{
	/* The end is what those have waited for that wait for the close. */
	if (list == BIDE_CHANNEL_CLOSED_ && error == BIDE_EEND)
		error = 0;
	if (c->error != BIDE_EEND) {
		bide_waiters_take_all_(&c->lists[list], (bide_payload){ .i = 0 }, error, &turn->granted);
		return;
	}
	/* A channel that has ended is no case of a selection any more, as long as it has others. */
	while (c->lists[list].first)
		bide_wait_refuse_(&c->lists[list], c->lists[list].first, error, &turn->granted);
}

bool bide_channel_is_valid_(const bide_channel *c)
{
	const bide_wait_link_ *reader = c->lists[BIDE_CHANNEL_READERS_].first;
	const bide_wait_link_ *writer = c->lists[BIDE_CHANNEL_WRITERS_].first;

	BIDE_INVARIANT_(bide_wait_queue_is_valid_(&c->lists[BIDE_CHANNEL_WRITERS_]));
	BIDE_INVARIANT_(bide_wait_queue_is_valid_(&c->lists[BIDE_CHANNEL_CLOSED_]));
	BIDE_INVARIANT_(c->count <= c->capacity);
	BIDE_INVARIANT_(c->first < c->capacity || c->first == 0);
	BIDE_INVARIANT_(!c->head == !c->tail);
	BIDE_INVARIANT_(!c->head || c->head != c->tail || c->count == c->end - c->first);
	BIDE_INVARIANT_(!c->error || (!writer && !c->is_plain));
	if (reader && reader->number == 0) {
		BIDE_INVARIANT_(c->count == 0 && !c->error);
		BIDE_INVARIANT_(!writer || writer->number != 0);
	}
	if (writer && writer->number == 0) {
		BIDE_INVARIANT_(c->count == c->capacity && c->full == BIDE_CHANNEL_WAIT);
		BIDE_INVARIANT_(!reader || reader->number != 0);
	}
	return true;
}
