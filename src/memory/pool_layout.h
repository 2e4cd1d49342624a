/*
 * pool_layout.h - how the memory of the pools lies. The sources of the pools work with it; a
 * debugger reads it (src/debug/layout.c).
 */
#ifndef BIDE_MEMORY_POOL_LAYOUT_H
#define BIDE_MEMORY_POOL_LAYOUT_H

#include "base/library.h"

/* Four to a doubling, from 4 KiB to the end of the address space. */
enum { BIDE_BIG_BUCKETS_ = 4 * (48 - 12) };

/* The head of a chunk; objects of one size follow. A chunk is kept until shutdown. */
typedef struct bide_chunk {
	struct bide_chunk *next;
	size_t size_bytes;
	uint32_t stride, made, count, front; /* front: bytes of the record before each object */
} bide_chunk;
#define BIDE_CHUNK_HEAD_BYTES_ ((sizeof(bide_chunk) + 15) / 16 * 16)

/* In front of an object in checked mode, and of every object that is an allocation of its own. */
typedef struct bide_record {
	struct bide_record *next, *previous; /* single: all of them, newest first; checked: next free */
	const bide_place *started;
	size_t size_bytes;
	uint64_t number; /* single: falls along the list, so that a walk finds its place again */
	uint64_t unused; /* objects behind it stay aligned */
} bide_record;
BIDE_STATIC_ASSERT(sizeof(bide_record) % 16 == 0, "objects behind a record stay aligned");

typedef enum bide_pool_mode {
	BIDE_POOL_MODE_UNKNOWN_, /* no thread has joined */
	BIDE_POOL_MODE_FAST_,
	BIDE_POOL_MODE_CHECKED_,
	BIDE_POOL_MODE_SINGLE_
} bide_pool_mode;

/* Shared by all threads, under the lock. */
extern BIDE_INTERNAL struct bide_pools_ {
	uint32_t lock;
	uint32_t epoch; /* changes when all memory is given back: a walk ends then */
	bide_pool_mode mode;
	bide_chunk *chunks[BIDE_CLASS_COUNT_];
	/* batches: linked through the generation; each head's payload is the head of the next */
	bide_source *depot[BIDE_CLASS_COUNT_];
	bide_record *checked[BIDE_CLASS_COUNT_], **checked_tail[BIDE_CLASS_COUNT_];
	bide_record *singles; /* all of them, also free ones */
	uint64_t single_count;
	/* in the child of a fork, the parent's: of any class; kept until shutdown too */
	bide_chunk *parent_chunks;
	bide_record *parent_singles;
	bool disowned; /* what is there is all the parent's */
	/* free frames above the largest class; linked through `started` */
	bide_record *big[BIDE_BIG_BUCKETS_];
} bide_pools_;

#endif
