/*
 * pools.h (core) - how the memory of pools lies. frame.c works with it; a debugger reads it
 * (src/debug/layout.c).
 */
#ifndef BIDE_CORE_POOLS_H
#define BIDE_CORE_POOLS_H

#include "base/everything.h"

/* Four to a doubling, from 4 KiB to the end of the address space. */
enum { BIG_BUCKETS = 4 * (48 - 12) };

/* The head of a chunk; objects of one size follow. Kept until shutdown. */
typedef struct chunk {
	struct chunk *next;
	size_t size_bytes;
	uint32_t stride, made, count, front; /* front: bytes of the record before each object */
} chunk;
#define CHUNK_HEAD_BYTES ((sizeof(chunk) + 15) / 16 * 16)

/* In front of an object in checked mode, and of every object that is an allocation of its own. */
typedef struct record {
	struct record *next, *previous; /* single: all of them, newest first; checked: next free */
	const bide_place *started;
	size_t size_bytes;
	uint64_t number; /* single: falls along the list, so that a walk finds its place again */
	uint64_t unused; /* objects behind it stay aligned */
} record;
BIDE_STATIC_ASSERT(sizeof(record) % 16 == 0, "objects behind a record stay aligned");

/* Shared by all threads, under the lock. */
extern BIDE_INTERNAL struct bide_pools_ {
	uint32_t lock;
	uint32_t epoch; /* changes when all memory is given back: a walk ends then */
	chunk *chunks[BIDE_CLASS_COUNT_];
	/* batches: linked through the generation; each head's payload is the head of the next */
	bide_source *depot[BIDE_CLASS_COUNT_];
	record *checked[BIDE_CLASS_COUNT_], **checked_tail[BIDE_CLASS_COUNT_];
	record *singles; /* all of them, also free ones */
	uint64_t single_count;
	/* in the child of a fork, the parent's: of any class; kept until shutdown too */
	chunk *parent_chunks;
	record *parent_singles;
	bool disowned;            /* what is there is all the parent's */
	record *big[BIG_BUCKETS]; /* free frames above the largest class; linked through `started` */
} bide_pools_;

#endif
