/*
 * slab.h - memory that stays of one type: the objects that a reactor's events refer to.
 *
 * An event that was fetched before its object was closed finds the object closed, or in use anew,
 * but never memory of another kind. So it may take the lock of the handle in the object, and then
 * see that the generation is another one.
 *
 * An object is zero when it is first taken. Afterwards it keeps what it held when it was given
 * back: the lock and the generation of its handle go on. Two words of it are the slab's while it is
 * free. Code that has a pointer to a closed object never looks at these two.
 *
 * A shutdown frees the memory of each slab of which nothing is in use. In debug mode it reports
 * what the program has not closed. In the child of a fork the memory stays with the parent's
 * objects, and new memory is taken.
 */
#ifndef BIDE_IO_SLAB_H
#define BIDE_IO_SLAB_H

#include "base/library.h"

struct bide_slab_chunk;

/* The two words. A handle does not lie here. */
typedef struct bide_slab_link {
	struct bide_slab_link *older, *newer; /* while the object is free */
} bide_slab_link;

typedef struct bide_slab {
	const char *type;    /* of the objects */
	uint32_t size_bytes; /* of an object: a multiple of 64 */
	uint32_t link_bytes; /* where the two words are in an object */
	uint32_t lock;
	size_t in_use;
	size_t reported; /* how many of them a shutdown has reported, in debug mode */
	/* The two words of free objects. Debug mode takes the oldest, so that misuse shows. */
	void *newest, *oldest;
	struct bide_slab_chunk *chunks;
	struct bide_slab_chunk *parent_chunks; /* in the child of a fork: they are kept */
	struct bide_slab *next;                /* all slabs that have chunks */
	bool is_listed;
} bide_slab;

/* Of a type whose first two words are the slab's while an object is free. */
#define BIDE_SLAB_OF_(type_) BIDE_SLAB_LINKED_AT_(type_, 0)
#define BIDE_SLAB_LINKED_AT_(type_, bytes)                                        \
	{                                                                             \
		.type = #type_, .size_bytes = (uint32_t)((sizeof(type_) + 63) / 64 * 64), \
		.link_bytes = (uint32_t)(bytes),                                          \
	}

/* Returns an object, aligned to 64 bytes, or NULL if there is no memory. Any thread. */
BIDE_INTERNAL void *bide_slab_take_(bide_slab *slab);
/* Any thread. Nothing but stale events refers to the object. */
BIDE_INTERNAL void bide_slab_give_(bide_slab *slab, void *object);
/* A walker. Takes the lock. */
BIDE_INTERNAL bool bide_slab_is_valid_(bide_slab *slab);

#endif
