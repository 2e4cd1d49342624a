/*
 * pool.h - object pools, by size class: what is taken, given back and visited. bide/frame.h has the
 * functions that inlined code calls.
 *
 * Words of this folder:
 *   object   memory of a size class, which begins with a bide_source
 *   class    all objects of one size; the kind of an object holds its class
 *   chunk    memory from the allocator that objects of one class are cut from
 *   made     cut from a chunk, ever; an object that is made is in use or free
 *   list     the free objects of one thread and class, linked through the generation
 *   room     how many more objects a thread may be given back before it hands a batch on
 *   batch    up to 32 free objects, linked through the generation, that change threads together
 *   depot    the batches that belong to no thread
 *   record   what stands in front of an object in checked mode, and of each single object
 *   single   an object that is an allocation of its own
 *   big      single, and above the largest class; in buckets of equal size while it is free
 *   parent's of the process that forked this one
 */
#ifndef BIDE_MEMORY_POOL_H
#define BIDE_MEMORY_POOL_H

#include "base/fetch.h"
#include "base/thread.h"

/* Sets up the pools of a thread's record, which is zeroed. The first thread decides the mode. */
BIDE_INTERNAL void bide_pools_join_(bide_thread *thread);
/* Gives a thread's free objects to the others, because the thread ends. */
BIDE_INTERNAL void bide_pools_leave_(bide_thread *thread);
/* Gives one object back from a thread without a record. */
BIDE_INTERNAL void bide_pools_give_(bide_source *source);
/* Gives all memory back to the allocator. No thread may use the pools any more. */
BIDE_INTERNAL void bide_pools_free_(void);

/*
 * For the child of a fork. The lists are locked while the process forks. Then, in the child,
 * objects in use are visited no more (disown). At the first use of bide in the child (inherit) they
 * are visited a last time. Their memory stays, for stale addresses, and new memory is taken.
 */
BIDE_INTERNAL void bide_pools_lock_(void);
BIDE_INTERNAL void bide_pools_unlock_(void);
BIDE_INTERNAL void bide_pools_disown_(void);
BIDE_INTERNAL void bide_pools_inherit_(void (*visit)(bide_source *source, void *argument));

/*
 * Begins to fetch an object that the thread takes a few calls later, if it lies in the cache of
 * another core: of a batch, which another thread gave. A link has to be read before the object
 * behind it can be fetched, so the links alone would make each take wait. In other objects the
 * address is one of any memory, or of none, which does no harm.
 */
static inline void bide_pool_fetch_(const bide_thread_head *head, unsigned size_class)
{
	const bide_source *next = head->pool[size_class].free;

	if (next)
		bide_fetch_to_write_(next->payload.p);
}

/* --- visits: for counts, dumps and leak reports --- */

/*
 * Calls visit for each frame and operation in use, under the lock of the pools. Other threads
 * change them meanwhile.
 */
BIDE_INTERNAL void bide_pools_visit_(void (*visit)(bide_source *source, void *argument),
                                     void *argument);
/*
 * The same in steps. visit returns false to end the step; the next step calls it with that object
 * again. No lock is held between steps. Set visit and argument, and zero the rest, before the first
 * step.
 */
typedef struct bide_pools_walk {
	bool (*visit)(bide_source *source, void *argument);
	void *argument;
	/* Where it stands: the object with this index in this chunk of this class comes next. */
	unsigned size_class;
	struct bide_chunk *chunk;
	uint32_t index;
	/* Behind the chunks: single objects with lower numbers are left; 0: all of them. */
	uint64_t before;
	uint32_t epoch; /* of the pools, when it began */
	bool begun;
} bide_pools_walk;
typedef enum bide_pools_walked {
	BIDE_POOLS_OVER_,
	BIDE_POOLS_PAUSED_,
	/* The thread that holds the lock does not give it back: it is stopped, or is this thread. */
	BIDE_POOLS_LOCKED_
} bide_pools_walked;
BIDE_INTERNAL bide_pools_walked bide_pools_walk_(bide_pools_walk *walk);
/*
 * In a visit: returns true if the address is in memory of the pools, which lasts until shutdown.
 * Cost: it walks the chunks.
 */
BIDE_INTERNAL bool bide_pools_hold_(const void *address);
/* Returns where a frame was started, if that was recorded (in debug mode); else NULL. */
BIDE_INTERNAL const bide_place *bide_started_at_(const bide_frame *frame);

/* --- walkers: they print the invariant that is broken, and return false --- */

/* What all threads share. Any thread. */
BIDE_INTERNAL bool bide_pools_are_valid_(void);
/* The lists of one thread. Called by that thread, or when it does not run. */
BIDE_INTERNAL bool bide_pool_is_valid_(const bide_thread_head *head);

#endif
