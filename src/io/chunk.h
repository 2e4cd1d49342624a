/*
 * chunk.h - the memory of the buffers of streams: chunks of a few sizes, and the budget that all of
 * them share.
 *
 * Words:
 *   chunk    memory from the allocator, with a head. Its size class is 64 bytes, 256, 1, 4 or
 *            16 KiB. Above that it is an allocation of its own, which no cache keeps.
 *   home     the cache that a chunk is from, and goes back to: one for each worker. A stream takes
 *            all its chunks from one home, so the free ones are warm there.
 *   budget   what the chunks of a home that are in use may take (bide_config). Free ones do not
 *            count.
 *   small    of a chunk of at most 256 bytes. A stream may always have a small one for reading and
 *            one for writing.
 *   share    the budget, divided by the chunks that are not small. A chunk within its share is
 *            taken even where the budget is used up. So the few bytes that a stream needs do not
 *            wait for others that hold much.
 *   claim    what a stream has to do with the budget: it waits for it, or it exceeds it
 *
 * Nothing deadlocks. A stream that waits for the budget is one that would hold more than its share,
 * and only its next read waits. One claim of each home may exceed the budget, so that a line as
 * long as its limit can always be read. That right passes on when the reading call is over. So what
 * waits, waits at most for a peer that is in the middle of a line; an idle limit ends such a line.
 *
 * Threads: any. The lock of a home is held for some instructions, and nothing is called under it.
 */
#ifndef BIDE_IO_CHUNK_H
#define BIDE_IO_CHUNK_H

#include "base/library.h"

enum {
	BIDE_CHUNK_CLASSES_ = 5,
	BIDE_CHUNK_BIG_ = 255,   /* the class of a chunk that no cache keeps */
	BIDE_CHUNK_HEAD_ = 24,   /* bytes in front of the data */
	BIDE_CHUNK_SMALL_ = 256, /* bytes of the largest small chunk, with its head */
	BIDE_CHUNK_USUAL_ = 16384
};

typedef struct bide_io_chunk {
	struct bide_io_chunk *next; /* in the cache, or in the list of its owner */
	uint32_t size_bytes;        /* all of it */
	uint16_t home;
	uint8_t size_class;
	uint8_t in_use;      /* for walkers */
	uint32_t from, upto; /* for the owner: what is in the data */
	char data[];
} bide_io_chunk;
BIDE_STATIC_ASSERT(offsetof(bide_io_chunk, data) == BIDE_CHUNK_HEAD_, "the head of a chunk");

/* Returns the bytes that a chunk has room for. */
static inline size_t bide_io_chunk_room_(const bide_io_chunk *chunk)
{
	return chunk->size_bytes - BIDE_CHUNK_HEAD_;
}
static inline bool bide_io_chunk_is_small_(const bide_io_chunk *chunk)
{
	return chunk->size_bytes <= BIDE_CHUNK_SMALL_;
}

/* Part of a stream, zeroed at first. The owner sets `again` and `key` before it waits. */
typedef struct bide_chunk_claim {
	struct bide_chunk_claim *next, **at; /* in the list of those that wait; under the lock */
	/*
	 * Called when the chunk may be there, on the thread that gave some back, without a lock. The
	 * stream may be gone by then: its memory is still that of a stream, and `key` tells.
	 */
	void (*again)(struct bide_chunk_claim *claim, uint32_t key);
	uint32_t key;
	uint32_t size_bytes; /* of the chunk that it waits for */
	uint16_t home;       /* where it waits or exceeds */
	bool waits;          /* it has waited since its end: it may be in the list */
	bool exceeds;        /* it has the right to exceed the budget */
} bide_chunk_claim;

typedef enum bide_chunk_how {
	/* EAGAIN if the budget is used up. */
	BIDE_CHUNK_IF_FREE_,
	/* If the budget is used up, the chunk is taken nevertheless. */
	BIDE_CHUNK_ALWAYS_,
	/* If the budget is used up, and the chunk is above its share, the claim waits: EAGAIN. */
	BIDE_CHUNK_OR_WAIT_
} bide_chunk_how;

/*
 * Takes a chunk with room for room_bytes. claim: NULL unless it waits; it waits at one home, the
 * one of its stream. Returns 0, EAGAIN, or ENOMEM.
 */
BIDE_INTERNAL int bide_io_chunk_take_(unsigned home, size_t room_bytes, bide_chunk_how how,
                                      bide_chunk_claim *claim, bide_io_chunk **chunk);
/*
 * Gives a chunk back, and lets the oldest claims that wait try again, if there is room now. NULL
 * does nothing.
 */
BIDE_INTERNAL void bide_io_chunk_give_(bide_io_chunk *chunk);
/*
 * The stream does not wait any more, and has no right to exceed the budget: its reading call is
 * over, it has a small chunk, or it ends. The next claim may exceed the budget then.
 */
BIDE_INTERNAL void bide_chunk_claim_end_(bide_chunk_claim *claim);
static inline bool bide_chunk_claim_is_idle_(const bide_chunk_claim *claim)
{
	return !claim->exceeds && !claim->waits;
}

/* Returns the bytes of all chunks that are in use. */
BIDE_INTERNAL uint64_t bide_chunks_bytes_(void);
/* A walker. Takes the locks. */
BIDE_INTERNAL bool bide_chunks_are_valid_(void);

#endif
