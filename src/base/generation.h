/*
 * generation.h - what bide_source.generation holds besides a generation.
 *
 * In an object of a pool the top 16 bits tell what it is: they are 0 in free memory, where the rest
 * is a link, and the number of a thread in a generation. All of them are 1 in a reference count.
 */
#ifndef BIDE_BASE_GENERATION_H
#define BIDE_BASE_GENERATION_H

#include "base/library.h"

/*
 * The generation, in the child of a fork, of everything that was pending in the parent. It is
 * neither a real generation nor a link of a free list.
 */
#define BIDE_GENERATION_PARENT_ ((uint64_t)1)
/* The generation of what was in use when a shutdown gave all memory back. */
#define BIDE_GENERATION_ENDED_ ((uint64_t)2)
/* References are counted in the generation. A count is this, plus the references. */
#define BIDE_COUNT_BASE_ ((uint64_t)0xFFFF << 48)

/* The object of a pool has a generation or a reference count. */
static inline bool bide_is_in_use_(const bide_source *source)
{
	return BIDE_LOAD(&source->generation, RELAXED) >> 48 != 0;
}

#endif
