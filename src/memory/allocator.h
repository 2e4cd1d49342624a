/*
 * allocator.h - the allocator that the user may set, and memory that stays for a while.
 */
#ifndef BIDE_MEMORY_ALLOCATOR_H
#define BIDE_MEMORY_ALLOCATOR_H

#include "base/library.h"

/* Returns memory, or NULL. */
BIDE_INTERNAL void *bide_allocate_(size_t size_bytes, size_t alignment);
BIDE_INTERNAL void bide_deallocate_(void *memory, size_t size_bytes);
/*
 * Frees an object that the user may still refer to. In debug mode its memory stays for a while, but
 * for its first 8 bytes, so that a later use of it is reported.
 */
BIDE_INTERNAL void bide_retire_(void *memory, size_t size_bytes);
/*
 * The first allocates BIDE_TASK_BYTES_ for a task, aligned to 16 bytes, or returns NULL. The second
 * does what bide_retire_ does. Each counts the memory and the task in one step. head: of this
 * thread.
 */
BIDE_INTERNAL void *bide_allocate_task_(bide_thread_head *head);
BIDE_INTERNAL void bide_retire_task_(void *memory);
/* Frees all that stayed in debug mode. */
BIDE_INTERNAL void bide_retired_free_(void);
/*
 * Frees memory that has objects in use, at shutdown. It counts as freed, and stays until much more
 * has come, so that a later use of it is reported. Nothing stays of an allocator of the user's,
 * because its memory may go with it. Under the lock of the setup.
 */
BIDE_INTERNAL void bide_keep_(void *memory, size_t size_bytes);

/*
 * Lets valgrind take memory of the user's as initialised. The init of an object reads whether the
 * object is there already, which its own address tells.
 */
BIDE_INTERNAL void bide_memory_known_(void *at, size_t size_bytes);

/* A walker, of the memory that stays. Under the lock of the setup. */
BIDE_INTERNAL bool bide_allocator_is_valid_(void);

#endif
