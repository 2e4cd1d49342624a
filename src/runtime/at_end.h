/*
 * at_end.h - what the rooms above the runtime do when it ends, and in the child of a fork.
 */
#ifndef BIDE_RUNTIME_AT_END_H
#define BIDE_RUNTIME_AT_END_H

#include "base/library.h"

/* Static data. Each function may be NULL. */
typedef struct bide_at_end {
	/*
	 * At the beginning of bide_shutdown: what waits for threads of the room fails with ECANCELED,
	 * and so does all that comes until `restart`. When it returns, this is completed or posted, and
	 * the threads do not touch the runtime. It does not wait for ever.
	 */
	void (*stop)(void);
	/*
	 * In bide_shutdown, when no other thread of the library runs, and the results that no consumer
	 * took were dropped. The pools are there still, and no async function will run any more. It
	 * does not wait for ever.
	 */
	void (*last)(void);
	/* The shutdown is over, or has failed. */
	void (*restart)(void);
	/*
	 * In bide_shutdown, when no other thread of the library runs and the pools are gone. It frees
	 * what it has of the allocator.
	 */
	void (*end)(void);
	/*
	 * In the child of a fork, on its only thread: any lock may be held for ever. It takes no lock,
	 * and calls nothing of the library.
	 */
	void (*fork)(void);
	struct bide_at_end *next;
	uint32_t is_listed;
} bide_at_end;

/* From now on its functions are called, in every life of the runtime. May be called again. */
BIDE_INTERNAL void bide_at_end_add_(bide_at_end *entry);

/* For the runtime. */
BIDE_INTERNAL void bide_at_end_stop_(void);
BIDE_INTERNAL void bide_at_end_last_(void);
BIDE_INTERNAL void bide_at_end_restart_(void);
BIDE_INTERNAL void bide_at_end_run_(void);
BIDE_INTERNAL void bide_at_end_fork_(void);

#endif
