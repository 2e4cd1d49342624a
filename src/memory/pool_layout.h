/*
 * pool_layout.h - how the memory of the pools lies. The sources of the pools work with it, and a
 * debugger reads it (src/debug/layout.c). pool.c says what the words mean.
 */
#ifndef BIDE_MEMORY_POOL_LAYOUT_H
#define BIDE_MEMORY_POOL_LAYOUT_H

#include "base/library.h"

/* Four to a doubling, from 4 KiB to the end of the address space. */
enum { BIDE_BIG_BUCKETS_ = 4 * (48 - 12) };

/* The head of a chunk. Its objects follow. A chunk is kept until shutdown. */
typedef struct bide_chunk {
	struct bide_chunk *next; /* the one of the same class that was made before */
	size_t size_bytes;
	/* Bytes from one object to the next: those of the class, plus front. */
	uint32_t stride;
	/* made <= count. Only the newest chunk of a class has made < count. */
	uint32_t made, count;
	/* Bytes of the record before each object: 0, but in checked mode. */
	uint32_t front;
} bide_chunk;
#define BIDE_CHUNK_HEAD_BYTES_ ((sizeof(bide_chunk) + 15) / 16 * 16)

typedef struct bide_record {
	union {
		/* Single: the one that was made before. */
		struct bide_record *next;
		/* Checked and free: the one that was freed after it. */
		struct bide_record *next_checked;
	};
	struct bide_record *previous; /* single: the one that was made after it */
	union {
		/* In use: the place where it was taken, or NULL if unknown. */
		const bide_place *started;
		/* Big and free: the next one of its bucket. */
		struct bide_record *next_big;
	};
	size_t size_bytes; /* single: bytes of the object */
	/* Single: number > next->number, so that a walk that was paused finds its place again. */
	uint64_t number;
	/* Keeps the object behind it aligned. */
	uint64_t unused;
} bide_record;
BIDE_STATIC_ASSERT(sizeof(bide_record) % 16 == 0, "objects behind a record stay aligned");

typedef enum bide_pool_mode {
	BIDE_POOL_MODE_UNKNOWN_, /* no thread has joined */
	BIDE_POOL_MODE_FAST_,
	BIDE_POOL_MODE_CHECKED_,
	BIDE_POOL_MODE_SINGLE_
} bide_pool_mode;

/* All threads share it. The lock guards all of it but the mode, which stays while threads run. */
extern BIDE_INTERNAL struct bide_pools_ {
	_Alignas(64) uint32_t lock; /* apart from what other threads only read */
	/* It changes when all memory is given back, which ends every walk. */
	uint32_t epoch;
	bide_pool_mode mode;
	/* Newest first. */
	bide_chunk *chunks[BIDE_CLASS_COUNT_];
	/* Batches. The payload of the first object of each is the next batch. */
	bide_source *depot[BIDE_CLASS_COUNT_];
	/* Checked mode: what is free, oldest first. checked_tail points at the link that ends it. */
	bide_record *checked[BIDE_CLASS_COUNT_], **checked_tail[BIDE_CLASS_COUNT_];
	/* All single objects, in use and free, newest first. */
	bide_record *singles;
	uint64_t single_count; /* made, ever */
	/*
	 * In the child of a fork: the memory of the parent, of any class. It is kept until shutdown
	 * too, and not used again.
	 */
	bide_chunk *parent_chunks;
	bide_record *parent_singles;
	/* In the child of a fork, until its first use: all of the above is the parent's. */
	bool disowned;
	bide_record *big[BIDE_BIG_BUCKETS_]; /* free big objects */
} bide_pools_;

#endif
