/*
 * channel.h - the inside of a channel: its state, and what is done to it under its lock.
 *
 * A channel has three lists of waiters under one lock: readers, writers, and those that wait for
 * the close. The invariants, under the lock (links of selections aside, which may stand on both
 * sides of one channel):
 *
 *     a reader waits   =>  no element is in the channel, and no writer waits
 *     a writer waits   =>  the channel is full, it does not drop, and it is open
 *     it is closed     =>  no writer waits, and no reader
 *
 * So elements keep their order: one that is handed over has no older one in front of it. The
 * functions that grant copy the element first, then take the link out; the element is the reader's
 * from then on. A link is claimed (bide_channel_first_) before anything is copied.
 *
 * What is called while the lock is held allocates nothing, and calls nothing of the user's. The
 * elements that were dropped, and the waiters that were granted, lie in a bide_channel_turn_ until
 * the lock is given back.
 */
#ifndef BIDE_SYNC_CHANNEL_H
#define BIDE_SYNC_CHANNEL_H

#include "sync/grant.h"

enum {
	/* The lists of a channel. */
	BIDE_CHANNEL_READERS_,
	BIDE_CHANNEL_WRITERS_,
	BIDE_CHANNEL_CLOSED_,
	BIDE_CHANNEL_LISTS_
};

enum {
	/* How many bytes are copied, and how many waiters are granted, while a lock is held. */
	BIDE_CHANNEL_PIECE_BYTES_ = 4096,
	BIDE_CHANNEL_PIECE_COUNT_ = 256,
	/* How many bytes a waiter carries. */
	BIDE_CHANNEL_CARRIED_BYTES_ = 1024,
	/* Up to this size an element is the result of a read. */
	BIDE_CHANNEL_SMALL_BYTES_ = 8,
	/* In place of an error: nothing has failed, but there is none, or no room. */
	BIDE_CHANNEL_MUST_WAIT_ = -1,
	/* An unbounded channel needs a segment: bide_channel_grow_, and once more. */
	BIDE_CHANNEL_MUST_GROW_ = -2
};

/*
 * The first cache line is all that a call changes which does not wait, and what it reads besides is
 * in the second one. Two workers that use one channel take the first line from each other.
 */
struct bide_channel {
	size_t count;
	uint32_t first; /* the place of the oldest element, in the ring or in the first segment */
	uint16_t error; /* what reads get that find a closed channel empty; 0: it is open */
	bool is_plain;  /* its elements have 8 bytes and lie in a ring, and it is open */
	bide_wait_queue_ lists[BIDE_CHANNEL_LISTS_];
	uint32_t alive; /* atomic */
	uint32_t references;
	uint32_t key; /* of the lock when it was used last: another one in the child of a fork */
	uint32_t element_bytes;
	size_t capacity;
	bide_channel_dropped *dropped;
	void *argument;
	const bide_call *created; /* where; may be NULL */
	bide_channel_full full;
	bool reads_in_object; /* a read that is ready needs an object, too */
	/* Of an unbounded channel. */
	uint32_t end; /* the place behind the newest element, in the tail */
	struct bide_channel_segment_ *head, *tail;
	struct bide_channel_segment_ *spare; /* empty; the next one, or NULL */
	_Alignas(16) char ring[];
};
BIDE_STATIC_ASSERT(offsetof(bide_channel, lists[BIDE_CHANNEL_CLOSED_]) == 64, "a cache line");

/*
 * A part of an unbounded channel. Its memory is taken without the lock, before the element needs
 * it, and given back when it is read to its end; one stays as the spare.
 */
typedef struct bide_channel_segment_ {
	struct bide_channel_segment_ *next;
	_Alignas(16) char elements[];
} bide_channel_segment_;
enum { BIDE_CHANNEL_SEGMENT_BYTES_ = 4096 };

static inline bool bide_channel_is_unbounded_(const bide_channel *channel)
{
	return channel->capacity == BIDE_CHANNEL_UNBOUNDED;
}
/* How many elements a segment holds. */
static inline size_t bide_channel_segment_count_(const bide_channel *channel)
{
	return (BIDE_CHANNEL_SEGMENT_BYTES_ - sizeof(bide_channel_segment_)) / channel->element_bytes;
}

/* What a waiter carries. It lies behind the waiter, and link.wants points at it. */
typedef struct bide_channel_load_ {
	const bide_call *created; /* the call that made the channel, for dumps; may be NULL */
	bide_channel_dropped *dropped;
	void *argument;
	void *to; /* where the await copies them */
	uint32_t element_bytes;
	uint32_t room;  /* a reader: how many it takes */
	uint32_t count; /* how many there are */
	bool is_many;   /* the result is how many */
	_Alignas(16) char elements[];
} bide_channel_load_;

/* What has to be done after the lock was given back. */
typedef struct bide_channel_turn_ {
	bide_granted_ granted;
	bide_channel_segment_ *drained; /* to be freed */
	bool has_dropped;
	_Alignas(16) char dropped[BIDE_CHANNEL_ELEMENT_BYTES_MAX];
} bide_channel_turn_;

/* A walker, under the lock. */
BIDE_INTERNAL bool bide_channel_is_valid_(const bide_channel *channel);

BIDE_INTERNAL void bide_channel_lock_slowly_(bide_channel *channel, uint32_t key, uint32_t before);

static inline void bide_channel_lock_(bide_channel *channel)
{
	uint32_t key = bide_wait_key_(), before = BIDE_SWAP(&channel->lists->lock, key, ACQUIRE);

	if (BIDE_UNLIKELY(before != key - 1))
		bide_channel_lock_slowly_(channel, key, before);
	BIDE_ASSERT_(channel->key == key);
}

static inline void bide_channel_unlock_(bide_channel *channel)
{
	BIDE_ASSERT_UNEXPLORED_(bide_channel_is_valid_(channel));
	bide_wait_unlock_with_(channel->lists, channel->key);
}

static inline void bide_channel_turn_init_(bide_channel_turn_ *turn)
{
	bide_granted_init_(&turn->granted);
	turn->drained = NULL;
	turn->has_dropped = false;
}

BIDE_INTERNAL void bide_channel_free_segments_(bide_channel_segment_ *first);

/* The turn is over. `channel` may be gone if it has dropped nothing. Without a lock. */
static inline void bide_channel_turn_end_(bide_channel_turn_ *turn, const bide_channel *channel)
{
	if (BIDE_UNLIKELY(turn->has_dropped) && channel->dropped)
		channel->dropped(turn->dropped, channel->argument);
	if (BIDE_UNLIKELY(turn->drained != NULL))
		bide_channel_free_segments_(turn->drained);
	bide_granted_end_(&turn->granted);
}

/*
 * Returns a waiter with a load for `room` elements, which the await copies to `to`; or NULL if
 * there is no memory. Without the lock.
 */
BIDE_INTERNAL bide_waiter_ *bide_channel_waiter_new_(const bide_channel *channel,
                                                     const bide_wait_kind_ *kind, size_t room,
                                                     void *to);
/* For bide_wait_kind_.type.describe: names the channel, and the place where it was made. */
BIDE_INTERNAL void bide_channel_describe_read_(const void *copy, char *to, size_t size_bytes);
BIDE_INTERNAL void bide_channel_describe_write_(const void *copy, char *to, size_t size_bytes);
BIDE_INTERNAL void bide_channel_describe_closed_(const void *copy, char *to, size_t size_bytes);

/*
 * Returns the first link of a list that can be granted, and is claimed then; or NULL. Links of
 * selections that another case has decided are taken out. Under the lock.
 */
static inline bide_wait_link_ *bide_channel_first_(bide_channel *channel, unsigned list,
                                                   bide_channel_turn_ *turn)
{
	bide_wait_queue_ *links = &channel->lists[list];
	bide_wait_link_ *link;

	while ((link = links->first) != NULL) {
		if (BIDE_LIKELY(bide_wait_claim_(link)))
			return link;
		bide_grant_(links, link, &turn->granted);
	}
	return NULL;
}

/*
 * Read and write one element of 8 bytes, if nothing else has to be done: no waiter gets anything.
 * Return false otherwise. Under the lock.
 */
static inline bool bide_channel_take_word_(bide_channel *channel, void *to)
{
	uint32_t first = channel->first;

	if (BIDE_UNLIKELY(!channel->is_plain || channel->count == 0 ||
	                  channel->lists[BIDE_CHANNEL_WRITERS_].first))
		return false;
	__builtin_memcpy(to, channel->ring + (size_t)first * sizeof(uint64_t), sizeof(uint64_t));
	channel->first = first + 1 == channel->capacity ? 0 : first + 1;
	channel->count--;
	return true;
}
static inline bool bide_channel_put_word_(bide_channel *channel, const void *from)
{
	size_t count = channel->count, capacity = channel->capacity, end = channel->first + count;

	if (BIDE_UNLIKELY(!channel->is_plain || count >= capacity ||
	                  channel->lists[BIDE_CHANNEL_READERS_].first))
		return false;
	if (end >= capacity)
		end -= capacity;
	__builtin_memcpy(channel->ring + end * sizeof(uint64_t), from, sizeof(uint64_t));
	channel->count = count + 1;
	return true;
}
/*
 * Tries to read up to max_count elements, within a piece. Returns how many; 0: there is none.
 * Under the lock.
 */
BIDE_INTERNAL size_t bide_channel_take_(bide_channel *channel, void *to, size_t max_count,
                                        bide_channel_turn_ *turn);
/* The error of a read that found none: BIDE_CHANNEL_MUST_WAIT_ if it has to. Under the lock. */
static inline int bide_channel_read_error_(const bide_channel *channel)
{
	return channel->error ? channel->error : BIDE_CHANNEL_MUST_WAIT_;
}
/*
 * Tries to write up to `count` elements, within a piece. Returns how many; 0: there is no room, or
 * the channel is closed. A channel that drops takes one at a time. Under the lock.
 */
BIDE_INTERNAL size_t bide_channel_put_(bide_channel *channel, const void *from, size_t count,
                                       bide_channel_turn_ *turn);
/* The error of a write that wrote none, or what it must do. Under the lock. */
BIDE_INTERNAL int bide_channel_write_error_(const bide_channel *channel);
/* Returns how many elements can be put without a wait, and without growing. Under the lock. */
BIDE_INTERNAL size_t bide_channel_room_(const bide_channel *channel);
/* Returns 0, or ENOMEM. Without the lock. */
BIDE_INTERNAL int bide_channel_grow_(bide_channel *channel);
/*
 * Gives a reader that is claimed the first elements, which are its own from then on. Returns how
 * many it takes. Under the lock.
 */
BIDE_INTERNAL size_t bide_channel_grant_reader_(bide_channel *channel, bide_wait_link_ *link,
                                                const void *from, size_t count,
                                                bide_channel_turn_ *turn);
/* So many of the elements of a writer, which is claimed, are in. Under the lock. */
BIDE_INTERNAL void bide_channel_grant_writer_(bide_channel *channel, bide_wait_link_ *link,
                                              size_t count, bide_channel_turn_ *turn);
/* Takes all links out of a list: they fail with the error. Under the lock. */
BIDE_INTERNAL void bide_channel_fail_(bide_channel *channel, unsigned list, int error,
                                      bide_channel_turn_ *turn);

/*
 * A case of a selection (channel_select.c): it reads into a load, or writes one. Returns true if it
 * could at once, and has claimed the selection.
 */
BIDE_INTERNAL bool bide_channel_select_read_(bide_channel *channel, bide_selection_ *s,
                                             uint32_t number, bide_channel_load_ *load);
BIDE_INTERNAL bool bide_channel_select_write_(bide_channel *channel, bide_selection_ *s,
                                              uint32_t number, bide_channel_load_ *load);

BIDE_INTERNAL BIDE_COLD bool bide_channel_refused_(const bide_channel *channel, const char *what);
enum { BIDE_CHANNEL_ALIVE_ = 0x6C4A77E1 };
/* Returns true for a channel that has a reference. Else it reports misuse of `what`. */
static inline bool bide_channel_check_(const bide_channel *channel, const char *what)
{
	if (BIDE_LIKELY(channel &&
	                BIDE_LOAD(&channel->alive, RELAXED) == BIDE_CHANNEL_ALIVE_ + bide_life_))
		return true;
	return bide_channel_refused_(channel, what);
}

/* Returns a small element as a result. */
static inline bide_payload bide_channel_small_(const void *element, size_t element_bytes)
{
	bide_payload payload = { .i = 0 };

	switch (element_bytes) {
	case 1:
		/* NOLINTNEXTLINE(bugprone-signed-char-misuse): its reader takes the same byte of it */
		payload.i = *(const int8_t *)element;
		break;
	case 2:
		payload.i = *(const int16_t *)element;
		break;
	case 4:
		payload.i = *(const int32_t *)element;
		break;
	default:
		__builtin_memcpy(&payload, element, element_bytes);
	}
	return payload;
}

/* How many of `count` elements are copied while a lock is held. Most calls need no division. */
static inline size_t bide_channel_piece_(const bide_channel *channel, size_t count)
{
	size_t fits;

	if (BIDE_LIKELY(count <= BIDE_CHANNEL_PIECE_BYTES_ / BIDE_CHANNEL_ELEMENT_BYTES_MAX))
		return count;
	fits = BIDE_CHANNEL_PIECE_BYTES_ / channel->element_bytes;
	if (fits > BIDE_CHANNEL_PIECE_COUNT_)
		fits = BIDE_CHANNEL_PIECE_COUNT_;
	return count < fits ? count : fits;
}

#endif
