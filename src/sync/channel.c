/*
 * channel.c - channels: making, closing and releasing one. channel_read.c and channel_write.c have
 * the calls of the two sides.
 */
#include "sync/channel.h"

#include "base/misuse.h"
#include "base/thread.h"
#include "context/context.h"
#include "memory/allocator.h"
#include "source/source.h"

static const bide_wait_kind_ closed_kind = {
	.type = { .name = "bide_channel_wait_closed",
	          .describe = bide_channel_describe_closed_,
	          .leave = bide_waiter_leave_ },
};

static size_t size_of(const bide_channel *c)
{
	return sizeof *c + (bide_channel_is_unbounded_(c) ? 0 : c->capacity * c->element_bytes);
}

bool bide_channel_refused_(const bide_channel *c, const char *what)
{
	uint32_t alive = c ? BIDE_LOAD(&c->alive, RELAXED) : 0;

	bide_misuse_("%s: channel %s", what,
	             !c                                             ? "is NULL"
	             : alive - BIDE_CHANNEL_ALIVE_ - 1 < bide_life_ ? BIDE_OF_BEFORE_
	                                                            : "was released");
	return false;
}

static bool options_check(const bide_channel_options *options)
{
	static const char what[] = "bide_channel_create";

	if (options->element_bytes > BIDE_CHANNEL_ELEMENT_BYTES_MAX)
		bide_misuse_("%s: element_bytes is %zu; at most %d are allowed, so pass a pointer", what,
		             options->element_bytes, BIDE_CHANNEL_ELEMENT_BYTES_MAX);
	else if (options->capacity > BIDE_CHANNEL_CAPACITY_MAX &&
	         options->capacity != BIDE_CHANNEL_UNBOUNDED)
		bide_misuse_("%s: capacity is %zu; at most %zu and BIDE_CHANNEL_UNBOUNDED are allowed",
		             what, options->capacity, BIDE_CHANNEL_CAPACITY_MAX);
	else if ((unsigned)options->full > BIDE_CHANNEL_DROP_WRITE)
		bide_misuse_("%s: full is %d; BIDE_CHANNEL_WAIT, _DROP_OLDEST and _DROP_WRITE are allowed",
		             what, (int)options->full);
	else
		return true;
	return false;
}

bide_channel *bide_channel_create(const bide_channel_options *options)
{
	bide_channel_options given = { 0 };
	bide_channel wanted = { .references = 1 }, *c;

	if (options)
		given = *options;
	if (!options_check(&given) || !bide_thread_())
		return NULL;
	wanted.capacity = given.capacity;
	wanted.element_bytes = given.element_bytes ? (uint32_t)given.element_bytes : 8;
	wanted.full = given.full;
	wanted.dropped = given.dropped;
	wanted.argument = given.argument;
	wanted.created = bide_call_of_("bide_channel_create");
	wanted.alive = BIDE_CHANNEL_ALIVE_ + bide_life_;
	wanted.key = bide_wait_key_();
	wanted.reads_in_object = wanted.dropped || wanted.element_bytes > BIDE_CHANNEL_SMALL_BYTES_;
	wanted.is_plain =
		wanted.element_bytes == sizeof(uint64_t) && !bide_channel_is_unbounded_(&wanted);
	c = bide_allocate_(size_of(&wanted), 64);
	if (c)
		*c = wanted;
	return c;
}

bide_channel *bide_channel_ref(bide_channel *c)
{
	if (bide_channel_check_(c, "bide_channel_ref"))
		(void)BIDE_ADD(&c->references, 1u, RELAXED);
	return c;
}

/*
 * In the child of a fork: its waiters are the parent's. If another thread had the lock at the fork,
 * its elements may be changed by half; then it has none, and its segments are lost.
 */
static void inherit(bide_channel *c, uint32_t key, bool was_locked)
{
	for (unsigned i = 0; i < BIDE_CHANNEL_LISTS_; i++) {
		c->lists[i].first = c->lists[i].last = NULL;
		c->lists[i].count = 0;
	}
	if (was_locked) {
		c->count = 0;
		c->first = c->end = 0;
		c->head = c->tail = c->spare = NULL;
		c->is_plain = c->is_plain && !c->error;
	}
	c->key = key;
}

void bide_channel_lock_slowly_(bide_channel *c, uint32_t key, uint32_t before)
{
	bool was_locked = before != key && before & 1; /* a key is odd */

	bide_wait_lock_slowly_(c->lists, key, before);
	if (c->key != key)
		inherit(c, key, was_locked);
}

void bide_channel_free_segments_(bide_channel_segment_ *first)
{
	bide_channel_segment_ *next;

	for (; first; first = next) {
		next = first->next;
		bide_deallocate_(first, BIDE_CHANNEL_SEGMENT_BYTES_);
	}
}

int bide_channel_grow_(bide_channel *c)
{
	bide_channel_segment_ *segment = bide_allocate_(BIDE_CHANNEL_SEGMENT_BYTES_, 16);

	if (!segment)
		return BIDE_ENOMEM_;
	segment->next = NULL;
	bide_channel_lock_(c);
	if (!c->spare) {
		c->spare = segment;
		segment = NULL;
	}
	bide_channel_unlock_(c);
	bide_channel_free_segments_(segment);
	return 0;
}

/* Without a lock: no other party is left. */
static void drop_all(bide_channel *c)
{
	bide_channel_turn_ turn;

	do {
		bide_channel_turn_init_(&turn);
		turn.has_dropped = c->dropped && bide_channel_take_(c, turn.dropped, 1, &turn) == 1;
		bide_channel_turn_end_(&turn, c);
	} while (turn.has_dropped);
	bide_channel_free_segments_(c->head);
	bide_channel_free_segments_(c->spare);
}

/* No call runs, and none will come. */
static void release(bide_channel *c)
{
	bide_channel_turn_ turn;

	bide_channel_turn_init_(&turn);
	bide_channel_lock_(c);
	BIDE_STORE(&c->alive, 0u, RELAXED);
	for (unsigned i = 0; i < BIDE_CHANNEL_LISTS_; i++)
		bide_channel_fail_(c, i, BIDE_EBROKEN, &turn);
	bide_channel_unlock_(c);
	drop_all(c);
	bide_retire_(c, size_of(c));
	bide_granted_end_(&turn.granted);
}

void bide_channel_unref(bide_channel *c)
{
	/* Releases what this party wrote; the last one acquires all of it. */
	if (c && bide_channel_check_(c, "bide_channel_unref") &&
	    BIDE_SUB(&c->references, 1u, ACQ_REL) == 1)
		release(c);
}

bool bide_channel_close(bide_channel *c, int error)
{
	bide_channel_turn_ turn;
	bool first;

	if (!bide_channel_check_(c, "bide_channel_close"))
		return false;
	if (error < 0 || error > BIDE_ERROR_MAX) {
		bide_misuse_("bide_channel_close: error is %d; 0 to %d are allowed", error, BIDE_ERROR_MAX);
		return false;
	}
	if (error == 0)
		error = BIDE_EEND;
	else if (error == BIDE_ECANCELED_) /* not the reader was canceled */
		error = BIDE_EPIPE_;
	bide_channel_turn_init_(&turn);
	bide_channel_lock_(c);
	first = !c->error;
	if (first) {
		c->error = (uint16_t)error;
		c->is_plain = false;
		bide_channel_fail_(c, BIDE_CHANNEL_WRITERS_, bide_channel_write_error_(c), &turn);
		bide_channel_fail_(c, BIDE_CHANNEL_READERS_, error, &turn);
		if (c->count == 0)
			bide_channel_fail_(c, BIDE_CHANNEL_CLOSED_, error, &turn);
	}
	bide_channel_unlock_(c);
	bide_channel_turn_end_(&turn, c);
	return first;
}

static bide_value_task of_error(int error)
{
	return error == 0 || error == BIDE_EEND ? bide_value_task_completed()
	                                        : bide_value_task_from_error(error);
}

bide_value_task bide_channel_wait_closed(bide_channel *c)
{
	bide_waiter_ *w;
	bide_value_task v;
	int error;
	bool waits;

	if (!bide_channel_check_(c, "bide_channel_wait_closed"))
		return bide_value_task_from_error(BIDE_EINVAL_);
	error = bide_context_error_now_();
	if (error)
		return bide_value_task_from_error(error);
	w = bide_channel_waiter_new_(c, &closed_kind, 0, NULL);
	if (!w)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	v = bide_source_value_(&w->operation.source);
	bide_channel_lock_(c);
	waits = !c->error || c->count > 0;
	error = waits ? bide_waiter_append_to_(c->lists, BIDE_CHANNEL_CLOSED_, w) : c->error;
	bide_channel_unlock_(c);
	if (waits && !error)
		return v;
	bide_waiter_discard_(w);
	return waits ? bide_value_task_from_error(error) : of_error(error);
}

size_t bide_channel_count(const bide_channel *channel)
{
	bide_channel *c = (bide_channel *)(uintptr_t)channel;
	size_t count;

	if (!bide_channel_check_(c, "bide_channel_count"))
		return 0;
	bide_channel_lock_(c);
	count = c->count;
	bide_channel_unlock_(c);
	return count;
}
