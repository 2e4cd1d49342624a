/*
 * pool.h - pools of objects, by size class: what is taken, given back and visited.
 */
#ifndef BIDE_MEMORY_POOL_H
#define BIDE_MEMORY_POOL_H

#include "base/thread.h"

/* Sets up the pools of a thread's record, which is zeroed. The first thread decides the mode. */
BIDE_INTERNAL void bide_pools_join_(bide_thread *thread);
/* Gives every chunk of every pool back. Only at shutdown. */
BIDE_INTERNAL void bide_pools_release_(void);
/* Gives one object back from a thread without a record. */
BIDE_INTERNAL void bide_pools_give_(bide_source *source);
/* Gives a thread's free memory to the others (an external thread ends). */
BIDE_INTERNAL void bide_pools_leave_(bide_thread *thread);

/*
 * For the child of a fork. The lists are locked during it. In the child nothing of what is in use
 * is visited any more (disown), and at its first use (inherit) once, for the last time: the memory
 * stays for stale addresses, and new memory is taken.
 */
BIDE_INTERNAL void bide_pools_lock_(void);
BIDE_INTERNAL void bide_pools_unlock_(void);
BIDE_INTERNAL void bide_pools_disown_(void);
BIDE_INTERNAL void bide_pools_inherit_(void (*visit)(bide_source *source, void *argument));

/* Calls visit for each frame and operation in use, relaxed: for stats, dumps and leak reports. */
BIDE_INTERNAL void bide_pools_visit_(void (*visit)(bide_source *source, void *argument),
                                     void *argument);
/*
 * The same in steps: visit returns false to be called again with the object in the next step. No
 * lock is held between steps. Begins with visit and argument set, the rest zeroed.
 */
typedef struct bide_pools_walk {
	bool (*visit)(bide_source *source, void *argument);
	void *argument;
	void *chunk;
	uint64_t before;
	unsigned size_class;
	uint32_t index, epoch;
	bool begun;
} bide_pools_walk;
typedef enum bide_pools_walked {
	BIDE_POOLS_OVER_,
	BIDE_POOLS_PAUSED_,
	BIDE_POOLS_LOCKED_ /* by a thread that does not give the lock back: it is stopped, or is this */
} bide_pools_walked;
BIDE_INTERNAL bide_pools_walked bide_pools_walk_(bide_pools_walk *walk);
/* In such a visit: this address is in memory of the pools, which lasts until shutdown. Walks. */
BIDE_INTERNAL bool bide_pools_hold_(const void *address);
/* Returns where a frame was started, if that was recorded (in debug mode); else NULL. */
BIDE_INTERNAL const bide_place *bide_started_at_(const bide_frame *frame);

#endif
